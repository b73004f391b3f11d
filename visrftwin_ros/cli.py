"""The `visrftwin` command: reads the command line and runs one file of `commands/`.

A new command is such a file and its name in GROUPS.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from functools import partial

from visrftwin_ros import __version__
from visrftwin_ros.commands import (
    bench_detector,
    bench_lidar,
    bench_rays,
    bench_retrace,
    bench_sensors,
    bench_tracker,
    bench_vehicles,
    blockage,
    calibrate,
    campaign_info,
    campaign_recover,
    decide,
    demo,
    doctor,
    evaluate,
    fleet,
    import_csv,
    import_mat,
    import_mat_struct,
    import_nist_qd,
    lab_record,
    lab_world,
    map,
    predict,
    security_check,
    security_policies,
    site_calibrate_camera,
    site_check,
    site_edit,
    site_import,
    site_new,
    soak,
    track,
    track_score,
    up,
    views,
)
from visrftwin_ros.commands.command import Command
from visrftwin_ros.errors import TwinError
from visrftwin_ros.outputs import written_for_oneself

GROUPS: dict[str, tuple[Command, ...]] = {
    "A place": (site_new, map, site_check, site_edit, site_import, site_calibrate_camera),
    "The live twin": (demo, up, views, fleet, doctor, soak, security_policies, security_check),
    "People and channels of a recording": (track, track_score, predict),
    "Sounder campaigns": (
        campaign_info,
        campaign_recover,
        import_nist_qd,
        import_csv,
        import_mat,
        import_mat_struct,
        lab_record,
        lab_world,
        evaluate,
        calibrate,
        decide,
    ),
    "Figures": (
        blockage,
        bench_retrace,
        bench_rays,
        bench_detector,
        bench_tracker,
        bench_lidar,
        bench_sensors,
        bench_vehicles,
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one sub-command; 2 on bad input, 130 on Ctrl-C."""
    parsed = _parser().parse_args(arguments)
    try:
        with written_for_oneself():
            return int(parsed.run(parsed))
    except TwinError as error:
        _say(str(error), error)
        return 2
    except BrokenPipeError:  # who read the answer has heard enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        _say(f"{error.strerror}: {error.filename}", error)
        return 2
    except KeyboardInterrupt as stopped:
        _say("stopped", stopped)
        return 130


def _say(text: str, error: BaseException) -> None:
    """One line, with what the error's notes say was kept."""
    print("; ".join([f"visrftwin: {text}", *getattr(error, "__notes__", ())]), file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="visrftwin", description="A live radio twin of a place.")
    parser.add_argument("--version", action="version", version=f"visrftwin {__version__}")
    overview = "\n\n".join(f"{group}:\n{_lines(members)}" for group, members in GROUPS.items())
    _add_commands(parser, [c for members in GROUPS.values() for c in members], overview)
    return parser


def _add_commands(
    parser: argparse.ArgumentParser, commands: Sequence[Command], overview: str, depth: int = 0
) -> None:
    """The commands by their word at `depth`; where none is given, the parser prints its help."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.usage = f"{parser.prog} COMMAND ..."
    parser.epilog = overview
    parser.set_defaults(run=partial(_print_help, parser))
    added = parser.add_subparsers(metavar="COMMAND", help=argparse.SUPPRESS, prog=parser.prog)
    families: dict[str, list[Command]] = {}
    for command in commands:
        families.setdefault(command.NAME.split()[depth], []).append(command)
    for word, members in families.items():
        first = members[0]
        if first.NAME.split()[depth:] == [word]:
            leaf = added.add_parser(word, description=f"{first.HELP[0].upper()}{first.HELP[1:]}.")
            first.add_options(leaf)
            leaf.set_defaults(run=first.run)
        else:
            _add_commands(added.add_parser(word), members, _lines(members), depth + 1)


def _lines(commands: Iterable[Command]) -> str:
    return "\n".join(f"  {command.NAME:<22} {command.HELP}" for command in commands)


def _print_help(parser: argparse.ArgumentParser, _: argparse.Namespace) -> int:
    parser.print_help()
    return 0


if __name__ == "__main__":
    sys.exit(main())
