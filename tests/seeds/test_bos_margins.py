"""Rows BOS-12 to BOS-16, 29, 45, 46 and 48 of the checklist: marginal means, simulation, profiles."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

import mere
from mere import datasets
from mere.errors import MereValueError

pytestmark = [
    pytest.mark.filterwarnings("ignore::mere.errors.MarginsMessage"),
    pytest.mark.filterwarnings("ignore::mere.errors.RefitMessage"),
]
SLEEP, WARP = datasets.sleepstudy, datasets.warpbreaks


@pytest.fixture(scope="module")
def profile():
    return mere.profile(mere.lmer("Reaction ~ Days + (Days | Subject)", SLEEP, REML=False))


def test_bos_12_joint_tests_of_lmer():
    m = mere.lmer("Reaction ~ Days + (Days | Subject)", SLEEP)
    row = mere.joint_tests(m, lmer_df="satterthwaite").to_frame().iloc[0]
    assert (row["F.ratio"], row["df2"]) == (pytest.approx(45.853, abs=1e-3), pytest.approx(17, abs=1e-3))
    oats = datasets.Oats.assign(nitro=pd.Categorical(datasets.Oats["nitro"].astype(str)))
    m = mere.lmer("yield ~ Variety + nitro + (1 | Block/Variety)", oats)
    table = mere.joint_tests(m, lmer_df="satterthwaite").to_frame().set_index("model term")
    nitro, variety = table.loc["nitro"], table.loc["Variety"]
    assert nitro["df1"] == 3
    assert nitro["F.ratio"] == pytest.approx(41.053, abs=1e-2)
    assert variety["df1"] == 2
    assert variety["F.ratio"] == pytest.approx(1.485, abs=1e-3)
    assert variety["df2"] == pytest.approx(10, abs=1e-3)
    m = mere.lmer("yield ~ Variety * nitro + (1 | Block/Variety)", oats)
    nitro = mere.joint_tests(m, lmer_df="satterthwaite").to_frame().set_index("model term").loc["nitro"]
    assert nitro["F.ratio"] == pytest.approx(37.686, abs=1e-3)
    assert nitro["df2"] == pytest.approx(45, abs=1e-2)


@pytest.mark.parametrize("family", [None, "poisson"])
def test_bos_13_joint_tests_under_any_coding(family):
    tables = []
    for c in ("treatment", "sum", "helmert"):
        given = {"wool": c, "tension": c}
        m = (
            mere.lm("breaks ~ wool * tension", WARP, contrasts=given)
            if family is None
            else mere.glm("breaks ~ wool * tension", WARP, family, contrasts=given)
        )
        tables.append(mere.joint_tests(m).to_frame()[["df1", "F.ratio", "p.value"]].to_numpy(float))
    assert tables[1] == pytest.approx(tables[0], rel=1e-6)
    assert tables[2] == pytest.approx(tables[0], rel=1e-6)


def test_bos_14_means_and_contrasts_are_linear_functions():
    """The balanced cell means of a saturated model are the means of the cells."""
    m = mere.lm("breaks ~ wool * tension", WARP)
    means = mere.emmeans(m, "~ wool * tension").to_frame()
    cells = WARP.groupby(["wool", "tension"], observed=True)["breaks"].mean()
    for row in means.itertuples():
        assert row.emmean == pytest.approx(cells[(row.wool, row.tension)], rel=1e-12)
    pooled = np.sqrt(mere.sigma(m) ** 2 / 9)
    assert means["SE"].to_numpy() == pytest.approx(pooled, rel=1e-12)
    trend = mere.emtrends(mere.lm("Reaction ~ Days", SLEEP), "1", "Days").to_frame()
    assert trend.iloc[0]["Days.trend"] == pytest.approx(mere.coef(mere.lm("Reaction ~ Days", SLEEP))["Days"])


@pytest.mark.parametrize("adjust", ["tukey", "bonferroni", "sidak", "scheffe", "mvt", "none"])
def test_bos_15_intervals_and_p_values_agree(adjust):
    """An interval excludes zero where p is below the level, and only there."""
    m = mere.lm("breaks ~ wool * tension", WARP)
    pairs = mere.pairs(mere.emmeans(m, "~ wool * tension"), adjust=adjust)
    table = mere.summary(pairs, infer=(True, True)).to_frame()
    outside = (table["lower.CL"] > 0) | (table["upper.CL"] < 0)
    clear = (table["p.value"] - 0.05).abs() > 2e-3
    assert (outside == (table["p.value"] < 0.05))[clear].all()


def test_bos_16_response_scale():
    m = mere.glm("breaks ~ wool * tension", WARP, "poisson")
    link = mere.emmeans(m, "~ wool * tension").to_frame()
    rate = mere.emmeans(m, "~ wool * tension", type="response").to_frame()
    assert rate["asymp.LCL"].to_numpy() == pytest.approx(np.exp(link["asymp.LCL"].to_numpy()), rel=1e-12)
    assert rate["rate"].to_numpy() == pytest.approx(np.exp(link["emmean"].to_numpy()), rel=1e-12)
    ratios = mere.pairs(mere.emmeans(m, "~ wool"), type="response").to_frame()
    plain = mere.pairs(mere.emmeans(m, "~ wool")).to_frame()
    assert ratios["ratio"].iloc[0] == pytest.approx(np.exp(plain["estimate"].iloc[0]))
    assert ratios["p.value"].iloc[0] == plain["p.value"].iloc[0]


def test_bos_29_weights_offsets_and_trials_in_simulations():
    rng = np.random.default_rng(29)
    d = pd.DataFrame({"x": rng.normal(size=60), "g": np.repeat(np.arange(12), 5).astype(str)})
    d = d.assign(w=np.where(np.arange(60) % 2, 4.0, 1.0), o=np.linspace(0, 5, 60))
    d["y"] = d["x"] + d["o"] + rng.normal(size=60) / np.sqrt(d["w"])
    m = mere.lmer("y ~ x + offset(o) + (1 | g)", d, weights="w")
    sims = mere.simulate(m, 4000, seed=1, use_u=True).to_numpy()
    ratio = sims.var(axis=1) * d["w"].to_numpy() / m.sigma**2
    assert (np.abs(ratio - 1) < 4.5 * np.sqrt(2 / 4000)).all()  # the largest of 60
    assert ratio.mean() == pytest.approx(1, abs=4 * np.sqrt(2 / 4000 / 60))
    assert sims.mean(axis=1) == pytest.approx(mere.fitted(m).to_numpy(), abs=5 * m.sigma / np.sqrt(4000))
    g = mere.glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", datasets.cbpp, "binomial")
    counts = mere.simulate(g, 300, seed=2, use_u=True).xs("incidence", axis=1, level=1).to_numpy()
    size = datasets.cbpp["size"].to_numpy()
    assert (counts <= size[:, None]).all()
    mu = mere.fitted(g).to_numpy()
    error = np.sqrt(size * mu * (1 - mu) / 300)
    assert (np.abs(counts.mean(axis=1) - size * mu) < 5 * error).all()


def test_bos_45_profile_of_variance_parameters(profile):
    table = mere.confint(profile, "theta_").to_numpy()
    expected = np.array([[14.3815, 37.7160], [-0.4815, 0.6850], [3.8012, 8.7534], [22.8983, 28.8580]])
    found = table[[list(mere.confint(profile, "theta_").index).index(n) for n in _names()]]
    assert found == pytest.approx(expected, abs=2e-3)


def _names():
    return ["sd_(Intercept)|Subject", "cor_Days.(Intercept)|Subject", "sd_Days|Subject", "sigma"]


def test_bos_46_profile_of_fixed_effects(profile):
    expected = [[237.6807, 265.1295], [7.3587, 13.5759]]
    assert mere.confint(profile, "beta_").to_numpy() == pytest.approx(np.array(expected), abs=1e-3)


def test_bos_48_steps_are_an_eighth_of_the_cutoff(profile):
    """lme4's rule: zeta goes to the root of chi-squared's 99 % point with as many degrees of freedom as parameters."""
    cutoff = np.sqrt(chi2.ppf(0.99, 6))
    frame = profile.to_frame()
    for name in frame[".par"].unique():
        zeta = np.sort(frame.loc[frame[".par"] == name, ".zeta"].to_numpy(float))
        assert np.median(np.diff(zeta)) == pytest.approx(cutoff / 8, rel=0.1), name
        assert np.diff(zeta).max() < 1.25 * cutoff / 8, name
        assert zeta[0] <= -cutoff, name
        if not name.startswith("cor_"):  # zeta of the correlation ends at its bound
            assert zeta[-1] >= cutoff, name
    short = mere.profile(profile.model, ["sigma"], alphamax=0.1)["sigma"].zeta
    assert np.abs(short).max() < cutoff


def test_bos_48_the_end_at_the_boundary_is_flagged():
    """An interval that never reaches zeta below ends at zero, and says so."""
    m = mere.lmer("Yield ~ 1 + (1 | Batch)", datasets.Dyestuff2, REML=False)
    assert mere.confint(mere.profile(m), "theta_").iloc[0, 0] == 0
    table = mere.infer(m, "profile").table
    assert (table.loc["sd_(Intercept)|Batch", "ci_lower"] == 0).all()
    assert (table.loc["sd_(Intercept)|Batch", "ci_method"] == "profile, boundary").all()
    assert (table.loc["sigma", "ci_method"] == "profile").all()
    away = mere.infer(mere.lmer("Yield ~ 1 + (1 | Batch)", datasets.Dyestuff, REML=False), "profile", conf_level=0.5)
    assert (away.table["ci_method"] == "profile").all()


def test_bos_48_levels_beyond_the_profile():
    m = mere.lmer("Yield ~ 1 + (1 | Batch)", datasets.Dyestuff, REML=False)
    with pytest.raises(MereValueError, match="level"):
        mere.confint(mere.profile(m), level=1.5)
