"""Score the twin and its rivals on campaigns that only judge, and write docs/judged.md.

python bench/record_set.py --out JUDGE --set judge --count 8 --seconds 15                # the campaigns
python bench/record_set.py --out SOUNDINGS --set judge --count 8 --seconds 15 --drive 1  # sounded there before
python bench/judge_tables.py --bags JUDGE --soundings SOUNDINGS --out SCORES   # `visrftwin evaluate`
python bench/judge_tables.py --out SCORES --page                                         # the page of what SCORES holds

Without --soundings nothing is calibrated. A site's campaigns that were scored already are not scored again.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from visrftwin_ros.errors import TwinError
from visrftwin_ros.evaluation.predictors import all_names
from visrftwin_ros.evaluation.twin_predictor import CalibratedTwin
from visrftwin_ros.lab.shipped import SITES
from visrftwin_ros.lab.world.data_sets import seeds_of

PAGE = Path(__file__).parents[1] / "docs" / "judged.md"
TEMPLATE = Path(__file__).with_name("judged.md.in")
QUANTITIES = {
    "path_loss_db": "path loss, dB",
    "delay_spread_ns": "delay spread, ns",
    "azimuth_spread_deg": "azimuth spread, deg",
    "k_factor_db": "K, dB",
}
Row = Mapping[str, str]


def scored(bags: Sequence[Path], soundings: Path | None, out: Path) -> None:
    """`visrftwin evaluate` of one site's campaigns by every predictor, with all figures."""
    names = [n for n in all_names() if soundings is not None or n != CalibratedTwin.name]
    command = [sys.executable, "-m", "visrftwin_ros.cli", "evaluate", *map(str, bags)]
    command += ["--predictors", ",".join(names)]
    if soundings is not None:
        command += [f"--fit-bag={soundings / bag.name}" for bag in bags]
    subprocess.run([*command, "--out", str(out), "--figures", "all", "--force"], check=True)


def rows_of(file: Path) -> list[Row]:
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def number(text: str) -> str:
    return f"{float(text):.2g}" if abs(float(text)) < 10 else f"{float(text):.0f}"


def error_table(rows: Iterable[Row]) -> str:
    """Median with its interval / 75th / 90th percentile of each quantity, by predictor."""
    cells: dict[str, dict[str, str]] = {}
    told: dict[str, str] = {}
    for row in rows:
        if row["snapshots"] != "all" or not int(row["n"]):
            continue
        interval = f" ({number(row['median_low'])} to {number(row['median_high'])})"
        missed = f", {row['missed']} missed" if int(row["missed"]) else ""
        told[row["predictor"]] = row["told"]
        cells.setdefault(row["predictor"], {})[row["quantity"]] = (
            f"{number(row['median'])}{interval} / {number(row['p75'])} / {number(row['p90'])}{missed}"
        )
    lines = ["| predictor | told | " + " | ".join(QUANTITIES.values()) + " |", "|---" * 6 + "|"]
    lines += [
        f"| {name} | {told[name]} | " + " | ".join(of.get(q, "-") for q in QUANTITIES) + " |"
        for name, of in cells.items()
    ]
    return "\n".join(lines)


def paired_table(rows: Iterable[Row], twin: str) -> str:
    """The twin's median error less each other's, over campaigns."""
    cells: dict[str, dict[str, str]] = {}
    for row in rows:
        if row["predictor"] != twin:
            continue
        cells.setdefault(row["against"], {})[row["quantity"]] = (
            f"{float(row['difference']):+.2f} ({float(row['low']):+.2f} to {float(row['high']):+.2f}), "
            f"p {float(row['p']):.2g}"
        )
    lines = [f"| `{twin}` against | " + " | ".join(QUANTITIES.values()) + " |", "|---" * 5 + "|"]
    lines += [
        f"| {name} | " + " | ".join(of.get(q, "-") for q in QUANTITIES) + " |"
        for name, of in cells.items()
    ]
    return "\n".join(lines)


def section(folder: Path) -> str:
    """Of one site; TwinError where a campaign is not of the judge set."""
    campaigns = json.loads((folder / "metrics.json").read_text())["campaigns"]
    if others := [one["bag"] for one in campaigns if one["seed"] not in seeds_of("judge")]:
        raise TwinError(f"{', '.join(others)}: not of the judge set")
    seeds = ", ".join(str(one["seed"]) for one in campaigns)
    counted = sum(one["scored"] for one in campaigns)
    errors, paired = rows_of(folder / "errors.csv"), rows_of(folder / "paired.csv")
    twins = dict.fromkeys(row["predictor"] for row in paired)
    return "\n\n".join(
        [
            f"## {folder.name}",
            f"Seeds {seeds}; {counted} snapshots scored.",
            error_table(errors),
            *(paired_table(paired, twin) for twin in twins),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bags", type=Path, help="folder of SITE_SEED, as record_set.py writes it")
    parser.add_argument("--soundings", type=Path, help="the same of further drives there")
    parser.add_argument("--out", type=Path, required=True, help="folder of scores, one a site")
    parser.add_argument("--sites", nargs="+", choices=tuple(SITES), default=tuple(SITES))
    parser.add_argument("--page", action="store_true", help="write docs/judged.md")
    given = parser.parse_args()
    if given.bags:
        for site in given.sites:
            bags = sorted(given.bags.glob(f"{site}_*"))
            if len(bags) > 1 and not (given.out / site / "errors.csv").exists():
                scored(bags, given.soundings, given.out / site)
    folders = [given.out / site for site in SITES if (given.out / site / "errors.csv").exists()]
    if not folders:
        parser.error(f"{given.out}: no scores of a site; give --bags")
    text = "\n\n".join(section(folder) for folder in folders)
    print(text)
    if given.page:
        PAGE.write_text(TEMPLATE.read_text().replace("{sites}", text))


if __name__ == "__main__":
    main()
