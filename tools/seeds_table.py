"""Write docs/seeds.md: each row of the checklist of resampling inference, its tests and what they say.

    python tools/seeds_table.py

The page is made from a run of tests/seeds, never by hand. A test belongs to a row by its name: test_bos_12_... is of
BOS-12.
"""

import json
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "seeds.md"
ROWS = json.loads((ROOT / "tests" / "seeds" / "rows.json").read_text(encoding="utf-8"))
HEAD = """# Checklist of resampling inference

Three systems that people use for such work were taken apart into what they can do; each line is one of these abilities,
with the tests that decide whether mere has it. The page is written by `python tools/seeds_table.py` from a run of the
tests. NXT is a Gaussian mixed model for outside optimizers and samplers, BOS one front door of inference for models,
RND permutation tests. What mere does differently, and why: [permutation tests](permutation.md), [bootstrap and
cross-validation](resampling.md), [inference](inference.md).

| row | ability | tests | status |
|---|---|---|---|
"""


def row_of(name: str) -> str | None:
    """The row that a test belongs to, by its name."""
    found = re.match(r"test_(nxt|bos|rnd)_(\d+)_", name)
    return f"{found[1].upper()}-{found[2]}" if found else None


def outcomes() -> dict[str, dict[str, list[str]]]:
    """Outcomes of the cases of each test function, by row."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "tests/seeds",
            "--ignore=tests/seeds/test_page.py",
            f"--junitxml={report}",
        ]
        done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True)
        if done.returncode > 1:  # not the tests failed, but their run
            raise SystemExit(done.stdout)
        cases = ElementTree.parse(report).iter("testcase")
        found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for case in cases:
            name = case.attrib["name"].split("[")[0]
            row = row_of(name)
            if row is not None:
                bad = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
                found[row][name].append(bad[0] if bad else "passed")
    return found


def status_of(tests: dict[str, list[str]]) -> str:
    """One word for a row."""
    every = [outcome for outcomes in tests.values() for outcome in outcomes]
    if not every:
        return "not reached"
    if all(outcome == "passed" for outcome in every):
        return "passed"
    return "skipped" if set(every) <= {"passed", "skipped"} else "failed"


def main() -> None:
    found = outcomes()
    lines = []
    for row, ability in ROWS.items():
        tests = found.get(row, {})
        names = "<br>".join(f"`{name}`" for name in sorted(tests))
        lines.append(f"| {row} | {ability.replace('|', chr(92) + '|')} | {names} | {status_of(tests)} |")
    counts = defaultdict(int)
    for row in ROWS:
        counts[status_of(found.get(row, {}))] += 1
    summary = ", ".join(f"{count} {word}" for word, count in sorted(counts.items(), key=lambda x: -x[1]))
    PAGE.write_text(HEAD + "\n".join(lines) + f"\n\n{len(ROWS)} rows: {summary}.\n", encoding="utf-8")
    print(summary)


if __name__ == "__main__":
    main()
