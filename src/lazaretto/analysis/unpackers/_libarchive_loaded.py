"""libarchive itself, loaded once by the warden: importing this module is the loading."""

from __future__ import annotations

import ctypes
import os
from typing import Any

_NAME = "libarchive.so.13"


def _loaded() -> Any:
    """libarchive; None where it is not installed."""
    os.environ.setdefault("LIBARCHIVE", _NAME)  # else a compiler is asked where it lies
    try:
        import libarchive  # type: ignore[import-untyped]  # noqa: PLC0415  may be missing
    except (OSError, AttributeError, ImportError):
        return None
    return libarchive


def _read_data() -> Any:
    """`archive_read_data` as it is. The one of the Python package takes a warning, such as a wrong check sum, for a
    number of bytes, and gives zeros."""
    function = ctypes.CDLL(_NAME).archive_read_data
    function.restype = ctypes.c_ssize_t
    function.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    return function


library = _loaded()
read_data: Any = None if library is None else _read_data()
