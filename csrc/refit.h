/* refit.h - the results of fits, one after another. Private to the kernels. */
#ifndef MERE_REFIT_H
#define MERE_REFIT_H

#include "work.h"

/* The fit on which `work` stands, criterion d at par; `solution` from mere_lmm_solution. */
void mere_refits_keep(const mere_refits *to, int64_t at, const mere_work *work, const double *solution, double d,
                      const double *par);
/* A fit that failed: its status, and NaN. */
void mere_refits_fail(const mere_refits *to, int64_t at, const mere_plan *plan, mere_status status);

#endif
