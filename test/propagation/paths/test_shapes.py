"""The shapes in the signatures are checked while the tests run."""

from dataclasses import replace

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from visrftwin_ros.propagation.paths.path_set import empty, path_delay

LINE = np.array([[[0.0, 0.0, 1.0], [3.0, 4.0, 1.0]]])


def test_a_transposed_array_is_caught() -> None:
    assert path_delay(LINE) == pytest.approx(5 / 299_792_458)
    with pytest.raises(TypeCheckError, match="vertices"):
        path_delay(LINE.transpose(0, 2, 1))


def test_a_path_set_whose_columns_do_not_fit_each_other_is_caught() -> None:
    paths = empty((("ap", "robot"),), depth=2)
    with pytest.raises(TypeCheckError, match="delay"):
        replace(paths, delay=np.zeros(1))
    with pytest.raises(TypeCheckError, match="interactions"):
        replace(paths, interactions=np.zeros((0, 3), np.uint8))
