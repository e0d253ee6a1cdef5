"""Power by simulation: responses from a model, fits, tests, and how often they reject."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..arguments import check_probability, count_of
from ..errors import MereError, MereTypeError, MereValueError, ResamplingError
from ..generalized import GLM, GLMM
from ..model import LM, LMM
from ..simulation import read_seed
from .bootstraps.parametric import drawn_response, refit_generalized
from .methods import reference_of
from .permutation.pvalues import monte_carlo_interval
from .reference import quantile_of_t
from .resampling import Pool, run_task

__all__ = ["PowerResult", "extend", "power_curve", "power_sim"]


@dataclass(frozen=True, eq=False)
class PowerResult:
    """How often a test rejects.

    Attributes
    ----------
    power : float
    low, high : float
        Clopper-Pearson interval.
    term : str
    alpha : float
    nsim, n_failed : int
    p_values : ndarray
        Of the replicates that could be fitted.
    truth, bias, rmse, mean_se, empirical_se, coverage : float
        Of the coefficient, where the term has one.
    seed : int
    """

    power: float
    low: float
    high: float
    term: str
    alpha: float
    nsim: int
    n_failed: int
    p_values: np.ndarray
    truth: float
    bias: float
    rmse: float
    mean_se: float
    empirical_se: float
    coverage: float
    seed: int

    def to_frame(self) -> pd.DataFrame:
        """One row."""
        names = ["power", "low", "high", "alpha", "nsim", "n_failed", "truth", "bias", "rmse", "mean_se"]
        names += ["empirical_se", "coverage"]
        return pd.DataFrame([{name: getattr(self, name) for name in names}], index=[self.term])

    def __repr__(self) -> str:
        return g.to_text(self)

    def _repr_html_(self) -> str:
        return g.to_html(self)


@g.to_text.register(PowerResult)
def _text(p: PowerResult) -> str:
    lines = [
        f"Power for {p.term!r} at level {p.alpha:g}: {100 * p.power:.2f} % ({100 * p.low:.2f}, {100 * p.high:.2f})",
        f"{p.nsim} simulations, {p.n_failed} failed, seed {p.seed}",
    ]
    if np.isfinite(p.truth):
        lines.append(
            f"coefficient {p.truth:.4g}: bias {p.bias:.3g}, RMSE {p.rmse:.3g}, mean SE {p.mean_se:.3g}, "
            f"SD of estimates {p.empirical_se:.3g}, coverage {100 * p.coverage:.1f} %"
        )
    return "\n".join(lines)


@g.to_html.register(PowerResult)
def _html(p: PowerResult) -> str:
    return f"<pre>{escape(_text(p))}</pre>"


# -- one model --------------------------------------------------------------------
def _with_coefficients(m: Any, fixef: Mapping[str, float] | None) -> Any:
    """The model with other fixed effects: what is simulated from."""
    if not fixef:
        return m
    names = list(m.design.names)
    for name in fixef:
        if name not in names:
            raise MereValueError(
                f"fixef has {name!r}, which is no coefficient of the model; there are {', '.join(names)}"
            )
    beta = np.array([float(fixef.get(name, old)) for name, old in zip(names, m.beta, strict=True)])
    if isinstance(m, GLM):
        eta = m.fit.eta + m.design.X @ (beta - m.beta)
        mu = np.asarray(m.model_family.link.inverse(eta))
        return replace(m, fit=replace(m.fit, beta=beta, eta=eta, mu=mu))
    return replace(m, beta=beta)


def _columns(m: Any, term: str | None) -> tuple[str, np.ndarray]:
    labels, assign = list(m.design.term_labels), np.asarray(m.design.assign)
    if not labels:
        raise MereValueError("the model has no term to test")
    term = labels[-1] if term is None else term
    if term in labels:
        return term, np.flatnonzero(assign == labels.index(term) + 1)
    if term in m.design.names:
        return term, np.array([list(m.design.names).index(term)])
    raise MereValueError(f"term={term!r} is no term or coefficient of the model; there are {', '.join(labels)}")


def _refit(m: Any, y: np.ndarray) -> Any:
    return refit_generalized(m, y) if isinstance(m, (GLM, GLMM)) else g.refit(m, y)


def _response(m: Any, rng: np.random.Generator) -> np.ndarray:
    if isinstance(m, (GLM, GLMM)):
        return drawn_response(m, rng)
    seed = int(rng.integers(0, 2**63, dtype=np.uint64))
    return g.simulate(m, 1, seed=seed).to_numpy()[:, 0]


def power_sim(
    model: Any,
    term: str | None = None,
    nsim: int = 1000,
    alpha: float = 0.05,
    fixef: Mapping[str, float] | None = None,
    test: str | Callable[[Any], float] | None = None,
    seed: Any = None,
    ncpus: int | None = 1,
    progress: bool | None = None,
) -> PowerResult:
    """Power of the test of a term, by simulation (simr's ``powerSim``).

    Responses are drawn from the model, the model is fitted to each, and the term is tested.

    Parameters
    ----------
    model : LM, GLM, LMM, GLMM
    term : str, optional
        A term or a coefficient; default the last term.
    nsim : int
    alpha : float
    fixef : mapping of str to float, optional
        Fixed effects to simulate with, in place of the estimates.
    test : str or callable, optional
        Degrees of freedom (``"Satterthwaite"``, ``"Kenward-Roger"``, ``"asymptotic"``), or a function of a fitted model
        that returns a p-value.
    seed : int or numpy.random.Generator, optional
    ncpus : int, optional
    progress : bool, optional

    Returns
    -------
    PowerResult

    References
    ----------
    Green and MacLeod (2016), Methods Ecol. Evol. 7, 493-498.

    Examples
    --------
    >>> from mere import lmer, power_sim
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> result = power_sim(m, fixef={"Days": 4.0}, nsim=50, seed=1)
    >>> 0.5 < result.power < 0.9
    True
    """
    if not isinstance(model, (LM, GLM, LMM, GLMM)):
        raise MereTypeError(f"power_sim() takes a fitted model, not {type(model).__name__!r}")
    nsim = count_of(nsim)
    check_probability(alpha, "alpha")
    source, number = _with_coefficients(model, fixef), read_seed(seed)
    label, columns = _columns(model, term)
    L, one = np.eye(len(model.beta))[columns], len(columns) == 1
    ddf = test if isinstance(test, str) else None
    truth = float(source.beta[columns[0]]) if one else np.nan

    def task(first: int, count: int) -> tuple[np.ndarray, dict[int, str]]:
        out, causes = np.full((count, 4), np.nan), {}
        for i in range(count):
            rng = np.random.Generator(np.random.Philox(key=[number, first + i]))
            try:
                fit = _refit(model, _response(source, rng))
                reference = reference_of(fit, ddf)
                out[i, 0] = float(test(fit)) if callable(test) else reference.joint(L).p_value
                if one:
                    se = float(np.sqrt(reference.V[columns[0], columns[0]]))
                    width = float(quantile_of_t(1 - alpha, reference.df(L))[0]) * se
                    out[i, 1:] = fit.beta[columns[0]], se, abs(fit.beta[columns[0]] - truth) <= width
            except (MereError, np.linalg.LinAlgError) as error:
                causes[first + i] = str(error)
        return out, causes

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pool = Pool("no" if ncpus == 1 else "threads", ncpus)
        found = run_task(task, nsim, 4, pool, {}, None, progress)
    values = found.values[found.done]
    values = values[np.isfinite(values[:, 0])]
    if not len(values):
        raise ResamplingError(f"all {nsim} simulations failed: {next(iter(found.causes.values()), 'no p-value')}")
    rejected = int((values[:, 0] <= alpha).sum())
    low, high = _proportion_interval(rejected, len(values))
    estimates, se = values[:, 1], values[:, 2]
    return PowerResult(
        rejected / len(values), low, high, label, alpha, nsim, nsim - len(values), values[:, 0], truth,
        float(np.mean(estimates) - truth), float(np.sqrt(np.mean((estimates - truth) ** 2))), float(np.mean(se)),
        float(np.std(estimates, ddof=1)) if len(values) > 1 else np.nan, float(np.mean(values[:, 3])), number,
    )  # fmt: skip


def _proportion_interval(count: int, n: int) -> tuple[float, float]:
    """Clopper and Pearson's interval of a proportion."""
    low = monte_carlo_interval(count - 1, n - 1)[0] if count else 0.0
    high = monte_carlo_interval(count - 1, n - 1)[1] if count < n else 1.0
    if count == 0:
        high = 1 - 0.025 ** (1 / n)
    return low, high


# -- a curve ----------------------------------------------------------------------
def extend(data: Any, along: str, n: int) -> pd.DataFrame:
    """A table with `n` levels of a factor: the first ones, or all and copies of them under new names.

    Examples
    --------
    >>> d = pd.DataFrame({"g": ["a", "a", "b"], "x": [1, 2, 3]})
    >>> extend(d, "g", 3)["g"].to_list()
    ['a', 'a', 'b', 'a.2', 'a.2']
    """
    table = pd.DataFrame(data)
    if along not in table:
        raise MereValueError(f"along={along!r} is no column of the data")
    levels = list(pd.unique(table[along]))
    parts = []
    for i in range(int(n)):
        level, copy = levels[i % len(levels)], i // len(levels)
        part = table[table[along] == level].copy()
        part[along] = str(level) if copy == 0 else f"{level}.{copy + 1}"
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def power_curve(
    model: Any, along: str, at: Sequence[int], term: str | None = None, seed: Any = None, **options: Any
) -> pd.DataFrame:
    """Power as the number of levels of a factor grows (simr's ``powerCurve``).

    Parameters
    ----------
    model : LM, LMM
    along : str
        A column of the data, such as the grouping factor.
    at : sequence of int
        Numbers of levels; more than there are means copies of them.
    term, seed
        As in `power_sim`.
    **options
        Passed to `power_sim`.

    Returns
    -------
    DataFrame
        A row a number of levels, as `PowerResult.to_frame`.

    Examples
    --------
    >>> from mere import lmer, power_curve
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> curve = power_curve(m, "Subject", [6, 18], fixef={"Days": 4.0}, nsim=40, seed=1)
    >>> bool(curve["power"].is_monotonic_increasing)
    True
    """
    if not isinstance(model, (LM, LMM)):
        raise MereTypeError("power_curve() takes models fitted by lm() or lmer()")
    if model.call.data is None:
        raise MereValueError("the model keeps no data to extend")
    number, rows = read_seed(seed), []
    for k in at:
        data = extend(model.call.data, along, int(k))
        response = model.design.response
        if response not in data:
            raise MereValueError(f"the response {response} must be a column of the data")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kept = {"allow_new_levels": True} if isinstance(model, LMM) else {}
            y = g.simulate(model, 1, seed=number, newdata=data, **kept).to_numpy()[:, 0]
            larger = g.update(model, data=data.assign(**{response: y}))
            same: dict[str, Any] = {"beta": model.beta, "sigma": model.sigma}
            if isinstance(model, LMM):
                same |= {"theta": model.theta, "par": model.par}
            own = replace(larger, **same)
            frame = power_sim(own, term, seed=number, **options).to_frame()
        rows.append(frame.assign(levels=int(k)).set_index("levels"))
    out = pd.concat(rows)
    out.index.name = along
    return out
