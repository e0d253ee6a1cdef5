/* sparse_inference.c - solves and products with the sparse Schur complement that inference.c needs. */
#include <string.h>

#include "sparse_matrix.h"

mere_status mere_sparse_solve_rest(mere_work *work, int64_t count, double *x)
{
    enum { AT_ONCE = 64 };
    mere_sparse *sp = work->sparse;
    int64_t rest = work->plan->rest;
    cholmod_dense rhs = *sp->rhs; /* a view of the caller's columns */
    for (int64_t from = 0; from < count; from += AT_ONCE) {
        int64_t columns = count - from < AT_ONCE ? count - from : AT_ONCE;
        rhs.ncol = (size_t)columns;
        rhs.nzmax = (size_t)(rest * columns);
        rhs.x = x + from * rest;
        mere_status status = mere_sparse_solve(sp, CHOLMOD_A, &rhs, &sp->solved);
        if (status)
            return status;
        memcpy(x + from * rest, sp->solved->x, (size_t)(rest * columns) * sizeof(double));
    }
    return MERE_OK;
}

void mere_sparse_subtract(const mere_work *work, int64_t count, const double *x, double *out)
{
    const mere_sparse *sp = work->sparse;
    const int32_t *ptr = work->plan->pattern->ptr, *row = work->plan->pattern->row;
    int64_t rest = work->plan->rest;
    for (int64_t c = 0; c < count; c++) {
        const double *v = x + c * rest;
        double *o = out + c * rest;
        for (int64_t j = 0; j < rest; j++) {
            double sum = sp->n[ptr[j]] * v[j];
            for (int64_t s = ptr[j] + 1; s < ptr[j + 1]; s++) {
                sum += sp->n[s] * v[row[s]];
                o[row[s]] -= sp->n[s] * v[j];
            }
            o[j] -= sum;
        }
    }
}

void mere_sparse_border(const mere_work *work, int64_t j, double *out)
{
    const mere_plan *plan = work->plan;
    for (int64_t i = 0; i < plan->rest; i++)
        out[i] = work->sparse->nb[j + i * plan->border];
}

void mere_sparse_column(const mere_work *work, int64_t j, double *out)
{
    const mere_sparse *sp = work->sparse;
    const int32_t *ptr = work->plan->pattern->ptr, *row = work->plan->pattern->row;
    memset(out, 0, (size_t)work->plan->rest * sizeof *out);
    for (int64_t s = ptr[j]; s < ptr[j + 1]; s++)
        out[row[s]] = sp->n[s];
    for (int64_t i = 0; i < j; i++) /* above the diagonal, by symmetry */
        for (int64_t s = ptr[i]; s < ptr[i + 1] && row[s] <= j; s++)
            if (row[s] == j)
                out[i] = sp->n[s];
}
