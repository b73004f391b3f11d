"""Options that several commands share, each spelt and read one way."""

from __future__ import annotations

import argparse
import math
import os
import re
from pathlib import Path
from typing import get_args

from visrftwin_ros.scene.ray_device import DEVICE_VARIABLE, Device

LOWEST, HIGHEST = 0.4e9, 300e9
"""Carriers for which the materials and bodies are modelled, Hz."""
_NAME = r"(/[A-Za-z_][A-Za-z0-9_]*)+"
_REMAP = re.compile(f"{_NAME}:={_NAME}")
_UNITS = {"": 1.0, "hz": 1.0, "khz": 1e3, "mhz": 1e6, "ghz": 1e9}


def add_site(parser: argparse.ArgumentParser) -> None:
    """Adds `--site`, by which every command that needs one is told its place."""
    parser.add_argument("--site", required=True, help="name, folder or site.yaml")


def add_sites(parser: argparse.ArgumentParser) -> None:
    """Adds `--site` of a command that reads several bags; `own_site` is its default."""
    parser.add_argument(
        "--site",
        action="append",
        default=[],
        help="name, folder or site.yaml; once, or once a bag in their order; default: the site.yaml "
        "that each bag has beside its messages",
    )


def own_site(bag: Path) -> str:
    """The survey that the bag brings along; TwinError where it has none."""
    from visrftwin_ros.campaign.survey import own_survey
    from visrftwin_ros.errors import TwinError

    folder = own_survey(bag)
    if folder is None:
        raise TwinError(f"{bag} has no site.yaml of its own: give --site")
    return str(folder)


def add_remap(parser: argparse.ArgumentParser) -> None:
    """`--remap`, of commands that start or look at a graph; read it by `remap_rules`."""
    parser.add_argument(
        "--remap",
        default="",
        help="topics, services or actions that have other names, in full, with commas between, as"
        " /view1/image_raw:=/front/color/image_raw",
    )


def remap_rules(given: str) -> dict[str, str]:
    """Names by name, of the option `--remap`. Raises TwinError where a rule is none."""
    from visrftwin_ros.errors import TwinError

    found = {}
    for rule in filter(None, given.split(",")):
        if not _REMAP.fullmatch(rule):
            raise TwinError(
                f"--remap {rule!r}: expected two names in full, as /view1/image_raw:=/front/image_raw"
            )
        name, _, other = rule.partition(":=")
        found[name] = other
    return found


def add_cluster(parser: argparse.ArgumentParser) -> None:
    """`--cluster`, of commands that go through several campaigns."""
    parser.add_argument(
        "--cluster",
        default="",
        metavar="ADDRESS",
        help="Dask scheduler, as tcp://host:8786: its workers take a bag each, by the same paths; needs the"
        " extra `cluster`",
    )


def add_force(parser: argparse.ArgumentParser, option: str = "--out") -> None:
    """Adds `--force`, of the rule in `outputs.py`."""
    parser.add_argument(
        "--force", action="store_true", help=f"replace what an earlier run wrote at {option}"
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    """Adds `--device`, where rays are traced; `use_device` heeds it."""
    parser.add_argument("--device", choices=get_args(Device), default="auto")


def use_device(arguments: argparse.Namespace) -> None:
    """The device of `--device` for this process and those that it starts."""
    if arguments.device != "auto":
        os.environ[DEVICE_VARIABLE] = arguments.device


def count(text: str) -> int:
    """A whole number, 0 or more."""
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"expected a count of 0 or more, not {text!r}")
    return int(text)


def positive(text: str) -> int:
    """A whole number, 1 or more."""
    if count(text) == 0:
        raise argparse.ArgumentTypeError("expected 1 or more")
    return int(text)


def hertz(text: str) -> float:
    """Hz, over 0, of `2e9`, `2GHz`, `400 MHz`."""
    number, unit = _split(text)
    if number is None or not (0 < number < math.inf) or unit not in _UNITS:
        raise argparse.ArgumentTypeError(f"expected hertz as 2e9, 2GHz or 400MHz, not {text!r}")
    return number * _UNITS[unit]


def carrier(text: str) -> float:
    """Hz of a carrier, `60e9` or `60GHz`; a number that was surely meant in GHz or MHz is refused."""
    value = hertz(text)
    if LOWEST <= value <= HIGHEST:
        return value
    if not _split(text)[1]:
        for unit, exponent in (("GHz", 9), ("MHz", 6)):
            if LOWEST <= value * 10**exponent <= HIGHEST:
                raise argparse.ArgumentTypeError(
                    f"{text} is {value:g} Hz: write {value:g}{unit} or {value:g}e{exponent}"
                )
    raise argparse.ArgumentTypeError(f"{text} is no carrier from 0.4 to 300 GHz")


def _split(text: str) -> tuple[float | None, str]:
    """The number, if there is one, and the unit in small letters."""
    parts = re.fullmatch(r"\s*([-+.\de]+?)\s*([a-z]*)\s*", text.lower())
    try:
        return (float(parts[1]), parts[2]) if parts else (None, "")
    except ValueError:
        return None, ""
