"""The summary of a grid: estimates, intervals and tests, adjusted within families, with notes.

    t = (estimate - null) / SE                                two-sided, or on one side
    t = (|estimate - null| - delta) / SE                      equivalence, left-tailed
    t = (estimate - null +- delta) / SE                       noninferiority, nonsuperiority

On the response scale the interval is h of the interval, SE is |h'| SE, and the test stays on the
scale of the linear predictor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..errors import MarginsMessage, MereValueError, tell
from .adjustments import ADJUSTMENTS, Adjustment, Family, find_adjustment
from .adjustments.adjusting import t_tail
from .grid import EmmGrid, by_groups, names_tuple, text_of_value
from .scales import Scale

__all__ = ["SummaryEmm", "summarize"]

_SIDES = {
    "two-sided": 0, "both": 0, "equivalence": 0, "=": 0, "two.sided": 0, "!=": 0, 0: 0,
    ">": 1, "+": 1, "upper": 1, "right": 1, "superiority": 1, "noninferiority": 1, "greater": 1, 1: 1,
    "<": -1, "-": -1, "lower": -1, "left": -1, "nonsuperiority": -1, "inferiority": -1, "less": -1, -1: -1,
}  # fmt: skip
UNSET: Any = object()


@dataclass(frozen=True, eq=False, repr=False)
class SummaryEmm:
    """A table of estimates with its notes; prints as R prints it.

    Attributes
    ----------
    table : DataFrame
    by : tuple of str
        Variables that divide the printed table.
    labels : tuple of str
        Columns that identify the rows.
    name : str
        Column of the estimates.
    notes : tuple of str
        The lines under the table.
    """

    table: pd.DataFrame
    by: tuple[str, ...]
    labels: tuple[str, ...]
    name: str
    notes: tuple[str, ...] = ()
    estimable: np.ndarray | None = None
    kind: dict[str, str] = field(default_factory=dict)

    def to_frame(self) -> pd.DataFrame:
        """The table; ``.attrs["notes"]`` holds the lines under it."""
        out = self.table.copy()
        out.attrs["notes"] = list(self.notes)
        return out

    def __getitem__(self, key: Any) -> Any:
        return self.table[key]

    def __len__(self) -> int:
        return len(self.table)

    @property
    def columns(self) -> pd.Index:
        """Column names of the table."""
        return self.table.columns

    def __repr__(self) -> str:
        return g.to_text(self)

    def _repr_html_(self) -> str:
        return g.to_html(self)

    to_text = g.to_text


def summarize(
    grid: EmmGrid,
    infer: Any = None,
    level: float | None = None,
    adjust: str | None = None,
    by: Any = UNSET,
    cross_adjust: str | None = None,
    type: str | None = None,
    df: float | None = None,
    calc: Any = None,
    null: float | None = None,
    delta: float | None = None,
    side: Any = None,
    bias_adjust: bool | str | None = None,
    sigma: float | str | None = None,
    scheffe_rank: int | None = None,
    seed: Any = 20161,
) -> SummaryEmm:
    """The summary of a grid; see `mere.summary_emm`'s page for the arguments.

    Parameters
    ----------
    grid : EmmGrid
    infer : bool or pair of bool
        Confidence intervals, tests.
    level : float
    adjust, cross_adjust : str
        Within by-groups, and across them.
    by : str, sequence or None
    type : {"link", "response"}
    df : float
        Instead of the method's.
    calc : mapping
        Further columns: name to a function of the table, or an expression in its columns and ``.wgt.``,
        the rows of the data behind each.
    null, delta, side : of the tests
    bias_adjust : bool or "integrate"
        Correct back-transformed means for what is averaged over: to second order, or by
        integration (population-averaged means).
    sigma : float or "total"
        Its standard deviation; default R's, the residual one, and for generalized models and
        integration that of the model's variance components (``"total"``).
    scheffe_rank : int
        Dimensions of the space of contrasts for ``adjust="scheffe"``; default those of the family.
    seed : int or Generator
        For ``adjust="mvt"``.
    """
    about = grid.about
    intervals, tests = _pair(about.infer if infer is None else infer)
    level = _level(about.level if level is None else level)
    group_names = about.by if by is UNSET else names_tuple(by)
    rows = grid.shown
    value, se, dof = (x[rows] for x in grid.evaluate())
    dof = _degrees(dof, about.df if df is None else df, value)
    null = about.null if null is None else float(null)
    delta = about.delta if delta is None else float(delta)
    direction = _side(about.side if side is None else side)
    groups = [np.searchsorted(rows, part) for part in by_groups(grid.table, group_names, rows)]
    notes = _first_notes(grid)
    back = _back_scale(about.scale, about.type if type is None else type, notes)
    pairs = about.kind == "pairs" and set(group_names) == set(about.paired)
    work = _Work(grid, rows, value, se, dof, groups, direction, seed, pairs, scheffe_rank)
    columns: dict[str, np.ndarray] = {}
    asymptotic = bool(np.isinf(dof[~np.isnan(dof)]).all())  # as R: also where nothing is estimable
    wanted = about.adjust if adjust is None else find_adjustment(adjust).name
    bias = _bias(about, bias_adjust, sigma) if back is not None else None
    estimate, error = _on_scale(value, se, back, bias)
    kinds = {"SE": "se", "df": "df"}
    after: list[str] = []
    if intervals:
        low, high = _intervals(work, level, wanted, notes)
        low, high = (_moved(x, back, bias) for x in (low, high))
        if back is not None:
            low, high = np.fmin(low, high), np.fmax(low, high)
            notes.append(f"Intervals are back-transformed from the {back.name} scale")
        names = ("asymp.LCL", "asymp.UCL") if asymptotic else ("lower.CL", "upper.CL")
        columns[names[0]], columns[names[1]] = low, high
        kinds.update(dict.fromkeys(names, "cl"))
    if tests:
        shown_null = float(_moved(np.array([null]), back, bias)[0])
        t, p = _tests(work, null, delta, wanted, notes)
        if shown_null != 0:
            columns["null"] = np.full(len(value), shown_null)
        ratio = "z.ratio" if asymptotic else "t.ratio"
        columns[ratio], columns["p.value"] = t, p
        kinds.update({ratio: "t", "p.value": "p"})
        cross = about.cross_adjust if cross_adjust is None else cross_adjust
        if cross != "none" and len(groups) > 1:
            columns["p.value"] = _cross(p, groups, cross)
            notes.append(f"Cross-group P-value adjustment: {cross}")
        after += _test_notes(back, delta, direction)
    if bias is not None:
        after.append(bias.note())
    name = _estimate_name(about, back)
    variables = _variables(grid, rows)
    if back is not None and back.kind == "ratio":
        variables = _as_ratios(variables, about.primary)
    table = variables.assign(**{name: estimate, "SE": error, "df": dof}, **columns)
    for label, function in reversed(list((about.calc if calc is None else calc).items())):
        table.insert(table.columns.get_loc("df") + 1, label, _calculated(function, table, grid.weight[rows]))
    labels = tuple(c for c in variables.columns if c not in group_names)
    estimable = grid.estimates.estimable(grid.L[rows])
    return SummaryEmm(table, group_names, labels, name, (*notes, *after), estimable, kinds)


# -- arguments --------------------------------------------------------------------
def _pair(infer: Any) -> tuple[bool, bool]:
    if isinstance(infer, (bool, np.bool_)):
        return bool(infer), bool(infer)
    first, second = infer
    return bool(first), bool(second)


def _level(level: float) -> float:
    level = float(level)
    level = level / 100.0 if level > 1 else level
    if not 0 < level < 1:
        raise MereValueError(f"level must be between 0 and 1, not {level}")
    return level


def _side(side: Any) -> int:
    key = side.lower() if isinstance(side, str) else int(side)
    if key in _SIDES:
        return _SIDES[key]
    found = {v for k, v in _SIDES.items() if isinstance(k, str) and isinstance(key, str) and k.startswith(key)}
    if len(found) != 1:
        raise MereValueError(f"side must be 'two-sided', '>' or '<', not {side!r}")
    return found.pop()


def _degrees(dof: np.ndarray, given: float | None, value: np.ndarray) -> np.ndarray:
    out = dof if given is None else np.full(len(dof), float(given))
    return np.where(np.isnan(value), np.nan, out)


def _back_scale(scale: Scale | None, type: str, notes: list[str]) -> Scale | None:
    """The scale to go back from, or a note that it stays."""
    if not any(known.startswith(type) for known in ("link", "linear", "lp", "response", "mu", "unlink")):
        raise MereValueError(f"type must be 'link' or 'response', not {type!r}")
    if scale is None:
        return None
    if type.startswith("l"):
        notes.append(f"Results are given on the {scale.name} (not the response) scale.")
        return None
    return scale


def _first_notes(grid: EmmGrid) -> list[str]:
    about, notes = grid.about, []
    if about.averaged:
        some = "some or all of " if about.partly else ""
        notes.append(f"Results are averaged over {some}the levels of: {', '.join(about.averaged)}")
    notes += about.messages
    if about.df is not None:
        notes.append("Degrees-of-freedom method: user-specified")
        return notes + [n for n in about.notes if not n.startswith("Degrees-of-freedom")]
    return [*notes, *about.notes]


@dataclass(frozen=True)
class _Bias:
    """The correction of back-transformed means: half the curvature times sigma^2, or an integral."""

    sigma: float
    integrate: bool

    def note(self) -> str:
        how = "by integration " if self.integrate else ""
        return f"Bias adjustment applied {how}based on sigma = {_short(self.sigma)}"


def _bias(about: Any, wanted: bool | str | None, sigma: float | str | None) -> _Bias | None:
    chosen = about.bias_adjust if wanted is None else wanted
    if not chosen:
        return None
    if chosen not in (True, "integrate"):
        raise MereValueError(f"bias_adjust must be True, False or 'integrate', not {chosen!r}")
    if sigma == "total" or (sigma is None and chosen == "integrate"):
        sigma = about.total_sd
    found = about.bias_sigma if sigma is None else sigma
    if found is None:
        raise MereValueError("bias_adjust needs sigma=, the standard deviation of what is averaged over")
    return _Bias(float(found), chosen == "integrate")


def _short(x: float) -> str:
    from ..printing.numbers import format_number

    return format_number(x, 5)


# -- scales -------------------------------------------------------------------------
def _moved(eta: np.ndarray, back: Scale | None, bias: _Bias | None) -> np.ndarray:
    """h(eta); with a correction h(eta) + h''(eta) sigma^2 / 2, or E h(eta + sigma Z) with Z normal."""
    if back is None:
        return eta
    if bias is None:
        return back.back(eta)
    if bias.integrate:
        return _expected(back.back, eta, bias.sigma)
    with np.errstate(all="ignore"):
        return back.back(eta) + 0.5 * bias.sigma**2 * back.curvature(np.asarray(eta, dtype=float))


def _expected(h: Callable[[np.ndarray], np.ndarray], eta: np.ndarray, sigma: float) -> np.ndarray:
    """E h(eta + sigma Z) by Gauss-Hermite quadrature with 61 nodes."""
    z, w = np.polynomial.hermite_e.hermegauss(61)
    with np.errstate(all="ignore"):
        values = h(np.add.outer(np.asarray(eta, dtype=float), sigma * z))
    out: np.ndarray = values @ (w / w.sum())
    return out


def _on_scale(
    value: np.ndarray, se: np.ndarray, back: Scale | None, bias: _Bias | None
) -> tuple[np.ndarray, np.ndarray]:
    """Estimates and standard errors on the response scale."""
    if back is None:
        return value, se
    with np.errstate(all="ignore"):
        if bias is None:
            slope = back.slope(value)
        elif bias.integrate:
            slope = _expected(back.slope, value, bias.sigma)
        else:
            step = 1e-4 * np.maximum(1.0, np.abs(value))
            third = (back.curvature(value + step) - back.curvature(value - step)) / (2 * step)
            slope = back.slope(value) + 0.5 * bias.sigma**2 * third
        return _moved(value, back, bias), np.abs(slope) * se


def _estimate_name(about: Any, back: Scale | None) -> str:
    if back is None:
        return str(about.name)
    return str(about.back_label or back.label)


# -- families ------------------------------------------------------------------------
@dataclass
class _Work:
    """What intervals and tests share."""

    grid: EmmGrid
    rows: np.ndarray
    value: np.ndarray
    se: np.ndarray
    df: np.ndarray
    groups: Sequence[np.ndarray]
    side: int
    seed: Any
    pairs: bool
    scheffe_rank: int | None = None

    def family(self, mine: np.ndarray, total: int) -> Family:
        """The tests of one group that can be made, of `total`."""
        L = self.grid.L[self.rows[mine]]
        estimates = self.grid.estimates

        def correlation() -> np.ndarray:
            V = estimates.covariance(L)
            sd = np.sqrt(np.diag(V))
            return V / np.outer(sd, sd)

        rank = int(np.linalg.matrix_rank(L[:, estimates.kept], tol=None)) if len(L) else 1
        rank = rank if self.scheffe_rank is None else self.scheffe_rank
        means = round((1 + (1 + 8 * total) ** 0.5) / 2) if self.pairs else total
        return Family(len(mine), means, max(rank, 1), correlation, self.side, self.seed, total)


def _choose(work: _Work, name: str, family: Family) -> Adjustment:
    """The adjustment that can be used; a message when it is not the one asked for."""
    chosen = ADJUSTMENTS[name]
    reason = None
    if chosen.pairs_only and (not work.pairs or family.total != family.means * (family.means - 1) // 2):
        reason = "only appropriate for one set of pairwise comparisons"
    elif chosen.two_sided_only and work.side != 0:
        reason = "not appropriate for one-sided inferences"
    if reason is None:
        return chosen
    tell(f'adjust = "{name}" was changed to "sidak" because "{name}" is {reason}', MarginsMessage)
    return ADJUSTMENTS["sidak"]


def _by_family(
    work: _Work, name: str, what: str, compute: Callable[[Adjustment, np.ndarray, Family], np.ndarray]
) -> tuple[np.ndarray, str | None]:
    """One number a row, family by family, and the note about it."""
    out = np.full(len(work.value), np.nan)
    text: str | None = None
    replaced: dict[str, Adjustment] = {}
    for group in work.groups:
        mine = group[~np.isnan(work.value[group])]
        if not len(mine):
            continue
        family = work.family(mine, len(group))
        use = ADJUSTMENTS["none"]
        if name != "none" and len(group) > 1:
            use = replaced.get(name) or _choose(work, name, family)
            if use.name != name:
                replaced[name] = use
            if what == "estimates" and use.critical is None:
                use = ADJUSTMENTS["bonferroni"]
            words = use.words(family, what)
            text = words if text is None or text == words else f"{use.name} method, families of several sizes"
        out[mine] = compute(use, mine, family)
    return out, text


def _intervals(work: _Work, level: float, adjust: str, notes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    def critical(use: Adjustment, mine: np.ndarray, family: Family) -> np.ndarray:
        assert use.critical is not None
        return use.critical(level, work.df[mine], family)

    c, text = _by_family(work, adjust, "estimates", critical)
    notes.append(f"Confidence level used: {text_of_value(level)}")
    if text is not None:
        notes.append(f"Conf-level adjustment: {text}")
    low = work.value - c * work.se if work.side >= 0 else np.where(np.isnan(c), np.nan, -np.inf)
    high = work.value + c * work.se if work.side <= 0 else np.where(np.isnan(c), np.nan, np.inf)
    return low, high


def _tests(work: _Work, null: float, delta: float, adjust: str, notes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    away = work.value - null
    with np.errstate(divide="ignore", invalid="ignore"):
        if delta == 0:
            t, tail = away / work.se, work.side
        elif work.side == 0:
            t, tail = (np.abs(away) - delta) / work.se, -1
        else:
            t, tail = (away + work.side * delta) / work.se, work.side
    tested = _Work(work.grid, work.rows, work.value, work.se, work.df, work.groups, tail, work.seed, work.pairs,
                   work.scheffe_rank)  # fmt: skip

    def pvalues(use: Adjustment, mine: np.ndarray, family: Family) -> np.ndarray:
        return use.pvalues(t[mine], work.df[mine], family)

    p, text = _by_family(tested, adjust, "tests", pvalues)
    if text is not None:
        notes.append(f"P value adjustment: {text}")
    return t, np.clip(p, 0.0, 1.0)


def _test_notes(back: Scale | None, delta: float, side: int) -> list[str]:
    out = []
    if delta != 0:
        kind = {0: "equivalence", 1: "noninferiority", -1: "nonsuperiority"}[side]
        out.append(f"Statistics are tests of {kind} with a threshold of {text_of_value(delta)}")
        side = -1 if side == 0 else side
    if side != 0:
        out.append(f"P values are {'right' if side > 0 else 'left'}-tailed")
    if back is not None:
        out.append(f"Tests are performed on the {back.name} scale")
    return out


def _cross(p: np.ndarray, groups: Sequence[np.ndarray], name: str) -> np.ndarray:
    """Adjust again across groups: row i of every group is a family."""
    from .adjustments.stepwise import RULES, adjust_pvalues

    rules: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        **RULES,
        "bonferroni": lambda q: len(q) * q,
        "sidak": lambda q: 1 - (1 - q) ** len(q),
    }
    out = p.copy()
    if name in rules:
        for i in range(max(len(x) for x in groups)):
            mine = np.array([x[i] for x in groups if len(x) > i])
            out[mine] = adjust_pvalues(p[mine], rules[name])
        return out
    raise MereValueError(f"cross_adjust must be 'none' or one of {', '.join(rules)}, not {name!r}")


# -- the table ------------------------------------------------------------------------
def _variables(grid: EmmGrid, rows: np.ndarray) -> pd.DataFrame:
    """The variables of the rows, group after group."""
    names = [c for c in grid.table.columns if not (c == "1" and len(grid.table.columns) > 1)]
    return grid.table[names].iloc[rows].reset_index(drop=True)


def _as_ratios(variables: pd.DataFrame, primary: tuple[str, ...]) -> pd.DataFrame:
    """Labels of differences of logs as those of ratios."""
    out = variables.copy()
    for name in primary:
        if name in out and isinstance(out[name].dtype, pd.CategoricalDtype):
            levels = [str(v).replace(" - ", " / ") for v in out[name].cat.categories]
            if len(set(levels)) == len(levels):
                out[name] = out[name].cat.rename_categories(levels)
    return out


def _calculated(function: Any, table: pd.DataFrame, weight: np.ndarray) -> Any:
    table = table.assign(**{".wgt.": weight})
    if callable(function):
        return function(table)
    from ..frame import as_frame
    from ..language.evaluate import Evaluator
    from ..language.parser import parse_expression

    return Evaluator(as_frame(table)).value(parse_expression(str(function).lstrip("~ ")))


def two_sided(t: np.ndarray, df: np.ndarray) -> np.ndarray:
    """Two-sided p-values of t."""
    return t_tail(t, df, 0)
