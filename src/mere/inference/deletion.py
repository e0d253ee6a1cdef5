"""Fits without rows or groups of rows: influence and the jackknife (csrc/deletion.c)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .. import _core
from .. import generics as g
from ..accessors.effects import fixed_covariance
from ..accessors.rows import row_labels
from ..arguments import check_function, threads_of
from ..design import Design, take_rows
from ..errors import BootstrapWarning, MereError, MereKeyError, MereValueError, tell
from ..frame import Factor, as_factor, as_frame
from ..generalized import GLM, GLMM
from ..model import LM, LMM
from ..refitting import theta_rows
from ..replicates import available_cpus, failure_text
from ..reterms import cross_factors
from ..variance_parameters import variance_parameters
from .bootstrapping import model_parameters, named
from .clusters import is_nested, row_labels_of
from .refits import fit_as
from .row_deletion import rows_left_out

__all__ = [
    "Influence",
    "Jackknife",
    "Units",
    "deletions",
    "group_units",
    "independent_units",
    "jackknife_units",
    "one_by_one",
    "refit_without",
    "report_failures",
    "row_units",
    "without_rows",
]


@dataclass(frozen=True, eq=False)
class Units:
    """What is left out, one at a time.

    Attributes
    ----------
    labels : Index
    ptr, row : ndarray of int64
        Unit i has the rows row[ptr[i]:ptr[i + 1]].
    name : str
        ``"rows"``, or the factor.
    """

    labels: pd.Index
    ptr: np.ndarray
    row: np.ndarray
    name: str

    def rows(self, i: int) -> np.ndarray:
        """The rows of unit `i`."""
        return np.asarray(self.row[self.ptr[i] : self.ptr[i + 1]])


@dataclass(frozen=True, eq=False)
class Influence:
    """Fits with one case left out at a time.

    Attributes
    ----------
    model : LMM or GLMM
    groups : str
        ``"rows"``, or the factor whose levels were left out.
    fixed : Series; fixed_deleted : DataFrame
        Fixed effects of the fit, and without each case.
    var_cov : Series; var_cov_deleted : DataFrame
        Standard deviations, correlations and (of a linear model) sigma.
    vcov : DataFrame; vcov_deleted : ndarray (cases, p, p)
        Covariances of the fixed effects.
    failures : Series
        Why refits failed, by case; they are NaN in the tables.
    """

    model: LMM | GLMM
    groups: str
    fixed: pd.Series
    fixed_deleted: pd.DataFrame
    var_cov: pd.Series
    var_cov_deleted: pd.DataFrame
    vcov: pd.DataFrame
    vcov_deleted: np.ndarray
    failures: pd.Series

    def to_frame(self) -> pd.DataFrame:
        """All estimates without each case, with Cook's distance."""
        out = pd.concat([self.var_cov_deleted, self.fixed_deleted], axis=1)
        return out.assign(cooks_distance=g.cooks_distance(self))

    def __repr__(self) -> str:
        return f"<Influence of {len(self.fixed_deleted)} deletions ({self.groups}), {len(self.failures)} failed>"


@dataclass(frozen=True, eq=False)
class Jackknife:
    """Statistics with one unit left out at a time.

    Attributes
    ----------
    t0 : Series
        The statistics of the fit.
    values : DataFrame
        A row a unit; NaN where the fit failed.
    groups : str
        The units.
    failures : Series
    """

    t0: pd.Series
    values: pd.DataFrame
    groups: str
    failures: pd.Series

    @property
    def bias(self) -> pd.Series:
        """(N - 1)(mean - t0)."""
        return ((self.values.count() - 1) * (self.values.mean() - self.t0)).rename("bias")

    @property
    def se(self) -> pd.Series:
        """Jackknife standard errors."""
        n = self.values.count()
        return np.sqrt((n - 1) / n * ((self.values - self.values.mean()) ** 2).sum()).rename("se")

    def to_frame(self) -> pd.DataFrame:
        """``estimate, bias, se`` of the statistics."""
        return pd.DataFrame({"estimate": self.t0, "bias": self.bias, "se": self.se})

    def __repr__(self) -> str:
        return f"Jackknife over {len(self.values)} {self.groups}\n{self.to_frame()}"


# -- units -------------------------------------------------------------------
def row_units(design: Design) -> Units:
    n = design.n
    return Units(row_labels(design), np.arange(n + 1, dtype=np.int64), np.arange(n, dtype=np.int64), "rows")


def group_units(m: Any, groups: Any, argument: str = "groups") -> Units:
    """The levels of a factor of the model or of its data, or of the interaction of several; or labels of the rows."""
    names = [groups] if isinstance(groups, str) else groups
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        codes, labels = row_labels_of(m.design, groups, argument)
        return _by_factor(Factor(codes, tuple(map(str, labels))), argument, argument)
    for t in m.design.random:
        if list(names) == [t.group]:
            return _by_factor(Factor(t.codes, t.levels), t.group, argument)
    parts = [_factor(m, part, argument) for name in names for part in name.split(":")]
    if not parts:
        raise MereValueError(f"{argument} names no factor")
    return _by_factor(cross_factors(parts), ":".join(names), argument)


def _factor(m: Any, name: str, argument: str) -> Factor:
    frame = m.design.frame
    if name in frame.variables:
        return as_factor(frame.variables[name])
    table = as_frame(m.call.data) if m.call.data is not None else None
    if table is None or name not in table:
        raise MereKeyError(f"{argument}: there is no variable {name!r} in the model or its data")
    whole = table.factor(name)
    return whole if frame.rows is None else whole.take(frame.rows)


def _by_factor(factor: Factor, name: str, argument: str) -> Units:
    codes = np.asarray(factor.codes)
    if (codes < 0).any():
        raise MereValueError(f"{argument}: {name!r} has missing values")
    counts = np.bincount(codes, minlength=len(factor.levels))
    used = np.flatnonzero(counts)
    if len(used) < 2:
        raise MereValueError(f"{argument}: {name!r} has one level only, so that no rows are left without it")
    ptr = np.concatenate([[0], np.cumsum(counts[used])]).astype(np.int64)
    labels = pd.Index([factor.levels[i] for i in used], dtype=object)
    return Units(labels, ptr, np.argsort(codes, kind="stable").astype(np.int64), name)


def independent_units(m: Any) -> Units:
    """The units of the jackknife: the outermost factor if all are nested in it, else the one with most levels."""
    terms = {t.group: t for t in m.design.random}
    few = min(terms.values(), key=lambda t: len(t.levels))
    nested = all(is_nested(np.asarray(t.codes), np.asarray(few.codes)) for t in terms.values())
    chosen = few if nested else max(terms.values(), key=lambda t: len(t.levels))
    return group_units(m, chosen.group)


def jackknife_units(m: Any, by: Any) -> Units:
    """The units that `by` asks for: of a mixed model by default the levels of a factor, else the rows."""
    if (isinstance(by, str) and by == "rows") or (by is None and not m.design.random):
        return row_units(m.design)
    return independent_units(m) if by is None else group_units(m, by, "by")


# -- fits --------------------------------------------------------------------------
def deletions(m: LMM, units: Units, ncpus: int | None = None) -> tuple[np.ndarray, ...]:
    """Refits without each unit, in C: status, criterion, sigma (N,), par, beta, RX' (N, p, p)."""
    objective = m.objective
    y = m.design.y if m.design.offset is None else m.design.y - m.design.offset
    n = len(units.labels)
    width = max(1, min(threads_of(ncpus) or available_cpus(), n // 8 or 1))
    edges = np.linspace(0, n, width + 1).astype(int)

    def part(k: int) -> tuple[np.ndarray, ...]:
        first, last = edges[k], edges[k + 1]
        own = _core.Deletion(objective.plan, objective.layout.entries, y)
        ptr = np.ascontiguousarray(units.ptr[first : last + 1] - units.ptr[first])
        row = np.ascontiguousarray(units.row[units.ptr[first] : units.ptr[last]])
        return own.refit(m.par, m.reml, ptr, row)

    with objective.threads, ThreadPoolExecutor(width) as pool:
        parts = list(pool.map(part, range(width)))
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))


def without_rows(design: Design, rows: np.ndarray) -> Design:
    """The design without some of its rows; levels that are then empty leave their factors."""
    keep = np.ones(design.n, dtype=bool)
    keep[rows] = False
    return take_rows(design, np.flatnonzero(keep))


def refit_without(m: Any, rows: np.ndarray) -> Any:
    """The model fitted without some rows."""
    design = without_rows(m.design, rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit_as(m, design)


def one_by_one(m: Any, units: Units, statistic: Callable[[Any], Any], size: int) -> tuple[np.ndarray, pd.Series]:
    """A statistic of the model fitted without each unit, from rows, and why fits failed."""
    out, causes = np.full((len(units.labels), size), np.nan), {}
    for i, label in enumerate(units.labels):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                out[i] = named(statistic(refit_without(m, units.rows(i)))).to_numpy()
        except (MereError, np.linalg.LinAlgError) as error:
            causes[label] = str(error)
    return out, pd.Series(causes, dtype=object)


def _failures(status: np.ndarray, labels: pd.Index) -> pd.Series:
    bad = np.flatnonzero(status)
    return pd.Series([failure_text(status[i]) for i in bad], labels[bad], dtype=object)


def report_failures(failures: pd.Series, what: str) -> None:
    """A warning if refits failed, with the first cause."""
    if len(failures):
        first = f"the first ({failures.index[0]}): {failures.iloc[0]}"
        tell(f"{what}: {len(failures)} refits failed, {first}", BootstrapWarning)


# -- methods -----------------------------------------------------------------
@g.influence.register(LMM)
def _influence(m: LMM, groups: Any = None, ncpus: int | None = None) -> Influence:
    units = row_units(m.design) if groups is None else group_units(m, groups)
    parameters, p = variance_parameters(m.design.random), len(m.beta)
    if m.objective.layout.linear:
        status, _, sigma, par, beta, rx = deletions(m, units, ncpus)
        var = parameters.values(theta_rows(m.objective, par), sigma)
        failures = _failures(status, units.labels)
        good = status == 0
        vcov = np.full((len(beta), p, p), np.nan)
        inverse = np.linalg.inv(rx[good])  # rx is RX', stored by columns
        vcov[good] = sigma[good, None, None] ** 2 * np.einsum("nji,njk->nik", inverse, inverse)
    else:

        def everything(fit: LMM) -> np.ndarray:
            V = fixed_covariance(fit.RX, fit.sigma)
            return np.concatenate([parameters.values(fit.theta, fit.sigma), fit.beta, V.ravel()])

        n = len(parameters.items)
        values, failures = one_by_one(m, units, everything, n + p + p * p)
        var, beta, vcov = values[:, :n], values[:, n : n + p], values[:, n + p :].reshape(-1, p, p)
    report_failures(failures, "influence")
    return Influence(
        m, units.name, g.fixef(m), pd.DataFrame(beta, units.labels, list(m.design.names)),
        pd.Series(parameters.values(m.theta, m.sigma), parameters.names),
        pd.DataFrame(var, units.labels, parameters.names), g.vcov(m), vcov, failures,
    )  # fmt: skip


@g.dfbeta.register(Influence)
def _dfbeta(i: Influence, which: str = "fixed") -> pd.DataFrame:
    if which not in ("fixed", "var_cov"):
        raise MereValueError(f"which must be 'fixed' or 'var_cov', not {which!r}")
    return i.fixed_deleted - i.fixed if which == "fixed" else i.var_cov_deleted - i.var_cov


@g.dfbeta.register(LMM)
@g.dfbeta.register(GLMM)
def _dfbeta_of_model(m: LMM | GLMM, which: str = "fixed", groups: Any = None) -> pd.DataFrame:
    return _dfbeta(g.influence(m, groups), which)


@g.dfbetas.register(LMM)
@g.dfbetas.register(GLMM)
def _dfbetas_of_model(m: LMM | GLMM, groups: Any = None) -> pd.DataFrame:
    return _dfbetas(g.influence(m, groups))


@g.dfbetas.register(Influence)
def _dfbetas(i: Influence) -> pd.DataFrame:
    se = np.sqrt(np.einsum("nii->ni", i.vcov_deleted))
    return (i.fixed_deleted - i.fixed) / se


@g.cooks_distance.register(Influence)
def _cooks(i: Influence) -> pd.Series:
    change = (i.fixed_deleted - i.fixed).to_numpy()
    whitened = np.linalg.solve(np.linalg.cholesky(i.vcov.to_numpy()), change.T)
    return pd.Series((whitened**2).sum(axis=0) / change.shape[1], i.fixed_deleted.index)


@g.jackknife.register(LMM)
@g.jackknife.register(LM)
@g.jackknife.register(GLM)
def _jackknife(
    m: LMM | LM | GLM, by: Any = None, FUN: Callable[[Any], Any] | None = None, ncpus: int | None = None
) -> Jackknife:
    check_function(FUN)
    units = jackknife_units(m, by)
    statistic = model_parameters if FUN is None else FUN
    t0 = named(statistic(m))
    if FUN is None and isinstance(m, LMM) and m.objective.layout.linear:
        status, _, sigma, par, beta, _ = deletions(m, units, ncpus)
        parameters = variance_parameters(m.design.random)
        values = np.hstack([parameters.values(theta_rows(m.objective, par), sigma), beta])
        failures = _failures(status, units.labels)
    elif FUN is None and isinstance(m, (LM, GLM)) and units.name == "rows":
        values, good = rows_left_out(m)
        rest = np.flatnonzero(~good)
        few = Units(units.labels[rest], np.arange(len(rest) + 1), rest, "rows")
        values[rest], failures = one_by_one(m, few, statistic, len(t0))
    else:
        values, failures = one_by_one(m, units, statistic, len(t0))
    report_failures(failures, "jackknife")
    return Jackknife(t0, pd.DataFrame(values, units.labels, t0.index), units.name, failures)
