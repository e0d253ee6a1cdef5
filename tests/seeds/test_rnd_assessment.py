"""Rows RND-30 and RND-34 of the checklist: shares of variance, dispersion, concordance, and diagnostics."""

import json
import math

import numpy as np
import pandas as pd
import pytest

import mere
from mere import datasets, families
from mere.accessors.blocks import random_design, relative_covariance
from mere.errors import DataMessage, MereTypeError, MereValueError

from ..parity.goldens import FIXTURES

pytestmark = pytest.mark.filterwarnings("ignore::mere.errors.SingularFitMessage")
GOLDEN = json.loads((FIXTURES / "assessment.json").read_text(encoding="utf-8"))
WARP, SLEEP = datasets.warpbreaks, datasets.sleepstudy
CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"


# -- RND-30 ------------------------------------------------------------------------------
@pytest.mark.parametrize(("link", "latent"), [("logit", math.pi**2 / 3), ("probit", 1.0), ("cloglog", math.pi**2 / 6)])
def test_rnd_30_latent_variances_of_binomial_models(link, latent):
    m = mere.glmer(CBPP, datasets.cbpp, families.binomial(link))
    tau2 = float(m.theta[0] ** 2)
    assert mere.icc(m)["ICC_adjusted"] == pytest.approx(tau2 / (tau2 + latent), rel=1e-12)
    assert mere.icc(m)["ICC_adjusted"] == pytest.approx(GOLDEN[link]["icc"]["adjusted"], abs=1e-6)
    assert mere.r2(m)["R2_marginal"] == pytest.approx(GOLDEN[link]["r2"]["marginal"], abs=1e-6)


def test_rnd_30_counts_have_log_of_one_plus_one_over_lambda():
    m = mere.glmer("TICKS ~ YEAR + cHEIGHT + (1 | BROOD)", datasets.grouseticks, "poisson")
    null = mere.glmer("TICKS ~ 1 + (1 | BROOD)", datasets.grouseticks, "poisson")
    tau2 = float(m.theta[0] ** 2)
    for at, exponent in (("mean", null.beta[0] + null.theta[0] ** 2 / 2), ("median", null.beta[0])):
        expected = tau2 / (tau2 + math.log1p(math.exp(-exponent)))
        assert mere.icc(m, at=at)["ICC_adjusted"] == pytest.approx(expected, rel=1e-6)
    assert mere.icc(m, at="median")["ICC_adjusted"] == pytest.approx(GOLDEN["poisson"]["icc"]["adjusted"], abs=1e-6)
    published = GOLDEN["poisson"]["published"]["icc"]["lognormal"]
    assert mere.icc(m)["ICC_adjusted"] == pytest.approx(published, abs=1e-6)


def test_rnd_30_gamma_and_negative_binomial_as_published():
    from mere.assessment.variances import distribution_variance

    gamma, nb = families.Gamma("log"), families.negative_binomial(2.0)
    assert distribution_variance(gamma, 0.4, 3.0) == pytest.approx(math.log(1.4))
    assert distribution_variance(gamma, 0.4, 3.0, "delta") == pytest.approx(0.4)
    assert distribution_variance(gamma, 0.5, 3.0, "trigamma") == pytest.approx(math.pi**2 / 6 - 1)  # psi'(2)
    assert distribution_variance(nb, 1.0, 4.0) == pytest.approx(math.log(1 + 1 / 4 + 1 / 2))
    assert distribution_variance(families.poisson("sqrt"), 1.0, 7.0) == pytest.approx(0.25)
    assert distribution_variance(families.negative_binomial(2.0, "sqrt"), 1.0, 6.0) == pytest.approx(0.25 * (1 + 6 / 2))
    assert distribution_variance(families.binomial(), 1.0, 0.3, "delta") == pytest.approx(1 / (0.3 * 0.7))


def test_rnd_30_an_exposure_does_not_depend_on_its_unit():
    """Counts with an offset: minutes or hours of exposure, the same intraclass correlation."""
    rng = np.random.default_rng(30)
    g = np.repeat(np.arange(15), 8)
    hours = rng.uniform(1, 5, 120)
    y = rng.poisson(hours * np.exp(0.2 + 0.6 * rng.normal(size=15)[g]))
    d = pd.DataFrame({"y": y, "h": hours, "min": 60 * hours, "g": g.astype(str)})
    a, b = (mere.icc(mere.glmer(f"y ~ 1 + offset(log({t})) + (1 | g)", d, "poisson")) for t in ("h", "min"))
    assert b.to_numpy() == pytest.approx(a.to_numpy(), rel=1e-5)


@pytest.mark.parametrize("formula", ["Reaction ~ Days + (Days | Subject)", "Reaction ~ Days + (Days || Subject)"])
def test_rnd_30_random_slopes_by_the_mean_of_the_diagonal(formula):
    m = mere.lmer(formula, SLEEP)
    U = (random_design(m.design.random) @ relative_covariance(m.design.random, m.theta)).toarray()
    expected = m.sigma**2 * np.trace(U @ U.T) / 180
    assert mere.get_variance(m)["var.random"] == pytest.approx(expected, rel=1e-12)
    fixed = np.var(m.design.X @ m.beta, ddof=1)
    total = fixed + expected + m.sigma**2
    assert mere.r2(m).to_list() == pytest.approx([(fixed + expected) / total, fixed / total], rel=1e-12)


def test_rnd_30_of_models_without_random_effects():
    line = mere.lm("breaks ~ wool + tension", WARP)
    assert mere.r2(line)["R2"] == pytest.approx(1 - line.rss / ((WARP["breaks"] - WARP["breaks"].mean()) ** 2).sum())
    with pytest.raises(MereTypeError, match="icc"):
        mere.icc(line)
    gaussian = mere.glm("breaks ~ wool + tension", WARP, "gaussian")
    assert mere.r2(gaussian).to_list() == pytest.approx(mere.r2(line).to_list(), rel=1e-9)


@pytest.mark.filterwarnings("ignore::mere.errors.MereWarning")
def test_rnd_30_r2_at_its_edges():
    """No intercept: all measures are relative to the offset alone. A response that does not vary has none."""
    counts = np.random.default_rng(3).poisson(3.0, 40)
    d = pd.DataFrame({"y": counts, "x": np.linspace(0, 1, 40), "one": 1.0})
    found = mere.r2(mere.glm("y ~ 0 + x", d, "poisson"))
    bare = -2 * float(mere.logLik(mere.glm("y ~ 0 + x", d, "poisson")))
    from scipy.stats import poisson

    assert found["R2_McFadden"] == pytest.approx(1 - bare / (-2 * poisson.logpmf(counts, 1.0).sum()), rel=1e-8)
    assert (found > 0).all()
    assert np.isnan(mere.r2(mere.glm("y ~ 0 + x", d.assign(y=d["y"] + 1.0), families.Gamma("log")))["R2_McFadden"])
    flat = mere.r2(mere.glm("one ~ x", d, "binomial"))
    assert np.isnan(flat["R2_Nagelkerke"])
    assert np.isnan(mere.auc(mere.glm("one ~ x", d, "binomial")))


def test_rnd_30_dispersion_and_its_errors():
    m = mere.glm("breaks ~ wool * tension", WARP, "poisson", epsilon=1e-14)
    found, expected = mere.check_overdispersion(m), GOLDEN["glm_poisson"]["overdispersion"]
    assert found.to_dict() == pytest.approx(expected, rel=1e-8)
    high = WARP.assign(high=(WARP["breaks"] > 26).astype(float))
    with pytest.raises(MereValueError, match="zeros and ones"):
        mere.check_overdispersion(mere.glm("high ~ wool", high, "binomial"))
    with pytest.raises(MereValueError, match="dispersion of its own"):
        mere.check_overdispersion(mere.glm("breaks ~ wool", WARP, families.Gamma("log")))
    with pytest.raises(MereValueError, match="binomial models"):
        mere.auc(m)
    with pytest.raises(MereValueError, match="approximation"):
        mere.icc(mere.lmer("Reaction ~ Days + (1 | Subject)", SLEEP), approximation="exact")
    with pytest.raises(MereValueError, match="at must be"):
        mere.r2(mere.lmer("Reaction ~ Days + (1 | Subject)", SLEEP), at="mode")


def test_rnd_30_concordance_counts_pairs():
    rng = np.random.default_rng(31)
    d = pd.DataFrame({"x": rng.integers(0, 6, 80).astype(float), "size": rng.integers(1, 6, 80)})
    d["s"] = rng.binomial(d["size"], 1 / (1 + np.exp(-(d["x"] - 3) / 2)))
    m = mere.glm("cbind(s, size - s) ~ x", d, "binomial")
    up, down = (np.repeat(d["x"], k).to_numpy() for k in (d["s"], d["size"] - d["s"]))
    pairs = up[:, None] - down[None, :]
    assert mere.auc(m) == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)), rel=1e-12)


# -- RND-34 ------------------------------------------------------------------------------
def test_rnd_34_inflation_is_that_of_regressions_on_the_others():
    rng = np.random.default_rng(34)
    d = pd.DataFrame(rng.normal(size=(60, 3)), columns=list("abc"))
    d["c"] += 0.8 * d["a"] - 0.5 * d["b"]
    d["y"] = d["a"] + rng.normal(size=60)
    found = mere.vif(mere.lm("y ~ a + b + c", d))
    for term in "abc":
        others = " + ".join(sorted(set("abc") - {term}))
        assert found[term] == pytest.approx(1 / (1 - mere.r2(mere.lm(f"{term} ~ {others}", d))["R2"]), rel=1e-8)


@pytest.mark.parametrize("codes", ["treatment", "sum", "helmert"])
def test_rnd_34_generalized_inflation_does_not_depend_on_the_coding(codes):
    d = WARP.drop(index=[0, 1, 2, 30, 50])
    m = mere.lm("breaks ~ wool + tension", d, contrasts={"wool": codes, "tension": codes})
    plain = mere.vif(mere.lm("breaks ~ wool + tension", d))
    assert mere.vif(m).to_numpy() == pytest.approx(plain.to_numpy(), rel=1e-9)
    assert (plain["GVIF"] > 1).all()


def test_rnd_34_diagnostics_are_rs():
    m, expected = mere.lm("breaks ~ wool + tension", WARP), GOLDEN["factors"]
    assert mere.vif(m)["GVIF"].to_numpy() == pytest.approx(expected["vif"]["GVIF"], rel=1e-8)
    for kind, studentize in (("studentized", True), ("plain", False)):
        want = expected["bp"][kind]
        found = mere.bptest(m, studentize=studentize)
        assert found.to_list() == pytest.approx([want["BP"], want["df"], want["p"]], rel=1e-8)
    runs = mere.runs_test(m)
    assert runs["statistic"] == pytest.approx(expected["runs"]["two.sided"]["statistic"], rel=1e-8)
    assert mere.cooks_distance(m).to_numpy() == pytest.approx(expected["cook"], rel=1e-8)
    standardized = mere.standardize_parameters(m)["Std_Coefficient"].to_numpy()
    assert standardized == pytest.approx(expected["standardized"]["value"], rel=1e-8, abs=1e-12)


def test_rnd_34_standardized_coefficients_are_those_of_standardized_columns():
    d = SLEEP.assign(y=(SLEEP["Reaction"] - SLEEP["Reaction"].mean()) / SLEEP["Reaction"].std())
    d["x"] = (d["Days"] - d["Days"].mean()) / d["Days"].std()
    refit = mere.lm("y ~ x", d)
    found = mere.standardize_parameters(mere.lm("Reaction ~ Days", SLEEP)).loc["Days"]
    assert found["Std_Coefficient"] == pytest.approx(refit.beta[1], rel=1e-10)
    assert found["Std_Error"] == pytest.approx(np.sqrt(mere.vcov(refit).loc["x", "x"]), rel=1e-10)
    two = mere.standardize_parameters(mere.lm("Reaction ~ Days", SLEEP), two_sd=True).loc["Days"]
    assert two["Std_Coefficient"] == pytest.approx(2 * found["Std_Coefficient"])


def test_rnd_34_breusch_pagan_keeps_its_level_and_finds_what_there_is():
    rng, hits = np.random.default_rng(35), {0.0: 0, 1.0: 0}
    for _ in range(400):
        x = rng.normal(size=60)
        for slope in hits:
            d = pd.DataFrame({"x": x, "y": x + rng.standard_t(6, size=60) * np.exp(slope * x / 2)})
            hits[slope] += mere.bptest(mere.lm("y ~ x", d))["p_value"] <= 0.05
    assert hits[0.0] / 400 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 400)
    assert hits[1.0] / 400 > 0.5


def test_rnd_34_runs():
    assert mere.runs_test([1, 1, -1, -1, 1, -1])[["runs", "n1", "n2"]].to_list() == [4, 3, 3]
    x = np.linspace(-2, 2, 40)
    d = pd.DataFrame({"x": x, "y": x**2 + 0.2 * np.random.default_rng(36).normal(size=40)}).sample(
        frac=1, random_state=1
    )
    m = mere.lm("y ~ x", d)
    assert mere.runs_test(m, order="x", alternative="less")["p_value"] < 1e-4
    assert mere.runs_test(m, order=d["x"]).equals(mere.runs_test(m, order="x"))
    assert mere.runs_test(m)["p_value"] > 0.01
    # every arrangement of 4 and 4 signs: the standardized number of runs has mean 0 and variance 1
    from itertools import combinations

    z = [mere.runs_test([1 if i in c else -1 for i in range(8)])["statistic"] for c in combinations(range(8), 4)]
    assert np.mean(z) == pytest.approx(0, abs=1e-12)
    assert np.var(z) == pytest.approx(1, rel=1e-12)
    for bad, message in (
        ({"order": "z"}, "no column"),
        ({"order": [1, 2]}, "2 values"),
        ({"alternative": "up"}, "alternative"),
    ):
        with pytest.raises(MereValueError, match=message):
            mere.runs_test(m, **bad)


def test_rnd_34_errors_of_diagnostics():
    with pytest.raises(MereValueError, match="two besides the intercept"):
        mere.vif(mere.lm("breaks ~ wool", WARP))
    with pytest.warns(DataMessage, match="no intercept"):
        mere.vif(mere.lm("Reaction ~ 0 + Days + I(Days^2)", SLEEP))
    with pytest.raises(MereValueError, match="besides the intercept"):
        mere.bptest(mere.lm("breaks ~ 1", WARP))
    holes = SLEEP.assign(z=np.where(SLEEP["Days"] == 3, np.nan, 1.0))
    with pytest.raises(MereValueError, match="leave incomplete rows out"):
        mere.bptest(mere.lm("Reaction ~ Days", holes), "~ z")


def test_rnd_34_divergence_of_permutation_and_model():
    from mere.assessment.disagreement import decisions

    differ, certain = decisions(
        np.array([0.2, 0.06, 0.01, 0.03]), np.array([0.1, 0.04, 0.002, 0.01]), np.array([0.3, 0.09, 0.03, 0.06]),
        np.array([0.04, 0.04, 0.2, 0.04]), 0.05,
    )  # fmt: skip
    assert differ.tolist() == [True, True, True, False]
    assert certain.tolist() == [True, False, True, False]
    d = pd.DataFrame({"x": [0.0] * 11 + [1.0], "y": [*np.random.default_rng(1).normal(size=11), 9.0]})
    d["z"] = np.random.default_rng(2).normal(size=12)
    test = mere.permutation_test(mere.lm("y ~ x + z", d), n_perm=999, seed=1)
    table = mere.check_divergence(test)
    assert list(table.index) == ["x", "z"]
    assert table.loc["x", "p.classical"] < 1e-3 < table.loc["x", "p.value"]
    assert table["ratio"].to_numpy() == pytest.approx(table["p.value"] / table["p.classical"])
    confounded = mere.permutation_test(mere.lm("y ~ x + z", d), confounders="z", n_perm=99, seed=1)
    assert list(mere.check_divergence(confounded).index) == ["x"]
    with pytest.raises(MereValueError, match="level"):
        mere.check_divergence(test, level=5)


def test_rnd_34_convergence_is_recorded():
    for m in (mere.lmer("Reaction ~ Days + (Days | Subject)", SLEEP), mere.glmer(CBPP, datasets.cbpp, "binomial")):
        record = mere.fit_record(m)
        assert record.converged
        assert record.gradient_norm < 1e-2
