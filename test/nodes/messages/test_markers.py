"""What RViz is given of the place."""

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from visualization_msgs.msg import Marker

from visrftwin_ros.bodies.people import BOX, PERSON, Bodies
from visrftwin_ros.msg import ChannelPaths
from visrftwin_ros.nodes.messages.markers import SHELL_ALPHA, path_markers, scene_markers
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.loading import load_site


def test_one_looks_through_the_ceiling_onto_the_floor() -> None:
    site = load_site("lobby")
    markers = scene_markers(site, surface_meshes(site), Time()).markers
    assert markers[0].action == Marker.DELETEALL  # what was drawn before may be gone
    surfaces = [m for m in markers[1:] if m.ns == "scene"]
    opacity = {s.name: m.color.a for s, m in zip(site.scene, surfaces, strict=True)}
    assert opacity["floor"] == opacity["sofa_a_seat"] == 1.0
    assert abs(opacity["ceiling"] - SHELL_ALPHA) < 1e-6  # the message has single precision
    assert opacity["south_wall"] == opacity["ceiling"]


def test_people_are_drawn_as_their_shadow_has_them_and_boxes_as_boxes() -> None:
    """A person of 1.8 m walks north at 1 m/s: the legs are 0.22 m apart along the way, 0.31 of the width across."""
    bodies = Bodies(
        ("walker", "crate"),
        np.array([[1.0, 2.0, 0.5], [5.0, 0.0, 0.0]]),
        np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]),
        np.array([0.5, 2.0]),
        np.array([0.3, 1.0]),
        np.array([1.8, 0.8]),
        np.array([np.pi / 2, 0.0]),
        shape=(PERSON, BOX),
    )
    *person, crate = path_markers(ChannelPaths(), bodies).markers[1:]
    assert [m.type for m in (*person, crate)] == [Marker.CYLINDER] * 4 + [Marker.CUBE]
    assert len({(m.ns, m.id) for m in (*person, crate)}) == 5
    head, trunk, *legs = person
    assert head.pose.position.z + head.scale.z / 2 == pytest.approx(0.5 + 1.8)
    assert trunk.pose.position.z + trunk.scale.z / 2 == pytest.approx(
        head.pose.position.z - head.scale.z / 2
    )
    assert (trunk.scale.x, trunk.scale.y) == (0.3, 0.5)  # in its own axes, which are turned
    assert (trunk.pose.orientation.z, trunk.pose.orientation.w) == pytest.approx((0.5**0.5,) * 2)
    for leg, side in zip(legs, (1, -1), strict=True):
        assert leg.pose.position.z - leg.scale.z / 2 == pytest.approx(0.5)
        assert leg.pose.position.y == pytest.approx(2.0 + side * 0.11)
        assert leg.pose.position.x == pytest.approx(1.0 - side * 0.31 * 0.5 / 2)
    assert (crate.scale.x, crate.scale.y, crate.scale.z) == (1.0, 2.0, 0.8)
    assert crate.pose.position.z == pytest.approx(0.4)
