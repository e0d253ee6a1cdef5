"""What a family is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from ..errors import MereValueError
from ..links import Link, make_link

__all__ = ["Family", "x_log_ratio"]


def x_log_ratio(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x log(x / y), 0 where x is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x > 0, x * np.log(np.where(x > 0, x, 1.0) / y), 0.0)


@dataclass(frozen=True, repr=False)
class Family:
    """A distribution of an exponential family with a link.

    A family of your own is a subclass with `name`, `variance`, `unit_deviance` and `start`; `minus_2_loglik` gives the
    likelihood its constant, `has_scale` says whether there is a dispersion parameter.

    Attributes
    ----------
    link : Link
    name : str
        R's name.
    code : int
        Which kernel computes it; -1 = none, NumPy does.
    has_scale : bool
        Is the dispersion estimated?
    has_likelihood : bool
        Is it a distribution, and not a quasi family of a mean and a variance only?
    outcome : str
        ``"proportion"`` of a number of trials, ``"count"``, or neither.
    likely : str
        Of a quasi family: which families with a likelihood to take instead.
    """

    link: Link = field(default_factory=lambda: make_link("identity"))
    name: ClassVar[str] = ""
    code: ClassVar[int] = -1
    has_scale: ClassVar[bool] = False
    has_likelihood: ClassVar[bool] = True
    outcome: ClassVar[str] = ""
    likely: ClassVar[str] = "a family that has one"
    canonical: ClassVar[str] = ""
    links: ClassVar[tuple[str, ...]] = ()

    def __init__(self, link: Link | str | None = None):
        chosen = make_link(self.canonical if link is None else link)
        if self.links and chosen.name not in self.links and chosen.code >= 0:
            raise MereValueError(
                f"link {chosen.name!r} is not for the {self.name} family; use {', '.join(map(repr, self.links))}"
            )
        object.__setattr__(self, "link", chosen)

    @property
    def label(self) -> str:
        """The name in print."""
        return self.name

    @property
    def edges(self) -> str:
        """Of which kind of outcome the means may run to an edge of their range: `outcome`, or that of a like family."""
        return self.outcome

    def need_likelihood(self, what: str, instead: str = "") -> None:
        """Raise where `what` cannot be had of a mean and a variance alone; `instead` is what else there is."""
        if not self.has_likelihood:
            raise self.no_likelihood(what, instead)

    def no_likelihood(self, what: str, instead: str = "") -> MereValueError:
        """The error of `need_likelihood`."""
        return MereValueError(
            f"{what} needs a likelihood, and the {self.label} family is only a mean and a variance: fit the model "
            f"with {self.likely}{', or ' * bool(instead)}{instead}"
        )

    # -- of the mean -----------------------------------------------------------
    def variance(self, mu: np.ndarray) -> np.ndarray:
        """Variance function."""
        raise NotImplementedError

    def variance_slope(self, mu: np.ndarray) -> np.ndarray:
        """Its derivative; central differences unless a subclass knows better."""
        h = 1e-6 * np.maximum(np.abs(mu), 1e-3)
        out: np.ndarray = (self.variance(mu + h) - self.variance(mu - h)) / (2 * h)
        return out

    def unit_deviance(self, y: np.ndarray, mu: np.ndarray) -> np.ndarray:
        """Squared deviance residuals of weight 1."""
        raise NotImplementedError

    def descent(self, y: np.ndarray, mu: np.ndarray, wt: np.ndarray, deviance: float) -> float:
        """What the steps to the estimates lower: the deviance."""
        return deviance

    def minus_2_loglik(self, y: np.ndarray, mu: np.ndarray, wt: np.ndarray, deviance: float) -> float:
        """-2 log-likelihood with all constants; a dispersion is plugged in and, as in R, 2 added."""
        return deviance

    # -- of the data -------------------------------------------------------------
    def check(self, y: np.ndarray, name: str) -> None:
        """Raise when the response cannot come from the family."""

    def start(self, y: np.ndarray, wt: np.ndarray) -> np.ndarray:
        """Means to start from."""
        return y

    def valid_mu(self, mu: np.ndarray) -> bool:
        """Are these means of the family?"""
        return bool(np.isfinite(mu).all())

    def simulate(self, mu: np.ndarray, wt: np.ndarray, dispersion: float, rng: np.random.Generator) -> np.ndarray:
        """New responses."""
        raise MereValueError(f"the {self.name} family cannot be simulated")

    def probability(self, y: np.ndarray, mu: np.ndarray, wt: np.ndarray, dispersion: float) -> np.ndarray:
        """P(Y <= y)."""
        raise MereValueError(f"the {self.name} family has no distribution function here")

    def spacing(self, wt: np.ndarray) -> np.ndarray:
        """The distance of values that outcomes can have; zero where they are continuous."""
        return np.zeros(len(wt))

    def __repr__(self) -> str:
        return f"\nFamily: {self.label} \nLink function: {self.link.name} \n"
