"""Tests of effects: degrees of freedom, estimable hypotheses, and the tables that show them."""

from . import anovas, coefficients, comparisons, elimination, meantables, randomterms, tables

__all__ = ["anovas", "coefficients", "comparisons", "elimination", "meantables", "randomterms", "tables"]
