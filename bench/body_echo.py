"""Write docs/body_echo.md: the echo of a body by ours, by physical optics and by TR 38.901.

python bench/body_echo.py [--out docs]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from jaxtyping import Float

from visrftwin_ros.bodies.people import BODY_DEPTH, BODY_HEIGHT, BODY_WIDTH, Bodies
from visrftwin_ros.lab.people.avatars import posed
from visrftwin_ros.lab.people.body_rig import body_rigs
from visrftwin_ros.lab.people.gait import joint_angles
from visrftwin_ros.lab.radio.body_echo import Facets, echo
from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.people.body_reflection import (
    cross_section_bounces,
    ellipsoid_bounces,
)

WAVELENGTH = wavelength_of(60e9)
SEED, PLACES, MESHES = 7, 2000, 400
CASES = (
    ("robot to robot, 1.2 m", 1.2, 1.2, (2, 8)),
    ("AP 2.5 m to robot 1.2 m", 2.5, 1.2, (2, 8)),
    ("ceiling to ceiling, 2.5 m", 2.5, 2.5, (2, 8)),
    ("AP 2.5 m to robot 1.2 m, near", 2.5, 1.2, (2, 4)),
    ("ceiling to ceiling, near", 2.5, 2.5, (2, 4)),
    ("AP 2.5 m to robot 1.2 m, far", 2.5, 1.2, (8, 12)),
    ("ceiling to ceiling, far", 2.5, 2.5, (8, 12)),
)
"""Name, heights of the ends in metres, and from where to where they are away from the body."""
Ends = tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]


def places(
    rng: np.random.Generator, heights: tuple[float, float], ways: tuple[float, float]
) -> Ends:
    """Both ends uniformly that far on the ground, 30 to 150 degrees between them."""
    away, turn = rng.uniform(*ways, (2, PLACES)), rng.uniform(-np.pi, np.pi, PLACES)
    azimuth = np.stack([turn, turn + np.deg2rad(rng.uniform(30, 150, PLACES))])
    at = [np.column_stack([r * np.cos(a), r * np.sin(a), np.full(PLACES, z)])
          for r, a, z in zip(away, azimuth, heights, strict=True)]  # fmt: skip
    return at[0], at[1]


def section_db(gain: Float[np.ndarray, " n"], ends: Ends) -> float:
    """Mean cross-section, dBsm, of power gains at places of the first rows of `ends`, by the
    radar equation from the point of TR 38.901."""
    middle = np.array([0.0, 0.0, 1.5])
    away = [np.linalg.norm(end[: len(gain)] - middle, axis=1) for end in ends]
    section = gain * (4 * np.pi) ** 3 * (away[0] * away[1]) ** 2 / WAVELENGTH**2
    return float(10 * np.log10(section.mean()))


def meshes(rng: np.random.Generator) -> list[Facets]:
    """Eight of the lab's people, standing."""
    rigs = body_rigs(np.full(8, BODY_HEIGHT), np.full(8, BODY_WIDTH), rng)
    found = []
    for rig in rigs:
        corners = posed(rig, joint_angles(0.0, 0.0))[rig.faces]
        cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        outwards = np.sign(np.einsum("ij,ij->", corners[:, 0] - corners.mean(axis=(0, 1)), cross))
        length = np.linalg.norm(cross, axis=1)
        kept = length > 1e-12
        normal = outwards * cross[kept] / length[kept, None]
        found.append(Facets(corners[kept], normal, length[kept] / 2))
    return found


def row(name: str, ends: Ends, people: list[Facets], rng: np.random.Generator) -> str:
    flat = np.zeros(PLACES)
    body = Bodies(
        ids=tuple(map(str, range(PLACES))),
        position=np.zeros((PLACES, 3)),
        velocity=np.zeros((PLACES, 3)),
        width=flat + BODY_WIDTH,
        depth=flat + BODY_DEPTH,
        height=flat + BODY_HEIGHT,
        heading=rng.uniform(-np.pi, np.pi, PLACES),
    )
    every = np.arange(PLACES)
    ours, theirs = (
        section_db(np.abs(model(*ends, body, every, WAVELENGTH).transfer[:, 0, 0]) ** 2, ends)
        for model in (ellipsoid_bounces, cross_section_bounces)
    )
    echoes = (echo(people[i % len(people)], "skin", ends[0][i], ends[1][i], WAVELENGTH)
              for i in range(MESHES))  # fmt: skip
    optics = section_db(np.array([abs(e.transfer) ** 2 if e else 0.0 for e in echoes]), ends)
    return (f"| {name} | {ours:.1f} | {optics:.1f} | {theirs:.1f} | "
            f"{ours - optics:+.1f} | {ours - theirs:+.1f} |")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    out = parser.parse_args().out
    rng = np.random.default_rng(SEED)
    people = meshes(rng)
    rows = [row(name, places(rng, (first, second), ways), people, rng)
            for name, first, second, ways in CASES]  # fmt: skip
    template = (Path(__file__).parent / "body_echo.md.in").read_text()
    (out / "body_echo.md").write_text(template.replace("@ROWS@", "\n".join(rows)))
    print("\n".join(rows))


if __name__ == "__main__":
    main()
