"""Cross-validation: folds, refits, losses, importance of terms by leaving them out."""

from . import validation

__all__ = ["validation"]
