"""The made campaign's site."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_campaign import made_site

from visrftwin_ros.site.model import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return made_site(tmp_path / "site")
