"""The live graph is run once; the tests read what its listener wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from live_graph import LiveRun, OfflineRun, run_live, run_offline
from node_bench import NodeBench


@pytest.fixture(scope="session")
def video(test_data: Path) -> Path:
    return test_data / "pets" / "vtest.avi"


@pytest.fixture(scope="session")
def weights(test_data: Path) -> Path:
    return test_data / "detector" / "yolov8n320_int8_openvino_model"


@pytest.fixture(scope="session")
def live_run(
    ros: None, video: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> LiveRun:
    return run_live(video, weights, tmp_path_factory.mktemp("live") / "messages.jsonl")


@pytest.fixture(scope="session")
def offline_run(live_run: LiveRun, video: Path, weights: Path) -> Iterator[OfflineRun]:
    with pytest.MonkeyPatch.context() as patched:
        yield run_offline(live_run, video, weights, patched)


@pytest.fixture
def bench(ros: None) -> Iterator[NodeBench]:
    bench = NodeBench()
    yield bench
    bench.close()
