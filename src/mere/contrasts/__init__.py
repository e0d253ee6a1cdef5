"""Contrast codings: a registry of functions ``levels → (matrix, column names)``.

A *specification* is what the user writes: ``"sum"``, ``"contr.sum"``,
``("treatment", {"base": 2})``, a matrix, a DataFrame, or None for the default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import MereTypeError, MereValueError
from .helmert import helmert
from .poly import poly
from .sas import sas
from .sum import sum_to_zero
from .treatment import treatment
from .user import user_matrix

__all__ = ["CODINGS", "DEFAULTS", "Contrasts", "Counted", "code_levels", "read_contrasts"]

CODINGS: dict[str, Callable[..., tuple[np.ndarray, tuple[str, ...] | None]]] = {
    "treatment": treatment,
    "sum": sum_to_zero,
    "helmert": helmert,
    "poly": poly,
    "SAS": sas,
}
DEFAULTS = ("treatment", "poly")  # of unordered and of ordered factors


@dataclass(frozen=True)
class Contrasts:
    """The ``contrasts=`` argument, read: one specification a variable, and the two defaults."""

    by_name: Mapping[str, Any] = field(default_factory=dict)
    defaults: tuple[Any, Any] = DEFAULTS

    def of(self, name: str, ordered: bool) -> Any:
        """The specification for a variable."""
        return self.by_name.get(name, self.defaults[int(ordered)])


@dataclass(frozen=True)
class Counted:
    """A coding that is told the number of levels only, so that its columns have numbers.

    This is what R does with a contrast *function*, as in ``C(f, contr.treatment)``.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


def read_contrasts(contrasts: Any) -> Contrasts:
    """Read the ``contrasts=`` argument.

    Parameters
    ----------
    contrasts : None, mapping, or pair
        ``{"f": "contr.sum"}``, ``{"f": ("treatment", {"base": 2})}``, ``{"f": matrix}``, or a
        pair of defaults for unordered and ordered factors (R's ``options(contrasts=)``).

    Examples
    --------
    >>> read_contrasts({"f": "contr.sum"}).of("f", False)
    'contr.sum'
    """
    if contrasts is None:
        return _NONE
    if isinstance(contrasts, Contrasts):
        return contrasts
    if isinstance(contrasts, Mapping):
        return Contrasts({str(k): v for k, v in contrasts.items()})
    if isinstance(contrasts, (list, tuple)) and len(contrasts) == 2:
        return Contrasts({}, (contrasts[0], contrasts[1]))
    raise MereTypeError(
        "contrasts must be a dict such as {'f': 'sum'} or a pair of defaults such as "
        f"('treatment', 'poly'), not {contrasts!r}"
    )


_NONE = Contrasts()


def code_levels(
    spec: Any, levels: Sequence[str], variable: str = "", complete: bool = False
) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """The contrast matrix (levels × columns) and its column names (None: numbers).

    Parameters
    ----------
    spec : str, (str, dict), array, DataFrame
    levels : sequence of str
    variable : str
        For error messages.
    complete : bool
        Fill a matrix of the user up to k − 1 columns, as ``C()`` does.

    Examples
    --------
    >>> code_levels(("treatment", {"base": "b"}), ["a", "b"])[1]
    ('a',)
    """
    if len(levels) < 2:
        raise MereValueError(
            f"contrasts can be applied only to factors with 2 or more levels; {variable!r} has "
            f"{len(levels)} ({', '.join(levels)}): leave it out of the formula"
        )
    if isinstance(spec, Counted):
        numbers = [str(i + 1) for i in range(len(levels))]
        return code_levels((spec.name, spec.options), numbers, variable)
    options: Mapping[str, Any] = {}
    if isinstance(spec, tuple) and len(spec) == 2 and isinstance(spec[0], str):
        spec, options = spec
    if isinstance(spec, str):
        name = spec.removeprefix("contr.")
        if name not in CODINGS:
            known = ", ".join(CODINGS)
            raise MereValueError(f"unknown contrasts {spec!r} for {variable!r}; there are {known}")
        try:
            return CODINGS[name](levels, **options)
        except TypeError as error:
            raise MereTypeError(f"contrasts {spec!r} for {variable!r}: {error}") from None
    columns = getattr(spec, "columns", None)
    values = getattr(spec, "values", spec)
    if columns is not None and not isinstance(columns, tuple):
        columns = None if type(columns).__name__ == "RangeIndex" else list(columns)
        index = list(map(str, getattr(spec, "index", [])))
        if sorted(index) == sorted(levels) and index != list(levels):
            values = spec.loc[[spec.index[index.index(lv)] for lv in levels]].to_numpy()
    try:
        return user_matrix(levels, np.asarray(values, dtype=np.float64), columns, complete)
    except MereValueError as error:
        raise MereValueError(f"contrasts for {variable!r}: {error}") from None
