"""Propagation paths of many links at once, as arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Complex, Float, Int, Int32, UInt8
from scipy.constants import speed_of_light

from visrftwin_ros.compiled import compiled
from visrftwin_ros.errors import TwinError

Values = Float[np.ndarray, "*n"]

NONE, SPECULAR, DIFFUSE, REFRACTION, DIFFRACTION, BODY = range(6)
"""Interaction kinds, the same numbers as the constants of RadioPath.msg."""

_FORMAT = 2
_DUPLICATE_DISTANCE = 1e-3
"""Vertices closer than this, metres, are the same vertex: float32 tracing errs by far less."""


@dataclass(frozen=True)
class PathSet:
    """P paths over L links, sorted by link; D interactions at most, V = D + 2 vertices.

    links: L pairs (tx, rx). link: index into `links`, ascending.
    vertices: metres, world frame: transmitter, interaction points, receiver; the
    receiver is repeated as padding. n_vertices: 2 for a line of sight.
    interactions: kinds, NONE as padding. objects: index of the site's surface,
    -1 where none. normals: unit normal of the surface that was hit, or the edge's
    direction at a DIFFRACTION.
    transfer: complex amplitude [received theta, phi; sent theta, phi] between
    isotropic antennas in the world's spherical basis (theta from +z), free-space loss included,
    without the carrier's phase exp(-j 2 pi f delay). delay: seconds.
    """

    links: tuple[tuple[str, str], ...]
    link: Int32[np.ndarray, " paths"]
    vertices: Float[np.ndarray, "paths vertices 3"]
    n_vertices: Int32[np.ndarray, " paths"]
    interactions: UInt8[np.ndarray, "paths vertices-2"]
    objects: Int32[np.ndarray, "paths vertices-2"]
    normals: Float[np.ndarray, "paths vertices-2 3"]
    transfer: Complex[np.ndarray, "paths 2 2"]
    delay: Float[np.ndarray, " paths"]

    def __len__(self) -> int:
        return len(self.link)

    @property
    def depth(self) -> int:
        return self.interactions.shape[1]

    @cached_property
    def offsets(self) -> Int[np.ndarray, " o"]:
        """(L + 1,): link i has the paths offsets[i]:offsets[i + 1]."""
        return np.searchsorted(self.link, np.arange(len(self.links) + 1))

    @cached_property
    def power(self) -> Float[np.ndarray, " paths"]:
        """Power gain between vertically polarised isotropic antennas."""
        return squared_magnitude(self.transfer[:, 0, 0])

    @cached_property
    def line_of_sight(self) -> Bool[np.ndarray, " paths"]:
        """The path goes straight through the air."""
        return self.n_vertices == 2

    @cached_property
    def departure(self) -> Float[np.ndarray, "paths 3"]:
        """Unit vectors along which the paths leave the transmitter."""
        return _unit(self.vertices[:, 1] - self.vertices[:, 0])

    @cached_property
    def arrival(self) -> Float[np.ndarray, "paths 3"]:
        """Unit vectors from the receiver towards where the paths come from."""
        rows = np.arange(len(self))
        last = self.vertices[rows, self.n_vertices - 1]
        return _unit(self.vertices[rows, self.n_vertices - 2] - last)

    @cached_property
    def moments(self) -> Float[np.ndarray, "5 paths"]:
        """(5, P) power; power times the delay [s] over the straight line between the ends, and
        times its square; real and imaginary part of power times exp(j azimuth of arrival)."""
        vertices, transfer = (np.ascontiguousarray(c) for c in (self.vertices, self.transfer))
        return _moments(vertices, self.n_vertices, transfer, self.delay)

    def of_link(self, index: int) -> slice:
        """The rows of link `index`."""
        return slice(int(self.offsets[index]), int(self.offsets[index + 1]))

    def select(self, rows: Int[np.ndarray, " k"] | Bool[np.ndarray, " paths"]) -> PathSet:
        """The paths `rows`, which must keep the order of the links."""
        return replace(
            self,
            **{f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name != "links"},
        )

    def save(self, file: Path, fingerprint: str) -> None:
        """Writes an .npz that `load` accepts for the same fingerprint only.

        Written beside the file and renamed, so that a process killed half-way leaves no torn
        cache.
        """
        file.parent.mkdir(parents=True, exist_ok=True)
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        arrays["links"] = np.array(self.links, dtype=str).reshape(-1, 2)
        partial = file.with_name(file.name + ".partial")
        with partial.open("wb") as stream:
            np.savez_compressed(stream, format=_FORMAT, fingerprint=fingerprint, **arrays)
        partial.replace(file)

    @classmethod
    def load(cls, file: Path, fingerprint: str) -> PathSet:
        """Reads what `save` wrote; TwinError where it is damaged or of another scene."""
        try:
            with np.load(file, allow_pickle=False) as stored:
                kept = {name: stored[name] for name in stored.files}
            if int(kept.pop("format")) != _FORMAT or str(kept.pop("fingerprint")) != fingerprint:
                raise TwinError(f"{file}: paths of another scene, device or solver setting")
            links = tuple((str(tx), str(rx)) for tx, rx in kept.pop("links"))
            return cls(links=links, **kept)
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            raise TwinError(f"{file}: not a readable path cache ({error}); delete it") from error
        except Exception as error:
            # zipfile and numpy raise many types on torn files, none of them documented.
            if isinstance(error, TwinError):
                raise
            raise TwinError(f"{file}: damaged path cache ({error}); delete it") from error


@compiled
def _moments(
    vertices: Float[np.ndarray, "paths vertices 3"],
    n_vertices: Int32[np.ndarray, " paths"],
    transfer: Complex[np.ndarray, "paths 2 2"],
    delay: Float[np.ndarray, " paths"],
) -> Float[np.ndarray, "5 paths"]:
    found = np.empty((5, len(delay)))
    for row in range(len(delay)):
        line, before = vertices[row], n_vertices[row] - 2
        strength = transfer[row, 0, 0]
        power = strength.real * strength.real + strength.imag * strength.imag
        square = 0.0
        for x in range(3):
            square += (line[-1, x] - line[0, x]) ** 2
        delayed = power * (delay[row] - math.sqrt(square) / speed_of_light)
        x, y = line[before, 0] - line[-1, 0], line[before, 1] - line[-1, 1]
        flat = math.sqrt(x * x + y * y)
        found[0, row], found[1, row] = power, delayed
        found[2, row] = delayed * (delay[row] - math.sqrt(square) / speed_of_light)
        # From straight above or below the azimuth counts as 0.
        found[3, row] = power * x / flat if flat > 0.0 else power
        found[4, row] = power * y / flat if flat > 0.0 else 0.0
    return found


def empty(links: tuple[tuple[str, str], ...], depth: int) -> PathSet:
    """No path on any of the links."""
    return PathSet(
        links=links,
        link=np.zeros(0, np.int32),
        vertices=np.zeros((0, depth + 2, 3)),
        n_vertices=np.zeros(0, np.int32),
        interactions=np.zeros((0, depth), np.uint8),
        objects=np.zeros((0, depth), np.int32),
        normals=np.zeros((0, depth, 3)),
        transfer=np.zeros((0, 2, 2), complex),
        delay=np.zeros(0),
    )


def side_by_side(first: PathSet, second: PathSet) -> PathSet:
    """The paths of both, of one and the same link, which takes the number 0."""
    depth = max(first.depth, second.depth)
    sets = (_deepened(first, depth), _deepened(second, depth))
    both = {
        f.name: np.concatenate([getattr(paths, f.name) for paths in sets])
        for f in fields(PathSet)
        if f.name not in ("links", "link")
    }
    return PathSet(first.links[:1], np.zeros(len(first) + len(second), np.int32), **both)


def _deepened(paths: PathSet, depth: int) -> PathSet:
    """The same paths with room for `depth` interactions."""
    more = depth - paths.depth
    return replace(
        paths,
        vertices=np.pad(paths.vertices, ((0, 0), (0, more), (0, 0)), mode="edge"),
        interactions=np.pad(paths.interactions, ((0, 0), (0, more))),
        objects=np.pad(paths.objects, ((0, 0), (0, more)), constant_values=-1),
        normals=np.pad(paths.normals, ((0, 0), (0, more), (0, 0))),
    )


def concatenated(parts: Sequence[PathSet]) -> PathSet:
    """The links of all `parts`, one after the other; at least one, all of one depth."""
    first = np.cumsum([0, *(len(part.links) for part in parts)])
    columns = {
        f.name: np.concatenate([getattr(part, f.name) for part in parts])
        for f in fields(PathSet)
        if f.name not in ("links", "link")
    }
    number = [part.link + offset for part, offset in zip(parts, first, strict=False)]
    links = tuple(link for part in parts for link in part.links)
    return PathSet(links, np.concatenate(number).astype(np.int32), **columns)


def of_same_links(links: tuple[tuple[str, str], ...], parts: Sequence[PathSet]) -> PathSet:
    """The paths of all `parts`, whose numbers are of `links`; those of a link by delay."""
    columns = {
        f.name: np.concatenate([getattr(part, f.name) for part in parts])
        for f in fields(PathSet)
        if f.name != "links"
    }
    # Solvers hand paths out in the order in which their threads finish: delay sets a fixed one.
    order = np.lexsort((columns["delay"], columns["link"]))
    return PathSet(links, **{name: array[order] for name, array in columns.items()})


def differing_links(one: PathSet, other: PathSet) -> Bool[np.ndarray, " links"]:
    """Which of the links, the same of both, have other paths in one than in the other, bit by bit; the
    numbers of the surfaces aside."""
    if one is other:
        return np.zeros(len(one.links), bool)
    differ = np.diff(one.offsets) != np.diff(other.offsets)
    same = np.flatnonzero(~differ[one.link]), np.flatnonzero(~differ[other.link])
    for name in ("vertices", "interactions", "transfer", "delay"):
        pair = (getattr(paths, name)[rows] for paths, rows in zip((one, other), same, strict=True))
        unlike = np.not_equal(*pair)
        unlike = unlike.any(axis=tuple(range(1, unlike.ndim)))
        differ[one.link[same[0][unlike]]] = True
    return differ


def angles(
    directions: Float[np.ndarray, "*n 3"],
) -> tuple[Values, Values]:
    """Azimuth from +x towards +y and elevation above the horizontal, radians, of (..., 3)."""
    azimuth = np.arctan2(directions[..., 1], directions[..., 0])
    horizontal = np.hypot(directions[..., 0], directions[..., 1])
    return azimuth, np.arctan2(directions[..., 2], horizontal)


def lengths(vectors: Float[np.ndarray, "*n 3"]) -> Values:
    """(...,) of vectors (..., 3); several times faster than `np.linalg.norm`."""
    return np.asarray(np.sqrt(np.einsum("...i,...i->...", vectors, vectors)))


def squared_magnitude(values: Complex[np.ndarray, "*n"]) -> Values:
    """|values|^2, without the square root that `np.abs` takes several times as long for."""
    return np.asarray(values.real**2 + values.imag**2)


def path_delay(vertices: Float[np.ndarray, "paths vertices 3"]) -> Float[np.ndarray, " paths"]:
    """Seconds along the polylines."""
    steps = lengths(np.diff(vertices, axis=1))
    return steps.sum(axis=1) / speed_of_light


def without_duplicates(paths: PathSet) -> PathSet:
    """Each path once, in order of link and delay.

    The same kinds at the same places on the same link are one path.

    Paths with a diffuse reflection are random samples of one scattered field and all stay.
    A solver finds the same specular path more than once where surfaces touch or a surface has
    several triangles.
    """
    keep = np.ones(len(paths), bool)
    candidates = np.flatnonzero(~(paths.interactions == DIFFUSE).any(axis=1))
    # Two grids, half a cell apart: no pair within half a cell straddles a border of both.
    for shift in (0.0, 0.5):
        rows = candidates[keep[candidates]]
        cells = np.round(paths.vertices[rows] / _DUPLICATE_DISTANCE + shift).astype(np.int64)
        key = np.concatenate(
            [
                paths.link[rows, None],
                paths.interactions[rows],
                cells.reshape(len(rows), 3 * (paths.depth + 2)),
            ],
            axis=1,
        )
        first = np.unique(key, axis=0, return_index=True)[1]
        keep[rows] = False
        keep[rows[first]] = True
    return of_same_links(paths.links, [paths.select(keep)])


def _unit(vectors: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    length = lengths(vectors)[..., None]
    return vectors / np.where(length > 0, length, 1.0)
