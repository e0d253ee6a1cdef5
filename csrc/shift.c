/* shift.c - responses y - v x from the cross-products of y and of x.
 *
 * A fixed effect held at v is the model without its column x for the response y - v x. With both responses centered by
 * their own least-squares fits (work.c), every cross-product is linear in v, and
 *   |y - v x|^2 = y'y - 2 v x'y + v^2 x'x.
 */
#include <math.h>
#include <string.h>

#include "dense.h"
#include "memory.h"
#include "shift.h"

/* What a response leaves in a work. */
static void keep(const mere_work *work, double *zy, double *xy, double *center, double *yy)
{
    const mere_plan *plan = work->plan;
    memcpy(zy, work->zy, (size_t)plan->q * sizeof *zy);
    memcpy(xy, work->xy, (size_t)plan->p * sizeof *xy);
    memcpy(center, work->center, (size_t)plan->p * sizeof *center);
    *yy = work->yy;
}

/* sum w (y - X center_y) (x - X center_x) */
static mere_status cross_product(const mere_shift *shift, const mere_rows *rows, const double *y, const double *x,
                                 double *cross)
{
    double *ry = mere_malloc(2 * rows->n, sizeof *ry), *rx = ry + rows->n;
    if (!ry)
        return MERE_ERR_MEMORY;
    memcpy(ry, y, (size_t)rows->n * sizeof *ry);
    memcpy(rx, x, (size_t)rows->n * sizeof *rx);
    for (int64_t j = 0; j < rows->p; j++)
        for (int64_t i = 0; i < rows->n; i++) {
            ry[i] -= shift->center_y[j] * rows->X[i + j * rows->n];
            rx[i] -= shift->center_x[j] * rows->X[i + j * rows->n];
        }
    for (int64_t i = 0; rows->sqrt_w && i < rows->n; i++) {
        ry[i] *= rows->sqrt_w[i];
        rx[i] *= rows->sqrt_w[i];
    }
    *cross = mere_dot(rows->n, ry, rx);
    mere_free(ry);
    return MERE_OK;
}

mere_status mere_shift_new(mere_work *work, const mere_rows *rows, const double *y, const double *x, double log_weights,
                           mere_shift **out)
{
    int64_t p = work->plan->p, q = work->plan->q;
    mere_status status;
    mere_shift *shift = mere_calloc(1, sizeof *shift);
    *out = NULL;
    if (!shift)
        return MERE_ERR_MEMORY;
    shift->zy = mere_calloc(2 * q + 4 * p, sizeof *shift->zy);
    if (!shift->zy) {
        mere_free(shift);
        return MERE_ERR_MEMORY;
    }
    shift->zx = shift->zy + q;
    shift->xy = shift->zx + q;
    shift->xx = shift->xy + p;
    shift->center_y = shift->xx + p;
    shift->center_x = shift->center_y + p;
    if (!(status = mere_work_set_response(work, rows, x, log_weights))) {
        keep(work, shift->zx, shift->xx, shift->center_x, &shift->norm_x);
        status = mere_work_set_response(work, rows, y, log_weights);
    }
    if (!status) {
        keep(work, shift->zy, shift->xy, shift->center_y, &shift->norm_y);
        status = cross_product(shift, rows, y, x, &shift->cross);
    }
    if (status)
        mere_shift_free(shift);
    else
        *out = shift;
    return status;
}

void mere_shift_free(mere_shift *shift)
{
    if (shift)
        mere_free(shift->zy);
    mere_free(shift);
}

mere_status mere_shift_apply(const mere_shift *shift, mere_work *work, double v)
{
    const mere_plan *plan = work->plan;
    if (!isfinite(v))
        return MERE_ERR_NOT_FINITE;
    for (int64_t i = 0; i < plan->q; i++)
        work->zy[i] = shift->zy[i] - v * shift->zx[i];
    for (int64_t j = 0; j < plan->p; j++) {
        work->xy[j] = shift->xy[j] - v * shift->xx[j];
        work->center[j] = shift->center_y[j] - v * shift->center_x[j];
    }
    work->yy = shift->norm_y - 2.0 * v * shift->cross + v * v * shift->norm_x;
    work->has_value = work->has_gradient = 0;
    mere_work_place_response(work);
    return MERE_OK;
}

double mere_shift_residual(const mere_shift *shift, const mere_work *work, double v, const double *solution,
                           const double *b)
{
    const mere_plan *plan = work->plan;
    return shift->cross - v * shift->norm_x + mere_dot(plan->p, shift->xx, solution + plan->rest) -
           mere_dot(plan->q, shift->zx, b);
}
