"""Models as tidy tables: parameters, one row of a fit, rows of the data. Importing registers it."""

from . import fits, observations, parameters

__all__ = ["fits", "observations", "parameters"]
