import os
import signal
import time
from collections.abc import Iterator

import numpy as np
import pytest
from made_up import people, small_site

from visrftwin_ros.bodies.people import nobody
from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import empty
from visrftwin_ros.propagation.tracing import solver_process
from visrftwin_ros.scene.surfaces import SurfaceMesh, surface_meshes
from visrftwin_ros.site.model import Site
from visrftwin_ros.twin.enclosure import enclosing, solids
from visrftwin_ros.twin.engine import TwinEngine
from visrftwin_ros.twin.link_queries import MOST_WAITING, Answer, Enquiries, SolvedLink
from visrftwin_ros.twin.radio_map import MapGrid, MapQuestion, RadioMap

AP_A = np.array([0.0, -10.0, 3.0])
R1 = np.array([5.0, 4.0, 1.2])


@pytest.fixture(scope="module")
def engine(site: Site) -> TwinEngine:
    return TwinEngine(site, None, threads=2)


@pytest.fixture(scope="module")
def enquiries(site: Site, engine: TwinEngine) -> Iterator[Enquiries]:
    enquiries = Enquiries(site, engine.people_model)
    yield enquiries
    enquiries.close()


def answer_of(enquiries: Enquiries, number: int, seconds: float = 90.0) -> Answer:
    """It, while no single look for it may take long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        began = time.perf_counter()
        answer = enquiries.poll()
        assert time.perf_counter() - began < 1.0
        if answer is not None:
            assert answer.number == number
            return answer
        time.sleep(0.02)
    raise AssertionError("no answer")


def test_a_link_between_two_places_is_that_of_devices_standing_there(
    enquiries: Enquiries, engine: TwinEngine
) -> None:
    crowd = people((4.0, 1.2))
    expected = engine.update(0, crowd)
    own = expected.links.index(("ap_a", "r1"))
    assert expected.metrics.shadow_loss_db[own] > 3
    found = answer_of(enquiries, enquiries.ask_link(engine.twin.meshes, AP_A, R1, crowd)).result
    assert isinstance(found, SolvedLink)
    state = engine.channels_of(found, crowd, 7)
    assert state.links == (("tx", "rx"),) and state.stamp_ns == 7
    for name in ("path_loss_db", "shadow_loss_db", "k_factor_db"):
        mine, theirs = (getattr(s.metrics, name) for s in (state, expected))
        assert mine[0] == pytest.approx(theirs[own], abs=0.2)
    direct = state.paths(0)
    assert direct is not None and any("p0" in blocked for blocked in direct.blocked_by)
    alone = engine.channels_of(found, nobody(), 8)
    assert alone.metrics.shadow_loss_db[0] == 0


@pytest.mark.parametrize(
    ("tx", "rx", "said"),
    [
        ((np.nan, 0, 1), R1, "tx is not finite"),
        (AP_A, (0, np.inf, 1), "rx is not finite"),
        ((0, 12, 2), R1, "tx at .* inside surface 'house'"),
        (AP_A, (4, 1.2, 1.0), "rx at .* inside body p0"),
        (R1, R1, "one place"),
    ],
)
def test_ends_where_no_antenna_can_be_are_refused(
    enquiries: Enquiries, engine: TwinEngine, tx: object, rx: object, said: str
) -> None:
    with pytest.raises(TwinError, match=said):
        enquiries.ask_link(engine.twin.meshes, tx, rx, people((4.0, 1.2)))


def test_a_map_comes_tile_by_tile_with_links_between_and_can_be_given_up(
    enquiries: Enquiries, engine: TwinEngine, site: Site
) -> None:
    grid = MapGrid.over(engine.twin.meshes, 1.2, 5.0)
    question = MapQuestion.checked(
        site, engine.twin.meshes, engine.people_model, ("ap_a",), grid, people((4.0, 1.2)), 3
    )
    first = enquiries.ask_map(question)
    assert enquiries.poll() is None  # hands the first tile on
    link = enquiries.ask_link(engine.twin.meshes, AP_A, R1, nobody())
    assert isinstance(answer_of(enquiries, link).result, SolvedLink)
    assert enquiries.progress(first) in (0.25, 0.5)
    found = answer_of(enquiries, first).result
    assert isinstance(found, RadioMap) and found.loss_db.shape == (12, 12, 1)
    assert np.isfinite(found.loss_db[..., 0]).mean() > 0.8 and found.stamp_ns == 3
    given_up, other = enquiries.ask_map(question), enquiries.ask_map(question)
    enquiries.poll()
    enquiries.give_up(given_up)
    assert isinstance(answer_of(enquiries, other).result, RadioMap)


def test_questions_beyond_the_queue_are_refused_and_none_is_lost_with_the_process(
    site: Site, engine: TwinEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solver_process, "_RESTART_PAUSE", 0.0)
    busy = Enquiries(site, engine.people_model)
    try:
        numbers = [busy.ask_link(engine.twin.meshes, AP_A, R1, nobody())]
        assert busy.poll() is None
        for _ in range(MOST_WAITING):
            numbers.append(busy.ask_link(engine.twin.meshes, AP_A, R1, nobody()))
        with pytest.raises(TwinError, match="busy: 4 questions wait"):
            busy.ask_link(engine.twin.meshes, AP_A, R1, nobody())
        assert busy.pid is not None
        os.kill(busy.pid, signal.SIGKILL)
        lost = answer_of(busy, numbers[0])
        assert lost.result is None and "ended" in lost.failure
        for number in numbers[1:]:
            assert isinstance(answer_of(busy, number).result, SolvedLink)
    finally:
        busy.close()


def test_only_closed_surfaces_hold_places() -> None:
    meshes = surface_meshes(small_site())
    points = np.array([[0.0, 12, 4], [0, 12, 9], [0, 0, 0.001], [8, -3, 1], [0, 0, -0.001]])
    inside = enclosing(points, meshes)
    assert inside.tolist() == [
        [False, True, False],
        [False, False, False],
        [False, False, False],
        [False, False, True],
        [False, False, False],
    ]
    turned = [SurfaceMesh(m.name, m.vertices, m.faces[:, ::-1], m.material) for m in meshes]
    np.testing.assert_array_equal(enclosing(points, turned), inside)
    open_house = SurfaceMesh("open", meshes[1].vertices, meshes[1].faces[:-1], meshes[1].material)
    assert not enclosing(points, [open_house]).any()


def test_a_closed_surface_round_an_access_point_is_a_room() -> None:
    meshes = surface_meshes(small_site())
    assert [m.name for m in solids(meshes, np.array([[0.0, 12, 4]]))] == ["floor", "kiosk"]


def test_a_link_without_a_path_has_no_power_and_no_fault(engine: TwinEngine) -> None:
    ends = Devices(("tx",), AP_A[None]), Devices(("rx",), R1[None])
    alone = engine.channels_of(SolvedLink(empty((("tx", "rx"),), 3), *ends), nobody(), 0)
    assert np.isinf(alone.metrics.path_loss_db[0])
    paths = alone.paths(0)
    assert paths is not None and len(paths) == 0
