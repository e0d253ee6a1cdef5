"""Inference from fitted models. Importing this package registers it on the generics."""

from . import bootstrap, bootstrap_intervals, deletion, intervals, optimizer_comparison, profiling

__all__ = ["bootstrap", "bootstrap_intervals", "deletion", "intervals", "optimizer_comparison", "profiling"]
