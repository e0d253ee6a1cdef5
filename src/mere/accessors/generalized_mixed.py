"""What the generics do for a generalized linear mixed model where that differs from a linear one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from .. import generics as g
from ..arguments import number_of
from ..errors import ConvergenceWarning, MereValueError, tell
from ..families import Family
from ..generalized import GLMM
from ..generalized_fitting import size_is_endless
from ..objective import LMMObjective
from ..results import LogLik
from .effects import correlation_of, fixed_covariance
from .generalized_linear import generalized_residuals
from .rows import row_series

__all__ = ["free_hessian", "free_parameters", "hessian_covariance", "vcov_glmm"]


# -- numbers -----------------------------------------------------------------
def hessian_covariance(hessian: np.ndarray, fixed: slice) -> np.ndarray | None:
    """The block of 2 H^-1 that belongs to the fixed effects; None unless H is positive definite.

    Parameters
    ----------
    hessian : (m, m) array
        Of -2 log L by all parameters.
    fixed : slice
        Which of them are fixed effects.
    """
    if not np.isfinite(hessian).all():
        return None
    scale = np.sqrt(np.abs(np.diag(hessian)))
    scale[scale == 0] = 1.0
    values, vectors = np.linalg.eigh(hessian / np.outer(scale, scale))
    if values[0] <= 1e-10 * values[-1]:
        return None
    inverse = (vectors / values) @ vectors.T / np.outer(scale, scale)
    V: np.ndarray = 2 * inverse[fixed, fixed]
    return (V + V.T) / 2


def _fixed_slice(m: GLMM) -> slice:
    return slice(len(m.par), len(m.par) + len(m.beta))


def free_parameters(m: GLMM) -> tuple[list[int], slice]:
    """Positions of the parameters that are not on a bound, and which of these are fixed effects.

    A size of the negative binomial that grows without bound is on one.
    """
    held = set(m.optinfo.boundary)
    first = len(m.par) - len(held)
    if m.optinfo.joint_theta and size_is_endless(getattr(m.model_family, "theta", 0.0), m.mu):
        held.add(len(m.optinfo.full) - 1)
    kept = [i for i in range(len(m.optinfo.full)) if i not in held]
    return kept, slice(first, first + len(m.beta))


def free_hessian(m: GLMM) -> tuple[np.ndarray, slice]:
    """The Hessian without parameters on a bound: they do not vary."""
    kept, fixed = free_parameters(m)
    return m.optinfo.hessian[np.ix_(kept, kept)], fixed


# -- effects -------------------------------------------------------------------
def vcov_glmm(m: GLMM, correlation: bool = False, use_hessian: bool | None = None) -> pd.DataFrame:
    """Covariance of the fixed effects: from the Hessian of -2 log L; with nAGQ=0 or on request, at known theta."""
    V = None
    if use_hessian or (use_hessian is None and m.nAGQ > 0):
        V = hessian_covariance(*free_hessian(m))
        if V is None:
            tell(
                "the Hessian of -2 log L is not positive definite at the estimates: standard errors come from the "
                "penalized least-squares factor RX, which takes theta as known",
                ConvergenceWarning,
            )
    if V is None:
        V = fixed_covariance(m.RX, m.sigma)
    names = list(m.design.names)
    return pd.DataFrame(correlation_of(V) if correlation else V, names, names)


@g.sigma.register(GLMM)
def _sigma(m: GLMM) -> float:
    return m.sigma


# -- likelihood ----------------------------------------------------------------
def _n_parameters(m: GLMM) -> int:
    return len(m.beta) + len(m.par) + int(m.model_family.has_scale) + int(m.optinfo.joint_theta)


@g.logLik.register(GLMM)
def _log_lik(m: GLMM, REML: bool | None = None) -> LogLik:
    if REML:
        raise MereValueError("REML exists for linear mixed models only")
    return LogLik(-m.criterion / 2, df=_n_parameters(m), nobs=len(m.design.y))


@g.deviance.register(GLMM)
def _deviance(m: GLMM, REML: bool | None = None) -> float:
    return m.devcomp["drsum"]


@g.extractAIC.register(GLMM)
def _extract_aic(m: GLMM, scale: float = 0, k: float = 2) -> np.ndarray:
    df = _n_parameters(m)
    return np.array([df, m.criterion + number_of(k, "k") * df])


@g.df_residual.register(GLMM)
def _df_residual(m: GLMM) -> int:
    return len(m.design.y) - _n_parameters(m)


@g.refitML.register(GLMM)
def _refit_ml(m: GLMM) -> GLMM:
    return m


@g.isREML.register(GLMM)
def _is_reml(m: GLMM) -> bool:
    return False


@g.isGLMM.register(GLMM)
def _is_glmm(m: GLMM) -> bool:
    return True


# -- rows ----------------------------------------------------------------------
@g.fitted.register(GLMM)
def _fitted(m: GLMM) -> pd.Series:
    return row_series(m.design, m.mu)


@g.residuals.register(GLMM)
def _residuals(m: GLMM, type: str = "deviance", scaled: bool = False) -> pd.Series:
    out = generalized_residuals(m.response, m.model_family, m.eta, m.mu, type)
    return row_series(m.design, out / m.sigma if scaled else out)


@g.weights.register(GLMM)
def _weights(m: GLMM, type: str = "prior") -> pd.Series:
    if type not in ("prior", "working"):
        raise MereValueError(f"type must be 'prior' or 'working', not {type!r}")
    return row_series(m.design, np.array(m.response.weights if type == "prior" else m.working))


@g.hatvalues.register(GLMM)
def _hatvalues(m: GLMM) -> pd.Series:
    """Of the working linear mixed model at the estimates: given theta, with the working weights."""
    y = np.cos(7.0 * np.arange(m.design.n))  # leverages do not depend on y, but a fit without residuals fails
    working = replace(m.design, y=y, weights=np.ascontiguousarray(np.maximum(m.working, 1e-300)), offset=None)
    return row_series(m.design, np.asarray(LMMObjective(working, False).leverage(m.par)))


@g.family.register(GLMM)
def _family(m: GLMM) -> Family:
    return m.model_family
