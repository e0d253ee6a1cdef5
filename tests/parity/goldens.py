"""Reading the goldens: cases, their data, and the comparison of vectors.

A golden vector is a list, or for long ones ``{length, head, sum, sumsq}``.
"""

from __future__ import annotations

import functools
import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mere import datasets

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


@functools.cache
def golden(folder: str, name: str) -> dict[str, Any]:
    return json.loads((FIXTURES / folder / f"{name}.json").read_text(encoding="utf-8"))


def names(folder: str) -> list[str]:
    return sorted(path.stem for path in (FIXTURES / folder).glob("*.json"))


@functools.cache
def table(name: str) -> pd.DataFrame:
    """A data set of mere, or a table of fixtures/data with the types of its JSON."""
    if name in datasets.NAMES:
        return datasets.load(name)
    about = json.loads((FIXTURES / "data" / f"{name}.json").read_text(encoding="utf-8"))
    content = (FIXTURES / "data" / about["file"]).read_bytes()
    if about["file"].endswith(".gz"):
        content = gzip.decompress(content)
    raw = pd.read_csv(io.BytesIO(content), dtype="str", keep_default_na=False)
    data: dict[str, Any] = {}
    for column, kind in about["columns"].items():
        values = [value if value != "" else None for value in raw[column]]
        if kind["type"] == "factor":
            data[column] = pd.Categorical(values, categories=kind["levels"], ordered=kind["ordered"])
        elif kind["type"] == "string":
            data[column] = values
        elif kind["type"] == "boolean":
            data[column] = [value == "TRUE" for value in values]
        elif kind["type"] == "integer" and None not in values:
            data[column] = [int(value) for value in values]
        else:
            data[column] = [np.nan if value is None else float(value) for value in values]
    frame = pd.DataFrame(data)
    frame.attrs["name"] = name
    return frame


def array(values: Any) -> np.ndarray:
    """A list with nulls for NaN, as float64."""
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def assert_close(got: Any, want: Any, tol: float, scale: Any = None, what: str = "") -> None:
    """|got - want| <= tol * scale; by default the scale is the largest |want|. NaN equals NaN."""
    got = np.asarray(got, dtype=float).ravel()
    if isinstance(want, dict):
        assert got.size == want["length"], f"{what}: {got.size} values, R has {want['length']}"
        head = array(want["head"])
        typical = np.sqrt(want["sumsq"] / want["length"])
        assert_close(got[: head.size], head, tol, max(typical, np.nanmax(np.abs(head))), what)
        assert_close([np.nansum(got)], [want["sum"]], tol, typical * want["length"], f"sum of {what}")
        assert_close([np.nansum(got**2)], [want["sumsq"]], 2 * tol, want["sumsq"], f"squares of {what}")
        return
    want = array(want)
    assert got.shape == want.shape, f"{what}: {got.size} values, R has {want.size}"
    if want.size == 0:
        return
    if scale is None:
        scale = max(np.nanmax(np.abs(want), initial=0.0), 1e-300)
    both = np.isnan(got) & np.isnan(want)
    error = np.where(both, 0.0, np.abs(got - want)) / np.where(np.asarray(scale) == 0, 1e-300, scale)
    worst = int(np.argmax(np.where(np.isnan(error), np.inf, error)))
    assert error.flat[worst] <= tol, (
        f"{what}[{worst}]: {got[worst]!r}, R has {want[worst]!r}; "
        f"error {error.flat[worst]:.2e} of scale, allowed {tol:.0e}"
    )
