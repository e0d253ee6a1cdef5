"""Every public function says what it takes and what it gives, and shows an example."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

import mere
import mere.assessment
import mere.inference
import mere.reporting

FUNCTIONS = sorted(name for name in mere.__all__ if inspect.isroutine(getattr(mere, name)))


def sections(doc: str) -> set[str]:
    return set(re.findall(r"^(\w[\w ]*)\n-{3,}$", doc, re.MULTILINE))


def arguments(function: Any) -> set[str]:
    """Names of the arguments of a function and of all its methods."""
    stars = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    first = inspect.signature(function).parameters.values()
    found = {p.name for p in first if p.kind not in stars}
    for kind, method in getattr(function, "registry", {}).items():
        if kind is not object:
            others = list(inspect.signature(method).parameters.values())[1:]
            found |= {p.name for p in others if p.kind not in stars}
    return {name for name in found if not name.startswith("_")}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_docstring(name: str) -> None:
    function = getattr(mere, name)
    doc = inspect.getdoc(function) or ""
    assert {"Parameters", "Returns", "Examples"} <= sections(doc)
    unnamed = [a for a in sorted(arguments(function)) if not re.search(rf"\b{re.escape(a)}\b", doc)]
    assert not unnamed
