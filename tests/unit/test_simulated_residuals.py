"""Residuals by simulation: uniform where the model is right, and tests that hold their level and find what is wrong."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import mere
from mere.assessment.simulated_residuals import SimulatedResiduals, rank_test, uniform_distances, uniform_ranks
from mere.errors import MereTypeError, MereValueError


@pytest.mark.parametrize("unit", [1.0, 1 / 7])
def test_ranks_are_uniform_also_for_counts(unit):
    rng = np.random.default_rng(1)
    values = rng.poisson(0.7, (4000, 20)) * unit
    u = uniform_ranks(values, rng)
    for column in (0, 7):
        assert stats.kstest(u[:, column], "uniform").pvalue > 0.01
    larger = values[:, :1] > values
    smaller = values[:, :1] < values
    assert (u[:, 0] >= larger.mean(axis=1) - 1e-12).all()  # beyond all that are below, before all that are above
    assert (u[:, 0] <= 1 - smaller.mean(axis=1) + 1e-12).all()


def test_distance_is_that_of_kolmogorov_and_smirnov():
    u = np.random.default_rng(2).random((57, 3))
    assert uniform_distances(u) == pytest.approx([stats.kstest(c, "uniform").statistic for c in u.T], abs=1e-14)


def test_rank_test_by_hand():
    values = np.array([5.0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert rank_test(values, "greater") == 0.6  # 5 itself, 5, 6, 7, 8, 9
    assert rank_test(values, "less") == 0.6
    assert rank_test(values, "two-sided") == 1.0
    with pytest.raises(MereValueError, match="alternative"):
        rank_test(values, "up")


def of(observed, simulated, predicted=0.0):
    n = len(observed)
    return SimulatedResiduals(
        pd.Series(np.full(n, 0.5)), np.asarray(observed, float), np.full(n, predicted), simulated, False, 1
    )


@pytest.mark.parametrize("kind", ["uniformity", "dispersion", "outliers", "zeros", "statistic"])
def test_levels(kind):
    """p <= 0.05 in at most 5 % of data sets from the very distribution that is simulated, rows dependent or not."""
    rng = np.random.default_rng(3)
    checks = {
        "uniformity": mere.check_residuals,
        "dispersion": mere.check_overdispersion,
        "outliers": mere.check_outliers,
        "zeros": mere.check_zeroinflation,
        "statistic": lambda s: mere.check_residuals(s, statistic=np.median),
    }
    hits = 0
    for _ in range(400):
        rate = np.exp(rng.normal(0, 0.8, (1, 60)))  # one for all 30 rows of a data set
        values = rng.poisson(rate, (30, 60)).astype(float)
        hits += checks[kind](of(values[:, 0], values[:, 1:], 1.4))["p_value"] <= 0.05
    assert hits <= 20 + 3 * np.sqrt(400 * 0.05 * 0.95)


def test_what_each_check_counts():
    simulated = np.array([[1.0, 2, 3], [4, 4, 4], [0, 0, 7]])
    s = of([5.0, 4.0, 0.0], simulated, 2.0)
    assert mere.check_outliers(s)["observed"] == 1  # 5 alone is beyond; ties are not
    assert mere.check_outliers(s)["expected"] == pytest.approx((1 + 0 + 1) / 3)  # 1 in the first row, 7 in the third
    zeros = mere.check_zeroinflation(s)
    assert (zeros["observed"], zeros["expected"], zeros["ratio"]) == (1, pytest.approx(2 / 3), pytest.approx(1.5))
    spread = mere.check_overdispersion(s)
    assert spread["observed"] == pytest.approx(np.var([3.0, 2.0, -2.0]))
    assert mere.check_residuals(s, statistic=np.sum, alternative="greater")["p_value"] == pytest.approx(2 / 4)


def counts(seed, n=300, size=None):
    rng = np.random.default_rng(seed)
    g = rng.integers(0, 30, n)
    x = rng.normal(size=n)
    mu = np.exp(0.3 + 0.5 * x + rng.normal(0, 0.4, 30)[g])
    y = rng.poisson(mu) if size is None else rng.negative_binomial(size, size / (size + mu))
    return pd.DataFrame({"y": y.astype(float), "x": x, "g": g.astype(str)})


def test_finds_overdispersion_and_zeros_of_a_mixed_model():
    good, bad = (mere.glmer("y ~ x + (1 | g)", counts(4, size=s), "poisson") for s in (None, 0.6))
    assert mere.check_overdispersion(mere.simulate_residuals(good, seed=1))["p_value"] > 0.1
    s = mere.simulate_residuals(bad, seed=1)
    assert mere.check_overdispersion(s)["ratio"] > 1.5
    assert mere.check_overdispersion(s)["p_value"] < 0.01
    assert mere.check_zeroinflation(s)["p_value"] < 0.01
    assert mere.check_residuals(s)["p_value"] < 0.01
    assert "dispersion" in repr(s)


def test_observed_and_predicted_are_those_of_the_model():
    from mere.datasets import cbpp, sleepstudy

    m = mere.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    s = mere.simulate_residuals(m, 40, seed=2)
    assert s.observed == pytest.approx(sleepstudy["Reaction"].to_numpy())
    assert s.predicted == pytest.approx(mere.fitted(m).to_numpy())
    assert s.simulated == pytest.approx(mere.simulate(m, 40, seed=2, use_u=True).to_numpy())
    drawn = mere.simulate_residuals(m, 40, seed=2, use_u=False)
    assert drawn.predicted == pytest.approx(mere.predict(m, re_form=False).to_numpy())
    assert drawn.simulated == pytest.approx(mere.simulate(m, 40, seed=2).to_numpy())
    herds = mere.glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, "binomial")
    s = mere.simulate_residuals(herds, 40, seed=2)
    assert s.observed == pytest.approx(cbpp["incidence"].to_numpy())
    assert s.predicted == pytest.approx(mere.fitted(herds).to_numpy() * cbpp["size"].to_numpy())
    assert mere.simulate_residuals(herds, 40, seed=2).scaled.equals(s.scaled)
    by = mere.simulate_residuals(herds, 40, seed=2, group="herd")
    expected = cbpp.groupby("herd", observed=True, sort=False)["incidence"].sum()
    assert by.to_frame()["observed"].to_dict() == expected.astype(float).to_dict()
    assert by.predicted.sum() == pytest.approx(s.predicted.sum())


def test_missing_rows_and_weights():
    d = counts(6)
    d.loc[[3, 50], "x"] = np.nan
    d["w"] = np.random.default_rng(1).uniform(0.5, 3, len(d))
    for fit in (mere.lm("y ~ x", d, weights="w", na_action="exclude"), mere.lm("y ~ x", d, weights="w")):
        s = mere.simulate_residuals(fit, 30, seed=1, group="g")
        assert s.observed.sum() == pytest.approx(d.drop([3, 50])["y"].sum())
        rows = mere.simulate_residuals(fit, 30, seed=1)
        assert len(rows.scaled) == 298
        assert 3 not in rows.scaled.index
        assert mere.residuals(rows, "normal").to_numpy() == pytest.approx(stats.norm.ppf(rows.scaled.to_numpy()))


def test_bad_arguments():
    m = mere.lm("y ~ x", counts(7))
    with pytest.raises(MereValueError, match="nsim"):
        mere.simulate_residuals(m, 0)
    with pytest.raises(MereValueError, match="no column"):
        mere.simulate_residuals(m, 20, group="zzz")
    with pytest.raises(MereValueError, match="a value for each"):
        mere.simulate_residuals(m, 20, group=[1, 2])
    with pytest.raises(MereTypeError, match="use_u"):
        mere.simulate_residuals(m, 20, use_u=True)
    s = mere.simulate_residuals(m, 20, seed=1)
    with pytest.raises(MereValueError, match="statistic="):
        mere.check_residuals(s, alternative="less")
    with pytest.raises(MereValueError, match="uniform"):
        mere.residuals(s, "pearson")
    with pytest.raises(MereTypeError, match="check_outliers"):
        mere.check_outliers(m)
