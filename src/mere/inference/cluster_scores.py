"""Cluster-robust covariance of a generalized mixed model from the scores of its clusters.

Clusters that share no random effect are independent, and log L is the sum of theirs. With the score s_i of cluster i by
all parameters (variance parameters and fixed effects) and the information J, the sandwich is J^-1 [sum s_i s_i'] J^-1.
A cluster's score is the exact gradient of its own criterion.

Reference: White (1982), Econometrica 50, 1-25.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..accessors.generalized_mixed import free_hessian, free_parameters
from ..design import take_rows
from ..errors import MereValueError
from ..generalized import GLMM
from ..generalized_objective import GLMMObjective
from .clusters import cluster_rows

__all__ = ["cluster_scores", "score_covariance"]


def cluster_scores(m: GLMM, codes: np.ndarray) -> np.ndarray:
    """Derivatives of each cluster's log-likelihood by (par, beta, ...) at the estimates, (m, n_par)."""
    at, n_re, p = np.asarray(m.optinfo.full, dtype=float), len(m.par), len(m.beta)
    out = []
    for rows in cluster_rows(codes):
        design = take_rows(m.design, np.sort(rows))
        own = np.sort(rows)
        response = m.response.take(own)
        # Columns may be aliased within a cluster: X = QR, and the score by beta is R' times that by R beta.
        Q, R = _full_rank(design.X)
        smaller = replace(design, X=np.asfortranarray(Q))
        f = GLMMObjective(smaller, m.model_family, response, m.nAGQ, m.control.tolPwrss, m.optinfo.joint_theta)
        slope = f.gradient(np.concatenate([at[:n_re], R @ m.beta, at[n_re + p :]]))
        r_ = len(R)
        out.append(-0.5 * np.concatenate([slope[:n_re], R.T @ slope[n_re : n_re + r_], slope[n_re + r_ :]]))
    return np.array(out)


def _full_rank(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """X = QR with orthonormal columns Q, as many as the rank."""
    U, d, Vt = np.linalg.svd(X, full_matrices=False)
    keep = d > 1e-10 * max(d.max(initial=0.0), 1e-300)
    return U[:, keep], d[keep, None] * Vt[keep]


def score_covariance(m: GLMM, codes: np.ndarray, type: str = "CR0") -> np.ndarray:
    """The sandwich of the fixed effects, (p, p).

    Parameters
    ----------
    m : GLMM
    codes : (n,) array of int
        The cluster of each row.
    type : {"CR0", "CR1", "CR1S"}
        As it is; times m / (m - 1); times m (n - 1) / ((m - 1)(n - p)).
    """
    hessian, fixed = free_hessian(m)
    kept, _ = free_parameters(m)
    scores = cluster_scores(m, codes)[:, kept]
    try:
        influence = np.linalg.solve(hessian / 2, scores.T).T[:, fixed]
    except np.linalg.LinAlgError:
        raise MereValueError("the Hessian of -2 log L is singular at the estimates: there is no sandwich") from None
    V = influence.T @ influence
    count, (n, p) = len(scores), m.design.X.shape
    if type == "CR1":
        V *= count / (count - 1)
    elif type == "CR1S":
        V *= count * (n - 1) / ((count - 1) * (n - p))
    out: np.ndarray = (V + V.T) / 2
    return out
