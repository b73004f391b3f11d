"""What several tests of whole graphs share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from visrftwin_ros.operations.domain import apart


@pytest.fixture
def quiet_domain() -> Iterator[None]:
    """For processes of the test: DDS keeps a killed node of an earlier one for 20 s, and this process
    may have nodes of the same names."""
    with apart():
        yield
