"""From what an embedder gives to how well each visible class fits: a trained head, or words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Protocol

import numpy as np
from jaxtyping import Float

from visrftwin_ros.errors import TwinError
from visrftwin_ros.vision.embedders import OpenClip
from visrftwin_ros.vision.visible_classes import CLASSES, NAMES

PACKAGED_HEAD = "material_head.npz"
_CLIP_SCALE = 100.0
"""Of the cosines in the softmax, as CLIP was trained (Radford et al., 2021, section 2.5)."""


class Head(Protocol):
    """logits: one row of log-odds a crop, one column a class of `visible_classes`, softmax of whose mean over
    crops is a probability."""

    def logits(self, embeddings: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n classes"]: ...


@dataclass(frozen=True)
class LinearHead:
    """Weights over standardised embeddings.

    embedder: its name. mean, deviation: (D,) of the training data. weights: (D, C). offset: (C,).
    temperature: by which the logits are divided, fitted on training folds.
    """

    embedder: str
    mean: Float[np.ndarray, " d"]
    deviation: Float[np.ndarray, " d"]
    weights: Float[np.ndarray, "d classes"]
    offset: Float[np.ndarray, " classes"]
    temperature: float

    def logits(self, embeddings: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n classes"]:
        """As `Head`."""
        plain = (embeddings - self.mean) / self.deviation @ self.weights + self.offset
        return np.asarray(plain / self.temperature)

    def save(self, file: Path) -> None:
        """As `load_head` reads it: numbers in half precision."""
        np.savez_compressed(
            file,
            embedder=self.embedder,
            classes=np.array(NAMES),
            mean=self.mean.astype(np.float32),
            deviation=self.deviation.astype(np.float32),
            weights=self.weights.astype(np.float16),
            offset=self.offset.astype(np.float32),
            temperature=self.temperature,
        )


def load_head(file: Path | None, embedder: str) -> LinearHead:
    """A head trained for this embedder; None: the packaged one. Raises TwinError where it is none, or of other
    classes."""
    source = file or Path(str(files("visrftwin_ros.vision") / "weights" / PACKAGED_HEAD))
    try:
        with np.load(source, allow_pickle=False) as stored:
            found = {name: stored[name] for name in stored.files}
        of, classes = str(found["embedder"]), tuple(str(name) for name in found["classes"])
        mean, deviation, weights, offset = (
            found[name].astype(float) for name in ("mean", "deviation", "weights", "offset")
        )
        head = LinearHead(of, mean, deviation, weights, offset, float(found["temperature"]))
    except (OSError, ValueError, KeyError) as error:
        raise TwinError(f"{source} is no material head: {error}") from error
    if of != embedder:
        raise TwinError(f"{source} was trained for the embedder {of!r}, not for {embedder!r}")
    if classes != NAMES or head.weights.shape != (len(head.mean), len(NAMES)):
        raise TwinError(f"{source}: expected weights for the classes {', '.join(NAMES)}")
    return head


class TextMatch:
    """The paper's (4) and (5): each class is the best of its words, by the cosine to what was seen."""

    def __init__(self, embedder: OpenClip) -> None:
        words = [f"a photo of {word}" for name in NAMES for word in CLASSES[name].words]
        self._texts = embedder.text_embeddings(words)
        self._first = np.cumsum([0, *(len(CLASSES[name].words) for name in NAMES[:-1])])

    def logits(self, embeddings: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n classes"]:
        """As `Head`."""
        return _CLIP_SCALE * best_words(embeddings, self._texts, self._first)


def best_words(
    seen: Float[np.ndarray, "n d"],
    texts: Float[np.ndarray, "m d"],
    first: Sequence[int] | np.ndarray,
) -> Float[np.ndarray, "n classes"]:
    """The largest cosine (5) to any word of each class, whose first rows in `texts` are `first`."""
    seen = seen / np.linalg.norm(seen, axis=1, keepdims=True)
    texts = texts / np.linalg.norm(texts, axis=1, keepdims=True)
    return np.maximum.reduceat(seen @ texts.T, first, axis=1)
