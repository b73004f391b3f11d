"""What a demo runs on: the video of a site's camera, or a campaign's bag."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.bags.bag_file import BagFile, open_bag
from visrftwin_ros.cameras.recordings import Recording
from visrftwin_ros.cameras.site_video import find_video
from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab import shipped
from visrftwin_ros.messages.images import image_from_message
from visrftwin_ros.operations.node_table import NodeSpec, node_table
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Camera, Site

if TYPE_CHECKING:
    from rosbags.interfaces import Connection


@dataclass(frozen=True)
class Source:
    """A site and its recording, one of `video` and `bag`. weights: the detector's; '' for none."""

    site: Site
    site_name: str
    video: str
    bag: str
    weights: str

    @property
    def camera(self) -> Camera:
        """The one whose pictures are counted and shown."""
        for camera in self.site.cameras:
            if camera.video or (self.bag and camera.pose is not None):
                return camera
        return self.site.cameras[0]

    @property
    def player(self) -> str:
        """The executable that plays it."""
        return "campaign_replay" if self.bag else "camera_replay"

    def node_table(self) -> list[NodeSpec]:
        """The nodes of the graph, the player last."""
        return node_table(
            self.site, self.site_name, video=self.video, bag=self.bag, weights=self.weights
        )

    def frame_count(self) -> int:
        if not self.bag:
            return Recording(self.video).frame_count
        with open_bag(self.bag) as bag:
            return sum(connection.msgcount for connection in _pictures(bag, self.camera))

    def frame(self, number: int) -> NDArray[np.uint8]:
        """(H, W, 3) BGR of the camera's frame `number`, from 1."""
        return next(image for i, image in self._frames() if i == number)

    def _frames(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        if not self.bag:
            yield from Recording(self.video).frames()
            return
        with open_bag(self.bag) as bag:
            messages = bag.messages(_pictures(bag, self.camera))
            for number, (connection, _, raw) in enumerate(messages, start=1):
                yield number, image_from_message(bag.decode(connection, raw))


def demo_source(site_name: str, video: str, bag: str, weights: str) -> Source:
    """What is asked for; where the site's own recording cannot be had, the lab's that ships.

    Raises TwinError where a recording that was named is not there.
    """
    site = load_site(site_name)
    if bag:
        return Source(site, site_name, "", bag, weights)
    try:
        path = find_video(site, video)
    except TwinError as error:
        if video != "auto":
            raise
        print(f"{error}\ninstead: a short recording of the lab, which ships", file=sys.stderr)
        return Source(
            load_site(shipped.SITE), shipped.SITE, "", str(shipped.BAG), str(shipped.WEIGHTS)
        )
    if not path:
        raise TwinError(f"site {site.name!r} has no recording to run on: give --video or --bag")
    return Source(site, site_name, path, "", weights)


def _pictures(bag: BagFile, camera: Camera) -> list[Connection]:
    """Of the camera: what the detector takes, raw images where there are some."""
    for topic in ("image_raw", "image_raw/compressed"):
        found = [c for c in bag.connections if c.topic.strip("/") == f"{camera.name}/{topic}"]
        if any(connection.msgcount for connection in found):
            return found
    return []
