"""Diagnostics of generalized linear models."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import generics as g
from ..generalized import GLM, GLMM
from .generalized_linear import dispersion
from .rows import row_series

__all__ = ["case_sigma", "likelihood_residuals"]


# -- numbers -------------------------------------------------------------------
def likelihood_residuals(deviance: np.ndarray, pearson: np.ndarray, hat: np.ndarray) -> np.ndarray:
    """sign(d) sqrt(d^2 + h p^2 / (1 - h)): about what leaving the row out changes (Williams 1987)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        out: np.ndarray = np.sign(deviance) * np.sqrt(deviance**2 + hat * pearson**2 / (1 - hat))
    return out


def case_sigma(deviance: np.ndarray, hat: np.ndarray, df: int) -> np.ndarray:
    """The residual standard deviation without each row, from deviance residuals."""
    with np.errstate(divide="ignore", invalid="ignore"):
        out: np.ndarray = np.sqrt(((deviance**2).sum() - deviance**2 / (1 - hat)) / (df - 1))
    return out


def _pieces(m: GLM | GLMM) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    kinds = [np.asarray(g.residuals(m, type=kind), dtype=float) for kind in ("deviance", "pearson")]
    hat = np.asarray(g.hatvalues(m), dtype=float)
    used = ~np.isnan(kinds[0])
    return kinds[0][used], kinds[1][used], hat[used]


def _dispersion(m: GLM | GLMM) -> float:
    return m.sigma**2 if isinstance(m, GLMM) else dispersion(m)


# -- methods -------------------------------------------------------------------
@g.cooks_distance.register(GLM)
@g.cooks_distance.register(GLMM)
def _cooks(m: GLM | GLMM) -> pd.Series:
    _, pearson, hat = _pieces(m)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = (pearson / (1 - hat)) ** 2 * hat / (_dispersion(m) * len(m.beta))
    values[~np.isfinite(values)] = np.nan
    return row_series(m.design, values)


@g.rstandard.register(GLM)
@g.rstandard.register(GLMM)
def _rstandard(m: GLM | GLMM) -> pd.Series:
    deviance, _, hat = _pieces(m)
    with np.errstate(divide="ignore", invalid="ignore"):
        out = deviance / np.sqrt(_dispersion(m) * (1 - hat))
    out[~np.isfinite(out)] = np.nan
    return row_series(m.design, out)


@g.rstudent.register(GLM)
def _rstudent(m: GLM) -> pd.Series:
    deviance, pearson, hat = _pieces(m)
    out = likelihood_residuals(deviance, pearson, hat)
    if m.model_family.has_scale:
        out = out / case_sigma(deviance, hat, m.df)
    out[~np.isfinite(out)] = np.nan
    return row_series(m.design, out)


@g.rstudent.register(GLMM)
def _rstudent_mixed(m: GLMM) -> pd.Series:
    deviance, pearson, hat = _pieces(m)
    out = likelihood_residuals(deviance, pearson, hat) / m.sigma
    out[~np.isfinite(out)] = np.nan
    return row_series(m.design, out)
