"""Adaptive Gauss-Hermite quadrature of a nonlinear mixed model with one grouping factor.

With the mode u_l, A_l = I + M_l'M_l = L L' and a standard deviation sigma, u = u_l + sigma L^-T x puts N(0, I) in the
place of the mode's curvature, and with g_l(u) = wrss_l + u'u

    -2 log L = n log(2 pi sigma^2) - sum log w + sum_l (log|A_l| - 2 log sum_x w_x exp(x'x/2 - g_l(u_x) / (2 sigma^2))).

One node is Laplace's approximation. Modes and A do not depend on sigma, which is profiled out by a secant on the
derivative by log sigma. Derivatives move the nodes with the parameters: see csrc/quadrature.c, whose scheme this is.

Reference: Pinheiro and Bates (1995), J. Comput. Graph. Statist. 4, 12-35.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from .errors import ConvergenceError
from .nonlinear_algebra import rows_by, rows_into
from .quadrature import gauss_hermite

__all__ = ["NodeSums", "node_sums", "profiled_sums"]


@dataclass(frozen=True, eq=False)
class NodeSums:
    """The sums over nodes at one sigma.

    Attributes
    ----------
    sigma : float
    value : float
        -2 sum log sum_x ..., without log|A| and without n log(2 pi sigma^2).
    by_tau : float
        The derivative of -2 log L by log sigma.
    pull : ndarray (n, s)
        By phi of the rows, at the nodes, nodes held fixed; shares of the nodes as weights.
    block : ndarray (K, K)
        By Lambda, likewise.
    moved : ndarray (q,)
        By the modes, through the nodes.
    inverse : ndarray (levels, K, K)
        What stands in the place of A^-1 in d log|A|, since A moves the nodes too.
    """

    sigma: float
    value: float
    by_tau: float
    pull: np.ndarray
    block: np.ndarray
    moved: np.ndarray
    inverse: np.ndarray


class _Sums:
    """Sums over nodes relative to each level's largest term."""

    def __init__(self, levels: int, codes: np.ndarray):
        self.most, self.sum, self.codes = np.full(levels, -np.inf), np.zeros(levels), codes
        self.parts: dict[str, Any] = {}

    def add(self, term: np.ndarray, **parts: np.ndarray) -> None:
        """A node: the logs of its terms, and quantities by level (or by row) to be averaged."""
        most = np.maximum(self.most, term)
        with np.errstate(invalid="ignore"):
            keep = np.where(self.most == most, 1.0, np.exp(self.most - most))
            new = np.where(term == most, 1.0, np.exp(term - most))
        new[~np.isfinite(term)] = 0.0
        self.most, self.sum = most, self.sum * keep + new
        for name, part in parts.items():
            scale = new if len(part) == len(new) and name != "pull" else new[self.codes]
            before = keep if len(part) == len(new) and name != "pull" else keep[self.codes]
            shape = (-1,) + (1,) * (part.ndim - 1)
            old = self.parts.get(name)
            with np.errstate(invalid="ignore"):
                own = np.where(scale.reshape(shape) > 0, part * scale.reshape(shape), 0.0)
            self.parts[name] = own if old is None else old * before.reshape(shape) + own

    def mean(self, name: str) -> np.ndarray:
        part: np.ndarray = self.parts[name]
        total = self.sum if name != "pull" else self.sum[self.codes]
        return part / total.reshape((-1,) + (1,) * (part.ndim - 1))


def node_sums(objective: Any, point: Any, fixed: np.ndarray, T: np.ndarray, A: np.ndarray, sigma: float) -> NodeSums:
    """The sums at one sigma, from the mode `point`, its A and the factor T of a level."""
    matrix, n = objective.matrix, objective.n
    levels, K = matrix.levels, matrix.K
    L = np.linalg.cholesky(A)
    up = np.linalg.inv(L).transpose(0, 2, 1)  # L^-T
    mode = point.u.reshape(levels, K)
    root = np.ones(n) if objective.root is None else objective.root
    x1, log_w = gauss_hermite(objective.nAGQ)
    sums = _Sums(levels, matrix.codes)
    for index in product(range(objective.nAGQ), repeat=K):
        at = list(index)
        x = x1[at]
        shift = sigma * (up @ x)
        u = mode + shift
        phi = fixed + rows_into(objective.ZL, matrix.effects(u.ravel()))
        with np.errstate(all="ignore"):
            mu, G = objective.mean(phi)
            r = (objective.y - mu) * root
            pull = (-2.0 / sigma**2) * (root * r)[:, None] * G
            ok = np.isfinite(r) & np.isfinite(pull).all(axis=1)
        r, pull = np.where(ok, r, 0.0), np.where(ok[:, None], pull, 0.0)
        g = matrix.gather((r**2)[:, None])[:, 0] + (u**2).sum(axis=1)
        term = float(log_w[at].sum() + 0.5 * x @ x) - g / (2.0 * sigma**2)
        if not ok.all():
            term[np.unique(matrix.codes[~ok])] = -np.inf
        zp = matrix.gather(rows_by(pull, objective.Z))
        slope = 2.0 * u / sigma**2 + zp @ T
        sums.add(
            term, pull=pull, block=zp[:, :, None] * u[:, None, :], slope=slope,
            moment=sigma * slope[:, :, None] * x, tau=(slope * shift).sum(axis=1) - 2.0 * g / sigma**2,
        )  # fmt: skip
    if not (sums.sum > 0).all():
        raise ConvergenceError("the nonlinear mean is not finite near the modes: give another start")
    N = np.linalg.solve(L, sums.mean("moment"))
    upper = np.triu(N)
    twice = upper + np.triu(N, 1).transpose(0, 2, 1)
    inverse = up @ (np.eye(K) - 0.5 * twice) @ up.transpose(0, 2, 1)
    return NodeSums(
        sigma,
        -2.0 * float((sums.most + np.log(sums.sum)).sum()),
        2.0 * n + float(sums.mean("tau").sum()),
        sums.mean("pull"),
        sums.mean("block").sum(axis=0),
        sums.mean("slope").ravel(),
        inverse,
    )


def profiled_sums(objective: Any, point: Any, fixed: np.ndarray, T: np.ndarray, A: np.ndarray) -> NodeSums:
    """The sums at the sigma that minimizes -2 log L: a secant on its derivative by log sigma."""
    n = objective.n
    tau, curve = 0.5 * math.log(point.pwrss / n), 4.0 * n
    sums = node_sums(objective, point, fixed, T, A, math.exp(tau))
    for _ in range(30):
        step = -sums.by_tau / curve
        if abs(sums.by_tau * step) < 1e-18 * n:
            break
        step = float(np.clip(step, -1.0, 1.0))
        new = node_sums(objective, point, fixed, T, A, math.exp(tau + step))
        slope = (new.by_tau - sums.by_tau) / step
        if slope > 0.05 * n and abs(new.by_tau) < abs(sums.by_tau):
            curve = slope
        elif abs(new.by_tau) >= abs(sums.by_tau):
            if abs(new.by_tau) < 1e-7 * n:
                break  # rounding
            curve *= 2.0
        tau, sums = tau + step, new
    return sums
