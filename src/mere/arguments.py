"""Reading of arguments that mean the same wherever they occur; errors name them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from .errors import MereTypeError, MereValueError

__all__ = [
    "check_flags", "check_function", "check_probability", "control_of", "count_of", "environment_of", "number_of",
    "numbers_of", "texts_of", "threads_of",
]  # fmt: skip


def count_of(value: Any, name: str = "nsim", least: int = 1) -> int:
    """A whole number, at least `least`.

    Examples
    --------
    >>> count_of(3), count_of(np.int64(1))
    (3, 1)
    >>> count_of(2.5)
    Traceback (most recent call last):
        ...
    mere.errors.MereValueError: nsim must be a positive integer, not 2.5
    """
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
        kind = "a positive integer" if least == 1 else f"an integer of at least {least}"
        raise MereValueError(f"{name} must be {kind}, not {value!r}")
    return int(value)


def threads_of(ncpus: Any) -> int | None:
    """A number of threads or workers; None leaves it open, as does joblib's -1.

    Examples
    --------
    >>> threads_of(2), threads_of(-1)
    (2, None)
    """
    if ncpus is None or (isinstance(ncpus, (int, np.integer)) and ncpus == -1):
        return None
    if not isinstance(ncpus, (int, np.integer)) or isinstance(ncpus, bool) or ncpus < 1:
        raise MereValueError(f"ncpus must be a positive integer, or None for all processors, not {ncpus!r}")
    return int(ncpus)


def number_of(value: Any, name: str) -> float:
    """A finite number.

    Examples
    --------
    >>> number_of(-1, "null")
    -1.0
    """
    if not isinstance(value, (int, float, np.number)) or not np.isfinite(value):
        raise MereValueError(f"{name} must be a finite number, not {value!r}")
    return float(value)


def check_probability(value: Any, name: str = "level") -> None:
    """Does a number lie between 0 and 1?"""
    number = isinstance(value, (int, float, np.number))
    if not number or not 0 < value < 1:
        hint = f": {value:g} % is {value / 100:g}" if number and 1 < value < 100 else ""
        raise MereValueError(f"{name} must lie between 0 and 1, not {value!r}{hint}")


def check_flags(**flags: Any) -> None:
    """Are arguments True or False?"""
    for name, value in flags.items():
        if not isinstance(value, (bool, np.bool_)):
            raise MereTypeError(f"{name} must be True or False, not {value!r}")


def check_function(value: Callable[..., Any] | None, name: str = "FUN") -> None:
    """Can an argument be called with a model? None means that it was left out."""
    if value is not None and not callable(value):
        raise MereTypeError(f"{name} must be a function of a model, not {value!r}")


def numbers_of(values: Any, name: str) -> np.ndarray:
    """Values as an array of floats.

    Examples
    --------
    >>> numbers_of([1, 2], "newresp")
    array([1., 2.])
    >>> numbers_of("abc", "newresp")
    Traceback (most recent call last):
        ...
    mere.errors.MereTypeError: newresp must be numbers, not 'abc'
    """
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        text = repr(values)
        text = text if len(text) <= 60 and "\n" not in text else f"an object of class {type(values).__name__!r}"
        raise MereTypeError(f"{name} must be numbers, not {text}") from None


def texts_of(values: Any, name: str) -> list[str]:
    """A text, or several, as a list.

    Examples
    --------
    >>> texts_of("Days", "which"), texts_of(("a", "b"), "which")
    (['Days'], ['a', 'b'])
    """
    found = [values] if isinstance(values, str) else list(values) if isinstance(values, Iterable) else [values]
    if isinstance(values, Mapping) or not all(isinstance(each, str) for each in found):
        raise MereTypeError(f"{name} must be a text or a list of texts, not {values!r}")
    return [str(each) for each in found]


def environment_of(env: Any) -> Mapping[str, Any] | None:
    """What a formula may use beside the data."""
    if env is None or isinstance(env, Mapping):
        return env
    raise MereTypeError(f"env must be a mapping such as {{'f': function}}, not {env!r}")


def control_of(control: Any, kind: type, maker: str) -> Any:
    """What `maker` made, or its default where nothing is given."""
    if control is None:
        return kind()
    if not isinstance(control, kind):
        example = f"control={maker}(optimizer='bobyqa')"
        raise MereTypeError(f"control must come from {maker}(), as in {example}, not {control!r}")
    return control
