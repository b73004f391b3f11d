import numpy as np
import pytest

from visrftwin_ros.beams.hand_over_plan import LinksAhead
from visrftwin_ros.beams.late_recovery import recovers_late

TIMES = np.arange(0, 3.01, 0.05)


def links(*courses: np.ndarray) -> LinksAhead:
    snr_db = np.stack([np.tile(course, (16, 1)) for course in courses])
    return LinksAhead(tuple("abc"[: len(courses)]), TIMES, snr_db)


def test_who_stands_in_a_link_is_not_sure_to_walk_on() -> None:
    up = np.where(TIMES < 0.2, -5.0, 14.0)
    late = recovers_late(links(up)).snr_db[0]
    back = (late == 14.0).mean(axis=0)
    assert back[0] == 0.0
    assert (np.diff(back) >= 0).all()
    for at in (0.5, 1.0, 2.0):
        share = back[round(at / 0.05)]
        assert share == pytest.approx(1 - np.exp(-at / 2.0), abs=0.05)


def test_fades_that_come_and_links_that_hold_are_as_foreseen() -> None:
    down = np.where(TIMES > 1.0, -5.0, 14.0)
    dips = np.where((TIMES > 1.0) & (TIMES < 1.5), -5.0, 14.0)
    drifts = np.linspace(8.0, 10.9, len(TIMES))
    ahead = links(down, dips, drifts)
    np.testing.assert_array_equal(recovers_late(ahead).snr_db, ahead.snr_db)


def test_links_recover_each_by_itself() -> None:
    up = np.where(TIMES < 0.2, -5.0, 14.0)
    late = recovers_late(links(up, up)).snr_db
    assert not np.array_equal(late[0], late[1])
    np.testing.assert_array_equal(recovers_late(links(up, up)).snr_db, late)
