"""Pictures from tables. matplotlib is imported inside the functions; nothing here knows a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .errors import MereValueError

__all__ = ["draw_interaction", "draw_means", "draw_pvalues", "figure_panels"]

_COLOURS = ("#3b6fb6", "#c8553d", "#3f8f5b", "#8a5aa8", "#b8860b", "#4a4a4a", "#2a9d8f", "#d17bb0")


def figure_panels(n: int, size: float = 2.6, most: int = 4, share: bool = False) -> tuple[Any, list[Any]]:
    """A figure and its `n` axes, at most `most` in a row, with the same scales if they are shared."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MereValueError("pictures need matplotlib: pip install 'mere[plots]'") from None
    columns = min(n, most)
    rows = -(-n // columns)
    figure = Figure(figsize=(size * columns + 0.6, size * rows + 0.4), layout="constrained")
    axes: list[Any] = []
    for i in range(n):
        first = axes[0] if share and axes else None
        axes.append(figure.add_subplot(rows, columns, i + 1, sharex=first, sharey=first))
        if share:
            axes[-1].label_outer()
    return figure, axes


def _panels(
    frame: pd.DataFrame, by: Sequence[str], ax: Any, share: dict[str, Any]
) -> tuple[Any, list[tuple[str, Any]]]:
    """Axes, one for each combination of the by-variables, and the rows of each."""
    import matplotlib.pyplot as plt

    if not by:
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        return np.array([ax]), [("", frame)]
    groups = list(frame.groupby(list(by), observed=True, sort=False))
    heads = [
        ", ".join(f"{b} = {v}" for b, v in zip(by, key if isinstance(key, tuple) else (key,))) for key, _ in groups
    ]
    if ax is None:
        _, axes = plt.subplots(
            1, len(groups), layout="constrained", squeeze=False, figsize=(3.2 * len(groups) + 1.2, 4), **share
        )
        axes = axes[0]
    else:
        axes = np.atleast_1d(ax)
    return axes, list(zip(heads, (g for _, g in groups)))


def _labels(frame: pd.DataFrame, names: Sequence[str]) -> list[str]:
    return [
        " ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in row)
        for row in frame[list(names)].itertuples(index=False)
    ]


def draw_means(
    frame: pd.DataFrame,
    name: str,
    labels: Sequence[str],
    by: Sequence[str] = (),
    CIs: bool = True,
    horizontal: bool = True,
    ax: Any = None,
) -> Any:
    """Means as points, intervals as bars, comparison arrows where there are any.

    Parameters
    ----------
    frame : DataFrame
        A summary; with ``lcmpl`` and ``rcmpl`` for arrows, ``lower.PL`` and ``upper.PL`` for
        prediction intervals.
    name : str
        Column of the estimates.
    labels, by : sequence of str
    CIs, horizontal : bool
    ax : Axes, optional

    Returns
    -------
    Axes, or an array of them
    """
    axes, parts = _panels(frame, by, ax, {"sharex": horizontal, "sharey": True})
    ends = [c for c in frame.columns if str(c).endswith(("CL", ".HPD"))]
    for a, (head, part) in zip(axes, parts):
        at, value = np.arange(len(part)), part[name].to_numpy()
        bars = a.hlines if horizontal else a.vlines
        if "lower.PL" in part:
            bars(at, part["lower.PL"], part["upper.PL"], color=_COLOURS[0], alpha=0.2, linewidth=5)
        if CIs and len(ends) == 2:
            bars(at, part[ends[0]], part[ends[1]], color=_COLOURS[0], alpha=0.45, linewidth=9)
        if "lcmpl" in part:
            _arrows(a, at, value, part, horizontal)
        a.plot(*((value, at) if horizontal else (at, value)), "o", color="black", markersize=4)
        texts = _labels(part, labels)
        (a.set_yticks if horizontal else a.set_xticks)(at, texts)
        (a.set_ylim if horizontal else a.set_xlim)(-0.6, len(part) - 0.4)
        (a.set_xlabel if horizontal else a.set_ylabel)(name)
        a.set_title(head, fontsize=10)
    (axes[0].set_ylabel if horizontal else axes[0].set_xlabel)(":".join(labels))
    return axes if by else axes[0]


def _arrows(a: Any, at: np.ndarray, value: np.ndarray, part: pd.DataFrame, horizontal: bool) -> None:
    for column in ("lcmpl", "rcmpl"):
        for i, v, end in zip(at, value, part[column]):
            if np.isfinite(end) and end != v:
                tail, tip = ((v, i), (end, i)) if horizontal else ((i, v), (i, end))
                a.annotate(
                    "", tip, tail, arrowprops={"arrowstyle": "->", "color": _COLOURS[1], "shrinkA": 0, "shrinkB": 0}
                )


def draw_interaction(
    frame: pd.DataFrame, traces: Sequence[str], xs: Sequence[str], by: Sequence[str] = (), ax: Any = None
) -> Any:
    """Lines of ``yvar`` over ``xvar``, one for each ``tvar``.

    Parameters
    ----------
    frame : DataFrame
    traces, xs, by : sequence of str
    ax : Axes, optional
    """
    axes, parts = _panels(frame, by, ax, {"sharex": True, "sharey": True})
    numeric = pd.api.types.is_numeric_dtype(frame["xvar"].dtype)
    order = list(dict.fromkeys(frame["xvar"]))
    groups = list(dict.fromkeys(frame["tvar"]))
    for a, (head, part) in zip(axes, parts):
        for n, trace in enumerate(groups):
            rows = part[part["tvar"] == trace]
            x = (
                rows["xvar"].to_numpy(dtype=float)
                if numeric
                else np.array([order.index(v) for v in rows["xvar"]], dtype=float)
            )
            if not numeric and "LCL" in rows:
                x = x + 0.06 * (n - (len(groups) - 1) / 2)
            colour = _COLOURS[n % len(_COLOURS)]
            for low, high, shade in (("LPL", "UPL", 0.2), ("LCL", "UCL", 0.45)):
                if low in rows:
                    a.vlines(x, rows[low], rows[high], color=colour, alpha=shade, linewidth=6)
            a.plot(x, rows["yvar"], "o-", color=colour, label=str(trace), markersize=4)
        if not numeric:
            a.set_xticks(range(len(order)), [str(v) for v in order])
        a.set_xlabel("Levels of " + ":".join(xs) if not numeric else xs[0])
        a.set_title(head, fontsize=10)
    axes[0].set_ylabel(f"Linear prediction ({frame.attrs.get('name', 'yvar')})")
    if traces:
        axes[-1].legend(title=":".join(traces), fontsize=8)
    return axes if by else axes[0]


def draw_pvalues(
    frame: pd.DataFrame,
    means: pd.DataFrame,
    by: Sequence[str] = (),
    sort: bool = True,
    values: bool = True,
    ax: Any = None,
) -> Any:
    """A segment for each comparison, at its p-value, between the two means compared.

    Parameters
    ----------
    frame : DataFrame
        With ``plus``, ``minus``, ``p.value``.
    means : DataFrame
        With ``tvar``, ``yvar``.
    by : sequence of str
    sort, values : bool
    ax : Axes, optional
    """
    axes, parts = _panels(frame, by, ax, {"sharex": True})
    many = means.groupby(list(by), observed=True, sort=False) if by else [((), means)]
    for a, (head, part), (_, mine) in zip(axes, parts, many):
        mine = mine.sort_values("yvar") if sort else mine
        place = {label: i for i, label in enumerate(mine["tvar"])}
        for n, row in enumerate(part.itertuples(index=False)):
            data = dict(zip(part.columns, row))
            x = _stretched(float(data["p.value"]))
            y = place[data["plus"]], place[data["minus"]]
            colour = _COLOURS[n % len(_COLOURS)]
            a.plot([x, x], y, "-", color=colour)
            a.plot([x], [y[0]], "o", color=colour, markersize=4)
            a.plot([x], [y[1]], "o", color=colour, markersize=4, markerfacecolor="white")
        ticks = (0.0, 0.001, 0.01, 0.05, 0.1, 0.5, 1.0)
        a.set_xticks([_stretched(t) for t in ticks], [f"{t:g}" for t in ticks])
        a.axvline(_stretched(0.05), color="grey", linewidth=0.6, linestyle=":")
        texts = [f"{t}  {v:.3g}" if values else str(t) for t, v in zip(mine["tvar"], mine["yvar"])]
        a.set_yticks(range(len(texts)), texts)
        a.set_title(head, fontsize=10)
        a.set_xlabel("P value")
    return axes if by else axes[0]


def _stretched(p: float) -> float:
    """p-values with room near zero: p^(1/4)."""
    return float(max(p, 0.0) ** 0.25)
