"""Covariances that a user gives to tests: by name, with clusters, as a matrix, as a function; and what has none."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import mere
from mere import families
from mere.errors import MereError


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    n = 48
    table = pd.DataFrame({"g": np.repeat(np.arange(8), 6), "f": np.tile(list("abc"), 16), "x": rng.normal(size=n)})
    table["y"] = table.x + rng.normal(size=n) * (1 + table.x**2) + 3 * rng.normal(size=8)[table.g]
    table["count"] = rng.poisson(np.exp(0.4 * table.x + 0.3 * rng.normal(size=8)[table.g] + 1))
    table["one"] = "all"
    return table


@pytest.fixture(scope="module")
def models(data: pd.DataFrame) -> dict[str, Any]:
    return {
        "lm": mere.lm("y ~ x + f", data),
        "glm": mere.glm("count ~ x + f", data, "poisson"),
        "lmer": mere.lmer("y ~ x + f + (1 | g)", data),
        "glmer": mere.glmer("count ~ x + f + (1 | g)", data, "poisson"),
    }


def robust(m: Any) -> pd.DataFrame:
    return mere.vcov(m, type="CR1", cluster="g")


VERBS = {
    "summary": lambda m, V: mere.summary(m, vcov=V).coefficients,
    "anova": lambda m, V: mere.anova(m, type=2, vcov=V).table,
    "contest": lambda m, V: mere.contest(m, np.eye(4)[1:], vcov=V),
    "contest1D": lambda m, V: mere.contest1D(m, [0, 1, 0, 0], vcov=V),
    "confint": lambda m, V: mere.confint(m, vcov=V),
    "drop1": lambda m, V: mere.drop1(m, vcov=V).table,
    "tidy": lambda m, V: mere.tidy(m, conf_int=True, vcov=V)[["term", "std.error", "conf.low", "conf.high"]],
    "emmeans": lambda m, V: mere.emmeans(m, "f", vcov=V).summary().table,
    "joint_tests": lambda m, V: mere.joint_tests(m, vcov=V).table,
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("kind", ["lm", "glm", "lmer", "glmer"])
def test_a_function_is_the_matrix_it_gives(models: dict[str, Any], kind: str, verb: str) -> None:
    m = models[kind]
    V = robust(m)
    want, bare = (VERBS[verb](m, V), VERBS[verb](m, mere.vcov(m)))
    for given in (robust, V.to_numpy(), V.iloc[::-1, ::-1]):  # a table is matched by its labels
        pd.testing.assert_frame_equal(VERBS[verb](m, given), want)
    assert not want.equals(bare)


@pytest.mark.parametrize("kind", ["lm", "glm"])
def test_aliased_coefficients_have_no_variance(data: pd.DataFrame, kind: str) -> None:
    """vcov() shows them as NaN; such a matrix is taken back."""
    data = data.assign(x2=2 * data.x)
    y, more = ("y", []) if kind == "lm" else ("count", ["poisson"])
    m = getattr(mere, kind)(f"{y} ~ x + x2 + f", data, *more)
    V = mere.vcov(m, type="HC3")
    assert V.isna().any(axis=None)
    want = mere.summary(m, vcov="HC3").coefficients["Std. Error"]
    for given in (V, V.to_numpy(), lambda m: mere.vcov(m, type="HC3")):
        pd.testing.assert_series_equal(mere.summary(m, vcov=given).coefficients["Std. Error"], want)


def test_tests_say_what_they_use(models: dict[str, Any]) -> None:
    for kind, title in (("lm", "residual degrees of freedom"), ("lmer", "Satterthwaite's method")):
        assert f"the covariance given and {title}" in str(mere.anova(models[kind], vcov=robust))
    m = models["glm"]
    assert "HC1 standard errors and normal approximations" in str(mere.anova(m, type=2, vcov="HC1"))
    assert "with the covariance given" in str(mere.anova(m, type=2, vcov=robust))
    assert "HC3 standard errors and residual degrees of freedom" in str(mere.anova(models["lm"], vcov="HC3"))
    assert "standard errors [CR2]" in str(mere.anova(models["glmer"], vcov="CR2"))
    assert "standard errors [CR1]" in str(mere.drop1(models["lmer"], vcov=("CR1", "g")))
    assert "standard errors [CR2]" in str(mere.ls_means(models["lmer"], vcov="CR2"))
    assert "Tests use HC1 standard errors" in str(mere.emmeans(m, "f", vcov="HC1"))
    assert "standard errors [CR1]" in str(mere.emmeans(models["lmer"], "f", vcov=("CR1", "g")))


@pytest.mark.parametrize("kind", ["lm", "glm", "lmer", "glmer"])
def test_wrong_covariances(models: dict[str, Any], kind: str) -> None:
    m = models[kind]
    V = mere.vcov(m).to_numpy()
    lopsided = V.copy()
    lopsided[0, 1] += np.sqrt(V[0, 0] * V[1, 1])
    negative = V.copy()
    negative[1, 1] *= -1
    cases: list[tuple[Any, str]] = [
        (object(), "vcov must be"), (("CR2", "g", "f"), "vcov must be"), (lambda m: "CR2", "vcov must be"),
        (V[:2, :2], "4 x 4 matrix"), (lopsided, "not symmetric"), (negative, "negative variance, of x"),
        (("CR1", "one"), "all rows are in one cluster"), (("CR2", "one"), "all rows are in one cluster"),
    ]  # fmt: skip
    if kind in ("lm", "glm"):
        cases.append((("HC1", "g"), "has no clusters"))
    for given, text in cases:
        with pytest.raises(MereError, match=text):
            mere.summary(m, vcov=given)


def test_comparisons_have_no_place_for_a_covariance(data: pd.DataFrame, models: dict[str, Any]) -> None:
    for m in models.values():
        with pytest.raises(MereError, match="vcov= is for the terms of one model"):
            mere.anova(m, mere.update(m, ". ~ . - f"), vcov=mere.vcov(m))
    with pytest.raises(MereError, match="type must be one of"):
        mere.vcov(models["lm"], type=["HC0"])  # type: ignore[arg-type]
    with pytest.raises(MereError, match="by likelihood"):
        mere.drop1(models["lmer"], test="Chisq", vcov="CR2")
    bare, given = (mere.drop1(models["lmer"], ddf="lme4", vcov=V).table for V in (None, robust))
    assert "F value" in given and "F value" not in bare


def test_intervals_of_tidy_are_those_of_the_covariance(models: dict[str, Any]) -> None:
    for kind, options in (("glmer", {}), ("lmer", {"conf_method": "profile"})):
        m = models[kind]
        rows = mere.tidy(m, effects="fixed", conf_int=True, vcov=robust, **options)
        want = mere.confint(m, "beta_", vcov=robust)
        np.testing.assert_allclose(rows[["conf.low", "conf.high"]], want)


# -- designs without degrees of freedom ------------------------------------------------
def test_rows_that_fit_themselves() -> None:
    """A cell of one row: its effect has leverage 1, a robust variance of zero, and no degrees of freedom."""
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"f": ["a"] * 6 + ["b"] * 6 + ["c"], "y": rng.normal(size=13), "id": range(13)})
    m = mere.lm("y ~ 0 + f", table)
    V = mere.vcov(m, type="CR2", cluster="id").to_numpy()
    assert V[2, 2] < 1e-20 and V[0, 0] == pytest.approx(np.var(table.y[:6], ddof=1) / 6)
    df = mere.summary(m, vcov=("CR2", "id")).coefficients["df"].to_numpy()
    np.testing.assert_allclose(df[:2], 5)
    assert np.isnan(df[2])
    for kind in ("HC2", "HC3", "CR3"):
        with pytest.raises(MereError, match=r"leverage 1|near a jackknife"):
            mere.vcov(m, type=kind, **({"cluster": "id"} if kind == "CR3" else {}))
    test = mere.contest(m, np.eye(3), vcov="HC1")  # one of three is known without error: no F
    assert int(test["NumDF"].iloc[0]) == 3 and np.isnan(test["F value"].iloc[0])


def test_no_rows_to_spare() -> None:
    table = pd.DataFrame({"x": [1.0, 2.0, 4.0], "z": [0.0, 1.0, 0.5], "y": [1.0, 0.0, 2.0], "id": range(3)})
    for m in (mere.lm("y ~ x + z", table), mere.glm("x ~ y + z", table, "poisson")):
        for kind in ("HC0", "HC1", "HC3", "CR1S", "CR2", "CR3"):
            with pytest.raises(MereError, match="3 rows for 3 coefficients leave none"):
                mere.vcov(m, type=kind, **({"cluster": "id"} if kind.startswith("CR") else {}))


# -- joint tests where variances differ by orders of magnitude ----------------------------
def test_joint_tests_lose_no_contrast_to_large_variances() -> None:
    """Between and within groups are orthogonal: F of both is the mean of their own, whatever the ratio of variances."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"g": np.repeat(np.arange(12), 4), "w": np.tile([-1.0, 1.0], 24)})
    table["b"] = rng.normal(size=12)[table.g]
    table["y"] = 1e6 * rng.normal(size=12)[table.g] + rng.normal(size=48)
    m = mere.lmer("y ~ w + b + (1 | g)", table)
    own = mere.contest(m, np.eye(3)[1:], joint=False)["t value"] ** 2
    both = mere.contest(m, np.eye(3)[1:])
    assert int(both["NumDF"].iloc[0]) == 2
    assert both["F value"].iloc[0] == pytest.approx(own.mean(), rel=1e-3)


@pytest.mark.filterwarnings("ignore")
def test_wald_tables_of_separated_outcomes_keep_their_df() -> None:
    """One level separates the outcomes: its coefficient has a huge variance, the contrasts of the others have not."""
    table = pd.DataFrame({"f": np.repeat(list("abc"), 80), "y": [1] * 80 + [0, 1, 1, 1] * 20 + [0, 1] * 40})
    m = mere.glm("y ~ f", table, families.binomial(), epsilon=1e-10)
    V, L = mere.vcov(m).to_numpy(), np.eye(3)[1:]
    want = m.beta[1:] @ np.linalg.solve(V[1:, 1:], m.beta[1:])
    others = mere.glm("y ~ f", table[table.f != "a"], families.binomial())
    assert want == pytest.approx(mere.summary(others).coefficients["z value"].iloc[1] ** 2, rel=1e-3)
    for kind in ("II", "III"):
        row = mere.anova(m, type=kind).table.loc["f"]
        assert row["Df"] == 2 and row["Chisq"] == pytest.approx(want, rel=1e-3)
    test = mere.contest(m, L)
    assert test["F value"].iloc[0] * 2 == pytest.approx(want, rel=1e-3)
