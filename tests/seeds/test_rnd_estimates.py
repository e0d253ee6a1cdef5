"""Rows RND-19 to RND-21, 29, 35 and 42 of the checklist: the estimates under the permutation tests."""

import numpy as np
import pandas as pd
import pytest

import mere
from mere import families
from mere.errors import MereValueError
from mere.generalized_objective import GLMMObjective
from mere.inference.permutation.nulls import null_rows, rows_of

pytestmark = pytest.mark.filterwarnings("ignore::mere.errors.SingularFitMessage")


def drawn(seed, tau2, kind, slopes=False):
    """Twenty groups of ten, two normal predictors, beta = (.5, -.3)."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(20), 10)
    X = rng.normal(size=(200, 2))
    b = rng.normal(scale=np.sqrt(tau2), size=20) if tau2 else np.zeros(20)
    eta = X @ [0.5, -0.3] + b[g]
    if slopes:
        eta = eta + rng.normal(scale=0.8, size=20)[g] * X[:, 0]
    if kind == "gaussian":
        y = eta + rng.normal(size=200)
    elif kind == "binomial":
        y = rng.binomial(1, 1 / (1 + np.exp(-eta)))
    else:
        y = rng.poisson(np.exp(np.clip(eta, -10, 10)))
    return pd.DataFrame({"y": y, "x1": X[:, 0], "x2": X[:, 1], "g": g.astype(str)})


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_rnd_19_laplace_and_joint_modes(family):
    """nAGQ=0 maximizes the penalized likelihood at its theta; nAGQ=1 is lower in the Laplace criterion."""
    d = drawn(16, 2.0, family)
    m1, m0 = (mere.glmer("y ~ x1 + x2 + (1 | g)", d, family, nAGQ=k) for k in (1, 0))
    assert m1.criterion <= m1.objective.value(np.concatenate([m0.theta, m0.beta])) + 1e-8
    assert np.abs(m1.objective.gradient(np.concatenate([m1.theta, m1.beta]))).max() < 1e-2
    step = 1e-4 * np.eye(3)
    joint = [m0.objective.joint(np.concatenate([m0.theta, m0.beta + s]))[0][1:] for s in step]
    assert np.array(joint) == pytest.approx(np.tile(m0.beta, (3, 1)), abs=1e-5)


def test_rnd_20_weights_are_scaled_rows():
    """Root weights on X, Z and y give the weighted fit's coefficients at its theta."""
    d = drawn(11, 0.25, "gaussian").assign(w=np.random.default_rng(20).uniform(0.5, 3, 200))
    m = mere.lmer("y ~ x1 + x2 + (1 | g)", d, weights="w")
    rows = rows_of(m.design, np.asarray(m.design.weights), m.design.y, m.theta)
    assert np.linalg.lstsq(rows.X, rows.y, rcond=None)[0] == pytest.approx(m.beta, rel=1e-8)


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_rnd_20_one_step_of_reweighted_least_squares(family):
    """Scaled rows against the weighted Henderson equations, and both against the fit, which the step does not move."""
    d = drawn(17, 1.0, family)
    m = mere.glmer("y ~ x1 + x2 + (1 | g)", d, family, nAGQ=0)
    w, X = np.asarray(m.working), m.design.X
    z = m.eta + (m.response.y - m.mu) / np.asarray(m.model_family.link.derivative(m.eta))
    rows = rows_of(m.design, w, z, m.theta)
    scaled = np.linalg.lstsq(rows.X, rows.y, rcond=None)[0]
    U = m.theta[0] * np.eye(20)[d["g"].astype(int)]
    both = np.hstack([X, U])
    left = both.T @ (w[:, None] * both) + np.diag([0.0] * 3 + [1.0] * 20)
    henderson = np.linalg.solve(left, both.T @ (w * z))
    assert scaled == pytest.approx(henderson[:3], rel=1e-11)
    assert scaled == pytest.approx(m.beta, rel=1e-6)
    assert henderson[3:] == pytest.approx(m.u[np.argsort([int(x) for x in m.design.random[0].levels])], abs=1e-5)


def test_rnd_21_a_gaussian_glmm_at_unit_weights_is_the_lmm():
    d = drawn(12, 9.0, "gaussian")
    m = mere.lmer("y ~ x1 + x2 + (1 | g)", d)
    rows = rows_of(m.design, np.ones(200), m.design.y, m.theta)
    assert np.linalg.lstsq(rows.X, rows.y, rcond=None)[0] == pytest.approx(m.beta, rel=1e-10)
    # the machinery of generalized models, iterated to its joint mode
    objective = GLMMObjective(m.design, families.gaussian(), None, 0)
    assert objective.joint(np.concatenate([m.theta, np.zeros(3)]))[0][1:] == pytest.approx(m.beta, rel=1e-10)
    for term, method in (("x1", "score"), ("x2", "freedman-lane")):
        own = mere.permutation_test(m, term, method=method, n_perm=50, seed=1)
        white = null_rows(m, np.array([1 if term == "x1" else 2]))
        assert own.table.loc[term, "statistic"] == pytest.approx(t_of_rows(white, term == "x1"), rel=1e-9)


def t_of_rows(rows, first):
    """t of a coefficient in whitened rows."""
    j = 1 if first else 2
    inverse = np.linalg.inv(rows.X.T @ rows.X)
    beta = inverse @ rows.X.T @ rows.y
    e = rows.y - rows.X @ beta
    return beta[j] / np.sqrt(e @ e / (len(e) - 3) * inverse[j, j])


@pytest.mark.parametrize(
    ("family", "bad"),
    [("binomial", 2.0), ("binomial", -1.0), ("poisson", -1.0), ("Gamma", 0.0), ("inverse_gaussian", -2.0)],
)
def test_rnd_29_responses_that_a_family_cannot_have(family, bad):
    d = drawn(13, 0, "poisson").assign(y=lambda x: x["y"].abs() * 0 + 0.5)
    d.loc[3, "y"] = bad
    with pytest.raises(MereValueError, match="y"):
        mere.glm("y ~ x1", d, family)


def test_rnd_35_size_of_the_negative_binomial():
    """glmer_nb's joint estimate of theta zeroes the derivative of the likelihood by it."""
    rng = np.random.default_rng(35)
    g = np.repeat(np.arange(15), 20)
    mu = np.exp(1 + 0.5 * rng.normal(size=15)[g])
    d = pd.DataFrame({"y": rng.negative_binomial(2.0, 2.0 / (2.0 + mu)), "g": g.astype(str)})
    m = mere.glmer_nb("y ~ 1 + (1 | g)", d)
    size = m.model_family.theta
    assert 1.2 < size < 3.5
    values = [
        mere.glmer("y ~ 1 + (1 | g)", d, families.negative_binomial(size * f)).criterion for f in (0.98, 1.0, 1.02)
    ]
    assert values[1] < values[0]
    assert values[1] < values[2]


@pytest.mark.parametrize("formula", ["y ~ x1 + (x1 | g)", "y ~ x1 + (x1 | g) + (x2 | h)"])
def test_rnd_42_random_slopes_by_column(formula):
    d = drawn(15, 1.0, "gaussian", slopes=True).assign(h=np.tile(np.arange(8), 25).astype(str))
    m = mere.lmer(formula, d)
    names = [tuple(t.names) for t in m.design.random]
    assert all(n[0] == "(Intercept)" and len(n) == 2 for n in names)
    t = mere.permutation_test(m, "x1", n_perm=99, seed=1).table
    assert np.isfinite(t["p.value"].iloc[0])
    with pytest.raises(KeyError, match="x9"):
        mere.lmer("y ~ x1 + (x9 | g)", d)
