"""How much of the power of the shipped sites' links is diffuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from real_data.page import spread, table

from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import DIFFUSE
from visrftwin_ros.propagation.tracing.path_solver import solve
from visrftwin_ros.scene.surfaces import SurfaceMesh, surface_meshes
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Box, Ground, Site

Array = NDArray[np.float64]

SITES = ("lobby", "lecture_room", "street", "pets_campus")
RECEIVERS = 24
FARTHEST = 30.0
"""Metres from an access point up to which receivers are drawn."""
TAP = 0.5e-9
"""Seconds."""
WALL_MATERIALS = ("plasterboard", "concrete", "brick")


@dataclass(frozen=True)
class LinkShares:
    """One entry a link of a site. Diffuse power over all power; over the power without the line of
    sight; and of that, what a sounder of 2 GHz resolves: diffuse paths alone in their TAP. seen: the
    link has a line of sight."""

    of_all: Array
    of_reflected: Array
    of_taps: Array
    seen: NDArray[np.bool_]


def places(site: Site, count: int, seed: int) -> Array:
    """(count, 3) 1.2 m over the site's ground, up to FARTHEST from an access point, outside boxes."""
    random = np.random.default_rng(seed)
    grounds = [s for s in site.scene if isinstance(s, Ground) and abs(s.center[2]) < 0.3]
    corners = np.concatenate(
        [np.array(g.center[:2]) + np.outer((-0.5, 0.5), g.size) for g in grounds]
    )
    boxes = [s for s in site.scene if isinstance(s, Box)]
    aps = np.array([ap.position for ap in site.access_points])
    found: list[Array] = []
    while len(found) < count:
        place = np.array([*random.uniform(corners.min(axis=0), corners.max(axis=0)), 1.2])
        near = np.linalg.norm(aps[:, :2] - place[:2], axis=1).min() < FARTHEST
        if near and not any(_within(place, box) for box in boxes):
            found.append(place)
    return np.array(found)


def _within(place: Array, box: Box, margin: float = 0.1) -> bool:
    offset = place - np.array(box.center)
    c, s = np.cos(box.yaw), np.sin(box.yaw)
    local = np.array([c * offset[0] + s * offset[1], c * offset[1] - s * offset[0], offset[2]])
    return bool((np.abs(local) < np.array(box.size) / 2 + margin).all())


def shares_of(site: Site, meshes: Sequence[SurfaceMesh], seed: int = 4) -> LinkShares:
    """Of links from every access point to places drawn at random, without people, by the site's own
    settings."""
    aps = Devices(
        tuple(ap.name for ap in site.access_points),
        np.array([ap.position for ap in site.access_points], float),
    )
    receivers = places(site, RECEIVERS, seed)
    names = tuple(f"rx{i}" for i in range(len(receivers)))
    paths = solve(meshes, aps, Devices(names, receivers), site.radio.frequency, site.propagation)
    rows = []
    for index in range(len(paths.links)):
        of = paths.of_link(index)
        power, direct = paths.power[of], paths.line_of_sight[of]
        scattered = (paths.interactions[of] == DIFFUSE).any(axis=1)
        if power.sum() == 0 or direct.all():
            continue
        tap = (paths.delay[of] / TAP).astype(int)
        alone = scattered & ~np.isin(tap, tap[~scattered])
        off = power[~direct].sum()
        rows.append((power[scattered].sum() / power.sum(), power[scattered].sum() / off,
                     power[alone].sum() / off, direct.any()))  # fmt: skip
    of_all, of_reflected, of_taps, seen = np.array(rows).T
    return LinkShares(of_all, of_reflected, of_taps, seen.astype(bool))


def rougher(meshes: Sequence[SurfaceMesh], coefficient: float) -> tuple[SurfaceMesh, ...]:
    """The scene with this S on all that walls are made of."""
    return tuple(
        replace(m, material=replace(m.material, scattering_coefficient=coefficient))
        if m.material.name in WALL_MATERIALS
        else m
        for m in meshes
    )


@dataclass(frozen=True)
class SiteShares:
    """Links of one site with the S of the table, or with that of walls as built."""

    name: str
    built: bool
    links: LinkShares


def sites(coefficient: float) -> tuple[SiteShares, ...]:
    """Every shipped site, as the table has its walls and with `coefficient` on them."""
    found = []
    for name in SITES:
        site = load_site(name)
        meshes = surface_meshes(site)
        for built, scene in ((False, meshes), (True, rougher(meshes, coefficient))):
            found.append(SiteShares(name, built, shares_of(site, scene)))
    return tuple(found)


def sites_table(found: Sequence[SiteShares], coefficient: float) -> str:
    rows = []
    for site in found:
        links, label = site.links, f"walls {coefficient:.2f}" if site.built else "table"
        for sight, on in (("seen", links.seen), ("not seen", ~links.seen)):
            if on.any():
                shares = (links.of_all, links.of_reflected, links.of_taps)
                rows.append((site.name, label, sight, int(on.sum()),
                             *(spread(of[on] * 100) for of in shares)))  # fmt: skip
    head = ("site", "S", "line of sight", "links", "diffuse of all power, 10 / 50 / 90 % (%)",
            "of all but the line of sight (%)", "the same, alone in its tap (%)")  # fmt: skip
    return table(head, rows)


def medians(found: Sequence[SiteShares], built: bool) -> str:
    """Lowest to highest over the sites: seen links' median share of all but the line of sight."""
    of = [np.median(s.links.of_reflected[s.links.seen]) for s in found if s.built == built]
    return f"{min(of) * 100:.0f} to {max(of) * 100:.0f} %"
