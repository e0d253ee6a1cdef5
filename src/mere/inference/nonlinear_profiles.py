"""Profiles of nonlinear mixed models: -2 log L by theta, sigma and the fixed effects with one parameter held."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import generics as g
from ..errors import ConvergenceError, MereValueError
from ..nonlinear import NLMM
from ..variance_parameters import variance_parameters
from .held_likelihood import (
    Likelihood,
    coordinate_scale,
    effects_of,
    natural_layout,
    profile_likelihood,
    vanishing,
)
from .profile_results import Profile

__all__: list[str] = []


@g.profile.register(NLMM)
def _profile(m: NLMM, which: Any = None, **options: Any) -> Profile:
    if m.nAGQ == 0:
        raise MereValueError("profile() needs a likelihood: fit with nAGQ=1 or more")
    return profile_likelihood(m, nonlinear_likelihood(m), which, **options)


def nonlinear_likelihood(m: NLMM) -> Likelihood:
    """-2 log L by par, beta and log sigma."""
    objective, parameters = m.objective, variance_parameters(m.design.random)
    n_re, p, n = objective.n_re, len(m.beta), len(parameters.items)
    names, signames, kinds, bounds = natural_layout(parameters, m.design.names, True)

    def natural(x: np.ndarray) -> np.ndarray:
        own = parameters.values(objective.theta(x[:n_re]), float(np.exp(x[-1])))
        return np.concatenate([own, x[n_re : n_re + p]])

    def value(x: np.ndarray) -> tuple[float, np.ndarray]:
        try:
            return objective.with_sigma(x[:-1], float(np.exp(x[-1])))
        except np.linalg.LinAlgError as error:
            raise ConvergenceError(str(error)) from None

    at = np.concatenate([m.par, m.beta, [np.log(m.sigma)]])
    coordinates: dict[int, Any] = {n + j: (n_re + j, float) for j in range(p)}
    coordinates[n - 1] = (len(at) - 1, lambda sigma: float(np.log(sigma)))
    scale = np.append(coordinate_scale(m.optinfo.hessian, at[:-1], n_re), 1.0 / np.sqrt(2.0 * m.design.n))
    lower, upper = np.append(objective.layout.lower, -np.inf), np.append(objective.layout.upper, np.inf)
    zeros = vanishing(parameters, objective.terms_layout.par_at, m.design.random)
    return Likelihood(
        value, natural, at, scale, lower, upper, coordinates, zeros, effects_of(parameters, zeros), bounds, names,
        signames, kinds,
    )  # fmt: skip
