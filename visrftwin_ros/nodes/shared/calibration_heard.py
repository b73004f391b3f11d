"""What calibration publishes, taken into a live twin beside its updates."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace

from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import MaterialValues, literal_material
from visrftwin_ros.messages.calibration import residuals_from_message, values_from_estimates
from visrftwin_ros.msg import MaterialEstimates, PathLossResiduals
from visrftwin_ros.nodes.shared.twin_node import LATCHED_QOS, OK, WARN, TwinNode
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.twin.engine import TwinEngine
from visrftwin_ros.twin.static_twin import StaticTwin, searched, with_materials, with_residuals

_POLL_PERIOD = 0.1
SAME_BAND = 0.05
"""Share of the carrier within which a material's values are those of the site's."""


class CalibrationHeard:
    """Has the `engine` of `node` take over `material_estimates` and `path_loss_residuals`.

    A surface that a message leaves out, or of which no sounding told, goes back to the site's material
    where an earlier message had changed it; those that `set_material` set stay.
    """

    def __init__(self, node: TwinNode, engine: TwinEngine) -> None:
        self._node, self._engine = node, engine
        self._own = {mesh.name: mesh.material for mesh in surface_meshes(engine.site)}
        self._set: frozenset[str] = frozenset()  # surfaces
        self._pending: list[tuple[str, Future[StaticTwin]]] = []
        node.subscription(MaterialEstimates, "material_estimates", self._on_estimates, LATCHED_QOS)
        node.subscription(PathLossResiduals, "path_loss_residuals", self._on_residuals, LATCHED_QOS)
        node.timer(_POLL_PERIOD, self._poll)

    def _on_estimates(self, message: MaterialEstimates) -> None:
        try:
            told = self._materials(message)
        except TwinError as error:
            self._node.report("calibration", WARN, f"estimates left out: {error}")
            return
        gone = {name: self._own[name] for name in self._set - set(told)}
        self._set = frozenset(told)
        if told or gone:
            self._pending.append(
                (
                    f"{len(told)} surfaces have calibrated materials",
                    self._engine.change(with_materials, {**told, **gone}),
                )
            )

    def _materials(self, message: MaterialEstimates) -> dict[str, MaterialValues]:
        carrier = self._engine.site.radio.frequency
        if not abs(message.frequency - carrier) <= SAME_BAND * carrier:
            raise TwinError(
                f"they hold at {message.frequency / 1e9:g} GHz, the site is one of {carrier / 1e9:g} GHz"
            )
        told = values_from_estimates(message)
        if unknown := sorted(set(told) - set(self._own)):
            raise TwinError(f"no surface {', '.join(unknown)}; the site has {', '.join(self._own)}")
        return {name: _material(name, self._own[name], values) for name, values in told.items()}

    def _on_residuals(self, message: PathLossResiduals) -> None:
        names = {ap.name for ap in self._engine.site.access_points}
        if unknown := sorted(set(message.access_points) - names):
            told = f"residuals left out: no access point {', '.join(unknown)}"
            self._node.report("calibration", WARN, f"{told}; the site has {', '.join(names)}")
            return
        residuals = residuals_from_message(message)
        change = self._engine.change(with_residuals, residuals)
        self._pending.append((f"{len(residuals)} soundings correct the path loss", change))

    def _poll(self) -> None:
        while self._pending and self._pending[0][1].done():
            what, change = self._pending.pop(0)
            try:
                twin = change.result()
            except TwinError as error:
                self._node.report("calibration", WARN, f"not taken over: {error}")
                continue
            self._node.report("calibration", OK, what)
            if twin.unsearched:
                found = self._engine.change(searched)
                self._pending.append((f"{what}, every scattered path was searched for", found))


def _material(surface: str, slab: MaterialValues, values: dict[str, float]) -> MaterialValues:
    thickness = values.pop("thickness")
    name = f"{surface} as calibrated"
    return literal_material(name, replace(slab, thickness=thickness), values)
