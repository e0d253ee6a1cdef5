"""Fit a nonlinear mixed model: design in, frozen fit out.

The default way: BOBYQA over theta, roughly, with the fixed effects found beside the random effects; then BFGS over
theta and the fixed effects with exact gradients, and Newton steps with a differenced Hessian that certify the optimum.
The criterion is even in each column of an unstructured factor, so these steps need no bounds: signs are settled at the
end, and columns that vanish become exact zeros.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _core
from .checks import act, is_singular
from .control import NlmerControl
from .design import Finding
from .errors import ConvergenceError, ConvergenceWarning, MereTypeError, MereValueError, SingularFitMessage
from .generalized_fitting import GeneralizedInfo
from .nonlinear_design import NonlinearDesign
from .nonlinear_mean import find_self_start
from .nonlinear_objective import NLMMObjective, NLMMState
from .nonlinear_optimum import quasi_newton
from .optimizers import Optimum, minimize

__all__ = ["NLMMFit", "fit_nlmm", "own_start", "read_nonlinear_start", "refit_nlmm"]


@dataclass(frozen=True, eq=False)
class NLMMFit:
    """A criterion and the state at its optimum."""

    objective: NLMMObjective
    state: NLMMState
    optinfo: GeneralizedInfo


def read_nonlinear_start(start: Any) -> tuple[tuple[str, ...] | None, np.ndarray | None, np.ndarray | None]:
    """Names and values of the nonlinear parameters, and theta, of what the user gave as start."""
    if start is None:
        return None, None, None
    theta = None
    if isinstance(start, Mapping) and ("nlpars" in start or "theta" in start):
        unknown = set(start) - {"nlpars", "theta"}
        if unknown:
            raise MereValueError(f"start has no component {', '.join(map(repr, sorted(unknown)))}: 'nlpars' or 'theta'")
        theta = None if start.get("theta") is None else _numbers(start["theta"], "start['theta']")
        start = start.get("nlpars")
        if start is None:
            return None, None, theta
    names: tuple[str, ...] | None = None
    if isinstance(start, Mapping):
        names, start = tuple(start), list(start.values())
    elif hasattr(start, "index") and hasattr(start, "to_numpy"):
        names, start = tuple(str(n) for n in start.index), start.to_numpy()
        if all(n.isdigit() for n in names):
            names = None
    return names, _numbers(start, "start"), theta


def _numbers(values: Any, what: str) -> np.ndarray:
    try:
        out = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise MereTypeError(f"{what} must be numbers, such as {{'Asym': 200, 'xmid': 725}}, not {values!r}") from None
    if out.ndim != 1 or not np.isfinite(out).all():
        raise MereValueError(f"{what} must be finite numbers in one dimension, not {values!r}")
    return out


def own_start(design: NonlinearDesign) -> np.ndarray:
    """The start of a self-starting model: least squares without random effects."""
    node, mean = design.mean.node, design.mean
    model = find_self_start(node, design.frame.env)
    if model is None:
        raise MereValueError(f"start is needed: only self-starting models find their own, {node} is none")
    arguments = mean._ordered(node, (*model.inputs, *model.parameters))  # type: ignore[arg-type]
    inputs = [np.broadcast_to(mean._constant(a), design.n) for a in arguments[: len(model.inputs)]]
    found = dict(zip([str(a) for a in arguments[len(model.inputs) :]], model.start(*inputs, design.y).values()))
    missing = [p for p in design.parameters if p not in found]
    if missing:
        raise MereValueError(
            f"start is needed for {', '.join(missing)}: an argument of {model.name}() is an expression"
        )
    return np.array([found[p] for p in design.parameters])


def fit_nlmm(
    design: NonlinearDesign,
    nAGQ: int = 1,
    control: NlmerControl | None = None,
    start: np.ndarray | None = None,
    theta: np.ndarray | None = None,
) -> NLMMFit:
    """Fit the nonlinear mixed model of a design.

    Parameters
    ----------
    design : NonlinearDesign
    nAGQ : int
    control : NlmerControl, optional
    start : (s,) or (p,) array, optional
        Of the nonlinear parameters, or of all fixed effects.
    theta : array, optional
    """
    control = control or NlmerControl()
    _check_levels(design, control)
    beta = own_start(design) if start is None else start
    s, p = design.X_par.shape[1:]
    if len(beta) not in (s, p):
        raise MereValueError(f"start must have {s} values, one for each of {', '.join(design.parameters)}")
    beta = np.concatenate([beta, np.zeros(p - len(beta))])
    objective = NLMMObjective(design, nAGQ, control.tolPwrss, beta)
    own = _theta_start(objective, beta) if theta is None else theta
    if own.shape != (objective.n_re,):
        raise MereValueError(f"start['theta'] must have {objective.n_re} values, not {own.size}")
    return refit_nlmm(objective, control, own, beta, given=theta is not None)


def refit_nlmm(
    objective: NLMMObjective, control: NlmerControl, theta: np.ndarray, beta: np.ndarray, given: bool = True
) -> NLMMFit:
    """Optimize from these parameters of the random terms and fixed effects."""
    own = np.array(theta)
    objective.beta = np.array(beta)
    full = np.concatenate([own, beta]) if objective.nAGQ else own
    if control.optimizer is None:
        optimum = Optimum(full, objective.value(full), 1, True, "start values: no optimization", "none")
        return _settle(objective, optimum, control, None)
    first = NLMMObjective(objective.design, 0, max(objective.tolPwrss, 1e-3 if objective.nAGQ else 1e-7), beta)
    count = 0
    if not given:
        own, count = _rough(first, own)
    if objective.nAGQ == 0:
        objective.beta = first.beta
        return _settle(objective, _search(objective, control, own), control, None)
    if not given:
        first.value(own)
        full = np.concatenate([own, first.beta])
        objective.u = first.u
    if control.optimizer == "auto":
        optimum, hessian = quasi_newton(objective, full, int(control.optCtrl.get("maxeval", 2000)))
        optimum = Optimum(optimum.par, optimum.value, optimum.feval + count, optimum.converged, optimum.message, "auto")
        return _settle(objective, optimum, control, hessian)
    return _settle(objective, _search(objective, control, full), control, None)


def _check_levels(design: NonlinearDesign, control: NlmerControl) -> None:
    for term in design.random:
        if len(term.levels) < 2:
            text = f"the grouping factor '{term.group}' must have more than 1 level"
            act([(control.check_nlev_gtr_1, Finding(text, ConvergenceWarning))])


def _theta_start(objective: NLMMObjective, beta: np.ndarray) -> np.ndarray:
    """Identity in units of the rows: start / root mean square of each column of the linearized Z."""
    mean, G = objective.mean(objective.X @ beta)
    if not (np.isfinite(mean).all() and np.isfinite(G).all()):
        raise MereValueError(
            f"the nonlinear mean or its gradient is not finite at start ({', '.join(f'{b:.4g}' for b in beta)})"
        )
    scale = np.sqrt(np.mean(objective._rows(G, objective.Z) ** 2, axis=0))
    scale = np.where(scale > 0, scale, 1.0)
    layout, out = objective.terms_layout, np.array(objective.terms_layout.start)
    if layout.linear:
        first = np.concatenate([[0], np.cumsum([c.k for c in objective.structures])])
        for t, row, column, par in layout.entries:
            if row == column:
                out[par] = layout.start[par] / scale[first[t] + row]
    return out


def _rough(objective: NLMMObjective, own: np.ndarray) -> tuple[np.ndarray, int]:
    """Theta to about two digits, with the fixed effects of the penalized least squares."""
    layout = objective.layout
    unit = np.where(own == 0, np.abs(own[own != 0]).min(initial=np.inf) if (own != 0).any() else 1.0, np.abs(own))
    unit = np.where(np.isfinite(unit), unit, 1.0)

    def f(x: np.ndarray, gradient: bool) -> tuple[float, None]:
        value = objective.value_and_gradient(x * unit, False)[0]
        return (value if np.isfinite(value) else 1e10), None

    start = objective.beta.copy()
    try:
        x, out = _core.nlopt_minimize(
            "LN_BOBYQA", f, own / unit, layout.lower / unit, layout.upper / unit, 1e-2, 1e-2, 8 + 6 * len(own)
        )
    except (_core.KernelError, ConvergenceError):
        objective.beta = start
        return own, 0
    return x * unit, int(out["n_eval"])


class _Units:
    """The criterion in parameters divided by their units, as optimizers see it."""

    reml = False

    def __init__(self, objective: NLMMObjective, start: np.ndarray):
        self.objective, self.threads = objective, objective.threads
        unit = np.abs(start)
        small = unit[unit > 0].min(initial=np.inf)
        self.unit = np.where(unit > 0, unit, small if np.isfinite(small) else 1.0)
        layout = objective.layout
        self.start = start / self.unit
        self.layout = type(layout)(layout.n_par, False, layout.lower / self.unit, layout.upper / self.unit, self.start)

    def value(self, x: Any) -> float:
        """The criterion, and something large where it does not exist."""
        value = self.objective.value_and_gradient(np.asarray(x) * self.unit, False)[0]
        return value if np.isfinite(value) else 1e10

    def value_and_gradient(self, x: Any, gradient: bool = True) -> tuple[float, np.ndarray | None]:
        return self.value(x), self.gradient(x) if gradient else None

    def gradient(self, x: Any) -> np.ndarray:
        return self.objective.gradient(np.asarray(x) * self.unit) * self.unit


def _search(objective: NLMMObjective, control: NlmerControl, start: np.ndarray) -> Optimum:
    """By an optimizer of the registry; "auto" is BOBYQA here."""
    name = "nloptwrap" if control.optimizer == "auto" else control.optimizer
    if isinstance(name, (list, tuple)):
        name = name[-1]
    view = _Units(objective, start)
    try:
        found = minimize(view, name, view.start, control.optCtrl)  # type: ignore[arg-type]
    except _core.KernelError as error:
        raise ConvergenceError(f"optimizer {name!r} failed: {error}") from None
    par = found.par * view.unit
    return Optimum(par, objective.value(par), found.feval, found.converged, found.message, str(found.optimizer))


# ------------------------------------------------------------------ the end
def _settle(objective: NLMMObjective, optimum: Optimum, control: NlmerControl, hessian: np.ndarray | None) -> NLMMFit:
    """State, certificate and what there is to say."""
    state = objective.state(optimum.par)
    gradient = objective.gradient(optimum.par) if control.optimizer is not None else None
    layout = objective.terms_layout
    boundary = tuple(np.flatnonzero((state.par <= layout.lower) | (state.par >= layout.upper)).tolist())
    decrement = float("nan")
    if objective.nAGQ and gradient is not None:
        hessian = objective.hessian(optimum.par) if hessian is None else hessian
        free = np.setdiff1d(np.arange(len(optimum.par)), boundary)
        values, vectors = np.linalg.eigh(hessian[np.ix_(free, free)])
        slope = vectors.T @ gradient[free]
        scale = np.maximum(np.abs(values), 1e-12 * np.abs(values).max())
        decrement = float(0.5 * np.sum(slope**2 / scale)) if len(free) else 0.0
    singular = is_singular(state.theta, layout.theta_lower, control.check_conv_singular_tol)
    found: list[tuple[str, Finding]] = []
    if singular:
        text = "boundary (singular) fit: see help('isSingular')"
        found.append((control.check_conv_singular, Finding(text, SingularFitMessage)))
    if not optimum.converged or decrement > 2e-3:
        text = (
            f"optimizer {optimum.optimizer} did not converge ({optimum.message}; the criterion can be lowered by about "
            f"{decrement:.2g}); give another start, or a parametrization nearer to linear"
        )
        found.append((control.check_conv_grad, Finding(text, ConvergenceWarning)))
    act(found)
    info = GeneralizedInfo(
        optimizer=optimum.optimizer,
        feval=optimum.feval,
        message=optimum.message,
        gradient=gradient,
        decrement=decrement,
        boundary=boundary,
        warnings=tuple(f.message for action, f in found if action != "ignore"),
        _par=optimum.par,
        joint_theta=False,
        _objective=objective,  # type: ignore[arg-type]
    )
    if hessian is not None:
        info.__dict__["hessian"] = hessian
    return NLMMFit(objective, state, info)
