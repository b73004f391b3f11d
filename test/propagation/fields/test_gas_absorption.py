import numpy as np
import pytest
from made_up import FREQUENCY, WAVELENGTH, small_site

from visrftwin_ros.propagation.fields.gas_absorption import amplitude_decay, gas_attenuation_db
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import DIFFUSE
from visrftwin_ros.propagation.replay.path_replay import Replay
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.path_solver import solve
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.scene.surfaces import surface_meshes


@pytest.mark.parametrize(
    ("f_ghz", "oxygen", "water"),
    [
        (12, 0.00869826, 0.00953539),
        (20, 0.01188355, 0.09704730),
        (60, 14.62347480, 0.15484184),
        (90, 0.03886971, 0.34197339),
        (130, 0.04150908, 0.75184470),
    ],
)
def test_air_attenuates_as_in_the_validation_examples_of_p676(
    f_ghz: float, oxygen: float, water: float
) -> None:
    """ITU-R Study Group 3's examples for 1013.25 hPa of dry air, 288.15 K and 7.5 g/m^3, dB/km."""
    assert gas_attenuation_db(f_ghz * 1e9) == pytest.approx((oxygen, water), abs=1e-7)


def test_dry_air_has_no_water_and_half_the_pressure_half_of_the_continuum_or_less() -> None:
    oxygen, water = gas_attenuation_db(60e9, vapour_density=0.0)
    assert water == 0 and oxygen == pytest.approx(14.6, abs=0.1)
    thin, _ = gas_attenuation_db(30e9, dry_pressure=1013.25 / 2)
    assert thin < 0.5 * gas_attenuation_db(30e9)[0]


def test_a_room_hardly_notices_air_and_a_street_does() -> None:
    per_metre = 20 * np.log10(np.e) * amplitude_decay(FREQUENCY)
    assert per_metre * 10 == pytest.approx(0.151, abs=0.002)
    assert per_metre * 200 == pytest.approx(3.02, abs=0.02)
    assert 20 * np.log10(np.e) * amplitude_decay(3.4e9) * 200 < 0.002


def test_standing_and_moving_receivers_lose_the_same_to_air() -> None:
    prepare(threads=2)
    site = small_site()
    meshes = surface_meshes(site)
    near, far = np.array([[0.0, -5.0, 3.0]]), np.array([[0.0, -29.0, 20.0]])
    ap = Devices(("ap",), np.array([[0.0, 5.0, 3.0]]))
    paths = solve(meshes, ap, Devices(("r",), near), FREQUENCY, site.propagation)
    scene = ReplayScene(meshes, FREQUENCY)
    there = Replay.of(paths, scene).at(far)
    distance = float(np.linalg.norm(far - ap.positions))
    expected = 20 * np.log10(WAVELENGTH / (4 * np.pi * distance)) - 0.015119 * distance
    direct = there.power[there.line_of_sight]
    assert 10 * np.log10(direct) == pytest.approx([expected], abs=1e-3)
    # Scattered paths too: carried away and back they are what was solved.
    back = Replay.of(there, scene).at(near)
    scattered = (paths.interactions == DIFFUSE).any(axis=1)
    again = (back.interactions == DIFFUSE).any(axis=1)
    assert again.sum() > 50
    places = paths.vertices[scattered, :-1]
    known = {
        tuple(v.ravel().round(6)): p for v, p in zip(places, paths.power[scattered], strict=True)
    }
    for vertices, power in zip(back.vertices[again, :-1], back.power[again], strict=True):
        key = tuple(vertices.ravel().round(6))
        if key in known:
            assert power == pytest.approx(known[key], rel=1e-9)
