"""Rows BOS-19, 20, 26, 28 and 32 of the checklist: bootstraps beside R's, and how often their intervals are right."""

import json

import numpy as np
import pandas as pd
import pytest

import mere
from mere import datasets, families
from mere.errors import MereValueError

from ..parity.goldens import FIXTURES

pytestmark = [
    pytest.mark.filterwarnings("ignore::mere.errors.SingularFitMessage"),
    pytest.mark.filterwarnings("ignore::mere.errors.BootstrapWarning"),
]
GOLDEN = json.loads((FIXTURES / "boot_spread.json").read_text(encoding="utf-8"))
WARP, SLEEP = datasets.warpbreaks, datasets.sleepstudy
CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
CASES = {
    "lm": lambda d: mere.lm("breaks ~ wool + tension", d),
    "poisson": lambda d: mere.glm("breaks ~ wool + tension", d, "poisson", epsilon=1e-13),
    "gamma": lambda d: mere.glm("breaks ~ wool + tension", d, families.Gamma("log"), epsilon=1e-13),
    "binomial": lambda d: mere.glm("high ~ wool", d.assign(high=(d["breaks"] > 26).astype(float)), "binomial"),
}


def error_of_sd(sd, kurtosis, draws):
    """The standard error of a standard deviation of independent draws."""
    return np.asarray(sd) * np.sqrt((np.asarray(kurtosis) - 1) / (4 * draws))


def assert_spread_is_rs(t, expected, B):
    """Within three standard errors of Monte Carlo of the difference of two standard deviations."""
    sd, kurtosis = t.std(axis=0, ddof=1), np.mean(((t - t.mean(axis=0)) / t.std(axis=0)) ** 4, axis=0)
    theirs = np.array(expected["sd"])
    error = np.hypot(error_of_sd(sd, kurtosis, B), error_of_sd(theirs, expected["kurtosis"], expected["used"]))
    assert (np.abs(sd - theirs) < 3 * error).all(), (sd - theirs) / error


def cases_of(name):
    t = mere.bootstrap(CASES[name](WARP), nsim=5000, seed=19).t
    return t.drop(columns="sigma", errors="ignore").dropna().to_numpy()


def test_bos_19_spread_of_cases_is_that_of_boot():
    assert_spread_is_rs(cases_of("lm"), GOLDEN["lm"], 5000)


@pytest.mark.parametrize("name", ["poisson", "gamma", "binomial"])
def test_bos_20_spread_of_cases_is_that_of_boot(name):
    assert_spread_is_rs(cases_of(name), GOLDEN[name], 5000)


@pytest.mark.parametrize("name", CASES)
def test_bos_20_the_same_rows_give_rs_draws(name):
    """R's refits to five drawn sets of rows, by the arithmetic of the case bootstrap: counts of rows."""
    from mere.inference.bootstraps import case

    m, expected = CASES[name](WARP), np.array(GOLDEN[name]["draws"])
    C = np.array([np.bincount(np.array(rows) - 1, minlength=54) for rows in GOLDEN[name]["rows"]], dtype=float)
    Q, R = np.linalg.qr(m.design.X)
    back = np.linalg.inv(R)
    if name == "lm":
        found = case._least_squares(m, Q, back, np.ones(54), C)
    else:
        found = case._reweighted(m, Q, back, C)
    p = expected.shape[1]
    assert found[:, :p] == pytest.approx(expected, **({"rel": 1e-10} if name == "lm" else {"abs": 1e-7}))


# -- bootMer -------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def slopes():
    return mere.lmer("Reaction ~ Days + (Days | Subject)", SLEEP)


def test_bos_26_spread_of_all_parameters_is_that_of_lme4(slopes):
    """Within 10 %: lme4's order is standard deviations and correlation, sigma, fixed effects."""
    t, expected = mere.bootMer(slopes, nsim=1000, seed=26).t, GOLDEN["lmer"]
    assert list(t.columns) == [
        "sd_(Intercept)|Subject", "sd_Days|Subject", "cor_Days.(Intercept)|Subject", "sigma", "(Intercept)", "Days",
    ]  # fmt: skip
    sd = t.dropna().std(ddof=1).to_numpy()
    assert sd == pytest.approx(expected["sd"], rel=0.1)
    assert slopes.beta == pytest.approx(expected["estimate"][-2:], rel=1e-6)


def test_bos_26_which_parameters(slopes):
    every = mere.bootstrap(slopes, type="parametric", nsim=60, seed=1)
    fixed, random = (mere.bootstrap(slopes, type="parametric", nsim=60, seed=1, which=w) for w in ("fixef", "ranef"))
    assert list(fixed.table.index) == ["(Intercept)", "Days"]
    assert list(random.table.index) == list(every.table.index[:4])
    assert every.kinds.to_list() == ["ranef"] * 4 + ["fixef"] * 2
    assert pd.concat([random.table, fixed.table]).equals(every.table)
    assert fixed.t.equals(every.t[["(Intercept)", "Days"]])
    assert set(fixed.kinds) == {"fixef"}
    assert list(mere.infer(slopes, "boot", n_boot=60, seed=1, profile=False, which="ranef").table.index) == list(
        random.table.index
    )
    with pytest.raises(MereValueError, match="which must be"):
        mere.bootstrap(slopes, nsim=60, which="sigma")
    with pytest.raises(MereValueError, match="leave FUN out"):
        mere.bootstrap(slopes, lambda m: m.beta, nsim=60, which="fixef")


def test_bos_28_bias_and_spread_of_glmer_are_those_of_lme4():
    """The same Laplace fits in the replicates: the mean draw is within three errors of Monte Carlo of lme4's."""
    m, expected, B = mere.glmer(CBPP, datasets.cbpp, "binomial"), GOLDEN["glmer"], 1000
    t = mere.bootMer(m, nsim=B, seed=28).t.dropna()
    t = t[(t.abs() < 5).all(axis=1)]  # a draw without cases in a period has no estimate
    assert len(t) > 0.99 * B
    assert m_parameters(m) == pytest.approx(
        expected["estimate"], abs=1e-3
    )  # lme4 stops early, by the same in each draw
    bias, theirs = t.mean().to_numpy() - m_parameters(m), np.array(expected["mean"]) - np.array(expected["estimate"])
    error = np.hypot(t.std().to_numpy() / np.sqrt(B), np.array(expected["sd"]) / np.sqrt(expected["used"]))
    assert (np.abs(bias - theirs) < 3 * error).all(), (bias - theirs) / error
    assert t.std(ddof=1).to_numpy() == pytest.approx(expected["sd"], rel=0.12)


def m_parameters(m):
    return np.concatenate([m.theta, m.beta])


def test_bos_28_no_quadrature_on_request_only():
    zero = mere.glmer(CBPP, datasets.cbpp, "binomial", nAGQ=0)
    b = mere.bootMer(zero, nsim=5, seed=1)
    assert b.t0[list(zero.design.names)].to_numpy() == pytest.approx(zero.beta, abs=0)
    y = mere.simulate(zero, 1, seed=3).to_numpy()[:, 0]
    assert mere.refit(zero, y).nAGQ == 0
    one = mere.glmer(CBPP, datasets.cbpp, "binomial")
    assert mere.refit(one, y).nAGQ == 1


# -- predictions ---------------------------------------------------------------------------------
def test_bos_32_coverage_of_predictions_of_lm():
    """The mean at three points, 500 data sets with errors that are not normal."""
    rng, new, inside = np.random.default_rng(32), pd.DataFrame({"x": [-1.0, 0.3, 2.0]}), 0
    truth = 1 + 2 * new["x"].to_numpy()
    for _ in range(500):
        x = rng.normal(size=100)
        d = pd.DataFrame({"x": x, "y": 1 + 2 * x + rng.laplace(size=100)})
        table = mere.infer(mere.lm("y ~ x", d), "boot", newdata=new, n_boot=199, seed=int(rng.integers(2**31))).table
        inside += ((table["ci_lower"] <= truth) & (truth <= table["ci_upper"])).sum()
    assert 0.93 <= inside / 1500 <= 0.97


def clustered(rng, groups=40, size=6):
    g = np.repeat(np.arange(groups), size)
    x, z = rng.normal(size=groups * size), rng.normal(size=groups)[g]
    y = 1 + x + z + rng.normal(size=groups)[g] + rng.normal(size=groups * size)
    return pd.DataFrame({"y": y, "x": x, "z": z, "g": g.astype(str)})


@pytest.mark.parametrize("type", ["parametric", "case"])
def test_bos_32_coverage_of_predictions_of_lmer(type):
    """The mean of a new cluster. Rows drawn as if they were independent would cover z's part half as often."""
    rng, new, inside = np.random.default_rng(320), pd.DataFrame({"x": [0.0, 1.0], "z": [0.0, 1.5]}), 0
    runs = 250 if type == "parametric" else 100
    truth = np.array([1.0, 3.5])
    for _ in range(runs):
        m = mere.lmer("y ~ x + z + (1 | g)", clustered(rng))
        seed = int(rng.integers(2**31))
        table = mere.infer(m, "boot", newdata=new, n_boot=199, seed=seed, profile=False, type=type).table
        inside += ((table["ci_lower"] <= truth) & (truth <= table["ci_upper"])).sum()
    assert 0.92 <= inside / (2 * runs) <= 0.98


@pytest.mark.parametrize("type", ["parametric", "case"])
def test_bos_32_predictions_are_functions_of_the_models_own_draws(slopes, type):
    """The same draws as those of the parameters, of clusters or of the model: no rows are resampled."""
    new = pd.DataFrame({"Days": [0.0, 4.0, 12.0]})
    found = mere.infer(slopes, "boot", newdata=new, n_boot=60, seed=5, profile=False, type=type)
    draws = mere.bootstrap(slopes, type=type, nsim=60, seed=5).t[["(Intercept)", "Days"]].to_numpy()
    expected = draws @ np.column_stack([np.ones(3), new["Days"]]).T
    assert found.detail.t.to_numpy() == pytest.approx(expected, rel=1e-12)
    assert found.table["se"].to_numpy() == pytest.approx(expected.std(axis=0, ddof=1), rel=1e-12)
    assert found.table["fitted"].to_numpy() == pytest.approx(mere.predict(slopes, new, re_form=False).to_numpy())


def test_bos_32_predictions_of_generalized_models_stay_in_their_range():
    d = WARP.assign(high=(WARP["breaks"] > 26).astype(float), w=np.linspace(0.5, 2, 54))
    m = mere.glm("high ~ wool + offset(w)", d, "binomial")
    found = mere.infer(m, "boot", newdata=d.head(3), n_boot=100, seed=1)
    assert found.table["fitted"].to_numpy() == pytest.approx(mere.predict(m, d.head(3), type="response").to_numpy())
    assert ((found.table["ci_lower"] > 0) & (found.table["ci_upper"] < 1)).all()
    g = mere.glmer(CBPP, datasets.cbpp, "binomial")
    found = mere.infer(g, "boot", newdata=datasets.cbpp.head(2), n_boot=60, seed=1, profile=False)
    expected = mere.predict(g, datasets.cbpp.head(2), re_form=False, type="response").to_numpy()
    assert found.table["fitted"].to_numpy() == pytest.approx(expected)
    bca = mere.infer(m, "boot", newdata=d.head(3), n_boot=100, seed=1, ci_type="bca").table
    assert ((bca["ci_lower"] < bca["fitted"]) & (bca["fitted"] < bca["ci_upper"])).all()


def test_the_page_has_the_figures_of_the_simulation():
    """The table of docs/resampling.md against r_parity/calibration/standard_deviations.json."""
    root = FIXTURES.parent
    found = json.loads((root / "r_parity" / "calibration" / "standard_deviations.json").read_text(encoding="utf-8"))
    page = (root / "docs" / "resampling.md").read_text(encoding="utf-8")
    names = {"percentile": "perc", "basic": "basic", "BCa": "bca", "random-effect blocks": "reb"}
    lines = page.partition("| coverage of nominal 95 % |")[2].partition("\n\n")[0].splitlines()[2:]
    assert len(lines) == 8
    for line in lines:
        label, *values = (cell.strip() for cell in line.strip("|").split("|"))
        scheme, _, kind = label.partition(", ")
        key = f"{names.get(scheme, scheme)}, {names.get(kind, 'likelihood')}"
        keys = ((t, k) for t in ("sd_(Intercept)|g", "sigma") for k in (10, 30))
        expected = [100 * found[f"{t}, {k} clusters"][key]["coverage"] for t, k in keys]
        assert [float(v) for v in values] == pytest.approx(expected, abs=0.051), label
