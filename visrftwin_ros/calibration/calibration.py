"""A campaign's soundings against the twin of a site: some to learn from, some kept aside to judge."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int

from visrftwin_ros.calibration.estimate import Estimate, Progress, errors_of, estimated
from visrftwin_ros.calibration.sounded_paths import SoundedPaths, traced_paths_of
from visrftwin_ros.calibration.sounding_model import SoundingModel, reference_db
from visrftwin_ros.calibration.soundings import LEAST, usable_soundings
from visrftwin_ros.campaign.snapshot import Campaign
from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import MaterialValues
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.model import Site

MOST = 200
"""Soundings that are used, drawn at random of more: each costs some tenths of a second to trace."""
ASIDE = 0.2
"""Share of them that only judges."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """known: the soundings learnt from, aside: those that only judge, both with their readings.
    problems: what was left out, and why."""

    site: Site
    campaign: Path
    known: SoundingModel
    aside: SoundingModel
    estimate: Estimate
    problems: tuple[str, ...]

    @property
    def materials(self) -> tuple[MaterialValues, ...]:
        """Of each surface of the site: as learnt, or its own where no sounding met it, or where nothing
        is `adopted`."""
        if not self.adopted:
            return tuple(mesh.material for mesh in self.known.sounded.meshes)
        numbers = self.known.material_numbers(self.estimate.numbers)
        parameters, meshes = self.known.sounded.parameters, self.known.sounded.meshes
        after = parameters.meshes_at(numbers, meshes)
        return tuple(
            new.material if seen else old.material
            for old, new, seen in zip(meshes, after, self._met, strict=True)
        )

    @property
    def adopted(self) -> bool:
        """The soundings kept aside, if there are any, are predicted no worse than before: their powers
        and delay spreads together, each in what the twin errs by."""
        if not len(self.aside.soundings):
            return True
        before, after = (
            errors_of(self.aside, numbers)[0]
            for numbers in (0 * self.estimate.numbers, self.estimate.numbers)
        )
        error, count = self.estimate.error, len(self.aside.soundings)
        of_power = np.hypot(error.alone_db, error.shared_db)
        scale = np.where(np.arange(len(before)) < count, of_power, error.spread_db)
        return bool(np.mean((after / scale) ** 2) <= np.mean((before / scale) ** 2))

    @property
    def unseen(self) -> tuple[str, ...]:
        """Surfaces that no sounding met."""
        meshes = self.known.sounded.meshes
        return tuple(mesh.name for mesh, met in zip(meshes, self._met, strict=True) if not met)

    @property
    def _met(self) -> list[bool]:
        """Of each surface: whether a sounding learnt from met it."""
        return [bool(column.any()) for column in self.known.sounded.meets.T]


def calibrated(
    campaign: Campaign,
    site: Site,
    folder: Path | None,
    *,
    most: int = MOST,
    seed: int = 1,
    tracing: Progress | None = None,
    fitting: Progress | None = None,
) -> Calibration:
    """What the soundings of `campaign` say of the site's materials, references and antennas.

    folder: where solved paths are kept. most: soundings to use. seed: of their draw. Ctrl-C while it
    fits leaves the best until then. Raises TwinError where the soundings do not do.
    """
    soundings, problems = usable_soundings(campaign, site)
    rng = np.random.default_rng(seed)
    drawn = np.sort(rng.permutation(len(soundings))[:most])
    soundings = soundings.take(drawn)
    meshes = surface_meshes(site)
    traced = traced_paths_of(soundings, site, meshes, folder, tracing)
    every = SoundedPaths.of(traced, meshes, site.radio.frequency)
    reached = np.flatnonzero(np.bincount(every.paths.link, minlength=len(soundings)) > 0)
    if lost := len(soundings) - len(reached):
        problems.append(f"{lost} sounding(s) left out: no path reaches them in the site")
    if len(reached) < LEAST:
        raise TwinError(
            f"{campaign.source}: {len(reached)} sounding(s) are reached by a path in site {site.name!r}, "
            f"expected at least {LEAST}: are the site and its frame those of the campaign?"
        )
    mixed = rng.permutation(reached)
    n_aside = min(round(ASIDE * len(reached)), len(reached) - LEAST)
    aside, known = np.sort(mixed[:n_aside]), np.sort(mixed[n_aside:])
    names = tuple(ap.name for ap in site.access_points)
    reference = "absolute" if campaign.facts.get("gain_reference") == "absolute" else "relative"
    start = np.zeros(len(names))
    if reference == "relative":
        start = reference_db(every.take(known), soundings.take(known), names)

    def model(rows: Int[np.ndarray, " n"]) -> SoundingModel:
        return SoundingModel(every.take(rows), soundings.take(rows), names, reference, start)

    models = model(known), model(aside)
    return Calibration(
        site, campaign.source, *models, estimated(models[0], fitting), tuple(problems)
    )
