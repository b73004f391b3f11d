"""Boxes in the people update, over paths and in forecasts: one law, whatever is asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_up import WAVELENGTH, boxes, people, polylines

from visrftwin_ros.bodies.people import Bodies, together
from visrftwin_ros.propagation.paths.link_metrics import link_sums
from visrftwin_ros.propagation.paths.path_segments import path_segments
from visrftwin_ros.propagation.paths.path_set import BODY, DIFFUSE, PathSet
from visrftwin_ros.propagation.people.body_paths import BodyReflections, LinkEnds
from visrftwin_ros.propagation.people.body_screens import inside_bodies
from visrftwin_ros.propagation.people.box_diffraction import box_shadows
from visrftwin_ros.propagation.people.box_hits import hidden_by_boxes
from visrftwin_ros.propagation.people.people_update import BEHIND_A_BOX, PeopleUpdate
from visrftwin_ros.twin.forecast import Forecaster

STREET = polylines([(0, 0, 1.4), (30, 0, 0.8)], gain=1.3e-5)


def loss_db(paths: PathSet, bodies: Bodies, update: PeopleUpdate | None = None) -> float:
    field = (update or PeopleUpdate(paths, WAVELENGTH)).update(bodies).field
    return float(link_sums(paths, field).metrics(WAVELENGTH).shadow_loss_db[0])


def driving_by(y: float, speed: float = 0.0) -> Bodies:
    """A car across the street, its middle y metres beyond the link."""
    car = boxes((20.0, y), heading=np.pi / 2)
    return replace(car, velocity=np.array([[0.0, speed, 0.0]]))


@pytest.mark.parametrize("standing", [True, False])
def test_a_car_that_drives_through_a_link_fades_it_and_the_link_recovers(standing) -> None:
    update = PeopleUpdate(STREET, WAVELENGTH, standing=standing)
    places = np.arange(-4.0, 4.01, 0.25)
    fade = np.array([loss_db(STREET, driving_by(y), update) for y in places])
    assert fade[np.abs(places) < 1.5].min() > 20
    assert (fade[np.abs(places) > 3] == 0).all()
    alone = [loss_db(STREET, driving_by(y)) for y in places]
    np.testing.assert_array_equal(fade, alone)


@pytest.mark.parametrize("model", ["thick", "fresnel", "metis", "knife_edge"])
def test_every_model_of_blockage_has_the_same_boxes_and_its_own_persons(model) -> None:
    both = together(people((10.0, 0.0)), boxes((20.0, 0.2)))
    found = dict(PeopleUpdate(STREET, WAVELENGTH, model).update(both).by_body)
    alone = dict(PeopleUpdate(STREET, WAVELENGTH, model).update(people((10.0, 0.0))).by_body)
    box = dict(PeopleUpdate(STREET, WAVELENGTH).update(boxes((20.0, 0.2))).by_body)
    np.testing.assert_array_equal(found["p0"].field, alone["p0"].field)
    np.testing.assert_array_equal(found["b0"].field, box["b0"].field)


def test_a_point_in_the_corner_of_a_box_is_inside_and_above_it_is_not() -> None:
    points = np.array([[0.8, 0.4, 1.0], [0.8, 0.4, 1.6], [1.1, 0.0, 1.0]])
    box = boxes((0.0, 0.0), depth=1.8, width=0.9, height=1.5)
    assert inside_bodies(points, box)[:, 0].tolist() == [True, False, False]
    person = people((0.0, 0.0), depth=1.8, width=0.9)
    assert not inside_bodies(points, person)[0, 0]


class Air:
    """Nothing hides anything."""

    def first_hit(self, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
        return np.full(len(origins), np.inf)


def reflections(bodies: Bodies, scattering: str = "ellipsoid"):
    ends = LinkEnds(np.array([[0, 0, 1.4]]), np.array([[30, 0, 0.8]]), np.zeros((1, 3)))
    power = link_sums(STREET, np.ones(1, complex)).power
    known = BodyReflections(STREET.links, Air(), WAVELENGTH, scattering=scattering)
    return known.update(ends, power, bodies)


@pytest.mark.parametrize("scattering", ["ellipsoid", "rcs"])
def test_a_car_beside_a_link_adds_a_path_over_its_side(scattering) -> None:
    over = reflections(boxes((15.0, 3.0)), scattering)
    assert (over.paths.interactions == BODY).all()
    side = over.paths.vertices[:, 1]
    assert side[0] == pytest.approx([15.0, 3.0 - 0.85, 1.1], abs=0.3)
    strongest = 20 * np.log10(np.abs(over.paths.transfer[:, 0, 0]).max())
    direct = 20 * np.log10(WAVELENGTH / (4 * np.pi * 30))
    assert direct - 3 < strongest < direct + 1


def test_a_car_does_not_hide_its_own_echo_and_another_one_does() -> None:
    alone = reflections(boxes((15.0, 3.0)))
    assert np.abs(alone.blockage.field) == pytest.approx(1.0)
    wall = boxes((15.0, 3.0), (7.0, 1.2), depth=1.0, width=0.5, height=3.0)
    both = reflections(replace(wall, depth=np.array([3.6, 1.0]), width=np.array([1.7, 0.5])))
    hidden = [name for name, _ in both.blockage.by_body]
    assert "b1" in hidden


def test_persons_and_boxes_bounce_together_links_ascending() -> None:
    both = reflections(together(people((15.0, -2.0)), boxes((15.0, 3.0))))
    apart = [reflections(people((15.0, -2.0))), reflections(boxes((15.0, 3.0)))]
    assert len(both.paths) == sum(len(one.paths) for one in apart)
    assert (np.diff(both.paths.link) >= 0).all()


def test_the_forecast_sees_a_car_coming() -> None:
    ahead = Forecaster(STREET, WAVELENGTH).forecast(driving_by(-6.0, 8.0))
    assert ahead.mean_db[0, 1] == pytest.approx(0.0, abs=0.01)
    now = loss_db(STREET, driving_by(0.0))
    assert ahead.mean_db[0, 3] == pytest.approx(now, abs=1e-6)
    vague = np.diag([1.0, 1.0, 4.0, 4.0])[None]
    unsure = Forecaster(STREET, WAVELENGTH).forecast(driving_by(-6.0, 8.0), vague)
    assert unsure.upper_bound_db[0, 2] > 10


def test_faint_paths_lose_the_mean_power_behind_a_chassis() -> None:
    strong, faint = [(0, 0, 1.0), (30, 0, 1.0)], [(0, 0, 1.0), (10, 0.2, 0.8), (30, 0, 1.0)]
    both = polylines(strong, faint)
    weak = replace(
        both,
        interactions=np.array([[0], [DIFFUSE]], np.uint8),
        transfer=both.transfer * np.array([1.0, 1e-3])[:, None, None],
    )
    field = PeopleUpdate(weak, WAVELENGTH).update(boxes((20.0, 0.1))).field
    assert np.abs(field[1]) == BEHIND_A_BOX
    rng = np.random.default_rng(3)
    tug = boxes((0.0, 0.0), depth=1.2, width=0.8, height=1.0)
    angle, place = rng.uniform(0, 2 * np.pi, 6000), rng.uniform(-0.8, 0.8, (6000, 2))
    length, share = rng.uniform(1, 16, 6000), rng.uniform(0, 1, 6000)
    way = np.stack([np.cos(angle), np.sin(angle)], axis=1) * length[:, None]
    ends = [place - way * share[:, None], place + way * (1 - share[:, None])]
    outside = (np.abs(ends[0]) > [0.6, 0.4]).any(axis=1) & (np.abs(ends[1]) > [0.6, 0.4]).any(
        axis=1
    )
    start, end = (np.column_stack([e[outside], rng.uniform(0, 3, outside.sum())]) for e in ends)
    lines = [[tuple(a), tuple(b)] for a, b in zip(start.tolist(), end.tolist(), strict=True)]
    segments = path_segments(polylines(*lines))
    none = np.zeros(len(segments), np.intp)
    hit = hidden_by_boxes(segments, np.arange(len(segments)), tug, none)
    field = box_shadows(segments, tug, hit, none[: len(hit)], WAVELENGTH).field
    lost = -10 * np.log10(np.mean(np.abs(field) ** 2))
    assert lost == pytest.approx(-20 * np.log10(BEHIND_A_BOX), abs=1.5)
