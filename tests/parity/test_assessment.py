"""Shares of variance, dispersion, concordance, collinearity and residual tests against R."""

import json

import numpy as np
import pytest

import mere
from mere import datasets, families

from .goldens import FIXTURES, table

GOLDEN = json.loads((FIXTURES / "assessment.json").read_text(encoding="utf-8"))
CBPP = datasets.cbpp.assign(obs=[f"r{i}" for i in range(56)])
TRIALS = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
WARP = datasets.warpbreaks.assign(high=(datasets.warpbreaks["breaks"] > 26).astype(float))
TICKS = "TICKS ~ YEAR + cHEIGHT + (1 | BROOD)"

MIXED = {
    "intercepts": lambda: mere.lmer("Reaction ~ Days + (1 | Subject)", datasets.sleepstudy),
    "slopes": lambda: mere.lmer("Reaction ~ Days + (Days | Subject)", datasets.sleepstudy),
    "nested": lambda: mere.lmer("angle ~ recipe * temperature + (1 | recipe:replicate)", datasets.cake),
    "crossed": lambda: mere.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", datasets.Penicillin),
    "logit": lambda: mere.glmer(TRIALS, CBPP, "binomial"),
    "probit": lambda: mere.glmer(TRIALS, CBPP, families.binomial("probit")),
    "cloglog": lambda: mere.glmer(TRIALS, CBPP, families.binomial("cloglog")),
    "rows": lambda: mere.glmer(TRIALS + " + (1 | obs)", CBPP, "binomial"),
    "bernoulli": lambda: mere.glmer(
        "r2 ~ Gender + btype + Anger + (1 | id) + (1 | item)", table("verbagg60"), "binomial"
    ),
    "poisson": lambda: mere.glmer(TICKS, datasets.grouseticks, "poisson"),
    "root": lambda: mere.glmer("TICKS ~ YEAR + (1 | BROOD)", datasets.grouseticks, families.poisson("sqrt")),
    "negative_binomial": lambda: mere.glmer(TICKS, datasets.grouseticks, families.negative_binomial(2.0)),
}
FIXED = {
    "glm_poisson": lambda: mere.glm("breaks ~ wool * tension", WARP, "poisson", epsilon=1e-14),
    "glm_binary": lambda: mere.glm("high ~ wool + tension", WARP, "binomial", epsilon=1e-14),
    "glm_trials": lambda: mere.glm("cbind(incidence, size - incidence) ~ period", CBPP, "binomial", epsilon=1e-14),
    "glm_gamma": lambda: mere.glm("breaks ~ wool + tension", WARP, families.Gamma("log"), epsilon=1e-14),
}
LINES = {
    "factors": lambda: mere.lm("breaks ~ wool + tension", WARP),
    "covariates": lambda: mere.lm(
        "Reaction ~ Days + I(Days^2) + s",
        datasets.sleepstudy.assign(s=datasets.sleepstudy["Subject"].astype(str).astype(float)),
    ),
    "weighted": lambda: mere.lm("y ~ a + x", table("few_groups"), weights="w"),
}


@pytest.fixture(scope="module")
def mixed():
    fits = {}

    def get(name):
        if name not in fits:
            fits[name] = MIXED[name]()
        return fits[name]

    return get


@pytest.mark.parametrize("name", MIXED)
def test_variances_of_mixed_models(mixed, name):
    """insight 0.19 has the median of the null model where a mean is wanted."""
    m, expected = mixed(name), GOLDEN[name]
    tolerance = expected["tolerance"]["value"]
    found = mere.get_variance(m, at="median")
    for part in ("fixed", "random", "residual", "distribution", "dispersion"):
        assert found[f"var.{part}"] == pytest.approx(
            expected["variance"][f"var.{part}"], rel=4 * tolerance, abs=1e-9
        ), part
    r2, icc = mere.r2(m, at="median"), mere.icc(m, at="median")
    for kind in ("conditional", "marginal"):
        assert r2[f"R2_{kind}"] == pytest.approx(expected["r2"][kind], abs=tolerance)
    for kind in ("adjusted", "unadjusted"):
        assert icc[f"ICC_{kind}"] == pytest.approx(expected["icc"][kind], abs=tolerance)
    by_group = mere.icc(m, by_group=True, at="median")
    assert by_group.to_dict() == pytest.approx(expected["by_group"], abs=tolerance)


@pytest.mark.parametrize("approximation", ["lognormal", "delta", "trigamma"])
@pytest.mark.parametrize("name", ["poisson", "negative_binomial"])
def test_variances_of_counts_as_published(mixed, name, approximation):
    m, expected = mixed(name), GOLDEN[name]["published"]
    tolerance = GOLDEN[name]["tolerance"]["value"]
    found = mere.get_variance(m, approximation=approximation)["var.distribution"]
    assert found == pytest.approx(expected["distribution"][approximation], rel=4 * tolerance)
    assert mere.icc(m, approximation=approximation)["ICC_adjusted"] == pytest.approx(
        expected["icc"][approximation], abs=tolerance
    )
    assert mere.r2(m, approximation=approximation)["R2_marginal"] == pytest.approx(
        expected["marginal"][approximation], abs=tolerance
    )


@pytest.mark.parametrize("name", [name for name in {**MIXED, **FIXED} if "overdispersion" in GOLDEN[name]])
def test_overdispersion(mixed, name):
    found = mere.check_overdispersion(mixed(name) if name in MIXED else FIXED[name]())
    expected, tolerance = GOLDEN[name]["overdispersion"], 2 * GOLDEN[name]["tolerance"]["value"]
    assert found["chisq_statistic"] == pytest.approx(expected["chisq_statistic"], rel=tolerance)
    if name == "negative_binomial":  # lme4 counts a scale that the family does not have
        assert found["residual_df"] == expected["residual_df"] + 1
        return
    for key in ("dispersion_ratio", "residual_df", "p_value"):
        assert found[key] == pytest.approx(expected[key], rel=tolerance * (30 if key == "p_value" else 1)), key


@pytest.mark.parametrize("name", [name for name in {**MIXED, **FIXED} if "auc" in GOLDEN[name]])
def test_auc(mixed, name):
    found = mere.auc(mixed(name) if name in MIXED else FIXED[name]())
    assert found == pytest.approx(GOLDEN[name]["auc"], abs=GOLDEN[name]["tolerance"]["value"])


@pytest.mark.parametrize("name", ["glm_poisson", "glm_binary", "glm_gamma"])
def test_r2_of_glm(name):
    found, expected = mere.r2(FIXED[name]()), GOLDEN[name]
    for key, label in (
        ("nagelkerke", "Nagelkerke"),
        ("coxsnell", "CoxSnell"),
        ("mcfadden", "McFadden"),
        ("tjur", "Tjur"),
    ):
        if key in expected:
            assert found[f"R2_{label}"] == pytest.approx(expected[key], rel=1e-8), key


def assert_vif(found, expected):
    if "vif" in expected:
        assert list(found.index) == expected["terms"]
        assert found.to_numpy() == pytest.approx(expected["vif"], rel=1e-8)
    else:
        assert list(found.index) == expected["terms"]
        assert found["GVIF"].to_numpy() == pytest.approx(expected["GVIF"], rel=1e-8)
        assert found["Df"].to_list() == expected["Df"]
        assert found["GVIF^(1/(2*Df))"].to_numpy() == pytest.approx(expected["power"], rel=1e-8)


@pytest.mark.parametrize("name", LINES)
def test_diagnostics_of_lm(name):
    m, expected = LINES[name](), GOLDEN[name]
    found = mere.vif(m)
    if name == "covariates":
        found = found.rename({"s": expected["vif"]["terms"][-1]})
    assert_vif(found, expected["vif"])
    for kind, flag in (("studentized", True), ("plain", False)):
        b, want = mere.bptest(m, studentize=flag), expected["bp"][kind]
        assert b.to_list() == pytest.approx([want["BP"], want["df"], want["p"]], rel=1e-8)
    for kind, alternative in (("two.sided", "two-sided"), ("less", "less"), ("greater", "greater")):
        r, want = mere.runs_test(m, alternative=alternative), expected["runs"][kind]
        assert r[["statistic", "p_value"]].to_list() == pytest.approx([want["statistic"], want["p"]], rel=1e-8)
    assert mere.cooks_distance(m).to_numpy() == pytest.approx(expected["cook"], rel=1e-8)
    standardized = mere.standardize_parameters(m)["Std_Coefficient"]
    assert standardized.to_numpy() == pytest.approx(expected["standardized"]["value"], rel=1e-8, abs=1e-12)
    assert mere.r2(m).to_list() == pytest.approx([expected["r2"]["r2"], expected["r2"]["adjusted"]], rel=1e-10)


def test_breusch_pagan_with_a_formula():
    expected = GOLDEN["variance_formula"]
    found = mere.bptest(LINES["factors"](), "~ wool")
    assert found.to_list() == pytest.approx([expected["BP"], expected["df"], expected["p"]], rel=1e-8)


def test_inflation_in_other_models():
    assert_vif(mere.vif(FIXED["glm_poisson"]()), GOLDEN["vif_poisson"]["vif"])
    m = mere.lmer("Reaction ~ Days + I(Days^2) + (1 | Subject)", datasets.sleepstudy)
    assert_vif(mere.vif(m), GOLDEN["vif_lmer"]["vif"])


def test_the_fixture_says_where_it_comes_from():
    for name, entry in GOLDEN.items():
        assert {"R", "packages", "call", "tolerance"} <= set(entry), name
    assert np.isfinite(GOLDEN["slopes"]["icc"]["adjusted"])


@pytest.mark.parametrize("name", [k.removeprefix("performance_") for k in GOLDEN if k.startswith("performance_")])
def test_performance(name):
    golden = GOLDEN[f"performance_{name}"]["indices"]
    found = mere.model_performance((MIXED | FIXED | LINES)[name]())
    shared = [k for k in golden if k in found and not (name == "poisson" and k.startswith(("R2", "ICC")))]  # the mean
    assert set(shared) >= {"AIC", "AICc", "BIC", "RMSE", "Sigma"}
    for k in shared:
        assert found[k] == pytest.approx(golden[k], rel=GOLDEN[f"performance_{name}"]["tolerance"]["value"]), k


def test_comparison_of_models():
    d = datasets.sleepstudy
    fits = {f: mere.lmer(f"Reaction ~ {f} + (1 | Subject)", d) for f in ("Days", "1")}
    with pytest.warns(mere.errors.RefitMessage, match="fixed effects differ"):
        found = mere.compare_performance(fits["Days"], fits["1"])
    by_ml = [mere.AIC(mere.refitML(m)) for m in fits.values()]
    assert found["AIC"].tolist() == pytest.approx(by_ml)
    assert found["AIC_wt"].tolist() == pytest.approx(np.exp(-(np.array(by_ml) - min(by_ml)) / 2) / 1.0, rel=1e-6)
    mixed = mere.compare_performance(line=mere.lm("Reaction ~ Days", d), groups=mere.refitML(fits["Days"]))
    assert mixed.index.tolist() == ["line", "groups"]
    assert mixed["Model"].tolist() == ["LM", "LMM"]
    assert np.isnan(mixed.loc["line", "ICC"])
    with pytest.raises(mere.errors.MereValueError, match="different responses"):
        mere.compare_performance(mere.lm("log(Reaction) ~ Days", d), mere.lm("Reaction ~ Days", d))
    with pytest.raises(mere.errors.MereValueError, match="numbers of rows"):
        mere.compare_performance(mere.lm("Reaction ~ Days", d.head(50)), mere.lm("Reaction ~ Days", d))
    with pytest.raises(mere.errors.MereTypeError, match="at least two"):
        mere.compare_performance(fits["Days"])
    with pytest.raises(mere.errors.MereTypeError, match="'str'"):
        mere.compare_performance(fits["Days"], "x")
