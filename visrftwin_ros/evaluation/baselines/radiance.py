"""What radiance fields of radio share: what they are held against, and how they are fitted and asked.

A field says, for each link, of a number of components their power, azimuth of arrival and way. Measured paths and
components are blurred alike over azimuth and over the way, and compared in logarithms. Power, not amplitudes: phases
of different snapshots have no common reference.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from jaxtyping import Float
from scipy.constants import speed_of_light

from visrftwin_ros.beams.multipath import Multipath, no_multipath
from visrftwin_ros.errors import TwinError
from visrftwin_ros.evaluation.link_targets import Questions
from visrftwin_ros.evaluation.prediction import Measured, Prediction, Progress, Setting

if TYPE_CHECKING:
    import torch

AZIMUTHS, WAYS = 72, 48
"""Directions around the receiver, and ways up to the longest, in which powers are compared."""
KERNEL = np.radians(5.0), 1.0
"""Standard deviations, rad and m of way, by which paths are blurred."""
FLOOR = 1e-3
"""Of the strongest of a snapshot: what is less does not count, as of a sounder's side lobes."""
WEAKEST = 1e-4
"""Of the strongest: weaker components are no paths."""
LEAST = 4
"""Snapshots without which there is nothing to fit."""


@dataclass(frozen=True)
class Components:
    """Of N links, C each: power in the field's scale, azimuth of arrival (rad; (1, C) where all links have the same),
    way (m)."""

    power: torch.Tensor
    azimuth: torch.Tensor
    way: torch.Tensor


class Field(Protocol):
    """A torch module: the components of links."""

    def __call__(self, links: Links) -> Components: ...

    def parameters(self) -> Any: ...


@dataclass(frozen=True)
class Links:
    """ap: (N,) numbers of access points. tx, rx: (N, 3) m."""

    ap: torch.Tensor
    tx: torch.Tensor
    rx: torch.Tensor

    @classmethod
    def of(cls, questions: Questions, aps: Sequence[str]) -> Links:
        """An access point that is not among `aps` has the number of the first; who asks leaves it out."""
        import torch

        numbers = [aps.index(name) if name in aps else 0 for name in questions.tx]
        ends = questions.tx_position, questions.rx_position
        return cls(torch.tensor(numbers), *(torch.tensor(e, dtype=torch.float32) for e in ends))


@dataclass(frozen=True)
class Aim:
    """What was measured: (N, AZIMUTHS) and (N, WAYS) power, in `scale`. reach: m, the longest way."""

    by_azimuth: torch.Tensor
    by_way: torch.Tensor
    scale: float
    reach: float

    @classmethod
    def at(cls, known: Measured) -> Aim:
        """Raises TwinError where there is too little to learn from, or no path with a power, a delay and a
        direction."""
        import torch

        paths, count = known.paths, len(known.questions)
        if count < LEAST:
            raise TwinError(
                f"a radiance field has {count} snapshot(s) to learn from, needs {LEAST}: "
                "a longer campaign or a larger --train-share"
            )
        azimuth, way = paths.arrival[:, 0], paths.delay * speed_of_light
        sound = (
            (paths.power > 0) & np.isfinite(paths.power) & np.isfinite(azimuth) & np.isfinite(way)
        )
        if not sound.any():
            raise TwinError("the snapshots have no path with a power, a delay and a direction")
        reach = float(np.clip(way[sound].max(), 5.0, 200.0))
        rows = torch.tensor(paths.channel[sound])
        power, seen, gone = (
            torch.tensor(values[sound], dtype=torch.float32)
            for values in (paths.power, azimuth, way)
        )
        shares = _around(seen), _along(gone, reach)
        by_azimuth, by_way = (
            torch.zeros(count, share.shape[1]).index_add(0, rows, power[:, None] * share)
            for share in shares
        )
        heard = by_azimuth.max(dim=1).values
        scale = float(heard[heard > 0].median())
        return cls(by_azimuth / scale, by_way / scale, scale, reach)

    def missed(self, found: Components) -> torch.Tensor:
        """Mean absolute errors of logarithms: by direction, by way, and of the whole power."""
        power = found.power[:, None]
        around = (power @ _around(found.azimuth))[:, 0]
        along = (power @ _along(found.way, self.reach))[:, 0]
        return (
            _log_error(around, self.by_azimuth)
            + _log_error(along, self.by_way)
            + _log_error(around.sum(dim=1, keepdim=True), self.by_azimuth.sum(dim=1, keepdim=True))
        )


@dataclass(frozen=True)
class Fitted:
    """A field that has learnt. aps: that it knows. losses: (steps,) of the training."""

    field: Field
    aps: tuple[str, ...]
    scale: float
    losses: Float[np.ndarray, " s"]

    def paths(self, questions: Questions) -> Multipath:
        """One path a component; none of an access point that it never heard."""
        import torch

        parts = []
        with torch.no_grad():
            for i in range(len(questions)):
                one = questions.take([i])
                if one.tx[0] not in self.aps:
                    parts.append(no_multipath(1))
                    continue
                found = self.field(Links.of(one, self.aps))
                values = (found.power * self.scale, found.azimuth, found.way)
                parts.append(_multipath(*(value[0].numpy().astype(float) for value in values)))
        return Multipath.joined(parts)


def fitted(
    field: Field, known: Measured, aim: Aim, steps: int, rate: float, progress: Progress | None
) -> Fitted:
    """By Adam, over all snapshots at once, the rate falling as a cosine."""
    import torch

    aps = tuple(dict.fromkeys(known.questions.tx))
    links = Links.of(known.questions, aps)
    optimiser = torch.optim.Adam(field.parameters(), rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    losses = np.zeros(steps)
    for step in range(steps):
        loss = aim.missed(field(links))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        losses[step] = loss.item()
        if progress is not None:
            progress(step + 1, steps)
    return Fitted(field, aps, aim.scale, losses)


class FieldPredictor(ABC):
    """What the predictors by a field have in common."""

    steps: int
    rate: float

    @abstractmethod
    def field(self, known: Measured, aim: Aim) -> Field:
        """One that has not learnt yet."""

    def predict(
        self, questions: Questions, setting: Setting, progress: Progress | None = None
    ) -> Prediction:
        """Paths, the same for the same seed.

        Raises TwinError where too little is known to learn from.
        """
        with one_thread(setting.seed):
            aim = Aim.at(setting.known)
            field = self.field(setting.known, aim)
            found = fitted(field, setting.known, aim, self.steps, self.rate, progress)
            return Prediction(paths=found.paths(questions), learnt=True, losses=found.losses)


@contextmanager
def one_thread(seed: int) -> Iterator[None]:
    """A generator of its own, and no more than a core."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # far from a blurred path they are many, and slow
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)


def _log_error(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    floor = FLOOR * wanted.max(dim=1, keepdim=True).values.clamp(min=1e-6)
    return ((found + floor).log() - (wanted + floor).log()).abs().mean()


def _around(azimuth: torch.Tensor) -> torch.Tensor:
    """The share of each that is seen in each direction, (..., AZIMUTHS)."""
    import torch

    off = azimuth[..., None] - torch.linspace(-np.pi, np.pi, AZIMUTHS + 1)[:-1]
    return _shares(torch.atan2(off.sin(), off.cos()) / KERNEL[0])


def _along(way: torch.Tensor, reach: float) -> torch.Tensor:
    """The share of each that is seen at each way, (..., WAYS)."""
    import torch

    bins = torch.linspace(0.0, reach, WAYS)
    return _shares((way[..., None] - bins) / max(KERNEL[1], reach / (WAYS - 1)))


def _shares(off: torch.Tensor) -> torch.Tensor:
    near = (-0.5 * off.square()).exp()
    return near / near.sum(dim=-1, keepdim=True).clamp(min=1e-6)


def _multipath(
    power: Float[np.ndarray, " c"], azimuth: Float[np.ndarray, " c"], way: Float[np.ndarray, " c"]
) -> Multipath:
    """Of one link; nothing is said of departures and elevations."""
    kept = power > WEAKEST * power.max()
    if not kept.any():
        return no_multipath(1)
    nan = np.full(int(kept.sum()), np.nan)
    arrival, departure = np.column_stack([azimuth[kept], nan]), np.column_stack([nan, nan])
    return Multipath.of_link(power[kept], way[kept] / speed_of_light, departure, arrival)
