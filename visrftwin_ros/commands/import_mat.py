"""`visrftwin import mat`: responses in a MATLAB file as a campaign bag."""

from __future__ import annotations

import argparse

from visrftwin_ros.commands.importing import add_common, file_to_read, finish, sounding
from visrftwin_ros.commands.options import hertz
from visrftwin_ros.errors import TwinError

NAME = "import mat"
HELP = "impulse or frequency responses of a MATLAB file as a campaign bag"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--variable", required=True, help="name of the array")
    parser.add_argument(
        "--axes",
        required=True,
        help="its axes in order, of snapshot, beam, tap, frequency: snapshot,beam,tap",
    )
    parser.add_argument("--sample-rate", type=hertz, metavar="HZ", help="taps a second")
    parser.add_argument(
        "--beam-azimuths", default="", metavar="DEG", help="of arrival: a,b,c or first:last:count"
    )
    parser.add_argument(
        "--scale", type=float, default=0.0, metavar="DB", help="added to every gain"
    )
    parser.add_argument("--threshold", type=float, default=12.0, metavar="DB", help="over noise")
    parser.add_argument(
        "--dynamic-range", type=float, default=25.0, metavar="DB", help="under the strongest echo"
    )
    add_common(parser)


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.campaign.importers.cir_paths import Extraction
    from visrftwin_ros.campaign.importers.mat_cir import ResponseLayout, beam_azimuths, read_mat

    if arguments.sample_rate is None:
        raise TwinError(f"{arguments.file} does not say how fast it samples: give --sample-rate HZ")
    azimuths = beam_azimuths(arguments.beam_azimuths) if arguments.beam_azimuths else ()
    layout = ResponseLayout(
        arguments.variable,
        tuple(arguments.axes.split(",")),
        arguments.sample_rate,
        azimuths,
        arguments.scale,
        Extraction(arguments.threshold, arguments.dynamic_range),
    )
    return finish(arguments, read_mat(file_to_read(arguments), sounding(arguments), layout))
