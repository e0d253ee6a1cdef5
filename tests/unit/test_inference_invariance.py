"""Tests of effects do not depend on units of measurement, rounding, or what the data say nothing of."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import mere

from ..parity.goldens import table


def test_bootstrap_of_a_variance_leaves_zeros_out() -> None:
    """On the boundary a ratio is zero up to rounding, about half of them: which sign it has decides nothing."""
    d = table("few_groups").copy()
    d["y"] = np.random.default_rng(4).normal(size=len(d))
    large, small = mere.lmer("y ~ x + (1 | g) + (1 | a)", d, REML=False), mere.lmer("y ~ x + (1 | g)", d, REML=False)
    c = mere.PBmodcomp(large, small, nsim=200, seed=2)
    zero = np.abs(c.ref) < 1e-7
    assert 60 < zero.sum() < 180
    assert c.used == (c.ref > 1e-7).sum()
    noise = np.where(zero, np.random.default_rng(5).normal(size=200) * 1e-10, c.ref)
    again = mere.PBmodcomp(large, small, ref=noise)
    np.testing.assert_allclose(again.summary, c.summary, rtol=1e-9)
    assert f"Requested samples: 200 Used samples: {c.used} Extremes: {c.extremes}" in str(c)


@pytest.mark.parametrize("formula", ["y ~ a + x + (1 | a / g)", "y ~ a * x + (1 | g) + (1 | a)"])
def test_variance_of_a_fixed_factor(formula: str) -> None:
    """The restricted likelihood says nothing of it: Kenward and Roger's method takes it as known."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m = mere.lmer(formula, table("few_groups"))
        found = mere.anova(m, ddf="Kenward-Roger").table
        slopes = mere.summary(m, ddf="Kenward-Roger").coefficients.loc["x"]
        plain = mere.lmer(formula.replace("(1 | a / g)", "(1 | a:g)").replace(" + (1 | a)", ""), table("few_groups"))
        want = mere.summary(plain, ddf="Kenward-Roger").coefficients.loc["x"]
    assert (found["F value"] >= 0).all()
    assert ((found["DenDF"] > 0.1) & (found["DenDF"] < 40)).all()
    np.testing.assert_allclose(slopes, want, rtol=1e-4)


@pytest.mark.parametrize("scale", [1e-7, 1e5, 1e9])
@pytest.mark.parametrize("zero", [False, True])
def test_units_of_the_response(zero: bool, scale: float) -> None:
    """Degrees of freedom have no units; where the variance of the groups is zero they are those of the residuals."""
    frame = table("few_groups").copy()
    y = np.asarray(frame["y"], float)
    if zero:
        y = np.random.default_rng(1).normal(size=len(y))
    tables = []
    for unit in (1.0, scale):
        frame["y"] = y * unit
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            m = mere.lmer("y ~ a + x + (1 | g)", frame)
            tables.append(np.append(mere.summary(m).coefficients["df"], mere.anova(m).table["DenDF"]))
    assert mere.isSingular(m) == zero
    np.testing.assert_allclose(tables[1], tables[0], rtol=1e-5)
    if zero:
        np.testing.assert_allclose(tables[1], len(y) - 4, rtol=1e-5)


@pytest.mark.parametrize("scale", [1e-7, 1e7])
@pytest.mark.parametrize("random", ["(t | g)", "(1 | g) + (0 + t | g)", "(t | g) + (1 | a)"])
def test_units_of_a_covariate_with_random_slopes(random: str, scale: float) -> None:
    rng = np.random.default_rng(6)
    frame = table("few_groups").copy()
    g, t = np.asarray(frame["g"]).astype(int) - 1, rng.normal(size=len(frame))
    y = rng.normal(size=len(t)) + rng.normal(size=6)[g] + (1 + rng.normal(size=6)[g]) * t
    frame["y"] = y + 0.7 * rng.normal(size=3)[pd.Categorical(frame["a"]).codes]
    tables = []
    for unit in (1.0, scale):
        frame["t"] = t * unit
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            m = mere.lmer(f"y ~ t + x + {random}", frame, weights="w")
            tables.append(mere.summary(m).coefficients["df"])
    np.testing.assert_allclose(tables[1], tables[0], rtol=1e-4)
