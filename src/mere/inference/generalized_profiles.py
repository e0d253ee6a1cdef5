"""Profiles of generalized mixed models: -2 log L with one parameter held (R's ``profile`` of a glmer)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import generics as g
from ..errors import MereValueError
from ..generalized import GLMM
from ..reterms import RandomTerm
from ..variance_parameters import VarianceParameters, variance_parameters
from .held_likelihood import Likelihood, effects_of, natural_layout, profile_likelihood
from .profile_results import Profile

__all__ = ["coordinate_scale", "vanishing"]


@g.profile.register(GLMM)
def _profile(m: GLMM, which: Any = None, **options: Any) -> Profile:
    if m.nAGQ == 0:
        raise MereValueError("profile() needs a likelihood: fit with nAGQ=1 or more")
    return profile_likelihood(m, generalized_likelihood(m), which, **options)


def generalized_likelihood(m: GLMM) -> Likelihood:
    """-2 log L of the model by all its parameters."""
    objective, parameters = m.objective, variance_parameters(m.design.random)
    n_re, p = objective.n_re, len(m.beta)
    names, signames, kinds, bounds = natural_layout(parameters, m.design.names, False)
    n = len(parameters.items) - 1

    def natural(x: np.ndarray) -> np.ndarray:
        own = parameters.values(objective.theta(x[:n_re]), 1.0)[:-1]
        return np.concatenate([own, x[n_re : n_re + p]])

    def value(x: np.ndarray) -> tuple[float, np.ndarray]:
        d, slope = objective.value_and_gradient(x)
        return d, np.zeros(len(x)) if slope is None else slope

    at = np.array(m.optinfo.full, dtype=float)
    coordinates: dict[int, Any] = {n + j: (n_re + j, float) for j in range(p)}
    if n == n_re and all(t.covariance.name != "us" or t.covariance.k == 1 for t in m.design.random):
        coordinates.update({i: (i, float) for i in range(n)})
    zeros = vanishing(parameters, objective.terms_layout.par_at, m.design.random)
    return Likelihood(
        value, natural, at, coordinate_scale(m.optinfo.hessian, at, n_re), objective.layout.lower,
        objective.layout.upper, coordinates, zeros, effects_of(parameters, zeros),
        bounds, names, signames, kinds,
    )  # fmt: skip


def coordinate_scale(hessian: np.ndarray, at: np.ndarray, n_re: int) -> np.ndarray:
    """About the standard error of each coordinate: from the curvature, or its size where there is none."""
    curve = np.diag(hessian)
    size = np.maximum(np.abs(at), 0.1 * np.abs(at[:n_re]).max(initial=1e-2))
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(2.0 / curve)
    good = np.isfinite(error) & (curve > 0)
    wide = np.arange(len(at)) < n_re
    return np.where(good & ~(wide & (error > 10 * size)), error, size)


def vanishing(
    parameters: VarianceParameters, par_at: tuple[int, ...], random: tuple[RandomTerm, ...]
) -> dict[int, tuple[int, ...]]:
    """Of each standard deviation of an unstructured or diagonal term: the coordinates that vanish with it."""
    out = {}
    for i, p in enumerate(parameters.items):
        if p.kind != "sd":
            continue
        covariance = random[p.term].covariance
        if covariance.linear is not None:
            row = np.flatnonzero(np.asarray(covariance.entries)[:, 0] == p.row)
            out[i] = tuple(sorted({int(par_at[p.term] + np.asarray(covariance.linear)[r]) for r in row}))
    return out
