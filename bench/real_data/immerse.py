"""Fades by pedestrians: the blockage models against IMMERSE, over geometries drawn from a prior."""

from __future__ import annotations

from typing import Any

import numpy as np
from fade_priors import IMMERSE
from fade_tables import MODELS, immerse_models, immerse_table, of_scenes, pooled
from validation_fades import IMMERSE_READING, Fades, immerse, modelled, quantile

from real_data.page import Inputs, Section, draw_shares


def section(inputs: Inputs) -> Section:
    traces = immerse(inputs.data)
    every = pooled(traces)
    models = {model: modelled(IMMERSE, IMMERSE_READING, model) for model in MODELS}
    together = {model: pooled({str(i): f for i, f in enumerate(s)}) for model, s in models.items()}

    def draw(axes: Any) -> None:
        chosen: dict[str, Fades] = {"measured": every, **together}
        draw_shares(axes[0], {name: fades.depth for name, fades in chosen.items()})
        draw_shares(axes[1], {name: fades.width for name, fades in chosen.items()})
        axes[0].set(xlabel="fade depth (dB)")
        axes[1].set(xlabel="time more than 3 dB down (s)", xlim=(0, 0.7))

    picture = inputs.figure("immerse_fades", "Fades measured and modelled", 2, draw)
    middle = np.median(every.depth)
    return Section(
        title="Fades by pedestrians: IMMERSE",
        source="IMMERSE, TU Dortmund, 2024: received power of a private millimetre-wave network "
        "while pedestrians cross, 91 runs at each of three receivers, in steps of 1 dB.",
        licence="CC-BY-4.0.",
        text="The deepest fade of each run. The link's geometry is not published: each model runs over "
        f"{IMMERSE_READING.scenes} scenes drawn from a prior that was written down before "
        "(`bench/fade_priors.py`, `docs/blockage_validation.md`), the direct path alone, read in the "
        "same way. In brackets: 5 to 95 % of a bootstrap over the runs, or 10 to 90 % of the scenes.\n\n"
        f"{immerse_table(traces, immerse_models(models))}\n\n{picture}",
        shows="How deep and long fades by people are, and what each model makes of every geometry that "
        "may have been.",
        cannot="Which model is right: geometry, antennas and sample interval (1 ms assumed) are "
        "unknown, and what fills a fade (other paths, gain control) is measured with it.",
        headline=tuple(
            (f"IMMERSE, fade depth, median, `{model}`",
             f"{of_scenes(scenes, quantile(0.5))} dB over the geometries that may have been",
             f"{middle:.1f} dB measured")
            for model, scenes in models.items()
        ),
    )  # fmt: skip
