/* inference.c - what tests of fixed effects are made of: W = Z'H^-1 X and N = Z'H^-1 Z, H = I + Z Lambda Lambda' Z'.
 *
 * With K = X'H^-1 X = RX'RX, Var(beta) = s^2 K^-1 and E_t = d(Lambda Lambda')/dt, everything that Satterthwaite's and
 * Kenward and Roger's degrees of freedom need is a small product of W and N: dK/dt = -W'E_t W, W'E_r N E_s W and
 * tr(E_r N E_s N). Nothing is of the order of the rows.
 *
 * For right-hand sides x (columns of X or of Z), with factor 0 eliminated (eliminate.c), c = Z_r'H_0^-1 x:
 *   b = Lambda_r S_rr^-1 Lambda_r' c,   Z_r'H^-1 x = c - N_rr b,   Z_0l'H^-1 x = R'(Z_0l'x - a_l'b),   R' = I - A F F'.
 */
#include <math.h>
#include <string.h>

#include "clones.h"
#include "dense.h"
#include "memory.h"
#include "sparse.h"
#include "work.h"

/* ------------------------------------------------------------------ parts */

/* x (rest x count) <- Lambda_r x, or Lambda_r' x. */
static void scale_columns(const mere_work *work, int transpose, int64_t count, double *x)
{
    const mere_plan *plan = work->plan;
    for (int64_t c = 0; c < count; c++)
        for (int64_t f = 1; f < plan->n_factor; f++) {
            int64_t k = plan->factor[f].k;
            const double *lam = work->lambda + work->lambda_first[f];
            for (int64_t l = 0; l < plan->factor[f].q; l++) {
                double *v = x + c * plan->rest + plan->factor[f].first + l * k;
                for (int64_t s = 0; s < k; s++) {
                    int64_t i = transpose ? s : k - 1 - s;
                    double sum = 0.0;
                    for (int64_t r = transpose ? i : 0; r < (transpose ? k : i + 1); r++)
                        sum += (transpose ? lam[r + i * k] : lam[i + r * k]) * v[r];
                    v[i] = sum;
                }
            }
        }
}

/* Can every factor of the rest divide by its Lambda' without losing digits? */
static int divisible(const mere_work *work)
{
    const mere_plan *plan = work->plan;
    for (int64_t f = 1; f < plan->n_factor; f++) {
        int64_t k = plan->factor[f].k;
        const double *lam = work->lambda + work->lambda_first[f];
        double largest = 0.0, smallest = INFINITY;
        for (int64_t j = 0; j < k; j++) {
            double unit = plan->factor[f].scale[j];
            smallest = fmin(smallest, fabs(lam[j * (k + 1)]) * unit);
            for (int64_t i = j; i < k; i++)
                largest = fmax(largest, fabs(lam[i + j * k]) * plan->factor[f].scale[i]);
        }
        if (!(smallest > 1e-4 * largest) || largest < 1e-100)
            return 0;
    }
    return 1;
}

/* u (rest x count) <- Lambda_r^-T u. */
static void divide_columns(const mere_work *work, int64_t count, double *u)
{
    const mere_plan *plan = work->plan;
    for (int64_t c = 0; c < count; c++)
        for (int64_t f = 1; f < plan->n_factor; f++) {
            int64_t k = plan->factor[f].k;
            const double *lam = work->lambda + work->lambda_first[f];
            for (int64_t l = 0; l < plan->factor[f].q; l++) {
                double *v = u + c * plan->rest + plan->factor[f].first + l * k;
                for (int64_t i = k - 1; i >= 0; i--) {
                    for (int64_t r = i + 1; r < k; r++)
                        v[i] -= lam[r + i * k] * v[r];
                    v[i] /= lam[i * (k + 1)];
                }
            }
        }
}

/* b <- Lambda_r u, u = S_rr^-1 Lambda_r' b, and c <- c - N_rr b, which is Lambda_r^-T u; both rest x count, c = b. */
static mere_status project(mere_work *work, int64_t count, double *b, double *c)
{
    const mere_plan *plan = work->plan;
    int64_t rest = plan->rest;
    int by_division = divisible(work);
    mere_status status;
    if (!rest)
        return MERE_OK;
    scale_columns(work, 1, count, b);
    if (plan->sparse) {
        if ((status = mere_sparse_solve_rest(work, count, b)))
            return status;
    } else {
        mere_lower_solve(rest, work->s, plan->order, 0, count, b, rest);
        mere_lower_solve(rest, work->s, plan->order, 1, count, b, rest);
    }
    if (by_division) {
        memcpy(c, b, (size_t)(rest * count) * sizeof *c);
        divide_columns(work, count, c);
    }
    scale_columns(work, 0, count, b);
    if (by_division)
        return MERE_OK;
    if (plan->sparse) {
        mere_sparse_subtract(work, count, b, c);
    } else {
        int im = (int)rest, ic = (int)count, ld = (int)plan->order;
        double minus = -1.0, one = 1.0;
        dsymm_("L", "L", &im, &ic, &minus, work->n, &ld, b, &im, &one, c, &im);
    }
    return MERE_OK;
}

/* h (k) <- h - A F (F'h) of level l. */
MERE_INLINE void residual_level(const mere_work *work, int64_t l, const int64_t k, double *h, double *space)
{
    const double *a = work->plan->factor[0].diag + l * k * k, *f = work->f0 + l * k * k;
    double *g = space, *fg = g + k;
    for (int64_t j = 0; j < k; j++) {
        g[j] = 0.0;
        for (int64_t i = 0; i < k; i++)
            g[j] += f[i + j * k] * h[i];
    }
    for (int64_t i = 0; i < k; i++) {
        fg[i] = 0.0;
        for (int64_t j = 0; j < k; j++)
            fg[i] += f[i + j * k] * g[j];
    }
    for (int64_t j = 0; j < k; j++)
        for (int64_t i = 0; i < k; i++)
            h[i] -= a[i + j * k] * fg[j];
}

/* One right-hand side: out_l = R'(out_l - a_l'b) for every level of factor 0, out_l = Z_0l'x on entry. */
MERE_CLONES static void finish_first(const mere_work *work, const double *b, double *out, double *space)
{
    const mere_plan *plan = work->plan;
    const mere_factor *first = &plan->factor[0];
    int64_t k = first->k;
    for (int64_t l = 0; l < first->q; l++) {
        int64_t at = first->cross.ptr[l], width = first->cross.ptr[l + 1] - at, ld = width + plan->border;
        const double *a = work->a + k * (at + l * plan->border);
        const int32_t *row = first->cross.row + at;
        double *h = out + l * k;
        for (int64_t c = 0; c < k; c++) {
            const double *ac = a + c * ld;
            double sum = 0.0;
            if (plan->dense_rows)
                sum = mere_dot(width, ac, b);
            else
                for (int64_t i = 0; i < width; i++)
                    sum += ac[i] * b[row[i]];
            h[c] -= sum;
        }
        residual_level(work, l, k, h, space);
    }
}

/* ------------------------------------------------------------------ W */

/* c_j = N_rj and out = Z_0'x_j for the columns j of X. */
static void start_fixed(const mere_work *work, double *c, double *out)
{
    const mere_plan *plan = work->plan;
    const mere_factor *first = &plan->factor[0];
    int64_t k = first->k, rest = plan->rest, p = plan->p;
    for (int64_t j = 0; j < p; j++) {
        if (plan->sparse)
            mere_sparse_border(work, j, c + j * rest);
        else
            for (int64_t i = 0; i < rest; i++)
                c[i + j * rest] = work->n[rest + j + i * plan->order];
        for (int64_t l = 0; l < first->q; l++) {
            int64_t at = first->cross.ptr[l], width = first->cross.ptr[l + 1] - at;
            const double *a = work->a + k * (at + l * plan->border);
            for (int64_t r = 0; r < k; r++)
                out[j * plan->q + l * k + r] = a[r * (width + plan->border) + width + j];
        }
    }
}

static mere_status finish(mere_work *work, int64_t count, double *b, double *c, double *out)
{
    const mere_plan *plan = work->plan;
    int64_t rest = plan->rest, size = plan->q - rest;
    double *space = mere_malloc(2 * plan->factor[0].k, sizeof *space);
    if (!space)
        return MERE_ERR_MEMORY;
    memcpy(b, c, (size_t)(rest * count) * sizeof *b);
    mere_status status = project(work, count, b, c);
    for (int64_t j = 0; j < count && !status; j++) {
        finish_first(work, b + j * rest, out + j * plan->q, space);
        memcpy(out + j * plan->q + size, c + j * rest, (size_t)rest * sizeof *out);
    }
    mere_free(space);
    return status;
}

mere_status mere_lmm_fixed(mere_work *work, double *w)
{
    const mere_plan *plan = work->plan;
    if (!work->has_value)
        return MERE_ERR_ARGUMENT;
    double *c = mere_malloc(2 * plan->rest * plan->p, sizeof *c);
    if (!c)
        return MERE_ERR_MEMORY;
    start_fixed(work, c, w);
    mere_status status = finish(work, plan->p, c + plan->rest * plan->p, c, w);
    mere_free(c);
    return status;
}

/* t = Z'H^-1 (y - X beta), which is Z' of the residuals given b. */
mere_status mere_lmm_score(mere_work *work, double *t)
{
    const mere_plan *plan = work->plan;
    double *space = mere_malloc(plan->order + 2 * plan->q, sizeof *space);
    if (!space)
        return MERE_ERR_MEMORY;
    double *u = space + plan->order, *b = u + plan->q;
    mere_status status = mere_lmm_solution(work, space, u, b, t);
    mere_free(space);
    return status;
}

/* ------------------------------------------------------------------ N */

/* Column `column` of Z, in factor 0: c = a_l R_l' e_s, out = Z_0'z. */
static void start_first(const mere_work *work, int64_t column, double *c, double *out, double *space)
{
    const mere_plan *plan = work->plan;
    const mere_factor *first = &plan->factor[0];
    int64_t k = first->k, l = column / k, s = column % k;
    int64_t at = first->cross.ptr[l], width = first->cross.ptr[l + 1] - at, ld = width + plan->border;
    const double *a = work->a + k * (at + l * plan->border), *diag = first->diag + l * k * k;
    const double *f = work->f0 + l * k * k;
    double *g = space, *e = g + k; /* e = (I - F F'A) e_s */
    memcpy(out + l * k, diag + s * k, (size_t)k * sizeof *out);
    for (int64_t j = 0; j < k; j++)
        g[j] = mere_dot(k, f + j * k, diag + s * k);
    for (int64_t i = 0; i < k; i++) {
        e[i] = i == s ? 1.0 : 0.0;
        for (int64_t j = 0; j < k; j++)
            e[i] -= f[i + j * k] * g[j];
    }
    for (int64_t r = 0; r < k; r++)
        for (int64_t i = 0; i < width; i++)
            c[first->cross.row[at + i]] += a[i + r * ld] * e[r];
}

/* Column of Z in the rest, row `j` of the Schur complement: c = N_rj, out = Z_0'z. */
static void start_rest(const mere_work *work, int64_t j, double *c, double *out)
{
    const mere_plan *plan = work->plan;
    const mere_factor *first = &plan->factor[0];
    int64_t k = first->k;
    if (plan->sparse)
        mere_sparse_column(work, j, c);
    else
        for (int64_t i = 0; i < plan->rest; i++)
            c[i] = i < j ? work->n[j + i * plan->order] : work->n[i + j * plan->order];
    for (int64_t l = 0; l < first->q; l++) {
        int64_t at = first->cross.ptr[l], width = first->cross.ptr[l + 1] - at, low = 0, high = width;
        const int32_t *row = first->cross.row + at;
        while (low < high) { /* the rows of a level increase */
            int64_t mid = (low + high) / 2;
            if (row[mid] < j)
                low = mid + 1;
            else
                high = mid;
        }
        if (low < width && row[low] == j)
            for (int64_t r = 0; r < k; r++)
                out[l * k + r] = work->a[k * (at + l * plan->border) + r * (width + plan->border) + low];
    }
}

mere_status mere_lmm_metric(mere_work *work, int64_t from, int64_t count, double *n)
{
    const mere_plan *plan = work->plan;
    int64_t rest = plan->rest, size = plan->q - rest, k = plan->factor[0].k;
    if (!work->has_value || from < 0 || count < 0 || from + count > plan->q)
        return MERE_ERR_ARGUMENT;
    double *c = mere_calloc(2 * rest * count + 2 * k, sizeof *c);
    if (!c)
        return MERE_ERR_MEMORY;
    double *b = c + rest * count, *space = b + rest * count;
    memset(n, 0, (size_t)(plan->q * count) * sizeof *n);
    for (int64_t j = 0; j < count; j++) {
        if (from + j < size)
            start_first(work, from + j, c + j * rest, n + j * plan->q, space);
        else
            start_rest(work, from + j - size, c + j * rest, n + j * plan->q);
    }
    mere_status status = finish(work, count, b, c, n);
    mere_free(c);
    return status;
}

mere_status mere_lmm_metric_blocks(const mere_work *work, double *blocks)
{
    const mere_plan *plan = work->plan;
    int64_t k = plan->factor[0].k;
    if (!work->has_value || plan->n_factor != 1)
        return MERE_ERR_ARGUMENT;
    double *space = mere_malloc(2 * k, sizeof *space);
    if (!space)
        return MERE_ERR_MEMORY;
    memcpy(blocks, plan->factor[0].diag, (size_t)(plan->factor[0].q * k * k) * sizeof *blocks);
    for (int64_t l = 0; l < plan->factor[0].q; l++)
        for (int64_t j = 0; j < k; j++)
            residual_level(work, l, k, blocks + (l * k + j) * k, space);
    mere_free(space);
    return MERE_OK;
}

void mere_plan_cross(const mere_plan *plan, double *xx)
{
    memcpy(xx, plan->xx, (size_t)(plan->p * plan->p) * sizeof *xx);
    mere_symmetrize(plan->p, xx);
}
