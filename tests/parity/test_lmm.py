"""mere.lmer against tightly converged lme4 (fixtures/lmm, r_parity/lmm*.R).

One function a quantity, in the registry `QUANTITIES`; every quantity is
compared in every case. A case is one JSON; a new one is found by its being there.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from .goldens import array, assert_close, golden, names, table

mere = pytest.importorskip("mere")
if not hasattr(mere, "lmer"):
    pytest.skip("mere.lmer is not there yet", allow_module_level=True)

Golden = dict[str, Any]
QUANTITIES: dict[str, Callable[[Any, Golden], None]] = {}


def quantity(function: Callable[[Any, Golden], None]) -> Callable[[Any, Golden], None]:
    QUANTITIES[function.__name__] = function
    return function


@functools.cache
def model(name: str) -> Any:
    return model_of(golden("lmm", name))


def model_of(gold: Golden) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mere.lmer(gold["formula"], table(gold["data"]), **gold["arguments"])


def is_structured(gold: Golden) -> bool:
    return "par" in gold


def covariance_blocks(theta: np.ndarray, gold: Golden) -> np.ndarray:
    """Lambda Lambda' of every term, stacked: what of theta is determined on a boundary too."""
    blocks, at = [], 0
    for columns in gold["cnms"]["columns"]:
        k = len(columns)
        factor = np.zeros((k, k))
        size = k * (k + 1) // 2
        factor.T[np.triu_indices(k)] = theta[at : at + size]  # lower triangle by columns
        blocks.append((factor @ factor.T).ravel())
        at += size
    assert at == theta.size
    return np.concatenate(blocks) if blocks else np.zeros(0)


def standard_errors(gold: Golden) -> np.ndarray:
    return np.sqrt(np.diag(np.array(gold["vcov"], dtype=float).reshape(len(gold["names"]), len(gold["names"]))))


# ---- the optimum ---------------------------------------------------------------------


@quantity
def criterion(m: Any, gold: Golden) -> None:
    got = mere.REMLcrit(m) if gold["REML"] else -2 * float(mere.logLik(m))
    assert_close([got], [gold["criterion"]], gold["tolerance"]["criterion"], 1 + abs(gold["criterion"]), "criterion")


@quantity
def relative_covariances(m: Any, gold: Golden) -> None:
    if is_structured(gold):
        return
    got = covariance_blocks(np.asarray(mere.getME(m, "theta")), gold)
    want = covariance_blocks(array(gold["theta"]), gold)
    assert_close(got, want, gold["tolerance"]["theta"], 1 + np.abs(want).max(initial=0.0), "Lambda Lambda'")


@quantity
def parameters(m: Any, gold: Golden) -> None:
    if is_structured(gold):
        assert_close(m.par, gold["par"], gold["tolerance"]["theta"], 1 + np.abs(gold["par"]), "par")


@quantity
def singular(m: Any, gold: Golden) -> None:
    if "singular" in gold:
        assert bool(mere.isSingular(m)) == gold["singular"]


# ---- fixed effects -------------------------------------------------------------------


@quantity
def beta(m: Any, gold: Golden) -> None:
    fixed = mere.fixef(m)
    assert list(fixed.index) == gold["names"]
    want = array(gold["beta"])
    assert_close(fixed, want, gold["tolerance"]["other"], np.abs(want) + standard_errors(gold), "beta")


@quantity
def dropped(m: Any, gold: Golden) -> None:
    full = mere.fixef(m, add_dropped=True)
    assert sorted(full.index[full.isna()]) == sorted(gold["dropped"] or [])


@quantity
def vcov(m: Any, gold: Golden) -> None:
    got = mere.vcov(m)
    assert list(got.index) == gold["names"]
    se = standard_errors(gold)
    want = np.array(gold["vcov"], dtype=float).ravel()
    assert_close(got, want, 2 * gold["tolerance"]["other"], np.outer(se, se).ravel(), "vcov")


# ---- scalars ---------------------------------------------------------------------------


@quantity
def sigma(m: Any, gold: Golden) -> None:
    assert_close([mere.sigma(m)], [gold["sigma"]], gold["tolerance"]["other"], what="sigma")


@quantity
def likelihood(m: Any, gold: Golden) -> None:
    tol, scale = gold["tolerance"]["criterion"], 1 + abs(gold["criterion"])
    ll = mere.logLik(m)
    assert_close([float(ll)], [gold["logLik"]], tol, scale, "logLik")
    assert ll.df == gold["df"]
    assert_close([mere.AIC(m)], [gold["AIC"]], tol, scale, "AIC")
    assert_close([mere.BIC(m)], [gold["BIC"]], tol, scale, "BIC")


@quantity
def ml_deviance(m: Any, gold: Golden) -> None:
    # of a REML fit: the ML deviance at the REML estimates, first order in the error of theta
    assert_close(
        [mere.deviance(m, REML=False)],
        [gold["deviance_ml"]],
        gold["tolerance"]["theta"],
        1 + abs(gold["deviance_ml"]),
        "ML deviance",
    )


@quantity
def sizes(m: Any, gold: Golden) -> None:
    assert mere.nobs(m) == gold["nobs"]
    assert mere.df_residual(m) == gold["df_residual"]
    want = {group_name(name): count for name, count in gold["ngrps"].items()}
    assert dict(mere.ngrps(m)) == want
    assert list(dict(mere.ngrps(m))) == list(want)


def group_name(name: str) -> str:
    """lme4 2.x (and mere) writes a:b:c where 1.1-31 writes a:(b:c)."""
    return name.replace("(", "").replace(")", "")


@quantity
def term_order(m: Any, gold: Golden) -> None:
    got = [(term.group, list(term.names)) for term in m.design.random]
    want = list(zip(gold["cnms"]["group"], gold["cnms"]["columns"], strict=True))
    assert [(group_name(g if g in gold["ngrps"] else g.split(".")[0]), columns) for g, columns in want] == got


@quantity
def components(m: Any, gold: Golden) -> None:
    got = mere.getME(m, "devcomp")["cmp"]
    tol = gold["tolerance"]["theta"]
    for name, want in gold["devcomp"].items():
        # pieces of the criterion: first order in the error of theta; the sums of squares trade against each other
        scale = gold["devcomp"]["pwrss"] if name in ("wrss", "ussq", "pwrss") else 1 + abs(want)
        assert_close([got[name]], [want], 10 * tol, scale, name)


# ---- random effects ------------------------------------------------------------------------


@quantity
def variances(m: Any, gold: Golden) -> None:
    frame = mere.VarCorr(m).to_frame()

    def key(grp: Any, var1: Any, var2: Any) -> tuple[Any, ...]:
        return tuple(value if isinstance(value, str) else None for value in (grp, var1, var2))

    got = {key(*row[:3]): row[3:] for row in frame[["grp", "var1", "var2", "vcov", "sdcor"]].itertuples(index=False)}
    want = gold["varcorr"]
    # with several terms on one factor R makes syntactic names of them all: b.a for b:a
    meant = {name.replace(":", "."): name for name in gold["ngrps"] if ":" in name}
    meant |= {name: group_name(name) for name in gold["ngrps"]}
    rows = {
        key(meant.get(row[0], row[0]), *row[1:3]): row[3:]
        for row in zip(want["grp"], want["var1"], want["var2"], want["vcov"], want["sdcor"], strict=True)
    }
    variance = {k[:2]: v[0] for k, v in rows.items() if k[2] is None}
    largest = max(variance.values())
    tol = gold["tolerance"]["other"] * 4
    assert set(got) <= set(rows)
    for k, (vcov_want, sdcor_want) in rows.items():
        if k not in got:  # a covariance that the structure holds at zero
            assert k[2] is not None and abs(vcov_want) <= tol * largest
            continue
        vcov_got, sdcor_got = got[k]
        if k[2] is None:
            assert_close([vcov_got], [vcov_want], tol, vcov_want + 1e-3 * largest, f"variance {k}")
            assert_close([sdcor_got], [sdcor_want], tol, np.sqrt(vcov_want) + 1e-2 * np.sqrt(largest), f"SD {k}")
        else:
            both = variance[k[0], k[1]] * variance[k[0], k[2]]
            assert_close([vcov_got], [vcov_want], tol, np.sqrt(both) + 1e-3 * largest, f"covariance {k}")
            if sdcor_want is not None and both > 1e-8 * largest**2:
                assert_close([sdcor_got], [sdcor_want], 10 * tol, 1.0, f"correlation {k}")


def ranef_table(m: Any) -> dict[tuple[str, str, str], tuple[float, float]]:
    frame = mere.ranef(m, condVar=True).to_frame()
    columns = ["grpvar", "term", "grp", "condval", "condsd"]
    return {(str(r[0]), str(r[1]), str(r[2])): r[3:] for r in frame[columns].itertuples(index=False)}


@quantity
def random_effects(m: Any, gold: Golden) -> None:
    got, want = ranef_table(m), gold["ranef"]
    tol = gold["tolerance"]["other"] * 4
    is_head = isinstance(want["condval"], dict)
    assert len(got) == (want["rows"] if is_head else len(want["condval"]))
    keys = list(zip(map(group_name, want["grpvar"]), want["term"], want["grp"], strict=True))
    spread = max((vcov for vcov in gold["varcorr"]["vcov"]), default=1.0) ** 0.5
    for position, column in ((0, "condval"), (1, "condsd")):
        if want.get(column) is None:
            continue
        values = array(want[column]["head"] if is_head else want[column])
        assert_close([got[k][position] for k in keys], values, tol, np.abs(values) + spread, column)
        if is_head:
            every = np.array([row[position] for row in got.values()])
            typical = np.sqrt(want[column]["sumsq"] / every.size)
            assert_close([every.sum()], [want[column]["sum"]], tol, typical * every.size, f"sum of {column}")
            assert_close([(every**2).sum()], [want[column]["sumsq"]], 2 * tol, None, f"squares of {column}")


# ---- rows -------------------------------------------------------------------------------------


def row_scale(gold: Golden) -> float:
    """The spread of the data: rows are compared relative to it, wherever zero is."""
    return gold["sigma"] + max(gold["varcorr"]["sdcor"][0] or 0.0, 0.0)


@quantity
def fitted(m: Any, gold: Golden) -> None:
    want = gold["fitted"]
    assert_close(
        mere.fitted(m), want, gold["tolerance"]["other"], None if isinstance(want, dict) else row_scale(gold), "fitted"
    )


@quantity
def residuals(m: Any, gold: Golden) -> None:
    for kind in ("response", "pearson"):
        assert_close(mere.residuals(m, type=kind), gold["residuals"][kind], 4 * gold["tolerance"]["other"], what=kind)
    assert_close(
        mere.residuals(m, scaled=True), gold["residuals"]["scaled"], 4 * gold["tolerance"]["other"], what="scaled"
    )


@quantity
def hat_values(m: Any, gold: Golden) -> None:
    if "hatvalues" in gold:
        assert_close(mere.hatvalues(m), gold["hatvalues"], 4 * gold["tolerance"]["other"], 1.0, "hat values")


# ---- the tests -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", names("lmm"))
@pytest.mark.parametrize("what", list(QUANTITIES))
def test_fit(what: str, name: str) -> None:
    QUANTITIES[what](model(name), golden("lmm", name))


@pytest.mark.parametrize("name", names("lmm"))
def test_evaluation(name: str) -> None:
    """The criterion at given parameters: no optimizer between, so nearly to the last digit."""
    gold = golden("lmm", name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        devfun = mere.mkLmerDevfun(mere.lFormula(gold["formula"], table(gold["data"]), **gold["arguments"]))
    points = gold.get("evaluations_par") or gold["evaluations"]
    for point in points:
        at = array(point["par"] if "par" in point else point["theta"])
        assert_close([devfun(at)], [point["value"]], gold["tolerance"]["evaluation"], what="criterion")


def test_maximal() -> None:
    """Two 8 x 8 covariances, singular: no higher than the best that R's optimizers found with exact gradients."""
    gold = golden("lmm_slow", "maximal")
    m = model_of(gold)
    assert -2 * float(mere.logLik(m)) <= gold["criterion"] + 1e-6
    assert mere.isSingular(m)


def test_enough_cases() -> None:
    assert len(names("lmm")) >= 45
