/* work.c - workspaces, and the response as cross-products. */
#include "work.h"

#include <math.h>
#include <string.h>

#include "clones.h"
#include "dense.h"
#include "memory.h"
#include "sparse.h"

mere_status mere_work_new(const mere_plan *plan, mere_work **out)
{
    *out = NULL;
    mere_work *work = mere_calloc(1, sizeof *work);
    if (!work)
        return MERE_ERR_MEMORY;
    const mere_factor *first = &plan->factor[0];
    int64_t blocks = 0, k_max = 1, m = plan->order, k0 = first->k;
    int64_t n_a = k0 * (first->cross.ptr[first->q] + first->q * plan->border);
    work->plan = plan;
    work->xx = plan->xx;
    work->values = mere_calloc(plan->n_factor, sizeof *work->values);
    for (int64_t f = 0; work->values && f < plan->n_factor; f++)
        work->values[f] = (mere_values){plan->factor[f].diag, plan->factor[f].zx, plan->factor[f].cross.val};
    work->lambda_first = mere_calloc(plan->n_factor + 1, sizeof(int64_t));
    for (int64_t f = 0; f < plan->n_factor; f++) {
        int64_t k = plan->factor[f].k;
        if (work->lambda_first)
            work->lambda_first[f] = blocks;
        blocks += k * k;
        k_max = k > k_max ? k : k_max;
    }
    int64_t full = plan->sparse ? plan->border * plan->border : m * m; /* sparse: only the border is dense */
    work->center = mere_calloc(plan->p, sizeof(double));
    work->zy = mere_calloc(plan->q, sizeof(double));
    work->xy = mere_calloc(plan->p, sizeof(double));
    work->lambda = mere_calloc(blocks, sizeof(double));
    work->gamma = mere_calloc(blocks, sizeof(double));
    work->grad_lambda = mere_calloc(blocks, sizeof(double));
    work->a = mere_calloc(n_a, sizeof(double));
    work->b = mere_calloc(n_a, sizeof(double));
    work->l0 = mere_calloc(first->q * k0 * k0, sizeof(double));
    work->f0 = mere_calloc(first->q * k0 * k0, sizeof(double));
    work->n = mere_calloc(full, sizeof(double));
    work->s = mere_calloc(full, sizeof(double));
    work->t = mere_calloc(full, sizeof(double));
    work->g = mere_calloc(full, sizeof(double));
    work->n_scratch = 4 * m + 16 * k_max * k_max + (m + plan->border) * k_max;
    work->scratch = mere_calloc(work->n_scratch, sizeof(double));
    work->par = mere_calloc(plan->n_par, sizeof(double));
    mere_status status = MERE_OK;
    if (!work->values || !work->lambda_first || !work->center || !work->zy || !work->xy || !work->lambda || !work->gamma ||
        !work->grad_lambda || !work->a || !work->b || !work->l0 || !work->f0 || !work->n || !work->s || !work->t ||
        !work->g || !work->scratch || !work->par)
        status = MERE_ERR_MEMORY;
    if (!status && plan->sparse)
        status = mere_sparse_new(plan, &work->sparse);
    if (status) {
        mere_work_free(work);
        return status;
    }
    /* the part of `a` that does not depend on the response: the rest's rows and X's */
    for (int64_t l = 0; l < first->q; l++) {
        int64_t width = first->cross.ptr[l + 1] - first->cross.ptr[l], ld = width + plan->border;
        double *a = work->a + k0 * (first->cross.ptr[l] + l * plan->border);
        for (int64_t c = 0; c < k0; c++) {
            if (width)
                memcpy(a + c * ld, first->cross.val + k0 * first->cross.ptr[l] + c * width,
                       (size_t)width * sizeof(double));
            for (int64_t j = 0; j < plan->p; j++)
                a[width + j + c * ld] = first->zx[(l * k0 + c) * plan->p + j];
        }
    }
    *out = work;
    return MERE_OK;
}

void mere_work_free(mere_work *work)
{
    if (!work)
        return;
    mere_sparse_free(work->sparse);
    mere_free(work->values);
    mere_free(work->lambda_first);
    mere_free(work->center);
    mere_free(work->zy);
    mere_free(work->xy);
    mere_free(work->lambda);
    mere_free(work->gamma);
    mere_free(work->grad_lambda);
    mere_free(work->a);
    mere_free(work->b);
    mere_free(work->l0);
    mere_free(work->f0);
    mere_free(work->n);
    mere_free(work->s);
    mere_free(work->t);
    mere_free(work->g);
    mere_free(work->scratch);
    mere_free(work->par);
    mere_free(work);
}

enum { TILE = 256 };

/* r = sqrt(w) (y - X center) for a tile; xr is X's tile, weighted. */
static void tile_response(const mere_rows *rows, const double *y, const double *center, int64_t from, int64_t m,
                          double *restrict r)
{
    for (int64_t i = 0; i < m; i++)
        r[i] = y[from + i];
    for (int64_t j = 0; j < rows->p; j++) {
        const double *x = rows->X + from + j * rows->n;
        double c = center[j];
        if (c != 0.0)
            for (int64_t i = 0; i < m; i++)
                r[i] -= c * x[i];
    }
    if (rows->sqrt_w)
        for (int64_t i = 0; i < m; i++)
            r[i] *= rows->sqrt_w[from + i];
}

/* X'r and r'r. */
MERE_CLONES static void border_response(const mere_rows *rows, const double *y, const double *center, double *xy,
                                        double *yy)
{
    double r[TILE], w[TILE];
    for (int64_t from = 0; from < rows->n; from += TILE) {
        int64_t m = rows->n - from < TILE ? rows->n - from : TILE;
        double sum = 0.0;
        tile_response(rows, y, center, from, m, r);
        for (int64_t i = 0; i < m; i++) {
            sum += r[i] * r[i];
            w[i] = rows->sqrt_w ? r[i] * rows->sqrt_w[from + i] : r[i];
        }
        *yy += sum;
        for (int64_t j = 0; j < rows->p; j++)
            xy[j] += mere_dot(m, rows->X + from + j * rows->n, w);
    }
}

/* The least-squares coefficients by the normal equations: only a shift, so their accuracy does not matter; columns that
 * are nearly aliased are left at zero. */
static void least_squares(const mere_plan *plan, double *xx, const double *xy, double *center)
{
    int64_t p = plan->p;
    memcpy(center, xy, (size_t)p * sizeof(double));
    if (mere_chol(p, xx, p ? p : 1) == 0) {
        mere_lower_solve(p, xx, p, 0, 1, center, p);
        mere_lower_solve(p, xx, p, 1, 1, center, p);
    } else {
        memset(center, 0, (size_t)p * sizeof(double));
    }
    for (int64_t j = 0; j < p; j++)
        if (!isfinite(center[j]))
            memset(center, 0, (size_t)p * sizeof(double));
}

/* Z'r of every factor. */
static void random_response(mere_work *work, const mere_view *view, const double *y)
{
    const mere_plan *plan = work->plan;
    const mere_rows *rows = view->rows;
    double r[TILE];
    memset(work->zy, 0, (size_t)plan->q * sizeof(double));
    for (int64_t from = 0; from < rows->n; from += TILE) {
        int64_t m = rows->n - from < TILE ? rows->n - from : TILE;
        tile_response(rows, y, work->center, from, m, r);
        if (rows->sqrt_w)
            for (int64_t i = 0; i < m; i++)
                r[i] *= rows->sqrt_w[from + i];
        for (int64_t f = 0; f < plan->n_factor; f++) {
            int64_t k = plan->factor[f].k;
            double *zy = work->zy + plan->factor[f].u_first;
            const int32_t *code = view->code[f] + from;
            for (int64_t c = 0; c < k; c++) {
                const double *z = view->z[view->start[f] + c];
                if (z)
                    for (int64_t i = 0; i < m; i++)
                        zy[code[i] * k + c] += r[i] * z[from + i];
                else
                    for (int64_t i = 0; i < m; i++)
                        zy[code[i] * k + c] += r[i];
            }
        }
    }
}

void mere_work_place_response(mere_work *work)
{
    const mere_plan *plan = work->plan;
    const mere_cross *cross = &plan->factor[0].cross;
    int64_t k = plan->factor[0].k;
    for (int64_t l = 0; l < plan->factor[0].q; l++) {
        int64_t width = cross->ptr[l + 1] - cross->ptr[l], ld = width + plan->border;
        double *a = work->a + k * (cross->ptr[l] + l * plan->border);
        for (int64_t c = 0; c < k; c++)
            a[ld - 1 + c * ld] = work->zy[l * k + c];
    }
}

mere_status mere_work_view_response(mere_work *work, const mere_view *view, const double *y, double log_weights)
{
    const mere_plan *plan = work->plan;
    const mere_rows *rows = view->rows;
    double *xx = work->t; /* which has no value now */
    memcpy(xx, plan->xx, (size_t)(plan->p * plan->p) * sizeof(double));
    work->has_value = work->has_gradient = 0;
    work->log_weights = log_weights;
    memset(work->center, 0, (size_t)plan->p * sizeof(double));
    memset(work->xy, 0, (size_t)plan->p * sizeof(double));
    work->yy_raw = work->yy = 0.0;
    border_response(rows, y, work->center, work->xy, &work->yy_raw);
    least_squares(plan, xx, work->xy, work->center);
    memset(work->xy, 0, (size_t)plan->p * sizeof(double));
    border_response(rows, y, work->center, work->xy, &work->yy);
    random_response(work, view, y);
    mere_work_place_response(work);
    return isfinite(work->yy) && isfinite(work->yy_raw) ? MERE_OK : MERE_ERR_NOT_FINITE;
}

mere_status mere_work_set_response(mere_work *work, const mere_rows *rows, const double *y, double log_weights)
{
    const mere_plan *plan = work->plan;
    mere_view view;
    mere_status status;
    if (rows->n != plan->n || rows->p != plan->p || rows->n_term != plan->n_term)
        return MERE_ERR_ARGUMENT;
    if ((status = mere_view_new(plan, rows, &view)))
        return status;
    status = mere_work_view_response(work, &view, y, log_weights);
    mere_view_free(&view);
    return status;
}
