/* solve.c - M^-1 x with the factors that mere_factor_work left.
 *
 * With M_l = L L' and b = a L^-T-scaled (eliminate.c) the block row of level l is [L, 0; Lambda_r' b, L_S]:
 *   y_l = L^-1 x_l,   x_r <- S^-1 (x_r - Lambda_r' sum_l b_l y_l),   x_l = L^-T (y_l - b_l' Lambda_r x_r).
 */
#include <string.h>

#include "clones.h"
#include "dense.h"
#include "sparse.h"
#include "work.h"

/* x <- L^-1 x, and v += b y for the rows of every level. */
MERE_CLONES static void forward(const mere_work *work, double *x, double *v)
{
    const mere_plan *plan = work->plan;
    const mere_factor *first = &plan->factor[0];
    int64_t k = first->k;
    for (int64_t l = 0; l < first->q; l++) {
        const double *ll = work->l0 + l * k * k;
        double *xl = x + l * k;
        int64_t at = first->cross.ptr[l], width = first->cross.ptr[l + 1] - at, ld = width + plan->border;
        const double *b = work->b + k * (at + l * plan->border);
        for (int64_t j = 0; j < k; j++) {
            double value = xl[j] /= ll[j + j * k];
            for (int64_t i = j + 1; i < k; i++)
                xl[i] -= ll[i + j * k] * value;
            if (plan->dense_rows) {
#pragma omp simd
                for (int64_t i = 0; i < width; i++)
                    v[i] += b[i + j * ld] * value;
            } else {
                for (int64_t i = 0; i < width; i++)
                    v[first->cross.row[at + i]] += b[i + j * ld] * value;
            }
        }
    }
}

/* x <- L^-T (x - b' v). */
MERE_CLONES static void backward(const mere_work *work, double *x, const double *v)
{
    const mere_plan *plan = work->plan;
    const mere_factor *first = &plan->factor[0];
    int64_t k = first->k;
    for (int64_t l = 0; l < first->q; l++) {
        const double *ll = work->l0 + l * k * k;
        double *xl = x + l * k;
        int64_t at = first->cross.ptr[l], width = first->cross.ptr[l + 1] - at, ld = width + plan->border;
        const double *b = work->b + k * (at + l * plan->border);
        for (int64_t j = 0; j < k; j++) {
            double sum = 0.0;
            if (plan->dense_rows)
                sum = mere_dot(width, b + j * ld, v);
            else
                for (int64_t i = 0; i < width; i++)
                    sum += b[i + j * ld] * v[first->cross.row[at + i]];
            xl[j] -= sum;
        }
        for (int64_t j = k - 1; j >= 0; j--) {
            for (int64_t i = j + 1; i < k; i++)
                xl[j] -= ll[i + j * k] * xl[i];
            xl[j] /= ll[j + j * k];
        }
    }
}

/* v (rest) <- Lambda_r' v or Lambda_r v. */
static void scale_rest(const mere_work *work, double *v, int transpose)
{
    const mere_plan *plan = work->plan;
    for (int64_t f = 1; f < plan->n_factor; f++) {
        int64_t k = plan->factor[f].k;
        const double *lam = work->lambda + work->lambda_first[f];
        for (int64_t l = 0; l < plan->factor[f].q; l++) {
            double *x = v + plan->factor[f].first + l * k;
            for (int64_t s = 0; s < k; s++) {
                int64_t i = transpose ? s : k - 1 - s;
                double sum = 0.0;
                for (int64_t r = transpose ? i : 0; r < (transpose ? k : i + 1); r++)
                    sum += (transpose ? lam[r + i * k] : lam[i + r * k]) * x[r];
                x[i] = sum;
            }
        }
    }
}

mere_status mere_solve_work(mere_work *work, double *x)
{
    const mere_plan *plan = work->plan;
    int64_t rest = plan->rest;
    double *v = work->scratch, *xr = x + plan->factor[0].k * plan->factor[0].q;
    memset(v, 0, (size_t)rest * sizeof *v);
    forward(work, x, v);
    scale_rest(work, v, 1);
    for (int64_t j = 0; j < rest; j++)
        xr[j] -= v[j];
    if (plan->sparse) {
        mere_status status = mere_sparse_solve_rest(work, 1, xr);
        if (status)
            return status;
    } else if (rest) {
        mere_lower_solve(rest, work->s, plan->order, 0, 1, xr, rest);
        mere_lower_solve(rest, work->s, plan->order, 1, 1, xr, rest);
    }
    memcpy(v, xr, (size_t)rest * sizeof *v);
    scale_rest(work, v, 0);
    backward(work, x, v);
    return MERE_OK;
}
