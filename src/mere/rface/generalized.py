"""`glm`, `glmer` and `glmer_nb`: generalized linear models, without and with random effects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arguments import control_of, number_of, numbers_of
from ..checks import tell_of_rows
from ..control import GlmerControl
from ..design import build_design
from ..errors import MereValueError
from ..families import Family, make_family, negative_binomial
from ..generalized import GLM, GLMM, generalized_linear_model, generalized_mixed_model
from ..generalized_fitting import fit_glmm
from ..irls import fit_glm
from ..refitting import FITTERS
from .calls import record

__all__ = ["glm", "glmer", "glmer_nb"]


def glm(
    formula: str,
    data: Any,
    family: str | Family = "gaussian",
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: str = "omit",
    contrasts: Any = None,
    start: Any = None,
    epsilon: float = 1e-8,
    maxit: int = 25,
    env: Mapping[str, Any] | None = None,
) -> GLM:
    """Fit a generalized linear model by maximum likelihood.

    g(E y) = offset + X beta with y from an exponential family.

    Parameters
    ----------
    formula : str
        ``"y ~ a * x"``; a binomial response is 0/1, logical, a two-level factor, a proportion with ``weights=`` the
        number of trials, or ``cbind(successes, failures)``.
    data : table
        pandas, polars, pyarrow, or a dict of arrays; never changed.
    family : str or Family
        ``"binomial"``, ``"poisson"``, ``"Gamma"``, ``"inverse_gaussian"``, ``"gaussian"``, or an object such as
        ``families.binomial(link="probit")`` or ``families.negative_binomial(2)``. Without a likelihood, a mean and a
        variance: ``"quasipoisson"``, ``"quasibinomial"``, and ``families.quasi(link="log", variance="mu^2")`` with
        ``"constant"``, ``"mu(1-mu)"``, ``"mu"``, ``"mu^2"`` or ``"mu^3"``; AIC and the likelihood are then NaN.
    weights, offset, subset : str or array, optional
        A column name, an expression in the columns, or an array.
    na_action : {"omit", "exclude", "fail"}
    contrasts : dict or pair, optional
    start : array, optional
        Coefficients to start from.
    epsilon, maxit
        The iterations stop when the deviance changes by less than epsilon of itself.
    env : mapping, optional
        Functions and arrays of your own that the formula may use.

    Returns
    -------
    GLM
        Coefficients of columns that are linear combinations of earlier ones are NaN.

    References
    ----------
    McCullagh and Nelder (1989), Generalized Linear Models.

    Examples
    --------
    >>> from mere import glm
    >>> from mere.datasets import cbpp
    >>> glm("cbind(incidence, size - incidence) ~ period", cbpp, family="binomial").coef().round(3).to_dict()
    {'(Intercept)': -1.269, 'period2': -1.171, 'period3': -1.301, 'period4': -1.782}
    """
    call = record(
        "glm", data, formula=str(formula), family=family, weights=weights, offset=offset,
        subset=subset, na_action=None if na_action == "omit" else na_action, contrasts=contrasts, start=start, env=env,
        epsilon=None if epsilon == 1e-8 else epsilon, maxit=None if maxit == 25 else maxit,
    )  # fmt: skip
    design = build_design(
        formula, data, weights=weights, offset=offset, subset=subset, na_action=na_action,
        contrasts=contrasts, env=env,
    )  # fmt: skip
    chosen = make_family(family)
    first = None if start is None else numbers_of(start, "start")
    if first is not None and (first.shape != (len(design.names),) or not np.isfinite(first).all()):
        raise MereValueError(f"start must have {len(design.names)} finite values, one per coefficient, not {start!r}")
    if not number_of(epsilon, "epsilon") > 0:
        raise MereValueError(f"epsilon must be positive, not {epsilon!r}")
    if isinstance(maxit, bool) or not isinstance(maxit, (int, np.integer)) or maxit < 1:
        raise MereValueError(f"maxit must be a positive whole number, not {maxit!r}")
    tell_of_rows(design)
    response, fit = fit_glm(design, chosen, first, epsilon, maxit)
    return generalized_linear_model(design, chosen, response, fit, call)


def glmer(
    formula: str,
    data: Any,
    family: str | Family = "gaussian",
    nAGQ: int = 1,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: str = "omit",
    contrasts: Any = None,
    start: Any = None,
    control: GlmerControl | None = None,
    env: Mapping[str, Any] | None = None,
) -> GLMM:
    """Fit a generalized linear mixed model by maximum likelihood.

    g(E(y | b)) = offset + X beta + Z b, b ~ N(0, Lambda Lambda'), y from an exponential family. The integral over b is
    approximated: Laplace by default, adaptive Gauss-Hermite quadrature with ``nAGQ`` points otherwise. The likelihood
    keeps its constants whatever nAGQ is, so fits compare with each other and with `glm`.

    Parameters
    ----------
    formula : str
        ``"y ~ x + (1 + x | g)"``; binomial responses as in `glm`.
    data : table
        pandas, polars, pyarrow, or a dict of arrays; never changed.
    family : str or Family
        As in `glm`, but without the quasi families, which have no likelihood. The Gaussian family with its identity
        link is a linear mixed model: use `lmer`.
    nAGQ : int
        0: the fixed effects are found with the random effects, which is fast and rough; 1: Laplace; up to 100:
        quadrature points per dimension, for one grouping factor with at most three effects.
    weights, offset, subset : str or array, optional
        For a proportion the weights are numbers of trials.
    na_action : {"omit", "exclude", "fail"}
    contrasts : dict or pair, optional
    start : array or dict, optional
        Theta, or ``{"theta": ..., "fixef": ...}``.
    control : GlmerControl, optional
        From `glmerControl`.
    env : mapping, optional

    Returns
    -------
    GLMM

    Notes
    -----
    Standard deviations of random effects are on the scale of the linear predictor for every family, as in lme4 2.x;
    earlier versions multiply those of Gamma and inverse Gaussian models by sigma.

    References
    ----------
    Breslow and Clayton (1993), JASA 88, 9-25. Pinheiro and Chao (2006), J. Comput. Graph. Statist. 15, 58-81.

    Examples
    --------
    >>> from mere import glmer
    >>> from mere.datasets import cbpp
    >>> m = glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, family="binomial")
    >>> m.fixef().round(3).to_dict()
    {'(Intercept)': -1.399, 'period2': -0.992, 'period3': -1.129, 'period4': -1.58}
    """
    chosen = make_family(family)
    chosen.need_likelihood("glmer()")
    if chosen.name == "gaussian" and chosen.link.name == "identity":
        raise MereValueError(
            "glmer() with the gaussian family and the identity link is a linear mixed model: use lmer(), with "
            "REML=False for maximum likelihood"
        )
    rows = {"weights": weights, "offset": offset, "subset": subset, "na_action": na_action, "contrasts": contrasts}
    return _fitted("glmer", formula, data, {"family": family}, nAGQ, rows, start, control, env, chosen)


def _fitted(
    name: str,
    formula: str,
    data: Any,
    own: Mapping[str, Any],
    nAGQ: int,
    rows: Mapping[str, Any],
    start: Any,
    control: GlmerControl | None,
    env: Mapping[str, Any] | None,
    family: Family,
    joint_theta: bool = False,
) -> GLMM:
    """What `glmer` and `glmer_nb` do alike; `own` are the arguments that only one of them has."""
    least = int(joint_theta)
    if isinstance(nAGQ, bool) or not isinstance(nAGQ, (int, np.integer)) or not least <= nAGQ <= 100:
        why = ": theta is estimated by the likelihood" if least else ""
        raise MereValueError(f"nAGQ must be a whole number from {least} to 100, not {nAGQ!r}{why}")
    shown = {**rows, "na_action": None if rows["na_action"] == "omit" else rows["na_action"]}
    call = record(
        name, data, formula=str(formula), **own, nAGQ=None if nAGQ == 1 else nAGQ, **shown,
        start=start, control=control, env=env,
    )  # fmt: skip
    design = build_design(formula, data, env=env, **rows)
    control = control_of(control, GlmerControl, "glmerControl")
    fit = fit_glmm(design, family, int(nAGQ), control, start, joint_theta)
    return generalized_mixed_model(fit, control, call)


def glmer_nb(
    formula: str,
    data: Any,
    link: Any = "log",
    nAGQ: int = 1,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: str = "omit",
    contrasts: Any = None,
    start: Any = None,
    control: GlmerControl | None = None,
    env: Mapping[str, Any] | None = None,
) -> GLMM:
    """Fit a negative binomial mixed model, its size theta with the other parameters (R: ``glmer.nb``).

    V(mu) = mu + mu^2 / theta. Log theta is estimated jointly with the covariances and the fixed effects, so their
    standard errors account for it.

    Parameters
    ----------
    formula, data, nAGQ, weights, offset, subset, na_action, contrasts, start, control, env
        As in `glmer`.
    link : str or Link
        Default ``"log"``.

    Returns
    -------
    GLMM
        Its family is ``negative_binomial(theta)``; ``getME(m, "glmer.nb.theta")`` is the estimate.

    Examples
    --------
    >>> from mere import getME, glmer_nb
    >>> from mere.datasets import grouseticks
    >>> m = glmer_nb("TICKS ~ YEAR + (1 | BROOD)", grouseticks)
    >>> round(getME(m, "glmer.nb.theta"), 2)
    3.3
    """
    rows = {"weights": weights, "offset": offset, "subset": subset, "na_action": na_action, "contrasts": contrasts}
    own = {"link": None if link == "log" else link}
    family = negative_binomial(1.0, link)
    return _fitted("glmer.nb", formula, data, own, nAGQ, rows, start, control, env, family, joint_theta=True)


FITTERS.update({"glm": glm, "glmer": glmer, "glmer.nb": glmer_nb})
