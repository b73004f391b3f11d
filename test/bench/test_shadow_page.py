"""The table of the twin's shadows: what stands in it, and that a page keeps the rest."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "bench"))

import shadow_truth  # noqa: E402

OURS = shadow_truth.Figures(3.0, 5.0, float("nan"), 4.0, 30.0, 100.0, 0.1, 7)


def test_the_page_gets_medians_and_differences_of_one_seed_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {}
    for seed, more in ((3000, 0.5), (3001, 1.5)):
        flat = replace(OURS, up_to_30=OURS.up_to_30 + seed - 3000 + more)
        both = {"thick": replace(OURS, up_to_30=OURS.up_to_30 + seed - 3000), "fresnel": flat}
        found[str(seed)] = {
            f"{model}, {told}": asdict(both[model])
            for model in shadow_truth.MODELS
            for told in shadow_truth.TOLD
        }
    file, page = tmp_path / "found.json", tmp_path / "page.md"
    file.write_text(json.dumps({"lobby": found}))
    page.write_text(f"before\n\n{shadow_truth.HEADING}\nyesterday\n\n### After\n\nkept\n")
    words = ["--sites", "lobby", "--seeds", "3000", "3001"]
    monkeypatch.setattr(sys, "argv", ["x", *words, "--json", str(file), "--page", str(page)])
    shadow_truth.main()
    text = page.read_text()
    assert text.startswith("before\n\n" + shadow_truth.HEADING)
    assert text.endswith("\n### After\n\nkept\n") and "yesterday" not in text
    row = next(line for line in text.splitlines() if "thick less fresnel, true" in line)
    assert [cell.strip() for cell in row.split("|")][7] == "-1.0 (-1.5 to -0.5)"
    row = next(line for line in text.splitlines() if "| thick, tracked |" in line)
    assert "| 2 | 14 | 3.0 (3.0 to 3.0) |" in row and "| - |" in row
    assert "Seeds of lobby: 3000, 3001." in text
