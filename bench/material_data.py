"""Pictures whose materials are known: photographs by list, and rooms of the lab, whose looks are known.

The photographs of `material_photographs.csv` come with free licences in packages of Debian: ufoai-textures,
sweethome3d-furniture (training); sweethome3d, gimp-data, supertuxkart-data, torcs-data (test, never trained on).
`unpack` brings them; each package's copyright file names their authors.
"""

from __future__ import annotations

import csv
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from visrftwin_ros.lab.people.avatars import make_avatars
from visrftwin_ros.lab.people.walks import plan_walks
from visrftwin_ros.lab.pictures.picture import Quality, camera_at
from visrftwin_ros.lab.pictures.renderer import Renderer
from visrftwin_ros.lab.recording.mast import panorama_pose
from visrftwin_ros.lab.recording.robot_drive import plan_drive
from visrftwin_ros.lab.world.surface_looks import Appearance
from visrftwin_ros.lab.world.textures import texture
from visrftwin_ros.lab.world.world import World, load_world
from visrftwin_ros.scene.surfaces import SurfaceMesh, surface_meshes
from visrftwin_ros.vision.crop_pyramid import METRES
from visrftwin_ros.vision.posed_pictures import PosedPicture

LIST = Path(__file__).with_name("material_photographs.csv")
ARCHIVES = (".pk3", ".sh3f", ".jar")
DRIVE = 60.0
"""s of the robot's drive, along which the pictures of a room are taken."""
QUALITY = Quality(moving=4, threads=1)


@dataclass(frozen=True)
class Photograph:
    """material: the visible class. file: package and path in it, an archive's content beside it."""

    material: str
    file: str
    bgr: np.ndarray


def unpack(folder: Path) -> None:
    """Every package of the list into `folder`, by apt-get and dpkg-deb."""
    with LIST.open() as rows:
        packages = sorted({row["file"].split("/")[0] for row in csv.DictReader(rows)} - {"furn"})
    folder.mkdir(parents=True, exist_ok=True)
    for package in [*packages, "sweethome3d-furniture"]:
        subprocess.run(["apt-get", "download", package], cwd=folder, check=True)
        deb = next(folder.glob(f"{package}_*.deb"))
        target = folder / package
        subprocess.run(["dpkg-deb", "-x", str(deb), str(target)], check=True)
        deb.unlink()
        for archive in [f for f in target.rglob("*") if f.suffix in ARCHIVES]:
            inside = folder / "furn" / archive.stem if archive.suffix == ".sh3f" else target
            with zipfile.ZipFile(archive) as content:
                content.extractall(inside)


def photographs(folder: Path, split: str) -> list[Photograph]:
    """Those of a split, `train` or `test`, from the packages unpacked in `folder`."""
    with LIST.open() as rows:
        wanted = [row for row in csv.DictReader(rows) if row["split"] == split]
    return [Photograph(row["material"], row["file"], _read(folder / row["file"])) for row in wanted]


def _read(file: Path) -> np.ndarray:
    if file.suffix == ".pat":  # GIMP's pattern: a header of big-endian numbers, then pixels
        content = file.read_bytes()
        start, _, width, height, depth = np.frombuffer(content[:20], ">u4").tolist()
        pixels = np.frombuffer(content[start : start + width * height * depth], np.uint8)
        pixels = pixels.reshape(height, width, depth)
        return np.repeat(pixels, 3, 2) if depth == 1 else pixels[..., 2::-1].copy()
    if file.suffix == ".rgb":
        from PIL import Image

        return np.array(Image.open(file).convert("RGB"))[..., ::-1].copy()
    bgr = cv2.imread(str(file))
    if bgr is None:
        raise SystemExit(f"{file}: no picture; run with --unpack first")
    return bgr


def photograph_crops(
    bgr: np.ndarray, side: int, count: int, rng: np.random.Generator, *, worn: bool
) -> list[np.ndarray]:
    """Random squares of a photograph. worn: as a camera in a room would have it: coarse, in another light."""
    height, width = bgr.shape[:2]
    least = min(height, width)
    crops = []
    for _ in range(count):
        size = int(rng.uniform(0.45, 1.0) * least)
        y, x = rng.integers(height - size + 1), rng.integers(width - size + 1)
        cut = bgr[y : y + size, x : x + size]
        if worn:
            coarse = int(np.exp(rng.uniform(np.log(20), np.log(128))))
            cut = cv2.resize(cut, (coarse, coarse), interpolation=cv2.INTER_AREA)
            if rng.uniform() < 0.5:
                cut = cut[:, ::-1]
            cut = in_other_light(cut, rng)
        crops.append(cv2.resize(cut, (side, side), interpolation=_better(len(cut), side)))
    return crops


def in_other_light(bgr: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Brighter or darker, of another tint, unevenly lit, with the noise of a sensor."""
    size = len(bgr)
    slope = rng.normal(0, 0.25, 2)
    ramp = np.linspace(-0.5, 0.5, size)
    light = np.exp(rng.normal(0, 0.3)) * (1 + slope[0] * ramp[:, None] + slope[1] * ramp)
    tint = np.exp(rng.normal(0, 0.06, 3))
    lit = bgr * light[..., None] * tint + rng.normal(0, rng.uniform(0, 5), bgr.shape)
    return np.clip(lit, 0, 255).astype(np.uint8)


def _better(size: int, side: int) -> int:
    return cv2.INTER_AREA if size > side else cv2.INTER_LINEAR


@dataclass(frozen=True)
class LabRoom:
    """A world of the lab, its true surfaces, what each looks like ("" where that is no material), and panoramas
    from the robot's drive."""

    world: World
    meshes: tuple[SurfaceMesh, ...]
    visible: tuple[str, ...]
    pictures: tuple[PosedPicture, ...]


def lab_room(site: str, seed: int, count: int, cache: Path) -> LabRoom:
    """`count` panoramas, rendered once and kept in `cache`."""
    world = load_world(site, seed)
    meshes = surface_meshes(world.true_site)
    labels = [mesh.material.name.split(".")[0] for mesh in meshes]
    visible = tuple(
        visible_class(mesh.name, world.surfaces[mesh.name], label)
        for mesh, label in zip(meshes, labels, strict=True)
    )
    return LabRoom(world, meshes, visible, _panoramas(world, count, cache))


def texture_crops(
    look: Appearance, seed: int, side: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """One square of each of the map's sizes out of a look's texture, worn as a photograph's are."""
    made = texture(look, seed)
    srgb = np.where(made <= 0.0031308, 12.92 * made, 1.055 * made ** (1 / 2.4) - 0.055)
    bgr = np.clip(255 * srgb[..., ::-1], 0, 255).astype(np.uint8)
    crops = []
    for metres in METRES:
        span = min(metres / look.tile, 6.0)
        steps = (np.arange(side) + 0.5) / side * span * len(bgr)
        row, column = ((steps + rng.uniform(0, len(bgr))).astype(int) % len(bgr) for _ in range(2))
        cut = bgr[row][:, column]
        coarse = int(np.exp(rng.uniform(np.log(20), np.log(side))))
        cut = in_other_light(cv2.resize(cut, (coarse, coarse), interpolation=cv2.INTER_AREA), rng)
        crops.append(cv2.resize(cut, (side, side), interpolation=_better(coarse, side)))
    return crops


def visible_class(name: str, look: Appearance, material: str) -> str:
    """What a look is taken for by a person; "" for what has none, as a notice board, and for panes: the lab's
    are seen through, or plain opaque sheets that no picture tells from paint."""
    grounds = np.array(look.colours[0])
    pane = look.clear or (look.pattern == "plain" and material == "glass")
    if name.startswith("notice_board") or pane:
        return ""
    by_pattern = {
        "planks": "wood", "bricks": "brick", "veins": "stone", "tiles": "stone", "weave": "fabric",
        "panels": "ceiling_tile", "slats": "metal",
    }  # fmt: skip
    if look.pattern in by_pattern:
        return by_pattern[look.pattern]
    if look.pattern == "speckle":
        if grounds[1] > grounds[0] + 0.05:
            return "other"  # leaves
        if material == "asphalt_concrete":
            return "asphalt"
        return "painted" if material == "plasterboard" else "concrete"
    return "metal" if look.metallic > 0.5 else "painted"


def _panoramas(world: World, count: int, cache: Path) -> tuple[PosedPicture, ...]:
    camera = next(c for c in world.site.cameras if c.model == "equirectangular")
    drive = plan_drive(world, DRIVE, world.seed)
    times = np.linspace(2.0, DRIVE - 2.0, count)
    files = [cache / f"{world.name}_{world.seed}_{k}_of_{count}.png" for k in range(count)]
    poses = [panorama_pose(drive, float(t)) for t in times]
    if not all(file.exists() for file in files):
        cache.mkdir(parents=True, exist_ok=True)
        walks = plan_walks(world, 1, DRIVE, world.seed)
        with Renderer(world, make_avatars(walks, world.seed), (camera,), QUALITY) as renderer:
            for file, pose, t in zip(files, poses, times, strict=True):
                cv2.imwrite(str(file), renderer.render(float(t), {camera.name: pose})[camera.name])
    return tuple(
        PosedPicture(file.stem, camera_at(camera, pose), cv2.imread(str(file)))
        for file, pose in zip(files, poses, strict=True)
    )
