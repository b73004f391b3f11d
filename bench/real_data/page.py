"""What a section of docs/validation.md is, and how it reads."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from visrftwin_ros.cli import main

FOLDER = "validation"
"""Of the figures, beside the page."""


@dataclass(frozen=True)
class Section:
    """title, source and licence of the data; text: what came out, in Markdown; shows, cannot: what
    the comparison is worth; headline: rows (what, result, beside what) of the page's table."""

    title: str
    source: str
    licence: str
    text: str
    shows: str
    cannot: str
    headline: tuple[tuple[str, str, str], ...] = ()

    def markdown(self) -> str:
        return (
            f"## {self.title}\n\n"
            f"Source: {self.source} Licence: {self.licence}\n\n{self.text.strip()}\n\n"
            f"**Shows:** {self.shows}\n\n**Cannot show:** {self.cannot}\n"
        )


@dataclass(frozen=True)
class Inputs:
    """data: the folder of real recordings. out: the folder of the page."""

    data: Path
    out: Path

    def figure(self, name: str, caption: str, columns: int, draw: Callable[[Any], None]) -> str:
        """Draws into `columns` axes side by side; the Markdown that shows the file."""
        figure, axes = plt.subplots(1, columns, figsize=(5.2 * columns, 3.8), squeeze=False)
        draw(axes[0] if columns > 1 else axes[0][0])
        for axis in axes[0]:
            axis.grid(alpha=0.3)
        figure.tight_layout()
        (self.out / FOLDER).mkdir(parents=True, exist_ok=True)
        figure.savefig(self.out / FOLDER / f"{name}.png", dpi=80)
        plt.close(figure)
        return f"![{caption}]({FOLDER}/{name}.png)"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def spread(values: np.ndarray, digits: int = 1) -> str:
    """10, 50 and 90 % of the values."""
    low, middle, high = (f"{v:.{digits}f}" for v in np.quantile(values, (0.1, 0.5, 0.9)))
    return f"{low} / **{middle}** / {high}"


def draw_shares(axis: Any, curves: dict[str, np.ndarray]) -> None:
    """Cumulative shares."""
    for name, values in curves.items():
        ordered = np.sort(values)
        axis.plot(ordered, (np.arange(len(ordered)) + 0.5) / len(ordered), label=name)
    axis.set(ylabel="share below", ylim=(0, 1))
    axis.legend(fontsize=8)


def run_command(*words: str | Path, status: int = 0) -> None:
    """A `visrftwin` command that ends with this exit status; what it prints goes to stderr."""
    with redirect_stdout(sys.stderr):
        ended = main([str(word) for word in words])
    if ended != status:
        raise RuntimeError(f"visrftwin {words[0]} {words[1]} ended with {ended}")
