"""What the caller calls his models and his data."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from .errors import in_package

__all__ = ["data_label", "variable_names"]


def variable_names(models: Sequence[Any]) -> list[str]:
    """Names of the variables that hold `models` where the package was called from.

    R takes them from the text of the call. Here they are looked up, by
    identity, among the variables of the calling function; a model without a
    name there is ``MODEL1``, ``MODEL2``, ... Only labels come of it.
    """
    scope = _callers_scope()
    names: list[str] = []
    for i, model in enumerate(models, 1):
        found = [
            name
            for name, value in scope.items()
            if value is model and name.isidentifier() and name[0] != "_" and name not in names
        ]
        names.append(found[0] if found else f"MODEL{i}")
    return names


def data_label(data: Any) -> str | None:
    """What a table is called: its ``attrs["name"]``, else the caller's variable that holds it, else None."""
    attrs = getattr(data, "attrs", None)
    if isinstance(attrs, dict) and attrs.get("name") is not None:
        return str(attrs["name"])
    found = [key for key, value in _callers_scope().items() if value is data and key.isidentifier() and key[0] != "_"]
    return found[-1] if found else None


def _callers_scope() -> dict[str, Any]:
    """The variables of the function that called the package, its own after those of its module."""
    frame = sys._getframe(1)
    while frame.f_back is not None and in_package(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    return {**frame.f_globals, **frame.f_locals}
