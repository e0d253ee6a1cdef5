"""Generics that fit again."""

from __future__ import annotations

from typing import Any

from .declare import generic, no_method

__all__ = ["refit", "refitML", "simulate", "update"]


@generic
def refitML(model: Any) -> Any:
    """The model fitted by maximum likelihood; the model itself if it already is.

    Parameters
    ----------
    model : model

    Returns
    -------
    model
        The same, fitted by maximum likelihood; a model that is so already as it is.

    Examples
    --------
    >>> from mere import lmer, refitML, isREML
    >>> from mere.datasets import sleepstudy
    >>> isREML(refitML(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)))
    False
    """
    raise no_method("refitML", model)


@generic
def refit(model: Any, newresp: Any = None, **kwargs: Any) -> Any:
    """The model fitted to another response, from the estimates as start.

    The plan of the fit (all cross-products without the response) is used again,
    so a refit costs a pass over the rows and a few Newton steps.

    Parameters
    ----------
    model : LMM, GLMM, LM
    newresp : array
        Values of the left-hand side of the formula, a value a row used (or a row
        of the table); or a matrix with a response a column, which are fitted in
        one call over threads. Where the left-hand side is ``cbind(successes,
        failures)``: numbers of successes, or one pair of columns.
    ncpus : int, optional
        Threads for a matrix; default all processors.

    Returns
    -------
    LMM, GLMM, LM, or Refits
        For a matrix: ``.to_frame()`` has a row a response, ``[i]`` its model.

    Examples
    --------
    >>> from mere import lmer, refit, simulate, fixef
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> fixef(refit(m, sleepstudy["Reaction"] / 1000)).round(4).to_list()
    [0.2514, 0.0105]
    >>> refit(m, simulate(m, 3, seed=1)).to_frame().shape
    (3, 7)
    """
    raise no_method("refit", model)


@generic
def simulate(model: Any, nsim: int = 1, seed: Any = None, **kwargs: Any) -> Any:
    """Responses drawn from a fitted model.

    y = X beta + Z b + e with b drawn anew from N(0, Sigma) for each response
    (unless it is kept), e_i from N(0, sigma^2 / w_i) with the prior weights w.
    Of generalized models y is drawn from the family, given its mean; of
    ``cbind(successes, failures)`` you get both columns.

    Parameters
    ----------
    model : LMM, GLMM, LM, GLM, or str
        A fit; or a formula such as ``"~ x + (1 | g)"``, with `newdata`, all
        parameters in `newparams`, and `family` where it is not Gaussian.
    nsim : int
    seed : int or numpy.random.Generator, optional
        The same seed gives the same responses; response i does not depend on
        `nsim`.
    use_u : bool
        Keep the conditional modes of all random effects.
    re_form : None, False or str
        Which random effects are kept: ``False`` (default) none, ``None`` all, a
        formula some.
    newdata : table, optional
        Levels that the model does not know are drawn like all others.
    newparams : mapping, optional
        ``beta``, ``theta`` (or ``par``), ``sigma`` in place of the estimates.
    weights : array, number or str, optional
        Generalized models and formulas: prior weights at `newdata`, of a
        binomial model the numbers of trials. Not needed where `newdata` has the
        columns of the response.
    allow_new_levels : bool
        For random effects that are kept.
    contrasts : mapping, optional
        With a formula: codings of factors, as in `lmer`.

    Returns
    -------
    pandas.DataFrame
        Columns ``sim_1``, ``sim_2``, ...; ``.attrs["seed"]``. Where the response is ``cbind(successes, failures)``,
        each of them has these two below it, and ``y["sim_1"]`` is a table of two columns.

    Notes
    -----
    lme4 ignores prior weights here.

    References
    ----------
    Salmon, Moraes, Dror and Shaw (2011), Parallel random numbers: as easy as
    1, 2, 3. SC11 (the generator).

    Examples
    --------
    >>> from mere import lmer, simulate
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> y = simulate(m, 2, seed=101)
    >>> y.shape, bool((y["sim_1"] == simulate(m, 1, seed=101)["sim_1"]).all())
    ((180, 2), True)
    >>> new = {"x": [0.0, 1.0, 0.0, 1.0], "g": ["a", "a", "b", "b"]}
    >>> params = {"beta": [1.0, 0.5], "theta": [0.3]}
    >>> simulate("~ x + (1 | g)", new, params, 2, seed=1, family="poisson").shape
    (4, 2)
    """
    raise no_method("simulate", model)


@generic
def update(model: Any, formula: Any = None, **changes: Any) -> Any:
    """The model fitted again with a changed formula or other arguments.

    Parameters
    ----------
    model : LMM, LM
    formula : str, optional
        The new formula, in which ``.`` stands for the same side of the old one:
        ``". ~ . - x"``, ``"log(.) ~ ."``, ``"~ . + (1 | h)"``.
    **changes
        Other arguments of the function that fitted the model, ``data`` too.

    Returns
    -------
    model, EmmGrid or lmList, as given

    Examples
    --------
    >>> from mere import lmer, update, fixef, formula
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> print(formula(update(m, ". ~ . - (Days | Subject) + (1 | Subject)", REML=False)))
    Reaction ~ Days + (1 | Subject)
    """
    raise no_method("update", model)
