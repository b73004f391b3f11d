"""The twin as a Rerun recording: camera, 3D scene, curves. ROS-free; times are nanoseconds."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import rerun as rr
from numpy.typing import NDArray

from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import Box, Camera, Ground, MeshFile, Site
from visrftwin_ros.viewing.colors import (
    ACCESS_POINT,
    LINK_COLORS,
    PATH_COLORS,
    PERSON,
    ROBOT,
    ROBOT_IN_TROUBLE,
    ROBOT_UNKNOWN,
    SHADOWED_ABOVE_DB,
    TRAIL,
    radio_map_colors,
    surface_color,
)
from visrftwin_ros.viewing.legends import INK, log_axes, log_map_key, log_map_time
from visrftwin_ros.viewing.page_layout import (
    DEEPEST_DB,
    SECOND_WIDE,
    TIMELINE,
    coming_names,
    page_layout,
)
from visrftwin_ros.viewing.page_relay import PageRelay, free_port
from visrftwin_ros.viewing.page_server import PageServer
from visrftwin_ros.viewing.shell import shell
from visrftwin_ros.viewing.watch import FADE_DB, Coming

MOST_CURVES = 12
"""Links up to which each has curves; where there are more, each robot has those of the link that serves it."""
JPEG_QUALITY = 80
FLUSHED = 0.5
"""s, after which what was logged goes out, a message an entity: a page that draws slowly takes in few."""
MAP_HEIGHT = 0.03
"""m over z = 0 at which radio maps lie, under the people."""
SHOWN_SCORE = 0.25
"""Fainter boxes only help the tracker; on the picture they would be clutter."""


class TwinView:
    """Writes one Rerun recording to a web page, a file, or both."""

    def __init__(
        self,
        site: Site,
        *,
        web_port: int = 0,
        grpc_port: int = 9876,
        file: Path | None = None,
        memory: int = 128,
    ) -> None:
        """web_port 0 = no page. memory: MiB of the past that the page can show.

        TwinError where a port is taken or the file cannot be written.
        """
        if web_port:
            # The servers run in threads of their own, where a taken port would only be logged.
            _check_free("web_port", web_port)
            _check_free("grpc_port", grpc_port)
        self._site = site
        links = [f"{ap.name}-{robot.name}" for ap in site.access_points for robot in site.robots]
        self.by_robot = len(links) > MOST_CURVES
        self._curves = [robot.name for robot in site.robots] if self.by_robot else links
        batches = rr.ChunkBatcherConfig(flush_tick=FLUSHED)
        self._recording = rr.RecordingStream(f"visrftwin {site.name}", batcher_config=batches)
        self.url = ""
        self._has_map_key = False
        self._page: PageServer | None = None
        self._relay: PageRelay | None = None
        sinks: list[rr.GrpcServerSink | rr.FileSink] = []
        try:
            if web_port:
                behind = free_port()
                sinks.append(
                    rr.GrpcServerSink(
                        bind_ip="127.0.0.1",
                        port=behind,
                        newest_first=True,
                        server_memory_limit=f"{memory}MiB",
                    )
                )
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
                sinks.append(rr.FileSink(str(file)))
            blueprint = page_layout(site, self.by_robot, live=bool(web_port))
            self._recording.set_sinks(*sinks, default_blueprint=blueprint)
            if web_port:
                grpc = f"rerun+http://127.0.0.1:{grpc_port}/proxy"
                self._page = PageServer(web_port)
                self._relay = PageRelay(grpc_port, behind)
                escaped = grpc.replace("+", "%2B").replace(":", "%3A").replace("/", "%2F")
                self.url = f"http://127.0.0.1:{web_port}/?url={escaped}&renderer=webgl"
        except (RuntimeError, OSError, ValueError) as error:
            raise TwinError(
                f"the viewer cannot open web port {web_port}, gRPC port {grpc_port} or file {file}:"
                f" {error}; choose free ports (parameters web_port, grpc_port) or another file"
            ) from error
        self._log_site()

    def close(self) -> None:
        """Flushes everything to its sinks."""
        if self._relay is not None:
            self._relay.close()
        if self._page is not None:
            self._page.close()
        self._recording.flush()
        self._recording.disconnect()

    def _log_site(self) -> None:
        log, static = self._recording.log, {"static": True}
        log("world", rr.ViewCoordinates.RIGHT_HAND_Z_UP, **static)
        outlined = shell(self._site)
        for surface in self._site.scene:
            color = surface_color(surface.material)
            fill = "majorwireframe" if surface.name in outlined else "solid"
            entity = f"world/scene/{surface.name}"
            if isinstance(surface, Ground):
                half = np.array([surface.size[0] / 2, surface.size[1] / 2, 0.01])
                center = np.array(surface.center) - [0, 0, 0.02]
                log(
                    entity,
                    rr.Boxes3D(centers=[center], half_sizes=[half], colors=[color], fill_mode=fill),
                    **static,
                )
            elif isinstance(surface, Box):
                turn = rr.RotationAxisAngle(axis=(0, 0, 1), radians=surface.yaw)
                half = np.array(surface.size) / 2
                box = rr.Boxes3D(
                    centers=[surface.center],
                    half_sizes=[half],
                    rotation_axis_angles=[turn],
                    colors=[color],
                    fill_mode=fill,
                )
                log(entity, box, **static)
            elif isinstance(surface, MeshFile):
                log(entity, rr.Asset3D(path=self._site.folder / surface.file), **static)
        log_axes(self._recording)
        positions = [ap.position for ap in self._site.access_points]
        names = [ap.name for ap in self._site.access_points]
        log(
            "world/access_points",
            rr.Points3D(positions, radii=0.35, colors=ACCESS_POINT, labels=names),
            **static,
        )
        for camera in self._site.cameras:
            self._log_camera(camera)
        colors = [self._color(curve) for curve in self._curves]
        lines = rr.SeriesLines(colors=colors, names=self._curves)
        for entity in ("shadow_loss_db", "throughput_gbps"):
            log(entity, lines, **static)

    def _log_camera(self, camera: Camera) -> None:
        if camera.pose is None or camera.intrinsics is None or camera.model != "pinhole":
            return  # moves, or is nothing that Rerun can draw in 3D: its images are shown alone
        fx, fy, cx, cy = camera.intrinsics
        matrix, _ = cv2.Rodrigues(np.array(camera.pose[0]))
        entity = f"world/{camera.name}"
        place = rr.Transform3D(translation=-matrix.T @ np.array(camera.pose[1]), mat3x3=matrix.T)
        self._recording.log(entity, place, static=True)
        pinhole = rr.Pinhole(
            focal_length=(fx, fy),
            principal_point=(cx, cy),
            resolution=(camera.image_width, camera.image_height),
            image_plane_distance=4.0,
        )
        self._recording.log(entity, pinhole, static=True)

    def curve(self, tx: str, rx: str, serves: bool) -> str:
        """On which a link's values are drawn; '' for none."""
        if self.by_robot:
            return rx if serves else ""
        return f"{tx}-{rx}"

    def _color(self, curve: str) -> tuple[int, int, int]:
        return LINK_COLORS[self._curves.index(curve) % len(LINK_COLORS)]

    def at(self, stamp_ns: int) -> None:
        """Everything logged from here on happened at this time."""
        self._recording.set_time(TIMELINE, timestamp=stamp_ns * 1e-9)

    def log_image(self, camera: str, bgr: NDArray[np.uint8]) -> None:
        done, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        if done:
            image = rr.EncodedImage(
                contents=jpeg.tobytes(), media_type="image/jpeg", opacity=1.0, draw_order=-10.0
            )
            self._recording.log(f"world/{camera}/image", image)

    def log_detections(self, camera: str, box: NDArray[np.float64], labels: Sequence[str]) -> None:
        """box: (N, 4) px, centre and size."""
        boxes = rr.Boxes2D(
            centers=box[:, :2], half_sizes=box[:, 2:] / 2, labels=list(labels), colors=PERSON
        )
        self._recording.log(f"world/{camera}/image/detections", boxes)

    def log_people(
        self,
        ids: Sequence[str],
        position: NDArray[np.float64],
        width: NDArray[np.float64],
        height: NDArray[np.float64],
    ) -> None:
        """position: (N, 3) m of the feet; width and height: (N,) m."""
        bodies = rr.Cylinders3D(
            centers=position + np.stack([0 * height, 0 * height, height / 2], axis=-1),
            radii=width / 2,
            lengths=height,
            colors=PERSON,
            labels=list(ids),
            fill_mode="solid",
        )
        self._recording.log("world/people", bodies)

    def log_tracks(
        self,
        ellipses: Sequence[NDArray[np.float64]],
        trails: Sequence[NDArray[np.float64]],
    ) -> None:
        """Polylines (K, 3) m on the ground: where people may be, and where they were."""
        lines = rr.LineStrips3D(list(ellipses), colors=PERSON, radii=0.02)
        self._recording.log("world/people/covariance", lines)
        lines = rr.LineStrips3D(list(trails), colors=TRAIL, radii=0.03)
        self._recording.log("world/people/trails", lines)

    def log_tracks_on_image(
        self, camera: str, ids: Sequence[str], corners: NDArray[np.float64]
    ) -> None:
        """corners: (N, 4) px, left top right bottom of the tracked bodies in a camera's image."""
        half = (corners[:, 2:] - corners[:, :2]) / 2
        boxes = rr.Boxes2D(
            centers=corners[:, :2] + half, half_sizes=half, labels=list(ids), colors=TRAIL
        )
        self._recording.log(f"world/{camera}/image/tracks", boxes)

    def log_robots(
        self, names: Sequence[str], position: NDArray[np.float64], loss_db: Sequence[float]
    ) -> None:
        """position: (N, 3) m of the antennas. loss_db: of the link that serves each, NaN where unknown."""
        marks = [robot_mark(name, loss) for name, loss in zip(names, loss_db, strict=True)]
        labels, colors, radii = zip(*marks, strict=True) if marks else ((), (), ())
        points = rr.Points3D(position, radii=list(radii), colors=list(colors), labels=list(labels))
        self._recording.log("world/robots", points)

    def log_paths(
        self,
        strips: Sequence[NDArray[np.float64]],
        kinds: Sequence[str],
        shadow_db: Sequence[float],
    ) -> None:
        """strips: polylines (V, 3) m. kinds: keys of PATH_COLORS. shadow_db: loss of each."""
        shown = [
            "shadowed" if loss > SHADOWED_ABOVE_DB else kind
            for kind, loss in zip(kinds, shadow_db, strict=True)
        ]
        radii = [0.01 if kind == "diffuse" else 0.04 for kind in shown]
        lines = rr.LineStrips3D(strips, colors=[PATH_COLORS[kind] for kind in shown], radii=radii)
        self._recording.log("world/paths", lines)

    def log_lobes(self, outlines: Sequence[NDArray[np.float64]]) -> None:
        """Closed polylines (V, 3) m of the beams in use."""
        lines = rr.LineStrips3D(list(outlines), colors=ACCESS_POINT, radii=0.05)
        self._recording.log("world/beams", lines)

    def log_radio_map(
        self,
        robot: str,
        loss_db: NDArray[np.float64],
        origin: NDArray[np.float64],
        cell: float,
        stamp_ns: int,
    ) -> None:
        """robot: whose surroundings it is, '' of the site's. loss_db: (H, W), NaN where unknown. origin: (2,) m, the
        corner of the first cell. cell: m. stamp_ns: ROS time whose people are in it, which the page tells: a map
        stays until the next one."""
        row, column = np.nonzero(np.isfinite(loss_db))
        corner = origin + cell * np.column_stack([column, row])
        square = cell * np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
        around = (corner[:, None] + square).reshape(-1, 2)
        first = 4 * np.arange(len(row))[:, None]
        # Those around a robot lie over the site's.
        height = MAP_HEIGHT * (2 if robot else 1)
        cells = rr.Mesh3D(
            vertex_positions=np.column_stack([around, np.full(len(around), height)]),
            triangle_indices=np.concatenate([first + [0, 1, 2], first + [0, 2, 3]]),
            vertex_colors=np.repeat(radio_map_colors(loss_db[row, column]), 4, axis=0),
        )
        entity = f"world/radio_map/{robot}" if robot else "world/radio_map"
        self._recording.log(entity, cells if len(row) else rr.Clear(recursive=False))
        log_map_time(self._recording, stamp_ns)
        if not self._has_map_key:
            self._has_map_key = True
            log_map_key(self._recording)

    def log_watch(self, text: str) -> None:
        """The panel, in Markdown."""
        document = rr.TextDocument(text, media_type=rr.MediaType.MARKDOWN)
        self._recording.log("watch", document)

    def log_coming(self, links: Sequence[tuple[tuple[str, str], Coming]]) -> None:
        """Bands from the mean to the upper bound of the predicted shadow loss of links (tx, rx)."""
        strips, colors, radii, names = [], [], [], []
        ends: list[tuple[float, float]] = []
        names_at, half = coming_names(self._site)
        for (tx, rx), coming in links:
            color = self._color(self.curve(tx, rx, serves=True))
            across = SECOND_WIDE * coming.horizon
            mean, upper = (
                np.column_stack([across, np.clip(loss, 0.0, DEEPEST_DB)])
                for loss in (coming.mean_db, coming.upper_db)
            )
            strips += [mean, np.concatenate([mean, upper[::-1], mean[:1]])]
            colors += [color, (*color, 90)]
            radii += [0.35, 0.15]
            # One under the other: the lines' own ends may lie together.
            ends.append((names_at, 3.0 + 4.0 * len(ends)))
            names.append(f"{tx}-{rx}")
            # A line over the name, in the link's colour.
            x, y = ends[-1]
            strips.append(np.array([(x - half + 1.0, y), (x + half - 1.0, y)]))
            colors.append(color)
            radii.append(0.35)
        lines = rr.LineStrips2D(strips, colors=colors, radii=radii)
        self._recording.log("coming/links", lines)
        labels = rr.Points2D(np.array(ends).reshape(-1, 2), labels=names, colors=INK, radii=0.1)
        self._recording.log("coming/names", labels)

    def log_shadow_losses(self, loss_db: Mapping[str, float]) -> None:
        """By curve, of those that are known now; others than the site's own are drawn nowhere."""
        self._log_curves("shadow_loss_db", loss_db)

    def log_throughputs(self, bits_per_second: Mapping[str, float]) -> None:
        """As `log_shadow_losses`."""
        self._log_curves("throughput_gbps", {k: v * 1e-9 for k, v in bits_per_second.items()})

    def _log_curves(self, entity: str, values: Mapping[str, float]) -> None:
        """All in one: the page takes in few messages a second."""
        now = [values.get(curve, np.nan) for curve in self._curves]
        if np.isfinite(now).any():
            self._recording.log(entity, rr.Scalars(now))


def robot_mark(name: str, loss_db: float) -> tuple[str, tuple[int, int, int], float]:
    """Label, colour and radius [m] of a robot whose serving link loses so much, or will; NaN: unknown."""
    if np.isnan(loss_db):
        return name, ROBOT_UNKNOWN, 0.3
    if loss_db > FADE_DB:
        return f"{name}: {loss_db:.0f} dB", ROBOT_IN_TROUBLE, 0.6
    return name, ROBOT, 0.3


def _check_free(name: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise TwinError(
                f"the viewer cannot use {name} {port}: {error.strerror}; is another twin running? "
                f"Choose a free port (parameters web_port, grpc_port)"
            ) from error
