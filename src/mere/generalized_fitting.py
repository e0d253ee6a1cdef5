"""Fit a generalized linear mixed model: design in, frozen fit out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _core
from .checks import act, gain_left, is_singular, on_bounds
from .control import GlmerControl
from .design import Design, Finding
from .errors import ConvergenceWarning, DataMessage, MereValueError, SingularFitMessage
from .families import Family
from .fitting import OptInfo
from .generalized_objective import GLMMObjective, GLMMState, generalized_kernel_error
from .generalized_optimum import optimize_generalized
from .optimizers import Optimum
from .separation import culprit, separated_rows, wide_terms

__all__ = ["GLMMFit", "GeneralizedInfo", "fit_glmm", "settle_generalized", "size_is_endless"]


@dataclass(frozen=True, eq=False)
class GeneralizedInfo(OptInfo):
    """As `OptInfo`; the gradient and the Hessian are of -2 log L by all parameters (terms, fixed effects).

    Attributes
    ----------
    joint_theta : bool
        Is the logarithm of a negative binomial's size the last of them?
    """

    joint_theta: bool = False

    @property
    def full(self) -> np.ndarray:
        """All parameters at the optimum."""
        return self._par


@dataclass(frozen=True, eq=False)
class GLMMFit:
    """A criterion, the state at its optimum, and the family there."""

    objective: GLMMObjective
    family: Family
    state: GLMMState
    optinfo: GeneralizedInfo


def fit_glmm(
    design: Design,
    family: Family,
    nAGQ: int = 1,
    control: GlmerControl | None = None,
    start: Any = None,
    joint_theta: bool = False,
) -> GLMMFit:
    """Fit the generalized linear mixed model of a design.

    Parameters
    ----------
    design : Design
    family : Family
    nAGQ : int
    control : GlmerControl, optional
    start : array or mapping, optional
        Theta, or ``{"theta": ..., "fixef": ...}``.
    joint_theta : bool
        Estimate the size of the negative binomial family with the rest.
    """
    control = control or GlmerControl()
    act(check_generalized(design, control))
    objective = GLMMObjective(design, family, None, nAGQ, control.tolPwrss, joint_theta)
    _check_constant(objective)
    optimum = optimize_generalized(objective, control, start)
    return settle_generalized(objective, optimum, control)


# ---------------------------------------------------------------------- before and after


def check_generalized(design: Design, control: GlmerControl) -> list[tuple[str, Finding]]:
    """Can this model be fitted at all?"""
    n = len(design.y)
    if not design.random:
        raise MereValueError(
            "No random effects terms specified in formula: add a term such as (1 | g), or use glm() for a model without"
        )
    if n == 0:
        raise MereValueError("no rows are left after subset, zero weights and missing values")
    if n < design.X.shape[1]:
        raise MereValueError(f"{n} observations cannot determine {design.X.shape[1]} fixed effects")
    findings: list[tuple[str, Finding]] = [("message", f) for f in design.findings]
    few = [t.group for t in design.random if len(t.levels) < 2]
    if few:
        names = ", ".join(dict.fromkeys(few))
        text = f"grouping factors must have > 1 sampled level: {names}"
        findings.append((control.check_nlev_gtr_1, Finding(text, DataMessage, tuple(few))))
    return findings


def _check_constant(objective: GLMMObjective) -> None:
    """A response without variation has no finite estimate (or no information about the random effects)."""
    y = objective.response.y
    if len(y) and y.min() == y.max() and objective.family.name in ("binomial", "poisson", "Negative Binomial"):
        extreme = y[0] == 0.0 or (y[0] == 1.0 and objective.family.name == "binomial")
        if extreme:
            raise MereValueError(
                f"the response {objective.design.response} is constant ({y[0]:g} in every row): "
                "the intercept would be infinite"
            )


def settle_generalized(objective: GLMMObjective, optimum: Optimum, control: GlmerControl) -> GLMMFit:
    """State and certificate at an optimum; says what the checks found."""
    try:
        with objective.threads:
            if objective.nAGQ == 0:
                optimum = _with_joint(objective, optimum)
            state = objective.state(optimum.par)
            gradient = optimum.gradient
            if gradient is None and control.calc_derivs and objective.nAGQ:
                gradient = objective.gradient(optimum.par)
            decrement = float("nan") if optimum.decrement is None else optimum.decrement
            if optimum.decrement is None and gradient is not None and objective.nAGQ:
                whole = objective.layout
                decrement = gain_left(
                    optimum.par, gradient, whole.lower, whole.upper, lambda: objective.hessian(optimum.par)
                )
    except _core.KernelError as error:
        raise generalized_kernel_error(error) from None
    layout = objective.terms_layout
    singular = is_singular(state.theta, layout.theta_lower, control.check_conv_singular_tol)
    findings = _findings(objective, optimum, state, singular, decrement, control)
    act(findings)
    info = GeneralizedInfo(
        optimizer=optimum.optimizer,
        feval=optimum.feval,
        message=optimum.message,
        gradient=gradient,
        decrement=decrement,
        boundary=on_bounds(state.par, layout.lower, layout.upper),
        warnings=tuple(f.message for action, f in findings if action != "ignore"),
        _par=optimum.par,
        _objective=objective,
        joint_theta=objective.joint_theta,
        iterations=optimum.iterations,
    )
    return GLMMFit(objective, objective.family_at(optimum.par), state, info)


def _with_joint(objective: GLMMObjective, optimum: Optimum) -> Optimum:
    par, value = objective.joint(optimum.par)
    return Optimum(par, value, optimum.feval, optimum.converged, optimum.message, optimum.optimizer)


def _findings(
    objective: GLMMObjective,
    optimum: Optimum,
    state: GLMMState,
    singular: bool,
    decrement: float,
    control: GlmerControl,
) -> list[tuple[str, Finding]]:
    found: list[tuple[str, Finding]] = []
    if singular:
        text = "boundary (singular) fit: see help('isSingular')"
        found.append((control.check_conv_singular, Finding(text, SingularFitMessage)))
    if not optimum.converged:
        text = (
            f"optimizer {optimum.optimizer} did not converge: {optimum.message}; rescale the predictors, give "
            "start={'theta': ..., 'fixef': ...}, or raise optCtrl={'maxeval': ...}"
        )
        found.append((control.check_conv_grad, Finding(text, ConvergenceWarning)))
    elif decrement > 2e-3:
        text = (
            f"Model failed to converge: the criterion can be lowered by about {decrement:.2g}; "
            "try glmerControl(optimizer='auto') or another start"
        )
        found.append((control.check_conv_grad, Finding(text, ConvergenceWarning)))
    if objective.joint_theta and size_is_endless(float(np.exp(optimum.par[-1])), state.mu):
        text = (
            f"the counts do not vary more than Poisson counts: theta grows without bound "
            f"(here {np.exp(optimum.par[-1]):.2g}); use glmer(..., family='poisson')"
        )
        found.append((control.check_conv_grad, Finding(text, ConvergenceWarning)))
    if objective.family.link.name == "sqrt" and len(state.eta) and state.eta.min() < 0 < state.eta.max():
        text = (
            f"the linear predictor is negative in {int((state.eta < 0).sum())} rows, where the square-root link turns: "
            "there are several modes, and a higher one may exist; take the log link"
        )
        found.append((control.check_conv_grad, Finding(text, ConvergenceWarning)))
    separated = separated_rows(objective, state.beta)
    if separated:
        what = "probabilities are 0 or 1" if objective.family.name == "binomial" else "counts are 0"
        text = (
            f"{separated} fitted {what}: {culprit(objective, state.beta)} separates the outcomes, and "
            "its estimate and standard error grow without bound; leave it out, join levels, or penalize it"
        )
        found.append((control.check_conv_grad, Finding(text, ConvergenceWarning)))
    elif wide := wide_terms(objective, state.theta):
        text = (
            f"the standard deviation of {wide} makes probabilities of 0 and 1 by itself: the random effects separate "
            "the outcomes, and their variance has no finite estimate; take the term out, or collect more outcomes for "
            "each level"
        )
        found.append((control.check_conv_grad, Finding(text, ConvergenceWarning)))
    return found


def size_is_endless(size: float, mu: np.ndarray) -> bool:
    """Is the size of a negative binomial so large that its variance is the mean to 1e-4?"""
    return bool(mu.mean() < 1e-4 * size)
