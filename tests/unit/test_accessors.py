"""Accessors of mixed models against R at given theta (fixtures/accessors/mixed.json)."""

import json
import warnings

import numpy as np
import pytest

import mere
from mere.control import LmerControl
from mere.datasets import sleepstudy as original

from ..parity.goldens import FIXTURES, array, assert_close
from ..texts import assert_same_text

GOLD = json.loads((FIXTURES / "accessors" / "mixed.json").read_text(encoding="utf-8"))
TOL = GOLD["tolerance"]["value"]
CASES = list(GOLD["models"])


def data():
    frame = original.copy()
    frame["w"] = 1 + (np.arange(1, 181) % 7) / 3
    return frame


@pytest.fixture(scope="module", params=CASES)
def case(request):
    gold = GOLD["models"][request.param]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m = mere.lmer(
            gold["formula"], data(), REML=gold["REML"], start=gold["theta"],
            control=LmerControl(optimizer=None), **(gold["arguments"] or {}),
        )  # fmt: skip
    return m, gold


def test_likelihoods(case):
    m, gold = case
    assert_close([mere.deviance(m, REML=False)], [gold["deviance"]], TOL)
    # R's deviance(m, REML = TRUE) forgets its argument; its logLik does not
    assert_close([mere.deviance(m, REML=True)], [-2 * gold["logLik_reml"]], TOL)
    assert_close([float(mere.logLik(m))], [gold["logLik"]], TOL)
    assert_close([float(mere.logLik(m, REML=True))], [gold["logLik_reml"]], TOL)
    assert_close([float(mere.logLik(m, REML=False))], [gold["logLik_ml"]], TOL)
    assert mere.df_residual(m) == gold["df_residual"]
    assert mere.isREML(m) == gold["REML"]


def test_deviance_of_a_reml_fit_warns():
    m = mere.lmer("Reaction ~ Days + (1 | Subject)", original)
    with pytest.warns(mere.errors.MereWarning, match="REMLcrit"):
        assert mere.deviance(m) == mere.REMLcrit(m)


def test_rows(case):
    m, gold = case
    for kind in ("response", "pearson"):
        assert_close(mere.residuals(m, type=kind), gold[kind], TOL, what=kind)
    assert mere.residuals(m, "working").equals(mere.residuals(m))
    assert mere.residuals(m, "deviance").equals(mere.residuals(m, "pearson"))
    assert_close(mere.residuals(m, scaled=True), gold["scaled"], TOL, what="scaled")
    assert_close(mere.residuals(m, "pearson", scaled=True), gold["pearson_scaled"], TOL)
    assert_close(mere.fitted(m), gold["fitted"], TOL, what="fitted")
    assert_close(mere.hatvalues(m), gold["hatvalues"], TOL, what="hat values")
    assert_close(mere.weights(m), gold["weights"], TOL, what="weights")
    with pytest.raises(ValueError, match="type"):
        mere.residuals(m, "partial")


def test_frames(case):
    m, gold = case
    assert [c for c in mere.model_frame(m) if c != "(offset)"] == [c for c in gold["frame"] if c != "(offset)"]
    fixed = [c for c in gold["frame_fixed"] if not c.startswith("(")]
    got = [c for c in mere.model_frame(m, fixed_only=True) if not c.startswith("(")]
    assert got == fixed


def test_components(case):
    m, gold = case

    def me(name):
        return mere.getME(m, name)

    assert_close(np.asarray(me("Zt").sum(axis=1)), gold["Zt_sum"], TOL, what="Zt")
    assert_close(me("Z").T.toarray(), me("Zt").toarray().ravel().tolist(), TOL)
    assert_close(me("Lambda").diagonal(), gold["Lambda"], TOL, what="Lambda")
    assert me("Lambdat").nnz == len(me("Lind"))
    filled = np.asarray(me("theta"))[me("Lind")]
    assert_close(me("Lambdat").data, filled.tolist(), 0, what="Lind fills Lambdat")
    assert [i + 1 for i in me("Lind")] == gold["Lind"]
    assert list(me("Gp")) == gold["Gp"]
    assert list(me("Tp")) == gold["Tp"]
    assert_close(np.asarray(me("A").sum(axis=1)), gold["A_sum"], TOL, what="A")
    assert_close(np.abs(me("RX")), np.abs(array(np.ravel(gold["RX"]))).tolist(), TOL, what="RX")
    for name in ("u", "b", "mu", "offset"):
        assert_close(me(name), gold[name], TOL, what=name)
    assert list(me("theta").index) == gold["theta_names"]
    assert list(me("lower").index) == gold["theta_names"]
    assert [None if np.isinf(x) else x for x in me("lower")] == [
        None if x in ("-Inf", None) else x for x in gold["lower"]
    ]
    for name in ("ST", "Tlist"):
        for got, want in zip(me(name).values(), gold[name], strict=True):
            want = array(np.atleast_1d(np.array(want, dtype=object)))  # R's ST divides 0 by 0
            assert_close(got.T, np.nan_to_num(want).tolist(), TOL, what=name)
    for name, want in gold["cmp"].items():
        if want is None or want == "NA":
            assert np.isnan(me("devcomp")["cmp"][name])
        else:
            assert_close([me("devcomp")["cmp"][name]], [want], TOL, what=name)
    assert dict(me("devcomp")["dims"]) == gold["dims"]
    assert list(me("Ztlist")) == gold["Ztlist"]
    assert list(me("mmList")) == gold["mmList"]
    for name in ("p_i", "q_i", "m_i"):
        assert dict(me(name)) == gold[name]
    for name in ("n_rtrms", "n_rfacs", "k", "m"):
        assert me(name) == gold[name]
    assert list(me("flist")) == gold["flist"]
    assert list(me("cnms").values()) == [c if isinstance(c, list) else [c] for c in gold["cnms"]]
    L, RZX = me("L"), me("RZX")
    assert_close([2 * np.log(L.diagonal()).sum()], [gold["logdet_L"]], TOL, what="log|L|")
    assert_close(RZX.T @ RZX, array(np.ravel(gold["RZX_cross"])), TOL, what="RZX")


def test_all_components(case):
    m, _ = case
    every = mere.getME(m)
    assert {"X", "Z", "theta", "devcomp", "L"} <= set(every)
    assert set(mere.getME(m, ["X", "beta"])) == {"X", "beta"}
    with pytest.raises(KeyError, match="no component 'zeta'"):
        mere.getME(m, "zeta")
    with pytest.raises(ValueError, match="generalized"):
        mere.getME(m, "glmer.nb.theta")
    assert every["devfun"](m.par) == pytest.approx(m.criterion, rel=1e-12)


def test_effects(case):
    m, gold = case
    assert_close(mere.vcov(m), array(np.ravel(gold["vcov"])), TOL, what="vcov")
    for group, want in gold["coef"].items():
        got = mere.coef(m)[group]
        assert list(got.columns) == want["names"]
        assert_close(got, array(np.ravel(want["values"])), TOL, what="coef")
    got, want = mere.ranef(m).to_frame(), gold["ranef"]
    assert list(got.columns) == ["grpvar", "term", "grp", "condval", "condsd"]
    assert list(got["grp"]) == want["grp"]
    assert list(got["term"]) == want["term"]
    assert_close(got["condval"], want["condval"], TOL, what="condval")
    spread = float(np.max(want["condsd"]))
    assert_close(got["condsd"], want["condsd"], 1e-7, spread, what="condsd")


def test_variance_components(case):
    m, gold = case
    got, want = mere.VarCorr(m).to_frame(order="lower.tri"), gold["varcorr_tri"]
    for name in ("grp", "var1", "var2"):
        assert [v if isinstance(v, str) else None for v in got[name]] == want[name]
    assert_close(got["vcov"], array(want["vcov"]), TOL, what="vcov")
    assert_close(got["sdcor"], array(want["sdcor"]), TOL, what="sdcor")
    last = mere.VarCorr(m).to_frame()
    assert sorted(last["vcov"]) == sorted(got["vcov"])
    doubled = mere.VarCorr(m, sigma=2 * m.sigma)
    assert_close(doubled["Subject"], (4 * mere.VarCorr(m)["Subject"]).to_numpy().ravel(), TOL)
    with pytest.raises(ValueError, match="order"):
        mere.VarCorr(m).to_frame(order="upper")


def test_principal_components(case):
    m, gold = case
    got = mere.rePCA(m)
    for group, sdev in gold["pca_sdev"].items():
        assert_close(got[group].sdev, np.atleast_1d(sdev).tolist(), TOL, 1.0)
    assert_same_text(str(mere.summary(got)), "\n".join(gold["pca_summary"]), ulp=1)
    want = "\n".join(gold["pca_print"]).partition('\nattr(,"class")')[0]
    assert [line.replace("-", " ").split() for line in str(got).split("\n")][:5] == [
        line.replace("-", " ").split() for line in want.split("\n")
    ][:5]


def test_wald(case):
    m, gold = case
    table = mere.confint(m, method="Wald")
    want = array(np.ravel(gold["wald"])).reshape(-1, 2)
    assert len(table) == len(want)
    p = len(m.beta)
    assert np.isnan(table.to_numpy()[:-p]).all()
    assert_close(table.to_numpy()[-p:], want[-p:].ravel(), TOL)
    assert list(mere.confint(m, method="Wald", level=0.9).columns) == gold["wald_columns"]


def test_sequential_table(case):
    m, gold = case
    got = mere.anova(m, ddf="lme4")
    assert list(got.index) == (gold["anova_rows"] or [])
    for column, want in gold["anova"].items():
        assert_close(got[column], want if isinstance(want, list) else [want], 10 * TOL, what=column)


# ---- tests between models ------------------------------------------------------------


def fits():
    m0 = mere.lmer("Reaction ~ Days + (1 | Subject)", original, REML=False)
    m1 = mere.lmer("Reaction ~ Days + (Days | Subject)", original, REML=False)
    m2 = mere.lmer("Reaction ~ Days + I(Days^2) + (Days | Subject)", original, REML=False)
    return m0, m1, m2


def test_likelihood_ratio_text():
    m0, m1, m2 = fits()
    gold = GOLD["lrt"]
    assert_same_text(str(mere.anova(m2, m0, m1)), "\n".join(gold["three"]), ulp=1)
    l0 = mere.lm("Reaction ~ Days", original)
    assert_same_text(str(mere.anova(m1, l0)), "\n".join(gold["lm"]), ulp=1)
    assert_same_text(str(mere.anova(l0, m1)), "\n".join(gold["lm"]), ulp=1)
    r1 = mere.lmer("Reaction ~ Days + (Days | Subject)", original)
    with pytest.warns(mere.errors.MereWarning, match="refitting"):
        table = mere.anova(m1, r1)
    assert_same_text(str(table), "\n".join(gold["same"]), ulp=1)
    with pytest.warns(mere.errors.MereWarning, match="REML"):
        assert_same_text(str(mere.anova(r1, m2, refit=False)), "\n".join(gold["reml"]), ulp=1)
    assert_close(mere.extractAIC(r1), gold["extractAIC"], 1e-7)


def test_likelihood_ratio_names_and_data():
    m0, m1, _ = fits()
    assert list(mere.anova(m0, m1, model_names=["a", "b"]).index) == ["a", "b"]
    assert list(mere.anova(m0, fits()[1]).index) == ["m0", "MODEL2"]
    with pytest.raises(ValueError, match="names"):
        mere.anova(m0, m1, model_names=["a"])
    other = original.copy()
    other["Reaction"] += np.arange(180)
    with pytest.raises(ValueError, match="same response"):
        mere.anova(m0, mere.lmer("Reaction ~ Days + (Days | Subject)", other, REML=False))
    with pytest.raises(ValueError, match="same size"):
        mere.anova(m0, mere.lmer("Reaction ~ Days + (1 | Subject)", original[:150], REML=False))
    with pytest.raises(TypeError, match="models"):
        mere.anova(m0, "III")
    with pytest.raises(ValueError, match="type must be"):
        mere.anova(m0, type="IV")


# ---- the rest --------------------------------------------------------------------------


def test_dropped_columns_come_back_as_nan():
    with pytest.warns(mere.errors.RankDeficiencyMessage):
        m = mere.lmer("Reaction ~ Days + I(2 * Days) + (1 | Subject)", original)
    full = mere.fixef(m, add_dropped=True)
    assert list(full.index) == GOLD["dropped"]
    assert np.isnan(full["I(2 * Days)"])
    assert "fit warnings:" in str(m)


def test_excluded_rows_are_nan():
    frame = data()
    frame["hole"] = frame["Reaction"].astype(float)
    frame.loc[[1, 4], "hole"] = np.nan
    m = mere.lmer("hole ~ Days + (Days | Subject)", frame, na_action="exclude")
    assert mere.nobs(m) == 178
    for values in (mere.residuals(m), mere.fitted(m), mere.hatvalues(m), mere.weights(m)):
        assert values.index.equals(frame.index)
        assert list(np.flatnonzero(values.isna())) == [1, 4]
    named = frame.set_index(np.array([f"r{i}" for i in range(180)]))
    named_fit = mere.lmer("hole ~ Days + (Days | Subject)", named)
    assert list(mere.residuals(named_fit).index[:2]) == ["r0", "r2"]
    padded = mere.lmer("hole ~ Days + (Days | Subject)", named, na_action="exclude")
    assert mere.fitted(padded).index.equals(named.index)
    part = mere.lmer("hole ~ Days + (1 | Subject)", frame[30:90])
    assert mere.fitted(part).index.equals(frame.index[30:90])


def test_structured_terms_name_their_rows():
    m = mere.lmer("Reaction ~ Days + diag(Days | Subject)", original)
    rows = ["sd_(Intercept)|Subject", "sd_Days|Subject", "sigma", "(Intercept)", "Days"]
    assert list(mere.confint(m, method="Wald").index) == rows
    assert len(mere.VarCorr(m).to_frame()) == 3
    assert "Corr" not in str(mere.VarCorr(m))


def test_confint_parm():
    m = fits()[1]
    assert list(mere.confint(m, "beta_", method="Wald").index) == ["(Intercept)", "Days"]
    assert list(mere.confint(m, ["theta_"], method="Wald").index) == [
        "sd_(Intercept)|Subject", "sd_Days|Subject", "cor_Days.(Intercept)|Subject", "sigma",
    ]  # fmt: skip
    assert list(mere.confint(m, [".sig02", 5], method="Wald").index) == ["sd_Days|Subject", "Days"]
    names = [".sig01", ".sig02", ".sig03", ".sigma", "(Intercept)", "Days"]
    assert list(mere.confint(m, method="Wald", signames=True).index) == names
    with pytest.raises(KeyError, match="no parameter"):
        mere.confint(m, "gamma", method="Wald")
    with pytest.raises(ValueError, match="'profile', 'Wald' or 'boot'"):
        mere.confint(m, method="bayes")
    with pytest.raises(ValueError, match="level"):
        mere.confint(m, method="Wald", level=95)


def test_ranef_arguments():
    m = mere.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", mere.datasets.Penicillin)
    assert list(mere.ranef(m)) == ["plate", "sample"]
    assert list(mere.ranef(m, whichel="sample")) == ["sample"]
    assert list(mere.ranef(m, whichel=[0])) == ["plate"]
    dropped = mere.ranef(m, drop=True)
    assert dropped["plate"].ndim == 1
    assert dropped.to_frame()["condval"].tolist() == mere.ranef(m).to_frame()["condval"].tolist()
    assert "condsd" not in mere.ranef(m, condVar=False).to_frame()
    assert "with conditional variances for “plate” “sample”" in str(mere.ranef(m))
    with pytest.raises(KeyError, match="whichel"):
        mere.ranef(m, whichel="batch")
    with pytest.raises(KeyError, match="'batch'"):
        mere.ranef(m)["batch"]


def test_joint_covariance_is_that_of_the_parts():
    m = fits()[1]
    V = mere.vcov(m, full=True)
    assert_close(V.iloc[-2:, -2:], mere.vcov(m).to_numpy().ravel(), 1e-10)
    assert np.linalg.eigvalsh(V).min() > 0
    correlation = mere.vcov(m, correlation=True)
    assert_close(np.diag(correlation), [1.0, 1.0], 1e-12)


def test_formulas_and_terms():
    m = mere.lmer("Reaction ~ Days + (Days || Subject)", original)
    assert str(mere.formula(m)) == "Reaction ~ Days + ((1 | Subject) + (0 + Days | Subject))"
    assert str(mere.formula(m, fixed_only=True)) == "Reaction ~ Days"
    want = "Reaction ~ (1 | Subject) + (0 + Days | Subject)"
    assert str(mere.formula(m, random_only=True)) == want
    assert mere.terms(m).labels == ("Days",)
    assert mere.family(m).link == "identity"
    assert mere.getData(m).equals(original)
    assert list(mere.model_matrix(m, type="randomListRaw")) == ["1 | Subject", "0 + Days | Subject"]


def test_information_criteria_of_several_models():
    m0, m1, _ = fits()
    table = mere.AIC(m0, m1)
    assert list(table.columns) == ["df", "AIC"]
    assert list(table.index) == ["m0", "m1"]
    assert mere.BIC(m0, m1)["BIC"].iloc[0] == mere.BIC(m0)
