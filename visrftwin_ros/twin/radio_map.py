"""Radio maps: path loss, the strongest access point and outage over a horizontal grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.bodies.people import Bodies, usable
from visrftwin_ros.errors import TwinError
from visrftwin_ros.scene.surfaces import SurfaceMesh, fingerprint
from visrftwin_ros.site.model import Site
from visrftwin_ros.site.residual_map import NO_RESIDUALS, ResidualMap
from visrftwin_ros.twin.on_demand_links import PeopleModel

MOST_CELLS = 1600
TILE = 8
"""Cells along the side of a tile: what is worked out, and can be given up, at a time."""
_HIGHEST = 100.0
"""Metres above the ground of a radio map."""


@dataclass(frozen=True)
class MapGrid:
    """origin: (3,) metres, corner of the first cell at the grid's height. cell: metres, its side."""

    origin: Float[np.ndarray, 3]
    cell: float
    columns: int
    rows: int

    @classmethod
    def over(cls, meshes: Sequence[SurfaceMesh], height: float, cell: float) -> MapGrid:
        """All of the scene, at `height` above the ground.

        Raises TwinError for a value out of its range and for more than MOST_CELLS cells.
        """
        if not 0 < height <= _HIGHEST:
            raise TwinError(f"height is {height:g} m: give more than 0 and up to {_HIGHEST:g}")
        if not (np.isfinite(cell) and cell > 0):
            raise TwinError(f"cell is {cell:g} m: give a side of more than 0")
        corners = np.concatenate([mesh.vertices for mesh in meshes])[:, :2]
        low, size = corners.min(axis=0), np.ptp(corners, axis=0)
        columns, rows = (max(int(n), 1) for n in np.ceil(np.minimum(size / cell, 1e6)))
        if columns * rows > MOST_CELLS:
            least = np.sqrt(size.prod() / MOST_CELLS) * 1.05
            raise TwinError(
                f"{columns} x {rows} cells of {cell:g} m over {size[0]:.4g} x {size[1]:.4g} m are "
                f"more than {MOST_CELLS}: take cells of {np.ceil(least * 10) / 10:g} m or more"
            )
        return cls(np.append(low, height), cell, columns, rows)

    @cached_property
    def centres(self) -> Float[np.ndarray, "n 3"]:
        """Of the cells, x fastest."""
        x, y = np.meshgrid(np.arange(self.columns), np.arange(self.rows))
        flat = self.origin[:2] + (np.stack([x.ravel(), y.ravel()], axis=1) + 0.5) * self.cell
        return np.column_stack([flat, np.full(len(flat), self.origin[2])])

    @cached_property
    def tile_of(self) -> Int[np.ndarray, " n"]:
        """The tile that each cell is in."""
        x, y = np.meshgrid(np.arange(self.columns) // TILE, np.arange(self.rows) // TILE)
        return np.asarray((y * -(-self.columns // TILE) + x).ravel())

    def tiles(self) -> tuple[int, ...]:
        """All of them."""
        return tuple(np.unique(self.tile_of).tolist())

    def near(self, place: Float[np.ndarray, 3], reach: int) -> Int[np.ndarray, "2 2"]:
        """First and past-the-last column and row of the cells within `reach` of that of `place`."""
        here = np.floor((place[:2] - self.origin[:2]) / self.cell).astype(int)
        size = np.array([self.columns, self.rows])
        return np.stack([np.clip(here - reach, 0, size), np.clip(here + reach + 1, 0, size)], 1)


@dataclass(frozen=True)
class MapQuestion:
    """A map of some tiles of `grid` from the access points `aps`, with these people.

    covariance: (N, 4, 4) of x, y, vx, vy of the bodies. outage_rate: bit/s, 0 = not asked.
    residuals: what soundings were off.
    """

    site: Site
    meshes: tuple[SurfaceMesh, ...]
    model: PeopleModel
    aps: tuple[str, ...]
    grid: MapGrid
    tiles: tuple[int, ...]
    bodies: Bodies
    covariance: Float[np.ndarray, "n 4 4"] | None
    outage_rate: float
    stamp_ns: int
    residuals: ResidualMap

    @cached_property
    def place_key(self) -> str:
        """The same for questions about the same surfaces and materials."""
        return fingerprint(self.meshes, {"model": repr(self.model)})

    @classmethod
    def checked(
        cls,
        site: Site,
        meshes: Sequence[SurfaceMesh],
        model: PeopleModel,
        aps: Sequence[str],
        grid: MapGrid,
        bodies: Bodies,
        stamp_ns: int,
        covariance: Float[np.ndarray, "n 4 4"] | None = None,
        outage_rate: float = 0.0,
        tiles: Sequence[int] | None = None,
        residuals: ResidualMap = NO_RESIDUALS,
    ) -> MapQuestion:
        """aps: none means all of the site. tiles: None means all.

        Raises TwinError for an unknown access point and a rate that is none.
        """
        known = tuple(ap.name for ap in site.access_points)
        for ap in aps:
            if ap not in known:
                raise TwinError(f"no access point {ap!r}; the site has {', '.join(known)}")
        if not (np.isfinite(outage_rate) and outage_rate >= 0):
            raise TwinError(f"outage_rate is {outage_rate:g} bit/s: give 0 or more")
        if outage_rate and not site.robots:
            raise TwinError("outage_rate needs a robot in the site: it is of its array")
        kept, dropped = usable(bodies)
        if dropped and covariance is not None:
            covariance = covariance[[bodies.ids.index(name) for name in kept.ids]]
        return cls(
            site=site,
            meshes=tuple(meshes),
            model=model,
            aps=tuple(dict.fromkeys(aps)) or known,
            grid=grid,
            tiles=tuple(grid.tiles() if tiles is None else tiles),
            bodies=kept,
            covariance=covariance,
            outage_rate=outage_rate,
            stamp_ns=stamp_ns,
            residuals=residuals,
        )


@dataclass(frozen=True)
class TileMap:
    """cells: (K,) of the grid. loss_db: (K, A), nan where nothing arrives and within solid things and
    people. outage: (K,) probability, nan there too; None where not asked."""

    cells: Int[np.ndarray, " k"]
    loss_db: Float[np.ndarray, "k a"]
    outage: Float[np.ndarray, " k"] | None


@dataclass(frozen=True)
class RadioMap:
    """Path loss over a grid with the people of `stamp_ns`.

    aps: A names. loss_db: (rows, columns, A), columns along x; nan where nothing arrives, within
    solid things and people, and in tiles that were not asked for. outage: (rows, columns) share of
    the futures and moments of the next 3 s in which no access point gives the rate asked for; None
    where not asked.
    """

    grid: MapGrid
    aps: tuple[str, ...]
    loss_db: Float[np.ndarray, "r c a"]
    outage: Float[np.ndarray, "r c"] | None
    stamp_ns: int

    @classmethod
    def of(cls, question: MapQuestion, tiles: Sequence[TileMap]) -> RadioMap:
        """Put together."""
        grid = question.grid
        loss = np.full((grid.rows * grid.columns, len(question.aps)), np.nan)
        outage = np.full(len(loss), np.nan)
        for tile in tiles:
            loss[tile.cells] = tile.loss_db
            if tile.outage is not None:
                outage[tile.cells] = tile.outage
        return cls(
            grid,
            question.aps,
            loss.reshape(grid.rows, grid.columns, -1),
            outage.reshape(grid.rows, grid.columns) if question.outage_rate else None,
            question.stamp_ns,
        )

    @property
    def best_ap(self) -> Int[np.ndarray, "r c"]:
        """(rows, columns) index of the access point that comes strongest, -1 where none does."""
        filled = np.where(np.isnan(self.loss_db), np.inf, self.loss_db)
        return np.where(np.isfinite(filled).any(axis=2), filled.argmin(axis=2), -1)

    @property
    def best_loss_db(self) -> Float[np.ndarray, "r c"]:
        """(rows, columns) of the strongest access point."""
        filled = np.where(np.isnan(self.loss_db), np.inf, self.loss_db).min(axis=2)
        return np.where(np.isfinite(filled), filled, np.nan)
