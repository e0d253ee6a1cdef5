"""R's number formatting, against text that R wrote (fixtures/accessors/format.json)."""

import json
import math

import numpy as np
import pytest

from mere.printing.formulas import formula_lines
from mere.printing.numbers import (
    abbreviate,
    fixed,
    format_number,
    format_numbers,
    format_pvalues,
    stars,
)
from mere.printing.tables import coefficient_table, named_vector_text, vector_text, wrap

from ..parity.goldens import FIXTURES

GOLD = json.loads((FIXTURES / "accessors" / "format.json").read_text(encoding="utf-8"))
MIXED = json.loads((FIXTURES / "accessors" / "mixed.json").read_text(encoding="utf-8"))


def numbers(texts):
    texts = texts if isinstance(texts, list) else [texts]
    return [math.nan if t == "NA" else float(t) for t in texts]


def test_format():
    for case in GOLD["format"]:
        x = numbers(case["x"])
        assert format_numbers(x, case["digits"]) == case["format"], case
        assert format_numbers(x, case["digits"], nsmall=2) == case["nsmall2"], case


def test_p_values():
    for case in GOLD["pval"]:
        assert format_pvalues(numbers(case["p"]), case["digits"]) == case["out"], case


def test_abbreviate():
    for case in GOLD["abbreviate"]:
        assert abbreviate(case["names"], case["k"]) == case["out"]


COLUMNS = {
    0: {"estimates": [0, 1], "statistics": [2], "signif_stars": False},
    1: {"estimates": [0, 1], "statistics": [2], "p_value": 3},
    2: {"estimates": [0, 1], "statistics": [3], "p_value": 4},
}


@pytest.mark.parametrize("case", GOLD["coefmat"], ids=lambda c: f"{len(c['rows'])}x{c['kind']}")
def test_table_of_coefficients(case):
    values = np.array([numbers(row) for row in case["values"]])
    text = coefficient_table(values, case["rows"], case["columns"], case["digits"], **COLUMNS[case["kind"]])
    assert text.split("\n") == case["out"]


def test_named_vectors():
    for case in GOLD["vector"]:
        texts = format_numbers(numbers(case["x"]), 4)
        assert named_vector_text(texts, case["names"]).split("\n") == case["out"]
        assert named_vector_text(texts, case["names"], gap=2).split("\n") == case["gap"]


@pytest.mark.parametrize("case", MIXED["deparse"], ids=lambda c: c["text"][:20])
def test_formula_in_lines(case):
    assert formula_lines(case["text"]) == case["lines"]


def test_special_values():
    assert format_numbers([math.inf, -math.inf, math.nan]) == [" Inf", "-Inf", "  NA"]
    assert format_number(-0.0) == "0"
    assert format_numbers([]) == []
    assert fixed(math.nan, 2, na="NaN") == "NaN"
    assert [stars(p) for p in (0.0005, 0.001, 0.03, 0.07, 0.5)] == ["***", "***", "*", ".", " "]
    assert stars(math.nan) == ""


def test_unnamed_vector_has_indices():
    text = vector_text([f"{i}.000000" for i in range(10, 32)])
    assert text.split("\n")[0].startswith(" [1] 10.000000")
    assert text.split("\n")[1].startswith(" [9] 18.000000") or "[8]" in text


def test_wrap_hangs():
    assert wrap("aaa bbb ccc", width=8, indent=2) == ["aaa bbb", "  ccc"]
