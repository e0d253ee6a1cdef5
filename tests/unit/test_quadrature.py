"""Adaptive quadrature against integrals on dense grids, its gradient against differences, and its limits."""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest

import mere
from mere import families
from mere.design import build_design
from mere.errors import MereValueError, SingularFitMessage
from mere.generalized_objective import GLMMObjective


@pytest.fixture(scope="module")
def made():
    rng = np.random.default_rng(17)
    n = 240
    d = pd.DataFrame({"x": rng.normal(size=n).round(3), "z": rng.normal(size=n).round(3)})
    d["a"], d["b"], d["k"] = (pd.Categorical(rng.integers(0, m, n)) for m in (9, 4, 2))
    d["w"], d["o"] = rng.integers(1, 5, n).astype(float), (rng.normal(size=n) / 5).round(3)
    eta = 0.3 + 0.4 * d.x + 0.7 * rng.normal(size=9)[d.a.cat.codes]
    d["y"] = rng.binomial(1, 1 / (1 + np.exp(-eta))).astype(float)
    d["c"] = rng.poisson(np.exp(eta)).astype(float)
    d["p"] = rng.binomial(d.w.astype(int), 1 / (1 + np.exp(-eta))) / d.w
    return d


def objective(formula, data, family, nAGQ, joint_theta=False, **extra):
    return GLMMObjective(
        build_design(formula, data, **extra), family, nAGQ=nAGQ, tolPwrss=1e-24, joint_theta=joint_theta
    )


def some_par(f, seed=3):
    par = f.layout.start + np.random.default_rng(seed).normal(size=f.layout.n_par) * 0.15
    par[: f.n_re] *= 0.6
    if f.family.link.name == "sqrt":
        par[f.n_re] += 2.0
    return par


def loadings(f, par):
    """Z Lambda, dense."""
    from mere.accessors.blocks import random_design, relative_covariance

    terms = f.design.random
    return random_design(terms).toarray() @ relative_covariance(terms, f.theta(par[: f.n_re])).toarray()


def brute_force(f, par, points):
    """-2 log L by the trapezoidal rule over all effects of an outermost level at once, u in [-7, 7] each."""
    design, family, r = f.design, f.family, f.response
    base = design.X @ par[f.n_re : f.n_re + design.X.shape[1]] + (0 if design.offset is None else design.offset)
    ZL = loadings(f, par)
    outer = min(design.random, key=lambda t: len(t.levels)).codes
    grid = np.linspace(-7, 7, points)
    log_w = -0.5 * grid**2 - np.log(np.exp(-0.5 * grid**2).sum())
    total = family.minus_2_loglik(r.y, np.maximum(r.y, 1e-300), r.weights, 0.0)
    for level in np.unique(outer):
        rows = np.flatnonzero(outer == level)
        own = ZL[np.ix_(rows, np.flatnonzero((ZL[rows] != 0).any(axis=0)))]
        at = np.array(np.meshgrid(*[range(points)] * (own.shape[1] - 1), indexing="ij")).reshape(own.shape[1] - 1, -1)
        total_w, rest, sums = log_w[at].sum(axis=0), own[:, 1:] @ grid[at], 0.0
        for u, lw in zip(grid, log_w, strict=True):  # slices along the first effect
            mu = family.link.inverse(base[rows][:, None] + own[:, :1] * u + rest)
            deviance = r.weights[rows][:, None] * family.unit_deviance(r.y[rows][:, None], mu)
            sums += np.exp(lw + total_w - 0.5 * deviance.sum(axis=0)).sum()
        total -= 2 * np.log(sums)
    return total


def tiny(levels, rows, seed):
    """A full nesting with `levels` of each factor in the next outer one, and `rows` rows in the innermost level."""
    rng = np.random.default_rng(seed)
    cells = list(itertools.product(*[range(m) for m in levels])) * rows
    d = pd.DataFrame(cells, columns=list("abk")[: len(levels)]).astype(str)
    d["x"], d["z"] = rng.normal(size=(2, len(d)))
    d["y"] = rng.binomial(1, 0.4, len(d)).astype(float)
    d["c"] = rng.poisson(1.5, len(d)).astype(float)
    return d


# ---------------------------------------------------------------------- the value
@pytest.mark.parametrize(
    ("formula", "family", "levels", "points"),
    [
        ("y ~ x + (1 | a/b)", families.binomial(), (3, 2), 81),
        ("c ~ x + (1 | a/b)", families.poisson(), (2, 3), 37),
        ("y ~ x + (1 | a) + (0 + z | a:b)", families.binomial("cloglog"), (3, 2), 81),
        ("y ~ x + (1 | a/b/k)", families.binomial("probit"), (2, 1, 2), 41),
        ("c ~ x + (1 | a/b)", families.negative_binomial(1.3), (2, 2), 81),
        ("y ~ x + (x + z | a)", families.binomial(), (3, 1), 81),
        ("c ~ x + (x + z | a)", families.poisson(), (2, 2), 81),
    ],
)
def test_many_nodes_are_the_integral(formula, family, levels, points):
    d = tiny(levels, 4, 5)
    par = some_par(objective(formula, d, family, 1))
    exact = brute_force(objective(formula, d, family, 1), par, points)
    errors = [abs(objective(formula, d, family, n).value(par) - exact) for n in (1, 3, 7, 21)]
    assert errors[-1] < 1e-6
    assert errors[0] > 10 * errors[2] > 100 * errors[3] or errors[2] < 1e-6
    assert errors[0] > 1e-3


def test_one_node_is_laplace(made):
    from mere.quadrature import gauss_hermite

    for formula in ("y ~ x + (1 | a/b/k)", "y ~ x + (x + z | a)"):
        f = objective(formula, made, families.binomial(), 3)
        par = some_par(f)
        one, slope = f.work.quadrature(par, gauss_hermite(1))
        laplace = objective(formula, made, families.binomial(), 1)
        assert one == pytest.approx(laplace.value(par), rel=1e-14)
        np.testing.assert_allclose(slope, laplace.gradient(par), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("family", [families.binomial(), families.binomial("cloglog")])
def test_without_one_variance_the_other_term_is_left(made, family):
    nested = objective("y ~ x + (1 | a/b)", made, family, 9)
    groups = [t.group for t in nested.design.random]
    for group in groups:
        other = groups[1 - groups.index(group)].replace("b:a", "a:b")
        single = objective(f"y ~ x + (1 | {other})", made, family, 9)
        par = np.array([0.7, 0.7, 0.2, 0.5])
        par[groups.index(group)] = 0.0
        assert nested.value(par) == pytest.approx(single.value(par[par != 0]), rel=1e-13)
        g, want = nested.gradient(par), single.gradient(par[par != 0])
        np.testing.assert_allclose(g[par != 0], want, rtol=1e-9, atol=1e-9)
        assert g[par == 0] == pytest.approx(0.0, abs=1e-9)


def test_no_variance_is_glm(made):
    for formula, zeros in (("y ~ x + (1 | a/b)", 2), ("y ~ x + (x | a)", 3)):
        free = mere.glm("y ~ x", made, "binomial")
        f = objective(formula, made, families.binomial(), 5)
        assert f.value([*[0.0] * zeros, *free.beta]) == pytest.approx(-2 * float(free.logLik()), rel=1e-12)


# ---------------------------------------------------------------------- the gradient
GRADIENTS = [
    ("y ~ x + (1 | a)", families.binomial(), {}),
    ("p ~ x + (x + z | a)", families.binomial("cloglog"), {"weights": "w"}),
    ("c ~ x + (1 | a) + (0 + x | a)", families.poisson(), {"offset": "o"}),
    ("c ~ x + (x | a)", families.negative_binomial(1.5), {"joint_theta": True}),
    ("c ~ x + cs(1 + x | a)", families.poisson(), {}),
    ("y ~ x + (1 | a/b)", families.binomial("cauchit"), {}),
    ("y ~ x + (1 | a) + (0 + z | a:b)", families.binomial("probit"), {}),
    ("p ~ x + (1 | a/b/k)", families.binomial(), {"weights": "w"}),
    ("c ~ x + (1 | a/b/k)", families.poisson("sqrt"), {}),
    ("c ~ x + (1 | a/b)", families.negative_binomial(1.5), {"joint_theta": True, "offset": "o"}),
]


@pytest.mark.parametrize("case", GRADIENTS, ids=lambda case: case[0])
@pytest.mark.parametrize("nAGQ", [2, 5])
def test_the_gradient_is_that_of_the_sum(made, case, nAGQ):
    formula, family, extra = case
    f = objective(formula, made, family, nAGQ, **extra)
    par = some_par(f)
    slope = f.gradient(par)
    assert f.value_and_gradient(par)[0] == pytest.approx(f.value(par), rel=1e-14)
    for j in range(len(par)):
        v = [f.value(par + s * 1e-3 * np.eye(len(par))[j]) for s in (-2, -1, 1, 2)]
        assert slope[j] == pytest.approx((8 * (v[2] - v[1]) - (v[3] - v[0])) / 12e-3, rel=1e-7, abs=1e-7)


def test_a_family_of_ones_own_has_it_too(made):
    class Own(families.binomial):
        code = -1

    own = objective("y ~ x + (1 | a/b)", made, Own(), 5)
    kernel = objective("y ~ x + (1 | a/b)", made, families.binomial(), 5)
    par = some_par(own)
    assert own.value(par) == pytest.approx(kernel.value(par), rel=1e-10)
    np.testing.assert_allclose(own.gradient(par), kernel.gradient(par), rtol=1e-6, atol=1e-6)


# ---------------------------------------------------------------------- fits
def test_fits_settle_with_the_number_of_nodes():
    d = tiny((30, 3), 4, 8)
    rng = np.random.default_rng(2)
    a, ab = rng.normal(size=30)[d.a.astype(int)], rng.normal(size=(30, 3))[d.a.astype(int), d.b.astype(int)]
    d["y"] = rng.binomial(1, 1 / (1 + np.exp(-(0.5 * d.x + a + ab)))).astype(float)
    fits = {n: mere.glmer("y ~ x + (1 | a/b)", d, "binomial", nAGQ=n) for n in (1, 7, 15, 25)}
    assert fits[25].criterion == pytest.approx(fits[15].criterion, abs=1e-6)
    assert abs(fits[25].criterion - fits[7].criterion) < 0.01 * abs(fits[25].criterion - fits[1].criterion)
    np.testing.assert_allclose(fits[25].theta, fits[15].theta, atol=1e-5)
    assert np.abs(fits[15].optinfo.gradient).max() < 1e-3
    assert (fits[15].theta > fits[1].theta).all()  # Laplace's variances are too small for few binary outcomes
    se = np.sqrt(np.diag(mere.vcov(fits[15])))
    assert np.isfinite(se).all()


def test_a_singular_nested_fit():
    d = tiny((12, 2), 5, 1)
    d["c"] = np.tile([0.0, 1.0, 2.0, 1.0, 1.0], 24)
    with pytest.warns(SingularFitMessage):
        m = mere.glmer("c ~ x + (1 | a/b)", d, "poisson", nAGQ=5)
    np.testing.assert_array_equal(m.theta, [0.0, 0.0])
    free = mere.glm("c ~ x", d, "poisson")
    assert m.criterion == pytest.approx(-2 * float(free.logLik()), abs=1e-7)


def test_what_it_cannot_do_is_said(made):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(MereValueError, match="levels of a occur with several of b"):
            mere.glmer("y ~ x + (1 | a) + (1 | b)", made, "binomial", nAGQ=3)
        with pytest.raises(MereValueError, match="a:b has 2 effects a level"):
            mere.glmer("y ~ x + (1 | a) + (x | a:b)", made, "binomial", nAGQ=3)
        with pytest.raises(MereValueError, match="use nAGQ=12 or less"):
            mere.glmer("y ~ x + z + (x + z + w + o + c | a)", made, "binomial", nAGQ=100)
