/* deletion.c - fits without some rows, by taking their cross-products out.
 *
 * A row adds products of its own values to Z'Z, Z'X, X'X, Z'y, X'y and y'y, so leaving it out costs O((k + p)^2) whatever n
 * is. What is changed is kept in a journal and put back afterwards to the last bit: errors do not add up.
 */
#include <math.h>
#include <string.h>

#include "memory.h"
#include "refit.h"

typedef struct {
    double *at, value;
} change;

struct mere_deletion {
    mere_plan *plan;
    mere_work *work;
    double *residual;  /* n: sqrt(w) (y - X center) */
    double log_weights;
    change *journal;
    int64_t n_change, capacity;
    int64_t per_row;   /* changes that one row makes, at most */
    double *z;         /* values of a row, factor after factor */
    int64_t *start;    /* of each factor in z */
};

/* ------------------------------------------------------------------ making one */

static mere_status spaces(mere_deletion *d, const mere_rows *rows, const double *y)
{
    const mere_plan *plan = d->plan;
    int64_t total = 0, per_row = 2 * plan->p * plan->p + 2 * plan->p + 2;
    d->start = mere_calloc(plan->n_factor + 1, sizeof *d->start);
    d->residual = mere_malloc(rows->n, sizeof *d->residual);
    if (!d->start || !d->residual)
        return MERE_ERR_MEMORY;
    for (int64_t f = 0; f < plan->n_factor; f++) {
        d->start[f] = total;
        total += plan->factor[f].k;
    }
    d->start[plan->n_factor] = total;
    d->per_row = per_row + 2 * total * (total + plan->p + 1);
    d->z = mere_malloc(total + plan->p, sizeof *d->z);
    if (!d->z)
        return MERE_ERR_MEMORY;
    for (int64_t i = 0; i < rows->n; i++) {
        double r = y[i];
        for (int64_t j = 0; j < rows->p; j++)
            r -= d->work->center[j] * rows->X[i + j * rows->n];
        d->residual[i] = rows->sqrt_w ? r * rows->sqrt_w[i] : r;
    }
    return MERE_OK;
}

mere_status mere_deletion_new(const mere_rows *rows, int64_t n_entry, const mere_entry *entry, int64_t n_par,
                              mere_schur schur, const double *y, double log_weights, mere_deletion **out)
{
    mere_deletion *d = mere_calloc(1, sizeof *d);
    mere_status status;
    *out = NULL;
    if (!d)
        return MERE_ERR_MEMORY;
    d->log_weights = log_weights;
    if (!(status = mere_plan_new(rows, n_entry, entry, n_par, schur, &d->plan)) &&
        !(status = mere_work_new(d->plan, &d->work)) &&
        !(status = mere_work_set_response(d->work, rows, y, log_weights)))
        status = spaces(d, rows, y);
    if (status)
        mere_deletion_free(d);
    else
        *out = d;
    return status;
}

void mere_deletion_free(mere_deletion *d)
{
    if (!d)
        return;
    mere_work_free(d->work);
    mere_plan_free(d->plan);
    mere_free(d->residual);
    mere_free(d->journal);
    mere_free(d->z);
    mere_free(d->start);
    mere_free(d);
}

/* ------------------------------------------------------------------ taking rows out */

static void subtract(mere_deletion *d, double *at, double value)
{
    d->journal[d->n_change++] = (change){at, *at};
    *at -= value;
}

static void put_back(mere_deletion *d, int64_t rows)
{
    while (d->n_change > 0) {
        d->n_change--;
        *d->journal[d->n_change].at = d->journal[d->n_change].value;
    }
    d->plan->n += rows;
    d->work->log_weights = d->log_weights;
}

/* Where row `wanted` of the Schur complement stands in a level's block. */
static int64_t place(const int32_t *row, int64_t width, int64_t wanted)
{
    int64_t low = 0, high = width;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (row[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Products of factor f's columns with each other, X and y; for factor 0 also where the work keeps them. */
static void take_own(mere_deletion *d, int64_t f, int64_t level, const double *x, double r)
{
    const mere_plan *plan = d->plan;
    const mere_factor *factor = &plan->factor[f];
    int64_t k = factor->k, p = plan->p;
    const double *z = d->z + d->start[f];
    int64_t at = factor->cross.ptr[level], width = factor->cross.ptr[level + 1] - at, ld = width + plan->border;
    double *a = f ? NULL : d->work->a + k * (at + level * plan->border) + width;
    for (int64_t c = 0; c < k; c++) {
        for (int64_t s = 0; s < k; s++)
            subtract(d, &factor->diag[(level * k + c) * k + s], z[c] * z[s]);
        for (int64_t j = 0; j < p; j++)
            subtract(d, &factor->zx[(level * k + c) * p + j], z[c] * x[j]);
        for (int64_t j = 0; a && j < p; j++)
            subtract(d, &a[j + c * ld], z[c] * x[j]);
        subtract(d, &d->work->zy[factor->u_first + level * k + c], z[c] * r);
        if (a)
            subtract(d, &a[p + c * ld], z[c] * r);
    }
}

/* Products of factor f's columns with those of factor g > f. */
static void take_cross(mere_deletion *d, int64_t f, int64_t level, int64_t g, int64_t other)
{
    const mere_plan *plan = d->plan;
    const mere_factor *factor = &plan->factor[f];
    int64_t k = factor->k, kg = plan->factor[g].k;
    int64_t at = factor->cross.ptr[level], width = factor->cross.ptr[level + 1] - at, ld = width + plan->border;
    int64_t first = place(factor->cross.row + at, width, plan->factor[g].first + other * kg);
    double *val = factor->cross.val + k * at + first;
    double *a = f ? NULL : d->work->a + k * (at + level * plan->border) + first;
    for (int64_t c = 0; c < k; c++)
        for (int64_t s = 0; s < kg; s++) {
            double product = d->z[d->start[f] + c] * d->z[d->start[g] + s];
            subtract(d, &val[s + c * width], product);
            if (a)
                subtract(d, &a[s + c * ld], product);
        }
}

static void take_row(mere_deletion *d, const mere_view *view, int64_t i)
{
    mere_plan *plan = d->plan;
    mere_work *work = d->work;
    const mere_rows *rows = view->rows;
    double w = rows->sqrt_w ? rows->sqrt_w[i] : 1.0, r = d->residual[i];
    double *x = d->z + d->start[plan->n_factor];
    for (int64_t f = 0; f < plan->n_factor; f++)
        for (int64_t c = 0; c < plan->factor[f].k; c++) {
            const double *column = view->z[view->start[f] + c];
            d->z[d->start[f] + c] = column ? column[i] * w : w;
        }
    for (int64_t j = 0; j < plan->p; j++)
        x[j] = rows->X[i + j * rows->n] * w;
    for (int64_t f = 0; f < plan->n_factor; f++) {
        take_own(d, f, view->code[f][i], x, r);
        for (int64_t g = f + 1; g < plan->n_factor; g++)
            take_cross(d, f, view->code[f][i], g, view->code[g][i]);
    }
    for (int64_t j = 0; j < plan->p; j++) {
        for (int64_t s = 0; s < plan->p; s++)
            subtract(d, &plan->xx[s + j * plan->p], x[s] * x[j]);
        subtract(d, &work->xy[j], x[j] * r);
    }
    subtract(d, &work->yy, r * r);
    work->log_weights -= 2.0 * log(w);
    plan->n--;
}

/* ------------------------------------------------------------------ fits */

static mere_status make_room(mere_deletion *d, int64_t rows)
{
    if (rows * d->per_row <= d->capacity)
        return MERE_OK;
    mere_free(d->journal);
    d->capacity = rows * d->per_row;
    d->journal = mere_malloc(d->capacity, sizeof *d->journal);
    if (!d->journal)
        d->capacity = 0;
    return d->journal ? MERE_OK : MERE_ERR_MEMORY;
}

mere_status mere_deletion_refit(mere_deletion *d, const mere_rows *rows, const mere_options *options,
                                const double *start, int64_t n_set, const int64_t *ptr, const int64_t *row,
                                const mere_refits *refits)
{
    const mere_plan *plan = d->plan;
    mere_view view;
    mere_status status = mere_view_new(plan, rows, &view);
    if (status)
        return status;
    double *space = mere_malloc(plan->order + 2 * plan->q + plan->n_par, sizeof *space);
    if (!space) {
        mere_view_free(&view);
        return MERE_ERR_MEMORY;
    }
    double *solution = space, *u = solution + plan->order, *par = u + 2 * plan->q;
    for (int64_t s = 0; s < n_set && status != MERE_ERR_MEMORY; s++) {
        int64_t count = ptr[s + 1] - ptr[s];
        mere_outcome outcome;
        if ((status = make_room(d, count)))
            break;
        for (int64_t i = ptr[s]; i < ptr[s + 1]; i++)
            take_row(d, &view, row[i]);
        d->work->has_value = d->work->has_gradient = 0;
        status = plan->n > plan->p ? MERE_OK : MERE_ERR_ARGUMENT;
        if (!status && !(status = mere_minimize_newton(d->work, options, start, par, NULL, NULL, &outcome)) &&
            !(status = mere_lmm_solution(d->work, solution, u, u + plan->q, NULL)))
            mere_refits_keep(refits, s, d->work, solution, outcome.d, par);
        else
            mere_refits_fail(refits, s, plan, status);
        put_back(d, count);
    }
    mere_free(space);
    mere_view_free(&view);
    return status == MERE_ERR_MEMORY ? status : MERE_OK;
}
