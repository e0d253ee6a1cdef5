"""Responses drawn from the fitted model, random effects drawn anew, and fitted by the same criterion."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ... import generics as g
from ...errors import MereValueError
from ...generalized import GLM, GLMM, generalized_linear_model
from ...irls import fit_glm
from ...model import LM, LMM
from ...refitting import with_response
from ..bootstrapping import Draw
from .responses import fit_responses
from .scheme import Request, Task, run_replicates

__all__ = ["drawn_response", "parametric_scheme"]


def parametric_scheme(request: Request, cluster: Any) -> Task:
    """The task of the parametric bootstrap."""
    m = request.model
    if isinstance(m, (GLM, GLMM)):
        m.model_family.need_likelihood("the parametric bootstrap", "use bootstrap(type='case')")
    if cluster is not None:
        raise MereValueError("cluster= is for type='case' and 'wild'")
    if isinstance(m, (LM, LMM)):
        simulator = Draw(m, None, False).simulator(True)
        return fit_responses(request, lambda rng: _one(simulator, rng))
    return run_replicates(request, lambda rng: refit_generalized(m, drawn_response(m, rng)))


def _one(simulator: Any, rng: np.random.Generator) -> np.ndarray:
    seed = int(rng.integers(0, 2**63, dtype=np.uint64))
    out: np.ndarray = simulator.draw(seed, 0, 1)[:, 0]
    return out


def drawn_response(m: GLM | GLMM, rng: np.random.Generator, phi: float | None = None) -> np.ndarray:
    """A response as the model holds it; of ``cbind(successes, failures)`` the successes. By default its own phi."""
    if isinstance(m, GLMM):
        seed = int(rng.integers(0, 2**63, dtype=np.uint64))
        return g.simulate(m, 1, seed=seed).to_numpy()[:, 0]
    from ...accessors.generalized_linear import dispersion

    scale = dispersion(m) if phi is None else phi
    y = m.model_family.simulate(m.fit.mu, m.response.size, scale, rng)
    return y * m.response.size if m.response.counts else y


def refit_generalized(m: GLM | GLMM, y: np.ndarray) -> Any:
    """The model fitted to another response."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if isinstance(m, GLMM):
            return g.refit(m, y)
        if m.response.counts:
            y = np.asfortranarray(np.column_stack([y, m.response.size - y]))
        design = with_response(m.design, y)
        response, fit = fit_glm(design, m.model_family)
        return generalized_linear_model(design, m.model_family, response, fit, m.call)
