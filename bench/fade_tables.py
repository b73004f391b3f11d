"""The fade tables and their figure in docs/blockage_validation.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import matplotlib.pyplot as plt
import numpy as np
from fade_priors import CROWD, IMMERSE, PRIORS, VEHICLES, WALK
from numpy.typing import NDArray
from real_data.deepsense_blockage import Events, blockages
from real_data.page import table
from validation_fades import (
    CROWD_MEASURED,
    CROWD_READING,
    IMMERSE_READING,
    VEHICLE_READING,
    WALK_MEASURED_DB,
    WALK_READING,
    Fades,
    fill_db,
    horizontal,
    immerse,
    modelled,
    over_scenes,
    quantile,
    resampled,
)

from visrftwin_ros.propagation.people.screen_diffraction import BlockageModel

Array = NDArray[np.float64]
Scenes = Mapping[str, Sequence[Fades]]

MODELS: tuple[BlockageModel, ...] = get_args(BlockageModel)
RECTANGLES: tuple[BlockageModel, ...] = ("metis", "knife_edge")
"""The others have people's heads and legs."""
HORIZONTAL = "one bare cylinder, horizontal"
SHARES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Compared:
    """Fades as measured, and of every model by its scenes. vehicles_range: dB from DeepSense's best
    beam, unblocked, to its weakest one, which ends what it can measure."""

    immerse_measured: Mapping[str, Fades]
    vehicles_measured: Events
    vehicles_range: float
    immerse: Scenes
    crowd: Scenes
    walk: Scenes
    vehicles: Scenes


def compared(data: Path) -> Compared:
    """Runs every model over every prior."""
    drives = np.load(data / "channel/deepsense/scenario17_dev.npz")
    power_db = 10 * np.log10(drives["power"].astype(float))
    walkers: list[Scenes] = [
        {model: modelled(prior, reading, model) for model in MODELS}
        for prior, reading in ((IMMERSE, IMMERSE_READING), (CROWD, CROWD_READING),
                               (WALK, WALK_READING))
    ]  # fmt: skip
    return Compared(
        immerse(data),
        blockages(power_db, drives["blocked"], drives["index"]),
        float(
            np.median(power_db[drives["blocked"] == 0].max(axis=1))
            - np.median(power_db.min(axis=1))
        ),
        immerse_models(walkers[0]),
        *walkers[1:],
        {model: modelled(VEHICLES, VEHICLE_READING, model) for model in RECTANGLES},
    )


def immerse_models(vertical: Scenes) -> Scenes:
    """And what horizontal polarisation would make of it, which the engine's models do not tell apart."""
    return {**vertical, HORIZONTAL: horizontal(IMMERSE, IMMERSE_READING)}


def priors_table() -> str:
    def bounds(of: tuple[float, float], unit: float = 1.0) -> str:
        low, high = (f"{value * unit:g}" for value in of)
        return low if low == high else f"{low} to {high}"

    rows = [
        ("carrier (GHz)", *(bounds(p.carrier, 1e-9) for p in PRIORS.values())),
        ("length (m)", *(bounds(p.length) for p in PRIORS.values())),
        ("one antenna's height (m)", *(bounds(p.near) for p in PRIORS.values())),
        ("the other's (m)", *(bounds(p.far) for p in PRIORS.values())),
        ("highest ray at the crossing (m)", *(f"{p.highest:g}" for p in PRIORS.values())),
        ("crossing, share of the link", *(bounds(p.share) for p in PRIORS.values())),
        ("... and of each passer, more", *(bounds(p.step) for p in PRIORS.values())),
        ("off square (rad)", *(bounds(p.slant) for p in PRIORS.values())),
        ("... and of each passer, more", *(bounds(p.turn) for p in PRIORS.values())),
        ("speed (m/s)", *(bounds(p.speed) for p in PRIORS.values())),
        ("width, depth (m)", *(f"{bounds(p.width)}, {bounds(p.depth)}" for p in PRIORS.values())),
        ("height (m)", *(bounds(p.height) for p in PRIORS.values())),
        ("vertical polarisation", *(f"{p.vertical:.0%}" for p in PRIORS.values())),
        ("links, crossings", *(f"{p.links}, {p.crossings}" for p in PRIORS.values())),
    ]
    return table(("", *PRIORS), rows)


def spread(low: float, middle: float, high: float, digits: int = 1) -> str:
    return f"**{middle:.{digits}f}** ({low:.{digits}f} to {high:.{digits}f})"


def of_scenes(scenes: Sequence[Fades], of: Callable[[Fades], float], digits: int = 1) -> str:
    return spread(*over_scenes(scenes, of), digits)


def of_fades(values: Array, of: Callable[[Array], float], digits: int = 1) -> str:
    low, high = resampled(values, of)
    return spread(low, of(values), high, digits)


def milliseconds(fades: Fades) -> float:
    return float(np.median(fades.width[fades.width > 0]) * 1e3)


def pooled(found: Mapping[str, Fades]) -> Fades:
    columns = (np.concatenate([getattr(f, c) for f in found.values()])
               for c in ("depth", "width", "mean"))  # fmt: skip
    return Fades(*columns)


def immerse_table(runs: Mapping[str, Fades], models: Scenes) -> str:
    every = pooled(runs)
    measured = {**runs, "all three": every}
    middle = float(np.median(every.depth))
    rows = [
        (f"measured, {name}", len(fades.depth),
         *(of_fades(fades.depth, lambda v, q=q: float(np.quantile(v, q))) for q in SHARES),
         of_fades(fades.width * 1e3, lambda v: float(np.median(v)), 0), "")
        for name, fades in measured.items()
    ]  # fmt: skip
    for model, scenes in models.items():
        fill = [fill_db(middle, quantile(0.5)(fades)) for fades in scenes]
        rows.append(
            (named(model), sum(len(f.depth) for f in scenes),
             *(of_scenes(scenes, quantile(q)) for q in SHARES), of_scenes(scenes, milliseconds, 0),
             filled(fill))
        )  # fmt: skip
    head = ("", "fades", "depth, 10 %", "depth, 50 %", "depth, 90 % (dB)",
            "time over 3 dB, median (ms)", "other paths that would fill the median (dB)")  # fmt: skip
    return table(head, rows)


def named(model: str) -> str:
    return model if model == HORIZONTAL else f"`{model}`"


def filled(levels: Sequence[float]) -> str:
    """How far under the direct path other paths would have to lie, where any have to."""
    finite = np.array([level for level in levels if np.isfinite(level)])
    if len(finite) < len(levels) / 2:
        return f"none in {1 - len(finite) / len(levels):.0%}"
    return f"{np.median(finite):.1f}" + (
        f", none in {1 - len(finite) / len(levels):.0%}" if len(finite) < len(levels) else ""
    )


def crowd_table(found: Compared) -> str:
    rows: list[tuple[object, ...]] = [
        (f"measured, {beams}", f"**{depth}**", "", f"**{width:.0f}**")
        for beams, (depth, width) in CROWD_MEASURED.items()
    ]
    for model, scenes in found.crowd.items():
        rows.append(
            (f"`{model}`", of_scenes(scenes, lambda f: float(np.nanmean(f.mean))),
             of_scenes(scenes, quantile(0.5)),
             of_scenes(scenes, lambda f: float(f.width[f.width > 0].mean() * 1e3), 0))
        )  # fmt: skip
    head = ("", "mean attenuation (dB)", "deepest, median (dB)", "mean time over 5 dB (ms)")
    return table(head, rows)


def walk_table(found: Compared) -> str:
    rows: list[tuple[object, ...]] = [("measured, once", f"**{WALK_MEASURED_DB:.0f}**", "", "")]
    for model, scenes in found.walk.items():
        deepest = np.array([fades.depth[0] for fades in scenes])
        low, middle, high = np.quantile(deepest, SHARES)
        rows.append(
            (f"`{model}`", f"{low:.1f} / **{middle:.1f}** / {high:.1f}",
             f"{(deepest >= WALK_MEASURED_DB).mean():.0%}",
             f"{WALK_MEASURED_DB - middle:+.1f}")
        )  # fmt: skip
    head = ("", "deepest of 60 steps, 10 / 50 / 90 % (dB)", "walks that reach 35 dB",
            "measured - median (dB)")  # fmt: skip
    return table(head, rows)


def vehicles_table(found: Compared) -> str:
    deepest = found.vehicles_measured.deepest
    rows = [("measured", len(deepest),
             *(of_fades(deepest, lambda v, q=q: float(np.quantile(v, q))) for q in SHARES))]  # fmt: skip
    for model, scenes in found.vehicles.items():
        count = sum(len(fades.depth) for fades in scenes)
        rows.append((f"`{model}`", count, *(of_scenes(scenes, quantile(q)) for q in SHARES)))
        seen = [
            replace(
                f, depth=-10 * np.log10(10 ** (-f.depth / 10) + 10 ** (-found.vehicles_range / 10))
            )
            for f in scenes
        ]
        rows.append((f"`{model}`, and noise {found.vehicles_range:.0f} dB down", count,
                     *(of_scenes(seen, quantile(q)) for q in SHARES)))  # fmt: skip
    return table(("", "fades", "deepest frame, 10 %", "50 %", "90 % (dB)"), rows)


def findings(found: Compared) -> dict[str, str]:
    """What the page's text says of the tables: dB by which models are deeper than measured, and in
    how many scenes."""
    middle = float(np.median(pooled(found.immerse_measured).depth))
    deeper = {model: np.array([quantile(0.5)(fades) - middle for fades in scenes])
              for model, scenes in found.immerse.items()}  # fmt: skip
    mean = over_scenes(found.crowd["thick"], lambda f: float(np.nanmean(f.mean)))
    narrow, wide = (depth for depth, _ in CROWD_MEASURED.values())
    walk = np.array([fades.depth[0] for fades in found.walk["thick"]])
    return {
        "immerse_deeper": spread(*np.quantile(deeper["thick"], SHARES)),
        "immerse_flat": spread(*np.quantile(deeper["fresnel"], SHARES)),
        "immerse_share": f"{(deeper['thick'] > 0).mean():.0%}",
        "immerse_metis": f"{-np.median(deeper['metis']):.1f}",
        "immerse_knife": f"{-np.median(deeper['knife_edge']):.1f}",
        "immerse_reached": f"{(np.maximum(deeper['metis'], deeper['knife_edge']) >= 0).mean():.0%}",
        "immerse_fill": filled(
            [fill_db(middle, quantile(0.5)(fades)) for fades in found.immerse["thick"]]
        ),
        "crowd_narrow": f"{mean[1] - narrow:+.1f}",
        "crowd_wide": f"{mean[1] - wide:+.1f}",
        "vehicles_range": f"{found.vehicles_range:.0f}",
        "walk_short": f"{WALK_MEASURED_DB - np.median(walk):.1f}",
        "walk_share": f"{(walk >= WALK_MEASURED_DB).mean():.0%}",
    }


def draw(found: Compared, file: Path) -> None:
    figure, axes = plt.subplots(1, 3, figsize=(16, 5), sharey=True)
    every = pooled(found.immerse_measured)
    levels = np.linspace(0, 50, 251)
    for index, model in enumerate(MODELS):
        for axis, scenes in zip(axes, (found.immerse, found.crowd), strict=False):
            values = [f.depth if scenes is found.immerse else f.mean[np.isfinite(f.mean)]
                      for f in scenes[model]]  # fmt: skip
            shares = [np.searchsorted(np.sort(v), levels) / len(v) for v in values]
            low, middle, high = np.quantile(shares, SHARES, axis=0)
            axis.fill_between(levels, low, high, color=f"C{index}", alpha=0.2)
            axis.plot(levels, middle, f"C{index}--", label=model)
        deepest = np.sort([fades.depth[0] for fades in found.walk[model]])
        axes[2].plot(deepest, (np.arange(len(deepest)) + 0.5) / len(deepest), f"C{index}--",
                     label=model)  # fmt: skip
    depth = np.sort(every.depth)
    axes[0].plot(depth, (np.arange(len(depth)) + 0.5) / len(depth), "k-", label="measured")
    for (beams, (mean, _)), style in zip(CROWD_MEASURED.items(), ("-", ":"), strict=True):
        axes[1].axvline(mean, color="k", linestyle=style, label=f"measured mean, {beams}")
    axes[2].axvline(WALK_MEASURED_DB, color="k", label="measured, once")
    for axis, (title, unit) in zip(
        axes,
        (("IMMERSE", "deepest of a fade (dB)"), ("crowd, 73.5 GHz", "mean of a fade (dB)"),
         ("the paper's walk, 60 GHz", "deepest of 60 steps (dB)")),
        strict=True,
    ):  # fmt: skip
        axis.set(title=title, xlabel=unit, xlim=(0, 50), ylim=(0, 1))
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8, loc="lower right")
    axes[0].set_ylabel("share below")
    figure.suptitle("Fades measured (black) and by each model: median and 10 to 90 % of the scenes "
                    "drawn from the priors")  # fmt: skip
    figure.tight_layout()
    figure.savefig(file, dpi=110)
    plt.close(figure)
