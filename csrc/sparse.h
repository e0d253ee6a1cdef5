/* sparse.h - the Schur complement as a sparse matrix, factored by CHOLMOD. Private to the kernels.
 *
 * Only symbolic.c and the files named sparse know CHOLMOD. lmm.c, information.c and rows.c call these steps where plan->sparse.
 */
#ifndef MERE_SPARSE_H
#define MERE_SPARSE_H

#include "work.h"

/* Set plan->sparse: by cost if `choice` < 0 (is CHOLMOD cheaper than the dense way?), else yes; then the plan keeps the
 * pattern and the symbolic factor. */
mere_status mere_sparse_decide(mere_plan *plan, int choice);
void mere_symbolic_free(mere_symbolic *symbolic);

mere_status mere_sparse_new(const mere_plan *plan, mere_sparse **out);
void mere_sparse_free(mere_sparse *sparse);

/* Steps of lmm.c: N, S and its factor; v = [u_rest; beta]; N v; T, g and the gradient of the rest. */
mere_status mere_sparse_factor(mere_work *work);
mere_status mere_sparse_solution(mere_work *work, double *v);
void mere_sparse_times(const mere_work *work, const double *v, double *out);
mere_status mere_sparse_inverse(mere_work *work, double weight_x, double weight_y);
/* g on the pattern. */
const double *mere_sparse_inverse_pattern(const mere_work *work);
double mere_sparse_inverse_entry(const mere_work *work, int64_t i, int64_t j);
void mere_sparse_rest_gradient(mere_work *work);

/* Step of eliminate.c: y = g a for all levels of factor 0, laid out like work->a. */
void mere_sparse_levels(const mere_work *work, double *y);

/* Steps of information.c: c_s += [N f_s] for the entries of the rest, and c <- L^-1 c. */
void mere_sparse_products(mere_work *work, int64_t n, const int64_t *at, const double *f, double *c);
mere_status mere_sparse_whiten(mere_work *work, int64_t n, double *c, int64_t ld);

/* Steps of inference.c, x and out rest x count: x <- S_rr^-1 x; out <- out - N_rr x; columns j of N_rX and of N_rr. */
mere_status mere_sparse_solve_rest(mere_work *work, int64_t count, double *x);
void mere_sparse_subtract(const mere_work *work, int64_t count, const double *x, double *out);
void mere_sparse_border(const mere_work *work, int64_t j, double *out);
void mere_sparse_column(const mere_work *work, int64_t j, double *out);

#endif
