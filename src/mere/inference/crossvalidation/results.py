"""The result of a cross-validation."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import pandas as pd

from ... import generics as g

__all__ = ["CrossValidation"]


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """Held-out predictions and what they are worth.

    Attributes
    ----------
    metrics : DataFrame
        A row a metric: ``pooled`` over all held-out rows, ``fold_mean`` and ``fold_sd`` over the folds, and ``se``,
        Nadeau and Bengio's corrected standard error of the mean over folds.
    predictions : DataFrame
        ``observed, cv_fitted, cv_residual, cv_fold`` by row; with row-and-column hold-out a row may be in no fold.
    folds : DataFrame
        Metrics and numbers of rows of each fold; NaN where the fit failed.
    importance : DataFrame or None
        A row a term: ``pre``, the proportion of the loss without the term that the term removes, and its ``pre_se``.
    held_out : str
        What was held out together.
    failures : Series
        Why fits failed, by fold.
    seed : int
    repeats : int
        Partitions into folds; of several, `folds` has the column ``repeat`` and `predictions` ``cv_repeat``.
    """

    metrics: pd.DataFrame
    predictions: pd.DataFrame
    folds: pd.DataFrame
    importance: pd.DataFrame | None
    held_out: str
    failures: pd.Series
    seed: int
    formula: str
    repeats: int = 1

    def to_frame(self) -> pd.DataFrame:
        """The metrics."""
        return self.metrics.copy()

    def __repr__(self) -> str:
        return g.to_text(self)

    def _repr_html_(self) -> str:
        return g.to_html(self)


@g.to_text.register(CrossValidation)
def _text(c: CrossValidation, digits: int = 4) -> str:
    folds = f"{len(c.folds)}" if c.repeats == 1 else f"{c.repeats} times {len(c.folds) // c.repeats}"
    lines = [
        f"Cross-validation, {folds} folds of {c.held_out} (seed {c.seed})",
        f"Model: {c.formula}",
        "",
        c.metrics.to_string(float_format=lambda x: f"{x:.{digits}g}"),
    ]
    if c.importance is not None:
        shown = c.importance.to_string(float_format=lambda x: f"{x:.{digits}g}")
        lines += ["", "Proportional reduction in held-out loss by term:", shown]
    if len(c.failures):
        lines.append(f"{len(c.failures)} folds failed")
    return "\n".join(lines)


@g.to_html.register(CrossValidation)
def _html(c: CrossValidation) -> str:
    return f"<pre>{escape(_text(c))}</pre>"
