"""What a calibration learnt, from what, and what that is worth, as JSON and as a page of text."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from visrftwin_ros.calibration.calibration import Calibration
from visrftwin_ros.calibration.estimate import forecast
from visrftwin_ros.calibration.material_parameters import QUANTITIES
from visrftwin_ros.calibration.next_sounding import NextSounding, next_sounding
from visrftwin_ros.calibration.sounding_model import SoundingModel
from visrftwin_ros.campaign.snapshot_marks import snapshot_marks

_Z90 = 1.6449
"""Standard deviations to either side that hold 90 % of a normal."""
_SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
_MOST_NAMED = 5
"""Soundings that are named for each material."""
LEARNT = 0.2
"""Share of a number's variance that soundings must have taken for it to count as learnt."""


def report_of(calibration: Calibration) -> dict[str, Any]:
    """JSON-able; powers in dB, places in metres, intervals of 90 %."""
    known, estimate = calibration.known, calibration.estimate
    error, following = estimate.error, following_sounding(calibration)
    return {
        "campaign": str(calibration.campaign.source),
        "fitted_on": sorted(snapshot_marks(calibration.campaign.snapshots)),
        "site": calibration.site.name,
        "complete": estimate.complete,
        "soundings": len(known.soundings),
        "soundings_aside": len(calibration.aside.soundings),
        "adopted": calibration.adopted,
        "problems": list(calibration.problems),
        "aside": _aside(calibration),
        "materials": _materials(calibration),
        "surfaces_no_sounding_met": list(calibration.unseen),
        "access_points": _access_points(calibration),
        "model_error": {
            "alone_db": error.alone_db,
            "shared_db": error.shared_db,
            "reach_m": error.reach,
            "delay_spread_db": error.spread_db,
        },
        "residuals": _residuals(calibration),
        "next_sounding": {
            "position": following.place.tolist(),
            "sd_before_db": following.before_db,
            "sd_after_db": following.after_db,
        },
    }


def following_sounding(calibration: Calibration) -> NextSounding:
    """Where to sound next, at the median height of the soundings."""
    models = calibration.known, calibration.aside
    heights = np.concatenate([model.soundings.position[:, 2] for model in models])
    meshes = calibration.known.sounded.meshes
    law = calibration.everywhere.residuals
    return next_sounding(law, meshes, float(np.median(heights)))


def text_of(report: dict[str, Any]) -> str:
    """The same in some lines."""
    lines = [f"{report['soundings']} soundings learnt from, {report['soundings_aside']} kept aside"]
    aside = report["aside"]
    for what, unit in (("power", "dB"), ("delay_spread", "%")):
        if aside.get(what):
            before, after = (aside[what][when] for when in ("before", "after"))
            lines.append(
                f"  {what.replace('_', ' ')}, kept aside: RMS error {before['rms']:.1f} -> "
                f"{after['rms']:.1f} {unit}, median {before['median']:.1f} -> {after['median']:.1f} {unit}"
            )
    residuals = report["residuals"]
    if aside:
        errors = [aside["power"][k]["rms"] for k in ("by_new_site", "with_its_residuals")]
        word = "adopted" if residuals["adopted"] else "no better there, left out"
        lines.append(
            f"  with what near soundings are still off: {errors[0]:.1f} -> {errors[1]:.1f} dB; {word}"
        )
    if not report["adopted"]:
        lines.append("  no better there than before: every surface keeps its material")
    for name, quantities in report["materials"].items():
        for quantity, found in quantities["values"].items():
            low, high = found["interval"]
            word = "learnt" if found["learnt"] > LEARNT else "hardly seen"
            lines.append(
                f"  {name} {quantity}: {found['before']:.3g} -> {found['after']:.3g} "
                f"({low:.3g} to {high:.3g}; {word})"
            )
    if report["surfaces_no_sounding_met"]:
        names = ", ".join(report["surfaces_no_sounding_met"])
        lines.append(f"  no sounding met {names}: as before")
    where = ", ".join(f"{value:.1f}" for value in report["next_sounding"]["position"])
    lines.append(f"  to sound next: ({where}) m")
    return "\n".join(lines)


def _aside(calibration: Calibration) -> dict[str, Any]:
    """Errors on the soundings kept aside, before (with the reference that fits the others) and after."""
    aside, estimate = calibration.aside, calibration.estimate
    if not len(aside.soundings):
        return {}
    before, after = aside.readings(np.zeros(len(aside.mean))), aside.readings(estimate.numbers)
    found = forecast(estimate, aside)
    as_site, with_map = calibration.aside_errors_db
    measured = aside.soundings.power_db
    powers = {
        "before": _errors(before.power_db - measured),
        "after": _errors(after.power_db - measured),
        "by_new_site": _errors(as_site),
        "with_its_residuals": _errors(with_map),
        "interval_covers": float(np.mean(np.abs(after.power_db - measured) < _Z90 * found.sd_db)),
    }
    timed = np.isfinite(aside.soundings.delay_spread)
    spread = aside.soundings.delay_spread[timed]
    relative = [
        _errors(100 * (10 ** (readings.spread_db[timed] / 10) / spread - 1))
        for readings in (before, after)
        if timed.any()
    ]
    spreads = dict(zip(("before", "after"), relative, strict=False))
    return {"power": powers, "delay_spread": spreads}


def _errors(error: Float[np.ndarray, " n"]) -> dict[str, Any]:
    size = np.abs(error)
    quantiles = dict(zip(map(str, _SHARES), map(float, np.quantile(size, _SHARES)), strict=True))
    rms = float(np.sqrt(np.mean(error**2)))
    return {"rms": rms, "median": float(np.median(size)), "quantiles": quantiles}


def _materials(calibration: Calibration) -> dict[str, Any]:
    """By material: its numbers before and after, and the soundings that told most of them."""
    known, estimate = calibration.known, calibration.estimate
    parameters = known.sounded.parameters
    told = _information(known, calibration)
    sd = np.sqrt(np.diag(estimate.covariance))[: len(parameters)]
    numbers = known.material_numbers(estimate.numbers)
    before, after = parameters.values(parameters.mean), parameters.values(numbers)
    low, high = (parameters.values(numbers + s * _Z90 * sd * parameters.sd) for s in (-1, 1))
    found: dict[str, Any] = {}
    for number, material in enumerate(parameters.materials):
        own = np.flatnonzero(parameters.material == number)
        by_sounding = told[:, own].sum(axis=1)
        order = np.argsort(-by_sounding)[:_MOST_NAMED]
        found[material.name] = {
            "surfaces": [
                mesh.name
                for mesh, of in zip(known.sounded.meshes, parameters.of_surface, strict=True)
                if of == number
            ],
            "values": {
                QUANTITIES[parameters.quantity[k]]: {
                    "before": float(before[k]),
                    "after": float(after[k]),
                    "interval": [float(low[k]), float(high[k])],
                    "learnt": float(np.clip(1 - sd[k] ** 2, 0, 1)),
                }
                for k in own
            },
            "told_by": [
                {
                    "access_point": known.soundings.tx[i],
                    "position": known.soundings.position[i].tolist(),
                    "share": float(by_sounding[i] / by_sounding.sum()),
                }
                for i in order
                if by_sounding[i] > 0
            ],
        }
    return found


def _information(known: SoundingModel, calibration: Calibration) -> Float[np.ndarray, "n x"]:
    """What each sounding's power by itself tells of each number, in inverse squares of the prior's
    standard deviation (the diagonal of Fisher's matrix)."""
    error = calibration.estimate.error
    variance = (error.alone_db**2 + error.shared_db**2) / calibration.estimate.trust
    slopes = known.readings(calibration.estimate.numbers).power_slopes
    return np.asarray(slopes**2 / variance[:, None])


def _access_points(calibration: Calibration) -> dict[str, Any]:
    known, estimate = calibration.known, calibration.estimate
    plain = known.mean + known.sd * estimate.numbers
    sd = known.sd * np.sqrt(np.diag(estimate.covariance))
    first, count = known.n_materials, len(known.access_points)
    antennas = plain[first + count :].reshape(-1, 3), sd[first + count :].reshape(-1, 3)
    return {
        name: {
            "offset_db": float(plain[first + i]),
            "offset_sd_db": float(sd[first + i]),
            "antenna_db": antennas[0][i].tolist(),
            "antenna_sd_db": antennas[1][i].tolist(),
        }
        for i, name in enumerate(known.access_points)
    }


def _residuals(calibration: Calibration) -> dict[str, Any]:
    """Of the map of what the new site is still off."""
    found = calibration.residuals
    return {
        "adopted": len(found) > 0,
        "soundings": len(found),
        "alone_db": found.alone_db,
        "shared_db": found.shared_db,
        "reach_m": found.reach,
    }
