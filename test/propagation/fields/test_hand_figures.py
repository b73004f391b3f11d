"""Places whose fields are known by hand, and what Sionna RT and the twin make of them."""

from dataclasses import replace

import numpy as np
import pytest
from made_up import FREQUENCY, WAVELENGTH
from numpy.typing import NDArray
from scipy.constants import speed_of_light
from scipy.special import erfc

from visrftwin_ros.benchmarks.sionna_faults import fields_with_faults, overlong_behind_edge
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import (
    DIFFRACTION,
    NONE,
    SPECULAR,
    PathSet,
    squared_magnitude,
)
from visrftwin_ros.propagation.replay.image_method import Chains
from visrftwin_ros.propagation.replay.material_update import by_our_law
from visrftwin_ros.propagation.replay.path_replay import Replay
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.sionna_solver import traced_paths
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.scene.surfaces import SurfaceMesh, surface_meshes
from visrftwin_ros.site.model import Propagation, Site

TRANSMITTER = np.array([5.0, -3.0, 0.0])
EDGE, MIRROR_Y = np.array([2.0, 2.0, 0.0]), 10.0
CONDUCTOR = {"relative_permittivity": 1, "conductivity": 1e8}
SETTINGS = Propagation(max_depth=2, samples=200_000, diffuse=False, refraction=False)


def wedge_and_mirror() -> tuple[SurfaceMesh, ...]:
    """A square column with an edge upright at EDGE, and a wall at y = MIRROR_Y; conductors."""
    return surface_meshes(
        Site.model_validate(
            {
                "name": "wedge",
                "materials": {"conductor": CONDUCTOR},
                "scene": [
                    {
                        "name": "column",
                        "kind": "box",
                        "center": (0, 0, 0),
                        "size": (4, 4, 40),
                        "material": "conductor",
                    },
                    {
                        "name": "mirror",
                        "kind": "box",
                        "center": (0, MIRROR_Y + 0.5, 0),
                        "size": (60, 1, 40),
                        "material": "conductor",
                    },
                ],
                "access_points": [{"name": "ap", "position": TRANSMITTER.tolist()}],
            }
        )
    )


def transition(x: float) -> complex:
    """F(x) of Kouyoumjian and Pathak by the complementary error function."""
    tail = np.sqrt(np.pi) / 2 * np.exp(-0.25j * np.pi) * erfc(np.exp(0.25j * np.pi) * np.sqrt(x))
    return complex(2j * np.sqrt(x) * np.exp(1j * x) * tail)


def cotangent_terms(phi_in: float, phi_out: float, distance: float) -> NDArray[np.complex128]:
    """(4,) D1 to D4 of Kouyoumjian and Pathak (1974) at an edge of 90 degrees inside, met at right
    angles; angles from the lit face, `distance` is s s' / (s + s')."""
    n, k = 1.5, 2 * np.pi / WAVELENGTH

    def term(sign: int, beta: float) -> complex:
        turns = round((beta + sign * np.pi) / (2 * np.pi * n))
        a = 2 * np.cos((2 * np.pi * n * turns - beta) / 2) ** 2
        return transition(k * distance * a) / np.tan((np.pi + sign * beta) / (2 * n))

    scale = -np.exp(-0.25j * np.pi) / (2 * n * np.sqrt(2 * np.pi * k))
    across, along = phi_out - phi_in, phi_out + phi_in
    terms = [term(1, across), term(-1, across), term(1, along), term(-1, along)]
    return scale * np.array(terms)


def edge_angles(source: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[float, float]:
    """Of the two about EDGE, from the column's face x = 2."""
    phi_in, phi_out = (np.arctan2(v[1], v[0]) + np.pi / 2 for v in (source - EDGE, target - EDGE))
    return phi_in, phi_out


def hand_figures(receiver: NDArray[np.float64]) -> tuple[float, float, float]:
    """The gain over edge and mirror, dB, of a field along the edge of a conductor: as it is, with
    the four terms put together as in Sionna RT, and so with the way from the edge to the mirror
    counted three times instead of once.
    """
    image = mirrored(receiver)
    phi_in, phi_out = edge_angles(TRANSMITTER, image)
    before, right = (float(np.linalg.norm(end - EDGE)) for end in (TRANSMITTER, image))
    to_mirror = right * (MIRROR_Y - EDGE[1]) / (image - EDGE)[1]
    luebbers, sionnas = [1, 1, -1, -1], [1, -1, 1, -1]

    def gain_db(after: float, signs: list[int]) -> float:
        terms = cotangent_terms(phi_in, phi_out, before * after / (before + after))
        field = abs(terms @ signs) / np.sqrt(before * after * (before + after))
        return float(20 * np.log10(WAVELENGTH / (4 * np.pi) * field))

    return (
        gain_db(right, luebbers),
        gain_db(right, sionnas),
        gain_db(right + 2 * to_mirror, sionnas),
    )


def mirrored(place: NDArray[np.float64]) -> NDArray[np.float64]:
    return place * [1, -1, 1] + [0, 2 * MIRROR_Y, 0]


def at_edge(paths: PathSet, *then: int) -> int:
    """Row of the path that bends at EDGE and then meets only `then`."""
    kinds = (DIFFRACTION, *then)
    found = (paths.interactions[:, : len(kinds)] == kinds).all(axis=1)
    found &= paths.n_vertices == 2 + len(kinds)
    found &= np.linalg.norm(paths.vertices[:, 1] - EDGE, axis=1) < 1e-2
    assert found.sum() == 1
    return int(np.flatnonzero(found)[0])


@pytest.fixture(scope="module")
def wedge() -> tuple[tuple[SurfaceMesh, ...], ReplayScene]:
    prepare(threads=2)
    meshes = wedge_and_mirror()
    return meshes, ReplayScene(meshes, FREQUENCY)


@pytest.mark.parametrize("place", [(-4.0, 6.0, 0.0), (-9.0, 4.0, 0.0), (1.0, 6.5, 0.0)])
def test_behind_an_edge_the_twin_is_right_and_sionna_twice_wrong(
    wedge: tuple[tuple[SurfaceMesh, ...], ReplayScene], place: tuple[float, float, float]
) -> None:
    meshes, scene = wedge
    receiver = np.array(place)
    ends = Devices(("ap",), TRANSMITTER[None]), Devices(("r",), receiver[None])
    right, reversed_signs, too_long = hand_figures(receiver)
    assert abs(reversed_signs - too_long) > 2
    # The solver itself, without the mirror, at the receiver's mirror image.
    behind = Devices(("r",), mirrored(receiver)[None])
    alone = SETTINGS.model_copy(update={"max_depth": 1})
    unfolded = traced_paths(meshes[:1], ends[0], behind, FREQUENCY, alone)
    assert 10 * np.log10(unfolded.power[at_edge(unfolded)]) == pytest.approx(
        reversed_signs, abs=0.02
    )
    air = 20 * np.log10(np.e) * scene.decay
    for depth, sionna in ((2, reversed_signs), (3, too_long), (5, too_long)):
        settings = SETTINGS.model_copy(update={"max_depth": depth})
        paths = traced_paths(meshes, *ends, FREQUENCY, settings)
        row = at_edge(paths, SPECULAR)
        ours = Chains.of(paths, np.array([row]), scene).fields(scene)[0, 0, 0]
        through_air = air * speed_of_light * paths.delay[row]
        assert 20 * np.log10(abs(ours)) == pytest.approx(right - through_air, abs=0.02)
        assert 10 * np.log10(paths.power[row]) == pytest.approx(sionna, abs=0.02)
        assert overlong_behind_edge(paths)[row] == (depth > 2)


def test_with_its_faults_our_formulas_give_what_the_solver_gives(
    wedge: tuple[tuple[SurfaceMesh, ...], ReplayScene],
) -> None:
    meshes, scene = wedge
    ends = Devices(("ap",), TRANSMITTER[None]), Devices(("r",), np.array([[-4.0, 6.0, 0.0]]))
    settings = SETTINGS.model_copy(update={"max_depth": 3})
    paths = traced_paths(meshes, *ends, FREQUENCY, settings)
    bent = (paths.interactions == DIFFRACTION).any(axis=1)
    overlong = overlong_behind_edge(paths)
    assert overlong.any() and (bent & ~overlong).any()
    off = np.abs(
        10 * np.log10(squared_magnitude(fields_with_faults(paths, scene)[:, 0, 0]) / paths.power)
    )
    assert off.max() < 0.02


@pytest.mark.parametrize("polarisation", [0, 1], ids=["along the edge", "across the edge"])
def test_where_a_reflection_ends_sionnas_field_jumps_and_ours_is_smooth(
    wedge: tuple[tuple[SurfaceMesh, ...], ReplayScene], polarisation: int
) -> None:
    """What ends and diffraction together must not jump: where the reflection ends the
    terms of a conductor's coefficient add up as D1 + D2 -+ (D3 + D4), as in the twin. The solver's
    diffraction has the reflected terms the other way round."""
    phi_in, _ = edge_angles(TRANSMITTER, TRANSMITTER)
    settings = SETTINGS.model_copy(update={"max_depth": 1})
    jumps = []
    for boundary, ends in ((np.pi + phi_in, NONE), (np.pi - phi_in, SPECULAR)):
        turn = boundary + np.radians([-0.002, 0.002]) - np.pi / 2
        places = EDGE + 10 * np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1)
        receivers = Devices(("before", "after"), places)
        ap = Devices(("ap",), TRANSMITTER[None])
        paths = traced_paths(wedge[0][:1], ap, receivers, FREQUENCY, settings)
        for law in (paths, by_our_law(paths, wedge[1])):
            near = np.linalg.norm(law.vertices[:, 1] - EDGE, axis=1) < 1e-2
            kept = near | (law.interactions[:, 0] == ends)
            field = law.transfer[:, polarisation, polarisation] * kept
            field = field * np.exp(-2j * np.pi * FREQUENCY * law.delay)
            before, after = (field[law.of_link(i)].sum() for i in (0, 1))
            jumps.append(abs(before - after) / abs(after))
    sionna_at_shadow, ours_at_shadow, sionna_at_reflection, ours_at_reflection = jumps
    assert sionna_at_shadow < 0.1 and ours_at_shadow < 0.02
    assert sionna_at_reflection > 0.5
    assert ours_at_reflection < 0.02


def corner(shift: float) -> tuple[tuple[SurfaceMesh, ...], Devices, Devices, NDArray[np.float64]]:
    """Two walls of glass that meet at (shift, shift), two ends, and the points on the
    walls, 2 and 1 cm from the corner, where the ray from the one to the other is mirrored."""
    walls = {
        "name": "corner",
        "scene": [
            {
                "name": "left",
                "kind": "box",
                "center": (shift - 0.5, shift + 10, 0),
                "size": (1, 20, 20),
                "material": "glass",
            },
            {
                "name": "right",
                "kind": "box",
                "center": (shift + 10, shift - 0.5, 0),
                "size": (20, 1, 20),
                "material": "glass",
            },
        ],
        "access_points": [{"name": "ap", "position": (0, 0, 0)}],
    }
    far, near = np.array([6.05, 3.0, 0.0]), np.array([4.0, 2.0, 0.0])
    # Two mirrors at right angles: the second image of the far end is its mirror point.
    way = -far - near
    bounces = np.abs([near - way * near[1] / way[1], near - way * near[0] / way[0]])
    offset = np.array([shift, shift, 0.0])
    return (
        surface_meshes(Site.model_validate(walls)),
        Devices(("ap",), far[None] + offset),
        Devices(("r",), near[None] + offset),
        bounces + offset,
    )


def twice_mirrored(paths: PathSet) -> PathSet:
    rows = (paths.interactions[:, :2] == SPECULAR).all(axis=1) & (paths.n_vertices == 4)
    assert rows.sum() == 1
    return paths.select(rows)


def glass_te(cosine: float) -> complex:
    """Of a 6 mm pane, the field across the plane of incidence: ITU-R P.2040 (37), by hand."""
    f_ghz = FREQUENCY / 1e9
    eta = 6.31 - 17.9751j * 0.0036 * f_ghz**1.3394 / f_ghz
    root = np.sqrt(eta - (1 - cosine**2))
    bare = (cosine - root) / (cosine + root)
    phase = np.exp(-4j * np.pi * 0.006 / WAVELENGTH * root)
    return complex(bare * (1 - phase) / (1 - bare**2 * phase))


@pytest.mark.parametrize(
    ("shift", "least_off", "least_error_db"), [(0.0, 5e-6, 5e-4), (100.0, 2e-4, 0.03)]
)
def test_in_a_corner_the_twin_is_where_the_law_of_reflection_puts_it_and_sionna_beside(
    shift: float, least_off: float, least_error_db: float
) -> None:
    prepare(threads=2)
    meshes, ap, robot, expected = corner(shift)
    scene = ReplayScene(meshes, FREQUENCY).as_sionna_has_it
    settings = SETTINGS.model_copy(update={"diffraction": False})
    theirs = twice_mirrored(traced_paths(meshes, ap, robot, FREQUENCY, settings))
    ours = Replay.of(theirs, scene).at(robot.positions)
    assert np.abs(ours.vertices[0, 1:3] - expected).max() < 1e-9
    assert np.abs(theirs.vertices[0, 1:3] - expected).max() > least_off

    way = expected[1] - robot.positions[0]
    cosines = np.abs(way[:2]) / np.linalg.norm(way)
    length = np.linalg.norm(ap.positions[0] + robot.positions[0] - [2 * shift, 2 * shift, 0])
    gain = abs(glass_te(cosines[0]) * glass_te(cosines[1])) * WAVELENGTH / (4 * np.pi * length)
    by_hand = 20 * np.log10(gain)
    assert 10 * np.log10(ours.power[0]) == pytest.approx(by_hand, abs=1e-4)
    assert abs(10 * np.log10(theirs.power[0]) - by_hand) > least_error_db
    at_theirs = replace(theirs, transfer=Chains.of(theirs, np.arange(1), scene).fields(scene))
    assert 10 * np.log10(at_theirs.power[0] / theirs.power[0]) == pytest.approx(0, abs=2e-3)
