"""Rows RND-1 to RND-43 and BOS-35 to BOS-38 of the checklist: permutation tests."""

import itertools
import json
import math

import numpy as np
import pandas as pd
import pytest

import mere
from mere import datasets, families
from mere.accessors.blocks import random_design, relative_covariance
from mere.errors import DataMessage, MereValueError
from mere.inference.permutation.arrangements import Arrangements, make_plan, make_signs
from mere.inference.permutation.methods import METHODS, geometry
from mere.inference.permutation.nulls import null_rows, rows_of
from mere.inference.permutation.pvalues import exceedances, monte_carlo_interval, p_value, recommended_draws, straddles

pytestmark = [
    pytest.mark.filterwarnings("ignore::mere.errors.SingularFitMessage"),
    pytest.mark.filterwarnings("ignore:.* draws have no fit:mere.errors.DataMessage"),
]


def bound(runs, level=0.05):
    """Rejections in `runs` data sets that a valid test exceeds in one of 40."""
    return level + 2 * math.sqrt(level * (1 - level) / runs)


def clustered(rng, groups=20, size=10, icc=0.8, slope=0.0, level=0.0):
    """y, x within clusters, z constant in clusters; a random slope of x."""
    g = np.repeat(np.arange(groups), size)
    x, z = rng.normal(size=groups * size), rng.normal(size=groups)[g]
    u = rng.normal(size=(2, groups)) * math.sqrt(icc / (1 - icc))
    y = 1 + u[0, g] + slope * u[1, g] * x + level * z + rng.normal(size=groups * size)
    return pd.DataFrame({"y": y, "x": x, "z": z, "g": g.astype(str)})


@pytest.fixture(scope="module")
def line():
    return mere.lm("Ozone ~ Solar + Wind + Temp", _air())


def _air():
    rng = np.random.default_rng(3)
    d = pd.DataFrame({"Solar": rng.normal(size=30), "Wind": rng.normal(size=30)})
    d["Temp"] = 0.6 * d["Wind"] + rng.normal(size=30)
    return d.assign(Ozone=0.3 * d["Solar"] + 0.2 * d["Wind"] + rng.standard_t(4, size=30))


@pytest.fixture(scope="module")
def slopes():
    rng = np.random.default_rng(12)
    d = clustered(rng, 15, 6).assign(w=rng.normal(size=90))
    return mere.lmer("y ~ x + w + z + (x | g)", d)


# -- p-values ------------------------------------------------------------------------
def test_rnd_1_p_value_and_its_interval():
    from scipy.stats import beta

    assert p_value(3, 99) == 0.04
    low, high = monte_carlo_interval(3, 99)
    assert low == pytest.approx(beta.ppf(0.025, 4, 97), rel=1e-10)
    assert high == pytest.approx(beta.ppf(0.975, 5, 96), rel=1e-10)


def test_bos_35_p_is_never_zero_and_counts_ties():
    draws = np.array([0.1, -0.4, 2.0, -2.0, np.nan])
    assert exceedances(2.0, draws) == 2
    assert exceedances(2.0, draws, "greater") == 1
    assert exceedances(2.0, draws, "less") == 4
    assert p_value(0, 999) == 1 / 1000


@pytest.mark.filterwarnings("ignore::mere.errors.DataMessage")
def test_rnd_2_denominator_is_what_was_used():
    d = pd.DataFrame({"y": [1.0, 4, 2, 6, 3], "x": [0.0, 1, 2, 3, 4]})
    t = mere.permutation_test(mere.lm("y ~ x", d), n_perm=5000, seed=1)
    assert t.exact
    assert t.table.loc["x", "n_perm"] == 119
    assert t.table.loc["x", "p.value"] >= 1 / 120
    d["z"] = [1.0, 0, 0, 1, 1]
    both = mere.permutation_test(mere.lm("y ~ x + z", d), n_perm=5000, seed=1, joint=True).table.iloc[0]
    assert both["n_perm"] == 119
    assert both["p.value"] * 120 == pytest.approx(round(both["p.value"] * 120))


# -- arrangements ---------------------------------------------------------------------
def test_rnd_3_permutations_are_distinct_and_not_the_identity():
    five = Arrangements.of(make_plan(5), 119, 1)
    assert five.exact
    assert len({tuple(row) for row in five.block(0, 119)}) == 119
    few = Arrangements.of(make_plan(6), 500, 1)
    block = few.block(0, 500)
    assert len({tuple(row) for row in block}) == 500
    assert not (block == np.arange(6)).all(axis=1).any()
    assert (np.sort(block, axis=1) == np.arange(6)).all()
    many = Arrangements.of(make_plan(60), 2000, 1)
    assert len({tuple(row) for row in many.block(0, 2000)}) == 2000
    assert (many.block(700, 720) == Arrangements.of(make_plan(60), 2000, 1).block(0, 2000)[700:720]).all()


def test_rnd_4_small_sets_are_enumerated(line):
    """All 120 arrangements of five rows, by brute force."""
    y, x = np.array([1.0, 4, 2, 6, 3]), np.arange(5.0)
    t = mere.permutation_test(mere.lm("y ~ x", pd.DataFrame({"y": y, "x": x})), n_perm=119, seed=1)
    slopes = [abs(np.corrcoef(x, y[list(p)])[0, 1]) for p in itertools.permutations(range(5))]
    observed = abs(np.corrcoef(x, y)[0, 1])
    assert t.table.loc["x", "p.value"] == pytest.approx(np.mean([s >= observed - 1e-12 for s in slopes]), abs=1e-12)


@pytest.mark.filterwarnings("ignore::mere.errors.DataMessage")
def test_rnd_5_cells_keep_their_rows():
    cells = np.repeat([0, 1, 2, 3, 4, 5], [3, 3, 2, 2, 2, 4])
    within, between, both = (make_plan(16, cells, s) for s in ("within", "between", "two-stage"))
    inside = math.factorial(3) ** 2 * 2**3 * math.factorial(4)
    assert (within.size, between.size, both.size) == (inside, 12, 12 * inside)
    for row in Arrangements.of(within, 10_000, 2).block(0, 10_000):
        assert (cells[row] == cells).all()
    for row in Arrangements.of(both, 10_000, 2).block(0, 10_000):
        taken = [set(cells[row[cells == c]]) for c in range(6)]
        assert all(len(s) == 1 for s in taken)
        sizes = [np.bincount(cells)[s.pop()] for s in taken]
        assert sizes == np.bincount(cells).tolist()
    rows = Arrangements.of(between, 100, 2)
    assert rows.exact
    assert rows.count == 11
    for row in rows.block(0, 11):
        assert all((np.diff(row[cells == c]) == 1).all() for c in range(6))


def test_rnd_6_errors_and_warnings_about_cells(line):
    with pytest.raises(MereValueError, match="needs cells="):
        mere.permutation_test(line, strategy="within")
    with pytest.raises(MereValueError, match="only 3"):
        make_plan(9, np.repeat([0, 1, 2], 3), "between")
    with pytest.raises(MereValueError, match="sizes differ"):
        make_plan(15, np.repeat(np.arange(5), [1, 2, 3, 4, 5]), "between")
    with pytest.raises(MereValueError, match="labels"):
        mere.permutation_test(line, cells=[1, 2, 3])
    with pytest.warns(DataMessage, match="one row"):
        make_plan(7, np.array([0, 0, 0, 1, 1, 1, 2]), "within")
    with pytest.warns(DataMessage, match="only 12 ways"):
        make_plan(16, np.repeat([0, 1, 2, 3, 4, 5], [3, 3, 2, 2, 2, 4]), "between")
    with pytest.warns(DataMessage, match="2 to 8 rows"):
        make_plan(26, np.repeat(np.arange(7), [2, 2, 2, 2, 2, 8, 8]), "two-stage")


def test_rnd_6_within_says_nothing_about_a_covariate_that_is_constant_within_cells(slopes):
    with pytest.raises(MereValueError, match="constant within"):
        mere.permutation_test(slopes, "z", cells="g")


def test_rnd_7_constraints():
    d = _air()
    m = mere.lm("Ozone ~ Solar", d)
    t = mere.permutation_test(m, n_perm=200, seed=1, constraints=lambda rows: rows[rows[:, 0] < 15])
    assert t.table["n_perm"].iloc[0] == 200
    kept = Arrangements.of(make_plan(30), 200, 1, lambda rows: rows[rows[:, 0] < 15])
    assert (kept.block(0, 200)[:, 0] < 15).all()
    with pytest.warns(DataMessage, match="only"):
        mere.permutation_test(m, n_perm=100, seed=1, constraints=lambda rows: rows[:1])
    with pytest.raises(MereValueError, match="constraints must return"):
        mere.permutation_test(m, n_perm=20, seed=1, constraints=lambda rows: rows[:, :3])


def test_rnd_8_signs():
    plan = make_signs(6, np.array([0, 0, 1, 1, 2, 2]))
    every = Arrangements.of(plan, 100, 1)
    assert every.exact
    assert every.count == 7
    assert {tuple(row[::2]) for row in every.block(0, 7)} == set(itertools.product((1.0, -1.0), repeat=3)) - {
        (1.0,) * 3
    }
    rng, runs, hits = np.random.default_rng(4), 300, 0
    for _ in range(runs):
        d = pd.DataFrame({"y": rng.laplace(size=14)})
        p = mere.permutation_test(mere.lm("y ~ 1", d), "(Intercept)", method="sign-flip", n_perm=199, seed=1).table
        hits += p["p.value"].iloc[0] <= 0.05
    assert hits / runs <= bound(runs)


# -- methods, against brute force -------------------------------------------------------
def t_of(X, y, j):
    """t of coefficient j by least squares, and the estimate."""
    b, *_ = np.linalg.lstsq(X, y, rcond=None)
    e = y - X @ b
    s2 = e @ e / (len(y) - X.shape[1])
    return b[j] / math.sqrt(s2 * np.linalg.inv(X.T @ X)[j, j]), b[j]


@pytest.mark.parametrize("method", ["freedman-lane", "score", "ter-braak", "kennedy", "manly"])
def test_rnd_9_methods_are_refits(line, method):
    X, y = mere.model_matrix(line).to_numpy(), line.design.y
    j, n = 2, len(y)
    X0 = np.delete(X, j, axis=1)
    project = X0 @ np.linalg.pinv(X0)
    rows = Arrangements.of(make_plan(n), 40, 5).block(0, 40)
    full_fit = X @ np.linalg.lstsq(X, y, rcond=None)[0]
    expected = []
    for pi in rows:
        e = y - project @ y
        if method in ("freedman-lane", "score"):
            t = t_of(X, project @ y + e[pi], j)[0]
        elif method == "ter-braak":
            star = full_fit + (y - full_fit)[pi]
            t, b = t_of(X, star, j)
            t *= (b - t_of(X, y, j)[1]) / b
        elif method == "kennedy":
            Xs = X.copy()
            Xs[:, j] = project @ X[:, j] + (X[:, j] - project @ X[:, j])[pi]
            t = t_of(Xs, y, j)[0]
        else:
            t = t_of(X, y[pi], j)[0]
        expected.append(t)
    t = mere.permutation_test(line, "Wind", method=method, n_perm=40, seed=5)
    assert t.draws["Wind"].to_numpy() == pytest.approx(expected, abs=1e-10)
    assert t.table.loc["Wind", "statistic"] == pytest.approx(t_of(X, y, j)[0], abs=1e-10)


def responses(rng, family, mean):
    if family == "binomial":
        return rng.binomial(1, 1 / (1 + np.exp(-mean)))
    if family == "negative binomial":
        return rng.negative_binomial(2.0, 2.0 / (2.0 + np.exp(0.5 * mean)))
    return rng.poisson(np.exp(0.5 * mean)) if family == "poisson" else rng.gamma(2.0, np.exp(0.5 * mean) / 2)


KINDS = {"Gamma": families.Gamma("log"), "negative binomial": families.negative_binomial(2.0)}


@pytest.mark.parametrize("family", ["binomial", "poisson", "Gamma", "negative binomial"])
def test_rnd_10_generalized_methods_keep_their_level(family):
    """A confounder correlated .6 with x, no effect of x: 400 data sets, 100 for the method that iterates each fit."""
    rng = np.random.default_rng(11)
    runs = {"score": 400, "one-step": 400, "sign-flip": 400, "pql-fixed": 100}
    hits = dict.fromkeys(runs, 0)
    for run in range(400):
        c = rng.normal(size=60)
        d = pd.DataFrame({"c": c, "x": 0.6 * c + 0.8 * rng.normal(size=60)})
        d["y"] = responses(rng, family, 0.7 * c)
        m, seed = mere.glm("y ~ x + c", d, KINDS.get(family, family)), int(rng.integers(2**31))
        for method in (method for method, count in runs.items() if run < count):
            t = mere.permutation_test(m, "x", method=method, n_perm=99, seed=seed)
            hits[method] += t.table["p.value"].iloc[0] <= 0.05
    for method, count in runs.items():
        assert hits[method] / count <= bound(count), method


@pytest.mark.parametrize("family", ["binomial", "poisson", "Gamma", "negative binomial"])
def test_rnd_10_generalized_methods_find_effects(family):
    rng, runs = np.random.default_rng(100), 25
    hits = dict.fromkeys(("score", "one-step", "sign-flip", "pql-fixed"), 0)
    for _ in range(runs):
        c = rng.normal(size=60)
        d = pd.DataFrame({"c": c, "x": 0.6 * c + 0.8 * rng.normal(size=60)})
        d["y"] = responses(rng, family, 0.7 * c + 1.2 * d["x"])
        m = mere.glm("y ~ x + c", d, KINDS.get(family, family))
        for method in hits:
            hits[method] += (
                mere.permutation_test(m, "x", method=method, n_perm=99, seed=1).table["p.value"].iloc[0] <= 0.05
            )
    assert min(hits.values()) / runs > 0.5, hits


def test_rnd_27_generalized_models_refuse_arranged_responses():
    m = mere.glm("breaks ~ wool", datasets.warpbreaks, "poisson")
    for method in ("freedman-lane", "ter-braak", "kennedy", "manly"):
        with pytest.raises(MereValueError, match="'score', 'one-step', 'pql-fixed' or 'sign-flip'"):
            mere.permutation_test(m, method=method)


@pytest.mark.parametrize("method", ["score", "freedman-lane", "kennedy", "manly", "sign-flip"])
def test_rnd_12_the_identity_gives_what_was_observed(slopes, method):
    """The joint statistic of two terms, too."""
    for columns in (np.array([1]), np.array([1, 2])):
        rows = null_rows(slopes, columns)
        f = geometry(rows.X, rows.y, columns, rows.arranged)
        s = METHODS[method](f)
        identity = np.ones((1, len(f.y))) if method == "sign-flip" else np.arange(len(f.y))[None]
        assert float(s.draw(identity)[0]) == pytest.approx(s.observed, rel=1e-10)


def test_rnd_12_joint_test_keeps_its_level_under_strong_clustering():
    rng, runs, hits = np.random.default_rng(2), 200, 0
    for _ in range(runs):
        d = clustered(rng, 12, 6, icc=0.9).assign(w=rng.normal(size=72))
        m = mere.lmer("y ~ x + w + (1 | g)", d)
        t = mere.permutation_test(m, joint=True, n_perm=99, seed=int(rng.integers(2**31)))
        assert list(t.table.index) == ["x + w"]
        hits += t.table["p.value"].iloc[0] <= 0.05
    assert hits / runs <= bound(runs)


def test_rnd_13_confounders_are_not_tested(line):
    t = mere.permutation_test(line, confounders=["Wind"], n_perm=99, seed=1)
    assert list(t.table.index) == ["Solar", "Temp", "Wind"]
    assert t.table.loc["Wind", ["p.value", "p.low", "p.high", "statistic"]].isna().all()
    assert "Wind (confounder)" in str(t)


def test_rnd_14_fixed_theta_operator(slopes):
    """b = A y of the whitened rows at the estimates is lmer's, and A X = I."""
    m = slopes
    rows = rows_of(m.design, np.ones(len(m.design.y)), m.design.y, m.theta)
    A = np.linalg.pinv(rows.X)
    assert pytest.approx(np.eye(4), abs=1e-10) == A @ rows.X
    assert A @ rows.y == pytest.approx(mere.fixef(m).to_numpy(), rel=1e-6)


@pytest.mark.parametrize("confounders", [None, "w"])
def test_rnd_15_score_equals_freedman_lane(slopes, confounders):
    a, b = (
        mere.permutation_test(slopes, confounders=confounders, method=method, n_perm=999, seed=3)
        for method in ("score", "freedman-lane")
    )
    assert a.draws.to_numpy() == pytest.approx(b.draws.to_numpy(), abs=1e-9)
    assert a.table["p.value"].to_numpy() == pytest.approx(b.table["p.value"].to_numpy(), abs=0, nan_ok=True)
    assert 0.02 < a.table.loc["x", "p.value"] < 0.98


def test_rnd_16_score_equals_freedman_lane_for_lm(line):
    a, b = (mere.permutation_test(line, method=method, n_perm=999, seed=3) for method in ("score", "freedman-lane"))
    assert (a.table["p.value"] == b.table["p.value"]).all()


def test_rnd_17_whitening():
    """W'W = V^-1, block-local with one factor, by the full factor when crossed."""
    rng = np.random.default_rng(17)
    d = clustered(rng, 8, 5).assign(i=np.tile(np.arange(5), 8).astype(str))
    for formula in ("y ~ x + (x | g)", "y ~ x + (1 | g) + (1 | i)"):
        m = mere.lmer(formula, d)
        rows = null_rows(m, np.array([1]))
        U = (random_design(m.design.random) @ relative_covariance(m.design.random, rows.theta)).toarray()
        W = rows.whiten(np.eye(40))
        V = np.eye(40) + U @ U.T
        assert pytest.approx(np.linalg.inv(V), abs=1e-9) == W.T @ W
        if "i" not in formula:
            assert np.abs(W[V == 0]).max() < 1e-12


def test_rnd_18_null_has_the_right_centre_and_width(slopes):
    t = mere.permutation_test(slopes, statistic="coefficient", n_perm=2000, seed=1)
    se = np.sqrt(np.diag(mere.vcov(slopes)))[1:]
    for j, term in enumerate(("x", "w", "z")):
        draws = t.draws[term]
        assert abs(draws.mean()) / draws.std() < 0.3
        assert 0.75 <= draws.std() / se[j] <= 1.25


def test_rnd_22_one_step_is_the_score_equation(slopes):
    """I^-1 X'V^-1 (z_pi - X b_0), the observed value by the same formula."""
    rows = null_rows(slopes, np.array([1]))
    f = geometry(rows.X, rows.y, np.array([1]))
    t = mere.permutation_test(slopes, "x", method="one-step", n_perm=20, seed=9)
    information = np.linalg.inv(rows.X.T @ rows.X) @ rows.X.T
    pi = Arrangements.of(make_plan(len(rows.y)), 20, 9).block(0, 20)
    expected = [(information @ f.null_residuals[p])[1] for p in pi]
    assert t.draws["x"].to_numpy() == pytest.approx(expected, abs=1e-10)
    assert t.table.loc["x", "statistic"] == pytest.approx((information @ f.null_residuals)[1], abs=1e-10)


@pytest.mark.parametrize(
    ("design", "slope", "term"), [("within", 0.0, "x"), ("random slope", 0.5, "x"), ("cluster level", 0.0, "z")]
)
def test_bos_37_level_in_three_designs(design, slope, term):
    rng, runs, hits = np.random.default_rng(37), 200, 0
    for _ in range(runs):
        d = clustered(rng, slope=slope)
        m = mere.lmer(f"y ~ {term} + ({'x' if slope else '1'} | g)", d)
        t = mere.permutation_test(m, term, n_perm=99, seed=int(rng.integers(2**31)))
        hits += t.table["p.value"].iloc[0] <= 0.05
    assert hits / runs <= bound(runs), design


def test_bos_37_power():
    rng, runs, hits = np.random.default_rng(38), 60, 0
    for _ in range(runs):
        d = clustered(rng, level=1.3 * 2)
        t = mere.permutation_test(mere.lmer("y ~ z + (1 | g)", d), n_perm=99, seed=1)
        hits += t.table["p.value"].iloc[0] <= 0.05
    assert hits / runs > 0.5


def test_rnd_28_crossed_factors():
    """Subjects by items, gaussian and binary; the level is kept."""
    rng, runs = np.random.default_rng(28), 200
    hits = {"gaussian": 0, "binomial": 0}
    for _ in range(runs):
        s, i = np.repeat(np.arange(14), 8), np.tile(np.arange(8), 14)
        x = rng.normal(size=8)[i]
        eta = 0.8 * rng.normal(size=14)[s] + 0.6 * rng.normal(size=8)[i]
        d = pd.DataFrame({"s": s.astype(str), "i": i.astype(str), "x": x})
        d["y"], d["b"] = eta + rng.normal(size=112), rng.binomial(1, 1 / (1 + np.exp(-eta)))
        seed = int(rng.integers(2**31))
        fits = {
            "gaussian": mere.lmer("y ~ x + (1 | s) + (1 | i)", d),
            "binomial": mere.glmer("b ~ x + (1 | s) + (1 | i)", d, "binomial"),
        }
        for name, m in fits.items():
            hits[name] += mere.permutation_test(m, n_perm=99, seed=seed).table["p.value"].iloc[0] <= 0.05
    assert max(hits.values()) / runs <= bound(runs)


def test_rnd_31_interval_by_inversion(slopes):
    t = mere.permutation_test(slopes, n_perm=999, seed=1).table
    assert (t["conf.low"] < t["estimate"]).all()
    assert (t["estimate"] < t["conf.high"]).all()
    rng, runs, inside = np.random.default_rng(31), 500, 0
    for _ in range(runs):
        d = clustered(rng, 10, 5)
        d["y"] += 0.4 * d["x"]
        row = mere.permutation_test(mere.lmer("y ~ x + (1 | g)", d), n_perm=199, seed=1).table.iloc[0]
        inside += row["conf.low"] <= 0.4 <= row["conf.high"]
    assert 0.93 <= inside / runs <= 0.97


def test_rnd_37_export(slopes):
    t = mere.permutation_test(slopes, n_perm=99, seed=1)
    back = json.loads(t.to_json())
    table = pd.DataFrame(back["terms"]).T.astype(float)
    pd.testing.assert_frame_equal(table[[*t.table.drop(columns="label")]], t.table.drop(columns="label").astype(float))
    assert (back["seed"], back["method"], back["null"]) == (1, "score", t.null)
    assert t.to_frame().equals(t.table)
    assert straddles(0.011, 0.0993) == 0.05
    assert recommended_draws(0.04, 0.011, 0.0993) > 99
    assert "p (model)" in str(t)


def test_rnd_43_any_number_of_threads(slopes):
    one, two, three = (mere.permutation_test(slopes, n_perm=600, seed=4, ncpus=k) for k in (1, 2, 3))
    assert (one.table["p.value"] == two.table["p.value"]).all()
    assert (one.table["p.value"] == three.table["p.value"]).all()
    assert one.draws.to_numpy() == pytest.approx(two.draws.to_numpy(), rel=1e-12)


@pytest.mark.parametrize("method", ["score", "manly"])
def test_bos_36_fast_path_is_refits(line, method):
    """The t statistics of refits by lm() of arranged null residuals, or of the arranged response."""
    d = _air()
    t = mere.permutation_test(line, "Temp", method=method, n_perm=25, seed=6)
    null = mere.lm("Ozone ~ Solar + Wind", d)
    e, base = (mere.residuals(null), mere.fitted(null)) if method == "score" else (d["Ozone"], 0 * d["Ozone"])
    for i, rows in enumerate(Arrangements.of(make_plan(30), 25, 6).block(0, 25)):
        refit = mere.lm("y ~ Solar + Wind + Temp", d.assign(y=base.to_numpy() + e.to_numpy()[rows]))
        found = mere.summary(refit).coefficients.loc["Temp", "t value"]
        assert t.draws["Temp"].iloc[i] == pytest.approx(found, abs=1e-10)


def test_bos_36_fast_path_is_refits_and_partial_by_default(line):
    t = mere.permutation_test(line, n_perm=50, seed=1)
    assert t.method == "score"
    assert "other coefficients" in t.null
    assert "nothing to do with any term" in mere.permutation_test(line, method="manly", n_perm=50, seed=1).null


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_rnd_18_units_do_not_matter(slopes, scale):
    d = slopes.call.data
    a = mere.permutation_test(slopes, n_perm=199, seed=2).table
    other = mere.lmer("y ~ x + w + z + (x | g)", d.assign(y=d["y"] * scale, w=d["w"] / scale))
    b = mere.permutation_test(other, n_perm=199, seed=2).table
    assert (a["p.value"] == b["p.value"]).all()
    assert b["statistic"].to_numpy() == pytest.approx(a["statistic"].to_numpy(), rel=1e-4)


def test_rnd_41_a_family_of_ones_own():
    """A family with other names goes the way of all families."""

    class Counts(families.Poisson if hasattr(families, "Poisson") else type(families.poisson())):
        pass

    m = mere.glm("breaks ~ wool + tension", datasets.warpbreaks, Counts(families.poisson().link))
    own = mere.permutation_test(m, n_perm=99, seed=1, joint=True).table
    usual = mere.permutation_test(
        mere.glm("breaks ~ wool + tension", datasets.warpbreaks, "poisson"), n_perm=99, seed=1, joint=True
    ).table
    assert own["p.value"].to_list() == usual["p.value"].to_list()
