"""The numbers of `anova`: sequential sums of squares, and likelihood-ratio tests between models."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..errors import DataMessage, MereValueError, MereWarning, SingularFitMessage, tell
from ..generalized import GLM, GLMM
from ..results import AnovaTable

__all__ = ["compare_models", "likelihood_ratio_table", "sequential_sums"]


# -- numbers -----------------------------------------------------------------
def sequential_sums(
    RX: np.ndarray, beta: np.ndarray, assign: np.ndarray, labels: Sequence[str], sigma: float
) -> pd.DataFrame:
    """Sums of squares (RX beta)^2 of the terms in order, and their F ratios.

    Reference: Bates et al. (2015), section 5.2.
    """
    effects = (RX @ beta) ** 2
    present = [j for j in range(1, len(labels) + 1) if (assign == j).any()]
    df = np.array([int((assign == j).sum()) for j in present], dtype=int)
    ss = np.array([float(effects[assign == j].sum()) for j in present])
    mean = ss / df
    columns = {"npar": df, "Sum Sq": ss, "Mean Sq": mean, "F value": mean / sigma**2}
    return pd.DataFrame(columns, index=[labels[j - 1] for j in present])


def likelihood_ratio_table(
    npar: np.ndarray, log_lik: np.ndarray, aic: np.ndarray, bic: np.ndarray, names: Sequence[str]
) -> pd.DataFrame:
    """Each model against the one before: chi^2 = 2 (logLik_1 - logLik_0), at least 0."""
    from scipy.special import chdtrc

    df = np.array([math.nan, *np.diff(npar)])
    chisq = np.array([math.nan, *np.maximum(0.0, 2 * np.diff(log_lik))])
    p = np.array([chdtrc(d, x) if d > 0 else math.nan for d, x in zip(df, chisq, strict=True)])
    columns = {
        "npar": npar, "AIC": aic, "BIC": bic, "logLik": log_lik, "deviance": -2 * log_lik,
        "Chisq": chisq, "Df": df, "Pr(>Chisq)": p,
    }  # fmt: skip
    return pd.DataFrame(columns, index=list(names))


# -- models ------------------------------------------------------------------
def compare_models(models: Sequence[Any], names: Sequence[str], refit: bool) -> AnovaTable:
    """Likelihood-ratio tests between models of the same data, by number of parameters."""
    _check_same_data(models, names)
    for m in models:
        if isinstance(m, (GLM, GLMM)):
            m.model_family.need_likelihood("a likelihood-ratio test")
    reml = [g.isREML(m) for m in models]
    if refit and any(reml):
        tell("refitting model(s) with ML (instead of REML)", DataMessage)
        with warnings.catch_warnings():  # the user was told when the model was fitted
            warnings.simplefilter("ignore", SingularFitMessage)
            models = [g.refitML(m) for m in models]
    elif any(reml) and not all(reml):
        tell(
            "some models fit with REML = TRUE, some not: their likelihoods do not compare",
            MereWarning,
        )
    likelihoods = [g.logLik(m) for m in models]
    order = sorted(range(len(models)), key=lambda i: likelihoods[i].df)
    npar = np.array([likelihoods[i].df for i in order])
    log_lik = np.array([float(likelihoods[i]) for i in order])
    aic = np.array([g.AIC(models[i]) for i in order])
    bic = np.array([g.BIC(models[i]) for i in order])
    table = likelihood_ratio_table(npar, log_lik, aic, bic, [names[i] for i in order])
    heading = []
    data_name = next((m.call.data_name for m in models if m.call.data_name), None)
    if data_name:
        heading.append(f"Data: {data_name}")
    subset = models[0].call.arguments.get("subset")
    if isinstance(subset, str):
        heading.append(f"Subset: {subset}")
    heading.append("Models:")
    heading += [f"{names[i]}: {models[i].design.formula}" for i in order]
    return AnovaTable(table, tuple(heading))


def _check_same_data(models: Sequence[Any], names: Sequence[str]) -> None:
    first = models[0].design
    for m, name in zip(models[1:], names[1:], strict=True):
        if len(m.design.y) != len(first.y):
            raise MereValueError(
                "models were not all fitted to the same size of dataset: "
                f"{names[0]} has {len(first.y)} rows, {name} has {len(m.design.y)}"
            )
        if not np.array_equal(m.design.y, first.y):
            raise MereValueError(
                f"models were not all fitted to the same response: {first.response} of "
                f"{names[0]} and {m.design.response} of {name} differ"
            )
