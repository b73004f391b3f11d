"""A campaign's soundings against the twin of a site: some to learn from, some kept aside to judge."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.calibration.estimate import Estimate, Progress, errors_of, estimated
from visrftwin_ros.calibration.residuals import FittedResiduals, fitted_residuals
from visrftwin_ros.calibration.sounded_paths import SoundedPaths, traced_paths_of
from visrftwin_ros.calibration.sounding_model import OFFSET_SD_DB, SoundingModel, reference_db
from visrftwin_ros.calibration.soundings import LEAST, Soundings, joined, usable_soundings
from visrftwin_ros.campaign.snapshot import Campaign
from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import MaterialValues
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.model import Site
from visrftwin_ros.site.residual_map import NO_RESIDUALS, ResidualMap, site_residuals

MOST = 200
"""Soundings that are used, drawn at random of more: each costs some tenths of a second to trace."""
ASIDE = 0.2
"""Share of them that only judges."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """known: the soundings learnt from, aside: those that only judge, both with their readings.
    problems: what was left out, and why. site_residuals: the site's own map."""

    site: Site
    campaign: Campaign
    known: SoundingModel
    aside: SoundingModel
    estimate: Estimate
    problems: tuple[str, ...]
    site_residuals: ResidualMap = NO_RESIDUALS

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

    @cached_property
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

    @cached_property
    def residuals(self) -> ResidualMap:
        """What the site with `materials` is still off: by all soundings where those kept aside are
        predicted better by what the others are off, else as the site's own map has it where that does
        better than none. Without any kept aside the site's own stays."""
        without, with_map = self.aside_errors_db
        own = self.site_residuals if len(self.site_residuals) else NO_RESIDUALS
        if not len(without):
            return own
        learnt = self._fitted(self.known, own=own)
        asked = self.aside.soundings
        gain, _ = own.at(asked.tx, asked.position)
        left = self._expected_db(self.aside) + gain + learnt.offsets(asked) - asked.power_db
        errors = (np.mean(e**2) for e in (without, left, with_map))
        of_none, of_own, of_new = errors
        if of_new < min(of_own, of_none):
            return self.everywhere.residuals
        return own if of_own < of_none else NO_RESIDUALS

    @cached_property
    def aside_errors_db(self) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
        """Predicted less measured powers of the soundings kept aside: as the site with `materials` has
        them, and with what those learnt from are still off."""
        learnt = self._fitted(self.known)
        alone = self._expected_db(self.aside) - self.aside.soundings.power_db
        asked = self.aside.soundings
        return alone + learnt.offsets(asked), alone + learnt.at(asked)

    def predicted_db(
        self, asked: SoundingModel
    ) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
        """Powers of M other soundings of the campaign by the new site: by its materials alone, with its
        `residuals`, and the standard deviation, dB, of a sounding around the latter."""
        fitted, soundings = self.everywhere, asked.soundings
        alone = self._expected_db(asked) + fitted.offsets(soundings)
        gain, _ = self.residuals.at(soundings.tx, soundings.position)
        deviation = np.hypot(fitted.residuals.alone_db, fitted.residuals.shared_db)
        _, sd = fitted.residuals.at(soundings.tx, soundings.position)
        return alone, alone + gain, sd if len(self.residuals) else np.full(len(sd), deviation)

    @cached_property
    def everywhere(self) -> FittedResiduals:
        """By all soundings."""
        return self._fitted(self.known, self.aside)

    def _fitted(self, *models: SoundingModel, own: ResidualMap = NO_RESIDUALS) -> FittedResiduals:
        """own: a map of which the twin knows."""
        soundings = joined([model.soundings for model in models])
        gain, _ = own.at(soundings.tx, soundings.position)
        return fitted_residuals(
            soundings,
            np.concatenate([self._expected_db(model) for model in models]) + gain,
            self.known.access_points,
            OFFSET_SD_DB[self.known.reference],
        )

    def _expected_db(self, model: SoundingModel) -> Float[np.ndarray, " n"]:
        """By the site with `materials`, its antennas as they are, in the reference that was expected."""
        numbers = np.zeros(len(model.mean))
        if self.adopted:
            numbers[: model.n_materials] = self.estimate.numbers[: model.n_materials]
        return model.powers_db(numbers)

    @property
    def unseen(self) -> tuple[str, ...]:
        """Surfaces that no sounding met."""
        meshes = self.known.sounded.meshes
        return tuple(mesh.name for mesh, met in zip(meshes, self._met, strict=True) if not met)

    @property
    def _met(self) -> list[bool]:
        """Of each surface: whether a sounding learnt from met it."""
        return [count > 0 for count in self.told]

    @property
    def told(self) -> tuple[int, ...]:
        """Of each surface: how many of the soundings learnt from met it."""
        return tuple(int(count) for count in self.known.sounded.meets.sum(axis=0))


@dataclass(frozen=True, eq=False)
class TracedCampaign:
    """The usable soundings of a campaign in a site, with their paths. problems: what was left out."""

    site: Site
    campaign: Campaign
    soundings: Soundings
    sounded: SoundedPaths
    problems: tuple[str, ...]

    def calibration(
        self,
        rng: np.random.Generator,
        rows: Int[np.ndarray, " k"] | None = None,
        progress: Progress | None = None,
        beat: Callable[[], None] = lambda: None,
    ) -> Calibration:
        """What the soundings `rows` (default all) say, a share of them, drawn by `rng`, kept aside.

        beat: as of `estimated`. Raises TwinError where too few of them are reached by a path.
        """
        rows = np.arange(len(self.soundings)) if rows is None else rows
        counts = np.bincount(self.sounded.paths.link, minlength=len(self.soundings))
        reached = rows[counts[rows] > 0]
        problems = list(self.problems)
        if lost := len(rows) - len(reached):
            problems.append(f"{lost} sounding(s) left out: no path reaches them in the site")
        if len(reached) < LEAST:
            raise TwinError(
                f"{self.campaign.source}: {len(reached)} sounding(s) are reached by a path in site "
                f"{self.site.name!r}, expected at least {LEAST}: are the site and its frame those of the "
                f"campaign?"
            )
        mixed = rng.permutation(reached)
        n_aside = min(round(ASIDE * len(reached)), len(reached) - LEAST)
        aside, known = np.sort(mixed[:n_aside]), np.sort(mixed[n_aside:])
        names = tuple(ap.name for ap in self.site.access_points)
        absolute = self.campaign.facts.get("gain_reference") == "absolute"
        reference = "absolute" if absolute else "relative"
        start = np.zeros(len(names))
        if reference == "relative":
            start = reference_db(self.sounded.take(known), self.soundings.take(known), names)
        known_model, aside_model = (
            SoundingModel(
                self.sounded.take(some), self.soundings.take(some), names, reference, start
            )
            for some in (known, aside)
        )
        estimate = estimated(known_model, progress, beat)
        return Calibration(
            self.site, self.campaign, known_model, aside_model, estimate, tuple(problems),
            site_residuals(self.site).of(names),
        )  # fmt: skip


def traced_campaign(
    campaign: Campaign,
    site: Site,
    folder: Path | None,
    rng: np.random.Generator,
    most: int | None = MOST,
    progress: Progress | None = None,
    *,
    materials: Mapping[str, MaterialValues] = MappingProxyType({}),
    learnt: Collection[str] | None = None,
) -> TracedCampaign:
    """The paths of at most `most` soundings, drawn by `rng`. folder: where solved paths are kept.

    materials: by surface, over the site's. learnt: the surfaces whose materials are free, None for all.
    Raises TwinError where the soundings do not do, and for a surface that the site lacks.
    """
    names = [surface.name for surface in site.scene]
    if unknown := sorted({*materials, *(learnt or ())} - set(names)):
        raise TwinError(
            f"site {site.name!r} has no surface {', '.join(unknown)}; it has {', '.join(names)}"
        )
    soundings, problems = usable_soundings(campaign, site)
    drawn = rng.permutation(len(soundings))[:most]
    soundings = soundings.take(np.sort(drawn))
    meshes = tuple(
        replace(mesh, material=materials.get(mesh.name, mesh.material))
        for mesh in surface_meshes(site)
    )
    traced = traced_paths_of(soundings, site, meshes, folder, progress)
    sounded = SoundedPaths.of(traced, meshes, site.radio.frequency, learnt)
    return TracedCampaign(site, campaign, soundings, sounded, tuple(problems))


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
    rng = np.random.default_rng(seed)
    traced = traced_campaign(campaign, site, folder, rng, most, tracing)
    return traced.calibration(rng, progress=fitting)
