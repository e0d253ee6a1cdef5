"""The classic data sets, each as a fresh pandas DataFrame.

>>> from mere.datasets import sleepstudy
>>> sleepstudy.shape
(180, 3)
>>> import mere.datasets
>>> mere.datasets.load("cake")["temperature"].cat.ordered
True

Nothing is read, and pandas is not imported, before a data set is asked for.
Factors are `pandas.Categorical` with R's order of levels; ``df.attrs`` holds
``name``, ``description`` and ``source`` (where the numbers were first published).
"""

from __future__ import annotations

import csv
import gzip
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ..errors import MereKeyError

if TYPE_CHECKING:
    import pandas as pd

    sleepstudy: pd.DataFrame
    Dyestuff: pd.DataFrame
    Dyestuff2: pd.DataFrame
    Penicillin: pd.DataFrame
    Pastes: pd.DataFrame
    cake: pd.DataFrame
    cbpp: pd.DataFrame
    InstEval: pd.DataFrame
    grouseticks: pd.DataFrame
    VerbAgg: pd.DataFrame
    warpbreaks: pd.DataFrame
    Oats: pd.DataFrame
    pigs: pd.DataFrame
    fiber: pd.DataFrame
    nutrition: pd.DataFrame
    Orange: pd.DataFrame
    Theoph: pd.DataFrame
    Loblolly: pd.DataFrame

NAMES = (
    "sleepstudy",
    "Dyestuff",
    "Dyestuff2",
    "Penicillin",
    "Pastes",
    "cake",
    "cbpp",
    "InstEval",
    "grouseticks",
    "VerbAgg",
    "warpbreaks",
    "Oats",
    "pigs",
    "fiber",
    "nutrition",
    "Orange",
    "Theoph",
    "Loblolly",
)

__all__ = ["NAMES", "load", *NAMES]  # noqa: PLE0604


def load(name: str) -> pd.DataFrame:
    """Read a data set by its name; every call gives a new frame."""
    if name not in NAMES:
        raise MereKeyError(f"there is no data set {name!r}; there are {', '.join(NAMES)}")
    import pandas as pd

    here = files(__name__)
    manifest: dict[str, Any] = json.loads((here / f"{name}.json").read_text(encoding="utf-8"))
    content = (here / manifest["file"]).read_bytes()
    if manifest["file"].endswith(".gz"):
        content = gzip.decompress(content)
    rows = csv.reader(content.decode("ascii").splitlines())
    next(rows)
    data: dict[str, Any] = {}
    for values, (column, about) in zip(zip(*rows, strict=True), manifest["columns"].items(), strict=True):
        if about["type"] == "factor":
            code = {level: i for i, level in enumerate(about["levels"])}
            data[column] = pd.Categorical.from_codes(
                [code[value] for value in values], about["levels"], ordered=about["ordered"]
            )
        else:
            data[column] = [int(v) if about["type"] == "integer" else float(v) for v in values]
    frame = pd.DataFrame(data)
    frame.attrs = {key: manifest[key] for key in ("name", "description", "source")}
    return frame


def __getattr__(name: str) -> pd.DataFrame:
    if name in NAMES:
        return load(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
