"""The optimum of the criterion of a generalized linear mixed model.

The default optimizer starts from theta = 1 (in units of the columns) and the fixed effects that go with it, makes one
Newton matrix of average information and keeps it by secants (BFGS), with exact gradients, free of bounds; singular fits
are certified or left along the way out (csrc/newton.c). R's way, BOBYQA twice (first over theta, then over theta and
the fixed effects), is ``optimizer="nloptwrap"`` or ``"bobyqa"``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from . import _core
from .arguments import numbers_of
from .control import GlmerControl
from .errors import ConvergenceError, MereValueError
from .generalized_objective import GLMMObjective, generalized_kernel_error
from .irls import irls
from .optimizers import Optimum
from .optimizers.active_set import active_set
from .optimizers.nloptwrap import ALIASES
from .separation import is_separating

__all__ = ["optimize_generalized", "read_generalized_start"]

_HALF_AT_ZERO = {"logit", "probit", "cloglog", "cauchit"}  # there eta = 0 is a mean inside (0, 1), of use to any family
_PORTION = 120  # evaluations; separated outcomes are looked for after as many
_ENDLESS = "given up: the outcomes are separated, and estimates grow without bound"
_HIDDEN = "converged to the rounding of the criterion"
_MESSAGES = {0: "converged", 1: "stalled: the criterion is flat or not smooth here", 2: "maxeval reached"}


def optimize_generalized(objective: GLMMObjective, control: GlmerControl, start: Any = None) -> Optimum:
    """The optimum by the control's optimizer(s); with ``optimizer=None`` the criterion at the start."""
    first, given = read_generalized_start(start, objective)
    stages = control.stages
    if start is None and stages[-1] == "auto" and objective.nAGQ and _may_leave_range(objective):
        return _from_several(objective, control, first)
    if not given:
        first = _with_fixed_start(objective, first)
    return _from_one(objective, control, first, given)


def _from_one(objective: GLMMObjective, control: GlmerControl, first: np.ndarray, given: bool) -> Optimum:
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
            found = _two_stages(objective, stages, first, given, control)
            if stages[-1] == "auto":
                return active_set(objective, found.par, found.value, found.feval, 1e-10, "SLSQP + Newton")
            return found
        except _core.KernelError as error:
            raise generalized_kernel_error(error) from None


def _from_several(objective: GLMMObjective, control: GlmerControl, first: np.ndarray) -> Optimum:
    """The lowest of the optima from theta = 1 and from a theta in proportion to the linear predictor.

    Where eta has no natural unit (1/mu, mu, mu of counts in millions), theta = 1 may be far too much, so that modes are
    not found, or so little that theta stays at 0. Each search has a workspace of its own: random effects may have
    several modes (eta and -eta give one mean with a square root link), and one search would start at those of another.
    """
    plain = _with_fixed_start(objective, first)
    beta, level = _without_random_effects(objective)
    nothing = first.copy()
    nothing[: objective.n_re] = _in_units(objective, first[: objective.n_re], 0.0)
    nothing[objective.n_re : objective.n_re + objective.p] = beta
    bound = objective.value_and_gradient(nothing, False)[0] + 1e-6  # an optimum is never above theta = 0
    found: list[tuple[Optimum, Any]] = []  # with the workspace: there may be several modes, and it holds those found
    failure: Exception | None = None
    for factor in (None, 0.2, 0.05, 0.01, 0.002):
        begin, given = plain, False
        if factor is not None:
            begin, given = first.copy(), True
            begin[: objective.n_re] = _in_units(objective, first[: objective.n_re], factor * level)
            begin[objective.n_re : objective.n_re + objective.p] = beta
        own = objective.twin()
        try:
            found.append((_from_one(own, control, begin, given), own.work))
        except (ConvergenceError, MereValueError) as error:
            failure = failure or error
            continue
        if factor is not None and any(each.converged and each.value < bound for each, _ in found):
            break
    if not found:
        assert failure is not None
        raise failure
    lowest = min(each.value for each, _ in found)
    best, objective.work = min(found, key=lambda f: (f[0].value > lowest + 1e-6, not f[0].converged, f[0].value))
    return best


def _in_units(objective: GLMMObjective, par: np.ndarray, unit: float) -> np.ndarray:
    """Parameters of the terms with every standard deviation `unit` times as large."""
    layout, out = objective.terms_layout, par.copy()
    for t, structure in enumerate(objective.structures):
        own = slice(layout.par_at[t], layout.par_at[t + 1])
        scaled = par[own] * unit
        correlations = np.isfinite(structure.upper())  # the only parameters without a unit
        out[own] = np.where(correlations, par[own], scaled)
    return out


def _quasi_newton(objective: GLMMObjective, first: np.ndarray, given: bool, control: GlmerControl) -> Optimum:
    # from the joint modes where they exist, else from the start as it is
    begin = first if given else _joint_or(objective, first)
    try:
        laplace = _run(objective, begin, 1, control)
    except _core.KernelError:
        if given or not objective.p:
            raise
        laplace = _run(objective, _near(objective, first), 1, control)
    if not laplace.converged and not is_separating(objective, laplace.par):
        rescue = _bobyqa(objective, "nloptwrap", 1, laplace.par if np.isfinite(laplace.value) else begin, control)
        second = _run(objective, rescue.par, 1, control)
        laplace = second if second.value <= laplace.value or not np.isfinite(laplace.value) else laplace
    if objective.nAGQ == 1:
        return laplace
    fine = _run(objective, laplace.par, objective.rule, control)
    if not fine.converged and not is_separating(objective, fine.par):
        rescue = _bobyqa(objective, "nloptwrap", objective.rule, fine.par, control)
        if rescue.value < fine.value - 1e-7:
            return rescue
    return fine


def _joint_or(objective: GLMMObjective, first: np.ndarray) -> np.ndarray:
    try:
        return objective.joint(first, rough=True)[0]
    except (ConvergenceError, MereValueError):
        return first


def _near(objective: GLMMObjective, first: np.ndarray) -> np.ndarray:
    """The start with fixed effects of the model without random effects: eta = 0 is far from counts in millions."""
    out = first.copy()
    out[objective.n_re : objective.n_re + objective.p] = _without_random_effects(objective)[0]
    return _joint_or(objective, out)


def _with_fixed_start(objective: GLMMObjective, first: np.ndarray) -> np.ndarray:
    """Where eta = 0 is no valid linear predictor, start from the fixed effects of the model without random effects."""
    family = objective.family
    if objective.p == 0 or (family.code >= 0 and family.link.code >= 0 and family.link.name in _HALF_AT_ZERO):
        return first
    with np.errstate(all="ignore"):
        zero = np.zeros(1)
        mu = family.link.inverse(zero)
        if family.link.valid(zero) and family.valid_mu(mu):
            return first
    out = first.copy()
    out[objective.n_re : objective.n_re + objective.p] = _without_random_effects(objective)[0]
    return out


def _without_random_effects(objective: GLMMObjective) -> tuple[np.ndarray, float]:
    """Fixed effects of the model without random effects, and the middle size of its linear predictor."""
    family, design = objective.family, objective.design
    try:
        fit = irls(design.X, objective.response, family, design.offset, maxit=50)
        return fit.beta, float(np.median(np.abs(fit.eta)))
    except MereValueError:  # the mean alone
        y, wt = objective.response.y, objective.response.weights
        level = float(family.link.link(np.array([float((wt * y).sum() / wt.sum())]))[0])
        return np.linalg.lstsq(design.X, np.full(len(y), level), rcond=None)[0], abs(level)


def _run(objective: GLMMObjective, start: np.ndarray, rule: Any, control: GlmerControl) -> Optimum:
    """Quasi-Newton steps in portions, given up when the outcomes are found to be separated."""
    options = control.optCtrl
    decrement, left, done, steps = float(options.get("decrement", 1e-10)), int(options.get("maxeval", 1000)), 0, 0
    while True:
        par, gradient, matrix, out = objective.work.newton(start, rule, decrement, min(left, _PORTION))
        left, done, steps, start = left - _PORTION, done + out["n_eval"], steps + out["n_gradient"], par
        endless = out["code"] == 2 and is_separating(objective, par)
        if out["code"] != 2 or endless or left <= 0:
            break
    hidden = out["code"] == 1 and out["decrement"] < _rounding(objective)
    message = _ENDLESS if endless else _HIDDEN if hidden else _MESSAGES[out["code"]]
    return Optimum(
        par, out["d"], done, out["code"] == 0 or endless or hidden, message, "BFGS",
        gradient=gradient, matrix=matrix, decrement=0.0 if endless else out["decrement"], n_null=out["n_null"],
        iterations=steps,
    )  # fmt: skip


def _rounding(objective: GLMMObjective) -> float:
    """The rounding of the criterion of counts, whose terms y log(y) cancel."""
    if objective.family.name not in ("poisson", "Negative Binomial"):
        return 0.0
    y, wt = objective.response.y, objective.response.weights
    return float(4e-16 * (wt * y).sum() * np.log1p(y.max(initial=0.0)))


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
    way = name if not callable(name) else "nloptwrap"
    risky = _may_leave_range(objective)
    found = _stage(objective, way, 0, _with_modes(objective, first) if risky else first, tight)
    if risky:  # beside parameters without a criterion a model of it is rough: once more
        again = _stage(objective, way, 0, found.par, tight)
        found = again if again.value < found.value else found
    return Optimum(found.par, found.value, found.feval, found.converged, found.message, found.optimizer)


def _with_modes(objective: GLMMObjective, first: np.ndarray) -> np.ndarray:
    """The start, with a smaller theta where the modes are not found there."""
    start = first
    for _ in range(8):
        if np.isfinite(objective.value_and_gradient(_joint_or(objective, start), False)[0]):
            return start
        start = np.concatenate([0.5 * start[: objective.n_re], first[objective.n_re :]])
    return first


def _may_leave_range(objective: GLMMObjective) -> bool:
    """Are there linear predictors whose mean the family does not take?"""
    family, link = objective.family, objective.family.link
    if family.code < 0 or link.code < 0:
        far = np.array([-5.0, 0.0, 5.0])
        with np.errstate(all="ignore"):
            return not (link.valid(far) and family.valid_mu(link.inverse(far)))
    return not (
        link.name in _HALF_AT_ZERO
        or (link.name == "identity" and family.name == "gaussian")
        or (link.name == "log" and family.name != "binomial")
    )


def _two_stages(
    objective: GLMMObjective, stages: tuple[Any, Any], first: np.ndarray, given: bool, control: GlmerControl
) -> Optimum:
    evaluations = 0
    if not given and control.nAGQ0initStep:
        rough = _stage(objective, stages[0] if not callable(stages[0]) else "nloptwrap", 0, first, control)
        first, evaluations = rough.par, rough.feval
    if stages[1] == "auto":
        control = control.with_options(ftol_abs=1e-4, xtol_abs=1e-4)
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
        array = numbers_of(values, f"start: {name}")
        if array.shape != (size,) or not np.isfinite(array).all():
            raise MereValueError(f"start: {name} must have {size} finite numbers, not {values!r}")
        first[at : at + size] = array
    return first, beta is not None
