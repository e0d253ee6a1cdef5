"""HTML for notebooks: the header as text, every table as a table."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

import pandas as pd

from .. import generics as g
from ..accessors.generalized_linear import SummaryGLM
from ..accessors.linear import SummaryLM
from ..generalized import GLM, GLMM
from ..generalized_summaries import SummaryGLMM
from ..model import LM, LMM
from ..results import (
    AnovaTable,
    Coefficients,
    Family,
    LogLik,
    ModelComparison,
    PrincipalComponents,
    RandomEffects,
    StepPath,
    StepResult,
    TermComponents,
    VarianceComponents,
)
from ..summaries import SummaryLMM
from .mixed import components_cells
from .numbers import format_numbers, format_pvalues, stars

__all__ = ["table_html"]


def table_html(cells: Iterable[Iterable[str]], rows: Iterable[str], columns: Iterable[str]) -> str:
    """A table of strings; numbers stand to the right."""
    head = "".join(f"<th>{escape(c)}</th>" for c in ["", *columns])
    body = "".join(
        f"<tr><th style='text-align:left'>{escape(label)}</th>"
        + "".join(f"<td style='text-align:right'>{escape(c)}</td>" for c in line)
        + "</tr>"
        for label, line in zip(rows, cells, strict=True)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _tests_html(table: pd.DataFrame, digits: int = 4) -> str:
    """A table of estimates or tests, with stars where it has p-values."""
    columns: list[list[str]] = []
    names: list[str] = []
    for name in table.columns:
        values = table[name].to_numpy(dtype=float)
        p_values = str(name).startswith("Pr(")
        texts = format_pvalues(values, 3) if p_values else format_numbers(values, digits)
        columns.append(["" if v != v else t.strip() for v, t in zip(values, texts, strict=True)])
        names.append(str(name))
        if p_values:
            columns.append([stars(v) for v in values])
            names.append("")
    cells = list(zip(*columns, strict=True))
    return table_html(cells, [str(i) for i in table.index], names)


def _pre(text: str) -> str:
    return f"<pre>{escape(text.strip(chr(10)))}</pre>"


def _components_html(varcor: VarianceComponents) -> str:
    header, rows = components_cells(varcor, 4, ("Variance", "Std.Dev."), True)
    return table_html([[c.strip() for c in r[1:]] for r in rows], [r[0] for r in rows], header[1:])


@g.to_html.register(LMM)
def _model(m: LMM) -> str:
    return g.to_html(g.summary(m))


@g.to_html.register(SummaryLMM)
def _summary(s: SummaryLMM) -> str:
    head, _, rest = g.to_text(s, show_resids=False).partition("\n\nRandom effects:")
    groups = next(line for line in rest.split("\n") if line.startswith("Number of obs"))
    parts = [_pre(head), "<p>Random effects:</p>", _components_html(s.varcor), _pre(groups)]
    if len(s.coefficients):
        parts += ["<p>Fixed effects:</p>", _tests_html(s.coefficients)]
    if s.messages or s.optinfo.warnings:
        parts.append(_pre("\n".join([*s.messages, *s.optinfo.warnings])))
    return "<div>" + "".join(parts) + "</div>"


@g.to_html.register(LM)
def _linear(m: LM) -> str:
    return g.to_html(g.summary(m))


@g.to_html.register(SummaryLM)
def _linear_summary(s: SummaryLM) -> str:
    text = g.to_text(s)
    head, _, rest = text.partition("\nCoefficients:")
    tail = rest[rest.find("\nResidual standard error") :]
    return f"<div>{_pre(head)}{_tests_html(s.coefficients)}{_pre(tail)}</div>"


@g.to_html.register(SummaryGLMM)
def _generalized_summary(s: SummaryGLMM) -> str:
    head, _, rest = g.to_text(s, show_resids=False).partition("\n\nRandom effects:")
    groups = next(line for line in rest.split("\n") if line.startswith("Number of obs"))
    parts = [_pre(head), "<p>Random effects:</p>", _components_html(s.varcor), _pre(groups)]
    if len(s.coefficients):
        parts += ["<p>Fixed effects:</p>", _tests_html(s.coefficients)]
    if s.messages or s.optinfo.warnings:
        parts.append(_pre("\n".join([*s.messages, *s.optinfo.warnings])))
    return "<div>" + "".join(parts) + "</div>"


@g.to_html.register(GLM)
@g.to_html.register(GLMM)
def _generalized(m: GLM | GLMM) -> str:
    return g.to_html(g.summary(m))


@g.to_html.register(SummaryGLM)
def _generalized_linear_summary(s: SummaryGLM) -> str:
    head, _, rest = g.to_text(s).partition("\nCoefficients:")
    tail = rest[rest.find("\n(Dispersion") :]
    return f"<div>{_pre(head)}{_tests_html(s.coefficients)}{_pre(tail)}</div>"


@g.to_html.register(VarianceComponents)
def _components(varcor: VarianceComponents) -> str:
    return _components_html(varcor)


@g.to_html.register(AnovaTable)
def _anova(a: AnovaTable) -> str:
    return f"<div>{_pre(chr(10).join(a.heading))}{_tests_html(a.table, 5)}</div>"


@g.to_html.register(StepResult)
def _step(s: StepResult) -> str:
    parts = []
    for title, table in (("random-effect", s.random), ("fixed-effect", s.fixed)):
        if table is not None:
            parts += [f"<pre>Backward reduced {title} table:</pre>", _tests_html(table)]
    return f"<div>{''.join(parts)}<pre>Model found: {escape(s.final)}</pre></div>"


@g.to_html.register(StepPath)
def _step_path(s: StepPath) -> str:
    ends = f"Initial model: {escape(s.initial)}\nFinal model: {escape(s.final)}"
    return f"<div><pre>{ends}</pre>{_tests_html(s.table.set_index('Step'), 5)}</div>"


@g.to_html.register(ModelComparison)
def _comparison(c: ModelComparison) -> str:
    small = escape(c.small) or "restriction matrix"
    return f"<div><pre>large : {escape(c.large)}\nsmall : {small}</pre>{_tests_html(c.to_frame())}</div>"


@g.to_html.register(RandomEffects)
@g.to_html.register(Coefficients)
def _mapping(r: RandomEffects | Coefficients) -> str:
    parts = []
    for name, table in r.items():
        frame = table.to_frame(name) if isinstance(table, pd.Series) else table
        parts.append(f"<p>{escape(name)}</p>{frame.to_html()}")
    return "<div>" + "".join(parts) + "</div>"


@g.to_html.register(LogLik)
@g.to_html.register(Family)
@g.to_html.register(PrincipalComponents)
@g.to_html.register(TermComponents)
def _plain(result: Any) -> str:
    return _pre(g.to_text(result))
