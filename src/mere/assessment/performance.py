"""Models side by side: information criteria, shares of variance, errors of prediction."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..errors import MereTypeError, MereValueError, RefitMessage, tell
from ..generalized import GLM, GLMM
from ..model import LM, LMM

__all__ = ["compare_performance", "corrected_aic"]


def corrected_aic(aic: float, parameters: int, rows: int) -> float:
    """AIC with the correction of small samples, AIC + 2k(k + 1) / (n - k - 1) (Hurvich and Tsai 1989).

    Examples
    --------
    >>> round(corrected_aic(1755.628, 6, 180), 3)
    1756.114
    """
    room = rows - parameters - 1
    return aic + 2 * parameters * (parameters + 1) / room if room > 0 else math.inf


@g.model_performance.register(LM)
@g.model_performance.register(GLM)
@g.model_performance.register(LMM)
@g.model_performance.register(GLMM)
def _performance(m: LM | GLM | LMM | GLMM) -> pd.Series:
    log_likelihood = g.logLik(m)
    aic = float(g.AIC(m))
    out = {"AIC": aic, "AICc": corrected_aic(aic, log_likelihood.df, g.nobs(m)), "BIC": float(g.BIC(m))}
    out |= {str(name): float(value) for name, value in g.r2(m).items()}
    if isinstance(m, (LMM, GLMM)):
        out["ICC"] = float(g.icc(m)["ICC_adjusted"])
    e = np.asarray(g.residuals(m, type="response"), dtype=float)
    out["RMSE"] = float(np.sqrt(np.nanmean(e**2)))
    out["Sigma"] = float(g.sigma(m))
    return pd.Series(out)


def compare_performance(*models: Any, **named: Any) -> pd.DataFrame:
    """Models of the same response in one table (R: ``performance::compare_performance``).

    Parameters
    ----------
    *models, **named : LM, GLM, LMM, GLMM
        At least two; keywords give them names. Linear mixed models with different fixed effects are refitted by maximum
        likelihood: their REML criteria have different data.

    Returns
    -------
    DataFrame
        A row a model: ``Model``, the columns of `model_performance`, and the weight that AIC gives it, ``AIC_wt`` =
        exp(-(AIC - min AIC) / 2) over its sum.

    Notes
    -----
    performance compares REML fits as they are.

    References
    ----------
    Burnham and Anderson (2002), Model Selection and Multimodel Inference, chapter 2; Hurvich and Tsai (1989),
    Biometrika 76, 297-307.

    Examples
    --------
    >>> from mere import compare_performance, lmer
    >>> from mere.datasets import sleepstudy
    >>> slopes = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> lines = lmer("Reaction ~ Days + (1 | Subject)", sleepstudy)
    >>> compare_performance(slopes=slopes, lines=lines)[["AIC", "AIC_wt", "R2_marginal", "RMSE"]].round(3)
                 AIC  AIC_wt  R2_marginal    RMSE
    slopes  1755.628     1.0        0.279  23.438
    lines   1794.465     0.0        0.280  29.411
    """
    fits = _named(models, named)
    _check_responses(fits)
    reml = [m for m in fits.values() if isinstance(m, LMM) and m.reml]
    if reml and len({tuple(g.fixef(m).index) for m in fits.values()}) > 1:
        tell("compare_performance: refitted by ML (instead of REML), as the fixed effects differ", RefitMessage)
        fits = {name: g.refitML(m) if isinstance(m, LMM) else m for name, m in fits.items()}
    table = pd.DataFrame({name: g.model_performance(m) for name, m in fits.items()}).T
    weight = np.exp(-(table["AIC"] - table["AIC"].min()) / 2)
    table.insert(1, "AIC_wt", weight / weight.sum())
    last = [c for c in ("RMSE", "Sigma") if c in table]
    table = table[[c for c in table if c not in last] + last]
    table.insert(0, "Model", [type(m).__name__ for m in fits.values()])
    return table


def _check_responses(fits: Mapping[str, Any]) -> None:
    """Likelihoods of different responses cannot be compared."""
    sizes = {name: g.nobs(m) for name, m in fits.items()}
    if len(set(sizes.values())) > 1:
        raise MereValueError(f"the models have different numbers of rows, {sizes}: fit them to the same data")
    responses = {name: m.response.y if isinstance(m, (GLM, GLMM)) else m.design.y for name, m in fits.items()}
    first, y = next(iter(responses.items()))
    for name, other in responses.items():
        if not np.allclose(y, other):
            raise MereValueError(f"{first} and {name} have different responses: their likelihoods cannot be compared")


def _named(models: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
    out = {f"m{i + 1}": m for i, m in enumerate(models)} | dict(named)
    for name, m in out.items():
        if not isinstance(m, (LM, GLM, LMM, GLMM)):
            raise MereTypeError(f"compare_performance: {name} is of class {type(m).__name__!r}, not a model")
    if len(out) < 2 or len(out) < len(models) + len(named):
        raise MereTypeError("compare_performance takes at least two models, with names of their own if there are any")
    return out
