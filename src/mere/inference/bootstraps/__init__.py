"""Bootstrap schemes, one file each, and `bootstrap` over them."""

from . import running

__all__ = ["running"]
