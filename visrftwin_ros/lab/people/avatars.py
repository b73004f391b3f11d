"""The people of the lab: bodies of many shapes, dressed, walking their walks.

The bodies are `anny`'s (Bregier et al., "Human mesh modeling for Anny body", arXiv 2511.03589),
shaped once a person; then joints move with the gait by linear blend skinning.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

from visrftwin_ros.lab.people.body_rig import Rig, body_rigs
from visrftwin_ros.lab.people.burdens import FACES, Burden, drawn_burden
from visrftwin_ros.lab.people.gait import JointAngles, joint_angles
from visrftwin_ros.lab.people.walks import Walks, stride_length
from visrftwin_ros.lab.people.wardrobe import PARTS, Outfit, drawn_outfit, dressed_parts, puffed

__all__ = ["PARTS", "Avatars", "BodyMesh", "make_avatars"]

_BACKWARD = np.pi / 2
"""anny looks along -y; a heading of 0 looks along +x."""


@dataclass(frozen=True)
class BodyMesh:
    """vertices: (V, 3) m, world, z up. faces: (F, 3). part: (F,) index into `wardrobe.PARTS`."""

    vertices: Float[np.ndarray, "v 3"]
    faces: Int[np.ndarray, "f 3"]
    part: Int[np.ndarray, " f"]


@dataclass(frozen=True)
class Avatars:
    """walks: who is where. rigs, outfits: their bodies and clothes. parts: (F,) each, of the faces.
    burdens: what each has along, None for nothing; cameras do not see it."""

    walks: Walks
    rigs: tuple[Rig, ...]
    outfits: tuple[Outfit, ...]
    parts: tuple[Int[np.ndarray, " f"], ...]
    burdens: tuple[Burden | None, ...]

    def meshes(self, t: float) -> tuple[BodyMesh, ...]:
        """One mesh a person at time `t` [s], the same faces at every time."""
        bodies, phases = self.walks.at(t), self.walks.stride(t)
        speeds = np.linalg.norm(bodies.velocity[:, :2], axis=1)
        # Starting and stopping steps are short; the square-root law would make them too long.
        steps = stride_length(speeds) / 2 * np.clip(speeds / 0.5, 0, 1)
        return tuple(
            BodyMesh(
                _placed(
                    posed(rig, joint_angles(float(phases[i]), float(steps[i]))),
                    bodies.position[i],
                    float(bodies.heading[i]),
                ),
                rig.faces,
                self.parts[i],
            )
            for i, rig in enumerate(self.rigs)
        )

    def carried(self, t: float) -> tuple[Float[np.ndarray, "v 3"], ...]:
        """Of each person the corners (8, 3) of what it has along, in the world; else none (0, 3)."""
        bodies = self.walks.at(t)
        return tuple(
            np.zeros((0, 3))
            if burden is None
            else burden.placed(bodies.position[i], float(bodies.heading[i]))
            for i, burden in enumerate(self.burdens)
        )

    def carried_faces(self, person: int) -> Int[np.ndarray, "f 3"]:
        """Triangles of what a person has along, by its corners."""
        return FACES if self.burdens[person] is not None else FACES[:0]

    def colours(self, person: int) -> Float[np.ndarray, "f 3"]:
        """sRGB of each face of a person."""
        return self.outfits[person].face_colours(self.rigs[person], self.parts[person])


def make_avatars(walks: Walks, seed: int) -> Avatars:
    """Bodies and clothes for everybody of the walks: their height and material, the rest drawn."""
    rng = np.random.default_rng([seed, len(walks.ids), 7])
    shapes = body_rigs(walks.height, walks.width, rng)
    outfits = tuple(drawn_outfit(material, rng) for material in walks.material)
    parts = tuple(dressed_parts(rig, outfit) for rig, outfit in zip(shapes, outfits, strict=True))
    rigs = tuple(
        puffed(rig, part, outfit) for rig, part, outfit in zip(shapes, parts, outfits, strict=True)
    )
    burdens = tuple(drawn_burden(float(height), rng) for height in walks.height)
    return Avatars(walks, rigs, outfits, parts, burdens)


def posed(rig: Rig, pose: JointAngles) -> Float[np.ndarray, "v 3"]:
    """(V, 3) vertices in the rig's own frame, the lowest at height 0, its volume's middle over the origin.

    A body is where its mass is, which is what sensors and links meet; pelvis joints lie some 4 cm
    behind that.

    Angles turn about the body's lateral axis (+x, its left); a rotation is given in the rest frame
    and carried along by the joint's parent.
    """
    turns = {"pelvis": Rotation.from_euler("yz", [pose.pelvis_lean, pose.pelvis_turn])}
    turns["spine"] = Rotation.from_euler("yz", [-pose.pelvis_lean, -2 * pose.pelvis_turn])
    turns["head"] = Rotation.from_euler("z", pose.pelvis_turn)
    for side, name in enumerate(("l", "r")):
        sign = 1.0 if name == "l" else -1.0
        turns[f"hip_{name}"] = Rotation.from_euler("yx", [sign * rig.leg_in, -pose.hip[side]])
        turns[f"knee_{name}"] = Rotation.from_euler("x", pose.knee[side])
        turns[f"ankle_{name}"] = Rotation.from_euler("x", -pose.ankle[side])
        arm = Rotation.from_euler("yx", [sign * rig.arm_down, -pose.shoulder[side]])
        turns[f"shoulder_{name}"] = arm
        axis = arm.inv().apply([1.0, 0.0, 0.0])
        turns[f"elbow_{name}"] = Rotation.from_rotvec((rig.elbow_bent - pose.elbow[side]) * axis)
    vertices = rig.skinned({name: turn.as_matrix() for name, turn in turns.items()})
    vertices[:, 2] -= vertices[:, 2].min()
    vertices[:, :2] -= _middle(vertices, rig.faces)[:2]
    return vertices


def _middle(
    vertices: Float[np.ndarray, "v 3"], faces: Int[np.ndarray, "f 3"]
) -> Float[np.ndarray, " 3"]:
    """Of the volume that a mesh encloses, as that of tetrahedra between its triangles and the origin."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    volume = np.einsum("ij,ij->i", a, np.cross(b, c))
    return np.asarray(volume @ (a + b + c) / (4 * volume.sum()))


def _placed(
    vertices: Float[np.ndarray, "v 3"], position: Float[np.ndarray, " 3"], heading: float
) -> Float[np.ndarray, "v 3"]:
    c, s = np.cos(heading + _BACKWARD), np.sin(heading + _BACKWARD)
    return np.asarray(vertices @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) + position)
