"""How good a model is: shares of variance, dispersion, concordance, collinearity, residuals. Importing registers it."""

from . import (
    collinearity,
    determination,
    disagreement,
    overdispersion,
    performance,
    residual_tests,
    simulated_residuals,
    variances,
)

__all__ = [
    "collinearity",
    "determination",
    "disagreement",
    "overdispersion",
    "performance",
    "residual_tests",
    "simulated_residuals",
    "variances",
]
