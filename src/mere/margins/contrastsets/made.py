"""What a contrast set is, and how one is made of a user's numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...errors import MereTypeError, MereValueError

__all__ = ["ContrastSet", "chosen", "from_table"]


@dataclass(frozen=True, eq=False)
class ContrastSet:
    """Contrasts of k means.

    Attributes
    ----------
    names : tuple of str
    coefficients : (m, k) array
    adjust : str
        Default adjustment of p-values.
    pairs : bool
        Are these the pairwise comparisons (for Tukey's method)?
    """

    names: tuple[str, ...]
    coefficients: np.ndarray
    adjust: str = "none"
    pairs: bool = False
    description: str = ""


def from_table(table: Any, labels: Sequence[str]) -> ContrastSet:
    """A mapping of names to coefficients, a frame with a column for each contrast, or rows of numbers."""
    k = len(labels)
    if isinstance(table, pd.DataFrame):
        names, rows = [str(c) for c in table.columns], table.to_numpy(dtype=float).T
    elif isinstance(table, Mapping):
        names = [str(n) for n in table]
        rows = _rows(list(table.values()), names, k)
    else:
        values = list(table)
        names = [_coefficient_name(v) for v in values]
        rows = _rows(values, names, k)
    if rows.ndim != 2 or rows.shape[1] != k:
        raise MereValueError(f"contrasts need {k} coefficients each, one for each mean, not {rows.shape[-1]}")
    return ContrastSet(tuple(names), rows)


def _coefficient_name(values: Any) -> str:
    return "c(" + ", ".join(f"{float(v):.15g}" for v in np.atleast_1d(values)) + ")"


def _rows(values: Sequence[Any], names: Sequence[str], k: int) -> np.ndarray:
    rows = []
    for name, value in zip(names, values):
        try:
            row = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            raise MereTypeError(f"contrast {name!r} must be a list of numbers") from None
        if row.shape != (k,):
            raise MereValueError(f"contrast {name!r} has {row.size} coefficients, but there are {k} means")
        rows.append(row)
    return np.array(rows).reshape(len(rows), k)


def chosen(labels: Sequence[str], exclude: Any = None, include: Any = None) -> list[int]:
    """The means that take part: by position or label."""
    k = len(labels)

    def places(what: Any) -> set[int]:
        items = [what] if isinstance(what, (str, int)) else list(what)
        out = set()
        for item in items:
            if isinstance(item, str):
                if item not in labels:
                    raise MereValueError(f"there is no mean {item!r}; there are {', '.join(labels)}")
                out.add(list(labels).index(item))
            else:
                out.add(int(item) % k)
        return out

    if include is not None:
        keep = places(include)
        return [i for i in range(k) if i in keep]
    gone = set() if exclude is None else places(exclude)
    return [i for i in range(k) if i not in gone]


def unit(k: int, i: int) -> np.ndarray:
    """Row i of the k x k identity."""
    row = np.zeros(k)
    row[i] = 1.0
    return row
