"""Linear and generalized linear models without each of their rows, all rows together.

Least squares: beta - beta_(i) = (X'WX)^-1 x_i sqrt(w_i) e_i / (1 - h_i), in closed form. A generalized model iterates
towards the root of its score without the row,

    beta <- beta + (X'WX - w_i x_i x_i')^-1 sum_{j != i} x_j s_j(beta),

with the information of the full fit, less the row by Sherman and Morrison's formula. The first step needs no sum, as
the whole score is zero at the estimates; each further one has the error times O(1/n) (canonical links).
"""

from __future__ import annotations

import numpy as np

from ..diagnostics import ScaledRows, scaled_rows
from ..generalized import GLM
from ..model import LM

__all__ = ["rows_left_out"]

_STEPS = 20
_TOLERANCE = 1e-10
#: Families and links whose dmu/deta is the variance.
_SAME = {("binomial", "logit"), ("poisson", "log"), ("gaussian", "identity")}
_EDGE = 1e-8  # of one minus the leverage: without such a row a column is lost
_AT_ONCE = 4_000_000  # numbers held by a block of deletions


def rows_left_out(m: LM | GLM) -> tuple[np.ndarray, np.ndarray]:
    """Parameters of the fit without each row, (n, k), and which of them are good: the others need a refit."""
    rows = scaled_rows(m)
    if isinstance(m, GLM):
        return _generalized(m, rows)
    values = np.column_stack([m.beta - rows.change, rows.sigma])
    return values, np.isfinite(values).all(axis=1) & (1 - rows.h > _EDGE)


def _generalized(m: GLM, scaled: ScaledRows) -> tuple[np.ndarray, np.ndarray]:
    X, n, leverage = m.design.X, m.design.n, scaled.h
    inverse = np.linalg.inv(scaled.R.T @ scaled.R)
    moves = X @ inverse  # rows (X'WX)^-1 x_i
    values, good = np.full((n, X.shape[1]), np.nan), np.zeros(n, dtype=bool)
    most = max(1, _AT_ONCE // n)
    usable = np.flatnonzero(1 - leverage > _EDGE)
    with np.errstate(all="ignore"):
        for at in range(0, len(usable), most):
            rows = usable[at : at + most]
            values[rows], good[rows] = _without(m, inverse, moves, leverage, rows)
    return values, good


def _scores(m: GLM, eta: np.ndarray) -> np.ndarray:
    """Derivatives of the rows' log-likelihoods (times the dispersion) by their linear predictors."""
    family, response = m.model_family, m.response
    mu = np.asarray(family.link.inverse(eta))
    score = response.weights * (response.y - mu)
    if (family.name, family.link.name) not in _SAME:
        score *= np.asarray(family.link.derivative(eta)) / np.asarray(family.variance(mu))
    return score


def _without(
    m: GLM, inverse: np.ndarray, moves: np.ndarray, leverage: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The coefficients without each of some rows, and whether they converged."""
    X, offset = m.design.X, 0.0 if m.design.offset is None else m.design.offset
    ratio = (m.fit.working / (1 - leverage))[rows]
    step = -(_scores(m, m.fit.eta) / (1 - leverage))[rows, None] * moves[rows]
    beta, size = m.beta + step, np.abs(step).max(axis=1)
    done = np.zeros(len(rows), dtype=bool)
    scale = 1 + np.abs(m.beta).max()
    for _ in range(_STEPS):
        own = np.flatnonzero(~done)
        score = _scores(m, beta[own] @ X.T + offset)
        score[np.arange(len(own)), rows[own]] = 0.0
        step = score @ X @ inverse
        away = np.einsum("ij,ij->i", X[rows[own]], step)  # x_i'(X'WX)^-1 u
        step += (ratio[own] * away)[:, None] * moves[rows[own]]
        beta[own] += step
        before, size[own] = size[own], np.abs(step).max(axis=1)
        done[own] = size[own] * np.minimum(size[own] / before, 1.0) <= _TOLERANCE * scale  # of what is left
        if done.all():
            break
    return beta, done & np.isfinite(beta).all(axis=1)
