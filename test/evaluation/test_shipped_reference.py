"""The shipped bag's reference scores, and what docs/evaluation.md says of them."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest

from visrftwin_ros.evaluation.evaluation import evaluate
from visrftwin_ros.evaluation.report import metrics_of
from visrftwin_ros.evaluation.results import Options
from visrftwin_ros.lab import shipped
from visrftwin_ros.site.loading import load_site

REFERENCE = shipped.BAG.with_name(f"{shipped.BAG.name}_metrics.json")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "evaluation.md"
RAYLESS = ("free_space", "inh", "umi", "nearest", "nearest_stretch")
QUANTITIES = ("path_loss_db", "delay_spread_ns", "azimuth_spread_deg", "k_factor_db")


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(REFERENCE.read_text())
    return found


def page_row(name: str, scores: dict[str, Any]) -> str:
    """A row of the page's table."""
    cells = []
    for quantity in QUANTITIES:
        one = scores["errors"][quantity]["all"]
        ends = f"[{one['median_low']:.2g}, {one['median_high']:.2g}]"
        cells.append(f"{one['median']:.2g} {ends} / {one['p90']:.2g}")
    top1 = f"{scores['beams']['all']['top1']:.2f}" if "beams" in scores else ""
    return f"| `{name}` | " + " | ".join([*cells, top1, scores["told"]]) + " |"


def test_the_page_shows_what_the_reference_says(reference: dict[str, Any]) -> None:
    page = PAGE.read_text()
    assert reference["complete"] and len(reference["predictors"]) == 11
    for name, scores in reference["predictors"].items():
        assert page_row(name, scores) in page
    assert not reference["not_scored"]
    snapshots = reference["snapshots"]
    assert f"{snapshots['scored_los']} of {snapshots['scored_all']} scored" in page


def agrees(reference: dict[str, Any], predictors: tuple[str, ...], tolerance: float) -> None:
    """That these predictors still get their scores."""
    state = evaluate(shipped.BAG, load_site(shipped.SITE), Options(predictors=predictors))
    found = metrics_of(state)
    assert found["snapshots"] == reference["snapshots"]
    assert found["not_scored"] == reference["not_scored"]
    for name in predictors:
        for quantity in QUANTITIES:
            ours, theirs = (
                {
                    key: math.nan if value is None else value
                    for key, value in side["predictors"][name]["errors"][quantity]["all"].items()
                }
                for side in (found, reference)
            )
            assert ours == pytest.approx(theirs, rel=tolerance, abs=1e-9, nan_ok=True)


def test_what_traces_no_rays_still_gets_its_reference_scores(reference: dict[str, Any]) -> None:
    agrees(reference, RAYLESS, 1e-6)


@pytest.mark.skipif(
    not os.environ.get("VISRFTWIN_SHIPPED_REFERENCE"),
    reason="five minutes: VISRFTWIN_SHIPPED_REFERENCE=1 asks for it",
)
def test_the_twins_still_get_their_reference_scores(reference: dict[str, Any]) -> None:
    # Rays are shot alike each time; another processor rounds otherwise.
    agrees(reference, ("twin", "twin_true"), 0.05)
