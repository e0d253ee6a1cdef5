"""Rows BOS-1 to BOS-3, 17, 31, 38, 49 to 53 and 59 of the checklist: one front door, predictions, power."""

import numpy as np
import pandas as pd
import pytest

import mere
from mere import datasets
from mere.errors import DataMessage, MereStateError, MereValueError

pytestmark = [
    pytest.mark.filterwarnings("ignore::mere.errors.SingularFitMessage"),
    pytest.mark.filterwarnings("ignore::mere.errors.BootstrapWarning"),
    pytest.mark.filterwarnings("ignore::mere.errors.MarginsMessage"),
]
SLEEP, WARP = datasets.sleepstudy, datasets.warpbreaks
HOW = ("asymp", "boot", "perm", "cv", "joint", "profile", "summary")


@pytest.fixture(scope="module")
def line():
    return mere.lm("breaks ~ wool + tension", WARP)


@pytest.fixture(scope="module")
def slopes():
    return mere.lmer("Reaction ~ Days + (Days | Subject)", SLEEP)


def subjects(slopes, line):
    return {
        "fit": (slopes, {}, {"asymp", "boot", "perm", "cv", "joint", "profile"}),
        "explore": (mere.emmeans(line, "~ tension"), {"model": line}, {"asymp", "boot", "perm", "joint"}),
        "predict": (line, {"newdata": WARP.head(3)}, {"asymp", "boot", "cv"}),
        "simulate": (mere.simulate(slopes, 20, seed=1), {}, {"summary"}),
        "profile": (mere.profile(slopes, ["sigma"]), {}, {"profile"}),
    }


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("kind", ["fit", "explore", "predict", "simulate", "profile"])
def test_bos_1_every_pair_answers_or_says_why_not(slopes, line, kind, how):
    x, given, allowed = subjects(slopes, line)[kind]
    options = {"n_boot": 60, "n_perm": 60, "k": 3, "seed": 1, "profile": False}
    if how in allowed:
        assert len(mere.infer(x, how, **given, **options).table)
    else:
        with pytest.raises(NotImplementedError, match="has no answer"):
            mere.infer(x, how, **given, **options)


def test_bos_1_errors(slopes, line):
    with pytest.raises(MereValueError, match="how must be"):
        mere.infer(slopes, "magic")
    with pytest.raises(MereValueError, match="null"):
        mere.infer(slopes, null=float("nan"))
    with pytest.raises(MereValueError, match="alternative"):
        mere.infer(slopes, alternative="up")
    with pytest.raises(MereStateError, match="needs the model"):
        mere.infer(mere.emmeans(line, "~ wool"), "boot")
    with pytest.raises(MereStateError, match="no random effects"):
        mere.infer(line, "profile")
    with pytest.raises(MereStateError, match="infer\\(\\) takes"):
        mere.infer(3)


def test_bos_2_levels_of_confidence(slopes):
    a, b, c = (mere.infer(slopes, conf_level=level).table for level in (0.95, 95, "95%"))
    assert a.equals(b)
    assert a.equals(c)
    for level in (0, 1, 101, "a lot", -3):
        with pytest.raises(MereValueError, match="conf_level"):
            mere.infer(slopes, conf_level=level)


def test_bos_3_null_and_alternative(slopes):
    two, shifted = mere.infer(slopes).table, mere.infer(slopes, null=10.0).table
    assert shifted["statistic"].to_numpy() == pytest.approx(
        two["statistic"].to_numpy() - 10 / two["se"].to_numpy(), rel=1e-12
    )
    up, down = (mere.infer(slopes, alternative=a).table for a in ("greater", "less"))
    assert up["p_value"].to_numpy() == pytest.approx(two["p_value"].to_numpy() / 2)
    assert down["p_value"].to_numpy() == pytest.approx(1 - two["p_value"].to_numpy() / 2)
    assert np.isposinf(up["ci_upper"]).all()
    assert np.isneginf(down["ci_lower"]).all()
    assert (up["ci_lower"] > two["ci_lower"]).all()
    boot = mere.infer(slopes, "boot", alternative="greater", n_boot=100, seed=1, profile=False).table
    assert np.isposinf(boot["ci_upper"]).all()


def test_bos_3_errors_are_robust_covariances(slopes, line):
    assert mere.infer(slopes, errors="hc0").table.loc["Days", "se"] == pytest.approx(1.502237, abs=2e-6)
    white = np.sqrt(np.diag(mere.vcov(line, type="HC3")))
    assert mere.infer(line, errors="hetero").table["se"].to_numpy() == pytest.approx(white)
    welch = np.sqrt(np.diag(mere.vcov(line, type="Welch")))
    assert mere.infer(line, errors="unequal_var").table["se"].to_numpy() == pytest.approx(welch)


def test_bos_17_predictions_of_lm_are_rs(line):
    new = WARP.iloc[[0, 30, 50]]
    table = mere.infer(line, newdata=new).table
    expected = mere.predict(line, new, interval="confidence")
    assert table[["fitted", "ci_lower", "ci_upper"]].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-10)


def test_bos_17_response_scale_of_glm():
    d = WARP.assign(high=(WARP["breaks"] > 26).astype(float))
    m = mere.glm("high ~ wool + tension", d, "binomial")
    table = mere.infer(m, newdata=d.head(4)).table
    link = mere.predict(m, d.head(4), se_fit=True)
    mu = 1 / (1 + np.exp(-np.asarray(link.fit)))
    assert table["se"].to_numpy() == pytest.approx(mu * (1 - mu) * np.asarray(link.se_fit), rel=1e-10)
    low = np.asarray(link.fit) - 1.959963984540054 * np.asarray(link.se_fit)
    assert table["ci_lower"].to_numpy() == pytest.approx(1 / (1 + np.exp(-low)), rel=1e-9)
    assert ((table["ci_lower"] > 0) & (table["ci_upper"] < 1)).all()


def test_bos_31_marginal_means_by_the_models_own_bootstrap(slopes):
    m = mere.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", datasets.cake)
    means = mere.emmeans(m, "~ recipe")
    b = mere.infer(means, "boot", model=m, n_boot=300, seed=1)
    draws = mere.bootstrap(m, type="parametric", nsim=300, seed=1).t[list(m.design.names)].to_numpy()
    spread = np.sqrt(np.diag(means.L @ np.cov(draws.T) @ means.L.T))
    assert b.table["se"].to_numpy() == pytest.approx(spread, rel=1e-9)
    asymptotic = mere.infer(means, "asymp").table["SE"].to_numpy(float)
    assert b.table["se"].to_numpy() == pytest.approx(asymptotic, rel=0.1)


def test_bos_38_a_unit_contrast_is_the_coefficients_test(slopes):
    from mere.inference.permutation.contrasts import permute_contrasts

    by_term = mere.permutation_test(slopes, n_perm=300, seed=2).table.loc["Days"]
    by_row = permute_contrasts(slopes, np.array([[0.0, 1.0]]), ["Days"], 300, seed=2).loc["Days"]
    for name in ("estimate", "std.error", "statistic", "p.value", "conf.low"):
        assert by_row[name] == pytest.approx(by_term[name], rel=1e-9)


def test_bos_49_variances_are_squares(slopes):
    table = mere.infer(slopes, "profile").table
    sd, variance = (table[table["metric"] == kind] for kind in ("std_dev", "variance"))
    for name in ("estimate", "ci_lower", "ci_upper"):
        assert variance[name].to_numpy(float) == pytest.approx(sd[name].to_numpy(float) ** 2, rel=1e-12)
    assert table.loc[table["metric"] == "corr", ["ci_lower", "ci_upper"]].notna().to_numpy().all()


def test_bos_49_intervals_of_the_intraclass_correlation():
    """By bootstrap of the whole statistic; a one-way random model's exact interval is near."""
    m = mere.lmer("Yield ~ 1 + (1 | Batch)", datasets.Dyestuff)
    b = mere.bootMer(m, mere.icc, nsim=1000, seed=49)
    low, high = mere.confint(b, type="perc").loc["ICC_adjusted"]
    estimate = float(mere.icc(m)["ICC_adjusted"])
    variances = mere.VarCorr(m).to_frame()["vcov"].to_numpy()
    assert estimate == pytest.approx(variances[0] / variances.sum(), rel=1e-12)
    assert 0 <= low < estimate < high < 1
    from scipy.stats import f

    ratio = 1 + 5 * variances[0] / variances[1]  # the F statistic of the balanced analysis of variance, 5 and 24
    ends = [(ratio / f.ppf(q, 5, 24) - 1) / (ratio / f.ppf(q, 5, 24) + 4) for q in (0.975, 0.025)]
    assert low == pytest.approx(max(ends[0], 0), abs=0.12)
    assert high < ends[1]


def test_bos_50_summary_of_simulations(slopes):
    sims = mere.simulate(slopes, 50, seed=3)
    table, values = mere.infer(sims, "summary").table, sims.to_numpy()
    assert list(table.columns) == ["sim_mean", "sim_sd", "q025", "q500", "q975"]
    assert (table["sim_mean"].to_numpy() == values.mean(axis=1)).all()
    assert (table["sim_sd"].to_numpy() == values.std(axis=1, ddof=1)).all()
    for name, q in (("q025", 0.025), ("q500", 0.5), ("q975", 0.975)):
        assert (table[name].to_numpy() == np.quantile(values, q, axis=1)).all()


def test_bos_51_power_at_zero_is_the_level():
    m = mere.lmer("Reaction ~ Days + (Days | Subject)", SLEEP)
    p = mere.power_sim(m, "Days", fixef={"Days": 0.0}, nsim=1000, seed=51)
    assert 0.03 <= p.power <= 0.07
    assert 0.93 <= p.coverage <= 0.97
    assert p.low < p.power < p.high
    assert abs(p.bias) < 4 * p.empirical_se / np.sqrt(1000)
    assert p.mean_se == pytest.approx(p.empirical_se, rel=0.1)


def test_bos_51_power_grows():
    m = mere.lmer("Reaction ~ Days + (Days | Subject)", SLEEP)
    powers = [mere.power_sim(m, fixef={"Days": b}, nsim=100, seed=1).power for b in (0.0, 3.0, 8.0)]
    assert powers == sorted(powers)
    assert powers[-1] > 0.9
    g = mere.glm("breaks ~ wool + tension", WARP, "poisson")
    assert mere.power_sim(g, "tension", nsim=60, seed=1).power > 0.9
    with pytest.raises(MereValueError, match="no coefficient"):
        mere.power_sim(m, fixef={"Dys": 1.0}, nsim=10)


def test_bos_52_tables_are_not_rounded(slopes):
    table = mere.infer(slopes).table
    assert (table.dtypes == np.float64).all()
    assert table.loc["Days", "estimate"] == slopes.beta[1]
    assert table.loc["Days", "se"] == np.sqrt(mere.vcov(slopes).loc["Days", "Days"])


def test_bos_53_comforts(slopes):
    """Comparisons refit by ML; predictions and simulations with and without random effects; seeds."""
    small = mere.lmer("Reaction ~ 1 + (Days | Subject)", SLEEP)
    with pytest.warns(DataMessage, match="refitting"):
        table = mere.anova(small, slopes).table
    assert table["Chisq"].iloc[1] == pytest.approx(23.5365, abs=1e-3)
    fixed = mere.predict(slopes, re_form=False).to_numpy()
    assert fixed == pytest.approx(slopes.design.X @ slopes.beta)
    assert mere.predict(slopes).to_numpy() == pytest.approx(mere.fitted(slopes).to_numpy())
    a, b = (mere.simulate(slopes, 2, seed=5) for _ in range(2))
    assert a.equals(b)
    given = mere.simulate(slopes, 200, seed=5, use_u=True).to_numpy().mean(axis=1)
    assert given == pytest.approx(mere.fitted(slopes).to_numpy(), abs=6 * slopes.sigma / np.sqrt(200))


def test_bos_59_a_profile_comes_with_a_bootstrap(slopes, line, monkeypatch):
    both = mere.infer(slopes, "boot", n_boot=60, seed=1)
    assert set(both.variance["metric"]) == {"std_dev", "corr", "variance"}
    assert mere.infer(slopes, "boot", n_boot=60, seed=1, profile=False).variance is None
    assert mere.infer(line, "perm", n_perm=50, seed=1).variance is None
    from mere.rface import front_door

    def fails(m, a):
        raise MereValueError("no profile")

    monkeypatch.setattr(front_door, "profiled", fails)
    with pytest.warns(DataMessage, match="could not be profiled"):
        kept = mere.infer(slopes, "boot", n_boot=60, seed=1)
    assert kept.variance is None
    assert kept.table.equals(both.table)


def test_power_curve_copies_levels():
    m = mere.lmer("Reaction ~ Days + (Days | Subject)", SLEEP)
    curve = mere.power_curve(m, "Subject", [8, 40], fixef={"Days": 2.0}, nsim=60, seed=1)
    assert list(curve.index) == [8, 40]
    assert curve["power"].iloc[1] > curve["power"].iloc[0]
    with pytest.raises(MereValueError, match="no column"):
        mere.power_curve(m, "subj", [3])


def test_the_table_of_a_joint_question(slopes):
    table = mere.infer(slopes, "joint").table
    assert table.loc["Days", "f_ratio"] == pytest.approx(45.853, abs=1e-3)
    assert table.loc["Days", "df2"] == pytest.approx(17, abs=1e-3)
    assert isinstance(table, pd.DataFrame)
