"""Generics of inference: tests and intervals."""

from __future__ import annotations

from typing import Any

from .declare import generic, no_method

__all__ = ["anova", "bootMer", "confint", "profile"]


@generic
def anova(model: Any, *models: Any, **kwargs: Any) -> Any:
    """Analysis of variance of one model, or likelihood-ratio tests between models.

    One mixed model: F tests of its terms, F = (L beta)' (L V L')^-1 (L beta) / rank, with the estimable functions L of
    the type asked for (`show_tests`). Several: the models in order of their number of parameters, each tested against
    the one before, chi^2 = 2 (logLik_1 - logLik_0).

    Parameters
    ----------
    model, *models : LMM, LM
    type : {"III", "II", "I", "marginal"}
        Of one model: unweighted means; after all terms that do not contain it; after the terms before it; the
        coefficients as they are coded.
    ddf : {"Satterthwaite", "Kenward-Roger", "lme4"}
        Denominator degrees of freedom. ``"lme4"``: none, sequential sums of squares (RX beta)^2.
    vcov : str, (name, cluster), (p, p) array or function of the model, optional
        Another covariance of the estimates, such as ``"CR2"``.
    refit : bool
        Refit REML models by maximum likelihood before comparing them (default).
    model_names : list of str, optional
        Row names; default the names of the caller's variables.

    Returns
    -------
    AnovaTable
        Prints as R prints it; ``.table`` is a DataFrame with R's columns
        (``Sum Sq, Mean Sq, NumDF, DenDF, F value, Pr(>F)`` or
        ``npar, AIC, BIC, logLik, deviance, Chisq, Df, Pr(>Chisq)``).

    References
    ----------
    Kuznetsova, Brockhoff and Christensen (2017), J. Stat. Soft. 82(13).

    Examples
    --------
    >>> from mere import lmer, anova
    >>> from mere.datasets import sleepstudy
    >>> m0 = lmer("Reaction ~ Days + (1 | Subject)", sleepstudy, REML=False)
    >>> m1 = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, REML=False)
    >>> anova(m0, m1).table["Chisq"].round(3).to_list()
    [nan, 42.139]
    >>> print(anova(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)))
    Type III Analysis of Variance Table with Satterthwaite's method
         Sum Sq Mean Sq NumDF DenDF F value    Pr(>F)
    Days  30031   30031     1    17  45.853 3.264e-06 ***
    ---
    Signif. codes:  0 ‘***’ 0.001 ‘**’ 0.01 ‘*’ 0.05 ‘.’ 0.1 ‘ ’ 1
    """
    raise no_method("anova", model)


@generic
def confint(model: Any, parm: Any = None, level: float = 0.95, **kwargs: Any) -> Any:
    """Confidence intervals.

    Parameters
    ----------
    model : LMM, LM, LmList, ...
    parm : str, int, list of these, optional
        Parameters by name or position; ``"theta_"`` all variance parameters,
        ``"beta_"`` all fixed effects. Default all.
    level : float
    method : {"profile", "Wald", "boot"}
        Mixed models. ``"profile"``: where the likelihood profile crosses the
        quantile. ``"Wald"``: estimate -+ z SE, fixed effects only. ``"boot"``:
        of a parametric bootstrap; takes ``nsim``, ``seed``, ``boot_type``
        (``"perc"``, ``"basic"``, ``"norm"``, ``"bca"``) and what `bootMer` takes.
    signames : bool
        Name variance parameters ``.sig01 ... .sigma``; `parm` may always use
        both kinds of names.
    vcov : str, (name, cluster), (p, p) array or function of the model, optional
        Intervals of the coefficients by another covariance, such as ``"CR2"``,
        and its degrees of freedom.
    **kwargs
        More for `profile` or `bootMer`.
    pool : bool
        ``lmList``: one residual variance for all groups.
    type, groups
        Bootstraps: the kind of interval, as `boot_type`; for ``"bca"`` what the jackknife leaves out.

    Returns
    -------
    pandas.DataFrame
        Columns such as ``2.5 %`` and ``97.5 %``.

    Examples
    --------
    >>> from mere import lmer, confint
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> confint(m, "beta_", method="Wald").round(3)
                   2.5 %   97.5 %
    (Intercept)  238.029  264.781
    Days           7.438   13.497
    """
    raise no_method("confint", model)


@generic
def profile(model: Any, which: Any = None, **kwargs: Any) -> Any:
    """Likelihood profiles of the parameters of a mixed model.

    For each parameter v, zeta(v) = sign(v - v_hat) sqrt(d(v) - d_hat), where d(v)
    is -2 log L minimized over all other parameters; zeta is about standard
    normal at the true value. Parameters are the standard deviations and
    correlations of the random effects, sigma and the fixed effects. As in R the
    criterion is that of maximum likelihood: a REML fit is refitted first, and
    it is said. Every point is an exact refit with the parameter held fixed. Of
    generalized models d is the Laplace or quadrature criterion of the fit; there
    is no sigma, and the size of a negative binomial moves with the rest.

    Parameters
    ----------
    model : LMM, GLMM
    which : str, int, list of these, optional
        Parameters by name (of both kinds) or position, ``"theta_"`` (the
        variance parameters), ``"beta_"``. Default all.
    alphamax : float
        Profile as far as a level of 1 - `alphamax` for all parameters together
        (default 0.01).
    maxpts : int
        At most so many points to a side of the estimate (default 100).
    delta : float, optional
        Distance of the points in zeta; default ``delta_cutoff`` times the cutoff.
    delta_cutoff : float
        Default 1/8.
    signames : bool
        Name the variance parameters ``.sig01 ... .sigma``.
    prof_scale : {"sdcor", "varcov"}
        Profile standard deviations and correlations, or variances and
        covariances.
    ncpus : int
        Threads, a parameter each at a time.

    Returns
    -------
    Profile
        ``.to_frame()``, ``.confint()``, plots; `logProf` and `varianceProf`
        change its scale.

    References
    ----------
    Bates, Maechler, Bolker and Walker (2015), J. Stat. Soft. 67(1), section 5.1.

    Examples
    --------
    >>> from mere import lmer, profile, confint
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, REML=False)
    >>> confint(profile(m)).round(2)
                                   2.5 %  97.5 %
    sd_(Intercept)|Subject         14.38   37.72
    sd_Days|Subject                 3.80    8.75
    cor_Days.(Intercept)|Subject   -0.48    0.68
    sigma                          22.90   28.86
    (Intercept)                   237.68  265.13
    Days                            7.36   13.58
    >>> from mere import glmer
    >>> from mere.datasets import cbpp
    >>> m = glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, "binomial")
    >>> confint(profile(m, ["theta_", "period2"])).round(3)
                         2.5 %  97.5 %
    sd_(Intercept)|herd  0.346   1.100
    period2             -1.617  -0.408
    """
    raise no_method("profile", model)


@generic
def bootMer(model: Any, FUN: Any = None, nsim: int = 500, **kwargs: Any) -> Any:
    """Bootstrap of a fitted model: responses simulated from it, the model refitted, statistics of the refits.

    Parameters
    ----------
    model : LMM, GLMM, NLMM, LM, GLM
    FUN : callable, optional
        A function of a model that returns numbers: a Series, a mapping, an
        array or a float. Default the parameters: standard deviations and
        correlations of the random effects, sigma, fixed effects; these are
        computed in C.
    nsim : int
    seed : int or numpy.random.Generator, optional
        The same seed gives the same replicates whatever `ncpus` and `parallel`.
    use_u : bool
        Keep the random effects; default they are drawn anew.
    re_form : None, False or str
        Which random effects are kept, as in `simulate`.
    type : {"parametric", "semiparametric"}
        Errors from the normal distribution, or drawn from the residuals (which
        needs ``use_u=True``).
    ncpus : int, optional
        Default all processors.
    parallel : str
        ``"threads"``, ``"processes"``, ``"no"``, or a joblib backend such as
        ``"loky"`` or ``"dask"``.
    checkpoint : path, optional
        A file that is kept up to date; the same call resumes from it.
    progress : bool, optional
        A progress bar (tqdm); default if it is installed and the run is long.

    Returns
    -------
    Bootstrap
        ``.t0``, ``.t``, ``.failures``; ``confint(b, type="perc")`` with types
        ``"perc"``, ``"basic"``, ``"norm"`` and ``"bca"``. Ctrl-C returns what
        is done.

    References
    ----------
    Davison and Hinkley (1997), Bootstrap methods and their application.

    Examples
    --------
    >>> from mere import lmer, bootMer, confint
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> b = bootMer(m, nsim=200, seed=1)
    >>> b.t.shape, len(b.failures)
    ((200, 6), 0)
    >>> bool((b.t == bootMer(m, nsim=200, seed=1, ncpus=1).t).all(axis=None))
    True
    """
    raise no_method("bootMer", model)
