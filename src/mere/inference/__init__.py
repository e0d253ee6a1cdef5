"""Tests of effects: degrees of freedom, estimable hypotheses, and the tables that show them."""

from . import anovas, coefficients, elimination, meantables, randomterms, tables

__all__ = ["anovas", "coefficients", "elimination", "meantables", "randomterms", "tables"]
