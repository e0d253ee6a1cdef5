"""Generalized mixed models against their definition: dense Laplace, numerical integrals, invariances, edges."""

import math
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, optimize

import mere
from mere import families
from mere.datasets import load
from mere.design import build_design
from mere.errors import ConvergenceWarning, DataMessage, MereValueError, SingularFitMessage
from mere.generalized_objective import GLMMObjective
from mere.response import read_response

CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"


@pytest.fixture(scope="module")
def made():
    rng = np.random.default_rng(7)
    n = 180
    d = pd.DataFrame(
        {
            "x": rng.normal(size=n).round(3),
            "g": pd.Categorical(rng.integers(0, 9, n)),
            "h": pd.Categorical(rng.integers(0, 5, n)),
            "k": pd.Categorical(rng.integers(0, 3, n)),
            "w": rng.integers(1, 5, n).astype(float),
            "o": (rng.normal(size=n) / 5).round(3),
        }
    )
    eta = 0.3 + 0.4 * d.x + rng.normal(size=9)[d.g.cat.codes] * 0.7 + rng.normal(size=5)[d.h.cat.codes] * 0.5
    d["b"] = rng.binomial(1, 1 / (1 + np.exp(-eta))).astype(float)
    d["c"] = rng.poisson(np.exp(eta)).astype(float)
    d["t"] = rng.gamma(3, np.exp(eta) / 3) + 0.01
    d["z"] = np.exp(0.3 * eta) + rng.normal(size=n) * 0.2
    d["p"] = rng.binomial(d.w.astype(int), 1 / (1 + np.exp(-eta))) / d.w
    return d


# ---------------------------------------------------------------------- a dense definition
def dense(objective, par):
    """Z, Lambda as dense matrices and -2 log L by Laplace, from the definition."""
    from mere.accessors.blocks import random_design, relative_covariance

    design, family, r = objective.design, objective.family, objective.response
    Z = random_design(design.random).toarray()
    n_re = objective.n_re
    ZL = Z @ relative_covariance(design.random, objective.theta(par[:n_re])).toarray()
    base = design.X @ par[n_re : n_re + design.X.shape[1]] + (0 if design.offset is None else design.offset)
    link, y, wt = family.link, r.y, r.weights

    def penalized(u):
        mu = link.inverse(base + ZL @ u)
        return float((wt * family.unit_deviance(y, mu)).sum() + u @ u)

    def slope(u):
        eta = base + ZL @ u
        mu = link.inverse(eta)
        return 2 * (u - ZL.T @ (wt * (y - mu) * link.derivative(eta) / family.variance(mu)))

    found = optimize.minimize(penalized, np.zeros(ZL.shape[1]), jac=slope, method="BFGS", options={"gtol": 1e-11})
    u = found.x
    for _ in range(3):  # Newton with differences, to the last digits
        h = 1e-6
        H = np.array([(slope(u + h * e) - slope(u - h * e)) / (2 * h) for e in np.eye(len(u))])
        u = u - np.linalg.solve((H + H.T) / 2, slope(u))
    eta = base + ZL @ u
    mu = link.inverse(eta)
    W = wt * link.derivative(eta) ** 2 / family.variance(mu)
    M = ZL.T @ (W[:, None] * ZL) + np.eye(len(u))
    deviance = float((wt * family.unit_deviance(y, mu)).sum())
    return family.minus_2_loglik(y, mu, wt, deviance) + u @ u + np.linalg.slogdet(M)[1]


MODELS = [
    ("b ~ x + (1 | g)", families.binomial(), {}),
    ("b ~ x + (1 | g) + (1 | h)", families.binomial("probit"), {}),
    ("p ~ x + (x | g)", families.binomial("cloglog"), {"weights": "w"}),
    ("b ~ x + (1 | g) + (1 | h) + (1 | k)", families.binomial("cauchit"), {}),
    ("c ~ x + (x | g) + (1 | h)", families.poisson(), {"offset": "o"}),
    ("c ~ x + (1 | g) + (0 + x | g) + (x | h)", families.poisson(), {}),
    ("c ~ x + (1 | g)", families.negative_binomial(2.0), {}),
    ("t ~ x + (1 | g) + (1 | h)", families.Gamma("log"), {"weights": "w"}),
    ("t ~ x + (1 | g)", families.inverse_gaussian("log"), {}),
    ("z ~ x + (1 | g)", families.gaussian("log"), {}),
    ("c ~ x + cs(1 + x | g)", families.poisson(), {}),
]


def some_par(objective, seed):
    rng = np.random.default_rng(seed)
    par = objective.layout.start + rng.normal(size=objective.layout.n_par) * 0.15
    par[: objective.n_re] *= 0.5
    return par


@pytest.mark.parametrize(("formula", "family", "extra"), MODELS, ids=lambda v: str(v) if isinstance(v, str) else None)
def test_the_criterion_is_the_definition(made, formula, family, extra):
    f = GLMMObjective(build_design(formula, made, **extra), family)
    for seed in range(2):
        par = some_par(f, seed)
        assert f.value(par) == pytest.approx(dense(f, par), rel=1e-9)


@pytest.mark.parametrize(("formula", "family", "extra"), MODELS, ids=lambda v: str(v) if isinstance(v, str) else None)
def test_the_gradient_is_its_derivative(made, formula, family, extra):
    f = GLMMObjective(build_design(formula, made, **extra), family, tolPwrss=1e-24)
    par = some_par(f, 3)
    slope = f.gradient(par)
    for j in range(len(par)):
        h = np.zeros(len(par))
        h[j] = 1e-4
        fine = (f.value(par + h) - f.value(par - h)) / 2e-4
        coarse = (f.value(par + 2 * h) - f.value(par - 2 * h)) / 4e-4
        assert slope[j] == pytest.approx((4 * fine - coarse) / 3, rel=1e-6, abs=1e-5)


def test_the_gradient_by_theta_of_the_negative_binomial(made):
    f = GLMMObjective(build_design("c ~ x + (1 | g)", made), families.negative_binomial(1.5), joint_theta=True)
    par = some_par(f, 4)
    slope = f.gradient(par)
    for j in range(len(par)):
        h = np.zeros(len(par))
        h[j] = 1e-4
        assert slope[j] == pytest.approx((f.value(par + h) - f.value(par - h)) / 2e-4, rel=1e-5, abs=1e-5)


def test_gamma_decides_at_the_boundary(made):
    """With theta = 0 the gradient by it is zero; the derivative by its square is Gamma."""
    f = GLMMObjective(build_design("c ~ x + (1 | g)", made), families.poisson(), tolPwrss=1e-24)
    par = np.array([0.0, 0.4, 0.3])
    assert f.gradient(par)[0] == 0.0
    gamma = f.work.gamma(0, 1)[0, 0]
    h = 1e-2
    values = [f.value(par + np.array([t, 0, 0])) for t in (0.0, h, 2 * h)]
    slope = (4 * (values[1] - values[0]) - (values[2] - values[0]) / 4) / (3 * h**2)
    assert gamma == pytest.approx(slope, rel=1e-4)


# ---------------------------------------------------------------------- quadrature
def integrated(objective, par):
    """-2 log L with every level's integral done numerically."""
    design, family, r = objective.design, objective.family, objective.response
    term, sd, beta = design.random[0], par[0], par[1:]
    base = design.X @ beta + (0 if design.offset is None else design.offset)
    total = family.minus_2_loglik(r.y, np.maximum(r.y, 1e-300), r.weights, 0.0)
    for level in range(len(term.levels)):
        mine = term.codes == level

        def f(u, mine=mine):
            mu = family.link.inverse(base[mine] + sd * u)
            h = -0.5 * float((r.weights[mine] * family.unit_deviance(r.y[mine], mu)).sum()) - 0.5 * u * u
            return math.exp(h) / math.sqrt(2 * math.pi)

        grid = np.linspace(-8, 8, 161)
        peak = grid[np.argmax([f(u) for u in grid])]
        value = integrate.quad(f, -12, 12, points=[peak], epsabs=0, epsrel=1e-12, limit=400)[0]
        total -= 2 * math.log(value)
    return total


@pytest.mark.parametrize("family", [families.binomial(), families.binomial("probit")])
def test_quadrature_is_the_integral(made, family):
    par = np.array([0.8, 0.2, 0.5])
    design = build_design("b ~ x + (1 | g)", made)
    want = integrated(GLMMObjective(design, family), par)
    errors = [abs(GLMMObjective(design, family, nAGQ=n).value(par) - want) for n in (1, 3, 9, 25)]
    assert errors[3] < 1e-9
    assert errors[0] > errors[1] > errors[2] > errors[3]


@pytest.mark.parametrize("seed", [2, 3, 10, 12])
def test_parameters_without_modes_do_not_stop_the_search(seed):
    """With a log link a large theta makes probabilities above 1; the lowest joint criterion is near zero here."""
    rng = np.random.default_rng(seed)
    d = pd.DataFrame({"g": np.repeat(np.arange(20), 12)})
    d["b"] = rng.binomial(1, np.exp(np.minimum(-0.5 + 0.02 * rng.normal(size=20)[d.g], 0))).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SingularFitMessage)
        m = mere.glmer("b ~ 1 + (1 | g)", d, families.binomial("log"), nAGQ=0)
    values = [m.objective.joint(np.array([t, m.beta[0]]))[1] for t in np.linspace(0.0, 0.3, 31)]
    assert m.criterion <= min(values) + 1e-6


def test_one_point_is_laplace(made):
    design = build_design("c ~ x + (x | g)", made)
    f = GLMMObjective(design, families.poisson())
    par = some_par(f, 5)
    from mere.quadrature import gauss_hermite

    f.rule = gauss_hermite(1)
    one = f.value(par)
    f.rule = 1
    assert one == pytest.approx(f.value(par), rel=1e-14)


def test_quadrature_with_two_effects(made):
    """Against Monte Carlo, and settled with the number of points."""
    design = build_design("b ~ x + (x | g)", made)
    par = np.array([0.7, 0.2, 0.4, 0.2, 0.5])
    values = {n: GLMMObjective(design, families.binomial(), nAGQ=n).value(par) for n in (1, 5, 9, 15)}
    assert values[15] == pytest.approx(values[9], abs=1e-5)
    assert abs(values[1] - values[15]) > 1e-3
    rng, term = np.random.default_rng(1), design.random[0]
    L = np.array([[0.7, 0.0], [0.2, 0.4]])
    b = rng.normal(size=(200_000, 2)) @ L.T
    base, total = design.X @ par[3:], 0.0
    for level in range(len(term.levels)):
        mine = term.codes == level
        eta = base[mine] + b @ term.values[mine].T
        y = design.y[mine]
        total -= 2 * np.log(np.exp((y * eta - np.logaddexp(0, eta)).sum(axis=1)).mean())
    assert values[15] == pytest.approx(total, abs=0.1)


def test_many_groups_do_not_underflow():
    rng = np.random.default_rng(3)
    d = pd.DataFrame({"g": np.repeat(np.arange(3000), 4), "x": rng.normal(size=12000)})
    d["y"] = rng.binomial(1, 0.5, 12000)
    f = GLMMObjective(build_design("y ~ x + (1 | g)", d), families.binomial(), nAGQ=7)
    assert np.isfinite(f.value([0.5, 0.0, 0.1]))


def test_quadrature_needs_one_factor(made):
    with pytest.raises(MereValueError, match="single grouping factor"):
        mere.glmer("b ~ x + (1 | g) + (1 | h)", made, "binomial", nAGQ=5)
    with pytest.raises(MereValueError, match="0 to 100"):
        mere.glmer("b ~ x + (1 | g)", made, "binomial", nAGQ=101)


# ---------------------------------------------------------------------- invariances
def test_likelihoods_compare_across_methods():
    d = load("cbpp")
    free = mere.glm("cbind(incidence, size - incidence) ~ period", d, "binomial")
    f = GLMMObjective(build_design(CBPP, d), families.binomial())
    at_zero = f.value([0.0, *free.beta])
    assert -2 * float(free.logLik()) == pytest.approx(at_zero, rel=1e-10)
    nine = GLMMObjective(build_design(CBPP, d), families.binomial(), nAGQ=9)
    assert nine.value([0.0, *free.beta]) == pytest.approx(at_zero, rel=1e-10)


def test_rows_levels_and_units_do_not_matter(made):
    base = mere.glmer("c ~ x + (x | g) + (1 | h)", made, "poisson")
    shuffled = mere.glmer("c ~ x + (x | g) + (1 | h)", made.sample(frac=1, random_state=1), "poisson")
    scaled = mere.glmer("c ~ y + (y | g) + (1 | h)", made.assign(y=made.x * 1000), "poisson")
    assert shuffled.criterion == pytest.approx(base.criterion, abs=1e-7)
    assert scaled.criterion == pytest.approx(base.criterion, abs=1e-7)
    np.testing.assert_allclose(shuffled.fitted().sort_index(), base.fitted(), rtol=1e-4)
    np.testing.assert_allclose(scaled.beta * [1, 1000], base.beta, atol=1e-4)


def test_responses_of_a_binomial_model_agree():
    d = load("cbpp").assign(share=lambda d: d.incidence / d["size"])
    counts = mere.glmer(CBPP, d, "binomial")
    share = mere.glmer("share ~ period + (1 | herd)", d, "binomial", weights="size")
    long = d.loc[d.index.repeat(d["size"])].reset_index(drop=True)
    pairs = zip(d.incidence.astype(int), d["size"].astype(int), strict=True)
    long["ill"] = np.concatenate([np.r_[np.ones(i), np.zeros(s - i)] for i, s in pairs])
    rows = mere.glmer("ill ~ period + (1 | herd)", long, "binomial")
    factor = mere.glmer(
        "ill ~ period + (1 | herd)",
        long.assign(ill=pd.Categorical(np.where(long.ill > 0, "yes", "no"), ["no", "yes"])),
        "binomial",
    )
    for other in (share, rows, factor):
        np.testing.assert_allclose(other.beta, counts.beta, atol=2e-5)
    assert share.criterion == pytest.approx(counts.criterion, abs=1e-8)


def test_exposure_is_an_offset(made):
    a = mere.glmer("c ~ x + (1 | g)", made, "poisson", offset="o")
    b = mere.glmer("c ~ x + offset(o) + (1 | g)", made, "poisson")
    c = mere.glmer("c ~ x + (1 | g)", made, "poisson", offset=made.o + 5)
    assert a.criterion == pytest.approx(b.criterion, abs=1e-9)
    assert a.criterion == pytest.approx(c.criterion, abs=1e-7)
    assert c.beta[0] == pytest.approx(a.beta[0] - 5, abs=1e-4)


def test_weights_repeat_rows(made):
    weighted = mere.glmer("c ~ x + (1 | g)", made, "poisson", weights="w")
    repeated = mere.glmer("c ~ x + (1 | g)", made.loc[made.index.repeat(made.w.astype(int))], "poisson")
    np.testing.assert_allclose(weighted.beta, repeated.beta, atol=1e-5)
    assert weighted.criterion == pytest.approx(repeated.criterion, rel=1e-9)


def test_a_negative_binomial_of_huge_size_is_poisson(made):
    nb = mere.glmer("c ~ x + (1 | g)", made, families.negative_binomial(1e7))
    poisson = mere.glmer("c ~ x + (1 | g)", made, "poisson")
    assert nb.criterion == pytest.approx(poisson.criterion, abs=1e-3)


def test_sparse_and_dense_ways_agree(made):
    from mere import _core

    design = build_design("c ~ x + (x | g) + (x | h) + (1 | k)", made)
    f = GLMMObjective(design, families.poisson())
    rows = f.plan.rows
    plan = _core.Plan(rows, f.terms_layout.entries, f.n_kernel, 2)
    r = read_response(design, f.family)
    sparse = _core.Glmm(plan, np.asfortranarray(design.X), r.y, None, None, 2, 5, 1.0, False, 1e-24, 100)
    par = some_par(f, 6)
    assert plan.sparse
    assert not f.plan.sparse
    assert sparse.value(par) == pytest.approx(f.value(par), rel=1e-11)
    np.testing.assert_allclose(sparse.gradient(), f.gradient(par), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(sparse.information(), f.work.information(), rtol=1e-4, atol=1e-4)


# ---------------------------------------------------------------------- edges
def test_no_variance_between_groups():
    rng = np.random.default_rng(9)
    d = pd.DataFrame({"g": np.repeat(np.arange(10), 12), "y": np.tile([0, 1, 2, 1, 3, 0, 1, 2, 1, 0, 2, 1], 10)})
    d["x"] = rng.normal(size=120)
    with pytest.warns(SingularFitMessage):
        m = mere.glmer("y ~ x + (1 | g)", d, "poisson")
    assert m.theta[0] == 0.0
    assert m.isSingular()
    free = mere.glm("y ~ x", d, "poisson")
    np.testing.assert_allclose(m.beta, free.beta, atol=1e-6)
    np.testing.assert_allclose(m.vcov(), free.vcov(), rtol=1e-4)


def test_groups_without_events():
    rng = np.random.default_rng(6)
    d = pd.DataFrame({"g": np.repeat(np.arange(20), 8)})
    d["y"] = np.where(d.g < 8, 0, rng.binomial(1, 0.3, 160))
    m = mere.glmer("y ~ 1 + (1 | g)", d, "binomial")
    assert 0 < m.theta[0] < 10
    assert np.isfinite(m.ranef().to_frame().condsd).all()


def test_huge_counts():
    rng = np.random.default_rng(8)
    d = pd.DataFrame({"g": np.repeat(np.arange(10), 10), "x": rng.normal(size=100)})
    d["y"] = rng.poisson(np.exp(15 + 0.1 * d.x + rng.normal(size=10)[d.g] * 0.2))
    m = mere.glmer("y ~ x + (1 | g)", d, "poisson")
    assert m.beta[1] == pytest.approx(0.1, abs=1e-3)
    assert np.isfinite(m.criterion)


def test_constant_response_and_wrong_responses(made):
    with pytest.raises(MereValueError, match="is constant"):
        mere.glmer("y ~ 1 + (1 | g)", made.assign(y=0.0), "binomial")
    with pytest.raises(MereValueError, match="between 0 and 1"):
        mere.glmer("c ~ 1 + (1 | g)", made.assign(c=3.0), "binomial")
    with pytest.raises(MereValueError, match="must be positive"):
        mere.glmer("y ~ 1 + (1 | g)", made.assign(y=made.c - 1), "Gamma")
    with pytest.raises(MereValueError, match="use lmer"):
        mere.glmer("z ~ 1 + (1 | g)", made)
    with pytest.raises(MereValueError, match="or use glm"):
        mere.glmer("c ~ x", made, "poisson")


def test_start_and_no_optimization(made):
    m = mere.glmer(
        "c ~ x + (1 | g)",
        made,
        "poisson",
        start={"theta": [0.5], "fixef": [0.1, 0.2]},
        control=mere.glmerControl(optimizer=None),
    )
    np.testing.assert_array_equal(m.optinfo.full, [0.5, 0.1, 0.2])
    with pytest.raises(MereValueError, match="theta must have 1"):
        mere.glmer("c ~ x + (1 | g)", made, "poisson", start=[1.0, 2.0])


def test_loose_inner_iterations_leave_an_error(made):
    tight = mere.glmer("b ~ x + (1 | g)", made, "binomial")
    loose = GLMMObjective(tight.design, tight.model_family, None, 1, 1e-2)
    assert loose.value(tight.optinfo.full) != pytest.approx(tight.criterion, abs=1e-9)


# ---------------------------------------------------------------------- the model
@pytest.fixture(scope="module")
def cbpp():
    return mere.glmer(CBPP, load("cbpp"), "binomial")


def test_pickle(cbpp):
    again = pickle.loads(pickle.dumps(cbpp))
    np.testing.assert_allclose(again.vcov(), cbpp.vcov())
    assert repr(again) == repr(cbpp)


def test_predict(cbpp):
    d = load("cbpp")
    np.testing.assert_allclose(mere.predict(cbpp), cbpp.eta)
    np.testing.assert_allclose(mere.predict(cbpp, d, type="response"), cbpp.mu)
    np.testing.assert_allclose(mere.predict(cbpp, d, re_form=False), cbpp.design.X @ cbpp.beta)
    new = d.head(2).assign(herd=["1", "99"])
    with pytest.raises(MereValueError, match="new levels detected in newdata: 99"):
        mere.predict(cbpp, new)
    allowed = mere.predict(cbpp, new, allow_new_levels=True)
    assert allowed.iloc[1] == pytest.approx(float(cbpp.design.X[1] @ cbpp.beta))


def test_get_me(cbpp):
    everything = mere.getME(cbpp)
    assert everything["devcomp"]["dims"]["GLMM"] == 1
    np.testing.assert_allclose(everything["mu"], cbpp.mu)
    L = everything["L"].toarray()
    assert 2 * np.log(np.diag(L)).sum() == pytest.approx(cbpp.devcomp["ldL2"], rel=1e-8)


def test_verbs(cbpp):
    assert mere.isGLMM(cbpp)
    assert not mere.isREML(cbpp)
    assert mere.deviance(cbpp) == pytest.approx(73.4717, abs=1e-3)
    assert mere.weights(cbpp).sum() == load("cbpp")["size"].sum()
    assert mere.weights(cbpp, type="working").iloc[0] == pytest.approx(14 * cbpp.mu[0] * (1 - cbpp.mu[0]))
    assert list(mere.anova(cbpp).table.columns) == ["npar", "Sum Sq", "Mean Sq", "F value"]
    table = mere.confint(cbpp, "beta_", method="Wald")
    assert table.shape == (4, 2)
    assert "glmerMod" in mere.summary(cbpp).to_text()
    assert cbpp._repr_html_().startswith("<div>")


def test_hessian_falls_back_to_rx(cbpp):
    from mere.accessors.generalized_mixed import hessian_covariance

    assert hessian_covariance(np.diag([1.0, -1.0]), slice(1, 2)) is None
    plain = mere.vcov(cbpp, use_hessian=False)
    assert plain.iloc[0, 0] < cbpp.vcov().iloc[0, 0]


def test_negative_binomial_jointly():
    m = mere.glmer_nb("TICKS ~ YEAR + (1 | BROOD)", load("grouseticks"))
    assert mere.getME(m, "glmer.nb.theta") == pytest.approx(3.303, abs=0.01)
    assert m.logLik().df == 5
    fixed = mere.glmer("TICKS ~ YEAR + (1 | BROOD)", load("grouseticks"), m.model_family)
    assert m.criterion == pytest.approx(fixed.criterion, abs=1e-6)
    f, par = m.objective, m.optinfo.full
    for step in (-0.05, 0.05):
        moved = par.copy()
        moved[-1] += step
        assert f.value(moved) > m.criterion


def test_structured_terms(made):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        free = mere.glmer("c ~ x + (x | g)", made, "poisson")
        cs = mere.glmer("c ~ x + cs(1 + x | g)", made, "poisson")
    assert cs.criterion == pytest.approx(free.criterion, abs=1e-4)  # 2 x 2: the same covariances


def test_predict_with_some_random_effects(made):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m = mere.glmer("c ~ x + (x | g) + (1 | h)", made, "poisson", offset="o")
    whole = mere.predict(m)
    parts = [mere.predict(m, re_form=form, random_only=True) for form in ("~ (x | g)", "~ (1 | h)")]
    fixed = mere.predict(m, re_form=False)
    np.testing.assert_allclose(whole, parts[0] + parts[1] + fixed)
    np.testing.assert_allclose(mere.predict(m, made.head(5)), whole.head(5))


def test_simulate_and_refit(cbpp):
    y = mere.simulate(cbpp, 40, seed=3)
    assert y.attrs["seed"] == 3
    assert y["sim_2"].equals(mere.simulate(cbpp, 2, seed=3)["sim_2"])
    y = y.xs("incidence", axis=1, level=1)
    d = load("cbpp")
    assert (y.to_numpy() <= d["size"].to_numpy()[:, None]).all()
    assert y.to_numpy().sum() / 40 == pytest.approx(d.incidence.sum(), rel=0.2)
    again = mere.refit(cbpp, d.incidence)
    assert again.criterion == pytest.approx(cbpp.criterion, abs=1e-8)
    other = mere.refit(cbpp, y["sim_1"])
    direct = mere.glmer(CBPP, d.assign(incidence=y["sim_1"]), "binomial")
    assert other.criterion == pytest.approx(direct.criterion, abs=1e-6)
    with pytest.raises(MereValueError, match="must have 56 finite values"):
        mere.refit(cbpp, [1.0, 2.0])


def test_update(cbpp):
    smaller = mere.update(cbpp, ". ~ . - period")
    assert list(smaller.fixef().index) == ["(Intercept)"]
    assert mere.update(cbpp, family="poisson", formula="incidence ~ . ").model_family.name == "poisson"


def test_hat_values(cbpp):
    """The definition: sqrt(W) [Z Lambda, X] (cross-products + [I, 0])^-1 [.]' sqrt(W)."""
    from mere.accessors.blocks import random_design, relative_covariance

    design = cbpp.design
    ZL = (random_design(design.random) @ relative_covariance(design.random, cbpp.theta)).toarray()
    A = np.sqrt(cbpp.working)[:, None] * np.hstack([ZL, design.X])
    penalty = np.diag(np.r_[np.ones(ZL.shape[1]), np.zeros(design.X.shape[1])])
    want = np.einsum("ij,jk,ik->i", A, np.linalg.inv(A.T @ A + penalty), A)
    np.testing.assert_allclose(mere.hatvalues(cbpp), want, rtol=1e-8)


def test_random_effects_that_separate_are_named():
    g = np.repeat([f"g{i}" for i in range(8)], 5)
    d = pd.DataFrame({"y": np.repeat([0, 1, 0, 1, 1, 0, 1, 0], 5), "g": pd.Categorical(g)})
    with pytest.warns(ConvergenceWarning, match=r"standard deviation of \(Intercept\) \| g .* separate"):
        mere.glmer("y ~ 1 + (1 | g)", d, "binomial")


def counts(seed=5):
    rng = np.random.default_rng(seed)
    g, x, b = np.repeat(np.arange(20), 15), rng.normal(size=300), rng.normal(size=20) * 0.3
    return rng, pd.Categorical(g.astype(str)), x, b[g]


@pytest.mark.parametrize("link", ["log", "sqrt", "identity"])
def test_a_size_without_bound_is_poisson(link):
    """Counts that vary as Poisson counts do: the criterion goes to Poisson's, not to what cancellation makes of it."""
    rng, g, x, b = counts()
    mu = {"log": np.exp(0.5 + 0.3 * x + b), "sqrt": (2 + 0.2 * x + b) ** 2, "identity": np.clip(9 + x + b, 0.5, None)}
    d = pd.DataFrame({"y": rng.binomial(1000, mu[link] / 1000), "x": x, "g": g})
    poisson = mere.glmer("y ~ x + (1 | g)", d, families.poisson(link))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        m = mere.glmer_nb("y ~ x + (1 | g)", d, link=link)
        se = np.sqrt(np.diag(mere.vcov(m)))
    assert poisson.criterion - 1.0 < m.criterion < poisson.criterion + 1e-3
    if mere.getME(m, "glmer.nb.theta") > 1e5:
        assert any("theta grows without bound" in str(w.message) for w in said)
        np.testing.assert_allclose(se, np.sqrt(np.diag(mere.vcov(poisson))), rtol=1e-3)
    assert not any("Hessian" in str(w.message) for w in said)


@pytest.mark.parametrize("size", [49.9, 50.1, 1e4, 1e7, 1e10, 1e14])
def test_a_large_size_by_series(made, size):
    """Against the density as a product over 0 ... y - 1, in which nothing cancels."""
    design = build_design("c ~ x + (1 | g)", made)
    f = GLMMObjective(design, families.negative_binomial(size), joint_theta=True)
    par = np.array([0.0, 0.2, 0.1, np.log(size)])
    eta, t, want = 0.2 + 0.1 * made.x.to_numpy(), float(np.exp(np.log(size))), 0.0
    for y, mu in zip(made.c.astype(int), np.exp(eta)):
        rise = sum(math.log1p((i - mu) / (t + mu)) for i in range(y))
        want -= 2 * (rise + y * math.log(mu) - math.lgamma(y + 1) - t * math.log1p(mu / t))
    assert f.value(par) == pytest.approx(want, abs=1e-12 * abs(want))
    slope = f.gradient(par)[-1]
    step = np.array([0, 0, 0, 1e-3])
    numeric = (f.value(par + step) - f.value(par - step)) / 2e-3
    assert slope == pytest.approx(numeric, rel=1e-4, abs=1e-9)


def test_huge_counts_keep_their_digits():
    rng, g, x, b = counts()
    d = pd.DataFrame({"y": rng.poisson(1e9 * np.exp(0.1 * x + b)).astype(float), "x": x, "g": g})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        m = mere.glmer("y ~ x + (1 | g)", d, "poisson")
        se = np.sqrt(np.diag(mere.vcov(m)))
    assert m.beta[1] == pytest.approx(0.1, abs=1e-5)
    assert se[1] == pytest.approx(1 / np.sqrt(d.y.sum()) / 1.0, rel=0.2)


def test_what_is_no_count_is_said():
    _, g, x, _ = counts()
    d = pd.DataFrame({"y": np.abs(x) + 0.1, "p": np.abs(x) / 5, "e": np.where(np.arange(300) == 3, 0.0, 1.0), "g": g})
    with pytest.warns(DataMessage, match=r"counts that are no whole numbers in 300 rows.*exposure"):
        mere.glmer("y ~ 1 + (1 | g)", d, "poisson")
    with pytest.warns(DataMessage, match="weights= the number of trials"):
        mere.glm("p ~ 1", d, "binomial")
    with pytest.raises(MereValueError, match="offset is infinite in 1 rows"):
        mere.glmer("round(y) ~ 1 + offset(log(e)) + (1 | g)", d, "poisson")


@pytest.mark.parametrize("nAGQ", [0, 1, 5])
def test_modular_steps_give_the_model(cbpp, nAGQ):
    data = load("cbpp")
    parsed = mere.glFormula(CBPP, data, "binomial")
    devfun = mere.updateGlmerDevfun(mere.mkGlmerDevfun(parsed), nAGQ)
    m = mere.mkMerMod(devfun, mere.optimizeGlmer(devfun))
    want = mere.glmer(CBPP, data, "binomial", nAGQ=nAGQ)
    assert m.criterion == want.criterion
    assert devfun(m.theta if nAGQ == 0 else m.optinfo.full) == pytest.approx(want.criterion, abs=1e-9)
    np.testing.assert_array_equal(m.beta, want.beta)
    assert len(devfun.lower) == len(devfun.start) == 5


def test_the_criterion_does_not_depend_on_where_the_search_was():
    """With a square root link eta and -eta give one mean: the modes of one search must not be those of another."""
    from mere.datasets import grouseticks

    m = mere.glmer("TICKS ~ YEAR + (1 | BROOD)", grouseticks, families.poisson("sqrt"))
    fresh = m.objective.twin().value(np.concatenate([m.theta, m.beta]))
    assert m.criterion == pytest.approx(fresh, abs=1e-8)
    assert m.criterion == pytest.approx(2103.95243963, abs=1e-6)  # lme4's
