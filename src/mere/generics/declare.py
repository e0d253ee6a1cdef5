"""How a generic is declared: one function, its signature, its documentation.

A generic is a function of a model that dispatches on the class of its first
argument. It is declared here once; classes of results register what they do
(``@fixef.register``), and so may anybody else's classes.

Packages that only register methods are loaded when a generic is first called for a class it has nothing for: a script
that fits and prints does not wait for profiles and bootstraps to be imported.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import singledispatch, wraps
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any, TypeVar, cast

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

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> T:
        try:
            return dispatcher(*args, **kwargs)
        except TypeError as error:
            if not args or _depth(error) > _DISPATCH:
                raise
            raise _wrong_call(function.__name__, dispatcher.dispatch(type(args[0])), args[0], error) from None

    for name in ("register", "dispatch", "registry"):
        setattr(call, name, getattr(dispatcher, name))
    return cast("_SingleDispatchCallable[T]", call)


_DISPATCH = 3  # frames of a call that does not fit its method: `call`, the dispatcher, `missing`


def _depth(error: TypeError) -> int:
    """How many calls deep an error arose."""
    depth, at = 0, error.__traceback__
    while at is not None:
        depth, at = depth + 1, at.tb_next
    return depth


def _wrong_call(name: str, method: Callable[..., Any], model: Any, error: TypeError) -> TypeError:
    """The error of a call that does not fit the method's arguments, in the user's terms."""
    found = re.search(r"unexpected keyword argument '(\w+)'", str(error))
    crowd = re.search(r"takes (?:from \d+ to )?\d+ positional arguments? but (\d+)", str(error))
    if found is None and crowd is None:
        return error
    known = [p.name for p in signature(method).parameters.values() if p.kind is not p.VAR_KEYWORD][1:]
    kind = type(model).__name__
    has = f"there are {', '.join(known)}" if known else "there are none"
    what = f"has no argument {found[1]!r}" if found else f"was given {int(crowd[1]) - 1} arguments" if crowd else ""
    return MereTypeError(f"{name}() of an object of class {kind!r} {what}; {has}")


def no_method(name: str, model: Any, hint: str = "") -> MereTypeError:
    """The error of a generic that has nothing for a class, with what to use instead."""
    kind = type(model).__name__
    return MereTypeError(
        f"{name}() has no method for an object of class {kind!r}{hint and ': ' + hint}; "
        f"a class gets one with {name}.register({kind}, function)"
    )
