"""DeepSense 6G scenarios 1 and 5: the best of 64 beams from the vehicle's GPS position."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import minimize

from real_data.page import Inputs, Section, table

EARTH = 6371008.8
"""Mean radius, metres."""
FITTED = 0.6
"""Share of the drives, the first ones, that anything may be learnt from."""
NEIGHBOURS = 10
TOP = (1, 3, 5)
GEOMETRY = "geometry, lag and the station's place fitted"


@dataclass(frozen=True)
class Drives:
    """N frames of one scenario: power (N, 64) linear, relative; place (N, 2) m east and north of
    the base station; drive (N,) from 1."""

    power: Float[np.ndarray, "n b"]
    place: Float[np.ndarray, "n 2"]
    drive: Int[np.ndarray, " n"]

    @property
    def best(self) -> Int[np.ndarray, " n"]:
        return np.asarray(self.power.argmax(axis=1))

    def where(self, rows: np.ndarray) -> Drives:
        return Drives(self.power[rows], self.place[rows], self.drive[rows])


def read(folder: Path, scenario: int) -> Drives:
    def load(what: str) -> np.ndarray:
        return np.load(next(folder.glob(f"scenario{scenario}_{what}_*.npy")))

    station, vehicle = load("unit1_loc"), load("unit2_loc")
    scale = EARTH * np.array([1.0, np.cos(np.deg2rad(station[0, 0]))])
    north_east = np.deg2rad(vehicle - station) * scale
    return Drives(load("unit1_pwr"), north_east[:, ::-1], load("seq_index"))


def travel(drives: Drives) -> Float[np.ndarray, "n 2"]:
    """(N, 2) unit vector in which each frame's vehicle drives: start to end of its drive."""
    way = np.zeros_like(drives.place)
    for drive in np.unique(drives.drive):
        rows = np.flatnonzero(drives.drive == drive)
        along = drives.place[rows[-1]] - drives.place[rows[0]]
        way[rows] = along / np.linalg.norm(along)
    return way


def nearest(known: Drives, asked: Drives, count: int) -> Float[np.ndarray, "m b"]:
    """(M, 64) mean power over the nearest `count` places."""
    apart = np.linalg.norm(asked.place[:, None] - known.place[None], axis=-1)
    rows = np.argpartition(apart, count - 1, axis=1)[:, :count]
    return np.asarray(known.power[rows].mean(axis=1))


def geometry(known: Drives, asked: Drives, free: int) -> Float[np.ndarray, "m b"]:
    """(M, 64) minus the distance of each beam from middle + spacing * sin(bearing - heading), the
    law of a linear array's beams; least mean absolute error over the known drives.

    free: how many numbers are fitted: 3 of the law; 4: and how far along its travel the vehicle
    stands from where its GPS says; 6: and how far the station does, east and north.
    """

    def beam(law: np.ndarray, drives: Drives, way: np.ndarray) -> np.ndarray:
        law = np.append(law, np.zeros(6 - len(law)))
        east, north = (drives.place + law[3] * way - law[4:]).T
        return np.asarray(law[1] + law[2] * np.sin(np.arctan2(east, north) - law[0]))

    way = travel(known)

    def misfit(law: np.ndarray) -> float:
        return float(np.abs(beam(law, known, way) - known.best).mean())

    starts = [np.array([np.deg2rad(heading), 31.5, sign * 40.0])
              for heading in range(0, 360, 30) for sign in (1, -1)]  # fmt: skip
    begun = sorted(starts, key=misfit)[:4]
    fits = []
    for start in begun:
        for count in range(3, free + 1):  # one more number at a time
            start = np.append(start, np.zeros(count - len(start)))
            fit = minimize(misfit, start, method="Nelder-Mead", options={"maxiter": 1500})
            start = fit.x
        fits.append(fit)
    law = min(fits, key=lambda fit: fit.fun).x
    off = np.arange(asked.power.shape[1]) - beam(law, asked, travel(asked))[:, None]
    return -np.abs(off)


def scored(rating: Float[np.ndarray, "m b"], asked: Drives) -> dict[str, float]:
    """Shares in which the best beam is among the highest rated, and what the first choice loses."""
    order = np.argsort(-rating, axis=1, kind="stable")
    hit = order == asked.best[:, None]
    chosen = asked.power[np.arange(len(order)), order[:, 0]]
    loss = 10 * np.log10(asked.power.max(axis=1) / chosen)
    return {
        **{f"top{k}": float(hit[:, :k].any(axis=1).mean()) for k in TOP},
        "loss": float(np.median(loss)),
        "loss90": float(np.quantile(loss, 0.9)),
    }


def ways(known: Drives, asked: Drives) -> dict[str, Float[np.ndarray, "m b"]]:
    return {
        "geometry: angle to beam, 3 numbers fitted": geometry(known, asked, 3),
        "geometry, and the GPS's lag fitted": geometry(known, asked, 4),
        GEOMETRY: geometry(known, asked, 6),
        "nearest known position": nearest(known, asked, 1),
        f"mean of the {NEIGHBOURS} nearest positions": nearest(known, asked, NEIGHBOURS),
        "always the most frequent beams": np.tile(
            np.bincount(known.best, minlength=64).astype(float), (len(asked.best), 1)
        ),
    }


def last_frame(drives: Drives, rows: np.ndarray) -> tuple[np.ndarray, Drives]:
    """The powers one frame earlier in the same drive, for the rows that have one."""
    kept = rows[(rows > 0) & (drives.drive[rows] == drives.drive[rows - 1])]
    return drives.power[kept - 1], drives.where(kept)


def per_drive(drives: Drives) -> Float[np.ndarray, " d"]:
    """Signed median error in beams of each drive, from the nearest positions of all others."""
    errors = []
    for drive in np.unique(drives.drive):
        here = drives.drive == drive
        rating = nearest(drives.where(~here), drives.where(here), NEIGHBOURS)
        errors.append(np.median(drives.best[here] - rating.argmax(axis=1)))
    return np.array(errors)


def rows_of(drives: Drives, last: int) -> dict[str, dict[str, float]]:
    """Scores on the drives after the first `FITTED` of them, up to the drive `last`."""
    split = int(np.floor(FITTED * drives.drive.max()))
    asked = np.flatnonzero((drives.drive > split) & (drives.drive <= last))
    known = drives.where(drives.drive <= split)
    scores = {name: scored(rating, drives.where(asked))
              for name, rating in ways(known, drives.where(asked)).items()}  # fmt: skip
    before, frames = last_frame(drives, asked)
    return {**scores, "(the frame before, measured)": scored(before, frames)}


def section(inputs: Inputs) -> Section:
    folder = inputs.data / "channel/deepsense"
    drives = {scenario: read(folder, scenario) for scenario in (1, 5)}
    texts, headline = [], []
    shifted = {scenario: per_drive(found) for scenario, found in drives.items()}
    for scenario, found in drives.items():
        last = int(found.drive.max())
        split = int(np.floor(FITTED * last))
        scores = rows_of(found, last)
        texts.append(_text(f"Scenario {scenario}: fitted on drives 1 to {split} "
                           f"({(found.drive <= split).sum()} frames), asked on {split + 1} to {last} "
                           f"({(found.drive > split).sum()} frames)", scores))  # fmt: skip
        name = f"mean of the {NEIGHBOURS} nearest positions"
        for what in (GEOMETRY, name):
            s = scores[what]
            headline.append((f"DeepSense scenario {scenario}, best of 64 beams, {what}",
                             " / ".join(f"{s[f'top{k}']:.2f}" for k in TOP), "top 1 / 3 / 5"))  # fmt: skip
    moved = np.flatnonzero(np.abs(shifted[5]) >= 4) + 1
    if len(moved) and moved.min() > np.floor(FITTED * drives[5].drive.max()):
        texts.append(_text(
            f"Scenario 5 without its drives {moved.min()} to {moved.max()}, whose beams stand "
            f"{np.abs(shifted[5][moved - 1]).mean():.0f} off all earlier ones at the same GPS "
            "position (right figure): a receiver or a GPS that was moved, which no method that "
            "knows only the earlier drives can tell",
            rows_of(drives[5], int(moved.min()) - 1),
        ))  # fmt: skip

    def draw(axes: Any) -> None:
        for scenario, found in drives.items():
            bearing = np.rad2deg(np.arctan2(*found.place.T))
            turned = (bearing - np.median(bearing) + 180) % 360 - 180
            axes[0].plot(turned, found.best, ".", markersize=2, label=f"scenario {scenario}")
            axes[1].plot(np.arange(len(shifted[scenario])) + 1, shifted[scenario], "o-",
                         markersize=4, label=f"scenario {scenario}")  # fmt: skip
        axes[0].set(xlabel="bearing, from its median (degrees)", ylabel="best beam")
        axes[1].set(xlabel="drive", ylabel="best beam, off the other drives'")
        for axis in axes:
            axis.legend(fontsize=8)

    picture = inputs.figure("deepsense_beams", "Best beam over bearing, and its shift by drive", 2, draw)  # fmt: skip
    return Section(
        title="The best beam from a position: DeepSense 6G scenarios 1 and 5",
        source="DeepSense 6G (Alkhateeb et al., IEEE Communications Magazine 61, 2023), 60 GHz, "
        "receiver with 64 beams at the roadside, transmitter and GPS on a car that drives by.",
        licence="CC BY-NC-SA 4.0.",
        text=f"The first {FITTED:.0%} of the drives may be learnt from, the others are asked: frames "
        "of one drive, nearly alike, never stand on both sides. Loss: power of the first choice "
        "under that of the best beam.\n\n" + "\n\n".join(texts) + f"\n\n{picture}\n\n"
        "Neighbouring beams overlap, and even the frame before has another best beam most of the "
        "time: top-1 counts coin tosses between beams a fraction of a dB apart, the loss does not. "
        "An angle and a linear array explain most of it; learnt positions are better where the "
        "installation stays as it was, and neither knows when it did not.",
        shows="What a position is worth for beam choice with a real array and real GPS; that the law of "
        "the product's codebooks, sine of the bearing to beam, carries most of it; and what it costs "
        "when an installation moves unnoticed.",
        cannot="The product's own beam choice: arrays, codebook and surroundings are not published "
        "with the powers, so beams are fitted here, not predicted from a site. One car, one street, "
        "line of sight nearly throughout. Powers are relative: no SNR, no rate.",
        headline=tuple(headline),
    )


def _text(title: str, scores: dict[str, dict[str, float]]) -> str:
    rows = [(name, *(f"{s[f'top{k}']:.3f}" for k in TOP), f"{s['loss']:.2f}", f"{s['loss90']:.2f}")
            for name, s in scores.items()]  # fmt: skip
    head = ("", *(f"top {k}" for k in TOP), "loss, median (dB)", "loss, 90 % (dB)")
    return f"{title}.\n\n{table(head, rows)}"
