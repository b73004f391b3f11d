"""Labelled pictures of lab people, for training a detector and for scoring it.

`python -m visrftwin_ros.lab.training.detector_data FOLDER --split train --scenes 20` writes
`FOLDER/<split>/images/*.jpg` and, beside them, `labels/*.txt` in YOLO's form (class, centre and
size as shares of the image) and `boxes/*.csv` with how much of each person shows. A scene is one
world under one seed: its materials, looks, light, people, clothes and walks, and two cameras: one
of the site's, one at a place of its own. Training and test seeds have nothing in common.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float
from tqdm import tqdm

from visrftwin_ros.lab.people.avatars import make_avatars
from visrftwin_ros.lab.people.walks import plan_walks
from visrftwin_ros.lab.pictures.picture import Picture, Quality
from visrftwin_ros.lab.pictures.renderer import Renderer
from visrftwin_ros.lab.world.world import World, load_world, world_names
from visrftwin_ros.site.model import Camera

SIZE = (384, 288)
"""Pixels of the pictures."""
FIRST_SEED = {"train": 1000, "test": 90_000}
LEAST_VISIBLE, LEAST_HEIGHT = 0.15, 10.0
"""A person is labelled from this share of the body and this height [px] on."""
_QUALITY = Quality(background=4, changes=4, threads=2)
_SECONDS = 40.0


def scene_cameras(world: World, rng: np.random.Generator) -> tuple[Camera, Camera]:
    """One of the site's fixed cameras, scaled to `SIZE`, and one somewhere near the edge."""
    fixed = [camera for camera in world.site.cameras if camera.pose is not None]
    own = fixed[int(rng.integers(len(fixed)))]
    scale = SIZE[0] / own.image_width
    fx, fy, cx, cy = own.intrinsics or (0.0, 0.0, 0.0, 0.0)
    lens: dict[str, Any] = {"image_width": SIZE[0], "image_height": SIZE[1]}
    first = own.model_copy(
        update=lens
        | {"name": "own", "fx": fx * scale, "fy": fy * scale}
        | {"cx": (cx + 0.5) * scale - 0.5, "cy": (cy + 0.5) * scale - 0.5}
    )
    x0, y0, x1, y1 = world.ground
    edge = np.array([x0, y0]) + rng.choice([0.06, 0.3, 0.7, 0.94], 2) * [x1 - x0, y1 - y0]
    eye = np.append(edge, rng.uniform(1.3, 3.0))
    aim = np.append(rng.uniform((0.3, 0.3), (0.7, 0.7)) * [x1 - x0, y1 - y0] + [x0, y0], 0.9)
    focal = rng.uniform(0.5, 1.0) * SIZE[0]
    rotation = _looking(eye, aim)
    rvec, t = cv2.Rodrigues(rotation)[0].ravel(), -rotation @ eye
    second = Camera(
        name="drawn",
        **lens,
        fx=focal,
        fy=focal,
        cx=(SIZE[0] - 1) / 2,
        cy=(SIZE[1] - 1) / 2,
        rvec=(float(rvec[0]), float(rvec[1]), float(rvec[2])),
        t=(float(t[0]), float(t[1]), float(t[2])),
    )
    return first, second


def write_scene(folder: Path, name: str, seed: int, frames: int) -> int:
    """Renders one scene into `folder`; the number of pictures. What is there is kept."""
    rng = np.random.default_rng([seed, 11])
    stems = [f"{name}_{seed}_{k:02d}" for k in range(frames)]
    if all((folder / "images" / f"{stem}_own.jpg").exists() for stem in stems):
        return 0
    world = load_world(name, seed)
    walks = plan_walks(world, int(rng.integers(3, 10)), _SECONDS, seed)
    people = make_avatars(walks, seed)
    cameras = scene_cameras(world, rng)
    with Renderer(world, people, cameras, _QUALITY) as renderer:
        for stem, t in zip(stems, np.linspace(1.0, _SECONDS - 1.0, frames), strict=True):
            for camera, picture in renderer.labelled(float(t)).items():
                _write(folder, f"{stem}_{camera}", picture, int(rng.integers(60, 96)))
    return 2 * frames


def _write(folder: Path, stem: str, picture: Picture, quality: int) -> None:
    for part in ("images", "labels", "boxes"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    lines, rows = [], ["x0,y0,x1,y1,visible"]
    for label in picture.labels:
        x0, y0, x1, y1 = label.box
        rows.append(f"{x0:g},{y0:g},{x1:g},{y1:g},{label.visible:.3f}")
        if label.visible >= LEAST_VISIBLE and y1 - y0 >= LEAST_HEIGHT:
            middle = ((x0 + x1 + 1) / 2 / SIZE[0], (y0 + y1 + 1) / 2 / SIZE[1])
            extent = ((x1 - x0) / SIZE[0], (y1 - y0) / SIZE[1])
            lines.append(f"0 {middle[0]:.5f} {middle[1]:.5f} {extent[0]:.5f} {extent[1]:.5f}")
    (folder / "labels" / f"{stem}.txt").write_text("\n".join(lines))
    (folder / "boxes" / f"{stem}.csv").write_text("\n".join(rows))
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    cv2.imwrite(str(folder / "images" / f"{stem}.jpg"), picture.bgr, options)


def _looking(
    eye: Float[np.ndarray, " 3"], aim: Float[np.ndarray, " 3"]
) -> Float[np.ndarray, "3 3"]:
    """World to camera: z ahead, x level."""
    ahead = (aim - eye) / np.linalg.norm(aim - eye)
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(ahead, right), ahead])


def main() -> None:
    """Renders scenes until there are as many as asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", choices=sorted(FIRST_SEED), default="train")
    parser.add_argument("--scenes", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="leave out the scenes before this one")
    parser.add_argument("--frames", type=int, default=14, help="times a scene, two cameras each")
    options = parser.parse_args()
    names = world_names()
    for i in tqdm(range(options.first, options.scenes)):
        seed = FIRST_SEED[options.split] + i
        write_scene(options.folder / options.split, names[i % len(names)], seed, options.frames)


if __name__ == "__main__":
    main()
