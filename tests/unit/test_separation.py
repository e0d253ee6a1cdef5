"""Outcomes that predictors or random effects separate: said with the name, and soon."""

import warnings

import numpy as np
import pandas as pd
import pytest

import mere
from mere import families
from mere.errors import ConvergenceWarning, SingularFitMessage


def test_separation_is_named():
    rng = np.random.default_rng(5)
    d = pd.DataFrame({"g": np.repeat(np.arange(10), 10), "x": rng.normal(size=100)})
    d["y"] = (d.x > 0).astype(float)
    with pytest.warns(ConvergenceWarning, match="'x' separates the outcomes"):
        mere.glmer("y ~ x + (1 | g)", d, "binomial")
    with pytest.warns(ConvergenceWarning, match="numerically 0 or 1"):
        mere.glm("y ~ x", d, "binomial")


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog", "cauchit"])
@pytest.mark.parametrize("formula", ["y ~ t + (1 | g)", "y ~ t + x + (x | g)"])
def test_a_level_without_failures_is_given_up_early(link, formula):
    rng = np.random.default_rng(5)
    d = pd.DataFrame({"g": np.repeat(np.arange(20), 10), "t": np.tile(list("abcde"), 40), "x": rng.normal(size=200)})
    d["y"] = np.where(d.t == "c", 1, rng.binomial(1, 0.5, 200)).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SingularFitMessage)
        with pytest.warns(ConvergenceWarning, match="'tc' separates the outcomes"):
            m = mere.glmer(formula, d, families.binomial(link))
    assert m.optinfo.feval < 260
    others = mere.glmer(formula, d[d.t != "c"], families.binomial(link))  # what the level does not tell about
    assert m.criterion == pytest.approx(others.criterion, abs=1e-3)


def test_a_level_of_zero_counts_is_named():
    rng = np.random.default_rng(5)
    d = pd.DataFrame({"g": np.repeat(np.arange(20), 10), "t": np.tile(list("abcde"), 40)})
    d["c"] = np.where(d.t == "c", 0, rng.poisson(np.exp(rng.normal(size=20)[d.g]))).astype(float)
    with pytest.warns(ConvergenceWarning, match="40 fitted counts are 0: 'tc' separates"):
        mere.glmer("c ~ t + (1 | g)", d, "poisson")


@pytest.mark.parametrize("formula", ["y ~ x + t + (1 | g)", "y ~ t + (1 | g) + (1 | h)"])
def test_curvature_that_vanishes_is_no_error(formula):
    rng = np.random.default_rng(11)
    n = rng.integers(4, 30) * (m := rng.integers(2, 12))
    d = pd.DataFrame({"g": np.arange(n) // m, "x": rng.normal(size=n), "t": rng.choice(list("abcd"), n)})
    d["h"], d["y"] = rng.integers(0, 5, n), 0.0
    d.loc[d.index[d.t != "b"][3], "y"] = 1.0  # one event
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SingularFitMessage)
        with pytest.warns(ConvergenceWarning, match="separates"):
            fit = mere.glmer(formula, d, families.binomial("probit"))
    assert np.isfinite(fit.RX).all()
