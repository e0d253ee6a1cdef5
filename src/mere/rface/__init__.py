"""The R face: functions that pack arguments and call what does the work."""

from . import bases
from .linear import lm, lmList
from .margins import emmeans, ref_grid
from .mixed import lmer
from .modular import lFormula, mkLmerDevfun, mkMerMod, optimizeLmer

__all__ = ["emmeans", "ref_grid", "lFormula", "lm", "lmList", "lmer", "mkLmerDevfun", "mkMerMod", "optimizeLmer"]
