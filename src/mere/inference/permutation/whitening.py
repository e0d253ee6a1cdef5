"""Rows made independent: W with W'W = V^-1 for V = I + Z Lambda Lambda' Z'.

W is the symmetric root: with U = Z Lambda and U'U = Q D Q',

    W = V^(-1/2) = I + U Q diag(((1 + d)^(-1/2) - 1) / d) Q' U'.

It does not depend on the order of the rows, and is block-diagonal where V is. Any number of crossed factors is as good
as one: U'U is taken apart into the blocks that the data connect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import MereValueError

__all__ = ["Whitening", "whitening"]

_LARGEST = 8000


@dataclass(frozen=True, eq=False)
class Whitening:
    """W of a covariance.

    Attributes
    ----------
    U : sparse (n, q) matrix or None
        None for V = I.
    blocks : sequence of (columns, Q, root)
        Of each connected block of U'U: (1 + d)^(1/2). Q is None for columns that are connected with none.
    """

    U: Any
    blocks: Sequence[tuple[np.ndarray, np.ndarray | None, np.ndarray]]

    def __call__(self, M: np.ndarray) -> np.ndarray:
        """W M for M (n,) or (n, k)."""
        return self._along(M, lambda root: -1.0 / (root * (1.0 + root)))  # ((1 + d)^(-1/2) - 1) / d

    def back(self, M: np.ndarray) -> np.ndarray:
        """W^-1 M = V^(1/2) M for M (n,) or (n, k)."""
        return self._along(M, lambda root: 1.0 / (1.0 + root))  # ((1 + d)^(1/2) - 1) / d

    def _along(self, M: np.ndarray, scale: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """M + U Q diag(scale) Q'U'M."""
        if self.U is None:
            return np.array(M, dtype=float)
        inner = np.asarray(self.U.T @ M)
        out = np.zeros_like(inner)
        for columns, Q, root in self.blocks:
            values = scale(root)
            part = inner[columns] if Q is None else Q.T @ inner[columns]
            part = part * (values if part.ndim == 1 else values[:, None])
            out[columns] = part if Q is None else Q @ part
        result: np.ndarray = M + self.U @ out
        return result


def whitening(U: Any) -> Whitening:
    """W of V = I + UU'.

    Parameters
    ----------
    U : sparse (n, q) matrix, or None

    Examples
    --------
    >>> from scipy.sparse import csc_array
    >>> U = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]])
    >>> W = whitening(csc_array(U))(np.eye(3))
    >>> np.allclose(W.T @ W, np.linalg.inv(np.eye(3) + U @ U.T))
    True
    """
    if U is None or U.shape[1] == 0:
        return Whitening(None, ())
    from scipy.sparse.csgraph import connected_components

    gram = (U.T @ U).tocsr()
    count, labels = connected_components(gram, directed=False)
    order = np.argsort(labels, kind="stable")
    edges = np.searchsorted(labels[order], np.arange(count + 1))
    sizes = np.diff(edges)
    alone = order[edges[:-1][sizes == 1]]
    blocks: list[tuple[np.ndarray, np.ndarray | None, np.ndarray]] = []
    if len(alone):
        blocks.append((alone, None, np.sqrt(1.0 + gram.diagonal()[alone])))
    for i in np.flatnonzero(sizes > 1):
        columns = order[edges[i] : edges[i + 1]]
        if len(columns) > _LARGEST:
            raise MereValueError(
                f"{len(columns)} random effects are connected with each other: more than {_LARGEST} cannot be whitened "
                "together"
            )
        d, Q = np.linalg.eigh(gram[columns][:, columns].toarray())
        blocks.append((columns, Q, np.sqrt(1.0 + np.maximum(d, 0.0))))
    return Whitening(U, blocks)
