"""NIST Q-D exports: read by the importer, checked, and against the twin's solver."""

from __future__ import annotations

from typing import Any

import numpy as np

from real_data import nist_human, nist_room
from real_data.page import Inputs, Section
from visrftwin_ros.campaign.importers.cir_paths import rms_delay_spread


def section(inputs: Inputs) -> Section:
    snapshots = nist_room.read(inputs)
    places = [nist_room.receiver(s.paths) for s in snapshots]
    placed = [k for k, place in enumerate(places) if place is not None][:: nist_room.STEP]
    chosen = tuple(snapshots[k] for k in placed)
    found = nist_room.solved(np.array([places[k] for k in placed]))
    both = nist_room.agreement(chosen, found)
    echo = nist_human.read(inputs)
    shifts = nist_human.doppler(echo)

    def draw(axes: Any) -> None:
        spreads = [rms_delay_spread(s.paths.delay, 10 ** (s.paths.gain_db / 10)) for s in snapshots]
        axes[0].plot([len(s.paths) for s in snapshots], label="paths")
        axes[0].plot(np.array(spreads) * 1e9, label="RMS delay spread (ns)")
        axes[0].set(xlabel="time step, L-shaped room")
        seconds = np.arange(len(echo.delay)) / nist_human.STEPS_A_SECOND
        axes[1].plot(seconds, shifts["geometry"], "k", label="geometry of the target")
        axes[1].plot(seconds, shifts["phase"], "C1--", label="phase of the export")
        axes[1].set(xlabel="time (s), walking person", ylabel="Doppler shift (Hz)")
        for axis in axes:
            axis.legend(fontsize=8)

    picture = inputs.figure(
        "nist_qd", "Paths and delay spread; Doppler shift of the target", 2, draw
    )
    matched = len(both.length) / both.theirs
    return Section(
        title="Another ray tracer: NIST Q-D exports",
        source="NIST quasi-deterministic channel software (usnistgov/qd-realization), example outputs "
        "`L-Room` and `SingleHumanTarget`, 60 GHz. Simulated, not measured. NIST is acknowledged as "
        "the source of the software.",
        licence="NIST software notice (free use with notice); parts Apache-2.0, University of Padova.",
        text=f"{nist_room.text(snapshots, both)}\n\n{nist_human.text(echo)}\n\n{picture}",
        shows="That the importer reads units and angle conventions rightly (lengths, directions, Friis "
        "and Doppler all close), and that two ray tracers written apart find the same paths in the "
        "same room.",
        cannot="Reality: both are ray tracers. No material, no diffuse scattering, no diffraction, no "
        "furniture enters. The room was rebuilt from the export's own first-order paths, so those "
        "agree by construction in place; second-order ones and visibility do not.",
        headline=(
            *nist_human.headline(echo),
            ("NIST L-room, paths of NIST that the solver finds", f"{matched:.1%}",
             f"of {both.theirs}; {both.over_ceiling} of the others need a ceiling that was left out"),
            ("NIST L-room, length of matched paths, largest difference",
             f"{both.length.max() * 1e3:.3f} mm", "0.3 mm is 1 ps"),
        ),
    )  # fmt: skip
