"""Generics of what has a value per row, and of the data and terms behind a model."""

from __future__ import annotations

from typing import Any

from .declare import generic, no_method

__all__ = [
    "family",
    "fitted",
    "formula",
    "getData",
    "hatvalues",
    "model_frame",
    "model_matrix",
    "predict",
    "residuals",
    "terms",
    "weights",
]


@generic
def fitted(model: Any) -> Any:
    """Fitted values, conditional on the random effects: offset + X beta + Z b.

    Parameters
    ----------
    model : model

    Returns
    -------
    pandas.Series
        Indexed by the rows of the data; padded with NaN under
        ``na_action="exclude"``.

    Examples
    --------
    >>> from mere import lmer, fitted
    >>> from mere.datasets import sleepstudy
    >>> fitted(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)).head(2).round(3)
    0    253.664
    1    273.330
    dtype: float64
    """
    raise no_method("fitted", model)


@generic
def residuals(model: Any, type: str = "response", scaled: bool = False) -> Any:
    """Residuals.

    Parameters
    ----------
    model : LMM, LM, GLMM, GLM, NLMM
    type : {"response", "working", "pearson", "deviance", "partial"}
        ``response`` and ``working``: y - fitted. ``pearson`` and ``deviance``:
        the same times the square root of the prior weight. Generalized models
        have R's four kinds, by default ``deviance``. ``partial``, without
        random effects: a DataFrame, working residuals plus what each term adds.
    scaled : bool
        Divide by the residual standard deviation.

    Returns
    -------
    pandas.Series
        Indexed by the rows of the data; padded with NaN under
        ``na_action="exclude"``.

    Examples
    --------
    >>> from mere import lmer, residuals
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> residuals(m, scaled=True).head(2).round(3)
    0   -0.160
    1   -0.571
    dtype: float64
    """
    raise no_method("residuals", model)


@generic
def weights(model: Any, type: str = "prior") -> Any:
    """Prior weights, one per row (Series).

    The residual variance of row i is sigma^2 / w_i.

    Parameters
    ----------
    model : model, or marginal means
    type : {"prior", "working"}
        ``"working"``: of the last step of a generalized model.

    Returns
    -------
    Series
        By the rows of the data; for marginal means an array, how many rows of the data are behind each.

    Examples
    --------
    >>> from mere import lmer, weights
    >>> from mere.datasets import sleepstudy
    >>> weights(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)).unique()
    array([1.])
    """
    raise no_method("weights", model)


@generic
def hatvalues(model: Any) -> Any:
    """Leverages: the diagonal of d fitted / d y at the estimated theta (Series).

    Parameters
    ----------
    model : LMM, GLMM, LM, GLM

    Returns
    -------
    Series
        By the rows of the data.

    References
    ----------
    Demidenko and Stukel (2005), Influence analysis for linear mixed-effects
    models, Statistics in Medicine 24.

    Examples
    --------
    >>> from mere import lmer, hatvalues
    >>> from mere.datasets import sleepstudy
    >>> hatvalues(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)).head(2).round(4)
    0    0.2293
    1    0.1697
    dtype: float64
    """
    raise no_method("hatvalues", model)


@generic
def model_frame(model: Any, fixed_only: bool = False) -> Any:
    """The variables of the formula at the rows used, each evaluated once (DataFrame).

    Parameters
    ----------
    model : model
    fixed_only : bool
        Without the variables of the random effects.

    Returns
    -------
    DataFrame
        The variables by R's names, ``log(y)``; the rows that were used.

    Examples
    --------
    >>> from mere import lmer, model_frame
    >>> from mere.datasets import sleepstudy
    >>> list(model_frame(lmer("log(Reaction) ~ Days + (Days | Subject)", sleepstudy)))
    ['log(Reaction)', 'Days', 'Subject']
    """
    raise no_method("model_frame", model)


@generic
def model_matrix(model: Any, *args: Any, **kwargs: Any) -> Any:
    """The model matrix of a fit, or of a formula and data.

    Parameters
    ----------
    model : LMM, LM, or str
        A fit; or a formula such as ``"~ a * b"``, followed by ``data`` and
        optionally ``contrasts=``.
    type : {"fixed", "random", "randomListRaw"}
        For mixed models: X; the sparse Z (rows by random effects); or the
        matrix of each random-effects term by its text.
    na_action : {"omit", "exclude", "fail"}
        With a formula: what becomes of rows with missing values.

    Returns
    -------
    pandas.DataFrame, scipy.sparse.csc_array or dict
        The frame has R's column names, ``.attrs["assign"]`` (the term of each
        column) and ``.attrs["term_labels"]``.

    Examples
    --------
    >>> from mere import model_matrix
    >>> from mere.datasets import cake
    >>> x = model_matrix("~ recipe + temp", cake)
    >>> list(x), x.attrs["assign"]
    (['(Intercept)', 'recipeB', 'recipeC', 'temp'], [0, 1, 1, 2])
    """
    raise no_method("model_matrix", model)


@generic
def formula(model: Any, fixed_only: bool = False, random_only: bool = False) -> Any:
    """The formula of a model; its fixed or its random part.

    Parameters
    ----------
    model : model, or its `terms`
    fixed_only, random_only : bool
        Only that part.

    Returns
    -------
    Formula
        Prints as text; ``str()`` gives the text.

    Examples
    --------
    >>> from mere import lmer, formula
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> print(formula(m, fixed_only=True))
    Reaction ~ Days
    """
    raise no_method("formula", model)


@generic
def terms(model: Any, fixed_only: bool = True) -> Any:
    """The terms of the fixed part: labels, orders, factors, intercept, response.

    Parameters
    ----------
    model : model
    fixed_only : bool
        Without the variables of the random effects.

    Returns
    -------
    Terms

    Examples
    --------
    >>> from mere import lmer, terms
    >>> from mere.datasets import cake
    >>> terms(lmer("angle ~ recipe * temp + (1 | recipe:replicate)", cake)).labels
    ('recipe', 'temp', 'recipe:temp')
    """
    raise no_method("terms", model)


@generic
def family(model: Any) -> Any:
    """Error distribution and link.

    Parameters
    ----------
    model : model

    Returns
    -------
    Family
        Its name and its link.

    Examples
    --------
    >>> from mere import lmer, family
    >>> from mere.datasets import sleepstudy
    >>> family(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy))
    <BLANKLINE>
    Family: gaussian
    Link function: identity
    <BLANKLINE>
    """
    raise no_method("family", model)


@generic
def getData(model: Any) -> Any:
    """The data that the model was fitted to, as it was given.

    Parameters
    ----------
    model : model

    Returns
    -------
    table
        What the model was fitted to, as it was given.

    Examples
    --------
    >>> from mere import lmer, getData
    >>> from mere.datasets import sleepstudy
    >>> getData(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)).shape
    (180, 3)
    """
    raise no_method("getData", model)


@generic
def predict(model: Any, newdata: Any = None, **kwargs: Any) -> Any:
    """Predictions, for the data of the fit or for new data.

    x'beta + offset + z'b, with the random effects b that `re_form` asks for.

    Parameters
    ----------
    model : LMM, GLMM, LM, GLM, LmList
    newdata : table, optional
        Default the data of the fit. Transforms and offsets are evaluated anew,
        with the states of the fit; the response need not be there.
    re_form : None, False or str
        Mixed models: ``None`` (default) all random effects, ``False`` (R's
        ``NA`` or ``~0``) none, a formula such as ``"~ (1 | g)"`` some.
    random_only : bool
        z'b alone.
    type : {"link", "response", "terms"}
        The linear predictor or the mean; the same for linear models. ``"terms"``, without random effects: what each
        term adds to the linear predictor, centered, as a DataFrame with ``.attrs["constant"]``.
    allow_new_levels : bool
        Take the random effects of levels that the model does not know, and of
        missing ones, as zero; default they are an error.
    na_action : {"pass", "omit", "exclude", "fail"}
        Rows of `newdata` with missing values: NaN (default and ``"exclude"``),
        left out, or an error.
    se_fit : bool
        Also standard errors, given the estimated theta: of x'beta + z'b as a
        prediction, which for a new level includes the variance of its effects.
        On the scale of means they are those of the linear predictor times
        |d mu / d eta|.
    interval : {None, "confidence", "prediction"}
        Of generalized models ``"confidence"`` is that of the linear predictor,
        carried over to the means; ``"prediction"`` (with ``type="response"``)
        has quantiles of the family's distribution, averaged over the normal
        distribution of the linear predictor.
    level : float
    theta : bool
        Mixed models: standard errors and intervals that also have the
        uncertainty of the covariance parameters in them (glmmTMB's), by the
        delta method through estimates and conditional modes.
    weights : array, number or str, optional
        Intervals for outcomes of generalized models at `newdata`: prior
        weights, of a binomial model the numbers of trials. Not needed where
        `newdata` has the columns of the response.
    bias_adjust, sigma
        Marginal means: see `summary`.

    Returns
    -------
    Series; with `interval` a DataFrame ``fit, lwr, upr``; with `se_fit` an object
    with ``.fit`` and ``.se_fit``.

    References
    ----------
    Henderson (1975), Best linear unbiased estimation and prediction under a
    selection model, Biometrics 31 (the joint covariance of estimates and
    predictions). Kass and Steffey (1989), J. Am. Stat. Assoc. 84, 717-726, and
    Booth and Hobert (1998), J. Am. Stat. Assoc. 93, 262-272 (`theta`).

    Examples
    --------
    >>> from mere import lmer, predict
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> new = {"Days": [0.0, 10.0], "Subject": ["308", "999"]}
    >>> predict(m, new, allow_new_levels=True).round(3)
    0    253.664
    1    356.078
    dtype: float64
    >>> predict(m, {"Days": [0.0]}, re_form=False, interval="confidence").round(2)
          fit     lwr     upr
    0  251.41  238.03  264.78
    """
    raise no_method("predict", model)
