"""The criterion of a generalized mixed model with one quantity held, minimized over all else; paths of such minima.

Secants keep a Newton matrix that starts as the Hessian at the optimum (BFGS, damped as Powell 1978), so a point near
the last one takes a few gradients. The criterion depends on a relative factor T through T T' only: its diagonal may
change sign, and a standard deviation of zero is a stationary point that has to be left on trial.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .charts import Chart

__all__ = ["Held", "HeldPath", "Limits", "Minimum", "descend", "follow"]

Function = Callable[[np.ndarray], tuple[float, np.ndarray]]

_ENOUGH = 1e-11  # what a Newton step may still gain
_FLAT = 1e-4  # a path whose zeta gains less while its distance doubles has no end


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where a function is lowest: z, the value, the Newton matrix."""

    z: np.ndarray
    d: float
    matrix: np.ndarray


def descend(function: Function, z: np.ndarray, matrix: np.ndarray, limit: int = 200) -> Minimum:
    """A minimum of a smooth function of value and gradient, from z and a positive definite guess of its Hessian.

    Examples
    --------
    >>> found = descend(lambda z: (float((z**4).sum() + (z @ z)), 4 * z**3 + 2 * z), np.array([1.0, -2.0]), np.eye(2))
    >>> bool(abs(found.z).max() < 1e-5)
    True
    """
    d, slope = function(z)
    for _ in range(limit if len(z) else 0):
        step = -np.linalg.solve(matrix, slope)
        gain = -0.5 * float(slope @ step)
        if not gain > _ENOUGH:
            break
        length, noise = 1.0, 1e-13 * (abs(d) + 1.0)
        while True:
            trial, new = function(z + length * step)
            if trial <= d - 2e-4 * length * gain + noise:
                break
            length *= (
                0.5 if not math.isfinite(trial) else min(0.5, max(0.1, length * gain / (trial - d + 2 * length * gain)))
            )
            if length < 1e-8:
                return Minimum(z, d, matrix)
        moved, turned = length * step, new - slope
        settled = abs(trial - d) <= noise and gain < 1e-8
        matrix = _secant(matrix, moved, turned)
        z, d, slope = z + moved, trial, new
        if settled:
            break
    return Minimum(z, d, matrix)


def _secant(matrix: np.ndarray, moved: np.ndarray, turned: np.ndarray) -> np.ndarray:
    along = matrix @ moved
    curved, seen = float(moved @ along), float(moved @ turned)
    if seen < 0.2 * curved:
        share = 0.8 * curved / (curved - seen)
        turned = share * turned + (1 - share) * along
        seen = float(moved @ turned)
    if not (curved > 0 and seen > 0):
        return matrix
    return np.asarray(matrix - np.outer(along, along) / curved + np.outer(turned, turned) / seen)


def positive(matrix: np.ndarray) -> np.ndarray:
    """The symmetric matrix with its eigenvalues made positive."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    size = np.maximum(np.abs(values), 1e-6 * max(float(np.abs(values).max(initial=0.0)), 1e-6))
    return np.asarray((vectors * size) @ vectors.T)


@dataclass(frozen=True, eq=False)
class Held:
    """A criterion in a chart.

    Attributes
    ----------
    criterion : callable
        x -> the value and the gradient; infinity where there is none.
    chart : Chart
    zeros : tuple of int
        Positions in x of standard deviations that may stand at zero without belonging there.
    units : ndarray
        What is a small value of each x.
    bounds : (ndarray, ndarray), optional
        Of x, where its parameters end at bounds and not at zeros that they may cross.
    """

    criterion: Function
    chart: Chart
    zeros: tuple[int, ...]
    units: np.ndarray
    bounds: tuple[np.ndarray, np.ndarray] | None = None

    def at(self, value: float) -> Function:
        """The criterion as a function of z."""

        def function(z: np.ndarray) -> tuple[float, np.ndarray]:
            x = self.chart.join(value, z)
            if not np.isfinite(x).all():
                return math.inf, np.zeros(len(z))
            d, slope = self.criterion(x)
            return d, self.chart.slopes(value, z, slope)[1]

        return function

    def slope(self, value: float, z: np.ndarray) -> float:
        """The derivative of the lowest criterion by the value (z being where it is lowest)."""
        return self.chart.slopes(value, z, self.criterion(self.chart.join(value, z))[1])[0]

    def minimum(self, value: float, z: np.ndarray, matrix: np.ndarray) -> Minimum:
        """The lowest criterion at a value, from z."""
        function = self.at(value)
        if self.bounds is not None:
            return self._bounded(function, z, matrix)
        found = descend(function, z, matrix)
        x = self.chart.join(value, found.z)
        for i in self.zeros:
            if abs(x[i]) > 0.02 * self.units[i]:
                continue
            moved = x.copy()
            moved[i] = 0.2 * self.units[i]
            start = self.chart.split(moved)[1]
            if math.isfinite(function(start)[0]):
                other = descend(function, start, found.matrix)
                found = other if other.d < found.d - 1e-9 else found
        return found

    def _bounded(self, function: Function, z: np.ndarray, matrix: np.ndarray) -> Minimum:
        from scipy.optimize import minimize

        lower, upper = (np.delete(bound, self.chart.without) for bound in self.bounds or ())
        scale = 1 / np.sqrt(np.diag(matrix))

        def scaled(v: np.ndarray) -> tuple[float, np.ndarray]:
            d, slope = function(v * scale)
            return (d, slope * scale) if math.isfinite(d) else (1e10, np.zeros(len(v)))

        found = minimize(
            scaled, np.clip(z, lower, upper) / scale, jac=True, method="L-BFGS-B",
            bounds=list(zip(lower / scale, upper / scale, strict=True)), options={"ftol": 1e-15, "gtol": 1e-7},
        )  # fmt: skip
        return Minimum(found.x * scale, float(found.fun), matrix)


@dataclass(frozen=True, eq=False)
class HeldPath:
    """Points of a profile away from the optimum: values, lowest criteria, slopes of those, x."""

    value: np.ndarray
    d: np.ndarray
    slope: np.ndarray
    x: np.ndarray
    endless: bool = False


@dataclass(frozen=True)
class Limits:
    """How far a path goes, and how densely.

    Attributes
    ----------
    end : float
        The bound of the quantity.
    delta, cutoff : float
        The distance of points in zeta, and where they end.
    points : int
    ceiling : float
        A criterion that is reached beside the path at every value: beyond it the profile is flat.
    """

    end: float
    delta: float
    cutoff: float
    points: int
    ceiling: float = math.inf


def follow(held: Held, start: Minimum, at: float, step: float, limits: Limits) -> HeldPath:
    """The path from the optimum, `start` at the value `at`, in the direction of `step`."""
    path: list[tuple[float, float, float, np.ndarray]] = []
    last, before, value, previous, zeta, pace = start, start, at, at, 0.0, 0.0
    endless, side = False, math.copysign(1.0, step)
    while len(path) < limits.points:
        trial = value + step
        if (limits.end - trial) * step < 0.2 * step**2:
            trial = limits.end
        if (trial - value) * step <= 0:
            break
        line = 0.0 if value == previous else (last.z - before.z) * ((trial - value) / (value - previous))
        found = _at(held, trial, last, line)
        if found is None:
            if abs(step) < 1e-4 * abs(value - at) or not path:
                break
            step = 0.25 * (trial - value)
            continue
        beyond = found.d > limits.ceiling or not held.chart.proper(found.z)
        d = limits.ceiling if beyond else found.d
        moved, gained = trial - value, math.sqrt(max(d - start.d, 0.0)) - zeta
        shorter = _shorter(abs(moved), abs(trial - at), gained, pace, beyond, limits)
        if shorter < 1.0 and abs(moved) > 1e-9 * max(abs(value), 1e-3):
            step = shorter * moved
            continue
        slope = held.slope(trial, found.z)
        path.append((trial, d, slope, held.chart.join(trial, found.z)))
        far = math.isinf(limits.end) and abs(trial - at) > 1.9 * abs(value - at)
        endless = len(path) > 3 and far and gained < _FLAT
        previous, before, last, value, zeta = value, last, found, trial, zeta + gained
        if zeta > limits.cutoff or trial == limits.end or beyond or endless:
            break
        pace = slope * side / (2 * max(zeta, 1e-8))  # of zeta with the distance
        wanted = limits.delta / pace if pace > 0 and math.isfinite(pace) else math.inf
        step = side * float(np.clip(wanted, 0.3 * abs(moved), 4 * abs(moved)))
    columns = [np.array([row[i] for row in path]) for i in range(3)]
    xs = np.array([row[3] for row in path]).reshape(len(path), len(held.units))
    return HeldPath(columns[0], columns[1], columns[2], xs, endless)


def _shorter(moved: float, distance: float, gained: float, pace: float, beyond: bool, limits: Limits) -> float:
    """The part of a step to try in its place; 1 where it will do."""
    if beyond and moved > 2e-3 * distance:  # near the kink
        return 0.25
    if gained > 4 * limits.delta:  # the curvature at the optimum promised less
        return 0.25
    if gained < 0.7 * pace * moved and moved > 0.05 * distance and math.isfinite(limits.end):  # zeta bends
        return 0.5
    return 1.0


def _at(held: Held, trial: float, last: Minimum, shift: np.ndarray | float) -> Minimum | None:
    """The minimum at a value from the end of a straight line, or from the last point."""
    function = held.at(trial)
    for z in (last.z + shift, last.z):
        if math.isfinite(function(z)[0]):
            found = held.minimum(trial, z, last.matrix)
            return replace(found, matrix=positive(found.matrix))
    return None
