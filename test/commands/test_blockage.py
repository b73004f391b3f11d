"""`visrftwin blockage` against exact Fresnel integrals and TR 38.901 model B, worked out by hand."""

import json

import numpy as np
import pytest

from visrftwin_ros.cli import main

STRIPS = [(0.30, 2.5, 2.5, 15.55, 15.57, 5.31), (0.45, 2.5, 2.5, 19.04, 18.98, 5.54),
          (0.30, 0.5, 4.5, 19.95, 19.80, 5.57)]  # fmt: skip


def blockage(capsys: pytest.CaptureFixture[str], **options: object) -> dict[str, float]:
    arguments = ["blockage", "--frequency", "60e9"]
    for name, value in options.items():
        arguments += [f"--{name.replace('_', '-')}", str(value)]
    assert main(arguments) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(("width", "d1", "d2", "exact", "metis", "edge"), STRIPS)
def test_strips_cost_what_the_reference_table_says(
    capsys, width, d1, d2, exact, metis, edge
) -> None:
    strip = {"width": width, "d1": d1, "d2": d2, "height": "inf"}
    assert blockage(capsys, **strip, offset=0)["loss_db"] == pytest.approx(exact, abs=0.1)
    found = blockage(capsys, **strip, offset=0, model="metis")
    assert found["loss_db"] == pytest.approx(metis, abs=0.1)
    assert found["model"] == "metis" and found["height"] is None
    at_edge = blockage(capsys, **strip, offset=width / 2, model="metis")
    assert at_edge["loss_db"] == pytest.approx(edge, abs=0.1)


def test_a_person_sized_screen_centred_on_the_link_costs_14_34_db(capsys) -> None:
    screen = {"d1": 2.5, "d2": 2.5, "width": 0.3, "height": 1.7, "offset": 0, "model": "metis"}
    found = blockage(capsys, **screen)
    assert found["loss_db"] == pytest.approx(14.34, abs=0.1)
    assert found["antenna_height"] == pytest.approx(0.85)
    over_the_head = blockage(capsys, **screen, antenna_height=2.2)
    assert abs(over_the_head["loss_db"]) < 0.5


def test_a_wide_knife_edge_follows_p526(capsys) -> None:
    # v = h sqrt(2 (d1 + d2) / (lambda d1 d2)) = 1 at d1 = d2 = 2.5 m, 60 GHz.
    h = np.sqrt(299_792_458 / 60e9 * 2.5 * 2.5 / (2 * 5))
    wide = {"d1": 2.5, "d2": 2.5, "width": 200, "model": "knife_edge"}
    assert blockage(capsys, **wide, offset=100)["loss_db"] == pytest.approx(6.03, abs=0.02)
    assert blockage(capsys, **wide, offset=100 - h)["loss_db"] == pytest.approx(13.93, abs=0.02)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"d1": 0}, "d1"),
        ({"d2": -1}, "d2"),
        ({"d1": "nan"}, "d1"),
        ({"width": "inf"}, "width"),
        ({"height": 0}, "height"),
        ({"height": "nan"}, "height"),
        ({"offset": "nan"}, "offset"),
        ({"antenna_height": "nan", "height": 2}, "antenna height"),
    ],
)
def test_a_wrong_number_is_named(capsys, wrong, named) -> None:
    good = {"frequency": 60e9, "d1": 2, "d2": 2, "width": 0.3} | wrong
    arguments = ["blockage"]
    for name, value in good.items():
        arguments += [f"--{name.replace('_', '-')}={value}"]
    assert main(arguments) == 2
    assert named in capsys.readouterr().err
