"""The wild bootstrap: residuals times random signs, rows by themselves or clusters together.

lm        y* = X b + v e / (1 - h), a sign v for each row, or for each cluster
lmer      y* = X b + v_g e_g, e_g the cluster's marginal residuals, (I - H_gg)^-1/2 times: what is dependent within the
          cluster, and how variable it is, stays; the variances need not be right

v is Rademacher's, 1 or -1 alike: six or more clusters are needed for it to say anything at 5 %.

References: Wu (1986), Ann. Stat. 14, 1261-1295; Modugno and Giannerini (2015), Stat. Methods Appl. 24, 427-445.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import generics as g
from ...model import LM
from ..clusters import cluster_codes, cluster_rows
from .responses import fit_responses
from .scheme import Request, Task

__all__ = ["wild_scheme"]


def wild_scheme(request: Request, cluster: Any) -> Task:
    """The task of the wild bootstrap."""
    m, design = request.model, request.model.design
    mean = design.X @ m.beta + (0.0 if design.offset is None else design.offset)
    e = design.y - mean
    if isinstance(m, LM) and cluster is None:
        codes = np.arange(design.n)
        e = e / np.maximum(1 - g.hatvalues(m).to_numpy(), 1e-10)
    else:
        codes = cluster_codes(design, m.call.data, cluster)
        e = _unshrunken(design.X, e, codes)
    units = int(codes.max()) + 1

    def draw(rng: np.random.Generator) -> np.ndarray:
        signs = rng.integers(0, 2, units) * 2.0 - 1.0
        out: np.ndarray = mean + signs[codes] * e
        return out

    return fit_responses(request, draw)


def _unshrunken(X: np.ndarray, e: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """(I - H_gg)^-1/2 e_g of each cluster."""
    Q = np.linalg.qr(X)[0]
    out = np.empty(len(e))
    for rows in cluster_rows(codes):
        values, vectors = np.linalg.eigh(np.eye(len(rows)) - Q[rows] @ Q[rows].T)
        root = np.where(values > 1e-10, 1 / np.sqrt(np.maximum(values, 1e-10)), 0.0)
        out[rows] = (vectors * root) @ (vectors.T @ e[rows])
    return out
