"""The parser, the algebra and the bars, without data."""

from __future__ import annotations

import pickle
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mere.errors import FormulaError, MereTypeError
from mere.language.formulas import parse_formula
from mere.language.parser import parse_expression
from mere.language.updating import update_formula

from .formula_golden import cases

TEXTS = [c["formula"] for name in ("fixed", "random") for c in cases(name)]


@pytest.mark.parametrize("text", TEXTS)
def test_deparsed_text_reads_as_the_same_formula(text: str) -> None:
    once = str(parse_formula(text))
    again = parse_formula(once)
    assert str(again) == once
    assert again.terms(("y", "x")).labels == parse_formula(text).terms(("y", "x")).labels
    assert [b.text for b in again.bars] == [b.text for b in parse_formula(text).bars]


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("   ", 0),
        ("y", 0),
        ("y ~", 3),
        ("y ~ a b", 6),
        ("y ~ (a", 6),
        ("y ~ a)", 5),
        ("y ~ a[1]", 5),
        ("y ~ d$a", 5),
        ("y ~ 'abc", 4),
        ("y ~ `abc", 4),
        ("y ~ a < b < c", 10),
        ("y ~ if (a) b", 4),
        ("y ~ function(x) x", 4),
        ("y ~ a; b", 5),
        ("y ~ __import__('os')", 4),
        ("y ~ f(a, , b)", 9),
        ("y ~ a %in b", 6),
        ("y ~ x ~ z", 6),
        ("1 ~ x", 0),
        ("y ~ 2", 4),
        ("y ~ TRUE", 4),
        ("y ~ a^b", 5),
        ("y ~ a^1.5", 5),
        ("y ~ x * (1 | g)", 8),
        ("y ~ x - (1 | g)", 8),
        ("y ~ x:(1 | g)", 6),
        ("y ~ (x || g) - (1 || g)", 15),
        ("y ~ (1 | 1)", 9),
        ("y ~ cs(x | g, hom = z)", 20),
    ],
)
def test_wrong_formulas_say_where(text: str, position: int) -> None:
    with pytest.raises(FormulaError) as caught:
        parse_formula(text).terms()
    assert caught.value.position == position
    assert text in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "y ~ " + "(" * 5000 + "x" + ")" * 5000,
        "y ~ " + "-" * 5000 + "x",
        "y ~ " + "!" * 5000 + "x",
        "y ~ " + "f(" * 5000 + "x" + ")" * 5000,
        "y ~ " + "x^" * 5000 + "x",
        "y ~ " + "x:" * 5000 + "x",
        "y ~ " + "*".join(f"x{i}" for i in range(50)),
        "y ~ (" + "+".join(f"x{i}" for i in range(3000)) + ")^2",
        "y ~ " + "(" * 5000,
    ],
    ids=range(9),
)
def test_hostile_formulas_are_refused_quickly(text: str) -> None:
    with pytest.raises(FormulaError):
        parse_formula(text).terms()


def test_long_sums_are_no_nesting() -> None:
    names = [f"x{i}" for i in range(3000)]
    formula = parse_formula("y ~ " + " + ".join(names) + " + (1 | g)")
    assert formula.terms().labels == tuple(names)
    assert str(formula) == "y ~ " + " + ".join(names) + " + (1 | g)"
    assert pickle.loads(pickle.dumps(formula)) == formula


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=string.printable + "αß\u2028", max_size=40))
def test_any_text_parses_or_is_a_formula_error(text: str) -> None:
    try:
        formula = parse_formula("y ~ " + text)
        formula.terms(("y", "x"))
        assert str(parse_formula(str(formula))) == str(formula)
    except FormulaError:
        pass


VARIABLES = st.sampled_from(["a", "b", "c", "I(x^2)", "`my var`"])
FORMULAS = st.recursive(
    VARIABLES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "*", ":", "/", "-", "%in%"]), inner).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        )
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(FORMULAS)
def test_terms_are_sorted_and_distinct(text: str) -> None:
    terms = parse_formula(f"y ~ {text}").terms()
    sizes = [len(t) for t in terms.terms]
    assert sizes == sorted(sizes)
    assert len({frozenset(t) for t in terms.terms}) == len(terms.terms)


def test_a_formula_is_text() -> None:
    with pytest.raises(MereTypeError):
        parse_expression(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(x | f/g)", ["x | g:f", "x | f"]),
        ("(1 | (f/g)/h)", ["1 | h:g:f", "1 | g:f", "1 | f"]),
        ("(1 | f/g/h)", ["1 | h:g:f", "1 | g:f", "1 | f"]),
        ("(1 | f*g)", ["1 | f", "1 | g", "1 | f:g"]),
        ("(1 | f + g)", ["1 | f", "1 | g"]),
        ("(a + b | f + g + h*i)", [f"a + b | {g}" for g in ("f", "g", "h", "i", "h:i")]),
        ("(1 | a/(b*c))", ["1 | c:b:a", "1 | c:a", "1 | b:a", "1 | a"]),
        ("(1 | a/(b + c))", ["1 | c:a", "1 | b:a", "1 | a"]),
        ("(1 | (a + b):c)", ["1 | a:c", "1 | b:c"]),
        ("(1 | a %in% b)", ["1 | a:b"]),
        ("(x + y || g)", ["1 | g", "0 + x | g", "0 + y | g"]),
        ("(1 || g)", ["1 | g"]),
        ("(x || a/b)", ["1 | b:a", "1 | a", "0 + x | b:a", "0 + x | a"]),
        ("(1 | factor(g))", ["1 | factor(g)"]),
        ("(1 | interaction(a, b))", ["1 | interaction(a, b)"]),
    ],
)
def test_bars_expand_as_in_lme4_2(text: str, expected: list[str]) -> None:
    assert [b.text for b in parse_formula(f"y ~ {text}").bars] == expected


def test_structures_round_a_bar() -> None:
    text = "y ~ us(x | g) + diag(x | g, hom = TRUE) + cs(0 + f | a/b) + ar1(t | g)"
    bars = parse_formula(text).bars
    assert [(b.structure, b.options) for b in bars] == [
        ("us", ()),
        ("diag", (("hom", True),)),
        ("cs", ()),
        ("cs", ()),
        ("ar1", ()),
    ]
    assert bars[3].text == "0 + f | a"


def test_a_dot_is_all_other_columns() -> None:
    formula = parse_formula("log(y) ~ . - z + (1 | g)")
    assert formula.terms(("x", "y", "z", "g")).labels == ("x", "g")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("y ~ x*z + (1 | g)", "log(.) ~ . - x:z", "log(y) ~ x + z + (1 | g)"),
        ("y ~ x + (1 | g)", "~ . - (1 | g) + (x | g)", "y ~ x + (x | g)"),
        ("y ~ x + (1 | g)", "~ . - 1", "y ~ x + (1 | g) - 1"),
        ("y ~ x", "~ . + offset(w)", "y ~ x + offset(w)"),
        ("y ~ x", ". ~ . - x", "y ~ 1"),
        ("y ~ a*b", ". ~ . + c:d + e", "y ~ a + b + e + a:b + c:d"),
        ("y ~ x + (1 | g)", ". ~ . + (1 | h) + a:b", "y ~ x + (1 | g) + (1 | h) + a:b"),
        ("y ~ x", "~ . - x - 1", "y ~ 1 - 1"),
        ("y ~ x - 1 + (1 | g)", "~ . * q", "y ~ x + (1 | g) + q + x:q + (1 | g:q) - 1"),
        (
            "y ~ (a + b)^2 + (1 | g/h)",
            "sqrt(.) ~ . + .:q",
            "sqrt(y) ~ a + b + (1 | g/h) + a:b + a:q + b:q + (1 | g/h:q) + a:b:q",
        ),
        ("y ~ x + offset(w) + (1 | g)", "exp(.) - 1 ~ . / q", "exp(y) - 1 ~ x + (1 | g) + offset(w)"),
        ("y ~ `a b` + (1 | `g h`)", "~ I(x^3) + .", "y ~ I(x^3) + `a b` + (1 | `g h`)"),
    ],
)
def test_update_formula_as_r(old: str, new: str, expected: str) -> None:
    assert update_formula(old, new) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("y ~ (x > 0) + a + (1 | g)", ". ~ . - a", "y ~ (x > 0) + (1 | g)"),
        ("y ~ (x > 0) * a", ". ~ .", "y ~ (x > 0) + a + (x > 0):a"),
        ("y ~ a + (!b)", ". ~ . + z", "y ~ a + (!b) + z"),
    ],
)
def test_updated_comparisons_stay_one_term(old: str, new: str, expected: str) -> None:
    """R writes ``y ~ x > 0 + a``, which is another model."""
    assert update_formula(old, new) == expected
    assert update_formula(expected, ". ~ .") == expected
