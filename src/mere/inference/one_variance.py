"""The exact null distribution of the likelihood ratio for one variance, by simulation.

Let the covariance without the tested term be sigma^2 H_0, and with it sigma^2 (H_0 + lambda ZZ'). With mu the
eigenvalues of Z'P_0 Z, P_0 = H_0^-1 - H_0^-1 X (X'H_0^-1 X)^-1 X'H_0^-1, and w_1 ... w_(n-p) independent standard
normal, the restricted likelihood ratio is distributed as

    sup_(lambda >= 0)  (n - p) log(1 + N/D) - sum_s log(1 + lambda mu_s),
    N = sum_s lambda mu_s w_s^2 / (1 + lambda mu_s),   D = sum_s w_s^2 / (1 + lambda mu_s) + sum of the other w^2,

and that of the full likelihood with n for n - p and the eigenvalues of Z'H_0^-1 Z in the second sum. This holds at any
sample size; the ratios of the other variance components are taken as they were estimated.

References: Crainiceanu and Ruppert (2004), J. R. Statist. Soc. B 66, 165-185; Greven, Crainiceanu, Kuechenhoff and
Peters (2008), J. Comput. Graph. Statist. 17, 870-891.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..accessors.blocks import random_design, relative_covariance
from ..model import LM, LMM
from ..reterms import RandomTerm

__all__ = ["draw_ratios", "null_eigenvalues", "one_variance_p", "simulated_p"]

_GRID = 200  # values of lambda, even in their logarithm
_BLOCK = 4_000_000  # numbers at a time


def null_eigenvalues(m0: LM | LMM, term: RandomTerm) -> tuple[np.ndarray, np.ndarray]:
    """mu and xi, the eigenvalues of Z'P_0 Z and of Z'H_0^-1 Z, largest first, those that are zero left out.

    Parameters
    ----------
    m0 : LM or LMM
        The model without the term.
    term : RandomTerm
        With one effect.
    """
    import scipy.sparse as sp

    design = m0.design
    root = np.ones(len(design.y)) if design.weights is None else np.sqrt(design.weights)
    Z = sp.csc_array(sp.diags_array(root) @ random_design([term]))
    X = design.X * root[:, None]
    right = np.hstack([Z.toarray(), X])
    if isinstance(m0, LMM):
        right = right - _absorbed(m0, root, right)
    q = Z.shape[1]
    inner = Z.T @ right[:, :q]
    across = X.T @ right[:, :q]
    projected = inner - across.T @ np.linalg.solve(X.T @ right[:, q:], across) if X.shape[1] else inner
    return _positive(projected), _positive(inner)


def _absorbed(m0: LMM, root: np.ndarray, right: np.ndarray) -> np.ndarray:
    """A - H_0^-1 A for H_0 = I + Z_0 Lambda Lambda' Z_0'."""
    import scipy.sparse as sp
    from scipy.sparse.linalg import splu

    ZL = sp.csc_array(sp.diags_array(root) @ random_design(m0.design.random))
    ZL = sp.csc_array(ZL @ relative_covariance(m0.design.random, m0.theta))
    inner = splu(sp.csc_array(sp.eye_array(ZL.shape[1]) + ZL.T @ ZL))
    out: np.ndarray = ZL @ inner.solve(np.asarray(ZL.T @ right))
    return out


def _positive(A: np.ndarray) -> np.ndarray:
    values = np.linalg.eigvalsh((A + A.T) / 2)[::-1]
    return np.asarray(values[values > 1e-10 * max(values.max(initial=0.0), 1e-300)])


def draw_ratios(
    mu: np.ndarray, xi: np.ndarray, n: int, p: int, reml: bool, nsim: int, rng: np.random.Generator
) -> np.ndarray:
    """Draws of the likelihood ratio under the hypothesis, (nsim,).

    Parameters
    ----------
    mu, xi : arrays
        See `null_eigenvalues`.
    n, p : int
        Rows and fixed effects.
    reml : bool
    nsim : int
    rng : Generator

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> ratios = draw_ratios(np.full(9, 5.0), np.full(10, 5.0), 50, 1, True, 2000, rng)
    >>> bool(0.5 < (ratios == 0).mean() < 0.7)  # more than half of the mass is at zero
    True
    """
    scaled = mu / mu.max()
    lam = np.concatenate([[0.0], np.exp(np.linspace(-10.0, 8.0, _GRID))])
    shrink = 1.0 / (1.0 + np.outer(scaled, lam))
    penalty = np.log1p(np.outer(scaled if reml else xi / mu.max(), lam)).sum(axis=0)
    count = n - p if reml else n
    rest = n - p - len(mu)
    out = np.empty(nsim)
    step = max(1, _BLOCK // (len(mu) + len(lam)))
    for start in range(0, nsim, step):
        size = min(step, nsim - start)
        w = rng.standard_normal((size, len(mu))) ** 2
        D = w @ shrink + (rng.chisquare(rest, size)[:, None] if rest > 0 else 0.0)
        N = w @ (1.0 - shrink)
        out[start : start + size] = (count * np.log1p(N / D) - penalty).max(axis=1)
    return np.maximum(out, 0.0)


def simulated_p(observed: float, ratios: np.ndarray) -> float:
    """(1 + how many draws reach what was observed) / (1 + draws); ties at zero count."""
    return float((1 + np.sum(ratios >= observed - 1e-9)) / (1 + len(ratios)))


def one_variance_p(m: LMM, m0: Any, term: RandomTerm, observed: float, nsim: int, rng: np.random.Generator) -> float:
    """The p-value of the likelihood ratio of m against m0 without one scalar `term`."""
    mu, xi = null_eigenvalues(m0, term)
    if not len(mu):
        return float("nan")
    n, p = m.design.X.shape
    return simulated_p(observed, draw_ratios(mu, xi, n, p, m.reml, nsim, rng))
