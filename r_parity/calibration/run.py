"""Do the tests hold their level? Small designs, simulated under the hypothesis.

    python r_parity/calibration/run.py [replicates]

For each of the designs below, responses are drawn with no effect of the term in question; each method tests the term at
5 %. Written: `results.json` (rejection rates with exact 95 % intervals of the simulation's own error) and the figure
`docs/pictures/calibration.svg`. The numbers do not depend on the number of processors: each design has its own seed.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import beta as beta_distribution

import mere
from mere.errors import MereWarning

HERE = Path(__file__).resolve().parent
LEVEL = 0.05


def split_plot(rng: np.random.Generator, lost: int) -> pd.DataFrame:
    """Six blocks, three varieties on whole plots, four treatments on subplots; some rows lost."""
    d = pd.DataFrame(
        [(b, v, t) for b in range(6) for v in range(3) for t in range(4)], columns=["block", "variety", "treatment"]
    )
    d = d.drop(rng.choice(len(d), lost, replace=False)) if lost else d
    return d.astype(str).astype("category").reset_index(drop=True)


def between(rng: np.random.Generator, balanced: bool) -> pd.DataFrame:
    """Twelve groups in three arms, of equal or very unequal sizes."""
    sizes = [5] * 12 if balanced else [2, 2, 12, 3, 9, 2, 2, 4, 12, 6, 2, 4]
    group = np.repeat(np.arange(12), sizes)
    d = pd.DataFrame({"group": group, "arm": group % 3})
    return d.astype(str).astype("category")


def growth(rng: np.random.Generator, lost: int) -> pd.DataFrame:
    """Eight subjects at six times, half of them treated; some rows lost."""
    d = pd.DataFrame([(s, t, s % 2) for s in range(8) for t in range(6)], columns=["subject", "time", "treated"])
    d = d.drop(rng.choice(len(d), lost, replace=False)) if lost else d
    d["time"] = d["time"].astype(float) - 2.5
    d["subject"], d["treated"] = d["subject"].astype(str).astype("category"), d["treated"].astype(float)
    return d.reset_index(drop=True)


def draw(d: pd.DataFrame, rng: np.random.Generator, parts: list[tuple[str, float, str | None]]) -> np.ndarray:
    """Errors of variance 1 and random effects (columns that make the group, standard deviation, slope)."""
    y = rng.standard_normal(len(d))
    for group, sd, slope in parts:
        codes = d.groupby(group.split(":"), observed=True).ngroup().to_numpy()
        y += sd * rng.standard_normal(codes.max() + 1)[codes] * (1.0 if slope is None else d[slope].to_numpy())
    return y


PLOTS = [("block", 1.0, None), ("block:variety", 0.7, None)]
DESIGNS = {
    "split plot, balanced: whole-plot factor (2 df)": dict(
        data=lambda r: split_plot(r, 0), parts=PLOTS, term="variety",
        formula="y ~ variety + treatment + (1 | block/variety)", small="y ~ treatment + (1 | block/variety)",
    ),
    "split plot, 24 of 72 rows lost: whole-plot factor (2 df)": dict(
        data=lambda r: split_plot(r, 24), parts=PLOTS, term="variety",
        formula="y ~ variety + treatment + (1 | block/variety)", small="y ~ treatment + (1 | block/variety)",
    ),
    "split plot, 24 of 72 rows lost: subplot factor (3 df)": dict(
        data=lambda r: split_plot(r, 24), parts=PLOTS, term="treatment",
        formula="y ~ variety + treatment + (1 | block/variety)", small="y ~ variety + (1 | block/variety)",
    ),
    "12 groups of 5 rows in three arms (2 df)": dict(
        data=lambda r: between(r, True), parts=[("group", 0.7, None)], term="arm",
        formula="y ~ arm + (1 | group)", small="y ~ 1 + (1 | group)",
    ),
    "12 groups of 2 to 12 rows in three arms (2 df)": dict(
        data=lambda r: between(r, False), parts=[("group", 0.7, None)], term="arm",
        formula="y ~ arm + (1 | group)", small="y ~ 1 + (1 | group)",
    ),
    "random slopes of 8 subjects, balanced: time x treated (1 df)": dict(
        data=lambda r: growth(r, 0), parts=[("subject", 1.0, None), ("subject", 0.4, "time")], term="time:treated",
        formula="y ~ time * treated + (time | subject)", small="y ~ time + treated + (time | subject)",
    ),
    "random slopes of 8 subjects, 16 of 48 rows lost: time x treated (1 df)": dict(
        data=lambda r: growth(r, 16), parts=[("subject", 1.0, None), ("subject", 0.4, "time")], term="time:treated",
        formula="y ~ time * treated + (time | subject)", small="y ~ time + treated + (time | subject)",
    ),
}  # fmt: skip
METHODS = ("Satterthwaite", "Kenward-Roger", "CR2", "bootstrap", "likelihood ratio", "Wald chi-squared")


def p_values(design: dict, d: pd.DataFrame, seed: int, nsim: int) -> dict[str, float]:
    """p of every method for one response."""
    m, term = mere.lmer(design["formula"], d), design["term"]
    out = {name: mere.anova(m, ddf=name).table.loc[term, "Pr(>F)"] for name in ("Satterthwaite", "Kenward-Roger")}
    try:
        out["CR2"] = mere.anova(m, vcov="CR2").table.loc[term, "Pr(>F)"]
    except mere.errors.MereError:
        out["CR2"] = np.nan
    out["Wald chi-squared"] = mere.contest(m, mere.show_tests(m)[term], ddf="asymptotic")["Pr(>F)"].iloc[0]
    test = mere.PBmodcomp(m, mere.lmer(design["small"], d), nsim=nsim, seed=seed).test["p.value"]
    out["bootstrap"], out["likelihood ratio"] = test["PBtest"], test["LRT"]
    return out


def interval(x: int, n: int) -> tuple[float, float]:
    """Clopper and Pearson's 95 % interval."""
    low = beta_distribution.ppf(0.025, x, n - x + 1) if x else 0.0
    high = beta_distribution.ppf(0.975, x + 1, n - x) if x < n else 1.0
    return float(low), float(high)


def simulate(name: str, seed: int, replicates: int, nsim: int = 99) -> dict:
    design, rng = DESIGNS[name], np.random.default_rng([seed, 4])
    rejected, used = dict.fromkeys(METHODS, 0), dict.fromkeys(METHODS, 0)
    for r in range(replicates):
        d = design["data"](rng)
        d["y"] = draw(d, rng, design["parts"])
        for method, p in p_values(design, d, seed * 100_000 + r, nsim).items():
            if np.isfinite(p):
                used[method] += 1
                rejected[method] += int(p <= LEVEL)
    rows = {}
    for method in METHODS:
        n = used[method]
        low, high = interval(rejected[method], n) if n else (float("nan"),) * 2
        rows[method] = {"rate": rejected[method] / n if n else None, "low": low, "high": high, "tests": n}
    return rows


def picture(results: dict, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "mere"
    import matplotlib.pyplot as plt

    designs = results["designs"]
    figure, axes = plt.subplots(len(designs), 1, figsize=(7.5, 1.35 * len(designs)), sharex=True)
    for axis, (name, rows) in zip(axes, designs.items(), strict=True):
        for i, method in enumerate(METHODS):
            row = rows[method]
            if row["tests"]:
                axis.plot([row["low"], row["high"]], [-i, -i], color="0.4", lw=1.5)
                axis.plot(row["rate"], -i, "o", color="C0" if row["low"] <= LEVEL <= row["high"] else "C3", ms=5)
        axis.axvline(LEVEL, color="0.7", lw=1, zorder=0)
        axis.set_yticks([-i for i in range(len(METHODS))], METHODS, fontsize=7)
        axis.set_title(name, fontsize=8, loc="left")
    axes[-1].set_xlabel(f"rejections at 5 % under the hypothesis, {results['replicates']} responses, 95 % intervals")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    replicates = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    results = {"replicates": replicates, "level": LEVEL, "bootstrap_samples": 99, "mere": "0.1.0", "designs": {}}
    for seed, name in enumerate(DESIGNS, 1):
        began = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MereWarning)
            warnings.simplefilter("ignore", RuntimeWarning)
            results["designs"][name] = simulate(name, seed, replicates)
        rates = ", ".join(f"{k} {v['rate']:.3f}" for k, v in results["designs"][name].items() if v["tests"])
        print(f"{name}: {rates}; {time.perf_counter() - began:.0f} s", flush=True)
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    picture(results, HERE.parents[1] / "docs" / "pictures" / "calibration.svg")


if __name__ == "__main__":
    main()
