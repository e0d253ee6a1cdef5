"""The R face: functions that pack arguments and call what does the work."""

from . import bases
from .generalized import glm, glmer, glmer_nb
from .linear import lm, lmList
from .margins import emmeans, emmip, emtrends, joint_tests, pwpp, ref_grid
from .mixed import lmer
from .modular import lFormula, mkLmerDevfun, mkMerMod, optimizeLmer

__all__ = [
    "emmeans",
    "emmip",
    "emtrends",
    "glm",
    "glmer",
    "glmer_nb",
    "joint_tests",
    "lFormula",
    "lm",
    "lmList",
    "lmer",
    "mkLmerDevfun",
    "mkMerMod",
    "optimizeLmer",
    "pwpp",
    "ref_grid",
]

del bases
