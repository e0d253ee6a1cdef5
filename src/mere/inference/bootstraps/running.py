"""`bootstrap`: a scheme, its replicates, intervals and p-values; `bootMer` for generalized linear models."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ... import generics as g
from ...arguments import check_function, check_probability, count_of, number_of, threads_of
from ...errors import BootstrapWarning, MereValueError, ResamplingError, tell
from ...generalized import GLM, GLMM
from ...model import LM, LMM
from ...simulation import read_seed
from ..bootstrap_intervals import acceleration, bootstrap_interval, quantiles
from ..bootstrapping import Bootstrap, model_parameters, named
from ..clusters import group_codes, outer_group
from ..resampling import Pool, report_replicates, run_task
from .case import case_scheme
from .parametric import parametric_scheme
from .residual import reb_scheme, residual_scheme
from .scheme import OfCoefficients, Request, Task, coefficient_columns, parameter_errors
from .wild import wild_scheme

__all__ = ["SCHEMES", "BootstrapTable", "crossing_p", "studentized_interval"]

SCHEMES: dict[str, Callable[[Request, Any], Task]] = {
    "case": case_scheme,
    "parametric": parametric_scheme,
    "residual": residual_scheme,
    "wild": wild_scheme,
    "reb": reb_scheme,
}
_CI = {
    "percentile": "perc",
    "perc": "perc",
    "basic": "basic",
    "norm": "norm",
    "bca": "bca",
    "studentized": "studentized",
}
_FEWEST = 50
_WHICH = ("all", "fixef", "ranef")


@dataclass(frozen=True, eq=False, repr=False)
class BootstrapTable(Bootstrap):
    """A bootstrap with intervals and p-values.

    Attributes
    ----------
    table : DataFrame
        ``estimate, std.error`` (SD of the replicates), ``bias, conf.low, conf.high, statistic, p.value``.
    errors : DataFrame or None
        Standard errors of the statistics in each replicate, for the studentized interval.
    ci : str
    conf_level : float
    cluster : str or None
        What was drawn.
    kinds : Series
        ``"fixef"``, ``"ranef"`` (standard deviations and correlations, sigma) or ``"statistic"`` by term.
    """

    table: pd.DataFrame
    errors: pd.DataFrame | None
    ci: str
    conf_level: float
    cluster: Any
    kinds: pd.Series

    def to_frame(self) -> pd.DataFrame:
        """The table."""
        return self.table.copy()

    @property
    def resamples(self) -> pd.DataFrame | None:
        """The replicates as a long table ``resample, term, value``; None where they were not kept."""
        if not len(self.t):
            return None
        long = self.t.reset_index(names="resample").melt("resample", var_name="term", value_name="value")
        return long.sort_values(["resample", "term"], kind="stable").reset_index(drop=True)


def crossing_p(t: np.ndarray, t0: float, null: float = 0.0, alternative: str = "two-sided") -> float:
    """p-value by how many replicates lie on the other side of the null value than the estimate.

    Two-sided min(1, 2 (c + 1)/(B + 1)), one-sided (c + 1)/(B + 1): the level at which a percentile interval ends at the
    null value, not a test under the null.

    Examples
    --------
    >>> crossing_p(np.array([1.0, 2.0, -1.0, 3.0, np.nan]), 2.0)
    0.8
    """
    t = t[np.isfinite(t)]
    if not len(t):
        return float("nan")
    if alternative == "two-sided":
        if t0 == null:
            return 1.0
        c = int((t <= null).sum() if t0 > null else (t >= null).sum())
        return min(1.0, 2 * (c + 1) / (len(t) + 1))
    if alternative not in ("greater", "less"):
        raise MereValueError(f"alternative must be 'two-sided', 'greater' or 'less', not {alternative!r}")
    c = int((t <= null).sum() if alternative == "greater" else (t >= null).sum())
    return (c + 1) / (len(t) + 1)


def studentized_interval(t: np.ndarray, se: np.ndarray, t0: float, se0: float, level: float) -> np.ndarray:
    """Ends of the bootstrap-t interval, t0 - se0 times quantiles of (t - t0)/se (Davison & Hinkley 1997, 5.7)."""
    z = (t - t0) / se
    z = z[np.isfinite(z)]
    if len(z) < 2 or not np.isfinite(se0):
        return np.array([np.nan, np.nan])
    out: np.ndarray = t0 - se0 * quantiles(z, np.array([(1 + level) / 2, (1 - level) / 2]))
    return out


def _read(m: Any, type: str, nsim: Any, ci: str, conf_level: float, statistic: Any) -> str:
    """Everything that can be wrong, before anything is fitted."""
    if not isinstance(type, str) or type not in SCHEMES:
        raise MereValueError(f"type must be one of {', '.join(map(repr, SCHEMES))}, not {type!r}")
    if not isinstance(ci, str) or ci not in _CI:
        raise MereValueError(f"ci must be one of 'percentile', 'basic', 'norm', 'bca', 'studentized', not {ci!r}")
    check_probability(conf_level, "conf_level")
    count_of(nsim, "nsim")
    check_function(statistic)
    if type in ("residual", "wild", "reb") and isinstance(m, (GLM, GLMM)):
        raise MereValueError(
            f"type={type!r} adds residuals to a fit, which makes no {m.model_family.name} response; use 'case' or "
            "'parametric'"
        )
    kind = _CI[ci]
    if kind == "bca":
        if nsim < _FEWEST:
            raise MereValueError(f"ci='bca' needs {_FEWEST} replicates at least, not {nsim}")
        groups = group_codes(m.design)
        if groups and outer_group(groups) is None:
            raise MereValueError(
                f"ci='bca' leaves out one unit at a time, and with the crossed factors {', '.join(groups)} there is no "
                "such unit; use 'studentized' or 'percentile'"
            )
    if kind == "studentized" and statistic is not None:
        raise MereValueError("ci='studentized' needs standard errors, which a FUN does not give; leave FUN out")
    return kind


def _bootstrap(
    m: Any,
    FUN: Callable[[Any], Any] | None = None,
    type: str = "case",
    nsim: int = 1000,
    ci: str = "percentile",
    conf_level: float = 0.95,
    cluster: Any = None,
    null: float = 0.0,
    alternative: str = "two-sided",
    seed: Any = None,
    ncpus: int | None = 1,
    checkpoint: Any = None,
    progress: bool | None = None,
    save_resamples: bool = True,
    which: str = "all",
) -> BootstrapTable:
    kind = _read(m, type, nsim, ci, conf_level, FUN)
    _read_which(which, FUN)
    null, ncpus = number_of(null, "null"), threads_of(ncpus)
    crossing_p(np.zeros(1), 0.0, 0.0, alternative)
    number = read_seed(seed)
    derived = FUN if isinstance(FUN, OfCoefficients) else None
    plain = FUN is None or derived is not None
    statistic = model_parameters if FUN is None or derived is not None else FUN
    t0 = named(statistic(m))
    errors = kind == "studentized"
    request = Request(m, statistic, plain, len(t0), errors, number)
    task = SCHEMES[type](request, cluster)
    signature = {"formula": str(m.design.formula), "beta": str(m.beta.tolist()), "type": type, "seed": str(number)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pool = Pool("no" if ncpus == 1 else "threads", ncpus)
        out = run_task(task, int(nsim), request.width, pool, signature, checkpoint, progress)
    values = out.values[out.done]
    t = pd.DataFrame(values[:, : len(t0)], pd.Index(np.flatnonzero(out.done)), t0.index)
    se = pd.DataFrame(values[:, len(t0) :], t.index, t0.index) if errors else None
    failures = pd.Series(dict(sorted(out.causes.items())), dtype=object)
    _report(m, t, failures, int(nsim))
    leave_out = g.jackknife(m, FUN=None if plain else FUN).values if kind == "bca" else None
    kinds = _kinds(m, t0, plain)
    if derived is not None:
        t0, t, kinds = derived(m), derived.of(m, t), pd.Series("statistic", derived.names)
        leave_out = None if leave_out is None else derived.of(m, leave_out)
    table = _table(m, t0, t, se, kind, conf_level, null, alternative, leave_out)
    if type == "wild" and isinstance(m, LMM):  # signs leave each cluster's products as they are
        table.loc[(kinds == "ranef").to_numpy(), table.columns[1:]] = np.nan
    chosen = np.ones(len(t0), dtype=bool) if which == "all" else (kinds == which).to_numpy()
    t0, t, table, kinds = t0[chosen], t.loc[:, chosen], table[chosen], kinds[chosen]
    se = None if se is None else se.loc[:, chosen]
    kept = t if save_resamples else pd.DataFrame(columns=t0.index, dtype=float)
    return BootstrapTable(
        m, t0, kept, failures, number, int(nsim), type, False, FUN, table, se, kind, conf_level, cluster, kinds
    )


def _read_which(which: str, FUN: Any) -> None:
    if which not in _WHICH:
        raise MereValueError(f"which must be one of {', '.join(map(repr, _WHICH))}, not {which!r}")
    if which != "all" and FUN is not None:
        raise MereValueError(f"which={which!r} chooses among the model's parameters; leave FUN out")


def _kinds(m: Any, t0: pd.Series, plain: bool) -> pd.Series:
    """What each number of a replicate is."""
    kinds = pd.Series("ranef" if plain else "statistic", t0.index, dtype=object)
    if plain:
        kinds.iloc[coefficient_columns(m, len(t0))] = "fixef"
    return kinds


def _report(m: Any, t: pd.DataFrame, failures: pd.Series, nsim: int) -> None:
    usable = int(t.notna().any(axis=1).sum())
    if not usable:
        raise ResamplingError(f"all {len(t)} replicates failed: {failures.iloc[0] if len(failures) else 'no value'}")
    report_replicates("bootstrap", len(t), nsim, failures)
    if usable < _FEWEST and isinstance(m, (LMM, GLMM)) and nsim >= _FEWEST:
        tell(f"bootstrap: only {usable} replicates can be used", BootstrapWarning)


def _table(
    m: Any,
    t0: pd.Series,
    t: pd.DataFrame,
    se: pd.DataFrame | None,
    kind: str,
    level: float,
    null: float,
    alternative: str,
    leave_out: pd.DataFrame | None,
) -> pd.DataFrame:
    rows = []
    se0 = parameter_errors(m) if se is not None else None
    # a one-sided interval has one end of a two-sided one of the level that leaves the same tail
    own = level if alternative == "two-sided" else 2 * level - 1
    for j in range(len(t0)):
        draws, value = t.iloc[:, j].to_numpy(), float(t0.iloc[j])
        valid = draws[np.isfinite(draws)]
        spread = float(valid.std(ddof=1)) if len(valid) > 1 else np.nan
        if se is not None and se0 is not None:
            low, high = studentized_interval(draws, se.iloc[:, j].to_numpy(), value, float(se0[j]), own)
        else:
            a = 0.0 if leave_out is None else acceleration(leave_out.iloc[:, j].to_numpy())
            low, high = bootstrap_interval(draws, value, own, kind, a)
        low, high = (
            (low, np.inf) if alternative == "greater" else (-np.inf, high) if alternative == "less" else (low, high)
        )
        rows.append(
            (
                value, spread, float(valid.mean() - value) if len(valid) else np.nan, low, high,
                (value - null) / spread if spread else np.nan, crossing_p(draws, value, null, alternative),
            )
        )  # fmt: skip
    columns = ["estimate", "std.error", "bias", "conf.low", "conf.high", "statistic", "p.value"]
    return pd.DataFrame(rows, t0.index, columns)


for _kind in (LM, GLM, LMM, GLMM):
    g.bootstrap.register(_kind, _bootstrap)


@g.bootMer.register(GLM)
def _boot_generalized(
    m: GLM,
    FUN: Callable[[Any], Any] | None = None,
    nsim: int = 500,
    seed: Any = None,
    type: str = "parametric",
    ncpus: int | None = 1,
    checkpoint: Any = None,
    progress: bool | None = None,
) -> BootstrapTable:
    if type != "parametric":
        raise MereValueError(f"bootMer() of a generalized model is parametric, not {type!r}; see bootstrap()")
    return _bootstrap(m, FUN, "parametric", nsim, seed=seed, ncpus=ncpus, checkpoint=checkpoint, progress=progress)
