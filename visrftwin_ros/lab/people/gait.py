"""How the joints of a walking person move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline

_STRIDE = (0, 10, 20, 30, 40, 50, 60, 70, 80, 90)
"""Per cent of the stride from heel strike to the next of the same foot."""
_ANGLES: Mapping[str, tuple[float, ...]] = {
    "hip": (28, 25, 17, 8, -2, -9, -7, 7, 22, 30),
    "knee": (5, 17, 18, 11, 7, 12, 33, 60, 52, 20),
    "ankle": (0, -4, 3, 7, 10, 5, -17, -8, 0, 1),
    "shoulder": (-22, -20, -13, -3, 7, 11, 9, 2, -8, -17),
    "elbow": (16, 17, 20, 26, 33, 37, 35, 29, 22, 18),
}
"""Degrees of flexion (ankle: dorsiflexion) of natural-cadence walking, read off Winter,
"Biomechanics and Motor Control of Human Movement" (4th ed. 2009), figures 3.29 to 3.33 and
appendix tables A.4, to about 3 degrees; the arms after Murray, Sepic and Barnard, "Patterns of
sagittal rotation of the upper limbs in walking", Physical Therapy 1967. The arm goes back when its
leg goes forward."""
_STANDING = {"hip": 0.0, "knee": 3.0, "ankle": 2.0, "shoulder": 2.0, "elbow": 14.0}
_NATURAL_STEP = 0.7
"""Metres of the steps that the angles belong to."""


@dataclass(frozen=True)
class Joints:
    """Radians of flexion of left and right: hip, knee, ankle, shoulder, elbow (2,); turn of the
    pelvis about the vertical, its lean to the side."""

    hip: Float[np.ndarray, " 2"]
    knee: Float[np.ndarray, " 2"]
    ankle: Float[np.ndarray, " 2"]
    shoulder: Float[np.ndarray, " 2"]
    elbow: Float[np.ndarray, " 2"]
    pelvis_turn: float
    pelvis_lean: float


def walking_joints(phase: float, step: float) -> Joints:
    """The joints at a gait phase [rad, 0 = right heel strike] with steps of `step` metres.

    step 0 is standing; in between, the excursions shrink with the step.
    """
    share = float(np.clip(step / _NATURAL_STEP, 0.0, 1.2))
    at = np.mod(np.array([phase / (2 * np.pi) + 0.5, phase / (2 * np.pi)]), 1.0)
    joints = {
        name: np.radians(rest + share * (_curve(name)(at) - rest))
        for name, rest in _STANDING.items()
    }
    return Joints(
        **joints,
        # The pelvis turns 4 degrees with the forward leg and drops 4 on the swinging side
        # (Saunders, Inman and Eberhart, "The major determinants in normal and pathological gait",
        # J. Bone and Joint Surgery 1953).
        pelvis_turn=float(np.radians(4) * share * np.cos(phase)),
        pelvis_lean=float(np.radians(4) * share * np.sin(phase)),
    )


@cache
def _curve(joint: str) -> CubicSpline:
    """Degrees over the share of the stride."""
    knots = np.array([*_STRIDE, 100]) / 100
    values = np.array([*_ANGLES[joint], _ANGLES[joint][0]], float)
    return CubicSpline(knots, values, bc_type="periodic")
