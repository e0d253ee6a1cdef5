"""Defaults of marginal means that a script chooses once: read when means are made, and carried by them.

They live in a context variable: a thread, a task or a `with_emm_options` block has its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from ..errors import MereKeyError, MereTypeError

__all__ = ["defaults_of", "emm_options", "get_emm_option", "with_emm_options"]

_GROUPS = ("contrast", "emmeans", "ref_grid", "summary")
_SUMMARY = ("delta", "infer", "level", "null", "side", "type")
_DEFAULTS: dict[str, Any] = {
    "back_bias_adj": False,
    "contrast": {"infer": (False, True)},
    "cov_keep": ("2",),
    "emmeans": {"infer": (True, False)},
    "lmer_df": "kenward-roger",
    "lmerTest_limit": float("inf"),
    "pbkrtest_limit": float("inf"),
    "ref_grid": {"infer": (False, False)},
    "rg_limit": 10_000,
    "summary": {},
}
_chosen: ContextVar[Mapping[str, Any]] = ContextVar("emm_options", default=MappingProxyType({}))


def emm_options(**options: Any) -> dict[str, Any]:
    """Choose defaults of marginal means for the rest of a script (emmeans' ``emm_options``).

    They are read when means are made: a grid keeps those it was made with, and arguments of a call come first.

    Parameters
    ----------
    **options
        ``lmer_df``, ``cov_keep``, ``rg_limit`` of `ref_grid`; ``back_bias_adj``, the ``bias_adjust`` of summaries;
        ``ref_grid``, ``emmeans``, ``contrast``, ``summary``: mappings with ``level``, ``infer``, ``null``, ``delta``,
        ``side``, ``type`` (``contrast`` also ``adjust``) of grids, of means, of contrasts, and of all of them.
        ``pbkrtest_limit`` and ``lmerTest_limit`` are accepted: there is no limit here. None takes a choice back.

    Returns
    -------
    dict
        All options, as they are now.

    Examples
    --------
    >>> from mere import emm_options, get_emm_option
    >>> options = emm_options(lmer_df="satterthwaite")
    >>> get_emm_option("lmer_df")
    'satterthwaite'
    >>> emm_options(lmer_df=None)["lmer_df"]
    'kenward-roger'
    """
    _chosen.set(_changed(options))
    return {**_DEFAULTS, **_chosen.get()}


def get_emm_option(x: str) -> Any:
    """The value of an option of marginal means (emmeans' ``get_emm_option``).

    Parameters
    ----------
    x : str
        See `emm_options`.

    Returns
    -------
    object

    Examples
    --------
    >>> from mere import get_emm_option
    >>> get_emm_option("rg_limit")
    10000
    """
    _check_name(x)
    return _chosen.get().get(x, _DEFAULTS[x])


@contextmanager
def with_emm_options(**options: Any) -> Iterator[None]:
    """Other defaults of marginal means inside a block (emmeans' ``with_emm_options``).

    Parameters
    ----------
    **options
        See `emm_options`.

    Returns
    -------
    context manager

    Examples
    --------
    >>> from mere import emmeans, lm, with_emm_options
    >>> from mere.datasets import warpbreaks
    >>> with with_emm_options(emmeans={"level": 0.9}):
    ...     means = emmeans(lm("breaks ~ tension", warpbreaks), "tension")
    >>> means
     tension emmean  SE df lower.CL upper.CL
     L         36.4 2.8 51     31.7     41.1
     M         26.4 2.8 51     21.7     31.1
     H         21.7 2.8 51     17.0     26.4
    <BLANKLINE>
    Confidence level used: 0.9
    """
    token = _chosen.set(_changed(options))
    try:
        yield
    finally:
        _chosen.reset(token)


def defaults_of(kind: str) -> dict[str, Any]:
    """The chosen defaults of grids, means or contrasts; empty if none were chosen."""
    chosen = _chosen.get()
    bias = {"bias_adjust": chosen["back_bias_adj"]} if "back_bias_adj" in chosen and kind != "contrast" else {}
    return {**bias, **chosen.get("summary", {}), **chosen.get(kind, {})}


def _changed(options: Mapping[str, Any]) -> dict[str, Any]:
    """The choices after a change."""
    for name, value in options.items():
        _check_name(name)
        if name in _GROUPS and value is not None:
            known = (*_SUMMARY, "adjust") if name == "contrast" else _SUMMARY
            if not isinstance(value, Mapping):
                raise MereTypeError(f"{name} must be a mapping such as {{'level': 0.9}}, not {value!r}")
            for key in value:
                if key not in known:
                    raise MereKeyError(f"{name} has no default {key!r}; there are {', '.join(sorted(known))}")
    merged = {**_chosen.get(), **options}
    return {name: value for name, value in merged.items() if value is not None}


def _check_name(name: str) -> None:
    if name not in _DEFAULTS:
        raise MereKeyError(f"there is no option {name!r}; there are {', '.join(_DEFAULTS)}")
