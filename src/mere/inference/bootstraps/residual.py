"""Responses made of the fit and of residuals drawn with replacement.

lm        y* = X b + e*, e* drawn from the centred e / sqrt(1 - h)
lmer      y* = X b + Z b* + e*, the levels' b* drawn from the predicted random effects and e* from the residuals, both
          centred and then scaled to the estimated (co)variances: predicted effects are shrunken and would vary too
          little

reb (one grouping factor): the level effects are least-squares coefficients of the level's marginal residuals; a level
draws its effects from one level and its errors from one other.

References: Davison and Hinkley (1997), 6.2.3; Carpenter, Goldstein and Rasbash (2003), J. R. Stat. Soc. C 52, 431-443;
Chambers and Chandra (2013), J. Comput. Graph. Stat. 22, 452-470.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import generics as g
from ...accessors.blocks import relative_factors, term_matrix
from ...errors import MereValueError
from ...model import LM, LMM
from .responses import fit_responses
from .scheme import Request, Task

__all__ = ["reb_scheme", "reflated", "residual_scheme"]


def reflated(effects: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Effects (levels, k), centred and turned so that their empirical covariance is `covariance`.

    Examples
    --------
    >>> u = reflated(np.array([[1.0], [2.0], [6.0]]), np.array([[4.0]]))
    >>> float(u.mean().round(12)), float(np.mean(u**2).round(12))
    (0.0, 4.0)
    """
    centred = effects - effects.mean(axis=0)
    S = centred.T @ centred / len(centred)
    values, vectors = np.linalg.eigh(S)
    keep = values > 1e-12 * max(values.max(initial=0.0), 1e-300)
    if not keep.any():
        return np.zeros_like(effects)
    whitened = centred @ (vectors[:, keep] / np.sqrt(values[keep]))
    wanted, axes = np.linalg.eigh(vectors[:, keep].T @ covariance @ vectors[:, keep])
    root = (axes * np.sqrt(np.maximum(wanted, 0.0))) @ axes.T
    out: np.ndarray = whitened @ root @ vectors[:, keep].T
    return out


def _scaled_errors(e: np.ndarray, sigma: float) -> np.ndarray:
    """Residuals of unit weight, centred, with mean square sigma^2."""
    centred = e - e.mean()
    size = float(np.sqrt(np.mean(centred**2)))
    return centred * (sigma / size) if size > 0 else centred


def _root_weights(m: LM | LMM) -> np.ndarray:
    return np.ones(m.design.n) if m.design.weights is None else np.sqrt(m.design.weights)


def _mean(m: LM | LMM) -> np.ndarray:
    out: np.ndarray = m.design.X @ m.beta + (0.0 if m.design.offset is None else m.design.offset)
    return out


def residual_scheme(request: Request, cluster: Any) -> Task:
    """The task of the residual bootstrap."""
    m = request.model
    if cluster is not None:
        raise MereValueError("cluster= is for type='case' and 'wild'")
    root, mean = _root_weights(m), _mean(m)
    if isinstance(m, LM):
        h = g.hatvalues(m).to_numpy()
        e = root * (m.design.y - mean) / np.sqrt(np.maximum(1 - h, 1e-10))
        pool = e - e.mean()
        return fit_responses(request, lambda rng: mean + pool[rng.integers(0, len(pool), len(pool))] / root)
    effects, design = _mode_blocks(m), m.design
    fitted = mean + _contribution(m, effects)
    pool = _scaled_errors(root * (design.y - fitted), m.sigma)
    factors = relative_factors(design.random, m.theta)
    turned = [reflated(u, m.sigma**2 * (T @ T.T)) for u, T in zip(effects, factors, strict=True)]

    def draw(rng: np.random.Generator) -> np.ndarray:
        drawn = [u[rng.integers(0, len(u), len(u))] for u in turned]
        return mean + _contribution(m, drawn) + pool[rng.integers(0, len(pool), len(pool))] / root

    return fit_responses(request, draw)


def _mode_blocks(m: LMM) -> list[np.ndarray]:
    """Predicted random effects by term, (levels, k)."""
    out, at = [], 0
    for t in m.design.random:
        size = len(t.levels) * t.covariance.k
        out.append(np.asarray(m.b[at : at + size]).reshape(len(t.levels), t.covariance.k))
        at += size
    return out


def _contribution(m: LMM, effects: list[np.ndarray]) -> np.ndarray:
    """Z b of effects by term."""
    out = np.zeros(m.design.n)
    for t, u in zip(m.design.random, effects, strict=True):
        out += np.einsum("ij,ij->i", term_matrix(t), u[np.asarray(t.codes)])
    return out


def reb_scheme(request: Request, cluster: Any) -> Task:
    """The task of the random-effect block bootstrap."""
    m = request.model
    if not isinstance(m, LMM):
        raise MereValueError("type='reb' is for linear mixed models")
    if cluster is not None:
        raise MereValueError("cluster= is for type='case' and 'wild'; blocks are those of the grouping factor")
    if len({t.group for t in m.design.random}) != 1:
        raise MereValueError("type='reb' needs one grouping factor; use 'residual' or 'parametric'")
    root, mean, design = _root_weights(m), _mean(m), m.design
    codes = np.asarray(design.random[0].codes)
    levels = len(design.random[0].levels)
    Z = np.hstack([term_matrix(t) for t in design.random])
    r = design.y - mean
    rows = [np.flatnonzero(codes == i) for i in range(levels)]
    u = np.array([np.linalg.lstsq(Z[own] * root[own, None], root[own] * r[own], rcond=None)[0] for own in rows])
    e = root * (r - np.einsum("ij,ij->i", Z, u[codes]))
    pool = _scaled_errors(e, m.sigma)
    sizes = [t.covariance.k for t in design.random]
    covariance = np.zeros((sum(sizes), sum(sizes)))
    at = 0
    for k, T in zip(sizes, relative_factors(design.random, m.theta), strict=True):
        covariance[at : at + k, at : at + k] = m.sigma**2 * (T @ T.T)
        at += k
    turned = reflated(u, covariance)

    def draw(rng: np.random.Generator) -> np.ndarray:
        b = turned[rng.integers(0, levels, levels)]
        star = np.empty(design.n)
        for own, source in zip(rows, rng.integers(0, levels, levels), strict=True):
            block = rows[source]
            star[own] = pool[block[rng.integers(0, len(block), len(own))]]
        return mean + np.einsum("ij,ij->i", Z, b[codes]) + star / root

    return fit_responses(request, draw)
