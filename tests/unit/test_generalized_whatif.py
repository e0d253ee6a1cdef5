"""Deletions, refits, optimizers, simulations and the bootstrap of generalized mixed models."""

import os
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest

import mere
from mere.datasets import cbpp, grouseticks
from mere.errors import BootstrapWarning, MereValueError
from mere.inference.deletion import group_units, refit_without
from mere.inference.generalized_deletion import _without

from ..parity.goldens import table

CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"


@pytest.fixture(scope="module")
def herds():
    return mere.glmer(CBPP, cbpp, "binomial")


@pytest.fixture(scope="module")
def counts():
    return mere.glmer("count ~ x + offset(log(e)) + (x | g) + (1 | h)", table("glmm_crossed"), "poisson")


# -- deletions --------------------------------------------------------------------------
def test_a_row_without_weight_is_a_row_left_out(counts):
    """The likelihood of the rest, whichever way the row goes: with crossed factors, and a level that becomes empty."""
    for units in (group_units(counts, "g"), group_units(counts, "h")):
        for i in (0, 4):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                slow, fast = refit_without(counts, units.rows(i)), _without(counts, units.rows(i))
            assert len(slow.design.y) == 300 - len(units.rows(i))
            assert fast.criterion == pytest.approx(slow.criterion, abs=1e-7)
            np.testing.assert_allclose(fast.beta, slow.beta, atol=1e-5)
            np.testing.assert_allclose(fast.theta, slow.theta, atol=1e-4)


def test_a_dispersion_counts_the_rows_that_are_left():
    d = table("glmm_times")
    m = mere.glmer("time ~ x + (1 | g)", d, mere.families.Gamma("log"))
    i = mere.influence(m, "g")
    out = d["g"].cat.categories[0] if hasattr(d["g"], "cat") else i.fixed_deleted.index[0]
    part = d[d["g"] != out]
    again = mere.glmer("time ~ x + (1 | g)", part, mere.families.Gamma("log"))
    np.testing.assert_allclose(i.fixed_deleted.loc[str(out)], again.beta, atol=1e-5)
    np.testing.assert_allclose(np.sqrt(np.diag(i.vcov_deleted[0])), np.sqrt(np.diag(mere.vcov(again))), rtol=1e-4)


def test_influence_is_the_same_on_any_number_of_threads(herds):
    one, two = mere.influence(herds, ncpus=1), mere.influence(herds, ncpus=2)
    pd.testing.assert_frame_equal(one.to_frame(), two.to_frame())
    assert list(one.var_cov_deleted) == ["sd_(Intercept)|herd"]
    assert list(mere.dfbeta(one, "var_cov")) == ["sd_(Intercept)|herd"]


def test_a_deletion_that_determines_nothing_says_so():
    d = cbpp.assign(first=(cbpp["herd"] == "1") * 1.0)
    m = mere.glmer("cbind(incidence, size - incidence) ~ first + (1 | herd)", d, "binomial")
    with pytest.warns(BootstrapWarning, match="1 refits failed, the first \\(1\\): the rows that are left"):
        i = mere.influence(m, "herd")
    assert i.fixed_deleted.loc["1"].isna().all()
    assert i.fixed_deleted.drop("1").notna().all(axis=None)


def test_distances_without_random_effects_are_those_of_a_linear_model():
    linear = mere.glm("none ~ x", table("glmm_edges"), "poisson")
    control = mere.glmerControl(optimizer=None)
    start = {"theta": [0.0], "fixef": linear.beta}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m = mere.glmer("none ~ x + (1 | g)", table("glmm_edges"), "poisson", start=start, control=control)
    np.testing.assert_allclose(mere.cooks_distance(m), mere.cooks_distance(linear), rtol=1e-5)
    np.testing.assert_allclose(mere.rstudent(m), mere.rstudent(linear), rtol=1e-5)


def test_jackknife_by_weights_is_that_by_rows(herds):
    fast = mere.jackknife(herds)
    slow = mere.jackknife(herds, FUN=mere.fixef)
    np.testing.assert_allclose(fast.values[list(slow.values)], slow.values, atol=1e-6)


# -- refits -------------------------------------------------------------------------------
def test_many_responses_are_each_refitted(herds, counts):
    for m in (herds, counts):
        y = mere.simulate(m, 5, seed=3)
        many = mere.refit(m, y)
        frame = many.to_frame()
        labels = [f"sim_{i}" for i in range(1, 6)]
        assert list(frame.index) == labels and not len(many.failures)
        for i, name in enumerate(labels):
            alone = mere.refit(m, y[name])
            assert frame["logLik"].iloc[i] == pytest.approx(float(mere.logLik(alone)), abs=1e-7)
            np.testing.assert_allclose(frame[list(m.design.names)].iloc[i], alone.beta, atol=1e-5)
        np.testing.assert_allclose(many[4].beta, frame.iloc[4, -len(m.beta) :].astype(float), atol=1e-5)
        pd.testing.assert_frame_equal(mere.refit(m, y, ncpus=2).to_frame(), mere.refit(m, y, ncpus=1).to_frame())


def test_pairs_of_counts_are_one_response(herds):
    pair = np.column_stack([cbpp["incidence"][::-1] * 0 + 1, cbpp["size"] - 1])
    np.testing.assert_allclose(mere.refit(herds, pair).beta, mere.refit(herds, np.ones(56)).beta)
    with pytest.raises(MereValueError, match="two columns that do not add up"):
        mere.refit(herds, np.ones((56, 2)))
    assert len(mere.refit(herds, pd.DataFrame({"a": np.ones(56), "b": np.arange(56) % 2}))) == 2
    with pytest.raises(MereValueError):
        mere.refit(herds, np.full((56, 3), -1.0))


def test_simulated_pairs_go_back_into_the_fit(herds):
    y = mere.simulate(herds, 3, seed=2)
    assert y.columns.tolist()[:2] == [("sim_1", "incidence"), ("sim_1", "size - incidence")]
    np.testing.assert_array_equal(y["sim_2"].sum(axis=1), cbpp["size"])
    one, many = mere.refit(herds, y["sim_2"]), mere.refit(herds, y)
    assert list(many.to_frame().index) == ["sim_1", "sim_2", "sim_3"]
    np.testing.assert_allclose(many[1].beta, one.beta, atol=1e-6)
    np.testing.assert_allclose(mere.refit(herds, y["sim_2"]["incidence"]).beta, one.beta, atol=1e-10)
    with pytest.raises(MereValueError, match="two levels"):
        mere.refit(herds, y.iloc[:, :3])
    weighted = mere.glmer(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, "binomial", weights=[2.0] * 56
    )
    again = mere.refit(weighted, cbpp["incidence"])
    assert again.criterion == pytest.approx(weighted.criterion, abs=1e-7)
    drawn = mere.simulate(weighted, 1, seed=1)["sim_1"]
    np.testing.assert_array_equal(drawn.sum(axis=1), cbpp["size"])  # weights are not trials


def test_a_factor_as_another_response():
    d = mere.datasets.VerbAgg[lambda t: t["id"].isin(t["id"].unique()[:40])]
    m = mere.glmer("r2 ~ Anger + (1 | id)", d, "binomial")
    np.testing.assert_allclose(mere.refit(m, d["r2"]).beta, m.beta, atol=1e-5)
    flipped = d["r2"].map({"N": "Y", "Y": "N"})
    np.testing.assert_allclose(mere.refit(m, flipped).beta, -m.beta, atol=1e-4)
    with pytest.raises(MereValueError, match="'maybe'"):
        mere.refit(m, d["r2"].astype(str).replace("Y", "maybe"))


# -- optimizers ---------------------------------------------------------------------------
def test_all_optimizers(counts):
    a = mere.allFit(counts, ["auto", "nloptwrap", "L-BFGS-B"])
    s = a.summary()
    assert s.which_OK.all()
    assert (s.llik.max() - s.llik < 1e-6).all()
    assert list(s.sdcor) == ["sd_(Intercept)|g", "sd_x|g", "cor_x.(Intercept)|g", "sd_(Intercept)|h"]
    np.testing.assert_allclose(s.fixef.loc["nloptwrap"], counts.beta, atol=1e-4)
    assert s.theta.shape == (3, 4)
    fresh = mere.allFit(counts, ["auto", "nloptwrap"], start_from_mle=False).to_frame()
    np.testing.assert_allclose(fresh["logLik"], float(mere.logLik(counts)), atol=1e-5)


# -- simulations --------------------------------------------------------------------------
def test_new_data_that_are_the_old_ones(herds, counts):
    for m, data in ((herds, cbpp), (counts, table("glmm_crossed"))):
        for arguments in ({"use_u": True}, {"re_form": None}):
            want = mere.simulate(m, 2, seed=7, **arguments)
            np.testing.assert_array_equal(mere.simulate(m, 2, seed=7, newdata=data, **arguments), want)
        assert mere.simulate(m, 2, seed=7, newdata=data).shape == want.shape


def test_moments_at_new_data(counts):
    new = {"x": np.zeros(6), "e": np.full(6, 2.0), "g": ["new"] * 3 + ["other"] * 3, "h": ["h1"] * 6}
    y = mere.simulate(counts, 4000, seed=5, newdata=new)
    variance = counts.theta[0] ** 2 + counts.theta[3] ** 2
    mean = 2.0 * np.exp(counts.beta[0] + variance / 2)  # of a lognormal mean
    error = y.to_numpy().mean(axis=0).std(ddof=1) / np.sqrt(4000)
    assert abs(y.to_numpy().mean() - mean) < 5 * error
    within = np.cov(y.iloc[0], y.iloc[1])[0, 1]
    across = np.cov(y.iloc[0], y.iloc[3])[0, 1]
    m2 = mean**2
    assert within == pytest.approx(m2 * (np.exp(variance) - 1), rel=0.25)
    assert across == pytest.approx(m2 * (np.exp(counts.theta[3] ** 2) - 1), abs=0.1)


def test_trials_at_new_data(herds):
    new = cbpp.iloc[:4]
    with pytest.raises(MereValueError, match="number of trials"):
        mere.simulate(herds, 1, newdata=new[["herd", "period"]])
    trials = {"weights": [5, 6, 7, 8], "use_u": True}
    both = mere.simulate(herds, 200, seed=1, newdata=new[["herd", "period"]], **trials)
    y = both.xs("incidence", axis=1, level=1)
    np.testing.assert_array_equal(y + both.xs("size - incidence", axis=1, level=1), np.tile([[5], [6], [7], [8]], 200))
    assert (y.max(axis=1).to_numpy() <= [5, 6, 7, 8]).all() and y.max().max() > 3
    given = mere.simulate(herds, 200, seed=1, newdata=new.assign(size=[5, 6, 7, 8], incidence=0), use_u=True)
    np.testing.assert_array_equal(given, both)
    with pytest.raises(MereValueError, match="weights= goes with newdata"):
        mere.simulate(herds, 1, weights=3)
    with pytest.raises(MereValueError, match="new levels"):
        mere.simulate(herds, 1, newdata=new.assign(herd="77"), use_u=True)


def test_new_parameters(herds):
    zero = mere.simulate(herds, 300, seed=1, newparams={"beta": [0.0] * 4, "theta": [0.0]})
    successes = zero.xs("incidence", axis=1, level=1)
    assert successes.sum().sum() / (300 * cbpp["size"].sum()) == pytest.approx(0.5, abs=0.01)


def test_formulas_without_a_fit(herds):
    """The moments of what is drawn are those of the family, given random effects of a known variance."""
    n = 4000
    new = {"x": np.tile([0.0, 1.0], n), "g": np.repeat([f"g{i}" for i in range(n)], 2)}
    params = {"beta": [0.2, 0.5], "theta": [0.4]}
    y = mere.simulate("~ x + (1 | g)", new, params, seed=1, family="poisson")["sim_1"].to_numpy().reshape(n, 2)
    means = np.exp(np.array([0.2, 0.7]) + 0.08)
    np.testing.assert_allclose(y.mean(axis=0), means, rtol=0.05)
    assert np.cov(y.T)[0, 1] == pytest.approx(means.prod() * (np.exp(0.16) - 1), rel=0.25)
    trials = mere.simulate("~ x + (1 | g)", new, params, seed=1, family="binomial", weights=np.full(2 * n, 9.0))
    assert trials["sim_1"].max() == 9 and set(np.unique(trials)) <= set(range(10))
    times = mere.simulate("~ 1 + (1 | g)", new, {"beta": [0.0], "theta": [0.0], "sigma": 0.5}, seed=2,
                          family=mere.families.Gamma("log"))["sim_1"]  # fmt: skip
    assert times.mean() == pytest.approx(1.0, abs=0.03) and times.var() == pytest.approx(0.25, rel=0.1)
    with pytest.raises(MereValueError, match="sigma"):
        mere.simulate("~ 1 + (1 | g)", new, {"beta": [0.0], "theta": [0.0]}, family=mere.families.Gamma("log"))


def test_linear_models_at_new_data():
    m = mere.glm("breaks ~ wool + tension", mere.datasets.warpbreaks, "poisson")
    np.testing.assert_array_equal(
        mere.simulate(m, 2, seed=4, newdata=mere.datasets.warpbreaks), mere.simulate(m, 2, seed=4)
    )
    b = mere.glm("cbind(incidence, size - incidence) ~ period", cbpp, "binomial")
    y = mere.simulate(b, 50, seed=1, newdata={"period": ["1", "4"]}, weights=30)
    assert y.xs("incidence", axis=1, level=1).loc[0].mean() == pytest.approx(30 * b.fit.mu[0], rel=0.15)


# -- the bootstrap ------------------------------------------------------------------------
def test_replicates_do_not_depend_on_the_pool(herds):
    one = mere.bootMer(herds, nsim=24, seed=8, ncpus=1).t
    for arguments in ({"ncpus": 2}, {"parallel": "no"}, {"parallel": "processes", "ncpus": 2}, {}):
        pd.testing.assert_frame_equal(mere.bootMer(herds, nsim=24, seed=8, **arguments).t, one, check_exact=True)
    y = mere.simulate(herds, 3, seed=8)
    np.testing.assert_allclose(one.iloc[2, 1:], mere.refit(herds, y["sim_3"]).beta, atol=1e-6)
    own = mere.bootMer(herds, mere.fixef, nsim=5, seed=8).t
    np.testing.assert_allclose(own, one.iloc[:5, 1:], atol=1e-6)


def test_kept_random_effects(herds):
    b = mere.bootMer(herds, mere.fitted, nsim=60, seed=1, use_u=True)
    spread = b.t.std()
    free = mere.bootMer(herds, mere.fitted, nsim=60, seed=1).t.std()
    assert spread.mean() < 0.9 * free.mean()
    y = mere.simulate(herds, 1, seed=1, use_u=True)["sim_1"]
    np.testing.assert_allclose(b.t.iloc[0], mere.fitted(mere.refit(herds, y)), atol=1e-6)


def test_moments_of_the_bootstrap(herds):
    """Medians near the estimates and spreads near the standard errors; responses without a case in period 4 are far."""
    b = mere.bootMer(herds, nsim=400, seed=4)
    se = np.sqrt(np.diag(mere.vcov(herds)))
    quartiles = b.t.quantile([0.25, 0.5, 0.75]).iloc[:, 1:]
    np.testing.assert_allclose((quartiles.loc[0.75] - quartiles.loc[0.25]) / 1.349, se, rtol=0.2)
    assert (np.abs(quartiles.loc[0.5] - herds.beta) < 0.2 * se).all()
    ci = mere.confint(b, "beta_", type="bca")
    assert (ci.iloc[:, 0] < herds.beta).all() and (ci.iloc[:, 1] > herds.beta).all()


def test_checkpoints(herds, tmp_path):
    file = os.fspath(tmp_path / "b.npz")
    whole = mere.bootMer(herds, nsim=40, seed=2).t
    mere.bootMer(herds, nsim=15, seed=2, checkpoint=file)
    pd.testing.assert_frame_equal(mere.bootMer(herds, nsim=40, seed=2, checkpoint=file).t, whole, check_exact=True)
    with pytest.raises(MereValueError, match="another run"):
        mere.bootMer(herds, nsim=40, seed=2, use_u=True, checkpoint=file)


def test_results_are_pickled(herds):
    for thing in (mere.influence(herds, "herd"), mere.bootMer(herds, nsim=4, seed=1), mere.profile(herds, "period2")):
        assert type(pickle.loads(pickle.dumps(thing))) is type(thing)


def test_wrong_arguments(herds):
    with pytest.raises(MereValueError, match="parametric"):
        mere.bootMer(herds, type="semiparametric")
    with pytest.raises(MereValueError, match="use_u=True keeps"):
        mere.bootMer(herds, use_u=True, re_form="~ (1 | herd)")
    with pytest.raises(MereValueError, match="nsim"):
        mere.bootMer(herds, nsim=0)
    m = mere.glmer("TICKS ~ 1 + (1 | BROOD)", grouseticks, "poisson")
    with pytest.raises(mere.errors.MereKeyError, match="no variable"):
        mere.influence(m, "nothing")
