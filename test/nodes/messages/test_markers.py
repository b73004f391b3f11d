"""What RViz is given of the place."""

from builtin_interfaces.msg import Time
from visualization_msgs.msg import Marker

from visrftwin_ros.nodes.messages.markers import SHELL_ALPHA, scene_markers
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
