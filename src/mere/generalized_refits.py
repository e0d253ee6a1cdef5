"""Generalized mixed models fitted to other responses: to one, or to many over threads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from . import _core
from . import generics as g
from .arguments import numbers_of
from .errors import MereError, MereValueError
from .frame import Factor
from .generalized import GLM, GLMM, generalized_mixed_model
from .generalized_fitting import settle_generalized
from .generalized_objective import GLMMObjective
from .generalized_optimum import optimize_generalized
from .model import LM
from .refitting import Refits, with_response
from .replicates import Replicates, fit_replicates
from .response import Response
from .variance_parameters import variance_parameters

__all__ = ["GeneralizedFitter"]


class GeneralizedFitter:
    """Fits of a model to the responses first, first + 1, ...: a callable for any number of threads.

    Parameters
    ----------
    m : GLMM
    responses : ndarray (n, count)
        As the design holds them; of ``cbind(successes, failures)`` the successes.
    """

    def __init__(self, m: GLMM, responses: np.ndarray):
        self.model, self.responses = m, responses
        self.objective = m.objective

    def optimum(self, y: np.ndarray) -> tuple[GLMMObjective, np.ndarray, float]:
        """The criterion for a response, the parameters at its optimum, and -2 log L there."""
        m = self.model
        objective = m.objective.twin(_as_numbers(m, y))
        found = optimize_generalized(objective, _control(m), {"par": m.par, "fixef": m.beta})
        par, value = (found.par, found.value) if m.nAGQ else objective.joint(found.par)
        if not np.isfinite(value):
            raise MereValueError("the criterion is not finite at the optimum")
        return objective, par, value

    def __call__(self, first: int, count: int) -> tuple[np.ndarray, ...]:
        """status, criterion, sigma (count,), par (count, n_par), beta (count, p)."""
        m, n_re = self.model, len(self.model.par)
        part = Replicates.empty(count, m.objective.layout.n_par, len(m.beta))
        for i in range(count):
            try:
                objective, par, value = self.optimum(self.responses[:, first + i])
                sigma = objective.state(par).sigma if m.model_family.has_scale else 1.0
            except MereError:
                part.status[i] = _core.OPTIMIZER
            else:
                scalars = [np.atleast_1d(v) for v in (0, value, sigma)]
                part.put(i, [*scalars, par[None], par[None, n_re : n_re + len(m.beta)]])
        return part.status, part.criterion, part.sigma, part.par, part.beta


def _control(m: GLMM) -> Any:
    return m.control if m.control.optimizer is not None else replace(m.control, optimizer="auto")


def _as_numbers(m: GLMM, y: np.ndarray) -> Response:
    """A response (n,) with the weights of the fit; numbers of successes become proportions."""
    r = m.response
    if r.counts:
        y = np.where(r.size > 0, y / np.where(r.size > 0, r.size, 1.0), 0.0)
    m.model_family.check(y, "newresp")
    return replace(r, y=np.ascontiguousarray(y, dtype=np.float64))


def _read(m: GLMM, newresp: Any) -> np.ndarray:
    """(n,) or (n, count): values at the rows that the model uses; pairs of counts become successes."""
    r, frame = m.response, m.design.frame
    if isinstance(newresp, pd.DataFrame) and newresp.columns.nlevels == 2:
        return _successes(m, newresp)
    y = numbers_of(_as_codes(m, newresp), "newresp")
    if y.ndim not in (1, 2):
        raise MereValueError(f"newresp must be a vector, or a matrix with a response a column, not of shape {y.shape}")
    if len(y) != m.design.n and len(y) == frame.nrow and frame.rows is not None:
        y = y[frame.rows]
    if len(y) != m.design.n or not np.isfinite(y).all():
        raise MereValueError(f"newresp must have {m.design.n} finite values, one per row that the model uses")
    if r.counts and y.ndim == 2 and y.shape[1] == 2:
        if np.allclose(y.sum(axis=1), r.size):
            return np.ascontiguousarray(y[:, 0])
        if not isinstance(newresp, pd.DataFrame):
            raise MereValueError(
                "newresp has two columns that do not add up to the numbers of trials of the fit; two responses go in a "
                "DataFrame, with numbers of successes in its columns"
            )
    return y


def _successes(m: GLMM, newresp: pd.DataFrame) -> np.ndarray:
    """(n, count) of the table of `simulate`, a pair of columns a response."""
    first = newresp.columns.get_level_values(0)
    pairs = numbers_of(newresp, "newresp")
    if not m.response.counts or len(first) % 2 or (first[::2] != first[1::2]).any() or not first[::2].is_unique:
        raise MereValueError("newresp has columns in two levels, as pairs of numbers of successes and failures have")
    return np.column_stack([_read(m, pairs[:, i : i + 2]) for i in range(0, len(first), 2)])


def _as_codes(m: GLMM, newresp: Any) -> Any:
    """0 and 1 for a factor of the levels of the response."""
    old = m.design.frame.variables.get(m.design.response)
    if not isinstance(old, Factor) or np.ndim(newresp) != 1:
        return newresp
    labels = np.asarray(newresp)
    if labels.dtype.kind in "biuf":
        return newresp
    unknown = set(map(str, labels)) - set(old.levels)
    if unknown:
        raise MereValueError(f"newresp has {sorted(unknown)[0]!r}; the levels of the response are {old.levels}")
    return (labels.astype(str) != old.levels[0]).astype(float)


@g.refit.register(GLMM)
def _refit(m: GLMM, newresp: Any = None, ncpus: int | None = None) -> GLMM | Refits:
    design = m.design
    if newresp is None:
        return _refitted(m, design.y, m.response)
    y = _read(m, newresp)
    if y.ndim == 1:
        response = _as_numbers(m, y)
        pairs = np.asfortranarray(np.column_stack([y, response.size - y])) if response.counts else y
        return _refitted(m, pairs, response)
    labels = newresp.columns if isinstance(newresp, pd.DataFrame) else pd.RangeIndex(y.shape[1])
    labels = labels.get_level_values(0)[::2] if labels.nlevels == 2 else labels
    y = np.asfortranarray(y)
    for i in range(y.shape[1]):
        _as_numbers(m, y[:, i])
    parameters = variance_parameters(design.random)
    shown = replace(parameters, items=parameters.items[:-1])  # no sigma
    return Refits(m, y, labels, fit_replicates(GeneralizedFitter(m, y), y.shape[1], ncpus), shown)


def _refitted(m: GLMM, y: np.ndarray, response: Response) -> GLMM:
    objective = m.objective.twin(response)
    objective.design = with_response(m.design, y)
    optimum = optimize_generalized(objective, _control(m), {"par": m.par, "fixef": m.beta})
    return generalized_mixed_model(settle_generalized(objective, optimum, _control(m)), m.control, m.call)


_update = g.update.dispatch(LM)
for _kind in (GLM, GLMM):
    g.update.register(_kind, _update)
