"""Confidence intervals from bootstrap replicates.

Quantiles are interpolated on the normal scale: Davison & Hinkley (1997), Bootstrap methods and their application, eq.
5.8. Percentile and basic: eqs. 5.18 and 5.6; normal: 5.5; BCa: Efron (1987), J. Am. Stat. Ass. 82, 171-185.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..accessors.intervals import chosen_parameters, percent_labels
from ..errors import BootstrapWarning, MereValueError, tell
from ..generalized import GLMM
from ..model import LMM
from ..variance_parameters import variance_parameters
from .bootstrapping import Bootstrap

__all__ = ["KINDS", "acceleration", "bootstrap_interval", "quantiles"]

KINDS = ("perc", "basic", "norm", "bca")


def quantiles(t: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Quantiles of replicates by order statistics (R + 1) alpha, interpolated on the normal scale.

    Examples
    --------
    >>> quantiles(np.arange(1.0, 100.0), np.array([0.025, 0.5]))
    array([ 2.54..., 50.        ])
    """
    from scipy.special import ndtri

    t = np.sort(t)
    n = len(t)
    rank = (n + 1) * np.asarray(alpha, dtype=float)
    k = np.floor(rank + 1e-10).astype(int)
    out = np.empty(len(rank))
    for i, (r, low) in enumerate(zip(rank, k, strict=True)):
        if low < 1 or low >= n:
            out[i] = t[0] if low < 1 else t[-1]
        elif r - low < 1e-10:
            out[i] = t[low - 1]
        else:
            z = ndtri(np.array([r, low, low + 1]) / (n + 1))
            out[i] = t[low - 1] + (z[0] - z[1]) / (z[2] - z[1]) * (t[low] - t[low - 1])
    return out


def acceleration(jackknife: np.ndarray) -> float:
    """The acceleration constant from the values of a statistic with one unit left out at a time.

    Examples
    --------
    >>> round(acceleration(np.array([1.0, 2.0, 4.0])), 4)
    -0.0367
    """
    d = np.nanmean(jackknife) - jackknife[~np.isnan(jackknife)]
    total = float((d**2).sum())
    return float((d**3).sum() / (6 * total**1.5)) if total > 0 else 0.0


def bootstrap_interval(t: np.ndarray, t0: float, level: float, kind: str, a: float = 0.0) -> np.ndarray:
    """The two ends of an interval of one statistic.

    Parameters
    ----------
    t : ndarray
        Replicates; NaN are left out.
    t0 : float
        The statistic of the fit.
    level : float
    kind : {"perc", "basic", "norm", "bca"}
    a : float
        Acceleration, for ``"bca"``.
    """
    from scipy.special import ndtr, ndtri

    t = t[~np.isnan(t)]
    if len(t) < 2:
        return np.array([np.nan, np.nan])
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    z = ndtri(tails)
    if kind == "perc":
        return quantiles(t, tails)
    if kind == "basic":
        return 2 * t0 - quantiles(t, tails[::-1])
    if kind == "norm":
        return np.asarray(2 * t0 - t.mean() + z * t.std(ddof=1))
    below = float((t < t0).mean())
    if not 0 < below < 1:
        return np.array([np.nan, np.nan])
    z0 = float(ndtri(below))
    return quantiles(t, ndtr(z0 + (z0 + z) / (1 - a * (z0 + z))))


@g.confint.register(Bootstrap)
def _confint(
    b: Bootstrap, parm: Any = None, level: float = 0.95, type: str = "perc", groups: Any = None
) -> pd.DataFrame:
    if type not in KINDS:
        raise MereValueError(f"type must be one of {', '.join(map(repr, KINDS))}, not {type!r}")
    labels, names = percent_labels(level), [str(name) for name in b.t0.index]
    aliases: list[str] = []
    n_variance = 0
    if b.statistic is None and isinstance(b.model, (LMM, GLMM)):
        parameters = variance_parameters(b.model.design.random)
        n_variance = len(names) - len(b.model.beta)
        aliases = [*parameters.signames[:n_variance], *names[n_variance:]]
    chosen = chosen_parameters(parm, names, aliases, n_variance)
    leave_out = None
    if type == "bca":
        leave_out = g.jackknife(b.model, groups, FUN=b.statistic).values.to_numpy()
    if len(b.t) * (1 - level) / 2 < 1 and type != "norm":
        tell(f"{len(b.t)} replicates are too few for an interval of level {level}", BootstrapWarning)
    rows = []
    for j in chosen:
        a = 0.0 if leave_out is None else acceleration(leave_out[:, j])
        rows.append(bootstrap_interval(b.t.iloc[:, j].to_numpy(), float(b.t0.iloc[j]), level, type, a))
    return pd.DataFrame(np.array(rows).reshape(-1, 2), [b.t0.index[j] for j in chosen], labels)
