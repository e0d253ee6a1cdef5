"""Text and HTML as R would show it. Importing this package registers it on the generics."""

from . import anovas, generalized, html, linear, lists, mixed

__all__ = ["anovas", "generalized", "html", "linear", "lists", "mixed"]
