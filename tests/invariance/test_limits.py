"""Edges of the model: each is right, or an error that says what to do."""

import numpy as np
import pandas as pd
import pytest

import mere
from mere.datasets import Dyestuff2, sleepstudy
from mere.errors import ConvergenceError, MereError, SingularFitMessage


def data(n_groups=8, each=5, sd=1.0, seed=0):
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(n_groups), each)
    x = rng.normal(size=len(g))
    y = 1 + 2 * x + sd * rng.normal(size=n_groups)[g] + rng.normal(size=len(g))
    return pd.DataFrame({"y": y, "x": x, "g": g.astype(str)})


def test_zero_variance_is_exactly_zero_and_the_fit_is_least_squares():
    with pytest.warns(SingularFitMessage):
        m = mere.lmer("Yield ~ 1 + (1 | Batch)", Dyestuff2)
    assert m.theta[0] == 0.0
    assert mere.isSingular(m)
    assert m.optinfo.boundary == (0,)
    close = mere.lm("Yield ~ 1", Dyestuff2)
    np.testing.assert_allclose(mere.fixef(m)["(Intercept)"], mere.coef(close)["(Intercept)"], rtol=1e-12)
    np.testing.assert_allclose(mere.sigma(m), mere.sigma(close), rtol=1e-12)
    assert (mere.ranef(m)["Batch"].to_numpy() == 0).all()


def test_reml_of_a_balanced_one_way_layout_is_the_anova_estimate():
    d = data(n_groups=10, each=6, sd=2.0)
    m = mere.lmer("y ~ 1 + (1 | g)", d)
    groups = d.groupby("g").y
    msb = 6 * groups.mean().var()
    msw = groups.var().mean()
    table = mere.VarCorr(m).to_frame()
    np.testing.assert_allclose(table.vcov.iloc[0], (msb - msw) / 6, rtol=1e-6)
    np.testing.assert_allclose(table.vcov.iloc[1], msw, rtol=1e-6)


def test_no_fixed_effects():
    m = mere.lmer("y ~ 0 + (1 | g)", data())
    assert len(mere.fixef(m)) == 0
    assert mere.vcov(m).shape == (0, 0)
    assert "Fixed" in str(mere.summary(m)) or str(mere.summary(m))


def test_ml_and_reml_agree_without_fixed_effects():
    a, b = mere.lmer("y ~ 0 + (1 | g)", data()), mere.lmer("y ~ 0 + (1 | g)", data(), REML=False)
    assert abs(a.criterion - b.criterion) < 1e-10


def test_some_groups_of_one_row():
    d = data(n_groups=6, each=4)
    d["g"] = np.where(np.arange(len(d)) < 3, [f"single{i}" for i in range(len(d))], d.g)
    m = mere.lmer("y ~ x + (1 | g)", d)
    assert mere.ngrps(m)["g"] == 9 or mere.ngrps(m)["g"] == d.g.nunique()
    assert np.isfinite(m.criterion)


def test_an_offset_and_a_shift_are_the_same():
    d = data()
    m = mere.lmer("y ~ x + (1 | g)", d)
    other = mere.lmer("y ~ x + (1 | g)", d.assign(y=d.y + 10 * d.x), offset=10 * d.x.to_numpy())
    assert abs(m.criterion - other.criterion) < 1e-9
    np.testing.assert_allclose(mere.fixef(other), mere.fixef(m), rtol=1e-8)
    np.testing.assert_allclose(mere.fitted(other), mere.fitted(m) + 10 * d.x, rtol=1e-9)


REFUSED = {
    "no random effects": ("y ~ x", {}, "No random effects"),
    "one group": ("y ~ x + (1 | one)", {}, "> 1 sampled level"),
    "a group for each row": ("y ~ x + (1 | each)", {}, "must be < number of observations"),
    "slopes for each pair of rows": ("y ~ x + (x | pairs)", {}, "number of random effects"),
    "constant response": ("one_ ~ x + (1 | g)", {}, "constant"),
    "two responses": ("cbind(y, x) ~ 1 + (1 | g)", {}, "one response"),
    "start of a wrong length": ("y ~ x + (1 | g)", {"start": [1.0, 2.0]}, "start must have 1"),
    "start of another kind": ("y ~ x + (1 | g)", {"start": "abc"}, "start must be numbers"),
    "start with a wrong name": ("y ~ x + (1 | g)", {"start": {"thata": [1.0]}}, "thata"),
    "weights of a wrong length": ("y ~ x + (1 | g)", {"weights": [1.0, 2.0]}, "weights"),
    "negative weights": ("y ~ x + (1 | g)", {"weights": -np.ones(40)}, "weights"),
    "unknown column": ("y ~ xx + (1 | g)", {}, "xx"),
    "unknown group": ("y ~ x + (1 | gg)", {}, "gg"),
    "infinite response": ("I(y / 0) ~ x + (1 | g)", {}, "infinite"),
    "infinite predictor": ("y ~ I(1 / (x - x)) + (1 | g)", {}, "infinite"),
    "infinite slope": ("y ~ x + (1 + I(1 / (x - x)) | g)", {}, "infinite|finite"),
    "empty subset": ("y ~ x + (1 | g)", {"subset": "x > 1e9"}, "row"),
    "unknown na_action": ("y ~ x + (1 | g)", {"na_action": "drop"}, "na_action"),
    "not a formula": ("y + x", {}, "response|~"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_named(case):
    formula, arguments, words = REFUSED[case]
    d = data().assign(one="a", each=[str(i) for i in range(40)], pairs=[str(i // 2) for i in range(40)], one_=1.0)
    with np.errstate(all="ignore"), pytest.raises(MereError, match=words):
        mere.lmer(formula, d, **arguments)


def test_a_perfect_fit_is_an_error_with_a_reason():
    d = data()
    d["exact"] = 1 + 2 * d.x + d.g.astype(float)
    with pytest.raises(ConvergenceError, match="perfectly"):
        mere.lmer("exact ~ x + (1 | g)", d)


def test_checks_can_be_switched_off():
    d = data().assign(each=[str(i) for i in range(40)])
    with pytest.raises(MereError):
        mere.lmer("y ~ x + (1 | each)", d)
    control = mere.lmerControl(check_nobs_vs_nlev="warning")
    with pytest.warns(UserWarning, match="must be < number"):
        mere.lmer("y ~ x + (1 | each)", d, control=control)
    with pytest.raises(ValueError, match="check_nobs_vs_nlevel"):
        mere.lmerControl(check_nobs_vs_nlevel="stop")
    with pytest.raises(ValueError, match="check_nlev_gtr_1='error'"):
        mere.lmerControl(check_nlev_gtr_1="error")


def test_nearly_aliased_and_far_columns():
    """A slope over years near 2000 and a huge response mean: the fit equals that of the centred columns."""
    d = data(n_groups=12, each=8)
    d["year"] = 1990 + np.tile(np.arange(8.0), 12)
    far = mere.lmer("y ~ year + (1 | g)", d)
    near = mere.lmer("y ~ I(year - 1993) + (1 | g)", d)
    assert abs(far.criterion - near.criterion) < 1e-7
    np.testing.assert_allclose(mere.fixef(far).iloc[1], mere.fixef(near).iloc[1], rtol=1e-8)


def test_reml_equals_ml_in_the_limit_of_known_means():
    """The REML criterion of a model without fixed effects is its -2 log likelihood."""
    m = mere.lmer(FORMULA_ZERO, sleepstudy.assign(centred=sleepstudy.Reaction - 298.5))
    assert (
        abs(
            m.criterion
            - mere.lmer(FORMULA_ZERO, sleepstudy.assign(centred=sleepstudy.Reaction - 298.5), REML=False).criterion
        )
        < 1e-9
    )


FORMULA_ZERO = "centred ~ 0 + (Days | Subject)"
