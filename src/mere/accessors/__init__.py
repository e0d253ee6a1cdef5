"""What the generics do for mixed models. Importing this package registers it."""

from . import components, effects, likelihood, rows

__all__ = ["components", "effects", "likelihood", "rows"]
