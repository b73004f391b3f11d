"""`visrftwin blockage`: what an upright screen across a radio path costs."""

from __future__ import annotations

import argparse
import cmath
import json
import math

from visrftwin_ros.commands.options import carrier

NAME = "blockage"
HELP = "what an upright screen across a radio path costs, as JSON"


def add_options(parser: argparse.ArgumentParser) -> None:
    def metres(name: str, text: str, default: float | None = None, required: bool = False) -> None:
        parser.add_argument(
            name, type=float, metavar="M", help=text, default=default, required=required
        )

    parser.add_argument(
        "--frequency", type=carrier, required=True, metavar="HZ", help="carrier: 60e9 or 60GHz"
    )
    metres("--d1", "transmitter to screen, metres along the path", required=True)
    metres("--d2", "screen to receiver", required=True)
    metres("--width", "of the screen", required=True)
    metres("--height", "of the screen; default inf: a strip without upper and lower edge", math.inf)
    metres("--offset", "sideways from the path to the screen's middle; default 0", 0.0)
    metres("--antenna-height", "of the path over the screen's lower edge; default half its height")
    parser.add_argument("--model", choices=("fresnel", "metis", "knife_edge"), default="fresnel")


def run(arguments: argparse.Namespace) -> int:
    """`height` and `antenna_height` are null where the screen has no upper and lower edge."""
    from visrftwin_ros.propagation.fields.free_space import wavelength_of
    from visrftwin_ros.propagation.people.screen_diffraction import (
        FIELD_OF_MODEL,
        loss_db,
        vertical_screen,
    )

    inputs = {name: getattr(arguments, name) for name in ("d1", "d2", "width", "height", "offset")}
    screen = vertical_screen(**inputs, antenna_height=arguments.antenna_height)
    field = FIELD_OF_MODEL[arguments.model](screen, wavelength_of(arguments.frequency))
    answer = {
        "model": arguments.model,
        "loss_db": float(loss_db(field)[0]),
        "phase_rad": cmath.phase(field[0]),
        "frequency": arguments.frequency,
        **inputs,
        "antenna_height": float(-screen.bottom[0]),
    }
    finite = {
        key: None if isinstance(value, float) and math.isinf(value) else value
        for key, value in answer.items()
    }
    print(json.dumps(finite, indent=2))
    return 0
