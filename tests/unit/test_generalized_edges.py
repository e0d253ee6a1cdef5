"""Generalized models at their edges: huge counts, links without a unit, endless estimates, wrong arguments."""

import gc
import warnings

import numpy as np
import pytest

import mere
from mere import families
from mere.datasets import load
from mere.errors import ConvergenceWarning, MereError


@pytest.fixture(scope="module")
def cbpp():
    return load("cbpp")


# -- starts, modes and memory ---------------------------------------------------------


def made_counts(size: float, seed: int = 3) -> dict:
    rng = np.random.default_rng(seed)
    g, x = rng.integers(0, 12, 200), rng.normal(size=200)
    mu = size * np.exp(0.3 * x + 0.5 * rng.normal(size=12)[g])
    return {"y": rng.poisson(mu), "nb": rng.negative_binomial(2, 2 / (2 + mu)), "x": x, "g": g.astype(str)}


@pytest.mark.parametrize("size", [1e5, 1e8])
def test_modes_of_huge_counts_are_found_to_the_end(size):
    """The gradient has no noise but rounding, so the Hessian is positive definite and says what it says for few."""
    m = mere.glmer("y ~ x + (1 | g)", made_counts(size), "poisson")
    f, at = m.objective, m.optinfo.full.copy()
    h = 1e-3
    slopes = [f.gradient(at + s * h * np.eye(3)[1]) for s in (1.0, -1.0)]
    expected = len(m.design.random[0].levels) / m.theta[0] ** 2  # by the intercept, where counts tell every mode
    assert (slopes[0] - slopes[1])[1] / (2 * h) == pytest.approx(2 * expected, rel=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        V = mere.vcov(m)
    assert V.iloc[0, 0] == pytest.approx(m.theta[0] ** 2 / len(m.design.random[0].levels), rel=1e-2)


def test_counts_in_billions_are_fitted_from_the_fixed_effects():
    data = made_counts(1e9)
    data["y"] = np.round(1e9 * np.exp(0.1 * data["x"] + 0.1 * (data["nb"] % 7)))
    m = mere.glmer("y ~ x + (1 | g)", data, families.negative_binomial(50))
    thousands = mere.glmer("y ~ x + (1 | g)", {**data, "y": np.round(data["y"] / 1000)}, families.negative_binomial(50))
    assert m.beta[1] == pytest.approx(thousands.beta[1], abs=1e-5)
    assert m.beta[0] - thousands.beta[0] == pytest.approx(np.log(1000), abs=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("error", mere.errors.ConvergenceWarning)
        mere.glmer_nb("nb ~ x + (1 | g)", made_counts(1e9, 1))


@pytest.mark.parametrize(
    ("family", "unit"),
    [
        ("gaussian-inverse", 1.0),
        ("inverse_gaussian-identity", 1000.0),
        ("binomial-log", 1.0),
        ("binomial-identity", 1.0),
    ],
)
def test_links_without_a_natural_unit_find_the_optimum(family, unit):
    """No start that a user could give ends lower, nor does the model without random effects."""
    rng = np.random.default_rng(2)
    g, x = rng.integers(0, 15, 240), np.clip(rng.normal(size=240), -2, 2)
    name, link = family.split("-")
    effect = np.clip(rng.normal(size=15), -2, 2)[g]
    mean = {"inverse": lambda e: 1 / (0.4 * e), "identity": lambda e: e, "log": lambda e: np.exp(e - 2)}[link](
        1 + 0.05 * x + 0.12 * effect
    )
    draw = {
        "gaussian": lambda: rng.normal(mean, 0.2),
        "inverse_gaussian": lambda: rng.wald(unit * mean, 40 * unit * mean),
        "binomial": lambda: rng.binomial(1, mean / 1.6 if link == "identity" else mean),
    }[name]
    data = {"y": draw(), "x": x, "g": g.astype(str)}
    chosen = getattr(families, name)(link=link)
    m = mere.glmer("y ~ x + (1 | g)", data, chosen)
    plain = mere.glm("y ~ x", data, chosen, maxit=100)
    assert m.criterion <= m.objective.value(np.append(0.0, plain.beta)) + 1e-6
    level = np.median(np.abs(plain.fit.eta))
    for share in (0.5, 0.1, 0.02):
        start = {"theta": [share * level], "fixef": plain.beta}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                other = mere.glmer("y ~ x + (1 | g)", data, chosen, start=start)
            except mere.errors.ConvergenceError:
                continue
        assert m.criterion <= other.criterion + 1e-5


def test_prior_weights_of_counts_multiply_their_log_likelihood(cbpp):
    """A row of weight 2 is a row twice: of -2 log L as well, with its binomial coefficients."""
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    twice = cbpp.loc[cbpp.index.repeat(np.arange(len(cbpp)) % 2 + 1)]
    with warnings.catch_warnings():
        warnings.simplefilter("error", mere.errors.DataMessage)  # whole counts have whole numbers of successes
        m = mere.glmer(formula, cbpp, "binomial", weights=np.arange(len(cbpp)) % 2 + 1.0)
        half = mere.glmer(formula, cbpp, "binomial", weights=np.full(len(cbpp), 0.5))
    assert m.criterion == pytest.approx(mere.glmer(formula, twice, "binomial").criterion, abs=1e-8)
    back = mere.refit(m, cbpp[["incidence"]].assign(failures=cbpp["size"] - cbpp["incidence"]).to_numpy())
    assert back.criterion == pytest.approx(m.criterion, abs=1e-8)
    sizes = cbpp["size"].to_numpy()
    assert (mere.simulate(half, 20, seed=1).to_numpy() <= sizes[:, None]).all()
    fixed = mere.glm(formula.split(" + (")[0], cbpp, "binomial", weights=np.arange(len(cbpp)) % 2 + 1.0)
    again = mere.glm(formula.split(" + (")[0], twice, "binomial")
    assert float(mere.logLik(fixed)) == pytest.approx(float(mere.logLik(again)), abs=1e-9)


def test_models_in_a_cycle_are_freed_whole(cbpp):
    """The collector may take the plan before the workspace that was made for it."""
    for _ in range(40):
        m = mere.glmer("cbind(incidence, size - incidence) ~ 1 + (1 | herd)", cbpp, "binomial")
        cycle = [m.objective, m.objective.plan, m.objective.work]
        cycle.append(cycle)
        m.objective.__dict__["own"] = cycle
        del m, cycle
        gc.collect()


# -- models without random effects -------------------------------------------------------


@pytest.mark.parametrize("family", ["poisson", "binomial", families.binomial("probit")])
def test_levels_without_events_are_said(family):
    rng = np.random.default_rng(4)
    f = np.repeat(["a", "b", "c"], 20)
    year = 2000 + np.arange(60) % 10
    data = {"y": np.where(f == "b", 0, rng.integers(0, 2, 60)), "f": f, "year": year}
    with pytest.warns(ConvergenceWarning, match="'fb' grows without bound"):
        mere.glm("y ~ f", data, family)
    with pytest.warns(ConvergenceWarning, match="'\\(Intercept\\)' grows without bound"):
        mere.glm("y ~ 1", {"y": np.zeros(30)}, family, maxit=100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mere.glm("y ~ year", data, family)  # an intercept 2000 years away has a large standard error by right


def test_rows_that_are_left_out_and_contrasts_that_are_not_used_are_said(cbpp):
    for fit in (mere.lm, lambda *a, **k: mere.glm(*a, "gaussian", **k)):
        with pytest.warns(mere.errors.DataMessage, match="with weight 0 left out"):
            fit("size ~ period", cbpp, weights=np.arange(len(cbpp)) % 2)
        with pytest.warns(mere.errors.DataMessage, match="'nope' is absent"):
            fit("size ~ period", cbpp, contrasts={"nope": "sum"})


def wrong(cbpp):
    m = mere.glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, "binomial")
    g, straight = mere.glm("incidence ~ period", cbpp, "poisson"), mere.lm("size ~ period", cbpp)
    groups = mere.lmList("size ~ incidence | period", cbpp)
    formula = "incidence ~ period + (1 | herd)"
    return {
        "start must be numbers": lambda: mere.glm("incidence ~ period", cbpp, "poisson", start="a"),
        "start must have 4": lambda: mere.glm("incidence ~ period", cbpp, "poisson", start=[1.0]),
        "epsilon must be positive": lambda: mere.glm("incidence ~ period", cbpp, "poisson", epsilon=0),
        "maxit must be": lambda: mere.glm("incidence ~ period", cbpp, "poisson", maxit=0),
        "start: theta must be numbers": lambda: mere.glmer(formula, cbpp, "poisson", start={"theta": ["a"]}),
        "control must come from glmerControl": lambda: mere.glmer(formula, cbpp, "poisson", control="bobyqa"),
        "env must be a mapping": lambda: mere.glmer(formula, cbpp, "poisson", env=3),
        "theta must be a finite number": lambda: families.negative_binomial("a"),
        "level must lie between 0 and 1": lambda: mere.confint(g, level="a"),
        "formula must be a text": lambda: mere.update(m, 3),
        "newresp must be numbers": lambda: mere.refit(m, "a"),
        "names of components": lambda: mere.getME(m, 3),
        "FUN must be a function": lambda: mere.bootMer(m, 3, nsim=2),
        "k must be a finite number": lambda: mere.AIC(m, k="a"),
        "models of one class": lambda: mere.anova(g, straight),
        "fit the linear one by glm": lambda: mere.anova(straight, g),
        "has no argument 'foo'": lambda: mere.anova(straight, foo=1),
        "test must be 'F'": lambda: mere.anova(straight, straight, test="foo"),
        "scope must be a formula": lambda: mere.add1(g, 3),
        "no term that could be added": lambda: mere.add1(g, "period"),
        "scope has no part 'low'": lambda: mere.step(g, scope={"low": "~ 1"}),
        "direction must be": lambda: mere.step(g, direction="up"),
        "is a factor with the levels": lambda: mere.lm("herd ~ size", cbpp),
        "no rows are left": lambda: mere.lm("size ~ incidence", cbpp.iloc[:0]),
        "predict() of an lmList has no 'interval'": lambda: mere.predict(groups, interval="prediction"),
        "parm='99' is no coefficient": lambda: mere.confint(groups, 99),
        "type='terms' has standard errors": lambda: mere.predict(g, type="terms", interval="confidence"),
    }


@pytest.mark.parametrize("words", list(wrong(load("cbpp"))))
def test_wrong_arguments_are_named(words, cbpp):
    with pytest.raises(MereError) as error:
        wrong(cbpp)[words]()
    assert words in str(error.value)
