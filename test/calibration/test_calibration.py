"""Materials come out as they went in, are as sure as they say, and stay where nothing was seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sounded_yard import TRUTH, campaign, places

from visrftwin_ros.calibration import estimate as estimation
from visrftwin_ros.calibration.calibrated_site import REPORT, write_calibrated_site
from visrftwin_ros.calibration.calibration import Calibration
from visrftwin_ros.calibration.estimate import StoppedError, estimated
from visrftwin_ros.calibration.material_parameters import MaterialParameters
from visrftwin_ros.calibration.model_error import ModelError, trust_of
from visrftwin_ros.calibration.report import report_of, text_of
from visrftwin_ros.calibration.residuals import fitted_residuals
from visrftwin_ros.calibration.sounding_model import SoundingModel
from visrftwin_ros.calibration.soundings import joined, usable_soundings
from visrftwin_ros.errors import TwinError
from visrftwin_ros.scene.site_check import describe
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.model import Site
from visrftwin_ros.site.residual_map import NO_RESIDUALS, site_residuals


def test_permittivities_are_recovered_within_their_intervals(found: Calibration) -> None:
    materials = report_of(found)["materials"]
    for name, (permittivity, _, thickness) in TRUTH.items():
        values = materials[name]["values"]
        low, high = values["relative_permittivity"]["interval"]
        assert low < permittivity < high
        low, high = values["thickness"]["interval"]
        assert low < thickness < high
    # The walls' echoes are a tenth of the power, the floor's grazing one hardly shows in it.
    learnt = {name: materials[name]["values"]["relative_permittivity"]["learnt"] for name in TRUTH}
    assert learnt["panel"] > 0.5 > learnt["slab"] > 0.1


def test_soundings_kept_aside_are_predicted_better_and_within_the_interval(
    found: Calibration,
) -> None:
    aside = report_of(found)["aside"]
    for what in ("power", "delay_spread"):
        before, after = (aside[what][when] for when in ("before", "after"))
        assert after["rms"] < before["rms"]
    assert aside["power"]["after"]["rms"] < 0.75
    assert after["median"] < 0.75 * before["median"]
    assert aside["power"]["interval_covers"] >= 0.8


def test_the_reference_of_the_power_comes_out(found: Calibration) -> None:
    own = report_of(found)["access_points"]["mast"]
    assert own["offset_db"] == pytest.approx(37.0, abs=3 * own["offset_sd_db"])


def test_slopes_are_those_of_the_readings(found: Calibration) -> None:
    model, numbers = found.aside, 0.3 * np.ones(len(found.aside.mean))
    readings, step = model.readings(numbers), 1e-4
    for x in range(len(numbers)):
        around = [model.readings(numbers + s * step * np.eye(len(numbers))[x]) for s in (-1, 1)]
        power = (around[1].power_db - around[0].power_db) / (2 * step)
        spread = (around[1].spread_db - around[0].spread_db) / (2 * step)
        np.testing.assert_allclose(readings.power_slopes[:, x], power, atol=2e-3)
        np.testing.assert_allclose(readings.spread_slopes[:, x], spread, atol=2e-3)


def test_a_surface_that_no_sounding_met_keeps_its_material_and_is_named(
    found: Calibration,
) -> None:
    assert found.unseen == ("shed",)
    assert found.materials[3] == found.known.sounded.meshes[3].material
    assert found.materials[0] != found.known.sounded.meshes[0].material
    assert "no sounding met shed" in text_of(report_of(found))


def test_what_predicts_the_soundings_kept_aside_worse_is_not_adopted(found: Calibration) -> None:
    assert found.adopted
    astray = found.estimate.numbers.copy()
    astray[: found.known.n_materials] -= 2
    spoilt = replace(found, estimate=replace(found.estimate, numbers=astray))
    assert not spoilt.adopted
    assert spoilt.materials == tuple(mesh.material for mesh in found.known.sounded.meshes)
    assert "every surface keeps its material" in text_of(report_of(spoilt))


def test_the_new_site_has_the_materials_and_passes_its_check(
    found: Calibration, tmp_path: Path
) -> None:
    folder, report = tmp_path / "new", report_of(found)
    new = found.materials, NO_RESIDUALS, report
    site = write_calibrated_site(found.site, *new, folder, force=False)
    assert "slab_sounded" in describe(site) and (folder / REPORT).exists()
    value = site.materials["panel_sounded"].relative_permittivity
    assert value == found.materials[1].relative_permittivity
    assert site.scene[1].material == site.scene[2].material == "panel_sounded"
    assert site.scene[3].material == "wood"
    with pytest.raises(TwinError, match="--force"):
        write_calibrated_site(found.site, *new, folder, force=False)


def test_one_sounding_far_off_is_trusted_less() -> None:
    error = np.array([0.3, -0.5, 0.2, 12.0, -0.1])
    trust = trust_of(error, np.diag(np.ones(5)))
    assert trust[3] < 0.1
    assert (np.delete(trust, 3) == 1).all()


def test_errors_that_near_places_share_are_found(site: Site) -> None:
    soundings, _ = usable_soundings(campaign(places(120)), site)
    true = ModelError(alone_db=0.5, shared_db=3.0, reach=4.0)
    covariance, trust = true.of_powers(soundings, np.ones(120)), np.ones(120)
    error = np.linalg.cholesky(covariance) @ np.random.default_rng(4).normal(size=120)
    found = ModelError().fitted_to(soundings, trust, error, np.zeros((120, 1)))
    assert found.alone_db == pytest.approx(0.5, rel=0.5)
    assert found.shared_db == pytest.approx(3.0, rel=0.35)
    assert 2.0 < found.reach < 8.0


def furnished(found: Calibration, sd_db: float) -> Calibration:
    """With an error that near places share: what a site without furniture misses."""
    models = found.known, found.aside
    soundings = joined([model.soundings for model in models])
    error = ModelError(alone_db=0.3, shared_db=sd_db, reach=8.0)
    covariance = error.of_powers(soundings, np.ones(len(soundings)))
    off = np.linalg.cholesky(covariance) @ np.random.default_rng(7).normal(size=len(soundings))
    parts = np.split(off, [len(found.known.soundings)])
    changed = [
        replace(model, soundings=replace(model.soundings, power_db=model.soundings.power_db + part))
        for model, part in zip(models, parts, strict=True)
    ]
    return replace(found, known=changed[0], aside=changed[1])


def test_what_near_places_share_goes_into_the_new_site_and_is_written(
    found: Calibration, tmp_path: Path
) -> None:
    changed = furnished(found, 4.0)
    without, with_map = (np.sqrt(np.mean(e**2)) for e in changed.aside_errors_db)
    assert with_map < 0.75 * without
    residuals, report = changed.residuals, report_of(changed)
    by_site, by_map, sd = changed.predicted_db(changed.aside)
    measured = changed.aside.soundings.power_db
    assert np.mean((by_map - measured) ** 2) < np.mean((by_site - measured) ** 2) / 2
    assert (sd < 4).all()
    assert len(residuals) == 50 and report["residuals"]["adopted"]
    assert "with what near soundings are still off" in text_of(report)
    new = changed.materials, residuals, report
    site = write_calibrated_site(changed.site, *new, tmp_path / "new", force=False)
    places = changed.aside.soundings
    np.testing.assert_allclose(
        site_residuals(site).at(places.tx, places.position)[0],
        residuals.at(places.tx, places.position)[0],
        atol=1e-9,
    )


def test_a_map_that_helps_nothing_kept_aside_is_left_out(found: Calibration) -> None:
    spoilt = furnished(found, 4.0)
    mirrored = spoilt.aside.soundings.power_db - 2 * spoilt.aside_errors_db[0] * -1
    aside = replace(spoilt.aside, soundings=replace(spoilt.aside.soundings, power_db=mirrored))
    assert replace(spoilt, aside=aside).residuals is NO_RESIDUALS
    alone = spoilt.aside.take(np.arange(0))
    assert replace(spoilt, aside=alone).residuals is NO_RESIDUALS


def test_a_map_that_the_site_has_stays_unless_another_or_none_does_better(
    found: Calibration,
) -> None:
    changed = furnished(found, 4.0)
    known = changed.residuals
    assert len(known)
    # Fewer soundings make a worse map of the same place.
    again = replace(changed, known=changed.known.take(np.arange(8)), site_residuals=known)
    assert again.residuals is known
    spoilt = replace(known, residual_db=-known.residual_db)
    assert replace(again, site_residuals=spoilt).residuals is not spoilt
    alone = replace(changed, aside=changed.aside.take(np.arange(0)), site_residuals=known)
    assert alone.residuals is known


def test_the_reference_of_the_sounder_is_no_part_of_the_map(found: Calibration) -> None:
    soundings, expected = found.known.soundings, found.known.soundings.power_db - 20.0
    fitted = fitted_residuals(soundings, expected, found.known.access_points, 30.0)
    assert fitted.offset_db[0] == pytest.approx(20.0, abs=0.1)
    assert np.abs(fitted.residuals.residual_db).max() < 0.1
    absolute = fitted_residuals(soundings, expected, found.known.access_points, 1.0)
    assert absolute.offset_db[0] < 10


def test_ctrl_c_keeps_the_best_until_then(
    found: Calibration, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    whole = SoundingModel.readings

    def stopped(model: SoundingModel, numbers: np.ndarray) -> object:
        nonlocal asked
        asked += 1
        if asked == 4:
            raise KeyboardInterrupt
        return whole(model, numbers)

    monkeypatch.setattr(SoundingModel, "readings", stopped)
    early = estimated(found.known)
    assert not early.complete

    def left(numbers: np.ndarray) -> float:
        return float(np.mean(estimation.errors_of(found.known, numbers)[0] ** 2))

    assert left(early.numbers) < left(np.zeros(len(early.numbers)))


def test_who_is_told_of_the_progress_may_stop_it_and_has_the_best(found: Calibration) -> None:
    beats = 0

    def beat() -> None:
        nonlocal beats
        beats += 1
        if beats == 5:
            raise StoppedError

    early = estimated(found.known, beat=beat)
    assert not early.complete and beats == 5

    def left(numbers: np.ndarray) -> float:
        return float(np.mean(estimation.errors_of(found.known, numbers)[0] ** 2))

    assert left(early.numbers) < left(np.zeros(len(early.numbers)))


def test_only_the_named_surfaces_are_learnt_and_share_nothing_with_the_rest(site: Site) -> None:
    meshes = surface_meshes(site)
    every, some = MaterialParameters.of(meshes), MaterialParameters.of(meshes, ("south",))
    assert len(some) < len(every)
    changed = some.meshes_at(some.mean + 0.5, meshes)
    names = [new.name for old, new in zip(meshes, changed, strict=True) if new != old]
    assert names == ["south"]


def test_one_sounding_is_refused(site: Site) -> None:
    with pytest.raises(TwinError, match=r"1 sounding\(s\) that can be used .* at least 5"):
        usable_soundings(campaign(places(1)), site)


def test_soundings_from_one_place_are_refused(site: Site) -> None:
    at_one = np.tile(places(1), (30, 1))
    with pytest.raises(TwinError, match="one place cannot tell the surfaces"):
        usable_soundings(campaign(at_one), site)


def test_soundings_without_a_power_or_off_the_site_are_left_out_and_counted(site: Site) -> None:
    whole = campaign(places(12))
    first, second, third, *others = whole.snapshots
    silent = replace(first.paths, gain_db=np.full(4, np.nan))
    changed = (
        replace(first, paths=silent),
        replace(second, rx_position=np.array([500.0, 0, 1])),
        replace(third, tx="nobody"),
        *others,
    )
    kept, problems = usable_soundings(replace(whole, snapshots=changed), site)
    assert len(kept) == 9
    assert [text.split(": ")[1].split()[0] for text in problems] == ["no", "'robot'", "no"]


def test_a_campaign_of_another_band_is_refused(site: Site) -> None:
    whole = campaign(places(12))
    other = tuple(replace(snapshot, frequency=3.4e9) for snapshot in whole.snapshots)
    with pytest.raises(TwinError, match=r"made at 3\.4 GHz, the site is one of 28 GHz"):
        usable_soundings(replace(whole, snapshots=other), site)


def test_soundings_at_the_end_of_the_receivers_range_are_left_out(site: Site) -> None:
    whole = campaign(places(20))
    clipped = replace(whole.snapshots[0].paths, gain_db=np.array([-30.0, *[np.nan] * 3]))
    changed = [replace(s, paths=clipped) if i < 7 else s for i, s in enumerate(whole.snapshots)]
    kept, problems = usable_soundings(replace(whole, snapshots=tuple(changed)), site)
    assert len(kept) == 13
    assert problems == [
        "7 sounding(s) left out: -30 dB to the last digit, an end of the receiver's range"
    ]
    stuck = tuple(replace(s, paths=clipped) for s in whole.snapshots)
    with pytest.raises(TwinError, match="end of the receiver's range"):
        usable_soundings(replace(whole, snapshots=stuck), site)
