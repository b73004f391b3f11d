"""From logits to what the radio asks, with numbers worked out by hand or drawn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from visrftwin_ros.materials.material_spread import PRIOR_SD
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.vision.lifting import Looks
from visrftwin_ros.vision.material_posterior import (
    COLUMNS,
    name_of,
    patch_posterior,
    surface_posterior,
)
from visrftwin_ros.vision.radio_values import radio_values, unknown_values
from visrftwin_ros.vision.surface_patches import Patches
from visrftwin_ros.vision.visible_classes import CLASSES, NAMES, SCATTERING_LEVELS, WIDE

CARRIER = 60.48e9


def patches(surface: list[int], area: list[float]) -> Patches:
    n = len(surface)
    return Patches(
        np.array(surface), np.zeros((n, 3)), np.zeros((n, 2, 3)), np.ones((n, 2)), np.array(area)
    )


def certain(name: str) -> np.ndarray:
    return np.eye(len(COLUMNS))[COLUMNS.index(name)]


def test_shares_are_shares_of_materials_that_are_known() -> None:
    for look in CLASSES.values():
        assert sum(look.behind.values()) == pytest.approx(1.0 if look.behind else 0.0)
        assert all(material_values(name, CARRIER) for name in look.behind)
    assert sum(WIDE.values()) == pytest.approx(1.0)


def test_levels_are_those_of_the_papers_table() -> None:
    printed = {"wall plasterboard": (0.07, 0.1), "chipboard, cardboard": (0.1, 0.2)}
    printed |= {"ceiling plasterboard": (0.2, 0.4), "brick": (0.3, 0.5)}
    ours = {level.example: (level.low, level.high) for level in SCATTERING_LEVELS[1:]}
    assert ours == printed


def test_the_kind_of_a_surface_weighs_and_the_unseen_is_unknown() -> None:
    """Equal log-odds for paint and metal: on a wall metal is a tenth as usual, on a box as usual."""
    logits = np.full((4, len(NAMES)), -50.0)
    logits[:, [NAMES.index("painted"), NAMES.index("metal")]] = 0.0
    logits[3, NAMES.index("other")] = 5.0
    looks = Looks(logits, np.array([1, 1, 0, 1]), np.ones(4, int))
    found = patch_posterior(patches([0, 1, 0, 2], [1.0] * 4), looks, ["wall", "box", ""])
    painted, metal = COLUMNS.index("painted"), COLUMNS.index("metal")
    assert found[0, [painted, metal]] == pytest.approx([10 / 11, 1 / 11])
    assert found[1, [painted, metal]] == pytest.approx([0.5, 0.5])
    assert found[2] == pytest.approx(certain("unknown"))
    assert found[3, -1] == pytest.approx(np.exp(5) / (np.exp(5) + 2))


def test_a_surface_is_the_mean_of_its_patches_by_area() -> None:
    rows = np.stack([certain("brick"), certain("unknown"), certain("wood")])
    found = surface_posterior(patches([0, 0, 1], [3.0, 1.0, 2.0]), rows, 2)
    assert found[0] == pytest.approx(0.75 * certain("brick") + 0.25 * certain("unknown"))
    assert [name_of(row) for row in found] == ["brick", "wood"]
    assert name_of(0.49 * certain("metal") + 0.51 / 2 * (certain("glass") + certain("wood"))) == (
        "unknown"
    )


def test_a_certain_class_of_one_material_has_its_values() -> None:
    found = radio_values(certain("brick"), CARRIER, 0.1)
    brick = material_values("brick", CARRIER)
    entry = found.entry(CARRIER)
    assert entry.relative_permittivity == pytest.approx(brick.relative_permittivity)
    assert entry.conductivity == pytest.approx(brick.conductivity)
    assert entry.thickness == pytest.approx(brick.thickness)
    assert 0.35 < entry.scattering_coefficient < 0.43  # the paper's 0.3 to 0.5
    assert np.sqrt(np.diag(found.covariance)[:3]) == pytest.approx(PRIOR_SD[:3])


def test_moments_are_those_of_draws_from_the_mixture() -> None:
    """Half paint, a quarter wood, a quarter unknown: a million draws, material first."""
    posterior = 0.5 * certain("painted") + 0.25 * certain("wood") + 0.25 * certain("unknown")
    found = radio_values(posterior, CARRIER, 0.1)
    rng = np.random.default_rng(4)
    share: dict[tuple[str, float], float] = {}
    for part, mixture, thickness in (
        (0.5, CLASSES["painted"].behind, 0.0),
        (0.25, CLASSES["wood"].behind, 0.0),
        (0.25, WIDE, 0.1),
    ):
        for name, p in mixture.items():
            share[name, thickness] = share.get((name, thickness), 0.0) + part * p
    keys = list(share)
    values = [material_values(name, CARRIER) for name, _ in keys]
    centre = np.log(
        [
            [v.relative_permittivity - 1, v.conductivity, t or v.thickness]
            for v, (_, t) in zip(values, keys, strict=True)
        ]
    )
    picked = rng.choice(len(keys), size=1_000_000, p=list(share.values()))
    drawn = centre[picked] + rng.normal(size=(len(picked), 3)) * PRIOR_SD[:3]
    assert found.mean[:3] == pytest.approx(drawn.mean(axis=0), abs=0.01)
    assert found.covariance[:3, :3] == pytest.approx(np.cov(drawn.T), abs=0.02)
    # S of levels: paint 1, wood 2, a quarter of any.
    levels = rng.choice(5, size=400_000, p=np.array([0, 0.5, 0.25, 0, 0]) + 0.25 / 5)
    low, high = (
        np.array([getattr(level, end) for level in SCATTERING_LEVELS]) for end in ("low", "high")
    )
    s = rng.uniform(np.maximum(low, 0.01)[levels], high[levels])
    assert found.mean[3] == pytest.approx(logit(s).mean(), abs=0.03)
    assert found.covariance[3, 3] == pytest.approx(logit(s).var(), abs=0.05)


def test_metal_is_told_apart_and_never_mixed_in() -> None:
    doubtful = radio_values(0.4 * certain("metal") + 0.6 * certain("brick"), CARRIER, 0.1)
    assert doubtful.conductor == pytest.approx(0.4)
    brick = radio_values(certain("brick"), CARRIER, 0.1).entry(CARRIER)
    assert doubtful.entry(CARRIER).conductivity == pytest.approx(brick.conductivity)
    sure = radio_values(certain("metal"), CARRIER, 0.1).entry(CARRIER)
    assert sure.conductivity == 1e7


def test_the_unknown_is_wide() -> None:
    found = unknown_values(CARRIER, 0.25)
    assert found.entry(CARRIER).thickness == pytest.approx(0.25)
    assert np.sqrt(found.covariance[0, 0]) > 1.2 * PRIOR_SD[0]
    assert 0.1 < expit(found.mean[3]) < 0.2
