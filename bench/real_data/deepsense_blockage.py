"""DeepSense 6G scenario 17: how deep and long vehicles block a link, and what a beam switch gains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from real_data.page import Inputs, Section, draw_shares, spread, table

BEFORE = 10
"""Frames before an event that say what the link was."""


@dataclass(frozen=True)
class Events:
    """E blockages: frames (E,) labelled; deepest, mean (E,) dB that the beam of before loses;
    switched (E,) beams between it and the best one at the deepest frame; gain (E,) dB that the best
    one has there. frame_loss, frame_gain, frame_switch: the same of every blocked frame."""

    frames: Int[np.ndarray, " e"]
    deepest: Float[np.ndarray, " e"]
    mean: Float[np.ndarray, " e"]
    switched: Int[np.ndarray, " e"]
    gain: Float[np.ndarray, " e"]
    frame_loss: Float[np.ndarray, " f"]
    frame_gain: Float[np.ndarray, " f"]
    frame_switch: Int[np.ndarray, " f"]


def blockages(
    power_db: Float[np.ndarray, "n b"], blocked: Int[np.ndarray, " n"], index: Int[np.ndarray, " n"]
) -> Events:
    """Runs of blocked frames with BEFORE unblocked frames of the same recording before them."""
    edges = np.flatnonzero(np.diff(np.r_[0, blocked, 0])).reshape(-1, 2)
    found: list[tuple[Any, ...]] = []
    frames: list[np.ndarray] = []
    for first, after in edges:
        start = first - BEFORE
        if start < 0 or blocked[start:first].any() or index[first] - index[start] != BEFORE:
            continue
        usual = power_db[start:first].mean(axis=0)
        beam = int(usual.argmax())
        during = power_db[first:after]
        loss = usual[beam] - during[:, beam]
        gain = during.max(axis=1) - during[:, beam]
        switch = np.abs(during.argmax(axis=1) - beam)
        worst = int(loss.argmax())
        found.append((after - first, loss[worst], loss.mean(), switch[worst], gain[worst]))
        frames.append(np.stack([loss, gain, switch]))
    count, deepest, mean, switched, gained = (
        np.array(column) for column in zip(*found, strict=True)
    )
    every = np.concatenate(frames, axis=1)
    return Events(count, deepest, mean, switched, gained, every[0], every[1], every[2].astype(int))


def usual_switching(
    power_db: Float[np.ndarray, "n b"], blocked: Int[np.ndarray, " n"], index: Int[np.ndarray, " n"]
) -> float:
    """Share of unblocked frames whose best beam is not that of the unblocked frame before."""
    best = power_db.argmax(axis=1)
    pairs = (blocked[1:] == 0) & (blocked[:-1] == 0) & (np.diff(index) == 1)
    return float((best[1:] != best[:-1])[pairs].mean())


def section(inputs: Inputs) -> Section:
    data = np.load(inputs.data / "channel/deepsense/scenario17_dev.npz")
    power_db = 10 * np.log10(data["power"].astype(float))
    events = blockages(power_db, data["blocked"], data["index"])
    usual = usual_switching(power_db, data["blocked"], data["index"])
    level = np.quantile(power_db[data["blocked"] == 0].max(axis=1), 0.5)
    floor = np.quantile(power_db.min(axis=1), 0.5)
    rows = [
        ("deepest loss of the beam of before (dB)", spread(events.deepest)),
        ("mean loss over the blocked frames (dB)", spread(events.mean)),
        ("loss of a blocked frame (dB)", spread(events.frame_loss)),
        ("duration (frames)", spread(events.frames, 0)),
        ("gain of the best beam at the deepest frame (dB)", spread(events.gain)),
        ("gain of the best beam in a blocked frame (dB)", spread(events.frame_gain)),
    ]

    slight = f"{(events.frame_loss < 3).mean():.0%}"

    def share(values: np.ndarray, least: float) -> str:
        return f"{(values >= least).mean():.0%}"

    def draw(axes: Any) -> None:
        draw_shares(axes[0], {"of an event, deepest": events.deepest,
                              "of a blocked frame": events.frame_loss})  # fmt: skip
        draw_shares(axes[1], {"at the deepest frame": events.gain,
                              "in any blocked frame": events.frame_gain})  # fmt: skip
        axes[0].set(xlabel="loss of the beam of before (dB)")
        axes[1].set(xlabel="gain of the best beam over it (dB)")

    picture = inputs.figure("deepsense_blockage", "Loss by blockage and gain of a switch", 2, draw)
    return Section(
        title="Blockage by vehicles and what a beam switch gains: DeepSense 6G scenario 17",
        source="DeepSense 6G scenario 17, 60 GHz: two standing ends, vehicles between, 64 beams, each "
        "frame labelled blocked or not (part of the scenario).",
        licence="CC BY-NC-SA 4.0.",
        text=f"{len(events.frames)} events with {BEFORE} unblocked frames before them.\n\n"
        f"{table(('', '10 / 50 / 90 %'), rows)}\n\n{picture}\n\n"
        f"- At the deepest frame another beam is best in {share(events.switched, 1)} of the events, "
        f"one more than a neighbour away in {share(events.switched, 2)}; over all blocked frames in "
        f"{share(events.frame_switch, 1)} and {share(events.frame_switch, 2)}. Unblocked, the best "
        f"beam changes in {usual:.0%} of the frames.\n"
        f"- The switch gains at least 1 dB in {share(events.frame_gain, 1)} of the blocked frames, "
        f"3 dB in {share(events.frame_gain, 3)}, 6 dB in {share(events.frame_gain, 6)}: with this "
        "codebook on this street nothing reaches the receiver around a vehicle; part even of that is "
        "the noise of 64 values of which the largest is taken. What helps is to "
        "know it in time and to hand over, not to turn the beam.\n"
        f"- The best beam stands {level - floor:.0f} dB over the weakest one's floor: losses near "
        "that are lower bounds.",
        shows="How deep a full blockage is at 60 GHz and how little one array's other beams help, "
        "which is why the product's advice is a hand-over to another access point, with the "
        "runner-up beam pair beside it.",
        cannot="The product's forecast: the place of ends and vehicles is not in the data, nor the "
        f"frame rate. The labels are coarse ({slight} of the blocked frames lose under 3 dB), and the "
        "clips were cut around events, so how often a link is blocked cannot be read from them.",
        headline=(
            ("DeepSense 17, deepest loss by a vehicle, median", f"{np.median(events.deepest):.1f} dB",
             "measured; models over assumed vehicles: `docs/blockage_validation.md`"),
            ("DeepSense 17, gain of the best beam at the deepest frame, median",
             f"{np.median(events.gain):.1f} dB", "measured"),
        ),
    )  # fmt: skip
