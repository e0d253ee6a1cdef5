/* pirls.c - conditional modes of the random effects: penalized iteratively reweighted least squares as Newton's method.
 *
 * At given Lambda and beta the mode minimizes deviance(u) + u'u. With e = dl/deta and the curvature W of the rows,
 *   M step = Lambda'Z'e - u,   M = Lambda'Z'W Z Lambda + I,   gain predicted = step' M step,
 * W observed where that differs from expected (then the convergence is quadratic too) and M is positive definite, else
 * expected. Steps are halved until the objective falls. The iteration stops when the predicted gain is below the
 * tolerance, which must be tight: the criterion is of first order in the error of u, through log|M|.
 * The factor that is left is that of the expected W at the mode (Breslow & Clayton 1993, JASA 88, 9-25; Bates 2010, lme4: Mixed-Effects Modeling with R).
 */
#include <math.h>
#include <string.h>

#include "clones.h"
#include "dense.h"
#include "glmm.h"
#include "memory.h"

/* ------------------------------------------------------------------ vectors of random effects */

void mere_pirls_lambda(const mere_glmm *g, const double *x, int transpose, double *out)
{
    for (int64_t f = 0; f < g->n_factor; f++) {
        const mere_factor *factor = &g->plan->factor[f];
        const double *lam = g->work->lambda + g->work->lambda_first[f];
        int64_t k = factor->k, size = factor->q * k;
        const double *from = x + factor->u_first;
        double *to = out + factor->u_first;
        if (k == 1) {
            for (int64_t l = 0; l < size; l++)
                to[l] = lam[0] * from[l];
            continue;
        }
        for (int64_t l = 0; l < size; l += k)
            for (int64_t i = 0; i < k; i++) {
                double sum = 0.0;
                for (int64_t r = transpose ? i : 0; r < (transpose ? k : i + 1); r++)
                    sum += (transpose ? lam[r + i * k] : lam[i + r * k]) * from[l + r];
                to[l + i] = sum;
            }
    }
}

MERE_CLONES static void add_column(int64_t n, int64_t k, const int32_t *restrict code, const double *restrict z,
                                   const double *restrict b, double *restrict out)
{
    if (z)
        for (int64_t i = 0; i < n; i++)
            out[i] += z[i] * b[code[i] * k];
    else
        for (int64_t i = 0; i < n; i++)
            out[i] += b[code[i] * k];
}

void mere_pirls_effects(const mere_glmm *g, const double *base, const double *b, double *out)
{
    if (base)
        memcpy(out, base, (size_t)g->n * sizeof *out);
    else
        memset(out, 0, (size_t)g->n * sizeof *out);
    for (int64_t f = 0; f < g->n_factor; f++)
        for (int64_t c = 0; c < g->plan->factor[f].k; c++)
            add_column(g->n, g->plan->factor[f].k, g->code[f], g->z[g->z_first[f] + c],
                       b + g->plan->factor[f].u_first + c, out);
}

MERE_CLONES static void sum_levels(int64_t q, const int64_t *restrict row_ptr, const double *restrict x,
                                   double *restrict out)
{
    for (int64_t l = 0; l < q; l++) {
        double sum = 0.0;
        for (int64_t i = row_ptr[l]; i < row_ptr[l + 1]; i++)
            sum += x[i];
        out[l] = sum;
    }
}

void mere_pirls_score(mere_glmm *g, const double *e, double *ze)
{
    for (int64_t f = 0; f < g->n_factor; f++) {
        const mere_factor *factor = &g->plan->factor[f];
        double *to = ze + factor->u_first;
        int64_t k = factor->k;
        const int32_t *code = g->code[f];
        if (f == 0 && k == 1 && !g->z[g->z_first[f]]) {
            sum_levels(factor->q, g->row_ptr, e, to);
            continue;
        }
        memset(to, 0, (size_t)(k * factor->q) * sizeof *to);
        for (int64_t c = 0; c < k; c++) {
            const double *z = g->z[g->z_first[f] + c];
            if (z)
                for (int64_t i = 0; i < g->n; i++)
                    to[code[i] * k + c] += e[i] * z[i];
            else
                for (int64_t i = 0; i < g->n; i++)
                    to[code[i] * k + c] += e[i];
        }
    }
}

/* ------------------------------------------------------------------ rows */

int mere_pirls_rows(mere_glmm *g, const double *u)
{
    int later = mere_family_simple(&g->family); /* h and dw follow from w and mu */
    mere_family_rows out = {g->mu, g->e, g->w, g->d, later ? NULL : g->h, later ? NULL : g->dw};
    mere_pirls_lambda(g, u, 0, g->b);
    mere_pirls_effects(g, g->base, g->b, g->eta);
    int bad = mere_family_evaluate(&g->family, g->n, g->y, g->wt, g->sat, g->eta, &out);
    if (bad)
        return bad;
    double sum = 0.0;
    for (int64_t i = 0; i < g->n; i++)
        sum += g->d[i];
    g->deviance = sum;
    g->penalized = sum + mere_dot(g->q, u, u);
    return !isfinite(g->penalized);
}

void mere_pirls_second(mere_glmm *g)
{
    mere_family_second(&g->family, g->n, g->mu, g->w, g->h, g->dw);
}

/* ------------------------------------------------------------------ Z'WZ */

static void diagonal(const mere_glmm *g, int64_t f, const double *w)
{
    int64_t k = g->plan->factor[f].k, q = g->plan->factor[f].q;
    const int32_t *code = g->code[f];
    double *const *z = g->z + g->z_first[f], *diag = g->diag[f];
    if (k == 1 && !z[0] && f == 0) {
        sum_levels(q, g->row_ptr, w, diag);
        return;
    }
    memset(diag, 0, (size_t)(q * k * k) * sizeof *diag);
    if (k == 1 && !z[0]) {
        for (int64_t i = 0; i < g->n; i++)
            diag[code[i]] += w[i];
        return;
    }
    for (int64_t a = 0; a < k; a++)
        for (int64_t b = 0; b <= a; b++) {
            const double *za = z[a], *zb = z[b];
            double *to = diag + a + b * k;
            for (int64_t i = 0; i < g->n; i++)
                to[code[i] * k * k] += w[i] * (za ? za[i] : 1.0) * (zb ? zb[i] : 1.0);
        }
    if (k > 1)
        for (int64_t l = 0; l < q; l++)
            mere_symmetrize(k, diag + l * k * k);
}

MERE_CLONES static void scatter(int64_t n, const int32_t *restrict at, const double *restrict w, double *restrict to)
{
    for (int64_t i = 0; i < n; i++)
        to[at[i]] += w[i];
}

static void between(const mere_glmm *g, int64_t f, int64_t other, const double *w, double *to)
{
    const mere_factor *own = &g->plan->factor[f];
    int64_t k = own->k, ko = g->plan->factor[other].k, border = f == 0 ? g->plan->border : 0;
    const int32_t *at = g->at[f * g->n_factor + other], *code = g->code[f];
    double *const *z = g->z + g->z_first[f], *const *zo = g->z + g->z_first[other];
    if (k == 1 && ko == 1 && !z[0] && !zo[0]) {
        scatter(g->n, at, w, to);
        return;
    }
    for (int64_t c = 0; c < k; c++)
        for (int64_t r = 0; r < ko; r++)
            for (int64_t i = 0; i < g->n; i++) {
                int64_t l = code[i], ld = own->cross.ptr[l + 1] - own->cross.ptr[l] + border;
                to[at[i] + c * ld + r] += w[i] * (z[c] ? z[c][i] : 1.0) * (zo[r] ? zo[r][i] : 1.0);
            }
}

mere_status mere_pirls_factor(mere_glmm *g, int which)
{
    const mere_plan *plan = g->plan;
    const mere_factor *first = &plan->factor[0];
    const double *w = which == MERE_OBSERVED ? g->h : g->w;
    g->factored = MERE_NOT_FACTORED;
    if (g->n_factor > 1)
        memset(g->work->a, 0,
               (size_t)(first->k * (first->cross.ptr[first->q] + first->q * plan->border)) * sizeof(double));
    for (int64_t f = 0; f < g->n_factor; f++) {
        diagonal(g, f, w);
        if (f > 0)
            memset(g->val[f], 0,
                   (size_t)(plan->factor[f].k * plan->factor[f].cross.ptr[plan->factor[f].q]) * sizeof(double));
        for (int64_t other = f + 1; other < g->n_factor; other++)
            between(g, f, other, w, f ? g->val[f] : g->work->a);
    }
    mere_status status = mere_factor_work(g->work);
    if (!status)
        g->factored = which;
    return status;
}

/* ------------------------------------------------------------------ the mode */

int mere_pirls_broke(mere_status status)
{
    return status == MERE_ERR_NOT_POSITIVE || status == MERE_ERR_PERFECT_FIT || status == MERE_ERR_NOT_FINITE;
}

mere_status mere_pirls_factor_step(mere_glmm *g)
{
    mere_status status = MERE_ERR_NOT_POSITIVE;
    if (!g->canonical)
        status = mere_pirls_factor(g, MERE_OBSERVED);
    if (mere_pirls_broke(status))
        status = mere_pirls_factor(g, MERE_EXPECTED);
    return mere_pirls_broke(status) ? MERE_ERR_DIVERGED : status;
}

int mere_pirls_descend(mere_glmm *g, const double *change, double *gain)
{
    double before = g->penalized, noise = 1e-14 * ((double)g->n + fabs(before)), t = 1.0, moved = 0.0;
    for (int halving = 0; halving < 40; halving++, t *= 0.5) {
        if (change) {
            for (int64_t j = 0; j < g->p; j++)
                g->beta[j] += (t - moved) * change[j];
            moved = t;
            mere_pirls_base(g);
        }
        for (int64_t j = 0; j < g->q; j++)
            g->u1[j] = g->u[j] + t * g->step[j];
        if (mere_pirls_rows(g, g->u1) == 0 && g->penalized <= before + noise) {
            memcpy(g->u, g->u1, (size_t)g->q * sizeof *g->u);
            return 1;
        }
        *gain *= 0.25;
        if (*gain < g->tolerance)
            break;
    }
    if (change) {
        for (int64_t j = 0; j < g->p; j++)
            g->beta[j] -= moved * change[j];
        mere_pirls_base(g);
    }
    return 0;
}

void mere_pirls_base(mere_glmm *g)
{
    memcpy(g->base, g->offset, (size_t)g->n * sizeof *g->base);
    for (int64_t j = 0; j < g->p; j++) {
        double value = g->beta[j];
        const double *x = g->X + j * g->n;
        for (int64_t i = 0; i < g->n; i++)
            g->base[i] += value * x[i];
    }
}

/* Is the predicted gain so small that the rounding of the objective may hide it? The gain is at least the weighted sum
 * of squared changes of eta: here their root mean square is below 1e-6, where Newton's steps are right by themselves. */
static int is_hidden(const mere_glmm *g, double gain)
{
    double total = 0.0;
    for (int64_t i = 0; i < g->n; i++)
        total += g->w[i];
    return gain < fmax(1e-9 * (1.0 + fabs(g->penalized)), 1e-12 * total);
}

/* The step as it is, where the objective cannot tell. */
static int step_blindly(mere_glmm *g)
{
    for (int64_t j = 0; j < g->q; j++)
        g->u1[j] = g->u[j] + g->step[j];
    if (mere_pirls_rows(g, g->u1))
        return 0;
    memcpy(g->u, g->u1, (size_t)g->q * sizeof *g->u);
    return 1;
}

static mere_status find_mode(mere_glmm *g)
{
    mere_status status;
    double blind = INFINITY; /* the gain that was predicted for the last step the objective could not judge */
    for (int64_t it = 0; it < g->max_step; it++) {
        if ((status = mere_pirls_factor_step(g)))
            return status;
        mere_pirls_score(g, g->e, g->ze);
        mere_pirls_lambda(g, g->ze, 1, g->r);
        for (int64_t j = 0; j < g->q; j++)
            g->step[j] = g->r[j] -= g->u[j];
        if ((status = mere_solve_work(g->work, g->step)))
            return status;
        double gain = mere_dot(g->q, g->r, g->step);
        if (!isfinite(gain))
            return MERE_ERR_DIVERGED;
        if (gain < g->tolerance || gain > 0.25 * blind)
            return MERE_OK;
        double predicted = gain;
        if (isinf(blind) && mere_pirls_descend(g, NULL, &gain))
            continue;
        if (isinf(blind) && (mere_pirls_rows(g, g->u) || !is_hidden(g, predicted)))
            return MERE_ERR_DIVERGED;
        blind = predicted;
        if (!step_blindly(g))
            return mere_pirls_rows(g, g->u) ? MERE_ERR_DIVERGED : MERE_OK;
    }
    return isinf(blind) ? MERE_ERR_DIVERGED : MERE_OK;
}

mere_status mere_pirls_set(mere_glmm *g, const double *par)
{
    mere_status status = mere_set_lambda(g->work, par);
    if (status)
        return status;
    memcpy(g->par, par, (size_t)g->nx * sizeof *par);
    memcpy(g->beta, par + g->n_par, (size_t)g->p * sizeof *par);
    if (g->family.estimate_theta) {
        double theta = exp(par[g->nx - 1]);
        if (!isfinite(theta) || theta < 1e-10)
            return MERE_ERR_NOT_FINITE;
        g->family.theta = theta;
        mere_family_saturated(&g->family, g->n, g->y, g->wt, g->sat, &g->sums.constant);
    }
    mere_pirls_base(g);
    return MERE_OK;
}

mere_status mere_pirls_mode(mere_glmm *g, const double *par)
{
    mere_status status = mere_pirls_set(g, par);
    if (status)
        return status;
    int warm = g->warm;
    g->warm = 0;
    for (;;) {
        if (!warm)
            memset(g->u, 0, (size_t)g->q * sizeof *g->u);
        status = mere_pirls_rows(g, g->u) ? MERE_ERR_DIVERGED : find_mode(g);
        if (!warm || (status != MERE_ERR_DIVERGED && !mere_pirls_broke(status)))
            break;
        warm = 0; /* once more from zero */
    }
    if (!status && g->factored != MERE_EXPECTED)
        status = mere_pirls_factor(g, MERE_EXPECTED);
    g->warm = !status;
    return mere_pirls_broke(status) ? MERE_ERR_DIVERGED : status;
}
