/* newton.c - damped Newton in the entries of Lambda, and the certificate at the boundary.
 *
 * The criterion depends on Lambda through Lambda Lambda' only, so it is even in every column of Lambda. A bound "diagonal
 * >= 0" therefore makes false minima: at Lambda_jj = 0 the gradient says nothing, and the way out may be a change of
 * sign of the column. So the steps are free of bounds, columns are flipped at the end, and a singular Lambda is judged
 * by what decides it: with S = dd/d(Lambda Lambda')_f = Gamma_f, the point is a minimum to first order if and only if
 * Gamma is positive semidefinite on the null space of Lambda Lambda'. Where it is not, its eigenvector is the way out.
 *
 * Steps: (H + mu diag H) s = -g with H the average information plus the Gamma term, corrected by a symmetric rank-one
 * (SR1) secant so that the convergence is superlinear; accepted by the ratio of actual to predicted gain
 * (Levenberg-Marquardt; Nocedal & Wright 2006, ch. 4 and 6).
 */
#include <math.h>
#include <string.h>

#include "dense.h"
#include "memory.h"
#include "newton.h"
#include "units.h"

/* ------------------------------------------------------------------ evaluations */

mere_status mere_newton_value(mere_newton *v, const double *x, double *d)
{
    v->outcome->n_eval++;
    mere_status status = v->model->value(v->model->data, x, d);
    if (status == MERE_ERR_NOT_POSITIVE || status == MERE_ERR_NOT_FINITE || status == MERE_ERR_PERFECT_FIT ||
        status == MERE_ERR_DIVERGED) {
        *d = INFINITY;
        return MERE_OK;
    }
    return status;
}

/* Gradient at x, where the criterion was evaluated last, and with `matrix` the Newton matrix; both in the coordinates of
 * units.h, in which all steps are made. */
static mere_status derivatives(mere_newton *v, double *g, int matrix)
{
    v->outcome->n_gradient++;
    mere_status status = v->model->gradient(v->model->data, g);
    if (!status && matrix)
        status = v->model->matrix(v->model->data, v->h);
    if (status)
        return status;
    if (v->plan)
        mere_units_gradient(v->plan, 0, g);
    if (v->plan && matrix)
        mere_units_matrix(v->plan, 0, v->n, v->h);
    return MERE_OK;
}

/* ------------------------------------------------------------------ steps */

/* s = -(h + c + mu diag)^-1 g. Returns 0 if the matrix is not positive definite. */
static int solve_step(mere_newton *v, double mu)
{
    int64_t n = v->n;
    double largest = 0.0;
    for (int64_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(v->h[i * (n + 1)]));
    for (int64_t i = 0; i < n * n; i++)
        v->m[i] = v->h[i] + v->c[i];
    for (int64_t i = 0; i < n; i++) {
        double d = fabs(v->h[i * (n + 1)]);
        v->m[i * (n + 1)] += mu * fmax(d, 1e-8 * largest) + 1e-14 * largest;
        v->s[i] = -v->g[i];
    }
    if (mere_chol(n, v->m, n))
        return 0;
    mere_lower_solve(n, v->m, n, 0, 1, v->s, n);
    mere_lower_solve(n, v->m, n, 1, 1, v->s, n);
    return 1;
}

/* -(g's + s'(h + c)s / 2) */
static double predicted_gain(const mere_newton *v)
{
    int64_t n = v->n;
    double gain = 0.0;
    for (int64_t j = 0; j < n; j++) {
        double hs = 0.0;
        for (int64_t i = 0; i < n; i++)
            hs += (v->h[i + j * n] + v->c[i + j * n]) * v->s[i];
        gain -= v->s[j] * (v->g[j] + 0.5 * hs);
    }
    return gain;
}

/* SR1: the smallest symmetric correction of the new h that maps the step to the change of the gradient. */
static void secant(mere_newton *v)
{
    int64_t n = v->n;
    double sr = 0.0, ss = 0.0, rr = 0.0;
    double *r = v->y;
    for (int64_t i = 0; i < n; i++) {
        double hs = 0.0;
        for (int64_t j = 0; j < n; j++)
            hs += v->h[i + j * n] * v->s[j];
        r[i] = v->g1[i] - v->g[i] - hs;
    }
    for (int64_t i = 0; i < n; i++) {
        sr += v->s[i] * r[i];
        ss += v->s[i] * v->s[i];
        rr += r[i] * r[i];
    }
    memset(v->c, 0, (size_t)(n * n) * sizeof(double));
    if (fabs(sr) <= 1e-8 * sqrt(ss * rr) || rr == 0.0)
        return;
    for (int64_t j = 0; j < n; j++)
        for (int64_t i = 0; i < n; i++)
            v->c[i + j * n] = r[i] * r[j] / sr;
}

/* BFGS update of h, damped so that it stays positive definite (Powell 1978; Nocedal & Wright 2006, procedure 18.2). */
static void update(mere_newton *v)
{
    int64_t n = v->n;
    double *y = v->y, *hs = v->m, sy = 0.0, shs = 0.0;
    for (int64_t i = 0; i < n; i++) {
        hs[i] = 0.0;
        for (int64_t j = 0; j < n; j++)
            hs[i] += v->h[i + j * n] * v->s[j];
        y[i] = v->g1[i] - v->g[i];
    }
    for (int64_t i = 0; i < n; i++) {
        sy += v->s[i] * y[i];
        shs += v->s[i] * hs[i];
    }
    if (!(shs > 0.0))
        return;
    if (sy < 0.2 * shs) {
        double keep = 0.8 * shs / (shs - sy);
        for (int64_t i = 0; i < n; i++)
            y[i] = keep * y[i] + (1.0 - keep) * hs[i];
        sy = 0.2 * shs;
    }
    for (int64_t j = 0; j < n; j++)
        for (int64_t i = 0; i < n; i++)
            v->h[i + j * n] += y[i] * y[j] / sy - hs[i] * hs[j] / shs;
}

static mere_status accept(mere_newton *v, double d1)
{
    mere_status status = derivatives(v, v->g1, !v->model->quasi);
    if (status)
        return status;
    if (v->model->quasi)
        update(v);
    else
        secant(v);
    memcpy(v->x, v->x1, (size_t)v->n * sizeof(double));
    memcpy(v->g, v->g1, (size_t)v->n * sizeof(double));
    v->moved = 0;
    v->d = d1;
    return MERE_OK;
}

/* From x with d, g, h known, down to a predicted gain below the tolerance. outcome->code says how it ended. */
mere_status mere_newton_descend(mere_newton *v)
{
    double mu = 0.0, promised = -1.0, d1;
    int64_t n = v->n;
    mere_status status;
    v->outcome->code = 2;
    v->moved = 0;
    while (v->outcome->n_eval < v->options->max_eval) {
        if (!solve_step(v, mu)) {
            int corrected = 0;
            for (int64_t i = 0; i < n * n; i++)
                corrected |= v->c[i] != 0.0;
            if (corrected)
                memset(v->c, 0, (size_t)(n * n) * sizeof(double));
            else
                mu = mu > 0.0 ? 4.0 * mu : 1e-3;
            if (mu > 1e8)
                break;
            continue;
        }
        double gain = predicted_gain(v);
        v->outcome->decrement = gain;
        if (!(promised >= 0.0)) /* what the first step from here promised */
            promised = gain;
        if (gain < v->options->decrement) {
            if (mu > 1e3)
                break;
            v->outcome->code = 0;
            return MERE_OK;
        }
        memcpy(v->x1, v->s, (size_t)n * sizeof(double));
        if (v->plan)
            mere_units_step(v->plan, v->x1);
        for (int64_t i = 0; i < n; i++)
            v->x1[i] += v->x[i];
        if ((status = mere_newton_value(v, v->x1, &d1)))
            return status;
        double ratio = (v->d - d1) / gain;
        if (ratio > 1e-4 || (gain < v->noise && d1 <= v->d + 10.0 * v->noise)) {
            int at_rounding = gain < v->noise && ratio <= 1e-4;
            if ((status = accept(v, d1)))
                return status;
            promised = -1.0;
            if (at_rounding) {
                v->outcome->code = 0;
                return MERE_OK;
            }
            if (ratio > 0.75)
                mu = mu > 1e-4 ? 0.1 * mu : 0.0;
            else if (ratio < 0.25)
                mu = fmax(4.0 * mu, 1e-2);
        } else {
            v->moved = 1;
            memset(v->c, 0, (size_t)(n * n) * sizeof(double));
            mu = fmax(5.0 * mu, 1e-2);
            if (mu > 1e8)
                break;
        }
    }
    if (v->outcome->n_eval < v->options->max_eval) { /* no step gains anything: rounding, if little was promised */
        v->outcome->code = promised < 1e-10 * (1.0 + fabs(v->d)) ? 0 : 1;
        v->outcome->decrement = promised;
    }
    return MERE_OK;
}

/* ------------------------------------------------------------------ the whole */

/* h with its eigenvalues, in units of its diagonal, made positive: what BFGS must start from. */
static mere_status make_positive(mere_newton *v)
{
    const double LEAST = 1e-4;
    int64_t n = v->n;
    double *vectors = v->m, *scale = v->s, *values = v->y, *space = mere_malloc(8 * n, sizeof *space);
    int order = (int)n, size = 8 * order, info;
    if (!space)
        return MERE_ERR_MEMORY;
    for (int64_t i = 0; i < n; i++)
        scale[i] = v->h[i * (n + 1)] != 0.0 ? sqrt(fabs(v->h[i * (n + 1)])) : 1.0;
    for (int round = 0; round < 2; round++) { /* with a Cholesky factor less the least eigenvalue there is nothing to do */
        for (int64_t j = 0; j < n; j++)
            for (int64_t i = 0; i < n; i++)
                vectors[i + j * n] = v->h[i + j * n] / (scale[i] * scale[j]) - (round == 0 && i == j ? LEAST : 0.0);
        if (round == 0 && mere_chol(n, vectors, n) == 0) {
            mere_free(space);
            return MERE_OK;
        }
    }
    dsyev_("V", "L", &order, vectors, &order, values, space, &size, &info);
    mere_free(space);
    if (info)
        return MERE_ERR_NOT_FINITE;
    for (int64_t j = 0; values[0] < LEAST && j < n; j++)
        for (int64_t i = 0; i < n; i++) {
            double sum = 0.0;
            for (int64_t r = 0; r < n; r++)
                sum += vectors[i + r * n] * fmax(fabs(values[r]), 1e-2) * vectors[j + r * n];
            v->h[i + j * n] = sum * scale[i] * scale[j];
        }
    return MERE_OK;
}

mere_status mere_newton_restart(mere_newton *v)
{
    mere_status status = v->model->value(v->model->data, v->x, &v->d);
    v->outcome->n_eval++;
    v->noise = fmax(1e-14 * fabs(v->d) + 1e-12, v->model->noise);
    memset(v->c, 0, (size_t)(v->n * v->n) * sizeof(double));
    if (!status && !(status = derivatives(v, v->g, 1)) && v->model->quasi) {
        status = make_positive(v);
        memset(v->c, 0, (size_t)(v->n * v->n) * sizeof(double));
    }
    return status;
}

mere_status mere_newton_new(mere_newton *v, int64_t n)
{
    int64_t k = 1;
    for (int64_t f = 0; v->plan && f < v->plan->n_factor; f++)
        k = v->plan->factor[f].k > k ? v->plan->factor[f].k : k;
    int64_t m = n > k ? n : k, size = 6 * m + 3 * m * m + k * k + k + 10 * k + 4 * k * k;
    double *x = mere_calloc(size, sizeof *x);
    if (!x)
        return MERE_ERR_MEMORY;
    v->n = n;
    v->x = x;
    v->g = v->x + m;
    v->x1 = v->g + m;
    v->g1 = v->x1 + m;
    v->s = v->g1 + m;
    v->y = v->s + m;
    v->h = v->y + m;
    v->c = v->h + m * m;
    v->m = v->c + m * m;
    v->block = v->m + m * m;
    v->eigen = v->block + k * k;
    v->space = v->eigen + k;
    return MERE_OK;
}

void mere_newton_free(mere_newton *v)
{
    mere_free(v->x);
}

/* Does v->x equal the parameters that the derivatives belong to? Else evaluate them there. */
static mere_status settle(mere_newton *v, int fresh, double *gradient, double *matrix)
{
    mere_status status = MERE_OK;
    size_t n = (size_t)v->n;
    if (!fresh && (status = mere_newton_restart(v)))
        return status;
    if (gradient) {
        memcpy(gradient, v->g, n * sizeof(double));
        mere_units_gradient(v->plan, 1, gradient);
    }
    if (matrix) {
        memcpy(matrix, v->h, n * n * sizeof(double));
        mere_units_matrix(v->plan, 1, v->n, matrix);
    }
    v->outcome->d = v->d;
    return MERE_OK;
}

mere_status mere_newton_minimize(const mere_newton_model *model, const mere_plan *plan, int64_t n,
                                 const mere_options *options, const double *start, double *par, double *gradient,
                                 double *matrix, mere_outcome *outcome)
{
    enum { ESCAPES = 12 };
    mere_newton v = {.model = model, .plan = plan, .options = options, .outcome = outcome};
    *outcome = (mere_outcome){0};
    mere_status status = mere_newton_new(&v, n);
    if (status)
        return status;
    memcpy(v.x, start, (size_t)v.n * sizeof(double));
    int escaped = 1, fresh = 0;
    for (int round = 0; !status && escaped && round <= ESCAPES; round++) {
        double before;
        escaped = 0;
        if ((status = mere_newton_restart(&v)) || (status = mere_newton_descend(&v)))
            break;
        fresh = !mere_newton_flip(&v) && !v.moved;
        before = v.d;
        int64_t evaluations = outcome->n_eval;
        if ((status = mere_newton_snap(&v, &outcome->n_null)))
            break;
        fresh &= outcome->n_eval == evaluations;
        if (outcome->n_null == 0)
            break;
        if (v.d != before) { /* the other parameters, now that some directions are null; null columns stay null */
            if ((status = mere_newton_restart(&v)) || (status = mere_newton_descend(&v)))
                break;
            mere_newton_flip(&v);
        }
        fresh = 0;
        if ((status = mere_newton_restart(&v)) || (status = mere_newton_certify(&v, &escaped)))
            break;
    }
    if (!status && !(status = settle(&v, fresh, gradient, matrix)))
        memcpy(par, v.x, (size_t)v.n * sizeof(double));
    mere_newton_free(&v);
    return status;
}

/* ------------------------------------------------------------------ the linear mixed model */

typedef struct {
    mere_work *work;
    int reml;
} lmm_model;

static mere_status lmm_value(void *data, const double *x, double *d)
{
    const lmm_model *model = data;
    return mere_lmm_value(model->work, x, model->reml, d);
}

static mere_status lmm_gradient(void *data, double *g)
{
    return mere_lmm_gradient(((const lmm_model *)data)->work, g);
}

static mere_status lmm_matrix(void *data, double *h)
{
    return mere_lmm_information(((const lmm_model *)data)->work, h);
}

static mere_status lmm_gamma(void *data, int64_t factor, double *gamma)
{
    return mere_lmm_gamma(((const lmm_model *)data)->work, factor, gamma);
}

mere_status mere_minimize_newton(mere_work *work, const mere_options *options, const double *start, double *par,
                                 double *gradient, double *matrix, mere_outcome *outcome)
{
    lmm_model data = {work, options->reml};
    mere_newton_model model = {lmm_value, lmm_gradient, lmm_matrix, lmm_gamma, 0, 0.0, &data};
    return mere_newton_minimize(&model, work->plan, work->plan->n_par, options, start, par, gradient, matrix, outcome);
}
