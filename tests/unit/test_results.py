"""Result objects: copies, pickles, notebooks, methods, names of their parts."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mere
from mere import datasets

GRIDS = {
    "counts": lambda: mere.emmeans(mere.glm("breaks ~ wool + tension", datasets.warpbreaks, "poisson"), "tension"),
    "ratios": lambda: mere.pairs(GRIDS["counts"](), type="response"),
    "regridded": lambda: mere.regrid(GRIDS["counts"]()),
    "log with a shift": lambda: _means("log(breaks + 2) ~ wool"),
    "composed": lambda: _means("3 * log(breaks / 7) ~ wool"),
    "reciprocal": lambda: _means("1 / breaks ~ wool"),
    "standardized": lambda: _means("scale(breaks) ~ wool"),
    "effect sizes": lambda: mere.eff_size(_means("breaks ~ wool"), sigma=10.0, edf=50),
    "inverse link": lambda: mere.emmeans(mere.glm("breaks ~ wool", datasets.warpbreaks, "Gamma"), "wool"),
}


def _means(formula: str) -> Any:
    return mere.emmeans(mere.lm(formula, datasets.warpbreaks), "wool")


@pytest.mark.parametrize("name", sorted(GRIDS))
def test_marginal_means_come_back_from_a_pickle(name: str) -> None:
    grid = GRIDS[name]()
    for twin in (pickle.loads(pickle.dumps(grid)), copy.deepcopy(grid)):
        for kind in ("link", "response"):
            pd.testing.assert_frame_equal(twin.to_frame(type=kind), grid.to_frame(type=kind))


@pytest.mark.parametrize("type", ["boxcox", "power", "genlog", "sympower", "asin.sqrt", "atanh", "scale"])
def test_made_scales_come_back_from_a_pickle(type: str) -> None:
    scale = mere.make_tran(type, [0.5, 0.1]).labelled("other")
    twin = pickle.loads(pickle.dumps(scale))
    x = np.array([0.2, 0.3])
    np.testing.assert_array_equal(twin.linkinv(x), scale.back(x))
    np.testing.assert_array_equal(twin.linkfun(x), scale.link(x))
    np.testing.assert_array_equal(twin.mu_eta(x), scale.slope(x))
    assert (twin.name, twin.label) == (scale.name, "other")


@pytest.mark.parametrize(
    "model",
    [
        lambda: mere.lmer("Reaction ~ Days + (1 | Subject)", datasets.sleepstudy),
        lambda: mere.glmer(
            "cbind(incidence, size - incidence) ~ period + (1 | herd)", datasets.cbpp, family="binomial"
        ),
        lambda: mere.lm("breaks ~ wool", datasets.warpbreaks),
        lambda: mere.glm("breaks ~ wool", datasets.warpbreaks, "poisson"),
    ],
)
def test_every_verb_of_a_model_is_a_method(model: Any) -> None:
    m = model()
    mere.tidy(m)  # loads what registers later
    verbs = [getattr(mere, name) for name in mere.__all__ if hasattr(getattr(mere, name), "registry")]
    others = {"emm_basis", "as_lmerModLmerTest", "ranova"}  # not about one model, or only there to explain
    if not mere.isLMM(m):
        others |= {"KRmodcomp", "SATmodcomp", "vcovAdj", "get_Lb_ddf"}
    absent = [f.__name__ for f in verbs if type(m) in f.registry and not hasattr(m, f.__name__)]
    assert set(absent) <= others
    pd.testing.assert_frame_equal(m.tidy(), mere.tidy(m))


def test_parts_of_a_mapping_are_attributes_too() -> None:
    modes = mere.ranef(mere.lmer("Reaction ~ Days + (Days | Subject)", datasets.sleepstudy))
    assert modes.Subject is modes["Subject"]
    assert "Subject" in dir(modes) and modes._ipython_key_completions_() == ["Subject"]
    with pytest.raises(AttributeError, match="no attribute 'Batch'"):
        _ = modes.Batch
    assert pickle.loads(pickle.dumps(modes)).Subject.equals(modes.Subject)


def test_nothing_prints_an_address() -> None:
    m = mere.lmer("Reaction ~ Days + (1 | Subject)", datasets.sleepstudy)
    parsed = mere.lFormula("Reaction ~ Days + (1 | Subject)", datasets.sleepstudy)
    influence = mere.influence(mere.lm("breaks ~ wool", datasets.warpbreaks))
    things = [m.optinfo, parsed, mere.mkLmerDevfun(parsed), mere.log_density(m), mere.make_tran("power", 2), influence]
    for thing in things:
        assert " at 0x" not in repr(thing) and len(repr(thing)) < 400, thing


def test_fits_in_parallel_threads_are_the_fits_one_by_one() -> None:
    def fit(i: int) -> tuple[Any, ...]:
        m = mere.lmer("Reaction ~ Days + (Days | Subject)", datasets.sleepstudy)
        g = mere.glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", datasets.cbpp, family="binomial")
        return m.theta.tolist(), g.theta.tolist(), mere.emmeans(g, "period").to_frame()["emmean"].tolist(), str(m)

    with ThreadPoolExecutor(8) as pool:
        assert len({repr(found) for found in pool.map(fit, range(16))}) == 1


def test_data_are_called_what_the_caller_calls_them() -> None:
    mine = pd.DataFrame(datasets.sleepstudy)
    mine.attrs = {}
    m = mere.lmer("Reaction ~ Days + (1 | Subject)", mine)
    assert "Data: mine" in str(m)
    other = (lambda d: mere.update(d, ". ~ . - Days"))(m)
    assert "Data: mine" in str(other)  # also where the variable cannot be seen
    assert "Data:" not in str(mere.lmer("Reaction ~ 1 + (1 | Subject)", {k: mine[k] for k in mine}))


def test_print_options_may_be_abbreviated_as_in_r() -> None:
    m = mere.lmer("Reaction ~ Days + (Days | Subject)", datasets.sleepstudy)
    assert "Variance" in mere.to_text(m, ranef_comp="Var") and "Std.Dev." not in mere.to_text(m, ranef_comp="Var")
    assert "Correlation of Fixed" not in mere.to_text(mere.summary(m), corr=False)
    with pytest.raises(mere.errors.MereValueError, match="comp must be"):
        mere.to_text(mere.VarCorr(m), comp="sd")


def test_formula_of_terms() -> None:
    m = mere.lmer("log(angle) ~ recipe * temp + offset(temp) + (1 | recipe:replicate)", datasets.cake)
    assert str(mere.formula(mere.terms(m))) == "log(angle) ~ recipe + temp + recipe:temp + offset(temp)"


def test_small_models_by_formula_and_their_summaries() -> None:
    m = mere.lmer("Reaction ~ Days + (Days | Subject)", datasets.sleepstudy)
    small = mere.lmer("Reaction ~ 1 + (Days | Subject)", datasets.sleepstudy)
    for function in (mere.KRmodcomp, mere.SATmodcomp):
        by_formula = function(m, ". ~ . - Days")
        pd.testing.assert_frame_equal(by_formula.test, function(m, small).test)
    assert "Ftest 45.853   1  17         1 3.264e-06 ***" in str(mere.KRmodcomp(m, small))  # R's digits
    both = mere.summary(mere.KRmodcomp(m, small))
    assert list(both.table.index) == ["Ftest", "FtestU"] and "FtestU" in str(both) and "***" in str(both)
    assert "Bootstrap" in str(mere.summary(mere.PBmodcomp(m, ". ~ . - Days", nsim=5, seed=1)))


def test_a_term_without_effect_has_p_one() -> None:
    d = {"y": [18, 17, 15, 20, 10, 20, 25, 13, 12], "o": list("abc") * 3, "t": list("aaabbbccc")}
    table = mere.anova(mere.glm("y ~ o + t", d, "poisson"), test="Chisq").table
    assert table["Pr(>Chi)"].iloc[-1] == pytest.approx(1.0)


def test_bootstrap_test_of_linear_models_is_the_f_test() -> None:
    d = datasets.warpbreaks.assign(w=np.linspace(0.5, 2.0, 54))
    large = mere.lm("breaks ~ wool * tension", d, weights="w")
    small = mere.update(large, ". ~ . - wool:tension")
    exact = mere.anova(small, large).table["Pr(>F)"].iloc[-1]  # the ratio is a monotone function of F
    for hypothesis in (small, ". ~ . - wool:tension", [[0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1]]):
        found = mere.PBmodcomp(large, hypothesis, nsim=20_000, seed=1)
        p = found.test.loc["PBtest", "p.value"]
        assert abs(p - exact) < 4 * np.sqrt(exact * (1 - exact) / 20_000)
    twice = [mere.PBmodcomp(large, small, nsim=1500, seed=1).ref for _ in range(2)]
    np.testing.assert_array_equal(*twice)
    with pytest.raises(mere.errors.MereValueError, match="not nested"):
        mere.PBmodcomp(small, mere.lm("breaks ~ factor(w > 1)", d, weights="w"))
