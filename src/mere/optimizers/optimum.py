"""What an optimizer returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Optimum"]


@dataclass(frozen=True, eq=False)
class Optimum:
    """The end of an optimization.

    Attributes
    ----------
    par : ndarray (n_par,)
    value : float
    feval : int
        Evaluations of the criterion.
    converged : bool
    message : str
    optimizer : str
    gradient, matrix : ndarray or None
        Gradient and Newton matrix at par, where the optimizer knows them.
    decrement : float or None
        Predicted gain of one more Newton step.
    n_null : int
        Directions of the random effects without variance.
    current : bool
        The workspace of the objective stands at par.
    iterations : int or None
        Steps, each from a new gradient; None where the optimizer counts none.
    """

    par: np.ndarray
    value: float
    feval: int
    converged: bool
    message: str
    optimizer: str
    gradient: np.ndarray | None = None
    matrix: np.ndarray | None = None
    decrement: float | None = None
    n_null: int = 0
    current: bool = False
    iterations: int | None = None
