"""Variables of MATLAB files up to 7.2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from visrftwin_ros.errors import TwinError


def mat_variable(file: Path, name: str) -> Any:
    """The variable, as scipy gives it. Raises TwinError where the file or the variable is not there, or
    the file is no MATLAB 5 to 7.2."""
    import scipy.io

    content: dict[str, Any] = {}
    if not file.is_file():
        raise TwinError(f"no file {file}: expected a MATLAB file (.mat)")
    try:
        content = scipy.io.loadmat(file)
    except NotImplementedError as error:
        raise TwinError(
            f"{file}: MATLAB 7.3 (HDF5) is not read; save it with `save(..., '-v7')`"
        ) from error
    except Exception as error:  # scipy has no one class for what a broken file makes it raise
        raise TwinError(f"{file}: not a whole MATLAB file: {error}") from error
    arrays = {key: value for key, value in content.items() if not key.startswith("__")}
    if name not in arrays:
        raise TwinError(f"{file} has no variable {name!r}; it has {', '.join(arrays) or 'none'}")
    return arrays[name]
