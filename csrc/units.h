/* units.h - coordinates in which the columns of a term are orthonormal. Private to the kernels.
 *
 * With K = C'C, C lower triangular, the mean over levels of a term's Z'Z, the columns of Z C^-1 are orthonormal on
 * average and C Lambda is lower triangular again. A Newton iteration in the entries of C Lambda is the same for x, for
 * x in other units and for x + 1000: nothing depends on how the columns are written. Terms whose Lambda is not a full
 * lower triangle of parameters keep their coordinates. Parameters beyond those of Lambda are left alone.
 */
#ifndef MERE_UNITS_H
#define MERE_UNITS_H

#include "plan.h"

/* plan->unit: C of every term, k x k, one after another at plan->unit_at; plan->full: is its Lambda a full lower triangle
 * of parameters of its own? */
mere_status mere_units_new(mere_plan *plan);

/* A gradient or a Newton matrix (n x n) by Lambda, as one by C Lambda; with `back` the other way. */
void mere_units_gradient(const mere_plan *plan, int back, double *g);
void mere_units_matrix(const mere_plan *plan, int back, int64_t n, double *h);
/* A step of C Lambda as one of Lambda, in place. */
void mere_units_step(const mere_plan *plan, double *s);

/* The end of the run of entries [from, to) of one term, which term, its first column and its order. */
int64_t mere_units_term(const mere_plan *plan, int64_t from, int64_t *term, int64_t *column, int64_t *k);
/* x <- C x, C^-1 x, C'x, C^-T x for the lower-triangular C (k x k), from its row and column `first` on. */
void mere_units_apply(const double *unit, int64_t k, int64_t first, int inverse, int transpose, double *x);

#endif
