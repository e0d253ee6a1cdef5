"""Linear algebra that several kinds of inference share."""

from __future__ import annotations

import numpy as np

__all__ = ["unscaled_covariance"]


def unscaled_covariance(R: np.ndarray) -> np.ndarray:
    """(R'R)^-1 of a triangular R, exactly symmetric.

    Examples
    --------
    >>> unscaled_covariance(np.array([[2.0, 0.0], [0.0, 1.0]]))
    array([[0.25, 0.  ],
           [0.  , 1.  ]])
    """
    if not len(R):
        return np.zeros((0, 0))
    inverse = np.linalg.inv(R)
    C = inverse @ inverse.T
    out: np.ndarray = (C + C.T) / 2
    return out
