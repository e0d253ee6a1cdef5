"""Pictures of what a model leaves over: residuals, random effects, simulated responses."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from . import generics as g
from .assessment.simulated_residuals import SimulatedResiduals
from .errors import MereError, MereValueError
from .frame import as_frame
from .generalized import GLM, GLMM
from .language.evaluate import Evaluator
from .language.parser import parse_expression
from .language.syntax import names_in
from .model import LM, LMM
from .nonlinear import NLMM
from .plotting import figure_panels
from .results import RandomEffects

__all__ = ["bin_medians", "normal_places"]

_POINTS = {"marker": "o", "linestyle": "none", "markersize": 3, "color": "#3b6fb6", "alpha": 0.7}
_LINE = {"color": "#c8553d", "linewidth": 1.2}
_GREY = {"color": "0.6", "linewidth": 0.8}


# -- numbers -------------------------------------------------------------------
def normal_places(n: int) -> np.ndarray:
    """Normal quantiles at (i - 1/2) / n.

    Examples
    --------
    >>> normal_places(3).round(3)
    array([-0.967,  0.   ,  0.967])
    """
    from scipy.special import ndtri

    out: np.ndarray = ndtri((np.arange(n) + 0.5) / n)
    return out


def bin_medians(
    x: np.ndarray, y: np.ndarray, probabilities: tuple[float, ...] = (0.5,)
) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles of y in bins of x with as many points each: what a smooth curve would show, without a bandwidth.

    Returns
    -------
    (k,) array, (k, len(probabilities)) array

    Examples
    --------
    >>> x = np.arange(100.0)
    >>> at, medians = bin_medians(x, 2 * x)
    >>> bool(np.allclose(medians[:, 0], 2 * at))
    True
    """
    bins = int(np.clip(len(x) // 20, 4, 12))
    parts = [p for p in np.array_split(np.argsort(x, kind="stable"), bins) if len(p)]
    at = np.array([np.median(x[p]) for p in parts])
    return at, np.array([np.quantile(y[p], probabilities) for p in parts])


# -- residuals of models ---------------------------------------------------------
_OF_MODEL = re.compile(r"(resid|residuals|fitted)\(\s*\.\s*(?:,([^()]*))?\)")


def _variable(m: Any, text: str) -> pd.Series:
    """``resid(.)``, ``fitted(.)``, a column of the data, or an expression of columns; a value for each row used."""
    text = text.strip()
    found = _OF_MODEL.fullmatch(text)
    if found is None:
        return _expression(m, text) if _OF_MODEL.search(text) else _data_variable(m, text)
    options: dict[str, Any] = {"type": "pearson"} if found[1] != "fitted" else {}
    for part in filter(None, (found[2] or "").replace(" ", "").split(",")):
        name, _, value = part.partition("=")
        options[name] = {"TRUE": True, "FALSE": False}.get(value, value.strip("\"'"))
    values = g.fitted(m, **options) if found[1] == "fitted" else g.residuals(m, **options)
    return pd.Series(np.asarray(values, dtype=float)).dropna().reset_index(drop=True)


def _expression(m: Any, text: str) -> pd.Series:
    """``sqrt(abs(resid(.)))``: what it has of the model becomes columns beside those of the data."""
    parts = [match[0] for match in _OF_MODEL.finditer(text)]
    columns = {f"of_model_{i}": _variable(m, part).to_numpy() for i, part in enumerate(parts)}
    for name, part in zip(columns, parts, strict=True):
        text = text.replace(part, name, 1)
    node = parse_expression(text)
    for name in names_in(node):
        if name not in columns:
            columns[name] = _data_variable(m, name).to_numpy()
    return pd.Series(np.asarray(Evaluator(as_frame(columns)).value(node), dtype=float))


def _data_variable(m: Any, text: str) -> pd.Series:
    data, rows = g.getData(m), m.design.frame.rows
    name = text.strip("`")
    if name in data:
        column = pd.Series(np.asarray(data[name]))
    else:
        try:
            column = pd.Series(g.model_matrix(f"~ 0 + {text}", data).iloc[:, 0].to_numpy())
        except MereError as error:
            raise MereValueError(
                f"plot: {text!r} is neither resid(.), fitted(.) nor made of columns: {error}"
            ) from None
    return (column if rows is None else column.iloc[np.asarray(rows)]).reset_index(drop=True)


def _formula(form: str) -> tuple[str, str, str | None]:
    """The two sides of a formula, and what the panels are for."""
    left, tilde, right = form.partition("~")
    if not tilde or not right.strip():
        raise MereValueError(f"form must be 'y ~ x' or 'y ~ x | group', not {form!r}")
    x, _, by = right.partition("|")
    return left.strip() or "resid(.)", x.strip(), by.strip() or None


@g.plot.register(LM)
@g.plot.register(GLM)
@g.plot.register(LMM)
@g.plot.register(GLMM)
@g.plot.register(NLMM)
def _model(
    m: Any,
    form: str = "resid(.) ~ fitted(.)",
    abline: float | Sequence[float] | None = 0.0,
    id: float | None = None,  # noqa: A002  (as R names it)
    type: str | Sequence[str] = "p",
) -> Any:
    left, right, by = _formula(form)
    kinds = _kinds(type)
    y, x = _variable(m, left), _variable(m, right)
    groups = pd.Series("", index=x.index) if by is None else _variable(m, by)
    labels = np.flatnonzero(_far(m, id)) if id is not None else np.array([], dtype=int)
    levels = list(pd.unique(groups.sort_values()))
    figure, axes = figure_panels(len(levels), 4.0 if by is None else 2.0, share=by is not None)
    for ax, level in zip(axes, levels, strict=True):
        mine = (groups == level).to_numpy()
        _scatter(ax, x[mine], y[mine], abline, kinds)
        for i in labels[mine[labels]]:
            if pd.api.types.is_numeric_dtype(x) and pd.api.types.is_numeric_dtype(y):
                ax.annotate(str(g.residuals(m).dropna().index[i]), (x[i], y[i]), fontsize=7)
        ax.set_title("" if by is None else str(level))
    figure.supxlabel(right, fontsize="medium")
    figure.supylabel(left, fontsize="medium")
    return figure


def _kinds(type: str | Sequence[str]) -> set[str]:
    """What is drawn: points, a line through them, the least-squares line, medians in bins, a grid."""
    kinds = {type} if isinstance(type, str) else set(type)
    if not kinds <= {"p", "l", "r", "smooth", "g"}:
        raise MereValueError(f"plot: type must be of 'p', 'l', 'r', 'smooth' and 'g', not {type!r}")
    return kinds


def _far(m: Any, level: float) -> np.ndarray:
    """Rows whose standardized residual is beyond the normal quantile of 1 - level/2."""
    from scipy.special import ndtri

    if not 0 < level < 1:
        raise MereValueError(f"id must be between 0 and 1, a level, not {level!r}")
    return np.asarray(np.abs(_standardized(m)) > ndtri(1 - level / 2))


def _scatter(ax: Any, x: pd.Series, y: pd.Series, abline: float | Sequence[float] | None, kinds: set[str]) -> None:
    """Points and lines; boxes where one of the two is categorical."""
    flat = [pd.api.types.is_numeric_dtype(v) for v in (x, y)]
    if all(flat):
        _points_and_lines(ax, x.to_numpy(dtype=float), y.to_numpy(dtype=float), kinds)
        if abline is not None and np.ndim(abline) == 0:
            ax.axhline(abline, **_GREY)
        elif abline is not None:
            intercept, slope = np.asarray(abline, dtype=float)
            ax.axline((0.0, intercept), slope=slope, **_GREY)
        return
    values, classes, vertical = (x, y, False) if flat[0] else (y, x, True)
    if not any(flat):
        raise MereValueError("plot: one of the two sides must be numeric")
    levels = list(pd.unique(classes.sort_values()))
    parts = [values[(classes == level).to_numpy()] for level in levels]
    ax.boxplot(parts, orientation="vertical" if vertical else "horizontal")
    (ax.set_xticklabels if vertical else ax.set_yticklabels)([str(level) for level in levels], fontsize=8)


def _points_and_lines(ax: Any, x: np.ndarray, y: np.ndarray, kinds: set[str]) -> None:
    order = np.argsort(x, kind="stable")
    if "g" in kinds:
        ax.grid(color="0.9")
    if "p" in kinds:
        ax.plot(x, y, **_POINTS)
    if "l" in kinds:
        ax.plot(x[order], y[order], color="#3b6fb6", linewidth=0.8)
    if "r" in kinds and np.ptp(x) > 0:
        slope, intercept = np.polyfit(x, y, 1)
        ax.axline((0.0, intercept), slope=slope, **_LINE)
    if "smooth" in kinds:
        at, medians = bin_medians(x, y)
        ax.plot(at, medians[:, 0], **_LINE)


def _quantiles(ax: Any, values: np.ndarray, title: str = "") -> None:
    """Ordered values against normal quantiles, with the line through the quartiles."""
    ordered = np.sort(values)
    at = normal_places(len(ordered))
    ax.plot(at, ordered, **_POINTS)
    low, high = np.quantile(ordered, [0.25, 0.75])
    slope = (high - low) / 1.3489795
    ax.axline((0.0, (low + high) / 2), slope=slope, **_GREY)
    ax.set(xlabel="normal quantiles", title=title)


@g.qqmath.register(LM)
@g.qqmath.register(GLM)
@g.qqmath.register(LMM)
@g.qqmath.register(GLMM)
@g.qqmath.register(NLMM)
def _model_quantiles(m: Any, id: float | None = None) -> Any:  # noqa: A002
    figure, axes = figure_panels(1, 4.0)
    values = _standardized(m)
    _quantiles(axes[0], values)
    if id is not None:
        order = np.argsort(values, kind="stable")
        places, names = normal_places(len(values)), g.residuals(m).dropna().index
        for at in np.flatnonzero(_far(m, id)[order]):
            axes[0].annotate(str(names[order[at]]), (places[at], values[order[at]]), fontsize=7)
    axes[0].set_ylabel("standardized residuals")
    return figure


# -- random effects ---------------------------------------------------------------
def _effects(r: RandomEffects) -> list[tuple[str, str, pd.DataFrame]]:
    table = r.to_frame()
    if "condsd" not in table:
        table = table.assign(condsd=0.0)
    return [(str(a), str(b), part) for (a, b), part in table.groupby(["grpvar", "term"], sort=False, observed=True)]


@g.dotplot.register(RandomEffects)
@g.plot.register(RandomEffects)
def _caterpillar(
    r: RandomEffects, level: float = 0.95, transf: Callable[[np.ndarray], np.ndarray] | None = None
) -> Any:
    """The groups in the order of their first effect, with intervals."""
    z, parts = _multiple(level), _effects(r)
    if not parts:
        raise MereValueError("there are no random effects to draw")
    change = transf or (lambda v: v)
    figure, axes = figure_panels(len(parts), 3.0)
    order: dict[str, np.ndarray] = {}
    for ax, (group, term, part) in zip(axes, parts, strict=True):
        value, sd = part["condval"].to_numpy(), part["condsd"].to_numpy()
        places = order.setdefault(group, np.argsort(value, kind="stable"))
        at = np.arange(len(value))
        ax.hlines(at, change((value - z * sd)[places]), change((value + z * sd)[places]), color="#3b6fb6")
        ax.plot(change(value[places]), at, **{**_POINTS, "alpha": 1.0})
        ax.axvline(float(change(np.zeros(1))[0]), **_GREY)
        ax.set_yticks(at if len(at) <= 60 else [], part["grp"].to_numpy()[places] if len(at) <= 60 else [], fontsize=7)
        ax.set(title=term, xlabel=group)
    figure.set_size_inches(3.0 * min(len(parts), 4) + 0.6, max(3.0, 0.16 * max(len(p) for _, _, p in parts)))
    return figure


@g.qqmath.register(RandomEffects)
def _effect_quantiles(r: RandomEffects, level: float = 0.95) -> Any:
    """Ordered effects against normal quantiles, with intervals."""
    z, parts = _multiple(level), _effects(r)
    if not parts:
        raise MereValueError("there are no random effects to draw")
    figure, axes = figure_panels(len(parts), 3.2)
    for ax, (group, term, part) in zip(axes, parts, strict=True):
        places = np.argsort(part["condval"].to_numpy(), kind="stable")
        value, sd = part["condval"].to_numpy()[places], part["condsd"].to_numpy()[places]
        at = normal_places(len(value))
        ax.vlines(at, value - z * sd, value + z * sd, color="#3b6fb6", alpha=0.5)
        ax.plot(at, value, **_POINTS)
        ax.axhline(0.0, **_GREY)
        ax.set(title=term, xlabel="normal quantiles", ylabel=group)
    return figure


def _multiple(level: float) -> float:
    from scipy.special import ndtri

    if not 0 < level < 1:
        raise MereValueError(f"level must be between 0 and 1, not {level!r}")
    return float(ndtri((1 + level) / 2))


# -- simulated residuals -------------------------------------------------------------
@g.plot.register(SimulatedResiduals)
def _simulated(s: SimulatedResiduals) -> Any:
    figure, axes = figure_panels(2, 3.8)
    _uniform_quantiles(axes[0], s)
    _against_predicted(axes[1], s)
    return figure


def _uniform_quantiles(ax: Any, s: SimulatedResiduals) -> None:
    u = np.sort(s.scaled.to_numpy())
    ax.plot((np.arange(len(u)) + 0.5) / len(u), u, **_POINTS)
    ax.plot([0, 1], [0, 1], **_GREY)
    p = float(g.check_residuals(s)["p_value"])
    ax.set(xlabel="expected", ylabel="residual", title=f"uniform? p = {p:.3g}")


def _against_predicted(ax: Any, s: SimulatedResiduals) -> None:
    """Residuals by the rank of what is expected; three lines that should be level at 1/4, 1/2 and 3/4."""
    u = s.scaled.to_numpy()
    rank = pd.Series(s.predicted).rank().to_numpy() / len(u)
    ax.plot(rank, u, **_POINTS)
    at, quartiles = bin_medians(rank, u, (0.25, 0.5, 0.75))
    for level, line in zip((0.25, 0.5, 0.75), quartiles.T, strict=True):
        ax.axhline(level, **_GREY)
        ax.plot(at, line, **_LINE)
    ax.set(xlabel="predicted (rank)", ylabel="residual", title="quartiles", ylim=(-0.02, 1.02))


# -- all at once -----------------------------------------------------------------
@g.check_model.register(LM)
@g.check_model.register(GLM)
@g.check_model.register(LMM)
@g.check_model.register(GLMM)
def _check(m: LM | GLM | LMM | GLMM, nsim: int = 250, seed: Any = None) -> Any:
    if isinstance(m, GLM):
        m.model_family.need_likelihood("check_model()", "use plot() and qqmath()")
    s = g.simulate_residuals(m, nsim, seed)
    panels: list[Callable[[Any], None]] = [partial(_predictive, s=s)]
    if isinstance(m, (LM, LMM)):
        e, fitted = _standardized(m), _fitted(m)
        panels += [partial(_trend, x=fitted, e=e), partial(_spread, x=fitted, e=e)]
        panels.append(partial(_quantiles, values=e, title="residuals: normal?"))
    else:
        panels += [partial(_against_predicted, s=s), partial(_uniform_quantiles, s=s)]
    inflation = _inflation(m)
    if inflation is not None:
        panels.append(partial(_bars, inflation=inflation))
    for group, term, part in _effects(g.ranef(m)) if isinstance(m, (LMM, GLMM)) else []:
        panels.append(partial(_quantiles, values=part["condval"].to_numpy(), title=f"{term} | {group}"))
    figure, axes = figure_panels(len(panels), 3.4, 3)
    for draw, ax in zip(panels, axes, strict=True):
        draw(ax)
    return figure


def _standardized(m: Any) -> np.ndarray:
    """Pearson residuals over sigma."""
    e = np.asarray(g.residuals(m, type="pearson"), dtype=float) / float(g.sigma(m))
    return e[~np.isnan(e)]


def _fitted(m: Any) -> np.ndarray:
    values = np.asarray(g.fitted(m), dtype=float)
    return values[~np.isnan(values)]


def _predictive(ax: Any, s: SimulatedResiduals) -> None:
    """Distribution functions of the observed and of 50 simulated responses."""
    n = len(s.observed)
    heights = np.arange(1, n + 1) / n
    for column in s.simulated[:, :50].T:
        ax.plot(np.sort(column), heights, color="0.75", linewidth=0.5, drawstyle="steps-post")
    ax.plot(np.sort(s.observed), heights, drawstyle="steps-post", **_LINE)
    ax.set(xlabel="response", ylabel="share of rows", title="observed among simulated")


def _trend(ax: Any, x: np.ndarray, e: np.ndarray) -> None:
    ax.plot(x, e, **_POINTS)
    at, medians = bin_medians(x, e)
    ax.axhline(0.0, **_GREY)
    ax.plot(at, medians, **_LINE)
    ax.set(xlabel="fitted", ylabel="standardized residuals", title="linear? medians level")


def _spread(ax: Any, x: np.ndarray, e: np.ndarray) -> None:
    size = np.sqrt(np.abs(e))
    ax.plot(x, size, **_POINTS)
    at, medians = bin_medians(x, size)
    ax.plot(at, medians, **_LINE)
    ax.set(xlabel="fitted", ylabel="√|standardized residuals|", title="equal variances? medians level")


def _inflation(m: Any) -> pd.Series | None:
    """Variance inflation, per term; None where there are fewer than two terms."""
    try:
        table = g.vif(m)
    except MereError:
        return None
    return table if isinstance(table, pd.Series) else table["GVIF^(1/(2*Df))"] ** 2


def _bars(ax: Any, inflation: pd.Series) -> None:
    ax.barh([str(name) for name in inflation.index], inflation.to_numpy(), color="#3b6fb6")
    for limit in (5.0, 10.0):
        ax.axvline(limit, **_GREY)
    ax.set(xlabel="variance inflation", title="collinear? under 5")
    ax.set_xlim(0, max(6.0, 1.1 * float(inflation.max())))
