"""The static scene as Mitsuba's and as Sionna RT's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from visrftwin_ros.scene.surfaces import SurfaceMesh


def build_scene(meshes: Sequence[SurfaceMesh], frequency: float) -> Any:
    """A `sionna.rt.Scene` with one object and one radio material a surface.

    `prepare` must have run in this process.
    """
    import mitsuba as mi
    import sionna.rt as rt

    scene = rt.Scene()
    scene.frequency = frequency
    objects = []
    for mesh in meshes:
        values = mesh.material
        properties = mi.Properties()
        # Two surfaces of one material name need not be of the same values.
        properties["bsdf"] = rt.RadioMaterial(
            f"material of {mesh.name}",
            thickness=values.thickness,
            relative_permittivity=values.relative_permittivity,
            conductivity=values.conductivity,
            scattering_coefficient=values.scattering_coefficient,
        )
        objects.append(rt.SceneObject(mi_mesh=_shape(mesh, properties), name=mesh.name))
    scene.edit(add=objects)
    return scene


def build_shapes(meshes: Sequence[SurfaceMesh]) -> Any:
    """A `mitsuba.Scene` of the surfaces alone, for what only asks where rays meet them.

    `prepare` must have run in this process. Without Sionna, whose import takes most of a second.
    """
    import mitsuba as mi

    shapes = {f"surface{i}": _shape(mesh, mi.Properties()) for i, mesh in enumerate(meshes)}
    return mi.load_dict({"type": "scene", **shapes})


def _shape(mesh: SurfaceMesh, properties: Any) -> Any:
    """The `mitsuba.Mesh` of a surface."""
    import mitsuba as mi

    properties.set_id(mesh.name)
    properties["face_normals"] = True
    shape = mi.Mesh(
        name=mesh.name,
        vertex_count=len(mesh.vertices),
        face_count=len(mesh.faces),
        props=properties,
    )
    buffers = mi.traverse(shape)
    buffers["vertex_positions"] = mi.Float(mesh.vertices.astype(np.float32).ravel())
    buffers["faces"] = mi.UInt32(mesh.faces.astype(np.uint32).ravel())
    buffers.update()
    return shape
