/* units.c - see units.h. */
#include "units.h"

#include <math.h>
#include <string.h>

#include "memory.h"

/* C lower triangular with K = C'C: a Cholesky factorization from the last row up. Returns 0 if K is positive definite
 * with digits to spare. */
static int upper_from_below(int64_t k, const double *m, double *c)
{
    memset(c, 0, (size_t)(k * k) * sizeof *c);
    for (int64_t j = k - 1; j >= 0; j--) {
        double d = m[j * (k + 1)];
        for (int64_t r = j + 1; r < k; r++)
            d -= c[r + j * k] * c[r + j * k];
        if (!(d > 1e-13 * m[j * (k + 1)]))
            return 1;
        c[j * (k + 1)] = sqrt(d);
        for (int64_t i = 0; i < j; i++) {
            double sum = m[j + i * k];
            for (int64_t r = j + 1; r < k; r++)
                sum -= c[r + j * k] * c[r + i * k];
            c[j + i * k] = sum / c[j * (k + 1)];
        }
    }
    return 0;
}

/* Do these entries hold a full lower triangle of parameters of their own? */
static int full_triangle(const mere_plan *plan, int64_t from, int64_t to, int64_t k)
{
    enum { MOST = 64 };
    if (k > MOST)
        return 0;
    if (to - from != k * (k + 1) / 2)
        return 0;
    for (int64_t e = from; e < to; e++)
        for (int64_t s = 0; s < plan->n_entry; s++)
            if (s != e && plan->entry[s].par == plan->entry[e].par)
                return 0;
    return 1;
}

mere_status mere_units_new(mere_plan *plan)
{
    int64_t size = 0, k_max = 1;
    plan->unit_at = mere_calloc(plan->n_term + 1, sizeof *plan->unit_at);
    plan->full = mere_calloc(plan->n_term, sizeof *plan->full);
    if (!plan->unit_at || !plan->full)
        return MERE_ERR_MEMORY;
    for (int64_t t = 0; t < plan->n_term; t++) {
        plan->unit_at[t] = size;
        size += plan->term_k[t] * plan->term_k[t];
        k_max = plan->term_k[t] > k_max ? plan->term_k[t] : k_max;
    }
    plan->unit = mere_calloc(size, sizeof *plan->unit);
    double *mean = mere_malloc(k_max * k_max, sizeof *mean);
    if (!plan->unit || !mean) {
        mere_free(mean);
        return MERE_ERR_MEMORY;
    }
    for (int64_t t = 0; t < plan->n_term; t++) {
        const mere_factor *factor = &plan->factor[plan->term_factor[t]];
        int64_t k = plan->term_k[t], kf = factor->k, column = plan->term_column[t];
        double *unit = plan->unit + plan->unit_at[t];
        memset(mean, 0, (size_t)(k * k) * sizeof *mean);
        for (int64_t l = 0; l < factor->q; l++)
            for (int64_t j = 0; j < k; j++)
                for (int64_t i = 0; i < k; i++)
                    mean[i + j * k] += factor->diag[(l * kf + column + j) * kf + column + i] / (double)factor->q;
        if (upper_from_below(k, mean, unit)) { /* a column of zeros, or one that repeats others: plain units */
            memset(unit, 0, (size_t)(k * k) * sizeof *unit);
            for (int64_t j = 0; j < k; j++)
                unit[j * (k + 1)] = mean[j * (k + 1)] > 0.0 ? sqrt(mean[j * (k + 1)]) : 1.0;
        }
    }
    mere_free(mean);
    int64_t term, column, k;
    for (int64_t from = 0, to; from < plan->n_entry; from = to) {
        to = mere_units_term(plan, from, &term, &column, &k);
        plan->full[term] = full_triangle(plan, from, to, k);
    }
    return MERE_OK;
}

int64_t mere_units_term(const mere_plan *plan, int64_t from, int64_t *term, int64_t *column, int64_t *k)
{
    int64_t to = from, f = plan->entry[from].term;
    *term = 0;
    for (int64_t t = 0; t < plan->n_term; t++)
        if (plan->term_factor[t] == f && plan->entry[from].row >= plan->term_column[t] &&
            plan->entry[from].row < plan->term_column[t] + plan->term_k[t])
            *term = t;
    *column = plan->term_column[*term];
    *k = plan->term_k[*term];
    while (to < plan->n_entry && plan->entry[to].term == f && plan->entry[to].row >= *column &&
           plan->entry[to].row < *column + *k)
        to++;
    return to;
}

void mere_units_apply(const double *unit, int64_t k, int64_t first, int inverse, int transpose, double *x)
{
    int64_t m = k - first;
    int ascending = (inverse != 0) != (transpose != 0); /* so that what a row needs is old in a product, new in a solve */
    for (int64_t s = 0; s < m; s++) {
        int64_t i = ascending ? s : m - 1 - s;
        double sum = 0.0, d = unit[(first + i) * (k + 1)];
        if (transpose) {
            for (int64_t r = i + 1; r < m; r++)
                sum += unit[first + r + (first + i) * k] * x[r];
        } else {
            for (int64_t r = 0; r < i; r++)
                sum += unit[first + i + (first + r) * k] * x[r];
        }
        x[i] = inverse ? (x[i] - sum) / d : d * x[i] + sum;
    }
}

/* Calls for each column c of each full lower triangle with the parameters of its rows c.. k - 1. */
typedef void (*column_step)(const double *unit, int64_t k, int64_t c, const int64_t *par, void *data);

static void for_columns(const mere_plan *plan, column_step step, void *data)
{
    int64_t term, column, k, par[64];
    for (int64_t from = 0, to; from < plan->n_entry; from = to) {
        to = mere_units_term(plan, from, &term, &column, &k);
        if (!plan->full[term])
            continue;
        int64_t e = from;
        for (int64_t c = 0; c < k; c++) {
            for (int64_t i = c; i < k; i++)
                par[i - c] = plan->entry[e++].par;
            step(plan->unit + plan->unit_at[term], k, c, par, data);
        }
    }
}

typedef struct {
    double *x;
    int64_t stride;
    int inverse, transpose;
} vector_job;

static void apply_vector(const double *unit, int64_t k, int64_t c, const int64_t *par, void *data)
{
    const vector_job *job = data;
    double v[64];
    for (int64_t i = 0; i < k - c; i++)
        v[i] = job->x[par[i] * job->stride];
    mere_units_apply(unit, k, c, job->inverse, job->transpose, v);
    for (int64_t i = 0; i < k - c; i++)
        job->x[par[i] * job->stride] = v[i];
}

void mere_units_gradient(const mere_plan *plan, int back, double *g)
{
    vector_job job = {g, 1, !back, 1};
    for_columns(plan, apply_vector, &job);
}

void mere_units_matrix(const mere_plan *plan, int back, int64_t n, double *h)
{
    for (int64_t j = 0; j < n; j++) {
        vector_job job = {h + j * n, 1, !back, 1};
        for_columns(plan, apply_vector, &job);
    }
    for (int64_t i = 0; i < n; i++) {
        vector_job job = {h + i, n, !back, 1};
        for_columns(plan, apply_vector, &job);
    }
}

void mere_units_step(const mere_plan *plan, double *s)
{
    vector_job job = {s, 1, 1, 0};
    for_columns(plan, apply_vector, &job);
}
