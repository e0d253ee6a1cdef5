"""Summaries of simulated coefficients: R's numbers and text for the same draws, the right distribution for our own."""

from __future__ import annotations

import json
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import mere
from mere import as_mcmc, confint, contrast, emmeans, hpd_summary, pairs, ref_grid, regrid, summary
from mere.datasets import cbpp, pigs, warpbreaks
from mere.margins.draws import hpd_intervals, normal_draws

GOLDEN = json.loads((Path(__file__).parents[2] / "fixtures" / "draws.json").read_text())


def _fixed(name: str) -> dict[str, Any]:
    draws = np.array(GOLDEN["draws"][name])
    return {"N_sim": len(draws), "sim": lambda n, mean, V: draws}


@pytest.fixture(scope="module")
def pigs_lm() -> Any:
    return mere.lm("log(conc) ~ source + factor(percent)", pigs)


@pytest.fixture(scope="module")
def cbpp_glmer() -> Any:
    return mere.glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, "binomial")


@pytest.fixture(scope="module")
def tables(pigs_lm: Any, cbpp_glmer: Any) -> dict[str, Any]:
    warp = mere.glm("breaks ~ wool + tension", data=warpbreaks, family="poisson")
    response = regrid(ref_grid(pigs_lm), **_fixed("pigs"))
    source = emmeans(response, "source")
    on_log = regrid(emmeans(pigs_lm, "source"), "log", **_fixed("pigs"))
    same = regrid(ref_grid(pigs_lm), "none", **_fixed("pigs"))
    by_response = regrid(ref_grid(warp), **_fixed("warp"))
    by_wool = emmeans(by_response, "~ tension | wool")
    prob = regrid(ref_grid(cbpp_glmer), **_fixed("cbpp"))
    prob_log = regrid(ref_grid(cbpp_glmer), "log", **_fixed("cbpp"))
    return {
        "grid": summary(response),
        "means": summary(source),
        "means_of_draws": summary(source, point_est="mean"),
        "ninety": confint(source, level=0.9),
        "half": hpd_summary(source, prob=0.5),
        "pairs": summary(pairs(source)),
        "equivalence": summary(source, delta=30),
        "effects": summary(contrast(source, "eff")),
        "log_ratios": summary(pairs(on_log), type="response"),
        "log_means": summary(on_log),
        "log_differences": summary(pairs(on_log)),
        "same_scale": summary(emmeans(same, "source")),
        "same_scale_back": summary(emmeans(same, "source"), type="response"),
        "twice": summary(pairs(regrid(source, "log")), type="response"),
        "by_wool": summary(by_wool),
        "by_none": summary(by_wool, by=None),
        "pairs_by_wool": summary(pairs(by_wool)),
        "overall": summary(emmeans(by_response, "1")),
        "prob": summary(prob),
        "prob_pairs": summary(pairs(prob)),
        "risk_ratios": summary(pairs(prob_log), type="response"),
        "bias": summary(regrid(ref_grid(cbpp_glmer), bias_adjust=True, sigma=0.6, **_fixed("cbpp"))),
    }


@pytest.mark.parametrize("case", GOLDEN["cases"])
def test_the_table_is_that_of_r(case: str, tables: dict[str, Any]) -> None:
    theirs, ours = GOLDEN["cases"][case], tables[case]
    rtol = 1e-8 if case == "bias" else 1e-9  # R's second derivative is a difference
    assert list(ours.columns) == theirs["columns"]
    for name, values in theirs["values"].items():
        values = values if isinstance(values, list) else [values]
        if isinstance(values[0], str):
            assert [str(v) for v in ours.table[name]] == values
        else:
            np.testing.assert_allclose(ours.table[name].astype(float), values, rtol=rtol, atol=1e-12)
    assert [line.rstrip() for line in str(ours).splitlines() if line.strip()] == [
        line.rstrip() for line in theirs["text"].splitlines() if line.strip()
    ]


def test_the_draws_are_named_as_in_r(pigs_lm: Any) -> None:
    theirs = GOLDEN["mcmc"]
    response = regrid(ref_grid(pigs_lm), **_fixed("pigs"))
    assert list(as_mcmc(response).columns) == theirs["names"]
    assert list(as_mcmc(response, names=False).columns) == theirs["plain"]
    np.testing.assert_allclose(as_mcmc(emmeans(response, "source")), theirs["values"], rtol=1e-12)
    warp = mere.glm("breaks ~ wool + tension", data=warpbreaks, family="poisson")
    by_wool = emmeans(warp, "~ tension | wool", regrid="response", **_fixed("warp"))
    assert list(as_mcmc(pairs(by_wool)).columns) == theirs["by"]


def test_medians_and_intervals_are_those_of_a_large_sample_of_r(cbpp_glmer: Any) -> None:
    large = GOLDEN["large"]
    table = pairs(regrid(ref_grid(cbpp_glmer), N_sim=large["n"], seed=1)).to_frame()
    sd, n = np.array(large["sd"]), large["n"]
    # standard error of the difference of two medians; ends of HPD intervals vary about as n^(-1/3)
    np.testing.assert_array_less(
        np.abs(table["estimate"] - large["table"]["estimate"]), 4 * 1.2533 * sd * np.sqrt(2 / n)
    )
    for end in ("lower.HPD", "upper.HPD"):
        np.testing.assert_array_less(np.abs(table[end] - large["table"][end]), 4 * sd * n ** (-1 / 3))


def test_a_linear_function_has_the_distribution_of_the_delta_method(pigs_lm: Any) -> None:
    n = 100_000
    means = emmeans(pigs_lm, "source", regrid="none", N_sim=n, seed=3)
    draws, exact = as_mcmc(means), summary(means, frequentist=True).table
    se, value = exact["SE"].to_numpy(), exact["emmean"].to_numpy()
    V = mere.vcov(emmeans(pigs_lm, "source")).to_numpy()
    np.testing.assert_array_less(np.abs(draws.mean() - value), 4 * se / np.sqrt(n))
    np.testing.assert_array_less(np.abs(np.cov(draws.T.to_numpy()) - V), 5 * np.outer(se, se) * np.sqrt(2 / n))
    for k in range(3):
        assert stats.kstest((draws.iloc[:, k] - value[k]) / se[k], "norm").pvalue > 1e-3
    table = summary(means).table
    np.testing.assert_array_less(np.abs(table["emmean"] - value), 4 * 1.2533 * se / np.sqrt(n))
    z = stats.norm.ppf(0.975)
    np.testing.assert_allclose(table["upper.HPD"] - table["lower.HPD"], 2 * z * se, rtol=0.01)


def test_medians_of_a_monotone_transform_are_transformed_medians(pigs_lm: Any) -> None:
    link = summary(regrid(ref_grid(pigs_lm), "none", N_sim=501, seed=5)).table["prediction"]
    response = summary(regrid(ref_grid(pigs_lm), N_sim=501, seed=5)).table["response"]
    np.testing.assert_allclose(response, np.exp(link), rtol=1e-12)


def test_one_seed_one_answer(pigs_lm: Any) -> None:
    first, again, other = (
        emmeans(pigs_lm, "source", regrid="response", N_sim=200, seed=seed).to_frame() for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first, again)
    assert not np.allclose(first["response"], other["response"], rtol=1e-9)
    parts = regrid(emmeans(pigs_lm, "pairwise ~ source"), "none", N_sim=50, seed=np.random.default_rng(1))
    means, contrasts = as_mcmc(parts.emmeans).to_numpy(), as_mcmc(parts.contrasts).to_numpy()
    np.testing.assert_allclose(contrasts[:, 0], means[:, 0] - means[:, 1], rtol=1e-10)


def test_draws_stay_with_what_is_made_of_the_grid(pigs_lm: Any) -> None:
    response = regrid(ref_grid(pigs_lm), N_sim=300, seed=1)
    means = emmeans(response, "pairwise ~ source")
    for grid in (means.emmeans, means.contrasts, means.emmeans[:2], mere.rbind(means.emmeans, means.contrasts)):
        assert list(grid.to_frame().columns[-2:]) == ["lower.HPD", "upper.HPD"]
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(means.emmeans)).to_frame(), means.emmeans.to_frame())
    assert "lower.CL" in summary(means.emmeans, frequentist=True).columns
    assert "t.ratio" in mere.test(means.contrasts).columns
    frame = mere.emmip(response, "~ source", CIs=True, plotit=False)
    np.testing.assert_allclose(frame["LCL"], means.emmeans.to_frame()["lower.HPD"])
    again = regrid(means.emmeans, "none", N_sim=10, seed=9)  # those it has stay
    assert len(as_mcmc(again)) == 300


def test_the_overall_mean_is_not_warned_about(pigs_lm: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        emmeans(pigs_lm, "1")
    with pytest.warns(mere.errors.MarginsMessage, match="interactions"):
        emmeans(mere.lm("breaks ~ wool * tension", warpbreaks), "wool")


def test_rows_that_cannot_be_estimated() -> None:
    data = warpbreaks[~((warpbreaks["wool"] == "A") & (warpbreaks["tension"] == "L"))]
    grid = regrid(ref_grid(mere.lm("breaks ~ wool * tension", data), nesting=False), "none", N_sim=100, seed=1)
    table = summary(grid).table
    assert table.iloc[0][["prediction", "lower.HPD", "upper.HPD"]].isna().all()
    assert table.iloc[1:].notna().all().all()
    assert as_mcmc(grid).shape == (100, 5)
    assert "nonEst" in str(grid)


@pytest.mark.parametrize("prob", [0.05, 0.5, 0.9, 0.95, 0.99])
def test_hpd_intervals_are_the_shortest(prob: float) -> None:
    draws = np.random.default_rng(4).gamma(2.0, size=(300, 3))
    low, high = hpd_intervals(draws, prob)
    gap = round(300 * prob)
    for k in range(3):
        ordered = np.sort(draws[:, k])
        assert ((draws[:, k] >= low[k]) & (draws[:, k] <= high[k])).sum() == gap + 1
        assert high[k] - low[k] == min(ordered[i + gap] - ordered[i] for i in range(300 - gap))


def test_singular_covariances_are_drawn_from() -> None:
    root = np.array([[1.0, 2.0, 3.0]])
    draws = normal_draws(2000, np.zeros(3), root.T @ root, seed=1)
    np.testing.assert_allclose(draws[:, 1], 2 * draws[:, 0], atol=1e-6)
    np.testing.assert_allclose(draws[:, 0].std(), 1.0, rtol=0.08)


def test_wrong_arguments_are_named(pigs_lm: Any) -> None:
    grid = ref_grid(pigs_lm)
    value, kind = mere.errors.MereValueError, mere.errors.MereTypeError
    for wrong in (1, 0, -3, 2.5, True, "many"):
        with pytest.raises(value, match="N_sim must be a whole number"):
            regrid(grid, N_sim=wrong)
    with pytest.raises(value, match=r"shape \(5, 6\), not \(6, 5\)"):
        regrid(grid, N_sim=5, sim=lambda n, mean, V: np.zeros((len(mean), n)))
    with pytest.raises(value, match="not finite"):
        regrid(grid, N_sim=5, sim=lambda n, mean, V: np.full((n, len(mean)), np.inf))
    with pytest.raises(kind, match="sim must be a function"):
        regrid(grid, N_sim=5, sim="rmvnorm")
    with pytest.raises(value, match="N_sim= is about draws"):
        emmeans(pigs_lm, "source", N_sim=10)
    with pytest.raises(value, match="counterfactuals"):
        emmeans(pigs_lm, "source", regrid="response", counterfactuals="source", N_sim=10)
    with pytest.raises(value, match="have no draws"):
        hpd_summary(grid)
    with pytest.raises(value, match="have no draws"):
        as_mcmc(grid)
    with pytest.raises(value, match="point_est"):
        summary(regrid(grid, N_sim=10, seed=1), point_est="mode")
    with pytest.raises(value, match="point_est is for"):
        summary(grid, point_est="mean")
    with pytest.raises(kind, match="'colour'"):
        summary(regrid(grid, N_sim=10, seed=1), colour="red")
    plain = mere.lm("conc ~ source", pigs)
    with pytest.raises(value, match="of 500 draws have no log"):
        regrid(
            emmeans(plain, "source"),
            "log",
            N_sim=500,
            seed=1,
            sim=lambda n, mean, V: mean * np.linspace(-1, 3, n)[:, None],
        )
    with pytest.warns(mere.errors.MarginsMessage, match="adjust= does not apply to draws"):
        summary(regrid(grid, N_sim=10, seed=1), adjust="tukey")
