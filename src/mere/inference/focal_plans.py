"""Plans in which the parameter of a profile is one coordinate.

The criterion depends on a term's relative factor T through T T' only, so the columns of a term may stand in any order.
With the column of interest first, its standard deviation is sigma T_11; with the other one second, their correlation is
that of the row (T_21, T_22). A fixed effect leaves the plan, and goes to the response.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _core
from ..covariances import make_covariance
from ..design import Design
from ..model import LMM
from ..objective import LMMObjective, layout_of
from ..variance_parameters import VarianceParameter

__all__ = ["FocalPlan", "FocalPlans", "triangular"]


def triangular(T: np.ndarray) -> np.ndarray:
    """The lower triangle L with L L' = T T' and no negative value on its diagonal; T may be singular."""
    L = np.asarray(np.linalg.qr(T.T, mode="r")).T
    return np.asarray(L * np.where(np.diag(L) < 0, -1.0, 1.0))


@dataclass(frozen=True, eq=False)
class FocalPlan:
    """A plan for some parameters.

    Attributes
    ----------
    plan : Plan
    par : ndarray
        The optimum in its coordinates.
    term : int
        The term whose columns were moved; -1 for none.
    order : tuple of int
        Its columns.
    """

    plan: Any
    par: np.ndarray
    term: int = -1
    order: tuple[int, ...] = ()


class FocalPlans:
    """The plans of a fitted model, each made when it is first asked for."""

    def __init__(self, m: LMM):
        self.design: Design = m.design
        self.objective: LMMObjective = m.objective
        self.par, self.theta = m.par, m.theta
        response, offset = m.design.y, m.design.offset
        self.response = response if offset is None else response - offset
        self._made: dict[tuple[int, tuple[int, ...]], FocalPlan] = {}

    def own(self) -> FocalPlan:
        """The plan of the model."""
        return FocalPlan(self.objective.plan, self.par)

    def for_variance(self, p: VarianceParameter) -> tuple[FocalPlan, int, int]:
        """The plan for a standard deviation or a correlation, and the coordinates that hold it."""
        layout, covariance = self.objective.layout, self.design.random[p.term].covariance
        at = layout.par_at[p.term]
        if covariance.name != "us":
            return self.own(), at + int(np.asarray(covariance.linear)[p.row]), 0
        lead = (p.row,) if p.kind == "sd" else (p.column, p.row)
        order = lead + tuple(j for j in range(covariance.k) if j not in lead)
        return self._ordered(p.term, order), at + (p.kind == "cor"), at + covariance.k

    def for_fixed(self, j: int) -> FocalPlan:
        """The plan without column j of X."""
        X = np.asfortranarray(np.delete(self.design.X, j, axis=1))
        rows = _core.Rows(X, self.design.weights, self._terms(-1, ()))
        return FocalPlan(_core.Plan(rows, self.objective.layout.entries, self.objective.layout.n_par), self.par)

    def without(self, t: int, column: int) -> tuple[float, list[np.ndarray], float, np.ndarray]:
        """The optimum with one effect of an unstructured term left out: d, relative covariances, sigma, beta.

        The covariances have the term's full size, with zeros for the effect.
        """
        structures = [term.covariance for term in self.design.random]
        keep = [j for j in range(structures[t].k) if j != column]
        structures[t] = make_covariance("us", len(keep))
        layout = layout_of(tuple(structures))
        rows = _core.Rows(self.design.X, self.design.weights, self._terms(t, tuple(keep)))
        work = _core.Work(_core.Plan(rows, layout.entries, layout.n_par))
        work.set_response(self.response)
        par, _, _, outcome = work.newton(work.start(), False, 1e-12)
        beta, _, _, _, sums = work.state()
        theta, grams = par[layout.entries[:, 3]], []
        for i, covariance in enumerate(structures):
            entries = np.asarray(covariance.entries)
            T = np.zeros((covariance.k,) * 2)
            T[entries[:, 0], entries[:, 1]] = theta[layout.theta_at[i] : layout.theta_at[i + 1]]
            grams.append(T @ T.T)
        whole = np.zeros((len(keep) + 1,) * 2)
        whole[np.ix_(keep, keep)] = grams[t]
        grams[t] = whole
        return outcome["d"], grams, float(np.sqrt(sums[2] / len(self.response))), beta

    def _ordered(self, t: int, order: tuple[int, ...]) -> FocalPlan:
        if order == tuple(range(len(order))):
            return self.own()
        if (t, order) not in self._made:
            layout = self.objective.layout
            rows = _core.Rows(self.design.X, self.design.weights, self._terms(t, order))
            par = self.par.copy()
            own = slice(layout.par_at[t], layout.par_at[t + 1])
            entries = self.design.random[t].covariance.entries
            T = np.zeros((len(order),) * 2)
            T[entries[:, 0], entries[:, 1]] = par[own]
            L = triangular(T[list(order)])
            par[own] = L[entries[:, 0], entries[:, 1]]
            self._made[t, order] = FocalPlan(_core.Plan(rows, layout.entries, layout.n_par), par, t, order)
        return self._made[t, order]

    def _terms(self, moved: int, order: tuple[int, ...]) -> list[Any]:
        factors: dict[str, int] = {}
        terms = []
        for t, term in enumerate(self.design.random):
            values = term.values
            if t == moved and values is not None:
                values = np.asfortranarray(values[:, list(order)])
            terms.append((values, term.codes, len(term.levels), factors.setdefault(term.group, len(factors))))
        return terms

    def grams(self, focal: FocalPlan, grams: list[np.ndarray]) -> list[np.ndarray]:
        """Relative covariances from the plan's order of columns to the model's."""
        if focal.term < 0:
            return grams
        place = np.argsort(focal.order)
        out = list(grams)
        out[focal.term] = out[focal.term][..., place[:, None], place]
        return out
