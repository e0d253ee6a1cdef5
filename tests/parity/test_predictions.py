"""Predictions against lme4's (r_parity/predictions.R)."""

import functools
import warnings

import numpy as np
import pandas as pd
import pytest

import mere
from mere import families

from .goldens import array, golden, table

CASES = {case["id"]: case for case in golden("whatif", "predictions")["cases"]}
RE_FORM = {"all": None, "none": False}


@pytest.mark.parametrize("name", CASES)
def test_prediction(name):
    case = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m = mere.lmer(case["formula"], table(case["data"]))
    new = pd.DataFrame(case["newdata"])
    re_form = RE_FORM.get(case["re_form"], case["re_form"])
    got = mere.predict(m, new, re_form=re_form, se_fit="se" in case, **case["mere"])
    fit = got.fit if "se" in case else got
    want = array(case["fit"])
    np.testing.assert_allclose(fit, want, rtol=case["tolerance"], atol=case["tolerance"] * np.nanmax(np.abs(want)))
    if "se" in case:
        np.testing.assert_allclose(got.se_fit, array(case["se"]), rtol=1e-5)


THETA = {case["id"]: case for case in golden("whatif", "theta_se")["cases"]}


@pytest.mark.parametrize("name", THETA)
def test_uncertainty_of_theta_as_glmmTMB_has_it(name):
    case = THETA[name]
    m = mere.lmer(case["formula"], table(case["data"]), REML=False)
    got = mere.predict(m, case["new"], se_fit=True, theta=True)
    np.testing.assert_allclose(got.fit, case["fit"], rtol=1e-6)
    np.testing.assert_allclose(got.se_fit, case["se"], rtol=case["tolerance"])


MORE = {case["id"]: case for case in golden("whatif", "more_predictions")["cases"]}


@functools.cache
def fitted_model(formula, data, family):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if family is None:
            return mere.lmer(formula, table(data))
        name, _, link = family.partition("(")
        return mere.glmer(formula, table(data), getattr(families, name)(*([link.strip('")')] if link else [])))


@pytest.mark.parametrize("name", MORE)
def test_scales_parts_and_unknown_levels(name):
    case = MORE[name]
    m = fitted_model(case["formula"], case["data"], case["family"])
    re_form = RE_FORM.get(case["re_form"], case["re_form"])
    options = {"re_form": re_form, "type": case["type"], "allow_new_levels": case["allow_new_levels"]}
    got, want = mere.predict(m, pd.DataFrame(case["newdata"]), **options), array(case["fit"])
    np.testing.assert_allclose(got, want, rtol=case["tolerance"], atol=case["tolerance"] * np.abs(want).max())
