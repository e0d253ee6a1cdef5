"""Tables of emmeans against R (fixtures/emmeans, r_parity/emmeans.R): numbers, labels, notes, printed text."""

from __future__ import annotations

import functools
import json
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mere
from mere.margins import EmmList, JointTests

from ..texts import assert_same_text
from .goldens import FIXTURES, array, golden, names, table

CASES = names("emmeans")
OTHER_WORDS = {"offset_means": "R names the offset, not the factor that it depends on"}


@functools.cache
def model(function: str, formula: str, data: str, arguments: str) -> Any:
    extra = json.loads(arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(mere, function)(
            formula,
            table(data),
            *(["poisson"] if "TICKS" in formula else ["binomial"] if function == "glmer" else []),
            **extra,
        )


def rbind_pairs(m: Any, *factors: str) -> Any:
    return mere.rbind(*(mere.pairs(mere.emmeans(m, f)) for f in factors))


def eff_size_of_model(grid: Any, m: Any) -> Any:
    return mere.eff_size(grid, sigma=m.sigma, edf=m.df)


def qdrg_of_model(m: Any, formula: str, **options: Any) -> Any:
    return mere.qdrg(formula, m.call.data, mere.coef(m), mere.vcov(m), **options)


def take_step(thing: Any, m: Any, function: str, args: list[Any], options: dict[str, Any]) -> Any:
    if function == "rows":
        return thing[args[0] : args[1]]
    if function == "rbind_pairs":
        return rbind_pairs(m, *args)
    if function == "qdrg_of_model":
        return qdrg_of_model(m, *args, **options)
    if function == "eff_size_of_model":
        return eff_size_of_model(thing, m)
    options = {k: np.array(v) if k == "vcov" else v for k, v in options.items()}
    return getattr(mere, function)(thing, *args, **options)


def run(gold: dict[str, Any]) -> Any:
    about = gold["model"]
    if not hasattr(mere, about["function"]):
        pytest.skip(f"{about['function']} is not there yet")
    m = model(about["function"], about["formula"], about["data"], json.dumps(about["arguments"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        thing = m
        for function, args, options in gold["steps"]:
            thing = take_step(thing, m, function, args, options)
        if isinstance(thing, EmmList):
            thing = thing[gold["part"] or 0]
        return thing if isinstance(thing, JointTests) or not hasattr(thing, "about") else mere.summary(thing)


def frame_of(result: Any) -> pd.DataFrame:
    return result if isinstance(result, pd.DataFrame) else result.to_frame()


def kind_of(column: str) -> str:
    if column in ("SE", "df"):
        return column
    if column == "p.value":
        return "p"
    if column.endswith(("CL", "LCL", "UCL")):
        return "limit"
    return {"df1": "df", "df2": "df"}.get(column, "estimate")


@pytest.mark.parametrize("case", [c for c in CASES if "table" in golden("emmeans", c)])
def test_table(case):
    gold = golden("emmeans", case)
    result = run(gold)
    frame = frame_of(result)
    want = {k.replace("model.term", "model term"): v for k, v in gold["table"].items()}
    ours = [c for c in frame.columns if c in want]
    assert sorted(ours) == sorted(want), f"columns {list(frame.columns)}, R has {list(want)}"
    order = _same_order(frame, want)
    for column, values in want.items():
        mine = frame[column].iloc[order]
        if not pd.api.types.is_numeric_dtype(mine.dtype):
            assert [str(v).strip() for v in mine] == [str(v).strip() for v in values], column
            continue
        kind = kind_of(column)
        tolerance = gold["tolerance"][kind]
        wanted = array(values)  # infinite numbers are null in JSON
        got = mine.to_numpy(dtype=float)
        got = np.where(np.isinf(got), np.nan, got)
        scale = 1.0 if kind == "p" else max(np.nanmax(np.abs(wanted[np.isfinite(wanted)]), initial=0.0), 1e-300)
        if isinstance(result, JointTests) and kind in ("estimate", "p"):
            tolerance, scale = 5.1e-4 if kind == "estimate" else 5e-5, 1.0  # R stores rounded F ratios
        same = np.isclose(got, wanted, rtol=0, atol=tolerance * scale, equal_nan=True)
        assert same.all(), f"{column}: {got[~same]}, R has {wanted[~same]}; scale {scale:.3g}, allowed {tolerance:g}"


def _same_order(frame, want):
    """R keeps the order of the grid; rows are matched by their labels."""
    labels = [
        c for c in want if c in frame.columns and not pd.api.types.is_numeric_dtype(frame[c].dtype) and c != "note"
    ]
    if not labels:
        return list(range(len(frame)))
    ours = [tuple(str(v) for v in row) for row in frame[labels].itertuples(index=False)]
    theirs = list(zip(*(map(str, want[c]) for c in labels)))
    if len(set(ours)) < len(ours):
        return list(range(len(frame)))
    return [ours.index(t) for t in theirs]


@pytest.mark.parametrize("case", [c for c in CASES if golden("emmeans", c).get("notes") and c not in OTHER_WORDS])
def test_notes(case):
    gold = golden("emmeans", case)
    # R repeats under letters what it has said of the means
    assert [s.strip() for s in frame_of(run(gold)).attrs["notes"]] == list(dict.fromkeys(gold["notes"]))


@pytest.mark.parametrize("case", [c for c in CASES if golden("emmeans", c).get("printed")])
def test_printed_text(case):
    gold = golden("emmeans", case)
    ours = mere.to_text(run(gold)).rstrip("\n").split("\n")
    theirs = "\n".join(gold["printed"]).rstrip("\n").split("\n")
    assert_same_text("\n".join(s.rstrip() for s in ours), "\n".join(s.rstrip() for s in theirs))


def test_there_are_enough():
    assert len(CASES) >= 45


class MultivariateOats:
    """Four amounts of nitrogen as four responses: enough of a model for the registration."""

    def __init__(self) -> None:
        oats = table("Oats")
        amounts = [0.0, 0.2, 0.4, 0.6]
        self.fits = [
            mere.lm("yield ~ Block + Variety", oats[np.isclose(oats["nitro"], a)].reset_index(drop=True))
            for a in amounts
        ]
        self.levels = ["0", "0.2", "0.4", "0.6"]


@mere.emm_basis.register(MultivariateOats)
def _basis(model: MultivariateOats, **_: Any) -> mere.Basis:
    first = mere.emm_basis(model.fits[0])
    residual = np.column_stack([mere.residuals(f) for f in model.fits])
    df = model.fits[0].df
    unscaled = first.V / model.fits[0].sigma ** 2
    return mere.Basis(
        predictors=first.predictors, build=first.build, terms=first.terms,
        beta=np.concatenate([f.beta for f in model.fits]), V=np.kron(residual.T @ residual / df, unscaled),
        df=lambda L: np.full(len(L), float(df)), mult={"nitro": model.levels},
    )  # fmt: skip


def test_multivariate_response():
    gold = json.loads((FIXTURES / "emmeans_mv.json").read_text(encoding="utf-8"))
    grid = mere.ref_grid(MultivariateOats())
    means = mere.emmeans(grid, "~ Variety | nitro")
    found = {
        "means": means,
        "poly": mere.contrast(mere.emmeans(grid, "~ nitro | Variety"), "poly"),
        "tests": mere.mvcontrast(means, "consec", mult_name="nitro"),
    }
    for name, want in gold["tables"].items():
        frame = found[name].to_frame()
        for column, values in want.items():
            if pd.api.types.is_numeric_dtype(frame[column].dtype):
                limit = 1e-3 if name == "tests" else 1e-9 * max(abs(v) for v in values)  # R rounds F and T²
                np.testing.assert_allclose(frame[column], values, rtol=0, atol=limit, err_msg=f"{name} {column}")
