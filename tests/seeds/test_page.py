"""docs/seeds.md is what the tests say: every row is there, with exactly the tests that bear its name."""

import ast
import json
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROWS = json.loads((HERE / "rows.json").read_text(encoding="utf-8"))
PAGE = (HERE.parents[1] / "docs" / "seeds.md").read_text(encoding="utf-8")


def named_tests():
    """Names of the tests that belong to a row, by row."""
    found = {}
    for path in HERE.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and (m := re.match(r"test_(nxt|bos|rnd)_(\d+)_", node.name)):
                found.setdefault(f"{m[1].upper()}-{m[2]}", set()).add(node.name)
    return found


def test_every_test_belongs_to_a_row():
    assert set(named_tests()) <= set(ROWS)


def test_the_page_lists_the_tests_there_are():
    listed = {}
    for line in PAGE.splitlines():
        if m := re.match(r"\| ((?:NXT|BOS|RND)-\d+) \|", line):
            listed[m[1]] = set(re.findall(r"`(test_\w+)`", line))
    assert list(listed) == list(ROWS)
    assert {row: tests for row, tests in listed.items() if tests} == named_tests()


def test_a_row_without_tests_is_not_said_to_pass():
    found = named_tests()
    for line in PAGE.splitlines():
        if m := re.match(r"\| ((?:NXT|BOS|RND)-\d+) \|", line):
            assert line.endswith("| not reached |") == (m[1] not in found)
