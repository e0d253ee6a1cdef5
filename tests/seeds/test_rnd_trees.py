"""Row RND-8 of the checklist: cells in cells, and all signs of a few rows."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

import mere
from mere.errors import MereValueError
from mere.inference.permutation.arrangements import Arrangements, make_plan, make_signs
from mere.inference.permutation.trees import make_tree

RULES = ("within", "between", "two-stage")
SCHOOLS, CLASSES = np.repeat([0, 1, 2], [6, 6, 4]), np.repeat([0, 1, 0, 1, 0, 1], [3, 3, 3, 3, 2, 2])


@pytest.mark.parametrize("rules", list(itertools.product(RULES, repeat=2)), ids="-".join)
def test_rnd_8_counts_of_nested_cells(rules):
    """Blocks of one shape at each level that may move, and free rows: the product of factorials, each found once."""
    outer, inner = rules
    schools = math.factorial(2) if outer != "within" else 1  # the third has another shape
    classes = math.factorial(2) ** 3 if inner != "within" else 1
    pupils = math.factorial(3) ** 4 * math.factorial(2) ** 2 if inner != "between" else 1
    plan_rules = [outer, inner]
    if schools * classes * pupils == 1:
        with pytest.raises(MereValueError, match="nothing can change places"):
            make_tree([SCHOOLS, CLASSES], plan_rules)
        return
    plan = make_tree([SCHOOLS, CLASSES], plan_rules)
    assert plan.size == schools * classes * pupils
    if plan.size <= 50_000:
        every = np.array(list(plan.everything()))
        assert len(np.unique(every, axis=0)) == len(every) == plan.size
        assert (every[0] == np.arange(16)).all()
    cell = 2 * SCHOOLS + CLASSES
    for row in Arrangements.of(plan, 2000, 1).block(0, 2000):
        assert (np.sort(row) == np.arange(16)).all()
        if outer == "within":
            assert (SCHOOLS[row] == SCHOOLS).all()
        if inner == "within":
            taken = [set(cell[row[cell == c]]) for c in range(6)]
            assert all(len(s) == 1 for s in taken)
            assert all(CLASSES[row[cell == c]].tolist() == [c % 2] * int((cell == c).sum()) for c in range(6))
        if inner == "between":
            assert all((np.diff(row[cell == c]) == 1).all() for c in range(6))
        for s in range(3):  # a school comes from one school
            assert len(set(SCHOOLS[row[s == SCHOOLS]])) == 1


@pytest.mark.filterwarnings("ignore::mere.errors.DataMessage")
@pytest.mark.parametrize("rule", RULES)
def test_rnd_8_one_level_is_the_strategy_of_that_name(rule):
    cells = np.repeat(np.arange(6), [3, 3, 2, 2, 2, 2])
    assert make_tree([cells], [rule]).size == make_plan(14, cells, rule).size


def test_rnd_8_three_levels():
    """Two regions of two schools of two classes of two pupils."""
    levels = [np.repeat([0, 1], 8), np.tile(np.repeat([0, 1], 4), 2), np.tile(np.repeat([0, 1], 2), 4)]
    assert make_tree(levels, ["between", "between", "two-stage"]).size == 2 * 2**2 * 2**4 * 2**8
    assert make_tree(levels, ["within", "between", "between"]).size == 2**2 * 2**4
    assert make_tree(levels, ["within", "within", "within"]).size == 2**8
    assert make_tree(levels, ["whole", "within", "within"]).size == 2 * 2**8


def pupils(rng, effect=0.0):
    """Six schools of four classes of three pupils; a covariate of classes."""
    school = np.repeat(np.arange(6), 12)
    cl = np.repeat(np.arange(24), 3)
    z = rng.normal(size=24)[cl]
    y = effect * z + 2 * rng.normal(size=6)[school] + 0.7 * rng.normal(size=24)[cl] + rng.normal(size=72)
    return pd.DataFrame({"y": y, "z": z, "school": school.astype(str), "cl": (cl % 4).astype(str)})


def test_rnd_8_nested_cells_keep_the_level():
    """Classes change places inside their school: right for a covariate of classes, whatever schools and classes do."""
    rng, runs, hits, found = np.random.default_rng(8), 300, 0, 0
    given = {"cells": ["school", "cl"], "strategy": ["within", "between"], "n_perm": 99}
    for _ in range(runs):
        t = mere.permutation_test(mere.lm("y ~ z", pupils(rng)), seed=int(rng.integers(2**31)), **given)
        hits += t.table["p.value"].iloc[0] <= 0.05
    assert hits / runs <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / runs)
    for _ in range(60):
        t = mere.permutation_test(mere.lm("y ~ z", pupils(rng, 1.0)), seed=1, **given)
        found += t.table["p.value"].iloc[0] <= 0.05
    assert found / 60 > 0.5
    assert t.strategy == "nested"
    assert "nested cells" in t.symmetry


def test_rnd_8_few_nested_arrangements_are_all_taken():
    d = pupils(np.random.default_rng(80)).iloc[:24].reset_index(drop=True)
    m = mere.lm("y ~ z", d)
    t = mere.permutation_test(m, cells=["school", "cl"], strategy=["within", "between"], n_perm=5000, seed=1)
    assert t.exact
    assert t.table["n_perm"].iloc[0] == math.factorial(4) ** 2 - 1
    # by brute force: correlations of the covariate with every arrangement of the responses
    y, z = d["y"].to_numpy(), d["z"].to_numpy()
    values = []
    for a in itertools.permutations(range(4)):
        for b in itertools.permutations(range(4)):
            rows = np.concatenate([np.arange(3) + 3 * k for k in (*a, *(4 + i for i in b))])
            values.append(abs(np.corrcoef(z, y[rows])[0, 1]))
    assert t.table["p.value"].iloc[0] == pytest.approx(np.mean(np.array(values) >= values[0] - 1e-12), abs=1e-12)


def test_rnd_8_mistakes_in_nested_cells():
    m = mere.lm("y ~ z", pupils(np.random.default_rng(81)))
    with pytest.raises(MereValueError, match="2 rules for 1 levels"):
        mere.permutation_test(m, cells="school", strategy=["within", "between"])
    with pytest.raises(MereValueError, match="'beside' is none of them"):
        mere.permutation_test(m, cells=["school", "cl"], strategy=["within", "beside"])
    with pytest.raises(MereValueError, match="'z' stays the same"):
        mere.permutation_test(m, cells=["school", "cl"], strategy=["within", "within"])
    with pytest.raises(MereValueError, match="neither a grouping factor"):
        mere.permutation_test(m, cells=["school", "room"], strategy=["within", "between"])


# -- signs -----------------------------------------------------------------------------------
@pytest.mark.parametrize("n", [3, 12, 20])
def test_rnd_8_all_signs(n):
    every = Arrangements.of(make_signs(n), 2**n, 1)
    assert every.exact
    assert every.count == 2**n - 1
    some = every.block(0, min(every.count, 5000))
    assert set(np.unique(some)) == {-1.0, 1.0}
    assert len(np.unique(some, axis=0)) == len(some)
    assert (every.block(every.count - 1, every.count) == -1).all()
    if n == 3:
        assert {tuple(r) for r in some} == set(itertools.product((1.0, -1.0), repeat=3)) - {(1.0,) * 3}


def test_rnd_8_all_signs_give_the_exact_p():
    """The mean of 16 numbers: 65,536 signs, by brute force."""
    y = np.random.default_rng(82).normal(0.4, 1, 16)
    m = mere.lm("y ~ 1", pd.DataFrame({"y": y}))
    t = mere.permutation_test(m, "(Intercept)", method="sign-flip", n_perm=2**16, seed=1)
    assert t.exact
    signs = np.array(list(itertools.product((1, -1), repeat=16)))
    sums = np.abs(signs @ y)
    assert t.table["p.value"].iloc[0] == pytest.approx(np.mean(sums >= sums[0] - 1e-9), abs=1e-12)
