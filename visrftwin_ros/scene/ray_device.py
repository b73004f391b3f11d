"""Where rays are traced: CUDA or LLVM, chosen before Dr.Jit can end the process."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
from pathlib import Path
from typing import Literal, cast, get_args

from visrftwin_ros.errors import TwinError
from visrftwin_ros.interrupts import EVERY, uninterrupted

Device = Literal["auto", "cuda", "llvm"]

DEVICE_VARIABLE = "VISRFTWIN_DEVICE"
"""Environment variable that says what `auto` means, in this process and those that it starts."""
_OLDEST_LLVM = 16
"""Dr.Jit aborts the whole process with LLVM 14 and 15 (measured with Sionna RT 2.2.0)."""


def prepare(device: Device = "auto", threads: int = 0) -> Literal["cuda", "llvm"]:
    """Selects Mitsuba's variant for this process and says which it is.

    `auto` takes what DEVICE_VARIABLE names, else CUDA where there is a usable GPU. `threads` bounds
    Dr.Jit's CPU threads (0 = all). Raises TwinError where the device cannot run, instead of letting
    Dr.Jit end the process.
    """
    if device == "auto":
        device = _named_device()
    if device != "cuda":
        # Before drjit is imported, and even for `auto`: Dr.Jit may touch LLVM while it looks.
        llvm_found = _point_at_llvm()
    # An interrupt that is raised while their classes are made would abort the process.
    with uninterrupted(EVERY):
        import drjit as dr
        import mitsuba as mi

    cuda = device != "llvm" and _cuda_driver_loads() and dr.has_backend(dr.JitBackend.CUDA)
    if device == "cuda" and not cuda:
        raise TwinError("device `cuda` was asked for, but no CUDA GPU and driver can be used here")
    if not cuda and not llvm_found:
        raise TwinError(
            f"Sionna RT on the CPU needs libLLVM {_OLDEST_LLVM} or newer: "
            "`apt install libllvm19`, or set DRJIT_LIBLLVM_PATH to the library"
        )
    variant = "cuda_ad_mono_polarized" if cuda else "llvm_ad_mono_polarized"
    if mi.variant() != variant:
        with uninterrupted(EVERY):
            mi.set_variant(variant)
    if threads:
        dr.set_thread_count(threads)
    return "cuda" if cuda else "llvm"


def _named_device() -> Device:
    """That of DEVICE_VARIABLE; `auto` where it is not set."""
    named = os.environ.get(DEVICE_VARIABLE) or "auto"
    for device in get_args(Device):
        if named == device:
            return cast(Device, device)
    raise TwinError(
        f"{DEVICE_VARIABLE} is {named!r}: expected one of {', '.join(get_args(Device))}"
    )


def _point_at_llvm() -> bool:
    """Makes Dr.Jit load the newest libLLVM here; False where none is new enough.

    Left to itself Dr.Jit may pick a version that aborts the process, which no `except` catches.
    """
    chosen = os.environ.get("DRJIT_LIBLLVM_PATH")
    if chosen:
        return _loads(chosen) and _llvm_major(chosen) >= _OLDEST_LLVM
    newest = max(_installed_llvm(), key=_llvm_major, default="")
    if not newest or _llvm_major(newest) < _OLDEST_LLVM or not _loads(newest):
        return False
    os.environ["DRJIT_LIBLLVM_PATH"] = newest
    return True


def _installed_llvm() -> list[str]:
    try:
        listing = subprocess.run(
            ["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        listing = ""
    known = re.findall(r"=> (\S*libLLVM\S*)", listing)
    folders = (Path("/usr/lib/x86_64-linux-gnu"), Path("/usr/lib/aarch64-linux-gnu"))
    return known + [str(file) for folder in folders for file in folder.glob("libLLVM*.so*")]


def _llvm_major(library: str) -> int:
    """19 for libLLVM.so.19.1 and libLLVM-19.so, also behind a link; 0 where the name has none."""
    name = Path(library).resolve().name
    numbers = re.search(r"libLLVM(?:-(\d+))?\.so(?:\.(\d+))?", name)
    return int(numbers.group(1) or numbers.group(2) or 0) if numbers else 0


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _cuda_driver_loads() -> bool:
    return _loads("libcuda.so.1")
