"""The packaged network is the one that its weights were trained for; others are refused with a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from visrftwin_ros.errors import TwinError
from visrftwin_ros.vision.embedders import DinoV2, EfficientNetLite, OpenClip
from visrftwin_ros.vision.material_heads import LinearHead, best_words, load_head
from visrftwin_ros.vision.material_reader import ReaderChoice
from visrftwin_ros.vision.visible_classes import NAMES


def test_features_are_those_of_another_implementation() -> None:
    """Of efficientnet-lite-pytorch 0.1.0 with the same weights: first channels of the three stages."""
    row, column = np.mgrid[0:128, 0:128]
    crop = np.stack([row * 2 % 256, column * 2 % 256, (row + column) % 256], axis=-1)
    found = EfficientNetLite().image_embeddings([crop.astype(np.uint8)] * 2)
    assert found.shape == (2, 2 * (112 + 192 + 320))
    assert found[0] == pytest.approx(found[1], abs=1e-4)
    starts = (0, 112, 224, 416, 608, 928)
    got = np.array([found[0, start : start + 3] for start in starts])
    assert got == pytest.approx(REFERENCE, abs=2e-3)


REFERENCE = np.array(
    [
        [1.8242464, 4.8182917, 0.9962322], [2.720057, 4.418247, 2.9270256],
        [2.6472633, -0.9796831, -2.1032546], [2.759213, 4.109108, 2.1181133],
        [0.3113088, 2.148321, -0.9013959], [0.93767846, 1.1799471, 0.61393803],
    ]
)  # fmt: skip
"""Mean, then deviation, of each stage."""


def test_networks_without_their_files_say_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(TwinError, match="no DINOv2 weights at 'nothing'"):
        DinoV2("nothing")
    (tmp_path / "w.pth").write_bytes(b"no weights")
    with pytest.raises(TwinError, match="cannot load DINOv2 weights"):
        DinoV2(str(tmp_path / "w.pth"))
    with pytest.raises(TwinError, match="no embedding weights"):
        OpenClip("ViT-B-32", "nothing")


def head(embedder: str) -> LinearHead:
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(4, len(NAMES)))
    return LinearHead(embedder, np.ones(4), np.full(4, 2.0), weights, np.zeros(len(NAMES)), 2.0)


def test_a_head_is_kept_and_serves_its_own_embedder_alone(tmp_path: Path) -> None:
    file = tmp_path / "head.npz"
    made = head("mine")
    made.save(file)
    x = np.array([[3.0, 1.0, 5.0, 1.0]])
    by_hand = (np.array([1.0, 0.0, 2.0, 0.0]) @ made.weights) / 2.0
    assert load_head(file, "mine").logits(x)[0] == pytest.approx(by_hand, abs=2e-3)
    with pytest.raises(TwinError, match="trained for the embedder 'mine', not for 'yours'"):
        load_head(file, "yours")
    (tmp_path / "text.npz").write_text("no head")
    with pytest.raises(TwinError, match="is no material head"):
        load_head(tmp_path / "text.npz", "mine")


def test_the_packaged_head_is_for_the_packaged_network() -> None:
    assert load_head(None, EfficientNetLite.name).weights.shape == (1248, len(NAMES))


def test_a_class_is_as_likely_as_the_best_of_its_words() -> None:
    """Paper's (5) with two words of the first class and one of the second."""
    texts = np.array([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    found = best_words(np.array([[0.0, 3.0], [1.0, 0.0]]), texts, [0, 2])
    assert found == pytest.approx(np.array([[1.0, np.sqrt(0.5)], [1.0, np.sqrt(0.5)]]))


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (("packaged", "ViT-B-32"), "it takes head besides, and model would be ignored"),
        (("packaged", "", "w.pth"), "weights would be ignored"),
        (("open_clip", "ViT-B-32", "w.pt", "h.npz"), "takes model, weights .*head would be"),
        (("open_clip", "ViT-B-32"), "it needs weights as well"),
        (("dinov2", "ViT-B-32", "w.pth", "h.npz"), "model would be ignored"),
        (("dinov2", "", "w.pth"), "it needs head as well"),
        (("none", "", "", "h.npz"), "it takes nothing besides, and head would be ignored"),
        (("clip",), "expected one of packaged, open_clip, dinov2, none"),
    ],
)
def test_what_an_embedder_has_no_use_for_is_an_error(choice: tuple[str, ...], said: str) -> None:
    with pytest.raises(TwinError, match=said):
        ReaderChoice(*choice)


def test_nobody_looks_where_nobody_is_asked_to() -> None:
    assert ReaderChoice("none").load() is None
    embedder, head = ReaderChoice().load() or (None, None)
    assert isinstance(embedder, EfficientNetLite)
    assert isinstance(head, LinearHead)
