"""The NeRF2-like and the RF-3DGS-like fields: parts against closed forms, and a place that they have to learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.constants import speed_of_light

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.errors import TwinError
from visrftwin_ros.evaluation.baselines import nerf2, radiance, rf3dgs
from visrftwin_ros.evaluation.baselines.radiance import Aim, Components, Fitted, fitted
from visrftwin_ros.evaluation.link_targets import Questions
from visrftwin_ros.evaluation.metric_scores import SnapshotMetrics
from visrftwin_ros.evaluation.prediction import Measured

TX = np.array([1.0, -2.0, 2.5])


def asked(places: np.ndarray) -> Questions:
    count = len(places)
    return Questions(
        np.arange(count),
        ("ap",) * count,
        ("robot",) * count,
        np.tile(TX, (count, 1)),
        places,
        np.full(count, 60e9),
        np.full(count, 2e9),
        np.ones(count, bool),
    )


def in_sight(places: np.ndarray) -> Measured:
    """The straight path alone, by Friis but for a constant."""
    way = TX - places
    distance = np.linalg.norm(way, axis=1)
    azimuth = np.arctan2(way[:, 1], way[:, 0])
    nan = np.full(len(places), np.nan)
    paths = Multipath(
        len(places),
        np.arange(len(places)),
        1e-7 / distance**2,
        distance / speed_of_light,
        np.column_stack([nan, nan]),
        np.column_stack([azimuth, nan]),
    )
    return Measured(asked(places), paths, SnapshotMetrics(*[nan] * 4))


def places_around(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.uniform(-5, 5, (count, 2)), np.full(count, 0.8)])


def test_what_arrives_through_an_even_haze_is_what_it_does_not_take() -> None:
    step = torch.tensor(np.diff(np.geomspace(0.3, 20.0, 33)), dtype=torch.float32)
    density, sent = torch.full((32,), 0.3), torch.full((32,), 2.0)
    # Beer and Lambert: sources of S that take k a metre send S (1 - exp(-k L)).
    expected = 2.0 * (1 - np.exp(-0.3 * 19.7))
    assert nerf2.along_rays(density, sent, step).sum().item() == pytest.approx(expected, rel=1e-5)


def test_a_splat_is_hidden_by_those_before_it_as_far_as_they_cover_its_direction() -> None:
    opacity, size = torch.tensor([0.5, 0.6, 0.7]), torch.tensor([0.1, 0.2, 0.1])
    distance, azimuth = torch.tensor([[4.0, 2.0, 1.0]]), torch.tensor([[0.3, 0.35, -2.0]])
    seen = rf3dgs.composed(opacity, size, distance, azimuth)[0]
    # The second is 0.1 rad wide from here and 0.05 rad off; the third lies elsewhere.
    expected = [0.5 * (1 - 0.6 * np.exp(-0.5 * 0.5**2)), 0.6, 0.7]
    assert seen.numpy() == pytest.approx(expected, rel=1e-4)


def test_a_direction_and_a_way_of_measured_paths_have_their_power() -> None:
    known = in_sight(places_around(6, 1))
    aim = Aim.at(known)
    assert aim.by_azimuth.sum(dim=1).numpy() * aim.scale == pytest.approx(
        known.paths.power, rel=1e-4
    )
    seen = np.linspace(-np.pi, np.pi, radiance.AZIMUTHS, endpoint=False)[
        aim.by_azimuth.argmax(dim=1)
    ]
    off = np.angle(np.exp(1j * (seen - known.paths.arrival[:, 0])))
    assert np.abs(off).max() <= np.pi / radiance.AZIMUTHS + 1e-6
    bin_ = aim.reach / (radiance.WAYS - 1)
    way = aim.by_way.argmax(dim=1).numpy() * bin_
    assert way == pytest.approx(known.paths.delay * speed_of_light, abs=bin_ / 2 + 1e-4)


def exact(known: Measured, aim: Aim, offset: float = 0.0) -> Components:
    """Components that are the measured paths, one a link."""
    values = (
        known.paths.power / aim.scale,
        known.paths.arrival[:, 0] + offset,
        known.paths.delay * speed_of_light,
    )
    return Components(*(torch.tensor(v[:, None], dtype=torch.float32) for v in values))


def test_who_says_what_was_measured_misses_nothing() -> None:
    known = in_sight(places_around(6, 1))
    aim = Aim.at(known)
    assert aim.missed(exact(known, aim)).item() == pytest.approx(0.0, abs=1e-3)
    assert aim.missed(exact(known, aim, offset=0.3)).item() > 0.3
    quiet = replace(exact(known, aim), power=torch.zeros(6, 1))
    assert torch.isfinite(aim.missed(quiet)) and aim.missed(quiet).item() > 1.0


def learnt(name: str, known: Measured) -> Fitted:
    with radiance.one_thread(seed=0):
        aim = Aim.at(known)
        if name == "nerf2":
            return fitted(nerf2.point_field(aim.reach), known, aim, 60, nerf2.LEARNING_RATE, None)
        return fitted(rf3dgs.splats(known), known, aim, 150, rf3dgs.LEARNING_RATE, None)


@pytest.mark.parametrize("name", ["nerf2", "rf3dgs"])
def test_a_place_in_sight_is_learnt(name: str) -> None:
    field = learnt(name, in_sight(places_around(24, 2)))
    assert field.losses[-10:].mean() < 0.7 * field.losses[:5].mean()
    unseen = in_sight(places_around(8, 3))
    found = field.paths(unseen.questions)
    assert found.count == 8
    power = np.array([found.of(i).power.sum() for i in range(8)])
    loss = 10 * np.log10(power / unseen.paths.power)
    assert np.median(np.abs(loss)) < 3.0
    elsewhere = replace(unseen.questions, tx=("another",) * 8)
    assert len(field.paths(elsewhere)) == 0


def test_splats_begin_where_the_access_point_is_seen() -> None:
    torch.manual_seed(0)
    places = rf3dgs.first_places(in_sight(places_around(9, 4)), 20)
    assert places == pytest.approx(np.tile(TX[:2], (20, 1)), abs=1e-6)


def test_too_little_or_nothing_to_learn_from_is_told() -> None:
    known = in_sight(places_around(5, 0))
    silent = replace(known, paths=known.paths.stronger_by(np.full(5, np.nan)))
    with pytest.raises(TwinError, match="no path with a power"):
        Aim.at(silent)
    with pytest.raises(TwinError, match=r"has 3 snapshot\(s\) to learn from, needs 4"):
        Aim.at(known.take([0, 1, 2]))
