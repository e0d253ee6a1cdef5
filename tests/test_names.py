"""Names, lengths and words: what keeps the house readable."""

import ast
import re
import types
from pathlib import Path

import pytest

import mere

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "mere"
MODULES = sorted(path for path in PACKAGE.rglob("*") if path.suffix in {".py", ".pyx"})
FOLDERS = ("src", "csrc", "tests", "tools", "examples", "r_parity", "docs")
TEXTS = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".py", ".pyx", ".pyi", ".pxd", ".c", ".h", ".R", ".md", ".build", ".toml"}
) + [ROOT / name for name in ("dev", "README.md", "NEWS.md", "pyproject.toml", "meson.build", "tests/c/run", ".ci/run")]
CODE = [path for path in TEXTS if path.suffix in {".py", ".pyx", ".c", ".h"}]
DRAWERS = {"util", "utils", "helper", "helpers", "common", "misc", "shared", "compat", "tools", "base"}
# R's verbs, whether or not they are public yet: a module of that name would be handed out in place of the function.
VERBS = set(
    """anova coef confint cooks_distance drop1 emmeans emtrends fitted fixef formula getME glmer hatvalues influence
    lmer lm logLik model_frame model_matrix nobs pairs predict profile ranef refit residuals rstudent sigma simulate
    step summary terms update vcov weights VarCorr""".split()
)


def relative(path):
    return str(path.relative_to(ROOT))


def public_functions():
    names = getattr(mere, "__all__", [])
    return {name for name in names if not isinstance(getattr(mere, name), types.ModuleType)} | VERBS


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_no_module_is_named_like_a_function_or_a_drawer(path):
    name = path.parent.name if path.stem == "__init__" else path.stem
    assert name not in public_functions(), f"a repeated import would hand out the module in place of mere.{name}"
    assert name not in DRAWERS, f"{name} says nothing about what is in it"


@pytest.mark.parametrize("path", CODE, ids=relative)
def test_files_stay_readable(path):
    assert path.read_text(encoding="utf-8").count("\n") <= 600, "more than 600 lines: divide it"


@pytest.mark.parametrize("path", TEXTS, ids=relative)
def test_nothing_is_left_to_do_and_no_machine_is_named(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\b(?:TO" + "DO|FIX" + r"ME|X" + r"XX)\b", text)
    assert not re.search(r"(?<![\w.])/(?:work|home|root|opt|Users)/\w", text), "a path of one machine"


@pytest.mark.parametrize("path", [path for path in MODULES if path.suffix == ".py"], ids=relative)
def test_no_code_is_made_from_text(path):
    """A formula is data: nothing evaluates strings."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"eval", "exec", "compile", "__import__"}, f"line {node.lineno}"
