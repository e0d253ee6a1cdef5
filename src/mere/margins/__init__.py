"""Marginal means from a basis: reference grids, means, contrasts, trends, tests, adjustments."""

from . import text
from .basis import Basis, constant_df, emm_basis, null_space
from .contrasting import contrast, pairs
from .grid import EmmGrid, EmmList
from .means import marginal_means
from .refgrid import build_grid, meanint
from .scales import Scale, find_scale, make_tran
from .stacking import rbind
from .summarizing import SummaryEmm, summarize

__all__ = [
    "Basis",
    "EmmGrid",
    "EmmList",
    "Scale",
    "SummaryEmm",
    "build_grid",
    "constant_df",
    "contrast",
    "emm_basis",
    "find_scale",
    "make_tran",
    "marginal_means",
    "meanint",
    "null_space",
    "pairs",
    "rbind",
    "summarize",
]

del text
