from dataclasses import replace

import numpy as np
import pytest
from made_up import WAVELENGTH, people, polylines

from visrftwin_ros.beams.arrays import Mount
from visrftwin_ros.beams.codebook import beam_gains
from visrftwin_ros.bodies.people import Bodies, nobody
from visrftwin_ros.propagation.paths import path_set
from visrftwin_ros.propagation.paths.link_metrics import link_sums
from visrftwin_ros.propagation.people.people_update import PeopleUpdate
from visrftwin_ros.site.model import AntennaArray
from visrftwin_ros.twin import forecast
from visrftwin_ros.twin.forecast import HORIZONS, Forecaster

LINKS = polylines([(0, 0, 1.2), (10, 0, 1.2)], [(0, 8, 1.2), (10, 8, 1.2)], links=(0, 1))


def walker(velocity: tuple[float, float]) -> Bodies:
    """1.2 m beside the first link."""
    return replace(people((5.0, 1.2)), velocity=np.array([[*velocity, 0.0]]))


def test_a_walker_on_course_is_seen_coming() -> None:
    ahead = Forecaster(LINKS, WAVELENGTH).forecast(walker((0.0, -1.2)))
    assert ahead.horizons.tolist() == list(HORIZONS)
    assert ahead.mean_db[0, 1] == pytest.approx(0, abs=0.01)
    there = PeopleUpdate(LINKS, WAVELENGTH).update(people((5.0, 0.0)))
    expected = link_sums(LINKS, there.field).metrics(WAVELENGTH).shadow_loss_db
    np.testing.assert_allclose(ahead.mean_db[:, 4], expected, atol=1e-6)
    assert ahead.mean_db[0, 4] > 14
    assert (ahead.mean_db[1] == 0).all()


def test_links_without_a_path_have_no_loss_and_need_nothing_compiled_of_their_own() -> None:
    Forecaster(LINKS, WAVELENGTH).forecast(walker((0.0, -1.2)))
    nothing = path_set.empty((("a", "r"), ("b", "r")), 1)
    assert np.isnan(Forecaster(nothing, WAVELENGTH).forecast(walker((0.0, -1.2))).loss_db).all()
    assert len(forecast._received.signatures) == 1


def test_known_exactly_the_bound_is_the_mean() -> None:
    ahead = Forecaster(LINKS, WAVELENGTH).forecast(walker((0.0, -1.2)))
    np.testing.assert_allclose(ahead.upper_bound_db, ahead.mean_db, atol=1e-9)


def test_the_bound_holds_for_nine_futures_in_ten() -> None:
    covariance = np.diag([0.02, 0.02, 0.1, 0.1])[None]
    rng = np.random.default_rng(4)
    held = []
    for _ in range(150):
        course = walker((0.0, -1.2)).at(rng.uniform((4, 0.9, 0), (6, 1.6, 0), (1, 3)))
        bound = Forecaster(LINKS, WAVELENGTH).forecast(course, covariance).upper_bound_db[0, 4]
        spread = np.sqrt(0.02 + 0.1)
        place = course.position[0, :2] + [0, -1.2] + rng.normal(0, spread, 2)
        field = PeopleUpdate(LINKS, WAVELENGTH).update(people(tuple(place))).field
        held.append(link_sums(LINKS, field).metrics(WAVELENGTH).shadow_loss_db[0] <= bound + 1e-9)
    assert np.mean(held) == pytest.approx(0.9, abs=0.07)


def test_uncertainty_warns_of_a_fade_that_the_mean_course_misses() -> None:
    covariance = np.diag([0.04, 0.04, 0.3, 0.3])[None]
    forecaster = Forecaster(LINKS, WAVELENGTH)
    sure = forecaster.forecast(walker((0.0, -0.6)))
    vague = forecaster.forecast(walker((0.0, -0.6)), covariance)
    assert sure.upper_bound_db[0, 4] < 1
    assert vague.upper_bound_db[0, 4] > 10
    assert 0 < vague.mean_db[0, 4] < vague.upper_bound_db[0, 4]
    again = forecaster.forecast(walker((0.0, -0.6)), covariance)
    np.testing.assert_array_equal(again.mean_db, vague.mean_db)


def test_an_empty_place_loses_nothing_and_a_link_without_paths_says_so() -> None:
    assert (
        Forecaster(LINKS, WAVELENGTH).forecast(nobody(), np.zeros((0, 4, 4))).mean_db == 0
    ).all()
    nothing = path_set.empty((("ap", "r"),), 2)
    assert np.isnan(Forecaster(nothing, WAVELENGTH).forecast(walker((0, 0))).mean_db).all()


def test_beams_fall_back_on_what_the_walker_leaves_free() -> None:
    """Arrays that can turn lose less than the path they point along does."""
    array = AntennaArray(rows=1, columns=16, element="tr38901")
    sight, detour = [(0, 0, 1.2), (10, 0, 1.2)], [(0, 0, 1.2), (5, 6, 1.2), (10, 0, 1.2)]
    paths = polylines(sight, detour, links=(0, 0))
    mounts = [(Mount(array, 0.5), Mount(array, np.pi - 0.5))]
    ahead = Forecaster(paths, WAVELENGTH).forecast(walker((0.0, -1.2)), mounts=mounts)
    gains = _alone(paths, mounts[0])
    clear, blocked = ahead.beam_gain_db[0, 0, [1, 4]]
    assert clear == pytest.approx(gains.max(), abs=0.3)
    assert blocked == pytest.approx(gains[1], abs=0.5)
    assert clear - blocked < ahead.loss_db[0, 0, 4]
    assert np.isnan(
        Forecaster(paths, WAVELENGTH).forecast(nobody(), mounts=[(None, mounts[0][1])]).beam_gain_db
    ).all()


def test_every_walker_of_a_crowd_is_found_at_every_moment() -> None:
    """Screened over all futures at once, as one moment after the other in the twin's own update."""
    rng = np.random.default_rng(5)
    ends = rng.uniform((-6, -6, 0.5), (6, 6, 1.8), (20, 2, 3))
    paths = polylines(*([tuple(a), tuple(b)] for a, b in ends), links=tuple(range(20)))
    crowd = people(*rng.uniform(-6, 6, (6, 2)))
    crowd = replace(crowd, velocity=np.column_stack([rng.normal(0, 1.2, (6, 2)), np.zeros(6)]))
    ahead = Forecaster(paths, WAVELENGTH).forecast(crowd)
    update = PeopleUpdate(paths, WAVELENGTH)
    for k, seconds in enumerate(HORIZONS):
        field = update.update(crowd.at(crowd.position + seconds * crowd.velocity)).field
        expected = link_sums(paths, field).metrics(WAVELENGTH).shadow_loss_db
        np.testing.assert_allclose(ahead.loss_db[:, 0, k], expected, atol=1e-6)
    assert ((ahead.loss_db > 6).sum(axis=0) > 2).any()


def test_faint_paths_beyond_the_third_stay_as_they_are() -> None:
    """Of six of a link, the last carries a hundredth."""
    lines = [[(0, y, 1.2), (10, y, 1.2)] for y in (0, 2, 4, 6, 8, 10)]
    paths = polylines(*lines, links=(0,) * 6)
    share = np.array([0.5, 0.2, 0.15, 0.1, 0.04, 0.01])
    paths = replace(paths, transfer=paths.transfer * np.sqrt(share)[:, None, None])
    there = [
        Forecaster(paths, WAVELENGTH).forecast(people((5.0, y))).loss_db[0, 0, 0] for y in (8, 10)
    ]
    assert there[0] == pytest.approx(-10 * np.log10(0.96), abs=0.02)
    assert there[1] == 0


def _alone(paths: path_set.PathSet, ends: tuple[Mount, Mount]) -> np.ndarray:
    """dB with the whole codebook swept over one path alone, of each path."""
    gains = []
    for p in range(len(paths)):
        sent, received = (
            beam_gains(end, way[[p]])
            for end, way in zip(ends, (paths.departure, paths.arrival), strict=True)
        )
        gains.append(10 * np.log10(paths.power[p] * sent.max() * received.max()))
    return np.array(gains)
