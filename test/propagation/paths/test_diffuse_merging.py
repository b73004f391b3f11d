"""Diffuse samples of one patch and direction are one path, and no figure of a link notices."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from made_up import WAVELENGTH, people

from visrftwin_ros.beams.arrays import Mount
from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.beams.selection import sweep
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.diffuse_merging import merged_diffuse
from visrftwin_ros.propagation.paths.link_metrics import LinkMetrics, link_sums
from visrftwin_ros.propagation.paths.path_set import DIFFUSE, PathSet, angles
from visrftwin_ros.propagation.people.people_update import PeopleUpdate
from visrftwin_ros.propagation.tracing.path_solver import solve
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import AntennaArray

CELL = 0.2


@pytest.fixture(scope="module", params=["lobby", "pets_campus"])
def samples(request: pytest.FixtureRequest) -> PathSet:
    """Every sample between the site's access points and eight places."""
    site = load_site(request.param)
    aps = Devices(
        tuple(ap.name for ap in site.access_points),
        np.array([ap.position for ap in site.access_points], float),
    )
    low, high = aps.positions[:, :2].min(axis=0), aps.positions[:, :2].max(axis=0)
    rng = np.random.default_rng(77)
    where = np.column_stack([rng.uniform(low, high, (8, 2)), np.full(8, 1.0)])
    settings = site.propagation.model_copy(update={"max_depth": 3, "diffuse_cell": 0.0})
    receivers = Devices(tuple(f"r{i}" for i in range(8)), where)
    return solve(surface_meshes(site), aps, receivers, site.radio.frequency, settings)


def scattered(paths: PathSet) -> np.ndarray:
    return (paths.interactions == DIFFUSE).any(axis=1)


def metrics(paths: PathSet) -> LinkMetrics:
    return link_sums(paths, np.ones(len(paths), complex)).metrics(WAVELENGTH)


def test_there_are_far_fewer_with_the_power_of_all(samples: PathSet) -> None:
    merged = merged_diffuse(samples, CELL)
    assert scattered(merged).sum() < scattered(samples).sum() / 3
    for paths in (samples, merged):
        assert (np.diff(paths.link) >= 0).all()
    for one in range(2):
        for other in range(2):
            before, after = (
                np.bincount(p.link, np.abs(p.transfer[:, one, other]) ** 2, len(p.links))
                for p in (samples, merged)
            )
            np.testing.assert_allclose(after, before, rtol=1e-12)


def test_what_is_not_scattered_stays_as_it_is(samples: PathSet) -> None:
    merged = merged_diffuse(samples, CELL)
    before, after = samples.select(~scattered(samples)), merged.select(~scattered(merged))
    for f in fields(PathSet):
        np.testing.assert_array_equal(getattr(after, f.name), getattr(before, f.name))


def test_each_is_one_of_the_samples_of_its_link(samples: PathSet) -> None:
    merged = merged_diffuse(samples, CELL)
    known = {(link, v.tobytes()) for link, v in zip(samples.link, samples.vertices, strict=True)}
    assert all((k, v.tobytes()) in known for k, v in zip(merged.link, merged.vertices, strict=True))


def test_equal_input_gives_equal_output_and_no_cell_merges_nothing(samples: PathSet) -> None:
    once, twice = merged_diffuse(samples, CELL), merged_diffuse(samples, CELL)
    for f in fields(PathSet):
        np.testing.assert_array_equal(getattr(once, f.name), getattr(twice, f.name))
    assert merged_diffuse(samples, 0.0) is samples
    bare = samples.select(~scattered(samples))
    assert merged_diffuse(bare, CELL) is bare


def test_the_metrics_of_links_stay(samples: PathSet) -> None:
    before, after = metrics(samples), metrics(merged_diffuse(samples, CELL))
    np.testing.assert_allclose(after.path_loss_db, before.path_loss_db, atol=1e-9)
    assert np.nanmax(np.abs(after.delay_spread - before.delay_spread)) < 0.2e-9
    assert np.nanmax(np.abs(after.azimuth_spread - before.azimuth_spread)) < np.radians(0.2)


def test_the_gains_of_beams_stay(samples: PathSet) -> None:
    merged = merged_diffuse(samples, CELL)
    array = Mount(AntennaArray(rows=4, columns=8), yaw=0.0)
    changes = []
    for link in range(len(samples.links)):
        gains = []
        for paths in (samples, merged):
            own = paths.select(np.arange(len(paths))[paths.of_link(link)])
            ends = (np.stack(angles(side), axis=-1) for side in (own.departure, own.arrival))
            gains.append(sweep(Multipath.of_link(own.power, own.delay, *ends), array, array))
        used = gains[0] > 0.01 * gains[0].max()
        changes.append(np.abs(10 * np.log10(gains[1][used] / gains[0][used])))
        assert 10 * np.log10(gains[1].max() / gains[0].max()) == pytest.approx(0, abs=0.02)
    assert np.percentile(np.concatenate(changes), 99) < 0.25


def test_the_shadows_of_people_stay(samples: PathSet) -> None:
    rng = np.random.default_rng(5)
    ends = samples.vertices[:, [0, -1], :2]
    low, high = ends.min(axis=(0, 1)), ends.max(axis=(0, 1))
    updates = [PeopleUpdate(p, WAVELENGTH) for p in (samples, merged_diffuse(samples, CELL))]
    errors, shadowed = [], 0
    for _ in range(20):
        bodies = people(*map(tuple, rng.uniform(low, high, (5, 2))))
        before, after = (
            link_sums(paths, update.update(bodies).field).metrics(WAVELENGTH).shadow_loss_db
            for paths, update in zip((samples, merged_diffuse(samples, CELL)), updates, strict=True)
        )
        errors.append(np.abs(after - before))
        shadowed += int((before > 3).sum())
    assert shadowed >= 3
    assert np.nanpercentile(errors, 99) < 0.05 and np.nanmax(errors) < 0.5
