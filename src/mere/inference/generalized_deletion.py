"""Influence on generalized mixed models: fits with rows left out, from the estimates of the whole.

A row of weight zero has no part in the likelihood, and a level without rows none in the determinants: so the plan of
the fit serves for every deletion, with a workspace for each. Families with a free dispersion count their rows; they
are fitted from rows that are left.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from .. import _core
from .. import generics as g
from ..accessors.generalized_mixed import vcov_glmm
from ..arguments import check_function, threads_of
from ..errors import MereError
from ..generalized import GLMM, generalized_mixed_model
from ..generalized_fitting import settle_generalized
from ..generalized_optimum import optimize_generalized
from ..rank import refuse_deficient
from ..replicates import available_cpus
from ..variance_parameters import VarianceParameters, variance_parameters
from .bootstrapping import model_parameters, named
from .deletion import (
    Influence,
    Jackknife,
    Units,
    group_units,
    jackknife_units,
    one_by_one,
    refit_without,
    report_failures,
    row_units,
)

__all__ = ["generalized_deletions"]

_Statistic = Callable[[GLMM], np.ndarray]


def generalized_deletions(
    m: GLMM, units: Units, statistic: _Statistic, ncpus: int | None = None
) -> tuple[np.ndarray, pd.Series]:
    """A statistic of parameters (N, k) without each unit, NaN where a fit failed, and why."""
    n = len(units.labels)
    width = max(1, min(threads_of(ncpus) or available_cpus(), n // 8 or 1))

    def one(i: int) -> np.ndarray | str:
        try:
            return statistic(_without(m, units.rows(i)))
        except (MereError, np.linalg.LinAlgError, _core.KernelError) as error:
            return str(error)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with ThreadPoolExecutor(width) as pool:
            found = list(pool.map(one, range(n)))
    size = next((len(f) for f in found if not isinstance(f, str)), 0)
    out = np.array([np.full(size, np.nan) if isinstance(f, str) else f for f in found]).reshape(n, size)
    causes = {label: f for label, f in zip(units.labels, found, strict=True) if isinstance(f, str)}
    return out, pd.Series(causes, dtype=object)


def _without(m: GLMM, rows: np.ndarray) -> GLMM:
    """The parameters without some rows; the record keeps all rows where the plan does."""
    if m.model_family.has_scale or m.model_family.code < 0 or m.model_family.link.code < 0:
        return refit_without(m, rows)
    weights = m.response.weights.copy()
    weights[rows] = 0.0
    refuse_deficient(m.design.X, m.design.names, weights)
    objective = m.objective.twin(replace(m.response, weights=weights))
    control = m.control if m.control.optimizer is not None else replace(m.control, optimizer="auto")
    optimum = optimize_generalized(objective, control, {"par": m.par, "fixef": m.beta})
    return generalized_mixed_model(settle_generalized(objective, optimum, control), control, m.call)


def parameter_values(parameters: VarianceParameters, fit: GLMM) -> np.ndarray:
    """Standard deviations, correlations and fixed effects."""
    return np.append(parameters.values(fit.theta, 1.0)[:-1], fit.beta)


@g.influence.register(GLMM)
def _influence(m: GLMM, groups: Any = None, ncpus: int | None = None) -> Influence:
    units = row_units(m.design) if groups is None else group_units(m, groups)
    parameters = variance_parameters(m.design.random)
    names, p = parameters.names[:-1], len(m.beta)

    def everything(fit: GLMM) -> np.ndarray:
        return np.append(parameter_values(parameters, fit), vcov_glmm(fit).to_numpy().ravel())

    values, failures = generalized_deletions(m, units, everything, ncpus)
    if not values.shape[1]:
        values = np.full((len(values), len(names) + p + p * p), np.nan)
    report_failures(failures, "influence")
    var, beta, vcov = np.split(values, [len(names), len(names) + p], axis=1)
    return Influence(
        m, units.name, g.fixef(m), pd.DataFrame(beta, units.labels, list(m.design.names)),
        pd.Series(parameters.values(m.theta, 1.0)[:-1], names), pd.DataFrame(var, units.labels, names),
        g.vcov(m), vcov.reshape(-1, p, p), failures,
    )  # fmt: skip


@g.jackknife.register(GLMM)
def _jackknife(m: GLMM, by: Any = None, FUN: Callable[[Any], Any] | None = None, ncpus: int | None = None) -> Jackknife:
    check_function(FUN)
    units = jackknife_units(m, by)
    t0 = named(model_parameters(m) if FUN is None else FUN(m))
    if FUN is None:
        parameters = variance_parameters(m.design.random)
        values, failures = generalized_deletions(m, units, lambda fit: parameter_values(parameters, fit), ncpus)
    else:
        values, failures = one_by_one(m, units, FUN, len(t0))
    if not values.shape[1]:
        values = np.full((len(values), len(t0)), np.nan)
    report_failures(failures, "jackknife")
    return Jackknife(t0, pd.DataFrame(values, units.labels, t0.index), units.name, failures)
