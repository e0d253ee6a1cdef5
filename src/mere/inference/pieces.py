"""What the kernels know about fixed effects at given parameters, by grouping factor.

With H = I + Z Lambda Lambda' Z', W = Z'H^-1 X and K = X'H^-1 X, Var(beta) = sigma^2 K^-1. A parameter t of Lambda
moves Lambda Lambda' by E_t, block diagonal with the same E_t = dLambda Lambda' + Lambda dLambda' at every level, so

    dK/dt = -W'E_t W = -sum_levels W_l' E_t W_l.

One product of W with itself per grouping factor, G = sum_l vec(W_l) vec(W_l)', holds all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..objective import LMMObjective

__all__ = ["FactorPieces", "Pieces", "direction", "pieces_at"]


@dataclass(frozen=True, eq=False)
class FactorPieces:
    """One grouping factor of the kernels (terms that share it are merged).

    Attributes
    ----------
    Lambda : (k, k) array
        Relative factor of a level, lower triangular.
    W : (q, k, p) array
        Z'H^-1 X by level.
    t : (q, k) array
        Z'H^-1 (y - X beta) by level.
    first : int
        First of its random effects in the kernels' order.
    """

    Lambda: np.ndarray
    W: np.ndarray
    t: np.ndarray
    first: int

    @property
    def size(self) -> int:
        """Number of its random effects."""
        return self.t.size

    def products(self) -> np.ndarray:
        """G (k, p, k, p) = sum_l W_l (x) W_l."""
        q, k, p = self.W.shape
        flat = self.W.reshape(q, k * p)
        return (flat.T @ flat).reshape(k, p, k, p)


@dataclass(frozen=True, eq=False)
class Pieces:
    """All factors at one point.

    Attributes
    ----------
    factors : tuple of FactorPieces
    places : tuple of (factor, row, column)
        Where each theta lives in its factor's Lambda.
    """

    factors: tuple[FactorPieces, ...]
    places: tuple[tuple[int, int, int], ...]

    def cross_slopes(self) -> np.ndarray:
        """W'E_t W for every theta, (n_theta, p, p): minus the derivative of X'H^-1 X."""
        G = [f.products() for f in self.factors]
        p = self.factors[0].W.shape[2]
        out = np.empty((len(self.places), p, p))
        for t, (f, i, c) in enumerate(self.places):
            half = np.tensordot(self.factors[f].Lambda[:, c], G[f][i], axes=(0, 1))
            out[t] = half + half.T
        return out

    def rss_slopes(self) -> np.ndarray:
        """Derivative of the penalized residual sum of squares by every theta: -t'E_t t."""
        S = [f.t.T @ f.t for f in self.factors]
        return np.array([-2.0 * S[f][i] @ self.factors[f].Lambda[:, c] for f, i, c in self.places])


def direction(Lambda: np.ndarray, row: int, column: int) -> np.ndarray:
    """E_t = dLambda Lambda' + Lambda dLambda' for one entry of Lambda."""
    half = np.zeros_like(Lambda)
    half[row] = Lambda[:, column]
    return half + half.T


def pieces_at(objective: LMMObjective, par: np.ndarray) -> Pieces:
    """The pieces at `par`; one evaluation and p solves."""
    with objective.threads:
        objective.value(par)
        W, t = objective.work.fixed(), objective.work.score()
    plan, theta = objective.plan, objective.theta(par)
    spots = [plan.place(term) for term in range(len(objective.structures))]
    sizes = {factor: (k, q, first) for factor, _, k, q, first in spots}
    Lambdas = {factor: np.zeros((k, k)) for factor, (k, _, _) in sizes.items()}
    places = []
    for (term, row, column), value in zip(objective.layout.entries[:, :3].tolist(), theta.tolist(), strict=True):
        factor, at = spots[term][:2]
        places.append((factor, at + row, at + column))
        Lambdas[factor][at + row, at + column] = value
    factors = []
    for factor in sorted(sizes):
        k, q, first = sizes[factor]
        own = slice(first, first + k * q)
        factors.append(
            FactorPieces(
                Lambdas[factor], np.ascontiguousarray(W[:, own].T).reshape(q, k, -1), t[own].reshape(q, k), first
            )
        )
    return Pieces(tuple(factors), tuple(places))
