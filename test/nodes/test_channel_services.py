"""The services of the channel predictor, asked over ROS."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from geometry_msgs.msg import PoseStamped
from node_bench import ERROR, OK, NodeBench
from rclpy.lifecycle import TransitionCallbackReturn
from scipy.spatial.transform import Rotation
from tf2_msgs.msg import TFMessage

from visrftwin_ros.messages.geometry import transform_message
from visrftwin_ros.messages.stamps import stamp_message
from visrftwin_ros.msg import LinkChannels, TrackedPeople, TrackedPerson
from visrftwin_ros.nodes.channel_predictor import ChannelPredictor
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.shared.transforms import STATIC_QOS, Pose
from visrftwin_ros.srv import PredictLink, SetMaterial

AP, STANDING = (-8.0, -6.0, 3.0), (0.0, -6.0, 1.2)
NAN = float("nan")


class Asked:
    """An active predictor on the small site, and what it publishes."""

    def __init__(self, bench: NodeBench, site: Path, **values: object) -> None:
        self._bench = bench
        cache = str(site.parent / "cache")
        self.node = bench.active(
            ChannelPredictor, "predictor", site=str(site), cache=cache, **values
        )
        self.channels = bench.heard(LinkChannels, "channels")
        self._people = bench.publisher(TrackedPeople, "people")

    def see(self, *places: tuple[float, float]) -> None:
        """People at these places now, wide ones that a ray cannot miss."""
        message = TrackedPeople()
        message.header.stamp = stamp_message(made, time.time_ns())
        for i, (x, y) in enumerate(places):
            one = TrackedPerson(id=f"p{i}", height=1.75, width=0.5, depth=0.3)
            one.position.x, one.position.y = x, y
            one.covariance = np.diag([0.01, 0.01, 0.1, 0.1]).reshape(-1)
            message.people.append(one)
        self._people.publish(message)

    def standing(self, *places: tuple[float, float]) -> Any:
        """The published channel of the standing robot with these people."""
        heard = len(self.channels)
        self.see(*places)
        fresh: list[Any] = []

        def answered() -> bool:
            fresh[:] = [m for m in self.channels[heard:] if not m.channels[0].stale]
            return bool(fresh)

        assert self._bench.until(answered, 5.0)
        return next(c for c in fresh[-1].channels if c.rx == "standing")

    def link(self, tx: PoseStamped, rx: PoseStamped) -> Any:
        return self._bench.answer(PredictLink, "predict_link", PredictLink.Request(tx=tx, rx=rx))

    def material(self, surface: str, material: str = "", **values: float) -> Any:
        request = SetMaterial.Request(surface=surface, material=material, **values)
        return self._bench.answer(SetMaterial, "set_material", request)


def at(x: float, y: float, z: float, frame: str = "world") -> PoseStamped:
    pose = PoseStamped()
    pose.header.frame_id = frame
    p = pose.pose.position
    p.x, p.y, p.z = float(x), float(y), float(z)
    return pose


@pytest.fixture
def predictor(bench: NodeBench, small_site: Path) -> Asked:
    return Asked(bench, small_site)


def test_a_link_that_is_asked_for_is_the_one_that_is_published(
    bench: NodeBench, predictor: Asked
) -> None:
    """In the world frame and in a frame of TF, with the people that are there."""
    published = predictor.standing((-1.5, -6.0))
    assert published.shadow_loss_db > 3
    answer = predictor.link(at(*AP), at(*STANDING))
    assert answer.success and answer.message == ""
    found = answer.channel
    assert (found.tx, found.rx, found.frequency) == ("tx", "rx", published.frequency)
    assert found.path_loss_db == pytest.approx(published.path_loss_db, abs=0.01)
    assert found.shadow_loss_db == pytest.approx(published.shadow_loss_db, abs=0.05)
    assert found.shadow_loss_los_db == pytest.approx(published.shadow_loss_los_db, abs=0.05)
    assert found.path_count == published.path_count
    assert answer.paths[0].blocked_by == ["p0"]

    # A frame 2 m over the robot's place, turned by a right angle.
    frames = bench.publisher(TFMessage, "/tf_static", STATIC_QOS)
    mast = Pose(np.array([1.0, -6.0, 2.0]), Rotation.from_euler("Z", np.pi / 2))
    frames.publish(TFMessage(transforms=[transform_message(made, "world", "mast", 0, mast)]))
    bench.spin(0.3)
    turned = predictor.link(at(*AP), at(0.0, 1.0, -0.8, "mast"))
    assert turned.success, turned.message
    end = turned.paths[0].vertices[-1]
    assert (end.x, end.y, end.z) == pytest.approx(STANDING)
    assert turned.channel.path_loss_db == pytest.approx(found.path_loss_db, abs=1e-3)


def test_a_link_without_news_of_people_says_so(predictor: Asked) -> None:
    answer = predictor.link(at(*AP), at(*STANDING))
    assert answer.success and answer.channel.stale and answer.channel.age == np.inf


def test_a_link_that_cannot_be_is_refused_with_the_reason(predictor: Asked) -> None:
    predictor.standing((-1.5, -6.0))
    for tx, rx, said in (
        (at(*AP, "atlantis"), at(*STANDING), "tx: TF has no frame 'atlantis'"),
        (at(*AP, ""), at(*STANDING), "tx has no frame"),
        (at(*AP), at(NAN, 0, 1), "position of rx is not finite"),
        (at(*AP), at(0, 12, 2), "rx at (0.00, 12.00, 2.00) m is inside surface 'wall'"),
        (at(-1.5, -6.0, 1.0), at(*STANDING), "tx at (-1.50, -6.00, 1.00) m is inside body p0"),
        (at(*AP), at(*AP), "at one place"),
    ):
        answer = predictor.link(tx, rx)
        assert not answer.success and said in answer.message, said


def test_a_new_material_changes_the_published_channels(predictor: Asked) -> None:
    before = predictor.standing()
    # Concrete at 60.48 GHz by the numbers of P.2040: the floor as it is.
    sigma = 0.0462 * 60.48**0.7822
    values = {"relative_permittivity": 5.24, "conductivity": sigma, "scattering_coefficient": 0.2}
    given = predictor.material("floor", **values)
    assert given.success and "relative permittivity 5.24" in given.message
    same = predictor.standing()
    assert same.path_loss_db == pytest.approx(before.path_loss_db, abs=1e-4)
    answer = predictor.material("floor", "metal")
    assert answer.success and "floor is metal" in answer.message
    metal = predictor.standing()
    assert metal.path_loss_db < before.path_loss_db - 0.05
    # What is asked for is solved in the scene as it is now.
    asked = predictor.link(at(*AP), at(*STANDING))
    assert asked.channel.path_loss_db == pytest.approx(metal.path_loss_db, abs=0.01)


def test_a_material_that_cannot_be_is_refused_and_changes_nothing(predictor: Asked) -> None:
    before = predictor.standing()
    for surface, material, values, said in (
        ("moat", "metal", {}, "no surface 'moat'; the site has floor, wall"),
        ("floor", "metall", {}, "did you mean metal"),
        ("floor", "", {}, "relative_permittivity is 0: input should be greater than or equal to 1"),
        ("floor", "", {"relative_permittivity": NAN}, "relative_permittivity is nan"),
        ("floor", "", {"conductivity": -1.0}, "conductivity is -1: input should be greater"),
        ("floor", "", {"scattering_coefficient": 1.5}, "scattering_coefficient is 1.5"),
        ("moat", "", {"relative_permittivity": 3.0}, "no surface 'moat'"),
    ):
        answer = predictor.material(surface, material, **values)
        assert not answer.success and said in answer.message, said
    assert predictor.standing().path_loss_db == before.path_loss_db


def test_a_material_is_kept_over_a_restart_where_a_file_is_named(
    bench: NodeBench, small_site: Path
) -> None:
    file = small_site.parent / "materials.yaml"
    predictor = Asked(bench, small_site, materials=str(file))
    before = predictor.standing()
    answer = predictor.material("floor", "metal")
    assert answer.success and answer.message.endswith(f"; kept in {file}")
    metal = predictor.standing()
    restart(predictor)
    kept = predictor.standing()
    assert kept.path_loss_db == pytest.approx(metal.path_loss_db, abs=1e-3)
    assert kept.path_loss_db < before.path_loss_db - 0.05
    # What is set next joins it; the thickness is the metal's.
    given = predictor.material("wall", relative_permittivity=3.0, conductivity=0.1)
    assert given.success
    assert set(yaml.safe_load(file.read_text())) == {"floor", "wall"}
    # A surface that scatters from now on was not traced as one.
    rough = predictor.material("floor", "concrete")
    assert rough.success and "scattered paths are being searched for" in rough.message
    assert bench.says("predictor: scattering", OK)


def test_a_material_is_forgotten_at_a_restart_where_no_file_is_named(predictor: Asked) -> None:
    before = predictor.standing()
    answer = predictor.material("floor", "metal")
    assert answer.success and "forgotten when this node restarts" in answer.message
    assert "parameter `materials`" in answer.message
    restart(predictor)
    assert predictor.standing().path_loss_db == before.path_loss_db


def test_a_file_that_cannot_be_written_refuses_the_material_and_changes_nothing(
    bench: NodeBench, small_site: Path
) -> None:
    folder = small_site.parent / "kept"
    predictor = Asked(bench, small_site, materials=str(folder / "materials.yaml"))
    folder.write_text("no folder")
    before = predictor.standing()
    answer = predictor.material("floor", "metal")
    assert not answer.success and "materials.yaml cannot be written" in answer.message
    assert predictor.standing().path_loss_db == before.path_loss_db


def test_a_predictor_does_not_start_on_materials_of_surfaces_that_are_not_there(
    bench: NodeBench, small_site: Path
) -> None:
    file = small_site.parent / "materials.yaml"
    file.write_text("moat: {relative_permittivity: 80, conductivity: 5}\n")
    node = bench.node(ChannelPredictor, "predictor", site=str(small_site), materials=str(file))
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert bench.says("predictor: configure", ERROR, f"{file}: surface 'moat'")
    assert "but floor, wall" in bench.statuses["predictor: configure"][1]


def restart(predictor: Asked) -> None:
    """As a process that ends and starts again."""
    success = TransitionCallbackReturn.SUCCESS
    assert predictor.node.trigger_deactivate() == success
    assert predictor.node.trigger_cleanup() == success
    assert predictor.node.trigger_configure() == success
    assert predictor.node.trigger_activate() == success


def test_a_predictor_that_is_not_active_refuses_and_one_that_shuts_down_ends_its_questions(
    bench: NodeBench, predictor: Asked
) -> None:
    success = TransitionCallbackReturn.SUCCESS
    assert predictor.node.trigger_deactivate() == success
    for answer in (
        predictor.material("floor", "metal"),
        predictor.link(at(*AP), at(*STANDING)),
    ):
        assert not answer.success and "not active" in answer.message
    assert predictor.node.trigger_activate() == success
    pending = bench.ask(
        PredictLink, "predict_link", PredictLink.Request(tx=at(*AP), rx=at(*STANDING))
    )
    bench.spin(0.3)
    assert not pending.done()
    assert predictor.node.trigger_deactivate() == success
    assert predictor.node.trigger_cleanup() == success
    bench.spin(0.5)
    assert predictor.node.trigger_configure() == success
    assert predictor.node.trigger_activate() == success
    assert predictor.link(at(*AP), at(*STANDING)).success
