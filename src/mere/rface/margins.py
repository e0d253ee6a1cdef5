"""`emmeans`, `ref_grid`, `emtrends`, `joint_tests`: from a model to its basis, and on to `margins`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import generics as g
from ..errors import MereTypeError, MereValueError
from ..margins import (
    Basis,
    EmmGrid,
    EmmList,
    JointTests,
    build_grid,
    comparison_arrows,
    emm_basis,
    interaction_frame,
    interaction_specs,
    marginal_means,
    meanint,
    pairwise_frame,
    regrid,
    term_tests,
    trend_grid,
)
from ..margins.grid import for_grids
from ..model import LMM
from ..plotting import draw_interaction, draw_means, draw_pvalues
from . import bases
from .settings import defaults_of, get_emm_option

__all__ = ["emm_basis", "emmeans", "emmip", "emtrends", "joint_tests", "pwpp", "ref_grid"]

del bases  # importing it registers the bases of our own models

_MODEL_OPTIONS = ("lmer_df", "mode", "vcov", "data")
_GRID_OPTIONS = (
    "at", "cov_reduce", "cov_keep", "nesting", "offset", "nuisance", "non_nuisance", "wt_nuis", "counterfactuals",
    "df", "tran", "sigma", "rg_limit", "mult_names", "regrid",
)  # fmt: skip


def ref_grid(
    object: Any,
    at: Mapping[str, Any] | None = None,
    cov_reduce: Any = None,
    cov_keep: Any = None,
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
    rg_limit: int | None = None,
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
    cov_keep : sequence, optional
        Covariates to be treated as factors, by name, or all with at most so
        many values (default ``"2"``, see `emm_options`).
    nesting : str, mapping or False, optional
        ``"b %in% a"``; default what the model and empty cells say.
    offset : float, optional
        Instead of the model's.
    nuisance, non_nuisance : sequence of str
        Factors to be averaged at once because they do not interact, or all
        factors but these; `wt_nuis` are their weights.
    counterfactuals : sequence of str, optional
        Average over the data with these factors set to each level in turn,
        predictions on the response scale unless ``regrid="none"``.
    df : float, optional
        Degrees of freedom.
    type : {"link", "response"}
    tran : str or Scale, optional
        The transform of the response, if it cannot be seen; False for none.
    sigma : float, optional
        Error standard deviation, for the bias correction.
    rg_limit : int, optional
        Most rows of the grid; default 10,000, see `emm_options`.
    **options
        ``lmer_df`` (``"kenward-roger"``, ``"satterthwaite"``, ``"asymptotic"``),
        ``vcov`` (a covariance, or a function of the model), ``data``,
        ``mult_names``, ``regrid`` (the scale to move the grid to; ``N_sim``
        and ``seed`` as in `regrid`); defaults of the summary such as ``level``.

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
    basis = _basis_of(object, given)
    mult_names, scale = options.pop("mult_names", None), options.pop("regrid", None)
    sampling = _sampling(options, scale, counterfactuals)
    _known_defaults("ref_grid", options)
    cov_keep = get_emm_option("cov_keep") if cov_keep is None else cov_keep
    rg_limit = get_emm_option("rg_limit") if rg_limit is None else rg_limit
    grid = build_grid(
        basis, at=at, cov_reduce=cov_reduce, cov_keep=cov_keep, nesting=nesting, offset=offset,
        nuisance=[nuisance] if isinstance(nuisance, str) else nuisance, non_nuisance=non_nuisance, wt_nuis=wt_nuis,
        counterfactuals=counterfactuals, df=df, tran=tran, sigma=sigma, rg_limit=rg_limit, mult_names=mult_names,
        type=type, on_link=scale in (False, "none", "pass", "link"),
    )  # fmt: skip
    grid = grid if scale is None or counterfactuals else regrid(grid, scale, **sampling)
    options = {**defaults_of("ref_grid"), **options}
    return _with_contrasts(grid.update(**options) if options else grid)


def _basis_of(object: Any, given: Mapping[str, Any]) -> Basis:
    """The basis of a model; `lmer_df` of a linear mixed model may have been chosen beforehand."""
    if isinstance(object, LMM) and not {"lmer_df", "mode"} & set(given):
        given = {**given, "lmer_df": get_emm_option("lmer_df")}
    return emm_basis(object, **given)


def _with_contrasts(grid: EmmGrid) -> EmmGrid:
    """The grid with the chosen defaults of the contrasts that will be made of it."""
    chosen = defaults_of("contrast")
    return grid.with_about(contrasts=chosen) if chosen else grid


def _sampling(options: dict[str, Any], scale: Any, counterfactuals: Any) -> dict[str, Any]:
    """The arguments of `regrid` about draws, taken out of the others."""
    sampling: dict[str, Any] = {name: options.pop(name) for name in ("N_sim", "sim", "seed") if name in options}
    if not sampling:
        return {}
    if scale is None:
        raise MereValueError(f"{next(iter(sampling))}= is about draws on another scale: give regrid= as well")
    if counterfactuals:
        raise MereValueError("N_sim= cannot be combined with counterfactuals=")
    return sampling


def _known_defaults(caller: str, options: Mapping[str, Any]) -> None:
    """Options of a grid that are defaults of its summary; a misspelled argument must not be silent."""
    known = ("adjust", "bias_adjust", "by", "calc", "delta", "infer", "level", "null", "side")
    for name in options:
        if name == "submodel":
            raise MereValueError("submodel= is not offered; fit the smaller model and ask for its means")
        if name not in known:
            others = ", ".join(("mult_names", "regrid", *_MODEL_OPTIONS, *known))
            raise MereTypeError(f"{caller}() has no argument {name!r}; others than its own are {others}")


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
        Others of `ref_grid`, `contrast` and the summary; ``regrid`` is the
        scale on which to average (with ``N_sim`` and ``seed`` by draws of the
        coefficients), ``offset`` a number to add to all means or to each.

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
    offset, scale = options.pop("offset", None), options.pop("regrid", None)
    sampling = _sampling(options, scale, options.get("counterfactuals"))
    about = {"regrid": scale} if scale is not None and options.get("counterfactuals") else {}
    grid, options = _grid_of(object, at, lmer_df, {**options, **about})
    if scale is not None and not about:
        grid = regrid(grid, scale, **sampling)
    grid = _with_contrasts(grid)
    given = {k: v for k, v in dict(type=type, level=level, **options).items() if v is not None}
    chosen = defaults_of("emmeans")
    rest = {**{k: chosen.pop(k) for k in ("infer",) if k in chosen}, **given}
    grid = grid.update(**chosen) if chosen else grid  # contrasts may have defaults of their own
    return marginal_means(grid, specs, by, weights, contr, adjust, offset=offset, **rest)


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


def emtrends(
    object: Any,
    specs: Any = None,
    var: str = "",
    by: str | Sequence[str] | None = None,
    max_degree: int = 1,
    delta_var: float | None = None,
    at: Mapping[str, Any] | None = None,
    lmer_df: str | None = None,
    weights: Any = "equal",
    adjust: str | None = None,
    **options: Any,
) -> EmmGrid | EmmList:
    """Estimated marginal trends: slopes of a covariate (emmeans' ``emtrends``).

    d eta / dx, by extrapolated central differences of the model's matrix
    (relative error about 1e-10), averaged as means are.

    Parameters
    ----------
    object : model or Basis
    specs, by, at, lmer_df, weights, adjust
        As in `emmeans`; without `specs` the grid of trends is returned.
    var : str
        A covariate, or an expression in one: ``"log(dose)"``.
    max_degree : int
        Above 1: also the coefficients of the quadratic, cubic ... terms of the
        local polynomial, as a by-variable ``degree``.
    delta_var : float, optional
        Step of the differences; default a hundredth of the range.
    **options
        Others of `ref_grid` and `contrast`; ``regrid="response"`` for trends
        on the response scale.

    Returns
    -------
    EmmGrid or EmmList

    Examples
    --------
    >>> from mere import lm, emtrends
    >>> from mere.datasets import fiber
    >>> emtrends(lm("strength ~ diameter * machine", fiber), "machine", var="diameter")
     machine diameter.trend    SE df lower.CL upper.CL
     A                1.104 0.194  9    0.666     1.54
     B                0.857 0.224  9    0.351     1.36
     C                0.864 0.208  9    0.394     1.33
    <BLANKLINE>
    Confidence level used: 0.95
    """
    if isinstance(object, EmmGrid):
        raise MereTypeError("emtrends() needs the model, not a grid: the grid has no derivatives")
    if not isinstance(var, str) or not var:
        raise MereValueError('emtrends() needs var=, the covariate whose slope is wanted: emtrends(m, "a", var="x")')
    model = {k: options.pop(k) for k in _MODEL_OPTIONS if k in options}
    if lmer_df is not None:
        model["lmer_df"] = lmer_df
    about = {k: options.pop(k) for k in _GRID_OPTIONS if k in options}
    if at is not None:
        about["at"] = at
    scale = options.pop("regrid", None)
    about.setdefault("cov_keep", get_emm_option("cov_keep"))
    about.setdefault("rg_limit", get_emm_option("rg_limit"))
    grid = _with_contrasts(trend_grid(_basis_of(object, model), var, max_degree, scale, delta_var, **about))
    chosen = defaults_of("ref_grid" if specs is None else "emmeans")
    options = {**{k: chosen.pop(k) for k in ("infer",) if k in chosen}, **options}
    grid = grid.update(**chosen) if chosen else grid
    if specs is None:
        _known_defaults("emtrends", options)
        return grid.update(**options) if options else grid
    if max_degree > 1 and by is None and isinstance(specs, str) and "degree" not in specs:
        specs = f"{specs} {'+' if '|' in specs else '|'} degree" if "~" in specs else f"~ {specs} | degree"
    return marginal_means(grid, specs, by, weights, None, adjust, label="emtrends", **options)


def joint_tests(
    object: Any,
    by: str | Sequence[str] | None = None,
    show0df: bool = False,
    showconf: bool = True,
    cov_reduce: Any = meanint,
    lmer_df: str | None = None,
    weights: Any = "equal",
    **options: Any,
) -> JointTests:
    """F tests of the terms of a model, from its marginal means (emmeans' ``joint_tests``).

    Each term is tested by the interaction contrasts of its factors' means,
    which makes type III tests; covariates are taken at mean - 1 and mean + 1.

    Parameters
    ----------
    object : model, Basis or EmmGrid
    by : str or sequence, optional
        Tests at each level of these.
    show0df : bool
        Also terms without an estimable contrast.
    showconf : bool
        With empty cells: a row for what is confounded.
    cov_reduce : callable, bool, str or mapping
        See `ref_grid`.
    lmer_df : {"kenward-roger", "satterthwaite", "asymptotic"}, optional
    weights : str or sequence of float
        Of the cells that are averaged over, see `emmeans`.
    **options
        Others of `ref_grid`.

    Returns
    -------
    JointTests

    Examples
    --------
    >>> from mere import lm, joint_tests
    >>> from mere.datasets import warpbreaks
    >>> joint_tests(lm("breaks ~ wool * tension", warpbreaks))
     model term   df1 df2 F.ratio p.value
     wool           1  48   3.765  0.0582
     tension        2  48   8.498  0.0007
     wool:tension   2  48   4.189  0.0210
    """
    if not isinstance(object, EmmGrid):
        options["cov_reduce"] = cov_reduce
        if lmer_df is not None:
            options["lmer_df"] = lmer_df
        object = ref_grid(object, **options)
    elif options:
        _known_defaults("joint_tests", options)
    return term_tests(object, by, show0df, showconf, weights)


def emmip(
    object: Any,
    formula: str,
    CIs: bool = False,
    PIs: bool = False,
    type: str | None = None,
    ax: Any = None,
    plotit: bool = True,
    **options: Any,
) -> Any:
    """Interaction plot of marginal means (emmeans' ``emmip``).

    Parameters
    ----------
    object : model, Basis or EmmGrid
    formula : str
        ``"trace ~ x | panel"``, or ``"~ x"``.
    CIs, PIs : bool
        Confidence or prediction intervals.
    type : {"link", "response"}, optional
    ax : matplotlib Axes, optional
    plotit : bool
        False: the table behind the picture.
    **options
        Of `emmeans`.

    Returns
    -------
    matplotlib Axes, or DataFrame with ``plotit=False``

    Examples
    --------
    >>> from mere import lm, emmip
    >>> from mere.datasets import warpbreaks
    >>> m = lm("breaks ~ wool * tension", warpbreaks)
    >>> emmip(m, "wool ~ tension", plotit=False)["yvar"].round(1).to_list()
    [44.6, 28.2, 24.0, 28.8, 24.6, 18.8]
    """
    traces, xs, panels = interaction_specs(formula)
    means = emmeans(object, [*traces, *xs, *panels], **options)
    grid = means[0] if isinstance(means, EmmList) else means
    frame = interaction_frame(grid, traces, xs, CIs, type=type)
    if PIs:
        limits = g.predict(grid, interval="prediction", type=type)
        frame["LPL"], frame["UPL"] = limits["lower.PL"].to_numpy(), limits["upper.PL"].to_numpy()
    return draw_interaction(frame, traces, xs, panels, ax) if plotit else frame


@for_grids
def pwpp(
    object: EmmGrid | EmmList,
    method: Any = "pairwise",
    by: Any = None,
    sort: bool = True,
    values: bool = True,
    ax: Any = None,
    plotit: bool = True,
    **options: Any,
) -> Any:
    """Plot of pairwise p-values (emmeans' ``pwpp``).

    Parameters
    ----------
    object : EmmGrid
    method : str, mapping or callable
        Of `contrast`.
    by : str or sequence, optional
    sort : bool
        Means in order.
    values : bool
        Show the means.
    ax : matplotlib Axes, optional
    plotit : bool
        False: the table behind the picture.
    **options
        Of the summary.

    Returns
    -------
    matplotlib Axes, or DataFrame with ``plotit=False``

    Examples
    --------
    >>> from mere import lm, emmeans, pwpp
    >>> from mere.datasets import warpbreaks
    >>> means = emmeans(lm("breaks ~ tension", warpbreaks), "tension")
    >>> pwpp(means, plotit=False)["p.value"].round(4).to_list()
    [0.0385, 0.0014, 0.4631]
    """
    grid = object[0] if isinstance(object, EmmList) else object
    if by is not None:
        grid = grid.with_about(by=(by,) if isinstance(by, str) else tuple(by))
    frame = pairwise_frame(grid, method, **options)
    if not plotit:
        return frame
    means = interaction_frame(grid, [c for c in grid.table.columns if c not in grid.about.by], [], **_type_of(options))
    return draw_pvalues(frame, means, grid.about.by, sort, values, ax)


def _type_of(options: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in options.items() if k == "type"}


@g.plot.register(EmmGrid)
def _plot(
    grid: EmmGrid,
    CIs: bool = True,
    PIs: bool = False,
    comparisons: bool = False,
    alpha: float = 0.05,
    adjust: str = "tukey",
    horizontal: bool = True,
    ax: Any = None,
    plotit: bool = True,
    **options: Any,
) -> Any:
    if comparisons:
        frame = comparison_arrows(grid, alpha, adjust, **options)
        name = g.summary(grid, **options).name
    else:
        summary = g.summary(grid, infer=(True, False), **options)
        frame, name = summary.to_frame(), summary.name
    if PIs:
        limits = g.predict(grid, interval="prediction", **_type_of(options))
        frame["lower.PL"], frame["upper.PL"] = limits["lower.PL"].to_numpy(), limits["upper.PL"].to_numpy()
    labels = [c for c in grid.table.columns if c not in grid.about.by]
    return draw_means(frame, name, labels, grid.about.by, CIs, horizontal, ax) if plotit else frame


@g.plot.register(EmmList)
def _plot_list(parts: EmmList, **options: Any) -> Any:
    return _plot(parts[0], **options)
