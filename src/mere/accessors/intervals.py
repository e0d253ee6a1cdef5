"""Names and shapes of confidence intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..arguments import check_probability
from ..errors import MereKeyError, MereTypeError

__all__ = ["chosen_parameters", "interval_frame", "percent_labels"]


# -- numbers and names ---------------------------------------------------------
def percent_labels(level: float) -> list[str]:
    """R's column names: ``2.5 %`` and ``97.5 %``."""
    check_probability(level)
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


def chosen_parameters(parm: Any, names: Sequence[str], aliases: Sequence[str] = (), n_variance: int = 0) -> list[int]:
    """Positions that `parm` asks for: names, their aliases, positions, ``theta_``, ``beta_``."""
    if parm is None:
        return list(range(len(names)))
    wanted = [parm] if isinstance(parm, (str, int, np.integer)) else parm
    if not isinstance(wanted, Iterable):
        raise MereTypeError(f"parm must be names or positions of parameters, not {parm!r}")
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
            out.append(int(w) % len(names))
        else:
            raise MereKeyError(f"parm={w!r} is no parameter; there are {', '.join(names)}")
    return out
