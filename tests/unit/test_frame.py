"""Tables of every library give the same columns."""

from __future__ import annotations

import inspect
import sys
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import mere
from mere.errors import MereTypeError, MereValueError, MissingColumnError
from mere.frame import Factor, Matrix, Text, as_factor, as_frame

VALUES: dict[str, list[Any]] = {
    "x": [1.5, None, -2.0, 4.0],
    "i": [3, 1, 2, 2],
    "b": [True, False, None, True],
    "t": [True, False, False, True],
    "s": ["b", "a", None, "B"],
}


def tables() -> dict[str, Any]:
    pandas = pd.DataFrame(VALUES)
    nullable = pandas.astype({"x": "Float64", "i": "Int64", "b": "boolean", "s": "string"})
    arrow = pd.DataFrame(VALUES).convert_dtypes(dtype_backend="pyarrow")
    objects = pd.DataFrame({k: pd.Series(v, dtype=object) for k, v in VALUES.items()})
    return {
        "dict": VALUES,
        "pandas": pandas,
        "nullable": nullable,
        "pandas on arrow": arrow,
        "objects": objects,
        "polars": pl.DataFrame(VALUES),
        "polars lazy": pl.DataFrame(VALUES).lazy(),
        "pyarrow": pa.table(VALUES),
        "chunked": pa.concat_tables([pa.table(VALUES).slice(0, 2), pa.table(VALUES).slice(2)]),
    }


@pytest.mark.parametrize("library", tables())
def test_columns_are_the_same_everywhere(library: str) -> None:
    frame = as_frame(tables()[library])
    assert frame.names == tuple(VALUES)
    assert frame.nrow == 4
    x, i, b, t, s = (frame.column(name) for name in VALUES)
    np.testing.assert_array_equal(x, [1.5, np.nan, -2.0, 4.0])
    np.testing.assert_array_equal(i, [3.0, 1.0, 2.0, 2.0])
    assert isinstance(i, np.ndarray)
    assert i.dtype == np.float64
    assert isinstance(b, np.ndarray)
    assert b.dtype == np.int8
    assert b.tolist() == [1, 0, -1, 1]
    assert isinstance(t, np.ndarray)
    assert t.dtype == bool
    assert isinstance(s, Text)
    assert s.levels == ("B", "a", "b")
    assert s.codes.tolist() == [2, 1, -1, 0]
    assert frame.factor("i").levels == ("1", "2", "3")
    assert frame.factor("b").levels == ("FALSE", "TRUE")


@pytest.mark.parametrize("ordered", [False, True])
def test_categories_keep_their_order(ordered: bool) -> None:
    levels = ["lo", "mid", "hi", "unused"]
    categorical = pd.Categorical(["hi", "lo", None], levels, ordered=ordered)
    frame = pd.DataFrame({"f": categorical})
    for table in (frame, pa.Table.from_pandas(frame), {"f": categorical}, {"f": frame["f"]}):
        factor = as_frame(table).column("f")
        assert isinstance(factor, Factor)
        assert (factor.levels, factor.codes.tolist()) == (tuple(levels), [2, 0, -1])
        assert factor.ordered is ordered
    enum = pl.DataFrame({"f": pl.Series(["hi", "lo", None], dtype=pl.Enum(levels))})
    factor = as_frame(enum).column("f")
    assert isinstance(factor, Factor)
    assert (factor.levels, factor.codes.tolist()) == (tuple(levels), [2, 0, -1])
    strings = pl.DataFrame({"f": pl.Series(["hi", "lo", None], dtype=pl.Categorical)})
    factor = as_frame(strings).column("f")
    assert isinstance(factor, Factor)
    assert (factor.levels, factor.codes.tolist()) == (("hi", "lo"), [0, 1, -1])


def test_number_categories_are_labelled_as_numbers() -> None:
    assert as_frame({"f": pd.Categorical([2.5, 1.0, 2.5])}).column("f").levels == ("1", "2.5")


def test_long_string_columns() -> None:
    rng = np.random.default_rng(1)
    strings = np.array(["b", "a", "ä", "Z", "aa"])[rng.integers(0, 5, 5000)]
    for table in (
        pd.DataFrame({"s": strings}),
        pd.DataFrame({"s": strings.astype(object)}),
        pl.DataFrame({"s": strings}),
        pa.table({"s": strings}),
        {"s": strings},
    ):
        factor = as_frame(table).column("s")
        assert isinstance(factor, Text)
        assert factor.levels == ("Z", "a", "aa", "b", "ä")
        assert factor.strings().tolist() == strings.tolist()


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ([10.0, 9.0, 10.0, np.nan], ("9", "10")),
        ([0.1, 0.1 + 1e-17, -2.0], ("-2", "0.1")),
        ([0.3, 0.1 + 0.2], ("0.3",)),
        ([1e6, 2.0], ("2", "1000000")),
        ([1e20, 1.0], ("1", "1e+20")),
        ([0.5, -0.5], ("-0.5", "0.5")),
    ],
)
def test_numbers_as_factor(values: list[float], levels: tuple[str, ...]) -> None:
    assert as_factor(np.array(values)).levels == levels


def test_large_integers_are_not_rounded() -> None:
    ids = np.array([2**60 + 1, 2**60, 2**60 + 1])
    for table in (pd.DataFrame({"g": ids}), pl.DataFrame({"g": ids}), {"g": ids}):
        assert as_frame(table).factor("g").levels == (str(2**60), str(2**60 + 1))


def test_errors_name_the_column() -> None:
    frame = as_frame(pd.DataFrame({"Days": [1], "when": pd.to_datetime(["2020-01-01"])}))
    with pytest.raises(MissingColumnError, match=r"'days'.*'Days'"):
        frame.column("days")
    with pytest.raises(KeyError):
        frame.column("nothing")
    with pytest.raises(MereTypeError, match="'when'"):
        frame.column("when")
    with pytest.raises(MereTypeError, match="pandas, polars"):
        as_frame(3)
    with pytest.raises(MereValueError, match="differ in length"):
        as_frame({"a": [1, 2], "b": [1]})
    with pytest.raises(MereValueError, match="more than one column"):
        as_frame(pd.DataFrame([[1, 2]], columns=["a", "a"])).column("a")
    with pytest.raises(MereTypeError, match="'o'"):
        as_frame({"o": [object(), object()]}).column("o")


def test_matrices_and_records() -> None:
    matrix = as_frame({"m": np.ones((3, 2))}).column("m")
    assert isinstance(matrix, Matrix)
    assert matrix.values.shape == (3, 2)
    record = np.array([(1.0, "a"), (2.0, "b")], dtype=[("x", float), ("s", "U1")])
    assert as_frame(record).column("s").levels == ("a", "b")


def test_no_library_is_imported() -> None:
    source = inspect.getsource(sys.modules["mere.frame"])
    imported = {line.split()[1] for line in source.splitlines() if "import " in line[:7]}
    assert not {"pandas", "polars", "pyarrow"} & imported


def test_columns_whose_names_are_numbers() -> None:
    frame = pd.DataFrame({0: [1.0, 2, 4], 1: [1.0, 2, 3]})
    np.testing.assert_array_equal(as_frame(frame).column("0"), frame[0])
    assert mere.lm("`0` ~ `1`", frame).beta == pytest.approx([-2 / 3, 1.5])
    with pytest.raises(MissingColumnError):
        as_frame(frame).column("2")


@pytest.mark.parametrize("fit", [mere.lm, lambda f, d: mere.lmer(f + " + (1 | g)", d), mere.lFormula])
def test_a_response_must_be_numbers(fit: Any) -> None:
    formula = "y ~ x + (1 | g)" if fit is mere.lFormula else "y ~ x"
    data = {"y": ["1.5", "a", "2", "3"] * 3, "x": np.arange(12.0), "g": list("aabbccddeeff")}
    with pytest.raises(MereValueError, match="text among its numbers: 'a'"):
        fit(formula, data)
    with pytest.raises(MereValueError, match="factor with the levels 'u', 'v'"):
        fit(formula, data | {"y": ["u", "v"] * 6})


def test_swapped_arguments_are_named() -> None:
    with pytest.raises(MereTypeError, match="it comes before the data"):
        mere.lmer(pd.DataFrame({"y": [1.0]}), "y ~ 1 + (1 | g)")


def test_one_column_of_a_matrix_is_a_response() -> None:
    data = {"y": [1.0, 2, 4, 3], "x": [0.0, 1, 2, 3]}
    assert mere.lm("scale(y) ~ x", data).beta[1] == pytest.approx(0.8 / np.std(data["y"], ddof=1))
    with pytest.raises(MereValueError, match="has 2 columns"):
        mere.lm("cbind(y, x) ~ x", data)


@pytest.mark.parametrize("fit", [mere.lmer, mere.glmer, mere.lFormula, mere.glFormula])
def test_controls_are_of_their_own_function(fit: Any) -> None:
    arguments = {} if fit in (mere.lmer, mere.lFormula) else {"family": "poisson"}
    other = mere.nlmerControl()
    for wrong in ({"optimizer": "bobyqa"}, other):
        with pytest.raises(MereTypeError, match=r"control must come from g?lmerControl\(\)"):
            fit("incidence ~ 1 + (1 | herd)", mere.datasets.cbpp, control=wrong, **arguments)


def test_reml_is_true_or_false() -> None:
    with pytest.raises(MereTypeError, match="REML"):
        mere.lmer("incidence ~ 1 + (1 | herd)", mere.datasets.cbpp, REML="yes")


def test_ranks_in_formulas() -> None:
    data = {"y": [1.0, 2, 4, 3], "x": [30.0, 10, 10, 99]}
    assert mere.model_matrix("~ rank(x)", data)["rank(x)"].to_list() == [3, 1.5, 1.5, 4]
