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


THICKNESS_SPREAD = 0.1
"""Of walls, panes and boards whose maker nobody asked; `materials.table` says why."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Radio(_Strict):
    """Carrier and receiver of the whole network."""

    frequency: Annotated[float, Field(ge=0.4e9, le=300e9)] = 60.48e9
    bandwidth: Annotated[float, Field(gt=0, le=20e9)] = 2.16e9
    noise_figure_db: Annotated[float, Field(ge=0, le=30)] = 10.0
    implementation_loss_db: Annotated[float, Field(ge=0, le=30)] = 5.0
    mcs_table: str = "ieee80211ad_sc"  # of config/radios, or a .csv file in the site's folder
    beam_sweep_period: Annotated[float, Field(ge=0, le=10)] = 0.0  # s for which a pair is kept


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


class Chassis(_Strict):
    """A robot's body as an upright box about its base, which shadows and mirrors links."""

    size: tuple[PositiveFloat, PositiveFloat, PositiveFloat]  # along its heading, across, up
    height: Annotated[float, Field(ge=0, le=10)] = 0.0  # of its underside over the ground
    material: str = "metal"


class Robot(_Strict):
    """A robot and its antenna; it stands at `position`, drives `path`, or is where TF says."""

    name: Name
    frame: str = ""  # TF frame; default `<name>/base_link`
    position: tuple[FiniteFloat, FiniteFloat] | None = None  # on the ground, standing
    path: ScriptedPath | None = None
    yaw: FiniteFloat = 0.0  # of a standing robot
    antenna_height: PositiveFloat = 1.2
    array: AntennaArray = AntennaArray(rows=2, columns=4)
    chassis: Chassis | None = None

    @property
    def tf_frame(self) -> str:
        return self.frame or f"{self.name}/base_link"

    @property
    def is_on_tf(self) -> bool:
        """It is wherever TF says."""
        return self.position is None and self.path is None

    @model_validator(mode="after")
    def _antenna_stands_above(self) -> Robot:
        if self.chassis is not None:
            top = self.chassis.height + self.chassis.size[2]
            if self.antenna_height <= top:
                raise ValueError(
                    f"antenna_height {self.antenna_height:g} m is not above the chassis, whose top "
                    f"is at {top:g} m"
                )
        return self

    @model_validator(mode="after")
    def _one_source_of_pose(self) -> Robot:
        if self.position is not None and self.path is not None:
            raise ValueError("give `position` (stands), `path` (drives) or neither (TF), not both")
        return self


class Camera(_Strict):
    """A camera: fixed where `rvec` and `t` say how x_cam = R(rvec) x_world + t (OpenCV), else where
    TF says its optical frame is; intrinsics from here, else from its CameraInfo."""

    name: Name
    frame: str = ""  # optical frame; default `<name>_optical_frame`
    model: Literal["pinhole", "fisheye", "equirectangular"] = "pinhole"
    image_width: Annotated[int, Field(ge=16, le=16384)]
    image_height: Annotated[int, Field(ge=16, le=16384)]
    fx: PositiveFloat | None = None
    fy: PositiveFloat | None = None
    cx: FiniteFloat | None = None
    cy: FiniteFloat | None = None
    # pinhole: k1 k2 p1 p2 [k3 [k4 k5 k6]] (plumb_bob, rational); fisheye: k1 k2 k3 k4 of OpenCV's
    distortion: list[FiniteFloat] = []
    rvec: Vector3 | None = None
    t: Vector3 | None = None
    # rad by which the pose from TF is off, about each axis: our assumption, of visual odometry
    turn_sigma: Annotated[float, Field(ge=0, le=0.2)] = 0.009
    frame_rate: PositiveFloat = 10.0  # of its recording
    video: str = ""  # file name of its recording, where one is known

    @property
    def optical_frame(self) -> str:
        return self.frame or f"{self.name}_optical_frame"

    @property
    def pose(self) -> tuple[Vector3, Vector3] | None:
        """(rvec, t) of a fixed camera; None: TF says."""
        return None if self.rvec is None or self.t is None else (self.rvec, self.t)

    @property
    def intrinsics(self) -> tuple[float, float, float, float] | None:
        """(fx, fy, cx, cy) px; None: CameraInfo says, or the model has none."""
        if self.fx is None or self.fy is None or self.cx is None or self.cy is None:
            return None
        return self.fx, self.fy, self.cx, self.cy

    @model_validator(mode="after")
    def _complete(self) -> Camera:
        if (self.rvec is None) != (self.t is None):
            raise ValueError("give both `rvec` and `t` (fixed camera) or neither (TF)")
        given = [self.fx, self.fy, self.cx, self.cy]
        missing = [name for name in ("fx", "fy", "cx", "cy") if getattr(self, name) is None]
        if self.model == "equirectangular":
            if self.distortion or len(missing) < 4:
                raise ValueError("an equirectangular panorama has no fx, fy, cx, cy, distortion")
        elif missing and any(value is not None for value in given):
            raise ValueError(f"{', '.join(missing)} missing: give fx, fy, cx, cy, or none of them")
        lengths = {"pinhole": (0, 4, 5, 8), "fisheye": (0, 4), "equirectangular": (0,)}[self.model]
        if len(self.distortion) not in lengths:
            raise ValueError(
                f"{len(self.distortion)} distortion coefficients; a {self.model} camera has "
                f"{' or '.join(map(str, lengths))}"
            )
        return self


class Lidar(_Strict):
    """A LiDAR: fixed at `position`, turned by `rpy` (roll, pitch, yaw about the fixed axes, REP-103),
    or where TF says its frame is."""

    name: Name
    frame: str = ""  # TF frame; default `<name>`
    topic: str = "points"  # under `/<name>/`; a leading slash makes it absolute
    position: Vector3 | None = None
    rpy: Vector3 = (0.0, 0.0, 0.0)
    min_range: PositiveFloat = 0.5  # m over the ground
    max_range: Annotated[float, Field(gt=1, le=100)] = 40.0
    # s of sweeps from which a standing one learns its background; 0 = none, for a moving one: then
    # only what stands apart is a person
    learning_time: Annotated[float, Field(ge=0, le=600)] = 3.0

    @property
    def tf_frame(self) -> str:
        return self.frame or self.name

    @model_validator(mode="after")
    def _range_is_one(self) -> Lidar:
        if self.min_range >= self.max_range:
            raise ValueError(f"min_range {self.min_range:g} m is not under {self.max_range:g} m")
        return self


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
    thickness: Annotated[float, Field(gt=0, le=10)] = 0.1  # m
    # share of the thickness to either side within which it may lie; 0 = known to a hundredth of a
    # wavelength: then the slab's faces interfere
    thickness_spread: Annotated[float, Field(ge=0, le=0.5)] = THICKNESS_SPREAD
    scattering_coefficient: Annotated[float, Field(ge=0, le=1)] = 0.0


class Propagation(_Strict):
    """What the solver looks for (Sionna RT `PathSolver`)."""

    max_depth: Annotated[int, Field(ge=0, le=8)] = 5  # interactions of a path
    samples: Annotated[int, Field(ge=1000, le=10_000_000)] = 100_000  # rays an access point
    # radians within which diffuse samples of one patch become one path; 0 keeps all
    diffuse_cell: Annotated[float, Field(ge=0, le=0.5)] = 0.2
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
    lidars: list[Lidar] = []
    residuals: str = (
        ""  # file of what soundings found the twin to be off, as `visrftwin calibrate` writes
    )
    folder: Path = Path()  # filled in by the loader

    @model_validator(mode="after")
    def _unique_names(self) -> Site:
        for what in ("scene", "access_points", "robots", "cameras", "lidars"):
            names = [item.name for item in getattr(self, what)]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what}: two entries are named {', '.join(twice)}")
        both = {camera.name for camera in self.cameras} & {lidar.name for lidar in self.lidars}
        if both:
            raise ValueError(f"a camera and a LiDAR share the name {', '.join(sorted(both))}")
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

    def lidar(self, name: str = "") -> Lidar:
        """The named LiDAR, or the only one."""
        if not name and len(self.lidars) == 1:
            return self.lidars[0]
        for lidar in self.lidars:
            if lidar.name == name:
                return lidar
        known = ", ".join(lidar.name for lidar in self.lidars) or "none"
        raise KeyError(f"site {self.name!r} has no LiDAR {name!r}; it has: {known}")
