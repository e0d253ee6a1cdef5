"""Generics that say how good a model is: shares of variance, dispersion, concordance, collinearity, residuals."""

from __future__ import annotations

from typing import Any

from .declare import generic, no_method

__all__ = [
    "auc",
    "bptest",
    "check_divergence",
    "check_overdispersion",
    "get_variance",
    "icc",
    "model_performance",
    "r2",
    "runs_test",
    "standardize_parameters",
    "vif",
]


@generic
def get_variance(model: Any, at: str = "mean", approximation: str = "lognormal") -> Any:
    """The variance of the linear predictor, taken apart (R: ``insight::get_variance``).

    ``var.fixed`` is the variance of x'beta over the rows; ``var.random`` the mean over the rows of z' Sigma z, which is
    right for random slopes, too; ``var.distribution`` what the family adds on the scale of the link: sigma^2 of a
    linear model, pi^2/3, 1 and pi^2/6 of a binomial one with logit, probit and cloglog links, and log(1 + phi
    V(lambda) / lambda^2) with a log link: log(1 + 1/lambda) for Poisson, log(1 + 1/lambda + 1/theta) for the negative
    binomial, log(1 + phi) for Gamma. Other links: phi V(lambda) g'(lambda)^2. A random effect for each row of a
    generalized model is ``var.dispersion``, part of the residual variance.

    Parameters
    ----------
    model : LMM, GLMM
    at : {"mean", "median"}
        What lambda is: the mean under the null model (of the intercept, the offset and the same random effects),
        exp(beta_0 + tau^2/2) with a log link, or the median exp(beta_0).
    approximation : {"lognormal", "delta", "trigamma"}
        How the variance of counts and Gamma responses gets to the log scale.

    Returns
    -------
    Series
        ``var.fixed, var.random, var.residual, var.distribution, var.dispersion``, and ``var.intercept.<group>`` of each
        random intercept.

    Notes
    -----
    insight up to 0.19 has the median and leaves the offset out; with an offset of zero the default is that of its later
    versions.

    References
    ----------
    Nakagawa, Johnson and Schielzeth (2017), J. R. Soc. Interface 14, 20170213; Johnson (2014), Methods Ecol. Evol. 5,
    944-946, for random slopes.

    Examples
    --------
    >>> from mere import get_variance, lmer
    >>> from mere.datasets import sleepstudy
    >>> get_variance(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy))[["var.fixed", "var.random"]].round(1)
    var.fixed      909.0
    var.random    1698.1
    dtype: float64
    """
    raise no_method("get_variance", model)


@generic
def icc(model: Any, by_group: bool = False, at: str = "mean", approximation: str = "lognormal") -> Any:
    """The intraclass correlation (R: ``performance::icc``).

    ``ICC_adjusted`` = random / (random + residual), ``ICC_unadjusted`` = random / (fixed + random + residual), of the
    variances of `get_variance`.

    Parameters
    ----------
    model : LMM, GLMM
    by_group : bool
        The variance of each random intercept over random + residual.
    at, approximation : str
        As in `get_variance`.

    Returns
    -------
    Series

    References
    ----------
    Nakagawa, Johnson and Schielzeth (2017), J. R. Soc. Interface 14, 20170213.

    Examples
    --------
    >>> from mere import icc, lmer
    >>> from mere.datasets import sleepstudy
    >>> icc(lmer("Reaction ~ Days + (1 | Subject)", sleepstudy)).round(3)
    ICC_adjusted      0.589
    ICC_unadjusted    0.424
    dtype: float64
    """
    raise no_method("icc", model)


@generic
def r2(model: Any, **kwargs: Any) -> Any:
    """Coefficients of determination (R: ``performance::r2``).

    Mixed models: Nakagawa's ``R2_conditional`` = (fixed + random) / total and ``R2_marginal`` = fixed / total of the
    variances of `get_variance`. ``lm``: ``R2`` and ``R2_adjusted``. ``glm``, with deviance D, null deviance D0 and n
    rows: ``R2_CoxSnell`` = 1 - exp((D - D0) / n), ``R2_Nagelkerke`` = that over 1 - exp(-D0 / n), ``R2_McFadden`` = 1 -
    log L / log L0, and for zeros and ones ``R2_Tjur``, the difference of the mean fitted values; of the quasi families,
    which have no likelihood, ``R2_deviance`` = 1 - D / D0.

    Parameters
    ----------
    model : LM, GLM, LMM, GLMM
    at, approximation : str
        Mixed models: as in `get_variance`.

    Returns
    -------
    Series

    References
    ----------
    Nakagawa, Johnson and Schielzeth (2017), J. R. Soc. Interface 14, 20170213; Nagelkerke (1991), Biometrika 78,
    691-692; Tjur (2009), Am. Stat. 63, 366-372.

    Examples
    --------
    >>> from mere import lmer, r2
    >>> from mere.datasets import sleepstudy
    >>> r2(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)).round(3)
    R2_conditional    0.799
    R2_marginal       0.279
    dtype: float64
    """
    raise no_method("r2", model)


@generic
def check_overdispersion(model: Any, **kwargs: Any) -> Any:
    """Do counts vary more than their family says? (R: ``performance::check_overdispersion``)

    The sum of squared Pearson residuals, over the residual degrees of freedom, and its upper tail by the chi-squared
    distribution. For a mixed model the residuals are given the random effects, and the test is approximate. Of
    `simulate_residuals`: the mean square of what is observed less predicted, over that of the simulated responses.

    Parameters
    ----------
    model : GLM, GLMM, SimulatedResiduals
        A model of counts, or of numbers of successes out of more than one trial.
    alternative : {"greater", "less", "two-sided"}
        Simulated residuals. Given random effects that were fitted to the response, it varies less than simulated ones.

    Returns
    -------
    Series
        ``chisq_statistic, dispersion_ratio, residual_df, p_value``; of simulated residuals ``observed, expected, ratio,
        p_value``.

    Examples
    --------
    >>> from mere import check_overdispersion, glm
    >>> from mere.datasets import warpbreaks
    >>> check_overdispersion(glm("breaks ~ wool * tension", warpbreaks, "poisson"))["dispersion_ratio"].round(2)
    np.float64(3.76)
    """
    raise no_method("check_overdispersion", model)


@generic
def auc(model: Any) -> Any:
    """The area under the ROC curve of a binomial model's fitted values, or concordance.

    The probability that a success has a higher fitted value than a failure, ties counted half; with several trials a
    row counts as often as it has successes and failures. `cross_validate` has it for rows that the model has not seen.

    Parameters
    ----------
    model : GLM, GLMM
        Binomial.

    Returns
    -------
    float

    References
    ----------
    Hanley and McNeil (1982), Radiology 143, 29-36.

    Examples
    --------
    >>> from mere import auc, glmer
    >>> from mere.datasets import cbpp
    >>> m = glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, "binomial")
    >>> round(auc(m), 3)
    0.758
    """
    raise no_method("auc", model)


@generic
def vif(model: Any) -> Any:
    """Variance inflation factors of the terms (R: ``car::vif``).

    With R the correlations of the coefficients but the intercept's, and R_t those of term t's columns: GVIF_t =
    det(R_t) det(R_-t) / det(R). For a single column that is 1 / (1 - R^2) of its regression on the others.

    Parameters
    ----------
    model : LM, GLM, LMM, GLMM

    Returns
    -------
    Series or DataFrame
        Of terms; where a term has several columns ``GVIF, Df, GVIF^(1/(2*Df))``.

    References
    ----------
    Fox and Monette (1992), J. Am. Stat. Assoc. 87, 178-183.

    Examples
    --------
    >>> from mere import lm, vif
    >>> from mere.datasets import sleepstudy
    >>> vif(lm("Reaction ~ Days + I(Days^2)", sleepstudy)).round(2)
    Days         13.66
    I(Days^2)    13.66
    dtype: float64
    """
    raise no_method("vif", model)


@generic
def standardize_parameters(model: Any, two_sd: bool = False) -> Any:
    """Standardized coefficients (R: ``effectsize::standardize_parameters(method = "basic")``).

    beta_j sd(x_j) / sd(y), x_j the columns of the model matrix; for a generalized model beta_j sd(x_j). Zero for the
    intercept. Weights of the model weigh the standard deviations.

    Parameters
    ----------
    model : LM, GLM, LMM, GLMM
    two_sd : bool
        Times two standard deviations of x_j, as Gelman (2008).

    Returns
    -------
    DataFrame
        ``Std_Coefficient, Std_Error``.

    References
    ----------
    Gelman (2008), Scaling regression inputs by dividing by two standard deviations, Stat. Med. 27, 2865-2873.

    Examples
    --------
    >>> from mere import lm, standardize_parameters
    >>> from mere.datasets import sleepstudy
    >>> standardize_parameters(lm("Reaction ~ Days", sleepstudy)).round(3)
                 Std_Coefficient  Std_Error
    (Intercept)            0.000      0.000
    Days                   0.535      0.063
    """
    raise no_method("standardize_parameters", model)


@generic
def model_performance(model: Any) -> Any:
    """Information criteria, shares of variance and errors of a fit (R: ``performance::model_performance``).

    Parameters
    ----------
    model : LM, GLM, LMM, GLMM

    Returns
    -------
    Series
        ``AIC``, ``AICc`` = AIC + 2k(k + 1) / (n - k - 1), ``BIC``, the coefficients of `r2`, of mixed models the
        adjusted ``ICC``, ``RMSE`` of the residuals given the random effects, ``Sigma``.

    See Also
    --------
    compare_performance : of several models, in a table

    Examples
    --------
    >>> from mere import lmer, model_performance
    >>> from mere.datasets import sleepstudy
    >>> model_performance(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)).round(3)
    AIC               1755.628
    AICc              1756.114
    BIC               1774.786
    R2_conditional       0.799
    R2_marginal          0.279
    ICC                  0.722
    RMSE                23.438
    Sigma               25.592
    dtype: float64
    """
    raise no_method("model_performance", model)


@generic
def bptest(model: Any, varformula: str | None = None, studentize: bool = True) -> Any:
    """Breusch and Pagan's test of equal variances (R: ``lmtest::bptest``).

    Squared residuals are regressed on Z. Studentized (Koenker 1981): n R^2 of that regression, right for any kurtosis;
    else half the explained sum of squares of e^2 / sigma^2, for normal errors. Chi-squared with rank(Z) - 1 degrees of
    freedom.

    Parameters
    ----------
    model : LM
    varformula : str, optional
        Z as a one-sided formula of the data's columns, ``"~ x"``; default the model matrix.
    studentize : bool

    Returns
    -------
    Series
        ``BP, df, p_value``.

    References
    ----------
    Breusch and Pagan (1979), Econometrica 47, 1287-1294; Koenker (1981), J. Econom. 17, 107-112.

    Examples
    --------
    >>> from mere import bptest, lm
    >>> from mere.datasets import sleepstudy
    >>> bptest(lm("Reaction ~ Days", sleepstudy))[["BP", "df"]].round(4)
    BP    17.0271
    df     1.0000
    dtype: float64
    """
    raise no_method("bptest", model)


@generic
def runs_test(model: Any, order: Any = None, alternative: str = "two-sided") -> Any:
    """Wald and Wolfowitz's runs test of the signs of residuals (R: ``tseries::runs.test``).

    With n1 residuals of at least zero and n2 below, the number of runs of equal signs has mean 1 + 2 n1 n2 / n and
    variance 2 n1 n2 (2 n1 n2 - n) / (n^2 (n - 1)) where signs come in any order; the statistic is standardized. Few
    runs speak of a trend or of a curve that the model misses.

    Parameters
    ----------
    model : LM, GLM, LMM, GLMM, or a sequence of numbers
        Deviance residuals of generalized models, given the random effects of mixed ones.
    order : str or array, optional
        A column of the data, or numbers, to sort the residuals by; default the order of the rows.
    alternative : {"two-sided", "less", "greater"}
        ``"less"``: fewer runs than by chance.

    Returns
    -------
    Series
        ``runs, n1, n2, statistic, p_value``.

    References
    ----------
    Wald and Wolfowitz (1940), Ann. Math. Stat. 11, 147-162.

    Examples
    --------
    >>> from mere import lm, runs_test
    >>> from mere.datasets import sleepstudy
    >>> runs_test(lm("Reaction ~ Days", sleepstudy))[["runs", "statistic"]].round(3)
    runs         48.000
    statistic    -6.414
    dtype: float64
    """
    raise no_method("runs_test", model)


@generic
def check_divergence(test: Any, level: float = 0.05) -> Any:
    """Where a permutation test and the model's own test come to different decisions.

    Parameters
    ----------
    test : PermutationTest
    level : float

    Returns
    -------
    DataFrame
        A row a tested term: both p-values, their ``ratio`` (permutation over model), whether the decisions at `level`
        differ (``diverges``), and whether they would for any number of arrangements: the Monte-Carlo interval of the
        permutation p-value is on one side of `level`, the model's p-value on the other (``certain``).

    Examples
    --------
    >>> from mere import check_divergence, lm, permutation_test
    >>> from mere.datasets import warpbreaks
    >>> test = permutation_test(lm("breaks ~ wool + tension", warpbreaks), n_perm=999, seed=1)
    >>> check_divergence(test)["diverges"].to_list()
    [False, False]
    """
    raise no_method("check_divergence", test)
