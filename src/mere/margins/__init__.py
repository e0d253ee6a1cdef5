"""Marginal means from a basis: reference grids, means, contrasts, trends, tests, adjustments."""

from . import methods, text
from .arrows import comparison_arrows
from .basis import Basis, constant_df, emm_basis, null_space
from .contrasting import contrast, pairs
from .effectsizes import eff_size
from .frames import interaction_frame, interaction_specs, pairwise_frame, pwpm
from .grid import EmmGrid, EmmList
from .letters import cld
from .means import marginal_means
from .multivariate import mvcontrast
from .posterior import as_mcmc, hpd_summary
from .refgrid import build_grid, meanint
from .rescaling import regrid
from .reshaping import add_grouping, as_list, comb_facs, permute_levels, split_fac, subset_grid, update_grid
from .results import JointTests, Listing
from .scales import Scale, find_scale, make_tran
from .stacking import rbind
from .summarizing import SummaryEmm, summarize
from .testing import term_tests, test
from .trends import trend_grid

__all__ = [
    "Basis",
    "EmmGrid",
    "EmmList",
    "JointTests",
    "Listing",
    "Scale",
    "SummaryEmm",
    "add_grouping",
    "as_list",
    "as_mcmc",
    "build_grid",
    "cld",
    "comb_facs",
    "comparison_arrows",
    "constant_df",
    "contrast",
    "eff_size",
    "emm_basis",
    "find_scale",
    "hpd_summary",
    "interaction_frame",
    "interaction_specs",
    "make_tran",
    "marginal_means",
    "meanint",
    "mvcontrast",
    "null_space",
    "pairs",
    "pairwise_frame",
    "permute_levels",
    "pwpm",
    "rbind",
    "regrid",
    "split_fac",
    "subset_grid",
    "summarize",
    "term_tests",
    "test",
    "trend_grid",
    "update_grid",
]

del methods, text
