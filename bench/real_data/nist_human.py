"""NIST's walking human target: its echo against its own geometry, and against the twin's body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.constants import speed_of_light

from real_data.nist_room import NIST_LIGHT, imported, unit
from real_data.page import Inputs, table
from visrftwin_ros.bodies.people import BODY_DEPTH, BODY_HEIGHT, BODY_WIDTH, Bodies
from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.people.body_reflection import (
    Bounces,
    cross_section_bounces,
    ellipsoid_bounces,
)

FREQUENCY = 60e9
STEPS_A_SECOND = 2680 / 1.34
"""Time divisions over total duration of the example's configuration file."""


@dataclass(frozen=True)
class Echo:
    """The target's echo at N time steps: delay s, gain_db, phase rad, azimuth and elevation of
    departure rad, (N,) each; what it should come from: base (N, 3) m, and the two ends (3,)."""

    delay: Float[np.ndarray, " n"]
    gain_db: Float[np.ndarray, " n"]
    phase: Float[np.ndarray, " n"]
    direction: Float[np.ndarray, "n 3"]
    base: Float[np.ndarray, "n 3"]
    ends: Float[np.ndarray, "2 3"]

    @property
    def velocity(self) -> Float[np.ndarray, "n 3"]:
        return np.asarray(np.gradient(self.base, axis=0) * STEPS_A_SECOND)

    @property
    def way(self) -> Float[np.ndarray, " n"]:
        """Metres by way of the target's base."""
        return np.asarray(np.linalg.norm(self.base[:, None] - self.ends, axis=2).sum(axis=1))


def read(inputs: Inputs) -> Echo:
    folder = inputs.data / "channel/nist_qd"

    def rows(name: str) -> np.ndarray:
        return np.loadtxt(folder / f"SingleHumanTarget_{name}.dat", delimiter=",", ndmin=2)

    file = folder / "SingleHumanTarget_qdTargetOutput.json"
    paths = [snapshot.paths for snapshot in imported(file, STEPS_A_SECOND)]
    columns = np.array([[getattr(p, name)[0] for name in
                         ("delay", "gain_db", "phase", "aod_azimuth", "aod_elevation")]
                        for p in paths]).T  # fmt: skip
    delay, gain_db, phase, azimuth, elevation = columns
    ends = np.concatenate([rows("NodePosition0"), rows("NodePosition1")])
    return Echo(delay, gain_db, phase, unit(azimuth, elevation),
                rows("TargetBase0")[:, :3], ends)  # fmt: skip


def doppler(echo: Echo) -> dict[str, Float[np.ndarray, " n"]]:
    """Hz: from the turning phase, from the delay, and from where base and ends are."""
    wavelength = wavelength_of(FREQUENCY)
    towards = echo.ends[:, None] - echo.base
    towards /= np.linalg.norm(towards, axis=2, keepdims=True)
    closing = (echo.velocity * towards).sum(axis=(0, 2))
    turning = np.gradient(np.unwrap(echo.phase)) * STEPS_A_SECOND / (2 * np.pi)
    return {
        "phase": -turning,
        "delay": -np.gradient(echo.delay) * STEPS_A_SECOND * FREQUENCY,
        "geometry": closing / wavelength,
    }


def bodies(echo: Echo) -> Bodies:
    """The twin's default body under the target's base, facing where it walks."""
    count = len(echo.base)
    foot = echo.base * [1, 1, 0]
    heading = np.arctan2(echo.velocity[:, 1], echo.velocity[:, 0])
    return Bodies(
        ids=tuple(map(str, range(count))),
        position=foot,
        velocity=echo.velocity,
        heading=heading,
        width=np.full(count, BODY_WIDTH),
        depth=np.full(count, BODY_DEPTH),
        height=np.full(count, BODY_HEIGHT),
    )


def ours(echo: Echo) -> dict[str, Bounces]:
    count = len(echo.base)
    tx, rx = (np.tile(end, (count, 1)) for end in echo.ends)
    walker, wavelength = bodies(echo), wavelength_of(FREQUENCY)
    every = np.arange(count)
    return {
        "`rcs` (TR 38.901)": cross_section_bounces(tx, rx, walker, every, wavelength),
        "`ellipsoid` (default)": ellipsoid_bounces(tx, rx, walker, every, wavelength),
    }


def headline(echo: Echo) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (f"NIST walking person, the twin's echo by {name}", f"{_over(echo, bounce):+.1f} dB",
         "over NIST's, which is an assumption too")
        for name, bounce in ours(echo).items()
    )  # fmt: skip


def _over(echo: Echo, bounce: Bounces) -> float:
    kept = bounce.found
    gain_db = 20 * np.log10(np.abs(bounce.transfer[kept, 0, 0]))
    return float(np.median(gain_db - echo.gain_db[kept]))


def text(echo: Echo) -> str:
    wavelength = wavelength_of(FREQUENCY)
    s_in, s_out = np.linalg.norm(echo.base[:, None] - echo.ends, axis=2).T
    radar = 10 * np.log10(wavelength**2 / (4 * np.pi) ** 3 / (s_in * s_out) ** 2)
    section_db = echo.gain_db - radar
    pointing = echo.base - echo.ends[0]
    pointing /= np.linalg.norm(pointing, axis=1, keepdims=True)
    cosine = np.clip((pointing * echo.direction).sum(axis=1), -1, 1)
    found = doppler(echo)
    worst = {name: np.abs(found[name] - found["geometry"])[1:-1].max() for name in ("phase", "delay")}  # fmt: skip
    closure = [np.abs(echo.delay * light - echo.way).max() * 1e3
               for light in (NIST_LIGHT, speed_of_light)]  # fmt: skip
    checks = table(
        ("the export against its own geometry", "largest difference"),
        [
            ("delay times 3.0e8 m/s, against the way over the target's base", f"{closure[0]:.4f} mm"),
            ("delay times the speed of light", f"{closure[1]:.2f} mm"),
            ("direction of departure", f"{np.rad2deg(np.arccos(cosine)).max():.4f} degrees"),
            ("Doppler shift by the phase, against base and ends", f"{worst['phase']:.2f} Hz of up to "
             f"{np.abs(found['geometry']).max():.0f}"),
            ("Doppler shift by the delay", f"{worst['delay']:.2f} Hz"),
            ("cross-section by the radar equation",
             f"{np.median(section_db):.2f} dBsm, constant within {np.ptp(section_db):.4f} dB"),
        ],
    )  # fmt: skip
    rows = []
    for name, bounce in ours(echo).items():
        kept = bounce.found
        gain_db = 20 * np.log10(np.abs(bounce.transfer[kept, 0, 0]))
        off = gain_db - echo.gain_db[kept]
        late = (bounce.delay - echo.way / speed_of_light)[kept] * 1e9
        shift = (-bounce.stretching / wavelength - found["geometry"])[kept]
        low, middle, high = np.quantile(off, (0.1, 0.5, 0.9))
        rows.append((name, f"{kept.mean():.0%}", f"{low:+.1f} / **{middle:+.1f}** / {high:+.1f}",
                     f"{np.median(late):+.2f}", f"{np.median(np.abs(shift)):.1f}"))  # fmt: skip
    head = ("the twin's echo of the same person", "steps with one", "gain, twin - NIST, 10 / 50 / 90 % (dB)",
            "delay, median (ns)", "Doppler shift, median difference (Hz)")  # fmt: skip
    return (
        f"**A walking person** ({len(echo.delay)} steps of the `SingleHumanTarget` example, both ends "
        f"2.8 m high):\n\n{checks}\n\n{table(head, rows)}\n\n"
        "NIST's target is a point at the pelvis with one constant cross-section, itself an "
        "assumption. The cross-section model of the twin sits on the chest and comes out near it. "
        "The default, a curved body of skin, is weaker from up there as physical optics on the meshes "
        "of bodies is (`docs/body_echo.md`)."
    )
