"""Small results: tables of joint tests, and listings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from .. import generics as g

__all__ = ["JointTests", "Listing"]


@dataclass(frozen=True, eq=False, repr=False)
class JointTests:
    """F tests of several linear functions at once; prints as R prints it.

    Attributes
    ----------
    table : DataFrame
        ``model term`` (or by-variables), ``df1, df2, F.ratio, p.value`` and ``note``.
    by : tuple of str
    notes : tuple of str
    """

    table: pd.DataFrame
    by: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    functions: Any = None

    def to_frame(self) -> pd.DataFrame:
        """The table; ``.attrs["notes"]`` explains the notes."""
        out = self.table.copy()
        out.attrs["notes"] = list(self.notes)
        return out

    def __getitem__(self, key: Any) -> Any:
        return self.table[key]

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return g.to_text(self)

    def _repr_html_(self) -> str:
        return g.to_html(self)


@dataclass(frozen=True, eq=False, repr=False)
class Listing:
    """A table with letters or a matrix, with its text made beforehand.

    Attributes
    ----------
    table : DataFrame
    text : str
    notes : tuple of str
    """

    table: pd.DataFrame
    text: str
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """The table; ``.attrs["notes"]`` holds the lines under it."""
        out = self.table.copy()
        out.attrs["notes"] = list(self.notes)
        return out

    def __getitem__(self, key: Any) -> Any:
        return self.table[key]

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return g.to_text(self)

    def _repr_html_(self) -> str:
        return g.to_html(self)
