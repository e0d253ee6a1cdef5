"""Baseline-category logit: log P(y = k) / P(y = 0) = alpha_k + x'beta_k, many data sets at once.

With one column of ones before X, score X'(1(y = k) - P_k), Hessian -X'diag(P_k (1(k = l) - P_l)) X.

Reference: Agresti (2013), Categorical Data Analysis, section 8.1.
"""

from __future__ import annotations

import numpy as np

from .newton_batches import Batch, indicators

__all__ = ["BaselineLogit"]


class BaselineLogit:
    """The model of `levels` classes; parameters are (alpha_k, beta_k) for k = 1, ..., levels - 1."""

    name = "multinomial"

    def __init__(self, levels: int):
        self.levels = levels

    def parameters(self, columns: int) -> int:
        """How many parameters the coefficients of some columns are."""
        return columns * (self.levels - 1)

    def size(self, p: int) -> int:
        return (self.levels - 1) * (p + 1)

    def columns(self, tested: np.ndarray, p: int) -> np.ndarray:
        """Which parameters belong to columns of X."""
        first = np.arange(self.levels - 1) * (p + 1) + 1
        return (first[:, None] + np.asarray(tested)).ravel()

    def start(self, p: int, y: np.ndarray) -> np.ndarray:
        """Coefficients zero, intercepts of the frequencies."""
        counts = np.bincount(y, minlength=self.levels)
        out = np.zeros((self.levels - 1, p + 1))
        out[:, 0] = np.log(counts[1:] / counts[0])
        return out.ravel()

    def evaluate(self, X: np.ndarray, y: np.ndarray, par: np.ndarray) -> Batch:
        """Log-likelihood, gradient and Hessian at par (b, size), X (n, p) or (b, n, p), y (n,) or (b, n)."""
        m, b = self.levels - 1, len(par)
        X = np.concatenate([np.ones((*X.shape[:-1], 1)), X], axis=-1)
        k = X.shape[-1]
        eta = np.matmul(X, np.swapaxes(par.reshape(b, m, k), 1, 2))  # (b, n, m)
        top = np.maximum(eta.max(axis=2), 0.0)
        weights = np.exp(eta - top[..., None])
        total = weights.sum(axis=2) + np.exp(-top)
        P = np.swapaxes(weights / total[..., None], 1, 2)  # (b, m, n)
        one = indicators(np.broadcast_to(y, eta.shape[:2]), self.levels)[:, 1:]
        loglik = (np.einsum("bmn,bnm->bn", one, eta) - top - np.log(total)).sum(axis=1)
        grad = np.matmul(one - P, X).reshape(b, -1)
        H, Xt = np.empty((b, m, k, m, k)), np.swapaxes(X, -1, -2)
        for i in range(m):
            for j in range(i, m):
                w = P[:, i] * (P[:, j] - float(i == j))
                H[:, i, :, j] = H[:, j, :, i] = np.matmul(Xt, w[..., None] * X)
        return Batch(loglik, grad, H.reshape(b, m * k, m * k))
