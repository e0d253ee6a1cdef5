"""Small frozen results that accessors return; each prints as R prints it.

Numbers in, nothing computed but views: the text is made in ``printing``, the
numbers in the accessors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from . import generics as g
from .errors import MereKeyError, MereValueError

__all__ = [
    "AnovaTable",
    "Coefficients",
    "Family",
    "LogLik",
    "MeansTable",
    "ModelComparison",
    "PrincipalComponents",
    "RandomEffects",
    "StepResult",
    "TermComponents",
    "VarianceComponents",
    "VarianceTerm",
]


class _Printed:
    """Text by `to_text`, HTML by `to_html`."""

    def __repr__(self) -> str:
        return g.to_text(self)

    def _repr_html_(self) -> str:
        return g.to_html(self)

    to_text = g.to_text


class _FrameMapping(_Printed, Mapping[str, Any]):
    """A mapping from grouping factors to frames; a missing key says which there are."""

    _items: Mapping[str, Any]

    def __getitem__(self, key: str) -> Any:
        try:
            return self._items[key]
        except KeyError:
            known = ", ".join(map(repr, self._items))
            raise MereKeyError(f"there is no {key!r} here; there are {known}") from None

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self._items:
            return self._items[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(key for key in self._items if key.isidentifier())]

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._items)

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


class LogLik(float, _Printed):
    """A log-likelihood: a float with `df` and `nobs`."""

    df: int
    nobs: int

    def __new__(cls, value: float, df: int = 0, nobs: int = 0) -> LogLik:
        self = super().__new__(cls, value)
        self.df, self.nobs = df, nobs
        return self

    __repr__ = _Printed.__repr__
    __str__ = _Printed.__repr__


@dataclass(frozen=True, repr=False)
class Family(_Printed):
    """Error distribution and link of a model."""

    family: str = "gaussian"
    link: str = "identity"


@dataclass(frozen=True)
class VarianceTerm:
    """Covariance of one random-effects term.

    Attributes
    ----------
    name : str
        Grouping factor; further terms of one factor are ``g.1``, ``g.2``.
    group : str
        Grouping factor.
    names : tuple of str
        The k effects.
    covariance : (k, k) array
    correlated : bool
        False when the structure has no correlations (``diag``).
    """

    name: str
    group: str
    names: tuple[str, ...]
    covariance: np.ndarray
    correlated: bool = True

    @property
    def stddev(self) -> np.ndarray:
        """Standard deviations, (k,)."""
        sd: np.ndarray = np.sqrt(np.diag(self.covariance))
        return sd

    @property
    def correlation(self) -> np.ndarray:
        """Correlation matrix; NaN where a standard deviation is zero."""
        sd = self.stddev
        with np.errstate(divide="ignore", invalid="ignore"):
            corr: np.ndarray = self.covariance / np.outer(sd, sd)
        np.fill_diagonal(corr, 1.0)
        return corr


@dataclass(frozen=True, repr=False, eq=False)
class VarianceComponents(_FrameMapping):
    """Variance components: a mapping from term to covariance matrix.

    Attributes
    ----------
    terms : tuple of VarianceTerm
    sc : float or None
        Residual standard deviation; None when the family has none.
    """

    terms: tuple[VarianceTerm, ...]
    sc: float | None

    @cached_property
    def _items(self) -> Mapping[str, pd.DataFrame]:  # type: ignore[override]
        return {t.name: pd.DataFrame(t.covariance, t.names, t.names) for t in self.terms}

    @property
    def stddev(self) -> dict[str, pd.Series]:
        """Standard deviations of each term."""
        return {t.name: pd.Series(t.stddev, t.names) for t in self.terms}

    @property
    def correlation(self) -> dict[str, pd.DataFrame]:
        """Correlations of each term."""
        return {t.name: pd.DataFrame(t.correlation, t.names, t.names) for t in self.terms}

    def to_frame(self, order: str = "cov.last") -> pd.DataFrame:
        """Long table with the columns ``grp, var1, var2, vcov, sdcor``.

        Parameters
        ----------
        order : {"cov.last", "lower.tri"}
            Per term all variances and then the covariances, or the lower
            triangle by columns.
        """
        if order not in ("cov.last", "lower.tri"):
            raise MereValueError(f"order must be 'cov.last' or 'lower.tri', not {order!r}")
        rows: list[tuple[Any, ...]] = []
        for t in self.terms:
            sd, corr = t.stddev, t.correlation
            for i, j in _triangle(len(t.names), order, t.correlated):
                other = None if i == j else t.names[i]
                rows.append((t.name, t.names[j], other, t.covariance[i, j], sd[i] if i == j else corr[i, j]))
        if self.sc is not None:
            rows.append(("Residual", None, None, self.sc**2, self.sc))
        frame = pd.DataFrame(rows, columns=["grp", "var1", "var2", "vcov", "sdcor"])
        return frame.astype({"var1": object, "var2": object})


def _triangle(k: int, order: str, correlated: bool) -> list[tuple[int, int]]:
    """(row, column) pairs of a lower triangle in `order`."""
    below = [(i, j) for j in range(k) for i in range(j, k) if correlated or i == j]
    if order == "lower.tri":
        return below
    return [p for p in below if p[0] == p[1]] + [p for p in below if p[0] != p[1]]


@dataclass(frozen=True, repr=False, eq=False)
class RandomEffects(_FrameMapping):
    """Conditional modes: a mapping from grouping factor to frame (levels by effects).

    Attributes
    ----------
    modes : mapping of str to DataFrame (Series when dropped)
    cond_var : mapping of str to (levels, k, k) array, or None
        Conditional covariance matrices of the effects of each level.
    """

    modes: Mapping[str, Any]
    cond_var: Mapping[str, np.ndarray] | None = None

    @property
    def _items(self) -> Mapping[str, Any]:  # type: ignore[override]
        return self.modes

    def to_frame(self) -> pd.DataFrame:
        """Long table with the columns ``grpvar, term, grp, condval, condsd``."""
        parts = []
        for group, modes in self.modes.items():
            frame = modes.to_frame("(Intercept)") if isinstance(modes, pd.Series) else modes
            sd = np.full(frame.shape, np.nan)
            if self.cond_var is not None:
                sd = np.sqrt(np.einsum("ijj->ij", self.cond_var[group]))
            q, k = frame.shape
            columns = list(dict.fromkeys(frame.columns))
            parts.append(
                pd.DataFrame(
                    {
                        "grpvar": np.repeat(group, q * k),
                        "term": pd.Categorical(np.repeat(np.array(frame.columns), q), columns),
                        "grp": np.tile(np.array(frame.index, dtype=object), k),
                        "condval": frame.to_numpy().T.ravel(),
                        "condsd": sd.T.ravel(),
                    }
                )
            )
        if not parts:
            return pd.DataFrame(columns=["grpvar", "term", "grp", "condval", "condsd"])
        if len(parts) > 1:
            parts = [p.astype({"term": object}) for p in parts]
        out = pd.concat(parts, ignore_index=True)
        return out if self.cond_var is not None else out.drop(columns="condsd")


@dataclass(frozen=True, repr=False, eq=False)
class Coefficients(_FrameMapping):
    """Coefficients per level: a mapping from grouping factor to frame."""

    tables: Mapping[str, pd.DataFrame]

    @property
    def _items(self) -> Mapping[str, Any]:  # type: ignore[override]
        return self.tables


@dataclass(frozen=True, repr=False, eq=False)
class TermComponents(_Printed):
    """Principal components of one grouping factor.

    Attributes
    ----------
    sdev : (k,) array
        Standard deviations relative to sigma, decreasing.
    rotation : (k, k) array
        Columns are the directions.
    """

    sdev: np.ndarray
    rotation: np.ndarray

    @property
    def importance(self) -> pd.DataFrame:
        """Standard deviation, proportion and cumulative proportion of variance."""
        variance = self.sdev**2
        total = variance.sum()
        share = variance / total if total > 0 else np.full_like(variance, np.nan)
        rows = ["Standard deviation", "Proportion of Variance", "Cumulative Proportion"]
        return pd.DataFrame(np.vstack([self.sdev, share, np.cumsum(share)]), index=rows)


@dataclass(frozen=True, repr=False, eq=False)
class PrincipalComponents(_FrameMapping):
    """Principal components of the random effects, by grouping factor.

    Attributes
    ----------
    components : mapping of str to TermComponents
    summarized : bool
        Print the importance of the components.
    """

    components: Mapping[str, TermComponents]
    summarized: bool = False

    @property
    def _items(self) -> Mapping[str, Any]:  # type: ignore[override]
        return self.components

    summary = g.summary


@dataclass(frozen=True, repr=False, eq=False)
class AnovaTable(_Printed):
    """A table of tests with its heading.

    Attributes
    ----------
    table : DataFrame
    heading : tuple of str
        Lines above the table.
    tests : mapping of str to DataFrame, or None
        The linear functions that were tested, by term (`show_tests`).
    """

    table: pd.DataFrame
    heading: tuple[str, ...] = ()
    tests: Mapping[str, pd.DataFrame] | None = None

    def to_frame(self) -> pd.DataFrame:
        """The table."""
        return self.table

    def __getitem__(self, key: Any) -> Any:
        return self.table[key]

    def __len__(self) -> int:
        return len(self.table)

    @property
    def columns(self) -> pd.Index:
        """Column names of the table."""
        return self.table.columns

    @property
    def index(self) -> pd.Index:
        """Row names of the table."""
        return self.table.index

    @property
    def loc(self) -> Any:
        """The table's ``loc``."""
        return self.table.loc

    @property
    def iloc(self) -> Any:
        """The table's ``iloc``."""
        return self.table.iloc


@dataclass(frozen=True, repr=False, eq=False)
class MeansTable(AnovaTable):
    """Marginal means or their differences.

    Attributes
    ----------
    level : float
        Of the confidence limits.
    method : str
        Where the degrees of freedom come from.
    terms : tuple of str
        The term of each row.
    levels : tuple of str
        Its levels, ``"A:175"``.
    L : (rows, p) array
        Coefficients of the means.
    """

    level: float = 0.95
    method: str = ""
    terms: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    L: np.ndarray | None = None

    def to_frame(self, add_levels: bool = True) -> pd.DataFrame:
        """The table, by default with the columns ``term`` and ``levels`` before it (R's ``as.data.frame``)."""
        if not add_levels:
            return self.table
        return pd.concat(
            [pd.DataFrame({"term": self.terms, "levels": self.levels}, self.table.index), self.table], axis=1
        )


@dataclass(frozen=True, repr=False, eq=False)
class StepResult(_Printed):
    """What backward elimination did.

    Attributes
    ----------
    random, fixed : DataFrame or None
        Tests in the order of elimination; ``Eliminated`` is 0 for terms that stayed.
    model : LMM or LM
        Where it ended.
    final : str
        Its formula.
    method : str
        Of the degrees of freedom.
    """

    random: pd.DataFrame | None
    fixed: pd.DataFrame | None
    model: Any
    final: str
    method: str

    @property
    def table(self) -> pd.DataFrame:
        """Both tables, one under the other."""
        return pd.concat([t for t in (self.random, self.fixed) if t is not None])

    def to_frame(self) -> pd.DataFrame:
        """Both tables."""
        return self.table


@dataclass(frozen=True, repr=False, eq=False)
class StepPath(_Printed):
    """What a stepwise search by AIC did.

    Attributes
    ----------
    table : DataFrame
        ``Step, Df, Deviance, Resid. Df, Resid. Dev, AIC``; the first row is where it began.
    tables : tuple of DataFrame
        The changes that were compared at each step, the lowest AIC first.
    model : LM or GLM
        Where it ended.
    initial, final : str
        Formulas.
    """

    table: pd.DataFrame
    tables: tuple[pd.DataFrame, ...]
    model: Any
    initial: str
    final: str

    def to_frame(self) -> pd.DataFrame:
        """The path."""
        return self.table


@dataclass(frozen=True, repr=False, eq=False)
class ModelComparison(_Printed):
    """A test of a model against a smaller one.

    Attributes
    ----------
    test : DataFrame
    kind : {"Kenward-Roger", "Satterthwaite", "bootstrap"}
    large, small : str
        Their formulas; `small` is empty for a hypothesis given as a matrix.
    L : (q, p) array or None
        The hypothesis.
    summary : DataFrame or None
        Bootstrap: also by fitted reference distributions.
    ref : array or None
        Bootstrap: the simulated likelihood ratios.
    extremes, used : int
        Bootstrap: ratios at least as large as the observed one, of how many that were positive.
    """

    test: pd.DataFrame
    kind: str
    large: str
    small: str
    L: np.ndarray | None
    summary: pd.DataFrame | None = None
    ref: np.ndarray | None = None
    extremes: int = 0
    used: int = 0

    def to_frame(self) -> pd.DataFrame:
        """The table of tests."""
        return self.test if self.summary is None else self.summary
