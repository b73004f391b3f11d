"""What people wear: which part of the body is cloth, skin or hair, and its colour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.lab.people.body_rig import JOINTS, Rig

PARTS = ("skin", "hair", "top", "bottom", "shoes")
Pattern = Literal["plain", "stripes", "mottled"]
Colour = tuple[float, float, float]

_SKINS: tuple[Colour, ...] = (
    (0.87, 0.70, 0.60), (0.80, 0.60, 0.48), (0.64, 0.45, 0.33), (0.45, 0.30, 0.21), (0.31, 0.20, 0.15),
)  # fmt: skip
_HAIRS: tuple[Colour, ...] = (
    (0.07, 0.06, 0.05), (0.17, 0.11, 0.07), (0.32, 0.21, 0.12), (0.62, 0.49, 0.30), (0.55, 0.54, 0.53),
)  # fmt: skip
_SHOES: tuple[Colour, ...] = (
    (0.06, 0.06, 0.06), (0.28, 0.17, 0.09), (0.80, 0.80, 0.80), (0.20, 0.22, 0.28),
)  # fmt: skip
_DARK: tuple[Colour, ...] = (
    (0.08, 0.08, 0.09), (0.13, 0.15, 0.22), (0.25, 0.24, 0.23), (0.38, 0.33, 0.25), (0.19, 0.20, 0.16),
)  # fmt: skip
_JEANS: tuple[Colour, ...] = ((0.15, 0.21, 0.34), (0.24, 0.32, 0.46), (0.10, 0.12, 0.19))
_BRIGHT: tuple[Colour, ...] = (
    (0.82, 0.82, 0.80), (0.68, 0.12, 0.12), (0.13, 0.30, 0.56), (0.16, 0.40, 0.24), (0.80, 0.64, 0.18),
    (0.42, 0.18, 0.42), (0.50, 0.52, 0.54), (0.86, 0.52, 0.46), (0.10, 0.10, 0.11), (0.45, 0.66, 0.76),
)  # fmt: skip


@dataclass(frozen=True)
class _Style:
    """top: its colours. thickness: metres that the top stands off. length: where it ends, as a share
    of the way from hip to knee. sleeves: to what share of the arm."""

    top: tuple[Colour, ...]
    thickness: float
    length: float
    sleeves: tuple[float, float]


_STYLES: Mapping[str, _Style] = {
    "cotton": _Style(_BRIGHT, 0.008, 0.05, (0.35, 1.0)),
    "denim": _Style(_JEANS, 0.014, 0.10, (1.0, 1.0)),
    "wool": _Style(_DARK, 0.025, 0.75, (1.0, 1.0)),
    "synthetic": _Style(_BRIGHT, 0.025, 0.20, (1.0, 1.0)),
}


@dataclass(frozen=True)
class Outfit:
    """colours: sRGB of each of `PARTS`. pattern: of the top, with its second colour. The rest: as
    `_Style`, drawn; shorts: the bottom ends above the knee."""

    colours: tuple[Colour, ...]
    pattern: Pattern
    second: Colour
    thickness: float
    length: float
    sleeve: float
    shorts: bool

    def face_colours(self, rig: Rig, part: Int[np.ndarray, " f"]) -> Float[np.ndarray, "f 3"]:
        """sRGB of every face: its part's, with the pattern on the top and a little unevenness."""
        colours = np.array(self.colours)[part]
        centres = rig.vertices[rig.faces].mean(axis=1)
        if self.pattern == "stripes":
            striped = (part == PARTS.index("top")) & (np.mod(centres[:, 2], 0.14) < 0.07)
            colours[striped] = self.second
        grain = np.sin(centres @ np.array([[91.7], [47.3], [63.1]]) * 7.0)
        uneven = 0.10 if self.pattern == "mottled" else 0.03
        return np.asarray(np.clip(colours * (1 + uneven * grain), 0.01, 0.95))


def drawn_outfit(material: str, rng: np.random.Generator) -> Outfit:
    """Clothes whose top is of `material`, a key of `bodies.surface.CLOTHING`."""
    style = _STYLES.get(material, _STYLES["cotton"])
    shorts = material == "cotton" and rng.uniform() < 0.25
    bottoms = _JEANS if rng.uniform() < 0.4 else _DARK
    picks = [_SKINS, _HAIRS, style.top, bottoms, _SHOES]
    drawn = [np.array(colours[int(rng.integers(len(colours)))]) for colours in picks]
    varied = [np.clip(colour + rng.normal(0, 0.03), 0.02, 0.95) for colour in drawn]
    second = np.array(_BRIGHT[int(rng.integers(len(_BRIGHT)))])
    patterns: tuple[Pattern, ...] = ("plain", "plain", "stripes", "mottled")
    return Outfit(
        colours=tuple((float(c[0]), float(c[1]), float(c[2])) for c in varied),
        pattern=patterns[int(rng.integers(4))] if material == "cotton" else "plain",
        second=(float(second[0]), float(second[1]), float(second[2])),
        thickness=style.thickness,
        length=style.length,
        sleeve=style.sleeves[int(rng.integers(2))],
        shorts=bool(shorts),
    )


def dressed_parts(rig: Rig, outfit: Outfit) -> Int[np.ndarray, " f"]:
    """(F,) index into `PARTS` of every face."""
    centres = rig.vertices[rig.faces].mean(axis=1)
    owner = np.argmax(rig.weights[rig.faces].sum(axis=1), axis=1)
    joint = np.array(list(JOINTS))[owner]
    heads = dict(zip(JOINTS, rig.heads, strict=True))
    hip, knee, ankle = (heads[f"{name}_l"][2] for name in ("hip", "knee", "ankle"))
    z = centres[:, 2]
    part = np.full(len(centres), PARTS.index("bottom"))
    part[z < ankle + 0.03] = PARTS.index("shoes")
    legs = np.char.startswith(joint, "knee") | np.char.startswith(joint, "hip")
    if outfit.shorts:
        part[legs & (z < knee + 0.06) & (z >= ankle + 0.03)] = PARTS.index("skin")
    arms = np.char.startswith(joint, "shoulder") | np.char.startswith(joint, "elbow")
    hem = hip - outfit.length * (hip - knee)
    part[(z > hem) & ~arms] = PARTS.index("top")
    part[arms] = np.where(_along_the_arm(rig, centres) < outfit.sleeve, 2, 0)[arms]
    neck = heads["head"]
    part[(joint == "head") & (z > neck[2])] = PARTS.index("skin")
    crown = rig.vertices[:, 2].max()
    tall = crown - neck[2]
    skull = (joint == "head") & (z > neck[2] + 0.35 * tall)
    middle = rig.vertices[rig.vertices[:, 2] > crown - 0.5 * tall][:, 1].mean()
    back = centres[:, 1] > middle + 0.01
    part[skull & (back | (z > crown - 0.2 * tall))] = PARTS.index("hair")
    return part


def puffed(rig: Rig, part: Int[np.ndarray, " f"], outfit: Outfit) -> Rig:
    """The rig with its dressed faces moved outwards by the cloth's thickness."""
    thickness = np.zeros(len(PARTS))
    thickness[[PARTS.index("top"), PARTS.index("bottom")]] = outfit.thickness, 0.008
    thickness[[PARTS.index("hair"), PARTS.index("shoes")]] = 0.012, 0.008
    corners = rig.vertices[rig.faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals, amount = np.zeros_like(rig.vertices), np.zeros(len(rig.vertices))
    for k in range(3):
        np.add.at(normals, rig.faces[:, k], normal)
        np.maximum.at(amount, rig.faces[:, k], thickness[part])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    return replace(rig, vertices=rig.vertices + amount[:, None] * normals)


def _along_the_arm(rig: Rig, points: Float[np.ndarray, "f 3"]) -> Float[np.ndarray, " f"]:
    """Share of the way from shoulder to wrist; the forearm is about as long as the upper arm."""
    names = list(JOINTS)
    share = np.zeros(len(points))
    for side, sign in (("l", 1), ("r", -1)):
        shoulder = rig.heads[names.index(f"shoulder_{side}")]
        elbow = rig.heads[names.index(f"elbow_{side}")]
        length = np.linalg.norm(elbow - shoulder)
        along = (points - shoulder) @ (elbow - shoulder) / (2 * length**2)
        share = np.where(sign * points[:, 0] > 0, along, share)
    return share
