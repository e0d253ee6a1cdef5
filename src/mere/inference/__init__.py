"""Inference from fitted models. Importing this package registers it on the generics."""

from . import intervals, profiling

__all__ = ["intervals", "profiling"]
