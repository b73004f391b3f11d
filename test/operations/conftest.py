"""What several tests of whole graphs share."""

from __future__ import annotations

import os

import pytest


@pytest.fixture
def quiet_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    """For processes of the test: DDS keeps a killed node of an earlier one for 20 s, and this process
    may have nodes of the same names."""
    monkeypatch.setenv("ROS_DOMAIN_ID", str((int(os.environ["ROS_DOMAIN_ID"]) + 50) % 100 + 1))
