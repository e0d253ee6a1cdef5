"""What must not change the fit, or must change it in a known way."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest

import mere
from mere.datasets import InstEval, sleepstudy

FORMULA = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def crossed():
    rng = np.random.default_rng(7)
    n = 400
    data = pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "s": pd.Categorical(rng.integers(0, 25, n).astype(str)),
            "i": pd.Categorical(rng.integers(0, 14, n).astype(str)),
            "w": rng.uniform(0.5, 2.0, n),
        }
    )
    s, i = data.s.cat.codes.to_numpy(), data.i.cat.codes.to_numpy()
    data["y"] = (
        3
        + data.x
        + rng.normal(size=25)[s]
        + 0.6 * rng.normal(size=25)[s] * data.x
        + rng.normal(size=14)[i]
        + rng.normal(size=n)
    )
    return data


def fit(formula, data, **arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mere.lmer(formula, data, **arguments)


def close(a, b, tol=1e-7):
    """Two numbers or arrays within tol of their size: criteria and estimates of two optima of the same function."""
    np.testing.assert_allclose(a, b, rtol=tol, atol=tol * max(1e-3, float(np.max(np.abs(b)))))


def test_row_order(crossed):
    m = fit("y ~ x + (x | s) + (1 | i)", crossed)
    shuffled = crossed.sample(frac=1.0, random_state=3)
    other = fit("y ~ x + (x | s) + (1 | i)", shuffled)
    assert abs(m.criterion - other.criterion) < 1e-8
    close(other.theta, m.theta, 1e-6)
    close(mere.fitted(other).sort_index().to_numpy(), mere.fitted(m).to_numpy(), 1e-6)


def test_names_of_levels(crossed):
    m = fit("y ~ x + (x | s) + (1 | i)", crossed)
    renamed = crossed.assign(s=crossed.s.cat.rename_categories(lambda v: f"subject {v}"))
    other = fit("y ~ x + (x | s) + (1 | i)", renamed)
    assert m.criterion == other.criterion
    close(other.b, m.b, 1e-12)


def test_order_of_terms(crossed):
    m = fit("y ~ x + (x | s) + (1 | i)", crossed)
    other = fit("y ~ x + (1 | i) + (x | s)", crossed)
    assert abs(m.criterion - other.criterion) < 1e-8
    close(mere.fixef(other), mere.fixef(m), 1e-7)


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1e4])
def test_units_of_a_predictor(crossed, factor):
    """x in other units: its coefficient and standard deviation follow, nothing else moves."""
    m = fit("y ~ x + (x | s) + (1 | i)", crossed)
    other = fit("y ~ x + (x | s) + (1 | i)", crossed.assign(x=crossed.x * factor))
    # REML depends on the units of X through log|X'V^-1X|
    assert abs(other.criterion - (m.criterion + 2 * np.log(factor))) < 1e-6
    close(mere.fixef(other)["x"] * factor, mere.fixef(m)["x"], 1e-6)
    close(other.theta * [1, factor, factor, 1], m.theta, 1e-5)


@pytest.mark.parametrize("factor", [1e-8, 1e6])
def test_units_of_the_response(factor):
    m = fit(FORMULA, sleepstudy, REML=False)
    other = fit(FORMULA, sleepstudy.assign(Reaction=sleepstudy.Reaction * factor), REML=False)
    close(other.criterion, m.criterion + 2 * 180 * np.log(factor), 1e-9)
    close(other.theta, m.theta, 1e-5)
    close(mere.sigma(other), mere.sigma(m) * factor, 1e-6)


@pytest.mark.parametrize("shift", [1e6, -1e9])
def test_a_constant_added_to_the_response(shift):
    """A large mean loses no digits of the variances beyond those of the data."""
    m = fit(FORMULA, sleepstudy)
    other = fit(FORMULA, sleepstudy.assign(Reaction=np.round(sleepstudy.Reaction, 3) + shift))
    exact = fit(FORMULA, sleepstudy.assign(Reaction=np.round(sleepstudy.Reaction, 3)))
    tolerance = 1e-7 if shift == 1e6 else 1e-5
    close(other.criterion, exact.criterion, tolerance)
    close(mere.sigma(other), mere.sigma(exact), tolerance)
    assert abs(exact.criterion - m.criterion) < 1e-2


def test_weights_and_their_scale(crossed):
    """Doubling all weights leaves the likelihood and scales sigma by the square root of two."""
    m = fit("y ~ x + (1 | s)", crossed, weights="w")
    other = fit("y ~ x + (1 | s)", crossed, weights=2 * crossed.w.to_numpy())
    assert abs(m.criterion - other.criterion) < 1e-8
    close(mere.sigma(other), mere.sigma(m) * np.sqrt(2), 1e-8)
    close(mere.fixef(other), mere.fixef(m), 1e-8)


def test_weights_as_replicates():
    """An integer weight acts as repeated rows: at fixed theta, beta and log-determinant agree."""
    w = np.tile([1.0, 3.0], 90)
    from mere.design import build_design
    from mere.objective import LMMObjective

    weighted = LMMObjective(build_design(FORMULA, sleepstudy, weights=w), False)
    repeated = sleepstudy.loc[sleepstudy.index.repeat(w.astype(int))].reset_index(drop=True)
    rows = LMMObjective(build_design(FORMULA, repeated), False)
    # the same theta gives the same ldL2 and beta, not the same likelihood
    a, b = weighted.state([1.0, 0.1, 0.3]), rows.state([1.0, 0.1, 0.3])
    close(a.beta, b.beta, 1e-10)
    assert abs(a.devcomp["ldL2"] - b.devcomp["ldL2"]) < 1e-8


def test_zero_weights_drop_rows():
    w = np.ones(180)
    w[[3, 77]] = 0
    with pytest.warns(mere.errors.DataMessage, match="weight"):
        m = mere.lmer(FORMULA, sleepstudy, weights=w)
    other = mere.lmer(FORMULA, sleepstudy[w > 0])
    assert abs(m.criterion - other.criterion) < 1e-9
    assert mere.nobs(m) == 178


def test_the_sparse_and_the_dense_way_agree(crossed):
    from mere import _core
    from mere.design import build_design
    from mere.objective import LMMObjective

    design = build_design("y ~ x + (x | s) + (1 | i) + (1 | s:i)", crossed)
    objective = LMMObjective(design, True)
    groups = {}
    terms = [(t.values, t.codes, len(t.levels), groups.setdefault(t.group, len(groups))) for t in design.random]
    par = np.linspace(0.2, 1.0, objective.layout.n_par)
    out = []
    for way in (1, 2):
        plan = _core.Plan(_core.Rows(design.X, None, terms), objective.layout.entries, objective.layout.n_par, way)
        work = _core.Work(plan)
        work.set_response(design.y)
        value = work.value(par, True)
        out.append((value, work.gradient(), work.information(), work.leverage(), work.conditional()))
    assert not np.array_equal(out[0][1], out[1][1])  # they are two ways indeed
    for dense, sparse in zip(*out, strict=True):
        np.testing.assert_allclose(sparse, dense, rtol=1e-9, atol=1e-10)


def test_threads_of_blas_do_not_matter():
    from mere.blas import one_thread

    data = InstEval.iloc[:4000]
    first = fit("y ~ service + (1 | s) + (1 | d)", data)
    with one_thread:
        second = fit("y ~ service + (1 | s) + (1 | d)", data)
    assert first.criterion == second.criterion
    assert np.array_equal(first.theta, second.theta)


def test_fits_are_repeatable_and_pickle():
    first, second = fit(FORMULA, sleepstudy), fit(FORMULA, sleepstudy)
    assert first.criterion == second.criterion
    assert np.array_equal(first.b, second.b)
    copy = pickle.loads(pickle.dumps(first))
    assert copy.criterion == first.criterion
    assert str(copy) == str(first)
    np.testing.assert_array_equal(mere.hatvalues(copy), mere.hatvalues(first))


def test_the_callers_data_are_not_touched():
    data = sleepstudy.copy()
    before = pickle.dumps(data)
    fit("log(Reaction) ~ poly(Days, 2) + (Days | Subject)", data, weights="Days + 1", subset="Days > 1")
    assert pickle.dumps(data) == before
