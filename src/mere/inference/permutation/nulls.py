"""The model of a null hypothesis: a fit without the tested columns, as rows with known weights and random effects.

A linear model is itself. A generalized one is taken at its null fit as the linear model of the working response
z = eta + (y - mu) / (dmu/deta) with working weights; to first order its effective scores are those of this model.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...accessors.blocks import random_design, relative_covariance
from ...design import Design
from ...errors import MereWarning
from ...fitting import fit_lmm
from ...generalized import GLM, GLMM
from ...generalized_fitting import fit_glmm
from ...irls import fit_glm
from ...model import LM, LMM
from .serial import Panels, Serial, SerialWhitening, estimate_serial, serial_design
from .whitening import Whitening, whitening

__all__ = ["NullRows", "null_rows", "rows_of", "without_columns"]


@dataclass(frozen=True, eq=False)
class NullRows:
    """All rows of the model, made independent with equal variances by the covariance of the null fit.

    Attributes
    ----------
    X : (n, p) array
    y : (n,) array
        Response, or working response, less the offset.
    whiten : Whitening
        What made them so, after the roots of the weights.
    root : (n,) array
    theta : (n_theta,) array
        Of the null fit.
    response, offset : (n,) arrays
        Before all that.
    eta : (n,) array or None
        Of a generalized model: the linear predictor of the null fit.
    par : (n_par,) array or None
        Of a generalized mixed model: the variance parameters of the null fit.
    phi : (order,) array or None
        The autoregression of the null fit's errors.
    """

    X: np.ndarray
    y: np.ndarray
    response: np.ndarray
    offset: np.ndarray
    whiten: Whitening
    root: np.ndarray
    theta: np.ndarray
    eta: np.ndarray | None = None
    par: np.ndarray | None = None
    phi: np.ndarray | None = None

    def arranged(self, block: np.ndarray) -> np.ndarray:
        """Responses arranged as they are, then made independent, (b, n)."""
        bare = self.response[block] - self.offset
        out: np.ndarray = self.whiten(self.root[:, None] * bare.T).T
        return out


def without_columns(design: Design, columns: np.ndarray) -> Design:
    """The design without some columns of X."""
    kept = np.setdiff1d(np.arange(design.X.shape[1]), columns)
    X = np.asfortranarray(design.X[:, kept])
    names, assign = tuple(design.names[j] for j in kept), np.asarray(design.assign)[kept]
    return replace(design, X=X, names=names, assign=assign, X_full=X, names_full=names, assign_full=assign, dropped=())


def null_rows(m: Any, tested: np.ndarray, panels: Panels | None = None, order: int = 0) -> NullRows:
    """Rows at the fit without the tested columns, of an `lm` or `lmer` with errors autoregressive in panels."""
    design = without_columns(m.design, tested)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MereWarning)  # the user was told when the model was fitted
        if panels is not None:
            return _serial_rows(m, design, panels, order)
        if isinstance(m, LM):
            return rows_of(m.design, _weights(m.design), m.design.y, np.zeros(0))
        if isinstance(m, LMM):
            theta = fit_lmm(design, m.reml, m.control).state.theta
            return rows_of(m.design, _weights(m.design), m.design.y, theta)
        if isinstance(m, GLM):
            response, fit = fit_glm(design, m.model_family)
            return _working(m, response, fit.eta, fit.mu, fit.working, np.zeros(0))
        assert isinstance(m, GLMM)
        joint = m.optinfo.joint_theta
        s = fit_glmm(design, m.model_family, m.nAGQ, m.control, joint_theta=joint)
        rows = _working(m, s.objective.response, s.state.eta, s.state.mu, s.state.working, s.state.theta)
        return replace(rows, par=s.state.par)


def _serial_rows(m: LM | LMM, null: Design, panels: Panels, order: int) -> NullRows:
    weights = _weights(m.design)
    root, control = np.sqrt(weights), m.control if isinstance(m, LMM) else None
    reml = isinstance(m, LMM) and m.reml
    serial = estimate_serial(null, panels, order, root, reml, control)
    theta = fit_lmm(serial_design(null, serial, root), reml, control).state.theta if null.random else np.zeros(0)
    return rows_of(m.design, weights, m.design.y, theta, serial)


def _weights(design: Design) -> np.ndarray:
    return np.ones(len(design.y)) if design.weights is None else np.asarray(design.weights)


def _working(
    m: GLM | GLMM, response: Any, eta: np.ndarray, mu: np.ndarray, working: np.ndarray, theta: np.ndarray
) -> NullRows:
    z = eta + (response.y - mu) / np.asarray(m.model_family.link.derivative(eta))
    return replace(rows_of(m.design, np.maximum(working, 1e-300), z, theta), eta=eta)


def rows_of(
    design: Design, weights: np.ndarray, y: np.ndarray, theta: np.ndarray, serial: Serial | None = None
) -> NullRows:
    """Rows of a design with given weights, response, relative covariance factor and serial correlation of errors."""
    root = np.sqrt(weights)
    U = None
    if design.random:
        from scipy.sparse import diags_array

        if serial is None:
            Z = diags_array(root) @ random_design(design.random)
        else:
            Z = random_design(serial_design(design, serial, root).random)
        U = (Z @ relative_covariance(design.random, theta)).tocsc()
        U.eliminate_zeros()
        U = U[:, np.diff(U.indptr) > 0]
    W = whitening(U)
    if serial is not None:
        W = SerialWhitening(W.U, W.blocks, serial)
    offset = np.zeros(len(y)) if design.offset is None else np.asarray(design.offset)
    rows = NullRows(W(root[:, None] * design.X), W(root * (y - offset)), y, offset, W, root, theta)
    return rows if serial is None else replace(rows, phi=serial.phi)
