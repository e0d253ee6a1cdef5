"""Marginal means without R: definitions, limits, registries, errors, other people's models."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import mere
from mere.datasets import fiber, nutrition, pigs, sleepstudy, warpbreaks
from mere.errors import MarginsMessage, MereError, MereTypeError, MereValueError
from mere.language.parser import parse_expression
from mere.margins import adjustments, scales
from mere.margins.adjustments.adjusting import Family, t_tail
from mere.margins.adjustments.mvt import directions, max_t_tail
from mere.margins.contrastsets import CONTRAST_SETS, contrast_set
from mere.margins.responses import response_scale
from mere.margins.studentized import ptukey, qtukey

pytestmark = pytest.mark.filterwarnings("ignore::mere.errors.MarginsMessage")


@pytest.fixture(scope="module")
def warp():
    return mere.lm("breaks ~ wool * tension", warpbreaks)


# -- registries -------------------------------------------------------------------
@pytest.mark.parametrize("name", [n for n in CONTRAST_SETS if n != "identity"])
@pytest.mark.parametrize("k", [2, 3, 6])
def test_contrasts_sum_to_zero(name, k):
    made = contrast_set(name, [f"m{i}" for i in range(k)], np.ones(k))
    assert made.coefficients.shape == (len(made.names), k)
    assert np.abs(made.coefficients.sum(axis=1)).max() < 1e-9
    assert len(set(made.names)) == len(made.names)
    assert made.adjust in adjustments.ADJUSTMENTS


@pytest.mark.parametrize("name", adjustments.ADJUSTMENTS)
def test_adjustments_are_conservative_and_agree_with_their_intervals(name):
    adjustment = adjustments.ADJUSTMENTS[name]
    correlation = np.full((3, 3), 0.5) + 0.5 * np.eye(3)
    family = Family(3, 3, 2 if name == "scheffe" else 3, lambda: correlation, 0, 1, 3)
    t, df = np.array([0.5, 2.2, 4.0]), np.full(3, 17.3)
    p = adjustment.pvalues(t, df, family)
    raw = t_tail(t, df, 0)
    assert (p >= raw - 1e-12).all() and (p <= 1 + 1e-12).all()
    assert (np.diff(p) <= 1e-12).all()
    if adjustment.critical is not None:
        c = adjustment.critical(0.95, df, family)
        assert adjustment.pvalues(c, df, family) == pytest.approx(0.05, abs=2e-6)


@pytest.mark.parametrize("name", scales.SCALES)
def test_scales_are_inverse_and_have_their_derivatives(name):
    scale = scales.SCALES[name]
    eta = np.array([0.2, 0.5, 0.9])
    assert scale.link(scale.back(eta)) == pytest.approx(eta)
    h = 1e-5
    assert scale.slope(eta) == pytest.approx((scale.back(eta + h) - scale.back(eta - h)) / (2 * h), rel=1e-6)
    bend = (scale.slope(eta + h) - scale.slope(eta - h)) / (2 * h)
    assert scale.curvature(eta) == pytest.approx(bend, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize(
    ("type", "param"),
    [("genlog", 2), ("genlog", [1, 10]), ("power", 0.5), ("power", -1), ("boxcox", [0.3, 1]), ("sympower", [0.5, 1]),
     ("asin.sqrt", 100), ("atanh", 20), ("scale", [3, 2])],
)  # fmt: skip
def test_made_transforms(type, param):
    scale = mere.make_tran(type, param)
    mu = np.array([3.0, 7.5, 11.0])
    assert scale.back(scale.link(mu)) == pytest.approx(mu)
    eta, h = scale.link(mu), 1e-6
    assert scale.slope(eta) == pytest.approx((scale.back(eta + h) - scale.back(eta - h)) / (2 * h), rel=1e-5)


@pytest.mark.parametrize(
    "text",
    ["log(y)", "log10(y)", "sqrt(y + 0.5)", "2 * sqrt(y)", "log(y, 10)", "1 / y", "y^0.5", "log(2 * y)", "-log(y)"]
    + ["asin(sqrt(y / 100))", "log(y) / 2", "asinh(y)", "I(y / 10)", "log(y + 2)", "logit(y / 100)", "(y - 3)^2"],
)
def test_responses_are_inverted(text):
    scale = response_scale(parse_expression(text))
    mu = np.array([5.0, 20.0, 60.0])
    assert scale.back(scale.link(mu)) == pytest.approx(mu)
    eta, h = scale.link(mu), 1e-6
    assert scale.slope(eta) == pytest.approx((scale.back(eta + h) - scale.back(eta - h)) / (2 * h), rel=1e-4)


def test_what_cannot_be_inverted_has_no_scale():
    for text in ("y", "sqrt(y) + sqrt(y + 1)", "cut(y, 3)", "y + x"):
        assert response_scale(parse_expression(text)) is None or text == "y + x"


# -- distributions ------------------------------------------------------------------
@pytest.mark.parametrize(("k", "df"), [(3, 5.3), (10, 40.0), (2, 1.0), (50, 12.0)])
def test_studentized_range(k, df):
    for q in (0.5, 2.0, 4.0, 9.0):
        assert ptukey(q, k, df)[0] == pytest.approx(stats.studentized_range.cdf(q, k, df), abs=1e-7)
    assert ptukey(qtukey(0.95, k, df), k, df)[0] == pytest.approx(0.95, abs=1e-9)


def test_studentized_range_of_two_is_t_and_of_many_normal():
    assert 1 - ptukey(3.0, 2, 7.0)[0] == pytest.approx(2 * stats.t.sf(3 / np.sqrt(2), 7), abs=1e-12)
    assert ptukey(3.3, 4, np.inf)[0] == pytest.approx(ptukey(3.3, 4, 1e4)[0], abs=2e-4)


def test_mvt_of_independent_and_equal_estimates():
    reach, r = directions(np.eye(4), 3)
    assert max_t_tail(2.5, np.inf, reach, r)[0] == pytest.approx(1 - (1 - 2 * stats.norm.sf(2.5)) ** 4, abs=1e-4)
    reach, r = directions(np.ones((4, 4)), 3)
    assert max_t_tail(2.5, 9.0, reach, r)[0] == pytest.approx(2 * stats.t.sf(2.5, 9), abs=1e-12)


def test_mvt_of_all_pairs_is_tukey_and_its_error_is_what_it_says():
    K = contrast_set("pairwise", list("abcd"), np.ones(4)).coefficients
    C = K @ K.T / 2
    exact = 1 - ptukey(np.sqrt(2) * 2.4, 4, 20.0)[0]
    found = [max_t_tail(2.4, 20.0, *directions(C, seed)) for seed in range(6)]
    assert max(abs(p - exact) for p, _ in found) < 5e-5
    assert all(error < 3e-5 for _, error in found)


def test_mvt_one_sided():
    reach, r = directions(np.eye(3), 5, 1)
    for c in (1.5, -0.4):
        assert max_t_tail(c, np.inf, reach, r, 1)[0] == pytest.approx(1 - stats.norm.cdf(c) ** 3, abs=1e-4)


def test_mvt_is_seeded(warp):
    pairs = mere.pairs(mere.emmeans(warp, "tension"))
    one, two = (mere.summary(pairs, adjust="mvt", seed=7).table["p.value"].to_numpy() for _ in range(2))
    assert (one == two).all()


# -- means -----------------------------------------------------------------------------
def test_means_of_a_saturated_model_are_cell_means(warp):
    frame = mere.emmeans(warp, ["wool", "tension"]).to_frame()
    cells = warpbreaks.groupby(["wool", "tension"], observed=True)["breaks"].mean()
    for row in frame.itertuples():
        assert row.emmean == pytest.approx(cells[row.wool, row.tension])


def test_cell_weights_give_raw_means():
    m = mere.lm("gain ~ age * group * race", nutrition)
    frame = mere.emmeans(m, "race", weights="cells").to_frame()
    raw = nutrition.groupby("race", observed=True)["gain"].mean()
    assert frame["emmean"].to_numpy() == pytest.approx(raw[frame["race"].astype(str)].to_numpy())


def test_first_factor_varies_fastest(warp):
    assert mere.ref_grid(warp).table["wool"].tolist() == ["A", "B"] * 3


@pytest.mark.parametrize("specs", ["tension", ["tension"], "~ tension", "~tension"])
def test_forms_of_specs(warp, specs):
    assert list(mere.emmeans(warp, specs).to_frame()["tension"]) == ["L", "M", "H"]


def test_lists_of_specs(warp):
    several = mere.emmeans(warp, ["pairwise ~ tension", "~ wool"])
    assert list(several) == ["emmeans of tension", "pairwise differences of tension", "emmeans of wool"]
    assert list(mere.emmeans(warp, {"a": "~ tension", "b": "~ wool"})) == ["a", "b"]
    both = mere.emmeans(warp, "pairwise ~ tension | wool")
    assert both.contrasts is both["contrasts"] is both[1]


def test_two_valued_covariates_are_levels():
    data = warpbreaks.assign(late=np.arange(54) % 2, x=np.arange(54.0))
    grid = mere.ref_grid(mere.lm("breaks ~ late + x", data))
    assert grid.levels == {"late": [0.0, 1.0], "x": [26.5]}


def test_coerced_numbers_keep_their_values():
    assert mere.ref_grid(mere.lm("conc ~ factor(percent)", pigs)).levels == {"percent": [9.0, 12.0, 15.0, 18.0]}


def test_the_data_may_be_of_any_kind(warp):
    plain = {"breaks": warpbreaks["breaks"].to_numpy(), "wool": [str(w) for w in warpbreaks["wool"]]}
    means = mere.emmeans(mere.lm("breaks ~ wool", plain), "wool").to_frame()
    assert means["emmean"].round(3).to_list() == [31.037, 25.259]


def test_errors_say_what_there_is(warp):
    with pytest.raises(MereValueError, match="there are wool, tension"):
        mere.emmeans(warp, "yarn")
    with pytest.raises(MereValueError, match="no level"):
        mere.emmeans(warp, "wool", at={"tension": "Q"})
    with pytest.raises(MereError, match="pairwise"):
        mere.contrast(mere.emmeans(warp, "wool"), "nonsense")
    with pytest.raises(MereError, match="coefficients"):
        mere.contrast(mere.emmeans(warp, "tension"), {"a": [1, -1]})
    with pytest.raises(MereValueError, match="rg_limit"):
        mere.ref_grid(warp, rg_limit=5)
    with pytest.raises(TypeError, match="register"):
        mere.emmeans(object(), "x")


def test_messages(warp):
    with pytest.warns(MarginsMessage, match="misleading"):
        mere.emmeans(warp, "tension")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mere.emmeans(warp, "~ tension | wool")
    with pytest.warns(MarginsMessage, match='changed to "sidak"'):
        mere.summary(mere.emmeans(warp, ["wool", "tension"]), adjust="tukey")


def test_nuisance_factors_and_counterfactuals():
    m = mere.lm("gain ~ age + group + race", nutrition)
    whole = mere.emmeans(m, "race").to_frame()["emmean"].to_numpy()
    assert mere.emmeans(m, "race", nuisance=["age", "group"]).to_frame()["emmean"].to_numpy() == pytest.approx(whole)
    counter = mere.emmeans(m, "race", counterfactuals="race").to_frame()["emmean"].to_numpy()
    races = nutrition["race"].cat.categories
    moved = [nutrition.assign(race=pd.Categorical([r] * len(nutrition), races)) for r in races]
    fitted = [mere.predict(m, data).mean() for data in moved]
    assert counter == pytest.approx(np.array(fitted))


# -- contrasts, scales, trends -----------------------------------------------------------
def test_contrasts_do_not_depend_on_the_coding():
    tables = []
    for coding in (None, "sum", "helmert"):
        m = mere.lm("breaks ~ wool * tension", warpbreaks, contrasts=coding and {"wool": coding, "tension": coding})
        frame = mere.pairs(mere.emmeans(m, "tension")).to_frame()
        tables.append(frame[["estimate", "SE", "p.value"]].to_numpy())
    for other in tables[1:]:
        np.testing.assert_allclose(other, tables[0], rtol=1e-9)


def test_a_function_as_method(warp):
    made = mere.contrast(mere.emmeans(warp, "tension"), lambda labels: {f"{labels[0]} only": [1, 0, 0]})
    assert made.to_frame()["contrast"].tolist() == ["L only"]


def test_ratios_of_means_on_the_log_scale():
    m = mere.lm("log(conc) ~ source + factor(percent)", pigs)
    means = mere.emmeans(m, "source")
    ratio = mere.pairs(means, type="response").to_frame()["ratio"].to_numpy()
    back = mere.summary(means, type="response").table["response"].to_numpy()
    assert ratio == pytest.approx([back[0] / back[1], back[0] / back[2], back[1] / back[2]])
    logs = mere.pairs(means, ratios=False, type="response").to_frame()["estimate"].to_numpy()
    assert logs == pytest.approx(np.log(ratio))


def test_regrid_keeps_what_type_shows():
    m = mere.lm("sqrt(breaks) ~ tension", warpbreaks)
    means = mere.emmeans(m, "tension")
    one, two = mere.summary(means, type="response").table, mere.regrid(means).to_frame()
    assert two["response"].to_numpy() == pytest.approx(one["response"].to_numpy())
    assert two["SE"].to_numpy() == pytest.approx(one["SE"].to_numpy())


def test_trends_are_derivatives():
    m = mere.lm("conc ~ poly(percent, 3) * source", pigs)
    x = 12.0
    trend = mere.emtrends(m, "source", "percent", at={"percent": x}).to_frame()["percent.trend"].to_numpy()
    h = 1e-4
    up, down = (mere.emmeans(m, "source", at={"percent": x + s}).to_frame()["emmean"].to_numpy() for s in (h, -h))
    assert trend == pytest.approx((up - down) / (2 * h), rel=1e-7)
    logs = mere.emtrends(m, "source", "log(percent)", at={"percent": x}).to_frame().iloc[:, 1].to_numpy()
    assert logs == pytest.approx(trend * x, rel=1e-8)


def test_equivalence_needs_a_small_difference(warp):
    pairs = mere.pairs(mere.emmeans(warp, "wool"))
    assert mere.test(pairs, delta=100).table["p.value"][0] < 1e-6 < mere.test(pairs, delta=0.1).table["p.value"][0]


def test_joint_test_of_a_term_is_the_anova():
    m = mere.lm("breaks ~ wool * tension", warpbreaks)
    F = mere.joint_tests(m).table.set_index("model term")["F.ratio"]
    assert F["wool:tension"] == pytest.approx(mere.anova(m)["F value"]["wool:tension"])


def test_joint_tests_of_margins_of_a_term():
    """Means do not depend on how cells are written: factors of an interaction are tested without terms of their own."""
    want = mere.joint_tests(mere.lm("breaks ~ wool * tension", warpbreaks)).table
    assert list(want["model term"]) == ["wool", "tension", "wool:tension"]
    for formula in ("breaks ~ wool:tension", "breaks ~ 0 + wool:tension"):
        got = mere.joint_tests(mere.lm(formula, warpbreaks)).table.set_index("model term").loc[want["model term"]]
        assert got["F.ratio"].to_numpy() == pytest.approx(want["F.ratio"].to_numpy(), rel=1e-9)
        assert got["df1"].tolist() == want["df1"].tolist()


def test_estimability():
    m = mere.lm("gain ~ (age + group + race)^2", nutrition)
    frame = mere.emmeans(m, ["group", "race"]).to_frame()
    assert frame["emmean"].isna().tolist() == [False, False, True, True, False, False]
    assert mere.pairs(mere.emmeans(m, "~ group | race")).to_frame()["estimate"].notna().all()


def test_population_averages():
    from mere.datasets import cbpp

    m = mere.glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, "binomial")
    means = mere.emmeans(m, "period")
    plain = mere.summary(means, type="response").table["prob"].to_numpy()
    second = mere.summary(means, type="response", bias_adjust=True).table["prob"].to_numpy()
    whole = mere.summary(means, type="response", bias_adjust="integrate").table["prob"].to_numpy()
    sd = mere.VarCorr(m)["herd"].iloc[0, 0] ** 0.5
    draws = stats.norm.ppf((np.arange(200000) + 0.5) / 200000) * sd
    eta = mere.summary(means).table["emmean"].to_numpy()
    assert whole == pytest.approx([(1 / (1 + np.exp(-(e + draws)))).mean() for e in eta], rel=1e-4)
    assert (plain < whole).all() and np.abs(second - whole).max() < np.abs(plain - whole).max()


def test_generalized_linear_models():
    m = mere.glm("breaks ~ wool * tension", warpbreaks, family="poisson")
    frame = mere.summary(mere.emmeans(m, ["wool", "tension"]), type="response").table
    cells = warpbreaks.groupby(["tension", "wool"], observed=True)["breaks"].mean()
    assert frame["rate"].to_numpy() == pytest.approx(cells.to_numpy(), rel=1e-6)
    assert np.isinf(frame["df"]).all()
    gamma = mere.glm("breaks ~ tension", warpbreaks, family="Gamma")
    assert mere.emmeans(gamma, "tension").to_frame()["df"].tolist() == [51.0] * 3


def test_robust_covariances():
    m = mere.lm("breaks ~ wool * tension", warpbreaks)
    plain, robust = (mere.emmeans(m, "tension", **o).to_frame() for o in ({}, {"vcov": "HC3"}))
    assert robust["emmean"].to_numpy() == pytest.approx(plain["emmean"].to_numpy())
    assert (robust["SE"] != plain["SE"]).all()


# -- other forms ----------------------------------------------------------------------------
def test_rows_and_lists(warp):
    means = mere.emmeans(warp, ["tension", "wool"])
    assert len(means) == 6 and len(means[2:]) == 4
    assert mere.coef(means) is None
    assert mere.coef(mere.pairs(means)).shape == (6, 17)
    assert mere.vcov(means).shape == (6, 6)
    assert mere.predict(means) == pytest.approx(means.to_frame()["emmean"].to_numpy())
    assert "lower.PL" in mere.predict(means, interval="prediction")


def test_update_and_subset(warp):
    means = mere.emmeans(warp, ["tension", "wool"])
    assert "wool = A:" in str(means.update(by="wool"))
    assert means.subset("wool == 'B'").levels["wool"] == ["B"]
    with pytest.raises(MereError, match="there are"):
        means.update(nonsense=1)


def test_grouping():
    grid = mere.ref_grid(mere.lm("breaks ~ tension", warpbreaks))
    grid = mere.add_grouping(grid, "load", "tension", ["low", "high", "high"])
    frame = mere.emmeans(grid, "load").to_frame().set_index("load")
    raw = mere.emmeans(grid, "tension").to_frame().set_index("tension")["emmean"]
    assert frame["emmean"]["high"] == pytest.approx((raw["M"] + raw["H"]) / 2)


def test_rows_that_were_left_out():
    data = warpbreaks.assign(breaks=warpbreaks["breaks"].where(np.arange(54) % 5 != 0))
    kept = data.dropna().reset_index(drop=True)
    one, two = (mere.emmeans(mere.lm("breaks ~ wool + tension", d), "wool", weights="cells") for d in (data, kept))
    pd.testing.assert_frame_equal(one.to_frame(), two.to_frame())
    assert mere.weights(one).sum() == len(kept)


def test_levels_to_be_averaged_over(warp):
    shown = mere.emmeans(warp, "wool", weights="show.levels")
    assert shown["tension"].tolist() == ["L", "M", "H"]


def test_polars_and_pickles(warp):
    import pickle

    pl = pytest.importorskip("polars")
    plain = pl.DataFrame({"y": warpbreaks["breaks"].to_list(), "wool": warpbreaks["wool"].astype(str).to_list()})
    means = mere.emmeans(mere.lm("y ~ wool", plain), "wool")
    assert str(pickle.loads(pickle.dumps(means))) == str(means)


def test_letters():
    m = mere.lm("breaks ~ tension", warpbreaks)
    text = str(mere.cld(mere.emmeans(m, "tension"), Letters="abc"))
    assert "significance level used: alpha = 0.05" in text
    assert mere.cld(mere.emmeans(m, "tension"), Letters="abc").table[".group"].tolist() == [" a ", " a ", "  b"]


def test_notes_and_html(warp):
    frame = mere.emmeans(warp, "~ tension | wool").to_frame()
    assert frame.attrs["notes"] == ["Confidence level used: 0.95"]
    html = mere.emmeans(warp, "pairwise ~ tension | wool")._repr_html_()
    assert html.count("<table>") == 4 and "P value adjustment" in html


def test_calc(warp):
    frame = mere.summary(mere.emmeans(warp, ["tension", "wool"]), calc={"cv": "SE / emmean", "n": lambda t: 1}).table
    assert frame["cv"].to_numpy() == pytest.approx((frame["SE"] / frame["emmean"]).to_numpy())


# -- mixed models --------------------------------------------------------------------------------
def test_methods_of_a_mixed_model():
    m = mere.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    methods = ("kenward-roger", "satterthwaite", "asymptotic")
    tables = {d: mere.emmeans(m, "Days", at={"Days": [0, 5]}, lmer_df=d).to_frame() for d in methods}
    assert np.isinf(tables["asymptotic"]["df"]).all() and "asymp.LCL" in tables["asymptotic"]
    assert tables["satterthwaite"]["df"].to_numpy() == pytest.approx([17.0, 17.0], abs=0.01)
    assert "Degrees-of-freedom method: kenward-roger" in mere.emmeans(m, "Days").to_frame().attrs["notes"]


# -- pictures ---------------------------------------------------------------------------------------
def test_pictures(warp):
    pytest.importorskip("matplotlib")
    import matplotlib.pyplot as plt

    means = mere.emmeans(warp, "~ tension | wool")
    assert len(mere.plot(means, comparisons=True, PIs=True)) == 2
    assert mere.plot(mere.emmeans(warp, ["tension", "wool"]), horizontal=False) is not None
    assert mere.emmip(warp, "wool ~ tension", CIs=True, PIs=True) is not None
    assert len(mere.emmip(warp, "~ tension | wool")) == 2
    assert mere.pwpp(mere.emmeans(warp, ["tension", "wool"])) is not None
    assert len(mere.pwpp(means)) == 2
    slopes = mere.lm("strength ~ diameter * machine", fiber)
    line = mere.emmip(slopes, "machine ~ diameter", at={"diameter": [15, 30]}, CIs=True)
    assert line.get_xlabel() == "diameter"
    plt.close("all")


def test_arrows_overlap_where_means_do_not_differ():
    cases = [("breaks ~ tension", warpbreaks), ("conc ~ source", pigs), ("log(conc) ~ factor(percent)", pigs)]
    for formula, data in cases:
        m = mere.lm(formula, data)
        means = mere.emmeans(m, next(iter(mere.ref_grid(m).levels)))
        arrows = mere.plot(means, comparisons=True, plotit=False)
        p = mere.summary(mere.pairs(means)).table["p.value"].to_numpy()
        name = "emmean"
        i, j = np.triu_indices(len(arrows), 1)
        for n, (a, b) in enumerate(zip(i, j)):
            low, high = (a, b) if arrows[name][a] <= arrows[name][b] else (b, a)
            assert (arrows["rcmpl"][low] < arrows["lcmpl"][high]) == (p[n] < 0.05)


# -- a third party's model ------------------------------------------------------------------------------
def test_statsmodels_ols():
    """The worked example of docs/emmeans.md."""
    api = pytest.importorskip("statsmodels.formula.api")
    from statsmodels.regression.linear_model import RegressionResultsWrapper

    @mere.emm_basis.register(RegressionResultsWrapper)
    def _(fit, **_):
        data = fit.model.data.frame
        like = mere.emm_basis(mere.lm(fit.model.formula, data))
        return mere.Basis(
            predictors=like.predictors, build=like.build, terms=like.terms, scale=like.scale,
            beta=fit.params.to_numpy(), V=fit.cov_params().to_numpy(),
            df=lambda L: np.full(len(L), fit.df_resid), sigma=float(np.sqrt(fit.scale)),
        )  # fmt: skip

    data = pd.DataFrame(warpbreaks)
    fit = api.ols("breaks ~ wool + tension", data).fit()
    ours = mere.emmeans(mere.lm("breaks ~ wool + tension", warpbreaks), "pairwise ~ tension")
    theirs = mere.emmeans(fit, "pairwise ~ tension")
    for part in ("emmeans", "contrasts"):
        pd.testing.assert_frame_equal(theirs[part].to_frame(), ours[part].to_frame(), rtol=1e-8)


@pytest.mark.filterwarnings("ignore::mere.errors.MarginsMessage")
def test_proportional_weights_stay_within_nests():
    """With b nested in a, frequencies are those within a level of a, as in R: the means of the cells."""
    rng = np.random.default_rng(60)
    d = pd.DataFrame({"a": rng.choice(list("pqr"), 60), "b": rng.choice(["u", "v"], 60), "y": rng.normal(size=60)})
    d = d[~((d["a"] == "p") & (d["b"] == "u"))]
    m = mere.lm("y ~ a / b", d)
    found = mere.emmeans(m, "~ a", weights="proportional").to_frame()["emmean"].to_numpy()
    assert found == pytest.approx(mere.emmeans(m, "~ a", weights="cells").to_frame()["emmean"].to_numpy())
    assert found == pytest.approx(d.groupby("a")["y"].mean().to_numpy())


def test_a_model_is_no_grid():
    m = mere.lm("breaks ~ wool", warpbreaks)
    for verb in (mere.contrast, mere.pairs, mere.cld, mere.test, mere.regrid):
        with pytest.raises(MereTypeError, match="emmeans"):
            verb(m)


def test_options_of_one_contrast_set_beside_another():
    m = mere.lm("breaks ~ wool * tension", warpbreaks)
    means = mere.emmeans(m, "~ wool * tension")
    both = mere.contrast(means, interaction=("pairwise", "poly"), max_degree=1).to_frame()
    assert len(both) == 1
    with pytest.raises(MereTypeError, match="max_degre"):
        mere.contrast(means, "pairwise", max_degre=1)


@pytest.mark.parametrize(
    "call",
    [
        lambda m: mere.emmeans(m, "tension", wieghts="cells"),
        lambda m: mere.emmeans(m, "tension", submodel="~ tension"),
        lambda m: mere.ref_grid(m, levle=0.9),
        lambda m: mere.joint_tests(m, submodel="type2"),
        lambda m: mere.emtrends(m, "tension", ""),
    ],
)
def test_arguments_that_nothing_reads_are_errors(call: Any) -> None:
    with pytest.raises(MereError):
        call(mere.lm("breaks ~ wool + tension", mere.datasets.warpbreaks))


def test_levels_enhanced_by_name() -> None:
    means = mere.emmeans(mere.lm("breaks ~ wool * tension", mere.datasets.warpbreaks), "~ tension | wool")
    frame = mere.contrast(means, "eff", by=None, enhance_levels=["wool", "tension"]).to_frame()
    assert frame["contrast"].iloc[0] == "tensionL woolA effect"
    assert mere.contrast(means, "eff", enhance_levels="tensio").to_frame()["contrast"].iloc[0] == "L effect"


def test_defaults_of_the_summary_given_to_contrast() -> None:
    means = mere.emmeans(mere.lm("breaks ~ tension", mere.datasets.warpbreaks), "tension")
    frame = mere.contrast(means, "pairwise", infer=True, level=0.9, side=">", adjust="none").to_frame()
    assert np.isinf(frame["upper.CL"]).all() and (frame["p.value"] < 0.5).all()


def test_counterfactual_averages_on_the_link_scale_when_asked_for() -> None:
    m = mere.glm("breaks > 25 ~ wool + tension", mere.datasets.warpbreaks, family="binomial")
    on_link = mere.emmeans(m, "tension", counterfactuals="tension", regrid="none").to_frame()
    plain = mere.emmeans(m, "tension").to_frame()  # balanced: averages over the data are averages over the grid
    np.testing.assert_allclose(on_link["emmean"], plain["emmean"], rtol=1e-10)


def test_values_of_covariates_are_printed_with_the_digits_of_the_table() -> None:
    m = mere.lm("breaks ~ I(w * 1.2345678)", {"breaks": [1.0, 3, 2, 5], "w": [1.11111111, 2.22222222, 3, 4.1]})
    assert " 2.61 " in mere.to_text(mere.emmeans(m, "w"))


def test_nothing_left_to_contrast():
    m = mere.lm("breaks ~ wool * tension", warpbreaks)
    with pytest.raises(MereValueError, match="take one out of by"):
        mere.contrast(mere.emmeans(m, "~ wool | tension"), "pairwise", by=["wool", "tension"])


def test_a_misspelled_adjustment_is_said_at_once() -> None:
    with pytest.raises(MereValueError, match="no adjustment 'tuky'"):
        mere.pairs(mere.emmeans(mere.lm("breaks ~ tension", warpbreaks), "tension"), adjust="tuky")
