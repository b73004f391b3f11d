"""What a twin is off by where soundings were made, and what that says of places near them.

Kriging (Chiles and Delfiner, Geostatistics, 2nd ed., section 3.2, simple kriging of mean 0): errors of
near places go together as shadowing does, by the exponential of the distance (Gudmundson, Electronics
Letters 27, 1991), so that far from all soundings nothing is added.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import yaml
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist

from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import Site, Vector3
from visrftwin_ros.yaml_input import yaml_file

MOST = 1000
"""Soundings of a map: their covariance is factored as one."""
LARGEST_DB = 60.0
"""Of a residual: more is no error of materials or furniture."""
LEAST_ALONE_DB, LEAST_TRUST = 0.01, 1e-6
SHORTEST, LONGEST = 0.01, 1e4
"""Metres of reach. Within all these the covariance can be factored."""
FILE = "residuals.yaml"


def shared_covariance(
    some: tuple[Sequence[str], Float[np.ndarray, "n 3"]],
    others: tuple[Sequence[str], Float[np.ndarray, "m 3"]],
    shared_db: float,
    reach: float,
) -> Float[np.ndarray, "n m"]:
    """dB^2: of the errors that near places share, of links each given by its access point's name and
    its other end [m]; shared_db: their standard deviation, reach: metres over which it falls to 1/e."""
    same = np.array(some[0])[:, None] == np.array(others[0])[None]
    return np.asarray(same * shared_db**2 * np.exp(-cdist(some[1], others[1]) / reach))


@dataclass(frozen=True, eq=False)
class ResidualMap:
    """N soundings.

    tx: N access points. position: (N, 3) m, the other antenna, world frame. residual_db: (N,) measured
    less predicted power gain. trust: (N,) 1, or less of an outlier. alone_db: standard deviation of
    what each errs by itself; shared_db, reach: of `shared_covariance`.
    """

    tx: tuple[str, ...]
    position: Float[np.ndarray, "n 3"]
    residual_db: Float[np.ndarray, " n"]
    trust: Float[np.ndarray, " n"]
    alone_db: float
    shared_db: float
    reach: float

    def __len__(self) -> int:
        return len(self.tx)

    def at(
        self, tx: Sequence[str], position: Float[np.ndarray, "m 3"]
    ) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
        """(M,) dB to add to the power gain of links from these access points to these places [m], and
        (M,) the standard deviation, dB, of a sounding around the result.

        0 for a place that is not finite and for an access point without a sounding; the deviation of a
        map without soundings is NaN.
        """
        if not len(self):
            return np.zeros(len(tx)), np.full(len(tx), np.nan)
        known = np.isfinite(position).all(axis=1)
        places = np.where(known[:, None], position, 0.0)
        near = known[:, None] * shared_covariance(
            (tx, places), (self.tx, self.position), self.shared_db, self.reach
        )
        gain = near @ self._weights
        left = self.shared_db**2 - (near.T * cho_solve(self._factor, near.T)).sum(axis=0)
        return gain, np.sqrt(self.alone_db**2 + np.maximum(left, 0.0))

    def of(self, access_points: Collection[str]) -> ResidualMap:
        """What it says of these alone, which is the same: errors of two access points do not go together."""
        rows = [row for row, tx in enumerate(self.tx) if tx in access_points]
        return replace(
            self,
            tx=tuple(self.tx[row] for row in rows),
            position=self.position[rows],
            residual_db=self.residual_db[rows],
            trust=self.trust[rows],
        )

    @cached_property
    def _factor(self) -> tuple[Float[np.ndarray, "n n"], bool]:
        own = self.tx, self.position
        covariance = shared_covariance(own, own, self.shared_db, self.reach)
        found: tuple[Float[np.ndarray, "n n"], bool] = cho_factor(
            covariance + np.diag(self.alone_db**2 / self.trust), lower=True
        )
        return found

    @cached_property
    def _weights(self) -> Float[np.ndarray, " n"]:
        return np.asarray(cho_solve(self._factor, self.residual_db))


NO_RESIDUALS = ResidualMap((), np.zeros((0, 3)), np.zeros(0), np.zeros(0), 0.0, 0.0, 1.0)
"""Of a twin that nobody measured: adds nothing anywhere."""


class _Sounding(BaseModel):
    model_config = ConfigDict(extra="forbid")
    access_point: str
    position: Vector3
    residual_db: Annotated[float, Field(ge=-LARGEST_DB, le=LARGEST_DB)]
    trust: Annotated[float, Field(ge=LEAST_TRUST, le=1)]


class _Content(BaseModel):
    model_config = ConfigDict(extra="forbid")
    alone_db: Annotated[float, Field(ge=LEAST_ALONE_DB, le=LARGEST_DB)]
    shared_db: Annotated[float, Field(ge=0, le=LARGEST_DB)]
    reach: Annotated[float, Field(ge=SHORTEST, le=LONGEST)]
    soundings: Annotated[list[_Sounding], Field(min_length=1, max_length=MOST)]


def site_residuals(site: Site) -> ResidualMap:
    """The map that the site's `residuals` name; NO_RESIDUALS where it has none.

    Raises TwinError naming the file, the field and what would be right.
    """
    if not site.residuals:
        return NO_RESIDUALS
    file = site.folder / site.residuals
    try:
        content = _Content.model_validate(yaml_file(file))
    except ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, e['loc'])) or 'its content'}: {e['msg']} (found {e['input']!r:.80})"
            for e in error.errors()[:5]
        ]
        raise TwinError(f"{file}: {'; '.join(wrong)}") from error
    names = {ap.name for ap in site.access_points}
    unknown = sorted({one.access_point for one in content.soundings} - names)
    if unknown:
        raise TwinError(
            f"{file}: site {site.name!r} has no access point {', '.join(unknown)}; it has "
            f"{', '.join(sorted(names))}"
        )
    return ResidualMap(
        tuple(one.access_point for one in content.soundings),
        np.array([one.position for one in content.soundings], float),
        np.array([one.residual_db for one in content.soundings]),
        np.array([one.trust for one in content.soundings]),
        content.alone_db,
        content.shared_db,
        content.reach,
    )


def write_residuals(residuals: ResidualMap, folder: Path) -> None:
    """Writes FILE of a site's folder."""
    soundings = [
        {"access_point": tx, "position": place, "residual_db": error, "trust": trust}
        for tx, place, error, trust in zip(
            residuals.tx,
            residuals.position.tolist(),
            residuals.residual_db.tolist(),
            residuals.trust.tolist(),
            strict=True,
        )
    ]
    content: dict[str, Any] = {
        name: getattr(residuals, name) for name in ("alone_db", "shared_db", "reach")
    }
    text = yaml.safe_dump({**content, "soundings": soundings}, sort_keys=False)
    (folder / FILE).write_text(f"# Measured less predicted power gain, by place.\n{text}")
