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
#include "work.h"

typedef struct {
    mere_work *work;
    const mere_options *options;
    mere_outcome *outcome;
    int64_t n;
    double d, noise;          /* criterion at x; what rounding may add to it */
    double *x, *g, *h;        /* where we are: parameters, gradient, Newton matrix */
    double *c;                /* SR1 correction of h */
    double *x1, *g1, *s, *y;  /* trial, its gradient, step, secant */
    double *m;                /* space n x n */
    double *block, *eigen;    /* k x k spaces of the boundary */
    double *space;
} newton;

/* ------------------------------------------------------------------ blocks of a term */

static double scale_of(const mere_plan *plan, const mere_entry *entry)
{
    double s = plan->factor[entry->term].scale[entry->row];
    return s > 0.0 ? s : 1.0;
}

/* Is the block of entries [from, to) a full lower triangle of parameters of its own? */
static int unstructured(const mere_plan *plan, int64_t from, int64_t to, int64_t k)
{
    if (to - from != k * (k + 1) / 2)
        return 0;
    for (int64_t e = from; e < to; e++)
        for (int64_t s = 0; s < plan->n_entry; s++)
            if (s != e && plan->entry[s].par == plan->entry[e].par)
                return 0;
    return 1;
}

/* The entries of one term are consecutive: the end of the run that starts at `from`, its first column and its order. */
static int64_t term_end(const mere_plan *plan, int64_t from, int64_t *column, int64_t *k)
{
    int64_t to = from, low = INT64_MAX, high = -1, f = plan->entry[from].term, term = -1;
    for (int64_t t = 0; t < plan->n_term; t++)
        if (plan->term_factor[t] == f && plan->entry[from].row >= plan->term_column[t] &&
            plan->entry[from].row < plan->term_column[t] + plan->term_k[t])
            term = t;
    low = plan->term_column[term];
    high = low + plan->term_k[term];
    while (to < plan->n_entry && plan->entry[to].term == f && plan->entry[to].row >= low && plan->entry[to].row < high)
        to++;
    *column = low;
    *k = high - low;
    return to;
}

/* ------------------------------------------------------------------ evaluations */

static mere_status value_at(newton *v, const double *x, double *d)
{
    v->outcome->n_eval++;
    mere_status status = mere_lmm_value(v->work, x, v->options->reml, d);
    if (status == MERE_ERR_NOT_POSITIVE || status == MERE_ERR_NOT_FINITE || status == MERE_ERR_PERFECT_FIT) {
        *d = INFINITY;
        return MERE_OK;
    }
    return status;
}

/* Gradient and Newton matrix at x, where the criterion was evaluated last. */
static mere_status derivatives(newton *v, double *g)
{
    v->outcome->n_gradient++;
    mere_status status = mere_lmm_gradient(v->work, g);
    return status ? status : mere_lmm_information(v->work, v->h);
}

/* ------------------------------------------------------------------ steps */

/* s = -(h + c + mu diag)^-1 g. Returns 0 if the matrix is not positive definite. */
static int solve_step(newton *v, double mu)
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
static double predicted_gain(const newton *v)
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
static void secant(newton *v)
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

static mere_status accept(newton *v, double d1)
{
    mere_status status = derivatives(v, v->g1);
    if (status)
        return status;
    secant(v);
    memcpy(v->x, v->x1, (size_t)v->n * sizeof(double));
    memcpy(v->g, v->g1, (size_t)v->n * sizeof(double));
    v->d = d1;
    return MERE_OK;
}

/* From x with d, g, h known, down to a predicted gain below the tolerance. outcome->code says how it ended. */
static mere_status descend(newton *v)
{
    double mu = 0.0, d1;
    int64_t n = v->n;
    mere_status status;
    v->outcome->code = 2;
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
        if (gain < v->options->decrement) {
            v->outcome->code = mu > 1e3 ? 1 : 0;
            return MERE_OK;
        }
        for (int64_t i = 0; i < n; i++)
            v->x1[i] = v->x[i] + v->s[i];
        if ((status = value_at(v, v->x1, &d1)))
            return status;
        double ratio = (v->d - d1) / gain;
        if (ratio > 1e-4 || (gain < v->noise && d1 <= v->d + 10.0 * v->noise)) {
            int at_rounding = gain < v->noise && ratio <= 1e-4;
            if ((status = accept(v, d1)))
                return status;
            if (at_rounding) {
                v->outcome->code = 0;
                return MERE_OK;
            }
            if (ratio > 0.75)
                mu = mu > 1e-4 ? 0.1 * mu : 0.0;
            else if (ratio < 0.25)
                mu = fmax(4.0 * mu, 1e-2);
        } else {
            memset(v->c, 0, (size_t)(n * n) * sizeof(double));
            mu = fmax(5.0 * mu, 1e-2);
            if (mu > 1e8)
                break;
        }
    }
    if (v->outcome->code == 2 && v->outcome->n_eval < v->options->max_eval)
        v->outcome->code = 1;
    return MERE_OK;
}

/* ------------------------------------------------------------------ the boundary */

/* Eigenvalues (ascending) and vectors of the symmetric k x k matrix in `a`, in place. */
static mere_status eigen(int64_t k, double *a, double *values, double *space)
{
    int ik = (int)k, lwork = (int)(8 * k), info;
    dsyev_("V", "L", &ik, a, &ik, values, space, &lwork, &info);
    return info ? MERE_ERR_NOT_FINITE : MERE_OK;
}

/* block = Sigma = D Lambda Lambda' D of a term, in units of its columns; entries [from, to). */
static void scaled_covariance(const newton *v, int64_t from, int64_t to, int64_t column, int64_t k)
{
    const mere_plan *plan = v->work->plan;
    double *lam = v->m;
    memset(lam, 0, (size_t)(k * k) * sizeof(double));
    for (int64_t e = from; e < to; e++)
        lam[plan->entry[e].row - column + (plan->entry[e].column - column) * k] =
            v->x[plan->entry[e].par] * scale_of(plan, &plan->entry[e]);
    for (int64_t j = 0; j < k; j++)
        for (int64_t i = 0; i < k; i++) {
            double sum = 0.0;
            for (int64_t r = 0; r < k; r++)
                sum += lam[i + r * k] * lam[j + r * k];
            v->block[i + j * k] = sum;
        }
}

/* The lower-triangular factor of V diag(values) V' (positive semidefinite) into the parameters of a term: a column
 * without a pivot is zero, so equal covariances have one factor. */
static void set_covariance(newton *v, double *x, int64_t from, int64_t to, int64_t column, int64_t k,
                           const double *vectors, const double *values)
{
    const mere_plan *plan = v->work->plan;
    double *c = v->m, largest = 0.0;
    for (int64_t j = 0; j < k; j++)
        for (int64_t i = j; i < k; i++) {
            double sum = 0.0;
            for (int64_t r = 0; r < k; r++)
                sum += vectors[i + r * k] * values[r] * vectors[j + r * k];
            c[i + j * k] = sum;
        }
    for (int64_t j = 0; j < k; j++)
        largest = fmax(largest, c[j * (k + 1)]);
    for (int64_t j = 0; j < k; j++) {
        double d = c[j * (k + 1)];
        for (int64_t r = 0; r < j; r++)
            d -= c[j + r * k] * c[j + r * k];
        d = d > 1e-14 * largest ? sqrt(d) : 0.0;
        c[j * (k + 1)] = d;
        for (int64_t i = j + 1; i < k; i++) {
            double sum = c[i + j * k];
            for (int64_t r = 0; r < j; r++)
                sum -= c[i + r * k] * c[j + r * k];
            c[i + j * k] = d > 0.0 ? sum / d : 0.0;
        }
    }
    for (int64_t e = from; e < to; e++)
        x[plan->entry[e].par] =
            c[plan->entry[e].row - column + (plan->entry[e].column - column) * k] / scale_of(plan, &plan->entry[e]);
}

/* Columns with a negative diagonal change sign. Returns whether there were any. */
static int flip(newton *v)
{
    const mere_plan *plan = v->work->plan;
    int flipped = 0;
    for (int64_t e = 0; e < plan->n_entry; e++) {
        const mere_entry *diagonal = &plan->entry[e];
        if (diagonal->row != diagonal->column || v->x[diagonal->par] >= 0.0)
            continue;
        for (int64_t s = 0; s < plan->n_entry; s++)
            if (plan->entry[s].term == diagonal->term && plan->entry[s].column == diagonal->column &&
                plan->entry[s].row > diagonal->row)
                v->x[plan->entry[s].par] = -v->x[plan->entry[s].par];
        v->x[diagonal->par] = -v->x[diagonal->par];
        flipped = 1;
    }
    return flipped;
}

/* Variances in units of the residual below this may be zero: they are tried at zero. */
#define NEARLY_NULL 1e-4

/* Set nearly null directions of every term to exactly null where that costs nothing. *null: how many there are now. */
static mere_status snap(newton *v, int32_t *null)
{
    const mere_plan *plan = v->work->plan;
    int64_t column, k;
    mere_status status;
    double d1, allowed = fmax(1e-9, v->noise);
    *null = 0;
    for (int64_t from = 0, to; from < plan->n_entry; from = to) {
        to = term_end(plan, from, &column, &k);
        if (unstructured(plan, from, to, k)) {
            scaled_covariance(v, from, to, column, k);
            if ((status = eigen(k, v->block, v->eigen, v->space)))
                return status;
            int64_t small = 0;
            while (small < k && v->eigen[small] < NEARLY_NULL)
                small++;
            for (int64_t drop = small; drop > 0; drop--) {
                memcpy(v->x1, v->x, (size_t)v->n * sizeof(double));
                for (int64_t r = 0; r < drop; r++)
                    v->eigen[r] = 0.0;
                set_covariance(v, v->x1, from, to, column, k, v->block, v->eigen);
                if ((status = value_at(v, v->x1, &d1)))
                    return status;
                if (d1 <= v->d + allowed) {
                    memcpy(v->x, v->x1, (size_t)v->n * sizeof(double));
                    v->d = d1;
                    *null += (int32_t)drop;
                    break;
                }
                scaled_covariance(v, from, to, column, k);
                if ((status = eigen(k, v->block, v->eigen, v->space)))
                    return status;
            }
        } else {
            for (int64_t e = from; e < to; e++) {
                double *x = &v->x[plan->entry[e].par], old = *x, size = fabs(old) * scale_of(plan, &plan->entry[e]);
                if (plan->entry[e].row != plan->entry[e].column || size * size > NEARLY_NULL)
                    continue;
                *x = 0.0;
                if (old != 0.0) {
                    if ((status = value_at(v, v->x, &d1)))
                        return status;
                    if (d1 <= v->d + allowed)
                        v->d = d1;
                    else
                        *x = old;
                }
                *null += *x == 0.0;
            }
        }
    }
    return MERE_OK;
}

/* The most negative eigenvalue of Gamma over the null space of one term, with its vector (both in units of columns). */
static mere_status worst_direction(newton *v, int64_t from, int64_t to, int64_t column, int64_t k, double *worst,
                                   double *vector)
{
    const mere_plan *plan = v->work->plan;
    int64_t f = plan->entry[from].term, kf = plan->factor[f].k, null = 0;
    const double *scale = plan->factor[f].scale + column;
    double *gamma = v->m, *basis = v->block, *small = v->space + 8 * k, *values = small + k * k;
    mere_status status = mere_lmm_gamma(v->work, f, v->space + 8 * k);
    *worst = 0.0;
    if (status)
        return status;
    for (int64_t j = 0; j < k; j++)
        for (int64_t i = 0; i < k; i++)
            gamma[i + j * k] = (v->space + 8 * k)[column + i + (column + j) * kf] /
                               ((scale[i] > 0.0 ? scale[i] : 1.0) * (scale[j] > 0.0 ? scale[j] : 1.0));
    double *keep = values + k; /* gamma survives scaled_covariance, which uses v->m */
    memcpy(keep, gamma, (size_t)(k * k) * sizeof(double));
    scaled_covariance(v, from, to, column, k);
    if ((status = eigen(k, basis, v->eigen, v->space)))
        return status;
    while (null < k && v->eigen[null] <= 1e-12 * fmax(v->eigen[k - 1], 1e-3))
        null++;
    if (null == 0)
        return MERE_OK;
    for (int64_t j = 0; j < null; j++)
        for (int64_t i = j; i < null; i++) {
            double sum = 0.0;
            for (int64_t s = 0; s < k; s++)
                for (int64_t r = 0; r < k; r++)
                    sum += basis[r + i * k] * keep[r + s * k] * basis[s + j * k];
            small[i + j * null] = sum;
        }
    if ((status = eigen(null, small, values, v->space)))
        return status;
    *worst = values[0];
    for (int64_t i = 0; i < k; i++) {
        vector[i] = 0.0;
        for (int64_t r = 0; r < null; r++)
            vector[i] += basis[i + r * k] * small[r];
    }
    return MERE_OK;
}

/* Try x + t (direction) over a few sizes; keep the best. Unstructured: Sigma += t v v'. */
static mere_status probe(newton *v, int64_t from, int64_t to, int64_t column, int64_t k, const double *vector,
                         int *escaped)
{
    static const double size[] = {0.1, 0.01, 0.001, 1e-4};
    double best = v->d - fmax(1e-9, v->noise), d1;
    double *vectors = v->space + 8 * k, *one = vectors + k * k, *best_x = v->g1;
    mere_status status;
    *escaped = 0;
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        memcpy(v->x1, v->x, (size_t)v->n * sizeof(double));
        scaled_covariance(v, from, to, column, k);
        for (int64_t s = 0; s < k; s++)
            for (int64_t r = 0; r < k; r++)
                v->block[r + s * k] += size[i] * vector[r] * vector[s];
        if ((status = eigen(k, v->block, v->eigen, v->space)))
            return status;
        memcpy(vectors, v->block, (size_t)(k * k) * sizeof(double));
        for (int64_t r = 0; r < k; r++)
            one[r] = fmax(v->eigen[r], 0.0);
        set_covariance(v, v->x1, from, to, column, k, vectors, one);
        if ((status = value_at(v, v->x1, &d1)))
            return status;
        if (d1 < best) {
            best = d1;
            memcpy(best_x, v->x1, (size_t)v->n * sizeof(double));
            *escaped = 1;
        } else if (*escaped) {
            break;
        }
    }
    if (*escaped)
        memcpy(v->x, best_x, (size_t)v->n * sizeof(double));
    return MERE_OK;
}

/* A parameter of a structured term at zero: is there something lower beside it? */
static mere_status probe_parameter(newton *v, int64_t par, double unit, int *escaped)
{
    static const double size[] = {0.3, 0.1, 0.03, 0.01};
    double best = v->d - fmax(1e-9, v->noise), best_x = 0.0, d1;
    mere_status status;
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        v->x[par] = size[i] / unit;
        if ((status = value_at(v, v->x, &d1)))
            return status;
        if (d1 < best) {
            best = d1;
            best_x = v->x[par];
        }
    }
    v->x[par] = best_x;
    *escaped |= best_x != 0.0;
    return MERE_OK;
}

/* The certificate over all singular terms; where it fails, a step off the boundary. */
static mere_status certify(newton *v, int *escaped)
{
    const mere_plan *plan = v->work->plan;
    int64_t column, k;
    mere_status status;
    double *vector = v->y;
    *escaped = 0;
    v->outcome->certificate = 0.0;
    for (int64_t from = 0, to; from < plan->n_entry && !*escaped; from = to) {
        double worst = 0.0;
        to = term_end(plan, from, &column, &k);
        if (unstructured(plan, from, to, k)) {
            if ((status = worst_direction(v, from, to, column, k, &worst, vector)))
                return status;
            if (worst < 0.0 && (status = probe(v, from, to, column, k, vector, escaped)))
                return status;
        } else {
            for (int64_t e = from; e < to && !*escaped; e++)
                if (plan->entry[e].row == plan->entry[e].column && v->x[plan->entry[e].par] == 0.0 &&
                    (status = probe_parameter(v, plan->entry[e].par, scale_of(plan, &plan->entry[e]), escaped)))
                    return status;
        }
        if (worst < v->outcome->certificate)
            v->outcome->certificate = worst;
        if (worst < 0.0 && !*escaped && (status = value_at(v, v->x, &v->d)) == MERE_OK) /* probes moved the work */
            status = mere_lmm_gradient(v->work, v->g);
        if (worst < 0.0 && !*escaped && status)
            return status;
    }
    return MERE_OK;
}

/* ------------------------------------------------------------------ the whole */

static mere_status restart(newton *v)
{
    mere_status status = mere_lmm_value(v->work, v->x, v->options->reml, &v->d);
    v->outcome->n_eval++;
    v->noise = 1e-14 * fabs(v->d) + 1e-12;
    memset(v->c, 0, (size_t)(v->n * v->n) * sizeof(double));
    return status ? status : derivatives(v, v->g);
}

static mere_status newton_new(newton *v, mere_work *work)
{
    int64_t n = work->plan->n_par, k = 1;
    for (int64_t f = 0; f < work->plan->n_factor; f++)
        k = work->plan->factor[f].k > k ? work->plan->factor[f].k : k;
    int64_t m = n > k ? n : k, size = 6 * m + 3 * m * m + k * k + k + 10 * k + 4 * k * k;
    double *x = mere_calloc(size, sizeof *x);
    if (!x)
        return MERE_ERR_MEMORY;
    v->work = work;
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

/* Does v->x equal the parameters that the derivatives belong to? Else evaluate them there. */
static mere_status settle(newton *v, int fresh, double *gradient, double *matrix)
{
    mere_status status = MERE_OK;
    size_t n = (size_t)v->n;
    if (!fresh && (status = restart(v)))
        return status;
    if (gradient)
        memcpy(gradient, v->g, n * sizeof(double));
    if (matrix)
        memcpy(matrix, v->h, n * n * sizeof(double));
    v->outcome->d = v->d;
    return MERE_OK;
}

mere_status mere_minimize_newton(mere_work *work, const mere_options *options, const double *start, double *par,
                                 double *gradient, double *matrix, mere_outcome *outcome)
{
    enum { ESCAPES = 12 };
    newton v = {.options = options, .outcome = outcome};
    *outcome = (mere_outcome){0};
    mere_status status = newton_new(&v, work);
    if (status)
        return status;
    memcpy(v.x, start, (size_t)v.n * sizeof(double));
    int escaped = 1, fresh = 0;
    for (int round = 0; !status && escaped && round <= ESCAPES; round++) {
        double before;
        escaped = 0;
        if ((status = restart(&v)) || (status = descend(&v)))
            break;
        fresh = !flip(&v);
        before = v.d;
        int64_t evaluations = outcome->n_eval;
        if ((status = snap(&v, &outcome->n_null)))
            break;
        fresh &= outcome->n_eval == evaluations;
        if (outcome->n_null == 0)
            break;
        if (v.d != before) { /* the other parameters, now that some directions are null; null columns stay null */
            if ((status = restart(&v)) || (status = descend(&v)))
                break;
            flip(&v);
        }
        fresh = 0;
        if ((status = restart(&v)) || (status = certify(&v, &escaped)))
            break;
    }
    if (!status && !(status = settle(&v, fresh, gradient, matrix)))
        memcpy(par, v.x, (size_t)v.n * sizeof(double));
    mere_free(v.x);
    return status;
}

/* ------------------------------------------------------------------ a start */

/* Moments, one column of Z at a time: with r the least-squares residuals and v = r'r/n, the between-level sum of squares
 * sum_l (z_l'r)^2 / z_l'z_l has expectation of about (n - q) tau^2 + q v, tau^2 the mean square of the column's effect. */
mere_status mere_lmm_start(const mere_work *work, double *par)
{
    const mere_plan *plan = work->plan;
    double total = work->yy / (double)plan->n, explained = 0.0;
    for (int64_t e = 0; e < plan->n_par; e++)
        par[e] = 0.0;
    for (int pass = 0; pass < 2; pass++) /* first the sum of all, then each relative to what is left */
        for (int64_t e = 0; e < plan->n_entry; e++) {
            const mere_entry *entry = &plan->entry[e];
            const mere_factor *factor = &plan->factor[entry->term];
            int64_t k = factor->k, c = entry->column, used = 0;
            if (entry->row != c || !(factor->scale[c] > 0.0))
                continue;
            double between = 0.0, ratio;
            for (int64_t l = 0; l < factor->q; l++) {
                double zz = factor->diag[(l * k + c) * k + c], zy = work->zy[factor->u_first + l * k + c];
                if (zz > 0.0) {
                    between += zy * zy / zz;
                    used++;
                }
            }
            ratio = (between - (double)used * total) / fmax((double)(plan->n - used), 1.0) / fmax(total, 1e-300);
            ratio = fmin(fmax(ratio, 0.01), 0.9);
            if (pass == 0) {
                explained += ratio;
            } else {
                double left = fmax(1.0 - explained, 0.1), mean_square = 0.0;
                mean_square = factor->scale[c] * factor->scale[c] * (double)factor->q / (double)plan->n;
                par[entry->par] = fmin(sqrt(ratio / left / mean_square), 5.0 / sqrt(mean_square));
            }
        }
    return MERE_OK;
}
