"""A person's mesh at rest with its joints, from anny, in numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from visrftwin_ros.errors import TwinError

JOINTS: Mapping[str, tuple[str, str]] = {
    "pelvis": ("root", ""),
    "hip_l": ("upperleg01.L", "pelvis"),
    "knee_l": ("lowerleg01.L", "hip_l"),
    "ankle_l": ("foot.L", "knee_l"),
    "hip_r": ("upperleg01.R", "pelvis"),
    "knee_r": ("lowerleg01.R", "hip_r"),
    "ankle_r": ("foot.R", "knee_r"),
    "spine": ("spine03", "pelvis"),
    "head": ("neck02", "spine"),
    "shoulder_l": ("upperarm01.L", "spine"),
    "elbow_l": ("lowerarm01.L", "shoulder_l"),
    "shoulder_r": ("upperarm01.R", "spine"),
    "elbow_r": ("lowerarm01.R", "shoulder_r"),
}
"""Joint -> anny's bone that begins there, and the joint before it. Bones below belong to it."""
_TOPOLOGY = "notoes_collapse10pc"
"""anny's mesh of 1229 vertices: fingers and toes in one piece are enough for a room camera."""
_UPRIGHT_ARM = np.radians(8.0)
"""A hanging arm's angle from the vertical."""
_FEET_APART = 0.14
"""Metres from ankle to ankle: heels are 0.17 apart in quiet standing (McIlroy and Maki, "Preferred
placement of the feet during quiet stance", Clin. Biomech. 1997), a tenth in walking."""


@dataclass(frozen=True)
class Rig:
    """A body at rest, x to its left, looking along -y, z up, feet at 0.

    vertices: (V, 3) metres. faces: (F, 3). heads: (J, 3) places of `JOINTS`, metres. weights:
    (V, J), rows sum to 1. arm_down: radians about y that let the left arm hang. elbow_bent: radians
    that the elbows are bent at rest. leg_in: radians about y that bring the left foot in.
    """

    vertices: Float[np.ndarray, "v 3"]
    faces: Int[np.ndarray, "f 3"]
    heads: Float[np.ndarray, "j 3"]
    weights: Float[np.ndarray, "v j"]
    arm_down: float
    elbow_bent: float
    leg_in: float

    def skinned(self, turns: Mapping[str, Float[np.ndarray, "3 3"]]) -> Float[np.ndarray, "v 3"]:
        """(V, 3) vertices with rotations (3, 3) at the joints: linear blend skinning.

        A rotation is in the rest frame and acts before those of the joints above it.
        """
        rotations = np.empty((len(JOINTS), 3, 3))
        shifts = np.empty((len(JOINTS), 3))
        names = list(JOINTS)
        for i, name in enumerate(names):
            turn = turns.get(name, np.eye(3))
            shift = self.heads[i] - turn @ self.heads[i]
            above = JOINTS[name][1]
            if above:
                k = names.index(above)
                turn, shift = rotations[k] @ turn, rotations[k] @ shift + shifts[k]
            rotations[i], shifts[i] = turn, shift
        blended = (self.weights @ rotations.reshape(len(names), 9)).reshape(-1, 3, 3)
        return np.asarray(np.einsum("vij,vj->vi", blended, self.vertices) + self.weights @ shifts)


def body_rigs(
    heights: Float[np.ndarray, " n"], widths: Float[np.ndarray, " n"], rng: np.random.Generator
) -> tuple[Rig, ...]:
    """Adults of these heights [m], the broader the heavier; sex, age and build drawn."""
    return tuple(
        _rig(
            float(height),
            gender=float(rng.integers(2)) * 0.8 + 0.1,
            age=float(rng.uniform(0.6, 0.95)),
            muscle=float(rng.uniform(0.3, 0.75)),
            weight=float(np.clip(0.5 + 5 * (width - 0.45 * height / 1.75), 0.3, 0.8)),
            proportions=float(rng.uniform(0.4, 0.8)),
        )
        for height, width in zip(heights, widths, strict=True)
    )


def _rig(height: float, **shape: float) -> Rig:
    model, coarse, faces, joint_of_bone = _anny()
    rest: dict[str, Any] = {}
    level = 0.5
    for _ in range(3):  # anny's height is a share, nearly linear in metres
        coefficients = model.get_phenotype_blendshape_coefficients(height=level, **shape)
        rest = model.get_rest_model(coefficients)
        tall = np.ptp(rest["rest_vertices"][0, :, 2].numpy())
        level = float(np.clip(level + (height - tall) / 1.0, 0.0, 1.0))
    vertices = rest["rest_vertices"][0].numpy().astype(float)
    bones = rest["rest_bone_poses"][0, :, :3, 3].numpy().astype(float)
    scale = height / np.ptp(vertices[:, 2])
    ground = np.array([bones[0, 0], bones[0, 1], vertices[:, 2].min()])
    vertices, bones = scale * (vertices - ground), scale * (bones - ground)
    labels = list(model.bone_labels)
    heads = np.array([bones[labels.index(name)] for name, _ in JOINTS.values()])
    bone = {label: bones[i] for i, label in enumerate(labels)}
    arm = bone["lowerarm01.L"] - bone["upperarm01.L"]
    forearm = bone["wrist.L"] - bone["lowerarm01.L"]
    bent = np.arccos(arm @ forearm / (np.linalg.norm(arm) * np.linalg.norm(forearm)))
    leg = bone["foot.L"] - bone["upperleg01.L"]
    inwards = np.arcsin((bone["upperleg01.L"][0] - _FEET_APART / 2) / np.hypot(leg[0], leg[2]))
    dense = np.zeros((len(vertices), len(JOINTS)))
    weights, owners = model.vertex_bone_weights.numpy(), model.vertex_bone_indices.numpy()
    np.add.at(dense, (np.arange(len(vertices))[:, None], joint_of_bone[owners]), weights)
    dense = dense[coarse] / dense[coarse].sum(axis=1, keepdims=True)
    return Rig(
        vertices=vertices[coarse],
        faces=faces,
        heads=heads,
        weights=dense,
        arm_down=float(np.arctan2(arm[0], -arm[2]) - _UPRIGHT_ARM),
        elbow_bent=float(bent),
        leg_in=float(np.arctan2(leg[0], -leg[2]) + inwards),
    )


@cache
def _anny() -> tuple[Any, Int[np.ndarray, " v"], Int[np.ndarray, "f 3"], Int[np.ndarray, " b"]]:
    """The model, its vertex nearest each of the coarse mesh's, that mesh's faces, bones' joints."""
    try:
        import anny
        from anny.paths import get_anny_root_dir
    except ImportError as error:
        raise TwinError(
            f"the lab's people need the package anny ({error}): `pip install --no-deps anny roma`"
        ) from error
    # The original blend shapes: compacting them takes a minute and 2 GB, once.
    model = anny.Anny(phenotype_blendshapes="original", skinning_method="lbs")
    lines = (get_anny_root_dir() / "data" / "topology" / f"{_TOPOLOGY}.obj").read_text().split("\n")
    corners = np.array([line.split()[1:4] for line in lines if line.startswith("v ")], float)
    polygons = [
        [int(corner.split("/")[0]) - 1 for corner in line.split()[1:]]
        for line in lines
        if line.startswith("f ")
    ]
    faces = np.array(
        [
            (polygon[0], polygon[k], polygon[k + 1])
            for polygon in polygons
            for k in range(1, len(polygon) - 1)
        ]
    )
    upright = corners @ np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])  # its y is up
    nearest = cKDTree(model.template_vertices.numpy()).query(upright)[1]
    names = {bone: i for i, (bone, _) in enumerate(JOINTS.values())}
    joint_of_bone = np.zeros(model.bone_count, int)
    for i, label in enumerate(model.bone_labels):  # parents come first
        above = model.bone_parents[i]
        joint_of_bone[i] = names.get(label, joint_of_bone[above] if above >= 0 else 0)
    return model, np.asarray(nearest), faces, joint_of_bone
