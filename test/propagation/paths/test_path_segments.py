import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import polylines

from visrftwin_ros.propagation.paths import path_set
from visrftwin_ros.propagation.paths.path_segments import PlaceGrid, Scan, path_segments
from visrftwin_ros.propagation.paths.path_set import PathSet

coordinate = st.floats(-20, 20, width=32)
point = st.tuples(coordinate, coordinate, st.floats(0, 5, width=32))
line = st.lists(point, min_size=2, max_size=4)


@settings(deadline=None)
@given(
    lines=st.lists(line, min_size=1, max_size=8),
    place=st.tuples(coordinate, coordinate),
    reach=st.floats(0.1, 3),
)
def test_the_grid_misses_no_segment_that_a_scan_finds(lines, place, reach) -> None:
    segments = path_segments(polylines(*lines))
    where = np.array([(9.0, 9.0), place]), np.array([0.1, reach])
    found = set(zip(*PlaceGrid(segments).near(*where), strict=True))
    assert set(zip(*Scan(segments).near(*where), strict=True)) <= found


def test_the_grid_looks_at_little() -> None:
    rng = np.random.default_rng(1)
    ends = rng.uniform(-30, 30, (2000, 2, 3))
    segments = path_segments(polylines(*[[tuple(a), tuple(b)] for a, b in ends]))
    here = np.zeros((1, 2)), np.array([0.6])
    found, _ = PlaceGrid(segments).near(*here)
    assert len(found) < 3 * max(1, len(Scan(segments).near(*here)[0]))


def test_specular_bounces_unfold_and_diffuse_ones_start_anew() -> None:
    bounced = polylines([(0, 0, 1), (3, 4, 1), (3, 10, 1)], [(0, 0, 1), (3, 4, 1), (3, 10, 1)])
    kinds = bounced.interactions.copy()
    kinds[1, 0] = path_set.DIFFUSE
    segments = path_segments(PathSet(**{**vars_of(bounced), "interactions": kinds}))
    assert segments.behind.tolist() == [0, 5, 0, 0]
    assert segments.ahead.tolist() == [6, 0, 0, 0]
    assert segments.first.tolist() == [True, False, True, False]
    assert segments.last.tolist() == [False, True, False, True]


def test_no_paths_and_coincident_ends_have_no_segments() -> None:
    assert len(path_segments(path_set.empty((("ap", "r"),), 3))) == 0
    here = path_segments(polylines([(1, 1, 1), (1, 1, 1)]))
    assert len(here) == 0
    assert len(PlaceGrid(here).near(np.zeros((1, 2)), np.ones(1))[0]) == 0


def vars_of(paths: PathSet) -> dict[str, object]:
    names = (
        "links",
        "link",
        "vertices",
        "n_vertices",
        "interactions",
        "objects",
        "normals",
        "transfer",
        "delay",
    )
    return {name: getattr(paths, name) for name in names}
