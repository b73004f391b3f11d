"""Measured impulse responses: BUT at 60 GHz and mMobile at 28 GHz, through the importer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy.constants import speed_of_light

from real_data.page import Inputs, Section, spread, table
from visrftwin_ros.campaign.importers.cir_paths import (
    extract_echoes,
    rms_delay_spread,
    used_frequencies,
)
from visrftwin_ros.campaign.importers.mat_cir import ResponseLayout, read_responses
from visrftwin_ros.evaluation.baselines.inh import INH_OFFICE

BUT_RATE = 1001 * 10e6
"""Hz: 1001 points, 10 MHz apart (55 to 65 GHz)."""
BUT_CARRIER = 60e9
MMOBILE_CARRIER, MMOBILE_DISTANCE = 28e9, 2.5


INH_SIGMA = 0.18
"""Decades, of the indoor office's delay spread with line of sight (TR 38.901 V17, table 7.5-6)."""


def free_space_db(distance: float, frequency: float) -> float:
    return float(20 * np.log10(speed_of_light / (4 * np.pi * distance * frequency)))


def power_db(response: np.ndarray) -> np.ndarray:
    return np.asarray(20 * np.log10(np.abs(response) + 1e-12))


def summary(echoes: list[Any], seconds_a_tap: float) -> dict[str, np.ndarray]:
    """(S,) of each response: strongest echo's delay s and power dB, floor dB, spread s, echoes."""
    power = [np.abs(e.amplitude) ** 2 for e in echoes]
    return {
        "delay": np.array([e.delay[0] for e in echoes]) * seconds_a_tap,
        "peak": np.array([10 * np.log10(p[0]) for p in power]),
        "floor": np.array([10 * np.log10(e.floor) for e in echoes]),
        "spread": np.array([rms_delay_spread(e.delay, p) for e, p in zip(echoes, power, strict=True)])
        * seconds_a_tap,
        "count": np.array([len(p) for p in power]),
    }  # fmt: skip


def but_rows(found: dict[str, np.ndarray]) -> list[str]:
    distance = np.median(found["delay"]) * speed_of_light
    over = np.median(found["peak"]) - free_space_db(distance, BUT_CARRIER)
    return [
        str(len(found["delay"])),
        f"{spread(found['delay'] * 1e9, 2)} ns = {distance:.2f} m",
        f"{np.median(found['peak']):.1f} dB, {over:+.1f} dB over free space",
        f"{np.median(found['floor']):.1f} dB",
        f"{np.median(found['peak'] - found['floor']):.0f} dB",
        spread(found["count"], 0),
        f"{spread(found['spread'] * 1e9, 2)} ns",
    ]


def section(inputs: Inputs) -> Section:
    folder = inputs.data / "channel"
    layout = ResponseLayout("CIR_mat", ("snapshot", "snapshot", "tap"), BUT_RATE)
    rooms, pictures = {}, {}
    for name in ("CIR", "CIR2"):
        responses = read_responses(folder / f"BUT_60GHz/{name}.mat", layout)
        pictures[name] = responses[0, 0]
        rooms[name] = summary([extract_echoes(r) for r in responses], 1 / BUT_RATE)
    spectra = ResponseLayout("CTF_mat", ("snapshot", "snapshot", "frequency"), BUT_RATE)
    same = max(
        np.abs(read_responses(folder / f"BUT_60GHz/{c}.mat", spectra)
               - read_responses(folder / f"BUT_60GHz/{h}.mat", layout)).max()
        for c, h in (("CTF", "CIR"), ("CTF2", "CIR2"))
    )  # fmt: skip
    names = ("responses", "strongest path", "its gain", "noise of a tap", "dynamic range",
             "paths, 10 / 50 / 90 %", "RMS delay spread, 10 / 50 / 90 %")  # fmt: skip
    columns = [but_rows(rooms[name]) for name in rooms]
    but = table(("BUT, 60 GHz", *rooms), list(zip(names, *columns, strict=True)))
    median = float(INH_OFFICE.los.delay_spread(np.array([BUT_CARRIER]))[0])
    ours = np.median(np.concatenate([found["spread"] for found in rooms.values()]))
    mobile_text, draw_mobile, mobile_headline = _mobile(folder)

    def draw(axes: Any) -> None:
        for name, response in pictures.items():
            axes[0].plot(
                np.arange(400) / BUT_RATE * 1e9, power_db(response)[:400], label=name, lw=0.8
            )
        axes[0].set(xlabel="delay (ns)", ylabel="dB", title="BUT, first of 16 positions")
        axes[0].legend(fontsize=8)
        draw_mobile(axes[1])

    picture = inputs.figure("responses", "Impulse responses of BUT; beams of mMobile", 2, draw)
    return Section(
        title="Measured impulse responses: BUT at 60 GHz and mMobile at 28 GHz",
        source="Brno University of Technology, indoor 55 to 65 GHz, 4 x 4 positions, two rooms or "
        "settings (`CIR`, `CIR2`); mMobile (Jain et al., UC San Diego, mmNets 2020), 28 GHz, 31 beams "
        "of the receiver at 21 places on a 2.5 m link.",
        licence="No licence beside either file: cited, not redistributed.",
        text=f"Read as `visrftwin import mat` reads them; paths by CLEAN.\n\n{but}\n\n"
        f"- The frequency responses beside them, read with `--axes ...,frequency`, give the same "
        f"impulse responses within {same:.0e}.\n"
        f"- TR 38.901 (indoor office, line of sight) has a median delay spread of {median * 1e9:.1f} ns "
        f"at 60 GHz with a sigma of {INH_SIGMA} decades. Measured: {ours * 1e9:.1f} ns, "
        f"{np.log10(median / ours) / INH_SIGMA:.1f} sigma below. The model is made for rooms of offices "
        "and wide beams, this is a short link: a stochastic baseline can be wrong by a factor of "
        f"{median / ours:.0f} where a geometry would tell.\n\n{mobile_text}\n\n{picture}",
        shows="That real responses of two unlike sounders can be read and cleaned: delays and gains of "
        "the first path fit a distance of metres; echoes stand out of noise, not of side lobes.",
        cannot="The product's prediction: neither room is described (no geometry, no positions, no "
        "antennas), so nothing can be predicted and compared. The 4 x 4 positions of BUT may be an "
        "array of centimetres: 16 responses, not 16 places.",
        headline=(
            ("BUT 60 GHz, RMS delay spread, median", f"{ours * 1e9:.1f} ns",
             f"TR 38.901 InH: {median * 1e9:.1f} ns"),
            *mobile_headline,
        ),
    )  # fmt: skip


def _mobile(folder: Path) -> tuple[str, Any, tuple[tuple[str, str, str], ...]]:
    file = folder / "mMobile_28GHz/indoor_2_5m_data.mat"
    layout = ResponseLayout("rx_h_est_vec", ("snapshot", "beam", "tap"), 1.0)
    responses = read_responses(file, layout)
    found = summary([extract_echoes(r) for r in responses], 1.0)
    used = int(used_frequencies(responses[0]).sum())
    taps = responses.shape[2]
    power = (np.abs(responses) ** 2).sum(axis=2)
    raw = [rms_delay_spread(np.arange(float(taps)), np.abs(r[p.argmax()]) ** 2)
           for r, p in zip(responses, power, strict=True)]  # fmt: skip
    by_beam = 10 * np.log10(power)
    best = by_beam.argmax(axis=1)
    below = np.median(by_beam.max(axis=1) - np.median(by_beam, axis=1))
    width = np.median((by_beam > by_beam.max(axis=1, keepdims=True) - 3).sum(axis=1))
    rows = [
        ("places, beams, taps", " x ".join(map(str, responses.shape))),
        ("bins of the spectrum in use", f"{used} of {taps}"),
        ("RMS delay spread of the raw taps, best beam", f"{spread(np.array(raw))} taps"),
        ("RMS delay spread after CLEAN", f"{spread(found['spread'], 2)} taps"),
        ("places that keep over 1 tap", f"{(found['spread'] > 1).sum()} of {len(found['spread'])}"),
        ("paths after CLEAN", spread(found["count"], 0)),
        ("strongest path", f"tap {spread(found['delay'], 2)}"),
        ("dynamic range, strongest path over noise", f"{np.median(found['peak'] - found['floor']):.0f} dB"),
        ("best beam over the median beam", f"{below:.1f} dB"),
        ("beams within 3 dB of the best", f"{width:.0f}"),
        ("best beam, place 1 to 21", f"{best[0]} to {best[-1]}"),
    ]  # fmt: skip
    gap_db = free_space_db(MMOBILE_DISTANCE, MMOBILE_CARRIER)
    text = (
        f"{table(('mMobile, 28 GHz', ''), rows)}\n\n"
        f"- Nearly half of the spectrum's bins are exactly empty. Read naively, the side lobes of that "
        "gap pass for a long channel; the importer finds the bins and CLEAN subtracts what they make. "
        "Where a place keeps a long channel, weak echoes stand just inside the 25 dB that CLEAN goes "
        "down to: errors of the response, not paths.\n"
        "- The sample rate is not in the file, so delays stay in taps, and the importer asks for "
        f"`--sample-rate`. Powers are relative: free space over {MMOBILE_DISTANCE} m would be "
        f"{gap_db:.1f} dB, which cannot be checked.\n"
        "- The best beam walks through the codebook with the place, its angles are not published."
    )

    def draw(axis: Any) -> None:
        picture = axis.imshow(by_beam - by_beam.max(axis=1, keepdims=True), aspect="auto", vmin=-25)
        axis.set(xlabel="beam", ylabel="place", title="mMobile, dB under the best beam")
        axis.figure.colorbar(picture, ax=axis)

    headline = (
        ("mMobile 28 GHz, RMS delay spread, raw / after CLEAN",
         f"{np.median(raw):.1f} / {np.median(found['spread']):.2f} taps",
         f"{taps - used} of {taps} bins are empty"),
    )  # fmt: skip
    return text, draw, headline
