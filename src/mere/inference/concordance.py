"""Concordance of scores with successes and failures: the area under the ROC curve."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["concordance"]

_TIE = 1e-10


def concordance(score: np.ndarray, successes: np.ndarray, failures: np.ndarray) -> float:
    """The share of pairs of a success and a failure in which the success has the higher score, ties counted half.

    Scores of rows with equal covariates differ in their last digits: what is within 1e-10 of the largest is equal.

    Examples
    --------
    >>> concordance(np.array([0.1, 0.4, 0.4, 0.8]), np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0]))
    0.875
    """
    if not len(score):
        return math.nan
    order = np.argsort(score, kind="stable")
    ordered = np.asarray(score, dtype=float)[order]
    at = np.concatenate([[0], np.cumsum(np.diff(ordered) > _TIE * np.abs(ordered).max())])
    up = np.bincount(at, np.asarray(successes, dtype=float)[order])
    down = np.bincount(at, np.asarray(failures, dtype=float)[order])
    pairs = up.sum() * down.sum()
    return float((up * (np.cumsum(down) - down / 2)).sum() / pairs) if pairs else math.nan
