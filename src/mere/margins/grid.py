"""The grid: linear functions L beta of the coefficients, one a row, and what each row stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from .. import generics as g
from ..errors import MereKeyError, MereTypeError, MereValueError
from .scales import Scale

__all__ = ["About", "EmmGrid", "EmmList", "Estimates", "by_groups", "for_grids", "numbers_of", "text_of_value"]


T = TypeVar("T")

VERBS: dict[str, Callable[..., Any]] = {}  # methods that live in files above this one


@dataclass(frozen=True, eq=False)
class Estimates:
    """Coefficients with their covariance; shared by all grids of a model.

    Attributes
    ----------
    beta : (p,) array
        NaN at aliased columns.
    V : (r, r) array
    df : callable
        (m, r) array to (m,) degrees of freedom.
    null : (p, p - r) array or None
    tolerance : float
        x'beta is estimable when the squared length of N'x is below this times that of x.
    draws : (N, r) array or None
        Draws of the estimated coefficients; the summary is then about them.
    """

    beta: np.ndarray
    V: np.ndarray
    df: Callable[[np.ndarray], np.ndarray]
    null: np.ndarray | None = None
    tolerance: float = 1e-8
    draws: np.ndarray | None = None

    @property
    def kept(self) -> np.ndarray:
        """Which coefficients were estimated."""
        return np.isfinite(self.beta)

    def estimable(self, L: np.ndarray) -> np.ndarray:
        """Which rows have an estimate."""
        if self.null is None:
            return np.ones(len(L), dtype=bool)
        inside = ((L @ self.null) ** 2).sum(axis=1)
        return inside <= self.tolerance * np.maximum((L**2).sum(axis=1), 1e-300)

    def evaluate(self, L: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Estimates, standard errors and degrees of freedom; NaN where not estimable."""
        kept = self.kept
        A = np.ascontiguousarray(L[:, kept])
        good = self.estimable(L)
        value = np.full(len(L), np.nan)
        se, df = value.copy(), value.copy()
        if good.any():
            value[good] = A[good] @ self.beta[kept]
            se[good] = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", A[good], self.V, A[good]), 0.0))
            df[good] = self.df(A[good])
        return value, se, df

    def covariance(self, L: np.ndarray) -> np.ndarray:
        """Covariance of the rows; NaN where not estimable."""
        A = L[:, self.kept]
        V = A @ self.V @ A.T
        bad = ~self.estimable(L)
        V[bad] = np.nan
        V[:, bad] = np.nan
        return V


@dataclass(frozen=True, eq=False)
class About:
    """How a grid is to be read: names, defaults of its summary, lines under the table.

    Attributes
    ----------
    name : str
        Column of the estimates.
    kind : {"prediction", "contrast", "pairs"}
    infer : (intervals, tests)
    level, adjust, family : defaults of the summary
        `family` is the number of means behind pairwise comparisons.
    by, primary : variables
    averaged : tuple of str
        Factors averaged over; `partly`: not the same in all rows.
    scale : Scale or None
    back_label : str or None
        Column of back-transformed estimates, when not the scale's own.
    messages : lines under the table, first
    notes : lines from the model
    shown : (n,) bool array or None
        Rows that exist (nested factors).
    nesting : factor to the factors it is nested in
    null : value of the null hypothesis
    df, sigma, bias_sigma, total_sd, type, side, delta, bias_adjust : defaults of the summary
    terms : of the model
    coefficients : the matrix of the contrasts, and the grid they are of
    is_grid : bool
        A reference grid.
    description : str
        Of the contrasts, for the names of lists.
    mult : factors of a multivariate response
    calc : further columns of the summary
    paired : the by-variables within which all pairs were compared
    derived : covariates that follow the other variables
    contrasts : defaults of the contrasts that are made of this
    """

    name: str = "prediction"
    kind: str = "prediction"
    infer: tuple[bool, bool] = (False, False)
    level: float = 0.95
    adjust: str = "none"
    family: int = 1
    by: tuple[str, ...] = ()
    primary: tuple[str, ...] = ()
    averaged: tuple[str, ...] = ()
    partly: bool = False
    scale: Scale | None = None
    back_label: str | None = None
    messages: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    shown: np.ndarray | None = None
    nesting: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    null: float = 0.0
    df: float | None = None
    sigma: float | None = None
    bias_sigma: float | None = None
    total_sd: float | None = None
    type: str = "link"
    side: int = 0
    delta: float = 0.0
    bias_adjust: bool | str = False
    cross_adjust: str = "none"
    terms: tuple[tuple[str, tuple[str, ...]], ...] = ()
    coefficients: pd.DataFrame | None = None
    is_grid: bool = False
    description: str = "emmeans"
    mult: tuple[str, ...] = ()
    calc: Mapping[str, Any] = field(default_factory=dict)
    paired: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()
    contrasts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, repr=False)
class EmmGrid:
    """Estimated marginal means, contrasts or trends: rows of L beta; prints its summary.

    Attributes
    ----------
    estimates : Estimates
    table : DataFrame
        The variables of each row: categories or numbers.
    L : (n, p) array
        Linear functions of the coefficients (R's ``linfct``).
    weight : (n,) array
        Rows of the data in each row of the grid.
    offset : (n,) array or None
    about : About
    """

    estimates: Estimates
    table: pd.DataFrame
    L: np.ndarray
    weight: np.ndarray
    offset: np.ndarray | None
    about: About

    @property
    def levels(self) -> dict[str, list[Any]]:
        """The variables and their levels."""
        return {str(name): levels_of(self.table[name]) for name in self.table.columns}

    @property
    def linfct(self) -> np.ndarray:
        """The linear functions, (n, p)."""
        return self.L

    @property
    def shown(self) -> np.ndarray:
        """Row numbers that exist."""
        n = len(self.table)
        return np.arange(n) if self.about.shown is None else np.flatnonzero(self.about.shown)

    def evaluate(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Estimates (with offsets), standard errors, degrees of freedom of all rows."""
        value, se, df = self.estimates.evaluate(self.L)
        if self.offset is not None:
            value = value + self.offset
        return value, se, df

    def rows(self, keep: Any) -> EmmGrid:
        """Some of the rows."""
        index = np.arange(len(self.table))[keep]
        index = np.atleast_1d(index)
        table = self.table.iloc[index].reset_index(drop=True)
        for name in table.columns:
            if isinstance(table[name].dtype, pd.CategoricalDtype):
                table[name] = table[name].cat.remove_unused_categories()
        shown = None if self.about.shown is None else self.about.shown[index]
        offset = None if self.offset is None else self.offset[index]
        kind = "contrast" if self.about.kind == "pairs" else self.about.kind
        about = replace(self.about, shown=shown, coefficients=None, kind=kind)
        return EmmGrid(self.estimates, table, self.L[index], self.weight[index], offset, about)

    def with_about(self, **changes: Any) -> EmmGrid:
        """The same rows with other defaults."""
        return replace(self, about=replace(self.about, **changes))

    def update(self, **changes: Any) -> EmmGrid:
        """Other defaults of the summary; see `mere.margins.update_grid`."""
        return VERBS["update"](self, **changes)  # type: ignore[no-any-return]

    def subset(self, condition: Any) -> EmmGrid:
        """The rows that satisfy a condition, such as ``"wool == 'A'"``."""
        return VERBS["subset"](self, condition)  # type: ignore[no-any-return]

    @property
    def grid(self) -> pd.DataFrame:
        """The variables with ``.wgt.`` and, where there are offsets, ``.offset.`` (R's ``@grid``)."""
        out = self.table.copy()
        if self.offset is not None:
            out[".offset."] = self.offset
        return out.assign(**{".wgt.": self.weight})

    def __add__(self, other: EmmGrid) -> EmmGrid:
        """The rows of both, without adjustment (R's ``+``)."""
        return VERBS["rbind"](self, other, adjust="none")  # type: ignore[no-any-return]

    def to_frame(self, **options: Any) -> pd.DataFrame:
        """The summary as a DataFrame; ``.attrs["notes"]`` holds the lines under the table."""
        frame: pd.DataFrame = g.summary(self, **options).to_frame()
        return frame

    def __len__(self) -> int:
        return len(self.shown)

    def __getitem__(self, keep: Any) -> EmmGrid:
        part = self.rows(self.shown[keep])
        return part.with_about(by=(), primary=tuple(part.table.columns))

    def __repr__(self) -> str:
        return g.to_text(self)

    def _repr_html_(self) -> str:
        return g.to_html(self)

    summary, confint, vcov, coef = g.summary, g.confint, g.vcov, g.coef
    predict, weights, plot, to_text, to_html = g.predict, g.weights, g.plot, g.to_text, g.to_html


class EmmList(Mapping[str, EmmGrid]):
    """Several grids by name, such as ``emmeans`` and ``contrasts``; also attributes."""

    def __init__(self, parts: Mapping[str, EmmGrid] | Sequence[tuple[str, EmmGrid]]):
        self._parts = dict(parts)

    def __getitem__(self, key: str | int) -> EmmGrid:
        if isinstance(key, int):
            return list(self._parts.values())[key]
        if key not in self._parts:
            raise MereKeyError(f"there is no {key!r} here; there are {', '.join(self._parts)}")
        return self._parts[key]

    def __getattr__(self, name: str) -> EmmGrid:
        if not name.startswith("_") and name in self._parts:
            return self._parts[name]
        raise AttributeError(f"there is no {name!r} here; there are {', '.join(self._parts)}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __repr__(self) -> str:
        return g.to_text(self)

    def _repr_html_(self) -> str:
        return g.to_html(self)

    def __getstate__(self) -> dict[str, Any]:
        return {"_parts": self._parts}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def to_frame(self, **options: Any) -> dict[str, pd.DataFrame]:
        """The tables by name."""
        return {name: part.to_frame(**options) for name, part in self._parts.items()}

    def map(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> EmmList:
        """A function of each part."""
        return EmmList({k: function(v, *args, **kwargs) for k, v in self._parts.items()})

    summary, confint, to_text, to_html = g.summary, g.confint, g.to_text, g.to_html


def levels_of(column: pd.Series) -> list[Any]:
    """The levels of a variable of a grid, in order."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return list(column.cat.categories)
    return list(dict.fromkeys(column.tolist()))


def numbers_of(column: pd.Series) -> np.ndarray | None:
    """The levels of a variable as numbers, None if they are not."""
    values = []
    for level in levels_of(column):
        try:
            values.append(float(level))
        except (TypeError, ValueError):
            return None
    return np.array(values)


def text_of_value(value: Any) -> str:
    """A level as R writes it: 15 significant digits at most."""
    if isinstance(value, (float, np.floating)):
        return f"{float(value):.15g}"
    if isinstance(value, (bool, np.bool_)):
        return "TRUE" if value else "FALSE"
    return str(value)


def by_groups(table: pd.DataFrame, by: Sequence[str], rows: np.ndarray) -> list[np.ndarray]:
    """The rows of each combination of the `by` variables, in order of their levels, the first fastest."""
    if not by:
        return [rows]
    missing = [name for name in by if name not in table.columns]
    if missing:
        known = ", ".join(map(str, table.columns))
        raise MereValueError(f"by: there is no variable {missing[0]!r} here; there are {known}")
    code = np.zeros(len(table), dtype=np.int64)
    size = 1
    for name in by:
        place = {level: i for i, level in enumerate(levels_of(table[name]))}
        code += size * np.array([place[v] for v in table[name].tolist()], dtype=np.int64)
        size *= len(place)
    return [rows[code[rows] == c] for c in np.unique(code[rows])]


def names_tuple(names: Any) -> tuple[str, ...]:
    """None, a name or several as a tuple."""
    if names is None:
        return ()
    return (names,) if isinstance(names, str) else tuple(names)


def for_grids(function: Callable[..., T]) -> Callable[..., T]:
    """A function of marginal means that says so when it is given something else."""

    @wraps(function)
    def checked(*args: Any, **kwargs: Any) -> T:
        if args and not isinstance(args[0], (EmmGrid, EmmList)):
            raise MereTypeError(
                f"{function.__name__}() takes marginal means, as emmeans(model, ...) gives them, not an object of "
                f"class {type(args[0]).__name__!r}"
            )
        return function(*args, **kwargs)

    return checked
