"""The public face: what `mere.__all__` names is documented with an example that runs, and importing it stays light."""

import doctest
import inspect
import subprocess
import sys
import types

import pytest

import mere

NAMES = [name for name in mere.__all__ if not name.startswith("__")]


def needs_example(thing):
    if isinstance(thing, types.ModuleType):
        return False
    return not (inspect.isclass(thing) and issubclass(thing, BaseException))


def test_all_is_sorted_out():
    assert len(set(NAMES)) == len(NAMES)
    assert [name for name in NAMES if not hasattr(mere, name)] == []


@pytest.mark.parametrize("name", NAMES)
def test_documented_with_an_example(name):
    thing = getattr(mere, name)
    text = inspect.getdoc(thing)
    assert text, f"mere.{name} has no docstring"
    if not needs_example(thing):
        return
    assert ">>> " in text, f"the docstring of mere.{name} has no example"
    if inspect.isfunction(thing) or inspect.isclass(thing):
        return  # --doctest-modules runs it where it is defined
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    test = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    output = []
    failed, _ = doctest.DocTestRunner(optionflags=flags, verbose=False).run(test, out=output.append)
    assert not failed, "".join(output)


def test_import_is_light():
    """Beyond numpy and pandas, `import mere` loads no plotting, no other table library and no large part of SciPy."""
    code = """
import sys
import numpy, pandas
before = set(sys.modules)
import mere
new = {name for name in sys.modules if name not in before}
heavy = ("matplotlib", "polars", "pyarrow", "scipy.linalg", "scipy.stats", "scipy.optimize", "scipy.special",
         "scipy.sparse", "hypothesis", "importlib.metadata", "asyncio", "multiprocessing",
         "mere.inference", "mere.margins")
found = sorted(name for name in new if name in heavy)
assert not found, f"import mere imports {', '.join(found)}"
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_no_lost_data_files(tmp_path):
    """Every file of the package's folder is found through the import system, as installed."""
    from importlib.resources import files

    assert (files("mere") / "py.typed").is_file()


def test_methods_that_are_loaded_later_replace_none():
    """What a generic does with a class must not depend on whether the later packages have been loaded yet."""
    code = """
import mere, mere.generics as generics
from mere.generics import declare
verbs = {name: getattr(generics, name) for name in generics.__all__ if hasattr(getattr(generics, name), "registry")}
classes = {kind for verb in verbs.values() for kind in verb.registry}
missing = {name: verb.registry[object] for name, verb in verbs.items()}
before = {(name, kind): verb.dispatch(kind) for name, verb in verbs.items() for kind in classes}
assert declare._pending and len(verbs) > 60
import importlib
for module in declare._pending: importlib.import_module(module)
changed = [f"{name}({kind.__name__})" for (name, kind), was in before.items()
           if was is not missing[name] and verbs[name].dispatch(kind) is not was]
assert not changed, f"these do something else once inference is loaded: {', '.join(sorted(changed))}"
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
