"""A world and its people in Mitsuba: radiance along rays, and who is seen where.

Lives in the renderer's own process: its Mitsuba variant is not the one of the radio solver.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from visrftwin_ros.lab.people.people import WalkingPeople
from visrftwin_ros.lab.pictures.denoising import FirstHits
from visrftwin_ros.lab.pictures.render_meshes import robot_corners, static_triangles
from visrftwin_ros.lab.world.surface_looks import Appearance
from visrftwin_ros.lab.world.textures import linear, texture
from visrftwin_ros.lab.world.world import World

VARIANT = "llvm_ad_rgb"
_DEPTH = 5
"""Bounces of a light path: through two panes and off a wall."""
_AWAY = 1000.0
"""Metres under the ground: where robots wait that are not in the picture."""
_PASS = 4
"""Rays a pixel traced at once; more take gigabytes."""
_PANES = 6
"""Glass faces that a look passes before it counts as ended."""


class RenderScene:
    """Everything that a camera can see; people and robots move, nothing is compiled again."""

    def __init__(
        self, world: World, people: WalkingPeople, robots: tuple[str, ...], threads: int
    ) -> None:
        import drjit as dr
        import mitsuba as mi

        mi.set_variant(VARIANT)
        dr.set_thread_count(threads)
        self._mi, self._dr = mi, dr
        self._people = people
        shapes: dict[str, Any] = {"type": "scene"}
        for i, part in enumerate(static_triangles(world)):
            bsdf = self._bsdf(part.look, world.seed + i)
            corners, uv = part.corners.reshape(-1, 3), part.uv.reshape(-1, 2)
            shapes[f"{'clear' if part.look.clear else 'solid'}{i}"] = self._mesh(
                f"static{i}", corners, np.arange(len(corners)).reshape(-1, 3), bsdf, uv=uv
            )
        for i, body in enumerate(people.meshes(0.0)):
            colours = {"type": "mesh_attribute", "name": "face_color"}
            bsdf = mi.load_dict(
                {"type": "twosided", "b": {"type": "diffuse", "reflectance": colours}}
            )
            shapes[f"person{i}"] = self._mesh(
                f"person{i}",
                body.vertices,
                body.faces,
                bsdf,
                colours=linear(people.colours(i)),
                smooth=True,
            )
        white = self._bsdf(Appearance(colours=((0.75, 0.76, 0.78),), roughness=0.4), 0)
        for name in robots:
            corners = robot_corners(0, 0, 0).reshape(-1, 3) - [0, 0, _AWAY]
            faces = np.arange(len(corners)).reshape(-1, 3)
            shapes[f"robot_{name}"] = self._mesh(f"robot_{name}", corners, faces, white)
        shapes |= self._lights(world)
        self._scene = mi.load_dict(shapes)
        self._params = mi.traverse(self._scene)
        self._integrator = mi.load_dict({"type": "path", "max_depth": _DEPTH, "rr_depth": 3})
        self._robots = robots
        by_id = {shape.id(): shape for shape in self._scene.shapes()}
        self._bodies = [mi.ShapePtr(by_id[f"person{i}"]) for i in range(len(people.rigs))]
        self._clear = [mi.ShapePtr(s) for name, s in by_id.items() if name.startswith("clear")]

    def move(
        self,
        bodies: list[Float[np.ndarray, "v 3"]] | None,
        robots: dict[str, tuple[float, float, float]],
    ) -> None:
        """Puts everybody's vertices (None: nobody is there) and the robots where they are now."""
        mi = self._mi
        gone = np.array([0.0, 0.0, -_AWAY])
        for i in range(len(self._bodies)):
            count = len(self._people.rigs[i].vertices)
            vertices = bodies[i] if bodies is not None else np.tile(gone, (count, 1))
            self._params[f"person{i}.vertex_positions"] = mi.Float(vertices.ravel())
        for name in self._robots:
            x, y, yaw = robots.get(name, (0.0, 0.0, 0.0))
            corners = robot_corners(x, y, yaw).reshape(-1, 3) + (gone if name not in robots else 0)
            self._params[f"robot_{name}.vertex_positions"] = mi.Float(corners.ravel())
        self._params.update()

    def radiance(
        self,
        origin: Float[np.ndarray, " 3"],
        rays: tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]],
        samples: int,
        seed: int,
        wanted: Bool[np.ndarray, " n"] | None = None,
    ) -> Float[np.ndarray, "n 3"]:
        """(N, 3) linear RGB of N pixels, box-filtered over `samples` rays each.

        rays: directions in the world of the pixels' centres, and their change for one pixel to the
        right and one down. wanted: (N,) pixels to trace; the others are 0. A pixel's random numbers
        are its own: what did not change in the scene does not change in the picture.
        """
        total = np.zeros((len(rays[0]), 3))
        for done in range(0, samples, _PASS):
            share = min(_PASS, samples - done)
            total += share * self._radiance(origin, rays, share, 1000 * seed + done, wanted)
        return total / samples

    def _radiance(
        self,
        origin: Float[np.ndarray, " 3"],
        rays: tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]],
        samples: int,
        seed: int,
        wanted: Bool[np.ndarray, " n"] | None,
    ) -> Float[np.ndarray, "n 3"]:
        """One pass of `radiance`."""
        mi, dr = self._mi, self._dr
        count = len(rays[0]) * samples
        sampler = mi.load_dict({"type": "independent"})
        sampler.seed(seed, count)
        pixel = dr.arange(mi.UInt32, count) // mi.UInt32(dr.opaque(mi.UInt32, samples))
        jitter = sampler.next_2d() - 0.5
        middle, right, down = (
            dr.gather(mi.Vector3f, mi.Vector3f(direction.T.astype(np.float32)), pixel)
            for direction in rays
        )
        direction = dr.normalize(middle + jitter.x * right + jitter.y * down)
        ray = mi.RayDifferential3f(self._point(origin), direction)
        active = mi.Bool(True)
        if wanted is not None:
            active = dr.gather(mi.Bool, mi.Bool(wanted), pixel)
        colour, _, _ = self._integrator.sample(self._scene, sampler, ray, None, active)
        colour = dr.select(active & dr.all(dr.isfinite(colour)), dr.minimum(colour, 30.0), 0.0)
        sums = [dr.block_sum(colour[k], samples) for k in range(3)]
        dr.eval(sums)
        return np.stack([np.array(s) for s in sums], axis=1) / samples

    def first_hits(
        self, origin: Float[np.ndarray, " 3"], directions: Float[np.ndarray, "h w 3"]
    ) -> FirstHits:
        """What each ray meets first behind the glass."""
        mi, dr = self._mi, self._dr
        flat = directions.reshape(-1, 3)
        ray = mi.Ray3f(self._point(origin), dr.normalize(mi.Vector3f(flat.T.astype(np.float32))))
        looking = dr.full(mi.Bool, True, len(flat))
        for _ in range(_PANES):
            hit = self._scene.ray_intersect(ray, mi.RayFlags.Minimal, True, looking)
            through = mi.Bool(False)
            for pane in self._clear:
                through |= hit.shape == pane
            looking &= hit.is_valid() & through
            ray.o = dr.select(looking, ray(hit.t + 1e-3), ray.o)
            dr.eval(ray, looking)
        hit = self._scene.ray_intersect(ray)
        owner = dr.select(hit.is_valid() & ~hit.shape.is_emitter(), mi.Int32(-1), mi.Int32(-2))
        for i, body in enumerate(self._bodies):
            owner = dr.select(hit.is_valid() & (hit.shape == body), i, owner)
        albedo = dr.select(owner > -2, hit.bsdf().eval_diffuse_reflectance(hit, owner > -2), 1.0)
        dr.eval(owner, hit.p, hit.n, albedo)
        shape = directions.shape
        return FirstHits(
            owner=np.array(owner).reshape(shape[:2]),
            position=np.nan_to_num(np.array(hit.p).T.reshape(shape), posinf=0.0, neginf=0.0),
            normal=np.nan_to_num(np.array(hit.n).T.reshape(shape)),
            albedo=np.clip(np.array(albedo).T.reshape(shape), 0.02, 1.0),
        )

    def _point(self, point: Float[np.ndarray, " 3"]) -> Any:
        """A point that is data, not part of the kernel: another place compiles nothing."""
        coordinates = [self._dr.opaque(self._mi.Float, float(x)) for x in point]
        return self._mi.Point3f(*coordinates)

    def _bsdf(self, look: Appearance, seed: int) -> Any:
        mi = self._mi
        if look.clear:
            return mi.load_dict({"type": "thindielectric"})
        texels = mi.Bitmap(texture(look, seed).astype(np.float32))
        colour = {"type": "bitmap", "bitmap": texels, "raw": True, "wrap_mode": "repeat"}
        alpha = max(look.roughness**2, 0.02)
        inner: dict[str, Any]
        if look.metallic > 0.5:
            inner = {"type": "roughconductor", "alpha": alpha, "specular_reflectance": colour}
        elif look.roughness >= 0.7:
            inner = {"type": "diffuse", "reflectance": colour}
        else:
            inner = {"type": "roughplastic", "alpha": alpha, "diffuse_reflectance": colour}
        return mi.load_dict({"type": "twosided", "b": inner})

    def _mesh(
        self,
        name: str,
        vertices: Float[np.ndarray, "v 3"],
        faces: Int[np.ndarray, "f 3"],
        bsdf: Any,
        uv: Float[np.ndarray, "v 2"] | None = None,
        colours: Float[np.ndarray, "f 3"] | None = None,
        smooth: bool = False,
    ) -> Any:
        mi = self._mi
        props = mi.Properties()
        props["mesh_bsdf"] = bsdf
        props["face_normals"] = not smooth
        mesh = mi.Mesh(name, len(vertices), len(faces), props, smooth, uv is not None)
        if colours is not None:
            mesh.add_attribute("face_color", 3, colours.astype(np.float32).ravel())
        params = mi.traverse(mesh)
        params["vertex_positions"] = mi.Float(vertices.astype(np.float32).ravel())
        params["faces"] = mi.UInt32(faces.astype(np.uint32).ravel())
        if uv is not None:
            params["vertex_texcoords"] = mi.Float(uv.astype(np.float32).ravel())
        params.update()
        return mesh

    def _lights(self, world: World) -> dict[str, Any]:
        mi = self._mi
        lights: dict[str, Any] = {}
        place = mi.ScalarTransform4f()
        for i, panel in enumerate(world.panels):
            half = [panel.size[0] / 2, panel.size[1] / 2, 1]
            lights[f"panel{i}"] = {
                "type": "rectangle",
                "to_world": place.translate(list(panel.center)).rotate([1, 0, 0], 180).scale(half),
                "emitter": {"type": "area", "radiance": {"type": "rgb", "value": panel.radiance}},
            }
        if world.sky > 0:
            up = np.cos(np.linspace(0, np.pi, 32))[:, None]  # row 0 is the zenith
            zenith, horizon, earth = np.array(
                [[0.45, 0.62, 0.95], [0.9, 0.95, 1.0], [0.3, 0.29, 0.27]]
            )
            sky = np.where(up > 0, horizon + np.clip(up, 0, 1) ** 0.5 * (zenith - horizon), earth)
            image = np.tile(world.sky * sky[:, None], (1, 64, 1)).astype(np.float32)
            lights["sky"] = {
                "type": "envmap",
                "bitmap": mi.Bitmap(image),
                "to_world": place.rotate([1, 0, 0], 90),
            }
        if world.sun > 0:
            lights["sun"] = {
                "type": "directional",
                "direction": [0.5, 0.45, -0.75],
                "irradiance": {"type": "rgb", "value": [world.sun * c for c in (1.0, 0.95, 0.85)]},
            }
        return lights
