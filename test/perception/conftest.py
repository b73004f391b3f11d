"""Networks small enough to make on the spot."""

from __future__ import annotations

import json

import pytest

TINY = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Paths of a model configuration and of a checkpoint for it."""
    open_clip = pytest.importorskip("open_clip", reason="open_clip_torch is not installed")
    import torch

    folder = tmp_path_factory.mktemp("clip")
    config, weights = folder / "tiny-clip.json", folder / "tiny.pt"
    config.write_text(json.dumps(TINY))
    open_clip.add_model_config(config)
    torch.manual_seed(0)
    torch.save(open_clip.create_model("tiny-clip").state_dict(), weights)
    return str(config), str(weights)
