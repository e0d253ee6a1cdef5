"""The classic data sets: types, levels, laziness, provenance."""

import json
from pathlib import Path

import pandas as pd
import pytest

from mere import datasets
from mere.errors import MereKeyError

HERE = Path(datasets.__file__).parent


@pytest.mark.parametrize("name", datasets.NAMES)
def test_frame_is_what_the_manifest_says(name):
    manifest = json.loads((HERE / f"{name}.json").read_text())
    frame = datasets.load(name)
    assert len(frame) == manifest["rows"]
    assert list(frame) == list(manifest["columns"])
    assert not frame.isna().any().any()
    assert frame.attrs["name"] == name
    assert manifest["source"] and manifest["description"]
    for column, about in manifest["columns"].items():
        if about["type"] == "factor":
            assert list(frame[column].cat.categories) == about["levels"]
            assert frame[column].cat.ordered is about["ordered"]
        else:
            assert frame[column].dtype == {"integer": "int64", "float": "float64"}[about["type"]]


def test_known_values():
    sleep = datasets.sleepstudy
    assert sleep["Reaction"].sum() == pytest.approx(53731.42049999999, abs=1e-8)
    assert sleep.loc[0, "Reaction"] == 249.56
    assert list(datasets.cake["temperature"].cat.categories[:2]) == ["175", "185"]
    assert datasets.InstEval["dept"].cat.categories[0] == "15"  # R's order, not sorted


def test_every_access_is_fresh():
    first = datasets.Dyestuff
    first.loc[0, "Yield"] = -1.0
    assert datasets.Dyestuff.loc[0, "Yield"] == 1545.0
    assert isinstance(first, pd.DataFrame)


def test_names():
    assert set(datasets.NAMES) <= set(dir(datasets))
    with pytest.raises(MereKeyError, match="sleepstudy"):
        datasets.load("sleep")
    with pytest.raises(AttributeError):
        datasets.sleep  # noqa: B018


def test_nothing_is_kept_in_the_module():
    datasets.load("cake")
    assert not set(datasets.NAMES) & set(vars(datasets))
