"""The site's frames on TF, beside a driver or a URDF that has one of them already."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from node_bench import OK, WARN, NodeBench
from scipy.spatial.transform import Rotation
from tf2_msgs.msg import TFMessage

from visrftwin_ros.messages.geometry import transform_message
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.shared.transforms import STATIC_QOS
from visrftwin_ros.nodes.site_frames import SiteFrames
from visrftwin_ros.site.frames import Pose, fixed_frames
from visrftwin_ros.site.loading import load_site

SITE = "pets_campus"
LENS = "view1_optical_frame"
OWN = fixed_frames(load_site(SITE))


def frame(parent: str, pose: Pose) -> TFMessage:
    return TFMessage(transforms=[transform_message(made, parent, LENS, 10**18, pose)])


def parents(messages: list[Any]) -> set[tuple[str, str]]:
    return {(t.child_frame_id, t.header.frame_id) for m in messages for t in m.transforms}


def test_alone_it_publishes_every_frame_that_the_site_fixes(bench: NodeBench) -> None:
    heard = bench.heard(TFMessage, "/tf_static", STATIC_QOS)
    bench.active(SiteFrames, "site_frames", site=SITE)
    assert bench.until(lambda: parents(heard) == {(name, "world") for name in OWN})
    assert bench.says("site_frames: frames", OK)


SHIFTED = Pose(OWN[LENS].position + np.array([0.0, 0.3, 0.0]), OWN[LENS].rotation)


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize(
    ("parent", "pose", "how"),
    [
        ("view1_link", Pose(np.zeros(3), Rotation.identity()), "under 'view1_link'"),
        ("world", SHIFTED, "0.30 m and rad from where the site has it"),
    ],
)
def test_a_camera_whose_driver_has_its_frame_is_left_to_it_and_told_of(
    bench: NodeBench, parent: str, pose: Pose, how: str, early: bool
) -> None:
    driver = bench._probe.create_publisher(TFMessage, "/tf_static", STATIC_QOS)
    if early:
        driver.publish(frame(parent, pose))
    bench.active(SiteFrames, "site_frames", site=SITE)
    if not early:
        assert bench.says("site_frames: frames", OK)
        driver.publish(frame(parent, pose))
    assert bench.says("site_frames: frames", WARN, f"'{LENS}' comes from others, {how}")
    assert "others on TF: /probe" in bench.statuses["site_frames: frames"][1]
    late = bench.heard(
        TFMessage, "/tf_static", STATIC_QOS
    )  # who comes now hears it of the driver only
    others = {(name, "world") for name in OWN if name != LENS}
    assert bench.until(lambda: parents(late) == others | {(LENS, parent)})
    assert sum(t.child_frame_id == LENS for m in late for t in m.transforms) == 1


def test_a_recording_that_says_the_same_takes_nothing_away(bench: NodeBench) -> None:
    driver = bench._probe.create_publisher(TFMessage, "/tf_static", STATIC_QOS)
    driver.publish(frame("world", OWN[LENS]))
    bench.active(SiteFrames, "site_frames", site=SITE)
    assert bench.says("site_frames: frames", OK, "one publisher of each frame")
