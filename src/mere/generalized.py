"""Fitted generalized models, linear and mixed: frozen records of arrays, as in ``model.py``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from . import generics as g
from .design import Design
from .families import Family
from .generalized_fitting import GeneralizedInfo, GLMMFit
from .generalized_objective import GLMMObjective
from .irls import GeneralizedFit, null_deviance
from .model import Call
from .response import Response

__all__ = ["GLM", "GLMM", "generalized_linear_model", "generalized_mixed_model"]


@dataclass(frozen=True, eq=False, repr=False)
class GLM:
    """A generalized linear model, fitted.

    Attributes
    ----------
    design : Design
        Response and model matrix, without random effects.
    model_family : Family
    response : Response
        The response as numbers, and the prior weights.
    fit : GeneralizedFit
        Coefficients, triangular factor, linear predictor, mean, working weights, deviance.
    null_deviance : float
    df : int
        Residual degrees of freedom.
    df_null : int
    call : Call
    """

    design: Design
    model_family: Family
    response: Response
    fit: GeneralizedFit
    null_deviance: float
    df: int
    df_null: int
    call: Call

    @property
    def beta(self) -> np.ndarray:
        """Coefficients of the columns that were kept, (p,)."""
        return self.fit.beta

    def __repr__(self) -> str:
        return g.to_text(self)

    def _repr_html_(self) -> str:
        return g.to_html(self)

    # The verbs, as methods: each is the function of that name.
    AIC, BIC, logLik, deviance, extractAIC = g.AIC, g.BIC, g.logLik, g.deviance, g.extractAIC
    nobs, df_residual, coef, vcov, sigma = g.nobs, g.df_residual, g.coef, g.vcov, g.sigma
    fitted, residuals, weights, hatvalues = g.fitted, g.residuals, g.weights, g.hatvalues
    model_frame, model_matrix, getData = g.model_frame, g.model_matrix, g.getData
    formula, terms, family, predict = g.formula, g.terms, g.family, g.predict
    summary, anova, confint, drop1, add1, step = g.summary, g.anova, g.confint, g.drop1, g.add1, g.step
    influence, dfbeta, dfbetas, jackknife = g.influence, g.dfbeta, g.dfbetas, g.jackknife
    simulate, update, cooks_distance = g.simulate, g.update, g.cooks_distance
    rstudent, rstandard = g.rstudent, g.rstandard
    contest, contest1D, contestMD = g.contest, g.contest1D, g.contestMD
    show_tests, PBmodcomp, refitML = g.show_tests, g.PBmodcomp, g.refitML
    tidy, glance, augment = g.tidy, g.glance, g.augment
    model_performance, simulate_residuals = g.model_performance, g.simulate_residuals
    plot, qqmath, check_model = g.plot, g.qqmath, g.check_model
    bootMer, bootstrap = g.bootMer, g.bootstrap
    permutation_test, cross_validate = g.permutation_test, g.cross_validate
    r2, vif, auc, runs_test = g.r2, g.vif, g.auc, g.runs_test
    check_overdispersion, standardize_parameters = g.check_overdispersion, g.standardize_parameters
    isREML, isLMM, isGLMM, isNLMM = g.isREML, g.isLMM, g.isGLMM, g.isNLMM
    to_text, to_html = g.to_text, g.to_html


@dataclass(frozen=True, eq=False, repr=False)
class GLMM:
    """A generalized linear mixed model, fitted.

    Attributes
    ----------
    design : Design
        Response, model matrices, random-effects terms.
    model_family : Family
    response : Response
        The response as numbers, and the prior weights.
    nAGQ : int
        0 = beta with the random effects, 1 = Laplace, more = quadrature points.
    par : (n_par,) array
        Parameters of the random-effects terms.
    theta : (n_theta,) array
        Lower triangles of the covariance factors, term after term.
    beta : (p,) array
    u, b : (q,) array
        Spherical random effects at their conditional mode, term by term, level by level; b = Lambda u.
    eta, mu, working : (n,) array
        Linear predictor, mean and working weights.
    sigma : float
        Square root of the dispersion; 1 where there is none.
    criterion : float
        -2 log L at the optimum.
    devcomp : mapping of str to float
    RX : (p, p) array
        Upper triangular; (RX'RX)^-1 is the covariance of beta at known theta.
    optinfo : GeneralizedInfo
    control : GlmerControl
    call : Call
    """

    design: Design
    model_family: Family
    response: Response
    nAGQ: int
    par: np.ndarray
    theta: np.ndarray
    beta: np.ndarray
    u: np.ndarray
    b: np.ndarray
    eta: np.ndarray
    mu: np.ndarray
    working: np.ndarray
    sigma: float
    criterion: float
    devcomp: Mapping[str, float]
    RX: np.ndarray
    optinfo: GeneralizedInfo
    control: Any
    call: Call

    @cached_property
    def objective(self) -> GLMMObjective:
        """The criterion of this model; not pickled, rebuilt when it is asked for."""
        return GLMMObjective(
            self.design, self.model_family, self.response, self.nAGQ, self.control.tolPwrss, self.optinfo.joint_theta
        )

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
    icc, r2, vif, get_variance, runs_test = g.icc, g.r2, g.vif, g.get_variance, g.runs_test
    auc, check_overdispersion = g.auc, g.check_overdispersion
    standardize_parameters = g.standardize_parameters
    isREML, isLMM, isGLMM, isNLMM = g.isREML, g.isLMM, g.isGLMM, g.isNLMM
    anova, confint, profile, to_text, to_html = g.anova, g.confint, g.profile, g.to_text, g.to_html
    bootMer, influence, jackknife, allFit = g.bootMer, g.influence, g.jackknife, g.allFit
    cooks_distance, rstudent, rstandard, dfbeta, dfbetas = (
        g.cooks_distance,
        g.rstudent,
        g.rstandard,
        g.dfbeta,
        g.dfbetas,
    )
    contest, contest1D, contestMD = g.contest, g.contest1D, g.contestMD
    drop1, show_tests, PBmodcomp, refitML = g.drop1, g.show_tests, g.PBmodcomp, g.refitML
    tidy, glance, augment, fit_record = g.tidy, g.glance, g.augment, g.fit_record
    model_performance, simulate_residuals = g.model_performance, g.simulate_residuals
    plot, qqmath, check_model = g.plot, g.qqmath, g.check_model
    bootstrap, permutation_test, cross_validate = g.bootstrap, g.permutation_test, g.cross_validate


def generalized_linear_model(
    design: Design, family: Family, response: Response, fit: GeneralizedFit, call: Call
) -> GLM:
    """The record of a fit."""
    p = design.X.shape[1]
    counted = int((response.weights > 0).sum())
    intercept = int((np.asarray(design.assign_full) == 0).any())
    null = null_deviance(design, response, family)
    return GLM(design, family, response, fit, null, counted - p, counted - intercept, call)


def generalized_mixed_model(fit: GLMMFit, control: Any, call: Call) -> GLMM:
    """The record of a fit."""
    s, f = fit.state, fit.objective
    m = GLMM(
        f.design, fit.family, f.response, f.nAGQ, s.par, s.theta, s.beta, s.u, s.b, s.eta, s.mu, s.working, s.sigma,
        s.criterion, s.devcomp, s.RX, fit.optinfo, control, call,
    )  # fmt: skip
    m.__dict__["objective"] = f
    return m
