"""Fades by pedestrians: the blockage models against IMMERSE, by bench/validation_fades.py."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import ks_2samp
from validation_fades import Crossings, Fades, measured, modelled

from real_data.page import Inputs, Section, draw_shares, spread, table
from visrftwin_ros.propagation.people.screen_diffraction import BlockageModel

MODELS: tuple[BlockageModel, ...] = ("fresnel", "metis", "knife_edge")


def section(inputs: Inputs) -> Section:
    traces = measured(inputs.data)
    every = Fades(
        np.concatenate([fades.depth for fades in traces.values()]),
        np.concatenate([fades.width for fades in traces.values()]),
    )
    models = {f"model {name}": modelled(name) for name in MODELS}
    known = {**{f"IMMERSE {name}": fades for name, fades in traces.items()},
             "IMMERSE, all three": every, **models}  # fmt: skip

    def distance(fades: Fades, of: str) -> str:
        return f"{ks_2samp(getattr(fades, of), getattr(every, of)).statistic:.2f}"

    rows = [
        (name, len(fades.depth), spread(fades.depth), spread(fades.width * 1e3, 0),
         distance(fades, "depth"), distance(fades, "width"))
        for name, fades in known.items()
    ]  # fmt: skip
    head = ("", "fades", "depth 10 / 50 / 90 % (dB)", "over 3 dB, 10 / 50 / 90 % (ms)",
            "depth: largest gap of the shares to all measured", "duration: the same")  # fmt: skip

    def draw(axes: Any) -> None:
        chosen = {"measured": every, **models}
        draw_shares(axes[0], {name: fades.depth for name, fades in chosen.items()})
        draw_shares(axes[1], {name: fades.width for name, fades in chosen.items()})
        axes[0].set(xlabel="fade depth (dB)")
        axes[1].set(xlabel="time more than 3 dB down (s)", xlim=(0, 0.7))

    picture = inputs.figure("immerse_fades", "Fades measured and modelled", 2, draw)
    ours = models["model fresnel"]
    depth = [f"{np.median(fades.depth):.1f} dB" for fades in (ours, every)]
    width = [f"{np.median(fades.width) * 1e3:.0f} ms" for fades in (ours, every)]
    off = {name: np.median(models[f"model {name}"].depth) - np.median(every.depth)
           for name in MODELS}  # fmt: skip
    longer = np.median(ours.width) / np.median(every.width) - 1
    assumed = Crossings()
    return Section(
        title="Fades by pedestrians: IMMERSE",
        source="IMMERSE, TU Dortmund, 2024: received power of a private millimetre-wave network "
        "while pedestrians cross, 91 runs at each of three receivers.",
        licence="CC-BY-4.0.",
        text=f"The deepest fade of each run against the direct path alone over {assumed.count} "
        "random crossings, read in the same way (`docs/blockage_validation.md` has the geometry "
        f"assumed and the theory behind the models).\n\n{table(head, rows)}\n\n{picture}\n\n"
        f"`fresnel`, the default, is {off['fresnel']:+.1f} dB off in the median and its fades last "
        f"{longer:.0%} too long; `metis` and `knife_edge`, which average over the fringes, are "
        f"{off['metis']:+.1f} and {off['knife_edge']:+.1f} dB off.",
        shows="Which of the three models has fades of about the depth of real ones, and that it errs "
        "on the deep and long side: the direct path alone, into which no other path falls.",
        cannot="A trace against a trace: neither the geometry nor the sample interval (1 ms assumed) "
        "is published, so durations hold to that assumption, and nobody knows where each person "
        "walked.",
        headline=(
            ("IMMERSE, fade depth, median, `fresnel`", depth[0], f"{depth[1]} measured"),
            ("IMMERSE, time over 3 dB, median, `fresnel`", width[0], f"{width[1]} measured"),
        ),
    )
