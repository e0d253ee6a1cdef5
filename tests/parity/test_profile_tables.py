"""Profiles point by point against lme4 (r_parity/profile_tables.R)."""

import warnings

import numpy as np
import pytest

import mere

from .goldens import array, golden, table

CASES = {case["call"]: case for case in golden("whatif", "profile_tables")["cases"]}


@pytest.mark.parametrize("call", CASES)
def test_zeta_where_lme4_has_it(call):
    case = CASES[call]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mere.errors.SingularFitMessage)
        if case["family"] is None:
            m = mere.lmer(case["formula"], table(case["data"]), REML=False)
        else:
            m = mere.glmer(case["formula"], table(case["data"]), case["family"])
    profile = mere.profile(m, alphamax=1e-3)
    got = np.array([profile[par](value)[0] for par, value in zip(case["par"], case["value"], strict=True)])
    want = array(case["zeta"])
    assert len(got) >= 6 * len(profile.tables)
    assert (np.sign(got) == np.sign(want)).all()
    excess = want**2 - got**2  # of lme4's minimizations, which may stop early; ours may not
    assert excess.max() < case["tolerance"], excess
    assert excess.min() > -5e-3, excess
