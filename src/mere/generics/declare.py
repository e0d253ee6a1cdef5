"""How a generic is declared: one function, its signature, its documentation.

A generic is a function of a model that dispatches on the class of its first
argument. It is declared here once; classes of results register what they do
(``@fixef.register``), and so may anybody else's classes.

Packages that only register methods are loaded when a generic is first called for a class it has nothing for: a script
that fits and prints does not wait for profiles and bootstraps to be imported.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch, wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import MereTypeError

if TYPE_CHECKING:
    from functools import _SingleDispatchCallable

__all__ = ["generic", "no_method", "register_later"]

T = TypeVar("T")

_pending: list[str] = []


def register_later(*modules: str) -> None:
    """Modules (full names) that register methods, to be imported when one is first missed."""
    _pending.extend(modules)


def generic(function: Callable[..., T]) -> _SingleDispatchCallable[T]:
    """Make a function dispatch on the class of its first argument; its body is what happens without a method."""

    @wraps(function)
    def missing(*args: Any, **kwargs: Any) -> T:
        for module in tuple(_pending):
            import_module(module)
        _pending.clear()  # after them: an import that fails is met again, not skipped
        method = dispatcher.dispatch(type(args[0]))
        return function(*args, **kwargs) if method is missing else method(*args, **kwargs)

    dispatcher = singledispatch(missing)
    return dispatcher


def no_method(name: str, model: Any) -> MereTypeError:
    """The error of a generic that has nothing for a class."""
    kind = type(model).__name__
    return MereTypeError(
        f"{name}() has no method for an object of class {kind!r}; "
        f"a class gets one with {name}.register({kind}, function)"
    )
