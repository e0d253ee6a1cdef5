"""The record of a call: what was given, and what the data is called."""

from __future__ import annotations

from typing import Any

from ..model import Call
from ..naming import data_label

__all__ = ["record"]


def record(function: str, data: Any, /, **arguments: Any) -> Call:
    """A `Call` with the arguments that are not None, and what the caller calls the data."""
    given = {name: value for name, value in arguments.items() if value is not None}
    return Call(function, given, data, data_label(data))
