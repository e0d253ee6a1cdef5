"""Pictures of models by group and of tables of means. matplotlib is imported when a picture is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from . import generics as g
from .errors import MereValueError
from .lists import LmList, LmListIntervals
from .plotting import draw_means
from .results import MeansTable, StepResult

__all__: list[str] = []


@g.plot.register(LmListIntervals)
def _intervals(i: LmListIntervals, order: int | str | None = 0) -> Any:
    """The groups' intervals, a panel for each coefficient; the groups in the order of one coefficient's estimates."""
    import matplotlib.pyplot as plt

    names = list(i.tables)
    first = next(iter(i.tables.values()))
    places = np.arange(len(first))
    if order is not None:
        by = i.tables[names[order] if isinstance(order, int) else order]
        places = np.argsort(by.mean(axis=1).to_numpy(), kind="stable")
    height = max(2.5, 0.22 * len(first) + 1)
    figure, axes = plt.subplots(
        1, len(names), squeeze=False, sharey=True, layout="constrained", figsize=(3.2 * len(names) + 0.8, height)
    )
    at = np.arange(len(first))
    for axis, name in zip(axes[0], names, strict=True):
        table = i.tables[name].iloc[places]
        low, high = table.iloc[:, 0].to_numpy(), table.iloc[:, 1].to_numpy()
        axis.hlines(at, low, high, color="#3b6fb6")
        axis.plot((low + high) / 2, at, "o", color="#3b6fb6", markersize=4)
        axis.set_title(name)
    axes[0, 0].set_yticks(at, [str(level) for level in first.index[places]])
    return figure


@g.plot.register(LmList)
def _residuals(m: LmList) -> Any:
    """Standardized residuals against fitted values."""
    import matplotlib.pyplot as plt

    _, axis = plt.subplots(layout="constrained")
    axis.plot(g.fitted(m).to_numpy(), g.residuals(m, type="pearson").to_numpy(), "o", markersize=3, color="#3b6fb6")
    axis.axhline(0.0, color="0.6", linewidth=1)
    axis.set(xlabel="Fitted values", ylabel="Standardized residuals")
    return axis


@g.splom.register(LmList)
def _coefficients(m: LmList) -> Any:
    """The coefficients of the groups against each other."""
    import matplotlib.pyplot as plt

    table: pd.DataFrame = g.coef(m)
    k = table.shape[1]
    figure, axes = plt.subplots(k, k, squeeze=False, layout="constrained", figsize=(2 * k + 1, 2 * k + 1))
    for i, row in enumerate(table.columns):
        for j, column in enumerate(table.columns):
            axis = axes[i, j]
            if i == j:
                axis.text(0.5, 0.5, row, ha="center", va="center", transform=axis.transAxes)
                axis.set(xticks=[], yticks=[])
            else:
                axis.plot(table[column], table[row], "o", markersize=3, color="#3b6fb6")
    return figure


@g.plot.register(MeansTable)
def _plot_means_table(table: MeansTable, which: str | Sequence[str] | None = None, ax: Any = None) -> Any:
    """Least-squares means with their limits, a panel for each term."""
    frame = table.to_frame().rename(columns={"lower": "lower.CL", "upper": "upper.CL"})
    if which is not None:
        wanted = [which] if isinstance(which, str) else list(which)
        unknown = [term for term in wanted if term not in table.terms]
        if unknown:
            known = ", ".join(dict.fromkeys(table.terms))
            raise MereValueError(f"which: there is no term {unknown[0]!r} here; there are {known}")
        frame = frame[frame["term"].isin(wanted)]
    return draw_means(frame.reset_index(drop=True), "Estimate", ["levels"], ["term"], ax=ax)


@g.plot.register(StepResult)
def _plot_steps(s: StepResult, pairwise: bool = False, which: str | Sequence[str] | None = None, ax: Any = None) -> Any:
    """The least-squares means, or their differences, of the model that backward elimination ended with."""
    return _plot_means_table(g.ls_means(s.model, pairwise=pairwise), which, ax)
