/* eliminate.c - the first grouping factor, level by level.
 *
 * With A the k x k block Z_0l'Z_0l of level l and a the rows [Z_rest; X; y]'Z_0l that meet it,
 *   M = Lambda'A Lambda + I = L L',   F = Lambda L^-T,   so that   Lambda M^-1 Lambda' = F F',
 *   N = [Z_rest X y]' (I + Z_0 Lambda Lambda' Z_0')^-1 [Z_rest X y] = cross-products - sum_l (a F)(a F)'.
 * Lambda of the other factors enters only after this sum. Nothing divides by Lambda: singular is no special case.
 */
#include "eliminate.h"

#include <math.h>
#include <string.h>

#include "clones.h"
#include "dense.h"
#include "memory.h"
#include "sparse.h"

typedef struct {
    int64_t q, border, dense_rows;
    const int64_t *ptr;
    const double *diag, *lambda;
    double *a, *b, *l0, *f0;
} levels;

static levels levels_of(mere_work *work)
{
    const mere_factor *first = &work->plan->factor[0];
    return (levels){first->q, work->plan->border, work->plan->dense_rows, first->cross.ptr, work->values[0].diag,
                    work->lambda, work->a, work->b, work->l0, work->f0};
}

/* L and F of one level. Returns 0 if the factorization exists. */
MERE_INLINE int factor_level(const int64_t k, const double *restrict a, const double *restrict lam,
                             double *restrict l, double *restrict f, double *restrict space)
{
    double *al = space; /* A Lambda */
    for (int64_t j = 0; j < k; j++)
        for (int64_t i = 0; i < k; i++) {
            double sum = 0.0;
            for (int64_t r = j; r < k; r++)
                sum += a[i + r * k] * lam[r + j * k];
            al[i + j * k] = sum;
        }
    for (int64_t j = 0; j < k; j++)
        for (int64_t i = j; i < k; i++) {
            double sum = i == j ? 1.0 : 0.0;
            for (int64_t r = i; r < k; r++)
                sum += lam[r + i * k] * al[r + j * k];
            l[i + j * k] = sum;
        }
    for (int64_t j = 0; j < k; j++) {
        double d = l[j + j * k];
        for (int64_t r = 0; r < j; r++)
            d -= l[j + r * k] * l[j + r * k];
        if (!(d > 0.0))
            return 1;
        d = sqrt(d);
        l[j + j * k] = d;
        for (int64_t i = j + 1; i < k; i++) {
            double sum = l[i + j * k];
            for (int64_t r = 0; r < j; r++)
                sum -= l[i + r * k] * l[j + r * k];
            l[i + j * k] = sum / d;
        }
    }
    for (int64_t j = 0; j < k; j++) /* F L' = Lambda */
        for (int64_t i = 0; i < k; i++) {
            double sum = i >= j ? lam[i + j * k] : 0.0;
            for (int64_t r = 0; r < j; r++)
                sum -= f[i + r * k] * l[j + r * k];
            f[i + j * k] = sum / l[j + j * k];
        }
    return 0;
}

/* b (m x k) = a F. */
MERE_INLINE void times_f(const int64_t k, int64_t m, const double *restrict a, const double *restrict f,
                         double *restrict b)
{
    for (int64_t j = 0; j < k; j++) {
        double *bj = b + j * m;
        double f0 = f[j * k];
        for (int64_t i = 0; i < m; i++)
            bj[i] = a[i] * f0;
        for (int64_t r = 1; r < k; r++) {
            double fr = f[r + j * k];
            const double *ar = a + r * m;
            for (int64_t i = 0; i < m; i++)
                bj[i] += ar[i] * fr;
        }
    }
}

MERE_INLINE int eliminate_k(const int64_t k, const levels *v, double *space, double *log_det)
{
    double product = 1.0, sum = 0.0; /* one logarithm for many pivots */
    for (int64_t l = 0; l < v->q; l++) {
        double *ll = v->l0 + l * k * k, *fl = v->f0 + l * k * k;
        if (factor_level(k, v->diag + l * k * k, v->lambda, ll, fl, space))
            return 1;
        for (int64_t j = 0; j < k; j++) {
            double pivot = ll[j + j * k];
            product *= pivot * pivot;
            if (product > 1e150) {
                sum += log(product);
                product = 1.0;
            }
        }
        int64_t m = v->ptr[l + 1] - v->ptr[l] + v->border, at = k * (v->ptr[l] + l * v->border);
        times_f(k, m, v->a + at, fl, v->b + at);
    }
    *log_det = sum + log(product);
    return !isfinite(*log_det);
}

MERE_CLONES static int eliminate(int64_t k, const levels *v, double *space, double *log_det)
{
    if (k == 1)
        return eliminate_k(1, v, space, log_det);
    if (k == 2)
        return eliminate_k(2, v, space, log_det);
    if (k == 3)
        return eliminate_k(3, v, space, log_det);
    return eliminate_k(k, v, space, log_det);
}

int mere_eliminate(mere_work *work, double *log_det)
{
    levels v = levels_of(work);
    return eliminate(work->plan->factor[0].k, &v, work->scratch, log_det);
}

/* ------------------------------------------------------------------ n -= sum b b' */

/* Only X and y border the factor: n is tiny and dense. */
MERE_CLONES static void subtract_border(int64_t k, int64_t q, int64_t m, const double *restrict b, double *restrict n)
{
    for (int64_t l = 0; l < q; l++) {
        const double *bl = b + l * k * m;
        for (int64_t c = 0; c < k; c++) {
            const double *x = bl + c * m;
            for (int64_t j = 0; j < m; j++)
                for (int64_t i = j; i < m; i++)
                    n[i + j * m] -= x[i] * x[j];
        }
    }
}

/* The rows of each level lie scattered in n. */
MERE_CLONES static void subtract_scattered(int64_t k, int64_t q, int64_t border, int64_t rest, int64_t order,
                                           const int64_t *ptr, const int32_t *row, const double *b, double *n)
{
    for (int64_t l = 0; l < q; l++) {
        int64_t width = ptr[l + 1] - ptr[l], m = width + border;
        const int32_t *at = row + ptr[l];
        const double *bl = b + k * (ptr[l] + l * border);
        for (int64_t c = 0; c < k; c++) {
            const double *x = bl + c * m;
            for (int64_t j = 0; j < width; j++) {
                double *column = n + (int64_t)at[j] * order, xj = x[j];
                for (int64_t i = j; i < width; i++)
                    column[at[i]] -= xj * x[i];
                for (int64_t i = 0; i < border; i++)
                    column[rest + i] -= xj * x[width + i];
            }
            for (int64_t j = 0; j < border; j++)
                for (int64_t i = j; i < border; i++)
                    n[rest + i + (rest + j) * order] -= x[width + i] * x[width + j];
        }
    }
}

mere_status mere_subtract_levels(mere_work *work)
{
    const mere_plan *plan = work->plan;
    const mere_factor *first = &plan->factor[0];
    int64_t k = first->k, m = plan->order;
    if (plan->rest == 0) {
        subtract_border(k, first->q, m, work->b, work->n);
    } else if (plan->dense_rows) {
        int im = (int)m, columns = (int)(k * first->q);
        double minus = -1.0, one = 1.0;
        dsyrk_("L", "N", &im, &columns, &minus, work->b, &im, &one, work->n, &im);
    } else {
        subtract_scattered(k, first->q, plan->border, plan->rest, m, first->cross.ptr, first->cross.row, work->b,
                           work->n);
    }
    return MERE_OK;
}

/* ------------------------------------------------------------------ Gamma of factor 0 */

/* y (m x k) = g a for the rows `at` (NULL: all) of the symmetric g, the lower triangle of which is stored. */
MERE_INLINE void symmetric_times(const int64_t k, int64_t width, int64_t border, int64_t rest, int64_t order,
                                 const int32_t *at, const double *g, const double *a, double *y)
{
    int64_t m = width + border;
    memset(y, 0, (size_t)(m * k) * sizeof *y);
    for (int64_t j = 0; j < m; j++) {
        const double *column = g + (j < width ? (int64_t)at[j] : rest + j - width) * order;
        double d = column[j < width ? (int64_t)at[j] : rest + j - width];
        for (int64_t c = 0; c < k; c++) {
            const double *x = a + c * m;
            double *v = y + c * m, sum = d * x[j], xj = x[j];
            for (int64_t i = j + 1; i < width; i++) {
                double gij = column[at[i]];
                sum += gij * x[i];
                v[i] += gij * xj;
            }
            for (int64_t i = j < width ? width : j + 1; i < m; i++) {
                double gij = column[rest + i - width];
                sum += gij * x[i];
                v[i] += gij * xj;
            }
            v[j] += sum;
        }
    }
}

/* Gamma += R A - R q R' with R = I - A F F'. */
MERE_INLINE void add_gamma(const int64_t k, const double *restrict a, const double *restrict f,
                           const double *restrict q, double *restrict space, double *restrict gamma)
{
    double *c = space, *r = c + k * k, *aq = r + k * k, *rq = aq + k * k;
    for (int64_t j = 0; j < k; j++)
        for (int64_t i = 0; i < k; i++) {
            double sum = 0.0;
            for (int64_t s = 0; s < k; s++)
                sum += f[i + s * k] * f[j + s * k];
            c[i + j * k] = sum;
        }
    for (int64_t j = 0; j < k; j++)
        for (int64_t i = 0; i < k; i++) {
            double sum = i == j ? 1.0 : 0.0;
            for (int64_t s = 0; s < k; s++)
                sum -= a[i + s * k] * c[s + j * k];
            r[i + j * k] = sum;
        }
    for (int64_t j = 0; j < k; j++) /* A - q R' */
        for (int64_t i = 0; i < k; i++) {
            double sum = a[i + j * k];
            for (int64_t s = 0; s < k; s++)
                sum -= q[i + s * k] * r[j + s * k];
            aq[i + j * k] = sum;
        }
    for (int64_t j = 0; j < k; j++)
        for (int64_t i = 0; i < k; i++) {
            double sum = 0.0;
            for (int64_t s = 0; s < k; s++)
                sum += r[i + s * k] * aq[s + j * k];
            rq[i + j * k] = sum;
        }
    for (int64_t j = 0; j < k; j++)
        for (int64_t i = 0; i < k; i++)
            gamma[i + j * k] += 0.5 * (rq[i + j * k] + rq[j + i * k]);
}

/* y_all is g a for all levels if `filled`; else it is gathered level by level, into y_all or, without one, `space`. */
MERE_INLINE void gamma_k(const int64_t k, const levels *v, const mere_work *work, double *y_all,
                         int filled, double *space, double *gamma)
{
    const mere_plan *plan = work->plan;
    double *q = space, *blocks = q + k * k, *y_one = blocks + 4 * k * k;
    for (int64_t l = 0; l < v->q; l++) {
        int64_t width = v->ptr[l + 1] - v->ptr[l], m = width + v->border, at = k * (v->ptr[l] + l * v->border);
        const double *a = v->a + at;
        double *y = y_all ? y_all + at : y_one;
        if (!filled)
            symmetric_times(k, width, v->border, plan->rest, plan->order, plan->factor[0].cross.row + v->ptr[l],
                            work->g, a, y);
        for (int64_t j = 0; j < k; j++)
            for (int64_t i = 0; i < k; i++)
                q[i + j * k] = mere_dot(m, a + i * m, y + j * m);
        add_gamma(k, v->diag + l * k * k, v->f0 + l * k * k, q, blocks, gamma);
    }
}

MERE_CLONES static void gamma_levels(int64_t k, const levels *v, const mere_work *work, double *y_all, int filled,
                                     double *space, double *gamma)
{
    if (k == 1)
        gamma_k(1, v, work, y_all, filled, space, gamma);
    else if (k == 2)
        gamma_k(2, v, work, y_all, filled, space, gamma);
    else if (k == 3)
        gamma_k(3, v, work, y_all, filled, space, gamma);
    else
        gamma_k(k, v, work, y_all, filled, space, gamma);
}

mere_status mere_gamma_first(mere_work *work)
{
    const mere_plan *plan = work->plan;
    levels v = levels_of(work);
    int64_t k = plan->factor[0].k;
    double *y = work->y0, *made = NULL;
    int at_once = plan->rest && (plan->dense_rows || plan->sparse);
    if (at_once && !y && !(y = made = mere_malloc(k * (v.ptr[v.q] + v.q * v.border), sizeof *y)))
        return MERE_ERR_MEMORY;
    if (at_once && plan->sparse) {
        mere_sparse_levels(work, y);
    } else if (at_once) {
        int m = (int)plan->order, columns = (int)(k * v.q);
        double one = 1.0, zero = 0.0;
        dsymm_("L", "L", &m, &columns, &one, work->g, &m, work->a, &m, &zero, y, &m);
    }
    gamma_levels(k, &v, work, y, at_once, work->scratch, work->gamma);
    mere_free(made);
    return MERE_OK;
}
