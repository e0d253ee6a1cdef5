"""Generics for outside optimizers and samplers: the likelihood as a function, and how a fit went."""

from __future__ import annotations

from typing import Any

from .declare import generic, no_method

__all__ = ["fit_record", "log_density"]


@generic
def log_density(model: Any, reml: bool | None = None) -> Any:
    """The log-likelihood of a linear mixed model as a function of its parameters, with an exact gradient.

    For samplers and optimizers of one's own: parameters are the fixed effects, log sigma, and logarithms of the
    standard deviations of the random effects (of the diagonal of the Cholesky factor where they are correlated); none
    is bounded.

    Parameters
    ----------
    model : LMM
    reml : bool, optional
        The restricted likelihood; default as the model was fitted.

    Returns
    -------
    LogDensity
        A callable with ``.gradient(par)``, ``.hessian(par)``, ``.names``, ``.dim``, ``.bounds``, ``.start``,
        ``.estimate``, ``.standard_errors``.

    References
    ----------
    Bates, Maechler, Bolker and Walker (2015), J. Stat. Soft. 67(1), section 3.4.

    Examples
    --------
    >>> from mere import lmer, log_density
    >>> from mere.datasets import sleepstudy
    >>> logp = log_density(lmer("Reaction ~ Days + (1 | Subject)", sleepstudy, REML=False))
    >>> logp.names
    ('(Intercept)', 'Days', 'log_sigma', 'log_sd_(Intercept)|Subject')
    >>> round(-2 * logp(logp.estimate), 4)
    1794.0786
    """
    raise no_method("log_density", model)


@generic
def fit_record(model: Any) -> Any:
    """How a fit went: converged, criterion, evaluations, gradient, reason, warnings.

    Parameters
    ----------
    model : LMM, GLMM

    Returns
    -------
    FitRecord

    Examples
    --------
    >>> from mere import fit_record, lmer
    >>> from mere.datasets import sleepstudy
    >>> record = fit_record(lmer("Reaction ~ Days + (1 | Subject)", sleepstudy))
    >>> record.converged, record.gradient_norm < 1e-3
    (True, True)
    """
    raise no_method("fit_record", model)
