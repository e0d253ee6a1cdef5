/* glmm.c - the rows of a generalized linear mixed model, sorted, with the place of every product in the fixed blocks. */
#include "glmm.h"

#include <math.h>
#include <string.h>

#include "memory.h"
#include "pattern.h"

/* ------------------------------------------------------------------ the order of the rows */

/* Stable counting sort of `from` by code. */
static mere_status sort_by(int64_t n, int64_t q, const int32_t *code, const int32_t *from, int32_t *to)
{
    int64_t *first = mere_calloc(q + 1, sizeof *first);
    if (!first)
        return MERE_ERR_MEMORY;
    for (int64_t i = 0; i < n; i++)
        first[code[i] + 1]++;
    for (int64_t l = 0; l < q; l++)
        first[l + 1] += first[l];
    for (int64_t i = 0; i < n; i++)
        to[first[code[from[i]]]++] = from[i];
    mere_free(first);
    return MERE_OK;
}

static mere_status sort_rows(mere_glmm *g, const mere_view *view)
{
    int32_t *other = mere_malloc(g->n, sizeof *other);
    if (!other)
        return MERE_ERR_MEMORY;
    for (int64_t i = 0; i < g->n; i++)
        g->perm[i] = (int32_t)i;
    mere_status status = MERE_OK;
    for (int64_t f = g->n_factor > 1 ? 1 : 0; f >= 0 && !status; f--) {
        status = sort_by(g->n, g->plan->factor[f].q, view->code[f], g->perm, other);
        memcpy(g->perm, other, (size_t)g->n * sizeof *other);
    }
    mere_free(other);
    for (int64_t i = 0; i < g->n; i++)
        g->row_ptr[view->code[0][i] + 1]++;
    for (int64_t l = 0; l < g->plan->factor[0].q; l++)
        g->row_ptr[l + 1] += g->row_ptr[l];
    return status;
}

static double *permuted(const mere_glmm *g, const double *x, double missing)
{
    double *out = mere_malloc(g->n, sizeof *out);
    for (int64_t i = 0; out && i < g->n; i++)
        out[i] = x ? x[g->perm[i]] : missing;
    return out;
}

static mere_status copy_rows(mere_glmm *g, const mere_view *view, const mere_glmm_data *data)
{
    int64_t n = g->n;
    g->X = mere_malloc(n * g->p, sizeof *g->X);
    g->y = permuted(g, data->y, 0.0);
    g->wt = permuted(g, data->weight, 1.0);
    g->offset = permuted(g, data->offset, 0.0);
    if (!g->X || !g->y || !g->wt || !g->offset)
        return MERE_ERR_MEMORY;
    for (int64_t j = 0; j < g->p; j++)
        for (int64_t i = 0; i < n; i++)
            g->X[i + j * n] = data->X[g->perm[i] + j * n];
    for (int64_t f = 0; f < g->n_factor; f++) {
        g->code[f] = mere_malloc(n, sizeof **g->code);
        if (!g->code[f])
            return MERE_ERR_MEMORY;
        for (int64_t i = 0; i < n; i++)
            g->code[f][i] = view->code[f][g->perm[i]];
        for (int64_t c = view->start[f]; c < view->start[f + 1]; c++)
            if (view->z[c] && !(g->z[c] = permuted(g, view->z[c], 0.0)))
                return MERE_ERR_MEMORY;
    }
    double check = 0.0;
    for (int64_t i = 0; i < n; i++)
        check += g->y[i] + g->wt[i] + g->offset[i];
    for (int64_t i = 0; i < n * g->p; i++)
        check += g->X[i];
    return isfinite(check) ? MERE_OK : MERE_ERR_NOT_FINITE;
}

/* ------------------------------------------------------------------ the place of every product */

static int64_t search(const int32_t *row, int64_t low, int64_t high, int64_t wanted)
{
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (row[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static mere_status find_places(mere_glmm *g, int64_t f, int64_t other)
{
    const mere_plan *plan = g->plan;
    const mere_factor *own = &plan->factor[f], *second = &plan->factor[other];
    int64_t pair = f * g->n_factor + other, border = f == 0 ? plan->border : 0;
    int sparse = f > 0 && plan->sparse;
    if (own->k * (own->cross.ptr[own->q] + own->q * border) > INT32_MAX)
        return MERE_ERR_TOO_LARGE;
    int32_t *at = g->at[pair] = mere_malloc(g->n, sizeof *at);
    int32_t *place = sparse ? (g->place[pair] = mere_malloc(g->n, sizeof *place)) : NULL;
    if (!at || (sparse && !place))
        return MERE_ERR_MEMORY;
    for (int64_t i = 0; i < g->n; i++) {
        int64_t l = g->code[f][i], from = own->cross.ptr[l], to = own->cross.ptr[l + 1];
        int64_t row = second->first + g->code[other][i] * second->k;
        int64_t slot = f == 0 && plan->dense_rows ? row : search(own->cross.row, from, to - 1, row) - from;
        at[i] = (int32_t)(own->k * (from + l * border) + slot);
        if (sparse) {
            int64_t j = own->first + l * own->k;
            place[i] = (int32_t)search(plan->pattern->row, plan->pattern->ptr[j], plan->pattern->ptr[j + 1] - 1, row);
        }
    }
    return MERE_OK;
}

/* ------------------------------------------------------------------ life */

static mere_status arrays(mere_glmm *g)
{
    const mere_plan *plan = g->plan;
    int64_t n = g->n, q = g->q, k0 = plan->factor[0].k;
    double **rows[] = {&g->base, &g->eta, &g->mu, &g->e, &g->w, &g->d, &g->h, &g->dw, &g->c, &g->sat};
    double **effects[] = {&g->u, &g->u1, &g->b, &g->ze, &g->r, &g->t, &g->xi, &g->step};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!(*rows[i] = mere_calloc(n, sizeof(double))))
            return MERE_ERR_MEMORY;
    for (size_t i = 0; i < sizeof effects / sizeof *effects; i++)
        if (!(*effects[i] = mere_calloc(q, sizeof(double))))
            return MERE_ERR_MEMORY;
    g->par = mere_calloc(g->nx, sizeof(double));
    g->beta = mere_calloc(g->p, sizeof(double));
    g->level_c = mere_calloc(plan->factor[0].q * k0 * k0, sizeof(double));
    g->zx = mere_calloc(q * (g->p + g->n_par), sizeof(double));
    if (!g->par || !g->beta || !g->level_c || !g->zx)
        return MERE_ERR_MEMORY;
    for (int64_t f = 0; f < g->n_factor; f++) {
        const mere_factor *factor = &plan->factor[f];
        g->diag[f] = mere_calloc(factor->q * factor->k * factor->k, sizeof(double));
        g->val[f] = mere_calloc(f ? factor->k * factor->cross.ptr[factor->q] : 1, sizeof(double));
        if (!g->diag[f] || !g->val[f])
            return MERE_ERR_MEMORY;
        g->work->values[f].diag = g->diag[f];
        g->work->values[f].val = g->val[f];
    }
    int64_t n_a = k0 * (plan->factor[0].cross.ptr[plan->factor[0].q] + plan->factor[0].q * plan->border);
    g->work->y0 = mere_calloc(n_a, sizeof(double));
    g->work->yy = 1.0; /* the border of the response, which a generalized model does not use, keeps a pivot */
    return g->work->y0 ? MERE_OK : MERE_ERR_MEMORY;
}

static mere_status build(mere_glmm *g, const mere_rows *rows, const mere_glmm_data *data)
{
    mere_view view = {0};
    mere_status status = mere_work_new(g->plan, &g->work);
    int64_t nf = g->n_factor, columns = 0;
    for (int64_t f = 0; f < nf; f++)
        columns += g->plan->factor[f].k;
    g->perm = mere_malloc(g->n, sizeof *g->perm);
    g->row_ptr = mere_calloc(g->plan->factor[0].q + 1, sizeof *g->row_ptr);
    g->z = mere_calloc(columns, sizeof *g->z);
    g->z_first = mere_calloc(nf + 1, sizeof *g->z_first);
    g->code = mere_calloc(nf, sizeof *g->code);
    g->diag = mere_calloc(nf, sizeof *g->diag);
    g->val = mere_calloc(nf, sizeof *g->val);
    g->at = mere_calloc(nf * nf, sizeof *g->at);
    g->place = mere_calloc(nf * nf, sizeof *g->place);
    if (status)
        return status;
    if (!g->perm || !g->row_ptr || !g->z || !g->z_first || !g->code || !g->diag || !g->val || !g->at || !g->place)
        return MERE_ERR_MEMORY;
    if ((status = mere_view_new(g->plan, rows, &view)))
        return status;
    memcpy(g->z_first, view.start, (size_t)(nf + 1) * sizeof *g->z_first);
    if (!(status = sort_rows(g, &view)))
        status = copy_rows(g, &view, data);
    mere_view_free(&view);
    if (status || (status = arrays(g)))
        return status;
    for (int64_t f = 0; f < nf && !status; f++)
        for (int64_t other = f + 1; other < nf && !status; other++)
            status = find_places(g, f, other);
    g->family.large = mere_family_large(&g->family, g->n, g->y, g->wt);
    mere_family_saturated(&g->family, g->n, g->y, g->wt, g->sat, &g->sums.constant);
    g->sums.constant = g->family.constant + (g->family.callback ? 0.0 : g->sums.constant);
    g->sums.n = (double)g->n;
    for (int64_t i = 0; i < g->n; i++) {
        g->sums.weight += g->wt[i];
        g->sums.log_weight += g->wt[i] == 1.0 ? 0.0 : log(g->wt[i]);
        if (g->family.family == MERE_GAMMA || g->family.family == MERE_INVERSE_GAUSSIAN)
            g->sums.weight_log_y += g->wt[i] * log(g->y[i]);
    }
    return status;
}

mere_status mere_glmm_new(const mere_plan *plan, const mere_rows *rows, const mere_glmm_data *data, mere_glmm **out)
{
    *out = NULL;
    if (rows->n != plan->n || plan->p != 0 || rows->p != 0 || rows->n_term != plan->n_term || data->p < 0)
        return MERE_ERR_ARGUMENT;
    if (data->family.estimate_theta && data->family.family != MERE_NEGATIVE_BINOMIAL)
        return MERE_ERR_ARGUMENT;
    mere_glmm *g = mere_calloc(1, sizeof *g);
    if (!g)
        return MERE_ERR_MEMORY;
    g->plan = plan;
    g->family = data->family;
    g->canonical = mere_family_canonical(&data->family);
    g->tolerance = data->tolerance;
    g->max_step = data->max_step;
    g->n = plan->n;
    g->p = data->p;
    g->q = plan->q;
    g->n_par = plan->n_par;
    g->n_factor = plan->n_factor;
    g->nx = g->n_par + g->p + (data->family.estimate_theta != 0);
    mere_status status = build(g, rows, data);
    if (status) {
        mere_glmm_free(g);
        return status;
    }
    *out = g;
    return MERE_OK;
}

void mere_glmm_free(mere_glmm *g)
{
    if (!g)
        return;
    int64_t nf = g->n_factor, columns = g->z_first ? g->z_first[nf] : 0; /* the plan may be gone */
    for (int64_t f = 0; f < nf; f++) {
        if (g->code)
            mere_free(g->code[f]);
        if (g->diag)
            mere_free(g->diag[f]);
        if (g->val)
            mere_free(g->val[f]);
    }
    for (int64_t c = 0; g->z && c < columns; c++)
        mere_free(g->z[c]);
    for (int64_t i = 0; i < nf * nf; i++) {
        if (g->at)
            mere_free(g->at[i]);
        if (g->place)
            mere_free(g->place[i]);
    }
    if (g->work)
        mere_free(g->work->y0);
    mere_work_free(g->work);
    mere_nest_free(g->nest);
    void *owned[] = {g->perm, g->row_ptr, g->z, g->z_first, g->code, g->diag, g->val, g->at, g->place, g->X, g->y,
                     g->wt, g->sat, g->offset, g->base, g->eta, g->mu, g->e, g->w, g->d, g->h, g->dw, g->c, g->par,
                     g->beta, g->u, g->u1, g->b, g->ze, g->r, g->t, g->xi, g->step, g->level_c, g->zx};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        mere_free(owned[i]);
    mere_free(g);
}

int64_t mere_glmm_n_par(const mere_glmm *g)
{
    return g->nx;
}

void mere_glmm_rows(const mere_glmm *g, int32_t *perm)
{
    memcpy(perm, g->perm, (size_t)g->n * sizeof *perm);
}
