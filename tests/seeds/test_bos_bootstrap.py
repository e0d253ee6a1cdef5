"""Rows BOS-19 to BOS-34 of the checklist: the bootstrap."""

import json
import pickle
import time

import numpy as np
import pandas as pd
import pytest

import mere
from mere import datasets, families
from mere.errors import BootstrapWarning, MereError, MereValueError
from mere.inference.bootstrap_intervals import acceleration, bootstrap_interval
from mere.inference.bootstraps.case import drawn_design
from mere.inference.bootstraps.residual import reflated
from mere.inference.bootstraps.running import crossing_p, studentized_interval
from mere.inference.bootstraps.scheme import replicate_rng
from mere.inference.clusters import cluster_rows

from ..parity.goldens import FIXTURES

pytestmark = [
    pytest.mark.filterwarnings("ignore::mere.errors.SingularFitMessage"),
    pytest.mark.filterwarnings("ignore::mere.errors.BootstrapWarning"),
]
GOLDEN = json.loads((FIXTURES / "boot_ci.json").read_text(encoding="utf-8"))
WARP = datasets.warpbreaks


@pytest.fixture(scope="module")
def line():
    return mere.lm("breaks ~ wool + tension", WARP)


@pytest.fixture(scope="module")
def slopes():
    return mere.lmer("Reaction ~ Days + (Days | Subject)", datasets.sleepstudy)


def drawn_rows(n, seed, number):
    return replicate_rng(seed, number).integers(0, n, n)


def test_bos_19_case_draws_of_lm_are_refits(line):
    b = mere.bootstrap(line, nsim=8, seed=3)
    for i in range(8):
        rows = drawn_rows(54, 3, i)
        fit = mere.lm("breaks ~ wool + tension", WARP.iloc[rows].reset_index(drop=True))
        assert b.t.iloc[i].to_numpy() == pytest.approx([*mere.coef(fit), mere.sigma(fit)], rel=1e-10)


def test_bos_19_spread_is_that_of_the_sandwich(line):
    """The case bootstrap estimates the heteroscedastic covariance, about HC0 for n = 54."""
    se = mere.bootstrap(line, nsim=5000, seed=1).table["std.error"].iloc[:4]
    white = np.sqrt(np.diag(mere.vcov(line, type="HC1")))
    assert se.to_numpy() == pytest.approx(white, rel=0.06)


@pytest.mark.parametrize("family", ["poisson", "binomial", "Gamma"])
def test_bos_20_case_draws_of_glm_are_refits(family):
    d = WARP.assign(high=(WARP["breaks"] > 26).astype(float))
    formula = "high ~ wool" if family == "binomial" else "breaks ~ wool + tension"
    chosen = families.Gamma("log") if family == "Gamma" else family
    m = mere.glm(formula, d, chosen, epsilon=1e-12)
    b = mere.bootstrap(m, nsim=5, seed=2)
    for i in range(5):
        own = d.iloc[drawn_rows(54, 2, i)].reset_index(drop=True)
        expected = mere.coef(mere.glm(formula, own, chosen, epsilon=1e-12)).to_numpy()
        assert b.t.iloc[i].to_numpy() == pytest.approx(expected, rel=0, abs=1e-7)


@pytest.mark.parametrize("ci", ["percentile", "bca"])
def test_bos_20_a_thousand_replicates_of_ten_thousand_rows(ci):
    """Less than 10 s of one core, the leave-one-out fits of BCa included."""
    rng = np.random.default_rng(20)
    d = pd.DataFrame(rng.normal(size=(10_000, 4)), columns=list("abcd"))
    m = mere.glm("y ~ a + b + c + d", d.assign(y=rng.poisson(np.exp(0.3 * d["a"]))), "poisson")
    start = time.process_time()
    table = mere.bootstrap(m, nsim=1000, ci=ci, seed=1).table
    assert time.process_time() - start < 10
    assert table["std.error"].to_numpy() == pytest.approx(np.sqrt(np.diag(mere.vcov(m, type="HC0"))), rel=0.1)


@pytest.mark.parametrize("level", ["0.95", "0.999"])
@pytest.mark.parametrize("kind", ["perc", "basic", "norm", "bca"])
def test_bos_22_and_other_intervals_are_those_of_boot_ci(kind, level):
    t, expected = np.array(GOLDEN["t"]), GOLDEN[f"level_{level}"][kind]
    a = acceleration(np.array(GOLDEN["jackknife"])) if kind == "bca" else 0.0
    found = bootstrap_interval(t, GOLDEN["t0"], float(level), kind, a)
    assert found == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("kind", ["perc", "basic"])
def test_bos_21_percentile_and_basic_are_those_of_boot_ci(kind):
    found = bootstrap_interval(np.array(GOLDEN["t"]), GOLDEN["t0"], 0.95, kind)
    assert found == pytest.approx(GOLDEN["level_0.95"][kind], rel=1e-8)


def test_bos_21_studentized_interval():
    t, se = np.array(GOLDEN["t"]), np.array(GOLDEN["se"])
    found = studentized_interval(t, se, GOLDEN["t0"], GOLDEN["se0"], 0.95)
    assert found == pytest.approx(GOLDEN["level_0.95"]["studentized"], rel=1e-6)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_bos_22_bca_does_not_depend_on_units(line, scale):
    other = mere.lm("y ~ wool + tension", WARP.assign(y=WARP["breaks"] * scale))
    a, b = (mere.bootstrap(m, nsim=200, ci="bca", seed=5).table for m in (line, other))
    for end in ("conf.low", "conf.high"):
        assert b[end].to_numpy() == pytest.approx(a[end].to_numpy() * scale, rel=1e-6)


def test_bos_22_bca_of_a_mixed_model_leaves_out_clusters(slopes):
    b = mere.bootstrap(slopes, type="case", nsim=200, ci="bca", seed=1)
    jack = mere.jackknife(slopes).values["Days"].to_numpy()
    draws = b.t["Days"].to_numpy()
    expected = bootstrap_interval(draws, b.t0["Days"], 0.95, "bca", acceleration(jack))
    assert b.table.loc["Days", ["conf.low", "conf.high"]].to_numpy(float) == pytest.approx(expected)


def test_bos_23_mistakes_are_said_before_any_fit(slopes, line):
    start = time.process_time()
    with pytest.raises(MereValueError, match="'bca' needs 50"):
        mere.bootstrap(line, nsim=49, ci="bca")
    with pytest.raises(MereValueError, match="ci must be"):
        mere.bootstrap(slopes, nsim=100_000, ci="exact")
    with pytest.raises(MereValueError, match="type must be"):
        mere.bootstrap(slopes, nsim=100_000, type="jack")
    crossed = mere.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", datasets.Penicillin)
    with pytest.raises(MereValueError, match="crossed factors plate, sample"):
        mere.bootstrap(crossed, nsim=100_000, type="parametric", ci="bca")
    with pytest.raises(MereValueError, match="needs one grouping factor"):
        mere.bootstrap(crossed, nsim=100_000, type="reb")
    with pytest.raises(MereValueError, match="poisson response"):
        mere.bootstrap(mere.glm("breaks ~ wool", WARP, "poisson"), type="residual")
    assert time.process_time() - start < 1


def test_bos_24_p_by_crossings():
    t = np.array([1.0, 2.0, 3.0, -0.5, np.nan])
    assert crossing_p(t, 1.5) == pytest.approx(min(1, 2 * 2 / 5))
    assert crossing_p(t, 1.5, alternative="greater") == pytest.approx(2 / 5)
    assert crossing_p(t, 1.5, alternative="less") == pytest.approx(4 / 5)
    assert crossing_p(t, 0.0) == 1.0
    assert np.isnan(crossing_p(np.array([np.nan]), 1.0))


def test_bos_30_failures_are_left_out_alike():
    """A rare level is missing from some draws: the coefficient cannot be had."""
    d = pd.DataFrame({"y": np.arange(16.0) ** 1.2, "f": ["a"] * 14 + ["b"] * 2})
    b = mere.bootstrap(mere.lm("y ~ f", d), nsim=300, seed=1)
    lost = b.t["fb"].isna()
    assert len(b.failures) == lost.sum() > 5
    valid = b.t["fb"][~lost]
    assert b.table.loc["fb", "std.error"] == pytest.approx(valid.std(ddof=1))
    assert np.isfinite(b.table.loc["fb", ["conf.low", "conf.high", "p.value"]].to_numpy(float)).all()
    calls = []

    def only_the_fit_itself(m):
        calls.append(m)
        if len(calls) > 1:
            raise MereError("no")
        return [1.0]

    with pytest.raises(RuntimeError, match="all 4 replicates failed"):
        mere.bootstrap(mere.lm("y ~ f", d), FUN=only_the_fit_itself, nsim=4, seed=3)


@pytest.mark.parametrize("type", ["case", "residual", "wild", "reb", "parametric"])
def test_bos_33_the_same_draws_on_any_number_of_workers(slopes, type):
    one, two, four = (mere.bootstrap(slopes, type=type, nsim=40, seed=9, ncpus=k) for k in (1, 2, 4))
    assert one.t.equals(two.t)
    assert one.t.equals(four.t)


@pytest.mark.parametrize("kind", ["lm", "glm", "glmer"])
@pytest.mark.parametrize("type", ["case", "parametric"])
def test_bos_33_the_same_draws_of_any_model(kind, type, line):
    m = {
        "lm": lambda: line,
        "glm": lambda: mere.glm("breaks ~ wool", WARP, "poisson"),
        "glmer": lambda: mere.glmer(
            "cbind(incidence, size - incidence) ~ period + (1 | herd)", datasets.cbpp, "binomial"
        ),
    }[kind]()
    one, two, four = (mere.bootstrap(m, type=type, nsim=24, seed=9, ncpus=k) for k in (1, 2, 4))
    assert one.t.equals(two.t)
    assert one.t.equals(four.t)
    assert one.table.equals(four.table)


def test_bos_30_many_failures_are_said():
    d = pd.DataFrame({"y": np.arange(12.0) ** 1.2, "f": ["a"] * 11 + ["b"]})
    with pytest.warns(BootstrapWarning, match="replicates failed"):
        mere.bootstrap(mere.lm("y ~ f", d), nsim=60, seed=1)
    g = pd.DataFrame({"y": np.arange(12.0), "f": ["a"] * 10 + ["b"] * 2, "g": [*"aabbccddee", "f", "f"]})
    g["y"] += np.tile([0.0, 1.5, 0.3], 4)
    with pytest.warns(BootstrapWarning, match="can be used"):
        mere.bootstrap(mere.lmer("y ~ f + (1 | g)", g), nsim=60, seed=1)


def test_bos_20_separated_draws_are_failures():
    d = pd.DataFrame({"y": [0, 0, 0, 1, 0, 1, 1, 1.0], "x": np.arange(8.0)})
    b = mere.bootstrap(mere.glm("y ~ x", d, "binomial"), nsim=200, seed=1)
    assert len(b.failures) > 5
    assert b.t["x"].abs().max() < 40


def test_bos_34_resamples(line):
    b = mere.bootstrap(line, nsim=60, seed=1)
    assert list(b.resamples.columns) == ["resample", "term", "value"]
    assert len(b.resamples) == 60 * 5
    bare, more = (mere.bootstrap(line, nsim=k, seed=1, save_resamples=False) for k in (60, 6000))
    assert bare.resamples is None
    assert bare.table.equals(b.table)
    sizes = [len(pickle.dumps(x)) for x in (bare, more, mere.bootstrap(line, nsim=6000, seed=1))]
    assert sizes[1] < 1.02 * sizes[0] < sizes[2] / 5


def test_a_cluster_drawn_twice_is_two(slopes):
    rows = list(cluster_rows(np.asarray(slopes.design.random[0].codes)))
    design = drawn_design(slopes.design, rows, np.array([3, 3, 5]))
    assert len(design.random[0].levels) == 3
    assert len(set(design.random[0].levels)) == 3
    assert design.n == 30


def test_reflated_effects_have_the_estimated_covariance():
    rng = np.random.default_rng(1)
    S = np.array([[4.0, -1.0], [-1.0, 2.0]])
    u = reflated(rng.normal(size=(30, 2)) @ np.array([[1.0, 0.3], [0.0, 0.2]]), S)
    assert u.mean(axis=0) == pytest.approx([0, 0], abs=1e-12)
    assert u.T @ u / 30 == pytest.approx(S, rel=1e-10)


@pytest.mark.parametrize("type", ["case", "residual", "wild", "reb", "parametric"])
def test_schemes_agree_on_a_fixed_effect(slopes, type):
    """Sleepstudy's model fits well: every scheme has about the standard error of the model, 1.546."""
    se = mere.bootstrap(slopes, type=type, nsim=600, seed=4).table.loc["Days", "std.error"]
    assert 1.3 < se < 1.75


def test_bos_26_variance_parameters_under_wild_signs_are_not_reported(slopes):
    table = mere.bootstrap(slopes, type="wild", nsim=50, seed=1).table
    assert table.loc["sigma", ["std.error", "conf.low"]].isna().all()
    assert table.loc["Days"].notna().all()


def test_bos_27_negative_correlations():
    rng = np.random.default_rng(27)
    g = np.repeat(np.arange(30), 8)
    u = rng.multivariate_normal([0, 0], [[1.0, -0.9], [-0.9, 1.0]], 30)
    x = rng.normal(size=240)
    d = pd.DataFrame({"g": g.astype(str), "x": x, "y": u[g, 0] + u[g, 1] * x + 0.7 * rng.normal(size=240)})
    m = mere.lmer("y ~ x + (x | g)", d)
    b = mere.bootstrap(m, type="parametric", nsim=200, seed=1)
    assert len(b.failures) == 0
    assert (b.t["cor_x.(Intercept)|g"] < 0).mean() > 0.9


def test_bos_25_spread_of_a_slope(slopes):
    se = mere.bootMer(slopes, nsim=1000, seed=1).t["Days"].std(ddof=1)
    assert 1.40 < se < 1.65
