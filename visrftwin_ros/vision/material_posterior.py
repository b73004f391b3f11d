"""Probabilities of what a surface is made of: of each patch, and of the whole of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.special import softmax

from visrftwin_ros.vision.lifting import Looks
from visrftwin_ros.vision.surface_patches import Patches
from visrftwin_ros.vision.visible_classes import NAMES, UNKNOWN, kind_prior

COLUMNS = (*(name for name in NAMES if name != "other"), UNKNOWN)
"""Of a posterior."""
CONFIDENT = 0.5
"""From this probability on a surface is called by a class: that is likelier than all else together."""


def patch_posterior(
    patches: Patches, looks: Looks, kinds: Sequence[str]
) -> Float[np.ndarray, "n columns"]:
    """(N, COLUMNS) of each patch. kinds: of each surface, as a map has it, or "".

    Bayes' rule with `kind_prior`; a patch that nobody saw is unknown, and so is what is no building
    material.
    """
    prior = np.array([kind_prior(kind) for kind in kinds])[patches.surface]
    classes = softmax(looks.logits + np.log(prior), axis=1)
    other = NAMES.index("other")
    found = np.column_stack([np.delete(classes, other, axis=1), classes[:, other]])
    found[looks.crops == 0] = np.eye(len(COLUMNS))[-1]
    return np.asarray(found)


def surface_posterior(
    patches: Patches, of_patch: Float[np.ndarray, "n columns"], surfaces: int
) -> Float[np.ndarray, "surfaces columns"]:
    """The mean of the patches of each surface, by area: at a place of it that nobody has picked."""
    sums = np.zeros((surfaces, of_patch.shape[1]))
    np.add.at(sums, patches.surface, of_patch * patches.area[:, None])
    return np.asarray(sums / sums.sum(axis=1, keepdims=True))


def name_of(posterior: Float[np.ndarray, " columns"]) -> str:
    """The class from CONFIDENT on, else UNKNOWN."""
    best = int(posterior.argmax())
    return COLUMNS[best] if posterior[best] >= CONFIDENT else UNKNOWN
