"""The R face: functions that pack arguments and call what does the work. `margins` is loaded by `mere` when needed."""

from .generalized import glm, glmer, glmer_nb
from .groups import lmList
from .linear import lm
from .mixed import lmer
from .modular import lFormula, mkLmerDevfun, mkMerMod, optimizeLmer
from .modular_generalized import GHrule, glFormula, mkGlmerDevfun, optimizeGlmer, updateGlmerDevfun

__all__ = [
    "GHrule",
    "glFormula",
    "glm",
    "glmer",
    "glmer_nb",
    "lFormula",
    "lm",
    "lmList",
    "lmer",
    "mkGlmerDevfun",
    "mkLmerDevfun",
    "mkMerMod",
    "optimizeGlmer",
    "optimizeLmer",
    "updateGlmerDevfun",
]
