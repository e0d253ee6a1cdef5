"""What numbers and switches an argument may be; an error names the argument and what it was given."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import MereValueError

__all__ = ["read_count", "read_flag", "read_number", "read_share", "read_workers"]


def read_count(value: Any, name: str) -> int:
    """A positive integer.

    Examples
    --------
    >>> read_count(3, "nsim")
    3
    """
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
        raise MereValueError(f"{name} must be a positive integer, not {value!r}")
    return int(value)


def read_number(value: Any, name: str) -> float:
    """A finite number.

    Examples
    --------
    >>> read_number(-1, "null")
    -1.0
    """
    if not isinstance(value, (int, float, np.number)) or not np.isfinite(value):
        raise MereValueError(f"{name} must be a finite number, not {value!r}")
    return float(value)


def read_share(value: Any, name: str) -> float:
    """A number between 0 and 1, neither of them.

    Examples
    --------
    >>> read_share(0.95, "conf_level")
    0.95
    """
    if not isinstance(value, (int, float, np.number)) or not 0 < value < 1:
        raise MereValueError(f"{name} must lie between 0 and 1, not {value!r}")
    return float(value)


def read_flag(value: Any, name: str) -> bool:
    """True or False.

    Examples
    --------
    >>> read_flag(np.True_, "joint")
    True
    """
    if not isinstance(value, (bool, np.bool_)):
        raise MereValueError(f"{name} must be True or False, not {value!r}")
    return bool(value)


def read_workers(ncpus: Any) -> int | None:
    """How many processors: a positive integer; None or -1 for all there are.

    Examples
    --------
    >>> read_workers(2), read_workers(-1)
    (2, None)
    """
    if ncpus is None or (isinstance(ncpus, (int, np.integer)) and ncpus == -1):
        return None
    if not isinstance(ncpus, (int, np.integer)) or isinstance(ncpus, bool) or ncpus < 1:
        raise MereValueError(f"ncpus must be a positive integer, or None for all processors, not {ncpus!r}")
    return int(ncpus)
