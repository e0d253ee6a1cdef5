/* laplace.c - the Laplace approximation of a generalized linear mixed model, with its gradient in (Lambda, beta).
 *
 * D = A(eta) + u'u + log|M| at the mode u of deviance + u'u, where A = -2 log f (dispersion plugged in), a = dA/deta. With
 * v = diag(Z Lambda M^-1 Lambda'Z'), c = a + 2e + w'v (a + 2e is zero without dispersion), H the observed curvature,
 *   xi = M_H^-1 Lambda'Z'c,   tz = Z Lambda xi,   z = c - 2e - H tz,
 *   dD/dbeta = X'z,   dD/dLambda = sum over levels of Z'z u' + Z'e xi' + 2 Z'WZ Lambda M^-1
 * by implicit differentiation of the mode. As u = Lambda'Z'e and xi = Lambda't with t = Z'(c - H tz), all of it is
 * 2 Gamma Lambda, Gamma = (t s' + s t') / 2 - s s' + Gamma of log|M|, s = Z'e: it exists where Lambda is singular.
 * Skaug & Fournier (2006), Comput. Stat. Data Anal. 51, 699-709, have the idea for automatic differentiation.
 */
#include <math.h>
#include <string.h>

#include "clones.h"
#include "dense.h"
#include "glmm.h"
#include "memory.h"
#include "pattern.h"
#include "sparse.h"

mere_status mere_glmm_value(mere_glmm *g, const double *par, double *d)
{
    double slope;
    g->has_value = g->has_gradient = 0;
    mere_status status = mere_pirls_mode(g, par);
    if (status)
        return status;
    g->ld = g->work->ld_re;
    *d = g->d_value = mere_family_criterion(&g->family, &g->sums, g->deviance, &slope) + mere_dot(g->q, g->u, g->u) + g->ld;
    if (!isfinite(*d))
        return MERE_ERR_NOT_FINITE;
    g->has_value = 1;
    return MERE_OK;
}

/* ------------------------------------------------------------------ v */

/* C of the levels of factor 0 and, in work->y0, g a C: minus the blocks of C between factor 0 and the rest. */
MERE_CLONES static void level_blocks(mere_glmm *g)
{
    const mere_plan *plan = g->plan;
    const mere_factor *first = &plan->factor[0];
    mere_work *work = g->work;
    int64_t k = first->k;
    double *cf = work->scratch, *row = cf + k * k;
    for (int64_t l = 0; l < first->q; l++) {
        int64_t at = first->cross.ptr[l], width = first->cross.ptr[l + 1] - at, ld = width + plan->border;
        const double *f = work->f0 + l * k * k, *a = work->a + k * (at + l * plan->border);
        double *y = work->y0 + k * (at + l * plan->border), *c = g->level_c + l * k * k;
        for (int64_t j = 0; j < k; j++)
            for (int64_t i = 0; i < k; i++) {
                double sum = 0.0;
                for (int64_t r = 0; r < k; r++)
                    sum += f[i + r * k] * f[j + r * k];
                cf[i + j * k] = sum;
            }
        if (k == 1) {
            for (int64_t i = 0; i < width; i++)
                y[i] *= cf[0];
        } else {
            for (int64_t i = 0; i < width; i++) {
                for (int64_t j = 0; j < k; j++) {
                    row[j] = 0.0;
                    for (int64_t r = 0; r < k; r++)
                        row[j] += y[i + r * ld] * cf[r + j * k];
                }
                for (int64_t j = 0; j < k; j++)
                    y[i + j * ld] = row[j];
            }
        }
        for (int64_t j = 0; j < k; j++) { /* cf + cf a'(g a cf) */
            for (int64_t i = 0; i < k; i++)
                row[i] = width ? mere_dot(width, a + i * ld, y + j * ld) : 0.0;
            for (int64_t i = 0; i < k; i++)
                c[i + j * k] = cf[i + j * k] + mere_dot(k, cf + i * k, row);
        }
    }
}

static double z_at(const mere_glmm *g, int64_t f, int64_t c, int64_t i)
{
    const double *z = g->z[g->z_first[f] + c];
    return z ? z[i] : 1.0;
}

/* v += 2 z_0' C_0g z_g, and 2 z_f' C_fg z_g for f > 0. */
static void add_between(const mere_glmm *g, int64_t f, int64_t other, double *v)
{
    const mere_plan *plan = g->plan;
    const mere_factor *own = &plan->factor[f], *second = &plan->factor[other];
    const int32_t *at = g->at[f * g->n_factor + other], *place = g->place[f * g->n_factor + other];
    int64_t k = own->k, ko = second->k, m = plan->order;
    const double *y = g->work->y0, *gg = g->work->g;
    const double *sparse_g = plan->sparse ? mere_sparse_inverse_pattern(g->work) : NULL;
    for (int64_t i = 0; i < g->n; i++) {
        int64_t l = g->code[f][i];
        double sum = 0.0;
        if (f == 0) {
            int64_t ld = own->cross.ptr[l + 1] - own->cross.ptr[l] + plan->border;
            for (int64_t c = 0; c < k; c++)
                for (int64_t r = 0; r < ko; r++)
                    sum -= y[at[i] + c * ld + r] * z_at(g, 0, c, i) * z_at(g, other, r, i);
        } else {
            int64_t j = own->first + l * k, row = second->first + g->code[other][i] * ko;
            for (int64_t c = 0; c < k; c++)
                for (int64_t r = 0; r < ko; r++) {
                    double entry = sparse_g ? sparse_g[place[i] - plan->pattern->ptr[j] + plan->pattern->ptr[j + c] - c + r]
                                            : gg[row + r + (j + c) * m];
                    sum += entry * z_at(g, f, c, i) * z_at(g, other, r, i);
                }
        }
        v[i] += 2.0 * sum;
    }
}

MERE_CLONES static void add_scalar(int64_t n, const int32_t *restrict at, const double *restrict y, double *restrict v)
{
    for (int64_t i = 0; i < n; i++)
        v[i] -= 2.0 * y[at[i]];
}

mere_status mere_pirls_variance(mere_glmm *g, double *v)
{
    const mere_plan *plan = g->plan;
    mere_status status = mere_derive(g->work, 0.0, 0.0);
    if (status)
        return status;
    level_blocks(g);
    memset(v, 0, (size_t)g->n * sizeof *v);
    for (int64_t f = 0; f < g->n_factor; f++) {
        int64_t k = plan->factor[f].k, first = plan->factor[f].first;
        for (int64_t l = 0; f > 0 && l < plan->factor[f].q; l++) /* level_c of the rest: the blocks of g, in xi's place */
            for (int64_t c = 0; c < k; c++)
                g->xi[plan->factor[f].u_first + l * k + c] = mere_inverse_entry(g->work, first + l * k + c, first + l * k + c);
        for (int64_t c = 0; c < k; c++)
            for (int64_t r = 0; r <= c; r++)
                for (int64_t i = 0; i < g->n; i++) {
                    int64_t l = g->code[f][i];
                    double entry = f == 0 ? g->level_c[l * k * k + c + r * k]
                                 : r == c ? g->xi[plan->factor[f].u_first + l * k + c]
                                          : mere_inverse_entry(g->work, first + l * k + c, first + l * k + r);
                    v[i] += (r == c ? 1.0 : 2.0) * entry * z_at(g, f, c, i) * z_at(g, f, r, i);
                }
        for (int64_t other = f + 1; other < g->n_factor; other++) {
            if (f == 0 && k == 1 && plan->factor[other].k == 1 && !g->z[0] && !g->z[g->z_first[other]])
                add_scalar(g->n, g->at[other], g->work->y0, v);
            else
                add_between(g, f, other, v);
        }
    }
    return MERE_OK;
}

/* ------------------------------------------------------------------ the gradient */

/* t += s's of the levels' blocks: out_f (k x k) += scale * sum_l x_l y_l'. */
static void add_outer(const mere_glmm *g, double scale, const double *x, const double *y, double *blocks)
{
    for (int64_t f = 0; f < g->n_factor; f++) {
        int64_t k = g->plan->factor[f].k, first = g->plan->factor[f].u_first;
        double *out = blocks + g->work->lambda_first[f];
        for (int64_t l = 0; l < g->plan->factor[f].q; l++)
            for (int64_t j = 0; j < k; j++)
                for (int64_t i = 0; i < k; i++)
                    out[i + j * k] += scale * x[first + l * k + i] * y[first + l * k + j];
    }
}

/* c = a + 2e + w'v; e and ze as they are. */
static void implicit_rows(mere_glmm *g, double *slope)
{
    mere_family_criterion(&g->family, &g->sums, g->deviance, slope);
    double excess = 2.0 * (1.0 - *slope); /* a = -2 slope e */
    for (int64_t i = 0; i < g->n; i++)
        g->c[i] = excess * g->e[i] + g->dw[i] * g->c[i];
}

/* The derivative by log theta of the negative binomial: v in g->c before implicit_rows. */
static mere_status by_theta(mere_glmm *g, const double *v, const double *tz, double *out)
{
    double *de = mere_malloc(2 * g->n, sizeof *de), *dw = de + g->n;
    if (!de)
        return MERE_ERR_MEMORY;
    double sum = mere_family_by_theta(&g->family, g->n, g->y, g->wt, g->mu, g->e, g->w, de, dw);
    for (int64_t i = 0; i < g->n; i++)
        sum += v[i] * dw[i] + tz[i] * de[i];
    *out = sum;
    mere_free(de);
    return MERE_OK;
}

mere_status mere_glmm_gradient(mere_glmm *g, double *gradient)
{
    const mere_plan *plan = g->plan;
    mere_work *work = g->work;
    double slope, *v = NULL, *tz = g->d; /* d is needed no more */
    if (!g->has_value)
        return MERE_ERR_ARGUMENT;
    g->has_gradient = 0;
    mere_pirls_second(g);
    mere_status status = g->factored == MERE_EXPECTED ? MERE_OK : mere_pirls_factor(g, MERE_EXPECTED);
    if (status || (status = mere_pirls_variance(g, g->c)))
        return status;
    if (g->family.estimate_theta) {
        if (!(v = mere_malloc(g->n, sizeof *v)))
            return MERE_ERR_MEMORY;
        memcpy(v, g->c, (size_t)g->n * sizeof *v);
    }
    implicit_rows(g, &slope);
    mere_pirls_score(g, g->c, g->t);
    mere_pirls_lambda(g, g->t, 1, g->xi);
    if ((g->canonical || !(status = mere_pirls_factor(g, MERE_OBSERVED))) && !(status = mere_solve_work(work, g->xi))) {
        mere_pirls_lambda(g, g->xi, 0, g->step);
        mere_pirls_effects(g, NULL, g->step, tz);
        if (g->family.estimate_theta)
            status = by_theta(g, v, tz, gradient + g->nx - 1);
    }
    mere_free(v);
    if (status)
        return status;
    for (int64_t i = 0; i < g->n; i++)
        g->c[i] -= g->h[i] * tz[i];
    mere_pirls_score(g, g->c, g->t);
    mere_pirls_score(g, g->e, g->ze);
    for (int64_t i = 0; i < g->n; i++)
        g->c[i] -= 2.0 * g->e[i];
    for (int64_t j = 0; j < g->p; j++)
        gradient[g->n_par + j] = mere_dot(g->n, g->X + j * g->n, g->c);
    /* 2 G: of log|M|; then (t - 2 ze) u' + ze xi' */
    for (int64_t j = 0; j < g->q; j++)
        g->step[j] = g->t[j] - 2.0 * g->ze[j];
    add_outer(g, 0.5, g->step, g->u, work->grad_lambda);
    add_outer(g, 0.5, g->ze, g->xi, work->grad_lambda);
    memset(gradient, 0, (size_t)g->n_par * sizeof *gradient);
    for (int64_t e = 0; e < plan->n_entry; e++) {
        const mere_entry *entry = &plan->entry[e];
        gradient[entry->par] += 2.0 * work->grad_lambda[work->lambda_first[entry->term] + entry->row +
                                                        entry->column * plan->factor[entry->term].k];
    }
    g->has_gradient = 1;
    return MERE_OK;
}

mere_status mere_glmm_gamma(mere_glmm *g, int64_t factor, double *gamma)
{
    const mere_plan *plan = g->plan;
    if (!g->has_gradient || factor < 0 || factor >= plan->n_factor)
        return MERE_ERR_ARGUMENT;
    /* of log|M| alone: from a fresh derivation, since the gradient has added to G */
    double *t = mere_malloc(2 * g->q, sizeof *t), *s = t + g->q;
    int64_t k = plan->factor[factor].k, first = plan->factor[factor].u_first, blocks = 0;
    if (!t)
        return MERE_ERR_MEMORY;
    memcpy(t, g->t, (size_t)g->q * sizeof *t);
    memcpy(s, g->ze, (size_t)g->q * sizeof *s);
    for (int64_t f = 0; f < plan->n_factor; f++)
        blocks += plan->factor[f].k * plan->factor[f].k;
    mere_status status = g->factored == MERE_EXPECTED ? MERE_OK : mere_pirls_factor(g, MERE_EXPECTED);
    if (!status && !(status = mere_derive(g->work, 0.0, 0.0)) && factor)
        status = mere_rest_gamma(g->work);
    if (!status) {
        memcpy(gamma, g->work->gamma + g->work->lambda_first[factor], (size_t)(k * k) * sizeof *gamma);
        for (int64_t l = 0; l < plan->factor[factor].q; l++) {
            const double *tl = t + first + l * k, *sl = s + first + l * k;
            for (int64_t j = 0; j < k; j++)
                for (int64_t i = 0; i < k; i++)
                    gamma[i + j * k] += 0.5 * (tl[i] * sl[j] + sl[i] * tl[j]) - sl[i] * sl[j];
        }
    }
    mere_free(t);
    return status;
}
