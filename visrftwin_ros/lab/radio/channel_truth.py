"""The true channels of a world with its people: static paths, shadows and echoes of bodies.

Under every antenna stands its robot's chassis, a drum of metal; what it takes of the static paths
belongs to the place without people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.campaign.snapshot import MeasuredPaths, TrueChannel
from visrftwin_ros.lab.people.topology import Topology
from visrftwin_ros.lab.radio.body_echo import Echo, Facets, echo
from visrftwin_ros.lab.radio.body_truth import METAL, Person, body_fields
from visrftwin_ros.lab.radio.static_truth import StaticTruth, merged
from visrftwin_ros.lab.world.ray_scene import RayScene
from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.paths.link_metrics import LinkSums, link_sums
from visrftwin_ros.propagation.paths.path_segments import Segments, path_segments
from visrftwin_ros.propagation.paths.path_set import BODY, PathSet, angles
from visrftwin_ros.site.model import Radio

Array = NDArray[np.float64]

_STRONG = 2e-3
"""Share of its link's power from which a path is diffracted by bodies; a weaker one ends where it
meets a body. Thousands of those make the diffuse floor: fringes on each would average out."""
_LEAST_ECHO = 1e-3
"""Share of what its link has at that moment from which an echo counts: 0.004 dB."""
_LARGEST_ECHO = 5.0
"""m^2, radar cross-section that no echo of a person exceeds (TR 38.901 table 7.9.2.1-3: 1.6)."""
_OFF_END = 1e-3
_CHASSIS_RADIUS, _CHASSIS = 0.25, (0.05, 0.40)
"""Metres, and metres over the ground: round, as a truth of antennas knows no heading."""
_CHASSIS_SIDES = 48
MOST_PATHS = 12
"""Paths of a link that the truth lists, the strongest."""


@dataclass(frozen=True)
class TruePaths:
    """P paths of one link: amplitude (P,) complex between vertical isotropic antennas with the
    carrier's phase; delay (P,) s; departure, arrival (P, 3) unit vectors as in PathSet."""

    amplitude: NDArray[np.complex128]
    delay: Array
    departure: Array
    arrival: Array

    def __len__(self) -> int:
        return len(self.delay)


@dataclass(frozen=True)
class Instant:
    """All links of a world at one time.

    paths: static ones and echoes; field: (P,) E/E0 by bodies; sums: of the links, shadow loss
    against the place without people.
    """

    paths: PathSet
    field: NDArray[np.complex128]
    sums: LinkSums
    frequency: float

    def of_link(self, link: tuple[str, str], most: int | None = None) -> TruePaths:
        """The paths of one link that carry anything, strongest first."""
        rows = self.paths.of_link(self.paths.links.index(link))
        some = self.paths.select(np.arange(rows.start, rows.stop))
        turn = np.exp(-2j * np.pi * self.frequency * some.delay)
        amplitude = some.transfer[:, 0, 0] * self.field[rows] * turn
        order = np.argsort(-np.abs(amplitude), kind="stable")[:most]
        order = order[np.abs(amplitude[order]) > 0]
        return TruePaths(
            amplitude[order], some.delay[order], some.departure[order], some.arrival[order]
        )

    def channels(self, stamp_ns: int, radio: Radio, ends: dict[str, Array]) -> list[TrueChannel]:
        """One a link, with its strongest paths; ends: where each receiver's antenna is."""
        metrics = self.sums.metrics(wavelength_of(self.frequency))
        return [
            TrueChannel(
                stamp_ns=stamp_ns,
                tx=tx,
                rx=rx,
                path_loss_db=float(metrics.path_loss_db[i]),
                delay_spread=float(metrics.delay_spread[i]),
                azimuth_spread=float(metrics.azimuth_spread[i]),
                k_factor_db=float(metrics.k_factor_db[i]),
                shadow_loss_db=float(metrics.shadow_loss_db[i]),
                shadow_loss_los_db=float(metrics.shadow_loss_los_db[i]),
                line_of_sight=bool(metrics.line_of_sight[i]),
                rx_position=ends[rx],
                frequency=radio.frequency,
                bandwidth=radio.bandwidth,
                paths=listed(self.of_link((tx, rx), MOST_PATHS)),
            )
            for i, (tx, rx) in enumerate(self.paths.links)
        ]


def listed(paths: TruePaths) -> MeasuredPaths:
    """The same as a campaign's arrays."""
    departure, arrival = angles(paths.departure), angles(paths.arrival)
    return MeasuredPaths(
        delay=paths.delay,
        gain_db=20 * np.log10(np.abs(paths.amplitude)),
        phase=np.angle(paths.amplitude),
        aod_azimuth=departure[0],
        aod_elevation=departure[1],
        aoa_azimuth=arrival[0],
        aoa_elevation=arrival[1],
    )


class ChannelTruth:
    """What people do to the links of `static`; people come with the same meshes at every time, and
    standing robots stay where they are."""

    def __init__(self, static: StaticTruth, transmitters: dict[str, Array], radio: Radio) -> None:
        self._static = static
        self._transmitters = transmitters
        self._frequency = radio.frequency
        self._wavelength = wavelength_of(radio.frequency)
        self._standing: _Strength | None = None

    def at(
        self,
        receivers: dict[str, Array],
        people: Sequence[Person],
        scene: RayScene | None,
    ) -> Instant:
        """With the antennas of all robots at `receivers` (3,) metres; scene: the people's triangles
        where they are now, None where nobody is."""
        robots = {name: chassis(receiver) for name, receiver in receivers.items()}
        if self._standing is None:
            stood = [drum for name, drum in robots.items() if name != self._static.robot]
            self._standing = _Strength.of(self._static.standing).behind(stood, self._wavelength)
        driven = _Strength.of(self._static.driven_to(receivers[self._static.robot]))
        driven = driven.behind(list(robots.values()), self._wavelength)
        standing = self._standing.behind([robots[self._static.robot]], self._wavelength)
        fields, free = [], []
        for some in (standing, driven):
            fields.append(self._shadowed(some, people, scene))
            free.append(some.paths)
        links = (*standing.paths.links, *driven.paths.links)
        paths = merged(free, links)
        field = np.concatenate(fields)
        sums = link_sums(paths, field)
        echoes = self._echoes(paths.links, receivers, sums.power, people)
        if echoes is not None:
            echo_field = self._past_others(echoes[0], echoes[1], sums.power, people)
            more = link_sums(echoes[0], echo_field)
            sums = sums.plus(np.arange(len(links)), replace(more, free=np.zeros(len(links))))
            order = np.argsort(np.concatenate([paths.link, echoes[0].link]), kind="stable")
            field = np.concatenate([field, echo_field])[order]
            paths = merged([paths, echoes[0]], links)
        return Instant(paths, field, sums, self._frequency)

    def _shadowed(
        self, some: _Strength, people: Sequence[Person], scene: RayScene | None
    ) -> NDArray[np.complex128]:
        field = np.ones(len(some.paths), complex)
        if scene is None or not people:
            return field
        weak = some.weak
        step = weak.end - weak.start
        hit = scene.hits(weak.start, step / weak.length[:, None])
        field[weak.path[hit.distance < weak.length]] = 0.0
        return field * body_fields(
            some.strong, people, len(field), self._wavelength, share=some.share
        )

    def _echoes(
        self,
        links: tuple[tuple[str, str], ...],
        receivers: dict[str, Array],
        power: Array,
        people: Sequence[Person],
    ) -> tuple[PathSet, NDArray[np.intp]] | None:
        """The echoes that count, and whose they are."""
        facets: dict[int, Facets] = {}
        found: list[tuple[int, int, Echo]] = []
        for i, (tx, rx) in enumerate(links):
            ends = self._transmitters[tx], receivers[rx]
            free = (self._wavelength / (4 * np.pi * np.linalg.norm(ends[1] - ends[0]))) ** 2
            least = _LEAST_ECHO * max(float(power[i]), _LEAST_ECHO * float(free))
            for k, person in enumerate(people):
                if self._strongest(person, *ends) < least:
                    continue
                if k not in facets:
                    facets[k] = Facets.of(person)
                back = echo(facets[k], person.material, *ends, self._wavelength)
                if back is not None and abs(back.transfer) ** 2 >= least:
                    found.append((i, k, back))
        found = self._seen(links, receivers, found)
        if not found:
            return None
        return self._path_set(links, receivers, found), np.array([k for _, k, _ in found], np.intp)

    def _strongest(self, person: Person, transmitter: Array, receiver: Array) -> float:
        """Power gain that the radar equation allows the largest cross-section."""
        middle = person.vertices.mean(axis=0)
        away = [max(float(np.linalg.norm(e - middle)) - 0.5, 0.1) for e in (transmitter, receiver)]
        spread = self._wavelength / (4 * np.pi) / (away[0] * away[1])
        return float(spread**2 * _LARGEST_ECHO / (4 * np.pi))

    def _seen(
        self,
        links: tuple[tuple[str, str], ...],
        receivers: dict[str, Array],
        found: list[tuple[int, int, Echo]],
    ) -> list[tuple[int, int, Echo]]:
        """Those whose two legs are free of the static scene."""
        if not found:
            return []
        start = np.array(
            [(self._transmitters[links[i][0]], receivers[links[i][1]]) for i, _, _ in found]
        ).reshape(-1, 3)
        leg = np.repeat([e.point for _, _, e in found], 2, axis=0) - start
        length = np.linalg.norm(leg, axis=1)
        hit = self._static.scene.visibility.first_hit(start, leg / length[:, None])
        free = (hit > length - _OFF_END).reshape(-1, 2).all(axis=1)
        return [entry for entry, sees in zip(found, free, strict=True) if sees]

    def _path_set(
        self,
        links: tuple[tuple[str, str], ...],
        receivers: dict[str, Array],
        found: list[tuple[int, int, Echo]],
    ) -> PathSet:
        count, depth = len(found), self._static.standing.depth
        vertices = np.empty((count, depth + 2, 3))
        for row, (i, _, back) in enumerate(found):
            vertices[row] = receivers[links[i][1]]
            vertices[row, 0], vertices[row, 1] = self._transmitters[links[i][0]], back.point
        interactions = np.zeros((count, depth), np.uint8)
        interactions[:, 0] = BODY
        transfer = np.zeros((count, 2, 2), complex)
        transfer[:, 0, 0] = [e.transfer for _, _, e in found]
        return PathSet(
            links=links,
            link=np.array([i for i, _, _ in found], np.int32),
            vertices=vertices,
            n_vertices=np.full(count, 3, np.int32),
            interactions=interactions,
            objects=np.full((count, depth), -1, np.int32),
            normals=np.zeros((count, depth, 3)),
            transfer=transfer,
            delay=np.array([e.delay for _, _, e in found]),
        )

    def _past_others(
        self, echoes: PathSet, whose: NDArray[np.intp], power: Array, people: Sequence[Person]
    ) -> NDArray[np.complex128]:
        """A body casts no shadow on its own echo. power: of each link beside the echoes."""
        share = np.sqrt(echoes.power / np.maximum(power[echoes.link] + echoes.power, 1e-300))
        return body_fields(
            path_segments(echoes), people, len(echoes), self._wavelength, whose, share
        )


def chassis(antenna: Array) -> Person:
    """The drum that stands under an antenna at (3,) metres."""
    angle = np.arange(_CHASSIS_SIDES) * 2 * np.pi / _CHASSIS_SIDES
    ring = antenna[:2] + _CHASSIS_RADIUS * np.column_stack([np.cos(angle), np.sin(angle)])
    vertices = np.concatenate([np.column_stack([ring, np.full(len(ring), z)]) for z in _CHASSIS])
    k, first = np.arange(_CHASSIS_SIDES), np.zeros(_CHASSIS_SIDES, np.int64)
    beside, above = np.roll(k, -1), k + _CHASSIS_SIDES
    faces = [(k, beside, above), (beside, np.roll(above, -1), above)]
    faces += [(first, beside, k), (first + _CHASSIS_SIDES, above, np.roll(above, -1))]
    return Person(
        vertices, Topology.of(np.concatenate([np.stack(f, axis=1) for f in faces])), METAL
    )


@dataclass(frozen=True)
class _Strength:
    """Paths, of its link's amplitude the share of each, and the segments of those that bodies diffract
    and of those that they cut."""

    paths: PathSet
    share: Array
    strong: Segments
    weak: Segments

    def behind(self, robots: Sequence[Person], wavelength: float) -> _Strength:
        """The strong ones as the robots leave them."""
        field = body_fields(self.strong, robots, len(self.paths), wavelength, share=self.share)
        return replace(
            self, paths=replace(self.paths, transfer=self.paths.transfer * field[:, None, None])
        )

    @classmethod
    def of(cls, paths: PathSet) -> _Strength:
        total = np.bincount(paths.link, paths.power, len(paths.links))
        strong = paths.power >= _STRONG * total[paths.link]
        share = np.sqrt(paths.power / np.maximum(total[paths.link], 1e-300))
        return cls(
            paths,
            share,
            path_segments(paths, np.flatnonzero(strong)),
            path_segments(paths, np.flatnonzero(~strong)),
        )
