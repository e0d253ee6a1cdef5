"""Covariance structures of random-effects terms: a protocol, one file per structure, a registry.

A structure describes the k × k relative covariance factor Λ₁ (lower triangular, Σ = σ² Λ₁ Λ₁')
of a term with k columns by a few parameters `par`; `theta` are the entries of Λ₁ that the
kernel reads. Register a new structure by adding its class to `STRUCTURES`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ..errors import FormulaError
from .ar1 import AR1
from .cs import CompoundSymmetry
from .diag import Diagonal
from .us import Unstructured

__all__ = ["STRUCTURES", "Covariance", "make_covariance"]


@runtime_checkable
class Covariance(Protocol):
    """What a covariance structure of k columns can tell; frozen and picklable.

    Attributes
    ----------
    name : str
        The word in the formula: ``"us"``, ``"diag"``, ``"cs"``, ``"ar1"``.
    k, n_par : int
        The number of columns and of parameters.
    entries : ndarray of int, (n_theta, 2)
        The (row, column) of Λ₁ that each theta is, column-major lower triangle.
    linear : ndarray of int, (n_theta,), or None
        The index of `par` that each theta copies, None where theta is not a selection of par.
    """

    name: str
    k: int

    @property
    def n_par(self) -> int: ...
    @property
    def entries(self) -> np.ndarray: ...
    @property
    def linear(self) -> np.ndarray | None: ...
    def start(self) -> np.ndarray:
        """The optimizer's start: the identity."""
        ...

    def lower(self) -> np.ndarray:
        """Lower bounds of par."""
        ...

    def upper(self) -> np.ndarray:
        """Upper bounds of par."""
        ...

    def par_names(self, columns: Sequence[str]) -> list[str]:
        """Names of par: ``(Intercept)``, ``Days.(Intercept)``, ``rho``."""
        ...

    def theta(self, par: np.ndarray) -> np.ndarray:
        """The entries of Λ₁ at par."""
        ...

    def jacobian(self, par: np.ndarray) -> np.ndarray:
        """d theta / d par, (n_theta, n_par)."""
        ...

    def from_factor(self, L: np.ndarray) -> np.ndarray:
        """The par whose Λ₁ is (nearest to) the lower-triangular L."""
        ...


STRUCTURES: dict[str, type[Any]] = {cls.name: cls for cls in (Unstructured, Diagonal, CompoundSymmetry, AR1)}


def make_covariance(name: str, k: int, options: Mapping[str, object] | None = None) -> Covariance:
    """The structure called `name` for k columns.

    Parameters
    ----------
    name : str
        A key of `STRUCTURES`.
    k : int
        The number of columns of the term.
    options : mapping
        ``{"hom": True}`` for one standard deviation in common; not for ``us``.

    Examples
    --------
    >>> cov = make_covariance("us", 2)
    >>> cov.theta(cov.start()).tolist(), cov.par_names(["(Intercept)", "Days"])
    ([1.0, 0.0, 1.0], ['(Intercept)', 'Days.(Intercept)', 'Days'])
    """
    if name not in STRUCTURES:
        known = ", ".join(STRUCTURES)
        raise FormulaError(f"unknown covariance structure {name!r}; there are {known}")
    given = dict(options or {})
    cls = STRUCTURES[name]
    extra = set(given) - set(cls.options)
    if extra:
        raise FormulaError(f"{name}() has no argument {', '.join(sorted(extra))}")
    for key, value in given.items():
        if not isinstance(value, bool):
            raise FormulaError(f"{key} of {name}() must be TRUE or FALSE, not {value!r}")
    return cls(k, **given)
