"""SciPy's BLAS for the kernels: its function pointers, and one thread while they run.

SciPy exports BLAS and LAPACK as capsules of function pointers (``scipy.linalg.cython_blas``). `_core` hands them to the
shim (csrc/blas_shim.c) before the first kernel runs, so that the process has one BLAS.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.machinery
import importlib.util
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any


def capsules() -> dict[str, Any]:
    """All that SciPy exports: name of the function (``"dgemm"``) to capsule."""
    found: dict[str, Any] = {}
    for name in ("cython_lapack", "cython_blas"):
        found.update(_module(name).__pyx_capi__)
    return found


def _module(name: str) -> ModuleType:
    """``scipy.linalg.<name>`` without the 0.3 s of ``scipy.linalg/__init__``, which it does not need.

    It does not stay in `sys.modules`: a later import of it is then an ordinary one, and gives the same module.
    """
    full = "scipy.linalg." + name
    if "scipy.linalg" in sys.modules:
        return importlib.import_module(full)
    try:
        scipy = importlib.util.find_spec("scipy")
        assert scipy is not None and scipy.submodule_search_locations is not None
        folders = [folder + "/linalg" for folder in scipy.submodule_search_locations]
        spec = importlib.machinery.PathFinder.find_spec(full, folders)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[full] = module
        try:
            spec.loader.exec_module(module)
        finally:
            sys.modules.pop(full, None)
        module.__pyx_capi__  # noqa: B018  (is it there?)
        return module
    except Exception:  # another layout than the usual one: the long way
        return importlib.import_module(full)


# How libraries name the reading and the setting of their number of threads; SciPy's wheels come first.
_THREADS = (
    ("scipy_openblas_get_num_threads", "scipy_openblas_set_num_threads"),
    ("openblas_get_num_threads", "openblas_set_num_threads"),
    ("MKL_Get_Max_Threads", "MKL_Set_Num_Threads"),
    ("bli_thread_get_num_threads", "bli_thread_set_num_threads"),
)


class _OneThread:
    """Context manager: SciPy's BLAS at one thread inside, as it was afterwards. Entering takes microseconds.

    With more, small blocks wait for threads longer than they compute. The setting belongs to the process, so fits that
    run at the same time share it: the first one sets it, the last one restores it. NumPy's own BLAS is left alone.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0
        self._before = 1
        self._get: Callable[[], int] | None = None
        self._set: Callable[[int], object] = lambda threads: None

    def _find(self) -> Callable[[], int]:
        library = ctypes.CDLL(_module("cython_blas").__file__)  # and what it is linked with
        for get, set_ in _THREADS:
            if hasattr(library, get) and hasattr(library, set_):
                self._set = getattr(library, set_)
                return getattr(library, get)
        return lambda: 1  # a BLAS without threads

    def __enter__(self) -> None:
        with self._lock:
            if self._depth == 0:
                self._get = self._get or self._find()
                self._before = self._get()
                if self._before != 1:
                    self._set(1)
            self._depth += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0 and self._before != 1:
                self._set(self._before)


one_thread = _OneThread()
