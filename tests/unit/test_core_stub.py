"""`_core.pyi` names what `_core` has: classes, their members, functions."""

import ast
from pathlib import Path

from mere import _core

STUB = Path(__file__).resolve().parents[2] / "src" / "mere" / "_core.pyi"
TREE = ast.parse(STUB.read_text())
INHERITED = set(dir(Exception))


def defined(body):
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            yield node.name
        elif isinstance(node, ast.AnnAssign):
            yield node.target.id


def test_names():
    public = {name for name, thing in vars(_core).items() if not name.startswith("_")}
    assert set(defined(TREE.body)) == public


def test_members_of_classes():
    for node in TREE.body:
        if isinstance(node, ast.ClassDef):
            cls = getattr(_core, node.name)
            have = {name for name in vars(cls) if not name.startswith("_")} - INHERITED
            want = {name for name in defined(node.body) if not name.startswith("_")}
            if not issubclass(cls, Exception):  # whose fields are set in __init__
                assert have == want, node.name
