"""Confidence intervals of a mixed model: so far Wald's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..errors import MereKeyError, MereValueError
from ..model import LMM
from ..reterms import RandomTerm

__all__ = ["chosen_parameters", "interval_frame", "percent_labels", "variance_parameter_names"]


# -- numbers and names ---------------------------------------------------------
def percent_labels(level: float) -> list[str]:
    """R's column names: ``2.5 %`` and ``97.5 %``."""
    if not 0 < level < 1:
        raise MereValueError(f"level must lie between 0 and 1, not {level!r}")
    tail = (1 - level) / 2
    percent = [100 * tail, 100 * (1 - tail)]
    places = max(_decimals(x) for x in percent)
    return [f"{x:.{places}f}".rstrip("0").rstrip(".") + " %" for x in percent]


def _decimals(x: float, digits: int = 3) -> int:
    """Decimals that show `digits` significant digits of x, zeros at the end dropped."""
    mantissa, exponent = f"{x:.{digits - 1}e}".split("e")
    return max(0, len(mantissa.replace(".", "").rstrip("0")) - 1 - int(exponent))


def interval_frame(
    estimate: np.ndarray, se: np.ndarray, names: Sequence[str], quantile: float, labels: list[str]
) -> pd.DataFrame:
    """estimate -+ quantile * se."""
    half = quantile * se
    return pd.DataFrame(np.column_stack([estimate - half, estimate + half]), list(names), labels, dtype=float)


def variance_parameter_names(random: Sequence[RandomTerm]) -> list[str]:
    """``sd_x|g`` and ``cor_x.y|g``: per term all SDs, then correlations by columns; ``sigma``."""
    names = []
    for t in random:
        k = len(t.names)
        names += [f"sd_{name}|{t.group}" for name in t.names]
        if t.covariance.name != "diag":
            below = ((i, j) for j in range(k) for i in range(j + 1, k))
            names += [f"cor_{t.names[i]}.{t.names[j]}|{t.group}" for i, j in below]
    return [*names, "sigma"]


def sig_names(count: int) -> list[str]:
    """``.sig01``, ``.sig02``, ..., ``.sigma`` for `count` parameters with sigma."""
    return [f".sig{i + 1:02d}" for i in range(count - 1)] + [".sigma"]


def chosen_parameters(parm: Any, names: Sequence[str], aliases: Sequence[str] = (), n_variance: int = 0) -> list[int]:
    """Positions that `parm` asks for: names, their aliases, positions, ``theta_``, ``beta_``."""
    if parm is None:
        return list(range(len(names)))
    wanted = [parm] if isinstance(parm, (str, int, np.integer)) else list(parm)
    out: list[int] = []
    for w in wanted:
        if w == "theta_":
            out += range(n_variance)
        elif w == "beta_":
            out += range(n_variance, len(names))
        elif isinstance(w, str) and w in names:
            out.append(list(names).index(w))
        elif isinstance(w, str) and w in aliases:
            out.append(list(aliases).index(w))
        elif isinstance(w, (int, np.integer)) and -len(names) <= w < len(names):
            out.append(int(w))
        else:
            raise MereKeyError(f"parm={w!r} is no parameter; there are {', '.join(names)}")
    return out


# -- methods -----------------------------------------------------------------
@g.confint.register(LMM)
def _confint(
    m: LMM,
    parm: Any = None,
    level: float = 0.95,
    method: str = "profile",
    signames: bool = False,
    **kwargs: Any,
) -> pd.DataFrame:
    if method not in ("profile", "Wald", "boot"):
        raise MereValueError(f"method must be 'profile', 'Wald' or 'boot', not {method!r}")
    if method != "Wald":
        raise MereValueError(
            f"confint(method={method!r}) is not there yet; use method='Wald', which has intervals for the fixed effects"
        )
    if kwargs:
        raise MereValueError(f"confint() knows no argument {next(iter(kwargs))!r}")
    from scipy.special import ndtri

    labels = percent_labels(level)
    variance = variance_parameter_names(m.design.random)
    n = len(variance)
    shown = sig_names(n) if signames else variance
    hidden = variance if signames else sig_names(n)
    fixed = list(m.design.names)
    se = np.sqrt(np.diag(g.vcov(m)))
    quantile = float(ndtri((1 + level) / 2))
    estimate = np.concatenate([np.full(n, math.nan), m.beta])
    se = np.concatenate([np.full(n, math.nan), se])
    table = interval_frame(estimate, se, [*shown, *fixed], quantile, labels)
    chosen = chosen_parameters(parm, [*shown, *fixed], [*hidden, *fixed], n)
    return table.iloc[chosen]
