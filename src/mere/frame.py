"""The only module that touches the user's data: any table → columns and factors.

`as_frame` wraps a pandas, polars or pyarrow table, or a mapping of arrays, without copying.
A column comes out as

* a float64 array (missing = NaN),
* a logical: a bool array, or int8 with -1 for missing where there are missing ones,
* a `Factor` (codes and levels), which is a `Text` when the column holds strings,
* a `Matrix` when the mapping holds a two-dimensional array.

None of the three libraries is imported here: an object of a library proves that it is loaded.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from .errors import MereTypeError, MereValueError, MissingColumnError
from .language.syntax import format_number

__all__ = ["Factor", "Frame", "Matrix", "Text", "as_factor", "as_frame", "factor_of"]


@dataclass(frozen=True, eq=False)
class Factor:
    """A categorical variable: R's factor.

    Attributes
    ----------
    codes : ndarray of int32
        The level of each row, -1 = missing.
    levels : tuple of str
    ordered : bool
    contrasts : object
        A coding bound to this factor by ``C(f, …)``; None = the default.
    """

    codes: np.ndarray
    levels: tuple[str, ...]
    ordered: bool = False
    contrasts: Any = None

    def __len__(self) -> int:
        return len(self.codes)

    def counts(self) -> np.ndarray:
        """How often each level occurs, after the number of missing ones; counted once."""
        found = self.__dict__.get("_counts")
        if found is None:
            found = np.bincount(self.codes + np.int32(1), minlength=len(self.levels) + 1)
            object.__setattr__(self, "_counts", found)
        return found

    def take(self, rows: np.ndarray) -> Factor:
        """The factor at these rows (indices or a mask), all levels kept."""
        return type(self)(self.codes[rows], self.levels, self.ordered, self.contrasts)

    def drop_unused(self) -> Factor:
        """The factor without the levels that do not occur; itself if all occur."""
        counts = self.counts()
        if np.count_nonzero(counts) == len(self.levels) + (counts[0] > 0):
            return self
        used = counts[1:] > 0
        new = np.cumsum(used, dtype=np.int32) - np.int32(1)
        codes = np.where(self.codes >= 0, new[self.codes], np.int32(-1)).astype(np.int32)
        levels = tuple(name for name, keep in zip(self.levels, used) if keep)
        return type(self)(codes, levels, self.ordered, self.contrasts)

    def strings(self) -> np.ndarray:
        """The rows as an object array of strings, None = missing."""
        return np.array([*self.levels, None], dtype=object)[self.codes]


class Text(Factor):
    """A character vector, coded; its levels are its distinct strings by code point."""


@dataclass(frozen=True, eq=False)
class Matrix:
    """A variable of several columns: ``poly(x, 2)``, ``cbind(a, b)``; n × k, Fortran order."""

    values: np.ndarray
    columns: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: np.ndarray) -> Matrix:
        """The matrix at these rows."""
        return Matrix(np.asfortranarray(self.values[rows]), self.columns)


class Frame:
    """A read-only view of a table; nothing is copied until a column is asked for."""

    names: tuple[str, ...]
    nrow: int
    row_names: Sequence[Any] | None = None

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def column(self, name: str) -> np.ndarray | Factor | Matrix:
        """A column as float64 (NaN = missing), logical, `Factor` or `Matrix`."""
        found = self.find(name)
        if found is None:
            lower = {n.lower(): n for n in self.names}
            near = [lower[n] for n in get_close_matches(name.lower(), lower, n=3, cutoff=0.6)]
            hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise MissingColumnError(f"the data has no column {name!r}{hint}")
        return found

    def find(self, name: str) -> np.ndarray | Factor | Matrix | None:
        """A column, None if there is none of that name."""
        return self._read(name) if name in self else None

    def factor(self, name: str) -> Factor:
        """A column as a factor, as R's ``factor()`` makes it."""
        return as_factor(self.column(name))

    def _read(self, name: str) -> np.ndarray | Factor | Matrix:
        raise NotImplementedError


def as_frame(data: Any) -> Frame:
    """Wrap the user's table.

    Parameters
    ----------
    data : DataFrame, Table, or mapping
        pandas, polars, pyarrow, or a mapping of names to arrays or lists.

    Examples
    --------
    >>> frame = as_frame({"y": [1, 2.5, None], "g": ["b", "a", "b"]})
    >>> frame.column("y"), frame.column("g").levels
    (array([1. , 2.5, nan]), ('a', 'b'))
    """
    if isinstance(data, Frame):
        return data
    library = type(data).__module__.partition(".")[0]
    if library == "pandas" and hasattr(data, "columns"):
        return _PandasFrame(data)
    if library == "polars" and (hasattr(data, "collect") or hasattr(data, "get_column")):
        return _PolarsFrame(data)
    if library == "pyarrow" and hasattr(data, "column_names"):
        return _ArrowFrame(data)
    if isinstance(data, np.ndarray) and data.dtype.names:
        return _MappingFrame({name: data[name] for name in data.dtype.names})
    if isinstance(data, Mapping):
        return _MappingFrame(data)
    if hasattr(data, "columns") and hasattr(data, "__getitem__"):
        return _MappingFrame({str(name): data[name] for name in data.columns})
    raise MereTypeError(f"data must be a pandas, polars or pyarrow table or a dict of columns, not {type(data)!r}")


class _PandasFrame(Frame):
    def __init__(self, data: Any):
        self._data = data
        self.nrow = len(data)
        self._names: tuple[str, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:  # type: ignore[override]
        if self._names is None:
            self._names = tuple(map(str, self._data.columns))
        return self._names

    @property
    def row_names(self) -> Sequence[Any] | None:  # type: ignore[override]
        index = self._data.index
        plain = type(index).__name__ == "RangeIndex" and index.start == 0 and index.step == 1
        return None if plain else index

    def __contains__(self, name: object) -> bool:
        return name in self._data.columns or name in self.names

    def find(self, name: str) -> np.ndarray | Factor | Matrix | None:
        try:
            return self._read(name)
        except KeyError:
            return None

    def _array(self, name: str) -> Any:
        """The array behind a column: a numpy array or an array of pandas."""
        columns = self._data.columns
        place = columns.get_loc(name) if name in columns else self._place(name)
        if not isinstance(place, int):
            raise MereValueError(f"the data has more than one column called {name!r}")
        quick = getattr(self._data, "_get_column_array", None)  # 30 times faster than data[name]
        return self._data.iloc[:, place].array if quick is None else quick(place)

    def _place(self, name: str) -> Any:
        """Where a column stands whose name is not text, such as 0."""
        places = [i for i, known in enumerate(self.names) if known == name]
        if not places:
            raise KeyError(name)
        return places[0] if len(places) == 1 else None

    def _read(self, name: str) -> np.ndarray | Factor | Matrix:
        array = self._array(name)
        if isinstance(array, np.ndarray) and array.dtype.kind in "fiub":
            return _from_numpy(array, name)
        return _from_pandas(array, name)

    def factor(self, name: str) -> Factor:
        if name not in self:
            self.column(name)
        array = self._array(name)
        if isinstance(array, np.ndarray) and array.dtype.kind in "iu":
            return _factor_of_integers(array)
        return as_factor(self._read(name))


class _MappingFrame(Frame):
    def __init__(self, data: Mapping[str, Any]):
        self._data = data
        self.names = tuple(map(str, data))
        sizes = {name: len(value) for name, value in data.items() if hasattr(value, "__len__")}
        lengths = {n for name, n in sizes.items() if not isinstance(data[name], str)}
        if len(lengths) > 1:
            raise MereValueError(f"the columns of the data differ in length: {sizes}")
        self.nrow = lengths.pop() if lengths else 0

    def _read(self, name: str) -> np.ndarray | Factor | Matrix:
        return _from_any(self._data[name], name)

    def factor(self, name: str) -> Factor:
        value = self._data.get(name)
        if isinstance(value, np.ndarray) and value.dtype.kind in "iu" and value.ndim == 1:
            return _factor_of_integers(value)
        return as_factor(self.column(name))


class _PolarsFrame(Frame):
    def __init__(self, data: Any):
        self._data = data.collect() if hasattr(data, "collect") else data
        self.names, self.nrow = tuple(self._data.columns), self._data.height

    def _read(self, name: str) -> np.ndarray | Factor | Matrix:
        return _from_polars(self._data.get_column(name), name)

    def factor(self, name: str) -> Factor:
        if name in self:
            series = self._data.get_column(name)
            if series.dtype.is_integer() and series.null_count() == 0:
                return _factor_of_integers(series.to_numpy())
        return as_factor(self.column(name))


class _ArrowFrame(Frame):
    def __init__(self, data: Any):
        self._data = data
        self.names, self.nrow = tuple(data.column_names), data.num_rows

    def _read(self, name: str) -> np.ndarray | Factor | Matrix:
        return _from_arrow(self._data.column(name), name)


def _from_any(value: Any, name: str) -> np.ndarray | Factor | Matrix:
    """A column of a mapping: whatever it is."""
    if isinstance(value, (Factor, Matrix)):
        return value
    library = type(value).__module__.partition(".")[0]
    if library == "pandas":
        return _from_pandas(value, name)
    if library == "polars":
        return _from_polars(value, name)
    if library == "pyarrow":
        return _from_arrow(value, name)
    if not isinstance(value, np.ndarray):
        mixed = isinstance(value, Sequence) and not isinstance(value, str) and None in value
        value = np.asarray(value, dtype=object) if mixed else np.asarray(value)
    return _from_numpy(value, name)


def _from_numpy(value: np.ndarray, name: str) -> np.ndarray | Factor | Matrix:
    kind = value.dtype.kind
    if kind not in "fiubOUST":
        raise MereTypeError(f"column {name!r} has type {value.dtype}: convert it to numbers, strings or categories")
    if value.ndim == 2 and kind in "fiub":
        return Matrix(np.asfortranarray(value, dtype=np.float64))
    if value.ndim != 1:
        raise MereValueError(f"column {name!r} has {value.ndim} dimensions")
    if kind == "b":
        return value
    if kind in "fiu":
        return value.astype(np.float64, copy=False)
    if np.ma.isMaskedArray(value):
        value = value.filled(None)
    return _from_objects(value.astype(object, copy=False), name)


def _from_objects(value: np.ndarray, name: str) -> np.ndarray | Factor:
    """An object column: numbers, logicals or strings, with None/NaN/NA as missing."""
    missing = np.fromiter((v is None or v != v or _is_na(v) for v in value), bool, len(value))
    kinds = {type(v) for v in value[~missing]}
    if kinds and all(issubclass(k, (bool, np.bool_)) for k in kinds):
        flags = np.zeros(len(value), dtype=np.int8)
        flags[~missing] = value[~missing].astype(bool)
        flags[missing] = -1
        return flags if missing.any() else flags.astype(bool)
    if all(issubclass(k, (int, float, np.number)) or hasattr(k, "__float__") for k in kinds):
        numbers = np.full(len(value), np.nan)
        numbers[~missing] = value[~missing].astype(np.float64)
        return numbers
    if not all(issubclass(k, (str, bool, int, float, np.generic)) for k in kinds):
        shown = ", ".join(sorted(k.__name__ for k in kinds))
        raise MereTypeError(f"column {name!r} holds objects that are no variable: {shown}")
    pandas = sys.modules.get("pandas")
    if pandas is not None and kinds == {str}:
        codes, uniques = pandas.factorize(value, sort=False)
        return _text(codes, [str(u) for u in uniques])
    return text_of([None if gone else str(v) for v, gone in zip(value, missing)])


def _is_na(value: object) -> bool:
    return type(value).__name__ in ("NAType", "NaTType")


def text_of(strings: Iterable[str | None]) -> Text:
    """A character vector from strings, None = missing."""
    table: dict[str, int] = {}
    codes = [-1 if s is None else table.setdefault(s, len(table)) for s in strings]
    return _text(np.asarray(codes, dtype=np.int64), list(table))


def factor_of(strings: Sequence[str | None], levels: Sequence[str], ordered: bool = False) -> Factor:
    """A factor with given levels; strings that are no level become missing."""
    table = {level: i for i, level in enumerate(levels)}
    codes = [-1 if s is None else table.get(s, -1) for s in strings]
    return Factor(np.asarray(codes, dtype=np.int32), tuple(levels), ordered)


def _text(codes: np.ndarray, uniques: list[str]) -> Text:
    """A `Text` from codes into unsorted distinct strings: the levels are sorted by code point."""
    order = sorted(range(len(uniques)), key=uniques.__getitem__)
    rank = np.empty(len(order) + 1, dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    rank[-1] = -1
    return Text(rank[codes], tuple(uniques[i] for i in order))


def _from_pandas(value: Any, name: str) -> np.ndarray | Factor | Matrix:
    """A pandas Series, Index or array, or a numpy array of objects out of a pandas table."""
    array = getattr(value, "array", value)
    dtype = array.dtype
    if hasattr(array, "categories") and hasattr(array, "codes"):
        codes = array.codes.astype(np.int32)
        return Factor(codes, _labels_of(array.categories), bool(array.ordered))
    if isinstance(dtype, np.dtype):
        return _from_numpy(np.asarray(array), name)
    if "dictionary" in str(dtype):
        return _from_arrow(array.__arrow_array__(), name)
    kind = dtype.kind
    if kind == "b":
        missing = np.asarray(array.isna())
        flags = array.fillna(False).to_numpy(dtype=bool)
        return np.where(missing, np.int8(-1), flags.astype(np.int8)) if missing.any() else flags
    if kind in "iuf":
        return array.to_numpy(dtype=np.float64, na_value=np.nan)
    if kind in "OU" or "str" in str(dtype):
        return _text_of_pandas(array)
    raise MereTypeError(f"column {name!r} has type {dtype}: convert it to numbers, strings or categories")


def _text_of_pandas(array: Any) -> Text:
    """A string array of pandas; short ones and those of arrow without the detour of factorize."""
    if getattr(array.dtype, "storage", "") == "pyarrow":
        column = array.__arrow_array__()
        if len(column) <= _SHORT:
            return text_of(column.to_pylist())
        return _from_arrow(column, "")  # type: ignore[return-value]
    codes, uniques = sys.modules["pandas"].factorize(array, sort=False)
    return _text(codes, [str(u) for u in uniques])


_SHORT = 2000


_LABELS: dict[int, tuple[weakref.ref[Any], tuple[str, ...]]] = {}  # by id of an index, while the index lives


def _labels_of(categories: Any) -> tuple[str, ...]:
    """The categories of pandas as strings; remembered, since an index does not change."""
    key = id(categories)
    known = _LABELS.get(key)
    if known is not None and known[0]() is categories:
        return known[1]
    array = categories.array
    if getattr(array.dtype, "storage", "") == "pyarrow":
        labels = tuple(array.__arrow_array__().to_pylist())
    else:
        labels = tuple(map(_label, categories.tolist()))
    _LABELS[key] = (weakref.ref(categories, lambda _: _LABELS.pop(key, None)), labels)
    return labels


def _from_polars(series: Any, name: str) -> np.ndarray | Factor:
    dtype = series.dtype
    kind = type(dtype).__name__ if not isinstance(dtype, type) else dtype.__name__
    if kind == "Boolean":
        flags = series.cast(_polars().Int8).fill_null(-1).to_numpy()
        return flags if series.null_count() else flags.astype(bool)
    if dtype.is_numeric():
        return series.cast(_polars().Float64).fill_null(float("nan")).to_numpy()
    if kind == "Enum":
        levels, codes = dtype.categories.to_list(), series.to_physical()
    elif kind in ("String", "Utf8", "Categorical"):
        series = series.cast(_polars().String)
        levels = sorted(series.drop_nulls().unique().to_list())
        codes = series.cast(_polars().Enum(levels)).to_physical()
    else:
        raise MereTypeError(f"column {name!r} has type {dtype}: convert it to numbers, strings or categories")
    codes = codes.cast(_polars().Int32).fill_null(-1).to_numpy()
    return (Text if kind in ("String", "Utf8") else Factor)(codes, tuple(levels))


def _polars() -> Any:
    return sys.modules["polars"]


def _from_arrow(column: Any, name: str) -> np.ndarray | Factor:
    kind = str(column.type)
    if kind.startswith(("dictionary", "string", "large_string", "string_view")):
        is_text = not kind.startswith("dictionary")
        column = column.dictionary_encode() if is_text else column
        if hasattr(column, "unify_dictionaries"):
            column = column.unify_dictionaries().combine_chunks()
        if hasattr(column, "num_chunks"):
            column = column.chunk(0)
        codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
        levels = [_label(v) for v in column.dictionary.to_pylist()]
        if is_text:
            return _text(codes, levels)
        return Factor(codes, tuple(levels), bool(column.type.ordered))
    if hasattr(column, "combine_chunks"):
        column = column.combine_chunks()
    if kind == "bool":
        flags = column.cast("int8").fill_null(-1).to_numpy(zero_copy_only=False)
        return flags if column.null_count else flags.astype(bool)
    if kind.startswith(("int", "uint", "float", "double", "halffloat", "decimal")):
        values = column.cast("float64").to_numpy(zero_copy_only=False)
        return np.asarray(values, dtype=np.float64)
    raise MereTypeError(f"column {name!r} has type {kind}: convert it to numbers, strings or categories")


def _label(value: Any) -> str:
    """The text of a category as R would print it."""
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, np.bool_)):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (float, np.floating)):
        return format_number(float(value))
    return str(value)


def as_factor(value: np.ndarray | Factor | Matrix) -> Factor:
    """R's ``factor(x)``: numbers sorted numerically, strings by code point.

    Whole numbers are labelled as such, 100000 and never 1e+05, whatever their type: integers with
    missing values are floats in numpy and pandas, and their labels must not change by that.

    Examples
    --------
    >>> as_factor(np.array([10.0, 2.0, 10.0, np.nan])).levels
    ('2', '10')
    """
    if isinstance(value, Factor):
        if type(value) is Text:
            return Factor(value.codes, value.levels)
        return value
    if isinstance(value, Matrix):
        if value.values.shape[1] != 1:
            raise MereValueError("a matrix cannot be used as a factor")
        value = value.values[:, 0]
    if value.dtype == bool:
        return Factor(value.astype(np.int32), ("FALSE", "TRUE")).drop_unused()
    if value.dtype == np.int8:
        return Factor(value.astype(np.int32), ("FALSE", "TRUE")).drop_unused()
    missing = np.isnan(value)
    if not missing.any() and len(value) and np.abs(value).max() < 2**53:
        whole = value.astype(np.int64)
        if (whole == value).all():
            return _factor_of_integers(whole)
    levels, inverse = np.unique(value[~missing], return_inverse=True)
    codes = np.full(len(value), -1, dtype=np.int32)
    codes[~missing] = inverse
    names = [format_number(float(v)) for v in levels]
    return _merge_equal_names(codes, names)


def _merge_equal_names(codes: np.ndarray, names: list[str]) -> Factor:
    """Numbers that print alike (15 digits) are one level, as in R."""
    if len(set(names)) == len(names):
        return Factor(codes, tuple(names))
    distinct = list(dict.fromkeys(names))
    place = {name: i for i, name in enumerate(distinct)}
    new = np.array([place[n] for n in names] + [-1], dtype=np.int32)
    return Factor(new[codes], tuple(distinct))


def _factor_of_integers(value: np.ndarray) -> Factor:
    """A factor of whole numbers: by counting where their range allows, else by sorting."""
    if not len(value):
        return Factor(np.empty(0, dtype=np.int32), ())
    low, high = int(value.min()), int(value.max())
    if high - low <= 4 * len(value) + 1000:
        shifted = value - low if low else value
        present = np.zeros(high - low + 1, dtype=bool)
        present[shifted] = True
        levels = np.flatnonzero(present) + low
        rank = np.cumsum(present, dtype=np.int32)
        rank -= 1
        codes = rank[shifted]
    else:
        levels, inverse = np.unique(value, return_inverse=True)
        codes = inverse.astype(np.int32)
    return Factor(codes, tuple(map(str, levels.tolist())))
