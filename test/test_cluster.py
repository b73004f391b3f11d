"""Parts of a command's work, here and by the workers of a real Dask cluster on this machine."""

from __future__ import annotations

import csv
import multiprocessing
import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sounded_hall import hall, record

from visrftwin_ros.cli import main
from visrftwin_ros.cluster import each
from visrftwin_ros.errors import TwinError
from visrftwin_ros.evaluation.evaluation import evaluate
from visrftwin_ros.evaluation.predictors import predictor_named
from visrftwin_ros.evaluation.results import Options

PARENTS = {"distributed.worker.daemon": False}
NO_RAYS = "free_space,inh,nearest,nearest_stretch"


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of one with two workers, each a process that may have others, as docs/evaluation.md starts them."""
    import dask
    from distributed import LocalCluster

    with (
        dask.config.set(PARENTS),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as local,
    ):
        yield local.scheduler_address


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def bag(folder: Path) -> Path:
    return record(folder / "bag", hall(folder / "hall"), seconds=2)


def halved(number: int) -> float:
    if number < 0:
        raise TwinError(f"{number}: expected 0 or more")
    return number / 2


def test_here_each_part_is_done_when_it_is_asked_for() -> None:
    answers = each(halved, [4, -1])
    assert next(answers) == 2.0
    with pytest.raises(TwinError, match="expected 0 or more"):
        next(answers)


def test_workers_answer_in_order_and_their_errors_arrive(cluster: str) -> None:
    assert list(each(len, ["abc", "", "a"], cluster)) == [3, 0, 1]
    answers = each(float, ["1.5", "x"], cluster)
    assert next(answers) == 1.5
    with pytest.raises(ValueError, match="'x'"):
        next(answers)


def test_a_cluster_scores_as_this_machine_does(cluster: str, folder: Path, bag: Path) -> None:
    words = ["evaluate", str(bag), str(bag), "--site", str(folder / "hall"), "--figures", "none"]
    tables = {}
    for name, options in (("here", []), ("there", ["--cluster", cluster])):
        out = folder / name
        assert main([*words, "--predictors", NO_RAYS, "--out", str(out), *options]) == 0
        assert (out / f"campaign_02_{bag.stem}" / "snapshots.csv").exists()
        with (out / "errors.csv").open(newline="") as stream:
            tables[name] = list(csv.DictReader(stream))
    assert len(tables["here"]) == len(tables["there"]) > 0
    for here, there in zip(tables["here"], tables["there"], strict=True):
        assert here.keys() == there.keys()
        for key, value in here.items():
            try:
                assert np.isclose(float(value), float(there[key]), 1e-6, 1e-6, equal_nan=True)
            except ValueError:
                assert value == there[key]


def test_who_answered_is_the_same_predictor_in_another_process(folder: Path, bag: Path) -> None:
    state = evaluate(bag, hall(folder / "hall"), Options(predictors=("inh",)))
    other = pickle.loads(pickle.dumps(state))
    assert other.results[0].predictor is predictor_named("inh")
    assert np.array_equal(other.results[0].offset_db, state.results[0].offset_db)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://here", "127.0.0.1:x"])
def test_no_scheduler_is_an_error_that_says_what_is_expected(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visrftwin_ros.cluster._PATIENCE", 1)
    with pytest.raises(TwinError, match=r"expected an address such as tcp://host:8786"):
        list(each(halved, [1], address))


def test_a_part_that_kills_its_workers_is_an_error_that_names_the_cluster() -> None:
    import dask
    from distributed import LocalCluster

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0, **PARENTS}),
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as local,
        pytest.raises(TwinError, match=f"{local.scheduler_address} lost its workers"),
    ):
        list(each(os._exit, [1], local.scheduler_address))


def child_exit_code(_: int) -> int | None:
    child = multiprocessing.get_context("spawn").Process(target=abs, args=(1,))
    child.start()
    child.join()
    return child.exitcode


def test_a_part_may_start_a_process_of_its_own(cluster: str) -> None:
    assert list(each(child_exit_code, [1], cluster)) == [0]


def test_workers_that_may_not_start_processes_are_an_error_that_says_what_to_set() -> None:
    import dask
    from distributed import LocalCluster

    with (
        dask.config.set({"distributed.worker.daemon": True}),
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as local,
        pytest.raises(TwinError, match=r"DASK_DISTRIBUTED__WORKER__DAEMON=False dask worker"),
    ):
        list(each(halved, [1], local.scheduler_address))


def test_a_cluster_without_workers_is_an_error() -> None:
    from distributed import LocalCluster

    with (
        LocalCluster(n_workers=0, dashboard_address=":0") as empty,
        pytest.raises(TwinError, match="has no workers"),
    ):
        list(each(halved, [1], empty.scheduler_address))
