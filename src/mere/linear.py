"""Least squares: the linear model without random effects.

The rows are scaled by the square roots of the weights w and X = Q R is
decomposed once; columns that are linear combinations of earlier ones have
already left the design (R's limited pivoting). With z = Q'y the
coefficients solve R beta = z, and z splits the explained sum of squares
into one degree of freedom per column, in order.

Reference: Chambers (1992), Linear models, chapter 4 of Statistical Models in S.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .design import Design, refuse_factor_response
from .errors import MereValueError

__all__ = ["LeastSquares", "LinearFit", "fit_lm", "least_squares"]


@dataclass(frozen=True)
class LeastSquares:
    """Solution of a weighted least-squares problem.

    Attributes
    ----------
    beta : (p,) array
    R : (p, p) array
        Upper triangular.
    effects : (p,) array
        First p elements of Q'y; their squares are sequential sums of squares.
    rss : float
        Weighted residual sum of squares.
    """

    beta: np.ndarray
    R: np.ndarray
    effects: np.ndarray
    rss: float


def least_squares(X: np.ndarray, y: np.ndarray, w: np.ndarray | None = None) -> LeastSquares:
    """Minimize sum w (y - X beta)^2 for X of full column rank.

    Parameters
    ----------
    X : (n, p) array
    y : (n,) array
    w : (n,) array, optional
    """
    root = None if w is None else np.sqrt(w)
    Xw = X if root is None else X * root[:, None]
    yw = y if root is None else y * root
    if not X.shape[1]:
        return LeastSquares(np.zeros(0), np.zeros((0, 0)), np.zeros(0), float(yw @ yw))
    Q, R = np.linalg.qr(Xw)
    effects = Q.T @ yw
    beta = np.linalg.solve(R, effects)
    residual = yw - Xw @ beta
    return LeastSquares(beta, R, effects, float(residual @ residual))


@dataclass(frozen=True, eq=False)
class LinearFit:
    """A design and its least-squares solution.

    Attributes
    ----------
    design : Design
    solution : LeastSquares
    df : int
        Residual degrees of freedom.
    """

    design: Design
    solution: LeastSquares
    df: int


def check_rows(design: Design) -> None:
    """Least squares need rows, and a response that is not labels."""
    if not len(design.y):
        raise MereValueError("no rows are left after subset, zero weights and missing values")
    refuse_factor_response(design)


def fit_lm(design: Design) -> LinearFit:
    """Fit a design without random effects by least squares."""
    if design.random:
        raise MereValueError(f"lm() has no random effects: take ({design.random[0].text}) out, or use lmer()")
    if design.y.ndim > 1:
        raise MereValueError(
            f"lm() takes one response, and {design.response} has {design.y.shape[1]} columns: fit one model to each"
        )
    check_rows(design)
    y = design.y if design.offset is None else design.y - design.offset
    solution = least_squares(design.X, y, design.weights)
    n, p = design.X.shape
    return LinearFit(design, solution, n - p)
