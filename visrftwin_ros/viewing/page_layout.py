"""What stands where on the page, and from where the scene is looked at."""

from __future__ import annotations

import cv2
import numpy as np
import rerun.blueprint as rrb

from visrftwin_ros.site.model import Site

TIMELINE = "time"
LATELY = 60.0
"""s of the past that the curves show."""
DEEPEST_DB, SECOND_WIDE = 30.0, 12.0
"""Of the picture of what is coming: dB at its lower edge, units a second."""
LETTER_WIDE = 1.6
"""Units of a letter there."""
PAPER = (245, 245, 245)


def page_layout(site: Site, by_robot: bool, live: bool) -> rrb.Blueprint:
    """by_robot: curves are of the links that serve, not of all. live: shows the newest there is, not what was from its
    beginning on."""
    names_at, half = coming_names(site)
    whose = " of the link that serves" if by_robot else ""
    cameras = [
        rrb.Spatial2DView(
            origin=f"world/{camera.name}", contents="$origin/image/**", name=camera.name
        )
        for camera in site.cameras
    ]
    scene = rrb.Spatial3DView(
        origin="world",
        name="Radio twin",
        contents=["world/**", *(f"- world/{camera.name}/image/**" for camera in site.cameras)],
        eye_controls=_eye(site),
    )
    # Of all that was, the curves would take longer to draw the longer the page is open.
    lately = rrb.VisibleTimeRange(
        TIMELINE,
        start=rrb.TimeRangeBoundary.cursor_relative(seconds=-LATELY),
        end=rrb.TimeRangeBoundary.cursor_relative(),
    )
    shown = lately if live else None
    curves = rrb.Horizontal(
        *(
            rrb.TimeSeriesView(origin=origin, name=name, time_ranges=shown)
            for origin, name in (
                ("shadow_loss_db", f"Shadow loss{whose}, dB"),
                ("throughput_gbps", f"Throughput{whose}, Gbit/s"),
            )
        )
    )
    watch = rrb.Vertical(
        rrb.TextDocumentView(origin="watch", name="Who serves, what is coming"),
        rrb.Horizontal(
            rrb.Spatial2DView(
                origin="coming",
                name="Shadow of the next seconds",
                background=PAPER,
                visual_bounds=rrb.VisualBounds2D(
                    x_range=[-9, names_at + half + 1], y_range=[-5, DEEPEST_DB + 3]
                ),
            ),
            rrb.Spatial2DView(
                origin="legend",
                name="Key",
                background=PAPER,
                visual_bounds=rrb.VisualBounds2D(x_range=[-1, 17], y_range=[-2, 20]),
            ),
            column_shares=[2, 1],
        ),
        row_shares=[3, 2],
    )
    pictures = [rrb.Vertical(*cameras)] if cameras else []
    shares = [2, 3] if pictures else [1]
    above = rrb.Horizontal(*pictures, scene, column_shares=shares)
    left = rrb.Vertical(above, curves, row_shares=[3, 2])
    return rrb.Blueprint(
        rrb.Horizontal(left, watch, column_shares=[3, 2]),
        rrb.TimePanel(state="collapsed", play_state="following" if live else "playing"),
        rrb.SelectionPanel(state="hidden"),
        rrb.BlueprintPanel(state="hidden"),
    )


def coming_names(site: Site) -> tuple[float, float]:
    """In the picture of what is coming: where the names of links have their middle, right of 3 s, and half of how wide
    the longest is."""
    ends = site.access_points, site.robots
    letters = sum(max((len(one.name) for one in some), default=0) for some in ends) + 1
    half = letters * LETTER_WIDE / 2
    return 3 * SECOND_WIDE + half, half


def _eye(site: Site) -> rrb.EyeControls3D:
    """Looks at the middle of the radio devices from above and behind the first camera's side."""
    devices = [ap.position[:2] for ap in site.access_points]
    for robot in site.robots:
        devices += [robot.position] if robot.position else []
        devices += robot.path.waypoints if robot.path else []
    places = np.array(devices)
    middle = (places.min(axis=0) + places.max(axis=0)) / 2
    reach = max(float(np.ptp(places, axis=0).max()), 10.0)
    towards = np.array([1.0, 0.0])
    poses = [camera.pose for camera in site.cameras if camera.pose is not None]
    if poses:
        matrix, _ = cv2.Rodrigues(np.array(poses[0][0]))
        axis = matrix.T[:2, 2]  # where the camera looks, over the ground
        if np.linalg.norm(axis) > 1e-3:
            towards = axis / np.linalg.norm(axis)
    back = middle - 0.95 * reach * towards
    return rrb.EyeControls3D(
        position=(*back, 0.6 * reach), look_target=(*middle, 1.0), eye_up=(0.0, 0.0, 1.0)
    )
