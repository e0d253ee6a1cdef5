"""Profiles and deletions of generalized mixed models against lme4 (r_parity/glmm_*.R)."""

import warnings

import numpy as np
import pandas as pd
import pytest

import mere
from mere.datasets import grouseticks

from .goldens import array, golden, table

PROFILES = {case["id"]: case for case in golden("whatif", "glmm_profiles")["cases"]}


def fit(case):
    data = table(case["data"]) if case["data"] != "grouse" else some_grouse()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mere.glmer(case["formula"], data, case["family"], nAGQ=case["nAGQ"])


def some_grouse() -> pd.DataFrame:
    first = grouseticks["LOCATION"].cat.categories[:12]
    return grouseticks[grouseticks["LOCATION"].isin(first)]


@pytest.mark.parametrize("name", PROFILES)
def test_intervals(name):
    gold = PROFILES[name]
    got = mere.confint(mere.profile(fit(gold)))
    assert sorted(got.index) == sorted(gold["names"])
    width = array(gold["upper"]) - array(gold["lower"])
    for side, want in ((0, gold["lower"]), (1, gold["upper"])):
        error = np.abs(got.loc[gold["names"]].iloc[:, side].to_numpy() - array(want)) / width
        assert (error < gold["tolerance"]).all(), dict(zip(gold["names"], error, strict=True))
