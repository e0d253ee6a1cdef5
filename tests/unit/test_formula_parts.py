"""Parts of formulas as text: lme4's answers, and where ours differ on purpose."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mere
from mere import expandDoubleVerts, findbars, isNested, nobars, subbars

GOLDEN = json.loads((Path(__file__).parents[2] / "fixtures" / "formula_parts.json").read_text())

# (formula, verb): ours. Grouping factors are taken apart as lme4 2 does; `-1` after a random term keeps its meaning;
# a bar inside I() is R's "or"; a term with a structure keeps it, and is ordinary variables in subbars.
OURS = {
    ("y ~ x + (1 | a/b/c)", "findbars"): ["1 | c:b:a", "1 | b:a", "1 | a"],
    ("y ~ ns(x, df = 3) + (1 | a + b)", "findbars"): ["1 | a", "1 | b"],
    ("y ~ (1 | a * b)", "findbars"): ["1 | a", "1 | b", "1 | a:b"],
    ("y ~ log((x)) + (log(x) || (a:b))", "findbars"): ["1 | a:b", "0 + log(x) | a:b"],
    ("y ~ (1 | g) - 1", "nobars"): "y ~ -1",
    ("y ~ I(x | z) + (1 | g)", "findbars"): ["1 | g"],
    ("y ~ I(x | z) + (1 | g)", "nobars"): "y ~ I(x | z)",
    ("y ~ I(x | z) + (1 | g)", "subbars"): "y ~ I(x | z) + (1 + g)",
    ("y ~ diag(x | g) + z", "findbars"): ["diag(x | g)"],
    ("y ~ diag(x | g) + z", "subbars"): "y ~ (x + g) + z",
}


@pytest.mark.parametrize("case", GOLDEN["formulas"], ids=lambda case: case["formula"][0])
def test_the_parts_are_those_of_r(case: dict) -> None:
    text = case["formula"][0]
    for verb in (nobars, subbars, expandDoubleVerts):
        assert verb(text) == OURS.get((text, verb.__name__), case[verb.__name__][0]), verb.__name__
    assert list(findbars(text)) == OURS.get((text, "findbars"), case["findbars"])


def test_every_listed_difference_is_one() -> None:
    theirs = {(c["formula"][0], verb): c[verb] for c in GOLDEN["formulas"] for verb in c if verb != "formula"}
    for key, ours in OURS.items():
        assert theirs[key] != (ours if isinstance(ours, list) else [ours]), key


@pytest.mark.parametrize("case", GOLDEN["formulas"], ids=lambda case: case["formula"][0])
def test_the_parts_put_together_are_the_formula(case: dict) -> None:
    text = case["formula"][0]
    if text.count("~") > 1:
        return
    together = " + ".join([nobars(text), *(f"({bar})" for bar in findbars(text))])
    assert findbars(together) == findbars(text)
    terms = mere.language.formulas.parse_formula(together).terms()
    assert terms.labels == mere.language.formulas.parse_formula(text).terms().labels
    assert terms.intercept == mere.language.formulas.parse_formula(text).terms().intercept
    assert findbars(nobars(text)) == findbars(subbars(text)) == ()
    assert findbars(expandDoubleVerts(text)) == findbars(text)


def test_right_hand_sides_alone_and_models() -> None:
    assert findbars("x + (x || g)") == ("1 | g", "0 + x | g")
    assert (nobars("(1 | g)"), subbars("(1 | g)"), expandDoubleVerts("(x || g)")) == (
        "1",
        "(1 + g)",
        "((1 | g) + (0 + x | g))",
    )
    m = mere.lmer("Reaction ~ Days + (Days || Subject)", mere.datasets.sleepstudy)
    assert findbars(m) == ("1 | Subject", "0 + Days | Subject")
    assert nobars(m) == "Reaction ~ Days"
    assert findbars(mere.lm("Reaction ~ Days", mere.datasets.sleepstudy)) == ()
    assert subbars(mere.formula(m)) == "Reaction ~ Days + ((1 + Subject) + (0 + Days + Subject))"


def test_structures_and_loose_operators() -> None:
    assert findbars("y ~ x + cs(f | g, hom=FALSE)") == ("cs(f | g, hom = FALSE)",)
    assert subbars("y ~ (a == 1 | g) + (1 | a + b)") == "y ~ ((a == 1) + g) + (1 + (a + b))"
    structured = "y ~ week + ar1(0 + week | g, hom = TRUE)"
    assert nobars(structured) == "y ~ week"


def test_wrong_formulas_are_said() -> None:
    with pytest.raises(mere.errors.FormulaError, match=r"must be added with '\+'"):
        findbars("y ~ x - (1 | g)")
    with pytest.raises(mere.errors.FormulaError):
        nobars("y ~ x +")
    with pytest.raises(mere.errors.MereTypeError, match="formula"):
        nobars(3)


@pytest.mark.parametrize("pair", GOLDEN["pairs"], ids=lambda pair: f"{pair['f1']} in {pair['f2']}")
def test_nesting_is_that_of_r(pair: dict) -> None:
    columns = GOLDEN["columns"]
    for kind in (list, np.array, pd.Series, pd.Categorical):
        assert isNested(kind(columns[pair["f1"]]), kind(columns[pair["f2"]])) is pair["nested"]


def test_levels_that_do_not_occur_do_not_count() -> None:
    inner = pd.Categorical(["a", "a", "b"], categories=["z", "a", "b"])
    outer = pd.Categorical(["u", "u", "v"], categories=["v", "w", "u"])
    assert isNested(inner, outer)


def test_columns_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(mere.errors.MereValueError, match="one length, not 2 and 3"):
        isNested([1, 2], [1, 2, 3])
    with pytest.raises(mere.errors.MereValueError, match="f2 has 1 missing"):
        isNested([1, 2], [1, None])
    with pytest.raises(mere.errors.MereTypeError, match="f1 must be a column"):
        isNested("a", [1, 2])
