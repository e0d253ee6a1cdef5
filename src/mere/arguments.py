"""Arguments that should be numbers, functions or controls, with a word where they are not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .errors import MereTypeError, MereValueError

__all__ = ["as_environment", "as_function", "as_number", "as_numbers", "as_of_class"]


def as_number(value: Any, name: str) -> float:
    """One number.

    Examples
    --------
    >>> as_number(3, "k")
    3.0
    """
    try:
        return float(value)
    except (TypeError, ValueError):
        raise MereTypeError(f"{name} must be a number, not {value!r}") from None


def as_numbers(value: Any, name: str) -> np.ndarray:
    """An array of numbers.

    Examples
    --------
    >>> as_numbers([1, 2], "start")
    array([1., 2.])
    """
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise MereTypeError(f"{name} must be numbers, not {value!r}") from None


def as_environment(env: Any) -> Mapping[str, Any] | None:
    """What a formula may use beside the data."""
    if env is None or isinstance(env, Mapping):
        return env
    raise MereTypeError(f"env must be a mapping such as {{'f': function}}, not {env!r}")


def as_function(value: Any, name: str) -> Callable[..., Any]:
    """Something that can be called."""
    if not callable(value):
        raise MereTypeError(f"{name} must be a function, not {value!r}")
    return value  # type: ignore[no-any-return]


def as_of_class(value: Any, kind: type, name: str, maker: str) -> Any:
    """A control, or the default where none is given."""
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise MereValueError(
            f"{name} must come from {maker}(), as in {name}={maker}(optimizer='bobyqa'), not {value!r}"
        )
    return value
