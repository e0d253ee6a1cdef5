/* sparse.h - the Schur complement as a sparse matrix, factored by CHOLMOD. Private to the kernels. */
#ifndef MERE_SPARSE_H
#define MERE_SPARSE_H

#include "work.h"

/* Would CHOLMOD on the fixed pattern be cheaper than the dense way? Sets plan->sparse. */
mere_status mere_sparse_decide(mere_plan *plan);

mere_status mere_sparse_new(const mere_plan *plan, mere_sparse **out);
void mere_sparse_free(mere_sparse *sparse);

/* Steps of lmm.c for a sparse Schur complement. */
mere_status mere_sparse_factor(mere_work *work);
mere_status mere_sparse_gradient(mere_work *work);
mere_status mere_sparse_inverse(mere_work *work, double weight_x, double weight_y);
double mere_sparse_inverse_entry(const mere_work *work, int64_t i, int64_t j);
mere_status mere_sparse_solution(mere_work *work, double *v, double *t);

/* Steps of information.c: c_s += N f_s for the entries of the rest, and c <- L^-1 c. */
mere_status mere_sparse_products(mere_work *work, int64_t n, const int64_t *at, const double *f, double *c);
mere_status mere_sparse_whiten(mere_work *work, int64_t n, double *c, int64_t ld);

#endif
