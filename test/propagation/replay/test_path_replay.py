import numpy as np
import pytest
from made_up import FREQUENCY

from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import DIFFRACTION, DIFFUSE, REFRACTION, PathSet
from visrftwin_ros.propagation.replay.path_replay import Replay
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.path_solver import solve
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.model import Site
from visrftwin_ros.twin.moving_links import _with_borrowed, loop_places


class Tracer:
    def __init__(self, site: Site, meshes: tuple[SurfaceMesh, ...], aps: Devices) -> None:
        self._arguments = (site, meshes, aps)

    def __call__(self, place: tuple[float, float, float]) -> PathSet:
        site, meshes, aps = self._arguments
        return solve(
            meshes, aps, Devices(("r",), np.array([place], float)), FREQUENCY, site.propagation
        )


@pytest.fixture(scope="module")
def trace(site: Site, meshes: tuple[SurfaceMesh, ...], aps: Devices) -> Tracer:
    return Tracer(site, meshes, aps)


def kinds(paths: PathSet, *which: int) -> np.ndarray:
    return np.isin(paths.interactions, which).any(axis=1)


def single_edges(paths: PathSet, scene: ReplayScene) -> dict[int, tuple[float, ...]]:
    """Of the paths over nothing but one edge: row, and which link and edge."""
    once = (paths.n_vertices == 3) & (paths.interactions[:, 0] == DIFFRACTION)
    rows = np.flatnonzero(once)
    origin = scene.edges.of(
        paths.objects[rows, 0], paths.vertices[rows, 1], paths.normals[rows, 0]
    ).origin
    keys = np.column_stack([paths.link[rows], origin.round(3)]).tolist()
    return dict(zip(rows.tolist(), map(tuple, keys), strict=True))


@pytest.mark.parametrize(
    ("place", "step"),
    [
        ((5, 4, 1.2), (0.3, 0.2, 0)),
        ((-5, -3, 1.2), (-0.4, 0.3, 0)),
        ((12, -3, 1.2), (0.2, -0.5, 0.1)),
        ((5, 4, 1.2), (0, 0, 0)),
    ],
)
def test_a_replay_gives_what_a_full_solve_gives(
    trace: Tracer, replay_scene: ReplayScene, place, step
) -> None:
    there = np.add(place, step)
    known = trace(place)
    replayed = Replay.of(known, replay_scene).at(np.tile(there, (2, 1)))
    truth = trace(tuple(there))
    bent = set(single_edges(known, replay_scene).values())
    # An edge whose cone the robot enters on the way is discovery's to find.
    new = {row for row, edge in single_edges(truth, replay_scene).items() if edge not in bent}
    assert truth.power[sorted(new)].sum() < 0.02 * truth.power.sum()
    matched = total = 0.0
    for row in np.flatnonzero(~kinds(truth, DIFFUSE)):
        if int(row) in new:
            continue
        total += truth.power[row]
        same = (replayed.interactions == truth.interactions[row]).all(axis=1) & (
            replayed.link == truth.link[row]
        )
        distance = np.abs(replayed.vertices - truth.vertices[row]).max(axis=(1, 2))
        twin = np.flatnonzero(same & (distance < 5e-3))
        if not len(twin):
            continue
        matched += truth.power[row]
        assert abs(replayed.delay[twin[0]] - truth.delay[row]) < 1e-12
        gain_db = 10 * np.log10(replayed.power[twin[0]] / truth.power[row])
        # Slab resonances behind 0.2 m of brick, and the differences of four large terms that an
        # edge diffracts, are beyond the tracer's single precision.
        hard = np.isin(truth.interactions[row], (REFRACTION, DIFFRACTION)).any()
        assert abs(gain_db) < (0.1 if hard else 0.01)
    assert matched >= 0.999 * total
    diffuse = [p.power[kinds(p, DIFFUSE)].sum() for p in (replayed, truth)]
    assert abs(10 * np.log10(diffuse[0] / diffuse[1])) < 0.5


def test_behind_the_house_the_line_of_sight_is_gone(
    trace: Tracer, replay_scene: ReplayScene
) -> None:
    known = Replay.of(trace((5, 4, 1.2)), replay_scene)
    assert known.at(np.array([[5.0, 4.0, 1.2]] * 2)).line_of_sight.sum() == 2
    behind = known.at(np.array([[5.0, 17.0, 1.2]] * 2))
    assert not behind.line_of_sight.any()


def test_on_top_of_a_scattering_point_nothing_is_invented(
    trace: Tracer, replay_scene: ReplayScene
) -> None:
    known = trace((5, 4, 1.2))
    row = np.flatnonzero((known.interactions[:, 0] == DIFFUSE) & (known.n_vertices == 3))[0]
    there = Replay.of(known, replay_scene).at(np.tile(known.vertices[row, 1], (2, 1)))
    assert np.isfinite(there.transfer).all()
    assert np.isfinite(there.vertices).all()
    assert np.isfinite(there.delay).all()


def test_a_replay_there_and_back_ends_where_it_began(
    trace: Tracer, replay_scene: ReplayScene
) -> None:
    known = Replay.of(trace((5, 4, 1.2)), replay_scene)
    first = known.at(np.array([[5.1, 4.0, 1.2]] * 2))
    known.at(np.array([[6.0, 5.0, 1.2]] * 2))
    again = known.at(np.array([[5.1, 4.0, 1.2]] * 2))
    np.testing.assert_array_equal(first.transfer, again.transfer)


def test_places_on_a_loop_are_a_metre_apart_at_most_and_include_the_corners() -> None:
    corners = np.array([[0.0, 0.0], [2.5, 0.0], [2.5, 1.0]])
    places = loop_places(corners, 1.0)
    around = np.linalg.norm(places - np.roll(places, -1, axis=0), axis=1)
    assert around.max() <= 1.0
    for corner in corners:
        assert np.abs(places - corner).sum(axis=1).min() == pytest.approx(0)


def test_neighbours_lend_the_sequences_that_a_place_lacks(site: Site, meshes, aps: Devices) -> None:
    # Beside the house's corner: its front mirrors the first place and not the last.
    places = np.array([[8.0, 6.0, 1.2], [9.0, 6.0, 1.2], [14.0, 6.0, 1.2]])
    found = solve(meshes, aps, Devices(("a", "b", "c"), places), FREQUENCY, site.propagation)
    merged = _with_borrowed(found, found, "robot")
    for k, paths in enumerate(merged):
        assert paths.links == (("ap_a", "robot"), ("ap_b", "robot"))
        own = found.link % 3 == k
        assert (kinds(paths, DIFFUSE)).sum() == (kinds(found, DIFFUSE) & own).sum()
        assert len(paths) >= own.sum()
        assert (np.diff(paths.link) >= 0).all()
    assert max(len(paths) - (found.link % 3 == k).sum() for k, paths in enumerate(merged)) > 0
