"""Latitudes and longitudes in the world, against numbers of others."""

from __future__ import annotations

import numpy as np
import pytest

from visrftwin_ros.campaign.importers.local_frame import LocalFrame, earth_centred


def test_earth_centred_coordinates_are_those_of_matlabs_mapping_toolbox() -> None:
    """42 N, 82 W, 200 m, as the tests of pymap3d have it from MATLAB."""
    found = earth_centred(np.radians(42), np.radians(-82), 200.0)
    np.testing.assert_allclose(found, [660675.2518, -4700948.6832, 4245737.6622], atol=1e-3)


def test_a_local_place_is_that_of_matlabs_mapping_toolbox() -> None:
    """The same place seen 1 km away at azimuth 33 and elevation 70 degrees, whose latitude and longitude
    they give to 1e-6 degrees, 0.1 m."""
    frame = LocalFrame(np.pi / 2, np.radians(42), np.radians(-82), 200.0)
    found = frame.place(np.radians(42.002582), np.radians(-81.997752), 1139.7018)
    np.testing.assert_allclose(found, [186.277521, 286.842228, 939.692621], atol=0.1)


@pytest.mark.parametrize(
    ("latitude", "north_km", "east_km"), [(15, 110.649, 107.550), (45, 111.132, 78.847)]
)
def test_a_degree_is_as_long_as_the_tables_of_the_ellipsoid_say(
    latitude: float, north_km: float, east_km: float
) -> None:
    frame = LocalFrame(np.pi / 2, np.radians(latitude), 0.2, 0.0)
    step = 1e-3
    found = frame.place(np.radians(latitude + step), 0.2 + np.radians(step), None)
    np.testing.assert_allclose(found[:2], np.array([east_km, north_km]) * 1e3 * step, rtol=2e-4)
    assert found[2] == 0


def test_the_world_may_be_turned_against_the_compass() -> None:
    """x to the north-east: a place north lies in front on the left, one east on the right."""
    frame = LocalFrame(np.radians(45), np.radians(48), np.radians(11), 0.0)
    north = frame.place(np.radians(48.001), np.radians(11), None)
    east = frame.place(np.radians(48), np.radians(11.001), None)
    assert north[0] == pytest.approx(north[1]) and north[0] > 0
    assert east[0] == pytest.approx(-east[1], rel=1e-4) and east[0] > 0
    assert frame.azimuth(np.radians(45)) == 0
