"""Impulse or frequency responses in a MATLAB file: an array whose axes are named by option.

Axes, in the array's order: `snapshot` (several are taken one after the other), `beam` (several
too: every pair of beams is one), and last or elsewhere one of `tap` (impulse response) or
`frequency` (response over ascending, evenly spaced frequencies). Echoes come out by CLEAN
(`cir_paths`): delay, gain and phase of the strongest beam. Angles stay NaN unless the azimuth of
every beam is given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Complex, Float

from visrftwin_ros.campaign.importers.cir_paths import Extraction, extract_echoes
from visrftwin_ros.campaign.importers.mat_file import mat_variable
from visrftwin_ros.campaign.importers.sounding import (
    Reading,
    Sounding,
    measured_paths,
    wrapped,
    wrong_with,
)
from visrftwin_ros.errors import TwinError

AXES = ("snapshot", "beam", "tap", "frequency")


@dataclass(frozen=True)
class ResponseLayout:
    """axes: their names, in the array's order. sample_rate: Hz, taps a second = the band sampled.
    beam_azimuths: (B,) rad of arrival, empty where not known. scale_db: added to every gain."""

    variable: str
    axes: tuple[str, ...]
    sample_rate: float
    beam_azimuths: tuple[float, ...] = ()
    scale_db: float = 0.0
    extraction: Extraction = field(default_factory=Extraction)


def read_mat(file: Path, sounding: Sounding, layout: ResponseLayout) -> Reading:
    """The echoes of every impulse response in `layout.variable` of a MATLAB 5 to 7.2 file.

    Responses with NaN are left out and told by number, from 1. Raises TwinError where the file, the
    variable or its axes do not fit, or something that the file does not say is not given.
    """
    responses = read_responses(file, layout)
    reference = sounding.reference(file)
    tx, rx = sounding.name("tx", file), sounding.name("rx", file)
    beams = responses.shape[1]
    if layout.beam_azimuths and len(layout.beam_azimuths) != beams:
        raise TwinError(
            f"--beam-azimuths gives {len(layout.beam_azimuths)} angles; "
            f"{layout.variable} of {file} has {beams} beam(s)"
        )
    snapshots, problems = [], []
    for index, response in enumerate(responses):
        place = f"{file}, response {index + 1} of {len(responses)}"
        if not np.isfinite(response).all():
            problems.append(f"{place}: NaN or infinite values")
            continue
        echoes = extract_echoes(response, layout.extraction)
        if not len(echoes.delay):
            problems.append(f"{place}: nothing stands out of the noise")
            continue
        columns = {
            "delay": echoes.delay / layout.sample_rate,
            "gain_db": 20 * np.log10(np.abs(echoes.amplitude)) + layout.scale_db,
            "phase": np.angle(echoes.amplitude),
        }
        if layout.beam_azimuths:
            columns["aoa_azimuth"] = wrapped(np.array(layout.beam_azimuths)[echoes.beam])
        paths = measured_paths(**columns)
        why = wrong_with(paths, reference)
        if why:
            problems.append(f"{place}: {why}")
            continue
        stamp_ns = sounding.stamp_ns(index, file)
        snapshots.append(sounding.snapshot(stamp_ns, tx, rx, paths, file))
    if not snapshots:
        raise TwinError(f"{file}: nothing to import: {'; '.join(problems[:3])}")
    facts = {"paths_from": "CLEAN over the delay; gain and phase of each path's strongest beam"}
    return Reading(tuple(snapshots), tuple(problems), facts=facts)


def read_responses(file: Path, layout: ResponseLayout) -> Complex[np.ndarray, "s b n"]:
    """(S snapshots, B beams, N taps) impulse responses of the variable."""
    if not layout.sample_rate > 0:
        raise TwinError(f"--sample-rate is {layout.sample_rate:g}: expected Hz, over 0")
    array = _variable(file, layout.variable)
    wrong = [axis for axis in layout.axes if axis not in AXES]
    last = [axis for axis in layout.axes if axis in ("tap", "frequency")]
    if wrong or len(last) != 1:
        raise TwinError(
            f"--axes {','.join(layout.axes)}: expected names out of {', '.join(AXES)}, "
            "with tap or frequency once"
        )
    if array.ndim != len(layout.axes):
        raise TwinError(
            f"{file}: {layout.variable} has the axes {array.shape}; "
            f"--axes names {len(layout.axes)}: {','.join(layout.axes)}"
        )
    order = [i for name in ("snapshot", "beam", last[0])
             for i, axis in enumerate(layout.axes) if axis == name]  # fmt: skip
    sizes = dict.fromkeys(("snapshot", "beam"), 1)
    for axis, size in zip(layout.axes, array.shape, strict=True):
        if axis in sizes:
            sizes[axis] *= size
    shaped = array.transpose(order).reshape(sizes["snapshot"], sizes["beam"], -1)
    if shaped.shape[-1] < 8:
        raise TwinError(f"{file}: {shaped.shape[-1]} taps: expected 8 or more; check --axes")
    return np.asarray(np.fft.ifft(shaped, axis=-1) if last[0] == "frequency" else shaped)


def _variable(file: Path, name: str) -> Complex[np.ndarray, "*s"]:
    array = np.asarray(mat_variable(file, name))
    if array.dtype.kind not in "fc":
        raise TwinError(f"{file}: {name} is of type {array.dtype}: expected numbers, complex")
    if array.dtype.kind == "f":
        raise TwinError(f"{file}: {name} is real: expected complex responses")
    return array


def beam_azimuths(text: str) -> tuple[float, ...]:
    """Radians out of `a,b,c` in degrees, or `first:last:count`, evenly spaced."""
    try:
        if ":" in text:
            first, last, count = text.split(":")
            degrees: Float[np.ndarray, " b"] = np.linspace(float(first), float(last), int(count))
        else:
            degrees = np.array([float(part) for part in text.split(",")])
    except ValueError:
        raise TwinError(
            f"--beam-azimuths {text}: expected degrees as a,b,c or first:last:count"
        ) from None
    return tuple(np.deg2rad(degrees).tolist())
