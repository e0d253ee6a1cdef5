"""How a generic is declared: one function, its signature, its documentation.

A generic is a function of a model that dispatches on the class of its first
argument. It is declared here once; classes of results register what they do
(``@fixef.register``), and so may anybody else's classes.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from ..errors import MereTypeError

__all__ = ["generic", "no_method"]

generic = singledispatch


def no_method(name: str, model: Any) -> MereTypeError:
    """The error of a generic that has nothing for a class."""
    kind = type(model).__name__
    return MereTypeError(
        f"{name}() has no method for an object of class {kind!r}; "
        f"a class gets one with {name}.register({kind}, function)"
    )
