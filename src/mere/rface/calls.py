"""The record of a call: what was given, and what the data is called."""

from __future__ import annotations

from typing import Any

from ..model import Call

__all__ = ["record"]


def record(function: str, data: Any, /, **arguments: Any) -> Call:
    """A `Call` with the arguments that are not None; the data's name is ``data.attrs["name"]``."""
    given = {name: value for name, value in arguments.items() if value is not None}
    attrs = getattr(data, "attrs", None)
    name = attrs.get("name") if isinstance(attrs, dict) else None
    return Call(function, given, data, None if name is None else str(name))
