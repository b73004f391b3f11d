"""Radios of the 60 GHz standards: wineslab's drone links and MikroTik's ranging."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from scipy.constants import speed_of_light

from real_data.page import Inputs, Section, spread, table
from visrftwin_ros.beams.mcs_table import mcs_of_snr, mcs_table, noise_dbm
from visrftwin_ros.site.model import Radio

CARRIER = 60.48e9
MCS = 1
"""The only one in wineslab's table."""
_REQUIRED_SNR_DB = mcs_table("ieee80211ad_sc").required_snr_db[MCS]
_SENSITIVITY_DBM = -68.0
"""The standard's receiver sensitivity."""
LINEAR_DBM = (-88.0, -78.0)
"""Received power over which the radio's SNR follows it: below, frames are lost; above, it levels off."""


def read(file: Path) -> dict[str, np.ndarray]:
    """Numbers of the columns used, NaN where a field is empty."""
    with open(file, newline="") as stream:
        rows = list(csv.DictReader(stream))
    names = ("distance", "altitude", "mcs", "stf_snr", "post_snr", "eirp", "pRx", "path_loss")
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in names}


def free_space_loss_db(distance: np.ndarray) -> np.ndarray:
    return np.asarray(20 * np.log10(4 * np.pi * distance * CARRIER / speed_of_light))


def best_pairs(data: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Distance, altitude and path loss of the best beam pair at each place of the drones."""
    places = np.column_stack([data["distance"], data["altitude"]])
    found = []
    for place in np.unique(places, axis=0):
        here = (places == place).all(axis=1)
        found.append((*place, np.nanmin(data["path_loss"][here])))
    return dict(zip(("distance", "altitude", "loss"), np.array(found).T, strict=True))


def ranging(folder: Path) -> np.ndarray:
    """(N,) metres by MikroTik's fine timing: half the round trip, less the device's own offset."""
    text = (folder / "ftm_measurements.txt").read_text()
    stamps = np.array([[int(part) for part in line.split(",")]
                       for line in re.findall(r"Measurement: ([\d, ]+)", text)])  # fmt: skip
    sent, received, answered, returned = stamps.T * 1e-12
    offset = scipy.io.loadmat(folder / "oscillator.mat")["antenna_ftm_offset"][0, 0]
    return np.asarray(((returned - sent) - (answered - received)) / 2 * speed_of_light - offset)


def section(inputs: Inputs) -> Section:
    data = read(inputs.data / "channel/wineslab_uav_60GHz/dataset.csv")
    pairs = best_pairs(data)
    excess = pairs["loss"] - free_space_loss_db(pairs["distance"])
    level, exponent = np.polynomial.polynomial.polyfit(
        10 * np.log10(pairs["distance"]), pairs["loss"], 1
    )
    slant = np.hypot(pairs["distance"], pairs["altitude"])
    closest = (free_space_loss_db(slant) - pairs["loss"]).max()
    heights = np.unique(pairs["altitude"])
    by_height = [(f"{h:.0f} m", int((pairs["altitude"] == h).sum()),
                  spread(excess[pairs["altitude"] == h])) for h in heights]  # fmt: skip
    radio = Radio()
    needed = _REQUIRED_SNR_DB + radio.implementation_loss_db
    carried = data["post_snr"][np.isfinite(data["post_snr"])]
    predicted = mcs_of_snr(carried, radio)
    in_line = (data["pRx"] > LINEAR_DBM[0]) & (data["pRx"] < LINEAR_DBM[1])
    implied = np.median((data["pRx"] - data["stf_snr"])[in_line])
    ranges = ranging(inputs.data / "channel/mikrotik_60GHz_csi")
    rows = [
        ("beam pairs measured, all with MCS 1", f"{len(data['mcs'])}"),
        ("SNR at which MCS 1 came through, 1 / 10 / 50 %",
         " / ".join(f"{v:.1f}" for v in np.quantile(carried, (0.01, 0.1, 0.5))) + " dB"),
        ("MCS 1 in `config/radios/ieee80211ad_sc.csv`: SNR of the standard, and with the implementation loss",
         f"{_REQUIRED_SNR_DB} and {needed:.1f} dB"),
        ("rows that carried MCS 1 though our table gives the control rate or none",
         f"{(predicted < MCS).mean():.0%}"),
        ("... under the standard's SNR without the loss", f"{(carried < _REQUIRED_SNR_DB).mean():.0%}"),
        ("received power at which MCS 1 came through, 1 / 50 %",
         f"{np.nanquantile(data['pRx'], 0.01):.1f} / {np.nanquantile(data['pRx'], 0.5):.1f} dBm"),
        ("the standard's sensitivity for MCS 1", f"{_SENSITIVITY_DBM:.0f} dBm"),
        ("noise implied by received power less SNR", f"{implied:.1f} dBm"),
        ("noise in `config/radios/ieee80211ad_sc.csv`", f"{noise_dbm(radio):.1f} dBm"),
    ]  # fmt: skip

    def draw(axes: Any) -> None:
        for height in heights:
            here = pairs["altitude"] == height
            axes[0].plot(
                pairs["distance"][here], pairs["loss"][here], "o", label=f"{height:.0f} m high"
            )
        line = np.linspace(6, 40, 50)
        axes[0].plot(line, free_space_loss_db(line), "k", label="free space")
        axes[0].plot(
            line, level + exponent * 10 * np.log10(line), "k--", label=f"exponent {exponent:.2f}"
        )
        axes[0].set(xlabel="distance (m)", ylabel="path loss of the best pair (dB)")
        axes[1].plot(data["pRx"], data["post_snr"], ".", markersize=2, label="after equalising")
        axes[1].plot(data["pRx"], data["stf_snr"], ".", markersize=2, label="preamble")
        axes[1].axhline(needed, color="k", ls="--", label="our MCS 1")
        axes[1].set(xlabel="received power (dBm)", ylabel="SNR (dB)")
        for axis in axes:
            axis.legend(fontsize=8)

    picture = inputs.figure("radios", "Path loss over distance; SNR over received power", 2, draw)
    return Section(
        title="Radios on the air: wineslab's drones and MikroTik's ranging",
        source="wineslab (Northeastern University), 60 GHz links between drones, sweeps over beam "
        "pairs at 6 to 40 m; MikroTik 60 GHz devices (Blanco Pizarro and Jiménez Mateo, IMDEA "
        "Networks, 2021), timing and CSI log lines.",
        licence="GPL-3.0 (wineslab), MIT (MikroTik).",
        text=f"{table(('wineslab', ''), rows)}\n\n"
        f"Best pair of every place, loss over free space of the distance:\n\n"
        f"{table(('altitude', 'places', '10 / 50 / 90 % (dB)'), by_height)}\n\n"
        f"- Fitted exponent {exponent:.2f}, where free space has 2; the excess grows from "
        f"{np.median(excess[pairs['distance'] <= 9]):.1f} dB up to 9 m to "
        f"{np.median(excess[pairs['distance'] >= 33]):.1f} dB from 33 m on. Oxygen takes 0.6 dB at 40 m; "
        "the rest is what hovering drones miss of each other's beams, and our free-space path "
        "has none of it. Distance is taken as the straight one between two drones; were it the ground "
        f"distance of a link up to one, the nearest place would receive {closest:.0f} dB more than free "
        "space allows.\n"
        "- The received power of the table is that of an isotropic antenna: the noise that "
        f"it implies lies {noise_dbm(radio) - implied:.0f} dB under ours, which is what a receiving array "
        "gains. It and the sensitivity compare only with that in mind; the SNR needs no such care.\n"
        f"- MikroTik: {len(ranges)} ranging exchanges give {ranges.mean():.2f} m with a standard "
        f"deviation of {ranges.std() * 100:.1f} cm. The true distance is not given.\n\n{picture}",
        shows=f"That a commercial 60 GHz radio carries MCS 1 from {np.quantile(carried, 0.01):.1f} dB of SNR "
        f"on, between the {_REQUIRED_SNR_DB} dB of the standard's curve and the {needed:.1f} dB at which "
        "the twin switches to it: at MCS 1 the table errs, if at all, on the safe side. And how "
        "much a real link between hovering ends lies under free space.",
        cannot="The steps between rates: every row has MCS 1, and rows exist only where a frame came "
        "through, so frames lost at the same SNR are not seen. Orientation of the drones and angles of "
        "their beams are not given. MikroTik's CSI is not used: neither angles nor distances are known.",
        headline=(
            ("wineslab, frames at MCS 1 that the rate table would have put lower",
             f"{(predicted < MCS).mean():.0%}", "the table is on the safe side"),
            ("wineslab, path loss exponent of the best pairs", f"{exponent:.2f}", "free space: 2"),
        ),
    )  # fmt: skip
