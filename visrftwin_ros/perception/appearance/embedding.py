"""Image-text embeddings of people (CLIP: Radford et al., ICML 2021), through open_clip.

They tell people apart where colours do not, and say what somebody wears by likeness to words.
Nothing is ever made up: without weights that load there is no embedder, and a box that has not been
embedded yet has none.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception.measurements.box_measurements import covered_share
from visrftwin_ros.perception.measurements.detections import Detections

LOG = logging.getLogger(__name__)
FORGET_AFTER_NS = 10_000_000_000
"""A box track that has not been seen for this long takes its embedding with it."""
GROWN = 1.5
"""A crop this much taller than the embedded one shows more: it is embedded again."""
SMALLEST = 40.0
"""px of height under which a crop says nothing."""
REFRESH_NS = 10_000_000_000
"""Somebody is embedded again after this long."""
THREADS = 2
"""Of torch on a CPU: the cores belong to the detector as well."""
LEAST_SCORE = 0.4
MOST_COVERED = 0.25
BURST = 4
"""Crops that may be embedded at once after a quiet time."""


class ImageTextModel:
    """An open_clip network on the CPU or a GPU.

    model: a name that open_clip knows (ViT-B-32), the path of a model configuration (.json), or
    `local-dir:FOLDER`. weights: the path of a checkpoint, or a tag that open_clip can fetch; not
    for local-dir, whose folder has its own. Raises TwinError where it cannot be loaded.
    """

    def __init__(self, model: str, weights: str = "") -> None:
        self._torch, self._network, self._prepare, self._tokens = _loaded(model, weights)
        self.name = model

    def image_embeddings(
        self, crops: Sequence[UInt8[np.ndarray, "_ _ 3"]]
    ) -> Float[np.ndarray, "n d"]:
        """Unit-norm embeddings of BGR crops."""
        from PIL import Image

        with self._torch.inference_mode():
            batch = [self._prepare(Image.fromarray(crop[..., ::-1].copy())) for crop in crops]
            return _unit(self._network.encode_image(self._torch.stack(batch)))

    def text_embeddings(self, texts: Sequence[str]) -> Float[np.ndarray, "n d"]:
        """Unit-norm embeddings of phrases."""
        with self._torch.inference_mode():
            return _unit(self._network.encode_text(self._tokens(list(texts))))


def embedding_model(model: str, weights: str) -> tuple[ImageTextModel | None, str]:
    """The network and '', or None and what is wrong; None and '' where no model is named."""
    if not model:
        return None, ""
    try:
        return ImageTextModel(model, weights), ""
    except TwinError as error:
        return None, f"people are tracked without embeddings: {error}"


@dataclass
class _Known:
    """What is known of one box track: its embedding, of a crop how tall [px], and when seen."""

    look: Float[np.ndarray, " d"]
    height: float
    embedded_ns: int
    seen_ns: int


class PersonEmbedder:
    """Embeds new and changed people at a bounded rate, and remembers them by their box track.

    rate: crops a second, over all people.
    """

    def __init__(self, model: ImageTextModel, rate: float = 5.0) -> None:
        if rate <= 0:
            raise TwinError(f"embedding rate {rate:g} /s must be positive")
        self._model, self._rate = model, rate
        self._known: dict[str, _Known] = {}
        self._credit, self._credited_ns = float(BURST), 0
        self.embedded = 0

    def __len__(self) -> int:
        return len(self._known)

    def reset(self) -> None:
        """Another stream begins: its box tracks are other people."""
        self._known.clear()

    def embedded_detections(
        self, image: UInt8[np.ndarray, "h w 3"], detections: Detections
    ) -> Detections:
        """The detections with the embeddings of their box tracks; zeros where there is none yet."""
        now = detections.stamp_ns
        if now < self._credited_ns:  # time went back: the names may mean others
            self.reset()
        elapsed = max(now - self._credited_ns, 0) * 1e-9
        self._credit = min(self._credit + self._rate * elapsed, float(BURST))
        self._credited_ns = now
        self._embed(image, detections)
        for name in detections.track_id:
            if name in self._known:
                self._known[name].seen_ns = now
        gone = [n for n, known in self._known.items() if now - known.seen_ns > FORGET_AFTER_NS]
        for name in gone:
            del self._known[name]
        looks = [self._known[n].look if n in self._known else None for n in detections.track_id]
        length = next((len(look) for look in looks if look is not None), 0)
        rows = [np.zeros(length) if look is None else look for look in looks]
        embedding = np.array(rows, dtype=np.float64).reshape(len(detections), length)
        return replace(detections, embedding=embedding)

    def _embed(self, image: UInt8[np.ndarray, "h w 3"], detections: Detections) -> None:
        """As many of the boxes that need it as the credit allows, strangers first."""
        corners = detections.corners
        height = corners[:, 3] - corners[:, 1]
        clear = covered_share(corners, corners[:, 3]) < MOST_COVERED
        good = clear & (height >= SMALLEST) & (detections.score >= LEAST_SCORE)
        need: list[tuple[int, float, int]] = []
        for k in np.flatnonzero(good).tolist():
            known = self._known.get(detections.track_id[k])
            if not detections.track_id[k]:
                continue
            if known is None:
                need.append((0, -height[k], k))
            elif height[k] > GROWN * known.height:
                need.append((1, -height[k], k))
            elif detections.stamp_ns - known.embedded_ns > REFRESH_NS:
                need.append((2, float(known.embedded_ns), k))
        limit = np.array([image.shape[1], image.shape[0]] * 2)
        chosen, crops = [], []
        for _, _, k in sorted(need)[: int(self._credit)]:
            left, top, right, bottom = np.clip(np.rint(corners[k]), 0, limit).astype(int)
            if right > left and bottom > top:
                chosen.append(k)
                crops.append(image[top:bottom, left:right])
        if not crops:
            return
        self._credit -= len(crops)
        self.embedded += len(crops)
        for k, look in zip(chosen, self._model.image_embeddings(crops), strict=True):
            now = detections.stamp_ns
            self._known[detections.track_id[k]] = _Known(look, float(height[k]), now, now)


def _unit(vectors: Any) -> Float[np.ndarray, "n d"]:
    array = vectors.float().cpu().numpy().astype(np.float64)
    norm = np.linalg.norm(array, axis=1, keepdims=True)
    if not np.all(np.isfinite(array)) or not np.all(norm > 0):
        raise TwinError("the embedding network gives NaN or zeros: its weights are broken")
    return np.asarray(array / norm)


def _loaded(model: str, weights: str) -> tuple[Any, Any, Any, Any]:
    """torch, the network, its image preparation and its tokenizer."""
    try:
        import open_clip
        import torch
    except ImportError as error:
        raise TwinError(f"embeddings need the package open_clip_torch: {error}") from error
    torch.set_num_threads(THREADS)
    name = model
    if model.endswith(".json"):
        if not Path(model).is_file():
            raise TwinError(f"no embedding model configuration at {model!r}")
        open_clip.add_model_config(model)
        name = Path(model).stem
    folder = model.startswith("local-dir:")
    if not folder:
        if name not in open_clip.list_models():
            raise TwinError(f"open_clip knows no model {model!r}; give a name such as ViT-B-32")
        tags = open_clip.list_pretrained_tags_by_model(name)
        # Without weights open_clip builds a random network and says so only in its log.
        if not weights or not (Path(weights).is_file() or weights in tags):
            known = f" or one of {', '.join(tags[:5])}" if tags else ""
            raise TwinError(
                f"no embedding weights {weights!r} for {model!r}: give the path of a checkpoint{known}"
            )
    try:
        network, prepare = open_clip.create_model_from_pretrained(
            name, pretrained=None if folder else weights
        )
        tokens = open_clip.get_tokenizer(name)
    except Exception as error:  # open_clip, torch, safetensors and the hub raise their own
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise TwinError(
            f"cannot load embedding weights {weights!r} for {model!r}: {first}"
        ) from error
    network.eval()
    return torch, network, prepare, tokens
