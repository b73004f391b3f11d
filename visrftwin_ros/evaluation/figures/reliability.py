"""The reliability diagram."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from jaxtyping import Float, Int
from matplotlib.figure import Figure
from scipy.stats import binomtest


class Binned(Protocol):
    """Forecasts by bins of their probability: a `scores.reliability.Reliability`."""

    @property
    def count(self) -> Int[np.ndarray, " b"]: ...

    @property
    def told(self) -> Float[np.ndarray, " b"]: ...

    @property
    def came(self) -> Float[np.ndarray, " b"]: ...

    @property
    def error(self) -> float: ...


def reliability_figure(diagrams: Mapping[str, Binned], came: str) -> Figure:
    """How often what was told came, with Wilson's 95 % interval, over how many forecasts told each
    probability; came: of what the share is."""
    drawn = Figure(figsize=(6, 6.5), layout="constrained")
    above, below = drawn.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    above.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="as told")
    for number, (name, one) in enumerate(diagrams.items()):
        spread = [
            binomtest(round(c * n), round(n)).proportion_ci(method="wilson") if n else (np.nan,) * 2
            for c, n in zip(one.came, one.count, strict=True)
        ]
        low, high = np.array([tuple(each) for each in spread]).T
        around = [np.maximum(one.came - low, 0), np.maximum(high - one.came, 0)]
        label = f"{name}: {one.error:.2f} off"
        above.errorbar(one.told, one.came, around, marker="o", capsize=2, label=label)
        width = 0.8 / len(diagrams)
        edges = (np.arange(len(one.count)) + 0.1 + width * number) / len(one.count)
        below.bar(edges, one.count, width / len(one.count), align="edge")
    above.set_ylabel(came)
    above.legend()
    below.set(yscale="log", xlabel="probability told", ylabel="forecasts")
    return drawn
