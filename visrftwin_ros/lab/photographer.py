"""Takes the pictures, inside the renderer's process."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int

from visrftwin_ros.lab.people import BodyMesh, People
from visrftwin_ros.lab.render_scene import RenderScene
from visrftwin_ros.lab.rendering import Label, Picture, Pose, Quality, Standing, camera_at
from visrftwin_ros.lab.sensor_image import Exposure, developed, metered
from visrftwin_ros.lab.world import World
from visrftwin_ros.perception.camera import CameraModel
from visrftwin_ros.site.model import Camera

_BESIDE, _BELOW, _ABOVE = 0.30, 0.35, 0.04
"""How far round a body its shadow and mirror image are drawn, in body heights."""
_BACKGROUND_PASS = 16
_SHADOW_BLUR = 2.5
"""Pixels."""

Rays = tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]


@dataclass(frozen=True)
class _Still:
    """A fixed camera's empty room: (H, W, 3) clean, and with the noise of one picture."""

    clean: Float[np.ndarray, "h w 3"]
    noisy: Float[np.ndarray, "h w 3"]
    exposure: Exposure


class Photographer:
    """Pictures of a world at given times."""

    def __init__(
        self, world: World, people: People, cameras: tuple[Camera, ...], quality: Quality
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
        poses: Mapping[str, Pose],
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

    def _still(self, camera: Camera, pose: Pose | None) -> _Still:
        """The room without people, and the exposure that the camera keeps."""
        model = camera_at(camera, pose)
        moving = pose is not None
        self._scene.move(None, dict(self._parked))
        rng = self._rng(camera.name, "exposure")
        samples = self._quality.moving if moving else self._quality.changes
        noisy = self._traced(model, samples)
        if moving:
            return _Still(noisy, noisy, metered(noisy, rng))
        passes = max(self._quality.background // _BACKGROUND_PASS, 1)
        clean = sum(self._traced(model, _BACKGROUND_PASS, 1 + i) for i in range(passes)) / passes
        return _Still(_denoised(np.asarray(clean)), noisy, metered(np.asarray(clean), rng))

    def _picture(
        self,
        camera: Camera,
        pose: Pose | None,
        t: float,
        bodies: tuple[BodyMesh, ...],
        robots: Mapping[str, Standing],
    ) -> Picture:
        model, still = camera_at(camera, pose), self._stills[camera.name]
        owner = self._scene.seen(model.center, self._directions(model)[0]).reshape(model.size[::-1])
        if pose is not None:
            radiance = cv2.bilateralFilter(
                self._traced(model, self._quality.moving).astype(np.float32), 5, 0.3, 1.5
            )
        else:
            radiance = self._changed(model, still, owner, bodies, robots)
        rng = self._rng(camera.name, f"{t:.4f}")
        image = developed(radiance, still.exposure, rng)
        return Picture(image, _labels(model, bodies, owner))

    def _changed(
        self,
        model: CameraModel,
        still: _Still,
        owner: Int[np.ndarray, "h w"],
        bodies: tuple[BodyMesh, ...],
        robots: Mapping[str, Standing],
    ) -> Float[np.ndarray, "h w 3"]:
        """The empty room plus what people and robots change in it."""
        near = np.zeros(owner.shape, np.uint8)
        outlines = [body.vertices for body in bodies]
        for x, y, _ in robots.values():
            outlines.append(np.array([[x + a, y + b, c] for a in (-0.3, 0.3) for b in (-0.3, 0.3) for c in (0, 1.3)]))  # fmt: skip
        for vertices in outlines:
            box = _box(model, vertices)
            if box is not None:
                height = box[3] - box[1]
                low = np.array([box[0] - _BESIDE * height, box[1] - _ABOVE * height])
                high = np.array([box[2] + _BESIDE * height, box[3] + _BELOW * height])
                (x0, y0), (x1, y1) = low.astype(int), np.ceil(high).astype(int)
                near[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = 1
        traced = self._traced(model, self._quality.changes, 0, near.astype(bool))
        distance = cv2.distanceTransform(near, cv2.DIST_L2, 3)
        fade = np.clip(distance / max(0.02 * model.size[0], 4.0), 0, 1)[..., None]
        on_body = owner >= 0
        # Shadows are soft and their difference is noisy: smoothed, bodies left out of the mean.
        change = np.where(on_body[..., None], 0.0, traced - still.noisy)
        ground = (~on_body & (near > 0)).astype(float)
        weight = cv2.GaussianBlur(ground, (0, 0), _SHADOW_BLUR)[..., None]
        smooth = cv2.GaussianBlur(change * ground[..., None], (0, 0), _SHADOW_BLUR)
        shadow = np.maximum(still.clean + fade * smooth / np.maximum(weight, 0.05), 0.0)
        bodies_only = cv2.bilateralFilter(traced.astype(np.float32), 5, 0.15, 1.2)
        return np.where(on_body[..., None], bodies_only, shadow)

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
        middle, right, down = (np.nan_to_num(ray) @ model.rotation for ray in self._rays[model.name])
        return middle, right, down

    def _rng(self, camera: str, what: str) -> np.random.Generator:
        return np.random.default_rng([self._world.seed, zlib.crc32(f"{camera} {what}".encode())])


def _denoised(radiance: Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w 3"]:
    """Bilateral filter (Tomasi and Manduchi 1998) of the logarithm, where noise is even."""
    logs = np.log(np.maximum(radiance, 1e-3)).astype(np.float32)
    return np.asarray(np.exp(cv2.bilateralFilter(logs, 7, 0.35, 2.0).astype(float)))


def _box(
    model: CameraModel, vertices: Float[np.ndarray, "v 3"]
) -> Float[np.ndarray, " 4"] | None:
    """x0, y0, x1, y1 px round what the lens sees of these points; None: nothing in the image."""
    pixels, seen = model.project(vertices)
    if seen.mean() < 0.5:
        return None
    low, high = pixels[seen].min(axis=0), pixels[seen].max(axis=0)
    size = np.array(model.size)
    if (high < 0).any() or (low > size - 1).any() or high[0] - low[0] > 0.5 * model.column_period:
        return None
    return np.concatenate([np.clip(low, 0, size - 1), np.clip(high, 0, size - 1)])


def _labels(
    model: CameraModel, bodies: tuple[BodyMesh, ...], owner: Int[np.ndarray, "h w"]
) -> tuple[Label, ...]:
    """Boxes of everybody who shows, from the id picture; the whole body drawn alone for its share."""
    labels = []
    for i, body in enumerate(bodies):
        rows, columns = np.nonzero(owner == i)
        whole = _box(model, body.vertices)
        if not len(rows) or whole is None:
            continue
        pixels, seen = model.project(body.vertices)
        alone = np.zeros(owner.shape, np.uint8)
        drawn = body.faces[seen[body.faces].all(axis=1)]
        corners = np.clip(np.nan_to_num(pixels), -5000, 5000)[drawn]
        for triangle in np.round(corners * 16).astype(np.int32):
            cv2.fillConvexPoly(alone, triangle, 1, shift=4)
        visible = min(len(rows) / max(int(alone.sum()), 1), 1.0)
        box = (columns.min() - 0.5, rows.min() - 0.5, columns.max() + 0.5, rows.max() + 0.5)
        labels.append(
            Label(
                person=i,
                box=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
                whole=(float(whole[0]), float(whole[1]), float(whole[2]), float(whole[3])),
                visible=float(visible),
            )
        )
    return tuple(labels)
