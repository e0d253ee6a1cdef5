"""Responses drawn from generalized models, for the rows of the fit or for new data.

Each replicate has a stream of its own, a function of the seed and its number: Philox with both as its key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from . import generics as g
from .accessors.blocks import relative_factors
from .accessors.generalized_linear import dispersion
from .accessors.rows import row_series
from .arguments import count_of
from .conditioning import RandomRows, contribution, random_rows
from .errors import MereValueError
from .families import Family
from .frame import as_frame
from .generalized import GLM, GLMM
from .language.parser import parse_expression
from .language.syntax import Call, deparse
from .newdata import fixed_matrix, new_extra
from .prediction import offset_at, row_index
from .simulation import given_effects, parameters_of, read_seed, table_of_responses

__all__ = ["GeneralizedSimulator", "check_trials", "generalized_simulator", "new_weights"]


@dataclass(frozen=True, eq=False)
class GeneralizedSimulator:
    """What draws responses, given the linear predictor of what is kept.

    Attributes
    ----------
    eta : ndarray (n,)
    terms : list of (values (n, k), codes (n,), number of levels, factor (k, k))
        Random effects that are drawn: rows of normal numbers times the transposed factor.
    family : Family
    weights : ndarray (n,)
    phi : float
        The dispersion.
    counts : bool
        Are the responses numbers of successes, and not proportions?
    """

    eta: np.ndarray
    terms: list[tuple[np.ndarray, np.ndarray, int, np.ndarray]]
    family: Family
    weights: np.ndarray
    phi: float
    counts: bool

    def draw(self, seed: int, first: int, count: int) -> np.ndarray:
        """Responses first, first + 1, ..., a column each."""
        return np.column_stack([self._one(seed, first + i) for i in range(count)])

    def _one(self, seed: int, number: int) -> np.ndarray:
        rng = np.random.Generator(np.random.Philox(key=[seed, number]))
        eta = self.eta.copy()
        for values, codes, levels, factor in self.terms:
            drawn = rng.standard_normal((levels, len(factor))) @ factor.T
            eta += np.einsum("ij,ij->i", values, drawn[codes])
        mu = self.family.link.inverse(eta)
        try:
            y: np.ndarray = self.family.simulate(mu, self.weights, self.phi, rng)
        except ValueError as error:  # NumPy's, of a mean that the distribution cannot have
            if isinstance(error, MereValueError):
                raise
            raise MereValueError(
                f"simulate: a linear predictor gives no mean of the {self.family.name} family: {error}; use another "
                "link, or smaller variances of the random effects"
            ) from None
        return y * self.weights if self.counts else y


def generalized_simulator(
    m: GLMM,
    kept: list[np.ndarray],
    newdata: Any = None,
    newparams: Mapping[str, Any] | None = None,
    weights: Any = None,
    allow_new_levels: bool = False,
) -> GeneralizedSimulator:
    """What draws responses of a mixed model, given the random effects that are kept."""
    design, values = m.design, parameters_of(m, newparams)
    rows = random_rows(design, newdata, kept if newdata is not None else None, allow_new_levels)
    if newdata is None:
        X, offset, own = design.X, design.offset, m.response.size
    else:
        X, offset, own = fixed_matrix(design, newdata), offset_at(m, newdata), new_weights(m, newdata, weights)
    eta = X @ values.beta + contribution(design, rows, kept, m.b)
    eta = eta if offset is None else eta + offset
    if np.isnan(eta).any():
        raise MereValueError("simulate: newdata has missing values")
    drawn = rows if newdata is None else random_rows(design, newdata, None, True)
    factors = relative_factors(design.random, values.theta)
    terms = [_drawn_term(r, k, T) for r, k, T in zip(drawn, kept, factors, strict=True) if not k.all()]
    return GeneralizedSimulator(eta, terms, m.model_family, own, values.sigma**2, m.response.counts)


def _drawn_term(r: RandomRows, keep: np.ndarray, T: np.ndarray) -> tuple[np.ndarray, np.ndarray, int, np.ndarray]:
    codes, levels = r.codes, len(r.term.levels)
    if r.labels is not None:  # any levels: they are drawn
        if any(label is None for label in r.labels.tolist()):
            raise MereValueError(f"simulate: the grouping factor '{r.term.group}' has missing values in newdata")
        known, codes = np.unique(r.labels.astype(str), return_inverse=True)
        levels = len(known)
    return r.values, codes, levels, np.where(keep[:, None], 0.0, T)


def new_weights(m: GLM | GLMM, newdata: Any, weights: Any) -> np.ndarray:
    """Weights at new data; of pairs of counts the numbers of trials."""
    n = as_frame(newdata).nrow
    if weights is not None:
        out = new_extra(m.design, weights, newdata) if isinstance(weights, str) else np.asarray(weights, dtype=float)
        if out.shape not in ((), (n,)) or not (np.isfinite(out).all() and (out >= 0).all()):
            raise MereValueError(f"weights must be a number or {n} finite numbers that are not negative, one per row")
        check_trials(m.model_family, out)
        return np.broadcast_to(out, (n,)).astype(np.float64)
    given = m.call.arguments.get("weights")
    if m.response.counts:
        try:
            pair = new_extra(m.design, m.design.response, newdata)
        except (MereValueError, KeyError):
            raise MereValueError(
                f"newdata does not say the number of trials: give the columns of {m.design.response}, or weights="
            ) from None
        return np.asarray(pair.sum(axis=1))
    return np.ones(n) if given is None else _given_weights(m, given, newdata)


def check_trials(family: Family, weights: np.ndarray) -> None:
    """Are the weights of a binomial family whole numbers?"""
    if family.outcome == "proportion" and not np.allclose(weights, np.round(weights), rtol=0, atol=1e-6):
        raise MereValueError("weights= of a binomial model are numbers of trials, which must be whole numbers")


def _given_weights(m: GLM | GLMM, given: Any, newdata: Any) -> np.ndarray:
    if not isinstance(given, str):
        raise MereValueError(
            "the model has weights= as an array, which newdata cannot follow: give weights= for the new rows"
        )
    return new_extra(m.design, given, newdata)


# -- methods -----------------------------------------------------------------
@g.simulate.register(GLMM)
def _simulate(
    m: GLMM,
    nsim: int = 1,
    seed: Any = None,
    use_u: bool = False,
    re_form: Any = False,
    newdata: Any = None,
    newparams: Mapping[str, Any] | None = None,
    allow_new_levels: bool = False,
    weights: Any = None,
) -> pd.DataFrame:
    """Responses as the model holds them; of ``cbind(successes, failures)`` both columns."""
    _check_weights(weights, newdata)
    kept, number = given_effects(m.design, use_u, re_form), read_seed(seed)
    simulator = generalized_simulator(m, kept, newdata, newparams, weights, allow_new_levels)
    return _labelled(m, simulator.draw(number, 0, count_of(nsim)), simulator.weights, newdata, number)


@g.simulate.register(GLM)
def _simulate_linear(m: GLM, nsim: int = 1, seed: Any = None, newdata: Any = None, weights: Any = None) -> pd.DataFrame:
    """Responses as the model holds them; of ``cbind(successes, failures)`` both columns."""
    m.model_family.need_likelihood("simulate()", "use bootstrap(type='case')")
    _check_weights(weights, newdata)
    number, r = read_seed(seed), m.response
    if newdata is None:
        eta, own = m.fit.eta, r.size
    else:
        offset = offset_at(m, newdata)
        eta = fixed_matrix(m.design, newdata) @ m.beta + (0.0 if offset is None else offset)
        own = new_weights(m, newdata, weights)
        if np.isnan(eta).any():
            raise MereValueError("simulate: newdata has missing values")
    simulator = GeneralizedSimulator(eta, [], m.model_family, own, dispersion(m), r.counts)
    return _labelled(m, simulator.draw(number, 0, count_of(nsim)), simulator.weights, newdata, number)


def _check_weights(weights: Any, newdata: Any) -> None:
    if weights is not None and newdata is None:
        raise MereValueError("weights= goes with newdata=: the rows of the fit have theirs")


def _labelled(m: GLM | GLMM, values: np.ndarray, trials: np.ndarray, newdata: Any, number: int) -> pd.DataFrame:
    nsim, index = values.shape[1], None if newdata is None else row_index(newdata)
    if m.response.counts:
        values = np.stack([values, trials[:, None] - values], axis=2).reshape(len(values), -1)
    if index is None:
        columns = [row_series(m.design, values[:, i]) for i in range(values.shape[1])]
        values, index = np.column_stack(columns), columns[0].index
    out = table_of_responses(values, index, number)
    if m.response.counts:
        out.columns = pd.MultiIndex.from_product([[f"sim_{i + 1}" for i in range(nsim)], pair_names(m.design.response)])
    return out


def pair_names(response: str) -> tuple[str, str]:
    """What the columns of ``cbind(successes, failures)`` are called.

    Examples
    --------
    >>> pair_names("cbind(incidence, size - incidence)")
    ('incidence', 'size - incidence')
    """
    node = parse_expression(response)
    pair = [deparse(a) for a in node.args] if isinstance(node, Call) else []
    return (pair[0], pair[1]) if len(pair) == 2 and pair[0] != pair[1] else ("successes", "failures")
