"""What a channel sounder makes of the true paths: resolved, noisy, and not all of them.

Modelled on the 60 GHz array sounder of the paper's campaigns (section 5.1; Gentile et al., EuCAP
2024): a 2047-bit PN sequence over 2 GHz, 8 transmitting and 16 receiving horns, a transmitter whose
absolute power is not known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.constants import Boltzmann

from visrftwin_ros.campaign.snapshot import MeasuredPaths, no_paths
from visrftwin_ros.lab.radio.channel_truth import TruePaths
from visrftwin_ros.propagation.paths.path_set import angles

Array = Float[np.ndarray, " p"]


@dataclass(frozen=True)
class Horns:
    """Horns on a device: azimuth (H,) and elevation (H,) rad of their boresights, relative to the
    device's yaw; width: rad, between the half-power points; gain_db: on boresight; floor_db: below
    it, where no horn of the pattern looks."""

    azimuth: Float[np.ndarray, " h"]
    elevation: Float[np.ndarray, " h"]
    width: float = np.deg2rad(22.5)
    gain_db: float = 18.1
    floor_db: float = 30.0

    def best_gain_db(self, direction: Float[np.ndarray, "p 3"], yaw: float) -> Array:
        """(P,) dBi of the horn that looks along each world direction best.

        A Gaussian beam, 12 (angle/width)^2 dB down, to the floor (TR 38.901 table 7.3-1's form).
        """
        turn = self.azimuth + yaw
        look = np.stack(
            [
                np.cos(self.elevation) * np.cos(turn),
                np.cos(self.elevation) * np.sin(turn),
                np.sin(self.elevation),
            ],
            axis=1,
        )
        off = np.arccos(np.clip(direction @ look.T, -1, 1)).min(axis=1, initial=np.pi)
        return self.gain_db - np.minimum(12 * (off / self.width) ** 2, self.floor_db)


def transmit_horns() -> Horns:
    """8 over the half space before an access point, looking a little down."""
    return Horns(np.deg2rad(np.arange(8) * 22.5 - 78.75), np.full(8, np.deg2rad(-8.0)))


def receive_horns() -> Horns:
    """16 all round, every second one raised: some 45 degrees of elevation between them."""
    return Horns(np.deg2rad(np.arange(16) * 22.5), np.deg2rad(np.tile([-6.0, 16.0], 8)))


@dataclass(frozen=True)
class SounderLimits:
    """power_dbm: into the horn. noise_figure_db. sequence: chips of the PN sequence, whose
    correlation raises the signal over the noise by so much. detection_db: SNR over the noise floor
    from which a path is taken as one. dynamic_range_db: below the strongest path of a record, where
    the correlation's sidelobes hide what is weaker. angle_resolution: rad, between paths told apart in one
    delay bin, by super-resolution over the horns. angle_floor, delay_floor, gain_floor_db:
    calibration errors (rad, s, dB) below which no SNR helps. offset_db: standard deviation of the
    unknown power reference over campaigns; drift_db: of its slow drift within one."""

    power_dbm: float = 20.0
    noise_figure_db: float = 10.0
    sequence: int = 2047
    detection_db: float = 12.0
    dynamic_range_db: float = 40.0
    angle_resolution: float = np.deg2rad(8.0)
    angle_floor: float = np.deg2rad(1.5)
    delay_floor: float = 0.05e-9
    gain_floor_db: float = 0.5
    offset_db: float = 4.0
    drift_db: float = 0.5


@dataclass(frozen=True)
class SounderOffsets:
    """Standard deviations of what stays wrong throughout a campaign. delay: s, of all links, and
    link_delay of each access point's cable; link_gain_db: of each access point's antenna and cable;
    receive_turn: rad, by which the receiving array is mounted askew about the vertical."""

    delay: float = 1e-9
    link_delay: float = 0.3e-9
    link_gain_db: float = 1.5
    receive_turn: float = np.deg2rad(1.5)


NO_OFFSETS = SounderOffsets(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Askew:
    """By how much a device looks elsewhere than the survey has it: rad, yaw and pitch (down), surveyed
    less true. Its angles are set into the world by the survey."""

    yaw: float = 0.0
    pitch: float = 0.0


class Sounder:
    """One campaign's sounder; `seed` draws its errors, `span` [s] is the campaign's length. `devices` draws
    the offsets that stay with devices and cables, whoever measures with them: the seed of their place."""

    def __init__(
        self,
        bandwidth: float,
        span: float,
        seed: int,
        limits: SounderLimits,
        offsets: SounderOffsets,
        devices: int,
    ) -> None:
        self.bandwidth = bandwidth
        self.limits = limits
        self._seed, self._devices = seed, devices
        rng = np.random.default_rng([seed, 0x50ED])
        self.offset_db = float(rng.normal(0, limits.offset_db))
        # Warming up and cooling down: a few slow sines over the campaign.
        self._drift = [
            (float(rng.normal(0, limits.drift_db / np.sqrt(3))), float(rng.uniform(0, 2 * np.pi)))
            for _ in range(3)
        ]
        self._span = max(span, 60.0)
        fixed = np.random.default_rng([devices, 0x0FF5E7])
        self._offsets = offsets
        self.delay_offset = float(fixed.normal(0, offsets.delay))
        self.receive_turn = float(fixed.normal(0, offsets.receive_turn))
        self._horns = transmit_horns(), receive_horns()

    @property
    def noise_floor_dbm(self) -> float:
        """k T B and the noise figure, after correlation."""
        thermal = 10 * np.log10(Boltzmann * 290 * self.bandwidth * 1e3)
        spread = 10 * np.log10(self.limits.sequence)
        return float(thermal + self.limits.noise_figure_db - spread)

    def reference_db(self, seconds: float) -> float:
        """What is added to every true gain at this time: the unknown reference and its drift."""
        turns = 2 * np.pi * seconds / self._span
        waves = [a * np.sin((i + 1) * turns + phase) for i, (a, phase) in enumerate(self._drift)]
        return self.offset_db + float(np.sum(waves))

    def link_offset(self, link: int) -> tuple[float, float]:
        """Seconds by which this link's delays are late, and dB by which its gains are high, throughout."""
        rng = np.random.default_rng([self._devices, link, 0x0FF5E7])
        late = self.delay_offset + float(rng.normal(0, self._offsets.link_delay))
        return late, float(rng.normal(0, self._offsets.link_gain_db))

    def measure(
        self,
        paths: TruePaths,
        seconds: float,
        link: int,
        tx_yaw: float,
        rx_yaw: float,
        askew: Askew = Askew(),
    ) -> MeasuredPaths:
        """The record of one link; true yaws of the devices, rad, which turn the horns with them, and how
        far the transmitter is off its survey.

        Equal arguments and seed give equal records. Phases are not measured: transmitter and
        receiver keep time by rubidium clocks, not phase.
        """
        cells = resolved(paths, 1 / self.bandwidth, self.limits.angle_resolution)
        if not len(cells):
            return no_paths()
        gain_db = 20 * np.log10(np.abs(cells.amplitude))
        horns = self._horns[0].best_gain_db(cells.departure, tx_yaw)
        horns = horns + self._horns[1].best_gain_db(cells.arrival, rx_yaw)
        snr_db = self.limits.power_dbm + gain_db + horns - self.noise_floor_dbm
        draw = np.random.default_rng([self._seed, link, round(seconds * 1e3)])
        # Amplitudes near the threshold are found on some records and missed on others.
        noisy = snr_db + 20 * np.log10(np.abs(1 + _circular(draw, snr_db)))
        least = max(self.limits.detection_db, snr_db.max() - self.limits.dynamic_range_db)
        kept = np.flatnonzero(noisy >= least)
        errors = self._errors(snr_db[kept], cells.departure[kept], cells.arrival[kept], draw)
        delay, gain, aod_azimuth, aod_elevation, aoa_azimuth, aoa_elevation = errors
        aod, aoa = angles(cells.departure[kept]), angles(cells.arrival[kept])
        late, strong = self.link_offset(link)
        lifted = aod[1] + aod_elevation - askew.pitch * np.cos(aod[0] - tx_yaw)
        return MeasuredPaths(
            delay=np.maximum(cells.delay[kept] + delay + late, 0.0),
            gain_db=gain_db[kept] + gain + self.reference_db(seconds) + strong,
            phase=np.full(len(kept), np.nan),
            aod_azimuth=_wrapped(aod[0] + aod_azimuth + askew.yaw),
            aod_elevation=np.clip(lifted, -np.pi / 2, np.pi / 2),
            aoa_azimuth=_wrapped(aoa[0] + aoa_azimuth + self.receive_turn),
            aoa_elevation=np.clip(aoa[1] + aoa_elevation, -np.pi / 2, np.pi / 2),
        )

    def _errors(
        self,
        snr_db: Array,
        departure: Float[np.ndarray, "p 3"],
        arrival: Float[np.ndarray, "p 3"],
        draw: np.random.Generator,
    ) -> list[Array]:
        """Delay [s], gain [dB], and the angles' [rad] errors.

        Cramer-Rao: sigma_tau = 1/(2 pi beta sqrt(2 SNR)) with beta = B/sqrt(12) of a flat spectrum
        and sigma_A/A = 1/sqrt(2 SNR) (Kay, Estimation Theory, 1993, example 3.13 and section 3.11);
        angles as of comparing neighbouring beams, width/(1.6 sqrt(2 SNR)) (Barton, Modern Radar
        System Analysis, 1988, section 8.1); each with the calibration's floor.
        """
        limits, root = self.limits, np.sqrt(2 * 10 ** (snr_db / 10))
        flat = self.bandwidth / np.sqrt(12)
        delay = np.hypot(1 / (2 * np.pi * flat * root), limits.delay_floor)
        gain = np.hypot(20 / np.log(10) / root, limits.gain_floor_db)
        sigmas = [delay, gain]
        for horns, direction in zip(self._horns, (departure, arrival), strict=True):
            angle = np.hypot(horns.width / (1.6 * root), limits.angle_floor)
            level = np.hypot(direction[:, 0], direction[:, 1])
            sigmas += [angle / np.maximum(level, 0.1), angle]
        return [sigma * draw.standard_normal(len(snr_db)) for sigma in sigmas]


def resolved(paths: TruePaths, delay_bin: float, angle: float) -> TruePaths:
    """Paths that the sounder cannot tell apart become one.

    From the strongest down, everything within `delay_bin` [s] and within `angle` [rad] at both
    ends adds to it as phasors do; it lies at the mean, weighed by power. What is 60 dB below the
    strongest is left out.
    """
    size = np.abs(paths.amplitude)
    if not len(paths):
        return paths
    rows = np.flatnonzero(size > 1e-3 * size.max())
    rows = rows[np.argsort(-size[rows], kind="stable")]
    owner = _owners(paths, rows, delay_bin, np.cos(angle))
    count = int(owner.max()) + 1
    power = size[rows] ** 2
    weight = np.bincount(owner, power, count)
    amplitude = paths.amplitude[rows]
    summed = np.bincount(owner, amplitude.real, count) + 1j * np.bincount(
        owner, amplitude.imag, count
    )

    def mean(values: Array) -> Array:
        return np.asarray(np.bincount(owner, power * values, count) / weight)

    def heading(vectors: Float[np.ndarray, "p 3"]) -> Float[np.ndarray, "c 3"]:
        total = np.stack([mean(column) for column in vectors[rows].T], axis=1)
        return total / np.linalg.norm(total, axis=1, keepdims=True)

    return TruePaths(
        summed, mean(paths.delay[rows]), heading(paths.departure), heading(paths.arrival)
    )


def _owners(
    paths: TruePaths, rows: Int[np.ndarray, " r"], delay_bin: float, cosine: float
) -> Int[np.ndarray, " r"]:
    """The cell of each row; a cell is what the strongest path still free attracts."""
    delay, departure, arrival = paths.delay[rows], paths.departure[rows], paths.arrival[rows]
    owner = np.full(len(rows), -1, np.int64)
    cell = 0
    while True:
        free = np.flatnonzero(owner < 0)
        if not len(free):
            return owner
        head = free[0]
        near = np.abs(delay[free] - delay[head]) <= delay_bin
        near &= departure[free] @ departure[head] >= cosine
        near &= arrival[free] @ arrival[head] >= cosine
        near[0] = True
        owner[free[near]] = cell
        cell += 1


def _circular(draw: np.random.Generator, snr_db: Array) -> Float[np.ndarray, " p"]:
    """Complex noise of unit signal amplitude at this SNR."""
    noise = draw.standard_normal((2, len(snr_db))) * np.sqrt(0.5 * 10 ** (-snr_db / 10))
    return np.asarray(noise[0] + 1j * noise[1])


def _wrapped(angle: Array) -> Array:
    return np.asarray(np.mod(angle + np.pi, 2 * np.pi) - np.pi)
