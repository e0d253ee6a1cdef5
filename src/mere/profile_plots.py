"""Pictures of profiles and bootstraps. matplotlib is imported when a picture is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import generics as g
from .inference.bootstrapping import Bootstrap
from .inference.curves import Curve
from .inference.profile_results import Profile
from .plotting import figure_panels

__all__ = ["contour", "density"]

LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99)


# -- numbers -----------------------------------------------------------------------
def density(curve: Curve, points: int = 201) -> tuple[np.ndarray, np.ndarray]:
    """Values, and phi(zeta) dzeta/dvalue there.

    Examples
    --------
    >>> from mere.inference.curves import make_curve
    >>> v = np.linspace(-4, 4, 9)
    >>> x, f = density(make_curve(v, v, np.ones(9), -np.inf, np.inf))
    >>> round(float(f.max()), 4), round(float(f.sum() * (x[1] - x[0])), 3)
    (0.3989, 1.0)
    """
    value = np.linspace(curve.value[0], curve.value[-1], points)
    zeta = curve(value)
    return value, np.exp(-0.5 * zeta**2) / math.sqrt(2 * math.pi) * np.gradient(zeta, value)


def contour(cut: float, a: Sequence[float], b: Sequence[float], points: int = 181) -> tuple[np.ndarray, np.ndarray]:
    """A contour of two zetas at radius `cut` through four points on the traces (Bates & Watts 1988, A6).

    Parameters
    ----------
    cut : float
    a : (float, float)
        The second zeta on the first one's trace at -cut and at cut.
    b : (float, float)
        The first zeta on the second one's trace at -cut and at cut.

    Returns
    -------
    ndarray, ndarray
        The two zetas along the contour.

    Examples
    --------
    >>> x, y = contour(2.0, (0.0, 0.0), (0.0, 0.0))
    >>> bool(np.allclose(np.hypot(x, y), 2.0))
    True
    """
    from scipy.interpolate import CubicSpline

    def phase(x: float) -> float:
        return math.acos(min(1.0, max(-1.0, x / cut)))

    d = np.array([phase(a[1]), phase(b[1]), phase(-a[0]), phase(-b[0])])
    angle = np.array([-d[0] / 2, d[1] / 2, math.pi - d[2] / 2, d[3] / 2 - math.pi])
    order = np.argsort(angle)
    knots, values = angle[order], d[order]
    spline = CubicSpline(np.append(knots, knots[0] + 2 * math.pi), np.append(values, values[0]), bc_type="periodic")
    t = np.linspace(knots[0], knots[0] + 2 * math.pi, points)
    return cut * np.cos(t + spline(t) / 2), cut * np.cos(t - spline(t) / 2)


# -- figures ------------------------------------------------------------------------
def _chosen(profile: Profile, parm: Any) -> list[tuple[str, Curve]]:
    tables = [profile.tables[i] for i in profile.positions(parm)]
    return [(profile.shown[t.position], t.curve) for t in tables]


@g.plot.register(Profile)
def _zeta(profile: Profile, parm: Any = None, absVal: bool = False, conf: Sequence[float] = LEVELS) -> Any:
    from scipy.special import ndtri

    curves = _chosen(profile, parm)
    figure, axes = figure_panels(len(curves))
    for ax, (name, curve) in zip(axes, curves, strict=True):
        x = np.linspace(curve.value[0], curve.value[-1], 201)
        z = curve(x)
        ax.plot(x, np.abs(z) if absVal else z, color="C0")
        for level in conf:
            q = float(ndtri((1 + level) / 2))
            ends = [curve.inverse(-q), curve.inverse(q)]
            if absVal:
                ax.plot(ends, [q, q], color="0.5", lw=0.8)
            for end, height in zip(ends, (-q, q), strict=True):
                ax.plot([end, end], [0, q if absVal else height], color="0.5", lw=0.8)
        ax.axhline(0, color="0.7", lw=0.8)
        ax.set_xlabel(name)
    axes[0].set_ylabel("|ζ|" if absVal else "ζ")
    return figure


@g.densityplot.register(Profile)
def _density(profile: Profile, parm: Any = None) -> Any:
    curves = _chosen(profile, parm)
    figure, axes = figure_panels(len(curves))
    for ax, (name, curve) in zip(axes, curves, strict=True):
        ax.plot(*density(curve), color="C0")
        ax.set_ylim(bottom=0)
        ax.set_xlabel(name)
    axes[0].set_ylabel("density")
    return figure


@g.splom.register(Profile)
def _pairs(profile: Profile, parm: Any = None, levels: Sequence[float] = LEVELS) -> Any:
    from scipy.special import chdtri

    tables = [profile.tables[i] for i in profile.positions(parm)]
    n = len(tables)
    figure, _ = figure_panels(1)
    figure.clear()
    figure.set_size_inches(1.9 * n + 0.6, 1.9 * n + 0.4)
    grid = figure.subplots(n, n, squeeze=False)
    cuts = [float(np.sqrt(chdtri(2, 1 - level))) for level in levels]
    for i, row in enumerate(tables):
        for j, column in enumerate(tables):
            ax = grid[i][j]
            if i == j:
                name = profile.shown[row.position].replace("|", "|\n").replace(".(", ".\n(")
                ax.text(0.5, 0.5, name, ha="center", va="center", fontsize=8)
                ax.set_xticks([])
                ax.set_yticks([])
                continue
            _draw_pair(ax, column, row, cuts, in_zeta=i > j)
    return figure


def _draw_pair(ax: Any, x: Any, y: Any, cuts: Sequence[float], in_zeta: bool) -> None:
    """Traces and contours of two tables of a profile."""
    on_x = y.curve(x.values[:, y.position])  # zeta of y along x's trace
    on_y = x.curve(y.values[:, x.position])
    if in_zeta:
        ax.plot(x.curve.zeta, on_x, color="C1", lw=1)
        ax.plot(on_y, y.curve.zeta, color="C2", lw=1)
    else:
        ax.plot(x.curve.value, x.values[:, y.position], color="C1", lw=1)
        ax.plot(y.values[:, x.position], y.curve.value, color="C2", lw=1)
    for cut in cuts:
        a = [float(np.interp(s * cut, x.curve.zeta, on_x, np.nan, np.nan)) for s in (-1, 1)]
        b = [float(np.interp(s * cut, y.curve.zeta, on_y, np.nan, np.nan)) for s in (-1, 1)]
        if not np.isfinite([*a, *b]).all():
            continue
        u, v = contour(cut, a, b)
        if not in_zeta:
            u = np.interp(u, x.curve.zeta, x.curve.value, np.nan, np.nan)
            v = np.interp(v, y.curve.zeta, y.curve.value, np.nan, np.nan)
        ax.plot(u, v, color="0.4", lw=0.8)


@g.plot.register(Bootstrap)
def _histograms(b: Bootstrap, parm: Any = None, type: str = "perc", level: float = 0.95, bins: Any = "auto") -> Any:
    intervals = g.confint(b, parm, level=level, type=type)
    figure, axes = figure_panels(len(intervals))
    for ax, (name, (low, high)) in zip(axes, intervals.iterrows(), strict=True):
        values = b.t[name].dropna()
        ax.hist(values, bins=bins, density=True, color="C0", alpha=0.5)
        ax.axvline(b.t0[name], color="k", lw=1.2)
        for end in (low, high):
            ax.axvline(end, color="C3", lw=1, ls="--")
        ax.set_xlabel(str(name))
        ax.set_yticks([])
    return figure
