"""Which random effects a prediction or a simulation is given: R's ``re.form``.

``None``: all of them. ``False`` (R's ``NA`` or ``~0``): none. A formula with random terms: those; a term of it may name
some of the columns of a term of the model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .accessors.blocks import term_effects, term_matrix
from .contrasts import read_contrasts
from .design import Design
from .errors import MereValueError
from .frame import as_frame
from .language.bars import Bar
from .language.formulas import Formula, parse_formula
from .modelmatrix import build_matrix
from .newdata import random_at
from .reterms import RandomTerm

__all__ = ["RandomRows", "contribution", "kept_columns", "random_rows"]


@dataclass(frozen=True, eq=False)
class RandomRows:
    """A random term at some rows.

    Attributes
    ----------
    term : RandomTerm
    values : ndarray (n, k)
    codes : ndarray (n,)
        -1 where the level is new, or missing.
    labels : ndarray (n,) or None
        Labels of the levels, None where missing; None for the rows of the model.
    """

    term: RandomTerm
    values: np.ndarray
    codes: np.ndarray
    labels: np.ndarray | None


def kept_columns(design: Design, re_form: Any) -> list[np.ndarray]:
    """Per random term of the model a logical (k,): which of its effects are given.

    Examples
    --------
    >>> from mere.design import build_design
    >>> from mere.datasets import sleepstudy
    >>> kept_columns(build_design("Reaction ~ Days + (Days | Subject)", sleepstudy), "~ (1 | Subject)")
    [array([ True, False])]
    """
    if re_form is None:
        return [np.ones(t.k, dtype=bool) for t in design.random]
    kept = [np.zeros(t.k, dtype=bool) for t in design.random]
    if re_form is False or (isinstance(re_form, float) and math.isnan(re_form)):
        return kept
    if not isinstance(re_form, (str, Formula)):
        raise MereValueError(f"re_form must be None (all), False (none) or a formula like '~ (1 | g)', not {re_form!r}")
    text = str(re_form).strip()
    if text in ("NA", "~0", "~ 0"):
        return kept
    parsed = parse_formula(text if "~" in text else f"~ {text}")
    if not parsed.bars:
        raise MereValueError(f"re_form={text!r} has no random term; use False for none, or a formula like '~ (1 | g)'")
    for bar in parsed.bars:
        for name in _columns(design, bar):
            _keep(design, kept, bar, name)
    return kept


def _columns(design: Design, bar: Bar) -> tuple[str, ...]:
    if bar.terms.intercept and not bar.terms.terms:
        return ("(Intercept)",)
    for name in bar.terms.variables:
        if name not in design.frame.variables:
            raise MereValueError(f"re_form: the model has no variable {name!r}")
    return build_matrix(bar.terms, design.frame.variables, design.n, read_contrasts(None)).names


def _keep(design: Design, kept: list[np.ndarray], bar: Bar, name: str) -> None:
    for t, term in enumerate(design.random):
        if term.group == bar.group and name in term.names and not kept[t][term.names.index(name)]:
            kept[t][term.names.index(name)] = True
            return
    known = ", ".join(f"({t.text})" for t in design.random)
    raise MereValueError(f"re_form: ({bar.text}) has the effect {name!r} of {bar.group!r}; the model has only {known}")


def random_rows(
    design: Design, newdata: Any, kept: list[np.ndarray] | None = None, allow_new_levels: bool = False
) -> list[RandomRows]:
    """The random terms at the rows of the model, or at new data; nothing for terms without a kept column."""
    if newdata is None:
        return [RandomRows(t, term_matrix(t), t.codes, None) for t in design.random]
    n = as_frame(newdata).nrow
    out = []
    for t, term in enumerate(design.random):
        if kept is not None and not kept[t].any():
            out.append(RandomRows(term, np.zeros((n, term.k)), np.full(n, -1, dtype=np.int32), np.empty(0)))
            continue
        (new,) = random_at(design, newdata, [term])
        if not allow_new_levels:
            _check_levels(term, new.codes, new.labels)
        values = np.ones((len(new.codes), 1)) if new.values is None else new.values
        out.append(RandomRows(term, values, new.codes, new.labels))
    return out


def _check_levels(term: RandomTerm, codes: np.ndarray, labels: np.ndarray) -> None:
    fresh = codes < 0
    if not fresh.any():
        return
    names = list(dict.fromkeys(labels[fresh].tolist()))
    if None in names:
        raise MereValueError(
            f"the grouping factor '{term.group}' has missing values in newdata; allow_new_levels=True takes their "
            "random effects as zero"
        )
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    raise MereValueError(
        f"new levels detected in newdata: {shown} (of '{term.group}'); allow_new_levels=True takes their random "
        "effects as zero"
    )


def contribution(design: Design, rows: list[RandomRows], kept: list[np.ndarray], b: np.ndarray) -> np.ndarray:
    """Z b of the kept effects, (n,); levels that are new have none."""
    out = np.zeros(len(rows[0].codes)) if rows else np.zeros(0)
    for r, keep, effects in zip(rows, kept, term_effects(design.random, b), strict=True):
        if keep.any():
            known = r.codes >= 0
            part = np.einsum("ij,ij->i", r.values[:, keep], effects[np.maximum(r.codes, 0)][:, keep])
            out += np.where(known, part, 0.0)
    return out
