/* information.c - second derivatives: Gamma of every factor, and the average-information Newton matrix.
 *
 * With H = I + Z Lambda Lambda' Z', P = H^-1 - H^-1 X (X'H^-1 X)^-1 X'H^-1, r = P y and, for the entry e = (row i, column c)
 * of Lambda_f, the direction f_e = (E_ic Lambda' + Lambda E_ci) Z'r, level by level e_i u_c + Lambda[:, c] (Z'r)_i:
 *   a_st = f_s' Z'P Z f_t,   b_s = f_s' Z'r,
 *   AI_st = (nu / rho) (a_st - b_s b_t / rho)
 * (Johnson & Thompson 1995 for the idea), plus the second derivative of Lambda Lambda' in the same column:
 *   + 2 Gamma_f[i_s, i_t] if s, t hold the same column of the same factor,   Gamma_f = dd / d(Lambda Lambda')_f.
 * With sigma fixed at s: AI_st = a_st / s^2. Z'PZ is never formed: with factor 0 eliminated, c_s = [Z_r X]'H_0^-1 Z f_s and a_st = (Z f_s)'H_0^-1 (Z f_t) - z_s'z_t,
 * z_s = L_S^-1 Lambda_r' c_s.
 */
#include <math.h>
#include <string.h>

#include "clones.h"
#include "dense.h"
#include "memory.h"
#include "sparse.h"
#include "work.h"

/* ------------------------------------------------------------------ Gamma */

/* Is Lambda_f so far from singular that Gamma = G Lambda^-1 keeps its digits? In units of the columns. */
static int well_conditioned(const double *lam, const double *scale, int64_t k)
{
    double largest = 0.0, smallest = INFINITY;
    for (int64_t j = 0; j < k; j++) {
        double d = fabs(lam[j * (k + 1)]) * scale[j];
        smallest = d < smallest ? d : smallest;
        for (int64_t i = j; i < k; i++)
            largest = fmax(largest, fabs(lam[i + j * k]) * scale[i]);
    }
    return smallest > 1e-5 * fmax(largest, 1e-3);
}

/* Gamma (k x k) from G = Gamma Lambda, column by column from the last. */
static void gamma_by_division(int64_t k, const double *g, const double *lam, double *gamma)
{
    for (int64_t j = k - 1; j >= 0; j--)
        for (int64_t i = 0; i < k; i++) {
            double sum = g[i + j * k];
            for (int64_t r = j + 1; r < k; r++)
                sum -= gamma[i + r * k] * lam[r + j * k];
            gamma[i + j * k] = sum / lam[j * (k + 1)];
        }
    for (int64_t j = 0; j < k; j++)
        for (int64_t i = j + 1; i < k; i++)
            gamma[i + j * k] = gamma[j + i * k] = 0.5 * (gamma[i + j * k] + gamma[j + i * k]);
}

/* The definition, sum over levels of [N - N g N]_ee: one product of order `rest`, only where Lambda is singular. */
static mere_status gamma_by_product(mere_work *work, int64_t f)
{
    const mere_plan *plan = work->plan;
    int64_t k = plan->factor[f].k, m = plan->order;
    double *gamma = work->gamma + work->lambda_first[f];
    mere_symmetrize(m, work->n);
    const double *n = work->n + plan->factor[f].first * m;
    double *y = mere_malloc(m * k * plan->factor[f].q, sizeof *y);
    if (!y)
        return MERE_ERR_MEMORY;
    int im = (int)m, columns = (int)(k * plan->factor[f].q);
    double one = 1.0, zero = 0.0;
    dsymm_("L", "L", &im, &columns, &one, work->g, &im, n, &im, &zero, y, &im);
    memset(gamma, 0, (size_t)(k * k) * sizeof *gamma);
    for (int64_t l = 0; l < plan->factor[f].q; l++)
        for (int64_t j = 0; j < k; j++)
            for (int64_t i = 0; i < k; i++)
                gamma[i + j * k] += n[plan->factor[f].first + l * k + i + (l * k + j) * m] -
                                    mere_dot(m, n + (l * k + i) * m, y + (l * k + j) * m);
    mere_free(y);
    for (int64_t j = 0; j < k; j++)
        for (int64_t i = j + 1; i < k; i++)
            gamma[i + j * k] = gamma[j + i * k] = 0.5 * (gamma[i + j * k] + gamma[j + i * k]);
    return MERE_OK;
}

/* With a sparse Schur complement the product would be dense: Gamma of a neighbour, 1e-3 of a column's unit away from the
 * singular Lambda, is taken instead. Its error is of the order of 1e-6: enough for a Newton matrix and a certificate. */
static mere_status gamma_by_neighbour(mere_work *work, int64_t f)
{
    const mere_plan *plan = work->plan;
    int64_t k = plan->factor[f].k, at = work->lambda_first[f];
    double *lam = work->lambda + at, *keep = mere_malloc(2 * k * k, sizeof *keep), *gamma = keep + k * k;
    mere_status status, restored;
    if (!keep)
        return MERE_ERR_MEMORY;
    memcpy(keep, lam, (size_t)(k * k) * sizeof *keep);
    for (int64_t j = 0; j < k; j++) {
        double unit = 1e-3 / (plan->factor[f].scale[j] > 0.0 ? plan->factor[f].scale[j] : 1.0);
        if (fabs(lam[j * (k + 1)]) < unit)
            lam[j * (k + 1)] = unit;
    }
    if (!(status = mere_lmm_refresh(work)))
        gamma_by_division(k, work->grad_lambda + at, lam, gamma);
    memcpy(lam, keep, (size_t)(k * k) * sizeof *keep);
    restored = mere_lmm_refresh(work);
    if (!status && !restored)
        memcpy(work->gamma + at, gamma, (size_t)(k * k) * sizeof *gamma);
    mere_free(keep);
    return status ? status : restored;
}

mere_status mere_rest_gamma(mere_work *work)
{
    const mere_plan *plan = work->plan;
    mere_status status = MERE_OK;
    for (int pass = 0; pass < 2; pass++) /* neighbours first: they evaluate anew, which clears the others */
        for (int64_t f = 1; f < plan->n_factor && !status; f++) {
            int64_t at = work->lambda_first[f], k = plan->factor[f].k;
            int regular = well_conditioned(work->lambda + at, plan->factor[f].scale, k);
            if (pass == 1 && regular)
                gamma_by_division(k, work->grad_lambda + at, work->lambda + at, work->gamma + at);
            else if (pass == 1 && !plan->sparse)
                status = gamma_by_product(work, f);
            else if (pass == 0 && !regular && plan->sparse)
                status = gamma_by_neighbour(work, f);
        }
    return status;
}

mere_status mere_lmm_gamma(mere_work *work, int64_t factor, double *gamma)
{
    if (!work->has_gradient || factor < 0 || factor >= work->plan->n_factor)
        return MERE_ERR_ARGUMENT;
    mere_status status = factor ? mere_rest_gamma(work) : MERE_OK;
    int64_t k = work->plan->factor[factor].k;
    memcpy(gamma, work->gamma + work->lambda_first[factor], (size_t)(k * k) * sizeof(double));
    return status;
}

/* ------------------------------------------------------------------ directions */

typedef struct {
    int64_t n;      /* entries */
    double *f;      /* n arrays of the length of their factor's random effects, at `at` */
    int64_t *at;
    double *c;      /* (rest + p) x n */
    double *a;      /* n x n */
    double *b;      /* n */
    double *space;
} directions;

static void directions_free(directions *d)
{
    mere_free(d->f);
    mere_free(d->at);
    mere_free(d->c);
    mere_free(d->a);
    mere_free(d->b);
    mere_free(d->space);
}

static mere_status directions_new(const mere_plan *plan, directions *d)
{
    int64_t size = 0, n = plan->n_entry, k0 = plan->factor[0].k;
    *d = (directions){.n = n, .at = mere_calloc(n + 1, sizeof *d->at)};
    if (d->at)
        for (int64_t e = 0; e < n; e++) {
            const mere_factor *factor = &plan->factor[plan->entry[e].term];
            d->at[e] = size;
            size += factor->k * factor->q;
        }
    d->f = mere_malloc(size, sizeof *d->f);
    d->c = mere_calloc((plan->rest + plan->p) * n, sizeof *d->c);
    d->a = mere_calloc(n * n, sizeof *d->a);
    d->b = mere_calloc(n, sizeof *d->b);
    d->space = mere_malloc(2 * k0 * k0 + 2 * k0 * (n ? n : 1), sizeof *d->space);
    if (!d->at || !d->f || !d->c || !d->a || !d->b || !d->space) {
        directions_free(d);
        return MERE_ERR_MEMORY;
    }
    return MERE_OK;
}

/* f_e and b_e. */
static void make_directions(const mere_work *work, const double *u, const double *t, directions *d)
{
    const mere_plan *plan = work->plan;
    for (int64_t e = 0; e < d->n; e++) {
        const mere_entry *entry = &plan->entry[e];
        const mere_factor *factor = &plan->factor[entry->term];
        int64_t k = factor->k, i = entry->row, c = entry->column;
        const double *lam = work->lambda + work->lambda_first[entry->term];
        double *f = d->f + d->at[e], sum = 0.0;
        for (int64_t l = 0; l < factor->q; l++) {
            const double *ul = u + factor->u_first + l * k, *tl = t + factor->u_first + l * k;
            for (int64_t r = 0; r < k; r++)
                f[l * k + r] = r < c ? 0.0 : lam[r + c * k] * tl[i];
            f[l * k + i] += ul[c];
            for (int64_t r = 0; r < k; r++)
                sum += f[l * k + r] * tl[r];
        }
        d->b[e] = sum;
    }
}

/* Factor 0: a_st += f_s' (R A) f_t over levels, c_s += a R' f_s, R' = I - F F' A. */
MERE_CLONES static void first_products(const mere_work *work, directions *d)
{
    const mere_plan *plan = work->plan;
    const mere_factor *first = &plan->factor[0];
    int64_t k = first->k, nc = plan->rest + plan->p;
    double *rt = d->space, *g = rt + k * k, *ag = g + k * (d->n ? d->n : 1);
    for (int64_t l = 0; l < first->q; l++) {
        int64_t at = first->cross.ptr[l], width = first->cross.ptr[l + 1] - at, ld = width + plan->border;
        const double *diag = work->values[0].diag + l * k * k, *f = work->f0 + l * k * k;
        const double *a = work->a + k * (at + l * plan->border);
        for (int64_t j = 0; j < k; j++) { /* R' = I - F (F'A) */
            for (int64_t i = 0; i < k; i++)
                ag[i] = mere_dot(k, f + i * k, diag + j * k);
            for (int64_t i = 0; i < k; i++) {
                double sum = i == j ? 1.0 : 0.0;
                for (int64_t r = 0; r < k; r++)
                    sum -= f[i + r * k] * ag[r];
                rt[i + j * k] = sum;
            }
        }
        for (int64_t e = 0; e < d->n; e++) {
            if (plan->entry[e].term != 0)
                continue;
            const double *fe = d->f + d->at[e] + l * k;
            double *ge = g + e * k, *age = ag + e * k;
            for (int64_t i = 0; i < k; i++)
                ge[i] = 0.0;
            for (int64_t j = 0; j < k; j++)
                for (int64_t i = 0; i < k; i++)
                    ge[i] += rt[i + j * k] * fe[j];
            for (int64_t i = 0; i < k; i++)
                age[i] = mere_dot(k, diag + i * k, ge);
            for (int64_t s = 0; s <= e; s++)
                if (plan->entry[s].term == 0)
                    d->a[e + s * d->n] += mere_dot(k, d->f + d->at[s] + l * k, age);
            double *c = d->c + e * nc;
            for (int64_t r = 0; r < k; r++) {
                const double *ar = a + r * ld;
                double x = ge[r];
                if (plan->dense_rows || width == 0) {
                    for (int64_t i = 0; i < width; i++)
                        c[i] += ar[i] * x;
                } else {
                    const int32_t *row = first->cross.row + at;
                    for (int64_t i = 0; i < width; i++)
                        c[row[i]] += ar[i] * x;
                }
                for (int64_t i = 0; i < plan->p; i++)
                    c[plan->rest + i] += ar[width + i] * x;
            }
        }
    }
}

/* The rest: c_s = N f_s, a_st = f_s' c_t for every s. */
MERE_CLONES static void rest_products(mere_work *work, directions *d)
{
    const mere_plan *plan = work->plan;
    int64_t nc = plan->rest + plan->p, m = plan->order;
    for (int64_t e = 0; e < d->n; e++) {
        const mere_entry *entry = &plan->entry[e];
        if (entry->term == 0)
            continue;
        int64_t from = plan->factor[entry->term].first,
                size = plan->factor[entry->term].k * plan->factor[entry->term].q;
        const double *f = d->f + d->at[e];
        double *c = d->c + e * nc;
        for (int64_t j = 0; j < from; j++) /* rows above, by symmetry */
            c[j] += mere_dot(size, work->n + j * m + from, f);
        for (int64_t s = 0; s < size; s++) {
            int64_t j = from + s;
            const double *column = work->n + j * m;
            double sum = column[j] * f[s], x = f[s];
            for (int64_t i = j + 1; i < from + size; i++) {
                sum += column[i] * f[i - from];
                c[i] += column[i] * x;
            }
            for (int64_t i = from + size; i < nc; i++)
                c[i] += column[i] * x;
            c[j] += sum;
        }
    }
}

static void mixed_products(const mere_work *work, directions *d)
{
    const mere_plan *plan = work->plan;
    int64_t nc = plan->rest + plan->p;
    for (int64_t e = 0; e < d->n; e++)
        for (int64_t s = 0; s <= e; s++) {
            int64_t rest = plan->entry[e].term ? e : s, other = rest == e ? s : e;
            const mere_entry *entry = &plan->entry[rest];
            if (entry->term == 0)
                continue;
            const mere_factor *factor = &plan->factor[entry->term];
            d->a[e + s * d->n] = mere_dot(factor->k * factor->q, d->f + d->at[rest], d->c + other * nc + factor->first);
        }
}

/* c_s <- z_s = L^-1 Lambda_r' c_s */
static mere_status whiten(mere_work *work, directions *d)
{
    const mere_plan *plan = work->plan;
    int64_t nc = plan->rest + plan->p;
    for (int64_t e = 0; e < d->n; e++)
        for (int64_t f = 1; f < plan->n_factor; f++) {
            int64_t k = plan->factor[f].k;
            const double *lam = work->lambda + work->lambda_first[f];
            for (int64_t l = 0; l < plan->factor[f].q; l++) {
                double *x = d->c + e * nc + plan->factor[f].first + l * k;
                for (int64_t i = 0; i < k; i++) {
                    double sum = 0.0;
                    for (int64_t r = i; r < k; r++)
                        sum += lam[r + i * k] * x[r];
                    x[i] = sum;
                }
            }
        }
    if (plan->sparse)
        return mere_sparse_whiten(work, d->n, d->c, nc);
    mere_lower_solve(nc, work->s, plan->order, 0, d->n, d->c, nc ? nc : 1);
    return MERE_OK;
}

/* ------------------------------------------------------------------ the matrix */

static void collect(const mere_work *work, const directions *d, double *matrix)
{
    const mere_plan *plan = work->plan;
    int64_t nc = plan->rest + plan->p, np = plan->n_par;
    double ratio = mere_residual_weight(work) / work->rho, profiled = work->sigma2 > 0.0 ? 0.0 : 1.0 / work->rho;
    memset(matrix, 0, (size_t)(np * np) * sizeof *matrix);
    for (int64_t e = 0; e < d->n; e++)
        for (int64_t s = 0; s <= e; s++) {
            const mere_entry *x = &plan->entry[e], *y = &plan->entry[s];
            double a = d->a[e + s * d->n] - mere_dot(nc, d->c + e * nc, d->c + s * nc);
            double value = ratio * (a - d->b[e] * d->b[s] * profiled);
            if (x->term == y->term && x->column == y->column)
                value += 2.0 * work->gamma[work->lambda_first[x->term] + x->row + y->row * plan->factor[x->term].k];
            matrix[x->par + y->par * np] += value;
            if (e != s)
                matrix[y->par + x->par * np] += value;
        }
}

mere_status mere_lmm_curvature(mere_work *work, double *matrix, double *rho_gradient)
{
    const mere_plan *plan = work->plan;
    directions d;
    if (!work->has_gradient)
        return MERE_ERR_ARGUMENT;
    mere_status status = directions_new(plan, &d);
    if (status)
        return status;
    double *space = mere_malloc(plan->order + 3 * plan->q, sizeof *space);
    if (!space) {
        directions_free(&d);
        return MERE_ERR_MEMORY;
    }
    double *u = space, *b = u + plan->q, *t = b + plan->q, *v = t + plan->q;
    if (!(status = mere_lmm_solution(work, v, u, b, t)) && !(status = mere_rest_gamma(work))) {
        make_directions(work, u, t, &d);
        first_products(work, &d);
        if (plan->sparse)
            mere_sparse_products(work, d.n, d.at, d.f, d.c);
        else
            rest_products(work, &d);
        mixed_products(work, &d);
        if (!status && !(status = whiten(work, &d)))
            collect(work, &d, matrix);
    }
    if (!status && rho_gradient) { /* rho is the minimum over beta and u: drho = -(Z'r)'(dLambda u) - ..., that is -b */
        memset(rho_gradient, 0, (size_t)plan->n_par * sizeof *rho_gradient);
        for (int64_t e = 0; e < d.n; e++)
            rho_gradient[plan->entry[e].par] -= d.b[e];
    }
    mere_free(space);
    directions_free(&d);
    return status;
}

mere_status mere_lmm_information(mere_work *work, double *matrix)
{
    return mere_lmm_curvature(work, matrix, NULL);
}
