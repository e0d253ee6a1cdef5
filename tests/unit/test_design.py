"""Model frame, design and new data: missing rows, subsets, weights, ranks, errors."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from mere.design import Design, build_design, matrix_of
from mere.errors import (
    DataMessage,
    FormulaError,
    MereValueError,
    MissingColumnError,
    RankDeficiencyMessage,
)
from mere.newdata import fixed_matrix, new_offset, random_at


def data(n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "x": rng.normal(size=n),
            "w": rng.uniform(1, 2, n),
            "f": pd.Categorical(rng.choice(list("abc"), n), ["a", "b", "c", "never"]),
            "g": rng.integers(1, 9, n),
            "s": rng.choice(["u", "v"], n),
        }
    )


def same(a: Design, b: Design) -> None:
    np.testing.assert_array_equal(a.X, b.X)
    np.testing.assert_array_equal(a.y, b.y)
    assert a.names == b.names
    for s, t in zip(a.random, b.random):
        np.testing.assert_array_equal(s.codes, t.codes)
        assert (s.levels, s.names, s.group) == (t.levels, t.names, t.group)


FORMULA = "y ~ x * f + (x | g) + (1 | s/f)"


def test_all_libraries_give_the_same_design() -> None:
    d = data()
    reference = build_design(FORMULA, d)
    enum = pl.from_pandas(d.assign(f=d.f.astype(str))).with_columns(pl.col("f").cast(pl.Enum(["a", "b", "c", "never"])))
    for table in (enum, pa.Table.from_pandas(d), {k: d[k] for k in d}, d.convert_dtypes()):
        same(reference, build_design(FORMULA, table))
    assert reference.X.flags.f_contiguous
    assert "fnever" not in reference.names


def test_the_data_is_not_touched() -> None:
    d = data()
    before = d.copy()
    design = build_design(FORMULA, d)
    pd.testing.assert_frame_equal(d, before)
    d["y"] = 0.0
    d.loc[:, "x"] = 0.0
    assert design.y.any()
    assert design.X[:, 1].any()
    arrays = {"y": np.ones(4), "x": np.arange(4.0), "z": np.arange(4.0)}
    frame = build_design("y ~ x + x:z", arrays).frame
    for name, array in arrays.items():
        array[:] = 7.0
        assert frame.variables[name][0] != 7.0


def test_row_order_changes_rows_only() -> None:
    d, order = data(), np.random.default_rng(2).permutation(40)
    a, b = build_design(FORMULA, d), build_design(FORMULA, d.iloc[order])
    np.testing.assert_array_equal(a.X[order], b.X)
    for s, t in zip(a.random, b.random):
        np.testing.assert_array_equal(s.codes[order], t.codes)
        assert s.levels == t.levels


def test_a_design_is_picklable() -> None:
    design = build_design("log(y + 9) ~ poly(x, 2) + f + cs(0 + f | g)", data())
    again = pickle.loads(pickle.dumps(design))
    same(design, again)
    new = data().iloc[:5]
    np.testing.assert_array_equal(fixed_matrix(design, new), fixed_matrix(again, new))


def test_rows_with_missing_values_go() -> None:
    d = data()
    d.loc[0, "y"] = np.nan
    d.loc[1, "f"] = None
    d["g"] = d["g"].astype("Int64")
    d.loc[2, "g"] = pd.NA
    d.loc[3, "w"] = np.nan
    d.loc[4, "s"] = None
    design = build_design("y ~ f + offset(x) + (1 | g) + (1 | s)", d, weights="w")
    assert design.n == 35
    assert design.frame.omitted.tolist() == [0, 1, 2, 3, 4]
    assert design.frame.rows is not None
    assert design.frame.rows.tolist() == list(range(5, 40))
    same(design, build_design("y ~ f + offset(x) + (1 | g) + (1 | s)", d.iloc[5:], weights="w"))
    with pytest.raises(MereValueError, match="missing values in y, f, g, s, weights"):
        build_design("y ~ f + (1 | g) + (1 | s)", d, weights="w", na_action="fail")
    with pytest.raises(MereValueError, match="no rows"):
        build_design("y ~ x", d.assign(y=np.nan))
    with pytest.raises(MereValueError, match="na_action"):
        build_design("y ~ x", d, na_action="pass")


@pytest.mark.parametrize(
    "subset",
    [
        "x > 0",
        "x > 0 & !is.na(x)",
        lambda d: d.x > 0,
        lambda d: (d.x > 0).to_numpy(),
        lambda d: np.flatnonzero(d.x > 0),
        lambda d: (d.x > 0).tolist(),
    ],
)
def test_subset(subset: Any) -> None:
    d = data()
    chosen = subset(d) if callable(subset) else subset
    same(build_design(FORMULA, d, subset=chosen), build_design(FORMULA, d[d.x > 0]))


def test_subset_comes_after_evaluation_as_in_r() -> None:
    d = data()
    design = build_design("y ~ scale(x)", d, subset="x > 0")
    expected = ((d.x - d.x.mean()) / d.x.std())[d.x > 0]
    np.testing.assert_allclose(design.X[:, 1], expected)


def test_weights_and_offsets() -> None:
    d = data()
    for weights in ("w", "w * 1", d.w, d.w.to_numpy(), d.w.tolist()):
        design = build_design("y ~ x", d, weights=weights, offset="log(w)")
        np.testing.assert_allclose(design.weights, d.w)
        np.testing.assert_allclose(design.offset, np.log(d.w))
    both = build_design("y ~ x + offset(w)", d, offset=np.ones(40))
    np.testing.assert_allclose(both.offset, d.w + 1)
    np.testing.assert_allclose(new_offset(both, d[:3]), d.w[:3])
    zero = build_design("y ~ x", d.assign(w=np.r_[0.0, 0.0, d.w[2:]]), weights="w")
    assert zero.n == 38
    assert zero.findings[0].kind is DataMessage
    for bad, text in ((-d.w, "negative"), (d.w[:3], "3"), (d.w / 0, "infinite"), (d.f, "numbers")):
        with pytest.raises((ValueError, TypeError), match=text):
            build_design("y ~ x", d, weights=bad)


def test_aliased_columns_are_dropped_with_a_message() -> None:
    d = data().assign(z=lambda d: 2 * d.x - 1)
    design = build_design("y ~ x + z + w + (1 | g)", d)
    assert design.names == ("(Intercept)", "x", "w")
    assert design.dropped == (2,)
    assert design.names_full[2] == "z"
    assert design.assign.tolist() == [0, 1, 3]
    finding = design.findings[0]
    assert finding.kind is RankDeficiencyMessage
    assert finding.names == ("z",)
    assert finding.message == ("fixed-effect model matrix is rank deficient so dropping 1 column / coefficient")
    assert fixed_matrix(design, d[:2]).shape == (2, 3)
    more = build_design("y ~ x + z + I(x + z) + w", d).findings[0].message
    assert more.endswith("dropping 2 columns / coefficients")


def test_full_rank_has_no_second_matrix() -> None:
    design = build_design("y ~ x + f", data())
    assert design.X is design.X_full
    assert design.findings == ()


@pytest.mark.parametrize(
    ("formula", "error", "text"),
    [
        ("y ~ nothing", MissingColumnError, "nothing"),
        ("y ~ x + (1 | G)", MissingColumnError, "did you mean 'g'"),
        ("~ x", FormulaError, "response"),
        ("y ~ system(x)", FormulaError, "no function system"),
        ("y ~ log(x, nothing = 2)", FormulaError, "no argument 'nothing'"),
        ("y ~ log(f)", TypeError, "factor"),
        ("y ~ f + x:log()", FormulaError, "log"),
        ("I(1/(x - x)) ~ f", MereValueError, "infinite"),
        ("y ~ I(1/(0 * x^2))", MereValueError, r"infinite.*I\(1/\(0 \* x\^2\)\)"),
        ("y ~ (I(1/(0 * x^2)) | g)", MereValueError, "infinite"),
        ("y ~ pi", MereValueError, "constant"),
        ("y ~ mean(x)", MereValueError, "constant"),
        ("y ~ c(1, 2)", MereValueError, "2 values"),
        ("y ~ poly(x, 100)", MereValueError, "distinct"),
        ("y ~ poly(g, 1e9)", MereValueError, "distinct"),
        ("y ~ bs(x, 1e9)", MereValueError, "df"),
        ("y ~ I(1:1e12)", MereValueError, "sequence"),
        ("y ~ cut(x, 1e12)", MereValueError, "intervals"),
        ("y ~ f > 'a'", TypeError, "unordered"),
        ("y ~ x + (0 | g)", MereValueError, "no columns"),
        ("y ~ toep(0 + f | g)", FormulaError, "toep"),
    ],
)
def test_errors(formula: str, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        build_design(formula, data())


def test_one_level_is_an_error_that_names_the_factor() -> None:
    with pytest.raises(MereValueError, match=r"'s' has 1 \(u\)"):
        build_design("y ~ s", data().assign(s="u"))


def test_the_users_functions_and_arrays() -> None:
    d = data()
    env = {"double": lambda x, by=2.0: by * x, "extra": np.arange(40.0), "k": 3}
    design = build_design("y ~ double(x) + double(x, by = 4) + extra + I(k * x^2)", d, env=env)
    np.testing.assert_allclose(design.X_full[:, 1:3], np.column_stack([2 * d.x, 4 * d.x]))
    np.testing.assert_allclose(design.X_full[:, 3], np.arange(40))
    assert design.names_full[1:] == ("double(x)", "double(x, by = 4)", "extra", "I(k * x^2)")


def test_responses() -> None:
    d = data()
    assert build_design("f ~ x", d).y.tolist() == (d.f != "a").astype(float).tolist()
    assert build_design("x > 0 ~ 1", d).y.tolist() == (d.x > 0).astype(float).tolist()
    two = build_design("cbind(g, 10 - g) ~ x", d)
    assert two.y.shape == (40, 2)
    assert two.response == "cbind(g, 10 - g)"


def test_intercept_only_terms_have_no_values() -> None:
    design = build_design("y ~ 1 + (1 | g) + (x || s)", data())
    assert [t.values is None for t in design.random] == [True, True, False]
    assert all(t.codes.dtype == np.int32 for t in design.random)


def test_groups_by_expression_and_type() -> None:
    d = data()
    a = build_design("y ~ (1 | g)", d).random[0]
    for formula in ("y ~ (1 | factor(g))", "y ~ g + (1 | g)", "y ~ (1 | as.character(g))"):
        b = build_design(formula, d).random[0]
        assert a.levels == b.levels
        np.testing.assert_array_equal(a.codes, b.codes)
    floats = build_design("y ~ (1 | g)", d.assign(g=d.g.astype(float))).random[0]
    assert floats.levels == a.levels
    crossed = build_design("y ~ (1 | f:s)", d).random[0]
    joined = build_design("y ~ (1 | paste(f, s, sep = ':'))", d).random[0]
    assert crossed.levels == joined.levels
    np.testing.assert_array_equal(crossed.codes, joined.codes)


def test_many_combinations_do_not_need_a_table() -> None:
    n = 300
    d = {
        "y": np.arange(n),
        "a": np.arange(n) % 97,
        "b": np.arange(n) % 299,
        "c": np.arange(n) % 101,
    }
    term = build_design("y ~ (1 | a:b:c)", d).random[0]
    labels = {f"{i % 97}:{i % 299}:{i % 101}" for i in range(n)}
    assert set(term.levels) == labels
    assert [term.levels[c] for c in term.codes] == [f"{i % 97}:{i % 299}:{i % 101}" for i in range(n)]


def test_structures_reach_the_terms() -> None:
    design = build_design("y ~ ar1(0 + f | g) + diag(x | s, hom = TRUE)", data())
    assert [(t.covariance.name, t.covariance.n_par) for t in design.random] == [
        ("ar1", 2),
        ("diag", 1),
    ]


def test_unseen_level_names_factor_and_level() -> None:
    design = build_design("y ~ f + (1 | g)", data())
    with pytest.raises(MereValueError, match=r"factor 'f' has new level 'zz'"):
        fixed_matrix(design, {"f": ["a", "zz"]})


def test_new_data_with_fewer_levels_and_missing_rows() -> None:
    d = data()
    design = build_design("y ~ f * x + (x | g)", d)
    new = {"f": ["b", None, "a"], "x": [1.0, 2.0, np.nan], "g": [3, 99, None]}
    X = fixed_matrix(design, new)
    assert X[0].tolist() == [1, 1, 0, 1, 1, 0]
    assert np.isnan(X[1:]).all()
    (term,) = random_at(design, new)
    assert term.labels.tolist() == ["3", "99", None]
    assert term.codes.tolist() == [design.random[0].levels.index("3"), -1, -1]
    assert term.values is not None
    np.testing.assert_array_equal(term.values[:2], [[1, 1], [1, 2]])


def test_transforms_keep_their_state_also_inside_others() -> None:
    d = data()
    for text in (
        "I(scale(x)^2)",
        "ns(scale(x), 3)",
        "poly(scale(x, scale = FALSE), 2)",
        "bs(w, 4)",
    ):
        design = build_design(f"y ~ {text} + (0 + scale(x) | g)", d)
        np.testing.assert_allclose(fixed_matrix(design, d[:7]), design.X[:7], atol=1e-12)
        (term,) = random_at(design, d[:7])
        np.testing.assert_allclose(term.values, design.random[0].values[:7], atol=1e-12)


def test_contrasts_argument() -> None:
    d = data()
    names = {
        "sum": ("f1", "f2"),
        "contr.helmert": ("f1", "f2"),
        "SAS": ("fa", "fb"),
        "poly": ("f.L", "f.Q"),
        ("treatment",): None,
    }
    for spec, expected in names.items():
        if expected is not None:
            assert matrix_of("~ f", d, contrasts={"f": spec}).names[1:] == expected
    base = matrix_of("~ f", d, contrasts={"f": ("treatment", {"base": 2})})
    assert base.names[1:] == ("fa", "fc")
    assert matrix_of("~ f", d, contrasts=("sum", "poly")).names[1:] == ("f1", "f2")
    frame = pd.DataFrame([[1.0], [0], [-1]], index=list("abc"), columns=["lin"])
    assert matrix_of("~ f", d, contrasts={"f": frame}).names[1:] == ("flin",)
    turned = matrix_of("~ f", d, contrasts={"f": frame.loc[list("cba")]})
    np.testing.assert_array_equal(turned.X, matrix_of("~ f", d, contrasts={"f": frame}).X)
    assert build_design("y ~ f", d, contrasts={"zz": "sum"}).findings[0].names == ("zz",)
    for bad in ("nothing", np.ones((2, 2)), np.ones((3, 2)), ("treatment", {"base": 7})):
        with pytest.raises(MereValueError, match="f"):
            matrix_of("~ f", d, contrasts={"f": bad})
