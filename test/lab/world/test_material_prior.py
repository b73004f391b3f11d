"""How materials vary: as stated, and the same again."""

from __future__ import annotations

import numpy as np
import pytest

from visrftwin_ros.lab.world.constructions import CONSTRUCTIONS, MISTAKEN, SUBSTANCES
from visrftwin_ros.lab.world.material_prior import PRIOR, MaterialDraw, plain_wall
from visrftwin_ros.lab.world.nearest_slab import nearest_slab
from visrftwin_ros.materials.table import material_names


def logs(site: int, count: int) -> np.ndarray:
    """Of permittivity less one, of a site's asphalt surfaces."""
    draw = MaterialDraw(site, {})
    walls = [draw.wall(f"surface {i}", "asphalt_concrete", doubtful=False) for i in range(count)]
    bare = SUBSTANCES["asphalt"].real - 1
    return np.log([(wall.stack.permittivity[0].real - 1) / bare for wall in walls])


def test_permittivity_varies_between_sites_and_within_them_as_stated() -> None:
    table = np.array([logs(site, 12) for site in range(80)])
    assert table.std(axis=1, ddof=1).mean() == pytest.approx(PRIOR.permittivity.surface, rel=0.1)
    assert table.mean(axis=1).std() == pytest.approx(np.hypot(0.08, 0.08 / np.sqrt(12)), rel=0.2)
    # What all sites share is one draw of the label's: it is what a transfer lives on.
    assert 0 < abs(table.mean()) < 2.5 * PRIOR.permittivity.label
    assert PRIOR.permittivity.transferable == pytest.approx(0.12**2 / (0.12**2 + 2 * 0.08**2))


def test_the_stated_share_of_labels_is_wrong_and_small_things_are_what_they_seem() -> None:
    draw = MaterialDraw(4, {})
    doubtful = [draw.wall(f"wall {i}", "plasterboard", doubtful=True) for i in range(1500)]
    wrong = [wall for wall in doubtful if wall.real != wall.label]
    assert len(wrong) / 1500 == pytest.approx(PRIOR.mislabelled, abs=0.03)
    assert {wall.real for wall in wrong} == set(MISTAKEN["plasterboard"])
    sure = [draw.wall(f"leg {i}", "metal", doubtful=False) for i in range(100)]
    assert {wall.real for wall in sure} == {"metal"}


def test_looks_tell_the_construction_mostly() -> None:
    draw = MaterialDraw(9, {})
    walls = {f"w{i}": draw.wall(f"w{i}", "brick", doubtful=False) for i in range(600)}
    names = [c.name for c in CONSTRUCTIONS["brick"]]
    told = [
        draw.look(wall, name, 3) == names.index(wall.construction) for name, wall in walls.items()
    ]
    assert np.mean(told) == pytest.approx(PRIOR.telling + (1 - PRIOR.telling) / 3, abs=0.05)


def test_a_surface_is_uneven_smoothly() -> None:
    wall = MaterialDraw(1, {}).wall("floor", "marble", doubtful=False)
    place = np.random.default_rng(2).uniform(0, 200, (4000, 3))
    there, beside, away = (np.log(wall.unevenness(place + [d, 0, 0])[0]) for d in (0.0, 0.1, 4.0))
    assert there.std() == pytest.approx(PRIOR.permittivity.within, rel=0.1)
    assert np.corrcoef(there, beside)[0, 1] > 0.97
    assert abs(np.corrcoef(there, away)[0, 1]) < 0.35


def test_every_construction_is_of_known_substances_and_every_label_one_of_the_table() -> None:
    assert set(CONSTRUCTIONS) <= set(material_names())
    for choices in CONSTRUCTIONS.values():
        assert sum(c.share for c in choices) == pytest.approx(1.0)
        for built in choices:
            layers = [*built.layers, *(built.studs.layers if built.studs else ())]
            assert {substance for substance, _ in layers} <= set(SUBSTANCES)


def test_the_nearest_slab_of_a_slab_is_itself() -> None:
    found = nearest_slab(plain_wall(5.0 - 0.3j, 0.02), 1, 60.5e9)
    assert found.relative_permittivity == pytest.approx(5.0, rel=0.08)
    assert found.conductivity == pytest.approx(
        0.3 * 2 * np.pi * 60.5e9 * 8.8541878128e-12, rel=0.12
    )
