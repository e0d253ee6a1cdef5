"""The pages are true: their examples run without a warning and print what the pages show."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
_spec = importlib.util.spec_from_file_location("refresh_docs", ROOT / "tools" / "refresh_docs.py")
refresh_docs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(refresh_docs)


@pytest.mark.parametrize("path", refresh_docs.PAGES, ids=lambda p: p.name)
def test_examples_print_what_the_page_shows(path):
    page = path.read_text(encoding="utf-8")
    for match, out in zip(refresh_docs.examples(page), refresh_docs.outputs(page), strict=True):
        if match["out"] is not None:
            assert out == match["out"]


@pytest.mark.parametrize("path", refresh_docs.PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_the_index_lists_every_page():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for path in (ROOT / "docs").glob("*.md"):
        assert path.name == "index.md" or f"({path.name})" in index
