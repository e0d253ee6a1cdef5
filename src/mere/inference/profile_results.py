"""What a profile gives: tables, intervals, other scales."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..accessors.intervals import chosen_parameters, percent_labels
from ..errors import MereTypeError
from ..results import _Printed
from .curves import Curve

__all__ = ["Profile", "ProfileTable", "logProf", "varianceProf"]


@dataclass(frozen=True, eq=False)
class ProfileTable:
    """The profile of one parameter.

    Attributes
    ----------
    position : int
        Which one.
    values : ndarray (n, n_all)
        All parameters at the points, by increasing values of this one.
    curve : Curve
    """

    position: int
    values: np.ndarray
    curve: Curve


@dataclass(frozen=True, eq=False, repr=False)
class Profile(_Printed):
    """Likelihood profiles of a model.

    Attributes
    ----------
    model : LMM
        The ML fit that was profiled.
    names, signames : tuple of str
        All parameters of the model by both kinds of names.
    kinds : tuple of str
        ``"sd"``, ``"cor"``, ``"sigma"``, ``"beta"``.
    tables : tuple of ProfileTable
        Of the parameters that were profiled.
    at : ndarray
        The estimates of all parameters.
    use_signames : bool
    scale : {"sdcor", "log", "varcov"}
    """

    model: Any
    names: tuple[str, ...]
    signames: tuple[str, ...]
    kinds: tuple[str, ...]
    tables: tuple[ProfileTable, ...]
    at: np.ndarray
    use_signames: bool
    scale: str

    @property
    def shown(self) -> tuple[str, ...]:
        """The names of all parameters as they are shown."""
        return self.signames if self.use_signames else self.names

    @property
    def parameters(self) -> list[str]:
        """The names of the parameters that were profiled."""
        return [self.shown[t.position] for t in self.tables]

    def __getitem__(self, name: str) -> Curve:
        """The curve of a parameter: ``profile["sigma"](25.0)`` is zeta there."""
        return self.tables[self.positions(name)[0]].curve

    def positions(self, parm: Any) -> list[int]:
        """Which tables `parm` asks for."""
        names = [self.names[t.position] for t in self.tables]
        aliases = [self.signames[t.position] for t in self.tables]
        n_variance = sum(self.kinds[t.position] != "beta" for t in self.tables)
        return chosen_parameters(parm, names, aliases, n_variance)

    def to_frame(self) -> pd.DataFrame:
        """R's ``as.data.frame``: ``.zeta``, a column per parameter, and ``.par``, the one held fixed."""
        parts = []
        for t in self.tables:
            part = pd.DataFrame(t.values, columns=list(self.shown))
            part.insert(0, ".zeta", t.curve.zeta)
            part[".par"] = self.shown[t.position]
            parts.append(part)
        out = pd.concat(parts, ignore_index=True)
        out[".par"] = pd.Categorical(out[".par"], categories=self.parameters)
        return out

    confint, plot, densityplot, splom = g.confint, g.plot, g.densityplot, g.splom

    def covariances(self, factors: dict[int, tuple[int, int]]) -> Profile:
        """Covariances in place of correlations; `factors`: the two standard deviations of each correlation."""

        def changed(values: np.ndarray) -> np.ndarray:
            out = values.copy()
            for j, (a, b) in factors.items():
                sd = values[..., a] * values[..., b]
                out[..., j] = np.where(sd == 0, 0.0, values[..., j] * sd)
            return out

        def name(j: int, text: str) -> str:
            return text.replace("cor_", "cov_", 1) if j in factors else text

        names = tuple(name(j, text) for j, text in enumerate(self.names))
        kinds = tuple("cov" if j in factors else kind for j, kind in enumerate(self.kinds))
        tables = tuple(replace(t, values=changed(t.values)) for t in self.tables)
        return replace(self, names=names, kinds=kinds, tables=tables, at=changed(self.at))

    def variances(self) -> Profile:
        """Variances in place of standard deviations (R's ``varianceProf``); correlations stay."""
        return self._mapped("varcov", lambda x: x * np.abs(x), lambda x: 2 * np.abs(x), "var_", ".sigsq")

    def logarithms(self, ranef: bool = True) -> Profile:
        """Logarithms of the standard deviations (R's ``logProf``), or of sigma alone; correlations stay."""
        return self._mapped("log", np.log, lambda x: 1 / x, "log_", ".lsig", ("sd", "sigma") if ranef else ("sigma",))

    def _mapped(
        self, scale: str, f: Any, slope: Any, prefix: str, sig: str, kinds: tuple[str, ...] = ("sd", "sigma")
    ) -> Profile:
        if self.scale != "sdcor":
            raise MereTypeError(f"the profile is on the scale {self.scale!r} already")
        change = [kind in kinds for kind in self.kinds]
        names = [
            (prefix + "sigma" if k == "sigma" else n.replace("sd", prefix.rstrip("_"), 1)) if c else n
            for n, k, c in zip(self.names, self.kinds, change, strict=True)
        ]
        signames = [n.replace(".sig", sig, 1) if c else n for n, c in zip(self.signames, change, strict=True)]
        tables = []
        for t in self.tables:
            values = t.values.copy()
            with np.errstate(divide="ignore"):
                values[:, change] = f(values[:, change])
            curve = t.curve.mapped(f, slope) if change[t.position] else t.curve
            if change[t.position]:
                values = values[np.isfinite(values[:, t.position])]
            tables.append(replace(t, values=values, curve=curve))
        at = self.at.copy()
        with np.errstate(divide="ignore"):
            at[change] = f(at[change])
        return replace(self, names=tuple(names), signames=tuple(signames), tables=tuple(tables), at=at, scale=scale)


@g.confint.register(Profile)
def _confint(pr: Profile, parm: Any = None, level: float = 0.95) -> pd.DataFrame:
    from scipy.special import ndtri

    labels, z = percent_labels(level), float(ndtri((1 + level) / 2))
    chosen = [pr.tables[i] for i in pr.positions(parm)]
    rows = [[t.curve.inverse(-z), t.curve.inverse(z)] for t in chosen]
    return pd.DataFrame(rows, [pr.shown[t.position] for t in chosen], labels, dtype=float)


@g.to_text.register(Profile)
def _text(pr: Profile, digits: int = 7) -> str:
    points = ", ".join(f"{pr.shown[t.position]} ({len(t.values)})" for t in pr.tables)
    return f"Likelihood profile on the scale {pr.scale!r}; parameters (points): {points}"


@g.to_html.register(Profile)
def _html(pr: Profile) -> str:
    return f"<p>{escape(_text(pr))}</p>{g.confint(pr).to_html()}"


def varianceProf(x: Profile) -> Profile:
    """A profile on the scale of variances.

    Standard deviations become variances, which changes the shape of the
    curves but not the intervals, whose ends are squared; correlations and fixed
    effects stay as they are.

    Parameters
    ----------
    x : Profile

    Returns
    -------
    Profile

    Examples
    --------
    >>> from mere import lmer, profile, confint, varianceProf
    >>> from mere.datasets import Dyestuff
    >>> m = lmer("Yield ~ 1 + (1 | Batch)", Dyestuff, REML=False)
    >>> confint(varianceProf(profile(m)), "theta_").round(0)
                            2.5 %  97.5 %
    var_(Intercept)|Batch   149.0  7065.0
    var_sigma              1462.0  4578.0
    """
    return _profile(x, "varianceProf").variances()


def logProf(x: Profile, ranef: bool = True) -> Profile:
    """A profile on the scale of logarithms of standard deviations.

    Points with a standard deviation of zero are left out. Correlations and
    fixed effects stay as they are.

    Parameters
    ----------
    x : Profile
    ranef : bool
        False: only of the residual standard deviation.

    Returns
    -------
    Profile

    Examples
    --------
    >>> from mere import lmer, profile, confint, logProf
    >>> from mere.datasets import Dyestuff
    >>> m = lmer("Yield ~ 1 + (1 | Batch)", Dyestuff, REML=False)
    >>> confint(logProf(profile(m)), "log_sigma").round(3)
               2.5 %  97.5 %
    log_sigma  3.644   4.214
    """
    return _profile(x, "logProf").logarithms(ranef)


def _profile(x: Any, name: str) -> Profile:
    if not isinstance(x, Profile):
        raise MereTypeError(f"{name}() takes a profile, as profile(model) gives it, not {type(x).__name__!r}")
    return x
