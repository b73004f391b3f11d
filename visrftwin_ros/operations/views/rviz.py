"""RViz for one site and namespace: its configuration, and the program beside a twin."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from os import getpid
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import yaml

from visrftwin_ros.errors import TwinError
from visrftwin_ros.operations.node_process import die_with
from visrftwin_ros.operations.node_table import FROM_THE_TOP, root_of
from visrftwin_ros.site.loading import share_path
from visrftwin_ros.site.model import Site

MOST_IMAGES = 4
"""Cameras whose pictures are shown; each is a panel."""


def rviz_config(site: Site, namespace: str = "") -> dict[str, Any]:
    """What a .rviz file holds: people, tracks, paths, links, scene, frames and cameras of the site.

    It is rviz/twin.rviz with the site's world frame, the namespace before every topic, a picture a
    camera and the view on the middle of its access points and standing robots. TwinError where the
    namespace is no ROS name.
    """
    root = root_of(namespace)
    config: dict[str, Any] = yaml.safe_load(share_path("rviz/twin.rviz").read_text())
    manager = config["Visualization Manager"]
    for display in manager["Displays"]:
        if "Topic" in display:
            display["Topic"]["Value"] = f"{root}{display['Topic']['Value']}"
    manager["Displays"] += [
        _picture(f"Camera {camera.name}", f"{root}/{camera.name}/image_raw", number == 0)
        for number, camera in enumerate(site.cameras[:MOST_IMAGES])
    ]
    manager["Global Options"]["Fixed Frame"] = site.world_frame
    devices = [ap.position[:2] for ap in site.access_points]
    devices += [robot.position for robot in site.robots if robot.position is not None]
    low, high = np.min(devices, axis=0), np.max(devices, axis=0)
    view = manager["Views"]["Current"]
    view["Target Frame"] = site.world_frame
    view["Distance"] = round(float(1.5 * np.linalg.norm(high - low)) + 10.0, 1)
    x, y = ((low + high) / 2).round(1).tolist()
    view["Focal Point"] = {"X": x, "Y": y, "Z": 0}
    return config


def _picture(name: str, topic: str, enabled: bool) -> dict[str, Any]:
    return {
        "Class": "rviz_default_plugins/Image",
        "Name": name,
        "Enabled": enabled,
        "Topic": {
            "Value": topic,
            "Depth": 1,
            "Durability Policy": "Volatile",
            "Reliability Policy": "Best Effort",
        },
    }


def rviz_command(config: Path, namespace: str = "", use_sim_time: bool = False) -> list[str]:
    """How RViz is started on a configuration: under a namespace it hears the TF of that twin."""
    root = root_of(namespace)
    command = ["rviz2", "-d", str(config), "--ros-args"]
    for topic in FROM_THE_TOP if root else ():
        command += ["-r", f"{topic}:={root}{topic}"]
    return [*command, "-p", f"use_sim_time:={str(use_sim_time).lower()}"]


@contextmanager
def rviz_window(site: Site, namespace: str = "", use_sim_time: bool = False) -> Iterator[None]:
    """RViz on the site for as long as the block runs; closing it ends nothing else.

    TwinError where there is no rviz2.
    """
    if shutil.which("rviz2") is None:
        raise TwinError("there is no rviz2: install ros-jazzy-rviz2, or leave --rviz away")
    with TemporaryDirectory(prefix="visrftwin-") as folder:
        file = Path(folder) / "twin.rviz"
        file.write_text(yaml.safe_dump(rviz_config(site, namespace), sort_keys=False))
        window = subprocess.Popen(
            rviz_command(file, namespace, use_sim_time),
            start_new_session=True,
            preexec_fn=partial(die_with, getpid()),
        )
        try:
            yield
        finally:
            window.kill()
            window.wait()
