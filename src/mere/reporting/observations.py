"""`augment`: the rows of the data with what the fit makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..errors import MereValueError
from ..generalized import GLM, GLMM
from ..model import LM, LMM

__all__: list[str] = []


@g.augment.register(LMM)
@g.augment.register(GLMM)
def _mixed(m: LMM | GLMM, newdata: Any = None, **kwargs: Any) -> pd.DataFrame:
    if newdata is not None:
        return _predicted(m, newdata, kwargs)
    _no_more(kwargs)
    out = _rows(m)
    general = isinstance(m, GLMM)
    eta = g.predict(m, type="link")
    mu = g.fitted(m)
    weights = g.weights(m)
    offset = pd.Series(0.0 if m.design.offset is None else np.asarray(m.design.offset), _used(m))
    if isinstance(m, GLMM):
        family = m.model_family
        slope = np.asarray(family.link.derivative(eta.to_numpy()))
        root = np.sqrt(weights / family.variance(mu.to_numpy()))
    else:
        slope, root = np.ones(len(out)), np.sqrt(weights)
    columns = {
        ".fitted": eta, ".resid": g.residuals(m, type="deviance" if general else "response"), ".hat": g.hatvalues(m),
        ".cooksd": g.cooks_distance(m), ".fixed": g.predict(m, re_form=False, type="link"), ".mu": mu,
        ".offset": offset,
        ".sqrtXwt": slope * root, ".sqrtrwt": root, ".weights": weights,
        ".wtres": root * g.residuals(m, type="response"),
    }  # fmt: skip
    return out.assign(**{name: pd.Series(value, out.index).to_numpy() for name, value in columns.items()})


@g.augment.register(LM)
@g.augment.register(GLM)
def _linear(m: LM | GLM, newdata: Any = None, **kwargs: Any) -> pd.DataFrame:
    if newdata is not None:
        return _predicted(m, newdata, kwargs)
    _no_more(kwargs)
    out, hat = _rows(m), g.hatvalues(m)
    if isinstance(m, GLM):
        fitted, residual, weighted = g.predict(m, type="link"), g.residuals(m), g.residuals(m)
        scale, total = float(np.sqrt(g.summary(m).dispersion)), float(g.deviance(m))
    else:
        fitted, residual, weighted = g.fitted(m), g.residuals(m), g.residuals(m, type="pearson")
        scale, total = m.sigma, m.rss
    deleted = _without(m, weighted.to_numpy(), hat.to_numpy(), total)
    standard = weighted / (scale * np.sqrt(1 - hat))
    columns = {
        ".fitted": fitted, ".resid": residual, ".hat": hat, ".sigma": deleted, ".cooksd": g.cooks_distance(m),
        ".std.resid": standard,
    }  # fmt: skip
    return out.assign(**{name: np.asarray(value) for name, value in columns.items()})


def _without(m: LM | GLM, residual: np.ndarray, hat: np.ndarray, total: float) -> np.ndarray:
    """The residual standard deviation without each row."""
    with np.errstate(divide="ignore", invalid="ignore"):
        out: np.ndarray = np.sqrt(np.maximum(total - residual**2 / (1 - hat), 0.0) / (m.df - 1))
    return out


def _rows(m: Any) -> pd.DataFrame:
    """The model frame, without the special columns of the call."""
    frame = g.model_frame(m)
    return frame.loc[:, [c for c in frame.columns if not str(c).startswith("(")]].copy()


def _used(m: Any) -> pd.Index:
    return g.model_frame(m).index


def _predicted(m: Any, newdata: Any, more: dict[str, Any]) -> pd.DataFrame:
    """New rows with their predictions."""
    found = g.predict(m, newdata, **more)
    table = pd.DataFrame(newdata).reset_index(drop=True)
    if isinstance(found, pd.DataFrame):
        names = {"fit": ".fitted", "lwr": ".lower", "upr": ".upper"}
        return table.assign(**{names[c]: found[c].to_numpy() for c in names if c in found})
    if hasattr(found, "se_fit"):
        return table.assign(**{".fitted": np.asarray(found.fit), ".se.fit": np.asarray(found.se_fit)})
    return table.assign(**{".fitted": np.asarray(found)})


def _no_more(more: dict[str, Any]) -> None:
    if more:
        raise MereValueError(f"augment: {next(iter(more))!r} is for predictions: give newdata=, too")
