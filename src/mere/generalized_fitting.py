"""Fit a generalized linear mixed model: design in, frozen fit out.

The default optimizer starts from theta = 1 (in units of the columns) and the fixed effects that go with it, makes one
Newton matrix of average information and keeps it by secants (BFGS), with exact gradients, free of bounds; singular fits
are certified or left along the way out (csrc/newton.c). R's way, BOBYQA twice (first over theta, then over theta and
the fixed effects), is ``optimizer="nloptwrap"`` or ``"bobyqa"``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from . import _core
from .checks import act, is_singular
from .control import GlmerControl
from .design import Design, Finding
from .errors import ConvergenceError, ConvergenceWarning, DataMessage, MereValueError, SingularFitMessage
from .families import Family
from .generalized_objective import GLMMObjective, GLMMState, generalized_kernel_error
from .irls import irls
from .optimizers import Optimum
from .optimizers.nloptwrap import ALIASES

__all__ = ["GLMMFit", "GeneralizedInfo", "fit_glmm", "optimize_generalized", "settle_generalized"]

_MESSAGES = {0: "converged", 1: "stalled: the criterion is flat or not smooth here", 2: "maxeval reached"}
_SEPARATED = 25.0  # |eta| beyond which a probability is 0 or 1 to 11 digits


@dataclass(frozen=True, eq=False)
class GeneralizedInfo:
    """How the optimum was found, and the evidence that it is one.

    Attributes
    ----------
    optimizer : str
    feval : int
        Evaluations of the criterion.
    message : str
    gradient : ndarray or None
        Of -2 log L by all parameters (theta, fixed effects).
    hessian : ndarray
        Differences of the gradient; computed when first asked for.
    decrement : float
        About how much lower the criterion could get.
    boundary : tuple of int
        Parameters on their bound.
    warnings : tuple of str
    full : ndarray
        All parameters at the optimum.
    joint_theta : bool
        Is the logarithm of a negative binomial's size the last of them?
    """

    optimizer: str
    feval: int
    message: str
    gradient: np.ndarray | None
    decrement: float
    boundary: tuple[int, ...]
    warnings: tuple[str, ...]
    full: np.ndarray
    joint_theta: bool
    _objective: GLMMObjective

    @cached_property
    def hessian(self) -> np.ndarray:
        return self._objective.hessian(self.full)


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


# ---------------------------------------------------------------------- the optimum


def optimize_generalized(objective: GLMMObjective, control: GlmerControl, start: Any = None) -> Optimum:
    """The optimum by the control's optimizer(s); with ``optimizer=None`` the criterion at the start."""
    first, given = read_generalized_start(start, objective)
    if not given:
        first = _with_fixed_start(objective, first)
    stages = control.stages
    with objective.threads:
        try:
            if stages[-1] is None:
                par, value = (first, objective.value(first)) if objective.nAGQ else objective.joint(first)
                return Optimum(par, value, 1, True, "start values: no optimization", "none")
            if objective.nAGQ == 0:
                return _only_theta(objective, stages[0], first, control)
            if stages[-1] == "auto" and objective.terms_layout.linear:
                return _quasi_newton(objective, first, given, control)
            return _two_stages(objective, stages, first, given, control)
        except _core.KernelError as error:
            raise generalized_kernel_error(error) from None


def _quasi_newton(objective: GLMMObjective, first: np.ndarray, given: bool, control: GlmerControl) -> Optimum:
    # from the joint modes where they exist, else from the start as it is
    begin = first if given else _joint_or(objective, first)
    laplace = _run(objective, begin, 1, control)
    if not laplace.converged:
        rescue = _bobyqa(objective, "nloptwrap", 1, laplace.par if np.isfinite(laplace.value) else begin, control)
        second = _run(objective, rescue.par, 1, control)
        laplace = second if second.value <= laplace.value or not np.isfinite(laplace.value) else laplace
    if objective.nAGQ == 1:
        return laplace
    fine = _run(objective, laplace.par, objective.rule, control)
    if not fine.converged:
        rescue = _bobyqa(objective, "nloptwrap", objective.rule, fine.par, control)
        if rescue.value < fine.value - 1e-7:
            return rescue
    return fine


def _joint_or(objective: GLMMObjective, first: np.ndarray) -> np.ndarray:
    try:
        return objective.joint(first)[0]
    except (ConvergenceError, MereValueError):
        return first


def _with_fixed_start(objective: GLMMObjective, first: np.ndarray) -> np.ndarray:
    """Where eta = 0 is no valid linear predictor, start from the fixed effects of the model without random effects."""
    family, design = objective.family, objective.design
    with np.errstate(all="ignore"):
        zero = np.zeros(1)
        mu = family.link.inverse(zero)
        if objective.p == 0 or (family.link.valid(zero) and family.valid_mu(mu)):
            return first
    out = first.copy()
    out[objective.n_re : objective.n_re + objective.p] = irls(
        design.X, objective.response, family, design.offset, maxit=50
    ).beta
    return out


def _run(objective: GLMMObjective, start: np.ndarray, rule: Any, control: GlmerControl) -> Optimum:
    options = control.optCtrl
    par, gradient, matrix, out = objective.work.newton(
        start, rule, float(options.get("decrement", 1e-10)), int(options.get("maxeval", 1000))
    )
    return Optimum(
        par, out["d"], out["n_eval"], out["code"] == 0, _MESSAGES[out["code"]], "BFGS", gradient=gradient,
        matrix=matrix, decrement=out["decrement"], n_null=out["n_null"],
    )  # fmt: skip


def _bobyqa(objective: GLMMObjective, name: str, rule: Any, start: np.ndarray, control: GlmerControl) -> Optimum:
    """An algorithm of NLopt within bounds; rule 0 is over theta alone."""
    algorithm, layout, options = ALIASES.get(name) or name.removeprefix("NLOPT_"), objective.layout, control.optCtrl
    settings: dict[str, Any] = {
        "xtol_abs": float(options.get("xtol_abs", 1e-8)),
        "ftol_abs": float(options.get("ftol_abs", 1e-8)),
        "max_eval": int(options.get("maxeval", 100_000)),
    }
    first = np.clip(start, layout.lower, layout.upper)
    if objective.terms_layout.linear:
        par, out = objective.work.nlopt(algorithm, first, layout.lower, layout.upper, rule, **settings)
    else:
        n = objective.n_re if isinstance(rule, int) and rule == 0 else layout.n_par

        def fun(x: np.ndarray, gradient: bool) -> tuple[float, np.ndarray | None]:
            if n == layout.n_par:
                return objective.value_and_gradient(x, gradient)
            try:
                return objective.joint(np.concatenate([x, first[n:]]))[1], None
            except ConvergenceError:
                return float("inf"), None

        par, out = _core.nlopt_minimize(algorithm, fun, first[:n], layout.lower[:n], layout.upper[:n], **settings)
        if n < layout.n_par:
            par = objective.joint(np.concatenate([par, first[n:]]))[0]
    code = out["code"]
    return Optimum(par, out["d"], out["n_eval"], code not in (5, 6), f"NLopt code {code}", name)


def _stage(objective: GLMMObjective, name: Any, rule: Any, start: np.ndarray, control: GlmerControl) -> Optimum:
    if callable(name) and not isinstance(name, str):
        from .optimizers.user import user

        return user(name, objective, start, control.optCtrl)  # type: ignore[arg-type]
    if name == "auto":
        name = "nloptwrap" if isinstance(rule, int) and rule == 0 else "NLOPT_LD_SLSQP"
    if name in ALIASES or str(name).startswith("NLOPT_"):
        return _bobyqa(objective, str(name), rule, start, control)
    if isinstance(rule, int) and rule == 0:
        return _bobyqa(objective, "nloptwrap", 0, start, control)
    from .optimizers import minimize

    return minimize(objective, name, start, control.optCtrl)  # type: ignore[arg-type]


def _only_theta(objective: GLMMObjective, name: Any, first: np.ndarray, control: GlmerControl) -> Optimum:
    tight = control.with_options(xtol_abs=1e-7, ftol_abs=1e-11) if name == "auto" else control
    found = _stage(objective, name if not callable(name) else "nloptwrap", 0, first, tight)
    return Optimum(found.par, found.value, found.feval, found.converged, found.message, found.optimizer)


def _two_stages(
    objective: GLMMObjective, stages: tuple[Any, Any], first: np.ndarray, given: bool, control: GlmerControl
) -> Optimum:
    evaluations = 0
    if not given and control.nAGQ0initStep:
        rough = _stage(objective, stages[0] if not callable(stages[0]) else "nloptwrap", 0, first, control)
        first, evaluations = rough.par, rough.feval
    fine = _stage(objective, stages[1], objective.rule, first, control)
    return Optimum(
        fine.par, fine.value, fine.feval + evaluations, fine.converged, fine.message, fine.optimizer, fine.gradient
    )


def read_generalized_start(start: Any, objective: GLMMObjective) -> tuple[np.ndarray, bool]:
    """All parameters to start from, and whether fixed effects are among what the user gave."""
    first, n_re, p = objective.layout.start.copy(), objective.n_re, objective.p
    if start is None:
        return first, False
    parts = dict(start) if isinstance(start, Mapping) else {"theta": start}
    unknown = set(parts) - {"theta", "par", "fixef", "beta"}
    if unknown:
        raise MereValueError(f"start has no component {', '.join(map(repr, sorted(unknown)))}: use 'theta' and 'fixef'")
    theta = parts.get("par", parts.get("theta"))
    beta = parts.get("fixef", parts.get("beta"))
    for name, values, size, at in (("theta", theta, n_re, 0), ("fixef", beta, p, n_re)):
        if values is None:
            continue
        array = np.asarray(values, dtype=np.float64)
        if array.shape != (size,) or not np.isfinite(array).all():
            raise MereValueError(f"start: {name} must have {size} finite numbers, not {values!r}")
        first[at : at + size] = array
    return first, beta is not None


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
                decrement = _decrement(objective, optimum.par, gradient)
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
        boundary=tuple(np.flatnonzero((state.par <= layout.lower) | (state.par >= layout.upper)).tolist()),
        warnings=tuple(f.message for action, f in findings if action != "ignore"),
        full=optimum.par,
        joint_theta=objective.joint_theta,
        _objective=objective,
    )
    return GLMMFit(objective, objective.family_at(optimum.par), state, info)


def _with_joint(objective: GLMMObjective, optimum: Optimum) -> Optimum:
    par, value = objective.joint(optimum.par)
    return Optimum(par, value, optimum.feval, optimum.converged, optimum.message, optimum.optimizer)


def _decrement(objective: GLMMObjective, par: np.ndarray, gradient: np.ndarray) -> float:
    """Half g'H^-1 g over the parameters that no bound holds."""
    layout = objective.layout
    held = ((par <= layout.lower) & (gradient > 0)) | ((par >= layout.upper) & (gradient < 0)) | (gradient == 0.0)
    free = ~held
    if not free.any():
        return 0.0
    values, vectors = np.linalg.eigh(objective.hessian(par)[np.ix_(free, free)])
    slope = vectors.T @ gradient[free]
    return float(0.5 * np.sum(slope**2 / np.maximum(np.abs(values), 1e-8 * np.abs(values).max())))


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
    separated = _separated(objective, state)
    if separated:
        text = (
            f"{separated} fitted probabilities are 0 or 1: {_culprit(objective, state)} separates the outcomes, and "
            "its estimate and standard error grow without bound; leave it out, join levels, or penalize it"
        )
        found.append((control.check_conv_grad, Finding(text, ConvergenceWarning)))
    return found


def _separated(objective: GLMMObjective, state: GLMMState) -> int:
    if objective.family.name != "binomial" or objective.family.link.name not in ("logit", "probit", "cloglog"):
        return 0
    fixed = objective.design.X @ state.beta
    limit = _SEPARATED if objective.family.link.name == "logit" else 7.0
    return int((np.abs(fixed) > limit).sum())


def _culprit(objective: GLMMObjective, state: GLMMState) -> str:
    spread = np.abs(state.beta) * np.abs(objective.design.X).max(axis=0)
    names = objective.design.names
    order = np.argsort(-spread)
    best = next((j for j in order if names[j] != "(Intercept)"), order[0])
    return repr(names[best])
