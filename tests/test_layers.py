"""The layers of docs/architecture.md: imports go down, in no circle, and the kernels know nothing of Python."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "mere"
SOURCES = sorted(path for path in PACKAGE.rglob("*") if path.suffix in {".py", ".pyx"})
KERNELS = sorted(path for path in (ROOT / "csrc").rglob("*.[ch]"))


def layer_table():
    """First component of a module's name -> layer, from the table's second column."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    layers = {}
    for number, where in re.findall(r"^\| (\d+) [^|]*\| ([^|]*)\|", text, flags=re.MULTILINE):
        for name in re.findall(r"`(?:src/mere/)?([\w/]+?)(?:/|\.pyx?)`", where):
            layers[name] = int(number)
    return layers


LAYERS = layer_table()


def module_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def is_type_checking(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imported(path):
    """Modules of mere that a file imports, in functions too, relative to mere; "__init__" is mere itself.

    What is imported for type checkers only does not count: it is not there when the code runs.
    """
    module = module_of(path)
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".pyx":
        return {name or "__init__" for name in re.findall(r"^\s*(?:from|c?import) mere(?:\.([\w.]+))? ", text, re.M)}
    modules = {module_of(other) for other in SOURCES}
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    package = "" if package == "__init__" else package
    found, todo = set(), [ast.parse(text)]
    while todo:
        node = todo.pop()
        if is_type_checking(node):
            continue
        todo.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".") if package else []
                above = above[: len(above) - (node.level - 1)]
                base = ".".join(["mere", *above, *([node.module] if node.module else [])])
            # `from mere.x import y`: y may be a module or a name in x
            names = [
                f"{base}.{alias.name}" if _is_module(f"{base}.{alias.name}", modules) else base for alias in node.names
            ]
        else:
            continue
        for name in names:
            if name == "mere":
                found.add("__init__")
            elif name.startswith("mere."):
                found.add(name.removeprefix("mere."))
    return found - {module}


def _is_module(name, modules):
    return name.startswith("mere.") and name.removeprefix("mere.") in modules


def layer(module):
    return LAYERS[module.split(".")[0]]


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_each_module_has_a_layer(path):
    first = module_of(path).split(".")[0]
    assert first in LAYERS, f"{first}: not in the table of docs/architecture.md; add it to its layer"


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_imports_go_down(path):
    here = module_of(path)
    up = sorted(other for other in imported(path) if layer(other) > layer(here))
    assert not up, f"{here} (layer {layer(here)}) imports {', '.join(up)} of a layer above"


def test_imports_make_no_circle():
    below = {module_of(path): imported(path) for path in SOURCES}
    done, trail = set(), []

    def visit(module):
        if module in trail:
            pytest.fail("circle: " + " -> ".join([*trail[trail.index(module) :], module]))
        if module in done:
            return
        trail.append(module)
        for other in sorted(below.get(module, ())):
            # a package imports its own files, and they may use what their package declares first
            if not (module.startswith(other + ".") or other.startswith(module + ".")):
                visit(other)
        trail.pop()
        done.add(module)

    for module in sorted(below):
        visit(module)


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: path.name)
def test_kernels_are_plain_c(path):
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert "Python.h" not in code
    if path.name != "blas_shim.c":  # it reports a missing function before it aborts
        assert not re.search(r"\b(?:f?printf|puts|putchar|exit|abort)\s*\(", code), (
            "kernels do not print and do not exit"
        )
    if path.name != "memory.c":
        assert not re.search(r"\b(?:malloc|calloc|realloc|aligned_alloc|free)\s*\(", code), (
            "allocate with csrc/memory.h"
        )


def test_c_sources_are_listed():
    build = (ROOT / "csrc" / "meson.build").read_text()
    assert [path.name for path in KERNELS if path.suffix == ".c" and f"'{path.name}'" not in build] == []
    build = (ROOT / "tests" / "c" / "meson.build").read_text()
    tests = [path.stem.removeprefix("test_") for path in (ROOT / "tests" / "c").glob("test_*.c")]
    assert [name for name in tests if f"'{name}'" not in build] == []
