"""Families of distributions: one file each, an explicit registry by R's names.

>>> from mere import families
>>> families.binomial(link="probit").link.name
'probit'
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import MereTypeError, MereValueError
from ..links import Link
from .binomial import Binomial
from .distribution import Family
from .gamma import Gamma
from .gaussian import Gaussian
from .inverse_gaussian import InverseGaussian
from .negative_binomial import NegativeBinomial
from .poisson import Poisson
from .quasi import Quasi
from .quasi_binomial import QuasiBinomial
from .quasi_poisson import QuasiPoisson

__all__ = [
    "FAMILIES",
    "Family",
    "Gamma",
    "Link",
    "binomial",
    "gaussian",
    "inverse_gaussian",
    "make_family",
    "negative_binomial",
    "poisson",
    "quasi",
    "quasibinomial",
    "quasipoisson",
]

binomial, poisson, gaussian = Binomial, Poisson, Gaussian
inverse_gaussian, negative_binomial = InverseGaussian, NegativeBinomial
quasi, quasibinomial, quasipoisson = Quasi, QuasiBinomial, QuasiPoisson

FAMILIES: dict[str, Callable[..., Family]] = {
    "gaussian": Gaussian,
    "binomial": Binomial,
    "poisson": Poisson,
    "Gamma": Gamma,
    "inverse_gaussian": InverseGaussian,
    "negative_binomial": NegativeBinomial,
    "quasipoisson": QuasiPoisson,
    "quasibinomial": QuasiBinomial,
    "quasi": Quasi,
}


def make_family(family: Any) -> Family:
    """The family of a name, a class or an object.

    Examples
    --------
    >>> make_family("Gamma").link.name
    'inverse'
    """
    if isinstance(family, Family):
        return family
    if isinstance(family, type) and issubclass(family, Family):
        return family()
    if not isinstance(family, str):
        raise MereTypeError(
            f"family must be a name or a Family such as families.binomial(link='probit'), not {family!r}"
        )
    name = family.replace(".", "_")
    if name == "negative_binomial":
        raise MereValueError("negative_binomial needs its theta: families.negative_binomial(2), or use glmer_nb()")
    if name not in FAMILIES:
        raise MereValueError(f"there is no family {family!r}; there are {', '.join(map(repr, FAMILIES))}")
    return FAMILIES[name]()
