"""Rows RND-23 to RND-25 of the checklist: arranged responses of generalized mixed models, refitted."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

import mere
from mere import families
from mere.accessors.blocks import random_design, relative_covariance
from mere.errors import MereValueError
from mere.generalized_objective import GLMMObjective
from mere.generalized_optimum import optimize_generalized
from mere.inference.permutation.arrangements import Arrangements, make_plan
from mere.inference.permutation.methods import geometry
from mere.inference.permutation.nulls import null_rows
from mere.inference.permutation.penalized import arranged_responses, penalized_fits, penalized_statistic

pytestmark = pytest.mark.filterwarnings("ignore::mere.errors.SingularFitMessage")

B = 50
FAMILIES = ("binomial", "poisson")


def clustered(family, seed=1, groups=30, size=20, effect=0.5):
    """x and w, correlated, within clusters."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), size)
    w = rng.normal(size=g.size)
    x = 0.5 * w + rng.normal(size=g.size)
    eta = -0.3 + effect * x + 0.4 * w + 0.7 * rng.normal(size=groups)[g]
    y = rng.binomial(1, 1 / (1 + np.exp(-eta))) if family == "binomial" else rng.poisson(np.exp(eta))
    return pd.DataFrame(
        {"y": y.astype(float), "x": x, "w": w, "g": g.astype(str), "i": np.tile(np.arange(size), groups)}
    )


def arranged(m, tested, seed=3, cells=None, count=B):
    """Null rows, their geometry, arrangements, and the responses that these make, (n, count)."""
    rows = null_rows(m, tested)
    f = geometry(rows.X, rows.y, tested)
    plan = make_plan(len(rows.y), cells, None if cells is None else "within")
    pi = Arrangements.of(plan, count, seed).block(0, count)
    e = f.null_residuals
    return rows, f, pi, arranged_responses(penalized_fits(m, rows), rows, e)(e[pi])[0]


def dense_fit(m, y, theta):
    """Fixed effects of penalized quasi-likelihood, by textbook iterations on dense matrices."""
    X, weights = m.design.X, m.response.weights
    Z = (random_design(m.design.random) @ relative_covariance(m.design.random, theta)).toarray()
    C, q = np.hstack([X, Z]), Z.shape[1]
    penalty = np.diag(np.r_[np.zeros(X.shape[1]), np.ones(q)])
    link, family = m.model_family.link, m.model_family
    both = np.r_[m.beta, np.zeros(q)]
    for _ in range(200):
        eta = C @ both
        mu, slope = link.inverse(eta), link.derivative(eta)
        W = weights * slope**2 / family.variance(mu)
        new = np.linalg.solve(C.T @ (W[:, None] * C) + penalty, C.T @ (W * (eta + (y - mu) / slope)))
        if np.abs(new - both).max() < 1e-12:
            break
        both = both + 0.7 * (new - both)
    return both[: X.shape[1]]


def refits(m, responses, nAGQ=1):
    """The coefficient of x in each response, all parameters estimated anew."""
    own = GLMMObjective(m.design, m.model_family, None, nAGQ)
    out = []
    for y in responses.T:
        objective = own.with_response(y)
        par = optimize_generalized(objective, m.control, None).par
        out.append((par if nAGQ else objective.joint(par)[0])[m.theta.size + 1])
    return np.array(out)


def draws(m, method, **given):
    return mere.permutation_test(m, "x", method=method, n_perm=B, seed=3, **given).draws["x"].to_numpy()


@pytest.mark.parametrize("family", FAMILIES)
def test_rnd_24_arranged_within_cells_the_response_is_permuted(family):
    """The null an intercept and random intercepts of the cells: y*, is y in another order; identity gives y."""
    d = clustered(family)
    m = mere.glmer("y ~ x + (1 | g)", d, family)
    rows, _, pi, Y = arranged(m, np.array([1]), cells=d["g"].to_numpy())
    assert pytest.approx(d["y"].to_numpy()[pi].T, abs=1e-9) == Y
    m = mere.glmer("y ~ x + w + (1 + w | g) + (1 | i)", d, family)
    rows = null_rows(m, np.array([1]))
    e = geometry(rows.X, rows.y, np.array([1])).null_residuals
    assert arranged_responses(penalized_fits(m, rows), rows, e)(e[None])[0][:, 0] == pytest.approx(d["y"], abs=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_rnd_24_pql_fixed_is_a_serial_refit_at_the_same_theta(family):
    d = clustered(family)
    m = mere.glmer("y ~ x + (1 | g)", d, family)
    objective = GLMMObjective(m.design, m.model_family, None, 0)
    theta = null_rows(m, np.array([1])).theta
    pi = Arrangements.of(make_plan(len(d), d["g"].to_numpy(), "within"), B, 3).block(0, B)
    y, start = d["y"].to_numpy(), np.concatenate([theta, m.beta])
    serial = [objective.with_response(y[row]).joint(start)[0][-1] for row in pi]
    assert draws(m, "pql-fixed", cells="g") == pytest.approx(serial, abs=1e-6)


@pytest.mark.parametrize("family", [*FAMILIES, "probit", "negative binomial", "gamma"])
def test_rnd_24_every_family_solves_its_equations(family):
    """Beside confounders the responses are none of the family; the equations are solved all the same."""
    d = clustered("poisson" if "negative" in family else "binomial", groups=12, size=12)
    kind = {"probit": families.binomial("probit"), "negative binomial": families.negative_binomial(2.0)}.get(
        family, family
    )
    if family == "gamma":
        kind, d["y"] = families.Gamma("log"), np.random.default_rng(5).gamma(5, 1 / (2 + 0.2 * d["x"].abs()))
    m = mere.glmer("y ~ x + w + (1 + w | g) + (1 | i)", d, kind)
    rows, _, _, Y = arranged(m, np.array([1]), count=8)
    expected = [dense_fit(m, y, rows.theta)[1] for y in Y.T]
    found = mere.permutation_test(m, "x", method="pql-fixed", n_perm=8, seed=3)
    assert found.draws["x"].to_numpy() == pytest.approx(expected, abs=1e-6)
    assert found.table.loc["x", "statistic"] == pytest.approx(dense_fit(m, m.response.y, rows.theta)[1], abs=1e-6)
    if family in FAMILIES:  # the kernels and the matrix products
        fits = penalized_fits(m, rows)
        assert fits.all(Y, np.zeros_like(Y))[1] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_rnd_24_estimating_theta_anew_changes_little(family):
    d = clustered(family)
    m = mere.glmer("y ~ x + (1 | g)", d, family)
    Y = arranged(m, np.array([1]), cells=d["g"].to_numpy())[3]
    a, b = draws(m, "pql-fixed", cells="g"), refits(m, Y, 0)
    assert np.abs(a - b).max() <= 5e-3
    assert spearmanr(a, b)[0] > 0.99


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("formula", ["y ~ x + (1 | g)", "y ~ x + w + (1 | g)"])
def test_rnd_23_one_step_stands_for_a_refit(family, formula):
    """All parameters of each response by Laplace's approximation."""
    d = clustered(family)
    m = mere.glmer(formula, d, family)
    Y = arranged(m, np.array([1]), cells=d["g"].to_numpy())[3]
    one, full = draws(m, "one-step", cells="g"), refits(m, Y)
    assert spearmanr(one, full)[0] > 0.95
    assert 0.8 <= np.polyfit(one, full, 1)[0] <= 1.2


@pytest.mark.parametrize(
    ("family", "cells", "formula"),
    [
        ("binomial", "g", "y ~ x + w + (1 | g)"),
        ("poisson", "g", "y ~ x + w + (1 | g)"),
        ("binomial", "g", "y ~ x + w + (1 | g) + (1 | i)"),
        ("binomial", None, "y ~ x + w + (1 | g)"),
        ("binomial", None, "y ~ x + w + (1 | g) + (1 | i)"),
    ],
)
def test_rnd_25_pql_fixed_agrees_with_one_step(family, cells, formula):
    m = mere.glmer(formula, clustered(family), family)
    assert spearmanr(draws(m, "one-step", cells=cells), draws(m, "pql-fixed", cells=cells))[0] > 0.95


def test_rnd_24_without_random_effects_it_is_glm():
    rng = np.random.default_rng(2)
    d = pd.DataFrame({"x": rng.normal(size=60)})
    d["y"] = rng.poisson(np.exp(0.5 + 0.3 * d["x"]))
    t = mere.permutation_test(mere.glm("y ~ x", d, "poisson"), method="pql-fixed", n_perm=30, seed=4)
    pi = Arrangements.of(make_plan(60), 30, 4).block(0, 30)
    expected = [
        mere.coef(mere.glm("y ~ x", d.assign(y=d["y"].to_numpy()[row]), "poisson", epsilon=1e-12))["x"] for row in pi
    ]
    assert t.draws["x"].to_numpy() == pytest.approx(expected, abs=1e-6)
    with pytest.raises(MereValueError, match="'freedman-lane'"):
        mere.permutation_test(mere.lm("y ~ x", d), method="pql-fixed")


def test_rnd_24_several_columns():
    d = clustered("binomial").assign(k=np.resize(list("abcab"), 600))
    m = mere.glmer("y ~ x + k + (1 | g)", d, "binomial")
    columns = np.array([2, 3])
    rows, f, _, Y = arranged(m, columns, count=6)
    t = mere.permutation_test(m, "k", method="pql-fixed", n_perm=6, seed=3)
    sizes = [f.R1 @ dense_fit(m, y, rows.theta)[columns] for y in Y.T]
    assert t.draws["k"].to_numpy() == pytest.approx([s @ s / 2 for s in sizes], abs=1e-6)
    assert t.table.loc["k", "statistic"] == pytest.approx(penalized_statistic(m, rows, f, columns).observed, rel=1e-9)


@pytest.mark.parametrize("cluster_level", [False, True])
def test_rnd_24_level_beside_a_confounder(cluster_level):
    rng, runs, hits = np.random.default_rng(24), 200, 0
    for run in range(runs):
        d = clustered("binomial", 100 + run, 20, 10, effect=0.0)
        if cluster_level:
            d["x"] = rng.normal(size=20)[d["g"].astype(int)]
        m = mere.glmer("y ~ x + w + (1 | g)", d, "binomial")
        t = mere.permutation_test(m, "x", method="pql-fixed", n_perm=99, seed=int(rng.integers(2**31)))
        hits += t.table["p.value"].iloc[0] <= 0.05
    assert hits / runs <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / runs)
