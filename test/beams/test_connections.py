import numpy as np
import pytest

from visrftwin_ros.beams.connections import NEVER, NOBODY, groups_of
from visrftwin_ros.beams.hand_over_plan import LinksAhead, Service, best_course, hand_over_plan
from visrftwin_ros.site.model import Radio

RADIO, TWO = Radio(), Service(connections=2)
TIMES = 0.1 * np.arange(31)


def links(*until: float) -> LinksAhead:
    """Access points a, b, ... that are good up to these times [s], and gone after."""
    snr_db = np.array([np.where(end > TIMES, 25.0, -10.0) for end in until])
    return LinksAhead(tuple("abcd"[: len(until)]), TIMES, snr_db[:, None])


def test_one_connection_is_each_access_point_alone() -> None:
    broken, kept = groups_of(3, 1, False), groups_of(3, 1, True)
    assert broken.members == kept.members == ((0,), (1,), (2,))
    assert broken.meanwhile[0, 1] == NOBODY and kept.meanwhile[0, 1] == 0
    assert broken.change(0, 2) == (0, 2)
    assert broken.of_strongest(np.array([3.0, np.nan, 9.0])) == 2


def test_of_two_connections_one_is_changed_while_the_other_serves() -> None:
    groups = groups_of(4, 2, False)
    ab, bc, cd = (groups.number(pair) for pair in ((1, 0), (1, 2), (2, 3)))
    assert groups.members[groups.meanwhile[ab, bc]] == (1,) and groups.change(ab, bc) == (0, 2)
    assert groups.meanwhile[ab, cd] == NEVER
    alone = groups.number([1])
    assert groups.meanwhile[alone, bc] == alone and groups.change(alone, bc) == (None, 2)
    assert groups.meanwhile[alone, groups.number([2])] == groups.meanwhile[ab, alone] == NEVER
    assert groups_of(4, 2, True).meanwhile[ab, bc] == ab
    assert groups_of(1, 2, False).members == ((0,),)


def test_the_stronger_of_a_group_carries() -> None:
    groups = groups_of(3, 2, False)
    found = groups.strongest(np.array([[1.0, -np.inf], [5.0, 0.0], [2.0, 7.0]]))
    np.testing.assert_array_equal(found[groups.number((0, 2))], [2.0, 7.0])
    np.testing.assert_array_equal(found[groups.number([1])], [5.0, 0.0])
    assert groups.of_strongest(np.array([1.0, 5.0, 2.0])) == groups.number((1, 2))


def exhaustive(value: np.ndarray, step: float, serving: int, service: Service) -> float:
    """The most value over every sequence of changes, written out for pairs."""
    groups, busy, steps = service.groups(3), round(service.interruption / step), value.shape[1]

    def most(k: int, here: int) -> float:
        if k >= steps:
            return 0.0
        best = value[here, k] * step + most(k + 1, here)
        for there in range(3):  # the pairs come first
            kept = set(groups.members[here]) & set(groups.members[there])
            if there != here and kept:
                alone = value[groups.number(tuple(kept)), k : k + busy].sum() * step
                best = max(best, alone - service.hand_over_cost + most(k + busy, there))
        return best

    return most(0, serving)


@pytest.mark.parametrize("serving", range(6))
def test_no_sequence_of_changes_of_pairs_is_better(serving: int) -> None:
    draw = np.random.default_rng(serving)
    service = Service(interruption=0.2, connections=2)
    groups = service.groups(3)
    alone = np.repeat(draw.integers(0, 2, (3, 5)), 2, axis=1).astype(float)
    value = groups.strongest(alone)
    course = best_course(value, 0.1, serving, groups, service)
    reached = course.value(value).sum() * 0.1 - service.hand_over_cost * len(course.changes)
    assert reached == pytest.approx(exhaustive(value, 0.1, serving, service))


def test_the_one_that_goes_is_replaced_only_where_the_other_goes_too() -> None:
    assert hand_over_plan(links(0.5, 9.0, 9.0), [0, 1], RADIO, TWO).to is None
    plan = hand_over_plan(links(0.5, 2.0, 9.0), [0, 1], RADIO, TWO)
    assert plan.leaves in (0, 1) and plan.to == 2 and plan.at < 1.71
    added = hand_over_plan(links(1.0, 9.0), [0], RADIO, TWO)
    assert (added.leaves, added.to) == (None, 1) and added.at < 0.71 and added.confidence == 1
