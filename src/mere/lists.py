"""Linear and generalized linear models of groups of rows, side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from . import generics as g
from .accessors.generalized_linear import dispersion
from .errors import DataMessage, MereKeyError, MereTypeError, MereValueError, tell
from .frame import as_frame
from .generalized import GLM
from .language.updating import update_formula
from .model import LM, Call
from .prediction import Prediction, row_index
from .refitting import fitted_again
from .results import LogLik, RandomEffects, _Printed

__all__ = ["LmList", "LmListIntervals", "SummaryLmList"]


@dataclass(frozen=True, eq=False, repr=False)
class LmList(_Printed, Mapping[str, "LM | GLM | None"]):
    """Models by group: a mapping from level to `LM`, or `GLM` where a family was given (None where it failed).

    Attributes
    ----------
    formula_text : str
        The model of each group.
    group : str
        The grouping factor.
    fits : mapping of str to LM, GLM or None
    pool : bool
        Whether one residual standard deviation is estimated from all groups.
    call : Call
    """

    formula_text: str
    group: str
    fits: Mapping[str, LM | GLM | None]
    pool: bool
    call: Call

    def __getitem__(self, key: str) -> LM | GLM | None:
        try:
            return self.fits[key]
        except KeyError:
            raise MereKeyError(f"{self.group} has no level {key!r}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.fits)

    def __len__(self) -> int:
        return len(self.fits)

    @property
    def fitted_models(self) -> dict[str, LM | GLM]:
        """The groups that could be fitted."""
        return {level: m for level, m in self.fits.items() if m is not None}

    # The verbs, as methods: each is the function of that name.
    coef, fixef, fitted, residuals = g.coef, g.fixef, g.fitted, g.residuals
    sigma, summary, confint, logLik = g.sigma, g.summary, g.confint, g.logLik
    AIC, BIC, nobs, df_residual = g.AIC, g.BIC, g.nobs, g.df_residual
    predict, ranef, formula, update = g.predict, g.ranef, g.formula, g.update
    plot, splom = g.plot, g.splom


@dataclass(frozen=True, eq=False, repr=False)
class SummaryLmList(_Printed):
    """Summary of linear models by group.

    Attributes
    ----------
    tables : mapping of str to DataFrame
        For each coefficient a table of the groups: ``Estimate, Std. Error,
        t value, Pr(>|t|)``.
    sigma, df : float, int
        Pooled; NaN and 0 otherwise.
    source : LmList
    """

    tables: Mapping[str, pd.DataFrame]
    sigma: float
    df: int
    source: LmList

    @property
    def coefficients(self) -> pd.DataFrame:
        """All tables below each other, indexed by coefficient and group."""
        return pd.concat(dict(self.tables), names=["term", self.source.group])


@dataclass(frozen=True, eq=False, repr=False)
class LmListIntervals(_Printed, Mapping[str, pd.DataFrame]):
    """Confidence intervals by coefficient: a mapping to frames (groups by limits)."""

    tables: Mapping[str, pd.DataFrame]

    def __getitem__(self, key: str) -> pd.DataFrame:
        return self.tables[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)

    def to_frame(self) -> pd.DataFrame:
        """All tables below each other, indexed by coefficient and group."""
        return pd.concat(dict(self.tables), names=["term", "group"])


def _pooled(m: LmList) -> tuple[float, int]:
    """Residual sum of squares (or deviance) and degrees of freedom of all groups."""
    fits = m.fitted_models.values()
    return sum(f.fit.deviance if isinstance(f, GLM) else f.rss for f in fits), sum(f.df for f in fits)


def _scale(m: LmList) -> float | None:
    """The residual standard deviation of all groups, where there is one and the groups share it."""
    if not m.pool:
        return None
    rss, df = _pooled(m)
    return math.sqrt(rss / df) if df else math.nan


def _own_scale(fit: LM | GLM) -> float:
    return math.sqrt(dispersion(fit)) if isinstance(fit, GLM) else fit.sigma


def _by_coefficient(m: LmList, tables: Mapping[str, pd.DataFrame], columns: list[str]) -> dict[str, pd.DataFrame]:
    """Tables by group turned into tables by coefficient."""
    names = list(g.coef(m).columns)
    return {
        name: pd.DataFrame(
            [
                tables[level].loc[name].to_numpy()
                if level in tables and name in tables[level].index
                else np.full(len(columns), np.nan)
                for level in m.fits
            ],
            index=list(m.fits),
            columns=columns,
        )
        for name in names
    }


# -- methods -----------------------------------------------------------------
@g.coef.register(LmList)
def _coef(m: LmList) -> pd.DataFrame:
    rows = {level: g.coef(fit) for level, fit in m.fitted_models.items()}
    names = list(dict.fromkeys(name for row in rows.values() for name in row.index))
    return pd.DataFrame(rows, index=names).T.reindex(list(m.fits))


@g.fixef.register(LmList)
def _fixef(m: LmList, add_dropped: bool = False) -> pd.Series:
    return g.coef(m).mean()


@g.sigma.register(LmList)
def _sigma(m: LmList) -> Any:
    common = _scale(m)
    if common is not None:
        return common
    return pd.Series({level: _own_scale(fit) if fit else math.nan for level, fit in m.fits.items()})


@g.nobs.register(LmList)
def _nobs(m: LmList) -> int:
    return sum(len(fit.design.y) for fit in m.fitted_models.values())


@g.df_residual.register(LmList)
def _df_residual(m: LmList) -> int:
    return _pooled(m)[1]


@g.logLik.register(LmList)
def _log_lik(m: LmList, REML: bool | None = None) -> LogLik:
    parts = [g.logLik(fit) for fit in m.fitted_models.values()]
    if any(isinstance(fit, GLM) for fit in m.fitted_models.values()):
        return LogLik(sum(float(part) for part in parts), df=sum(part.df for part in parts), nobs=g.nobs(m))
    n, p = g.nobs(m), sum(part.df - 1 for part in parts)
    if not m.pool:
        return LogLik(sum(float(part) for part in parts), df=p + len(parts), nobs=n)
    rss, log_w = _pooled(m)[0], 0.0
    for fit in m.fitted_models.values():
        if fit.design.weights is not None:
            log_w += float(np.log(fit.design.weights).sum())
    value = 0.5 * (log_w - n * (math.log(2 * math.pi) + 1 - math.log(n) + math.log(rss)))
    return LogLik(value, df=p + 1, nobs=n)


@g.fitted.register(LmList)
def _fitted(m: LmList) -> pd.Series:
    return _rows(g.fitted(fit) for fit in m.fitted_models.values())


@g.residuals.register(LmList)
def _residuals(m: LmList, type: str = "response", scaled: bool = False) -> pd.Series:
    """As of each model, but Pearson residuals are divided by the group's own sigma."""
    out = []
    for fit in m.fitted_models.values():
        part = g.residuals(fit, type=type)
        if scaled:
            common = _scale(m)
            part = part / (_own_scale(fit) if common is None else common)
        elif type == "pearson":
            part = part / _own_scale(fit)
        out.append(part)
    return _rows(out)


def _rows(parts: Any) -> pd.Series:
    """Rows of the groups in the order of the data."""
    joined = pd.concat(list(parts))
    return joined.sort_index() if joined.index.is_unique else joined


@g.summary.register(LmList)
def _summary(m: LmList) -> SummaryLmList:
    from scipy.special import stdtr

    common, df = _scale(m), g.df_residual(m) if m.pool else 0
    tables: dict[str, pd.DataFrame] = {}
    for level, fit in m.fitted_models.items():
        table = g.summary(fit).coefficients.copy()
        if common is not None:
            statistic, p_value = table.columns[2:4]
            table["Std. Error"] *= common / _own_scale(fit)
            table[statistic] = table["Estimate"] / table["Std. Error"]
            table[p_value] = 2 * stdtr(df, -table[statistic].abs().to_numpy())
        tables[level] = table
    columns = list(next(iter(tables.values())).columns)
    return SummaryLmList(_by_coefficient(m, tables, columns), math.nan if common is None else common, df, m)


@g.confint.register(LmList)
def _confint(m: LmList, parm: Any = None, level: float = 0.95, pool: bool = False) -> LmListIntervals:
    from scipy.special import stdtrit

    tables = {name: g.confint(fit, level=level) for name, fit in m.fitted_models.items()}
    if pool:
        rss, df = _pooled(m)
        q = float(stdtrit(df, (1 + level) / 2))
        for name, fit in m.fitted_models.items():
            beta = g.coef(fit)
            half = q * np.sqrt(np.diag(g.vcov(fit))) * math.sqrt(rss / df) / _own_scale(fit)
            tables[name] = pd.DataFrame(np.column_stack([beta - half, beta + half]), beta.index, tables[name].columns)
    columns = list(next(iter(tables.values())).columns)
    out = _by_coefficient(m, tables, columns)
    if parm is not None:
        wanted = [parm] if isinstance(parm, (str, int)) else list(parm)
        at = dict(enumerate(out)) | dict(zip(range(-len(out), 0), out, strict=True))
        names = [str(at.get(w, w) if isinstance(w, int) else w) for w in wanted]
        missing = [n for n in names if n not in out]
        if missing:
            raise MereKeyError(f"parm={missing[0]!r} is no coefficient; there are {', '.join(out)}")
        out = {n: out[n] for n in names}
    return LmListIntervals(out)


@g.ranef.register(LmList)
def _ranef(m: LmList) -> RandomEffects:
    """Coefficients of the groups less their mean."""
    table = g.coef(m)
    return RandomEffects({m.group: table - table.mean()})


@g.formula.register(LmList)
def _formula(m: LmList) -> str:
    return f"{m.formula_text} | {m.group}"


@g.predict.register(LmList)
def _predict(m: LmList, newdata: Any = None, se_fit: bool = False, **options: Any) -> Any:
    """Each row by the model of its group; standard errors with the pooled standard deviation where there is one."""
    common, tables = _scale(m), {}
    unfit = next((name for name in ("interval", "level") if name in options), None) or options.get("type")
    if unfit in ("interval", "level", "terms"):
        raise MereValueError(f"predict() of an lmList has no {unfit!r}: ask the models in .fitted_models for it")
    if newdata is None:
        parts = {level: g.predict(fit, se_fit=se_fit, **options) for level, fit in m.fitted_models.items()}
        joined = [p.fit if se_fit else p for p in parts.values()]
        if not se_fit:
            return _rows(joined)
        ratio = {level: _ratio(fit, common) for level, fit in m.fitted_models.items()}
        se = _rows(p.se_fit * ratio[level] for level, p in parts.items())
        return Prediction(_rows(joined), se, g.df_residual(m), math.nan if common is None else common)
    factor, index = as_frame(newdata).factor(m.group), row_index(newdata)
    labels = np.array([factor.levels[c] if c >= 0 else "" for c in factor.codes], dtype=object)
    unknown = sorted({str(x) for x in labels} - set(m.fitted_models))
    if unknown:
        tell(f"no model for {m.group} {', '.join(map(repr, unknown))}: predictions are NaN", DataMessage)
    values, errors = np.full(len(labels), np.nan), np.full(len(labels), np.nan)
    for level in dict.fromkeys(labels):
        fit = m.fitted_models.get(level)
        if fit is None:
            continue
        tables[level] = g.predict(fit, newdata, se_fit=True, **options)
        mine = labels == level
        values[mine] = tables[level].fit.to_numpy()[mine]
        errors[mine] = tables[level].se_fit.to_numpy()[mine] * _ratio(fit, common)
    fitted = pd.Series(values, index)
    if not se_fit:
        return fitted
    scale = math.nan if common is None else common
    return Prediction(fitted, pd.Series(errors, index), g.df_residual(m), scale)


def _ratio(fit: LM | GLM, common: float | None) -> float:
    """From a group's own standard deviation to that of all groups."""
    return 1.0 if common is None else common / _own_scale(fit)


@g.update.register(LmList)
def _update(m: LmList, formula: str | None = None, **changes: Any) -> Any:
    arguments = dict(m.call.arguments)
    data = changes.pop("data", m.call.data)
    if data is None:
        raise MereValueError("the models keep no data: give update(m, ..., data=)")
    if formula is not None:
        if not isinstance(formula, str):
            raise MereTypeError(f"the new formula must be a text such as '. ~ . + x', not {formula!r}")
        model, bar, group = formula.partition("|")
        text = update_formula(m.formula_text, model.strip())
        arguments["formula"] = f"{text} | {group.strip() if bar else m.group}"
    arguments.update(changes)
    text = arguments.pop("formula")
    return fitted_again(m.call, text, data, arguments)
