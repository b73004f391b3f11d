from dataclasses import replace

import numpy as np
import pytest
from made_up import FREQUENCY, WAVELENGTH, small_site
from made_up import people as standing

from visrftwin_ros.bodies.people import Bodies, nobody
from visrftwin_ros.propagation.paths.link_metrics import link_sums
from visrftwin_ros.propagation.paths.path_set import BODY
from visrftwin_ros.propagation.people.body_paths import (
    LEAST_BOUNCE,
    BodyPaths,
    BodyReflections,
    LinkEnds,
)
from visrftwin_ros.twin.engine import TwinEngine

LINKS = (("ap", "near"), ("ap", "far"))
ENDS = LinkEnds(
    transmitter=np.array([[0.0, 0.0, 1.5], [0.0, 0.0, 1.5]]),
    receiver=np.array([[6.0, 0.0, 1.0], [0.0, 40.0, 1.0]]),
    velocity=np.zeros((2, 3)),
)
POWER = (WAVELENGTH / (4 * np.pi * np.linalg.norm(ENDS.receiver - ENDS.transmitter, axis=1))) ** 2
BESIDE = (3.0, 0.8)


def people(*places: tuple[float, float], ids: tuple[str, ...] = ()) -> Bodies:
    """They face along y, with chest or back towards the link beside them."""
    return standing(*places, ids=ids, heading=np.pi / 2)


class Air:
    """Nothing hides anything, except what is behind x = `wall`."""

    def __init__(self, wall: float = np.inf) -> None:
        self._wall = wall

    def first_hit(self, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = (self._wall - origins[:, 0]) / directions[:, 0]
        return np.where(distance > 0, distance, np.inf)


def reflections(wall: float = np.inf) -> BodyReflections:
    return BodyReflections(LINKS, Air(wall), WAVELENGTH)


def over(bodies: Bodies, power: np.ndarray = POWER, wall: float = np.inf) -> BodyPaths:
    return reflections(wall).update(ENDS, power, bodies)


def test_a_body_beside_a_link_adds_a_path_of_kind_body_to_it_alone() -> None:
    found = over(people(BESIDE))
    assert found.paths.link.tolist() == [0]
    assert found.paths.interactions.tolist() == [[BODY]]
    assert LEAST_BOUNCE <= found.paths.power[0] / POWER[0] < 0.1
    assert found.paths.delay[0] > 6 / 299_792_458
    assert np.linalg.norm(found.paths.vertices[0, 1, :2] - BESIDE) < 0.25
    assert found.changed.tolist() == [True, False]
    assert (found.sums.free == 0).all() and found.sums.power[0] == found.paths.power[0]


def test_who_is_far_off_or_across_the_link_adds_nothing() -> None:
    assert len(over(people((3.0, -15.0), (3.0, 0.05))).paths) == 0
    assert len(over(nobody()).paths) == 0


def test_a_shadowed_link_lives_on_weaker_bounces() -> None:
    off = people((3.0, 6.0))
    assert len(over(off).paths) == 0
    assert over(off, POWER / [100, 1]).paths.link.tolist() == [0]
    assert len(over(off, np.zeros(2)).paths) >= 1


def test_walls_and_other_people_stand_in_the_way() -> None:
    body = people(BESIDE)
    assert len(over(body, wall=5.0).paths) == 0
    free = over(body)
    point = free.paths.vertices[0, 1]
    between = point + 0.5 * (ENDS.receiver[0] - point)
    both = people(BESIDE, tuple(between[:2]), ids=("mirror", "screen"))
    found = over(both)
    row = int(np.flatnonzero(np.abs(found.paths.vertices[:, 1, 1] - point[1]) < 1e-9)[0])
    assert found.blockage.blocked_by(row) == ("screen",)
    assert abs(found.blockage.field[row]) < 0.5
    assert found.sums.power[0] < free.sums.power[0]
    assert free.blockage.field[0] == 1  # not by the body itself


def test_only_what_moved_counts_as_changed() -> None:
    twin = reflections()
    assert twin.update(ENDS, POWER, people(BESIDE)).changed.tolist() == [True, False]
    assert not twin.update(ENDS, POWER, people(BESIDE)).changed.any()
    assert not twin.update(ENDS, POWER, people(BESIDE, (3.0, -15.0))).changed.any()
    assert twin.update(ENDS, POWER, people((3.0, 0.81))).changed.tolist() == [True, False]
    assert twin.update(ENDS, POWER, nobody()).changed.tolist() == [True, False]


def test_body_and_robot_shift_the_carrier() -> None:
    still = people(BESIDE)
    walking = replace(still, velocity=np.array([[0.0, 1.2, 0.0]]))
    away = over(walking).doppler[0]
    # Sideways by 1.2 m/s at a mirror seen at 15 degrees from both ends.
    point = over(still).paths.vertices[0, 1]
    ends = (ENDS.transmitter[0], ENDS.receiver[0])
    sines = [(point[1] - end[1]) / np.linalg.norm(point - end) for end in ends]
    assert away == pytest.approx(-1.2 * sum(sines) / WAVELENGTH, rel=1e-6)
    driving = replace(ENDS, velocity=np.array([[-0.5, 0, 0], [0, 0, 0]]))
    towards = reflections().update(driving, POWER, still)
    expected = 0.5 * -towards.paths.arrival[0, 0] / WAVELENGTH
    assert towards.doppler[0] == pytest.approx(expected) and expected > 0


def test_degenerate_ends_have_no_bounce_and_spoil_no_other_link() -> None:
    ends = LinkEnds(
        transmitter=np.array([[0.0, 0.0, 1.5], [0.0, 0.0, 1.5]]),
        receiver=np.array([[6.0, 0.0, 1.0], [0.0, 0.0, 1.5]]),
        velocity=np.zeros((2, 3)),
    )
    with np.errstate(divide="ignore"):
        found = reflections().update(ends, POWER, people(BESIDE))
    assert found.paths.link.tolist() == [0]
    lost = replace(ends, receiver=np.array([[6.0, 0.0, 1.0], [np.nan] * 3]))
    assert reflections().update(lost, POWER, people(BESIDE)).paths.link.tolist() == [0]
    assert len(over(people((0.01, 0.0))).paths) == 0  # the transmitter is inside


def test_the_twin_carries_paths_over_people_in_paths_and_metrics() -> None:
    engine = TwinEngine(small_site(), threads=2)
    alone = TwinEngine(small_site(), threads=2, body_scattering="none")
    link = engine.links.index(("ap_a", "r1"))
    start, end = np.array([0.0, -10.0]), np.array([5.0, 4.0])
    along = (end - start) / np.linalg.norm(end - start)
    beside = np.array([along[1], -along[0]])
    # Bob shadows the link; anna, facing it from a metre aside, mirrors round him.
    bob, anna = start + 0.9 * (end - start), start + 0.8 * (end - start) + beside
    both = standing(tuple(bob), tuple(anna), ids=("bob", "anna"))
    walking = replace(
        both,
        heading=np.full(2, np.arctan2(*-beside[::-1])),
        velocity=np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]),
    )
    state, without = engine.update(0, walking), alone.update(0, walking)
    paths = state.paths(link)
    assert paths is not None
    bounced = np.flatnonzero((paths.interactions == BODY).any(axis=1))
    assert len(bounced) == 1
    row = bounced[0]
    assert paths.n_vertices[row] == 3 and paths.doppler[row] != 0
    assert paths.interactions[row].tolist()[1:] == [0] * (paths.interactions.shape[1] - 1)
    np.testing.assert_array_equal(
        paths.vertices[row, 2:], np.tile([5.0, 4.0, 1.2], (paths.vertices.shape[1] - 2, 1))
    )
    assert state.retraced[link]
    gained = 10 ** (-state.metrics.path_loss_db / 10) - 10 ** (-without.metrics.path_loss_db / 10)
    assert gained[link] == pytest.approx(paths.power[row], rel=1e-6)
    assert state.frequency == FREQUENCY
    without_paths = without.paths(link)
    assert without_paths is not None and BODY not in without_paths.interactions
    untouched = ~state.retraced
    assert untouched.any()
    quiet = engine.update(1, nobody())
    np.testing.assert_array_equal(
        state.metrics.path_loss_db[untouched], quiet.metrics.path_loss_db[untouched]
    )
    group = quiet.groups[0]
    np.testing.assert_allclose(
        quiet.metrics.path_loss_db,
        link_sums(group.paths, group.blockage.field).metrics(WAVELENGTH).path_loss_db,
    )


def test_the_cross_section_is_the_other_way_to_scatter() -> None:
    rcs = BodyReflections(LINKS, Air(), WAVELENGTH, scattering="rcs")
    found = rcs.update(ENDS, POWER, people(BESIDE))
    assert found.paths.link.tolist() == [0] and found.paths.interactions.tolist() == [[BODY]]
    # One point on the body's axis, 1.5 m up a person of 1.75 m.
    np.testing.assert_allclose(found.paths.vertices[0, 1], [*BESIDE, 1.5])
    lost = replace(ENDS, receiver=np.array([[6.0, 0.0, 1.0], [np.nan] * 3]))
    assert rcs.update(lost, POWER, people(BESIDE)).paths.link.tolist() == [0]
