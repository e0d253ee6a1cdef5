/* lmm.c - the profiled criterion of the linear mixed model, its gradient and its solution.
 *
 * After factor 0 is eliminated (eliminate.c) everything is in N, the cross-products of [Z_rest X y] in the metric of
 * (I + Z_0 Lambda_0 Lambda_0' Z_0')^-1, a matrix of order `rest + p + 1`:
 *   S = Lambda_r' N Lambda_r + [I 0; 0 0] = L_S L_S'   (Lambda_r is the identity on X and y)
 *   d = sum log|M_l| + 2 sum_RE log L_ii [+ 2 sum_X log L_ii] + nu (1 + log(2 pi rho / nu)),   rho = L_yy^2.
 * The gradient is that of a weighted log-determinant: with T = L_S^-T diag(w) L_S^-1, w = 1 for random effects, 1 (REML)
 * or 0 (ML) for X and nu for y, dd = <T, dS>, hence
 *   dd/dLambda_f = 2 G_f,   G_f = sum_levels [N Lambda_r T]_ee  (rest),   G_0 = Gamma_0 Lambda_0,
 *   Gamma_0 = sum_l R A - R (a' g a) R',   g = Lambda_r T Lambda_r'.
 * With the residual standard deviation fixed, the last term is nu log(2 pi sigma^2) + rho / sigma^2 and w = rho / sigma^2
 * for y. Smith (1995), J. Comput. Graph. Statist. 4, 134-147, has the idea for a plain Cholesky factor.
 */
#include <math.h>
#include <string.h>

#include "clones.h"
#include "dense.h"
#include "eliminate.h"
#include "memory.h"
#include "sparse.h"
#include "work.h"

/* ------------------------------------------------------------------ parameters */

mere_status mere_set_lambda(mere_work *work, const double *par)
{
    const mere_plan *plan = work->plan;
    for (int64_t e = 0; e < plan->n_entry; e++) {
        const mere_entry *entry = &plan->entry[e];
        double value = par[entry->par];
        if (!isfinite(value))
            return MERE_ERR_NOT_FINITE;
        work->lambda[work->lambda_first[entry->term] + entry->row + entry->column * plan->factor[entry->term].k] =
            value;
    }
    return MERE_OK;
}

/* ------------------------------------------------------------------ N and S */

/* n = cross-products of the rest, X and y, before factor 0 is taken out. */
static void fill_schur(mere_work *work)
{
    const mere_plan *plan = work->plan;
    int64_t m = plan->order, p = plan->p, rest = plan->rest;
    for (int64_t j = 0; j < m; j++)
        memset(work->n + j * (m + 1), 0, (size_t)(m - j) * sizeof(double));
    for (int64_t f = 1; f < plan->n_factor; f++) {
        const mere_factor *factor = &plan->factor[f];
        const mere_values *values = &work->values[f];
        const mere_cross *cross = &factor->cross;
        int64_t k = factor->k;
        const double *zy = work->zy + factor->u_first;
        for (int64_t l = 0; l < factor->q; l++)
            for (int64_t c = 0; c < k; c++) {
                double *column = work->n + (factor->first + l * k + c) * m;
                int64_t width = cross->ptr[l + 1] - cross->ptr[l];
                for (int64_t r = c; r < k; r++)
                    column[factor->first + l * k + r] = values->diag[(l * k + c) * k + r];
                for (int64_t i = 0; i < width; i++)
                    column[cross->row[cross->ptr[l] + i]] = values->val[k * cross->ptr[l] + c * width + i];
                for (int64_t j = 0; j < p; j++)
                    column[rest + j] = values->zx[(l * k + c) * p + j];
                column[rest + p] = zy[l * k + c];
            }
    }
    for (int64_t j = 0; j < p; j++) {
        double *column = work->n + (rest + j) * m + rest;
        for (int64_t i = j; i < p; i++)
            column[i] = work->xx[i + j * p];
        column[p] = work->xy[j];
    }
    work->n[m * m - 1] = work->yy;
}

/* dst = Lambda_r' src Lambda_r, or with `transpose` Lambda_r src Lambda_r'; lower triangles, identity on the border. */
MERE_CLONES static void scale_scalar(const mere_work *work, const double *restrict src, double *restrict dst)
{
    const mere_plan *plan = work->plan;
    int64_t m = plan->order;
    for (int64_t f = 1; f < plan->n_factor; f++) {
        double lf = work->lambda[work->lambda_first[f]];
        for (int64_t l = 0; l < plan->factor[f].q; l++) {
            int64_t j = plan->factor[f].first + l, i = j;
            for (int64_t g = f; g < plan->n_factor; g++) {
                double scale = lf * work->lambda[work->lambda_first[g]];
                for (int64_t end = plan->factor[g].first + plan->factor[g].q; i < end; i++)
                    dst[i + j * m] = src[i + j * m] * scale;
            }
            for (; i < m; i++)
                dst[i + j * m] = src[i + j * m] * lf;
        }
    }
    for (int64_t j = plan->rest; j < m; j++)
        memcpy(dst + j * (m + 1), src + j * (m + 1), (size_t)(m - j) * sizeof(double));
}

/* x (k) <- Lambda' x or Lambda x, in place. */
MERE_INLINE void lambda_vector(int64_t k, const double *lam, int transpose, double *x)
{
    if (transpose) {
        for (int64_t i = 0; i < k; i++) {
            double sum = 0.0;
            for (int64_t r = i; r < k; r++)
                sum += lam[r + i * k] * x[r];
            x[i] = sum;
        }
    } else {
        for (int64_t i = k - 1; i >= 0; i--) {
            double sum = 0.0;
            for (int64_t r = 0; r <= i; r++)
                sum += lam[i + r * k] * x[r];
            x[i] = sum;
        }
    }
}

MERE_CLONES static void scale_general(const mere_work *work, const double *restrict src, double *restrict dst,
                                      int transpose)
{
    const mere_plan *plan = work->plan;
    int64_t m = plan->order;
    for (int64_t j = plan->rest; j < m; j++)
        memcpy(dst + j * (m + 1), src + j * (m + 1), (size_t)(m - j) * sizeof(double));
    for (int64_t f = 1; f < plan->n_factor; f++) {
        int64_t k = plan->factor[f].k;
        const double *lam = work->lambda + work->lambda_first[f];
        for (int64_t l = 0; l < plan->factor[f].q; l++) {
            int64_t first = plan->factor[f].first + l * k;
            for (int64_t c = 0; c < k; c++) { /* columns: src times Lambda (or Lambda') */
                double *to = dst + (first + c) * m;
                memset(to + first, 0, (size_t)(m - first) * sizeof(double));
                for (int64_t r = transpose ? 0 : c; r < (transpose ? c + 1 : k); r++) {
                    double value = transpose ? lam[c + r * k] : lam[r + c * k];
                    const double *from = src + (first + r) * m;
                    if (value == 0.0)
                        continue;
                    for (int64_t i = first; i < first + r; i++) /* the diagonal block is stored below only */
                        to[i] += value * src[first + r + i * m];
                    for (int64_t i = first + r; i < m; i++)
                        to[i] += value * from[i];
                }
                for (int64_t g = f; g < plan->n_factor; g++) /* rows */
                    for (int64_t e = g == f ? l : 0; e < plan->factor[g].q; e++)
                        lambda_vector(plan->factor[g].k, work->lambda + work->lambda_first[g], !transpose,
                                      to + plan->factor[g].first + e * plan->factor[g].k);
            }
        }
    }
}

void mere_blocks_scale(const mere_work *work, const double *src, double *dst, int transpose)
{
    if (work->plan->scalar)
        scale_scalar(work, src, dst);
    else
        scale_general(work, src, dst, transpose);
}

/* ------------------------------------------------------------------ the criterion */

static mere_status factor_schur(mere_work *work)
{
    const mere_plan *plan = work->plan;
    int64_t m = plan->order, rest = plan->rest;
    mere_blocks_scale(work, work->n, work->s, 0);
    for (int64_t j = 0; j < rest; j++)
        work->s[j * (m + 1)] += 1.0;
    int64_t failed = mere_chol(m, work->s, m);
    if (failed)
        return failed == m ? MERE_ERR_PERFECT_FIT : MERE_ERR_NOT_POSITIVE;
    double product = 1.0, sum = 0.0;
    for (int64_t j = 0; j < rest; j++) {
        product *= work->s[j * (m + 1)] * work->s[j * (m + 1)];
        if (product > 1e150) {
            sum += log(product);
            product = 1.0;
        }
    }
    work->ld_re += sum + log(product);
    work->ld_x = 0.0;
    for (int64_t j = rest; j < m - 1; j++)
        work->ld_x += 2.0 * log(work->s[j * (m + 1)]);
    work->rho = work->s[m * m - 1] * work->s[m * m - 1];
    return MERE_OK;
}

/* log|M|, log|X|, rho at work->lambda. */
mere_status mere_factor_work(mere_work *work)
{
    mere_status status;
    if (mere_eliminate(work, &work->ld_re))
        return MERE_ERR_NOT_POSITIVE;
    if (work->plan->sparse)
        return mere_sparse_factor(work);
    fill_schur(work);
    status = mere_subtract_levels(work);
    return status ? status : factor_schur(work);
}

/* Does the workspace stand where it is asked to go? Then what it holds is the answer. */
static int stands_at(const mere_work *work, const double *par, int reml)
{
    return work->has_value && work->reml == reml && work->at_sigma2 == work->sigma2 &&
           memcmp(work->par, par, (size_t)work->plan->n_par * sizeof *par) == 0;
}

mere_status mere_lmm_value(mere_work *work, const double *par, int reml, double *d)
{
    const mere_plan *plan = work->plan;
    if (stands_at(work, par, reml)) {
        *d = work->d;
        return MERE_OK;
    }
    mere_status status = mere_set_lambda(work, par);
    work->has_value = work->has_gradient = 0;
    if (status)
        return status;
    work->reml = reml;
    work->nu = (double)(plan->n - (reml ? plan->p : 0));
    if ((status = mere_factor_work(work)))
        return status;
    /* what rounding leaves of zero: of the elimination, relative to the centred y; of y itself, relative to its size */
    if (!(work->rho > 1e-14 * work->yy && work->rho > 1e-28 * work->yy_raw))
        return MERE_ERR_PERFECT_FIT;
    *d = work->ld_re + (reml ? work->ld_x : 0.0) - work->log_weights;
    if (work->sigma2 > 0.0)
        *d += work->nu * log(2.0 * M_PI * work->sigma2) + work->rho / work->sigma2;
    else
        *d += work->nu * (1.0 + log(2.0 * M_PI * work->rho / work->nu));
    if (!isfinite(*d))
        return MERE_ERR_NOT_FINITE;
    memcpy(work->par, par, (size_t)plan->n_par * sizeof *par);
    work->d = *d;
    work->at_sigma2 = work->sigma2;
    work->has_value = 1;
    return MERE_OK;
}

/* ------------------------------------------------------------------ the gradient */

/* t = L_S^-T diag(1, weight_x, weight_y) L_S^-1 and g = Lambda_r t Lambda_r'. */
mere_status mere_lmm_inverse(mere_work *work, double weight_x, double weight_y)
{
    const mere_plan *plan = work->plan;
    int64_t m = plan->order;
    double *w = work->scratch;
    if (plan->sparse)
        return mere_sparse_inverse(work, weight_x, weight_y);
    for (int64_t j = 0; j < m; j++) {
        memcpy(work->t + j * (m + 1), work->s + j * (m + 1), (size_t)(m - j) * sizeof(double));
        w[j] = sqrt(j < plan->rest ? 1.0 : j < m - 1 ? weight_x : weight_y);
    }
    if (mere_weighted_inverse(m, work->t, w))
        return MERE_ERR_NOT_POSITIVE;
    mere_blocks_scale(work, work->t, work->g, 1);
    return MERE_OK;
}

double mere_inverse_entry(const mere_work *work, int64_t i, int64_t j)
{
    return work->plan->sparse ? mere_sparse_inverse_entry(work, i, j) : work->g[i + j * work->plan->order];
}

/* G of the rest when all its factors are scalar: products of the lower triangles, segment by segment. */
MERE_CLONES static void rest_scalar(mere_work *work)
{
    const mere_plan *plan = work->plan;
    int64_t m = plan->order;
    for (int64_t f = 1; f < plan->n_factor; f++) {
        double lf = work->lambda[work->lambda_first[f]], own = 0.0;
        for (int64_t l = 0; l < plan->factor[f].q; l++) {
            int64_t j = plan->factor[f].first + l, i = j + 1;
            const double *n = work->n + j * m, *t = work->t + j * m;
            own += n[j] * lf * t[j];
            for (int64_t g = f; g < plan->n_factor; g++) {
                int64_t end = plan->factor[g].first + plan->factor[g].q;
                double sum = mere_dot(end - i, n + i, t + i);
                own += work->lambda[work->lambda_first[g]] * sum;
                work->grad_lambda[work->lambda_first[g]] += lf * sum;
                i = end;
            }
            own += mere_dot(m - i, n + i, t + i);
        }
        work->grad_lambda[work->lambda_first[f]] += own;
    }
}

/* In general: whole columns, so both matrices are made symmetric. */
MERE_CLONES static void rest_general(mere_work *work)
{
    const mere_plan *plan = work->plan;
    int64_t m = plan->order;
    double *y = work->scratch;
    mere_symmetrize(m, work->n);
    mere_symmetrize(m, work->t);
    for (int64_t f = 1; f < plan->n_factor; f++) {
        int64_t k = plan->factor[f].k;
        double *grad = work->grad_lambda + work->lambda_first[f];
        for (int64_t l = 0; l < plan->factor[f].q; l++)
            for (int64_t c = 0; c < k; c++) {
                int64_t first = plan->factor[f].first + l * k;
                memcpy(y, work->t + (first + c) * m, (size_t)m * sizeof(double));
                for (int64_t g = 1; g < plan->n_factor; g++)
                    for (int64_t e = 0; e < plan->factor[g].q; e++)
                        lambda_vector(plan->factor[g].k, work->lambda + work->lambda_first[g], 0,
                                      y + plan->factor[g].first + e * plan->factor[g].k);
                for (int64_t r = 0; r < k; r++)
                    grad[r + c * k] += mere_dot(m, work->n + (first + r) * m, y);
            }
    }
}

static void first_gradient(mere_work *work)
{
    int64_t k = work->plan->factor[0].k;
    for (int64_t j = 0; j < k; j++)
        for (int64_t i = 0; i < k; i++) {
            double sum = 0.0;
            for (int64_t r = j; r < k; r++)
                sum += work->gamma[i + r * k] * work->lambda[r + j * k];
            work->grad_lambda[i + j * k] = sum;
        }
}

/* Gamma_0, and G of every factor, at what was evaluated last. */
mere_status mere_derive(mere_work *work, double weight_x, double weight_y)
{
    const mere_plan *plan = work->plan;
    mere_status status;
    int64_t blocks = 0;
    for (int64_t f = 0; f < plan->n_factor; f++)
        blocks += plan->factor[f].k * plan->factor[f].k;
    memset(work->gamma, 0, (size_t)(plan->factor[0].k * plan->factor[0].k) * sizeof(double));
    memset(work->grad_lambda, 0, (size_t)blocks * sizeof(double));
    if ((status = mere_lmm_inverse(work, weight_x, weight_y)) || (status = mere_gamma_first(work)))
        return status;
    if (plan->sparse)
        mere_sparse_rest_gradient(work);
    else if (plan->scalar)
        rest_scalar(work);
    else
        rest_general(work);
    first_gradient(work);
    return MERE_OK;
}

mere_status mere_lmm_refresh(mere_work *work)
{
    mere_status status = mere_factor_work(work);
    return status ? status : mere_derive(work, work->reml ? 1.0 : 0.0, mere_residual_weight(work));
}

mere_status mere_lmm_gradient(mere_work *work, double *gradient)
{
    const mere_plan *plan = work->plan;
    if (!work->has_value)
        return MERE_ERR_ARGUMENT;
    mere_status status = mere_derive(work, work->reml ? 1.0 : 0.0, mere_residual_weight(work));
    if (status)
        return status;
    memset(gradient, 0, (size_t)plan->n_par * sizeof(double));
    for (int64_t e = 0; e < plan->n_entry; e++) {
        const mere_entry *entry = &plan->entry[e];
        gradient[entry->par] += 2.0 * work->grad_lambda[work->lambda_first[entry->term] + entry->row +
                                                        entry->column * plan->factor[entry->term].k];
    }
    work->has_gradient = 1;
    return MERE_OK;
}

/* ------------------------------------------------------------------ the solution */

/* v (order): [-b_rest; -beta; 1]. u, b (q). t (q): Z'r, r = (y - X beta - Z b) in weighted rows; NULL if not wanted. */
mere_status mere_lmm_solution(mere_work *work, double *v, double *u, double *b, double *t)
{
    const mere_plan *plan = work->plan;
    const mere_factor *first = &plan->factor[0];
    int64_t m = plan->order, rest = plan->rest, k = first->k;
    mere_status status = MERE_OK;
    if (!work->has_value)
        return MERE_ERR_ARGUMENT;
    if (plan->sparse) {
        if ((status = mere_sparse_solution(work, v)))
            return status;
    } else {
        for (int64_t j = 0; j < m - 1; j++)
            v[j] = work->s[m - 1 + j * m];
        mere_lower_solve(m - 1, work->s, m, 1, 1, v, m);
    }
    v[m - 1] = 1.0;
    for (int64_t f = 1; f < plan->n_factor; f++) {
        int64_t kf = plan->factor[f].k;
        for (int64_t l = 0; l < plan->factor[f].q; l++) {
            double *vl = v + plan->factor[f].first + l * kf;
            if (u)
                memcpy(u + plan->factor[f].u_first + l * kf, vl, (size_t)kf * sizeof(double));
            lambda_vector(kf, work->lambda + work->lambda_first[f], 0, vl);
            if (b)
                memcpy(b + plan->factor[f].u_first + l * kf, vl, (size_t)kf * sizeof(double));
        }
    }
    for (int64_t j = 0; j < m - 1; j++)
        v[j] = -v[j];
    if (!u && !b && !t)
        return MERE_OK;
    for (int64_t l = 0; l < first->q; l++) { /* h = a'v, u = L^-T F'h, b = Lambda u, t = h - A b */
        int64_t at = first->cross.ptr[l], width = first->cross.ptr[l + 1] - at, ld = width + plan->border;
        const double *a = work->a + k * (at + l * plan->border), *fl = work->f0 + l * k * k;
        double *ul = u + l * k, *bl = b + l * k, *h = work->scratch;
        for (int64_t c = 0; c < k; c++) {
            const double *ac = a + c * ld;
            double sum = mere_dot(plan->border, ac + width, v + rest);
            for (int64_t i = 0; i < width; i++)
                sum += ac[i] * v[first->cross.row[at + i]];
            h[c] = sum;
        }
        for (int64_t c = 0; c < k; c++)
            ul[c] = mere_dot(k, fl + c * k, h);
        for (int64_t c = 0; c < k; c++)
            bl[c] = 0.0;
        for (int64_t c = 0; c < k; c++)
            for (int64_t i = 0; i < k; i++)
                bl[i] += fl[i + c * k] * ul[c];
        const double *ll = work->l0 + l * k * k;
        for (int64_t j = k - 1; j >= 0; j--) {
            for (int64_t i = j + 1; i < k; i++)
                ul[j] -= ll[i + j * k] * ul[i];
            ul[j] /= ll[j + j * k];
        }
        if (t)
            for (int64_t c = 0; c < k; c++)
                t[l * k + c] = h[c] - mere_dot(k, work->values[0].diag + (l * k + c) * k, bl);
    }
    if (t && plan->sparse) { /* Z_r'r = N v */
        mere_sparse_times(work, v, t + plan->factor[1].u_first);
    } else if (t && rest) {
        double *tr = t + plan->factor[1].u_first;
        memset(tr, 0, (size_t)rest * sizeof *tr);
        for (int64_t j = 0; j < rest; j++) {
            const double *column = work->n + j * m;
            double sum = column[j] * v[j], vj = v[j];
            for (int64_t i = j + 1; i < rest; i++) {
                sum += column[i] * v[i];
                tr[i] += column[i] * vj;
            }
            tr[j] += sum + mere_dot(plan->border, column + rest, v + rest);
        }
    }
    return MERE_OK;
}

mere_status mere_lmm_state(mere_work *work, double *beta, double *rx, double *u, double *b, mere_lmm_sums *sums)
{
    const mere_plan *plan = work->plan;
    int64_t m = plan->order, p = plan->p, rest = plan->rest;
    double *v = mere_malloc(m, sizeof *v);
    if (!v)
        return MERE_ERR_MEMORY;
    mere_status status = mere_lmm_solution(work, v, u, b, NULL);
    if (!status) {
        const double *border = plan->sparse ? work->s : work->s + rest * (m + 1);
        int64_t ld = plan->sparse ? plan->border : m;
        for (int64_t j = 0; j < p; j++) {
            beta[j] = work->center[j] - v[rest + j];
            for (int64_t i = 0; i < p; i++)
                rx[i + j * p] = i <= j ? border[j + i * ld] : 0.0;
        }
        *sums = (mere_lmm_sums){work->ld_re, work->ld_x, work->rho, mere_dot(plan->q, u, u)};
    }
    mere_free(v);
    return status;
}
