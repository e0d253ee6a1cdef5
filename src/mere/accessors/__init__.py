"""What the generics do for mixed and linear models. Importing this package registers it."""

from . import (
    comparison,
    components,
    effects,
    generalized_diagnostics,
    generalized_linear,
    generalized_mixed,
    intervals,
    likelihood,
    linear,
    rows,
)

__all__ = [
    "comparison",
    "components",
    "effects",
    "generalized_diagnostics",
    "generalized_linear",
    "generalized_mixed",
    "intervals",
    "likelihood",
    "linear",
    "rows",
]
