"""Permutation tests of ordered and unordered classes, by likelihood ratios.

The models are proportional odds and baseline-category logits. Such a response has no residuals that could be arranged;
what can be is

manly     the response itself: a test that it has nothing to do with any column
kennedy   a tested column less what the others explain of it by least squares; response and other columns stay together

The statistic is the likelihood ratio of the fits with and without the tested columns, for one parameter its root with
the sign of the coefficient, for q of them divided by q. It has a limit where classes are separated and Wald's has none.

References: Manly (1986), Res. Popul. Ecol. 28, 201-218; Kennedy (1995), J. Bus. Econ. Stat. 13, 85-94.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ...errors import MereValueError
from ...simulation import read_seed
from .arguments import Tested, refuse_constant
from .arrangements import Arrangements, Plan, make_plan
from .baseline_logit import BaselineLogit
from .drawing import draw_values
from .methods import Statistic
from .newton_batches import Fits, maximize
from .proportional_odds import ProportionalOdds
from .pvalues import exceedances, p_row
from .results import PermutationTest
from .sequential import read_stop

__all__ = ["Classes", "permute_classes"]

_AT_ONCE = 1_000_000  # numbers held by a batch of fits


@dataclass(frozen=True, eq=False)
class Classes:
    """A response of classes, its columns and its model.

    Attributes
    ----------
    model : ProportionalOdds or BaselineLogit
    X : (n, p) array
    y : (n,) array of int
    """

    model: ProportionalOdds | BaselineLogit
    X: np.ndarray
    y: np.ndarray
    _last: threading.local = field(default_factory=threading.local)

    def fit(self, X: np.ndarray, Y: np.ndarray, count: int, start: np.ndarray | None = None) -> Fits:
        """Fits of columns (n, p) or (count, n, p) and responses (n,) or (count, n), some at a time."""
        n, p = X.shape[-2:]
        most, parts = max(1, _AT_ONCE // (n * (p + self.model.levels))), []
        start = self.model.start(p, self.y) if start is None else start
        for first in range(0, count, most):
            size = min(count, first + most) - first
            own_X, own_y = (v[first : first + size] if v.ndim == d else v for v, d in ((X, 3), (Y, 2)))

            def evaluate(par: np.ndarray, left: np.ndarray, X: np.ndarray = own_X, y: np.ndarray = own_y) -> Any:
                return self.model.evaluate(X[left] if X.ndim == 3 else X, y[left] if y.ndim == 2 else y, par)

            parts.append(maximize(evaluate, np.tile(start, (size, 1))))
        return Fits(*(np.concatenate([getattr(f, name) for f in parts]) for name in ("par", "loglik", "hessian")))

    def of_arranged(self, block: np.ndarray) -> Fits:
        """Fits of all columns to arranged responses; each hypothesis asks for the same block."""
        if getattr(self._last, "block", None) is not block:
            self._last.fits, self._last.block = self.fit(self.X, self.y[block], len(block)), block
        fits: Fits = self._last.fits
        return fits

    def ratio(self, full: Fits, null: np.ndarray | float, own: np.ndarray) -> np.ndarray:
        """The statistic of parameters `own` of the full fits."""
        size = np.maximum(2.0 * (full.loglik - null), 0.0)
        out: np.ndarray = np.sign(full.par[:, own[0]]) * np.sqrt(size) if len(own) == 1 else size / len(own)
        return out


def _manly(c: Classes, tested: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    X0, own = np.delete(c.X, tested, axis=1), c.model.columns(tested, c.X.shape[1])

    def draw(block: np.ndarray) -> np.ndarray:
        null = c.fit(X0, c.y[block], len(block)).loglik if X0.shape[1] else c.fit(X0, c.y, 1).loglik
        return c.ratio(c.of_arranged(block), null, own)

    return draw


def _kennedy(c: Classes, tested: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    X0, own = np.delete(c.X, tested, axis=1), c.model.columns(np.arange(len(tested)), c.X.shape[1])
    Q = np.linalg.qr(np.column_stack([np.ones(len(c.y)), X0]))[0]
    e = c.X[:, tested] - Q @ (Q.T @ c.X[:, tested])
    null = c.fit(X0, c.y, 1)
    start = np.zeros(c.model.size(c.X.shape[1]))
    start[np.setdiff1d(np.arange(len(start)), own)] = null.par[0]

    def draw(block: np.ndarray) -> np.ndarray:
        X = np.concatenate([e[block], np.broadcast_to(X0, (len(block), *X0.shape))], axis=2)
        return c.ratio(c.fit(X, c.y, len(block), start), null.loglik, own)

    return draw


_METHODS = {"manly": _manly, "kennedy": _kennedy}


def permute_classes(
    X: pd.DataFrame,
    y: np.ndarray,
    levels: int,
    family: str,
    method: str = "kennedy",
    confounders: Any = None,
    cells: np.ndarray | None = None,
    strategy: str | None = None,
    n_perm: int = 5000,
    joint: bool = False,
    alternative: str = "two-sided",
    conf_level: float = 0.95,
    constraints: Callable[[np.ndarray], np.ndarray] | None = None,
    stop: int | None = None,
    seed: Any = None,
    ncpus: int | None = 1,
) -> PermutationTest:
    """Test of each column.

    Parameters
    ----------
    X : DataFrame (n, p)
    y : (n,) array of int
        Classes 0, ..., levels - 1.
    levels : int
    family : {"ordinal", "multinomial"}
    method : {"kennedy", "manly"}
    others
        As in `permutation_test_regression`.
    """
    if method not in _METHODS:
        raise MereValueError(
            f"method={method!r} arranges residuals, and classes have none: use 'kennedy' (arranges what is left of a "
            "column beside the others) or 'manly' (arranges the response, a test that it has to do with no column)"
        )
    exceedances(0.0, np.zeros(0), alternative)
    hypotheses, aside = _hypotheses(list(X.columns), confounders, joint)
    plan = make_plan(len(y), cells, strategy)
    if plan.strategy == "within":
        for h in hypotheses:
            refuse_constant(h.label, X.to_numpy()[:, h.columns], plan)
    model = ProportionalOdds(levels) if family == "ordinal" else BaselineLogit(levels)
    c = Classes(model, np.ascontiguousarray(X.to_numpy(dtype=float)), y)
    if np.linalg.matrix_rank(np.column_stack([np.ones(len(y)), c.X])) <= c.X.shape[1]:
        raise MereValueError("X: its columns are linear combinations of each other; leave some out")
    number = read_seed(seed)
    arrangements = Arrangements.of(plan, n_perm, number, constraints)
    limit = None if arrangements.exact else read_stop(stop, n_perm)
    identity = np.arange(len(y))[None]
    draws = [_METHODS[method](c, h.columns) for h in hypotheses]
    statistics = [Statistic(float(draw(identity)[0]), draw) for draw in draws]
    sides = ["greater" if model.parameters(len(h.columns)) > 1 else alternative for h in hypotheses]
    values = draw_values(statistics, sides, arrangements, limit, ncpus, None)
    fit = c.fit(c.X, y, 1)
    lines = zip(hypotheses, statistics, sides, values.T, strict=True)
    rows = [
        p_row(s.observed, own, side, limit, arrangements.exact) | _classical(c, h, fit, alternative)
        for h, s, side, own in lines
    ]
    table = pd.DataFrame(rows, index=[h.label for h in hypotheses])
    for label in aside:
        table.loc[label] = {**dict.fromkeys(table.columns, np.nan), "label": "confounder"}
    return PermutationTest(
        table, pd.DataFrame(values, columns=[h.label for h in hypotheses]), method, plan.strategy, "likelihood ratio",
        alternative, arrangements.exact, *_words(method, plan), number, conf_level,
        f"{family} response ~ {' + '.join(X.columns)}", limit,
    )  # fmt: skip


def _hypotheses(names: list[str], confounders: Any, joint: bool) -> tuple[list[Tested], list[str]]:
    aside = [confounders] if isinstance(confounders, str) else list(confounders or ())
    for name in aside:
        if name not in names:
            raise MereValueError(f"confounders has {name!r}, which is no column of X; there are {', '.join(names)}")
    wanted = [name for name in names if name not in aside]
    if not wanted:
        raise MereValueError("there is no column to test")
    columns = np.array([names.index(name) for name in wanted])
    if joint:
        return [Tested(" + ".join(wanted), columns)], aside
    return [Tested(name, columns[j : j + 1]) for j, name in enumerate(wanted)], aside


def _classical(c: Classes, h: Tested, fit: Fits, alternative: str) -> dict[str, float]:
    """Estimate, standard error, and the likelihood-ratio test of the model."""
    from scipy.stats import chi2, norm

    own = c.model.columns(h.columns, c.X.shape[1])
    null = c.fit(np.delete(c.X, h.columns, axis=1), c.y, 1).loglik
    size = float(c.ratio(fit, null, own)[0])
    if len(own) > 1:
        return {"df": float(len(own)), "p.classical": float(chi2.sf(size * len(own), len(own)))}
    tails = {"two-sided": 2 * norm.sf(abs(size)), "greater": norm.sf(size), "less": norm.cdf(size)}
    variance = np.linalg.pinv(-fit.hessian[0])[own[0], own[0]]
    return {
        "estimate": float(fit.par[0, own[0]]), "std.error": float(np.sqrt(variance)), "df": 1.0,
        "p.classical": float(tails[alternative]),
    }  # fmt: skip


def _words(method: str, plan: Plan) -> tuple[str, str, str]:
    where = {
        "global": "all rows", "within": "the rows of a cell", "between": "cells of the same size",
        "two-stage": "rows within cells, and cells of the same size",
    }[plan.strategy]  # fmt: skip
    if method == "manly":
        null = "the response has nothing to do with any column"
        return null, f"responses of {where} may change places", "none"
    return (
        "the coefficients of the column are zero, whatever the other coefficients are",
        f"what the other columns do not explain of the tested ones may change places between {where}",
        "the other columns explain the tested ones by least squares; exact as n grows",
    )
