/* rows.c - what is asked per level or per row after the fit: conditional covariances and hat values.
 *
 * With factor 0 eliminated, C = F F' = Lambda_0 M^-1 Lambda_0' and g = Lambda_r T Lambda_r' (lmm.c):
 *   [Lambda M_full^-1 Lambda']_ll = C + C (a'g a) C            (a without its rows of X and y)
 *   hat value of row i in level l = z'C z + v'g v,  v = [z_rest; x] - a C z,  weighted rows.
 */
#include <string.h>

#include "clones.h"
#include "dense.h"
#include "memory.h"
#include "sparse.h"
#include "work.h"

/* (x'g y) for columns of a: rows `at` (width) then the first `tail` rows of the border. */
static double quadratic(const mere_work *work, int64_t width, const int32_t *at, int64_t tail, const double *x,
                        const double *y)
{
    const mere_plan *plan = work->plan;
    double total = 0.0;
    for (int64_t j = 0; j < width + tail; j++) {
        int64_t cj = j < width ? (int64_t)at[j] : plan->rest + j - width;
        for (int64_t i = j; i < width + tail; i++) {
            int64_t ci = i < width ? (int64_t)at[i] : plan->rest + i - width;
            double gij = mere_inverse_entry(work, ci, cj);
            total += gij * (i == j ? x[i] * y[i] : x[i] * y[j] + x[j] * y[i]);
        }
    }
    return total;
}

/* C = F F' of level l. */
static void level_c(const mere_work *work, int64_t l, double *c)
{
    int64_t k = work->plan->factor[0].k;
    const double *f = work->f0 + l * k * k;
    for (int64_t j = 0; j < k; j++)
        for (int64_t i = 0; i < k; i++) {
            c[i + j * k] = 0.0;
            for (int64_t r = 0; r < k; r++)
                c[i + j * k] += f[i + r * k] * f[j + r * k];
        }
}

mere_status mere_lmm_conditional(mere_work *work, double *blocks)
{
    const mere_plan *plan = work->plan;
    const mere_factor *first = &plan->factor[0];
    int64_t k = first->k;
    if (!work->has_value)
        return MERE_ERR_ARGUMENT;
    mere_status status = mere_lmm_inverse(work, 0.0, 0.0);
    if (status)
        return status;
    work->has_gradient = 0;
    double *space = mere_malloc(4 * k * k, sizeof *space);
    if (!space)
        return MERE_ERR_MEMORY;
    double *c = space, *q = c + k * k, *qc = q + k * k;
    for (int64_t l = 0; l < first->q; l++) {
        int64_t at = first->cross.ptr[l], width = first->cross.ptr[l + 1] - at, ld = width + plan->border;
        const double *a = work->a + k * (at + l * plan->border);
        level_c(work, l, c);
        for (int64_t j = 0; j < k; j++)
            for (int64_t i = 0; i <= j; i++)
                q[i + j * k] = q[j + i * k] =
                    width ? quadratic(work, width, first->cross.row + at, 0, a + i * ld, a + j * ld) : 0.0;
        for (int64_t j = 0; j < k; j++)
            for (int64_t i = 0; i < k; i++)
                qc[i + j * k] = mere_dot(k, q + i * k, c + j * k);
        for (int64_t j = 0; j < k; j++)
            for (int64_t i = 0; i < k; i++)
                blocks[(l * k + j) * k + i] = c[i + j * k] + mere_dot(k, c + i * k, qc + j * k);
    }
    for (int64_t f = 1, out = first->q * k * k; f < plan->n_factor; f++) {
        int64_t kf = plan->factor[f].k;
        for (int64_t l = 0; l < plan->factor[f].q; l++, out += kf * kf)
            for (int64_t j = 0; j < kf; j++)
                for (int64_t i = j; i < kf; i++)
                    blocks[out + i + j * kf] = blocks[out + j + i * kf] =
                        mere_inverse_entry(work, plan->factor[f].first + l * kf + i, plan->factor[f].first + l * kf + j);
    }
    mere_free(space);
    return MERE_OK;
}

mere_status mere_lmm_leverage(mere_work *work, const mere_rows *rows, double *leverage)
{
    const mere_plan *plan = work->plan;
    const mere_factor *first = &plan->factor[0];
    int64_t k = first->k;
    mere_view view;
    if (!work->has_value || rows->n != plan->n || rows->p != plan->p || rows->n_term != plan->n_term)
        return MERE_ERR_ARGUMENT;
    mere_status status = mere_lmm_inverse(work, 1.0, 0.0);
    if (status || (status = mere_view_new(plan, rows, &view)))
        return status;
    work->has_gradient = 0;
    int64_t k_max = k;
    for (int64_t f = 1; f < plan->n_factor; f++)
        k_max = plan->factor[f].k > k_max ? plan->factor[f].k : k_max;
    double *space = mere_malloc(k * k + 2 * k + k_max + plan->order, sizeof *space);
    int32_t *place = mere_malloc(plan->rest, sizeof *place);
    if (!space || !place) {
        mere_free(space);
        mere_free(place);
        mere_view_free(&view);
        return MERE_ERR_MEMORY;
    }
    double *c = space, *z = c + k * k, *cz = z + k, *zg = cz + k, *v = zg + k_max;
    for (int64_t i = 0; i < plan->n; i++) {
        double w = rows->sqrt_w ? rows->sqrt_w[i] : 1.0;
        int64_t l = view.code[0][i], at = first->cross.ptr[l], width = first->cross.ptr[l + 1] - at;
        int64_t ld = width + plan->border;
        const double *a = work->a + k * (at + l * plan->border);
        level_c(work, l, c);
        for (int64_t j = 0; j < k; j++)
            z[j] = view.z[j] ? view.z[j][i] * w : w;
        for (int64_t j = 0; j < k; j++)
            cz[j] = mere_dot(k, c + j * k, z);
        for (int64_t r = 0; r < width + plan->p; r++) {
            v[r] = 0.0;
            for (int64_t j = 0; j < k; j++)
                v[r] -= a[r + j * ld] * cz[j];
        }
        for (int64_t r = 0; r < width; r++)
            place[first->cross.row[at + r]] = (int32_t)r;
        for (int64_t f = 1; f < plan->n_factor; f++)
            for (int64_t r = 0; r < plan->factor[f].k; r++) {
                const double *column = view.z[view.start[f] + r];
                v[place[plan->factor[f].first + view.code[f][i] * plan->factor[f].k + r]] += column ? column[i] * w : w;
            }
        for (int64_t j = 0; j < plan->p; j++)
            v[width + j] += rows->X[i + j * plan->n] * w;
        leverage[i] = mere_dot(k, z, cz) + quadratic(work, width, first->cross.row + at, plan->p, v, v);
    }
    mere_free(space);
    mere_free(place);
    mere_view_free(&view);
    return MERE_OK;
}
