"""What the generics do for a linear model, and its summary."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..arguments import number_of
from ..design import Design
from ..errors import MereTypeError, MereValueError
from ..generalized import GLM
from ..model import LM, Call
from ..results import AnovaTable, LogLik, _Printed
from ..summaries import coefficient_frame
from .contributions import partial_residuals
from .effects import correlation_of, fixed_covariance
from .intervals import chosen_parameters, interval_frame, percent_labels
from .rows import fitted_values, omitted_rows, residual_series, row_series

__all__ = [
    "SummaryLM",
    "check_same_response",
    "confint_lm",
    "expanded",
    "gaussian_log_likelihood",
    "lm_anova",
    "sequential_table",
    "summary_lm",
    "vcov_lm",
]


@dataclass(frozen=True, repr=False, eq=False)
class SummaryLM(_Printed):
    """Summary of a linear model; prints as R prints it.

    Attributes
    ----------
    call : Call
    formula : str
    residuals : Series
        Times the square roots of the weights.
    weighted : bool
    coefficients : DataFrame
        ``Estimate, Std. Error, t value, Pr(>|t|)`` of the columns kept.
    aliased : tuple of (str, bool)
        All columns, and whether each was dropped.
    sigma : float
    df : tuple of int
        Coefficients, residual degrees of freedom, columns with the dropped ones.
    r_squared, adj_r_squared : float
    fstatistic : tuple of float, or None
        F, numerator and denominator degrees of freedom.
    vcov : DataFrame
    omitted : int
        Rows left out because of missing values.
    errors : str
        Where the standard errors come from, if not from the model.
    """

    call: Call
    formula: str
    residuals: pd.Series
    weighted: bool
    coefficients: pd.DataFrame
    aliased: tuple[tuple[str, bool], ...]
    sigma: float
    df: tuple[int, int, int]
    r_squared: float
    adj_r_squared: float
    fstatistic: tuple[float, float, float] | None
    vcov: pd.DataFrame
    omitted: int = 0
    errors: str = ""

    def to_frame(self) -> pd.DataFrame:
        """The table of coefficients."""
        return self.coefficients


# -- numbers -----------------------------------------------------------------
def gaussian_log_likelihood(rss: float, n: int, log_weights: float = 0.0, R: np.ndarray | None = None) -> float:
    """Log-likelihood of least squares with sigma profiled out.

    Parameters
    ----------
    rss : float
    n : int
    log_weights : float
        Sum of the logarithms of the weights.
    R : (p, p) array, optional
        Triangular factor of X: the restricted likelihood.
    """
    if R is not None:
        n -= len(R)
    value = 0.5 * (log_weights - n * (math.log(2 * math.pi) + 1 - math.log(n) + math.log(rss)))
    return value if R is None else value - float(np.log(np.abs(np.diag(R))).sum())


def sequential_table(
    effects: np.ndarray, assign: np.ndarray, labels: tuple[str, ...], rss: float, df: int
) -> pd.DataFrame:
    """R's ``anova`` of one linear model: sums of squares of the terms in order."""
    from scipy.special import fdtrc

    present = [j for j in range(1, len(labels) + 1) if (assign == j).any()]
    ss = [float((effects[assign == j] ** 2).sum()) for j in present] + [rss]
    dfs = [int((assign == j).sum()) for j in present] + [df]
    mean = np.array(ss) / np.array(dfs) if df else np.array([*np.divide(ss[:-1], dfs[:-1]), np.nan])
    F = mean / mean[-1]
    p = fdtrc(np.array(dfs, float), float(df), F) if df else np.full(len(F), np.nan)
    F[-1] = p[-1] = np.nan
    index = [*(labels[j - 1] for j in present), "Residuals"]
    columns = {"Df": dfs, "Sum Sq": ss, "Mean Sq": mean, "F value": F, "Pr(>F)": p}
    return pd.DataFrame(columns, index=index)


def _mean_sum_of_squares(m: LM) -> float:
    """Weighted sum of squares of the fitted values, about their mean with an intercept."""
    f = fitted_values(m)
    w = np.ones(len(f)) if m.design.weights is None else np.asarray(m.design.weights)
    centre = float(w @ f / w.sum()) if _has_intercept(m) else 0.0
    return float(w @ (f - centre) ** 2)


def _has_intercept(m: LM) -> bool:
    return bool((np.asarray(m.design.assign) == 0).any())


def expanded(design: Design, values: np.ndarray) -> np.ndarray:
    """`values` of the kept columns among NaN for the dropped ones (vector or matrix)."""
    k = len(design.names_full)
    kept = np.setdiff1d(np.arange(k), np.asarray(design.dropped, dtype=int))
    out = np.full((k,) * values.ndim, np.nan)
    out[np.ix_(*(kept,) * values.ndim)] = values
    return out


# -- methods -----------------------------------------------------------------
@g.coef.register(LM)
def _coef(m: LM) -> pd.Series:
    return pd.Series(expanded(m.design, m.beta), list(m.design.names_full))


def vcov_lm(m: LM, correlation: bool = False, full: bool = True) -> pd.DataFrame:
    """The model's covariance of the coefficients; NaN at dropped columns with `full`."""
    V = fixed_covariance(m.R, m.sigma)
    if correlation:
        V = correlation_of(V)
    names = list(m.design.names_full if full else m.design.names)
    return pd.DataFrame(expanded(m.design, V) if full else V, names, names)


@g.sigma.register(LM)
def _sigma(m: LM) -> float:
    return m.sigma


@g.logLik.register(LM)
def _log_lik(m: LM, REML: bool | None = None) -> LogLik:
    n, p = m.design.X.shape
    log_w = 0.0 if m.design.weights is None else float(np.log(m.design.weights).sum())
    value = gaussian_log_likelihood(m.rss, n, log_w, m.R if REML else None)
    return LogLik(value, df=p + 1, nobs=n - p if REML else n)


@g.deviance.register(LM)
def _deviance(m: LM, REML: bool | None = None) -> float:
    return m.rss


@g.extractAIC.register(LM)
def _extract_aic(m: LM, scale: float = 0, k: float = 2) -> np.ndarray:
    n, p = m.design.X.shape
    value = m.rss / scale - n if scale > 0 else n * math.log(m.rss / n)
    return np.array([p, value + number_of(k, "k") * p])


@g.nobs.register(LM)
def _nobs(m: LM) -> int:
    return len(m.design.y)


@g.df_residual.register(LM)
def _df_residual(m: LM) -> int:
    return m.df


@g.refitML.register(LM)
def _refit_ml(m: LM) -> LM:
    return m


@g.isREML.register(LM)
def _is_reml(m: LM) -> bool:
    return False


def confint_lm(m: LM, parm: Any = None, level: float = 0.95) -> pd.DataFrame:
    """t intervals by the model's own covariance."""
    from scipy.special import stdtrit

    estimate = g.coef(m)
    se = np.sqrt(np.diag(g.vcov(m)))
    labels = percent_labels(level)
    q = float(stdtrit(m.df, (1 + level) / 2)) if m.df > 0 else math.nan
    table = interval_frame(estimate.to_numpy(), se, list(estimate.index), q, labels)
    return table.iloc[chosen_parameters(parm, list(table.index))]


def summary_lm(m: LM) -> SummaryLM:
    """The summary by the model's own covariance."""
    from scipy.special import stdtr

    n, p = m.design.X.shape
    V = g.vcov(m, full=False)
    table = coefficient_frame(m.beta, np.sqrt(np.diag(V)), m.design.names)
    table["Pr(>|t|)"] = 2 * stdtr(m.df, -table["t value"].abs().to_numpy())
    intercept = int(_has_intercept(m))
    mss = _mean_sum_of_squares(m)
    r2 = adjusted = 0.0
    F = None
    if p > intercept:
        r2 = mss / (mss + m.rss)
        adjusted = 1 - (1 - r2) * ((n - intercept) / m.df) if m.df else math.nan
        F = (mss / (p - intercept) / m.sigma**2, p - intercept, m.df) if m.df else None
    dropped = set(m.design.dropped)
    return SummaryLM(
        call=m.call,
        formula=str(m.design.formula),
        residuals=g.residuals(m, type="pearson"),
        weighted=m.design.weights is not None,
        coefficients=table,
        aliased=tuple((name, i in dropped) for i, name in enumerate(m.design.names_full)),
        sigma=m.sigma,
        df=(p, m.df, len(m.design.names_full)),
        r_squared=r2,
        adj_r_squared=adjusted,
        fstatistic=F,
        vcov=V,
        omitted=omitted_rows(m.design),
    )


@g.coef.register(SummaryLM)
def _coef_summary(s: SummaryLM) -> pd.DataFrame:
    return s.coefficients


@g.residuals.register(LM)
def _residuals(m: LM, type: str = "response", scaled: bool = False) -> Any:
    if type == "partial":
        return partial_residuals(m.design, m.beta, m.design.y - fitted_values(m))
    return residual_series(m, type, scaled)


@g.hatvalues.register(LM)
def _hatvalues(m: LM) -> pd.Series:
    X = m.design.X if m.design.weights is None else m.design.X * np.sqrt(m.design.weights)[:, None]
    return row_series(m.design, leverages(X, m.R))


def leverages(X: np.ndarray, R: np.ndarray) -> np.ndarray:
    """The diagonal of X (R'R)^-1 X'; exactly 1 where it is 1 but for rounding."""
    Q = np.linalg.solve(R.T, X.T)
    h: np.ndarray = np.einsum("ij,ij->j", Q, Q)
    h[h > 1 - 10 * np.finfo(float).eps] = 1.0
    return h


def lm_anova(m: LM, *models: Any, **kwargs: Any) -> AnovaTable:
    """Sequential F tests of one linear model, or F tests between several."""
    if models and all(isinstance(x, LM) for x in models):
        return _compare((m, *models), **kwargs)
    if models:  # a model of another class among them decides
        lead = next(x for x in models if not isinstance(x, LM))
        if isinstance(lead, GLM):
            raise MereTypeError("anova() compares models of one class: fit the linear one by glm() too")
        rest = [x for x in (m, *models) if x is not lead]
        return g.anova(lead, *rest, **kwargs)  # type: ignore[no-any-return]
    if kwargs:
        raise MereTypeError(f"anova() of an lm has no argument {next(iter(kwargs))!r}")
    design = m.design
    table = sequential_table(m.effects, np.asarray(design.assign), tuple(design.term_labels), m.rss, m.df)
    heading = ("Analysis of Variance Table", "", f"Response: {design.response}")
    return AnovaTable(table, heading)


def check_same_response(designs: Sequence[Design], responses: Sequence[np.ndarray]) -> None:
    """Do models that are compared explain the same numbers? (Proportions are equal up to rounding.)"""
    for k, (design, y) in enumerate(zip(designs[1:], responses[1:], strict=True), start=2):
        if not np.allclose(y, responses[0], rtol=1e-12, atol=0.0):
            raise MereValueError(
                f"models were not all fitted to the same response: {designs[0].response} of model 1 and "
                f"{design.response} of model {k} differ"
            )


def _compare(models: tuple[LM, ...], test: str | None = "F") -> AnovaTable:
    """Tests between linear models, against the largest one's residual variance."""
    from scipy.special import chdtrc, fdtrc

    if test is not None and str(test) not in ("F", "Chisq"):
        raise MereValueError(f"test must be 'F', 'Chisq' or None, not {test!r}")
    if len({len(m.design.y) for m in models}) > 1:
        raise MereValueError(
            "models were not all fitted to the same size of dataset: fit them to the same rows (missing values?)"
        )
    check_same_response([m.design for m in models], [m.design.y for m in models])
    res_df = np.array([m.df for m in models])
    rss = np.array([m.rss for m in models])
    df = np.array([math.nan, *(-np.diff(res_df))])
    ss = np.array([math.nan, *(-np.diff(rss))])
    best = int(np.argmin(res_df))
    scale = rss[best] / res_df[best] if res_df[best] > 0 else math.nan
    columns = {"Res.Df": res_df, "RSS": rss, "Df": df, "Sum of Sq": ss}
    with np.errstate(divide="ignore", invalid="ignore"):
        if test == "F":
            F = ss / df / scale
            F[df == 0] = math.nan
            columns |= {"F": F, "Pr(>F)": fdtrc(np.abs(df), float(res_df[best]), np.where(F >= 0, F, math.nan))}
        elif test == "Chisq":
            x = ss * np.sign(df) / scale
            columns |= {"Pr(>Chi)": chdtrc(np.abs(df), np.where((df != 0) & (x >= 0), x, math.nan))}
    table = pd.DataFrame(columns, index=[str(i + 1) for i in range(len(models))])
    lines = [f"Model {i + 1}: {m.design.formula}" for i, m in enumerate(models)]
    return AnovaTable(table, ("Analysis of Variance Table", "", *lines))
