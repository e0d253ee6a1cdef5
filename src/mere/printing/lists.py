"""The text of linear models by group."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from .. import generics as g
from ..lists import LmList, LmListIntervals, SummaryLmList
from .formulas import formula_lines
from .numbers import format_number
from .tables import frame_text

__all__: list[str] = []


def _blocks(tables: Mapping[str, pd.DataFrame], digits: int) -> list[str]:
    lines = []
    for name, table in tables.items():
        lines += [f"   {name} ", frame_text(table, digits)]
    return lines


@g.to_text.register(LmList)
def _list(m: LmList, digits: int = 7) -> str:
    parts = [f"formula = {m.formula_text} | {m.group}"]
    if m.call.data_name:
        parts.append(f"data = {m.call.data_name}")
    call = formula_lines(f"lmList({', '.join(parts)})")
    lines = [f"Call: {call[0]}", *call[1:]]
    lines[-1] += " "
    lines += ["Coefficients:", frame_text(g.coef(m), digits), ""]
    lines.append(f"Degrees of freedom: {g.nobs(m)} total; {g.df_residual(m)} residual")
    if m.pool:
        lines.append(f"Residual standard error: {format_number(g.sigma(m), digits)}")
    return "\n".join(lines)


@g.to_text.register(SummaryLmList)
def _summary(s: SummaryLmList, digits: int = 7) -> str:
    source = s.source
    lines = ["Call:", f"  Model: {source.formula_text} | {source.group} "]
    if source.call.data_name:
        lines.append(f"   Data: {source.call.data_name} ")
    lines += ["", "Coefficients:", *_blocks(s.tables, digits), ""]
    if source.pool:
        sigma = format_number(s.sigma, digits)
        lines += [f"Residual standard error: {sigma} on {s.df} degrees of freedom", ""]
    return "\n".join(lines)


@g.to_text.register(LmListIntervals)
def _intervals(i: LmListIntervals, digits: int = 7) -> str:
    lines = []
    for name, table in i.tables.items():
        lines += [f", , {name}", "", frame_text(table, digits), ""]
    return "\n".join(lines)


@g.to_html.register(LmList)
def _list_html(m: LmList) -> str:
    return str(g.coef(m).to_html())


@g.to_html.register(SummaryLmList)
@g.to_html.register(LmListIntervals)
def _tables_html(s: SummaryLmList | LmListIntervals) -> str:
    return "".join(f"<p>{name}</p>{table.to_html()}" for name, table in s.tables.items())
