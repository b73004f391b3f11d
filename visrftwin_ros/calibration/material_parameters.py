"""Materials as numbers that may take any value, and what is known of them before a sounding.

As in the paper's (7) to (9), sigma = exp(a), eps_r = 1 + exp(b), S = sigmoid(c), and the thickness of a
slab exp(d), so that every value is one that a material can have. The surfaces of one material share
its values.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.special import expit, logit

from visrftwin_ros.materials.material_spread import PRIOR_SD, QUANTITIES
from visrftwin_ros.materials.table import MaterialValues
from visrftwin_ros.scene.surfaces import SurfaceMesh

_LOW = (1.02, 1e-6, 5e-4, 1e-3)
_HIGH = (99.0, 1e7, 9.0, 0.999)
"""Of a `MaterialEntry`, with some room."""


@dataclass(frozen=True)
class MaterialParameters:
    """K free numbers of the C materials of a scene's surfaces.

    materials: (C,) as they are before. of_surface: (surfaces,) index into them. material, quantity:
    (K,) whose number it is, and which of QUANTITIES. mean, sd: (K,) of the prior, normal and
    independent. A quantity that the material has at its end, as a permittivity of 1 or a surface that
    does not scatter at all, is not free: no path was traced that could tell.
    """

    materials: tuple[MaterialValues, ...]
    of_surface: Int[np.ndarray, " surfaces"]
    material: Int[np.ndarray, " k"]
    quantity: Int[np.ndarray, " k"]
    mean: Float[np.ndarray, " k"]
    sd: Float[np.ndarray, " k"]

    @classmethod
    def of(
        cls, meshes: Sequence[SurfaceMesh], learnt: Collection[str] | None = None
    ) -> MaterialParameters:
        """Of the materials of `meshes`, at their values there; free are those of the surfaces `learnt`
        (default all), which share no values with the others any more."""
        parts = [(m.material, learnt is None or m.name in learnt) for m in meshes]
        distinct = tuple(dict.fromkeys(parts))
        materials = tuple(material for material, _ in distinct)
        table = np.array([[getattr(m, name) for name in QUANTITIES] for m in materials])
        free = (table > np.array(_LOW)) & (table < np.array(_HIGH))
        free &= np.array([of_learnt for _, of_learnt in distinct])[:, None]
        material, quantity = np.nonzero(free)
        return cls(
            materials=materials,
            of_surface=np.array([distinct.index(part) for part in parts]),
            material=material,
            quantity=quantity,
            mean=_unbounded(table[material, quantity], quantity),
            sd=np.array(PRIOR_SD)[quantity],
        )

    def __len__(self) -> int:
        return len(self.mean)

    @property
    def names(self) -> tuple[str, ...]:
        """(K,) "concrete conductivity", ..."""
        return tuple(
            f"{self.materials[m].name} {QUANTITIES[q]}"
            for m, q in zip(self.material, self.quantity, strict=True)
        )

    def values(self, numbers: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """The quantities that these numbers stand for, in their own units."""
        q = self.quantity
        with np.errstate(over="ignore"):
            grown = np.exp(numbers)
        plain = np.select([q == 0, q == 3], [1 + grown, expit(numbers)], grown)
        return np.clip(plain, np.array(_LOW)[q], np.array(_HIGH)[q])

    def materials_at(self, numbers: Float[np.ndarray, " k"]) -> tuple[MaterialValues, ...]:
        """(C,) the materials of these numbers."""
        changed: list[dict[str, Any]] = [{} for _ in self.materials]
        for m, q, value in zip(self.material, self.quantity, self.values(numbers), strict=True):
            changed[m][QUANTITIES[q]] = float(value)
        return tuple(replace(old, **new) for old, new in zip(self.materials, changed, strict=True))

    def meshes_at(
        self, numbers: Float[np.ndarray, " k"], meshes: Sequence[SurfaceMesh]
    ) -> tuple[SurfaceMesh, ...]:
        """`meshes` of the materials of these numbers."""
        materials = self.materials_at(numbers)
        return tuple(
            replace(mesh, material=materials[of])
            for mesh, of in zip(meshes, self.of_surface, strict=True)
        )


def _unbounded(
    values: Float[np.ndarray, " k"], quantity: Int[np.ndarray, " k"]
) -> Float[np.ndarray, " k"]:
    result = np.log(values)
    permittivity, scattering = quantity == 0, quantity == 3
    result[permittivity] = np.log(values[permittivity] - 1)
    result[scattering] = logit(values[scattering])
    return result
