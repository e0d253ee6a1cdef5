"""`emmeans`, `ref_grid`, `emtrends`, `joint_tests`: from a model to its basis, and on to `margins`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..margins import EmmGrid, EmmList, build_grid, emm_basis, marginal_means

__all__ = ["emmeans", "ref_grid"]

_MODEL_OPTIONS = ("lmer_df", "mode", "vcov", "data")
_GRID_OPTIONS = (
    "at", "cov_reduce", "cov_keep", "nesting", "offset", "nuisance", "non_nuisance", "wt_nuis", "counterfactuals",
    "df", "tran", "sigma", "rg_limit", "mult_names",
)  # fmt: skip


def ref_grid(
    object: Any,
    at: Mapping[str, Any] | None = None,
    cov_reduce: Any = None,
    cov_keep: Any = ("2",),
    nesting: Any = None,
    offset: float | None = None,
    nuisance: str | Sequence[str] = (),
    non_nuisance: Sequence[str] | None = None,
    wt_nuis: str = "equal",
    counterfactuals: str | Sequence[str] | None = None,
    df: float | None = None,
    type: str = "link",
    tran: Any = None,
    sigma: float | None = None,
    rg_limit: int = 10_000,
    **options: Any,
) -> EmmGrid:
    """The reference grid of a model (emmeans' ``ref_grid``).

    All combinations of the levels of the factors, with covariates at their
    means; predictions there are what marginal means average.

    Parameters
    ----------
    object : model, Basis or EmmGrid
    at : mapping, optional
        Levels or values of predictors.
    cov_reduce : callable, bool, str, mapping, optional
        How a covariate becomes a value (default its mean): a function, also of
        several values; False for all its values; ``"x ~ a"`` for predictions
        of it; or a mapping of these by name.
    cov_keep : sequence
        Covariates to be treated as factors, by name, or all with at most so
        many values (default ``"2"``).
    nesting : str, mapping or False, optional
        ``"b %in% a"``; default what the model and empty cells say.
    offset : float, optional
        Instead of the model's.
    nuisance, non_nuisance : sequence of str
        Factors to be averaged at once because they do not interact, or all
        factors but these; `wt_nuis` are their weights.
    counterfactuals : sequence of str, optional
        Average over the data with these factors set to each level in turn.
    df : float, optional
        Degrees of freedom.
    type : {"link", "response"}
    tran : str or Scale, optional
        The transform of the response, if it cannot be seen; False for none.
    sigma : float, optional
        Error standard deviation, for the bias correction.
    rg_limit : int
        Most rows of the grid.
    **options
        ``lmer_df`` (``"kenward-roger"``, ``"satterthwaite"``, ``"asymptotic"``),
        ``vcov`` (a covariance, or a function of the model), ``data``,
        ``mult_names``; defaults of the summary such as ``level``.

    Returns
    -------
    EmmGrid

    References
    ----------
    Searle, Speed and Milliken (1980), Population marginal means in the linear
    model, The American Statistician 34.

    Examples
    --------
    >>> from mere import lm, ref_grid
    >>> from mere.datasets import warpbreaks
    >>> ref_grid(lm("breaks ~ wool + tension", warpbreaks)).levels
    {'wool': ['A', 'B'], 'tension': ['L', 'M', 'H']}
    """
    if isinstance(object, EmmGrid):
        return object
    given = {k: options.pop(k) for k in _MODEL_OPTIONS if k in options}
    basis = emm_basis(object, **given)
    return build_grid(
        basis, at=at, cov_reduce=cov_reduce, cov_keep=cov_keep, nesting=nesting, offset=offset,
        nuisance=[nuisance] if isinstance(nuisance, str) else nuisance, non_nuisance=non_nuisance, wt_nuis=wt_nuis,
        counterfactuals=counterfactuals, df=df, tran=tran, sigma=sigma, rg_limit=rg_limit, type=type, **options,
    )  # fmt: skip


def emmeans(
    object: Any,
    specs: Any,
    by: str | Sequence[str] | None = None,
    contr: Any = None,
    weights: Any = "equal",
    at: Mapping[str, Any] | None = None,
    type: str | None = None,
    lmer_df: str | None = None,
    adjust: str | None = None,
    level: float | None = None,
    **options: Any,
) -> EmmGrid | EmmList:
    """Estimated marginal means (emmeans' ``emmeans``).

    Means of the model's predictions over a reference grid.

    Parameters
    ----------
    object : model, Basis or EmmGrid
    specs : str, sequence or mapping
        ``"a"``, ``["a", "b"]``, ``"~ a | b"``, ``"pairwise ~ a | b"``, ``"1"``
        for the overall mean; a list or mapping of formulas.
    by : str or sequence, optional
        Variables that define groups.
    contr : str, optional
        Contrasts, as on the left-hand side of a formula.
    weights : str or sequence of float
        ``"equal"``, ``"proportional"``, ``"outer"``, ``"cells"``, ``"flat"``,
        or a number for each combination of the factors averaged over;
        ``"show.levels"`` shows these.
    at : mapping, optional
        Levels or values of predictors, see `ref_grid`.
    type : {"link", "response"}, optional
    lmer_df : {"kenward-roger", "satterthwaite", "asymptotic"}, optional
        Degrees of freedom of a linear mixed model.
    adjust : str, optional
        Adjustment for several tests or intervals.
    level : float, optional
        Of confidence.
    **options
        Others of `ref_grid`, `contrast` and the summary.

    Returns
    -------
    EmmGrid, or EmmList with ``.emmeans`` and ``.contrasts``

    References
    ----------
    Searle, Speed and Milliken (1980), Population marginal means in the linear
    model, The American Statistician 34.

    Examples
    --------
    >>> from mere import lm, emmeans
    >>> from mere.datasets import warpbreaks
    >>> emmeans(lm("breaks ~ wool + tension", warpbreaks), "tension")
     tension emmean   SE df lower.CL upper.CL
     L         36.4 2.74 50     30.9     41.9
     M         26.4 2.74 50     20.9     31.9
     H         21.7 2.74 50     16.2     27.2
    <BLANKLINE>
    Results are averaged over the levels of: wool
    Confidence level used: 0.95
    """
    grid, options = _grid_of(object, at, lmer_df, options)
    rest = {k: v for k, v in dict(type=type, level=level, **options).items() if v is not None}
    return marginal_means(grid, specs, by, weights, contr, adjust, **rest)


def _grid_of(
    object: Any, at: Mapping[str, Any] | None, lmer_df: str | None, options: dict[str, Any]
) -> tuple[EmmGrid, dict[str, Any]]:
    """The reference grid, and the options that are not about it."""
    if isinstance(object, EmmGrid):
        return object, options
    about = {k: options.pop(k) for k in (*_MODEL_OPTIONS, *_GRID_OPTIONS) if k in options}
    if lmer_df is not None:
        about["lmer_df"] = lmer_df
    if at is not None:
        about["at"] = at
    return ref_grid(object, **about), options
