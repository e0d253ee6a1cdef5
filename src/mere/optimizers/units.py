"""A criterion in other units of its parameters, for methods whose steps are not free of units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from .optimum import Optimum

__all__ = ["InUnits"]


@dataclass(frozen=True, eq=False)
class InUnits:
    """A criterion whose parameters are measured in `units`: x = par / units.

    Attributes
    ----------
    objective : object
        The criterion of par, with a ``layout``.
    units : ndarray (n_par,)
        Positive.

    Examples
    --------
    >>> layout = SimpleNamespace(start=np.ones(1), lower=np.zeros(1), upper=np.full(1, 4.0), linear=False)
    >>> square = SimpleNamespace(layout=layout, value_and_gradient=lambda x, wanted: ((x[0] - 2) ** 2, 2 * (x - 2)))
    >>> InUnits(square, np.array([0.5])).value_and_gradient(np.array([2.0]))
    (np.float64(1.0), array([-1.]))
    """

    objective: Any
    units: np.ndarray

    @property
    def layout(self) -> SimpleNamespace:
        """Bounds in these units; the start is one of them."""
        own = self.objective.layout
        return SimpleNamespace(
            start=own.start, lower=own.lower / self.units, upper=own.upper / self.units, linear=False
        )

    @property
    def threads(self) -> Any:
        """What the criterion runs under."""
        return self.objective.threads

    def value_and_gradient(self, x: np.ndarray, gradient: bool = True) -> tuple[float, np.ndarray | None]:
        """Both at x."""
        value, slope = self.objective.value_and_gradient(x * self.units, gradient)
        return value, None if slope is None else slope * self.units

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """At x."""
        return np.asarray(self.objective.gradient(x * self.units)) * self.units

    def back(self, optimum: Optimum) -> Optimum:
        """An optimum over x as one over par."""
        gradient = None if optimum.gradient is None else optimum.gradient / self.units
        return replace(optimum, par=optimum.par * self.units, gradient=gradient)
