"""Cases drawn with replacement: rows, or the clusters of a mixed model.

For `lm` and `glm` a replicate is a vector of counts of the rows, and many are fitted at once: the cross-products of all
replicates are one matrix product, of `glm` one in each step of iteratively reweighted least squares. A cluster that is
drawn twice is two clusters: levels nested in it get new names. Levels of factors crossed with the clusters keep theirs.

Reference: Davison and Hinkley (1997), Bootstrap methods and their application, 6.2.4; Field and Welsh (2007), J. R.
Stat. Soc. B 69, 369-390.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...design import Design, design_at, term_at
from ...errors import MereValueError
from ...generalized import GLM, GLMM
from ...model import LM, LMM
from ..clusters import cluster_codes, cluster_rows, is_nested
from ..refits import fit_as
from .scheme import Request, Task, replicate_rng, run_replicates

__all__ = ["case_scheme", "drawn_design", "nested_terms"]

_AT_ONCE = 4_000_000
_STEPS = 40


def case_scheme(request: Request, cluster: Any) -> Task:
    """The task of the case bootstrap."""
    m = request.model
    if isinstance(m, (LMM, GLMM)):
        codes = cluster_codes(m.design, m.call.data, cluster)
    elif cluster is None:
        codes = np.arange(m.design.n)
    else:
        codes = cluster_codes(m.design, m.call.data, cluster)
    if request.is_default and isinstance(m, (LM, GLM)):
        return _counted(request, codes)
    rows = list(cluster_rows(codes))
    if len(rows) < 2:
        raise MereValueError("the case bootstrap needs two clusters at least")

    nested = nested_terms(m.design, rows)

    def make(rng: np.random.Generator) -> Any:
        return fit_as(m, drawn_design(m.design, rows, rng.integers(0, len(rows), len(rows)), nested))

    return run_replicates(request, make)


def nested_terms(design: Design, clusters: list[np.ndarray]) -> list[bool]:
    """Which random-effects terms have levels that are in one cluster each."""
    own = np.empty(design.n, dtype=np.int64)
    for i, members in enumerate(clusters):
        own[members] = i
    return [is_nested(np.asarray(t.codes, dtype=np.int64), own) for t in design.random]


def drawn_design(
    design: Design, clusters: list[np.ndarray], drawn: np.ndarray, nested: list[bool] | None = None
) -> Design:
    """The design of some clusters, each draw a cluster of its own.

    `nested` is what `nested_terms` says; it is the same for all draws.
    """
    chosen = [clusters[i] for i in drawn.tolist()]
    rows = np.concatenate(chosen)
    number = np.repeat(np.arange(len(drawn)), [len(c) for c in chosen])
    random = []
    for t, inside in zip(design.random, nested or nested_terms(design, clusters), strict=True):
        codes = np.asarray(t.codes, dtype=np.int64)[rows]
        if inside:
            size = len(t.levels) + 1
            used, new = np.unique(number * size + codes, return_inverse=True)
            draw, level = np.divmod(used, size)
            levels = tuple(f"{t.levels[i]}.{k}" for i, k in zip(level.tolist(), (draw + 1).tolist(), strict=True))
        else:
            used, new = np.unique(codes, return_inverse=True)
            levels = tuple(t.levels[u] for u in used.tolist())
        random.append(term_at(t, rows, new, levels))
    return design_at(design, rows, tuple(random), None, None)


# -- many fits at once ---------------------------------------------------------------
def _counted(request: Request, codes: np.ndarray) -> Task:
    """Replicates of `lm` and `glm` by counts of rows."""
    m, design = request.model, request.model.design
    units = int(codes.max()) + 1
    root = np.ones(design.n) if design.weights is None or isinstance(m, GLM) else np.sqrt(design.weights)
    Q, R = np.linalg.qr(design.X * root[:, None])
    back = np.linalg.inv(R)
    most = max(1, _AT_ONCE // design.n)

    def counts(first: int, count: int) -> np.ndarray:
        drawn = np.empty((count, units))
        for i in range(count):
            rng = replicate_rng(request.seed, first + i)
            drawn[i] = np.bincount(rng.integers(0, units, units), minlength=units)
        return drawn[:, codes]

    def task(first: int, count: int) -> tuple[np.ndarray, dict[int, str]]:
        out, causes = np.empty((count, request.width)), {}
        for at in range(0, count, most):
            last = min(count, at + most)
            C = counts(first + at, last - at)
            fit = _least_squares(m, Q, back, root, C) if isinstance(m, LM) else _reweighted(m, Q, back, C)
            out[at:last] = fit[:, : request.width]
        for i in np.flatnonzero(~np.isfinite(out[:, 0])).tolist():
            out[i] = np.nan
            causes[first + i] = "the rows drawn do not determine the coefficients, or the fit did not converge"
        return out, causes

    return task


def _products(Q: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Q' diag(w) Q for each row w of W, (b, p, p), by one product."""
    p = Q.shape[1]
    i, j = np.triu_indices(p)
    flat = W @ (Q[:, i] * Q[:, j])
    out = np.empty((len(W), p, p))
    out[:, i, j] = out[:, j, i] = flat
    return out


def _solved(G: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """G^-1 right and G^-1; NaN where G is singular."""
    good = np.isfinite(G).all(axis=(1, 2))
    good[good] = np.linalg.cond(G[good]) < 1e12
    inverse = np.full_like(G, np.nan)
    inverse[good] = np.linalg.inv(G[good])
    return np.einsum("bij,bj->bi", inverse, right), inverse


def _least_squares(m: LM, Q: np.ndarray, back: np.ndarray, root: np.ndarray, C: np.ndarray) -> np.ndarray:
    """beta, sigma, and their standard errors, of least squares with counts C (b, n)."""
    design = m.design
    y = root * (design.y if design.offset is None else design.y - design.offset)
    gamma, inverse = _solved(_products(Q, C), C @ (Q * y[:, None]))
    rss = C @ (y * y) - np.einsum("bi,bi->b", gamma, C @ (Q * y[:, None]))
    sigma = np.sqrt(np.maximum(rss, 0.0) / m.df)
    beta = gamma @ back.T
    variance = np.einsum("ij,bjk,ik->bi", back, inverse, back, optimize=True)
    nan = np.full((len(C), 1), np.nan)
    return np.hstack([beta, sigma[:, None], sigma[:, None] * np.sqrt(variance), nan])


def _reweighted(m: GLM, Q: np.ndarray, back: np.ndarray, C: np.ndarray) -> np.ndarray:
    """beta and standard errors by reweighted least squares with counts C (b, n), all replicates together."""
    family, y, prior = m.model_family, m.response.y, m.response.weights
    offset = 0.0 if m.design.offset is None else m.design.offset
    W = C * prior
    eta = np.broadcast_to(m.fit.eta, C.shape).copy()
    deviance = np.full(len(C), np.inf)
    gamma, inverse = np.full((len(C), Q.shape[1]), np.nan), np.full((len(C), Q.shape[1], Q.shape[1]), np.nan)
    active = np.arange(len(C))
    for _ in range(_STEPS):
        own = eta[active]
        mu = np.asarray(family.link.inverse(own))
        slope = np.asarray(family.link.derivative(own))
        w = W[active] * slope**2 / np.asarray(family.variance(mu))
        z = own - offset + (y - mu) / slope
        gamma[active], inverse[active] = _solved(_products(Q, w), (w * z) @ Q)
        eta[active] = gamma[active] @ Q.T + offset
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            new = np.sum(W[active] * family.unit_deviance(y, np.asarray(family.link.inverse(eta[active]))), axis=1)
        done = np.abs(new - deviance[active]) <= 1e-13 * (np.abs(new) + 0.1)
        lost = ~np.isfinite(new)
        deviance[active] = new
        gamma[active[lost]] = np.nan
        active = active[~done & ~lost]
        if not len(active):
            break
    gamma[active] = np.nan  # not converged
    if family.outcome == "proportion":  # separated: the coefficients would grow without bound
        mean = np.asarray(family.link.inverse(eta))
        gamma[((np.minimum(mean, 1 - mean) < 1e-8) & (W > 0)).any(axis=1)] = np.nan
    beta = gamma @ back.T
    variance = np.einsum("ij,bjk,ik->bi", back, inverse, back, optimize=True)
    scale = np.ones(len(C))
    if family.has_scale:
        mu = np.asarray(family.link.inverse(eta))
        scale = np.sqrt(np.sum(W * (y - mu) ** 2 / np.asarray(family.variance(mu)), axis=1) / m.df)
    return np.hstack([beta, scale[:, None] * np.sqrt(variance)])
