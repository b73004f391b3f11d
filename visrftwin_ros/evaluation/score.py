"""The contract of what judges predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, Protocol

from visrftwin_ros.evaluation.results import Evaluation, Finding, Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Need = Literal["paths", "reference", "channels", "people"]
"""What a score cannot do without, beyond the metrics of the snapshots that every result has. paths:
of the snapshots; reference: the absolute power of the measured paths; channels: the prediction at the
campaign's true channels; people: a predictor that is told of them."""

Draw = Callable[[Evaluation], "Figure | None"]
"""Draws one figure; None where there is nothing to draw."""


class Score(Protocol):
    """One way to judge a predictor.

    name: its key in `metrics.json`. columns: what it adds to the terminal's table, with their
    widths.
    """

    name: str
    needs: tuple[Need, ...]
    columns: Mapping[str, int]

    def of(self, result: Result, state: Evaluation) -> Finding | None:
        """Asked as soon as all `needs` are there; None where there is nothing to say."""

    def figures(self) -> Mapping[str, Draw]:
        """Its figures by the file's name without ending."""
