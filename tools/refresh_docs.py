"""Run the examples of README.md and docs/ and put their output behind them.

A block of ``python`` that is followed by a block of ``text`` is an example: its standard output is the text. All
examples of a page run one after another in one namespace, with every warning an error unless the page says
``<!-- warnings allowed -->``. Without arguments the pages are rewritten; with ``--check`` nothing is written and a page
that is not true ends the run. ``tests/test_docs.py`` does the same check.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import re
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
_EXAMPLE = re.compile(
    r"```python\n(?P<code>.*?)```\n(?P<gap>\n*(?:<!-- .*? -->\n\n?)?)(?:```text\n(?P<out>.*?)```)?", re.S
)


def examples(page: str) -> list[re.Match[str]]:
    """The blocks of Python of a page, with the text behind each (None: nothing to compare)."""
    return list(_EXAMPLE.finditer(page))


def outputs(page: str) -> list[str]:
    """What the blocks print, run in turn."""
    space: dict[str, object] = {"__name__": "__main__", "__builtins__": builtins}
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if "<!-- warnings allowed -->" in page else "error")
        for match in examples(page):
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                code = compile(match["code"], "<example>", "exec")
                run(code, space)
            found.append("".join(line.rstrip() + "\n" for line in printed.getvalue().splitlines()))
    return found


def run(code: object, space: dict[str, object]) -> None:
    """Run compiled code of our own pages."""
    import types

    types.FunctionType(code, space)()  # type: ignore[arg-type]


def refreshed(page: str) -> str:
    """The page with true outputs."""
    parts, at = [], 0
    for match, out in zip(examples(page), outputs(page), strict=True):
        if match["out"] is not None:
            parts += [page[at : match.start("out")], out]
            at = match.end("out")
    return "".join([*parts, page[at:]])


def main(check: bool) -> int:
    """Refresh or check all pages."""
    stale = []
    for path in PAGES:
        page = path.read_text(encoding="utf-8")
        new = refreshed(page)
        if new != page:
            stale.append(path.name)
            if not check:
                path.write_text(new, encoding="utf-8")
    print(f"{'stale' if check else 'rewritten'}: {', '.join(stale) or 'none'}")
    return int(check and bool(stale))


if __name__ == "__main__":
    raise SystemExit(main("--check" in sys.argv[1:]))
