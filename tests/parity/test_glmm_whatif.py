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


DELETIONS = {case["id"]: case for case in golden("whatif", "glmm_influence")["cases"]}


def close(got, want, tol):
    got = np.asarray(got, dtype=float)
    want = np.array(want, dtype=float).reshape(got.shape)
    error = np.abs(got - want).max(axis=0) / np.abs(want).max(axis=0)
    assert (error <= tol).all(), error


@pytest.mark.parametrize("name", DELETIONS)
def test_deletions(name):
    case = DELETIONS[name]
    m = fit(case)
    i = mere.influence(m, case["groups"])
    rows, tol = len(case["cooks"]), case["tolerance"]
    close(mere.dfbeta(i).iloc[:rows], case["dfbeta"], tol)
    close(mere.dfbetas(i).iloc[:rows], case["dfbetas"], tol)
    close(mere.cooks_distance(i).iloc[:rows], case["cooks"], 2 * tol)
    close(i.var_cov_deleted.iloc[:rows], case["theta"], tol)  # random intercepts: theta is their standard deviation
    if "loose" in case:  # lme4's own influence(), which stops early
        close(mere.dfbeta(i), case["loose"], 1e-2)
    if case["groups"] is not None:
        assert [str(label) for label in case["deleted"]] == list(i.fixed_deleted.index)
