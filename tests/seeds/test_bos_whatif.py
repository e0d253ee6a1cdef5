"""Rows BOS-18 and BOS-47 of the checklist: predictions and profiles of mixed models."""

import numpy as np
import pandas as pd
import pytest

import mere
from mere import datasets

pytestmark = pytest.mark.filterwarnings("ignore::mere.errors.SingularFitMessage")
CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"


def test_bos_18_conditional_means_are_covered():
    """Standard errors of X b + Z u hold the predicted effects' uncertainty: coverage over data sets and rows."""
    rng, inside, tried = np.random.default_rng(18), 0, 0
    g = np.repeat(np.arange(15), 8)
    for _ in range(500):
        x = rng.normal(size=120)
        truth = 1 + 0.5 * x + rng.normal(size=15)[g]
        d = pd.DataFrame({"y": truth + rng.normal(size=120), "x": x, "g": g.astype(str)})
        found = mere.predict(mere.lmer("y ~ x + (1 | g)", d), se_fit=True)
        inside += int((np.abs(np.asarray(found.fit) - truth) <= 1.96 * np.asarray(found.se_fit)).sum())
        tried += 120
    assert 0.93 <= inside / tried <= 0.97


def test_intervals_of_glmer_by_bootstrap():
    m = mere.glmer(CBPP, datasets.cbpp, "binomial")
    table = mere.confint(m, method="boot", nsim=200, seed=1)
    assert list(table.index) == ["sd_(Intercept)|herd", *m.design.names]
    assert (table.iloc[:, 0] < table.iloc[:, 1]).all()
    named = mere.confint(m, ".sig01", method="boot", nsim=100, seed=1)
    assert len(named) == 1


def test_bos_47_profile_intervals_of_glmer():
    m = mere.glmer(CBPP, datasets.cbpp, "binomial")
    table = mere.confint(m)
    assert list(table.index) == ["sd_(Intercept)|herd", *m.design.names]
    assert table.iloc[0].to_numpy() == pytest.approx([0.34607, 1.09997], abs=1e-3)
    assert table.loc["(Intercept)"].to_numpy() == pytest.approx([-1.90121, -0.94775], abs=1e-3)
    estimates = np.concatenate([m.theta, m.beta])
    assert ((table.iloc[:, 0] < estimates) & (estimates < table.iloc[:, 1])).all()


def test_bos_47_a_variance_that_may_be_zero():
    d = pd.DataFrame({"y": [3, 1, 2, 4, 2, 3, 2, 1, 3, 2, 4, 2], "g": [*"aaabbbcccddd"]})
    m = mere.glmer("y ~ 1 + (1 | g)", d, "poisson")
    assert mere.confint(m, "theta_").iloc[0, 0] == 0


def test_bootstrap_comparison_of_generalized_models():
    large = mere.glmer(CBPP, datasets.cbpp, "binomial")
    small = mere.glmer("cbind(incidence, size - incidence) ~ 1 + (1 | herd)", datasets.cbpp, "binomial")
    found = mere.PBmodcomp(large, small, nsim=100, seed=1)
    assert found.test.loc["LRT", "stat"] == pytest.approx(25.610, abs=1e-2)
    assert found.test.loc["PBtest", "p.value"] < 0.05
    assert np.isfinite(found.ref).all()
    assert found.ref.mean() == pytest.approx(3, abs=1)  # about chi-squared with three degrees of freedom
    alone = mere.glm("cbind(incidence, size - incidence) ~ period", datasets.cbpp, "binomial")
    assert mere.PBmodcomp(large, alone, nsim=30, seed=1).test.loc["LRT", "df"] == 1
