"""Every test run has a DDS domain of its own, stays on this machine, hears a Ctrl-C and checks shapes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import pytest
from shape_checks import check_shapes, next_test

from visrftwin_ros.operations.domain import apart

RUN = ExitStack()
"""What lasts as long as the process: its DDS domain."""
RUN.enter_context(apart())
os.environ["YOLO_AUTOINSTALL"] = "false"
os.environ["VISRFTWIN_ALLOW_CODE"] = "1"  # the weights of the tests are our own
# What a script starts in the background inherits an ignored Ctrl-C, and so would all it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
check_shapes()
hypothesis.settings.register_profile("tests", deadline=None)  # a loaded machine is no fault
hypothesis.settings.load_profile("tests")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--device",
        choices=("auto", "cuda", "llvm"),
        default="auto",
        help="where the engines of the tests trace rays; auto: CUDA where there is a GPU",
    )


def pytest_configure(config: pytest.Config) -> None:
    """In the environment, so that the processes that tests start follow it as well."""
    if config.getoption("--device") != "auto":
        os.environ["VISRFTWIN_DEVICE"] = config.getoption("--device")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`graph`: with ROS nodes, processes or deadlines, which wants the machine for itself."""
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        if folder in ("e2e", "operations") or "ros" in getattr(item, "fixturenames", ()):
            item.add_marker("graph")


@pytest.fixture(autouse=True)
def shapes() -> None:
    """Each test has the first calls of every function checked."""
    next_test()


@pytest.fixture(scope="session")
def ros() -> Iterator[None]:
    """rclpy in this process, one DDS participant for the whole run.

    A second participant beside one that the garbage collector is just taking apart locks up in
    Fast DDS, in native code that no test timeout can interrupt.
    """
    import rclpy

    rclpy.init()
    yield
    rclpy.try_shutdown()


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real recordings and weights."""
    folder = os.environ.get("VISRFTWIN_TEST_DATA", "")
    if not folder:
        pytest.skip("VISRFTWIN_TEST_DATA is unset: it names the folder of recordings and weights")
    if not Path(folder).is_dir():
        pytest.fail(f"VISRFTWIN_TEST_DATA names {folder!r}, which is no folder")
    return Path(folder)
