"""What is drawn so that one sees into a room."""

from visrftwin_ros.site.loading import load_site
from visrftwin_ros.viewing.shell import shell


def test_a_rooms_walls_and_ceiling_are_seen_through_and_its_furniture_is_not() -> None:
    outlined = shell(load_site("lobby"))
    assert {"ceiling", "south_wall", "west_wall", "east_front", "pillar"} <= outlined
    assert not {"floor", "sofa_a_seat", "partition_south", "vending_machine"} & outlined


def test_outdoors_everything_is_solid() -> None:
    assert not shell(load_site("street"))
    assert not shell(load_site("pets_campus"))
