"""Rows RND-2 to 4, 6, 7, 9, 12 and 13 of the checklist: small reference sets, allowed arrangements, many terms."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

import mere
from mere.errors import DataMessage, MereStateError, MereValueError
from mere.inference.permutation.arguments import cluster_codes_of
from mere.inference.permutation.arrangements import Arrangements, make_plan
from mere.inference.permutation.pvalues import step_down

pytestmark = pytest.mark.filterwarnings("ignore::mere.errors.SingularFitMessage")


def rows(seed, n=24):
    rng = np.random.default_rng(seed)
    d = pd.DataFrame(rng.normal(size=(n, 3)), columns=["x", "z", "w"])
    d["f"] = np.resize(list("abc"), n)
    return d.assign(y=0.4 * d["x"] + 0.3 * d["w"] + rng.standard_t(4, size=n), g=np.repeat(np.arange(n // 4), 4))


# -- all arrangements ---------------------------------------------------------------------
def test_rnd_2_an_exact_p_value_has_no_error_of_simulation():
    """The interval of the p-value that all arrangements would give is that p-value, and nothing is borderline."""
    m = mere.lm("y ~ x", {"y": [2.1, 3.9, 3.2, 5.8, 4.4, 6.9], "x": [1.0, 2, 3, 4, 5, 6]})
    t = mere.permutation_test(m, seed=1)
    row = t.table.loc["x"]
    assert t.exact
    assert row["p.low"] == row["p.value"] == row["p.high"]
    assert row["p.se"] == 0
    assert t.borderline.empty
    drawn = mere.permutation_test(m, n_perm=100, seed=1).table.loc["x"]
    assert drawn["p.low"] < drawn["p.value"] < drawn["p.high"]


def test_rnd_3_all_there_are_is_an_answer_and_not_an_error():
    """More arrangements than there are: the test takes each once, where the seed system has an error."""
    for wanted in (119, 120, 10**6):
        found = Arrangements.of(make_plan(5), wanted, 1)
        assert (found.count, found.exact) == (119, True)
    assert not Arrangements.of(make_plan(5), 118, 1).exact
    large = Arrangements.of(make_plan(400), 5000, 3).block(0, 5000)
    assert len(np.unique(large, axis=0)) == 5000


def brute_force_f(X, y, columns):
    """F of some columns by two least-squares fits."""
    rest = np.delete(X, columns, axis=1)
    full, null = (float(np.sum((y - A @ np.linalg.lstsq(A, y, rcond=None)[0]) ** 2)) for A in (X, rest))
    return (null - full) / len(columns) / (full / (len(y) - X.shape[1]))


def test_rnd_4_within_cells_and_for_a_factor():
    """Enumeration by hand: F of a factor, rows of two cells of four."""
    d = rows(4, 8)
    m = mere.lm("y ~ f", d)
    t = mere.permutation_test(m, cells="g", n_perm=10_000, seed=1)
    X = mere.model_matrix(m).to_numpy()
    y = d["y"].to_numpy()
    values = [
        brute_force_f(X, y[[*a, *(4 + i for i in b)]], [1, 2])
        for a in itertools.permutations(range(4)) for b in itertools.permutations(range(4))
    ]  # fmt: skip
    assert t.exact
    assert t.table.loc["f", "n_perm"] == math.factorial(4) ** 2 - 1
    assert t.table.loc["f", "p.value"] == pytest.approx(np.mean(np.array(values) >= values[0] * (1 - 1e-10)), abs=1e-12)


def attained(p, weight):
    """Is P(p <= a) at most a for every a that p takes? `weight` is of one data set."""
    levels = np.unique(p)
    return all((p <= a + 1e-12).sum() * weight <= a + 1e-9 for a in levels)


@pytest.mark.parametrize(("cells", "method"), [(None, "score"), ([0, 0, 0, 1, 1, 1], "score"), (None, "kennedy")])
def test_rnd_4_small_sets_are_exact(cells, method):
    """Whatever the responses are: over all their arrangements the p-value keeps every level, and attains it."""
    x = np.array([0.3, 1.0, 2.4, -1.0, 0.1, 0.8])[: 6 if cells else 5]
    y = np.array([4.0, 1.0, 9.0, 16.0, 2.5, 7.7])[: len(x)]
    plan = make_plan(len(x), None if cells is None else np.array(cells))
    p = []
    for pi in plan.everything():
        m = mere.lm("y ~ x", {"y": y[pi], "x": x})
        t = mere.permutation_test(m, method=method, cells=cells, n_perm=1000, seed=1)
        assert t.exact
        p.append(t.table.loc["x", "p.value"])
    assert len(p) == plan.size
    assert attained(np.array(p), 1 / plan.size)
    assert min(p) <= 2 / plan.size + 1e-12
    assert np.mean(np.array(p) <= 0.5) > 0.4


def test_rnd_8_sign_flips_of_symmetric_errors_are_exact():
    """All signs of six numbers as the data: the p-value of the mean keeps every level."""
    size, p = np.array([0.3, 1.0, 2.4, 1.7, 0.1, 0.8]), []
    for signs in itertools.product((1.0, -1.0), repeat=6):
        m = mere.lm("y ~ 1", {"y": size * np.array(signs)})
        t = mere.permutation_test(m, "(Intercept)", method="sign-flip", n_perm=100, seed=1)
        p.append(t.table["p.value"].iloc[0])
    assert attained(np.array(p), 1 / 64)
    assert min(p) == 2 / 64


@pytest.mark.filterwarnings("ignore::mere.errors.RankDeficiencyMessage")
def test_rnd_6_terms_without_a_coefficient():
    d = rows(16)
    m = mere.lm("y ~ x + x2", d.assign(x2=2 * d["x"]))
    assert list(mere.permutation_test(m, n_perm=19, seed=1).table.index) == ["x"]
    with pytest.raises(MereValueError, match="'x2', which has no coefficient of its own"):
        mere.permutation_test(m, "x2")
    with pytest.raises(MereValueError, match="'x2' has no coefficient of its own"):
        mere.power_sim(m, "x2")
    with pytest.raises(MereValueError, match="4 rows and 4 coefficients leave no residuals"):
        mere.permutation_test(mere.lm("y ~ x + z + w", d.head(4)))


# -- cells -----------------------------------------------------------------------------------
def test_rnd_6_several_columns_are_crossed():
    d = rows(6)
    m = mere.lm("y ~ x", d)
    expected = d.groupby(["f", "g"]).ngroup().to_numpy()
    for cells in (["f", "g"], d[["f", "g"]], [d["f"].to_numpy(), d["g"].to_numpy()]):
        found = cluster_codes_of(m, cells)
        assert len(np.unique(np.column_stack([found, expected]), axis=0)) == len(np.unique(expected))
    for bad, message in ((3, "not of shape"), (np.ones((24, 2)), "not of shape"), ([], "names no factor"),
                         ([1, 2], "24 labels"), (np.where(d["x"] > 0, np.nan, 1.0), "missing labels")):  # fmt: skip
        with pytest.raises(MereValueError, match=message):
            mere.permutation_test(m, cells=bad, n_perm=9)


# -- constraints ----------------------------------------------------------------------------------
def test_rnd_7_allowed_arrangements_are_distinct_and_never_the_identity():
    """Of few arrangements all that are allowed are taken; of many none twice."""

    def first_stays(block):
        return block[block[:, 0] == 0]

    small = Arrangements.of(make_plan(6), 60, 1, first_stays)
    block = small.block(0, 60)
    assert len(np.unique(block, axis=0)) == 60
    assert (block[:, 0] == 0).all()
    assert not (block == np.arange(6)).all(axis=1).any()
    with pytest.warns(DataMessage, match="only 119 arrangements"):
        every = Arrangements.of(make_plan(6), 500, 1, first_stays)
    assert (every.count, every.exact) == (119, True)
    large = Arrangements.of(make_plan(12), 300, 1, lambda b: b[b[:, 0] < 6])
    assert len(np.unique(large.block(0, 300), axis=0)) == 300


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda b: b * 0, "no arrangements"), (lambda b: b + 40, "no arrangements"),
        (lambda b: b[:, :5], "must return"), (lambda b: b.astype(float), "no arrangements"),
        (lambda b: None, "must return"), (lambda b: np.vstack([b, b]), "must return"),
        (lambda b: b[:0], "no arrangement pass"), (7, "a function"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("n", [8, 24])
def test_rnd_7_what_constraints_may_return(wrong, message, n):
    with pytest.raises(MereValueError, match=message):
        mere.permutation_test(mere.lm("y ~ x", rows(7, n)), n_perm=20, seed=1, constraints=wrong)


# -- several columns at once -------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["freedman-lane", "score", "ter-braak", "kennedy", "manly"])
def test_rnd_9_joint_tests_are_refits(method):
    """F of a factor of three levels beside a covariate, by least squares for each arrangement."""
    d = rows(9)
    m = mere.lm("y ~ w + f", d)
    X, y, columns = mere.model_matrix(m).to_numpy(), d["y"].to_numpy(), [2, 3]
    Z = np.delete(X, columns, axis=1)
    project = Z @ np.linalg.pinv(Z)
    fit = X @ np.linalg.lstsq(X, y, rcond=None)[0]
    e, left = y - project @ y, X[:, columns] - project @ X[:, columns]
    expected = []
    for pi in Arrangements.of(make_plan(24), 30, 5).block(0, 30):
        if method in ("freedman-lane", "score"):
            expected.append(brute_force_f(X, project @ y + e[pi], columns))
        elif method == "ter-braak":  # the drawn coefficients less the observed ones
            expected.append(brute_force_f(X, (y - fit)[pi], columns))
        elif method == "kennedy":
            moved = X.copy()
            moved[:, columns] = left[pi]
            expected.append(brute_force_f(moved, y, columns))
        else:
            expected.append(brute_force_f(X, y[pi], columns))
    t = mere.permutation_test(m, "f", method=method, n_perm=30, seed=5)
    assert t.draws["f"].to_numpy() == pytest.approx(expected, abs=1e-10)
    assert t.table.loc["f", "statistic"] == pytest.approx(brute_force_f(X, y, columns), abs=1e-10)
    assert t.table.loc["f", "df"] == 2


@pytest.mark.parametrize("method", ["score", "freedman-lane", "kennedy"])
def test_rnd_12_each_joint_method_keeps_its_level(method):
    """An intraclass correlation of .9, two covariates, 200 data sets."""
    rng, runs, hits = np.random.default_rng(120), 200, 0
    g = np.repeat(np.arange(12), 6)
    for _ in range(runs):
        d = pd.DataFrame({"x": rng.normal(size=72), "z": rng.normal(size=12)[g], "g": g.astype(str)})
        d["y"] = 3 * rng.normal(size=12)[g] + rng.normal(size=72)
        m = mere.lmer("y ~ x + z + (1 | g)", d)
        t = mere.permutation_test(m, joint=True, method=method, n_perm=99, seed=int(rng.integers(2**31)))
        hits += t.table["p.value"].iloc[0] <= 0.05
    assert hits / runs <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / runs)


# -- all terms together ------------------------------------------------------------------------------------
def test_rnd_13_confounders_do_not_count_among_the_tests():
    """Adjusted p-values are of the tested terms; with one of them there is nothing to adjust."""
    m = mere.lm("y ~ x + z + w", rows(13))
    both = mere.permutation_test(m, confounders="w", n_perm=499, seed=1)
    assert list(both.adjusted.index) == ["x", "z"]
    alone = mere.permutation_test(m, confounders=["w", "z"], n_perm=499, seed=1)
    assert alone.adjusted["x"] == pytest.approx(alone.table.loc["x", "p.value"])
    three = mere.permutation_test(m, n_perm=499, seed=1)
    assert (three.adjusted >= three.table["p.value"] - 1e-12).all()
    assert three.adjusted["z"] >= both.adjusted["z"] - 0.02
    with pytest.raises(MereStateError, match="draws of all terms"):
        _ = mere.permutation_test(m, n_perm=99, seed=1, save_draws=False).adjusted


def test_step_down_minima_keep_the_family_wise_level():
    """By brute force for statistics of one size, and how often any of four true hypotheses is rejected."""
    rng = np.random.default_rng(14)
    values = rng.normal(size=(400, 3))
    sizes = np.abs(values)
    p = np.array([[np.mean(sizes[:, j] >= sizes[b, j]) for j in range(3)] for b in range(400)])
    order = np.argsort(p[0])
    expected, before = np.empty(3), 0.0
    for i, j in enumerate(order):
        before = expected[j] = max(before, np.mean(p[:, order[i:]].min(axis=1) <= p[0, j]))
    assert step_down(values, ["two-sided"] * 3) == pytest.approx(expected, abs=1e-12)
    hits, runs = 0, 200
    for run in range(runs):
        d = pd.DataFrame(np.random.default_rng([14, run]).normal(size=(40, 5)), columns=["y", *"abcd"])
        hits += (mere.permutation_test(mere.lm("y ~ a + b + c + d", d), n_perm=199, seed=run).adjusted <= 0.05).any()
    assert hits / runs <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / runs)


def test_a_run_that_was_interrupted_goes_on(tmp_path):
    m, file = mere.lm("y ~ x + z", rows(15)), tmp_path / "draws"
    given = {"n_perm": 300, "seed": 1}
    whole = mere.permutation_test(m, **given)
    first = mere.permutation_test(m, checkpoint=file, **given)
    again = mere.permutation_test(m, checkpoint=file, **given)
    assert whole.draws.equals(first.draws)
    assert whole.draws.equals(again.draws)
    with pytest.raises(MereValueError, match="another run"):
        mere.permutation_test(m, checkpoint=file, n_perm=300, seed=2)
    with pytest.raises(MereValueError, match="leave stop= out"):
        mere.permutation_test(m, checkpoint=file, stop=10, **given)
    power = mere.power_sim(m, "x", nsim=30, seed=1)
    for _ in range(2):
        assert mere.power_sim(m, "x", nsim=30, seed=1, checkpoint=tmp_path / "power").power == power.power
