"""Inference from fitted models: tests of effects, profiles, resampling. Importing this package registers it."""

from . import (
    anovas,
    bootstrap,
    bootstrap_intervals,
    coefficients,
    comparisons,
    deletion,
    deletions_of_terms,
    deviance_intervals,
    elimination,
    intervals,
    meantables,
    optimizer_comparison,
    profiling,
    randomterms,
    robust_models,
    tables,
)

__all__ = [
    "anovas",
    "bootstrap",
    "bootstrap_intervals",
    "coefficients",
    "comparisons",
    "deletion",
    "deletions_of_terms",
    "deviance_intervals",
    "elimination",
    "intervals",
    "meantables",
    "optimizer_comparison",
    "profiling",
    "randomterms",
    "robust_models",
    "tables",
]
