import numpy as np

from visrftwin_ros.beams.hand_over_plan import LinksAhead, Service
from visrftwin_ros.beams.service_warnings import ServiceWarnings
from visrftwin_ros.site.model import Radio

RADIO, SERVICE = Radio(), Service()
TIMES = 0.05 * np.arange(61)
DRIVING = {"cart"}


def links(begins: float, ends: float, futures: int = 3, other: float = -20.0) -> LinksAhead:
    """Of `futures` of three, `a` is gone between these times [s]; `b` has `other` dB."""
    a = np.full((3, len(TIMES)), 25.0)
    a[:futures, (begins <= TIMES) & (ends > TIMES)] = -20.0
    return LinksAhead(("a", "b"), TIMES, np.stack([a, np.full_like(a, other)]))


def told(ahead: LinksAhead, robot: str = "cart", now: float = 10.0):
    return ServiceWarnings().ahead(now, {robot: ahead}, RADIO, SERVICE, DRIVING)


def test_a_robot_that_no_access_point_will_serve_is_warned_once_and_told_to_wait() -> None:
    warnings, (one,) = told(links(1.0, 2.0))
    assert (one.robot, one.what, one.probability) == ("cart", "slow down", 1.0)
    assert abs(one.begins - 11.0) < 0.06 and abs(one.ends - 12.0) < 0.06
    assert "1 Gbit/s from 1.0 s on to 1.9 s" in one.reason
    _, again = warnings.ahead(10.1, {"cart": links(0.9, 1.9)}, RADIO, SERVICE, DRIVING)
    assert again == ()
    _, later = warnings.ahead(12.2, {"cart": links(1.0, 2.0)}, RADIO, SERVICE, DRIVING)
    assert len(later) == 1


def test_what_is_not_over_in_time_asks_for_another_way() -> None:
    _, (one,) = told(links(2.0, 9.0))
    assert one.what == "reroute" and "longer than is foreseen" in one.reason


def test_a_robot_that_stands_is_told_and_asked_for_nothing() -> None:
    _, (one,) = told(links(2.0, 9.0), robot="desk")
    assert one.what == "none"


def test_none_is_warned_that_another_access_point_serves_or_that_few_futures_lose() -> None:
    assert told(links(1.0, 2.0, other=25.0))[1] == ()
    assert told(links(1.0, 2.0, futures=1))[1] == ()


def test_what_is_so_already_is_not_warned_of_and_comes_again_after_it() -> None:
    warnings, now = told(links(0.0, 2.0))
    assert now == ()
    _, after = warnings.ahead(12.0, {"cart": links(1.0, 2.0)}, RADIO, SERVICE, DRIVING)
    assert len(after) == 1
