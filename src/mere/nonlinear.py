"""Fitted nonlinear mixed models: a frozen record of arrays, as in ``model.py``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from . import generics as g
from .generalized_fitting import GeneralizedInfo
from .model import Call
from .nonlinear_design import NonlinearDesign
from .nonlinear_fitting import NLMMFit
from .nonlinear_objective import NLMMObjective
from .objective import LMMObjective

__all__ = ["NLMM", "nonlinear_mixed_model"]


@dataclass(frozen=True, eq=False, repr=False)
class NLMM:
    """A nonlinear mixed model, fitted.

    Attributes
    ----------
    design : NonlinearDesign
        Its X and random values are those of the model linearized at the estimates.
    nAGQ : int
        0 = beta with the random effects, 1 = Laplace.
    par : (n_par,) array
        Parameters of the random-effects terms.
    theta : (n_theta,) array
        Lower triangles of the relative covariance factors, term after term.
    beta : (p,) array
    u, b : (q,) array
        Spherical random effects at their conditional mode, term by term, level by level; b = Lambda u.
    mu : (n,) array
    phi : (n, s) array
        The nonlinear parameters of each row.
    sigma : float
    criterion : float
        -2 log L at the optimum.
    devcomp : mapping of str to float
    RX : (p, p) array
        Upper triangular; sigma^2 (RX'RX)^-1 is the covariance of beta in the linearized model at known theta.
    optinfo : GeneralizedInfo
    control : NlmerControl
    call : Call
    """

    design: NonlinearDesign
    nAGQ: int
    par: np.ndarray
    theta: np.ndarray
    beta: np.ndarray
    u: np.ndarray
    b: np.ndarray
    mu: np.ndarray
    phi: np.ndarray
    sigma: float
    criterion: float
    devcomp: Mapping[str, float]
    RX: np.ndarray
    optinfo: GeneralizedInfo
    control: Any
    call: Call

    @cached_property
    def objective(self) -> NLMMObjective:
        """The criterion of this model; not pickled, rebuilt when it is asked for."""
        return NLMMObjective(self.design, self.nAGQ, self.control.tolPwrss, self.beta)

    @cached_property
    def linearized(self) -> LMMObjective:
        """The criterion of the linear mixed model at the estimates: conditional variances and leverages are its."""
        return LMMObjective(self.design, False)

    @property
    def reml(self) -> bool:
        """Always False: the fit is by maximum likelihood."""
        return False

    def __getstate__(self) -> dict[str, Any]:
        return {f.name: self.__dict__[f.name] for f in fields(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __repr__(self) -> str:
        return g.to_text(self)

    def _repr_html_(self) -> str:
        return g.to_html(self)

    # The verbs, as methods: each is the function of that name.
    AIC, BIC, logLik, deviance = g.AIC, g.BIC, g.logLik, g.deviance
    extractAIC, nobs, ngrps, df_residual = g.extractAIC, g.nobs, g.ngrps, g.df_residual
    fixef, ranef, coef, VarCorr, vcov = g.fixef, g.ranef, g.coef, g.VarCorr, g.vcov
    fitted, residuals, weights, predict = g.fitted, g.residuals, g.weights, g.predict
    hatvalues = g.hatvalues
    model_frame, model_matrix, getData = g.model_frame, g.model_matrix, g.getData
    simulate, refit, update = g.simulate, g.refit, g.update
    formula, terms, family = g.formula, g.terms, g.family
    summary, getME, isSingular, rePCA = g.summary, g.getME, g.isSingular, g.rePCA
    isREML, isLMM, isGLMM, isNLMM = g.isREML, g.isLMM, g.isGLMM, g.isNLMM
    anova, confint, to_text, to_html = g.anova, g.confint, g.to_text, g.to_html
    bootMer, profile, refitML = g.bootMer, g.profile, g.refitML


def nonlinear_mixed_model(fit: NLMMFit, control: Any, call: Call) -> NLMM:
    """The record of a fit."""
    s, f = fit.state, fit.objective
    m = NLMM(
        s.design, f.nAGQ, s.par, s.theta, s.beta, s.u, s.b, s.mu, s.phi, s.sigma, s.criterion, s.devcomp, s.RX,
        fit.optinfo, control, call,
    )  # fmt: skip
    m.__dict__["objective"] = f
    return m
