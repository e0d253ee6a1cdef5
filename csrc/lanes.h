/* lanes.h - fits of one plan to several responses at once, a lane of a vector register each. Private to the kernels. */
#ifndef MERE_LANES_H
#define MERE_LANES_H

#include "work.h"

enum { MERE_LANES = 4 };

typedef struct mere_lanes mere_lanes;

/* NULL in *out where the plan is not one of those that lanes are for: one grouping factor with few columns. */
mere_status mere_lanes_new(const mere_plan *plan, mere_lanes **out);
void mere_lanes_free(mere_lanes *lanes);

/* The response of `work` becomes that of a lane, whose search begins at `start`. */
void mere_lanes_take(mere_lanes *lanes, int lane, const mere_work *work, const double *start);

/* One evaluation for all lanes. Bits of the lanes whose search ended with it; what a lane ends with does not depend on
 * the others. */
unsigned mere_lanes_step(mere_lanes *lanes, const mere_options *options);

/* The fit of a lane as result `at`; 0 if it did not reach a minimum well inside the parameter space: then it is to be
 * fitted by itself. */
int mere_lanes_keep(const mere_lanes *lanes, int lane, const mere_refits *refits, int64_t at);

/* The parameters (n_par) at which a lane's search ended. */
const double *mere_lanes_place(const mere_lanes *lanes, int lane);

#endif
