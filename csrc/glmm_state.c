/* glmm_state.c - what is asked at given parameters besides criterion and gradient: the fixed effects' cross-products, the
 * Newton matrix, the joint mode of u and beta, and the state after a fit. */
#include <math.h>
#include <string.h>

#include "dense.h"
#include "glmm.h"
#include "memory.h"

/* ------------------------------------------------------------------ cross-products of columns over the rows */

/* The curvature that was factored last. */
static const double *curvature(const mere_glmm *g)
{
    return g->factored == MERE_OBSERVED ? g->h : g->w;
}

/* For n_col columns (the first p are X's, the others in `extra`): zx = M^-1 Lambda'Z'W Y and cross = Y'WY - Y'WZ Lambda zx,
 * lower triangle, n_col x n_col. */
static mere_status columns_cross(mere_glmm *g, int64_t n_col, const double *extra, double *cross)
{
    int64_t n = g->n, q = g->q;
    const double *w = curvature(g);
    double *wy = mere_malloc(n + q, sizeof *wy), *zwy = wy + n;
    mere_status status = wy ? MERE_OK : MERE_ERR_MEMORY;
    for (int64_t j = 0; j < n_col && !status; j++) {
        const double *y = j < g->p ? g->X + j * n : extra + (j - g->p) * n;
        for (int64_t i = 0; i < n; i++)
            wy[i] = w[i] * y[i];
        for (int64_t i = j; i < n_col; i++)
            cross[i + j * n_col] = mere_dot(n, i < g->p ? g->X + i * n : extra + (i - g->p) * n, wy);
        mere_pirls_score(g, wy, zwy);
        mere_pirls_lambda(g, zwy, 1, g->zx + j * q);
        memcpy(zwy, g->zx + j * q, (size_t)q * sizeof *zwy);
        if (!(status = mere_solve_work(g->work, g->zx + j * q)))
            for (int64_t i = 0; i <= j; i++) { /* (zx_i)' M zx_j, with Lambda'Z'W y_j = M zx_j */
                double value = mere_dot(q, g->zx + i * q, zwy);
                cross[j + i * n_col] -= value;
            }
    }
    mere_free(wy);
    return status;
}

mere_status mere_pirls_fixed(mere_glmm *g, double *cross)
{
    return columns_cross(g, g->p, NULL, cross);
}

/* Cholesky factor of X'WX less its square (p x p at the head of `a`), in place. Where the curvature of separated rows
 * has vanished it is positive only to rounding: diagonals are raised by no more than that takes. */
static mere_status fixed_factor(int64_t p, double *a, int64_t ld)
{
    double *copy = mere_malloc(p * p + 1, sizeof *copy), largest = 0.0;
    int64_t failed = 1;
    if (!copy)
        return MERE_ERR_MEMORY;
    for (int64_t j = 0; j < p; j++) {
        memcpy(copy + j * p, a + j * ld, (size_t)p * sizeof *a);
        largest = fmax(largest, fabs(a[j * (ld + 1)]));
    }
    for (double ridge = 0.0; failed && ridge < 1e-2; ridge = ridge > 0.0 ? 100.0 * ridge : 1e-14) {
        for (int64_t j = 0; j < p; j++) {
            memcpy(a + j * ld, copy + j * p, (size_t)p * sizeof *a);
            a[j * (ld + 1)] += ridge * fmax(fabs(copy[j * (p + 1)]), 1e-6 * largest);
        }
        failed = mere_chol(p, a, ld);
    }
    mere_free(copy);
    return failed ? MERE_ERR_NOT_POSITIVE : MERE_OK;
}

/* ------------------------------------------------------------------ the Newton matrix */

/* Rows of Z f_e, f_e = e_i u_c + Lambda[:, c] s_i level by level, summed over the entries of every parameter. */
static void directions(const mere_glmm *g, const double *s, double *f, double *rows)
{
    const mere_plan *plan = g->plan;
    for (int64_t t = 0; t < g->n_par; t++) {
        memset(f, 0, (size_t)g->q * sizeof *f);
        for (int64_t e = 0; e < plan->n_entry; e++) {
            const mere_entry *entry = &plan->entry[e];
            if (entry->par != t)
                continue;
            const mere_factor *factor = &plan->factor[entry->term];
            const double *lam = g->work->lambda + g->work->lambda_first[entry->term];
            int64_t k = factor->k, c = entry->column;
            for (int64_t l = 0; l < factor->q; l++) {
                double *fl = f + factor->u_first + l * k;
                const double *sl = s + factor->u_first + l * k, *ul = g->u + factor->u_first + l * k;
                for (int64_t r = c; r < k; r++)
                    fl[r] += lam[r + c * k] * sl[entry->row];
                fl[entry->row] += ul[c];
            }
        }
        mere_pirls_effects(g, NULL, f, rows + t * g->n);
    }
}

/* 2 Gamma where two entries hold the same column of the same factor. */
static mere_status add_second(mere_glmm *g, double *matrix)
{
    const mere_plan *plan = g->plan;
    int64_t k_max = 1;
    for (int64_t f = 0; f < plan->n_factor; f++)
        k_max = plan->factor[f].k > k_max ? plan->factor[f].k : k_max;
    double *gamma = mere_malloc(k_max * k_max, sizeof *gamma);
    mere_status status = gamma ? MERE_OK : MERE_ERR_MEMORY;
    for (int64_t f = 0; f < plan->n_factor && !status; f++) {
        if ((status = mere_glmm_gamma(g, f, gamma)))
            break;
        for (int64_t e = 0; e < plan->n_entry; e++)
            for (int64_t s = 0; s < plan->n_entry; s++) {
                const mere_entry *x = &plan->entry[e], *y = &plan->entry[s];
                if (x->term == f && y->term == f && x->column == y->column)
                    matrix[x->par + y->par * g->nx] += 2.0 * gamma[x->row + y->row * plan->factor[f].k];
            }
    }
    mere_free(gamma);
    return status;
}

/* Of log theta: the second difference at fixed means. */
static double curvature_theta(mere_glmm *g)
{
    const double theta = g->family.theta, h = 1e-4;
    double slope[2];
    for (int side = 0; side < 2; side++) {
        g->family.theta = theta * exp(side ? h : -h);
        slope[side] = mere_family_by_theta(&g->family, g->n, g->y, g->wt, g->mu, g->e, g->w, g->c, g->d);
    }
    g->family.theta = theta;
    return fmax((slope[1] - slope[0]) / (2.0 * h), 0.1);
}

mere_status mere_glmm_information(mere_glmm *g, double *matrix)
{
    int64_t n = g->n, p = g->p, np = g->n_par, nc = p + np, nx = g->nx;
    if (!g->has_gradient)
        return MERE_ERR_ARGUMENT;
    mere_status status = g->factored == MERE_EXPECTED ? MERE_OK : mere_pirls_factor(g, MERE_EXPECTED);
    double *rows = mere_malloc(n * np + nc * nc + p * np + g->q, sizeof *rows), *cross = rows + n * np;
    double *half = cross + nc * nc, *f = half + p * np;
    if (!rows)
        return MERE_ERR_MEMORY;
    memset(matrix, 0, (size_t)(nx * nx) * sizeof *matrix);
    if (!status) {
        directions(g, g->ze, f, rows);
        status = columns_cross(g, nc, rows, cross);
    }
    if (!status) {
        for (int64_t t = 0; t < np; t++)
            for (int64_t j = 0; j < p; j++) {
                half[j + t * p] = cross[p + t + j * nc];
                matrix[t + (np + j) * nx] = matrix[np + j + t * nx] = 2.0 * half[j + t * p];
            }
        for (int64_t j = 0; j < p; j++)
            for (int64_t i = j; i < p; i++)
                matrix[np + i + (np + j) * nx] = matrix[np + j + (np + i) * nx] = 2.0 * cross[i + j * nc];
        if (!(status = fixed_factor(p, cross, nc))) /* theta: a + c x^-1 c', so that with beta profiled out a - c x^-1 c'
                                                       remains */
            mere_lower_solve(p, cross, nc, 0, np, half, p ? p : 1);
        for (int64_t t = 0; t < np; t++)
            for (int64_t s = 0; s < np; s++)
                matrix[t + s * nx] = cross[p + (t > s ? t : s) + (p + (t > s ? s : t)) * nc] +
                                     mere_dot(p, half + t * p, half + s * p);
    }
    mere_free(rows);
    if (!status)
        status = add_second(g, matrix);
    if (!status && g->family.estimate_theta)
        matrix[nx * nx - 1] = curvature_theta(g);
    return status;
}

/* ------------------------------------------------------------------ u and beta together */

static mere_status joint_mode(mere_glmm *g, double *par, double tolerance)
{
    int64_t p = g->p, q = g->q;
    mere_status status = mere_pirls_set(g, par);
    double *cross = mere_malloc(p * p + 2 * p, sizeof *cross), *score = cross + p * p, *change = score + p;
    if (!cross)
        return MERE_ERR_MEMORY;
    if (!g->warm)
        memset(g->u, 0, (size_t)q * sizeof *g->u);
    g->has_value = g->has_gradient = g->warm = 0;
    if (!status && mere_pirls_rows(g, g->u))
        status = MERE_ERR_DIVERGED;
    for (int64_t it = 0; !status; it++) {
        if (it == g->max_step) {
            status = MERE_ERR_DIVERGED;
            break;
        }
        if ((status = mere_pirls_factor_step(g)) || (status = mere_pirls_fixed(g, cross)))
            break;
        mere_pirls_score(g, g->e, g->ze);
        mere_pirls_lambda(g, g->ze, 1, g->r);
        for (int64_t j = 0; j < q; j++)
            g->step[j] = g->r[j] -= g->u[j];
        for (int64_t j = 0; j < p; j++) { /* X'e - (M^-1 Lambda'Z'WX)' r */
            score[j] = mere_dot(g->n, g->X + j * g->n, g->e);
            change[j] = score[j] - mere_dot(q, g->zx + j * q, g->r);
        }
        if (mere_chol(p, cross, p ? p : 1)) {
            status = MERE_ERR_NOT_POSITIVE;
            break;
        }
        mere_lower_solve(p, cross, p, 0, 1, change, p);
        mere_lower_solve(p, cross, p, 1, 1, change, p);
        if ((status = mere_solve_work(g->work, g->step)))
            break;
        for (int64_t j = 0; j < p; j++)
            for (int64_t i = 0; i < q; i++)
                g->step[i] -= g->zx[i + j * q] * change[j];
        double gain = mere_dot(q, g->r, g->step) + mere_dot(p, score, change);
        if (!isfinite(gain))
            status = MERE_ERR_DIVERGED;
        else if (gain < tolerance)
            break;
        else if (!mere_pirls_descend(g, change, &gain)) {
            if (mere_pirls_rows(g, g->u) || gain > 1e-9 * (1.0 + fabs(g->penalized)))
                status = MERE_ERR_DIVERGED;
            break;
        }
    }
    mere_free(cross);
    if (status)
        return mere_pirls_broke(status) ? MERE_ERR_DIVERGED : status;
    g->warm = 1;
    memcpy(par + g->n_par, g->beta, (size_t)p * sizeof *par);
    return MERE_OK;
}

mere_status mere_glmm_joint(mere_glmm *g, double *par, double *d)
{
    mere_status status = joint_mode(g, par, d ? g->tolerance : 1e-2);
    return status || !d ? status : mere_glmm_value(g, par, d);
}

static void take_response(mere_glmm *g, const double *y)
{
    for (int64_t i = 0; i < g->n; i++)
        g->y[i] = y[g->perm[i]];
    memset(g->sat, 0, (size_t)g->n * sizeof *g->sat); /* a constant of the data, in no step */
    g->has_value = g->has_gradient = 0;
}

mere_status mere_glmm_joint_each(mere_glmm *g, const double *par, int64_t count, const double *y, double *beta)
{
    int64_t n = g->n, p = g->p, q = g->q;
    double *kept = mere_malloc(2 * n + q + 2 * g->nx, sizeof *kept);
    if (!kept)
        return MERE_ERR_MEMORY;
    double *sat = kept + n, *u = sat + n, *start = u + q, *x = start + g->nx;
    memcpy(kept, g->y, (size_t)n * sizeof *kept);
    memcpy(sat, g->sat, (size_t)n * sizeof *sat);
    memcpy(start, par, (size_t)g->nx * sizeof *start);
    g->warm = 0;
    mere_status status = joint_mode(g, start, g->tolerance);
    if (!status)
        memcpy(u, g->u, (size_t)q * sizeof *u);
    for (int64_t i = 0; i < count && !status; i++) {
        take_response(g, y + i * n);
        memcpy(g->u, u, (size_t)q * sizeof *u); /* the same start for each: none depends on those before */
        memcpy(x, start, (size_t)g->nx * sizeof *x);
        g->warm = 1;
        mere_status own = joint_mode(g, x, g->tolerance);
        for (int64_t j = 0; j < p; j++)
            beta[i * p + j] = own ? NAN : x[g->n_par + j];
        status = own == MERE_ERR_MEMORY ? own : MERE_OK;
    }
    memcpy(g->y, kept, (size_t)n * sizeof *kept);
    memcpy(g->sat, sat, (size_t)n * sizeof *sat);
    g->has_value = g->has_gradient = g->warm = 0;
    mere_free(kept);
    return status;
}

/* ------------------------------------------------------------------ the state */

mere_status mere_glmm_state(mere_glmm *g, double *u, double *b, double *eta, double *mu, double *w, double *rx,
                            mere_glmm_sums *sums)
{
    int64_t p = g->p;
    double *cross = mere_malloc(p * p, sizeof *cross), slope, largest = 0.0, pearson = 0.0;
    if (!cross)
        return MERE_ERR_MEMORY;
    mere_status status = g->has_value ? MERE_OK : MERE_ERR_ARGUMENT;
    if (!status && g->factored != MERE_EXPECTED)
        status = mere_pirls_factor(g, MERE_EXPECTED);
    if (!status && !(status = mere_pirls_fixed(g, cross)))
        status = fixed_factor(p, cross, p ? p : 1);
    if (!status) {
        double ld_x = 0.0;
        for (int64_t j = 0; j < p; j++) {
            ld_x += 2.0 * log(cross[j * (p + 1)]);
            for (int64_t i = 0; i < p; i++)
                rx[i + j * p] = i <= j ? cross[j + i * p] : 0.0;
        }
        for (int64_t i = 0; i < g->n; i++) {
            eta[g->perm[i]] = g->eta[i];
            mu[g->perm[i]] = g->mu[i];
            w[g->perm[i]] = g->w[i];
            largest = fmax(largest, fabs(g->eta[i]));
            pearson += g->w[i] > 0.0 ? g->e[i] * (g->e[i] / g->w[i]) : 0.0; /* wt (y - mu)^2 / V */
        }
        memcpy(u, g->u, (size_t)g->q * sizeof *u);
        mere_pirls_lambda(g, g->u, 0, b);
        double given = mere_family_criterion(&g->family, &g->sums, g->deviance, &slope);
        *sums = (mere_glmm_sums){g->ld, ld_x, mere_dot(g->q, g->u, g->u), g->deviance, given, largest, pearson};
    }
    mere_free(cross);
    return status;
}

mere_status mere_glmm_conditional(mere_glmm *g, double *blocks)
{
    if (!g->has_value)
        return MERE_ERR_ARGUMENT;
    mere_status status = g->factored == MERE_EXPECTED ? MERE_OK : mere_pirls_factor(g, MERE_EXPECTED);
    g->work->has_value = 1;
    if (!status)
        status = mere_lmm_conditional(g->work, blocks);
    g->work->has_value = 0;
    return status;
}
