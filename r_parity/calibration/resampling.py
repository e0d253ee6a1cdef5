"""Do permutation tests hold their level, and bootstrap intervals their coverage? Small clustered designs.

    python r_parity/calibration/resampling.py [runs]

Permutation: 20 clusters of 10, intraclass correlation 0.8, no effect (level) or one (power) of a covariate that varies
within clusters, of one with a random slope, and of one that is constant within clusters; 14 subjects by 8 items with a
binary response and a covariate of the items. Bootstrap: intervals for the effect of a covariate of clusters, 10
clusters of 5 rows with a normal response, and 12 clusters of 10 with a binary one (half as many runs). Written:
`resampling.json` and `docs/pictures/resampling.svg`. Each run has its own seed; ten minutes with 400 runs.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import beta as beta_distribution

import mere
from mere.errors import MereError, MereWarning
from mere.inference.bootstrap_intervals import acceleration, bootstrap_interval

HERE = Path(__file__).resolve().parent
PERMUTATION = {
    "within x": ("x", 0.0, "y ~ x + (1 | g)", 0.25),
    "random slope": ("x", 0.5, "y ~ x + (x | g)", 0.8),
    "cluster level": ("z", 0.0, "y ~ z + (1 | g)", 1.3),
}
WAYS = {
    "score": {"method": "score"},
    "Freedman-Lane": {"method": "freedman-lane"},
    "ter Braak": {"method": "ter-braak"},
    "Kennedy": {"method": "kennedy"},
    "coefficient": {"method": "one-step"},
    "sign-flip": {"method": "sign-flip"},
    "within cells": {"method": "score", "cells": "g"},
    "whole cells": {"method": "score", "cells": "g", "strategy": "between"},
    "raw response": {"method": "manly"},
}
BINARY = {
    "score": {"method": "score"},
    "coefficient": {"method": "one-step"},
    "pql-fixed": {"method": "pql-fixed"},
    "sign-flip": {"method": "sign-flip", "cells": "i"},
}
MODEL = "model's own"
SCHEMES = ("case", "parametric", "residual", "wild", "reb")
INTERVALS = ("perc", "basic", "norm", "bca", "studentized")
DRAWS = 199


def clusters(rng: np.random.Generator, groups: int, size: int, slope: float) -> pd.DataFrame:
    """Covariates, and a response without their effects."""
    g = np.repeat(np.arange(groups), size)
    x, z = rng.normal(size=len(g)), rng.normal(size=groups)[g]
    u = rng.normal(size=(2, groups)) * 2.0
    y = 1 + u[0, g] + slope * u[1, g] * x + rng.normal(size=len(g))
    return pd.DataFrame({"y": y, "x": x, "z": z, "g": g.astype(str)})


def crossed(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """Binary answers of 14 subjects to 8 items."""
    s, i = np.repeat(np.arange(14), 8), np.tile(np.arange(8), 14)
    x = rng.normal(size=8)[i]
    eta = effect * x + 0.8 * rng.normal(size=14)[s] + 0.5 * rng.normal(size=8)[i]
    answer = rng.binomial(1, 1 / (1 + np.exp(-eta)))
    return pd.DataFrame({"y": answer, "x": x, "s": s.astype(str), "i": i.astype(str)})


def rate(hits: int, runs: int) -> dict[str, float]:
    """A proportion with its exact 95 % interval."""
    low = beta_distribution.ppf(0.025, hits, runs - hits + 1) if hits else 0.0
    high = beta_distribution.ppf(0.975, hits + 1, runs - hits) if hits < runs else 1.0
    return {"rate": hits / runs, "low": float(low), "high": float(high), "runs": runs}


def rejected(m: object, term: str, ways: dict[str, dict[str, str]], seed: int) -> dict[str, bool]:
    """Does each way reject at 5 %, and the model's own test?"""
    tests = {way: mere.permutation_test(m, term, n_perm=DRAWS, seed=seed, **given) for way, given in ways.items()}
    found = {way: bool(t.table["p.value"].iloc[0] <= 0.05) for way, t in tests.items()}
    return found | {MODEL: bool(tests["score"].table["p.classical"].iloc[0] <= 0.05)}


def permutation(runs: int) -> dict[str, dict[str, dict[str, float]]]:
    """Rejections at 5 %, without and with an effect."""
    out: dict[str, dict[str, dict[str, float]]] = {}
    for number, (design, (term, slope, formula, effect)) in enumerate(PERMUTATION.items()):
        ways = {way: given for way, given in WAYS.items() if (way, term) != ("within cells", "z")}
        for label, size in (("level", 0.0), ("power", effect)):
            found = []
            for run in range(runs):
                d = clusters(np.random.default_rng([11, number, run]), 20, 10, slope)
                m = mere.lmer(formula, d.assign(y=d["y"] + size * d[term]))
                found.append(rejected(m, term, ways, run))
            out[f"{design}, {label}"] = {way: rate(sum(f[way] for f in found), runs) for way in found[0]}
    for label, size in (("level", 0.0), ("power", 1.2)):
        found = []
        for run in range(runs):
            m = mere.glmer("y ~ x + (1 | s) + (1 | i)", crossed(np.random.default_rng([13, run]), size), "binomial")
            found.append(rejected(m, "x", BINARY, run))
        out[f"crossed binary, {label}"] = {way: rate(sum(f[way] for f in found), runs) for way in found[0]}
    return out


def normal_clusters(run: int) -> object:
    """The model of 10 clusters of 5, the effect of z is 1."""
    d = clusters(np.random.default_rng([17, run]), 10, 5, 0.0)
    return mere.lmer("y ~ z + (1 | g)", d.assign(y=d["y"] + d["z"]))


def binary_clusters(run: int) -> object:
    """The model of 12 clusters of 10 with a binary response, the effect of z is 1."""
    rng = np.random.default_rng([18, run])
    g = np.repeat(np.arange(12), 10)
    z = rng.normal(size=12)[g]
    y = rng.binomial(1, 1 / (1 + np.exp(-(z + 0.8 * rng.normal(size=12)[g]))))
    return mere.glmer("y ~ z + (1 | g)", pd.DataFrame({"y": y, "z": z, "g": g.astype(str)}), "binomial")


def covered(m: object, scheme: str, seed: int) -> dict[str, bool] | None:
    """Do the intervals of the effect of z hold 1? All kinds from the same draws; None if most replicates failed."""
    try:
        b = mere.bootstrap(m, type=scheme, nsim=DRAWS, ci="studentized", seed=seed)
    except MereError:
        return None
    a = acceleration(mere.jackknife(m).values["z"].dropna().to_numpy())
    limits = {k: bootstrap_interval(b.t["z"].to_numpy(), float(b.t0["z"]), 0.95, k, a) for k in INTERVALS[:-1]}
    limits["studentized"] = b.table.loc["z", ["conf.low", "conf.high"]]
    return {kind: bool(low <= 1 <= high) for kind, (low, high) in limits.items()}


def coverage(
    runs: int, model: Callable[[int], object], schemes: tuple[str, ...]
) -> dict[str, dict[str, dict[str, float]]]:
    """How often 95 % intervals of a fixed effect of 1 hold it."""
    out: dict[str, dict[str, dict[str, float]]] = {}
    for scheme in schemes:
        tried = [covered(model(run), scheme, run) for run in range(runs)]
        found = [f for f in tried if f is not None]
        out[scheme] = {kind: rate(sum(f[kind] for f in found), len(found)) for kind in INTERVALS}
    return out


def panel(axis: object, groups: dict[str, dict[str, dict[str, float]]], ways: list[str], line: float | None) -> None:
    """Rates with their intervals: groups side by side, a colour for each way."""
    step = 0.8 / len(ways)
    for j, way in enumerate(ways):
        own = [(i, rows[way]) for i, rows in enumerate(groups.values()) if way in rows]
        at = np.array([i for i, _ in own]) + (j - (len(ways) - 1) / 2) * step
        mid = np.array([r["rate"] for _, r in own])
        ends = np.array([[r["rate"] - r["low"], r["high"] - r["rate"]] for _, r in own]).T
        axis.errorbar(at, mid, ends, fmt="o", markersize=4, linewidth=1, label=way, color=f"C{j}" if j < 10 else "black")
    if line is not None:
        axis.axhline(line, color="black", linewidth=0.8)
    axis.set_xticks(range(len(groups)), list(groups))


def picture(found: dict[str, dict[str, dict[str, dict[str, float]]]]) -> None:
    """Level and power of the permutation tests, and coverage of the intervals."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "mere"
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(12, 8.4), layout="constrained")
    ways = [*WAYS, "pql-fixed", MODEL]
    words = {"level": "rejected at 5 %, no effect", "power": "rejected at 5 %, an effect"}
    for axis, (label, text) in zip(axes[0], words.items(), strict=True):
        own = {d.split(",")[0]: rows for d, rows in found["permutation"].items() if d.endswith(label)}
        panel(axis, own, ways, 0.05 if label == "level" else None)
        axis.set_ylabel(text)
    axes[0, 0].legend(fontsize=7, ncols=2)
    for axis, name, text in (
        (axes[1, 0], "coverage", "10 clusters, normal response"),
        (axes[1, 1], "coverage, binary", "12 clusters, binary response"),
    ):
        panel(axis, found[name], list(INTERVALS), 0.95)
        axis.set_ylabel(f"coverage of 95 % intervals, {text}")
    axes[1, 0].legend(fontsize=7)
    target = HERE.parents[1] / "docs" / "pictures" / "resampling.svg"
    figure.savefig(target, metadata={"Date": None})


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    warnings.simplefilter("ignore", MereWarning)
    began = time.process_time()
    found = {
        "permutation": permutation(runs),
        "coverage": coverage(runs, normal_clusters, SCHEMES),
        "coverage, binary": coverage(runs // 2, binary_clusters, ("case", "parametric")),
    }
    (HERE / "resampling.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    picture(found)
    print(f"{runs} runs, {time.process_time() - began:.0f} s of CPU")


if __name__ == "__main__":
    main()
