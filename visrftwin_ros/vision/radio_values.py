"""A posterior over looks as what the radio asks: mean and covariance of a surface's material."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import expit, logit

from visrftwin_ros.materials.material_spread import PRIOR_SD, QUANTITIES
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.site.model import MaterialEntry
from visrftwin_ros.vision.material_posterior import COLUMNS
from visrftwin_ros.vision.visible_classes import (
    CLASSES,
    SCATTERING_LEVELS,
    UNKNOWN,
    WIDE,
)

_CONDUCTOR = "metal"
_DECIDED = 0.5
_WIDEST_LEVELS = np.full(len(SCATTERING_LEVELS), 1 / len(SCATTERING_LEVELS))


@dataclass(frozen=True)
class RadioValues:
    """What is known of a material.

    mean, covariance: of log(eps_r - 1), log sigma, log thickness and logit S, in the order of QUANTITIES,
    given that it is no conductor. conductor: the probability that it is one. levels: of each row of the
    paper's table 2.
    """

    mean: Float[np.ndarray, " 4"]
    covariance: Float[np.ndarray, "4 4"]
    conductor: float
    levels: Float[np.ndarray, " levels"]

    def entry(self, frequency: float) -> MaterialEntry:
        """The values that a site takes: at the mean, or those of metal where that is likelier than not."""
        if self.conductor >= _DECIDED:
            metal = material_values(_CONDUCTOR, frequency)
            return MaterialEntry(**{name: getattr(metal, name) for name in QUANTITIES})
        return MaterialEntry(
            relative_permittivity=1 + float(np.exp(self.mean[0])),
            conductivity=float(np.exp(self.mean[1])),
            thickness=float(np.exp(self.mean[2])),
            scattering_coefficient=float(expit(self.mean[3])),
        )


def radio_values(
    posterior: Float[np.ndarray, " columns"], frequency: float, unknown_thickness: float
) -> RadioValues:
    """Moments of the mixture of all materials that may be behind what is seen.

    Each material is normal about its values in `materials.table` at `frequency` [Hz] with PRIOR_SD; what is
    unknown is WIDE, `unknown_thickness` m thick. S comes of table 2: within a level it is evenly spread.
    """
    share: dict[str, float] = {}
    levels = np.zeros(len(SCATTERING_LEVELS))
    unknown = float(posterior[-1])
    for name, p in zip(COLUMNS[:-1], posterior, strict=False):
        levels[CLASSES[name].level] += p
        for material, part in CLASSES[name].behind.items():
            share[material] = share.get(material, 0.0) + float(p) * part
    levels += unknown * _WIDEST_LEVELS
    conductor = share.pop(_CONDUCTOR, 0.0)
    rows, weights = [], []
    for material, part in share.items():
        rows.append(_centre(material, frequency, 0.0))
        weights.append(part)
    for material, part in WIDE.items():
        rows.append(_centre(material, frequency, unknown_thickness))
        weights.append(unknown * part)
    p = np.array(weights) if sum(weights) > 0 else np.array([*[0.0] * len(share), *WIDE.values()])
    p = p / p.sum()
    centre = np.array(rows)
    mean = p @ centre
    covariance = np.diag(np.square(PRIOR_SD[:3])) + (centre - mean).T @ (
        (centre - mean) * p[:, None]
    )
    s_mean, s_variance = _scattering(levels)
    whole = np.zeros((4, 4))
    whole[:3, :3], whole[3, 3] = covariance, s_variance
    return RadioValues(np.append(mean, s_mean), whole, conductor, levels)


def unknown_values(frequency: float, thickness: float) -> RadioValues:
    """Of what nobody has seen."""
    return radio_values(np.eye(len(COLUMNS))[COLUMNS.index(UNKNOWN)], frequency, thickness)


def _centre(material: str, frequency: float, thickness: float) -> Float[np.ndarray, " 3"]:
    """thickness: 0: the usual one."""
    values = material_values(material, frequency)
    return np.log(
        [
            values.relative_permittivity - 1,
            values.conductivity,
            thickness or values.thickness,
        ]
    )


def _scattering(levels: Float[np.ndarray, " levels"]) -> tuple[float, float]:
    """Mean and variance of logit S, each level evenly spread between its ends."""
    means, variances = [], []
    for level in SCATTERING_LEVELS:
        inside = logit(np.linspace(max(level.low, 0.01), level.high, 21))
        means.append(inside.mean())
        variances.append(inside.var())
    mean = float(levels @ means)
    return mean, float(levels @ (np.array(variances) + np.square(np.array(means) - mean)))
