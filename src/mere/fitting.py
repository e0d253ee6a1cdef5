"""Fit a linear mixed model: design in, frozen fit out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from . import _core
from .checks import act, check_convergence, check_design, gain_left, is_singular, on_bounds
from .control import LmerControl
from .design import Design
from .errors import MereTypeError, MereValueError
from .objective import LMMObjective, LMMState, TermBlocks, kernel_error
from .optimizers import Optimum, minimize

__all__ = ["LMMFit", "OptInfo", "fit_lmm", "optimize", "read_start"]


@dataclass(frozen=True, eq=False)
class OptInfo:
    """How the optimum was found, and the evidence that it is one.

    Attributes
    ----------
    optimizer : str
    feval : int
        Evaluations of the criterion.
    message : str
        The optimizer's last word.
    gradient : ndarray (n_par,) or None
        Exact gradient of the criterion at the optimum; None with ``calc_derivs=False``.
    hessian : ndarray (n_par, n_par)
        Central differences of the exact gradient; computed when first asked for.
    decrement : float
        Newton decrement over the parameters inside their bounds: about how much lower the criterion could get.
    boundary : tuple of int
        Parameters that are on their bound.
    warnings : tuple of str
        What the checks of convergence had to say.
    iterations : int or None
        Steps of the optimizer, where it counts them.
    """

    optimizer: str
    feval: int
    message: str
    gradient: np.ndarray | None
    decrement: float
    boundary: tuple[int, ...]
    warnings: tuple[str, ...]
    _par: np.ndarray = field(repr=False)
    _objective: TermBlocks = field(repr=False)
    iterations: int | None = None

    @cached_property
    def hessian(self) -> np.ndarray:
        return self._objective.hessian(self._par)


@dataclass(frozen=True, eq=False)
class LMMFit:
    """A design, its criterion, and the state at the optimum."""

    design: Design
    objective: LMMObjective
    state: LMMState
    optinfo: OptInfo


def fit_lmm(
    design: Design,
    reml: bool = True,
    control: LmerControl | None = None,
    start: Any = None,
) -> LMMFit:
    """Fit the model of a design.

    Parameters
    ----------
    design : Design
    reml : bool
    control : LmerControl, optional
    start : array or mapping, optional
        Values of par, or ``{"theta": …}``, ``{"par": …}``.
    """
    control = control or LmerControl()
    act(check_design(design, control))
    objective = LMMObjective(design, reml)
    optimum = optimize(objective, control, start)
    return settle(objective, optimum, control)


def optimize(objective: LMMObjective, control: LmerControl, start: Any = None) -> Optimum:
    """The optimum of a criterion by the control's optimizer; with ``optimizer=None`` its value at the start."""
    first = read_start(start, objective)
    if control.optimizer is None:
        par = np.array(objective.layout.start if first is None else first)
        return Optimum(par, objective.value(par), 1, True, "start values: no optimization", "none")
    with objective.threads:
        try:
            return minimize(objective, control.optimizer, first, control.optCtrl)
        except _core.KernelError as error:
            raise kernel_error(error) from None


def settle(objective: LMMObjective, optimum: Optimum, control: LmerControl) -> LMMFit:
    """State and certificate at an optimum; says what the checks found."""
    layout = objective.layout
    with objective.threads:
        state = objective.current_state(optimum.par, optimum.value) if optimum.current else objective.state(optimum.par)
        gradient = optimum.gradient
        if gradient is None and control.calc_derivs:
            gradient = objective.gradient(optimum.par)
        decrement = optimum.decrement
        if decrement is None:
            decrement = float("nan") if gradient is None else _gain_left(objective, optimum.par, gradient)
    singular = is_singular(state.theta, layout.theta_lower, control.check_conv_singular_tol)
    findings = check_convergence(optimum, np.zeros(0) if gradient is None else gradient, decrement, singular, control)
    act(findings)
    optinfo = OptInfo(
        optimizer=optimum.optimizer,
        feval=optimum.feval,
        message=optimum.message,
        gradient=gradient,
        decrement=decrement,
        boundary=on_bounds(state.par, layout.lower, layout.upper),
        warnings=tuple(f.message for action, f in findings if action != "ignore"),
        _par=state.par,
        _objective=objective,
        iterations=optimum.iterations,
    )
    return LMMFit(objective.design, objective, state, optinfo)


def _gain_left(objective: LMMObjective, par: np.ndarray, gradient: np.ndarray) -> float:
    layout = objective.layout

    def matrix() -> np.ndarray:
        return objective.work.information() if layout.linear else objective.hessian(par)

    return gain_left(par, gradient, layout.lower, layout.upper, matrix)


def read_start(start: Any, objective: LMMObjective) -> np.ndarray | None:
    """The user's start as par."""
    if start is None:
        return None
    layout = objective.layout
    if isinstance(start, Mapping):
        unknown = set(start) - {"theta", "par", "fixef", "beta"}
        if unknown:
            raise MereValueError(
                f"start has no component {', '.join(map(repr, sorted(unknown)))}: use 'theta' or 'par'"
            )
        values = start.get("par", start.get("theta"))
        if values is None:
            return None
        if "theta" in start and "par" not in start and not layout.linear:
            raise MereValueError(
                "start={'theta': …} needs unstructured terms; give start={'par': …} for cs() and ar1()"
            )
    else:
        values = start
    try:
        par = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise MereTypeError(f"start must be numbers, or a mapping with 'theta' or 'par', not {start!r}") from None
    if par.shape != (layout.n_par,) or not np.isfinite(par).all():
        raise MereValueError(
            f"start must have {layout.n_par} finite numbers (in the internal order of the terms), not {values!r}"
        )
    return par
