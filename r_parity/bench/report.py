"""docs/performance.md from the kept results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cases import CASES

Results = dict[str, dict[str, Any]]


def load(folder: Path) -> dict[str, Results]:
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def ms(seconds: float) -> str:
    value = 1e3 * seconds
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def ok(results: Results, name: str) -> dict[str, Any] | None:
    found = results.get(name)
    return None if found is None or "error" in found else found


def row(*cells: Any) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def table(head: list[str], rows: list[list[Any]]) -> list[str]:
    return [row(*head), row("---", *["---:"] * (len(head) - 1)), *(row(*cells) for cells in rows), ""]


def fits(r: Results, mere: Results) -> list[str]:
    rows = []
    for case in CASES:
        a, b = ok(r, case.name), ok(mere, case.name)
        if case.kind != "fit" or (a is None and b is None):
            continue
        cells: list[Any] = [f"{case.name}: `{case.formula.replace('|', chr(92) + '|')}`"]
        cells += [f"{ms(a['cpu_min'])} / {ms(a['cpu_median'])}", ms(a["wall_median"])] if a else ["", ""]
        cells += (
            [f"{ms(b['cpu_min'])} / {ms(b['cpu_median'])}", ms(b["wall_median"]), ms(b["first_wall"])]
            if b
            else ["", "", ""]
        )
        both = a and b
        cells += [
            f"**{a['cpu_min'] / b['cpu_min']:.0f}**" if both else "",
            f"{case.goal:.0f}" + (f" ({case.moonshot:.0f})" if case.moonshot else "") if case.goal else "",
            f"{b['criterion'] - a['criterion']:+.1e}" if both else "",
        ]
        rows.append(cells)
    head = [
        "Model",
        "lme4 CPU ms, min / median",
        "wall",
        "mere CPU ms, min / median",
        "wall",
        "first call",
        "lme4 / mere",
        "goal (moonshot)",
        "criterion, mere − lme4",
    ]
    return [
        "## The whole call",
        "",
        "From formula and data frame to the model; CSV reading is outside. The ratio is of the CPU minima; `first call` is the"
        " first in a fresh process (wall). A negative difference of criteria means that mere's optimum is the lower one.",
        "",
        *table(head, rows),
    ]


def memory(r: Results, mere: Results) -> list[str]:
    rows = []
    for case in CASES:
        a, b = ok(r, case.name), ok(mere, case.name)
        if case.kind != "fit" or b is None or b.get("input_mb", 0) < 0.5:
            continue
        rows.append(
            [
                case.name,
                f"{b['input_mb']:.1f}",
                *([f"{a['peak_mb']:,.0f}", f"{a['added_mb']:.0f}"] if a else ["", ""]),
                f"{b['peak_mb']:,.0f}",
                f"{b['added_mb']:.0f}",
                f"{b['added_mb'] / b['input_mb']:.1f}",
            ]
        )
    if not rows:
        return []
    return [
        "## Memory",
        "",
        "MB. Peak: resident memory of the process (VmHWM) during the first call; adds: above what it held before it,"
        " the table read (R reuses what reading has freed, so its figure is a lower bound).",
        "",
        *table(["Model", "columns of the data", "lme4 peak", "adds", "mere peak", "adds", "mere adds / columns"], rows),
    ]


def stages(mere: Results) -> list[str]:
    found = [(case, ok(mere, case.name)) for case in CASES]
    found = [(case, result) for case, result in found if result and result.get("stages")]
    if not found:
        return []
    order = ("formula (known)", "frame", "design", "plan", "optimisation", "state and checks", "model and arguments")
    names = [name for name in order if name in found[0][1]["stages"]]
    rows = [
        [case.name, *(ms(result["stages"][name]) for name in names), ms(sum(result["stages"].values()))]
        for case, result in found
    ]
    return [
        "## Where a call of mere spends its time",
        "",
        "CPU ms (minimum of repeats), the layers called one after another.",
        "",
        *table(["Model", *names, "sum"], rows),
    ]


def growth(r: Results, mere: Results) -> list[str]:
    rows = []
    for case in CASES:
        if case.kind == "evaluation":
            a, b = ok(r, case.name), ok(mere, case.name)
            if a or b:
                rows.append(
                    [
                        f"{10 ** int(case.name[-1]):,}",
                        f"{1e6 * a['cpu_min']:,.1f}" if a else "",
                        f"{1e6 * b['cpu_min']:,.2f}" if b else "",
                    ]
                )
    if not rows:
        return []
    return [
        "## One evaluation of the criterion as the data grow",
        "",
        "`y ~ x + (x | g)`, 100 groups, CPU µs through the deviance function as a user calls it.",
        "",
        *table(["rows", "lme4", "mere"], rows),
    ]


def others(everything: dict[str, Results], mere: Results) -> list[str]:
    rivals = [name for name in ("glmmTMB", "mixedlm", "interlace", "gpboost", "statsmodels") if name in everything]
    if not rivals:
        return []
    rows = []
    for case in CASES:
        results = [everything[rival].get(case.name) for rival in rivals]
        ours = ok(mere, case.name)
        if not any(results):
            continue
        cells: list[Any] = [case.name, ms(ours["cpu_min"]) if ours else ""]
        for rival, result in zip(rivals, results):
            if result is None:
                cells.append("")
            elif "error" in result:
                cells.append(result["error"] if isinstance(result["error"], str) else "fails")
            else:
                compared = ours and (rival != "gpboost" or case.family)  # of linear models it has the ML criterion only
                off = result["criterion"] - ours["criterion"] if compared else 0.0
                cells.append(
                    ms(result["cpu_min"])
                    + (f" ({result['cpu_min'] / ours['cpu_min']:.0f}×)" if ours else "")
                    + (f", criterion {off:+.2g}" if abs(off) > 1e-3 else "")
                )
        rows.append(cells)
    versions = {}
    for rival in rivals:
        for result in everything[rival].values():
            found = result.get("versions", {})
            versions.update({k: v for k, v in found.items() if rival != "glmmTMB" or k == "glmmTMB"})
    said = ", ".join(f"{name} {version}" for name, version in versions.items())
    return [
        "## Rivals",
        "",
        f"{said}. glmmTMB is an R package, the others are from PyPI. CPU ms (minimum); in brackets the multiple of mere's time; a criterion is shown where it is off by more than 0.001."
        " GPBoost fits by ML and has no correlated slopes; statsmodels has one grouping factor. With several grouping factors GPBoost estimates log determinants of generalized models by random vectors, so its criterion there is not exact.",
        "",
        *table(["Model", "mere", *rivals], rows),
    ]


def page(folder: Path) -> str:
    everything = load(folder)
    r, mere = everything.get("lme4", {}), everything.get("mere", {})
    versions: dict[str, str] = {}
    dates, loads, machine = set(), [], {}
    for results in (r, mere):
        for result in results.values():
            versions.update(result.get("versions", {}))
            dates.add(result["date"])
            loads.append(result["load"])
            machine = result["machine"]
    blas = Path(versions.pop("BLAS", "")).parent.name
    lines = ["# Speed", "", "Written by `python r_parity/bench/run.py`; edit the script, not this page.", ""]
    if machine:
        lines += [
            f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}; "
            + ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
            + (f" (its BLAS: {blas})" if blas else "")
            + f"; {' to '.join(sorted({min(dates), max(dates)}))}. One BLAS thread on both sides, a fresh process for each"
            f" case, load average {min(loads):.1f} to {max(loads):.1f} meanwhile: trust CPU times before wall times.",
            "",
        ]
    for part in (fits(r, mere), memory(r, mere), stages(mere), growth(r, mere), others(everything, mere)):
        lines += part
    return "\n".join(lines).rstrip() + "\n"
