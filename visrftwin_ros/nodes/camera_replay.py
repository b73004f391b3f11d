"""Plays a recording as a camera: Image and CameraInfo at the recording's own pace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, Image

from visrftwin_ros.cameras.recordings import Recording
from visrftwin_ros.messages.camera_info import camera_info_message
from visrftwin_ros.messages.images import image_message
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.shared.graph_start import WAIT_FOR_PARAMETER, GraphStart
from visrftwin_ros.nodes.shared.twin_node import (
    OK,
    SENSOR_QOS,
    SITE_PARAMETER,
    WARN,
    NodeParameter,
    TwinNode,
    run,
)


class CameraReplay(TwinNode):
    """Frame k is stamped start + k / (frame_rate * rate): the clock of a camera without jitter."""

    parameters: ClassVar[Sequence[NodeParameter]] = (
        SITE_PARAMETER,
        NodeParameter("camera", "", "Name of the site's camera (may be empty if it has one)"),
        NodeParameter("video", "", "Path of the recording"),
        NodeParameter("rate", 1.0, "Playback speed; 1 = as recorded", (0.05, 20.0)),
        NodeParameter("loop", False, "Start again at the end; stamps go on", live=True),
        NodeParameter(
            "frames", 0, "Stop after this many frames; 0 = all", (0, 1_000_000), live=True
        ),
        NodeParameter(
            "exit_at_end", False, "End the process when the recording has ended", live=True
        ),
        WAIT_FOR_PARAMETER,
    )

    def configure(self) -> None:
        self._camera = self.site_camera()
        self._recording = Recording(
            self.value("video"), (self._camera.image_width, self._camera.image_height)
        )
        self._frames: Iterator[tuple[int, NDArray[np.uint8]]] = iter(())
        self._images = self.publisher(Image, "image_raw", SENSOR_QOS)
        self._infos = self.publisher(CameraInfo, "camera_info", SENSOR_QOS)
        self._start = GraphStart(self, self._begin)

    def activate(self) -> None:
        self._period_ns = round(1e9 / (self._camera.frame_rate * self.value("rate")))
        self._ticker = self.timer(self._period_ns * 1e-9, self._publish_due)
        self._begin()
        if not self._start.missing:
            self.report("recording", OK, f"playing {self._recording.path.name}")

    def time_went_back(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._frames = self._recording.frames()
        self._waiting: tuple[int, NDArray[np.uint8]] | None = None
        self._last = 0  # number of the frame published last
        self._before = 0  # frames of the rounds before this one, when looping
        self._start_ns = self.now_ns()
        # In step with the frames: what one waited for its tick would count as the twin's latency.
        self._ticker.reset()

    def deactivate(self) -> None:
        if hasattr(self, "_ticker"):
            self._ticker.cancel()

    def _publish_due(self) -> None:
        if self._start.missing:
            self.report("recording", *self._start.said())
            return
        if self._start_ns == 0:  # in simulation time, before the first /clock
            self._start_ns = self.now_ns()
        # By the clock, not by the count of ticks: a late timer must not slow the camera down.
        due = (self.now_ns() - self._start_ns) // self._period_ns + 1
        while not self._ticker.is_canceled():
            if self._waiting is None:
                self._waiting = next(self._frames, None)
            limit = self.value("frames")
            if self._waiting is None or (limit and self._before + self._waiting[0] > limit):
                self._at_end()
                return
            number, image = self._waiting
            if self._before + number > due:
                return
            # By its number, so that a frame that could not be decoded leaves its gap in time.
            stamp = self._start_ns + (self._before + number - 1) * self._period_ns
            frame = self._camera.optical_frame
            self._infos.publish(camera_info_message(made, self._camera, stamp, frame))
            self._images.publish(image_message(made, image, stamp, frame))
            self._last, self._waiting = number, None
            self._report("playing")

    def _at_end(self) -> None:
        if self.value("loop"):
            self._before += self._last
            self._frames, self._waiting = self._recording.frames(), None
            return
        self._ticker.cancel()
        self._report("the recording has ended")
        if self.value("exit_at_end"):
            self.finished.set_result(None)

    def _report(self, state: str) -> None:
        corrupt = self._recording.skipped
        level, more = (WARN, "; undecodable frames were left out") if corrupt else (OK, "")
        self.report(
            "recording", level, state + more, frame=self._before + self._last, corrupt=corrupt
        )


def main() -> None:
    run(CameraReplay, "camera_replay")


if __name__ == "__main__":
    main()
