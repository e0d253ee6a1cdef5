"""Power by simulation: responses from a model, fits, tests, and how often they reject."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..accessors.generalized_linear import dispersion
from ..arguments import check_probability, count_of, number_of
from ..errors import MereError, MereTypeError, MereValueError, ResamplingError
from ..frame import Factor, as_frame
from ..generalized import GLM, GLMM
from ..model import LM, LMM
from ..simulation import read_seed
from .bootstraps.parametric import drawn_response, refit_generalized
from .methods import reference_of
from .permutation.pvalues import monte_carlo_interval
from .reference import quantile_of_t
from .resampling import Pool, report_replicates, run_task

__all__ = ["PowerResult", "extend", "power_curve", "power_sim"]

_DDF = ("Satterthwaite", "Kenward-Roger", "lme4", "asymptotic")


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
def _read_fixef(m: Any, fixef: Any) -> np.ndarray:
    """The fixed effects of a model, some of them replaced."""
    if fixef is None:
        return np.asarray(m.beta)
    names = list(m.design.names)
    if not isinstance(fixef, Mapping):
        raise MereValueError(f"fixef must be a mapping of coefficients to numbers, not {fixef!r}")
    for name, value in fixef.items():
        if name not in names:
            raise MereValueError(
                f"fixef has {name!r}, which is no coefficient of the model; there are {', '.join(names)}"
            )
        number_of(value, f"fixef[{name!r}]")
    return np.array([float(fixef.get(name, old)) for name, old in zip(names, m.beta, strict=True)])


def _with_coefficients(m: Any, beta: np.ndarray) -> Any:
    """The model with other fixed effects: what is simulated from."""
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
        columns = np.flatnonzero(assign == labels.index(term) + 1)
        if not len(columns):
            raise MereValueError(f"term={term!r} has no coefficient of its own in this model")
        return term, columns
    if term in m.design.names:
        return term, np.array([list(m.design.names).index(term)])
    raise MereValueError(f"term={term!r} is no term or coefficient of the model; there are {', '.join(labels)}")


def _refit(m: Any, y: np.ndarray) -> Any:
    return refit_generalized(m, y) if isinstance(m, (GLM, GLMM)) else g.refit(m, y)


def _response(m: Any, rng: np.random.Generator, phi: float | None) -> np.ndarray:
    if isinstance(m, (GLM, GLMM)):
        return drawn_response(m, rng, phi)
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
    checkpoint: Any = None,
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
    checkpoint : path, optional
        Written now and then, and read where it exists: a run that was interrupted goes on.

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
    if isinstance(model, GLM):
        model.model_family.need_likelihood("power_sim()")
    source = _with_coefficients(model, _read_fixef(model, fixef))
    phi = dispersion(model) if isinstance(model, GLM) else None
    return _power(model, source, phi, term, nsim, alpha, test, read_seed(seed), ncpus, progress, checkpoint)


def _power(
    model: Any, source: Any, phi: float | None, term: str | None, nsim: int, alpha: float, test: Any, number: int,
    ncpus: int | None, progress: bool | None, checkpoint: Any = None,
) -> PowerResult:  # fmt: skip
    """Fits of `model` to responses drawn from `source`, of a generalized linear model with dispersion `phi`."""
    count_of(nsim, "nsim")
    check_probability(alpha, "alpha")
    if test is not None and not callable(test) and test not in _DDF:
        raise MereValueError(f"test must be one of {', '.join(map(repr, _DDF))} or a function, not {test!r}")
    label, columns = _columns(model, term)
    L, one = np.eye(len(model.beta))[columns], len(columns) == 1
    ddf = test if isinstance(test, str) else None
    truth = float(source.beta[columns[0]]) if one else np.nan

    def task(first: int, count: int) -> tuple[np.ndarray, dict[int, str]]:
        out, causes = np.full((count, 4), np.nan), {}
        for i in range(count):
            rng = np.random.Generator(np.random.Philox(key=[number, first + i]))
            try:
                fit = _refit(model, _response(source, rng, phi))
                reference = reference_of(fit, ddf)
                out[i, 0] = _own_p(test(fit)) if callable(test) else reference.joint(L).p_value
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
        about = {"formula": model.design.formula, "term": label, "seed": number, "beta": source.beta.tolist()}
        found = run_task(task, nsim, 4, pool, about, checkpoint, progress)
    done, values = int(found.done.sum()), found.values[found.done]
    report_replicates("power_sim", done, nsim, ())
    values = values[np.isfinite(values[:, 0])]
    if not len(values):
        raise ResamplingError(f"all {nsim} simulations failed: {next(iter(found.causes.values()), 'no p-value')}")
    rejected = int((values[:, 0] <= alpha).sum())
    low, high = _proportion_interval(rejected, len(values))
    estimates, se = values[:, 1], values[:, 2]
    return PowerResult(
        rejected / len(values), low, high, label, alpha, done, done - len(values), values[:, 0], truth,
        float(np.mean(estimates) - truth), float(np.sqrt(np.mean((estimates - truth) ** 2))), float(np.mean(se)),
        float(np.std(estimates, ddof=1)) if len(values) > 1 else np.nan, float(np.mean(values[:, 3])), number,
    )  # fmt: skip


def _own_p(value: Any) -> float:
    """What a user's test returned."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise MereValueError(f"test must return a p-value, not {value!r}") from None


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
    levels = list(pd.unique(table[along].dropna()))
    parts = []
    for i in range(count_of(n, "at")):
        level, copy = levels[i % len(levels)], i // len(levels)
        part = table[table[along] == level].copy()
        part[along] = str(level) if copy == 0 else f"{level}.{copy + 1}"
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def power_curve(
    model: Any,
    along: str,
    at: int | Sequence[int],
    term: str | None = None,
    fixef: Mapping[str, float] | None = None,
    nsim: int = 1000,
    alpha: float = 0.05,
    test: str | Callable[[Any], float] | None = None,
    seed: Any = None,
    ncpus: int | None = 1,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Power as the number of levels of a factor grows (simr's ``powerCurve``).

    Parameters
    ----------
    model : LM, GLM, LMM, GLMM
    along : str
        A column of the data, such as the grouping factor.
    at : int or sequence of int
        Numbers of levels; more than there are means copies of them.
    term, fixef, nsim, alpha, test, seed, ncpus, progress
        As in `power_sim`.

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
    if not isinstance(model, (LM, GLM, LMM, GLMM)):
        raise MereTypeError(f"power_curve() takes a fitted model, not {type(model).__name__!r}")
    if isinstance(model, GLM):
        model.model_family.need_likelihood("power_curve()")
    if model.call.data is None:
        raise MereValueError("the model keeps no data to extend")
    beta, phi = _read_fixef(model, fixef), dispersion(model) if isinstance(model, GLM) else None
    table = _as_pandas(model.call.data)
    table = table if model.design.frame.rows is None else table.iloc[model.design.frame.rows]
    sizes = [count_of(k, "at") for k in (at if isinstance(at, Iterable) else [at])]
    if not sizes:
        raise MereValueError("at has no numbers of levels")
    number, rows = read_seed(seed), []
    for k in sizes:
        larger = _fitted_to(model, extend(table, along, k), along, k)
        source = _with_coefficients(_same_variances(larger, model), beta)
        found = _power(larger, source, phi, term, nsim, alpha, test, number, ncpus, progress)
        rows.append(found.to_frame().assign(levels=k).set_index("levels"))
    out = pd.concat(rows)
    out.index.name = along
    return out


def _fitted_to(model: Any, data: pd.DataFrame, along: str, k: int) -> Any:
    """The model of other rows; their responses are those of the rows that they are copies of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        larger = g.update(model, data=data)
    if larger.design.names != model.design.names:
        lost = sorted(set(model.design.names) ^ set(larger.design.names))
        raise MereValueError(f"with {k} levels of {along} the model has other coefficients: {', '.join(lost)}")
    return larger


def _same_variances(larger: Any, model: Any) -> Any:
    """A model with the variance parameters of another; its terms may be in another order, by their levels."""
    if isinstance(model, GLM):
        return larger
    same: dict[str, Any] = {"sigma": model.sigma}
    if isinstance(model, (LMM, GLMM)):
        terms = [(t.text, t.group, t.names) for t in larger.design.random]
        theta = _by_term(model.theta, model, lambda t: len(t.covariance.entries))
        par = _by_term(model.par, model, lambda t: t.covariance.n_par)
        same |= {"theta": np.concatenate([theta[t] for t in terms]), "par": np.concatenate([par[t] for t in terms])}
    return replace(larger, **same)


def _by_term(values: np.ndarray, m: Any, size: Callable[[Any], int]) -> dict[Any, np.ndarray]:
    """Parameters of a model, cut into those of its random-effects terms."""
    edges = np.cumsum([0, *(size(t) for t in m.design.random)])
    return {
        (t.text, t.group, t.names): np.asarray(values)[a:b]
        for t, a, b in zip(m.design.random, edges, edges[1:], strict=False)
    }


def _as_pandas(data: Any) -> pd.DataFrame:
    """Any table as one of pandas."""
    if isinstance(data, pd.DataFrame):
        return data
    frame, columns = as_frame(data), {}
    for name in frame.names:
        values = frame.column(name)
        columns[name] = (
            pd.Categorical.from_codes(values.codes.tolist(), pd.Index(values.levels), values.ordered)
            if isinstance(values, Factor)
            else values
        )
    return pd.DataFrame(columns)
