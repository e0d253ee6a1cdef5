"""Calls of published R scripts, ported line by line (fixtures/ported_scripts.json, r_parity/ported_scripts.R)."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mere import (
    GHrule,
    anova,
    contest,
    contrast,
    drop1,
    emmeans,
    glm,
    joint_tests,
    lm,
    lmer,
    logLik,
    ls_means,
    model2restriction_matrix,
    pairs,
    restriction_matrix2model,
    rstandard,
    show_tests,
    summary,
    update,
)
from mere.datasets import cake, pigs, sleepstudy, warpbreaks

from .goldens import FIXTURES

GOLD = json.loads((FIXTURES / "ported_scripts.json").read_text(encoding="utf-8"))


@functools.cache
def data(name: str) -> pd.DataFrame:
    frame = pd.DataFrame(GOLD["data"][name])
    for column in frame.columns:
        if frame[column].map(type).eq(str).all():
            frame[column] = pd.Categorical(frame[column])
    return frame


def warp() -> Any:
    return lm("breaks ~ wool * tension", warpbreaks)


def offset_of_means() -> dict[str, Any]:
    table = emmeans(warp(), "~ tension | wool", offset=[17, 23, 47]).to_frame()
    return {"emmean": table["emmean"], "SE": table["SE"]}


def interaction_coefficients() -> dict[str, Any]:
    cells = emmeans(warp(), "~ tension | wool")
    table = contrast(cells, interaction={"tension": "poly", "wool": "consec"}, by=None).coef()
    return {"c.1": table["c.1"], "c.2": table["c.2"]}


def sum_of_grids() -> dict[str, Any]:
    m = warp()
    both = pairs(emmeans(m, "~ wool | tension")) + pairs(emmeans(m, "~ tension | wool"))
    return {"fdr": update(both, adjust="fdr").to_frame()["p.value"], "none": both.to_frame()["p.value"]}


def weights_with_followed_covariate() -> dict[str, Any]:
    m = lm("mpg ~ poly(disp, degree = 2) * (factor(cyl) + factor(am))", data("mtcars"))
    return {
        kind: emmeans(m, "am", cov_reduce="disp ~ factor(cyl)", weights=kind).to_frame()["emmean"]
        for kind in ("prop", "outer")
    }


def joint_tests_weights() -> dict[str, Any]:
    m = lm("log(conc) ~ source * factor(percent)", pigs)
    return {kind: joint_tests(m, weights=kind).to_frame()["F.ratio"].round(3) for kind in ("outer", "equal")}


def plain() -> Any:
    return lm("log(conc) ~ source + factor(percent)", pigs)


def scheffe_rank() -> dict[str, Any]:
    steps = contrast(emmeans(plain(), "percent"), "consec")
    table = summary(steps, infer=True, adjust="scheffe", scheffe_rank=5).to_frame()
    return {"lower": table["lower.CL"], "p": table["p.value"]}


def regrid() -> dict[str, Any]:
    return {"response": emmeans(plain(), "source", regrid="response").to_frame()["response"]}


def calc() -> dict[str, Any]:
    table = summary(emmeans(plain(), "percent"), calc={"n": ".wgt."}).to_frame()
    assert list(table.columns)[2:5] == ["SE", "df", "n"]  # where R puts it
    return {"n": table["n"]}


def inverse() -> dict[str, Any]:
    m = lm("inverse(conc) ~ source + factor(percent)", pigs)
    return {"response": emmeans(m, "source", type="response").to_frame()["response"]}


def counterfactuals() -> dict[str, Any]:
    m = glm("Pain ~ Treatment + Sex + Age + Duration", family="binomial", data=data("neuralgia"))
    table = emmeans(m, "Treatment", counterfactuals="Treatment").to_frame()
    return {"prob": table["prob"], "SE": table["SE"]}


def meanint() -> dict[str, Any]:
    toy = {
        "treat": ["A"] * 4 + ["B"] * 6,
        "female": [1, 0, 0, 1, 0, 0, 0, 1, 1, 0],
        "resp": [17, 12, 14, 19, 28, 26, 26, 34, 33, 27],
    }
    tests = joint_tests(lm("resp ~ treat * female", toy), cov_keep=[], cov_reduce="meanint")
    return {"F": tests.to_frame()["F.ratio"].round(3)}  # as R keeps it


def two() -> Any:
    return lmer("Reaction ~ Days + I(Days^2) + (1 | Subject) + (0 + Days | Subject)", sleepstudy)


def contests_by_name() -> dict[str, Any]:
    L = {"First": np.eye(3)[2], "Second": np.eye(3)[1:]}
    table = contest(two(), L, joint=False, confint=False)
    assert list(table.index) == ["First", "Second.1", "Second.2"]
    assert set(contest(two(), L, collect=False)) == {"First", "Second"}
    return {"estimate": table["Estimate"], "df": table["df"]}


def contests_not_collected() -> dict[str, Any]:
    (table,) = contest(two(), np.eye(3)[1:], joint=False, collect=False)
    return {"estimate": table["Estimate"]}


def baked() -> Any:
    return lmer("angle ~ recipe * temp + (1 | recipe:replicate)", cake)


def functions_of_anova() -> dict[str, Any]:
    tests = show_tests(anova(baked()))
    shown = show_tests(anova(baked()), fractions=True, names=False)["temp"]
    assert shown.iloc[0].to_list() == ["0", "0", "0", "1", "1/3", "1/3"]
    return {"recipe": tests["recipe"].to_numpy().ravel(), "temp": tests["temp"].to_numpy().ravel()}


def functions_of_means() -> dict[str, Any]:
    means = ls_means(baked())
    assert means.to_frame()[["term", "levels"]].to_numpy().tolist()[1] == ["recipe", "B"]
    assert means.to_frame(add_levels=False).equals(means.table)
    return {"recipe": show_tests(means)["recipe"].to_numpy().ravel()}


def beet() -> Any:
    return lm("sugpct ~ block + sow + harvest", data("beets"))


def drop1_lm() -> dict[str, Any]:
    table = drop1(beet(), test="F").table
    assert list(drop1(beet()).table.columns) == ["Df", "Sum of Sq", "RSS", "AIC"]
    p = drop1(beet(), test="Chi").table["Pr(>Chi)"][1:]
    return {"RSS": table["RSS"], "AIC": table["AIC"], "F": table["F value"][1:], "p": p}


def restricted_lm() -> dict[str, Any]:
    m = beet()
    small = restriction_matrix2model(m, model2restriction_matrix(m, update(m, ". ~ . - harvest")))
    return {"logLik": [float(logLik(small))]}


def rstandard_() -> dict[str, Any]:
    heavy = lm("breaks ~ wool", warpbreaks, weights=np.arange(1.0, 55.0))
    counts = {name: glm("breaks ~ wool", warpbreaks, family=name) for name in ("poisson", "Gamma")}
    models = {"lm": heavy, "glm": counts["poisson"], "gamma": counts["Gamma"]}
    return {name: rstandard(m)[:9] for name, m in models.items()}


def ghrule() -> dict[str, Any]:
    rule = GHrule(7)
    return {"z": rule["z"] + 1, "w": rule["w"], "ldnorm": rule["ldnorm"]}


CALLS: dict[str, Callable[[], Mapping[str, Any]]] = {
    f.__name__.rstrip("_"): f
    for f in (
        offset_of_means, interaction_coefficients, sum_of_grids, weights_with_followed_covariate, joint_tests_weights,
        scheffe_rank, regrid, calc, inverse, counterfactuals, meanint, contests_by_name, contests_not_collected,
        functions_of_anova, functions_of_means, drop1_lm, restricted_lm, rstandard_, ghrule,
    )
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(GOLD["cases"]))
def test_call(name: str) -> None:
    gold = GOLD["cases"][name]
    ours = CALLS[name]()
    assert set(ours) == set(gold)
    for key, values in gold.items():
        np.testing.assert_allclose(
            np.asarray(ours[key], dtype=float), values, rtol=GOLD["tolerance"]["value"], atol=1e-12, err_msg=key
        )


def test_all_calls_have_goldens() -> None:
    assert set(CALLS) == set(GOLD["cases"])
