"""Proportional odds: P(y <= k) = 1 / (1 + exp(-(zeta_k - x'beta))), many data sets at once.

With a = zeta_y - x'beta and b = zeta_(y-1) - x'beta, F the logistic distribution and r = 1 / (exp(a - b) - 1),

    log P(y) = log F(a) + log F(-b) + log(1 - exp(b - a)),
    d/da = F(-a) + r,   d/db = -F(b) - r,
    d2/da2 = -f(a) - r (1 + r),   d2/dadb = r (1 + r),   d2/db2 = -f(b) - r (1 + r):

no difference of nearly equal numbers, and concave in (zeta, beta).

Reference: McCullagh (1980), J. R. Stat. Soc. B 42, 109-142.
"""

from __future__ import annotations

import numpy as np

from .newton_batches import Batch, indicators

__all__ = ["ProportionalOdds"]


class ProportionalOdds:
    """The model of `levels` ordered classes; parameters are the coefficients, then the thresholds."""

    name = "ordinal"

    def __init__(self, levels: int):
        self.levels = levels

    def parameters(self, columns: int) -> int:
        """How many parameters the coefficients of some columns are."""
        return columns

    def size(self, p: int) -> int:
        return p + self.levels - 1

    def columns(self, tested: np.ndarray, p: int) -> np.ndarray:
        """Which parameters belong to columns of X."""
        return np.asarray(tested)

    def start(self, p: int, y: np.ndarray) -> np.ndarray:
        """Coefficients zero, thresholds of the frequencies."""
        share = np.cumsum(np.bincount(y, minlength=self.levels))[:-1] / len(y)
        return np.concatenate([np.zeros(p), np.log(share / (1 - share))])

    def evaluate(self, X: np.ndarray, y: np.ndarray, par: np.ndarray) -> Batch:
        """Log-likelihood, gradient and Hessian at par (b, size), X (n, p) or (b, n, p), y (n,) or (b, n)."""
        p, K = X.shape[-1], self.levels
        below, above = np.full((len(par), 1), -np.inf), np.full((len(par), 1), np.inf)
        limits = np.concatenate([below, par[:, p:], above], axis=1)
        eta = np.matmul(X, par[:, :p, None])[..., 0]
        rows = np.arange(len(par))[:, None]
        y = np.broadcast_to(y, eta.shape)
        with np.errstate(all="ignore"):
            a, b = limits[rows, y + 1] - eta, limits[rows, y] - eta
            loglik = (-np.logaddexp(0, -a) - np.logaddexp(0, b) + np.log(-np.expm1(b - a))).sum(axis=1)
            Fa, Fb, r = 1 / (1 + np.exp(a)), 1 / (1 + np.exp(-b)), 1 / np.expm1(a - b)  # Fa = F(-a)
        ga, gb, hab = Fa + r, -Fb - r, r * (1 + r)
        haa, hbb = -Fa * (1 - Fa) - hab, -Fb * (1 - Fb) - hab
        one, Xt = indicators(y, K), np.swapaxes(X, -1, -2)

        def by_class(own: np.ndarray, next_up: np.ndarray) -> np.ndarray:
            """Sums over rows of class k for its upper, of class k + 1 for its lower threshold, (b, K - 1, ...)."""
            if own.ndim == 2:
                own, next_up = own[..., None], next_up[..., None]
            upper, lower = np.matmul(one, own), np.matmul(one, next_up)
            out: np.ndarray = upper[:, :-1] + lower[:, 1:]
            return out

        grad = np.concatenate([-np.matmul(Xt, (ga + gb)[..., None])[..., 0], by_class(ga, gb)[..., 0]], axis=1)
        H = np.zeros((len(par), self.size(p), self.size(p)))
        H[:, :p, :p] = np.matmul(Xt, (haa + 2 * hab + hbb)[..., None] * X)
        cross = -by_class((haa + hab)[..., None] * X, (hab + hbb)[..., None] * X)
        H[:, p:, :p], H[:, :p, p:] = cross, np.swapaxes(cross, 1, 2)
        k = np.arange(K - 1)
        H[:, p + k, p + k] = by_class(haa, hbb)[..., 0]
        between = np.matmul(one, hab[..., None])[:, 1:-1, 0]
        H[:, p + k[1:], p + k[:-1]] = H[:, p + k[:-1], p + k[1:]] = between
        return Batch(loglik, grad, H)
