"""What calibration publishes becomes one change of the twin at a time, the newest."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.calibration import residuals_message
from visrftwin_ros.msg import MaterialEstimate, MaterialEstimates
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.shared.calibration_heard import CalibrationHeard
from visrftwin_ros.nodes.shared.twin_node import OK, WARN
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.residual_map import ResidualMap
from visrftwin_ros.twin.static_twin import searched


class Twin:
    """Stands for a node and its engine: keeps what is reported, and changes that somebody has yet to make."""

    def __init__(self, site: Path) -> None:
        self.site = load_site(str(site))
        self.hears: dict[str, Callable[[Any], None]] = {}
        self.reports: list[tuple[bytes, str]] = []
        self.changes: list[tuple[Any, tuple[Any, ...], Future[Any]]] = []

    def subscription(
        self, kind: type, topic: str, callback: Callable[[Any], None], qos: Any
    ) -> None:
        self.hears[topic] = callback

    def timer(self, period: float, callback: Callable[[], None]) -> None:
        self.poll = callback

    def report(self, subject: str, level: bytes, text: str) -> None:
        self.reports.append((level, text))

    def change(self, make: Any, *arguments: Any) -> Future[Any]:
        self.changes.append((make, arguments, Future()))
        return self.changes[-1][2]

    def estimated(self, *surfaces: str) -> None:
        """A message, of glass."""
        materials = [
            MaterialEstimate(
                surface=surface, relative_permittivity=6.3, conductivity=0.2, thickness=0.02,
                soundings=3,
            )
            for surface in surfaces
        ]  # fmt: skip
        message = MaterialEstimates(frequency=self.site.radio.frequency, materials=materials)
        self.hears["material_estimates"](message)

    def off(self, count: int) -> None:
        """A message of a map of so many soundings."""
        found = ResidualMap(
            ("ap",) * count, np.zeros((count, 3)), np.ones(count), np.ones(count), 1.0, 2.0, 3.0
        )
        self.hears["path_loss_residuals"](residuals_message(made, 1, "world", found))


@pytest.fixture
def twin(small_site: Path) -> Twin:
    twin = Twin(small_site)
    CalibrationHeard(twin, twin, twin.site)
    return twin


def test_one_of_several_predictors_takes_what_is_of_its_access_points(small_site: Path) -> None:
    whole, twin = load_site(str(small_site)), Twin(small_site)
    other = whole.access_points[0].model_copy(update={"name": "other"})
    twin.site = whole.model_copy(update={"access_points": [other]})
    both = whole.model_copy(update={"access_points": [*whole.access_points, other]})
    CalibrationHeard(twin, twin, both)
    twin.off(2)
    twin.poll()
    ((_, (_, residuals), _),) = twin.changes
    assert len(residuals) == 0 and twin.reports == []


def test_materials_and_their_map_are_one_change_and_of_many_the_newest_is_made(twin: Twin) -> None:
    twin.estimated("wall")
    twin.off(2)
    twin.poll()
    ((_, (materials, residuals), first),) = twin.changes
    assert list(materials) == ["wall"] and materials["wall"].relative_permittivity == 6.3
    assert len(residuals) == 2
    for count in range(3, 103):
        twin.estimated("floor")
        twin.off(count)
        twin.poll()
    assert len(twin.changes) == 1
    first.set_result(SimpleNamespace(unsearched=frozenset({"wall"})))
    twin.poll()
    _, (materials, residuals), second = twin.changes[1]
    assert len(residuals) == 102
    assert materials["floor"].relative_permittivity == 6.3
    assert materials["wall"].name == "brick"  # told of no more: as the site has it
    second.set_result(SimpleNamespace(unsearched=frozenset({"wall"})))
    twin.poll()
    make, _, third = twin.changes[2]
    assert make is searched
    third.set_result(SimpleNamespace(unsearched=frozenset()))
    twin.poll()
    twin.poll()
    assert len(twin.changes) == 3
    assert twin.reports[-1][0] == OK and "102 soundings" in twin.reports[-1][1]


def test_a_change_that_cannot_be_made_is_told_and_the_next_one_is_made(twin: Twin) -> None:
    twin.off(1)
    twin.poll()
    twin.changes[0][2].set_exception(TwinError("no memory"))
    twin.off(2)
    twin.poll()
    assert twin.reports == [(WARN, "not taken over: no memory")]
    assert len(twin.changes) == 2
