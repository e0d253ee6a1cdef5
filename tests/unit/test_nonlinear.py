"""Nonlinear mixed models: language, criterion against a dense oracle, derivatives, invariances, verbs, errors."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import mere
from mere.datasets import Orange, Theoph
from mere.errors import FormulaError, MereError, MereTypeError, MereValueError
from mere.nonlinear_design import build_nonlinear_design
from mere.nonlinear_objective import NLMMObjective

from ..oracle import dense_laplace

LOGIS = "circumference ~ SSlogis(age, Asym, xmid, scal) ~ "
START = {"Asym": 200.0, "xmid": 725.0, "scal": 350.0}


@pytest.fixture(scope="module")
def orange():
    return mere.nlmer(LOGIS + "Asym | Tree", Orange, start=START)


@pytest.fixture(scope="module")
def crossed():
    rng = np.random.default_rng(5)
    g, h, x = np.repeat(np.arange(9), 8), np.tile(np.arange(4), 18), np.tile(2.0 ** np.arange(-3, 5), 9)
    top = 180 + rng.normal(0, 25, 9)[g] + rng.normal(0, 15, 4)[h]
    y = top * x / (1.1 + x) + rng.normal(0, 5, 72)
    w = rng.uniform(0.5, 2, 72)
    return pd.DataFrame({"y": y, "x": x, "g": [f"g{i}" for i in g], "h": [f"h{i}" for i in h], "w": w})


# -- language --------------------------------------------------------------------
@pytest.mark.parametrize(
    ("third", "long"),
    [
        ("Asym | g", "(0 + Asym | g)"),
        ("(Asym + xmid | g)", "(0 + Asym + xmid | g)"),
        ("(Asym || g)", "(0 + Asym | g)"),
        ("(Asym | g) + (xmid | h)", "(0 + Asym | g) + (0 + xmid | h)"),
        ("Asym:sex + (Asym | g)", "Asym:sex + (0 + Asym | g)"),
        ("diag(Asym + xmid | g)", "diag(0 + Asym + xmid | g)"),
    ],
)
def test_third_part(third, long):
    f = mere.language.nonlinear.parse_nonlinear(f"y~SSlogis(x,Asym,xmid,scal)~{third}", ("Asym", "xmid", "scal"))
    assert str(f.long).partition("scal + ")[2].replace("((", "(").replace("))", ")") == long
    assert pickle.loads(pickle.dumps(f)) == f


@pytest.mark.parametrize("text", ["y ~ x", "y ~ a ~ b ~ c", "~ SSlogis(x, a, b, c) ~ a | g"])
def test_formulas_without_three_parts(text):
    with pytest.raises(FormulaError, match="three parts"):
        mere.nlmer(text, Orange, start={"a": 1.0})


# -- the criterion -----------------------------------------------------------------
def test_criterion_is_the_dense_laplace():
    age, y = Orange["age"].to_numpy(), Orange["circumference"].to_numpy()
    code = Orange["Tree"].cat.codes.to_numpy()
    design = build_nonlinear_design(LOGIS + "(Asym + xmid | Tree)", Orange, weights="age")
    par = np.array([0.3, 0.2, 0.25, 190.0, 720.0, 345.0])
    T = np.array([[0.3, 0.0], [0.2, 0.25]])
    want = dense_laplace(
        y, age.astype(float), code, [(code, 5, [0, 1], T)],
        lambda phi: phi[:, 0] * expit((age - phi[:, 1]) / phi[:, 2]), par[3:],
    )  # fmt: skip
    assert abs(NLMMObjective(design).value(par) - want) < 1e-6


def test_criterion_of_crossed_factors_is_the_dense_laplace(crossed):
    design = build_nonlinear_design("y ~ SSmicmen(x, Vm, K) ~ (Vm | g) + (Vm + K | h)", crossed, weights="w")
    assert [t.group for t in design.random] == ["g", "h"]
    par = np.array([4.0, 3.0, 0.01, 0.02, 175.0, 1.0])
    T = np.array([[3.0, 0.0], [0.01, 0.02]])
    g, h = (pd.Categorical(crossed[c]).codes for c in "gh")
    x = crossed["x"].to_numpy()
    want = dense_laplace(
        crossed["y"].to_numpy(), crossed["w"].to_numpy(), g, [(g, 9, [0], [[4.0]]), (h, 4, [0, 1], T)],
        lambda phi: phi[:, 0] * x / (phi[:, 1] + x), par[4:],
    )  # fmt: skip
    assert abs(NLMMObjective(design).value(par) - want) < 1e-6


@pytest.mark.parametrize(
    ("formula", "data", "par", "more"),
    [
        (LOGIS + "Asym | Tree", "Orange", [4.0, 190, 720, 350], {}),
        (LOGIS + "(Asym + xmid | Tree)", "Orange", [4.0, 2, 3, 190, 720, 350], {"weights": "age"}),
        (LOGIS + "(Asym | Tree) + (xmid | age)", "Orange", [2.0, 4.0, 190, 720, 350], {}),
        (LOGIS + "cs(Asym + xmid | Tree)", "Orange", [4.0, 3.0, 0.3, 190, 720, 350], {}),
        ("y ~ SSmicmen(x, Vm, K) ~ (Vm | g) + (K | h)", "crossed", [4.0, 0.05, 180, 1.0], {"weights": "w"}),
        ("y ~ Vm * x / (exp(lK) + x) ~ (Vm + lK | g)", "crossed", [4.0, 0.01, 0.05, 180, 0.1],
         {"parameters": ["Vm", "lK"]}),
    ],
)  # fmt: skip
def test_gradient_is_the_difference_of_values(formula, data, par, more, crossed):
    f = NLMMObjective(build_nonlinear_design(formula, Orange if data == "Orange" else crossed, **more))
    par = np.array(par, dtype=float)
    got, want = f.gradient(par), np.empty(len(par))
    for i, x in enumerate(par):
        values = []
        for k in (-2, -1, 1, 2):
            moved = par.copy()
            moved[i] = x + k * 1e-3 * abs(x)
            values.append(f.value(moved))
        want[i] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12e-3 * abs(x))
    np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-6 * np.abs(want).max())


def test_linear_mean_is_lmer():
    """A mean that is linear in its parameters: Laplace is exact, and the fit is that of lmer by ML."""
    from mere.datasets import sleepstudy

    linear = mere.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, REML=False)
    m = mere.nlmer("Reaction ~ a + b * Days ~ (a + b | Subject)", sleepstudy, start={"a": 250.0, "b": 10.0})
    assert abs(m.criterion - linear.criterion) < 1e-7
    np.testing.assert_allclose(m.theta, linear.theta, rtol=1e-4)
    np.testing.assert_allclose(m.beta, linear.beta, rtol=1e-6)
    np.testing.assert_allclose(m.sigma, linear.sigma, rtol=1e-5)
    np.testing.assert_allclose(m.b, linear.b, atol=1e-3)
    np.testing.assert_allclose(m.hatvalues(), linear.hatvalues(), rtol=1e-4)
    np.testing.assert_allclose(
        m.ranef().to_frame()["condsd"].sort_values(), linear.ranef().to_frame()["condsd"].sort_values(), rtol=1e-4
    )
    np.testing.assert_allclose(m.vcov(use_hessian=False), linear.vcov(), rtol=1e-4)


def test_weighted_linear_mean_is_lmer(crossed):
    linear = mere.lmer("y ~ x + (1 | g) + (1 | h)", crossed, REML=False, weights="w")
    m = mere.nlmer("y ~ a + b * x ~ (a | g) + (a | h)", crossed, start=[150.0, 5.0], weights="w")
    assert abs(m.criterion - linear.criterion) < 1e-7
    np.testing.assert_allclose(m.theta, linear.theta, rtol=1e-4)


# -- the fit -----------------------------------------------------------------------
def test_expression_and_function_and_self_start_agree(orange):
    expression = mere.nlmer(
        "circumference ~ Asym / (1 + exp((xmid - age) / scal)) ~ (Asym | Tree)", Orange, start=START
    )

    def mean(x, a, m, s):
        return a * expit((x - m) / s)

    def with_gradient(x, a, m, s):
        return mean(x, a, m, s), mere.SSlogis.gradient(x, a, m, s)

    for m in (
        expression,
        mere.nlmer("circumference ~ f(age, Asym, xmid, scal) ~ Asym | Tree", Orange, start=START, env={"f": mean}),
        mere.nlmer("circumference ~ f(age, Asym, xmid, scal) ~ Asym | Tree", Orange, START, env={"f": with_gradient}),
        mere.nlmer(LOGIS + "Asym | Tree", Orange),
        mere.nlmer(LOGIS + "Asym | Tree", Orange, start=[200, 725, 350]),
        mere.nlmer(LOGIS + "Asym | Tree", Orange, start={"nlpars": START, "theta": [4.0]}),
        mere.nlmer(LOGIS + "Asym | Tree", Orange, control=mere.nlmerControl(optimizer="bobyqa")),
    ):
        assert abs(m.criterion - orange.criterion) < 1e-6
        np.testing.assert_allclose(m.fixef(), orange.fixef(), rtol=1e-4)


def test_a_parameter_inside_an_argument(orange):
    m = mere.nlmer("circumference ~ SSlogis(age, exp(lA), xmid, scal) ~ lA | Tree", Orange,
                   start={"lA": 5.25, "xmid": 725, "scal": 350})  # fmt: skip
    assert abs(np.exp(m.fixef()["lA"]) - orange.fixef()["Asym"]) < 5


def test_scale_of_the_covariate_and_the_response_do_not_matter(orange):
    other = Orange.assign(age=Orange["age"] / 365.25, circumference=Orange["circumference"] * 100)
    m = mere.nlmer(LOGIS + "Asym | Tree", other)
    assert abs(m.criterion - orange.criterion - 2 * 35 * np.log(100)) < 1e-6
    np.testing.assert_allclose(m.fixef() * [0.01, 365.25, 365.25], orange.fixef(), rtol=1e-5)


def test_order_of_rows_does_not_matter(orange):
    m = mere.nlmer(LOGIS + "Asym | Tree", Orange.sample(frac=1, random_state=3))
    assert abs(m.criterion - orange.criterion) < 1e-8


def test_own_self_start(orange):
    mine = mere.SelfStart(
        "mine", ("x",), ("top", "mid", "scale"),
        lambda x, top, mid, scale: (
            top * expit((x - mid) / scale), list(mere.SSlogis.gradient(x, top, mid, scale).T),
        ),
        lambda x, y: [[1.2 * y.max(), np.median(x), np.std(x)]],
    )  # fmt: skip
    m = mere.nlmer("circumference ~ mine(age, top, mid, scale) ~ top | Tree", Orange, env={"mine": mine})
    assert abs(m.criterion - orange.criterion) < 1e-6


def test_fixed_effects_of_covariates_on_a_parameter():
    data = Theoph.assign(heavy=(Theoph["Wt"] > 70).astype(float))
    formula = "conc ~ SSfol(Dose, Time, lKe, lKa, lCl) ~ "
    small = mere.nlmer(formula + "(lKa | Subject) + (lCl | Subject)", data)
    large = mere.nlmer(formula + "lCl:heavy + (lKa | Subject) + (lCl | Subject)", data)
    assert list(large.fixef().index) == ["lKe", "lKa", "lCl", "lCl:heavy"]
    assert large.criterion < small.criterion
    table = mere.anova(small, large).table
    assert table["Df"].iloc[1] == 1 and 0 < table["Pr(>Chisq)"].iloc[1] < 1


def test_missing_rows_and_subset(orange):
    data = pd.concat([Orange, Orange.iloc[:3].assign(circumference=np.nan)], ignore_index=True)
    m = mere.nlmer(LOGIS + "Asym | Tree", data, na_action="exclude")
    assert abs(m.criterion - orange.criterion) < 1e-8
    assert len(m.residuals()) == 38 and m.residuals().isna().sum() == 3
    part = mere.nlmer(LOGIS + "Asym | Tree", data, subset="age > 200")
    assert part.nobs() == (Orange["age"] > 200).sum()


def test_a_variance_of_zero_is_said_and_exact():
    with pytest.warns(mere.errors.SingularFitMessage):
        m = mere.nlmer(LOGIS + "(Asym | Tree) + (xmid | Tree) + (scal | Tree)", Orange)
    assert m.isSingular() and (m.theta == 0).any()


# -- verbs -------------------------------------------------------------------------
def test_rows(orange):
    np.testing.assert_allclose(orange.fitted() + orange.residuals(), Orange["circumference"])
    assert mere.getME(orange, "mu").tolist() == orange.fitted().tolist()
    assert mere.isNLMM(orange) and not mere.isLMM(orange) and not mere.isGLMM(orange)
    assert mere.getME(orange, "devcomp")["dims"]["NLMM"] == 1
    assert set(mere.getME(orange)) >= {"X", "Z", "theta", "L", "RX", "mu"}


def test_predict(orange):
    np.testing.assert_array_equal(orange.predict(), orange.fitted())
    np.testing.assert_allclose(orange.predict(Orange), orange.fitted(), rtol=1e-12)
    beta = orange.fixef()
    new = pd.DataFrame({"age": [100.0, 1000.0], "Tree": ["1", "other"]})
    np.testing.assert_allclose(orange.predict(new, re_form=False), mere.SSlogis(new["age"], *beta))
    np.testing.assert_allclose(
        orange.predict(new, allow_new_levels=True),
        mere.SSlogis(new["age"], beta["Asym"] + [orange.ranef()["Tree"].loc["1", "Asym"], 0.0], *beta[1:]),
    )
    shown = orange.predict(new, re_form=False, type="parameters")
    assert shown.iloc[0].to_dict() == pytest.approx(beta.to_dict())
    with pytest.raises(MereValueError, match="new levels"):
        orange.predict(new)
    with pytest.raises(MereError, match="age"):
        orange.predict({"Tree": ["1"]})


def test_simulate_and_refit(orange):
    y = orange.simulate(2, seed=4)
    assert y.equals(orange.simulate(2, seed=4))
    m = orange.refit(y["sim_1"])
    whole = mere.nlmer(LOGIS + "Asym | Tree", Orange.assign(circumference=y["sim_1"]))
    assert abs(m.criterion - whole.criterion) < 1e-6
    assert orange.refit().criterion == pytest.approx(orange.criterion, abs=1e-8)


def test_moments_of_simulations(orange):
    y = orange.simulate(4000, seed=1).to_numpy()
    beta, last = orange.fixef(), Orange["age"].to_numpy()
    slope = expit((last - beta["xmid"]) / beta["scal"])
    sd = np.sqrt(orange.sigma**2 * (1 + (slope * orange.theta[0]) ** 2))  # linear in Asym
    np.testing.assert_allclose(y.mean(axis=1), orange.predict(re_form=False), atol=4 * sd.max() / np.sqrt(4000))
    np.testing.assert_allclose(y.std(axis=1), sd, rtol=0.06)


def test_update_and_anova(orange):
    other = orange.update(LOGIS + "(Asym + xmid | Tree)")
    table = mere.anova(orange, other).table
    assert table["Chisq"].iloc[1] == pytest.approx(orange.criterion - other.criterion)
    assert orange.update(nAGQ=0).nAGQ == 0
    with pytest.raises(MereTypeError, match="whole formula"):
        orange.update(". ~ . + x")
    with pytest.raises(MereValueError, match="two models"):
        mere.anova(orange)


def test_pickle_and_confint(orange):
    again = pickle.loads(pickle.dumps(orange))
    assert again.objective.value(again.optinfo.full) == pytest.approx(orange.criterion, abs=1e-9)
    pd.testing.assert_frame_equal(again.confint(), orange.confint())
    assert orange.confint("beta_").shape == (3, 2)
    boot = mere.confint(orange, method="boot", nsim=20, seed=2)
    assert list(boot.index) == ["sd_Asym|Tree", "sigma", "Asym", "xmid", "scal"] and np.isfinite(boot).all(axis=None)
    assert mere.bootMer(orange, nsim=3, seed=2).t.equals(mere.bootMer(orange, nsim=3, seed=2, ncpus=2).t)


def test_vcov_is_the_inverse_of_half_the_hessian(orange):
    full, f = orange.optinfo.full, orange.objective
    H = np.empty((4, 4))
    for i in range(4):
        e = np.zeros(4)
        e[i] = 1e-3 * full[i]
        H[i] = (f.gradient(full + e) - f.gradient(full - e)) / (2 * e[i])
    np.testing.assert_allclose(orange.vcov(), 2 * np.linalg.inv((H + H.T) / 2)[1:, 1:], rtol=1e-3)


# -- errors ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("formula", "more", "match"),
    [
        ("circumference ~ Asym * age ~ Asym | Tree", {}, "start is needed"),
        ("circumference ~ gamma2(age, a) ~ a | Tree", {"start": {"a": 1.0}}, "gamma2"),
        ("circumference ~ a * age ~ b | Tree", {"start": {"a": 1.0}}, "'b'"),
        ("circumference ~ a * age ~ a | Tree", {"start": {"b": 1.0}}, "'b' does not occur"),
        ("circumference ~ a * age ~ a", {"start": {"a": 1.0}}, "no random term"),
        ("circumference ~ a * Tree ~ a | Tree", {"start": {"a": 1.0}}, "numeric"),
        ("circumference ~ age * height ~ age | Tree", {"start": {"age": 1.0}}, "also a column"),
        ("circumference ~ log(a) * age ~ a | Tree", {"start": {"a": -1.0}}, "not finite at start"),
        ("circumference ~ a * age ~ a | Tree", {"start": [1.0, 2.0]}, "2 values"),
        ("circumference ~ a * age ~ a | Tree", {"start": {"a": "x"}}, "numbers"),
        ("circumference ~ a * age ~ a | Tree", {"start": {"a": 1.0}, "nAGQ": -1}, "nAGQ"),
        ("circumference ~ SSlogis(age, a) ~ a | Tree", {"start": {"a": 1.0}}, "SSlogis"),
        ("circumference ~ a * height ~ a | Tree", {"start": {"a": 1.0}}, "height"),
        ("circumference ~ a * age ~ a | Tree", {"start": {"nlpars": [1.0], "theta": [1.0, 2.0]}}, "theta"),
        ("circumference ~ a * age ~ a | Tree", {"start": {"nlpars": [1.0], "beta": [1.0]}}, "'beta'"),
        ("circumference ~ f(age, a) ~ a | Tree", {"start": [1.0], "env": {"f": lambda x, a: a[:3]}}, "35 values"),
    ],
)
def test_errors_name_what_is_wrong(formula, more, match):
    with pytest.raises(MereError, match=match):
        mere.nlmer(formula, Orange, **more)


def test_a_mean_that_does_not_tell_its_parameters_apart():
    with pytest.raises(MereError):
        mere.nlmer("circumference ~ (a + b) * age ~ a | Tree", Orange, start={"a": 0.1, "b": 0.1})


def test_the_mode_is_followed_to_first_order(orange):
    """The search starts where the derivatives of the last gradient put the mode; for one factor and for several."""
    rng = np.random.default_rng(8)
    g, h, x = np.repeat(np.arange(8), 10), np.tile(np.arange(5), 16), np.tile(np.linspace(0, 9, 10), 8)
    y = (100 + 9 * rng.normal(size=8)[g] + 5 * rng.normal(size=5)[h]) / (1 + np.exp((4.5 - x) / 1.2)) + rng.normal(
        size=80
    )
    crossed = mere.nlmer(
        "y ~ SSlogis(x, Asym, xmid, scal) ~ (Asym + xmid | g) + (Asym | h)",
        {"y": y, "x": x, "g": g.astype(str), "h": h.astype(str), "w": rng.uniform(0.5, 2, 80)},
        weights="w",
    )
    for m in (orange, crossed):
        f, at = m.objective, np.concatenate([m.par, m.beta]) * 1.001
        f.gradient(at)
        near = f.near
        for i in range(len(at)):
            modes, step = [], 1e-5 * max(abs(at[i]), 0.1)
            for sign in (1.0, -1.0):
                moved = at.copy()
                moved[i] += sign * step
                f.near = None
                f.value(moved)
                modes.append(f.u.copy())
            moved = at.copy()
            moved[i] += step
            guess = f._guess(moved[f.n_re :], f._factor(moved[: f.n_re]), near) - near.u
            change = (modes[0] - modes[1]) / 2
            np.testing.assert_allclose(guess, change, atol=1e-4 * np.abs(change).max() + 1e-12)


def test_second_derivatives_do_not_depend_on_how_they_are_evaluated(orange):
    phi = np.tile(orange.beta, (orange.design.n, 1)) * np.linspace(0.9, 1.1, orange.design.n)[:, None]
    mean = orange.objective.mean
    alone = type(mean)(mean.node, mean.parameters, mean.data, {"unused": 1.0})  # what is the user's is not repeated
    assert alone._repeated is None and mean._repeated is not None
    np.testing.assert_allclose(mean.second(phi), alone.second(phi), rtol=1e-12)
