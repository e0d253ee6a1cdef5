"""A profile of one parameter as a curve: zeta at values, values at zeta.

Between two points zeta is the cubic with their values and slopes (Hermite), the slopes limited so that it is monotone
(Fritsch & Carlson 1980, SIAM J. Numer. Anal. 17, 238-246). The slopes are exact, so few points give many digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..arguments import check_probability, count_of
from ..errors import MereValueError

__all__ = ["Curve", "Steps", "make_curve", "outward_steps"]


@dataclass(frozen=True)
class Steps:
    r"""How far a profile goes and how dense its points are.

    Attributes
    ----------
    cutoff, delta : float
        The largest \|zeta\|, and the distance of two points in zeta.
    points : int
        At most, on each side.
    covariances : bool
        Variances and covariances, and not standard deviations and correlations?
    """

    cutoff: float
    delta: float
    points: int
    covariances: bool


def outward_steps(
    parameters: int, alphamax: float, maxpts: int, delta: float | None, delta_cutoff: float, prof_scale: str
) -> Steps:
    """The steps that lme4's arguments ask for: up to the quantile of chi squared for all parameters at once."""
    from scipy.special import chdtri

    if prof_scale not in ("sdcor", "varcov"):
        raise MereValueError(f"prof_scale must be 'sdcor' or 'varcov', not {prof_scale!r}")
    check_probability(alphamax, "alphamax")
    for name, value in (("delta", delta), ("delta_cutoff", delta_cutoff)):
        if value is not None and not (isinstance(value, (int, float, np.number)) and 0 < value < math.inf):
            raise MereValueError(f"{name} must be a positive number, not {value!r}")
    cutoff = float(np.sqrt(chdtri(parameters, alphamax)))
    step = cutoff * delta_cutoff if delta is None else float(delta)
    return Steps(cutoff, step, count_of(maxpts, "maxpts"), prof_scale == "varcov")


@dataclass(frozen=True, eq=False)
class Curve:
    """zeta of one parameter.

    Attributes
    ----------
    value, zeta, slope : ndarray (n,)
        Increasing values, zeta there and its derivative.
    lower, upper : float
        Bounds of the parameter.
    endless : (bool, bool)
        Does zeta level off, towards small values and towards large ones?
    """

    value: np.ndarray
    zeta: np.ndarray
    slope: np.ndarray
    lower: float = -np.inf
    upper: float = np.inf
    endless: tuple[bool, bool] = (False, False)

    def __call__(self, value: np.ndarray | float) -> np.ndarray:
        """zeta at values; NaN outside the points."""
        x = np.atleast_1d(np.asarray(value, dtype=float))
        if len(self.value) < 2:
            return np.full(x.shape, np.nan)
        i = np.clip(np.searchsorted(self.value, x, side="right") - 1, 0, len(self.value) - 2)
        out: np.ndarray = np.array([self._cubic(int(j), float(v)) for j, v in zip(i, x, strict=True)])
        out[(x < self.value[0]) | (x > self.value[-1])] = np.nan
        return out

    def _cubic(self, i: int, x: float) -> float:
        h = self.value[i + 1] - self.value[i]
        t, z0, z1 = (x - self.value[i]) / h, self.zeta[i], self.zeta[i + 1]
        s0, s1 = h * self.slope[i], h * self.slope[i + 1]
        return float(z0 + t * (s0 + t * (3 * (z1 - z0) - 2 * s0 - s1 + t * (2 * (z0 - z1) + s0 + s1))))

    def inverse(self, zeta: float) -> float:
        """The value where the curve, followed from the estimate outwards, first reaches zeta.

        Where it does not: the bound if the curve ends there, infinity if zeta levels off, else NaN.
        """
        start = int(np.argmin(np.abs(self.zeta)))
        steps = range(start, len(self.zeta) - 1) if zeta >= 0 else range(start - 1, -1, -1)
        for i in steps:
            if (self.zeta[i] - zeta) * (self.zeta[i + 1] - zeta) <= 0:
                return self._bisect(i, zeta)
        end, bound = (self.value[-1], self.upper) if zeta >= 0 else (self.value[0], self.lower)
        if self.endless[zeta >= 0]:
            return float(bound)
        near = abs(end - bound) <= 1e-6 * (self.value[-1] - self.value[0])
        return float(bound) if near else float("nan")

    def _bisect(self, i: int, zeta: float) -> float:
        low, high = float(self.value[i]), float(self.value[i + 1])
        rising = self.zeta[i] <= self.zeta[i + 1]
        for _ in range(60):
            middle = 0.5 * (low + high)
            if (self._cubic(i, middle) < zeta) == rising:
                low = middle
            else:
                high = middle
        return 0.5 * (low + high)

    def mapped(self, f: Callable[[np.ndarray], np.ndarray], slope: Callable[[np.ndarray], np.ndarray]) -> Curve:
        """The curve of f(parameter), f increasing, with f's derivative; points where f is infinite are left out."""
        with np.errstate(divide="ignore", invalid="ignore"):
            value, factor = f(self.value), slope(self.value)
            lower, upper = f(np.array([self.lower, self.upper]))
            new = self.slope / factor
        keep = np.isfinite(value)
        new = np.where(np.isfinite(new), new, np.nan)
        return make_curve(value[keep], self.zeta[keep], new[keep], float(lower), float(upper))


def make_curve(value: np.ndarray, zeta: np.ndarray, slope: np.ndarray, lower: float, upper: float) -> Curve:
    """A curve from points in any order; slopes that are NaN are estimated."""
    order = np.argsort(value, kind="stable")
    value, zeta, slope = value[order], zeta[order], slope[order].copy()
    curve = Curve(value, zeta, slope, lower, upper)
    if len(value) < 2:
        return curve
    for i in np.flatnonzero(np.isnan(slope)):
        slope[i] = _estimated(value, zeta, int(i))
    return replace(curve, slope=_monotone(value, zeta, slope))


def _estimated(value: np.ndarray, zeta: np.ndarray, i: int) -> float:
    """The derivative at point i of the polynomial through it and its neighbours, two to a side."""
    near = [j for j in range(max(i - 2, 0), min(i + 3, len(value))) if j != i]
    at, x = float(value[i]), value[near].tolist()
    slope = 0.0
    for j, z in enumerate((zeta[near] - zeta[i]).tolist()):
        weight = 1.0 / (x[j] - at)
        for k, other in enumerate(x):
            if k != j:
                weight *= (at - other) / (x[j] - other)
        slope += weight * z
    return float(slope)


def _monotone(value: np.ndarray, zeta: np.ndarray, slope: np.ndarray) -> np.ndarray:
    secant = np.diff(zeta) / np.diff(value)
    limit = np.full(len(value), np.inf)
    limit[:-1] = 3 * np.abs(secant)
    limit[1:] = np.minimum(limit[1:], 3 * np.abs(secant))
    out: np.ndarray = np.clip(slope, -limit, limit)
    return out
