"""Frequencies on the command line: with or without a unit, and never a number of GHz taken for Hz."""

from __future__ import annotations

from argparse import ArgumentTypeError

import pytest

from visrftwin_ros.cli import main
from visrftwin_ros.commands.options import carrier, hertz


@pytest.mark.parametrize(
    ("text", "value"),
    [("60e9", 60e9), ("60GHz", 60e9), ("60.48 GHz", 60.48e9), ("3400MHz", 3.4e9)]
    + [("6E10", 60e9), ("60e9Hz", 60e9), ("28 ghz", 28e9), ("0.4GHz", 0.4e9), ("3e11", 300e9)],
)
def test_a_carrier_is_read_with_and_without_a_unit(text: str, value: float) -> None:
    assert carrier(text) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("60", "60 is 60 Hz: write 60GHz or 60e9"),
        ("0.5", "0.5 is 0.5 Hz: write 0.5GHz or 0.5e9"),
        ("3400", "3400 is 3400 Hz: write 3400MHz or 3400e6"),
        ("60MHz", "60MHz is no carrier from 0.4 to 300 GHz"),
        ("400GHz", "400GHz is no carrier"),
        ("400e9", "400e9 is no carrier"),
    ],
)
def test_what_is_no_carrier_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(ArgumentTypeError) as refused:
        carrier(text)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "GHz", "sixty", "60THz", "-60GHz", "0", "nan", "inf", "1e999"]
)
def test_what_is_no_frequency_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="expected hertz"):
        hertz(text)


def test_a_bandwidth_may_be_narrower_than_any_carrier() -> None:
    assert hertz("20MHz") == 20e6


@pytest.mark.parametrize(
    "command",
    [
        "blockage --frequency 60 --d1 2.5 --d2 2.5 --width 0.3",
        "import csv t.csv --columns c.yaml --out bag --frequency 60",
    ],
)
def test_commands_refuse_60_and_say_why(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(command.split())
    assert ended.value.code == 2
    assert "60 is 60 Hz: write 60GHz or 60e9" in capsys.readouterr().err
