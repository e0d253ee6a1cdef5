"""Comparisons of models: what cannot be compared says why."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import mere
from mere.errors import MereError
from mere.inference.bootstrap_tests import summary_tests
from mere.inference.randomterms import mixture_p


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"g": np.repeat(list("abcdef"), 5), "x": rng.normal(size=30), "z": rng.normal(size=30)})
    table["y"] = table.x + rng.normal(size=30) + 2 * rng.normal(size=6)[np.repeat(np.arange(6), 5)]
    return table.assign(k=rng.poisson(4, 30), b=rng.integers(0, 2, 30), size=rng.integers(2, 9, 30))


def test_one_response(data: pd.DataFrame) -> None:
    """R leaves out models with another response; here it is an error, whatever the response is called."""
    other = data.assign(y=data.y + 1)
    pairs = [
        (mere.lm("y ~ x", data), mere.lm("x ~ 1", data)), (mere.lm("y ~ x", data), mere.lm("y ~ 1", other)),
        (mere.glm("k ~ x", data, "poisson"), mere.glm("b ~ x", data, "binomial")),
    ]  # fmt: skip
    for large, small in pairs:
        with pytest.raises(MereError, match="not all fitted to the same response"):
            mere.anova(large, small)
    counts = data.assign(s=(data["size"] * 0.3).round(), f=data["size"] - (data["size"] * 0.3).round())
    large = mere.glm("cbind(s, f) ~ x", counts, "binomial")  # the same proportions
    small = mere.glm("p ~ 1", counts.assign(p=counts.s / counts["size"]), "binomial", weights="size")
    assert mere.anova(small, large).table["Df"].iloc[1] == 1


@pytest.mark.parametrize("kind", ["lm", "glm", "lmer", "glmer"])
def test_bootstrap_needs_nested_models(data: pd.DataFrame, kind: str) -> None:
    y, more = ("k", ["poisson"]) if kind.startswith("g") else ("y", [])
    random = " + (1 | g)" if kind.endswith("er") else ""
    both, b, one, x = (getattr(mere, kind)(f"{y} ~ {fixed}{random}", data, *more) for fixed in ("x + z", "b", "1", "x"))
    with pytest.raises(MereError, match="not nested"):
        mere.PBmodcomp(both, b, nsim=3, seed=1)
    for large, small in ((x, b), (one, x), (x, x)):
        with pytest.raises(MereError, match=r"not nested|small must have fewer parameters"):
            mere.PBmodcomp(large, small, nsim=3, seed=1)
    found = mere.PBmodcomp(x, one, nsim=5, seed=1).test
    assert found["df"].iloc[0] == 1


@pytest.mark.parametrize("kind", ["lm", "glm", "glmer"])
def test_degrees_of_freedom_of_linear_mixed_models_only(data: pd.DataFrame, kind: str) -> None:
    formula = "k ~ x + (1 | g)" if kind == "glmer" else "k ~ x"
    m = getattr(mere, kind)(formula, data, *([] if kind == "lm" else ["poisson"]))
    calls: dict[str, Any] = {
        "KRmodcomp": lambda: mere.KRmodcomp(m, [[0, 1]]), "SATmodcomp": lambda: mere.SATmodcomp(m, [[0, 1]]),
        "vcovAdj": lambda: mere.vcovAdj(m), "get_Lb_ddf": lambda: mere.get_Lb_ddf(m, [0, 1]),
    }  # fmt: skip
    for name, call in calls.items():
        with pytest.raises(MereError, match=f"{name}.* is for linear mixed models"):
            call()
    if kind != "lm":
        for ddf in ("Kenward-Roger", "Satterthwaite"):
            for options in ({}, {"type": "III"}):
                with pytest.raises(MereError, match="is for linear models"):
                    mere.anova(m, ddf=ddf, **options)
        assert str(mere.anova(m, ddf="lme4")) == str(mere.anova(m))


def test_right_hand_sides_are_checked(data: pd.DataFrame) -> None:
    m = mere.lmer("y ~ x + z + (1 | g)", data)
    L = np.eye(3)[1:]
    for rhs in ([1, 2, 3], "a", [1, np.nan], [[1, 2]]):
        for verb in (mere.contest, mere.restriction_matrix2model):
            with pytest.raises(MereError, match="rhs must be"):
                verb(m, L, rhs=rhs)
    for call in (lambda: mere.contest(m, L, joint=False, level=95), lambda: mere.ls_means(m, level=2)):
        with pytest.raises(MereError, match="level must lie between 0 and 1"):
            call()


@pytest.mark.parametrize("df", [1, 2, 5])
def test_reference_distributions_have_the_moments_of_the_draws(df: int) -> None:
    """F and Bartlett's chi-squared match the mean of the ratios over df; gamma matches mean and variance."""
    ref = np.random.default_rng(6).chisquare(df, 50) * 1.4
    rows = summary_tests(2.0 * df, df, ref)
    statistic, ndf, ddf, _ = rows["F"]
    assert (statistic, ndf) == (2.0, df)
    assert stats.f.mean(df, ddf) == pytest.approx(ref.mean() / df)
    assert rows["Bartlett"][0] * ref.mean() / df == pytest.approx(2.0 * df)
    shape = ref.mean() ** 2 / ref.var(ddof=1)
    assert rows["Gamma"][3] == pytest.approx(stats.gamma.sf(2.0 * df, shape, scale=ref.mean() / shape))
    assert rows["PBtest"][3] == pytest.approx((1 + (ref >= 2.0 * df).sum()) / 51)


def test_mixture_of_a_ratio_below_zero_by_rounding() -> None:
    assert mixture_p(-1e-12, 1) == mixture_p(0.0, 1) == 1.0 == mixture_p(-1e-12, 2)
