"""Profile intervals against lme4's, and for prior weights against the definition (r_parity/profiles.R)."""

import warnings

import numpy as np
import pytest

import mere

from .goldens import array, golden, table

CASES = {case["id"]: case for case in golden("whatif", "profiles")["cases"]}


def fit(case):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mere.errors.SingularFitMessage)
        return mere.lmer(case["formula"], table(case["data"]), REML=False, weights=case.get("weights"))


@pytest.mark.parametrize("name", CASES)
def test_intervals(name):
    case = CASES[name]
    got = mere.confint(fit(case))
    assert set(got.index) == set(case["names"])
    got = got.loc[case["names"]].to_numpy()
    want = np.column_stack([array(case["lower"]), array(case["upper"])])
    width = (want[:, 1] - want[:, 0])[:, None]
    error = np.abs(got - want) / width
    assert np.nanmax(error) <= case["tolerance"], f"{case['reason']}\n{got}\n{want}"
    assert not np.isnan(got).any()


def test_names_and_order_of_lme4_2():
    m = fit(CASES["sleepstudy"])
    names = ["sd_(Intercept)|Subject", "sd_Days|Subject", "cor_Days.(Intercept)|Subject", "sigma"]
    names += ["(Intercept)", "Days"]
    both = mere.confint(m)
    assert list(both.index) == names
    signs = mere.confint(m, signames=True)
    assert list(signs.index) == [".sig01", ".sig02", ".sig03", ".sigma", "(Intercept)", "Days"]
    np.testing.assert_allclose(signs.to_numpy(), both.to_numpy())
    assert list(mere.confint(m, [".sigma", "sd_Days|Subject"]).index) == ["sigma", "sd_Days|Subject"]
    assert list(mere.confint(m, "theta_").index) == names[:4]
    assert list(mere.confint(m, "beta_").index) == names[4:]
    assert list(mere.confint(m, [0, 5]).index) == [names[0], names[5]]


@pytest.mark.parametrize("name", ["multi_full", "deficient_double", "cake_factor_slopes", "sleepstudy_square_slopes"])
def test_correlations_neither_change_sign_nor_turn_back(name):
    """Where a standard deviation of zero is better, every correlation is as good: zeta is flat up to the bound."""
    gold = golden("lmm", name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m = mere.lmer(gold["formula"], table(gold["data"]), **{**gold["arguments"], "REML": False})
    profile = mere.profile(m)
    for part in profile.tables:
        assert (np.diff(part.curve.zeta) > -1e-6).all(), profile.shown[part.position]
    fine = mere.profile(m, delta_cutoff=1 / 24).confint()
    width = fine.iloc[:, 1] - fine.iloc[:, 0]
    assert (abs(profile.confint() - fine).max(axis=1) < 5e-3 * width).all()


def test_a_profile_that_turns_back_does_so_in_truth():
    """Beyond a correlation of -0.8 a small slope does a little better than none, the more so the nearer to -1."""
    gold = golden("lmm", "multi_two_blocks")
    m = mere.lmer(gold["formula"], table(gold["data"]), REML=False)
    curve = mere.profile(m, "cor_x.(Intercept)|g")["cor_x.(Intercept)|g"]
    turn = np.abs(curve.zeta).max() - abs(curve(-1.0)[0])
    assert 0 < turn < 1e-4
    sd, other = 1.456044 / 1.259373, 0.660628 / 1.259373
    at = [m.objective.value(np.array([sd, -small, 0.0, other])) for small in (0.0, 0.003425 / 1.259373)]
    assert at[1] < at[0]
    assert np.sqrt(at[1] - m.criterion) == pytest.approx(abs(curve(-1.0)[0]), abs=2e-5)
