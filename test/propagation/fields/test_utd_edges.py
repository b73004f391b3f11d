"""The field round a perfectly conducting wedge, against its exact eigenfunction series."""

import numpy as np
import pytest
from scipy.special import hankel2

from visrftwin_ros.benchmarks.correctness import SOURCE_ANGLES, wedge_error
from visrftwin_ros.benchmarks.exact_wedge import wedge_series
from visrftwin_ros.benchmarks.sionna_faults import diffracted_with_faults
from visrftwin_ros.propagation.fields.utd_edges import Wedges, diffracted_field

WEDGES = {"wedge of 90 degrees": 1.5 * np.pi, "half plane": 2 * np.pi}


@pytest.mark.parametrize("hard", [False, True], ids=["soft", "hard"])
@pytest.mark.parametrize("exterior", WEDGES.values(), ids=WEDGES)
@pytest.mark.parametrize("source_angle", SOURCE_ANGLES)
def test_all_round_a_wedge_the_field_is_that_of_the_series(
    exterior: float, source_angle: float, hard: bool
) -> None:
    """Shadow and reflection boundaries among the angles."""
    assert wedge_error(diffracted_field, exterior, source_angle, hard) < 1e-3


@pytest.mark.parametrize("hard", [False, True], ids=["soft", "hard"])
@pytest.mark.parametrize("exterior", WEDGES.values(), ids=WEDGES)
def test_with_the_faces_terms_reversed_it_is_off_by_most_of_the_incident_field(
    exterior: float, hard: bool
) -> None:
    assert max(wedge_error(diffracted_with_faults, exterior, a, hard) for a in SOURCE_ANGLES) > 0.8


def test_the_series_of_a_flat_conductor_is_the_source_and_its_image() -> None:
    """A wedge of 180 degrees, which no theory of diffraction has a part in."""
    angle, k = np.linspace(0.1, 3.0, 50), 400.0
    for hard, sign in ((False, -1), (True, 1)):
        apart = [np.sqrt(1 + 0.49 - 1.4 * np.cos(angle - direction)) for direction in (0.8, -0.8)]
        exact = (hankel2(0, k * apart[0]) + sign * hankel2(0, k * apart[1])) / hankel2(0, k)
        found = wedge_series(k, np.pi, (1.0, 0.8), 0.7, angle, hard)
        np.testing.assert_allclose(found, exact, atol=1e-9)


def test_an_edge_that_is_met_askew_takes_a_wave_there_and_back_alike() -> None:
    """Reciprocity, from before the near face of a corner to behind the far one, for any faces."""
    rng = np.random.default_rng(2)
    origin, along = np.zeros((1, 3)), np.array([[0.0, 0.0, 1.0]])
    near, far = np.array([[0.0, 1.0, 0.0]]), np.array([[-1.0, 0.0, 0.0]])
    there, on = (
        np.array([[np.cos(a) * 0.8, np.sin(a) * 0.8, 0.6]]) for a in np.radians([-130.0, -110.0])
    )
    sent, received = (np.cross(way, rng.normal(size=(1, 3))) for way in (there, on))
    faces = [rng.normal(size=1) + 1j * rng.normal(size=1) for _ in range(4)]

    def passed(
        field: np.ndarray, ways: tuple[np.ndarray, np.ndarray], edge: Wedges, reflected: list
    ) -> np.ndarray:
        both = np.stack([field, field], axis=1).astype(complex)
        distance = np.array([2.0])
        return diffracted_field(both, *ways, edge, distance, distance, reflected, 0.005)[0, 0]

    forth = passed(sent, (there, on), Wedges(origin, along, np.ones(1), near, far), faces)
    turned = Wedges(origin, -along, np.ones(1), far, near)
    back = passed(received, (-on, -there), turned, [*faces[2:], *faces[:2]])
    assert forth @ received[0] == pytest.approx(back @ sent[0], rel=1e-9)
