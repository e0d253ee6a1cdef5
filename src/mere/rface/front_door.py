"""`infer`: one function over models, marginal means, predictions, simulations and profiles; it only packs arguments."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..arguments import check_flags, number_of
from ..errors import DataMessage, MereError, MereStateError, MereUnavailableError, MereValueError, tell
from ..generalized import GLM, GLMM
from ..inference.profile_results import Profile
from ..margins.grid import EmmGrid
from ..model import LM, LMM
from .answers import ANSWERS, profiled

__all__ = ["Inference", "infer"]

HOW = ("asymp", "boot", "perm", "cv", "joint", "profile", "summary")
#: What each kind of object can be asked.
TABLE = {
    "fit": ("asymp", "boot", "perm", "cv", "joint", "profile"),
    "explore": ("asymp", "boot", "perm", "joint"),
    "predict": ("asymp", "boot", "cv"),
    "simulate": ("summary",),
    "profile": ("profile",),
}


#: Which answers make use of these arguments.
_USED = {
    "null": {("fit", "asymp"), ("explore", "asymp"), ("fit", "boot"), ("explore", "boot"), ("fit", "perm"),
             ("explore", "perm")},
    "alternative": {(kind, how) for kind in TABLE for how in ("asymp", "boot", "perm")},
    "errors": {("fit", "asymp"), ("fit", "joint")},
    "options": {(kind, how) for kind in TABLE for how in ("boot", "perm", "cv")},
}  # fmt: skip
_DEFAULTS: dict[str, Any] = {"null": 0.0, "alternative": "two-sided", "errors": "iid", "options": {}}


@dataclass(frozen=True, eq=False)
class Inference:
    """What `infer` found.

    Attributes
    ----------
    table : DataFrame
        ``estimate, se, ci_lower, ci_upper, statistic, df, p_value`` by term, or what the question has instead.
    variance : DataFrame or None
        Intervals of the variance components of a mixed model, beside a bootstrap or a permutation test.
    detail : object
        The result of the function that was called: a bootstrap, a permutation test, a cross-validation, ...
    how : str
    conf_level : float
    """

    table: pd.DataFrame
    variance: pd.DataFrame | None
    detail: Any
    how: str
    conf_level: float

    def to_frame(self) -> pd.DataFrame:
        """The table."""
        return self.table.copy()

    def __repr__(self) -> str:
        return g.to_text(self)

    def _repr_html_(self) -> str:
        return g.to_html(self)


@g.to_text.register(Inference)
def _text(x: Inference) -> str:
    lines = [f"Inference by {x.how!r}, confidence level {x.conf_level:g}", "", x.table.to_string()]
    if x.variance is not None:
        lines += ["", "Variance components:", x.variance.to_string()]
    return "\n".join(lines)


@g.to_html.register(Inference)
def _html(x: Inference) -> str:
    return f"<pre>{escape(_text(x))}</pre>"


# -- arguments -----------------------------------------------------------------------
def read_level(conf_level: Any) -> float:
    """.95, 95 and "95%" are the same.

    Examples
    --------
    >>> read_level(0.95), read_level(95), read_level("95%")
    (0.95, 0.95, 0.95)
    """
    value = conf_level
    try:
        if isinstance(value, str):
            value = float(value.rstrip("% ")) / (100 if value.strip().endswith("%") else 1)
        value = float(value)
    except (TypeError, ValueError):
        raise MereValueError(f"conf_level must be like 0.95, 95 or '95%', not {conf_level!r}") from None
    value = value / 100 if 1 < value < 100 else value
    if not 0 < value < 1:
        raise MereValueError(f"conf_level must lie between 0 and 1 (or 0 and 100 %), not {conf_level!r}")
    return value


def _kind(x: Any, newdata: Any) -> str:
    if isinstance(x, (LM, GLM, LMM, GLMM)):
        return "fit" if newdata is None else "predict"
    if isinstance(x, EmmGrid):
        return "explore"
    if isinstance(x, Profile):
        return "profile"
    if (
        isinstance(x, pd.DataFrame)
        and len(x.columns)
        and all(str(c).startswith("sim_") for c in x.columns.get_level_values(0))
    ):
        return "simulate"
    raise MereStateError(
        f"infer() takes a fitted model, marginal means, a profile or the table of simulate(), not "
        f"{type(x).__name__!r}; for predictions give the model and newdata="
    )


def infer(
    x: Any,
    how: str = "asymp",
    conf_level: Any = 0.95,
    null: float = 0.0,
    alternative: str = "two-sided",
    errors: str = "iid",
    model: Any = None,
    newdata: Any = None,
    n_boot: int = 1000,
    n_perm: int = 1000,
    ci_type: str | None = None,
    k: Any = 10,
    profile: bool = True,
    seed: Any = None,
    **options: Any,
) -> Inference:
    """One front door of inference.

    Parameters
    ----------
    x : LM, GLM, LMM, GLMM, EmmGrid, Profile, or the table of `simulate`
        With ``newdata=`` the question is about a model's predictions there.
    how : {"asymp", "boot", "perm", "cv", "joint", "profile", "summary"}
        Standard errors and tests; bootstrap; permutation; cross-validation with the importance of terms; joint tests of
        terms; intervals of variance components; a summary of simulated responses. Not every object has every answer.
    conf_level : float or str
        0.95, 95 or "95%".
    null, alternative
        ``"two-sided"``, ``"greater"``, ``"less"``: one-sided intervals have an infinite end.
    errors : str
        ``"iid"``; ``"HC0"`` ... ``"HC3"``, ``"CR0"`` ... ``"CR3"``, ``"hetero"``, ``"unequal_var"``.
    model : optional
        The model behind marginal means, for ``how="boot"`` and ``"perm"``.
    newdata : table, optional
    n_boot, n_perm : int
    ci_type : {"bca", "percentile", "basic", "studentized"}, optional
        Of a bootstrap; default BCa without random effects, else percentile.
    k : int or "loo"
    profile : bool
        With a bootstrap or permutation test of a mixed model, profile its variance components too.
    seed : int or numpy.random.Generator, optional
    **options
        Passed on to `bootstrap`, `permutation_test` or `cross_validate`.

    Returns
    -------
    Inference
        ``.table``, ``.variance``, ``.detail``.

    Examples
    --------
    >>> from mere import infer, lmer
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> infer(m).table.loc["Days", ["estimate", "se", "df"]].astype(float).round(3).to_list()
    [10.467, 1.546, 17.0]
    """
    if how not in HOW:
        raise MereValueError(f"how must be one of {', '.join(map(repr, HOW))}, not {how!r}")
    null = number_of(null, "null")
    check_flags(profile=profile)
    if alternative not in ("two-sided", "greater", "less"):
        raise MereValueError(f"alternative must be 'two-sided', 'greater' or 'less', not {alternative!r}")
    level, kind = read_level(conf_level), _kind(x, newdata)
    if how not in TABLE[kind]:
        raise MereUnavailableError(
            f"how={how!r} has no answer for {_WORDS[kind]}; there {'is' if len(TABLE[kind]) == 1 else 'are'} "
            f"{', '.join(map(repr, TABLE[kind]))}"
        )
    given = {
        "level": level, "null": null, "alternative": alternative, "errors": errors, "model": model,
        "newdata": newdata, "n_boot": n_boot, "n_perm": n_perm, "ci_type": ci_type, "k": k, "profile": profile,
        "seed": seed, "options": options,
    }  # fmt: skip
    _refuse_unused(kind, how, given)
    table, detail = ANSWERS[kind, how](x, given)
    variance = _variance(x, given) if kind == "fit" and how in ("boot", "perm") and profile else None
    return Inference(table, variance, detail, how, level)


_WORDS = {"fit": "a model", "explore": "marginal means", "predict": "predictions", "simulate": "simulated responses",
          "profile": "a profile"}  # fmt: skip


def _refuse_unused(kind: str, how: str, given: dict[str, Any]) -> None:
    """An argument that would change nothing was given for a reason."""
    for name, answers in _USED.items():
        if given[name] != _DEFAULTS[name] and (kind, how) not in answers:
            shown = ", ".join(given[name]) if name == "options" else f"{name}={given[name]!r}"
            raise MereValueError(f"{shown}: how={how!r} of {_WORDS[kind]} makes no use of it")


def _variance(m: Any, a: dict[str, Any]) -> pd.DataFrame | None:
    """The profile beside a bootstrap; if it fails, the bootstrap stays."""
    if not isinstance(m, (LMM, GLMM)):
        return None
    try:
        return profiled(m, a)
    except (MereError, ArithmeticError, np.linalg.LinAlgError) as error:
        tell(f"infer: the variance components could not be profiled: {error}", DataMessage)
        return None
