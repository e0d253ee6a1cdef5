"""What each term adds to the linear predictor of a model without random effects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..design import Design
from .rows import row_series

__all__ = ["TermParts", "partial_residuals", "term_parts"]


@dataclass(frozen=True, eq=False)
class TermParts:
    """Contributions of terms at rows of a model matrix, each centered at the mean of the data.

    Attributes
    ----------
    X : ndarray (m, p)
        The rows, centered; without an intercept in the model nothing is.
    assign : ndarray (p,)
        The term of each column.
    labels : tuple of str
    values : DataFrame
        A column a term. ``.attrs["constant"]`` is what is left: with it they make the linear predictor but its offset.
    """

    X: np.ndarray
    assign: np.ndarray
    labels: tuple[str, ...]
    values: pd.DataFrame

    def errors(self, R: np.ndarray, sigma: float) -> pd.DataFrame:
        """Standard errors of the contributions; (R'R)^-1 sigma^2 is the covariance of beta."""
        inverse = np.linalg.inv(R) if len(R) else R
        columns = {}
        for j, label in enumerate(self.labels, start=1):
            own = self.assign == j
            columns[label] = sigma * np.sqrt(((self.X[:, own] @ inverse[own]) ** 2).sum(axis=1))
        return pd.DataFrame(columns, index=pd.RangeIndex(len(self.X)))


def term_parts(design: Design, beta: np.ndarray, X: np.ndarray | None = None) -> TermParts:
    """The contributions at the rows of the fit, or at those of `X`."""
    X = design.X if X is None else X
    assign, labels = np.asarray(design.assign), tuple(design.term_labels)
    centre = design.X.mean(axis=0) if (assign == 0).any() else np.zeros(len(beta))
    X = X - centre
    columns = {label: X[:, assign == j] @ beta[assign == j] for j, label in enumerate(labels, start=1)}
    values = pd.DataFrame(columns, index=pd.RangeIndex(len(X)))
    values.attrs["constant"] = float(centre @ beta)
    return TermParts(X, assign, labels, values)


def partial_residuals(design: Design, beta: np.ndarray, residuals: np.ndarray) -> pd.DataFrame:
    """Residuals plus the contribution of each term."""
    parts = term_parts(design, beta).values
    return pd.DataFrame({label: row_series(design, residuals + parts[label].to_numpy()) for label in parts})
