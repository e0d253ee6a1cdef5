"""Profiles where a quantity is no coordinate: covariances, and unstructured terms beside structured ones.

The criterion d(theta, sigma) is minimized over par and tau = log sigma by sequential quadratic programming with the
quantity as an equality constraint; the gradient of d is exact, that of the quantity differenced. Slower than
csrc/profile.c, and for any quantity that is a function of par and sigma.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _core
from ..model import LMM

__all__ = ["Quantity", "SigmaCriterion", "constrained_path"]

Quantity = Callable[[np.ndarray, float], float]  # of par and sigma


class SigmaCriterion:
    """d and its gradient in x = (par, tau)."""

    def __init__(self, m: LMM):
        self.objective = m.objective
        self.work = _core.Work(m.objective.plan)
        offset = m.design.offset
        self.work.set_response(m.design.y if offset is None else m.design.y - offset)
        self.n, self.p = m.design.n, len(m.beta)

    def value(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """d and its gradient."""
        par, tau = x[:-1], float(x[-1])
        objective = self.objective
        kernel = par if objective.layout.linear else objective.theta(par)
        _core.fix_sigma(self.work, float(np.exp(tau)))
        d = self.work.value(kernel, False)
        slope = self.work.gradient()
        rho = self.work.state()[4][2]
        if not objective.layout.linear:
            slope = slope @ objective.jacobian(par)
        return d, np.append(slope, 2 * self.n - 2 * rho * np.exp(-2 * tau))

    def beta(self, x: np.ndarray) -> np.ndarray:
        """The fixed effects at x."""
        self.value(x)
        return np.asarray(self.work.state()[0])


class _Problem(SigmaCriterion):
    """With a quantity that is held."""

    def __init__(self, m: LMM, quantity: Quantity):
        super().__init__(m)
        self.quantity = quantity

    def held(self, x: np.ndarray) -> float:
        return self.quantity(x[:-1], float(np.exp(x[-1])))

    def held_slope(self, x: np.ndarray) -> np.ndarray:
        out = np.empty(len(x))
        for i in range(len(x)):
            h = 1e-6 * max(abs(float(x[i])), 1e-2)
            up, down = x.copy(), x.copy()
            up[i] += h
            down[i] -= h
            out[i] = (self.held(up) - self.held(down)) / (2 * h)
        return out


def constrained_path(
    m: LMM, quantity: Quantity, lower: float, upper: float, delta: float, cutoff: float, points: int
) -> tuple[np.ndarray, ...]:
    """The path of a profile, as `_core.profile` gives it; the optimum is not on it."""
    problem = _Problem(m, quantity)
    start = np.append(m.par, np.log(m.sigma))
    at = problem.held(start)
    out: list[tuple[float, ...]] = []
    pars, betas = [], []
    for sign in (-1.0, 1.0):
        x, value, zeta = start.copy(), at, 0.0
        step = delta * max(0.05 * abs(at), 0.02 * (1.0 if np.isfinite(upper) else m.sigma))
        for _ in range(points):
            end = lower if sign < 0 else upper
            trial = value + sign * step
            if sign * (end - trial) < 0.2 * step:
                trial = end - sign * 1e-6 * max(1.0, abs(end)) if np.isfinite(end) and abs(end) == 1.0 else end
            if sign * (trial - value) <= 0:
                break
            solved = _solve(problem, x, trial, m)
            if solved is None:
                break
            x, d = solved
            z = float(np.sqrt(max(d - m.criterion, 0.0)))
            sigma = float(np.exp(x[-1]))
            beta = problem.work.state()[0]
            out.append((trial, sign * z, np.nan, d, sigma))
            pars.append(x[:-1].copy())
            betas.append(beta)
            if z > cutoff or trial == end:
                break
            moved, gained = abs(trial - value), max(z - zeta, 1e-8)
            step = float(np.clip(moved * delta / gained, 0.3 * moved, 8 * moved))
            value, zeta = trial, z
    columns = np.array(out).reshape(-1, 5).T
    return (*columns, np.array(pars).reshape(len(out), -1), np.array(betas).reshape(len(out), -1))


def _solve(problem: _Problem, x: np.ndarray, value: float, m: LMM) -> tuple[np.ndarray, float] | None:
    from scipy.optimize import Bounds, minimize

    layout = m.objective.layout
    scale = np.maximum(np.abs(x), 1e-2)
    unit = max(abs(value), 1e-3 * m.sigma) if abs(value) > 1 else 1.0

    def function(v: np.ndarray) -> tuple[float, np.ndarray]:
        try:
            d, slope = problem.value(v * scale)
        except _core.KernelError:
            return 1e10, np.zeros(len(v))
        return d, slope * scale

    constraint: dict[str, Any] = {
        "type": "eq",
        "fun": lambda v: (problem.held(v * scale) - value) / unit,
        "jac": lambda v: problem.held_slope(v * scale) * scale / unit,
    }
    bounds = Bounds(np.append(layout.lower, -np.inf) / scale, np.append(layout.upper, np.inf) / scale)
    found = minimize(
        function, x / scale, jac=True, method="SLSQP", bounds=bounds, constraints=[constraint],
        options={"ftol": 1e-11, "maxiter": 300},
    )  # fmt: skip
    out = found.x * scale
    if not np.isfinite(found.fun) or abs(problem.held(out) - value) > 1e-5 * unit:
        return None
    return out, problem.value(out)[0]
