"""Rows BOS-1, 3, 25, 30, 51 and 59 of the checklist: every model through every face, and what may not be asked."""

import warnings

import numpy as np
import pandas as pd
import pytest

import mere
from mere import datasets, families
from mere.errors import BootstrapWarning, MereError, MereTypeError, MereValueError

pytestmark = pytest.mark.filterwarnings("ignore::mere.errors.MereWarning")
WARP, SLEEP = datasets.warpbreaks, datasets.sleepstudy


def table(seed=1, n=40):
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(8), n // 8)
    x, u = rng.normal(size=n), rng.normal(size=8)[g]
    d = pd.DataFrame({"x": x, "f": np.resize(list("abc"), n), "g": g.astype(str), "h": (np.arange(n) % 5).astype(str)})
    d["w"], d["o"] = rng.uniform(0.5, 2, n), rng.normal(size=n)
    d["y"] = 0.5 * x + u + rng.normal(size=n)
    d["b"], d["c"] = rng.binomial(1, 1 / (1 + np.exp(-u))), rng.poisson(np.exp(0.4 * u))
    return d


def spoiled(kind):
    d = table()
    if kind == "missing values":
        d.loc[[3, 17], "x"], d.loc[5, "y"] = np.nan, np.nan
    elif kind == "two groups":
        d["g"] = np.repeat(["a", "b"], 20)
    elif kind == "unbalanced":
        d["g"] = np.repeat(list("abcdefgh"), [15, 8, 5, 4, 3, 2, 2, 1])
    elif kind == "no variance between":
        d["y"] -= d.groupby("g")["y"].transform("mean")
    elif kind == "aliased":
        d["f"] = np.where(d["x"] > 0, "p", "q")
        d["x"] = (d["x"] > 0).astype(float)
    elif kind == "a level of one row":
        d["f"] = ["once", *np.resize(["u", "v"], 39)]
    elif kind == "separated":
        d["b"] = (d["x"] > 0).astype(int)
    return d


SPOILED = (
    "missing values", "two groups", "unbalanced", "no variance between", "aliased", "a level of one row", "separated",
)  # fmt: skip
MODELS = {
    "lm": lambda d: mere.lm("y ~ x + f + offset(o)", d, weights="w"),
    "lmer": lambda d: mere.lmer("y ~ x + f + (1 | g)", d, weights="w"),
    "crossed": lambda d: mere.lmer("y ~ x + (1 | g) + (1 | h) + offset(o)", d),
    "binomial": lambda d: mere.glm("b ~ x + f", d, "binomial"),
    "poisson": lambda d: mere.glm("c ~ x + f + offset(o)", d, "poisson", weights="w"),
    "glmer": lambda d: mere.glmer("c ~ x + f + (1 | g)", d, "poisson"),
}
FACES = {
    "permutation": lambda m: [mere.permutation_test(m, n_perm=30, seed=1).table["p.value"]],
    "sign-flip": lambda m: [mere.permutation_test(m, "x", method="sign-flip", n_perm=30, seed=1).table["p.value"]],
    "cells": lambda m: [mere.permutation_test(m, "x", cells="g", n_perm=30, seed=1).table["p.value"]],
    "jackknife": lambda m: [mere.jackknife(m).to_frame()["estimate"]],
    "case": lambda m: [mere.bootstrap(m, cluster="g", nsim=20, seed=1).table["estimate"]],
    "parametric": lambda m: [mere.bootstrap(m, type="parametric", nsim=20, seed=1).table["estimate"]],
    "wild": lambda m: [mere.bootstrap(m, type="wild", cluster="g", nsim=20, seed=1).table["estimate"]],
    "folds": lambda m: [mere.cross_validate(m, k=2, groups="g", seed=1).folds["n_test"]],
    "rows": lambda m: [mere.cross_validate(m, k=4, groups="rows", seed=1, importance=True).metrics["fold_mean"]],
    "asymp": lambda m: [mere.infer(m).table["p_value"]],
    "robust": lambda m: [mere.infer(m, errors="hetero").table["estimate"]],
    "joint": lambda m: [mere.infer(m, "joint").table["p_value"]],
    "robust joint": lambda m: [mere.infer(m, "joint", errors="HC1").table["df1"]],
    "bca": lambda m: [mere.infer(m, "boot", n_boot=50, seed=1, profile=False).table["estimate"]],
    "predictions": lambda m: [mere.infer(m, newdata=m.call.data.head(2)).table["ci_lower"]],
    "power": lambda m: [mere.power_sim(m, "x", nsim=4, seed=1).power],
    "curve": lambda m: [mere.power_curve(m, "g", 9, "x", nsim=3, seed=1)["power"]],
}


@pytest.mark.parametrize("kind", SPOILED)
@pytest.mark.parametrize("name", MODELS)
def test_bos_1_every_model_through_every_face(name, kind):
    """Numbers that are none of NaN or beyond reason, or an error that says what is wrong: nothing else."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m, errors = MODELS[name](spoiled(kind)), {}
        for face, call in FACES.items():
            try:
                values = np.concatenate([np.ravel(np.asarray(v, dtype=float)) for v in call(m)])
            except MereError as error:
                errors[face] = str(error)
                continue
            if kind != "separated":
                assert np.isfinite(values).all(), face
                assert np.abs(values).max() < 1e4, face
    assert all(len(text) > 15 for text in errors.values()), errors
    assert len(errors) <= 10, errors


def test_bos_30_a_replicate_without_a_level_is_a_failure_and_no_number():
    """The rows that are left do not determine a coefficient: no value far out, and none of where the search began."""
    d = spoiled("a level of one row")
    for m in (mere.lm("y ~ f", d), mere.glm("c ~ f", d, "poisson"), mere.glmer("c ~ f + (1 | g)", d, "poisson")):
        with pytest.warns(BootstrapWarning, match="do not determine"):
            j = mere.jackknife(m, by="g")
        assert list(j.failures.index) == ["0"]
        cv = mere.cross_validate(m, k="loo", groups="g", seed=1)
        assert cv.predictions["cv_fitted"].isna().to_numpy().nonzero()[0].tolist() == [0, 1, 2, 3, 4]
        b = mere.bootstrap(m, cluster="g", nsim=60, seed=1)
        assert len(b.failures) > 5
        assert b.t.abs().max().max() < 50


# -- arguments ------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def line():
    return mere.lm("breaks ~ wool + tension", WARP)


@pytest.fixture(scope="module")
def slopes():
    return mere.lmer("Reaction ~ Days + (Days | Subject)", SLEEP)


WRONG = [
    ("permutation_test", {"terms": 3}, "terms has 3"), ("permutation_test", {"confounders": 3}, "confounders has 3"),
    ("permutation_test", {"conf_level": "a"}, "conf_level"), ("permutation_test", {"joint": "yes"}, "joint must be"),
    ("permutation_test", {"ncpus": 0}, "ncpus must be"), ("permutation_test", {"ncpus": "a"}, "ncpus must be"),
    ("permutation_test", {"constraints": 3}, "constraints must be"),
    ("permutation_test", {"seed": 1.5}, "seed must be"),
    ("permutation_test", {"statistic": "F"}, "statistic must be"),
    ("permutation_test", {"n_perm": 10.0}, "n_perm must"),
    ("cross_validate", {"groups": 3}, "groups must be"), ("cross_validate", {"metrics": 3}, "metrics has 3"),
    ("cross_validate", {"metrics": []}, "metrics is empty"), ("cross_validate", {"importance": "x"}, "importance must"),
    ("cross_validate", {"groups": [1, 2]}, "groups needs 54"), ("cross_validate", {"ncpus": -2}, "ncpus must be"),
    ("bootstrap", {"ci": ["bca"]}, "ci must be"), ("bootstrap", {"conf_level": "95%"}, "conf_level must"),
    ("bootstrap", {"null": "a"}, "null must be"), ("bootstrap", {"null": np.nan}, "null must be"),
    ("bootstrap", {"FUN": 3}, "FUN must be a function"),
    ("bootstrap", {"FUN": lambda m: "a"}, "what FUN returns must be numbers"),
    ("bootstrap", {"nsim": True}, "nsim must be"), ("bootstrap", {"cluster": 3}, "cluster must be"),
    ("jackknife", {"FUN": 3}, "FUN must be a function"), ("jackknife", {"by": 3}, "by must be"),
    ("power_sim", {"alpha": "a"}, "alpha must"), ("power_sim", {"fixef": 3}, "fixef must be a mapping"),
    ("power_sim", {"fixef": {"woolB": "a"}}, r"fixef\['woolB'\]"), ("power_sim", {"test": "x"}, "test must be one of"),
    ("power_sim", {"fixef": {"woolB": np.nan}}, r"fixef\['woolB'\]"),
    ("infer", {"errors": "x"}, "errors must be"), ("infer", {"errors": 3}, "errors must be"),
    ("infer", {"conf_level": None}, "conf_level must"),
    ("infer", {"foo": 3}, "foo: how='asymp' of a model makes no use"),
    ("infer", {"how": "boot", "errors": "HC3"}, "errors='HC3': how='boot'"),
    ("infer", {"profile": 1}, "profile must be"),
    ("infer", {"how": "joint", "null": 2.0}, "null=2.0: how='joint'"),
    ("infer", {"how": "cv", "alternative": "less"}, "alternative='less': how='cv'"),
    ("infer", {"how": "perm", "null": 1.0}, "null"), ("infer", {"how": "boot", "n_boot": 49}, "'bca' needs 50"),
]  # fmt: skip


@pytest.mark.parametrize(("face", "given", "message"), WRONG)
def test_bos_1_mistakes_name_the_argument(line, face, given, message):
    with pytest.raises((MereValueError, MereTypeError), match=message):
        getattr(mere, face)(line, **given)


@pytest.mark.parametrize("face", sorted({face for face, _, _ in WRONG}))
def test_bos_1_what_is_no_model(face):
    with pytest.raises(MereError, match="int"):
        getattr(mere, face)(3)


def test_bos_1_marginal_means_need_their_model(line, slopes):
    means = mere.emmeans(line, "~ wool")
    for wrong in (3, slopes):
        with pytest.raises(MereValueError, match="model"):
            mere.infer(means, "boot", model=wrong, n_boot=60)
    with pytest.raises(MereValueError, match="null"):
        mere.infer(means, "perm", model=line, null=1.0)


def test_bos_3_levels_and_sides_of_permuted_means(line):
    """Limits are of the level that was asked for, and one-sided ones have an infinite end."""
    pairs = mere.pairs(mere.emmeans(line, "~ tension"))
    given = {"model": line, "n_perm": 400, "seed": 1}
    wide, narrow = (mere.infer(pairs, "perm", conf_level=level, **given).table for level in (0.99, 0.5))
    assert (wide["ci_lower"] < narrow["ci_lower"]).all()
    assert (wide["ci_upper"] > narrow["ci_upper"]).all()
    up = mere.infer(pairs, "perm", alternative="greater", **given).table
    assert np.isposinf(up["ci_upper"]).all()
    assert (up["estimate"] == wide["estimate"]).all()


# -- the criterion, the profile -------------------------------------------
@pytest.mark.parametrize("reml", [True, False])
def test_bos_25_replicates_are_fitted_by_the_models_criterion(reml):
    m = mere.lmer("Reaction ~ Days + (Days | Subject)", SLEEP, REML=reml)
    t = mere.bootMer(m, nsim=3, seed=4).t
    y = mere.simulate(m, 3, seed=4).to_numpy()
    for i in range(3):
        again = mere.refit(m, y[:, i])
        assert again.reml is reml
        assert t["sigma"].iloc[i] == pytest.approx(again.sigma, rel=1e-5)
        assert t["Days"].iloc[i] == pytest.approx(again.beta[1], rel=1e-5)


@pytest.mark.parametrize("how", ["boot", "perm"])
def test_bos_59_profiles_come_with_both_and_can_be_left_out(slopes, how):
    given = {"n_boot": 60, "n_perm": 60, "seed": 1}
    assert set(mere.infer(slopes, how, **given).variance["metric"]) == {"std_dev", "corr", "variance"}
    assert mere.infer(slopes, how, profile=False, **given).variance is None


# -- power -------------------------------------------------------------------------------------------
def test_bos_51_curves_of_every_model():
    cbpp = mere.glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", datasets.cbpp, "binomial")
    curve = mere.power_curve(cbpp, "herd", [5, 30], "period2", nsim=40, seed=1)
    assert curve["power"].iloc[1] > curve["power"].iloc[0]
    gamma = mere.glm("breaks ~ wool", WARP.assign(id=np.arange(54)), families.Gamma("log"))
    curve = mere.power_curve(gamma, "id", [54, 216], nsim=60, seed=1)
    assert curve["mean_se"].iloc[0] == pytest.approx(2 * curve["mean_se"].iloc[1], rel=0.1)
    same = mere.power_sim(gamma, "wool", nsim=60, seed=1)
    assert curve["power"].iloc[0] == same.power
    for at in (0, [], [2.5], ["a"]):
        with pytest.raises(MereValueError, match="at"):
            mere.power_curve(gamma, "id", at)
    with pytest.raises(MereTypeError, match="power_curve"):
        mere.power_curve(3, "id", [5])


def test_bos_51_the_dispersion_is_not_that_of_other_coefficients():
    """With another effect the responses still have the model's dispersion: standard errors of a log link stay."""
    m = mere.glm("breaks ~ wool + tension", WARP, families.Gamma("log"))
    small, large = (mere.power_sim(m, "wool", fixef={"woolB": b}, nsim=100, seed=1) for b in (-0.15, -1.5))
    assert large.mean_se == pytest.approx(small.mean_se, rel=0.02)
    assert 0.88 <= large.coverage <= 1


def test_bos_51_more_levels_may_change_the_order_of_the_factors():
    """Terms are in the order of their levels; each keeps its variance."""
    from mere.inference.power import _fitted_to, _same_variances, extend

    m = mere.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", datasets.Penicillin)
    larger = _same_variances(_fitted_to(m, extend(m.call.data, "sample", 40), "sample", 40), m)
    before, after = ({t.group: v for t, v in zip(f.design.random, f.theta, strict=True)} for f in (m, larger))
    assert [t.group for t in m.design.random] != [t.group for t in larger.design.random]
    assert before == after


def test_bos_51_rows_with_missing_values_are_no_rows_of_the_curve():
    d = SLEEP.copy()
    d.loc[3, "Reaction"] = np.nan
    m = mere.lmer("Reaction ~ Days + (1 | Subject)", d)
    assert mere.power_curve(m, "Subject", [6], fixef={"Days": 4.0}, nsim=10, seed=1)["n_failed"].iloc[0] == 0
