"""Tests of effects beside lmerTest and pbkrtest: CPU time, one BLAS thread on both sides, the large model by turns.

    python r_parity/bench/tests_of_effects.py [--skip-slow] [--write]

Prints a table in Markdown, or writes it into docs/tests-of-effects.md. `--skip-slow` takes pbkrtest's seconds for 5,000 rows
(three minutes) from results/tests_of_effects.json.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import mere
from mere.datasets import InstEval, sleepstudy
from mere.inference.methods import reference_of

HERE = Path(__file__).resolve().parent
CROSSED = "y ~ service * dept + (1 | s) + (1 | d)"


def fresh(fit, function, repeats):
    """The least CPU seconds of `function` of a model that has just been fitted: nothing is kept from before."""
    took = []
    for model in [fit() for _ in range(repeats)]:
        start = time.process_time()
        function(model)
        took.append(time.process_time() - start)
    return min(took)


def by_turns(rounds):
    """CPU seconds of the fit, its derivatives and anova: R, and the least of five by mere, round after round."""
    pairs = []
    for _ in range(rounds):
        theirs = seconds_of_r("insteval")["insteval"]
        took = []
        for _ in range(5):
            start = time.process_time()
            mere.anova(mere.lmer(CROSSED, InstEval))
            took.append(time.process_time() - start)
        pairs.append((theirs, min(took)))
    return min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)


def seconds_of_r(*arguments):
    script = str(HERE / "tests_of_effects.R")
    said = subprocess.run(["Rscript", script, *arguments], capture_output=True, text=True, check=True).stdout
    return json.loads(said.strip().splitlines()[-1])


def kenward_roger_of_rows(rows):
    """pbkrtest's seconds for some rows, measured or as they were last."""
    kept = HERE / "results" / "tests_of_effects.json"
    if "--skip-slow" in sys.argv and kept.exists():
        return json.loads(kept.read_text(encoding="utf-8"))["kr_rows"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        rows.to_csv(path, index=False)
        seconds = seconds_of_r("kr", str(path))
    kept.write_text(json.dumps(seconds, indent=1) + "\n", encoding="utf-8")
    return seconds["kr_rows"]


def row(task, theirs, ours):
    ratio = f"**{theirs / ours:,.0f}**" if theirs else ""
    return f"| {task} | {shown(theirs) if theirs else '–'} | {shown(ours)} | {ratio} |"


def shown(seconds):
    return f"{seconds:.3g} s" if seconds >= 10 else f"{seconds:.2f} s" if seconds >= 0.1 else f"{1e3 * seconds:.2g} ms"


def main():
    def small():
        return mere.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)

    some = InstEval.sample(5000, random_state=1)
    for ddf in ("Satterthwaite", "Kenward-Roger"):  # what is imported when it is first needed
        mere.anova(small(), ddf=ddf)
    r = seconds_of_r("small")
    theirs, ours = by_turns(2)
    lines = [
        row(
            "Satterthwaite for `sleepstudy`: derivatives",
            r["derivatives"],
            fresh(small, lambda m: reference_of(m, "Satterthwaite"), 200),
        ),
        row("… derivatives and `anova`", r["satterthwaite"], fresh(small, mere.anova, 200)),
        row("Kenward–Roger for `sleepstudy`: `vcovAdj`", r["vcovAdj"], fresh(small, mere.vcovAdj, 200)),
        row("… `anova`", r["kr"], fresh(small, lambda m: mere.anova(m, ddf="Kenward-Roger"), 200)),
        row("`InstEval`, 73,421 rows, `service * dept`: fit, derivatives, `anova`", theirs, ours),
        row(
            "… Kenward–Roger `anova` (pbkrtest needs matrices of 73,421²)",
            None,
            fresh(lambda: mere.lmer(CROSSED, InstEval), lambda m: mere.anova(m, ddf="Kenward-Roger"), 3),
        ),
    ]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    lines.append(
        row(
            "… 5,000 random rows, `service`: `vcovAdj`",
            kenward_roger_of_rows(some),
            fresh(lambda: mere.lmer("y ~ service + (1 | s) + (1 | d)", some), mere.vcovAdj, 5),
        )
    )
    text = "\n".join(
        [
            "`python r_parity/bench/tests_of_effects.py --write`: processor time, one BLAS thread; lmerTest 3.1-3 and pbkrtest "
            f"0.5.2 with Debian's reference BLAS on the same machine, the large model by turns, load average "
            f"{os.getloadavg()[0]:.1f}. `mere` after the fit where nothing else is said, without what it keeps. With Kenward and "
            f"Roger's method for all of `InstEval` the process held {memory:.0f} MB. R with OpenBLAS takes 40 % of the time of R "
            "with the reference BLAS for the large model. When nobody else used the machine the large model took R 29.2 s and "
            "`mere` 0.27 s, 109 times less. The maximal model with 72 variance parameters takes 0.15 s after its fit.",
            "",
            "| task | R | mere | R / mere |",
            "|---|---:|---:|---:|",
            *lines,
        ]
    )
    if "--write" in sys.argv:
        write(text)
    else:
        print(text)


def write(text):
    """Into the last section of the page."""
    page = HERE.parents[1] / "docs" / "tests-of-effects.md"
    before, head, _ = page.read_text(encoding="utf-8").partition("## Speed\n")
    page.write_text(f"{before}{head}\n{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
