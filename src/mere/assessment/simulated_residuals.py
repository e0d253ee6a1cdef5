"""Residuals by simulation: where an observation stands among responses drawn from its model.

A row of the model has its observed value and the simulated ones. If the model is right they are exchangeable, so that
the rank of each among them is uniform; ties, as counts have them, are broken at random:

    u = (number below + V (ties + 1)) / (nsim + 1),   V uniform.

The same holds for any statistic of a whole response: its rank among those of the simulated responses is a p-value, for
any dependence between rows, as every simulated response is treated as the observed one is.

References: Dunn and Smyth (1996), J. Comput. Graph. Statist. 5, 236-244; Hartig, DHARMa (R package).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..arguments import check_flags, count_of
from ..errors import MereValueError
from ..generalized import GLM, GLMM
from ..model import LM, LMM
from ..simulation import read_seed

__all__ = ["SimulatedResiduals", "rank_test", "uniform_distances", "uniform_ranks"]

_CHUNK = 2_000_000  # numbers that are sorted at a time


# -- numbers -------------------------------------------------------------------
def uniform_ranks(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Where each value of a row stands among those of the row, in (0, 1); ties are broken at random.

    Parameters
    ----------
    values : (n, m) array
    rng : numpy.random.Generator

    Returns
    -------
    (n, m) array

    Examples
    --------
    >>> u = uniform_ranks(np.array([[3.0, 1.0, 2.0, 7.0]]), np.random.default_rng(1))
    >>> (4 * u).astype(int)
    array([[2, 0, 1, 3]])
    """
    n, m = values.shape
    ranks, places = np.empty((n, m)), np.arange(m, dtype=float)
    step = max(1, _CHUNK // m)
    for start in range(0, n, step):
        order = _order(values[start : start + step], rng)
        np.put_along_axis(ranks[start : start + step], order, np.broadcast_to(places, order.shape), axis=1)
        ranks[start : start + step] += rng.random(order.shape)
    return ranks / m


def _order(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What sorts each row, equal values in random order."""
    if (np.abs(values) < 2**31).all() and (values == np.rint(values)).all():
        return np.argsort(values + rng.random(values.shape), axis=1)  # counts
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    tied = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))
    if len(tied):
        order[tied] = np.lexsort((rng.random((len(tied), values.shape[1])), values[tied]), axis=1)
    return order


def uniform_distances(u: np.ndarray) -> np.ndarray:
    """Kolmogorov and Smirnov's distance of each column from the uniform distribution.

    Examples
    --------
    >>> uniform_distances(np.array([[0.1], [0.5], [0.6]])).round(3)
    array([0.4])
    """
    ordered, n = np.sort(u, axis=0), len(u)
    steps = np.arange(n)[:, None]
    out: np.ndarray = np.maximum((ordered - steps / n).max(axis=0), ((steps + 1) / n - ordered).max(axis=0))
    return out


def rank_test(values: np.ndarray, alternative: str) -> float:
    """The p-value of the first of some exchangeable values.

    Examples
    --------
    >>> rank_test(np.array([9.0, *range(9)]), "greater")
    0.1
    """
    above, below = float((values >= values[0]).mean()), float((values <= values[0]).mean())
    if alternative == "greater":
        return above
    if alternative == "less":
        return below
    if alternative == "two-sided":
        return min(1.0, 2.0 * min(above, below))
    raise MereValueError(f"alternative must be 'two-sided', 'less' or 'greater', not {alternative!r}")


def _beyond(values: np.ndarray) -> np.ndarray:
    """In how many rows each column is larger than all others, or smaller."""
    out = np.zeros(values.shape[1])
    for ordered, extreme in ((values, np.max), (-values, np.max)):
        tops = ordered == extreme(ordered, axis=1)[:, None]
        out += tops[tops.sum(axis=1) == 1].sum(axis=0)
    return out


# -- the result ----------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class SimulatedResiduals:
    """Residuals on the scale from 0 to 1, uniform if the model is right.

    Attributes
    ----------
    scaled : Series
        The residuals.
    observed : (n,) array
    predicted : (n,) array
        What the model expects.
    simulated : (n, nsim) array
    given_effects : bool
        Are the random effects those of the fit in all simulations?
    seed : int
    """

    scaled: pd.Series
    observed: np.ndarray
    predicted: np.ndarray
    simulated: np.ndarray
    given_effects: bool
    seed: int

    @property
    def values(self) -> np.ndarray:
        """The observed response, then the simulated ones, (n, nsim + 1)."""
        return np.column_stack([self.observed, self.simulated])

    @property
    def ranks(self) -> np.ndarray:
        """The residuals of the observed response, then of the simulated ones, (n, nsim + 1)."""
        return uniform_ranks(self.values, _generator(self.seed))

    def to_frame(self) -> pd.DataFrame:
        """A row for each observation: ``observed, predicted, scaled``."""
        columns = {"observed": self.observed, "predicted": self.predicted, "scaled": self.scaled.to_numpy()}
        return pd.DataFrame(columns, self.scaled.index)

    def __repr__(self) -> str:
        rows, nsim = self.simulated.shape
        given = ", given the random effects" if self.given_effects else ""
        return f"{rows} residuals from {nsim} simulated responses{given}\n{g.summary(self).round(4).to_string()}"


def _generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[seed, 2**63]))  # a key that no replicate has


# -- methods -------------------------------------------------------------------
@g.simulate_residuals.register(LM)
@g.simulate_residuals.register(GLM)
def _of_fixed(m: LM | GLM, nsim: int = 250, seed: Any = None, group: Any = None) -> SimulatedResiduals:
    return _simulated(m, nsim, seed, group, None)


@g.simulate_residuals.register(LMM)
@g.simulate_residuals.register(GLMM)
def _of_mixed(
    m: LMM | GLMM, nsim: int = 250, seed: Any = None, use_u: bool = True, group: Any = None
) -> SimulatedResiduals:
    check_flags(use_u=use_u)
    return _simulated(m, nsim, seed, group, bool(use_u))


def _simulated(m: LM | GLM | LMM | GLMM, nsim: int, seed: Any, group: Any, use_u: bool | None) -> SimulatedResiduals:
    if isinstance(m, GLM):
        m.model_family.need_likelihood("simulate_residuals()", "look at residuals(type='pearson')")
    number = read_seed(seed)
    known = {} if use_u is None else {"use_u": use_u}
    drawn = g.simulate(m, count_of(nsim), seed=number, **known)
    used = ~np.isnan(drawn.iloc[:, 0].to_numpy())  # na_action="exclude" fills rows up
    simulated, index = drawn.to_numpy()[used], drawn.index[used]
    mean = g.predict(m, re_form=False, type="response") if use_u is False else g.fitted(m)
    predicted = np.asarray(mean, dtype=float)
    predicted = predicted if len(predicted) == len(index) else predicted[used]
    observed = m.response.y if isinstance(m, (GLM, GLMM)) else m.design.y
    if isinstance(m, (GLM, GLMM)) and m.response.counts:  # pairs of successes and failures
        simulated, trials = simulated[:, ::2], m.response.size
        observed, predicted = observed * trials, predicted * trials
    if group is not None:
        codes, labels = _groups(m, group)
        observed, predicted = np.bincount(codes, observed), np.bincount(codes, predicted)
        simulated = np.column_stack([np.bincount(codes, column) for column in simulated.T])
        index = pd.Index(labels, name=group if isinstance(group, str) else None)
    u = uniform_ranks(np.column_stack([observed, simulated]), _generator(number))[:, 0]
    return SimulatedResiduals(pd.Series(u, index, name="scaled"), observed, predicted, simulated, bool(use_u), number)


def _groups(m: Any, group: Any) -> tuple[np.ndarray, Any]:
    """Codes and labels of the groups whose responses are added up."""
    values = group
    if isinstance(group, str):
        data = g.getData(m)
        if group not in data:
            raise MereValueError(f"group={group!r} is no column of the data")
        values = data[group]
    values, n = np.asarray(values), m.design.n
    if values.ndim != 1 or len(values) != n:
        rows = m.design.frame.rows
        if values.ndim != 1 or len(values) != m.design.frame.nrow or rows is None:
            raise MereValueError(f"group must be a column of the data or have a value for each of the {n} rows")
        values = values[np.asarray(rows)]
    codes, labels = pd.factorize(values)
    if (codes < 0).any():
        raise MereValueError("group has missing values")
    return codes, labels


def _result(values: np.ndarray, alternative: str, expected: str) -> pd.Series:
    mean = float(values[1:].mean())
    ratio = float(values[0]) / mean if mean else np.nan
    out = {"observed": float(values[0]), expected: mean, "ratio": ratio, "p_value": rank_test(values, alternative)}
    return pd.Series(out)


@g.check_residuals.register(SimulatedResiduals)
def _uniformity(
    s: SimulatedResiduals, statistic: Callable[..., Any] | None = None, alternative: str = "two-sided"
) -> pd.Series:
    if statistic is not None:
        values = s.values
        found = np.array([float(statistic(values[:, j])) for j in range(values.shape[1])])
        return _result(found, alternative, "expected")
    if alternative != "two-sided":
        raise MereValueError("alternative= goes with statistic=: a distance has one side")
    distances = uniform_distances(s.ranks)
    return pd.Series({"statistic": float(distances[0]), "p_value": rank_test(distances, "greater")})


@g.check_overdispersion.register(SimulatedResiduals)
def _dispersion(s: SimulatedResiduals, alternative: str = "greater") -> pd.Series:
    return _result(np.var(s.values - s.predicted[:, None], axis=0), alternative, "expected")


@g.check_outliers.register(SimulatedResiduals)
def _outliers(s: SimulatedResiduals, alternative: str = "greater") -> pd.Series:
    return _result(_beyond(s.values), alternative, "expected")


@g.check_zeroinflation.register(SimulatedResiduals)
def _zeros(s: SimulatedResiduals, alternative: str = "two-sided") -> pd.Series:
    return _result((s.values == 0.0).sum(axis=0), alternative, "expected")


@g.residuals.register(SimulatedResiduals)
def _residuals(s: SimulatedResiduals, type: str = "uniform") -> pd.Series:
    from scipy.special import ndtri

    if type not in ("uniform", "normal"):
        raise MereValueError(f"type must be 'uniform' or 'normal', not {type!r}")
    return s.scaled if type == "uniform" else pd.Series(ndtri(s.scaled.to_numpy()), s.scaled.index, name="scaled")


@g.summary.register(SimulatedResiduals)
def _summary(s: SimulatedResiduals) -> pd.DataFrame:
    rows = {"uniformity": _uniformity(s), "dispersion": _dispersion(s), "outliers": _outliers(s)}
    if (s.values == 0.0).any():
        rows["zeros"] = _zeros(s)
    table = pd.DataFrame(rows).T
    return table[["statistic", "observed", "expected", "ratio", "p_value"]]
