"""Takes the pictures, inside the renderer's process."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Bool, Float

from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.lab.people.people import BodyMesh, WalkingPeople
from visrftwin_ros.lab.pictures.denoising import FirstHits, smoothed
from visrftwin_ros.lab.pictures.labels import body_labels, image_box
from visrftwin_ros.lab.pictures.picture import Extrinsics, Picture, Quality, Standing, camera_at
from visrftwin_ros.lab.pictures.render_meshes import robot_corners
from visrftwin_ros.lab.pictures.render_scene import RenderScene
from visrftwin_ros.lab.pictures.sensor_image import Exposure, developed, metered
from visrftwin_ros.lab.world.world import World
from visrftwin_ros.site.model import Camera

_BESIDE, _BELOW, _ABOVE = 0.30, 0.35, 0.04
"""How far round a body its shadow and mirror image are drawn, in body heights."""
_BACKGROUND_PASS = 8
_SAME_PLACE = 0.01
"""Metres: nearer hits are of the same surface."""

Rays = tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]


@dataclass(frozen=True)
class _Still:
    """A camera's empty room: what its pixels meet, and for a fixed camera the radiance (H, W, 3),
    clean and with the noise of one picture."""

    hits: FirstHits
    clean: Float[np.ndarray, "h w 3"]
    noisy: Float[np.ndarray, "h w 3"]
    exposure: Exposure


class Photographer:
    """Pictures of a world at given times."""

    def __init__(
        self, world: World, people: WalkingPeople, cameras: tuple[Camera, ...], quality: Quality
    ) -> None:
        self._world, self._people, self._quality = world, people, quality
        self._cameras = {camera.name: camera for camera in cameras}
        self._parked = {
            robot.name: (*robot.position, robot.yaw)
            for robot in world.site.robots
            if robot.position is not None
        }
        names = tuple(robot.name for robot in world.site.robots)
        self._scene = RenderScene(world, people, names, quality.threads)
        self._stills: dict[str, _Still] = {}
        self._rays: dict[str, Rays] = {}

    def pictures(
        self,
        t: float,
        poses: Mapping[str, Extrinsics],
        robots: Mapping[str, Standing],
        only: tuple[str, ...] | None,
    ) -> dict[str, Picture]:
        """Of every fixed camera and every posed one, at time `t`."""
        chosen = [
            camera
            for name, camera in self._cameras.items()
            if (only is None or name in only) and (name in poses or camera.pose is not None)
        ]
        for camera in chosen:
            if camera.name not in self._stills:
                self._stills[camera.name] = self._still(camera, poses.get(camera.name))
        bodies = self._people.meshes(t)
        self._scene.move([body.vertices for body in bodies], {**self._parked, **robots})
        return {
            camera.name: self._picture(camera, poses.get(camera.name), t, bodies, robots)
            for camera in chosen
        }

    def _still(self, camera: Camera, pose: Extrinsics | None) -> _Still:
        """The room without people, and the exposure that the camera keeps."""
        model = camera_at(camera, pose)
        self._scene.move(None, dict(self._parked))
        samples = self._quality.changes if pose is None else self._quality.moving
        noisy = self._traced(model, samples)
        hits = self._averaged_hits(model)
        clean = noisy
        if pose is None and self._quality.background > samples:
            passes = max(self._quality.background // _BACKGROUND_PASS, 1)
            clean = np.mean(
                [self._traced(model, _BACKGROUND_PASS, 1 + i) for i in range(passes)], axis=0
            )
        clean = smoothed(clean, hits)
        return _Still(hits, clean, noisy, metered(clean, self._rng(camera.name, "exposure")))

    def _picture(
        self,
        camera: Camera,
        pose: Extrinsics | None,
        t: float,
        bodies: tuple[BodyMesh, ...],
        robots: Mapping[str, Standing],
    ) -> Picture:
        model, still = camera_at(camera, pose), self._stills[camera.name]
        hits = self._averaged_hits(model) if pose is not None else self._hits(model, still)
        if pose is not None:
            radiance = smoothed(self._traced(model, self._quality.moving), hits)
        else:
            radiance = self._changed(model, still, hits, bodies, robots)
        image = developed(radiance, still.exposure, self._rng(camera.name, f"{t:.4f}"))
        return Picture(image, body_labels(model, bodies, hits.owner))

    def _changed(
        self,
        model: CameraModel,
        still: _Still,
        hits: FirstHits,
        bodies: tuple[BodyMesh, ...],
        robots: Mapping[str, Standing],
    ) -> Float[np.ndarray, "h w 3"]:
        """The empty room plus what people and robots change in it."""
        near = np.zeros(hits.owner.shape, np.uint8)
        outlines = [body.vertices for body in bodies]
        outlines += [robot_corners(*place).reshape(-1, 3) for place in robots.values()]
        for vertices in outlines:
            box = image_box(model, vertices)
            if box is not None:
                height = box[3] - box[1]
                low = np.array([box[0] - _BESIDE * height, box[1] - _ABOVE * height])
                high = np.array([box[2] + _BESIDE * height, box[3] + _BELOW * height])
                (x0, y0), (x1, y1) = low.astype(int), np.ceil(high).astype(int)
                near[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = 1
        if not near.any():
            return still.clean
        traced = self._traced(model, self._quality.changes, 0, near.astype(bool))
        rows, columns = (slice(int(np.min(hit)), int(np.max(hit)) + 1) for hit in np.nonzero(near))
        distance = cv2.distanceTransform(near, cv2.DIST_L2, 3)
        fade = np.clip(distance / max(0.02 * model.size[0], 4.0), 0, 1)[..., None]
        # Bodies are new; elsewhere the same random numbers cancel where nothing has changed.
        on_body = (hits.owner >= 0)[..., None]
        change = np.where(on_body, traced, (traced - still.noisy) * (near[..., None] > 0))
        part = (rows, columns)
        smooth = smoothed(change[part], hits.cropped(rows, columns))
        radiance = still.clean.copy()
        shadow = np.maximum(still.clean[part] + fade[part] * smooth, 0.0)
        radiance[part] = np.where(on_body[part], smooth, shadow)
        return radiance

    def _averaged_hits(self, model: CameraModel) -> FirstHits:
        """What the pixels' centres see; the texture is that of four places in each pixel."""
        middle, right, down = self._pixel_rays(model)
        albedo = np.mean(
            [
                self._scene.first_hits(model.center, middle + a * right + b * down).albedo
                for a in (-0.25, 0.25)
                for b in (-0.25, 0.25)
            ],
            axis=0,
        )
        return replace(self._scene.first_hits(model.center, middle), albedo=albedo)

    def _hits(self, model: CameraModel, still: _Still) -> FirstHits:
        """The same of a fixed camera, whose room's texture is known."""
        hits = self._scene.first_hits(model.center, self._pixel_rays(model)[0])
        moved = np.linalg.norm(hits.position - still.hits.position, axis=2) > _SAME_PLACE
        other = (hits.owner >= 0) | moved
        return replace(hits, albedo=np.where(other[..., None], hits.albedo, still.hits.albedo))

    def _pixel_rays(self, model: CameraModel) -> list[Float[np.ndarray, "h w 3"]]:
        return [ray.reshape(*model.size[::-1], 3) for ray in self._directions(model)]

    def _traced(
        self,
        model: CameraModel,
        samples: int,
        seed: int = 0,
        wanted: Bool[np.ndarray, "h w"] | None = None,
    ) -> Float[np.ndarray, "h w 3"]:
        flat = None if wanted is None else wanted.ravel()
        colours = self._scene.radiance(model.center, self._directions(model), samples, seed, flat)
        return colours.reshape(*model.size[::-1], 3)

    def _directions(self, model: CameraModel) -> Rays:
        """The pixels' rays in the world; those in the camera's frame are worked out once."""
        if model.name not in self._rays:
            width, height = model.size
            column, row = np.meshgrid(np.arange(width), np.arange(height))
            pixels = np.column_stack([column.ravel(), row.ravel()]).astype(float)
            middle = model.rays(model.undistorted(pixels))
            right, down = (
                model.rays(model.undistorted(pixels + step)) - middle
                for step in ([0.5, 0.0], [0.0, -0.5])
            )
            self._rays[model.name] = (middle, 2 * right, -2 * down)
        middle, right, down = (
            np.nan_to_num(ray) @ model.rotation for ray in self._rays[model.name]
        )
        return middle, right, down

    def _rng(self, camera: str, what: str) -> np.random.Generator:
        return np.random.default_rng([self._world.seed, zlib.crc32(f"{camera} {what}".encode())])
