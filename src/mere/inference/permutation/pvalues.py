"""p-values of resampling tests, and how sure one can be of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import MereValueError

__all__ = [
    "ALTERNATIVES", "exceedances", "extreme", "inverted_limits", "monte_carlo_interval", "p_row", "p_value",
    "recommended_draws", "sequential_interval", "step_down", "straddles",
]  # fmt: skip

ALTERNATIVES = ("two-sided", "greater", "less")
_LEVELS = (0.05, 0.01, 0.001)
#: Relative slack of "as large as": rounding must not turn a tie into a difference.
_SLACK = 1e-10


def exceedances(observed: float, draws: np.ndarray, alternative: str = "two-sided") -> int:
    """How many draws are at least as extreme as what was observed; NaN draws are none.

    Examples
    --------
    >>> exceedances(2.0, np.array([-3.0, 1.0, 2.0])), exceedances(2.0, np.array([-3.0, 1.0, 2.0]), "greater")
    (2, 1)
    """
    return int(extreme(observed, draws, alternative).sum())


def extreme(observed: float, draws: np.ndarray, alternative: str = "two-sided") -> np.ndarray:
    """Which draws are at least as extreme as what was observed?"""
    if alternative not in ALTERNATIVES:
        raise MereValueError(f"alternative must be one of {', '.join(map(repr, ALTERNATIVES))}, not {alternative!r}")
    slack = _SLACK * max(abs(observed), 1e-300)
    if alternative == "two-sided":
        out: np.ndarray = np.abs(draws) >= abs(observed) - slack
    else:
        out = draws >= observed - slack if alternative == "greater" else draws <= observed + slack
    return out


def p_value(count: int, draws: int) -> float:
    """(1 + count) / (1 + draws): the observed arrangement is one of those that could have been (never zero).

    Examples
    --------
    >>> p_value(3, 99)
    0.04
    """
    return (1 + count) / (1 + draws)


def monte_carlo_interval(count: int, draws: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's interval of the p-value that all arrangements would give.

    Examples
    --------
    >>> [round(x, 4) for x in monte_carlo_interval(3, 99)]
    [0.011, 0.0993]
    """
    from scipy.special import betaincinv

    a, n = count + 1, draws + 1
    tail = (1 - level) / 2
    low = float(betaincinv(a, n - a + 1, tail)) if a > 0 else 0.0
    high = float(betaincinv(a + 1, n - a, 1 - tail)) if a < n else 1.0
    return low, high


def sequential_interval(stop: int, draws: int, level: float = 0.95) -> tuple[float, float]:
    """The same when draws were made until the `stop`-th that is as large: their number is negative binomial.

    Examples
    --------
    >>> [round(x, 4) for x in sequential_interval(10, 200)]
    [0.0242, 0.0841]
    """
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    high = float(betaincinv(stop, draws - stop, 1 - tail)) if draws > stop else 1.0
    return float(betaincinv(stop, draws - stop + 1, tail)), high


def straddles(low: float, high: float) -> float | None:
    """The usual level that an interval of p contains, if any: then more draws could change the verdict.

    Examples
    --------
    >>> straddles(0.011, 0.0993), straddles(0.2, 0.3)
    (0.05, None)
    """
    return next((a for a in _LEVELS if low < a < high), None)


def recommended_draws(p: float, low: float, high: float) -> int | None:
    """Draws that would separate p from the level its interval contains; None where there is none.

    Examples
    --------
    >>> recommended_draws(0.04, *monte_carlo_interval(3, 99)) > 1000
    True
    """
    level = straddles(low, high)
    if level is None:
        return None
    gap = max(abs(p - level), 0.02 * level)
    return math.ceil(1.96**2 * max(p, level) * (1 - min(p, level)) / gap**2)


def step_down(values: np.ndarray, sides: Sequence[str]) -> np.ndarray:
    """Westfall and Young's adjusted p-values by minima of p-values, the smallest observed first.

    Parameters
    ----------
    values : (1 + draws, k) array
        Statistics of k hypotheses, what was observed in the first row.
    sides : sequence of {"two-sided", "greater", "less"}

    References
    ----------
    Westfall and Young (1993), Resampling-based multiple testing, algorithm 2.8.

    Examples
    --------
    >>> t = np.array([[3.0, 1.0], [0.5, 1.5], [-1.0, 2.5], [2.0, 0.1]])
    >>> step_down(t, ["two-sided", "two-sided"])
    array([0.5 , 0.75])
    """
    away = [{"two-sided": np.abs, "greater": np.positive, "less": np.negative}[side] for side in sides]
    sizes = np.column_stack([f(column) for f, column in zip(away, values.T, strict=True)])
    slack = _SLACK * np.maximum(np.abs(sizes), 1e-300)
    p = np.column_stack(
        [1 - np.searchsorted(np.sort(s), s - e, side="left") / len(s) for s, e in zip(sizes.T, slack.T, strict=True)]
    )
    order = np.argsort(p[0], kind="stable")
    smallest = np.minimum.accumulate(p[:, order[::-1]], axis=1)[:, ::-1]
    out = np.empty(len(order))
    out[order] = np.maximum.accumulate((smallest <= p[0, order] + 1e-12).mean(axis=0))
    return out


def inverted_limits(
    estimate: float, se: float, draws: np.ndarray, alternative: str, level: float
) -> tuple[float, float]:
    """The values of a coefficient that the test of draws of t does not reject, from lowest to highest.

    Examples
    --------
    >>> low, high = inverted_limits(1.0, 0.5, np.linspace(-2, 2, 101), "greater", 0.9)
    >>> round(low, 12), high
    (0.2, inf)
    """
    if alternative == "greater":
        return float(estimate - se * np.quantile(draws, level)), math.inf
    if alternative == "less":
        return -math.inf, float(estimate - se * np.quantile(draws, 1 - level))
    tail = (1 - level) / 2
    lower, upper = np.quantile(draws, [tail, 1 - tail])
    return float(estimate - se * upper), float(estimate - se * lower)


def p_row(
    observed: float, draws: np.ndarray, alternative: str, stop: int | None = None, exact: bool = False
) -> dict[str, Any]:
    """The line of a table that draws of a statistic make; NaN draws were not made. All there are leave no doubt of p.

    Examples
    --------
    >>> row = p_row(2.0, np.array([-3.0, 1.0, 2.0]), "two-sided")
    >>> row["n_perm"], row["p.value"]
    (3.0, 0.75)
    """
    valid = draws[~np.isnan(draws)]
    count = exceedances(observed, valid, alternative)
    stopped = stop is not None and count >= stop
    p = count / len(valid) if stopped else p_value(count, len(valid))
    low, high = (p, p) if exact else (sequential_interval if stopped else monte_carlo_interval)(count, len(valid))
    level, wanted = straddles(low, high), recommended_draws(p, low, high)
    row: dict[str, Any] = dict.fromkeys(("estimate", "std.error", "statistic", "df"), np.nan)
    row |= {"statistic": observed, "n_perm": float(len(valid)), "p.value": p, "p.low": low, "p.high": high}
    row["p.se"] = 0.0 if exact else math.sqrt(p * (1 - p) / (len(valid) + 1))
    row |= dict.fromkeys(("conf.low", "conf.high", "p.classical"), np.nan)
    row |= {"level": np.nan if level is None else level, "recommended": np.nan if wanted is None else float(wanted)}
    return row | {"label": "tested"}
