"""Text and HTML as R would show it. Importing this package registers it on the generics."""

from . import anovas, html, linear, lists, mixed

__all__ = ["anovas", "html", "linear", "lists", "mixed"]
