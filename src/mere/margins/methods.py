"""What the generics do for grids: covariance, coefficients, predictions, weights, updates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..errors import MereValueError
from .contrasting import row_labels
from .grid import VERBS, EmmGrid, EmmList
from .reshaping import subset_grid, update_grid
from .stacking import rbind
from .summarizing import _back_scale, _bias, _moved, summarize

__all__ = ["predictions"]

VERBS |= {"update": update_grid, "subset": subset_grid, "rbind": rbind}


@g.vcov.register(EmmGrid)
def _vcov(grid: EmmGrid, **_: Any) -> pd.DataFrame:
    rows = grid.shown
    names = row_labels(grid.table.iloc[rows], list(grid.table.columns), None, False)
    return pd.DataFrame(grid.estimates.covariance(grid.L[rows]), names, names)


@g.coef.register(EmmGrid)
def _coef(grid: EmmGrid, **_: Any) -> pd.DataFrame | None:
    """The contrast coefficients with the grid that they are of; None for means."""
    return None if grid.about.coefficients is None else grid.about.coefficients.copy()


@g.weights.register(EmmGrid)
def _weights(grid: EmmGrid, **_: Any) -> np.ndarray:
    return grid.weight[grid.shown]


@g.predict.register(EmmGrid)
def predictions(
    grid: EmmGrid,
    newdata: Any = None,
    type: str | None = None,
    interval: str | None = None,
    level: float = 0.95,
    bias_adjust: bool | str | None = None,
    sigma: Any = None,
    **_: Any,
) -> Any:
    """The estimates as an array; with ``interval`` a frame with limits (of a new observation for ``"prediction"``)."""
    rows = grid.shown
    value, se, df = (x[rows] for x in grid.evaluate())
    back = _back_scale(grid.about.scale, type or grid.about.type, [])
    bias = _bias(grid.about, bias_adjust, sigma) if back is not None else None
    if interval in (None, "none"):
        return _moved(value, back, bias)
    if interval == "confidence":
        return summarize(
            grid, infer=(True, False), level=level, type=type, bias_adjust=bias_adjust, sigma=sigma
        ).to_frame()
    if interval != "prediction":
        raise MereValueError(f"interval must be 'none', 'confidence' or 'prediction', not {interval!r}")
    spread = grid.about.sigma if sigma is None else sigma
    if spread is None:
        raise MereValueError("interval='prediction' needs sigma=, the standard deviation of an observation")
    from .adjustments.adjusting import t_quantile

    wide = np.sqrt(se**2 + spread**2)
    c = t_quantile((1 + level) / 2, df)
    out = grid.table.iloc[rows].reset_index(drop=True)
    out["prediction"] = _moved(value, back, bias)
    out["SE"], out["df"] = wide, df
    ends = [_moved(value - c * wide, back, bias), _moved(value + c * wide, back, bias)]
    out["lower.PL"], out["upper.PL"] = np.fmin(*ends), np.fmax(*ends)
    return out


@g.vcov.register(EmmList)
def _vcovs(parts: EmmList, **_: Any) -> dict[str, pd.DataFrame]:
    return {name: g.vcov(part) for name, part in parts.items()}


@g.update.register(EmmGrid)
def _update(grid: EmmGrid, formula: Any = None, **changes: Any) -> EmmGrid:
    if formula is not None:
        raise MereValueError("a grid has no formula: update(grid, by=..., adjust=..., level=...)")
    return update_grid(grid, **changes)
