"""Fits without the rows of each fold, and what they predict for these rows.

Linear mixed models lose rows by taking their cross-products out of the plan's, in C over threads. Held-out rows are
predicted for new levels of the grouping factors: the mean of a generalized model is integrated over their random
effects, E g^-1(x'beta + z'b) with z'b ~ N(0, z' Sigma z), not taken at b = 0.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...accessors.blocks import relative_factors
from ...design import Design, take_rows
from ...errors import MereError, MereWarning
from ...families import Family
from ...fitting import fit_lmm
from ...generalized import GLM, GLMM
from ...generalized_fitting import fit_glmm
from ...irls import fit_glm
from ...model import LM, LMM, mixed_model
from ...quadrature import gauss_hermite
from ...rank import refuse_deficient
from ..deletion import Units, deletions

__all__ = ["Folds", "held_out_means", "integrated_mean"]

_NODES = 25


@dataclass(frozen=True, eq=False)
class Folds:
    """Rows held out, and rows fitted to, of each fold.

    Attributes
    ----------
    test, train : list of arrays
        Row numbers. Rows that are in neither leave with the held-out ones.
    """

    test: list[np.ndarray]
    train: list[np.ndarray]

    @property
    def partition(self) -> bool:
        """Is every row that is not held out fitted to?"""
        n = sum(len(t) for t in self.test)
        return all(len(a) + len(b) == n for a, b in zip(self.test, self.train, strict=True))


def integrated_mean(family: Family, eta: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """E g^-1(eta + z), z ~ N(0, variance), by Gauss-Hermite quadrature.

    Examples
    --------
    >>> from mere.families import poisson
    >>> integrated_mean(poisson(), np.zeros(1), np.ones(1)).round(6) == np.exp(0.5).round(6)
    array([ True])
    """
    if family.link.name == "identity" or not np.any(variance > 0):
        return np.asarray(family.link.inverse(eta))
    nodes, log_weights = gauss_hermite(_NODES)
    out = np.zeros(len(eta))
    for x, w in zip(nodes, log_weights, strict=True):
        out += np.exp(w) * np.asarray(family.link.inverse(eta + x * np.sqrt(variance)))
    return out


def random_variance(design: Design, theta: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """z' Sigma z of each row, summed over the terms."""
    out = np.zeros(design.X.shape[0])
    for term, T in zip(design.random, relative_factors(design.random, theta), strict=True):
        z = np.ones((len(out), 1)) if term.values is None else np.asarray(term.values)
        out += scale**2 * np.sum((z @ T) ** 2, axis=1)
    return out


def held_out_means(m: Any, design: Design, folds: Folds, ncpus: int | None = None) -> tuple[np.ndarray, dict[int, str]]:
    """Predicted means of the rows of each fold by the fit without them; and why fits failed, by fold.

    Parameters
    ----------
    m : LM, GLM, LMM, GLMM
        Says how to fit; its own estimates are starts.
    design : Design
        Its design, or one without some columns.
    folds : Folds
    """
    offset = np.zeros(design.n) if design.offset is None else np.asarray(design.offset)
    if isinstance(m, LMM) and m.objective.layout.linear and folds.partition:
        return _down_dated(m, design, folds, offset, ncpus)
    out, causes = np.full(design.n, np.nan), {}
    for i, (test, train) in enumerate(zip(folds.test, folds.train, strict=True)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", MereWarning)
                out[test] = _one_fold(m, design, test, train, offset)
        except (MereError, np.linalg.LinAlgError) as error:
            causes[i] = str(error)
    return out, causes


def _down_dated(
    m: LMM, design: Design, folds: Folds, offset: np.ndarray, ncpus: int | None
) -> tuple[np.ndarray, dict[int, str]]:
    if design is not m.design:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MereWarning)
            m = mixed_model(fit_lmm(design, m.reml, m.control), m.control, m.call)
    ptr = np.concatenate([[0], np.cumsum([len(t) for t in folds.test])]).astype(np.int64)
    units = Units(pd.RangeIndex(len(folds.test)), ptr, np.concatenate(folds.test).astype(np.int64), "folds")
    status, _, _, _, beta, _ = deletions(m, units, ncpus)
    out, causes = np.full(design.n, np.nan), {}
    for i, test in enumerate(folds.test):
        if status[i]:
            causes[i] = f"the fit without fold {i + 1} failed: a column of X may need its rows"
        else:
            out[test] = design.X[test] @ beta[i] + offset[test]
    return out, causes


def _one_fold(m: Any, design: Design, test: np.ndarray, train: np.ndarray, offset: np.ndarray) -> np.ndarray:
    X = design.X[test]
    own = take_rows(design, np.sort(train))
    refuse_deficient(own.X, own.names, own.weights)
    if isinstance(m, LM):
        root = np.ones(own.n) if own.weights is None else np.sqrt(own.weights)
        y = own.y if own.offset is None else own.y - own.offset
        beta = np.linalg.lstsq(own.X * root[:, None], root * y, rcond=None)[0]
        return np.asarray(X @ beta + offset[test])
    if isinstance(m, LMM):
        return np.asarray(X @ fit_lmm(own, m.reml, m.control, m.par).state.beta + offset[test])
    if isinstance(m, GLM):
        _, fit = fit_glm(own, m.model_family)
        return np.asarray(m.model_family.link.inverse(X @ fit.beta + offset[test]))
    assert isinstance(m, GLMM)
    start = {"par": m.par, "fixef": m.beta} if own.X.shape[1] == len(m.beta) else None
    found = fit_glmm(own, m.model_family, m.nAGQ, m.control, start, joint_theta=m.optinfo.joint_theta)
    held = take_rows(design, np.sort(test))
    eta = held.X @ found.state.beta + (0.0 if held.offset is None else held.offset)
    means = integrated_mean(found.family, eta, random_variance(held, found.state.theta))
    out = np.empty(len(test))
    out[np.argsort(test)] = means
    return out
