"""The text of mixed models, their summaries, variance components and effects."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..errors import FormulaError, MereValueError
from ..families import Family
from ..families.quasi import Quasi
from ..fitting import OptInfo
from ..generalized import GLMM
from ..generalized_summaries import SummaryGLMM
from ..language.parser import parse_expression
from ..language.syntax import deparse
from ..model import LMM, Call
from ..results import (
    Coefficients,
    LogLik,
    PrincipalComponents,
    RandomEffects,
    TermComponents,
    VarianceComponents,
)
from ..results import Family as FamilyName
from ..summaries import SummaryLMM, criteria, fit_messages, method_title
from .formulas import formula_lines
from .numbers import abbreviate, fixed, format_number, format_numbers
from .tables import (
    WIDTH,
    coefficient_table,
    frame_text,
    matrix_text,
    named_vector_text,
    vector_text,
    wrap,
    zapped,
)

__all__ = [
    "argument_text",
    "call_header",
    "components_cells",
    "components_text",
    "correlation_lines",
    "criteria_lines",
    "fit_lines",
    "fixed_effects_text",
    "group_lines",
    "model_text",
    "optimizer_lines",
    "residual_lines",
    "summary_text",
    "title_lines",
]

MAX_CORRELATIONS = 12


# -- lines of the header -------------------------------------------------------
def title_lines(title: str, kind: str) -> list[str]:
    """The title with the class of the model."""
    if len(title) + 5 + len(kind) <= WIDTH:
        return [f"{title} ['{kind}']"]
    lines = [""]
    for piece in [*wrap(title, WIDTH - 2, indent=2), " [", kind, "]"]:
        if len(lines[-1]) + len(piece) > WIDTH:
            lines.append("")
        lines[-1] += piece
    return lines


def call_header(call: Call, formula: str, with_control: bool) -> list[str]:
    """Formula, data, weights, offset, control and subset, those that were given."""
    lines = _filled("Formula:", *formula_lines(formula))
    if call.data_name:
        lines.append(f"   Data: {call.data_name}")
    given = call.arguments
    shown = ["weights", "offset", *(["control"] if with_control else []), "subset"]
    for name in shown:
        if given.get(name) is not None:
            lines.append(f"{name.capitalize():>7}: {argument_text(given[name])}")
    return lines


def argument_text(value: Any) -> str:
    """An argument of a call as it reads in print."""
    if isinstance(value, str):
        return _deparsed(value)
    if isinstance(value, Family):
        return _family_text(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _control_text(value)
    if getattr(value, "name", None):
        return str(value.name)
    if isinstance(value, (bool, np.bool_)):
        return str(value).upper()
    if isinstance(value, (int, float)):
        return format_number(value)
    return f"<{type(value).__name__}>"


def _family_text(family: Family) -> str:
    link = family.link.name
    name = type(family).name
    if name == "Negative Binomial":
        return f"negative.binomial({format_number(getattr(family, 'theta', 1.0))})"
    if isinstance(family, Quasi):
        parts = {"link": link, "variance": family.function}
        shown = [f'{key} = "{value}"' for key, value in parts.items() if value not in (family.canonical, "constant")]
        return f"{name}({', '.join(shown)})" if shown else name
    return name if link == family.canonical else f'{name}(link = "{link}")'


def _deparsed(text: str) -> str:
    try:
        return deparse(parse_expression(text))
    except FormulaError:
        return text


def _control_text(control: Any) -> str:
    """``lmerControl(optimizer = "bobyqa")``: the fields that differ from their defaults."""
    kind = type(control).__name__
    shown = []
    for field in dataclasses.fields(control):
        value, default = getattr(control, field.name), field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        if value != default:
            text = f'"{value}"' if isinstance(value, str) else argument_text(value)
            shown.append(f"{field.name} = {text}")
    return f"{kind[:1].lower()}{kind[1:]}({', '.join(shown)})"


def criteria_lines(values: pd.Series, digits: int) -> list[str]:
    """The REML criterion, or AIC and its company."""
    if list(values.index) == ["REML"]:
        return [f"REML criterion at convergence: {format_number(round(values['REML'], digits))}"]
    texts = format_numbers((round(v, digits) for v in values), 7)
    texts = [t.strip() for t in texts]
    texts[-1] = str(int(values["df.resid"]))
    return named_vector_text(texts, list(values.index)).split("\n")


def group_lines(n: int, ngrps: pd.Series) -> list[str]:
    """Numbers of observations and of levels."""
    groups = "; ".join(f"{name}, {count}" for name, count in ngrps.items())
    return _filled(f"Number of obs: {n}, groups: ", groups)


def _filled(*pieces: str) -> list[str]:
    """Pieces side by side as long as they fit (R's ``cat(fill = TRUE)``)."""
    lines = [pieces[0]]
    for piece in pieces[1:]:
        if len(lines[-1]) + 2 + len(piece) > WIDTH:
            lines[-1] += " "
            lines.append(piece)
        else:
            lines[-1] += " " + piece
    return lines


def optimizer_lines(info: OptInfo, brief: bool) -> list[str]:
    """The optimizer's code and the warnings of the checks; nothing when all is well."""
    if not info.warnings:
        return []
    code = f"optimizer ({info.optimizer}) convergence code: 0 (OK)"
    if brief:
        return [f"{code} ; 0 optimizer warnings; {len(info.warnings)} lme4 warnings "]
    return [code, *info.warnings, ""]


def fit_lines(messages: Sequence[str]) -> list[str]:
    """What was said about dropped columns."""
    return ["fit warnings:", *messages] if messages else []


# -- variance components -------------------------------------------------------
def components_text(
    varcor: VarianceComponents,
    digits: int = 5,
    comp: Sequence[str] | str = ("Std.Dev.",),
    corr: bool = True,
) -> str:
    """Table of variance components (R's print of ``VarCorr``)."""
    header, rows = components_cells(varcor, digits, comp, corr)
    return matrix_text(rows, [""] * len(rows), header, right=False)


def components_cells(
    varcor: VarianceComponents, digits: int, comp: Sequence[str] | str, corr: bool
) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the table of variance components, as strings."""
    wanted = [_component(c) for c in ([comp] if isinstance(comp, str) else comp)]
    sd = [float(s) for t in varcor.terms for s in t.stddev]
    groups: list[str] = []
    names: list[str] = []
    for t in varcor.terms:
        groups += [t.name, *[""] * (len(t.names) - 1)]
        names += t.names
    if varcor.sc is not None:
        groups.append("Residual")
        names.append("")
        sd.append(varcor.sc)
    header, columns = ["Groups", "Name"], [groups, names]
    for kind, values in (("Variance", [s * s for s in sd]), ("Std.Dev.", sd)):
        if kind in wanted:
            header.append(kind)
            columns.append(format_numbers(values, digits))
    most = max((len(t.names) for t in varcor.terms if t.correlated), default=1)
    if corr and most > 1:
        block: list[list[str]] = []
        for cells in _correlation_texts(varcor, max(2, digits - 2)):
            block += [[*line, *[""] * (most - 1 - len(line))] for line in cells]
        block += [[""] * (most - 1) for _ in range(len(groups) - len(block))]
        header += ["Corr", *[""] * (most - 2)]
        columns += [list(c) for c in zip(*block, strict=True)]
    return header, [list(r) for r in zip(*columns, strict=True)]


def _component(name: str) -> str:
    """A column of variance components by the beginning of its name."""
    found = [known for known in ("Variance", "Std.Dev.") if known.startswith(str(name))]
    if len(found) != 1:
        raise MereValueError(f"comp must be 'Variance', 'Std.Dev.' or both, not {name!r}")
    return found[0]


def _correlation_texts(varcor: VarianceComponents, places: int) -> list[list[list[str]]]:
    """Lower triangles of correlations as texts of one width per term."""
    out: list[list[list[str]]] = []
    for t in varcor.terms:
        k = len(t.names)
        if not t.correlated or k == 1:
            out.append([[] for _ in t.names])
            continue
        values = {(i, j): fixed(float(t.correlation[i, j]), places, na="NaN") for i in range(k) for j in range(i)}
        width = max(len(s) for s in values.values())
        out.append([[values[i, j].rjust(width) for j in range(i)] for i in range(k)])
    return out


# -- models and summaries --------------------------------------------------------
@g.to_text.register(LMM)
def _model(
    m: LMM,
    digits: int = 4,
    ranef_comp: Sequence[str] | str = ("Std.Dev.",),
    ranef_corr: bool = True,
) -> str:
    return model_text(m, title_lines(method_title(m), "lmerMod"), criteria(m), digits, ranef_comp, ranef_corr)


def model_text(
    m: LMM | GLMM,
    head: Sequence[str],
    values: pd.Series,
    digits: int,
    ranef_comp: Sequence[str] | str,
    ranef_corr: bool,
) -> str:
    """A mixed model below the lines of its title."""
    lines = [
        *head,
        *call_header(m.call, str(m.design.formula), with_control=False),
        *criteria_lines(values, 4),
        "Random effects:",
        components_text(g.VarCorr(m), digits, ranef_comp, ranef_corr),
        *group_lines(g.nobs(m), g.ngrps(m)),
    ]
    if len(m.beta):
        beta = format_numbers(m.beta, digits)
        lines += ["Fixed Effects:", named_vector_text(beta, list(m.design.names), gap=2)]
    else:
        lines.append("No fixed effect coefficients")
    lines += [*fit_lines(fit_messages(m)), *optimizer_lines(m.optinfo, brief=True)]
    return "\n".join(lines)


@g.to_text.register(SummaryLMM)
def _summary(
    s: SummaryLMM,
    digits: int = 4,
    correlation: bool | None = None,
    signif_stars: bool = True,
    ranef_comp: Sequence[str] | str = ("Variance", "Std.Dev."),
    ranef_corr: bool = True,
    show_resids: bool = True,
    corr: bool | None = None,
) -> str:
    head = title_lines(s.title, s.kind)
    correlation = corr if correlation is None else correlation  # scripts abbreviate it, which R allows
    return summary_text(s, head, digits, correlation, signif_stars, ranef_comp, ranef_corr, show_resids)


def summary_text(
    s: SummaryLMM | SummaryGLMM,
    head: Sequence[str],
    digits: int,
    correlation: bool | None,
    signif_stars: bool,
    ranef_comp: Sequence[str] | str,
    ranef_corr: bool,
    show_resids: bool,
) -> str:
    """The summary of a mixed model below the lines of its title."""
    lines = [*head, *call_header(s.call, s.formula, with_control=True), "", *criteria_lines(s.criteria, 1), ""]
    if show_resids:
        lines += ["Scaled residuals: ", *residual_lines(s.residuals.to_numpy(), digits), ""]
    lines += [
        "Random effects:",
        components_text(s.varcor, digits, ranef_comp, ranef_corr),
        *group_lines(s.nobs, s.ngrps),
    ]
    if len(s.coefficients):
        lines += ["", "Fixed effects:", fixed_effects_text(s.coefficients, digits, signif_stars)]
    lines += error_lines(s)
    if len(s.coefficients) > 1:
        lines += correlation_lines(s.vcov, s.correlation if correlation is None else correlation)
    lines += [*fit_lines(s.messages), *optimizer_lines(s.optinfo, brief=False)]
    return "\n".join(lines)


def error_lines(s: Any) -> list[str]:
    """Where the standard errors come from, if not from the model."""
    errors = getattr(s, "errors", "")
    return ["", f"Tests use {errors}"] if errors else []


def fixed_effects_text(table: pd.DataFrame, digits: int = 4, signif_stars: bool = True) -> str:
    """The table of fixed effects, with or without df and p-values."""
    columns = list(table.columns)
    p_value = len(columns) - 1 if columns[-1].startswith("Pr(") else None
    tests = [i for i, c in enumerate(columns) if c.endswith(" value")]
    return coefficient_table(
        table.to_numpy(), list(table.index), columns, digits,
        estimates=range(tests[0] if tests else 2), statistics=tests, p_value=p_value, signif_stars=signif_stars,
    )  # fmt: skip


def residual_lines(values: np.ndarray, digits: int) -> list[str]:
    """Quartiles of the residuals."""
    values = values[~np.isnan(values)]
    if len(values) < 5:
        return vector_text(format_numbers(values, digits)).split("\n")
    quartiles = np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
    texts = format_numbers(zapped(quartiles, digits + 1), digits)
    return named_vector_text(texts, ["Min", "1Q", "Median", "3Q", "Max"]).split("\n")


def correlation_lines(vcov: pd.DataFrame, wanted: bool | None) -> list[str]:
    """Correlations of the fixed effects, or why they are not shown."""
    p = len(vcov)
    if wanted is None and p > MAX_CORRELATIONS:
        return [
            "",
            f"Correlation matrix not shown by default, as p = {p} > {MAX_CORRELATIONS}.",
            "Use print(summary(m, correlation=True))  or",
            "    vcov(summary(m))        if you need it",
            "",
        ]
    if wanted is False:
        return []
    V = vcov.to_numpy()
    sd = np.sqrt(np.diag(V))
    names = [str(n) for n in vcov.index]
    texts = [fixed(round(float(c), 3) + 0.0, 3) for c in (V / np.outer(sd, sd)).T.ravel()]
    width = max(len(t) for t in texts)
    cells = [[texts[j * p + i].rjust(width) if i > j else "" for j in range(p - 1)] for i in range(1, p)]
    rows, columns = abbreviate(names, 11)[1:], abbreviate(names, 6)[:-1]
    return ["", "Correlation of Fixed Effects:", matrix_text(cells, rows, columns, right=False)]


# -- parts -------------------------------------------------------------------
@g.to_text.register(VarianceComponents)
def _components(
    varcor: VarianceComponents,
    digits: int = 5,
    comp: Sequence[str] | str = ("Std.Dev.",),
    corr: bool = True,
) -> str:
    return components_text(varcor, digits, comp, corr)


@g.to_text.register(RandomEffects)
def _random_effects(r: RandomEffects, digits: int = 7) -> str:
    text = _tables(r.modes, digits)
    if r.cond_var is not None:
        groups = " ".join(f"“{name}”" for name in r.modes)
        text += f"\nwith conditional variances for {groups} "
    return text


@g.to_text.register(Coefficients)
def _coefficients(c: Coefficients, digits: int = 7) -> str:
    return _tables(c.tables, digits)


def _tables(tables: Any, digits: int) -> str:
    lines: list[str] = []
    for name, table in tables.items():
        if isinstance(table, pd.Series):
            body = named_vector_text(format_numbers(table, digits), [str(label) for label in table.index])
        else:
            body = frame_text(table, digits)
        quoted = name if name.replace(".", "").replace("_", "").isalnum() else f"`{name}`"
        lines += [f"${quoted}", body, ""]
    return "\n".join(lines)


@g.to_text.register(PrincipalComponents)
def _principal_components(p: PrincipalComponents, digits: int | None = None) -> str:
    lines = []
    for name, part in p.components.items():
        lines.append(f"${name}")
        lines.append(_importance(part) if p.summarized else _directions(part, digits or 7))
        lines.append("")
    return "\n".join(lines)


@g.to_text.register(TermComponents)
def _term_components(part: TermComponents, digits: int = 7) -> str:
    return _directions(part, digits)


def _importance(part: TermComponents, digits: int = 4) -> str:
    table = part.importance
    columns = [
        format_numbers([sd, round(share, 5), round(total, 5)], digits)
        for sd, share, total in table.to_numpy().T.tolist()
    ]
    cells = [list(row) for row in zip(*columns, strict=True)]
    header = [f"[,{j + 1}]" for j in range(len(columns))]
    return "Importance of components:\n" + matrix_text(cells, list(table.index), header)


def _directions(part: TermComponents, digits: int) -> str:
    k = len(part.sdev)
    columns = [format_numbers(part.rotation[:, j], digits) for j in range(k)]
    cells = [list(row) for row in zip(*columns, strict=True)]
    labels = [f"[,{j + 1}]" for j in range(k)]
    rows = [f"[{i + 1},]" for i in range(k)]
    return "\n".join(
        [
            f"Standard deviations (1, .., p={k}):",
            vector_text(format_numbers(part.sdev, digits)),
            "",
            f"Rotation (n x k) = ({k} x {k}):",
            matrix_text(cells, rows, labels),
        ]
    )


@g.to_text.register(LogLik)
def _log_lik(value: LogLik, digits: int = 7) -> str:
    return f"'log Lik.' {format_number(float(value), digits)} (df={value.df})"


@g.to_text.register(FamilyName)
def _family(f: FamilyName) -> str:
    return f"\nFamily: {f.family} \nLink function: {f.link} \n"


@g.to_text.register(Call)
def _call(call: Call) -> str:
    parts = [f"{k} = {argument_text(v)}" for k, v in call.arguments.items()]
    if call.data_name:
        parts.insert(min(1, len(parts)), f"data = {call.data_name}")
    return f"{call.function}({', '.join(parts)})"
