"""SciPy's BLAS for the kernels: its function pointers, and one thread while they run.

SciPy exports BLAS and LAPACK as capsules of function pointers (``scipy.linalg.cython_blas``). `_core` hands them to the
shim (csrc/blas_shim.c) before the first kernel runs, so that the process has one BLAS.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import sys
import threading
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


class _OneThread:
    """Context manager: all BLAS libraries of the process at one thread, as they were afterwards.

    With more, small blocks wait for threads longer than they compute. The setting belongs to the process, so fits that
    run at the same time share it: the first one sets it, the last one restores it. Entering takes microseconds.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0
        self._libraries: list[Any] | None = None
        self._before: list[int] = []

    def __enter__(self) -> None:
        with self._lock:
            if self._depth == 0:
                if self._libraries is None:  # looking for them takes 20 ms
                    from threadpoolctl import ThreadpoolController

                    capsules()  # SciPy's library must be in the process to be found
                    self._libraries = ThreadpoolController().select(user_api="blas").lib_controllers
                self._before = [library.get_num_threads() for library in self._libraries]
                for library, threads in zip(self._libraries, self._before):
                    if threads != 1:
                        library.set_num_threads(1)
            self._depth += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0 and self._libraries is not None:
                for library, threads in zip(self._libraries, self._before):
                    if threads != 1:
                        library.set_num_threads(threads)


one_thread = _OneThread()
