/* boundary.c - what becomes of a singular Lambda: canonical form, exact zeros, the certificate and the way out.
 *
 * newton.c says why. A term with a full lower triangle is handled through its covariance Sigma = C Lambda Lambda' C' in
 * the coordinates of units.h (so nothing depends on how the data are written); other terms parameter by parameter.
 */
#include <math.h>
#include <string.h>

#include "blas.h"
#include "newton.h"
#include "units.h"

/* ------------------------------------------------------------------ blocks of a term */

static double scale_of(const mere_plan *plan, const mere_entry *entry)
{
    double s = plan->factor[entry->term].scale[entry->row];
    return s > 0.0 ? s : 1.0;
}

/* Eigenvalues (ascending) and vectors of the symmetric k x k matrix in `a`, in place. */
static mere_status eigen(int64_t k, double *a, double *values, double *space)
{
    int ik = (int)k, lwork = (int)(8 * k), info;
    dsyev_("V", "L", &ik, a, &ik, values, space, &lwork, &info);
    return info ? MERE_ERR_NOT_FINITE : MERE_OK;
}

/* block = Sigma = C Lambda Lambda' C' of a term whose entries start at `from`: a full lower triangle by columns. */
static void scaled_covariance(const mere_newton *v, int64_t from, int64_t term, int64_t k)
{
    const mere_plan *plan = v->plan;
    double *lam = v->m;
    memset(lam, 0, (size_t)(k * k) * sizeof(double));
    for (int64_t j = 0, e = from; j < k; j++) {
        for (int64_t i = j; i < k; i++)
            lam[i + j * k] = v->x[plan->entry[e++].par];
        mere_units_apply(plan->unit + plan->unit_at[term], k, j, 0, 0, lam + j * (k + 1));
    }
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
static void set_covariance(mere_newton *v, double *x, int64_t from, int64_t term, int64_t k, const double *vectors,
                           const double *values)
{
    const mere_plan *plan = v->plan;
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
    for (int64_t j = 0, e = from; j < k; j++) {
        mere_units_apply(plan->unit + plan->unit_at[term], k, j, 1, 0, c + j * (k + 1));
        for (int64_t i = j; i < k; i++)
            x[plan->entry[e++].par] = c[i + j * k];
    }
}

/* Columns with a negative diagonal change sign. Returns whether there were any. */
int mere_newton_flip(mere_newton *v)
{
    const mere_plan *plan = v->plan;
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
mere_status mere_newton_snap(mere_newton *v, int32_t *null)
{
    const mere_plan *plan = v->plan;
    int64_t term, column, k;
    mere_status status;
    double d1, allowed = fmax(1e-9, v->noise);
    *null = 0;
    for (int64_t from = 0, to; from < plan->n_entry; from = to) {
        to = mere_units_term(plan, from, &term, &column, &k);
        if (plan->full[term]) {
            scaled_covariance(v, from, term, k);
            if ((status = eigen(k, v->block, v->eigen, v->space)))
                return status;
            int64_t small = 0;
            while (small < k && v->eigen[small] < NEARLY_NULL)
                small++;
            for (int64_t drop = small; drop > 0; drop--) {
                memcpy(v->x1, v->x, (size_t)v->n * sizeof(double));
                for (int64_t r = 0; r < drop; r++)
                    v->eigen[r] = 0.0;
                set_covariance(v, v->x1, from, term, k, v->block, v->eigen);
                if ((status = mere_newton_value(v, v->x1, &d1)))
                    return status;
                if (d1 <= v->d + allowed) {
                    memcpy(v->x, v->x1, (size_t)v->n * sizeof(double));
                    v->d = d1;
                    *null += (int32_t)drop;
                    break;
                }
                scaled_covariance(v, from, term, k);
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
                    if ((status = mere_newton_value(v, v->x, &d1)))
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
static mere_status worst_direction(mere_newton *v, int64_t from, int64_t term, int64_t column, int64_t k, double *worst,
                                   double *vector)
{
    const mere_plan *plan = v->plan;
    int64_t f = plan->entry[from].term, kf = plan->factor[f].k, null = 0;
    const double *unit = plan->unit + plan->unit_at[term];
    double *gamma = v->m, *basis = v->block, *small = v->space + 8 * k, *values = small + k * k;
    mere_status status = v->model->gamma(v->model->data, f, v->space + 8 * k);
    *worst = 0.0;
    if (status)
        return status;
    for (int64_t j = 0; j < k; j++)
        for (int64_t i = 0; i < k; i++)
            gamma[i + j * k] = (v->space + 8 * k)[column + i + (column + j) * kf];
    for (int pass = 0; pass < 2; pass++) { /* C^-T Gamma C^-1: columns, transpose, columns */
        for (int64_t j = 0; j < k; j++)
            mere_units_apply(unit, k, 0, 1, 1, gamma + j * k);
        for (int64_t j = 0; j < k; j++)
            for (int64_t i = 0; i < j; i++) {
                double x = gamma[i + j * k];
                gamma[i + j * k] = gamma[j + i * k];
                gamma[j + i * k] = x;
            }
    }
    double *keep = values + k; /* gamma survives scaled_covariance, which uses v->m */
    memcpy(keep, gamma, (size_t)(k * k) * sizeof(double));
    scaled_covariance(v, from, term, k);
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
static mere_status probe(mere_newton *v, int64_t from, int64_t term, int64_t k, const double *vector, int *escaped)
{
    static const double size[] = {0.1, 0.01, 0.001, 1e-4};
    double best = v->d - fmax(1e-9, v->noise), d1;
    double *vectors = v->space + 8 * k, *one = vectors + k * k, *best_x = v->g1;
    mere_status status;
    *escaped = 0;
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        memcpy(v->x1, v->x, (size_t)v->n * sizeof(double));
        scaled_covariance(v, from, term, k);
        for (int64_t s = 0; s < k; s++)
            for (int64_t r = 0; r < k; r++)
                v->block[r + s * k] += size[i] * vector[r] * vector[s];
        if ((status = eigen(k, v->block, v->eigen, v->space)))
            return status;
        memcpy(vectors, v->block, (size_t)(k * k) * sizeof(double));
        for (int64_t r = 0; r < k; r++)
            one[r] = fmax(v->eigen[r], 0.0);
        set_covariance(v, v->x1, from, term, k, vectors, one);
        if ((status = mere_newton_value(v, v->x1, &d1)))
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
static mere_status probe_parameter(mere_newton *v, int64_t par, double unit, int *escaped)
{
    static const double size[] = {0.3, 0.1, 0.03, 0.01};
    double best = v->d - fmax(1e-9, v->noise), best_x = 0.0, d1;
    mere_status status;
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        v->x[par] = size[i] / unit;
        if ((status = mere_newton_value(v, v->x, &d1)))
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
mere_status mere_newton_certify(mere_newton *v, int *escaped)
{
    const mere_plan *plan = v->plan;
    int64_t term, column, k;
    mere_status status;
    double *vector = v->y;
    *escaped = 0;
    v->outcome->certificate = 0.0;
    for (int64_t from = 0, to; from < plan->n_entry && !*escaped; from = to) {
        double worst = 0.0;
        int64_t evaluations = v->outcome->n_eval;
        to = mere_units_term(plan, from, &term, &column, &k);
        if (plan->full[term]) {
            if ((status = worst_direction(v, from, term, column, k, &worst, vector)))
                return status;
            if (worst < 0.0 && (status = probe(v, from, term, k, vector, escaped)))
                return status;
        } else {
            for (int64_t e = from; e < to && !*escaped; e++)
                if (plan->entry[e].row == plan->entry[e].column && v->x[plan->entry[e].par] == 0.0 &&
                    (status = probe_parameter(v, plan->entry[e].par, scale_of(plan, &plan->entry[e]), escaped)))
                    return status;
        }
        if (worst < v->outcome->certificate)
            v->outcome->certificate = worst;
        if (v->outcome->n_eval != evaluations && !*escaped) { /* probes moved the work: back to x */
            if ((status = mere_newton_value(v, v->x, &v->d)) || (status = v->model->gradient(v->model->data, v->g)))
                return status;
        }
    }
    return MERE_OK;
}
