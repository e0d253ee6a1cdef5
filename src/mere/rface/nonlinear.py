"""`nlmer`: a nonlinear mixed model from a three-part formula, data and a start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import nonlinear_predictions, nonlinear_refits, nonlinear_summaries
from ..accessors import nonlinear_mixed
from ..arguments import control_of
from ..control import NlmerControl
from ..errors import MereUnavailableError, MereValueError
from ..frame import as_frame
from ..inference import nonlinear_bootstrap, nonlinear_profiles
from ..language.nonlinear import nonlinear_mean
from ..language.syntax import names_in
from ..nonlinear import NLMM, nonlinear_mixed_model
from ..nonlinear_design import build_nonlinear_design
from ..nonlinear_fitting import fit_nlmm, read_nonlinear_start
from ..printing import nonlinear as _printing
from ..refitting import FITTERS
from .calls import record

__all__ = ["nlmer"]


def nlmer(
    formula: str,
    data: Any,
    start: Any = None,
    nAGQ: int = 1,
    weights: Any = None,
    offset: None = None,
    subset: Any = None,
    na_action: str = "omit",
    contrasts: Any = None,
    control: NlmerControl | None = None,
    env: Mapping[str, Any] | None = None,
) -> NLMM:
    """Fit a nonlinear mixed model by maximum likelihood.

    y = f(phi, x) + e, e ~ N(0, sigma^2 / w); phi = X beta + Z b, b ~ N(0, sigma^2 Lambda Lambda'): each nonlinear
    parameter has a fixed effect, and random effects where the third part of the formula says so. The likelihood is
    Laplace's approximation, with sigma profiled out.

    Parameters
    ----------
    formula : str
        ``"y ~ SSlogis(x, Asym, xmid, scal) ~ Asym | g"``: response, mean, random effects of parameters. The mean is a
        self-starting model, any expression (``"y ~ a * exp(-k * x) ~ (a | g)"``; its derivatives are found), or a
        function of your own, given in `env`. The third part takes everything that `lmer` takes: ``(Asym + xmid | g)``,
        ``(Asym | g) + (xmid | h)``, ``||``, and fixed effects of covariates, as in ``Asym:sex + (Asym | g)``.
    data : table
        pandas, polars, pyarrow, or a dict of arrays; never changed.
    start : dict or array, optional
        Of the nonlinear parameters, ``{"Asym": 200, "xmid": 725, "scal": 350}``; or ``{"nlpars": ..., "theta": ...}``.
        Its names say which names in the mean are parameters. Self-starting models find their own.
    nAGQ : int
        1: Laplace; 0: the fixed effects are found with the random effects, which is faster and rougher; up to 100:
        points of adaptive Gauss-Hermite quadrature per dimension, for one grouping factor.
    weights, subset : str or array, optional
        A column name, an expression in the columns, or an array.
    offset : None
        As in R there is none: add it to the mean, ``y ~ o + SSlogis(...) ~ ...``.
    na_action : {"omit", "exclude", "fail"}
    contrasts : dict or pair, optional
    control : NlmerControl, optional
        From `nlmerControl`.
    env : mapping, optional
        Functions and arrays that the formula may use. A function returns the mean, or the mean and its gradient, an
        array with a column for each argument that depends on parameters, in their order; or it is a `SelfStart`.

    Returns
    -------
    NLMM

    Notes
    -----
    -2 log L contains the prior weights, -sum(log(w)), which lme4 leaves out.

    References
    ----------
    Lindstrom and Bates (1990), Biometrics 46, 673-687. Pinheiro and Bates (2000), Mixed-Effects Models in S and S-PLUS.

    Examples
    --------
    >>> from mere import nlmer
    >>> from mere.datasets import Orange
    >>> m = nlmer("circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree", Orange)
    >>> m.fixef().round(1).to_dict()
    {'Asym': 192.1, 'xmid': 727.9, 'scal': 348.1}
    """
    call = record(
        "nlmer", data, formula=str(formula), start=start, nAGQ=None if nAGQ == 1 else nAGQ, weights=weights,
        subset=subset, na_action=None if na_action == "omit" else na_action, contrasts=contrasts, control=control,
        env=env,
    )  # fmt: skip
    if isinstance(nAGQ, bool) or not isinstance(nAGQ, (int, np.integer)) or not 0 <= nAGQ <= 100:
        raise MereValueError(f"nAGQ must be a whole number from 0 to 100, not {nAGQ!r}")
    if offset is not None:
        raise MereUnavailableError(
            "nlmer() takes no offset: add it to the mean, as in 'y ~ o + SSlogis(x, Asym, xmid, scal) ~ Asym | g'"
        )
    names, first, theta = read_nonlinear_start(start)
    if names is None and first is not None:
        names = _names(formula, data, env, len(first))
    design = build_nonlinear_design(
        formula, data, names, weights=weights, subset=subset, na_action=na_action, contrasts=contrasts, env=env
    )
    control = control_of(control, NlmerControl, "nlmerControl")
    fit = fit_nlmm(design, int(nAGQ), control, first, theta)
    return nonlinear_mixed_model(fit, control, call)


def _names(formula: str, data: Any, env: Mapping[str, Any] | None, count: int) -> tuple[str, ...]:
    """Parameters of a start without names: what the mean has and the data do not, in order."""
    table, known = as_frame(data), env or {}
    found = dict.fromkeys(n for n in names_in(nonlinear_mean(formula)) if n not in table and n not in known)
    found.pop("pi", None)
    if len(found) != count:
        raise MereValueError(
            f"start has {count} values, but the mean has {len(found)} parameters ({', '.join(found)}): "
            "give start={name: value}"
        )
    return tuple(found)


_REGISTERED = (
    nonlinear_predictions, nonlinear_refits, nonlinear_summaries, nonlinear_mixed, nonlinear_bootstrap,
    nonlinear_profiles, _printing,
)  # fmt: skip
FITTERS["nlmer"] = nlmer
