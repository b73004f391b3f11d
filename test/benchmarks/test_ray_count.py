"""What twice the rays change."""

from __future__ import annotations

import numpy as np
import pytest

from visrftwin_ros.benchmarks import ray_count
from visrftwin_ros.propagation.paths.link_metrics import LinkMetrics
from visrftwin_ros.site.model import Site


def metrics(path_loss_db: list[float]) -> LinkMetrics:
    fields = LinkMetrics.__dataclass_fields__.values()
    kinds = {f.name: bool if "Bool" in str(f.type) else float for f in fields}
    values = {name: np.zeros(len(path_loss_db), kind) for name, kind in kinds.items()}
    return LinkMetrics(**(values | {"path_loss_db": np.array(path_loss_db)}))


def test_a_link_that_only_more_rays_reach_is_no_number_of_db(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [80.0] * 98 + [np.inf, np.inf]
    more = [*found[:98], np.inf, 120.0]  # one of two links without a path has one now

    def of(site: Site, receivers: int) -> LinkMetrics:
        return metrics(found if site.propagation.samples == 1000 else more)

    monkeypatch.setattr(ray_count, "_metrics", of)
    monkeypatch.setattr(ray_count, "_lost", lambda *_: (0.0, 0.0))
    (row,) = ray_count.run(("pets_campus",), 50, 1000)
    assert row.gain_diff_db_max is None and row.gain_diff_db_p95 == 0
    assert row.within == pytest.approx(0.99) and row.worst_link.endswith("-r49")
    assert "a path by one of the two only" in capsys.readouterr().out
