"""What a site is: the place, its radio devices and its sensors, as read from `site.yaml`.

All lengths are metres, angles radians, frequencies hertz; the world frame follows REP-103
(x and y on the ground, z up). `site.loading.load_site` reads and validates one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, PositiveFloat, model_validator

Vector3 = tuple[FiniteFloat, FiniteFloat, FiniteFloat]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
"""ROS topic and frame names are made from these: lower case, digits, underscores."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Radio(_Strict):
    """Carrier and receiver of the whole network."""

    frequency: Annotated[float, Field(ge=6e9, le=300e9)] = 60.48e9
    bandwidth: Annotated[float, Field(gt=0, le=20e9)] = 2.16e9
    noise_figure_db: Annotated[float, Field(ge=0, le=30)] = 10.0
    implementation_loss_db: Annotated[float, Field(ge=0, le=30)] = 5.0


class AntennaArray(_Strict):
    """Uniform planar array in its device's y-z plane, boresight along the device's +x."""

    rows: Annotated[int, Field(ge=1, le=64)] = 1
    columns: Annotated[int, Field(ge=1, le=64)] = 1
    spacing: PositiveFloat = 0.5  # wavelengths
    element: Literal["iso", "tr38901"] = "iso"


class AccessPoint(_Strict):
    name: Name
    position: Vector3
    yaw: FiniteFloat = 0.0  # boresight azimuth from +x, towards +y
    pitch: FiniteFloat = 0.0  # positive = boresight tilted down (rotation about +y, REP-103)
    array: AntennaArray = AntennaArray(rows=4, columns=8)
    tx_power_dbm: Annotated[float, Field(ge=-50, le=60)] = 10.0


class ScriptedPath(_Strict):
    """A closed loop driven at constant speed; its phase is ROS time modulo the lap time."""

    waypoints: Annotated[list[tuple[FiniteFloat, FiniteFloat]], Field(min_length=2)]
    speed: PositiveFloat = 0.5

    @model_validator(mode="after")
    def _has_length(self) -> ScriptedPath:
        if len(set(self.waypoints)) < 2:
            raise ValueError("a path needs at least two different waypoints")
        return self


class Robot(_Strict):
    """A robot and its antenna; it stands at `position`, drives `path`, or is where TF says."""

    name: Name
    frame: str = ""  # TF frame; default `<name>/base_link`
    position: tuple[FiniteFloat, FiniteFloat] | None = None  # on the ground, standing
    path: ScriptedPath | None = None
    yaw: FiniteFloat = 0.0  # of a standing robot
    antenna_height: PositiveFloat = 1.2
    array: AntennaArray = AntennaArray(rows=2, columns=4)

    @property
    def tf_frame(self) -> str:
        return self.frame or f"{self.name}/base_link"

    @model_validator(mode="after")
    def _one_source_of_pose(self) -> Robot:
        if self.position is not None and self.path is not None:
            raise ValueError("give `position` (stands), `path` (drives) or neither (TF), not both")
        return self


class Camera(_Strict):
    """A fixed pinhole camera: x_cam = R(rvec) x_world + t (OpenCV), optional plumb_bob distortion."""

    name: Name
    frame: str = ""  # optical frame; default `<name>_optical_frame`
    image_width: Annotated[int, Field(ge=16, le=16384)]
    image_height: Annotated[int, Field(ge=16, le=16384)]
    fx: PositiveFloat
    fy: PositiveFloat
    cx: FiniteFloat
    cy: FiniteFloat
    distortion: list[FiniteFloat] = []  # k1 k2 p1 p2 k3, empty = none
    rvec: Vector3
    t: Vector3
    frame_rate: PositiveFloat = 10.0  # of its recording
    video: str = ""  # file name of its recording, where one is known

    @property
    def optical_frame(self) -> str:
        return self.frame or f"{self.name}_optical_frame"


class _Surface(_Strict):
    name: Name
    material: str


class Ground(_Surface):
    """A horizontal rectangle, normal up."""

    kind: Literal["ground"]
    center: Vector3 = (0.0, 0.0, 0.0)
    size: tuple[PositiveFloat, PositiveFloat]


class Box(_Surface):
    """A closed box, `yaw` about the vertical through its centre."""

    kind: Literal["box"]
    center: Vector3
    size: tuple[PositiveFloat, PositiveFloat, PositiveFloat]
    yaw: FiniteFloat = 0.0


class MeshFile(_Surface):
    """A triangle mesh in world coordinates, PLY or OBJ, path relative to the site folder."""

    kind: Literal["mesh"]
    file: str


Surface = Annotated[Ground | Box | MeshFile, Field(discriminator="kind")]


class MaterialEntry(_Strict):
    """A site's own material, constant over frequency (the packaged ones are in `materials`)."""

    relative_permittivity: Annotated[float, Field(ge=1, le=100)]
    conductivity: Annotated[float, Field(ge=0, le=1e8)]  # S/m
    thickness: PositiveFloat = 0.1
    scattering_coefficient: Annotated[float, Field(ge=0, le=1)] = 0.0


class Propagation(_Strict):
    """What the solver looks for (Sionna RT `PathSolver`)."""

    max_depth: Annotated[int, Field(ge=0, le=8)] = 3
    samples: Annotated[int, Field(ge=1000, le=10_000_000)] = 100_000
    diffuse: bool = True
    refraction: bool = True
    diffraction: bool = True
    seed: int = 1


class Site(_Strict):
    name: Name
    description: str = ""
    world_frame: str = "world"
    radio: Radio = Radio()
    propagation: Propagation = Propagation()
    materials: dict[str, MaterialEntry] = {}
    scene: Annotated[list[Surface], Field(min_length=1)]
    access_points: Annotated[list[AccessPoint], Field(min_length=1)]
    robots: list[Robot] = []
    cameras: list[Camera] = []
    folder: Path = Path()  # filled in by the loader

    @model_validator(mode="after")
    def _unique_names(self) -> Site:
        for what in ("scene", "access_points", "robots", "cameras"):
            names = [item.name for item in getattr(self, what)]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what}: two entries are named {', '.join(twice)}")
        both = {ap.name for ap in self.access_points} & {robot.name for robot in self.robots}
        if both:
            raise ValueError(
                f"an access point and a robot share the name {', '.join(sorted(both))}"
            )
        return self

    def camera(self, name: str = "") -> Camera:
        """The named camera, or the only one."""
        if not name and len(self.cameras) == 1:
            return self.cameras[0]
        for camera in self.cameras:
            if camera.name == name:
                return camera
        known = ", ".join(camera.name for camera in self.cameras) or "none"
        raise KeyError(f"site {self.name!r} has no camera {name!r}; it has: {known}")
