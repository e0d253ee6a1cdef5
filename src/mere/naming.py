"""The caller: what he calls his models, and which line of his a warning belongs to."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Any

__all__ = ["tell", "variable_names"]


def variable_names(models: Sequence[Any]) -> list[str]:
    """Names of the variables that hold `models` where the package was called from.

    R takes them from the text of the call. Here they are looked up, by
    identity, among the variables of the calling function; a model without a
    name there is ``MODEL1``, ``MODEL2``, ... Only labels come of it.
    """
    frame = sys._getframe(1)
    package = __name__.partition(".")[0]
    while frame.f_back is not None and _inside(frame.f_globals.get("__name__", ""), package):
        frame = frame.f_back
    scope = {**frame.f_globals, **frame.f_locals}
    names: list[str] = []
    for i, model in enumerate(models, 1):
        found = [
            name
            for name, value in scope.items()
            if value is model and name.isidentifier() and name[0] != "_" and name not in names
        ]
        names.append(found[0] if found else f"MODEL{i}")
    return names


def tell(message: str, kind: type[Warning]) -> None:
    """Warn at the line of the user's code that led here, however deep in the package this is."""
    frame, level = sys._getframe(1), 2
    package = __name__.partition(".")[0]
    while frame.f_back is not None and _inside(frame.f_globals.get("__name__", ""), package):
        frame = frame.f_back
        level += 1
    warnings.warn(message, kind, stacklevel=level)


def _inside(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".") or module == "functools"
