"""Expected and observed information of variance components, and what Kenward and Roger's method is made of.

The covariance of y is linear in gamma: V = sigma^2 H = gamma_0 I + sum_b gamma_b Z E_b Z', one gamma_b for each entry
of each random covariance matrix, with E_b a constant pattern, the same k x k block for every level. With W = Z'H^-1 X,
N = Z'H^-1 Z and LL = Lambda Lambda' = sum_b g_b E_b, every n x n product reduces to

    X'V^-1 G_b V^-1 X                = W'E_b W / sigma^4
    X'V^-1 G_a V^-1 G_b V^-1 X       = W'E_a N E_b W / sigma^6
    tr(V^-1 G_a V^-1 G_b)            = tr(E_a N E_b N) / sigma^4

and those of the residual, G_0 = I, follow from H^-1 = I - H^-1 Z LL Z': they are combinations of the others with
weights -g_b. The residual r = y - X beta is carried along as one more column of X; then the second derivatives of the
likelihood are at hand too. With one grouping factor N is block diagonal; else N is visited in blocks of rows and never
stored whole.

References: Kenward and Roger (1997), Biometrics 53, 983-997; Searle, Casella and McCulloch (1992), Variance Components,
chapter 6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..objective import LMMObjective
from .eliminated import eliminated_factor, scalar_norms
from .pieces import Pieces, direction, pieces_at

__all__ = ["Components", "components_at", "likelihood_hessian"]

Grams = dict[tuple[int, int], np.ndarray]  # of two factors: sum over pairs of levels of N[a, d] N[b, c]

_CHUNK = 4_000_000  # numbers of N held at a time


@dataclass(frozen=True, eq=False)
class Components:
    """Products of the patterns of the variance components, the residual first, all free of sigma.

    Attributes
    ----------
    pieces : Pieces
    base : tuple of (factor, i, j)
        The entries of the random covariance matrices, i >= j.
    g : (b,) array
        Entries of Lambda Lambda'.
    B : (b + 1, p + 1, p + 1) array
        [X r]'H^-1 G H^-1 [X r]; the residual is pattern 0, r the last column.
    Q : (b + 1, b + 1, p + 1, p + 1) array
        [X r]'H^-1 G_a H^-1 G_b H^-1 [X r].
    T : (b + 1, b + 1) array
        tr(H^-1 G_a H^-1 G_b).
    trace : (b + 1,) array
        tr(H^-1 G).
    K : (p + 1, p + 1) array
        [X r]'H^-1 [X r].
    """

    pieces: Pieces
    base: tuple[tuple[int, int, int], ...]
    g: np.ndarray
    B: np.ndarray
    Q: np.ndarray
    T: np.ndarray
    trace: np.ndarray
    K: np.ndarray


def components_at(objective: LMMObjective, par: np.ndarray, K: np.ndarray, rho: float) -> Components:
    """The components at `par`, K = X'H^-1 X there and rho = r'H^-1 r.

    Memory: the rows of N come in blocks; with q random effects and one grouping factor all is O(q).
    """
    pieces = pieces_at(objective, par)
    base = _base(objective)
    p = len(K)
    full = np.zeros((p + 1, p + 1))
    full[:p, :p], full[p, p] = K, rho
    V = [np.concatenate([f.W, f.t[:, :, None]], axis=2) for f in pieces.factors]
    F = _pattern_columns(pieces, base, V)
    with objective.threads:
        scalar = eliminated_factor(objective, pieces)
        if len(pieces.factors) == 1:
            NF, grams, diagonal = _one_factor(objective.work.metric_blocks(), F)
        elif scalar is not None:
            NF, grams, diagonal = _all_but_one(objective, pieces, F, scalar)
        else:
            NF, grams, diagonal = _several_factors(objective, pieces, F)
    m, w = len(base), p + 1
    Q = (F.T @ NF).reshape(m, w, m, w).transpose(0, 2, 1, 3)
    G = [np.tensordot(v, v, axes=(0, 0)) for v in V]
    B = np.array([_symmetric(G[f].transpose(0, 2, 1, 3), i, j) for f, i, j in base]).reshape(m, w, w)
    T = np.array([[_trace(grams, a, b) for b in base] for a in base]).reshape(m, m)
    trace = np.array([diagonal[f][i, j] * (1 if i == j else 2) for f, i, j in base])
    LL = [f.Lambda @ f.Lambda.T for f in pieces.factors]
    g = np.array([LL[f][i, j] for f, i, j in base])
    return Components(pieces, base, g, *_with_residual(g, B, Q, T, trace, full, len(objective.design.y)), full)


def _base(objective: LMMObjective) -> tuple[tuple[int, int, int], ...]:
    """Entries (factor, i, j) of the random covariance matrices that the terms can move, term after term."""
    out = []
    for t, structure in enumerate(objective.structures):
        factor, at = objective.plan.place(t)[:2]
        pairs = {(int(i), int(j)) for i, j in np.asarray(structure.entries)}
        diagonal_only = all(i == j for i, j in pairs)
        for j in range(structure.k):
            for i in range(j, structure.k):
                if i == j or not diagonal_only:
                    out.append((factor, at + i, at + j))
    return tuple(dict.fromkeys(out))


def _pattern_columns(pieces: Pieces, base: tuple[tuple[int, int, int], ...], V: list[np.ndarray]) -> np.ndarray:
    """E_b [W t] for every pattern, (q, b (p + 1))."""
    q = sum(f.size for f in pieces.factors)
    w = V[0].shape[2]
    out = np.zeros((q, len(base), w))
    for b, (f, i, j) in enumerate(base):
        factor = pieces.factors[f]
        rows = out[factor.first : factor.first + factor.size, b].reshape(*factor.t.shape, w)
        rows[:, i] = V[f][:, j]
        if i != j:
            rows[:, j] = V[f][:, i]
        out[factor.first : factor.first + factor.size, b] = rows.reshape(-1, w)
    return out.reshape(q, -1)


def _symmetric(G: np.ndarray, i: int, j: int) -> np.ndarray:
    """Sum over levels of V_l' E_b V_l from G[i, j] = sum v_i v_j'."""
    out: np.ndarray = G[i, j] if i == j else G[i, j] + G[j, i]
    return out


def _one_factor(blocks: np.ndarray, F: np.ndarray) -> tuple[np.ndarray, Grams, dict[int, np.ndarray]]:
    q, k, _ = blocks.shape
    NF = (blocks @ F.reshape(q, k, -1)).reshape(F.shape)
    flat = blocks.reshape(q, k * k)
    return NF, {(0, 0): (flat.T @ flat).reshape(k, k, k, k)}, {0: blocks.sum(axis=0)}


def _several_factors(
    objective: LMMObjective, pieces: Pieces, F: np.ndarray
) -> tuple[np.ndarray, Grams, dict[int, np.ndarray]]:
    """N F, the products of the blocks of N with themselves, and the sums of its diagonal blocks."""
    q = len(F)
    NF = np.empty_like(F)
    grams: Grams = {}
    diagonal = {}
    for f, own in enumerate(pieces.factors):
        levels, k = own.t.shape
        step = max(1, _CHUNK // (q * k))
        diagonal[f] = np.zeros((k, k))
        for start in range(0, levels, step):
            count = min(step, levels - start)
            rows = objective.work.metric(own.first + start * k, count * k)
            NF[own.first + start * k : own.first + (start + count) * k] = rows @ F
            block = rows.reshape(count, k, q)
            for h in range(f, len(pieces.factors)):
                other = pieces.factors[h]
                part = block[:, :, other.first : other.first + other.size]
                gram = _gram(part, k, other.t.shape[1])
                grams[f, h] = grams.get((f, h), 0.0) + gram
            mine = block[:, :, own.first + start * k : own.first + (start + count) * k].reshape(count, k, count, k)
            diagonal[f] += np.einsum("lalb->ab", mine)
    return NF, grams, diagonal


def _all_but_one(
    objective: LMMObjective, pieces: Pieces, F: np.ndarray, s: int
) -> tuple[np.ndarray, Grams, dict[int, np.ndarray]]:
    """The same, with the rows of one scalar factor from those of the others."""
    own = pieces.factors[s]
    mine = slice(own.first, own.first + own.size)
    others = np.r_[0 : own.first, mine.stop : len(F)]
    NF = np.zeros_like(F)
    inner = np.empty((len(others), len(others)))
    grams: Grams = {}
    diagonal = {}
    for f, part in enumerate(pieces.factors):
        if f == s:
            continue
        levels, k = part.t.shape
        step = max(1, _CHUNK // (len(F) * k))
        to = part.first if part.first < own.first else part.first - own.size
        for start in range(0, levels, step):
            count = min(step, levels - start)
            at = slice(part.first + start * k, part.first + (start + count) * k)
            rows = objective.work.metric(at.start, at.stop - at.start)
            NF[at] = rows @ F
            NF[mine] += rows[:, mine].T @ F[at]
            inner[to + start * k : to + (start + count) * k] = rows[:, others]
            gram = _gram(rows[:, mine].reshape(count, k, own.size), k, 1)
            key = (min(f, s), max(f, s))
            grams[key] = grams.get(key, 0.0) + (gram if f < s else gram.transpose(1, 0, 3, 2))
    own_part, norm, trace = scalar_norms(objective, pieces, s, F[mine], inner)
    NF[mine] += own_part
    grams[s, s], diagonal[s] = np.full((1, 1, 1, 1), norm), np.full((1, 1), trace)
    for f, part in enumerate(pieces.factors):
        if f == s:
            continue
        levels, k = part.t.shape
        to = part.first if part.first < own.first else part.first - own.size
        block = inner[to : to + part.size]
        diagonal[f] = np.einsum("lalb->ab", block[:, to : to + part.size].reshape(levels, k, levels, k))
        for h in range(f, len(pieces.factors)):
            if h != s:
                other = pieces.factors[h]
                first = other.first if other.first < own.first else other.first - own.size
                piece = block[:, first : first + other.size].reshape(levels, k, other.size)
                grams[f, h] = _gram(piece, k, other.t.shape[1])
    return NF, grams, diagonal


def _gram(part: np.ndarray, k: int, kh: int) -> np.ndarray:
    """sum over pairs of levels of N[a, d] N[b, c], as [a, d, b, c]."""
    if k == kh == 1:
        return np.einsum("lam,lam->", part, part).reshape(1, 1, 1, 1)
    count, _, width = part.shape
    flat = part.reshape(count, k, width // kh, kh).transpose(0, 2, 1, 3).reshape(-1, k * kh)
    return (flat.T @ flat).reshape(k, kh, k, kh)


def _trace(grams: Grams, a: tuple[int, int, int], b: tuple[int, int, int]) -> float:
    """tr(E_a N E_b N)."""
    if a[0] > b[0]:
        a, b = b, a
    gram = grams[a[0], b[0]]
    left = {(a[1], a[2]), (a[2], a[1])}
    right = {(b[1], b[2]), (b[2], b[1])}
    return float(sum(gram[y, u, x, v] for x, y in left for u, v in right))


def _with_residual(
    g: np.ndarray, B: np.ndarray, Q: np.ndarray, T: np.ndarray, trace: np.ndarray, K: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The same with the residual as pattern 0."""
    m, w = len(g), len(K)
    B0 = K - np.tensordot(g, B, axes=1)
    Q_b0 = B - np.tensordot(Q, g, axes=(1, 0))
    Q_all = np.empty((m + 1, m + 1, w, w))
    Q_all[1:, 1:], Q_all[1:, 0], Q_all[0, 1:] = Q, Q_b0, Q_b0.transpose(0, 2, 1)
    Q_all[0, 0] = B0 - np.tensordot(g, Q_b0.transpose(0, 2, 1), axes=1)
    T_all = np.empty((m + 1, m + 1))
    T_all[1:, 1:] = T
    T_all[1:, 0] = T_all[0, 1:] = trace - T @ g
    T_all[0, 0] = n - 2 * g @ trace + g @ T @ g
    return np.concatenate([B0[None], B]), Q_all, T_all, np.concatenate([[n - g @ trace], trace])


def likelihood_hessian(c: Components, sigma: float, reml: bool) -> np.ndarray:
    """Hessian of the deviance in (theta, sigma), exact, for structures whose theta are free entries of Lambda.

    In gamma it is -tr(P G_a P G_b) + 2 y'P G_a P G_b P y (V^-1 in place of the first P's for ML); the change to
    (theta, sigma) adds the gradient times the second derivative of gamma.
    """
    p = len(c.K) - 1
    C = np.linalg.inv(c.K[:p, :p])
    B, Q = c.B[:, :p, :p], c.Q[:, :, :p, :p]
    CB = C @ B
    cross = c.B[:, :p, p]
    fit = (c.Q[:, :, p, p] - cross @ C @ cross.T) / sigma**6
    information = c.T.copy()
    slope = c.trace / sigma**2
    if reml:
        information += -2 * np.einsum("ij,abji->ab", C, Q) + np.einsum("aij,bji->ab", CB, CB)
        slope = slope - np.einsum("aii->a", CB) / sigma**2
    H = -information / sigma**4 + 2 * fit
    H = (H + H.T) / 2
    slope = slope - c.B[:, p, p] / sigma**4
    J, second = _lambda_derivatives(c, sigma)
    out: np.ndarray = J.T @ H @ J + np.tensordot(slope, second, axes=1)
    return out


def _lambda_derivatives(c: Components, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """First and second derivatives of gamma (residual first) by (theta, sigma)."""
    places, factors = c.pieces.places, c.pieces.factors
    m, b = len(places), len(c.base)
    J, second = np.zeros((b + 1, m + 1)), np.zeros((b + 1, m + 1, m + 1))
    rows = [np.array([f == own for own, _, _ in c.base]) for f in range(len(factors))]
    at = [tuple(np.array([(i, j) for own, i, j in c.base if own == f]).T) for f in range(len(factors))]
    for t, (f, i, column) in enumerate(places):
        entries = direction(factors[f].Lambda, i, column)[at[f]]
        J[1:, t][rows[f]] = sigma**2 * entries
        second[1:, t, m][rows[f]] = second[1:, m, t][rows[f]] = 2 * sigma * entries
        for u, (h, r, s) in enumerate(places[: t + 1]):
            if h == f and s == column:
                both = np.zeros_like(factors[f].Lambda)
                both[i, r] += 1.0
                both[r, i] += 1.0
                second[1:, t, u][rows[f]] = second[1:, u, t][rows[f]] = sigma**2 * both[at[f]]
    J[0, m], second[0, m, m] = 2 * sigma, 2.0
    J[1:, m], second[1:, m, m] = 2 * sigma * c.g, 2 * c.g
    return J, second
