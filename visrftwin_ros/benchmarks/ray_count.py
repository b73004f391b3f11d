"""Whether the rays are enough: what doubling them changes, and what the tracer's table loses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.interaction_sequences import new_sequences
from visrftwin_ros.propagation.paths.link_metrics import LinkMetrics, link_sums
from visrftwin_ros.propagation.paths.path_set import PathSet, of_same_links
from visrftwin_ros.propagation.tracing.path_solver import solve
from visrftwin_ros.propagation.tracing.sionna_solver import SLOTS_PER_RECEIVER, traced_paths
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Site

SITES = ("lecture_room", "lobby", "pets_campus", "street")


@dataclass(frozen=True)
class RayCount:
    """One site; the keys of the JSON.

    gain_diff_db_p95, delay_spread_diff_s_p95: between the site's rays and twice as many, over the
    links, and their largest; None of gain where a link has paths by one of the two only. within:
    share of the links within 0.2 dB and 0.5 ns. worst_link: with the largest change of gain.
    table_lost: share of the tracer's paths without scattering that a table of four times the size
    has besides, and table_lost_power: the most of a link's power that they carry.
    """

    site: str
    samples: int
    links: int
    gain_diff_db_p95: float
    gain_diff_db_max: float | None
    delay_spread_diff_s_p95: float
    delay_spread_diff_s_max: float
    within: float
    worst_link: str
    table_lost: float
    table_lost_power: float


def measure(name: str, receivers: int, samples: int | None = None) -> RayCount:
    """The links from the access points of a site to `receivers` places between them."""
    site = load_site(name)
    if samples is not None:
        site = _with_rays(site, samples)
    before, after = _metrics(site, receivers), _metrics(_twice(site), receivers)
    # A link without a path is no worse with none again.
    with np.errstate(invalid="ignore"):
        gain = np.abs(after.path_loss_db - before.path_loss_db)
    gain = np.nan_to_num(gain, nan=0.0, posinf=np.inf)
    delay = np.nan_to_num(np.abs(after.delay_spread - before.delay_spread), nan=0.0)
    worst = int(gain.argmax())
    lost, power = _lost(site, receivers)
    return RayCount(
        site=name,
        samples=site.propagation.samples,
        links=len(gain),
        gain_diff_db_p95=float(np.percentile(gain, 95)),
        gain_diff_db_max=float(gain.max()) if np.isfinite(gain).all() else None,
        delay_spread_diff_s_p95=float(np.percentile(delay, 95)),
        delay_spread_diff_s_max=float(delay.max()),
        within=float(((gain <= 0.2) & (delay <= 0.5e-9)).mean()),
        worst_link=f"{site.access_points[worst // receivers].name}-r{worst % receivers}",
        table_lost=lost,
        table_lost_power=power,
    )


def run(sites: tuple[str, ...], receivers: int, samples: int | None) -> Iterator[RayCount]:
    """Prints a site's figures as they come."""
    for name in sites:
        row = measure(name, receivers, samples)
        print(
            f"{row.site:13} {row.samples} rays, {row.links} links: twice as many change 95 % by at most "
            f"{row.gain_diff_db_p95:.3f} dB and {row.delay_spread_diff_s_p95 * 1e9:.2f} ns, "
            f"{row.worst_link} by {_by(row.gain_diff_db_max)}, "
            f"the worst delay spread by {row.delay_spread_diff_s_max * 1e9:.2f} ns; "
            f"{row.within:.1%} within 0.2 dB and 0.5 ns; the table loses {row.table_lost:.2%}, "
            f"at most {row.table_lost_power:.2%} of a link's power",
            flush=True,
        )
        yield row


def _by(gain_db: float | None) -> str:
    return "a path by one of the two only" if gain_db is None else f"{gain_db:.2f} dB"


def _twice(site: Site) -> Site:
    return _with_rays(site, 2 * site.propagation.samples)


def _with_rays(site: Site, samples: int) -> Site:
    settings = site.propagation.model_copy(update={"samples": samples})
    return site.model_copy(update={"propagation": settings})


def _ends(site: Site, receivers: int) -> tuple[Devices, Devices]:
    """The access points, and places between and around them at the heights of robots."""
    names = tuple(ap.name for ap in site.access_points)
    aps = Devices(names, np.array([ap.position for ap in site.access_points], float))
    low, high = aps.positions[:, :2].min(axis=0), aps.positions[:, :2].max(axis=0)
    rng = np.random.default_rng(2024)
    heights = rng.uniform(0.5, 1.5, receivers)
    where = np.column_stack([rng.uniform(low, high, (receivers, 2)), heights])
    return aps, Devices(tuple(f"r{i}" for i in range(receivers)), where)


def _metrics(site: Site, receivers: int) -> LinkMetrics:
    ends = _ends(site, receivers)
    paths = solve(surface_meshes(site), *ends, site.radio.frequency, site.propagation)
    return link_sums(paths, np.ones(len(paths), complex)).metrics(
        wavelength_of(site.radio.frequency)
    )


def _lost(site: Site, receivers: int) -> tuple[float, float]:
    """Share of paths, and the most of a link's power, that only a larger table has."""
    settings = site.propagation.model_copy(update={"diffuse": False})
    scene = (surface_meshes(site), *_ends(site, receivers), site.radio.frequency, settings)
    usual, large = (traced_paths(*scene, slots=k * SLOTS_PER_RECEIVER) for k in (1, 4))
    both: PathSet = of_same_links(usual.links, [usual, large])
    # Which of the two a row is from goes by the order in which they were put together.
    own = np.lexsort((np.append(usual.delay, large.delay), np.append(usual.link, large.link)))
    mine, theirs = np.flatnonzero(own < len(usual)), np.flatnonzero(own >= len(usual))
    only = new_sequences(both, mine, theirs)
    total = np.bincount(large.link, large.power, len(large.links))
    missing = np.bincount(both.link[only], both.power[only], len(both.links))
    share = missing / np.where(total > 0, total, 1.0)
    return len(only) / max(len(large), 1), float(share.max(initial=0.0))
