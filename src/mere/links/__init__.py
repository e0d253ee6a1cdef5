"""Link functions: one file each, an explicit registry by R's names."""

from __future__ import annotations

from typing import Any

from ..errors import MereValueError
from .cauchit import Cauchit
from .cloglog import CLogLog
from .identity import Identity
from .inverse_square import InverseSquare
from .link import Link
from .log import Log
from .logit import Logit
from .probit import Probit
from .reciprocal import Inverse
from .square_root import Sqrt

__all__ = ["LINKS", "Link", "make_link"]

LINKS: dict[str, Link] = {
    link.name: link
    for link in (Logit(), Probit(), CLogLog(), Cauchit(), Log(), Identity(), Inverse(), Sqrt(), InverseSquare())
}


def make_link(link: Any) -> Link:
    """The link of this name, or the link itself.

    Examples
    --------
    >>> make_link("logit").name
    'logit'
    """
    if isinstance(link, Link):
        return link
    if isinstance(link, type) and issubclass(link, Link):
        return link()
    if link not in LINKS:
        raise MereValueError(
            f"there is no link {link!r}; there are {', '.join(map(repr, LINKS))}, or a Link of your own"
        )
    return LINKS[link]
