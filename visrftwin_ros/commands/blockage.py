"""`visrftwin blockage`: what an upright screen or a thick body across a radio path costs."""

from __future__ import annotations

import argparse
import cmath
import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from visrftwin_ros.commands.options import carrier
from visrftwin_ros.errors import TwinError

if TYPE_CHECKING:
    from visrftwin_ros.propagation.people.screen_diffraction import (
        BlockageModel,
        ComplexValues,
        Screens,
    )

NAME = "blockage"
HELP = "what an upright screen, or a thick body with --depth, across a radio path costs, as JSON"

_DEFAULTS: Mapping[str, str] = {"polarization": "vertical", "material": "skin"}


def add_options(parser: argparse.ArgumentParser) -> None:
    def metres(name: str, text: str, default: float | None = None, required: bool = False) -> None:
        parser.add_argument(
            name, type=float, metavar="M", help=text, default=default, required=required
        )

    parser.add_argument(
        "--frequency", type=carrier, required=True, metavar="HZ", help="carrier: 60e9 or 60GHz"
    )
    metres("--d1", "transmitter to the middle of screen or body, along the path", required=True)
    metres("--d2", "from there to the receiver", required=True)
    metres("--width", "across the path", required=True)
    metres("--depth", "along the path: makes it a body, an elliptic cylinder; a screen has none")
    metres("--height", "default inf: a strip or cylinder without upper and lower edge", math.inf)
    metres("--offset", "sideways from the path to the middle; default 0", 0.0)
    metres(
        "--antenna-height",
        "of the path over the screen's lower edge, or the ground that a body stands on and that "
        "mirrors it; default half the height",
    )
    parser.add_argument(
        "--model",
        choices=("fresnel", "metis", "knife_edge", "cylinder"),
        help="default cylinder with --depth, which no other model takes, else fresnel",
    )
    parser.add_argument(
        "--polarization",
        choices=("vertical", "horizontal"),
        help="of the electric field, for cylinder; default vertical",
    )
    parser.add_argument(
        "--material",
        choices=("skin", "pec"),
        help="for cylinder: skin, known from 55 to 65 GHz, or a perfect conductor; default skin",
    )


def run(arguments: argparse.Namespace) -> int:
    """`height` and `antenna_height` are null where there is no upper and lower edge."""
    from visrftwin_ros.propagation.fields.free_space import wavelength_of
    from visrftwin_ros.propagation.people.screen_diffraction import (
        FIELD_OF_MODEL,
        loss_db,
        vertical_screen,
    )

    inputs = {name: getattr(arguments, name) for name in ("d1", "d2", "width", "height", "offset")}
    outline = vertical_screen(**inputs, antenna_height=arguments.antenna_height)
    body = _body(arguments)
    if body is None:
        model: BlockageModel = arguments.model or "fresnel"
        field = FIELD_OF_MODEL[model](outline, wavelength_of(arguments.frequency))
    else:
        field = _behind(body, outline, arguments.frequency)
    answer = {
        "model": model if body is None else "cylinder",
        "loss_db": float(loss_db(field)[0]),
        "phase_rad": cmath.phase(field[0]),
        "frequency": arguments.frequency,
        **inputs,
        **(body or {}),
        "antenna_height": float(-outline.bottom[0]),
    }
    finite = {
        key: None if isinstance(value, float) and math.isinf(value) else value
        for key, value in answer.items()
    }
    print(json.dumps(finite, indent=2))
    return 0


def _body(arguments: argparse.Namespace) -> dict[str, Any] | None:
    """Depth, polarization and material of a thick body; None for a flat screen."""
    given = {name: value for name in ("depth", *_DEFAULTS)
             if (value := getattr(arguments, name)) is not None}  # fmt: skip
    if arguments.model in (None, "cylinder") and "depth" in given:
        return {**_DEFAULTS, **given}
    if arguments.model == "cylinder":
        raise TwinError("the cylinder model needs --depth, in metres along the path")
    if given:
        named = ", ".join(f"--{name}" for name in given)
        raise TwinError(f"{named}: a flat screen has none; expected a body, with --depth and "
                        "the cylinder model")  # fmt: skip
    return None


def _behind(body: dict[str, Any], outline: Screens, frequency: float) -> ComplexValues:
    import numpy as np

    from visrftwin_ros.bodies.surface import SKIN, skin_permittivity
    from visrftwin_ros.materials.table import material_values
    from visrftwin_ros.propagation.fields.free_space import wavelength_of
    from visrftwin_ros.propagation.people.cylinder_diffraction import body_on_ground

    wavelength = wavelength_of(frequency)
    permittivity = None
    if body["material"] == SKIN:
        if material_values(SKIN, frequency).extrapolated:
            raise TwinError(f"skin is known from 55 to 65 GHz, not at {frequency / 1e9:g} GHz: "
                            "expected such a carrier, or --material pec")  # fmt: skip
        permittivity = skin_permittivity(wavelength)
    depth = np.array([body["depth"]])
    return body_on_ground(outline, depth, wavelength, body["polarization"], permittivity)
