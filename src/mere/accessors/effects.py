"""Fixed effects, random effects and variance components of a mixed model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..arguments import number_of
from ..errors import MereKeyError, MereValueError
from ..generalized import GLMM
from ..model import LMM
from ..results import Coefficients, RandomEffects, VarianceComponents, VarianceTerm
from ..reterms import RandomTerm
from .blocks import (
    random_design,
    relative_covariance,
    relative_factors,
    term_effects,
    unique_names,
)

__all__ = ["chosen_factors", "correlation_of", "fixed_covariance", "modes_by_factor", "vcov_lmm"]


# -- numbers -----------------------------------------------------------------
def fixed_covariance(RX: np.ndarray, sigma: float) -> np.ndarray:
    """sigma^2 (RX'RX)^-1, (p, p), exactly symmetric."""
    if not len(RX):
        return np.zeros((0, 0))
    inverse = np.linalg.inv(RX)  # LU of a triangle is the triangle: back substitution
    out: np.ndarray = sigma**2 * (inverse @ inverse.T)
    return (out + out.T) / 2


def correlation_of(covariance: np.ndarray) -> np.ndarray:
    """Correlation matrix of a covariance matrix."""
    sd = np.sqrt(np.diag(covariance))
    out: np.ndarray = covariance / np.outer(sd, sd)
    np.fill_diagonal(out, 1.0)
    return out


# -- methods -----------------------------------------------------------------
@g.fixef.register(LMM)
@g.fixef.register(GLMM)
def _fixef(m: LMM | GLMM, add_dropped: bool = False) -> pd.Series:
    design = m.design
    if not add_dropped or not len(design.dropped):
        return pd.Series(m.beta.copy(), list(design.names), dtype=float)
    full = np.full(len(design.names_full), np.nan)
    kept = np.setdiff1d(np.arange(len(full)), np.asarray(design.dropped, dtype=int))
    full[kept] = m.beta
    return pd.Series(full, list(design.names_full))


def modes_by_factor(random: Sequence[RandomTerm], b: np.ndarray) -> dict[str, pd.DataFrame]:
    """Conditional modes by grouping factor: levels by effects, terms that share a factor side by side."""
    pieces: dict[str, list[pd.DataFrame]] = {}
    for term, effects in zip(random, term_effects(random, b), strict=True):
        frame = pd.DataFrame(effects.copy(), pd.Index(term.levels, dtype=object), list(term.names))
        pieces.setdefault(term.group, []).append(frame)
    return {group: frames[0] if len(frames) == 1 else pd.concat(frames, axis=1) for group, frames in pieces.items()}


def _scale(m: LMM | GLMM) -> float:
    """What relative covariances are multiplied by, as in lme4 2.x: sigma of the linear model only."""
    return m.sigma if isinstance(m, LMM) else 1.0


@g.ranef.register(LMM)
@g.ranef.register(GLMM)
def _ranef(
    m: LMM | GLMM,
    condVar: bool = True,
    drop: bool = False,
    whichel: str | int | Sequence[str | int] | None = None,
) -> RandomEffects:
    pieces = modes_by_factor(m.design.random, m.b)
    chosen = chosen_factors(whichel, list(pieces))
    modes: dict[str, Any] = {group: pieces[group] for group in chosen}
    if drop:
        modes = {k: f.iloc[:, 0] if f.shape[1] == 1 else f for k, f in modes.items()}
    if not condVar:
        return RandomEffects(modes)
    at = m.par if isinstance(m, LMM) else m.optinfo.full
    variances = m.objective.conditional_variances_by_factor(at)
    return RandomEffects(modes, {group: _scale(m) ** 2 * variances[group] for group in chosen})


def chosen_factors(whichel: Any, groups: list[str]) -> list[str]:
    """The grouping factors that `whichel` asks for, in the model's order."""
    if whichel is None:
        return groups
    wanted = [whichel] if isinstance(whichel, (str, int)) else list(whichel)
    for w in wanted:
        known = w in groups if isinstance(w, str) else 0 <= w < len(groups)
        if not known:
            raise MereKeyError(f"whichel={w!r} is no grouping factor of the model; there are {', '.join(groups)}")
    return [n for i, n in enumerate(groups) if n in wanted or i in wanted]


@g.coef.register(LMM)
@g.coef.register(GLMM)
def _coef(m: LMM | GLMM) -> Coefficients:
    fixed = g.fixef(m)
    tables = {}
    for group, modes in g.ranef(m, condVar=False).items():
        if not modes.columns.is_unique:
            raise MereValueError(
                f"coef() cannot join the random-effects terms of {group!r}: "
                f"they repeat a column ({', '.join(modes.columns[modes.columns.duplicated()])})"
            )
        extra = [c for c in modes.columns if c not in fixed.index]
        columns = [*extra, *fixed.index]
        table = np.tile(np.concatenate([np.zeros(len(extra)), fixed.to_numpy()]), (len(modes), 1))
        for c in modes.columns:
            table[:, columns.index(c)] += modes[c].to_numpy()
        tables[group] = pd.DataFrame(table, modes.index, columns)
    return Coefficients(tables)


@g.VarCorr.register(LMM)
@g.VarCorr.register(GLMM)
def _var_corr(m: LMM | GLMM, sigma: float | None = None) -> VarianceComponents:
    scale = _scale(m) if sigma is None else number_of(sigma, "sigma")
    random = m.design.random
    names = unique_names(t.group for t in random)
    terms = tuple(
        VarianceTerm(name, t.group, tuple(t.names), scale**2 * (T @ T.T), t.covariance.name != "diag")
        for name, t, T in zip(names, random, relative_factors(random, m.theta), strict=True)
    )
    return VarianceComponents(terms, scale if isinstance(m, LMM) else None)


def vcov_lmm(m: LMM, correlation: bool = False, full: bool = False) -> pd.DataFrame:
    """The model's covariance of the fixed effects, or of all effects."""
    if full:
        V, names = _joint_covariance(m)
    else:
        V, names = fixed_covariance(m.RX, m.sigma), list(m.design.names)
    return pd.DataFrame(correlation_of(V) if correlation else V, names, names)


def _joint_covariance(m: LMM) -> tuple[np.ndarray, list[str]]:
    """Covariance of (b - its prediction, estimate of beta), with names.

    sigma^2 times the inverse of [[Z'WZ + (Lambda Lambda')^-1, Z'WX], [X'WZ, X'WX]],
    written with Lambda so that singular fits are no exception.
    """
    design = m.design
    w = np.ones(len(design.y)) if design.weights is None else np.asarray(design.weights)
    Z = random_design(design.random)
    Lambda = relative_covariance(design.random, m.theta)
    ZL = (Z @ Lambda).toarray()
    M = ZL.T @ (w[:, None] * ZL) + np.eye(ZL.shape[1])
    inner = np.asarray(Lambda @ np.linalg.solve(M, Lambda.toarray().T))
    beta = fixed_covariance(m.RX, m.sigma)
    cross = inner @ (Z.T @ (w[:, None] * design.X))
    bb = m.sigma**2 * inner + cross @ beta @ cross.T
    V = np.block([[bb, -cross @ beta], [-(cross @ beta).T, beta]])
    names = [f"{column}|{t.group}:{level}" for t in design.random for level in t.levels for column in t.names]
    return V, [*names, *design.names]


@g.sigma.register(LMM)
def _sigma(m: LMM) -> float:
    return m.sigma
