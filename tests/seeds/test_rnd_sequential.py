"""Row RND-36 of the checklist: draws until enough are as large as observed."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

import mere
from mere.errors import MereValueError
from mere.inference.permutation.pvalues import extreme, sequential_interval
from mere.inference.permutation.sequential import draw_until


def model(seed=1, effect=0.0, n=40):
    rng = np.random.default_rng(seed)
    d = pd.DataFrame({"x": rng.normal(size=n), "w": rng.normal(size=n)})
    return mere.lm("y ~ x + w", d.assign(y=effect * d["x"] + rng.normal(size=n)))


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_rnd_36_h_over_l(alternative):
    """The draws are those of the test that does not stop, up to the tenth as large; p = 10 / L."""
    m, given = model(), {"n_perm": 3000, "seed": 2, "alternative": alternative}
    whole, some = mere.permutation_test(m, **given), mere.permutation_test(m, stop=10, **given)
    stopped = 0
    for term in ("x", "w"):
        all_draws = whole.draws[term].to_numpy()
        hits = np.cumsum(extreme(whole.table.loc[term, "statistic"], all_draws, alternative))
        row = some.table.loc[term]
        if hits[-1] >= 10:
            L, stopped = int(np.argmax(hits == 10)) + 1, stopped + 1
            assert (row["p.value"], row["n_perm"]) == (10 / L, L)
            assert (row["p.low"], row["p.high"]) == sequential_interval(10, L)
            assert np.isnan(row["conf.low"])
        else:
            L = 3000
            assert row["p.value"] == (1 + hits[-1]) / 3001
        assert some.draws[term].to_numpy()[:L] == pytest.approx(all_draws[:L], rel=1e-12)
        assert some.draws[term].isna().sum() == 3000 - L
    assert stopped
    assert "end with 10 as large" in str(some)
    assert some.to_dict()["stop"] == 10


def test_rnd_36_a_small_p_value_takes_all_draws():
    t = mere.permutation_test(model(effect=1.0), stop=20, n_perm=999, seed=1).table
    assert t.loc["x", "n_perm"] == 999
    assert t.loc["x", "p.value"] == 1 / 1000
    assert t.loc["w", "n_perm"] < 999
    assert np.isfinite(t.loc["x", "conf.low"])


def test_rnd_36_any_number_of_threads():
    a, b = (mere.permutation_test(model(3), stop=15, n_perm=2000, seed=4, ncpus=k) for k in (1, 3))
    assert (a.table[["p.value", "n_perm"]] == b.table[["p.value", "n_perm"]]).all().all()


def test_rnd_36_interval_of_a_stopped_p_value():
    """P(N <= L) is a tail at the lower limit, P(N >= L) at the upper one."""
    low, high = sequential_interval(10, 200)
    assert binom.sf(9, 200, low) == pytest.approx(0.025, rel=1e-8)
    assert binom.cdf(9, 199, high) == pytest.approx(0.025, rel=1e-8)


def test_rnd_36_level_and_power():
    rng, runs = np.random.default_rng(36), 400
    p, drawn = [], 0
    for run in range(runs):
        row = mere.permutation_test(
            model(100 + run, n=25), "x", stop=10, n_perm=500, seed=int(rng.integers(2**31))
        ).table
        p.append(row["p.value"].iloc[0])
        drawn += row["n_perm"].iloc[0]
    p = np.array(p)
    for level in (0.05, 0.2):
        assert (p <= level).mean() <= level + 2 * np.sqrt(level * (1 - level) / runs)
    assert (p <= 0.5).mean() > 0.4  # no power is lost by p-values that are too large
    assert drawn < 0.25 * 500 * runs
    hits = [mere.permutation_test(model(run, 0.8), "x", stop=10, n_perm=500, seed=1).table["p.value"].iloc[0] <= 0.05
            for run in range(40)]  # fmt: skip
    assert np.mean(hits) > 0.8


def test_rnd_36_columns_stop_by_themselves():
    asked = []

    def draw(first, last, columns):
        asked.append((first, last, list(columns)))
        return np.arange(first, last)[:, None] * np.ones(len(columns))

    out = draw_until(3, 1000, [lambda v: v % 2 == 0, lambda v: v < -1], draw)
    assert np.flatnonzero(np.isfinite(out[:, 0])).tolist() == [0, 1, 2, 3, 4]
    assert np.isfinite(out[:, 1]).all()
    assert asked[0] == (0, 64, [0, 1])
    assert asked[1] == (64, 192, [1])


@pytest.mark.parametrize("stop", [0, -1, 2.5, True, 100])
def test_rnd_36_mistakes(stop):
    with pytest.raises(MereValueError, match="stop must be a whole number"):
        mere.permutation_test(model(), stop=stop, n_perm=99)


def test_rnd_36_nothing_to_stop_where_all_arrangements_are_taken():
    few = mere.lm("y ~ x", {"y": [2.1, 3.9, 3.2, 5.8, 4.4], "x": [1.0, 2, 3, 4, 5]})
    a, b = (mere.permutation_test(few, stop=stop, n_perm=119, seed=1) for stop in (None, 5))
    assert b.exact
    assert b.stop is None
    assert (a.table["p.value"] == b.table["p.value"]).all()
