"""Generics that arrange rows anew, or hold some of them out."""

from __future__ import annotations

from typing import Any

from .declare import generic, no_method

__all__ = ["bootstrap", "cross_validate", "permutation_test"]


@generic
def bootstrap(model: Any, FUN: Any = None, **kwargs: Any) -> Any:
    """The bootstrap of any model, by several schemes, with intervals.

    Parameters
    ----------
    model : LM, GLM, LMM, GLMM
    FUN : callable, optional
        A function of a model that returns numbers; default the parameters.
    type : {"case", "parametric", "residual", "wild", "reb"}
        Rows, or for mixed models whole clusters, drawn with replacement; responses drawn from the model; residuals and
        random effects drawn after scaling them to the estimated variances; marginal residuals of clusters times random
        signs; blocks of residuals (one grouping factor).
    nsim : int
    ci : {"percentile", "basic", "norm", "bca", "studentized"}
        BCa takes its acceleration from leaving out one row, or one level of the factor that all others are nested in.
    conf_level : float
    cluster : str or array, optional
        What is drawn or signed together: a grouping factor, a column, or labels of rows.
    null, alternative
        Of the p-values, which invert a percentile interval.
    seed : int or numpy.random.Generator, optional
    ncpus : int, optional
    checkpoint : path, optional
    progress : bool, optional
    save_resamples : bool
    which : {"all", "fixef", "ranef"}
        Which parameters: fixed effects, or standard deviations and correlations with sigma.

    Returns
    -------
    BootstrapTable
        ``.table``, ``.kinds``, ``.t0``, ``.t``, ``.resamples``, ``.failures``; `confint` gives the other kinds of
        intervals.

    References
    ----------
    Davison and Hinkley (1997), Bootstrap methods and their application; Carpenter, Goldstein and Rasbash (2003), J. R.
    Stat. Soc. C 52, 431-443; Chambers and Chandra (2013), J. Comput. Graph. Stat. 22, 452-470; Modugno and Giannerini
    (2015), Stat. Methods Appl. 24, 427-445.

    Examples
    --------
    >>> from mere import bootstrap, glm
    >>> from mere.datasets import warpbreaks
    >>> b = bootstrap(glm("breaks ~ wool", warpbreaks, "poisson"), nsim=400, seed=1)
    >>> b.table.loc["woolB", ["conf.low", "conf.high"]].round(2).to_list()
    [-0.42, 0.08]
    """
    raise no_method("bootstrap", model)


@generic
def permutation_test(model: Any, terms: Any = None, **kwargs: Any) -> Any:
    """Permutation tests of the terms of a model.

    The residuals of the model without the term are arranged anew, and the term's studentized statistic is computed for
    each arrangement: t = Q_1' e / sqrt(RSS / df) for one column, F for several. A mixed model is first made independent
    by the covariance V = I + Z Lambda Lambda' Z' of its null fit, whatever its grouping factors; a generalized one is
    taken at its null fit as the linear model of its working response. All arrangements are one matrix product. The
    p-value is (1 + number as large as observed) / (1 + number of arrangements).

    Parameters
    ----------
    model : LM, GLM, LMM, GLMM
    terms : str or list of str, optional
        Terms to test, each by itself; default all but the intercept.
    confounders : str or list of str, optional
        Terms that stay in the model and are never tested.
    method : {"score", "freedman-lane", "ter-braak", "kennedy", "manly", "one-step", "pql-fixed", "sign-flip"}
        What is arranged, see docs/permutation.md. ``"freedman-lane"`` fits each arranged response and equals the score;
        ``"manly"`` arranges the response itself, a test of another hypothesis; ``"one-step"`` takes the coefficient
        itself and ``"pql-fixed"``, for generalized models, that of a fit to each response that arranged residuals make;
        ``"sign-flip"`` changes signs of the scores of clusters and trusts no variance.
    cells : str, list of str or array, optional
        Exchangeability cells: a grouping factor, a column, several crossed, or labels of rows.
    strategy : {"global", "within", "between", "two-stage"}, or a list of them, optional
        What changes places; default all rows, or with cells the rows of a cell. A list has a rule for each of
        the nested ``cells=``, from the outermost on: ``cells=["school", "class"], strategy=["within", "between"]`` has
        whole classes change places inside their school.
    statistic : {"t", "coefficient"}
        Studentized, or the coefficient itself.
    n_perm : int
        Arrangements; where there are fewer, all are taken and the test is exact.
    joint : bool
        One test of all terms together.
    alternative : {"two-sided", "greater", "less"}
    conf_level : float
        Of the interval that inverts the test.
    constraints : callable, optional
        Which of some arrangements (k, n) are allowed.
    seed : int or numpy.random.Generator, optional
    ncpus : int, optional
        Threads; the result does not depend on their number.
    errors : {"iid", "ar1", "ar2", ...}
        Of `lm` and `lmer`: errors within panels are an autoregression, estimated with the null model (REML).
    panels, times : str or array, optional
        Which rows are of one panel (default the cells, or the grouping factor that all others are nested in), and when
        they were observed, in whole numbers (default one after the other).
    stop : int, optional
        Make draws of a term until so many are as large as observed (Besag and Clifford): then p = stop / draws, and no
        limits of the estimate. At most `n_perm` draws.
    save_draws : bool
        Keep the statistics of all arrangements.
    progress : bool, optional
        Report how far it is; default when it takes long and a person watches.
    checkpoint : path, optional
        Written now and then, and read where it exists: a run that was interrupted goes on.

    Returns
    -------
    PermutationTest
        ``.table``, ``.draws``, ``.null``, ``.symmetry``, ``.approximation``, ``.borderline``, ``.adjusted``,
        ``.to_json()``.

    References
    ----------
    Freedman and Lane (1983), J. Bus. Econ. Stat. 1, 292-298; Winkler, Ridgway, Webster, Smith and Nichols (2014),
    NeuroImage 92, 381-397; DiCiccio and Romano (2017), J. Am. Stat. Assoc. 112, 1211-1220; Lee and Braun (2012),
    Biometrics 68, 486-493; Besag and Clifford (1991), Biometrika 78, 301-304.

    Examples
    --------
    >>> from mere import lmer, permutation_test
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> test = permutation_test(m, n_perm=999, seed=1)
    >>> float(test.table.loc["Days", "p.value"])
    0.004
    >>> test.null
    'the coefficients of the term are zero, whatever the other coefficients are'
    """
    raise no_method("permutation_test", model)


@generic
def cross_validate(model: Any, k: Any = 10, **kwargs: Any) -> Any:
    """How well a model predicts rows that it has not seen.

    Whole groups are held out together: by default the levels of the grouping factor that all others are nested in. Rows
    of new levels are predicted by the mean over the random effects, for a generalized model E g^-1(x'b + z'u). Losses
    are pooled over all held-out rows; their standard errors know that folds share training data.

    Parameters
    ----------
    model : LM, GLM, LMM, GLMM
    k : int or "loo"
        Folds; ``"loo"`` holds out one row, or one group, at a time.
    repeats : int
        Partitions into folds, drawn independently; losses are pooled over all of them.
    groups : str, array or pair of str, optional
        What is held out together: a grouping factor, a column or labels of rows; ``"rows"`` for rows of known groups
        (predicted with their random effects); a pair of crossed factors for rows and columns: the fits see neither the
        held-out levels of one nor of the other. Crossed factors need one of these.
    metrics : str or list of str, optional
        Of ``mse, rmse, mae, rsquared, deviance, mcfadden, brier, accuracy, sensitivity, specificity, f1, auc``.
    importance : bool
        Also leave out each term, with the terms that contain it, on the same folds.
    seed : int or numpy.random.Generator, optional
    ncpus : int, optional

    Returns
    -------
    CrossValidation
        ``.metrics``, ``.predictions``, ``.folds``, ``.importance``.

    References
    ----------
    Nadeau and Bengio (2003), Machine Learning 52, 239-281; Roberts et al. (2017), Ecography 40, 913-929.

    Examples
    --------
    >>> from mere import cross_validate, lm
    >>> from mere.datasets import warpbreaks
    >>> cv = cross_validate(lm("breaks ~ wool * tension", warpbreaks), k="loo")
    >>> float(cv.metrics.loc["rmse", "pooled"].round(4))
    11.6039
    """
    raise no_method("cross_validate", model)
