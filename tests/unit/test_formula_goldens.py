"""Every formula of ``fixtures/formula`` against R: columns, names, new data, random terms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mere.design import build_design, matrix_of
from mere.language.formulas import parse_formula
from mere.newdata import fixed_matrix

from .formula_golden import cases, listed, load, numbers, table

TOL = load("fixed")["header"]["tolerance"]
# new data whose levels differ are refused by R as well
FIXED, RANDOM = table(load("fixed")["data"]), table(load("random")["data"])
NEW = table(load("fixed")["newdata"])


def contrasts_of(case: dict[str, Any]) -> dict[str, Any] | None:
    out: dict[str, Any] = {}
    for name, spec in (case.get("contrasts") or {}).items():
        if isinstance(spec, dict):
            matrix = np.array(spec["matrix"], dtype=float)
            columns = listed(spec.get("columns"))
            out[name] = pd.DataFrame(matrix, columns=columns) if columns else matrix
        else:
            out[name] = spec
    return out or None


def by_formula(name: str) -> list[Any]:
    found = cases(name)
    ids = [f"{i}: {c.get('formula', c.get('source'))}" for i, c in enumerate(found)]
    return [pytest.param(c, id=i) for c, i in zip(found, ids)]


@pytest.mark.parametrize("case", by_formula("fixed"))
def test_model_matrix(case: dict[str, Any]) -> None:
    names = listed(case["names"])
    found = matrix_of(case["formula"], FIXED, contrasts_of(case))
    assert list(found.names) == names
    assert found.assign.tolist() == listed(case["assign"])
    assert list(found.term_labels) == listed(case["labels"])
    X = numbers(case["X"]).reshape((case["nrow"], len(names)), order="F")
    np.testing.assert_allclose(found.X, X, rtol=TOL, atol=TOL)
    assert str(parse_formula(case["formula"])) == case["deparse"]


@pytest.mark.parametrize("case", [c for c in by_formula("fixed") if c.values[0]["new"] is not None])
def test_model_matrix_of_new_data(case: dict[str, Any]) -> None:
    text = case["formula"] if not case["formula"].startswith("~") else f"y {case['formula']}"
    design = build_design(text, FIXED, contrasts=contrasts_of(case))
    names = listed(case["names"])
    expected = numbers(case["new"]).reshape((7, len(names)), order="F")
    expected[np.isnan(expected).any(axis=1)] = np.nan  # R fills the intercept of such rows
    np.testing.assert_allclose(fixed_matrix(design, NEW, full=True), expected, rtol=TOL, atol=TOL)
    if case.get("y") is not None:
        np.testing.assert_allclose(design.y.ravel(order="F"), numbers(case["y"]), rtol=TOL)
    if case.get("offset") is not None:
        assert design.offset is not None
        np.testing.assert_allclose(design.offset, numbers(case["offset"]), rtol=TOL)


@pytest.mark.parametrize("case", by_formula("rank"))
def test_aliased_columns(case: dict[str, Any]) -> None:
    design = build_design(f"y {case['formula']}", FIXED)
    assert list(design.names_full) == listed(case["names"])
    assert list(design.dropped) == listed(case["dropped"])
    assert design.X.shape[1] == len(design.names) == design.X_full.shape[1] - len(design.dropped)


@pytest.mark.parametrize("case", by_formula("text"))
def test_deparse_and_labels(case: dict[str, Any]) -> None:
    formula = parse_formula(case["source"])
    assert str(formula) == case["deparse"]
    assert list(formula.terms().labels) == listed(case["labels"])


@pytest.mark.parametrize("case", [c for c in by_formula("random") if "error" not in c.values[0]])
def test_random_terms(case: dict[str, Any]) -> None:
    design = build_design(case["formula"], RANDOM)
    terms = design.random
    # lme4 1.1-31 writes c:(b:a) where 2.x writes c:b:a
    plain = [g.replace("(", "").replace(")", "") for g in listed(case["groups"])]
    assert [t.group for t in terms] == plain
    assert [list(t.names) for t in terms] == case["cnms"]
    assert [list(t.levels) for t in terms] == case["levels"]
    assert np.cumsum([0] + [len(t.levels) * t.k for t in terms]).tolist() == case["Gp"]
    lower = np.concatenate([t.covariance.lower() for t in terms])
    start = np.concatenate([t.covariance.start() for t in terms])
    assert np.where(np.isfinite(lower), lower, -999).tolist() == listed(case["lower"])
    assert start.tolist() == listed(case["theta"])
    assert list(design.names) == listed(case["X"])
    assert str(design.formula) == case["echo"]
    assert design.formula.fixed_text == case["nobars"]
    weight = np.sin(np.arange(1, design.n + 1))
    products = []
    for t in terms:
        values = np.ones((design.n, 1)) if t.values is None else t.values
        sums = np.zeros((len(t.levels), t.k))
        np.add.at(sums, t.codes, values * weight[:, None])
        products.append(sums.ravel())
    np.testing.assert_allclose(np.concatenate(products), numbers(case["Zw"]), rtol=TOL, atol=TOL)
