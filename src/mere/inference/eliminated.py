"""N = Z'H^-1 Z where one large factor with scalar effects is eliminated, as in crossed designs.

With s that factor, R the others, and H_s = I + lambda^2 Z_s Z_s', which is diagonal on the levels of s,

    N_ss = diag(a) - U P U',   a = n d,  U = diag(d) Z_s'Z_R,  d = 1 / (1 + lambda^2 n),  n = diag(Z_s'Z_s),
    P    = LL - LL N_RR LL,    LL = Lambda_R Lambda_R',

so only the rows of N that belong to R are ever computed: |R| of them instead of |R| + |s|, and

    tr(N_ss) = sum a - tr(P Y),   ||N_ss||^2 = sum a^2 - 2 tr(P U'diag(a)U) + tr(P Y P Y),   Y = U'U.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..accessors.blocks import term_matrix
from ..objective import LMMObjective
from .pieces import Pieces

__all__ = ["eliminated_factor", "scalar_norms"]

_LARGEST = 4000  # random effects of the other factors: their part of N is held whole
_DENSE = 0.05  # share of nonzeros from which a full matrix is faster


def eliminated_factor(objective: LMMObjective, pieces: Pieces) -> int | None:
    """The largest factor with scalar effects, if the others are not too many."""
    sizes = [f.size for f in pieces.factors]
    terms = [objective.plan.place(t)[0] for t in range(len(objective.structures))]
    scalar = [i for i, f in enumerate(pieces.factors) if f.t.shape[1] == 1 and terms.count(i) == 1]
    if not scalar:
        return None
    largest = max(scalar, key=lambda i: sizes[i])
    return largest if sum(sizes) - sizes[largest] <= min(_LARGEST, 2 * sizes[largest]) else None


def scalar_norms(
    objective: LMMObjective, pieces: Pieces, s: int, F: np.ndarray, N_RR: np.ndarray
) -> tuple[np.ndarray, float, float]:
    """N_ss F_s, ||N_ss||^2 and tr(N_ss).

    Parameters
    ----------
    objective : LMMObjective
    pieces : Pieces
    s : int
        The factor.
    F : (q_s, m) array
    N_RR : (r, r) array
        The rows and columns of N that belong to the other factors.
    """
    import scipy.sparse as sp

    own = pieces.factors[s]
    codes, z, B = _cross_product(objective, pieces, s)
    n = np.bincount(codes, z**2, minlength=own.size)
    d = 1.0 / (1.0 + float(own.Lambda[0, 0]) ** 2 * n)
    a, U = n * d, sp.csr_array(sp.diags_array(d) @ B)
    LL = sp.block_diag(
        [sp.kron(sp.eye_array(f.t.shape[0]), f.Lambda @ f.Lambda.T) for i, f in enumerate(pieces.factors) if i != s],
        format="csr",
    )
    inner = LL @ N_RR
    P = LL.toarray() - (LL @ inner.T).T
    Y = U.T @ U
    if Y.nnz > _DENSE * Y.shape[0] ** 2:
        Y = Y.toarray()
        PY = P @ Y
    else:
        PY = (Y @ P).T  # both are symmetric
    trace = float(a.sum() - np.trace(PY))
    weighed = sp.csr_array(U.T @ sp.diags_array(a) @ U).multiply(P).sum()
    norm = float(a @ a - 2.0 * weighed + np.einsum("ij,ji->", PY, PY))
    return a[:, None] * F - U @ (P @ (U.T @ F)), norm, trace


def _cross_product(objective: LMMObjective, pieces: Pieces, s: int) -> tuple[np.ndarray, np.ndarray, Any]:
    """Codes and weighted values of the factor's term, and Z_s'Z_R (q_s, r) with R in the kernels' order."""
    import scipy.sparse as sp

    design, own = objective.design, pieces.factors[s]
    root = np.ones(len(design.y)) if design.weights is None else np.sqrt(design.weights)
    total = sum(f.size for f in pieces.factors)
    rows, columns, values = [], [], []
    codes = z = None
    for t, term in enumerate(design.random):
        factor, at, k, _, first = objective.plan.place(t)
        matrix = term_matrix(term) * root[:, None]
        level = np.asarray(term.codes, dtype=np.int64)
        if factor == s:
            codes, z = level, matrix[:, 0]
            continue
        start = first if first < own.first else first - own.size
        for j in range(matrix.shape[1]):
            rows.append(np.arange(len(root)))
            columns.append(start + level * k + at + j)
            values.append(matrix[:, j])
    assert codes is not None and z is not None
    place = np.concatenate(rows)
    entries = np.concatenate(values) * z[place]
    B = sp.coo_array((entries, (codes[place], np.concatenate(columns))), shape=(own.size, total - own.size))
    return codes, z, B.tocsr()
