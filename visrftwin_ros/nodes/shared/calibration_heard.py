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
from visrftwin_ros.site.model import Site
from visrftwin_ros.site.residual_map import ResidualMap
from visrftwin_ros.twin.engine import TwinEngine
from visrftwin_ros.twin.static_twin import StaticTwin, searched, with_materials, with_residuals

_POLL_PERIOD = 0.1
SAME_BAND = 0.05
"""Share of the carrier within which a material's values are those of the site's."""


class CalibrationHeard:
    """Has the `engine` of `node` take over `material_estimates` and `path_loss_residuals`.

    Those that come within a moment are one change, as a map belongs to the materials that it was found with;
    while one is made only the newest of each wait.
    A surface that a message leaves out, or of which no sounding told, goes back to the site's material
    where an earlier message had changed it; those that `set_material` set stay.
    """

    def __init__(self, node: TwinNode, engine: TwinEngine, site: Site) -> None:
        """site: the whole, of which the engine's may have some access points only."""
        self._node, self._engine = node, engine
        self._names = tuple(ap.name for ap in site.access_points)
        self._own = {mesh.name: mesh.material for mesh in surface_meshes(engine.site)}
        self._set: frozenset[str] = frozenset()  # surfaces
        self._materials: dict[str, MaterialValues] | None = None  # that wait, like the next
        self._residuals: ResidualMap | None = None
        self._unsearched = ""  # what changed so that paths are to be searched for
        self._change: tuple[str, Future[StaticTwin]] | None = None  # that is made
        node.subscription(MaterialEstimates, "material_estimates", self._on_estimates, LATCHED_QOS)
        node.subscription(PathLossResiduals, "path_loss_residuals", self._on_residuals, LATCHED_QOS)
        node.timer(_POLL_PERIOD, self._poll)

    def _on_estimates(self, message: MaterialEstimates) -> None:
        try:
            self._materials = self._told(message)
        except TwinError as error:
            self._node.report("calibration", WARN, f"estimates left out: {error}")

    def _told(self, message: MaterialEstimates) -> dict[str, MaterialValues]:
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
        if unknown := sorted(set(message.access_points) - set(self._names)):
            told = f"residuals left out: no access point {', '.join(unknown)}"
            self._node.report("calibration", WARN, f"{told}; the site has {', '.join(self._names)}")
            return
        own = [ap.name for ap in self._engine.site.access_points]
        self._residuals = residuals_from_message(message).of(own)

    def _poll(self) -> None:
        if self._change is not None:
            if not self._change[1].done():
                return
            (what, made), self._change = self._change, None
            self._made(what, made)
        told, residuals = self._materials, self._residuals
        if told is not None or residuals is not None:
            self._materials = self._residuals = None
            self._begin(told, residuals)
        elif self._unsearched:
            what = f"{self._unsearched}; every scattered path was searched for"
            self._change, self._unsearched = (what, self._engine.change(searched)), ""

    def _begin(self, told: dict[str, MaterialValues] | None, residuals: ResidualMap | None) -> None:
        what, materials = [], {}
        if told is not None:
            gone = {name: self._own[name] for name in self._set - set(told)}
            self._set, materials = frozenset(told), {**told, **gone}
            what.append(f"{len(told)} surfaces have calibrated materials")
        if residuals is not None:
            what.append(f"{len(residuals)} soundings correct the path loss")
        self._change = "; ".join(what), self._engine.change(_calibrated, materials, residuals)

    def _made(self, what: str, made: Future[StaticTwin]) -> None:
        try:
            twin = made.result()
        except TwinError as error:
            self._node.report("calibration", WARN, f"not taken over: {error}")
            return
        self._node.report("calibration", OK, what)
        self._unsearched = what if twin.unsearched else ""


def _calibrated(
    twin: StaticTwin, materials: dict[str, MaterialValues], residuals: ResidualMap | None
) -> StaticTwin:
    if materials:
        twin = with_materials(twin, materials)
    return twin if residuals is None else with_residuals(twin, residuals)


def _material(surface: str, slab: MaterialValues, values: dict[str, float]) -> MaterialValues:
    thickness = values.pop("thickness")
    name = f"{surface} as calibrated"
    return literal_material(name, replace(slab, thickness=thickness), values)
