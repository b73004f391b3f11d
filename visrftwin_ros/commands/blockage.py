"""`visrftwin blockage`: what upright screens or thick bodies across a radio path cost."""

from __future__ import annotations

import argparse
import cmath
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from visrftwin_ros.commands.options import carrier
from visrftwin_ros.errors import TwinError

if TYPE_CHECKING:
    from visrftwin_ros.propagation.people.cylinder_diffraction import Impedance
    from visrftwin_ros.propagation.people.screen_diffraction import (
        BlockageModel,
        ComplexValues,
        Screens,
    )

NAME = "blockage"
HELP = "what upright screens, or thick bodies with a depth, across a radio path cost, as JSON"

Model = Literal["thick", "fresnel", "metis", "knife_edge"]
Polarization = Literal["vertical", "horizontal"]

_CONDUCTOR = "pec"
_DEFAULTS: Mapping[str, str] = {"polarization": "vertical", "material": "skin"}
_USUAL: Mapping[str, str] = {"cloth": "cotton"}
_ONE = ("d1", "d2", "width", "depth", "offset")
_LEAST_COSINE = 1e-5
_LEAST = 1e-9
"""An impedance that conducts as perfectly as can be told."""
_FACETS = 720


@dataclass(frozen=True)
class _Body:
    """Metres: axis along the path and off it, width across, depth along; None is a flat screen."""

    d1: float
    width: float
    depth: float | None
    offset: float


def add_options(parser: argparse.ArgumentParser) -> None:
    def metres(name: str, text: str, default: float | None = None) -> None:
        parser.add_argument(name, type=float, metavar="M", help=text, default=default)

    parser.add_argument(
        "--frequency", type=carrier, required=True, metavar="HZ", help="carrier: 60e9 or 60GHz"
    )
    metres("--d1", "transmitter to the middle of the screen or body, along the path")
    metres("--d2", "from there to the receiver")
    metres("--width", "across the path")
    metres("--depth", "along the path: makes it a body, an elliptic cylinder; a screen has none")
    metres("--offset", "sideways from the path to the middle; default 0")
    metres("--length", "transmitter to receiver, with --body")
    parser.add_argument(
        "--body", action="append", metavar="D1,WIDTH[,DEPTH[,OFFSET]]", dest="bodies",
        help="one of several, in metres, instead of --d1, --d2 and --width; repeat it; without a "
        "depth a screen. They may not overlap",
    )  # fmt: skip
    metres("--height", "default inf: strips or cylinders without upper and lower edge", math.inf)
    metres(
        "--antenna-height",
        "of the path over a screen's lower edge, or the ground that bodies stand on and that "
        "mirrors them; default half the height",
    )
    parser.add_argument(
        "--model",
        choices=get_args(Model),
        help="default thick for what has a depth, which no other model takes, else fresnel; "
        "several are multiple diffraction with their spacing in thick and fresnel, else they "
        "multiply",
    )
    parser.add_argument(
        "--polarization",
        choices=get_args(Polarization),
        help="of the electric field, for thick; default vertical",
    )
    parser.add_argument(
        "--material",
        metavar="NAME",
        help="for thick: pec, a perfect conductor, or skin or what is worn on it (cloth, that is "
        "cotton, or denim, synthetic, wool, leather), known up to 100 GHz; default skin",
    )


def run(arguments: argparse.Namespace) -> int:
    """`height` and `antenna_height` are null where there is no upper and lower edge."""
    from visrftwin_ros.propagation.people.screen_diffraction import loss_db, vertical_screen

    length, bodies = _bodies(arguments)
    surface = _surface(arguments, bodies)
    outlines = [
        vertical_screen(
            d1=body.d1,
            d2=length - body.d1,
            width=body.width,
            height=arguments.height,
            offset=body.offset,
            antenna_height=arguments.antenna_height,
        )
        for body in bodies
    ]
    model: Model = arguments.model or ("fresnel" if surface is None else "thick")
    alone, field = _fields(model, bodies, outlines, surface, arguments.frequency)
    answer: dict[str, Any] = {
        "model": model,
        "loss_db": float(loss_db(field)[0]),
        "phase_rad": cmath.phase(field[0]),
        "frequency": arguments.frequency,
    }
    if arguments.bodies:
        losses = loss_db(alone)
        answer["product_loss_db"] = float(losses.sum())
        answer["length"] = length
        answer["bodies"] = [
            {"loss_db": float(loss), **vars(body)}
            for loss, body in zip(losses, bodies, strict=True)
        ]
    else:
        answer |= {"d1": arguments.d1, "d2": arguments.d2, "width": arguments.width}
        answer |= {} if surface is None else {"depth": arguments.depth}
        answer["offset"] = bodies[0].offset
    answer |= {"height": arguments.height, **(surface or {})}
    answer["antenna_height"] = float(-outlines[0].bottom[0])
    finite = {
        key: None if isinstance(value, float) and math.isinf(value) else value
        for key, value in answer.items()
    }
    print(json.dumps(finite, indent=2))
    return 0


def _bodies(arguments: argparse.Namespace) -> tuple[float, list[_Body]]:
    """Length of the path, and what stands on it, in its order."""
    one = [f"--{name}" for name in _ONE if getattr(arguments, name) is not None]
    if arguments.bodies:
        if one:
            raise TwinError(f"{', '.join(one)}: each --body has its own; expected --length instead")
        length = arguments.length
        if length is None or not (0 < length < math.inf):
            raise TwinError("--body needs --length, transmitter to receiver, in metres, positive")
        bodies = sorted((_body(text) for text in arguments.bodies), key=lambda body: body.d1)
        beyond = [f"{body.d1:g}" for body in bodies if not 0 < body.d1 < length]
        if beyond:
            raise TwinError(
                f"body at {', '.join(beyond)} m: expected it between the ends, over 0 and under "
                f"{length:g} m"
            )
        _check_apart(bodies)
        return length, bodies
    missing = [f"--{name}" for name in ("d1", "d2", "width") if getattr(arguments, name) is None]
    if missing:
        raise TwinError(
            f"{', '.join(missing)} missing: expected --d1, --d2 and --width, or --length and --body"
        )
    if arguments.length is not None:
        raise TwinError("--length goes with --body: expected --d1 and --d2 of one")
    offset = arguments.offset if arguments.offset is not None else 0.0
    _check_positive(d1=arguments.d1, d2=arguments.d2, width=arguments.width)
    body = _Body(arguments.d1, arguments.width, arguments.depth, offset)
    return arguments.d1 + arguments.d2, [body]


def _body(text: str) -> _Body:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not 2 <= len(numbers) <= 4 or not all(map(math.isfinite, numbers)):
        raise TwinError(f"--body {text}: expected D1,WIDTH[,DEPTH[,OFFSET]], finite, in metres")
    d1, width, *rest = numbers
    _check_positive(width=width)
    return _Body(d1, width, rest[0] if rest else None, rest[1] if len(rest) > 1 else 0.0)


def _check_positive(**sizes: float) -> None:
    wrong = [name for name, value in sizes.items() if not 0 < value < math.inf]
    if wrong:
        raise TwinError(f"{', '.join(wrong)}: expected metres, positive and finite")


def _check_apart(bodies: Sequence[_Body]) -> None:
    """Refuses bodies that stand in each other."""
    import numpy as np

    angle = np.arange(_FACETS) * 2 * np.pi / _FACETS
    for i, second in enumerate(bodies):
        for first in bodies[:i]:
            if not (first.depth and second.depth):
                continue
            x = second.d1 - first.d1 + second.depth / 2 * np.cos(angle)
            y = second.offset - first.offset + second.width / 2 * np.sin(angle)
            # The centre too: the second may stand wholly within the first, or round it.
            inside = np.hypot(2 * x / first.depth, 2 * y / first.width).min() < 1
            back = np.hypot(
                2 * (first.d1 - second.d1) / second.depth,
                2 * (first.offset - second.offset) / second.width,
            )
            if inside or back < 1:
                raise TwinError(
                    f"bodies at {first.d1:g} and {second.d1:g} m overlap: expected them apart, "
                    "one behind or beside the other"
                )


def _surface(arguments: argparse.Namespace, bodies: Sequence[_Body]) -> dict[str, str] | None:
    """Polarization and material of thick bodies; None for flat screens."""
    given = {name: value for name in _DEFAULTS
             if (value := getattr(arguments, name)) is not None}  # fmt: skip
    flat = [body for body in bodies if body.depth is None]
    if not flat and arguments.model in (None, "thick"):
        found = {**_DEFAULTS, **given}
        found["material"] = _USUAL.get(found["material"], found["material"])
        _check_material(found["material"], arguments.frequency)
        return found
    if arguments.model == "thick":
        raise TwinError("the thick model needs --depth, in metres along the path, of every body")
    if len(flat) < len(bodies):
        given = {"depth": "", **given}
    if given:
        named = ", ".join(f"--{name}" for name in given)
        raise TwinError(f"{named}: a flat screen has none; expected bodies, all with --depth, and "
                        "the thick model")  # fmt: skip
    return None


def _check_material(material: str, frequency: float) -> None:
    from visrftwin_ros.bodies.surface import SKIN, body_materials
    from visrftwin_ros.materials.table import material_values

    if material == _CONDUCTOR:
        return
    if material not in body_materials():
        known = ", ".join((_CONDUCTOR, *body_materials(), *_USUAL))
        raise TwinError(f"--material {material} is not known: expected one of {known}")
    if material_values(SKIN, frequency).extrapolated:
        raise TwinError(f"{material} is known up to 100 GHz, as skin is, not at "
                        f"{frequency / 1e9:g} GHz: expected such a carrier, or --material pec")  # fmt: skip


def _fields(
    model: BlockageModel,
    bodies: Sequence[_Body],
    outlines: Sequence[Screens],
    surface: Mapping[str, str] | None,
    frequency: float,
) -> tuple[ComplexValues, ComplexValues]:
    """E/E0 behind each alone, and behind all, (1,)."""
    import numpy as np

    from visrftwin_ros.propagation.fields.free_space import wavelength_of
    from visrftwin_ros.propagation.people.cylinder_diffraction import body_on_ground
    from visrftwin_ros.propagation.people.multiple_bodies import Standing, joint_ratios, ratios_in
    from visrftwin_ros.propagation.people.screen_diffraction import FIELD_OF_MODEL
    from visrftwin_ros.propagation.people.transition_table import tabulated

    wavelength = wavelength_of(frequency)
    if surface is None:
        alone = np.concatenate([FIELD_OF_MODEL[model](o, wavelength) for o in outlines])
    else:
        polarization: Polarization = (
            "vertical" if surface["polarization"] == "vertical" else "horizontal"
        )
        impedance = _impedance(surface["material"], polarization, wavelength)
        alone = np.concatenate([
            body_on_ground(
                outline, np.array([body.depth]), wavelength, polarization, impedance
            )
            for outline, body in zip(outlines, bodies, strict=True)
        ])  # fmt: skip
    d1, d2, left, right = (
        np.concatenate([getattr(o, name) for o in outlines])
        for name in ("d1", "d2", "left", "right")
    )
    none = np.zeros(len(bodies), np.intp)
    half_depth = np.array([(body.depth or 0.0) / 2 for body in bodies])
    standing = Standing(
        none, none, d1, d2, left, right, half_depth, np.ones(len(bodies)),
        alone.astype(complex), none,
    )  # fmt: skip
    if surface is None:
        _, ratio = joint_ratios(standing, wavelength, model)
    else:
        tables = tabulated((lambda cosine: _along(impedance, polarization, cosine),))
        _, ratio = ratios_in(standing, wavelength, tables)
    return alone, np.atleast_1d(alone.prod() * ratio.prod())


def _impedance(material: str, polarization: str, wavelength: float) -> Impedance:
    """Of the surface, over that of free space, at this polarization."""
    import numpy as np

    from visrftwin_ros.bodies.surface import body_coefficients

    def of(cosine: Any) -> Any:
        if material == _CONDUCTOR:
            return np.zeros_like(cosine, dtype=complex)
        oblique = np.maximum(cosine, _LEAST_COSINE)
        te, tm = body_coefficients(np.full(len(cosine), material), oblique, wavelength)
        if polarization == "vertical":
            return (1 + te) / (1 - te) / oblique
        return oblique * (1 - tm) / (1 + tm)

    return of


def _along(impedance: Impedance, polarization: str, cosine: Any) -> Any:
    """As the law of the field along the axis has it: for the other, whose magnetic field is along
    it, the inverse."""
    import numpy as np

    found = impedance(cosine)
    return found if polarization == "vertical" else 1 / np.where(found == 0, _LEAST, found)
