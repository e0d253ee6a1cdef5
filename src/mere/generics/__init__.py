"""The generics: every verb of the package that dispatches on a class, declared once."""

from .effects import VarCorr, coef, fixef, ranef, sigma, vcov
from .inference import anova, confint, profile
from .inspection import getME, isGLMM, isLMM, isNLMM, isREML, isSingular, rePCA, summary
from .likelihood import (
    AIC,
    BIC,
    REMLcrit,
    deviance,
    df_residual,
    extractAIC,
    logLik,
    ngrps,
    nobs,
)
from .refitting import refitML
from .rows import (
    family,
    fitted,
    formula,
    getData,
    hatvalues,
    model_frame,
    model_matrix,
    predict,
    residuals,
    terms,
    weights,
)
from .text import to_html, to_text

__all__ = [
    "AIC",
    "BIC",
    "REMLcrit",
    "VarCorr",
    "anova",
    "coef",
    "confint",
    "deviance",
    "df_residual",
    "extractAIC",
    "family",
    "fitted",
    "fixef",
    "formula",
    "getData",
    "getME",
    "hatvalues",
    "isGLMM",
    "isLMM",
    "isNLMM",
    "isREML",
    "isSingular",
    "logLik",
    "model_frame",
    "model_matrix",
    "ngrps",
    "nobs",
    "predict",
    "profile",
    "ranef",
    "rePCA",
    "refitML",
    "residuals",
    "sigma",
    "summary",
    "terms",
    "to_html",
    "to_text",
    "vcov",
    "weights",
]
