"""Reading the formula goldens of R: tables and cases of ``fixtures/formula``."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from mere.frame import Factor, text_of

FIXTURES = Path(__file__).parents[2] / "fixtures" / "formula"


@cache
def load(name: str) -> dict[str, Any]:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def table(columns: dict[str, Any]) -> dict[str, Any]:
    return {name: _column(c) for name, c in columns.items()}


def _column(c: dict[str, Any]) -> Any:
    if c["kind"] in ("factor", "ordered"):
        codes = np.array(c["codes"], dtype=np.int32)
        return Factor(codes, tuple(c["levels"]), c["kind"] == "ordered")
    if c["kind"] == "text":
        return text_of(c["values"])
    if c["kind"] == "logical":
        return np.array(c["values"], dtype=bool)
    return np.array([np.nan if v in (None, "NA") else v for v in c["values"]], dtype=np.float64)


def cases(name: str) -> list[dict[str, Any]]:
    return load(name)["cases"]


def listed(value: Any) -> list[Any]:
    """jsonlite unboxes vectors of length one."""
    return [] if value is None or value == {} else value if isinstance(value, list) else [value]


def numbers(value: Any) -> np.ndarray:
    return np.array([np.nan if v in (None, "NA", "NaN") else v for v in listed(value)], dtype=float)
