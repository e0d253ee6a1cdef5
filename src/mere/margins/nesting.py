"""Nesting: factors whose levels occur with only one level of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..errors import MereValueError
from .grid import levels_of

__all__ = ["existing", "find_nesting", "nesting_text", "read_nesting"]


def find_nesting(
    table: pd.DataFrame, weight: np.ndarray, factors: Sequence[str], declared: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """The factors that are nested, each with those it is nested in.

    Parameters
    ----------
    table, weight : the grid and the data in its rows
    factors : sequence of str
    declared : mapping
        Nesting that the formula says.

    Examples
    --------
    >>> cells = pd.DataFrame({"a": pd.Categorical(["x", "y", "x", "y"]), "b": pd.Categorical(["u", "u", "v", "v"])})
    >>> find_nesting(cells, np.array([2, 1, 0, 0]), ["a", "b"], {})
    {'a': ('b',)}
    """
    out = {f: tuple(o for o in os if o in factors) for f, os in declared.items() if f in factors}
    if (weight == 0).any():
        there = table[weight > 0]
        many = [f for f in factors if len(levels_of(table[f])) > 1]
        for f in many:
            inside = tuple(o for o in many if o != f and _determines(there, f, o))
            if inside:
                out[f] = tuple(dict.fromkeys(out.get(f, ()) + inside))
    # two factors that determine each other are aliased, not nested
    out = {f: tuple(o for o in os if f not in out.get(o, ())) for f, os in out.items()}
    return {f: os for f, os in out.items() if os}


def _determines(there: pd.DataFrame, f: str, other: str) -> bool:
    together = there[[f, other]].drop_duplicates()
    return len(together) == together[f].nunique()


def existing(table: pd.DataFrame, weight: np.ndarray, nesting: Mapping[str, tuple[str, ...]]) -> np.ndarray | None:
    """The rows whose nested levels occur within the levels they are nested in; None if all do.

    A cell without data that only crosses factors does exist.

    Examples
    --------
    >>> cells = pd.DataFrame({"a": pd.Categorical(["x", "y", "x", "y"]), "b": pd.Categorical(["u", "u", "v", "v"])})
    >>> existing(cells, np.array([2, 1, 0, 3]), {"b": ("a",)})
    array([ True,  True, False,  True])
    """
    out = np.ones(len(table), dtype=bool)
    for factor, outer in nesting.items():
        names = [n for n in (*outer, factor) if n in table.columns]
        found = pd.Series(weight).groupby([table[n] for n in names], observed=True).transform("sum")
        out &= found.to_numpy() > 0
    return None if out.all() else out


def read_nesting(nesting: Any) -> dict[str, tuple[str, ...]]:
    """``{"b": "a"}``, ``"b %in% a"``, ``"c %in% (a*b)"``, a list of these, or False for none."""
    if nesting is False:
        return {}
    if isinstance(nesting, Mapping):
        return {k: (v,) if isinstance(v, str) else tuple(v) for k, v in nesting.items()}
    out = {}
    for text in [nesting] if isinstance(nesting, str) else nesting:
        inner, sign, outer = str(text).partition("%in%")
        if not sign:
            raise MereValueError(f"nesting: {text!r} is not of the form 'b %in% a'")
        out[inner.strip()] = tuple(s.strip() for s in outer.strip(" ()").replace("*", " ").replace(",", " ").split())
    return out


def nesting_text(nesting: Mapping[str, tuple[str, ...]]) -> str:
    """The structure in words."""
    return ", ".join(f"{a} %in% {'*'.join(b) if len(b) < 2 else '(' + '*'.join(b) + ')'}" for a, b in nesting.items())
