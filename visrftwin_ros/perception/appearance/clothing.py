"""What a person wears, named by likeness of their embedding to words (zero-shot classification:
Radford et al., ICML 2021, 3.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from jaxtyping import Float

CLOTHING: Mapping[str, Sequence[str]] = {
    "wool": ("a person in a thick wool coat", "somebody who wears a woollen pullover"),
    "synthetic": ("a person in a rain jacket", "somebody who wears a padded nylon jacket"),
    "denim": ("a person in blue denim jeans", "somebody who wears a jeans jacket"),
    "cotton": ("a person in a cotton shirt", "somebody who wears a t-shirt and light trousers"),
    "skin": ("a person with bare arms and legs", "somebody in swimwear with bare skin"),
}
"""Entry of `bodies.surface` -> phrases; an entry's vector is the mean of its phrases'."""
LEAST_MARGIN = 0.01
"""Cosine by which the best entry must lead, or nothing is said: cosines of text and image differ by
hundredths."""


class TextModel(Protocol):
    """What embeds words into the space of the people's embeddings."""

    def text_embeddings(self, texts: Sequence[str]) -> Float[np.ndarray, "n d"]:
        """Unit-norm embeddings of phrases."""


class ClothingWords:
    """The entries as vectors; the network that made them is not needed any more."""

    def __init__(self, model: TextModel, clothing: Mapping[str, Sequence[str]] = CLOTHING) -> None:
        means = [model.text_embeddings(phrases).mean(axis=0) for phrases in clothing.values()]
        self._vectors = np.array(means) / np.linalg.norm(means, axis=1, keepdims=True)
        self._names = tuple(clothing)

    def entry(self, look: Float[np.ndarray, " d"]) -> str:
        """The clothing entry of a person's embedding; '' where it is of another network or unsure."""
        if len(look) != self._vectors.shape[1] or not np.any(look):
            return ""
        likeness = self._vectors @ look
        order = np.argsort(likeness)[::-1]
        sure = likeness[order[0]] - likeness[order[1]] >= LEAST_MARGIN
        return self._names[order[0]] if sure else ""
