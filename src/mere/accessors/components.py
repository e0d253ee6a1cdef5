"""The parts of a mixed model by lme4's names: `getME`, `isSingular`, `rePCA`.

`getME` is a table: one short function per name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from .. import generics as g
from ..arguments import number_of
from ..checks import is_singular
from ..errors import MereKeyError, MereValueError
from ..generalized import GLMM
from ..model import LMM
from ..objective import layout_of
from ..results import PrincipalComponents, TermComponents
from ..reterms import RandomTerm
from .blocks import (
    random_design,
    relative_covariance,
    relative_factors,
    term_matrix,
    unique_names,
)
from .rows import fitted_values

__all__ = ["theta_index", "theta_names"]

MAX_DENSE = 10_000
Mixed: TypeAlias = LMM | GLMM


# -- numbers -----------------------------------------------------------------
def theta_index(random: Sequence[RandomTerm]) -> np.ndarray:
    """For each stored element of Lambda' (by columns), the theta that fills it."""
    out, first = [], 0
    for term in random:
        entries = np.asarray(term.covariance.entries)
        by_row = np.lexsort((entries[:, 1], entries[:, 0]))
        out.append(np.tile(first + by_row, len(term.levels)))
        first += len(entries)
    return np.concatenate(out)


def theta_names(random: Sequence[RandomTerm]) -> list[str]:
    """R's names of theta: ``g.(Intercept)``, ``g.x.(Intercept)``, ``g.x``."""
    return [
        f"{t.group}.{t.names[i]}" if i == j else f"{t.group}.{t.names[i]}.{t.names[j]}"
        for t in random
        for i, j in np.asarray(t.covariance.entries)
    ]


def _st(T: np.ndarray) -> np.ndarray:
    """T = L S with L unit lower triangular: S on the diagonal, L below."""
    s = np.diag(T)
    with np.errstate(divide="ignore", invalid="ignore"):
        out: np.ndarray = np.where(s != 0, T / s, 0.0)
    np.fill_diagonal(out, s)
    return out


# -- methods -----------------------------------------------------------------
@g.isSingular.register(LMM)
@g.isSingular.register(GLMM)
def _is_singular(m: LMM | GLMM, tol: float = 1e-4) -> bool:
    layout = layout_of(tuple(t.covariance for t in m.design.random))
    return is_singular(m.theta, layout.theta_lower, number_of(tol, "tol"))


@g.rePCA.register(LMM)
@g.rePCA.register(GLMM)
def _re_pca(m: LMM | GLMM) -> PrincipalComponents:
    factors: dict[str, list[np.ndarray]] = {}
    for term, T in zip(m.design.random, relative_factors(m.design.random, m.theta), strict=True):
        factors.setdefault(term.group, []).append(T)
    components = {}
    for group, parts in factors.items():
        k = sum(len(T) for T in parts)
        joint, first = np.zeros((k, k)), 0
        for T in parts:
            joint[first : first + len(T), first : first + len(T)] = T
            first += len(T)
        rotation, sdev, _ = np.linalg.svd(joint)
        components[group] = TermComponents(sdev, rotation)
    return PrincipalComponents(components)


@g.summary.register(PrincipalComponents)
def _summary_pca(p: PrincipalComponents) -> PrincipalComponents:
    return PrincipalComponents(p.components, summarized=True)


@g.getME.register(LMM)
@g.getME.register(GLMM)
def _get_me(m: Mixed, name: str | Sequence[str] = "ALL") -> Any:
    if isinstance(name, str) and name != "ALL":
        if name not in _TABLE:
            raise MereKeyError(f"getME() knows no component {name!r}; it knows {', '.join(sorted(_TABLE))}")
        return _TABLE[name](m)
    if name == "ALL":
        without = {*(() if isinstance(m, GLMM) else _NOT_FOR_LMM), *(("L", "RZX") if len(m.u) > MAX_DENSE else ())}
        return {each: get(m) for each, get in _TABLE.items() if each not in without}
    if not isinstance(name, Iterable):
        raise MereKeyError(f"getME() takes names of components, not {name!r}")
    return {each: _get_me(m, each) for each in name}


def _by_term(m: Mixed, values: Sequence[Any]) -> dict[str, Any]:
    """A dict with one value per term, by unique names of the grouping factors."""
    return dict(zip(unique_names(t.group for t in m.design.random), values, strict=True))


def _term_series(m: Mixed, get: Callable[[RandomTerm], int], names: str = "text") -> pd.Series:
    random = m.design.random
    return pd.Series([get(t) for t in random], [getattr(t, names) for t in random], dtype=int)


def _zt_list(m: Mixed) -> dict[str, Any]:
    import scipy.sparse as sp

    out: dict[str, Any] = {}
    for t in m.design.random:
        values = term_matrix(t)
        for c, column in enumerate(t.names):
            shape = (len(t.levels), len(values))
            place = (np.asarray(t.codes), np.arange(len(values)))
            out[f"{t.group}.{column}"] = sp.csr_array((values[:, c], place), shape=shape)
    return out


def _factor_list(m: Mixed) -> dict[str, pd.Categorical]:
    out: dict[str, pd.Categorical] = {}
    for t in m.design.random:
        kind = pd.CategoricalDtype(list(t.levels))
        out[t.group] = pd.Categorical.from_codes(t.codes.astype(np.int32), dtype=kind)
    return out


def _pointers(sizes: Sequence[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(int)


def _theta_pointers(m: Mixed) -> pd.Series:
    random = m.design.random
    ends = _pointers([len(t.covariance.entries) for t in random])
    return pd.Series(ends, ["beg__", *(t.group for t in random)])


def _weighted_blocks(m: Mixed) -> tuple[np.ndarray, np.ndarray]:
    """Lambda'Z'WZ Lambda + I and Lambda'Z'WX, dense."""
    q = len(m.u)
    if q > MAX_DENSE:
        raise MereValueError(
            f"getME() makes 'L' and 'RZX' of models with at most {MAX_DENSE} random effects; this one has {q}"
        )
    design = m.design
    w = m.working if isinstance(m, GLMM) else design.weights
    w = np.ones(len(design.y)) if w is None else np.asarray(w)
    ZL = random_design(design.random) @ relative_covariance(design.random, m.theta)
    WZL = ZL.multiply(w[:, None]).tocsc()
    return (WZL.T @ ZL).toarray() + np.eye(q), WZL.T @ design.X


def _cholesky(m: Mixed) -> Any:
    """L of LL' = Lambda'Z'WZ Lambda + I, sparse lower triangular in the order of u."""
    import scipy.sparse as sp

    return sp.csc_array(np.linalg.cholesky(_weighted_blocks(m)[0]))


def _rzx(m: Mixed) -> np.ndarray:
    M, ZX = _weighted_blocks(m)
    return np.linalg.solve(np.linalg.cholesky(M), ZX)


def _mu(m: Mixed) -> np.ndarray:
    return m.mu.copy() if isinstance(m, GLMM) else fitted_values(m)


def _devcomp(m: Mixed) -> dict[str, pd.Series]:
    n, p = m.design.X.shape
    names = ["ldL2", "ldRX2", "wrss", "ussq", "pwrss", "drsum", "REML", "dev"]
    parts = {k: m.devcomp.get(k, math.nan) for k in [*names, "sigmaML", "sigmaREML"]}
    dims = {
        "N": n, "n": n, "p": p, "nmp": n - p, "q": len(m.u), "nth": len(m.theta), "useSc": 1,
        "reTrms": len(m.design.random), "spFe": 0, "REML": p if m.reml else 0, "GLMM": 0,
        "NLMM": 0,
    }  # fmt: skip
    if isinstance(m, GLMM):
        dims.update(useSc=int(m.model_family.has_scale), GLMM=1, nAGQ=m.nAGQ)
        parts["tolPwrss"] = m.devcomp["tolPwrss"]
    return {"cmp": pd.Series(parts), "dims": pd.Series(dims)}


def _offset(m: Mixed) -> np.ndarray:
    n = len(m.design.y)
    return np.zeros(n) if m.design.offset is None else np.asarray(m.design.offset).copy()


def _bounds(m: Mixed) -> pd.Series:
    random = m.design.random
    lower = np.concatenate([t.covariance.lower() for t in random])
    names = [f"{t.group}.{p}" for t in random for p in t.covariance.par_names(t.names)]
    same = len(lower) == len(m.theta)
    return pd.Series(lower, theta_names(random) if same else names)


def _par(m: Mixed) -> pd.Series:
    return pd.Series(m.par.copy(), _bounds(m).index)


def _devfun(m: Mixed) -> Callable[[np.ndarray], float]:
    return m.objective.value


def _for_glmm(name: str, get: Callable[[GLMM], Any]) -> Callable[[Mixed], Any]:
    def one(m: Any) -> Any:
        if isinstance(m, GLMM):
            return get(m)
        raise MereValueError(f"getME(m, {name!r}) exists for generalized linear mixed models only")

    return one


def _lambda_t(m: Mixed) -> Any:
    return relative_covariance(m.design.random, m.theta).T.tocsc()


def _zt(m: Mixed) -> Any:
    return random_design(m.design.random).T.tocsc()


_NOT_FOR_LMM = ("devarg", "glmer.nb.theta")
_TABLE: dict[str, Callable[[Mixed], Any]] = {
    "X": lambda m: g.model_matrix(m),
    "Z": lambda m: random_design(m.design.random),
    "Zt": _zt,
    "Ztlist": _zt_list,
    "mmList": lambda m: g.model_matrix(m, type="randomListRaw"),
    "y": lambda m: np.array(m.response.y if isinstance(m, GLMM) else m.design.y),
    "mu": _mu,
    "u": lambda m: m.u.copy(),
    "b": lambda m: m.b.copy(),
    "Gp": lambda m: _pointers([len(t.levels) * t.covariance.k for t in m.design.random]),
    "Tp": _theta_pointers,
    "L": _cholesky,
    "Lambda": lambda m: relative_covariance(m.design.random, m.theta),
    "Lambdat": _lambda_t,
    "Lind": lambda m: theta_index(m.design.random),
    "Tlist": lambda m: _by_term(m, relative_factors(m.design.random, m.theta)),
    "A": lambda m: (_lambda_t(m) @ _zt(m)).tocsc(),
    "RX": lambda m: pd.DataFrame(m.RX.copy(), m.design.names, m.design.names),
    "RZX": _rzx,
    "sigma": lambda m: m.sigma,
    "flist": _factor_list,
    "fixef": lambda m: g.fixef(m),
    "beta": lambda m: m.beta.copy(),
    "theta": lambda m: pd.Series(m.theta.copy(), theta_names(m.design.random)),
    "par": _par,
    "ST": lambda m: _by_term(m, [_st(T) for T in relative_factors(m.design.random, m.theta)]),
    "REML": lambda m: len(m.beta) if m.reml else 0,
    "is_REML": lambda m: m.reml,
    "n_rtrms": lambda m: len(m.design.random),
    "n_rfacs": lambda m: len({t.group for t in m.design.random}),
    "N": lambda m: len(m.design.y),
    "n": lambda m: len(m.design.y),
    "p": lambda m: len(m.beta),
    "q": lambda m: len(m.u),
    "npar": lambda m: g.logLik(m).df,
    "p_i": lambda m: _term_series(m, lambda t: t.covariance.k),
    "l_i": lambda m: _term_series(m, lambda t: len(t.levels), "group"),
    "q_i": lambda m: _term_series(m, lambda t: len(t.levels) * t.covariance.k),
    "k": lambda m: len(m.design.random),
    "m_i": lambda m: _term_series(m, lambda t: len(t.covariance.entries)),
    "m": lambda m: len(m.theta),
    "cnms": lambda m: _by_term(m, [list(t.names) for t in m.design.random]),
    "devcomp": _devcomp,
    "offset": _offset,
    "lower": _bounds,
    "devfun": _devfun,
    "devarg": _for_glmm("devarg", lambda m: m.optinfo.full.copy()),
    "glmer.nb.theta": _for_glmm("glmer.nb.theta", lambda m: getattr(m.model_family, "theta", math.nan)),
}
