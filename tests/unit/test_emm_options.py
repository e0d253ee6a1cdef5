"""Defaults of marginal means that a script chooses: R's tables, arguments first, nothing left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mere
from mere import contrast, emm_options, emmeans, get_emm_option, pairs, ref_grid, summary, with_emm_options
from mere.datasets import sleepstudy, warpbreaks

# emmeans 1.8.4: emm_options(contrast = list(infer = c(TRUE, TRUE)), emmeans = list(level = .9))
# emmeans(m, pairwise ~ tension)
PAIRS = """ contrast estimate   SE df lower.CL upper.CL t.ratio p.value
 L - M       10.00 3.96 51     1.69     18.3   2.525  0.0385
 L - H       14.72 3.96 51     6.41     23.0   3.718  0.0014
 M - H        4.72 3.96 51    -3.59     13.0   1.192  0.4631

Confidence level used: 0.9
Conf-level adjustment: tukey method for comparing a family of 3 estimates
P value adjustment: tukey method for comparing a family of 3 estimates"""
# emm_options(contrast = list(adjust = "none", infer = c(TRUE, FALSE))); pairs(emmeans(m, "tension"))
UNADJUSTED = """ contrast estimate   SE df lower.CL upper.CL
 L - M       10.00 3.96 51     2.05     18.0
 L - H       14.72 3.96 51     6.77     22.7
 M - H        4.72 3.96 51    -3.23     12.7

Confidence level used: 0.95"""
# emm_options(emmeans = list(level = .9, infer = c(TRUE, TRUE)), summary = list(level = .8)): R lets `summary` win
MEANS = """ tension emmean  SE df lower.CL upper.CL t.ratio p.value
 L         36.4 2.8 51     32.8     40.0  12.995  <.0001
 M         26.4 2.8 51     22.8     30.0   9.424  <.0001
 H         21.7 2.8 51     18.0     25.3   7.737  <.0001

Confidence level used: 0.8"""


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    with with_emm_options():
        yield


@pytest.fixture(scope="module")
def m() -> Any:
    return mere.lm("breaks ~ tension", warpbreaks)


def _lines(x: Any) -> list[str]:
    return [line.rstrip() for line in str(x).rstrip().splitlines()]


def test_the_tables_are_those_of_r(m: Any) -> None:
    with with_emm_options(contrast={"infer": (True, True)}, emmeans={"level": 0.9}):
        assert _lines(emmeans(m, "pairwise ~ tension").contrasts) == PAIRS.splitlines()
    with with_emm_options(contrast={"adjust": "none", "infer": (True, False)}):
        assert _lines(pairs(emmeans(m, "tension"))) == UNADJUSTED.splitlines()
    with with_emm_options(emmeans={"infer": (True, True)}, summary={"level": 0.8}):
        assert _lines(emmeans(m, "tension")) == MEANS.splitlines()


def test_contrasts_have_defaults_of_their_own(m: Any) -> None:
    emm_options(contrast={"level": 0.8, "infer": (True, False)}, emmeans={"level": 0.9})
    both = emmeans(m, "pairwise ~ tension", adjust="none")
    assert "Confidence level used: 0.9" in str(both.emmeans)
    assert "Confidence level used: 0.8" in str(both.contrasts)
    np.testing.assert_allclose(both.contrasts.to_frame()["lower.CL"].round(2), [4.86, 9.58, -0.42])  # R
    assert "Confidence level used: 0.6" in str(emmeans(m, "pairwise ~ tension", level=0.6).contrasts)
    fiber = mere.lm("strength ~ diameter * machine", mere.datasets.fiber)
    trends = mere.emtrends(fiber, "pairwise ~ machine", var="diameter")
    assert [part.about.level for part in trends.values()] == [0.9, 0.8]


def test_arguments_come_first(m: Any) -> None:
    emm_options(contrast={"adjust": "none"}, summary={"level": 0.8})
    plain = {"adjust": "bonferroni", "level": 0.99, "infer": (True, True)}
    chosen = pairs(emmeans(m, "tension", level=0.7), **plain).to_frame()
    assert emmeans(m, "tension", level=0.7).about.level == 0.7
    assert "Confidence level used: 0.6" in str(summary(emmeans(m, "tension"), level=0.6))
    emm_options(contrast=None, summary=None)
    pd.testing.assert_frame_equal(pairs(emmeans(m, "tension"), **plain).to_frame(), chosen)


def test_a_grid_keeps_the_defaults_it_was_made_with(m: Any) -> None:
    with with_emm_options(summary={"level": 0.8}, contrast={"adjust": "none"}):
        means = emmeans(m, "tension")
    before = emmeans(m, "tension")
    text, unadjusted = str(before), str(contrast(before, "pairwise"))
    assert "Confidence level used: 0.8" in str(means)
    assert "P value adjustment" not in str(pairs(means))
    emm_options(summary={"level": 0.6}, contrast={"adjust": "none"})
    assert str(before) == text
    assert str(contrast(before, "pairwise")) == unadjusted


def test_degrees_of_freedom_of_mixed_models() -> None:
    short = sleepstudy.iloc[:150].assign(late=lambda d: np.where(d["Days"] > 4, "yes", "no"))
    model = mere.lmer("Reaction ~ late + (Days | Subject)", short)
    for method in ("satterthwaite", "asymptotic", "kenward-roger"):
        with with_emm_options(lmer_df=method):
            chosen = emmeans(model, "late").to_frame()
            trend = mere.joint_tests(model).to_frame()
        pd.testing.assert_frame_equal(chosen, emmeans(model, "late", lmer_df=method).to_frame())
        pd.testing.assert_frame_equal(trend, mere.joint_tests(model, lmer_df=method).to_frame())
    with with_emm_options(lmer_df="asymptotic"):
        assert np.isinf(emmeans(model, "late").to_frame()["df"]).all()
        assert np.isfinite(emmeans(model, "late", lmer_df="satterthwaite").to_frame()["df"]).all()


def test_options_of_the_grid() -> None:
    data = warpbreaks.assign(z=np.tile([1.0, 2.0, 3.0], 18))
    model = mere.lm("breaks ~ tension + z", data)
    assert len(ref_grid(model)) == 3
    with with_emm_options(cov_keep=("3",)):
        assert len(ref_grid(model)) == 9
        assert len(ref_grid(model, cov_keep=())) == 3
    with with_emm_options(rg_limit=2), pytest.raises(mere.errors.MereError, match="2"):
        ref_grid(model)
    with with_emm_options(ref_grid={"infer": (True, False), "level": 0.5}):
        assert "Confidence level used: 0.5" in str(ref_grid(model))
    logged = mere.lm("log(breaks) ~ tension", warpbreaks)
    exact = emmeans(logged, "tension", type="response", bias_adjust=True).to_frame()
    with with_emm_options(back_bias_adj=True):
        pd.testing.assert_frame_equal(emmeans(logged, "tension", type="response").to_frame(), exact)
    two = emmeans(mere.lm("breaks ~ wool * tension", warpbreaks), ["wool", "tension"])
    with with_emm_options(contrast={"adjust": "none"}, back_bias_adj=True):
        again = emmeans(mere.lm("breaks ~ wool * tension", warpbreaks), ["wool", "tension"])
        made = contrast(again, interaction="pairwise").to_frame()
    pd.testing.assert_frame_equal(made, contrast(two, interaction="pairwise").to_frame())


def test_blocks_and_threads_have_their_own(m: Any) -> None:
    emm_options(rg_limit=77)
    seen: list[Any] = []
    thread = threading.Thread(target=lambda: seen.append(get_emm_option("rg_limit")))
    thread.start()
    thread.join()
    assert seen == [10_000]
    with pytest.raises(mere.errors.MereKeyError), with_emm_options(rg_limit=5, lmer_df="asymptotic"):
        get_emm_option("nothing of the kind")
    assert (get_emm_option("rg_limit"), get_emm_option("lmer_df")) == (77, "kenward-roger")
    assert emm_options(rg_limit=None)["rg_limit"] == 10_000


def test_wrong_options_are_named() -> None:
    with pytest.raises(mere.errors.MereKeyError, match=r"no option 'lmer\.df'.*lmer_df"):
        emm_options(**{"lmer.df": "satterthwaite"})
    with pytest.raises(mere.errors.MereKeyError, match="no option 'foo'"):
        get_emm_option("foo")
    with pytest.raises(mere.errors.MereKeyError, match="emmeans has no default 'adjust'"):
        emm_options(emmeans={"adjust": "none"})
    with pytest.raises(mere.errors.MereTypeError, match="summary must be a mapping"), with_emm_options(summary=0.9):
        pass
