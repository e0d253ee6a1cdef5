"""`tidy`, `glance`, `augment` against R's broom and broom.mixed (fixtures/tidy.json, r_parity/tidy.R)."""

from __future__ import annotations

import functools
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mere

from .goldens import FIXTURES, table

GOLD = json.loads((FIXTURES / "tidy.json").read_text(encoding="utf-8"))
CALLS = {
    "tidy": lambda m: mere.tidy(m),
    "glance": lambda m: mere.glance(m),
    "limits": lambda m: mere.tidy(m, effects="fixed", conf_int=True, conf_level=0.9),
    "modes": lambda m: mere.tidy(m, effects="ran_vals", conf_int=True),
    "variances": lambda m: mere.tidy(m, effects="ran_pars", scales="vcov"),
    "profile": lambda m: mere.tidy(m, effects="ran_pars", conf_int=True, conf_method="profile"),
    "coefs": lambda m: mere.tidy(m, effects="ran_coefs"),
    "ratios": lambda m: mere.tidy(m, exponentiate=True, **({"effects": "fixed"} if hasattr(m, "theta") else {})),
    "augment": lambda m: mere.augment(m),
}


@functools.cache
def fit(name: str) -> Any:
    case = GOLD["cases"][name]
    family = {"glmer": {"family": "binomial"}, "glm": {"family": "poisson"}}.get(case["function"], {})
    more = {} if case["REML"] else {"REML": False}
    return getattr(mere, case["function"])(case["formula"], table(case["data"]), **family, **more)


def label(value: Any) -> str:
    """R's ``b:a`` of nested factors is the other way round in lme4 2.x, which mere follows."""
    return "" if value is None or value != value else ":".join(sorted(str(value).split(":")))


@pytest.mark.parametrize(("name", "what"), [(n, w) for n, c in GOLD["cases"].items() for w in c["tables"]])
def test_table(name, what):
    want = pd.DataFrame(GOLD["cases"][name]["tables"][what])
    found = CALLS[what](fit(name))
    other = {".hat", ".cooksd", ".eta"} if name == "cbpp" else set()  # R's hat values of a GLMM are of another matrix
    if (name, what) == ("glm", "ratios"):
        other = {"std.error"}  # broom leaves them on the log scale, broom.mixed does not
    if what == "augment":
        found = found.head(len(want))
    else:
        keys = [c for c in ("effect", "group", "level", "term") if c in want]
        if keys:
            ours, theirs = (
                [tuple(label(v) for v in row) for row in t[keys].itertuples(index=False)] for t in (found, want)
            )
            assert sorted(ours) == sorted(theirs)
            found = found.iloc[[ours.index(t) for t in theirs]]
    missing = [c for c in want.columns if c not in found and c not in other]
    assert not missing
    for column in want.columns:
        if column in other or not pd.api.types.is_numeric_dtype(want[column].dtype):
            continue
        wanted = want[column].to_numpy(dtype=float)
        scale = np.nanmax(np.abs(wanted), initial=1e-300)
        np.testing.assert_allclose(
            found[column].to_numpy(dtype=float), wanted, rtol=0, atol=GOLD["tolerance"]["value"] * scale, err_msg=column
        )


def test_other_rows():
    m = fit("sleep")
    new = pd.DataFrame({"Days": [1.0, 2.0], "Subject": ["308", "309"]})
    assert mere.augment(m, new)[".fitted"].to_numpy() == pytest.approx(mere.predict(m, new).to_numpy())
    with_errors = mere.augment(m, new, se_fit=True)
    assert (with_errors[".se.fit"] > 0).all()
    assert list(mere.augment(fit("lm"), table("warpbreaks").head(2), interval="confidence").columns[-2:]) == [
        ".lower", ".upper",
    ]  # fmt: skip


def test_robust_errors_and_other_methods():
    m = fit("sleep")
    assert mere.tidy(m, effects="fixed", ddf="Kenward-Roger")["df"].to_list() == pytest.approx([17.0, 17.0], rel=1e-6)
    robust = mere.tidy(m, effects="fixed", vcov="CR2")
    assert robust["std.error"].to_list() == pytest.approx(
        mere.summary(m, vcov="CR2").coefficients["Std. Error"].to_list()
    )
    rows = mere.tidy(m, conf_int=True, conf_method="boot", nsim=60, seed=1)
    assert (rows["conf.low"] < rows["estimate"]).all()
    lm = mere.tidy(fit("lm"), conf_int=True, vcov="HC3")
    assert (lm["conf.high"] - lm["conf.low"]).to_numpy() == pytest.approx(
        np.diff(mere.confint(fit("lm"), vcov="HC3").to_numpy(), axis=1).ravel()
    )


def test_missing_rows_and_weights():
    d = table("warpbreaks").assign(w=np.linspace(1, 2, 54))
    d.loc[3, "breaks"] = np.nan
    for m in (mere.lm("breaks ~ tension", d, weights="w"), mere.lmer("breaks ~ tension + (1 | wool)", d, weights="w")):
        found = mere.augment(m)
        assert len(found) == 53
        assert found[".resid"].notna().all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: mere.tidy(m, effects="random"), "effects must be of"),
        (lambda m: mere.tidy(m, scales="sd"), "scales must be"),
        (lambda m: mere.augment(m, se_fit=True), "give newdata="),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call(fit("sleep"))
