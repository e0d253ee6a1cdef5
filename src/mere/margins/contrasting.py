"""Contrasts: linear functions of the rows of a grid, within each by-group.

With K (m x k) the coefficients and L (k x p) the rows of a group, the contrasts are K L beta. On a
log or logit scale contrasts that sum to zero back-transform to ratios and odds ratios.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from ..errors import MereValueError
from .adjustments import find_adjustment
from .contrastsets import ContrastSet, contrast_set, method_name
from .grid import EmmGrid, EmmList, by_groups, for_grids, levels_of, names_tuple, text_of_value
from .scales import Scale, log_scale
from .stacking import stack_grids

__all__ = ["contrast", "pairs", "row_labels"]

_NEEDS_PARENS = re.compile(r"[-+/*]")
UNSET: Any = object()


@for_grids
def contrast(
    object: EmmGrid | EmmList,
    method: Any = "eff",
    interaction: Any = False,
    by: Any = UNSET,
    offset: float | Sequence[float] | None = None,
    scale: float | Sequence[float] | None = None,
    name: str = "contrast",
    type: str | None = None,
    adjust: str | None = None,
    simple: Any = None,
    combine: bool = False,
    ratios: bool = True,
    parens: str | None = "-+/*",
    enhance_levels: bool | str | Sequence[str] = True,
    infer: bool | Sequence[bool] | None = None,
    level: float | None = None,
    side: Any = None,
    null: float | None = None,
    delta: float | None = None,
    **options: Any,
) -> Any:
    """Contrasts of marginal means (emmeans' ``contrast``).

    Parameters
    ----------
    object : EmmGrid
        From `emmeans`, `ref_grid`, `emtrends` or `contrast` itself.
    method : str, mapping, sequence, DataFrame or callable
        ``"pairwise"``, ``"revpairwise"``, ``"trt.vs.ctrl"``, ``"dunnett"``,
        ``"eff"``, ``"del.eff"``, ``"consec"``, ``"mean_chg"``, ``"poly"``,
        ``"opoly"``, ``"helmert"``, ``"nrmlz"``, ``"identity"`` ...; or names
        with coefficients; or a function of the labels of the means.
    interaction : bool, str, sequence or mapping
        Contrasts of contrasts: a method for each factor.
    by : str, sequence or None
        Variables that define separate groups; default those of `object`.
    offset, scale : float, optional
        Report scale * contrast + offset.
    name : str
        Column of the labels.
    type : {"link", "response"}, optional
    adjust : str, optional
        Adjustment of p-values; default that of the method.
    simple : str or sequence, optional
        Contrasts of these factors at each combination of the others;
        ``"each"``: of each factor in turn.
    combine : bool
        With ``simple="each"``: one family instead of a list.
    ratios : bool
        Back-transform log and logit contrasts to ratios.
    parens : str or None
        Labels with one of these characters stand in parentheses inside others.
    enhance_levels : bool, str or sequence
        Put the factor's name before levels that are numbers; or the factors
        whose name stands before every level.
    infer, level, side, null, delta : optional
        Defaults of the summary.
    **options
        For the method: ``ref``, ``reverse``, ``exclude``, ``include``,
        ``max_degree``, ``scores``, ``wts``, ``family``.

    Returns
    -------
    EmmGrid or EmmList

    References
    ----------
    Lenth (2016), Least-squares means: the R package lsmeans, J. Stat. Soft. 69(1).

    Examples
    --------
    >>> from mere import lm, emmeans, contrast
    >>> from mere.datasets import warpbreaks
    >>> means = emmeans(lm("breaks ~ tension", warpbreaks), "tension")
    >>> contrast(means, "consec").to_frame()["estimate"].round(2).to_list()
    [-10.0, -4.72]
    """
    if isinstance(object, EmmList):
        object = object[0]
    given = dict(offset=offset, scale=scale, type=type, adjust=adjust, ratios=ratios, parens=parens,
                 enhance_levels=enhance_levels, infer=infer, level=level, side=side, null=null, delta=delta,
                 **options)  # fmt: skip
    given |= {k: v for k, v in object.about.contrasts.items() if given.get(k) is None}
    if simple is not None:
        return _simple(object, method, simple, combine, name, given)
    groups = object.about.by if by is UNSET else names_tuple(by)
    groups = _within_nests(object, groups)
    if interaction is not False and interaction is not None:
        return _interaction(object, method, interaction, groups, given)
    out = _by_group(object, method, groups, name, options, parens, enhance_levels)
    return _finished(out, given)


@for_grids
def pairs(x: EmmGrid | EmmList, reverse: bool = False, **kwargs: Any) -> Any:
    """Pairwise comparisons (R's ``pairs``); see `contrast` for the other arguments.

    Parameters
    ----------
    x : EmmGrid or EmmList
    reverse : bool
        The other way round.
    **kwargs
        Others of `contrast`.

    Returns
    -------
    EmmGrid or EmmList

    Examples
    --------
    >>> from mere import lm, emmeans, pairs
    >>> from mere.datasets import warpbreaks
    >>> pairs(emmeans(lm("breaks ~ tension", warpbreaks), "tension"))
     contrast estimate   SE df t.ratio p.value
     L - M       10.00 3.96 51   2.525  0.0385
     L - H       14.72 3.96 51   3.718  0.0014
     M - H        4.72 3.96 51   1.192  0.4631
    <BLANKLINE>
    P value adjustment: tukey method for comparing a family of 3 estimates
    """
    return contrast(x, "revpairwise" if reverse else "pairwise", **kwargs)


# -- one set, in each group -----------------------------------------------------
def _by_group(
    grid: EmmGrid,
    method: Any,
    by: tuple[str, ...],
    name: str,
    options: Mapping[str, Any],
    parens: str | None,
    enhance: bool | str | Sequence[str],
) -> EmmGrid:
    groups = by_groups(grid.table, by, grid.shown)
    primary = [c for c in grid.table.columns if c not in by]
    if not primary:
        raise MereValueError(f"by has all variables, {', '.join(by)}: nothing is left to contrast; take one out of by")
    labels_all = row_labels(grid.table, primary, parens, enhance)
    pieces, names, members, sizes = [], [], [], []
    made: ContrastSet | None = None
    for rows in groups:
        labels = [labels_all[i] for i in rows]
        made = contrast_set(method, labels, grid.weight[rows], **options)
        pieces.append(made.coefficients)
        names.append(list(made.names))
        members.append(rows)
        sizes.append(len(rows))
    assert made is not None
    K = np.zeros((sum(len(p) for p in pieces), len(grid.table)))
    at, group_of = 0, []
    for number, (piece, rows) in enumerate(zip(pieces, members)):
        K[at : at + len(piece), rows] = piece
        group_of.extend([number] * len(piece))
        at += len(piece)
    label = name
    while label in by:
        label = f"{label}1"
    table = _contrast_table(grid, label, names, by, members, group_of)
    about = replace(
        grid.about,
        name="estimate",
        kind="pairs" if made.pairs else ("prediction" if method == "identity" else "contrast"),
        infer=(False, True),
        adjust=made.adjust,
        family=max(sizes, default=0),
        by=by,
        primary=(label,),
        shown=None,
        nesting={},
        null=0.0,
        back_label=None,
        coefficients=_coefficient_table(grid, K),
        is_grid=False,
        partly=bool(grid.about.partly or (by and grid.about.nesting)),
        paired=by,
        description=made.description or f"{method_name(method)} contrasts",
    )
    return _multiplied(grid, K, table, about)


def _multiplied(grid: EmmGrid, K: np.ndarray, table: pd.DataFrame, about: Any) -> EmmGrid:
    """K L, with the offsets and the notes about scales that contrasts need."""
    offset = None if grid.offset is None else K @ np.where(np.isfinite(grid.offset), grid.offset, 0.0)
    out = EmmGrid(grid.estimates, table, K @ grid.L, np.full(len(K), np.nan), offset, about)
    return _contrast_scale(out, K)


def _contrast_scale(grid: EmmGrid, K: np.ndarray) -> EmmGrid:
    """What the scale of the means says about their contrasts: ratios, or still on that scale."""
    scale = grid.about.scale
    if scale is None or scale.kind == "ratio":
        return grid
    if np.allclose(K, np.eye(*K.shape)) and grid.about.kind == "prediction":
        return grid
    zero = np.allclose(K.sum(axis=1), 0.0, atol=1e-6)
    if scale.ratio is not None and zero:
        name = "log odds ratio" if scale.kind == "logit" else scale.name
        return grid.with_about(scale=_ratio_scale(scale, name))
    notes = grid.about.messages
    text = f"Note: contrasts are still on the {scale.name} scale"
    return grid.with_about(scale=None, messages=notes if text in notes else (*notes, text))


def _ratio_scale(scale: Scale, name: str) -> Scale:
    """Differences of logs as ratios: the inverse of a log in the same base."""
    return replace(log_scale(name, scale.unit), label=scale.ratio or "ratio", kind="ratio")


def _contrast_table(
    grid: EmmGrid,
    label: str,
    names: list[list[str]],
    by: tuple[str, ...],
    members: list[np.ndarray],
    group_of: list[int],
) -> pd.DataFrame:
    flat = [n for group in names for n in group]
    out: dict[str, Any] = {label: pd.Categorical(flat, list(dict.fromkeys(flat)))}
    for variable in by:
        column = grid.table[variable]
        values = [column.iloc[members[i][0]] for i in group_of]
        if isinstance(column.dtype, pd.CategoricalDtype):
            out[variable] = pd.Categorical(values, levels_of(column))
        else:
            out[variable] = np.array(values)
    return pd.DataFrame(out)


def _coefficient_table(grid: EmmGrid, K: np.ndarray) -> pd.DataFrame:
    frame = grid.table.copy()
    for j, row in enumerate(K):
        frame[f"c.{j + 1}"] = row
    return frame


def row_labels(
    table: pd.DataFrame,
    variables: Sequence[str],
    parens: str | None = "-+/*",
    enhance: bool | str | Sequence[str] = True,
) -> list[str]:
    """One label a row: the levels of its variables, numbers with the name of their variable."""
    columns = []
    for name in variables:
        values = [text_of_value(v) for v in table[name].tolist()]
        named = not isinstance(enhance, bool) and name in names_tuple(enhance)
        if named or (enhance is True and all(_numeral(v) for v in values)):
            values = [f"{name}{v}" for v in values]
        columns.append(values)
    labels = [" ".join(parts) for parts in zip(*columns)]
    if parens:
        pattern = re.compile(f"[{re.escape(parens)}]")
        labels = [f"({s})" if pattern.search(s) and not _inside_parens(s) else s for s in labels]
    return labels


def _inside_parens(s: str) -> bool:
    return s.startswith("(") and s.endswith(")") and s.count("(") == 1


def _numeral(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _finished(out: EmmGrid, given: Mapping[str, Any]) -> EmmGrid:
    """Contrasts with their own scale and offset, and with the defaults of the summary that were asked for."""
    scale, offset, ratios = given.get("scale"), given.get("offset"), given.get("ratios", True)
    if scale is not None:
        factor = np.asarray(scale, dtype=float)
        factor = np.broadcast_to(factor, (len(out.table),)) if factor.ndim == 0 else np.resize(factor, len(out.table))
        shift = None if out.offset is None else out.offset * factor
        out = replace(out, L=out.L * factor[:, None], offset=shift)
    if offset is not None:
        more = np.resize(np.asarray(offset, dtype=float), len(out.table))
        out = replace(out, offset=more if out.offset is None else out.offset + more)
    names = ("type", "adjust", "infer", "level", "side", "null", "delta")
    changes = {name: given[name] for name in names if given.get(name) is not None}
    if "adjust" in changes:
        changes["adjust"] = find_adjustment(changes["adjust"]).name
    if isinstance(changes.get("infer"), bool):
        changes["infer"] = (changes["infer"], changes["infer"])
    if not ratios and out.about.scale is not None and out.about.scale.kind == "ratio":
        changes["scale"] = None
        changes["messages"] = (*out.about.messages, f"Note: contrasts are still on the {out.about.scale.name} scale")
    return out.with_about(**changes) if changes else out


# -- factors in turn, contrasts of contrasts, nests ------------------------------
def _simple(grid: EmmGrid, method: Any, simple: Any, combine: bool, name: str, given: Mapping[str, Any]) -> Any:
    """Contrasts of some factors, by all the others."""
    variables = [c for c in grid.table.columns if len(levels_of(grid.table[c])) > 1]
    if simple == "each":
        parts = []
        for f in grid.table.columns:
            if f in variables:
                others = [c for c in grid.table.columns if c != f]
                parts.append((f, contrast(grid, method, by=others, name=name, **given)))
        if combine:
            return stack_grids([p for _, p in parts], adjust=given.get("adjust") or "bonferroni")
        return EmmList([(f"simple contrasts for {f}", p) for f, p in parts]) if len(parts) > 1 else parts[0][1]
    if isinstance(simple, (list, tuple)) and simple and isinstance(simple[0], (list, tuple)):
        each = [(", ".join(s), _simple(grid, method, s, combine, name, given)) for s in simple]
        return EmmList([(f"simple contrasts for {f}", p) for f, p in each])
    chosen = names_tuple(simple)
    unknown = [s for s in chosen if s not in grid.table.columns]
    if unknown:
        raise MereValueError(f"simple: there is no variable {unknown[0]!r}; there are {', '.join(grid.table.columns)}")
    others = [c for c in grid.table.columns if c not in chosen]
    return contrast(grid, method, by=others, name=name, **given)


def _interaction(
    grid: EmmGrid, method: Any, interaction: Any, by: tuple[str, ...], given: Mapping[str, Any]
) -> EmmGrid:
    """The product of contrasts of each factor."""
    if interaction is True:
        interaction = method
    variables = [c for c in grid.table.columns if c not in by]
    if isinstance(interaction, Mapping) and all(k in variables for k in interaction):
        variables = [v for v in variables if v in interaction]
        methods = [interaction[v] for v in variables]
    elif isinstance(interaction, (list, tuple)):
        methods = [interaction[i % len(interaction)] for i in range(len(variables))]
    else:
        methods = [interaction] * len(variables)
    options = {k: v for k, v in given.items() if k not in _FINISH}
    out, left = grid, list(variables)
    K = np.eye(len(grid.table))
    done: list[str] = []
    for variable, one in zip(list(reversed(variables)), list(reversed(methods))):
        others = tuple(c for c in out.table.columns if c != variable)
        done.insert(0, f"{variable}_{method_name(one)}")
        keep = out.about.by
        out = _by_group(out, one, others, done[0], options, given.get("parens"), False)
        K = _weights_of(out) @ K
        out = out.with_about(by=keep)
        left.remove(variable)
    order = [*done, *[c for c in out.table.columns if c not in done]]
    rows = _sorted_rows(out.table[order])
    out = replace(out, table=out.table[order]).rows(rows)
    about = replace(
        out.about, by=by, primary=tuple(done), adjust="none", kind="contrast", description="interaction contrasts",
        coefficients=_coefficient_table(grid, K[rows]),
    )  # fmt: skip
    return _finished(replace(out, about=about), given)


_FINISH = (
    "offset", "scale", "type", "adjust", "ratios", "parens", "enhance_levels",
    "infer", "level", "side", "null", "delta",
)  # fmt: skip


def _weights_of(contrasts: EmmGrid) -> np.ndarray:
    """The coefficients of contrasts, a row each."""
    table = contrasts.about.coefficients
    assert table is not None
    return table[[f"c.{j + 1}" for j in range(len(contrasts.table))]].to_numpy(dtype=float).T


def _sorted_rows(table: pd.DataFrame) -> np.ndarray:
    """Rows in the order of a grid: the first variable varies fastest."""
    keys = []
    for name in table.columns:
        place = {v: i for i, v in enumerate(levels_of(table[name]))}
        keys.append(np.array([place[v] for v in table[name].tolist()]))
    return np.lexsort(keys)


def _within_nests(grid: EmmGrid, by: tuple[str, ...]) -> tuple[str, ...]:
    """By-variables as asked; combinations that do not exist are not shown anyway."""
    unknown = [b for b in by if b not in grid.table.columns]
    if unknown:
        raise MereValueError(f"by: there is no variable {unknown[0]!r}; there are {', '.join(grid.table.columns)}")
    return by


def combinations(levels: Mapping[str, Sequence[Any]]) -> list[tuple[Any, ...]]:
    """All combinations, the first varying fastest."""
    return [tuple(reversed(c)) for c in product(*(levels[k] for k in reversed(list(levels))))]
