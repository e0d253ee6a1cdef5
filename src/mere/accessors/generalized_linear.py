"""What the generics do for a generalized linear model, and its summary."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..arguments import number_of
from ..errors import DataMessage, MereTypeError, MereValueError, tell
from ..families import Family
from ..generalized import GLM
from ..irls import irls
from ..model import LM, Call
from ..response import Response
from ..results import AnovaTable, LogLik, _Printed
from ..summaries import coefficient_frame
from .contributions import partial_residuals
from .effects import correlation_of, fixed_covariance
from .linear import check_same_response, expanded, leverages
from .rows import omitted_rows, row_series

__all__ = ["SummaryGLM", "dispersion", "generalized_residuals", "glm_anova", "summary_glm", "vcov_glm"]


@dataclass(frozen=True, repr=False, eq=False)
class SummaryGLM(_Printed):
    """Summary of a generalized linear model; prints as R prints it.

    Attributes
    ----------
    call : Call
    formula : str
    family : Family
    residuals : Series
        Deviance residuals.
    coefficients : DataFrame
        ``Estimate, Std. Error, z value, Pr(>|z|)`` (t where the dispersion is estimated) of the columns kept.
    aliased : tuple of (str, bool)
        All columns, and whether each was dropped.
    dispersion : float
    deviance, null_deviance, aic : float
    df : tuple of int
        Coefficients, residual and null degrees of freedom.
    iterations : int
    vcov : DataFrame
    omitted : int
        Rows left out because of missing values.
    errors : str
        Where the standard errors come from, if not from the model.
    """

    call: Call
    formula: str
    family: Family
    residuals: pd.Series
    coefficients: pd.DataFrame
    aliased: tuple[tuple[str, bool], ...]
    dispersion: float
    deviance: float
    null_deviance: float
    aic: float
    df: tuple[int, int, int]
    iterations: int
    vcov: pd.DataFrame
    omitted: int = 0
    errors: str = ""

    def to_frame(self) -> pd.DataFrame:
        """The table of coefficients."""
        return self.coefficients


# -- numbers -----------------------------------------------------------------
def dispersion(m: GLM) -> float:
    """1, or the sum of squared Pearson residuals over the residual degrees of freedom.

    As in R the weights are those of the last iteration, which differ from the means' own in the last digits.
    """
    if not m.model_family.has_scale:
        return 1.0
    if not m.df:
        return math.nan
    r = generalized_residuals(m.response, m.model_family, m.fit.eta, m.fit.mu, "working")
    used = m.fit.working > 0
    return float((m.fit.working * r**2)[used].sum()) / m.df


def generalized_residuals(response: Response, family: Family, eta: np.ndarray, mu: np.ndarray, type: str) -> np.ndarray:
    """Residuals of a generalized model.

    Parameters
    ----------
    response : Response
    family : Family
    eta, mu : (n,) arrays
    type : {"deviance", "pearson", "working", "response"}
        Signed square roots of the deviance; (y - mu) sqrt(w / V(mu)); (y - mu) / (dmu/deta); y - mu.
    """
    y, wt = response.y, response.weights
    if type == "response":
        return y - mu
    if type == "working":
        return np.asarray((y - mu) / family.link.derivative(eta))
    if type == "pearson":
        return np.asarray((y - mu) * np.sqrt(wt / np.maximum(family.variance(mu), 1e-300)))
    if type == "deviance":
        return np.asarray(np.sign(y - mu) * np.sqrt(np.maximum(wt * family.unit_deviance(y, mu), 0.0)))
    raise MereValueError(f"type must be 'deviance', 'pearson', 'working' or 'response', not {type!r}")


# -- coefficients --------------------------------------------------------------
@g.coef.register(GLM)
def _coef(m: GLM) -> pd.Series:
    return pd.Series(expanded(m.design, m.beta), list(m.design.names_full))


def vcov_glm(m: GLM, correlation: bool = False, full: bool = True) -> pd.DataFrame:
    """Covariance of the coefficients, phi (X'WX)^-1."""
    V = fixed_covariance(m.fit.R, math.sqrt(dispersion(m)))
    if correlation:
        V = correlation_of(V)
    names = list(m.design.names_full if full else m.design.names)
    return pd.DataFrame(expanded(m.design, V) if full else V, names, names)


@g.sigma.register(GLM)
def _sigma(m: GLM) -> float:
    return math.sqrt(m.fit.deviance / m.df) if m.df else math.nan


# -- likelihood ----------------------------------------------------------------
def _aic_of(m: GLM) -> float:
    if not m.model_family.has_likelihood:
        return math.nan
    r = m.response
    value = m.model_family.minus_2_loglik(r.y, m.fit.mu, r.weights, m.fit.deviance)
    return value + r.constant + 2 * len(m.beta)


@g.logLik.register(GLM)
def _log_lik(m: GLM, REML: bool | None = None) -> LogLik:
    df = len(m.beta) + int(m.model_family.has_scale and m.model_family.has_likelihood)
    return LogLik(df - _aic_of(m) / 2, df=df, nobs=g.nobs(m))


@g.deviance.register(GLM)
def _deviance(m: GLM, REML: bool | None = None) -> float:
    return m.fit.deviance


@g.extractAIC.register(GLM)
def _extract_aic(m: GLM, scale: float = 0, k: float = 2) -> np.ndarray:
    p = len(m.beta)
    return np.array([p, _aic_of(m) + (number_of(k, "k") - 2) * p])


@g.nobs.register(GLM)
def _nobs(m: GLM) -> int:
    return int((m.response.weights > 0).sum())


@g.df_residual.register(GLM)
def _df_residual(m: GLM) -> int:
    return m.df


@g.refitML.register(GLM)
def _refit_ml(m: GLM) -> GLM:
    return m


@g.isREML.register(GLM)
def _is_reml(m: GLM) -> bool:
    return False


# -- rows ----------------------------------------------------------------------
@g.fitted.register(GLM)
def _fitted(m: GLM) -> pd.Series:
    return row_series(m.design, m.fit.mu)


@g.residuals.register(GLM)
def _residuals(m: GLM, type: str = "deviance", scaled: bool = False) -> Any:
    if type == "partial":
        working = generalized_residuals(m.response, m.model_family, m.fit.eta, m.fit.mu, "working")
        return partial_residuals(m.design, m.beta, working)
    out = generalized_residuals(m.response, m.model_family, m.fit.eta, m.fit.mu, type)
    return row_series(m.design, out / math.sqrt(dispersion(m)) if scaled else out)


@g.weights.register(GLM)
def _weights(m: GLM, type: str = "prior") -> pd.Series:
    if type not in ("prior", "working"):
        raise MereValueError(f"type must be 'prior' or 'working', not {type!r}")
    return row_series(m.design, np.array(m.response.weights if type == "prior" else m.fit.working))


@g.hatvalues.register(GLM)
def _hatvalues(m: GLM) -> pd.Series:
    return row_series(m.design, leverages(m.design.X * np.sqrt(m.fit.working)[:, None], m.fit.R))


@g.family.register(GLM)
def _family(m: GLM) -> Family:
    return m.model_family


# -- summary and tests -----------------------------------------------------------
def summary_glm(m: GLM, dispersion: float | None = None) -> SummaryGLM:
    """The summary by the model's own covariance."""
    from scipy.special import ndtr, stdtr

    estimated = m.model_family.has_scale and dispersion is None
    phi = _default_dispersion(m) if dispersion is None else number_of(dispersion, "dispersion")
    if phi < 0:
        raise MereValueError(f"dispersion must not be negative, not {dispersion!r}")
    V = pd.DataFrame(fixed_covariance(m.fit.R, math.sqrt(phi)), list(m.design.names), list(m.design.names))
    statistic = "t" if estimated else "z"
    table = coefficient_frame(m.beta, np.sqrt(np.diag(V)), m.design.names, statistic=statistic)
    size = -table[f"{statistic} value"].abs().to_numpy()
    table[f"Pr(>|{statistic}|)"] = 2 * (stdtr(m.df, size) if estimated else ndtr(size))
    dropped = set(m.design.dropped)
    return SummaryGLM(
        call=m.call,
        formula=str(m.design.formula),
        family=m.model_family,
        residuals=g.residuals(m),
        coefficients=table,
        aliased=tuple((name, i in dropped) for i, name in enumerate(m.design.names_full)),
        dispersion=phi,
        deviance=m.fit.deviance,
        null_deviance=m.null_deviance,
        aic=_aic_of(m),
        df=(len(m.beta), m.df, m.df_null),
        iterations=m.fit.iterations,
        vcov=V,
        omitted=omitted_rows(m.design),
    )


_default_dispersion = dispersion


@g.coef.register(SummaryGLM)
def _coef_summary(s: SummaryGLM) -> pd.DataFrame:
    return s.coefficients


@g.vcov.register(SummaryGLM)
def _vcov_summary(s: SummaryGLM, **kwargs: Any) -> pd.DataFrame:
    return s.vcov


def glm_anova(m: GLM, *models: Any, test: str | None = None, **kwargs: Any) -> AnovaTable:
    """Analysis of deviance: terms as they enter, or models against each other."""
    if models and not all(isinstance(x, GLM) for x in models):  # a mixed model among them decides
        lead = next(x for x in models if not isinstance(x, GLM))
        if isinstance(lead, LM):
            raise MereTypeError("anova() compares models of one class: fit the linear one by glm() too")
        rest = [x for x in (m, *models) if x is not lead]
        return g.anova(lead, *rest, **kwargs)  # type: ignore[no-any-return]
    if test is not None and str(test) not in ("Chisq", "LRT", "F", "Cp", "Rao"):
        raise MereValueError(f"test must be None, 'Chisq', 'LRT' or 'F', not {test!r}")
    if test in ("Cp", "Rao"):
        raise MereValueError(f"anova(test={test!r}) is not there; use 'Chisq' or 'F'")
    if models:
        return _compare((m, *models), test)
    res_df, res_dev, labels = _sequence(m)
    table = _deviance_table(
        res_df, res_dev, dispersion(m), _scale_df(m, test), test, ("Df", "Deviance", "Resid. Df", "Resid. Dev")
    )
    table.index = pd.Index(["NULL", *labels])
    heading = (
        "Analysis of Deviance Table",
        "",
        f"Model: {m.model_family.label}, link: {m.model_family.link.name}",
        "",
        f"Response: {m.design.response}",
        "",
        "Terms added sequentially (first to last)",
        "",
        "",
    )
    return AnovaTable(table, heading)


def _sequence(m: GLM) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Residual degrees of freedom and deviances as the terms enter one by one."""
    assign, full = np.asarray(m.design.assign), np.asarray(m.design.assign_full)
    present = [j for j in range(1, len(m.design.term_labels) + 1) if (full == j).any()]
    res_df, res_dev = [m.df_null], [m.null_deviance]
    n = g.nobs(m)
    for j in present:
        kept = assign <= j
        if kept.all():
            res_df.append(m.df)
            res_dev.append(m.fit.deviance)
        else:
            fit = irls(np.asfortranarray(m.design.X[:, kept]), m.response, m.model_family, m.design.offset)
            res_df.append(n - int(kept.sum()))
            res_dev.append(fit.deviance)
    return np.array(res_df), np.array(res_dev), [m.design.term_labels[j - 1] for j in present]


def _scale_df(m: GLM, test: str | None) -> float:
    """The degrees of freedom of the dispersion: none are spent where it is known."""
    if m.model_family.has_scale:
        return float(m.df) if m.df else math.inf
    if test == "F":
        tell(f"the F test takes the dispersion of the {m.model_family.name} family as known: use 'Chisq'", DataMessage)
    return math.inf


def _deviance_table(
    res_df: np.ndarray, res_dev: np.ndarray, scale: float, df_scale: float, test: str | None, columns: tuple[str, ...]
) -> pd.DataFrame:
    """Changes of deviance with tests, in the order of columns."""
    from scipy.special import chdtrc, fdtrc

    df = np.array([math.nan, *(-np.diff(res_df))])
    change = np.array([math.nan, *(-np.diff(res_dev))])
    change[np.abs(change) < 1e-12 * np.max(res_dev)] = (
        0.0  # a term that changes nothing has p = 1, not a rounding error
    )
    values = {"Df": df, "Deviance": change, "Resid. Df": res_df, "Resid. Dev": res_dev}
    table = pd.DataFrame({name: values[name] for name in columns})
    sign = np.sign(df)
    with np.errstate(divide="ignore", invalid="ignore"):
        if test == "F":
            F = change / df / scale
            F[(df == 0) | (F < 0)] = math.nan
            table["F"] = F
            spent = np.abs(df)
            table["Pr(>F)"] = fdtrc(spent, df_scale, F) if math.isfinite(df_scale) else chdtrc(spent, spent * F)
        elif test:
            x = change * sign / scale
            x[(df == 0) | (x < 0)] = math.nan
            table["Pr(>Chi)"] = chdtrc(np.abs(df), x)
    return table


def _compare(models: tuple[GLM, ...], test: str | None) -> AnovaTable:
    if len({len(m.design.y) for m in models}) > 1:
        raise MereValueError(
            "models were not all fitted to the same size of dataset: fit them to the same rows (missing values?)"
        )
    check_same_response([m.design for m in models], [m.response.y for m in models])
    res_df = np.array([m.df for m in models])
    res_dev = np.array([m.fit.deviance for m in models])
    best = models[int(np.argmin(res_df))]
    columns = ("Resid. Df", "Resid. Dev", "Df", "Deviance")
    table = _deviance_table(res_df, res_dev, dispersion(best), _scale_df(best, test), test, columns)
    table.index = pd.Index([str(i + 1) for i in range(len(models))])
    lines = [f"Model {i + 1}: {m.design.formula}" for i, m in enumerate(models)]
    return AnovaTable(table, ("Analysis of Deviance Table", "", *lines))
