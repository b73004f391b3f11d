"""What radios report at work teaches the same, and what cannot be true does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sounded_yard import AP, REFERENCE_DB, places, sounding

from visrftwin_ros.calibration.sounded_paths import traced_paths_of
from visrftwin_ros.calibration.soundings import Soundings
from visrftwin_ros.calibration.telemetry import TelemetryCalibration
from visrftwin_ros.calibration.telemetry_cells import Reading, TelemetryCells, soundings_of
from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.paths.path_set import PathSet, empty
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.model import Site

OFFSET_DB = 2.0


def reading(at: float, place: np.ndarray, power_db: float, **more: object) -> Reading:
    """Of a radio that knows what it sends: 40 dB of beams, of which the twin knows."""
    given = {
        "at": at, "tx": "mast", "rx": "robot", "place": place, "measured_db": power_db + 40.0,
        "predicted_db": -20.0, "free_db": -60.0, "shadow_db": 0.0, **more,
    }  # fmt: skip
    return Reading(**given)


def true_power_db(place: np.ndarray) -> float:
    """By the textbook, without noise to speak of."""
    gain = sounding(place, np.random.default_rng(0), 0).paths.gain_db - REFERENCE_DB
    return float(10 * np.log10(np.sum(10 ** (gain / 10))))


def furniture_db(place: np.ndarray) -> float:
    """Of what the site does not have."""
    return 4.0 * float(np.sin(0.5 * place[0]) * np.cos(0.4 * place[1]))


class Drive:
    """A robot that drives about the yard, and what its radio says."""

    def __init__(self, site: Site) -> None:
        meshes = surface_meshes(site)

        def trace(soundings: Soundings) -> PathSet:
            return traced_paths_of(soundings, site, meshes, None)

        self.calibration = TelemetryCalibration(site, meshes, trace)
        self.places = places(40)
        self.at = 0.0
        self._rng = np.random.default_rng(5)

    def round(self, off_db: float = OFFSET_DB, times: int = 4) -> None:
        """Some readings in every place, `off_db` over the truth."""
        for place in self.places:
            power = true_power_db(place) + off_db + furniture_db(place)
            for _ in range(times):
                self.at += 0.5
                noise = self._rng.normal(0, 1.0)
                self.calibration.heard.hear(reading(self.at, place, power + noise))


@pytest.fixture(scope="module")
def driven(site: Site) -> Drive:
    drive = Drive(site)
    assert not drive.calibration.ready
    drive.round()
    assert drive.calibration.ready
    return drive


def test_a_drive_corrects_what_is_predicted_where_nobody_learnt(driven: Drive) -> None:
    step = driven.calibration.step()
    assert step.adopted and step.changed == ""
    assert step.after_db < 0.8 * step.before_db
    assert step.after_db < 1.2
    devices = step.belief.access_points[0] + step.belief.robots["robot"]
    assert devices == pytest.approx(OFFSET_DB, abs=1.0)
    told = {one.surface: one for one in step.estimates}
    assert told["south"].soundings > 0 == told["shed"].soundings
    assert (np.linalg.eigvalsh(told["south"].covariance) > -1e-12).all()


def test_a_device_that_loses_power_is_named_and_learnt_anew(driven: Drive) -> None:
    driven.calibration.step()
    driven.round(OFFSET_DB - 9.0)
    step = driven.calibration.step()
    assert "mast" in step.changed and "robot" in step.changed  # of one link nobody can tell
    driven.round(OFFSET_DB - 9.0)
    step = driven.calibration.step()
    assert step.changed == ""
    devices = step.belief.access_points[0] + step.belief.robots["robot"]
    assert devices == pytest.approx(OFFSET_DB - 9.0, abs=1.0)


def test_a_step_that_spoils_what_is_kept_aside_is_rolled_back(
    driven: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = driven.calibration.step().belief
    spoilt = replace(before, access_points=before.access_points + 20)
    monkeypatch.setattr(driven.calibration, "_learnt", lambda *_: spoilt)
    step = driven.calibration.step()
    assert not step.adopted and step.belief is driven.calibration.belief is not spoilt


def test_the_first_step_is_compared_with_the_site_as_given_and_its_devices_learnt(
    driven: Drive, site: Site
) -> None:
    again = TelemetryCalibration(
        site, surface_meshes(site), driven.calibration._trace, driven.calibration.heard
    )
    step = again.step()
    # All radios 6 dB stronger: the reference of a device is no merit of the materials'.
    louder = TelemetryCells(
        {
            key: replace(cell, mean_db=cell.mean_db + 6.0)
            for key, cell in driven.calibration.heard.cells.items()
        }
    )
    there = TelemetryCalibration(site, surface_meshes(site), driven.calibration._trace, louder)
    loud = there.step()
    assert step.before_db < 10 and loud.before_db == pytest.approx(step.before_db, abs=1.0)


def test_a_map_that_is_known_stays_until_a_better_one_is_found(
    driven: Drive, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = replace(driven.calibration.belief.residuals)
    meshes, trace = surface_meshes(site), driven.calibration._trace
    again = TelemetryCalibration(site, meshes, trace, driven.calibration.heard, known)
    spoilt = replace(driven.calibration.belief, access_points=np.full(1, 50.0))
    monkeypatch.setattr(again, "_learnt", lambda *_: spoilt)
    step = again.step()
    assert not step.adopted and step.belief.residuals is known


def test_cells_that_no_path_reaches_teach_nothing_and_are_told(site: Site) -> None:
    meshes = surface_meshes(site)

    def nothing(soundings: Soundings) -> PathSet:
        ends = tuple((tx, str(i)) for i, tx in enumerate(soundings.tx))
        return empty(ends, 2)

    calibration = TelemetryCalibration(site, meshes, nothing)
    for i, place in enumerate(places(40)):
        calibration.heard.hear(reading(float(i), place, -70.0))
    assert calibration.ready
    count = len(calibration.heard.cells)
    with pytest.raises(TwinError, match=f"paths reach 0 of {count} cells"):
        calibration.step()
    assert not calibration.ready


def test_a_shadow_that_was_foreseen_is_not_blamed_on_the_place() -> None:
    cells = TelemetryCells()
    for i in range(50):
        deep = 15.0 if i % 2 else 0.0
        off = 5.0 if i % 2 else 0.0  # the shadow is 5 dB deeper than foreseen
        one = reading(float(i), AP, -70.0 - deep - off, predicted_db=-20.0 - deep, shadow_db=deep)
        cells.hear(one)
    (cell,) = cells.cells.values()
    assert cell.mean_db == pytest.approx(-70.0, abs=0.7)


def test_what_is_no_number_or_old_is_left_out() -> None:
    cells = TelemetryCells()
    cells.hear(reading(1.0, AP, -70.0))
    cells.hear(reading(1.0, AP, -10.0))
    cells.hear(reading(2.0, AP, float("nan")))
    cells.hear(reading(3.0, np.array([np.nan, 0, 0]), -70.0))
    cells.hear(reading(4.0, AP, -70.0, predicted_db=float("-inf")))
    (cell,) = cells.cells.values()
    assert cell.count == 1 and soundings_of(cells.cells).power_db[0] == -70.0


def test_a_radio_that_says_the_same_whatever_happens_is_named_until_it_moves() -> None:
    cells, wave = TelemetryCells(), 6 * np.sin(np.arange(200) / 3)
    for i in range(60):
        cells.hear(reading(float(i), AP, -70.0, predicted_db=-20.0 + wave[i]))
    assert "mast-robot reports -30 dB whatever happens" in cells.refused.values()
    count = next(iter(cells.cells.values())).count
    assert count < 45
    for i in range(60, 62):
        cells.hear(reading(float(i), AP, -70.0 + wave[i], predicted_db=-20.0 + wave[i]))
    assert not cells.refused


def test_robots_that_report_under_each_others_names_are_named() -> None:
    cells, rng = TelemetryCells(), np.random.default_rng(2)
    waves = {"robot": 8 * np.sin(np.arange(80) / 5), "other": 8 * np.cos(np.arange(80) / 7)}
    partner = {"robot": "other", "other": "robot"}
    for i in range(80):
        for name, wave in waves.items():
            heard = waves[partner[name]][i] + rng.normal(0, 1)
            one = reading(
                i + 0.1 * (name == "other"), AP, -70 + heard, predicted_db=-20.0 + wave[i]
            )
            cells.hear(replace(one, rx=name))
    assert set(cells.refused) == {"robot", "other"}
    assert "other's names" in cells.refused["robot"]
