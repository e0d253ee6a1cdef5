"""The fitted linear mixed model: a frozen record of arrays.

`LMM` holds what the optimizer found and the design it was found for, nothing
derived. Everything else is computed on demand by functions registered on the
generics (``fixef(m)``, ``confint(m)``); the methods of the class are those
same functions. Building a model is therefore nearly free, and it pickles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np

from . import generics as g
from .design import Design
from .fitting import LMMFit, OptInfo
from .linear import LinearFit
from .objective import LMMObjective

__all__ = ["LM", "LMM", "Call", "linear_model", "mixed_model"]


@dataclass(frozen=True)
class Call:
    """What the user asked for: nothing is ever evaluated from it.

    Attributes
    ----------
    function : str
        ``"lmer"``, ``"lm"``, ...
    arguments : mapping
        The other arguments as given, only those that were given.
    data : object
        The user's table (a reference, not a copy).
    data_name : str or None
        What to call the data in print: ``data.attrs["name"]``, or the caller's variable.
    """

    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    data: Any = None
    data_name: str | None = None

    def __str__(self) -> str:
        return g.to_text(self)

    def __repr__(self) -> str:
        return f"<Call {self}>"


@dataclass(frozen=True, eq=False, repr=False)
class LMM:
    """A linear mixed model, fitted.

    Attributes
    ----------
    design : Design
        Response, model matrices, random-effects terms.
    reml : bool
    par : (n_par,) array
        What the optimizer moved.
    theta : (n_theta,) array
        Lower triangles of the relative covariance factors, term after term.
    beta : (p,) array
    u : (q,) array
        Spherical random effects, term by term, level by level.
    b : (q,) array
        Random effects, Lambda u.
    sigma : float
        Residual standard deviation.
    criterion : float
        REML criterion or -2 log L at the optimum.
    devcomp : mapping of str to float
        The parts of the criterion, by R's names.
    RX : (p, p) array
        Upper triangular, RX'RX = X'V^-1 X.
    optinfo : OptInfo
    control : LmerControl
    call : Call
    """

    design: Design
    reml: bool
    par: np.ndarray
    theta: np.ndarray
    beta: np.ndarray
    u: np.ndarray
    b: np.ndarray
    sigma: float
    criterion: float
    devcomp: Mapping[str, float]
    RX: np.ndarray
    optinfo: OptInfo
    control: Any
    call: Call

    @cached_property
    def objective(self) -> LMMObjective:
        """The criterion of this model; not pickled, rebuilt when it is asked for."""
        return LMMObjective(self.design, self.reml)

    def __getstate__(self) -> dict[str, Any]:
        return {f.name: self.__dict__[f.name] for f in fields(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __repr__(self) -> str:
        return g.to_text(self)

    def _repr_html_(self) -> str:
        return g.to_html(self)

    # The verbs, as methods: each is the function of that name.
    # (`m.sigma` is the number.)
    AIC, BIC, logLik, deviance, REMLcrit = g.AIC, g.BIC, g.logLik, g.deviance, g.REMLcrit
    extractAIC, nobs, ngrps, df_residual = g.extractAIC, g.nobs, g.ngrps, g.df_residual
    fixef, ranef, coef, VarCorr, vcov = g.fixef, g.ranef, g.coef, g.VarCorr, g.vcov
    fitted, residuals, weights, hatvalues = g.fitted, g.residuals, g.weights, g.hatvalues
    model_frame, model_matrix, getData = g.model_frame, g.model_matrix, g.getData
    formula, terms, family = g.formula, g.terms, g.family
    summary, getME, isSingular, rePCA = g.summary, g.getME, g.isSingular, g.rePCA
    isREML, isLMM, isGLMM, isNLMM = g.isREML, g.isLMM, g.isGLMM, g.isNLMM
    anova, confint, profile, bootMer = g.anova, g.confint, g.profile, g.bootMer
    predict, simulate, refit, refitML, update = g.predict, g.simulate, g.refit, g.refitML, g.update
    influence, cooks_distance, rstudent, rstandard = g.influence, g.cooks_distance, g.rstudent, g.rstandard
    dfbeta, dfbetas = g.dfbeta, g.dfbetas
    allFit, jackknife = g.allFit, g.jackknife
    icc, r2, vif, get_variance, runs_test = g.icc, g.r2, g.vif, g.get_variance, g.runs_test
    standardize_parameters = g.standardize_parameters
    to_text, to_html = g.to_text, g.to_html
    contest, show_tests, ls_means, difflsmeans = g.contest, g.show_tests, g.ls_means, g.difflsmeans
    drop1, ranova, step = g.drop1, g.ranova, g.step
    KRmodcomp, SATmodcomp, PBmodcomp, vcovAdj = g.KRmodcomp, g.SATmodcomp, g.PBmodcomp, g.vcovAdj
    get_Lb_ddf, contest1D, contestMD = g.get_Lb_ddf, g.contest1D, g.contestMD
    model2restriction_matrix, restriction_matrix2model = g.model2restriction_matrix, g.restriction_matrix2model
    tidy, glance, augment = g.tidy, g.glance, g.augment
    model_performance, simulate_residuals = g.model_performance, g.simulate_residuals
    plot, qqmath, check_model = g.plot, g.qqmath, g.check_model
    bootstrap, permutation_test, cross_validate = g.bootstrap, g.permutation_test, g.cross_validate
    fit_record, log_density = g.fit_record, g.log_density


@dataclass(frozen=True, eq=False, repr=False)
class LM:
    """A linear model, fitted by least squares.

    Attributes
    ----------
    design : Design
        Response and model matrix, without random effects.
    beta : (p,) array
        Coefficients of the columns that were kept.
    R : (p, p) array
        Upper triangular, R'R = X'WX.
    effects : (p,) array
        Q'y of the decomposition: squares are sequential sums of squares.
    rss : float
        Weighted residual sum of squares.
    sigma : float
        Residual standard deviation, sqrt(rss / df).
    df : int
        Residual degrees of freedom.
    call : Call
    """

    design: Design
    beta: np.ndarray
    R: np.ndarray
    effects: np.ndarray
    rss: float
    sigma: float
    df: int
    call: Call

    def __repr__(self) -> str:
        return g.to_text(self)

    def _repr_html_(self) -> str:
        return g.to_html(self)

    # The verbs, as methods: each is the function of that name.
    AIC, BIC, logLik, deviance, extractAIC = g.AIC, g.BIC, g.logLik, g.deviance, g.extractAIC
    nobs, df_residual, coef, vcov = g.nobs, g.df_residual, g.coef, g.vcov
    fitted, residuals, weights, hatvalues = g.fitted, g.residuals, g.weights, g.hatvalues
    model_frame, model_matrix, getData = g.model_frame, g.model_matrix, g.getData
    formula, terms, family, predict = g.formula, g.terms, g.family, g.predict
    simulate, refit, update, bootMer, jackknife = g.simulate, g.refit, g.update, g.bootMer, g.jackknife
    influence, cooks_distance, rstudent, rstandard = g.influence, g.cooks_distance, g.rstudent, g.rstandard
    dfbeta, dfbetas, add1, step = g.dfbeta, g.dfbetas, g.add1, g.step
    r2, vif, bptest, runs_test = g.r2, g.vif, g.bptest, g.runs_test
    standardize_parameters = g.standardize_parameters
    summary, anova, confint, contest = g.summary, g.anova, g.confint, g.contest
    show_tests, ls_means, difflsmeans, drop1 = g.show_tests, g.ls_means, g.difflsmeans, g.drop1
    contest1D, contestMD, refitML, PBmodcomp = g.contest1D, g.contestMD, g.refitML, g.PBmodcomp
    model2restriction_matrix, restriction_matrix2model = g.model2restriction_matrix, g.restriction_matrix2model
    tidy, glance, augment = g.tidy, g.glance, g.augment
    model_performance, simulate_residuals = g.model_performance, g.simulate_residuals
    plot, qqmath, check_model = g.plot, g.qqmath, g.check_model
    bootstrap, permutation_test, cross_validate = g.bootstrap, g.permutation_test, g.cross_validate
    isREML, isLMM, isGLMM, isNLMM = g.isREML, g.isLMM, g.isGLMM, g.isNLMM
    to_text, to_html = g.to_text, g.to_html


def mixed_model(fit: LMMFit, control: Any, call: Call) -> LMM:
    """The record of a fit."""
    state = fit.state
    m = LMM(
        fit.design, fit.objective.reml, state.par, state.theta, state.beta, state.u, state.b,
        state.sigma, state.criterion, state.devcomp, state.RX, fit.optinfo, control, call,
    )  # fmt: skip
    m.__dict__["objective"] = fit.objective
    return m


def linear_model(fit: LinearFit, call: Call) -> LM:
    """The record of a fit."""
    solution, df = fit.solution, fit.df
    scale = float(np.sqrt(solution.rss / df)) if df > 0 else float("nan")
    return LM(fit.design, solution.beta, solution.R, solution.effects, solution.rss, scale, df, call)
