"""Permutation tests of fixed effects: arrangements of rows, whitening, one file per method, p-values."""

from . import testing

__all__ = ["testing"]
