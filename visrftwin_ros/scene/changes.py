"""In what a place differs from its site: what was moved, what came, what is gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from visrftwin_ros.errors import TwinError
from visrftwin_ros.scene.surfaces import SurfaceMesh, surface_meshes
from visrftwin_ros.site.frames import Pose
from visrftwin_ros.site.model import Box, Ground, Site, Surface

UPRIGHT = 1e-3
"""rad by which a motion may tilt a box, which then still counts as upright."""


@dataclass(frozen=True)
class SceneChange:
    """All in which a place differs from its site.

    moved: by surface of the site, where a point p of it is now: `motion.rotation p + motion.position`, m,
    world frame. vanished: surfaces of the site that are not there. appeared: boxes that the site does not
    have, under names of their own.
    """

    moved: Mapping[str, Pose] = field(default_factory=dict)
    vanished: frozenset[str] = frozenset()
    appeared: tuple[Box, ...] = ()

    def __len__(self) -> int:
        return len(self.moved) + len(self.vanished) + len(self.appeared)


@dataclass(frozen=True)
class SeenChange:
    """One difference from the site, as sensors saw it.

    surface: of the site, or the name of what appeared. motion: of a surface that moved, as in
    SceneChange; box: what appeared, with an empty material where that is not known; neither: the surface
    vanished. since_ns: when it came to rest, ROS time. confidence: 0 to 1. seen_by: sensors.
    """

    surface: str
    since_ns: int
    confidence: float
    seen_by: tuple[str, ...]
    motion: Pose | None = None
    box: Box | None = None


def all_of(seen: Sequence[SeenChange]) -> SceneChange:
    """What was seen as one change."""
    return SceneChange(
        moved={one.surface: one.motion for one in seen if one.motion is not None},
        vanished=frozenset(one.surface for one in seen if one.motion is None and one.box is None),
        appeared=tuple(one.box for one in seen if one.box is not None),
    )


def changed_site(site: Site, change: SceneChange) -> tuple[Site, tuple[SurfaceMesh, ...]]:
    """The site with its surfaces where they stand after a change, and their meshes, in its order: those of
    the site that are there, then what appeared.

    The entry of a moved mesh file stays: where it stands its mesh says. Raises TwinError where the site
    lacks a surface that moved or vanished or has one of the name of what appeared, where the ground moves
    or a box tilts, where nothing is left, and for a material that nobody knows.
    """
    names = [surface.name for surface in site.scene]
    if unknown := sorted((set(change.moved) | change.vanished) - set(names)):
        raise TwinError(f"no surface {', '.join(unknown)}; the site has {', '.join(names)}")
    if both := sorted(set(change.moved) & change.vanished):
        raise TwinError(f"{', '.join(both)} moved and vanished: expected one of the two")
    new = [box.name for box in change.appeared]
    if twice := sorted({name for name in new if name in names or new.count(name) > 1}):
        raise TwinError(f"{', '.join(twice)}: what appears needs a name that nothing else has")
    kept = [
        moved_surface(surface, change.moved.get(surface.name))
        for surface in site.scene
        if surface.name not in change.vanished
    ]
    if not kept:
        raise TwinError(f"nothing of site {site.name!r} would be left")
    changed = site.model_copy(update={"scene": [*kept, *change.appeared]})
    meshes = surface_meshes(changed)
    # Boxes were moved with their entries.
    files = {surface.name for surface in kept if not isinstance(surface, Box)}
    return changed, tuple(
        replace(mesh, vertices=moved_points(mesh.vertices, change.moved[mesh.name]))
        if mesh.name in files and mesh.name in change.moved
        else mesh
        for mesh in meshes
    )


def moved_surface(surface: Surface, motion: Pose | None) -> Surface:
    """The entry of a surface that moved, if it did; see `changed_site`."""
    if motion is None:
        return surface
    if isinstance(surface, Ground):
        raise TwinError(f"{surface.name} is the ground, a floor or a ceiling: it does not move")
    if not isinstance(surface, Box):
        return surface
    matrix = motion.rotation.as_matrix()
    if matrix[2, 2] < np.cos(UPRIGHT):
        raise TwinError(f"{surface.name} would be tilted: boxes move and turn on the ground only")
    place = moved_points(np.array([surface.center], float), motion)[0]
    turn = float(np.arctan2(matrix[1, 0], matrix[0, 0]))
    return surface.model_copy(update={"center": tuple(place.tolist()), "yaw": surface.yaw + turn})


def moved_points(points: Float[np.ndarray, "n 3"], motion: Pose) -> Float[np.ndarray, "n 3"]:
    """Where they are after the motion."""
    return np.asarray(motion.rotation.apply(points) + motion.position)


def same_geometry(one: SurfaceMesh, other: SurfaceMesh) -> bool:
    """Whether two meshes are of the same triangles in the same places, of whatever materials."""
    return np.array_equal(one.vertices, other.vertices) and np.array_equal(one.faces, other.faces)


def numbers_in(
    old: Sequence[SurfaceMesh], new: Sequence[SurfaceMesh]
) -> tuple[list[int], list[int]]:
    """Of each surface of `old` its number in `new`, -1 where it is gone or stands elsewhere; and the numbers
    of those of `new` that `old` lacks or has elsewhere."""
    number = {mesh.name: i for i, mesh in enumerate(new)}
    found = [
        number[mesh.name]
        if mesh.name in number and same_geometry(mesh, new[number[mesh.name]])
        else -1
        for mesh in old
    ]
    return found, sorted(set(range(len(new))) - set(found))
