/* sparse.c - the Schur complement by CHOLMOD.
 *
 * S = Lambda_r' N Lambda_r + I on the fixed pattern of pattern.c, P S P' = L L' by CHOLMOD (analysed once, values
 * overwritten), bordered by X and y: Y = L^-1 P Lambda_r' N_rb, R R' = N_bb - Y'Y (dense, in work->s).
 */
#include <math.h>
#include <string.h>

#include "clones.h"
#include "dense.h"
#include "memory.h"
#include "sparse_matrix.h"

/* ------------------------------------------------------------------ life */

static mere_status prepare(const mere_plan *plan, mere_sparse *sp)
{
    enum { CHUNK = 64 };
    int64_t rest = plan->rest, border = plan->border, nnz = plan->pattern->nnz;
    sp->n = mere_calloc(nnz, sizeof(double));
    sp->s = mere_calloc(nnz, sizeof(double));
    sp->t = mere_calloc(nnz, sizeof(double));
    sp->g = mere_calloc(nnz, sizeof(double));
    sp->nb = mere_calloc(border * rest, sizeof(double));
    sp->tb = mere_calloc(border * rest, sizeof(double));
    sp->gb = mere_calloc(border * rest, sizeof(double));
    sp->y = mere_calloc(border * rest, sizeof(double));
    sp->place = mere_malloc(rest, sizeof *sp->place);
    sp->row_factor = mere_malloc(rest, sizeof *sp->row_factor);
    sp->scale = mere_malloc(rest, sizeof *sp->scale);
    sp->column = mere_malloc(rest, sizeof *sp->column);
    sp->n_chunk = plan->factor[0].k > CHUNK ? plan->factor[0].k : CHUNK;
    sp->chunk = mere_malloc(2 * sp->n_chunk * border, sizeof *sp->chunk);
    if (!sp->n || !sp->s || !sp->t || !sp->g || !sp->nb || !sp->tb || !sp->gb || !sp->y || !sp->place ||
        !sp->row_factor || !sp->scale || !sp->column ||
        !sp->chunk)
        return MERE_ERR_MEMORY;
    for (int64_t j = 0; j < rest; j++)
        sp->place[j] = -1;
    for (int64_t f = 1; f < plan->n_factor; f++)
        for (int64_t j = 0; j < plan->factor[f].k * plan->factor[f].q; j++)
            sp->row_factor[plan->factor[f].first + j] = (int32_t)f;
    return MERE_OK;
}

mere_status mere_sparse_new(const mere_plan *plan, mere_sparse **out)
{
    *out = NULL;
    mere_sparse *sp = mere_calloc(1, sizeof *sp);
    if (!sp)
        return MERE_ERR_MEMORY;
    mere_status status = prepare(plan, sp);
    if (!status && !(status = mere_cholmod_start(&sp->common))) {
        sp->started = 1;
        sp->factor = mere_symbolic_copy(plan->symbolic, &sp->common);
        sp->rhs = cholmod_zeros((size_t)plan->rest, (size_t)plan->border, CHOLMOD_REAL, &sp->common);
        if (!sp->factor || !sp->rhs)
            status = mere_cholmod_failure(&sp->common);
    }
    if (status) {
        mere_sparse_free(sp);
        return status;
    }
    *out = sp;
    return MERE_OK;
}

void mere_sparse_free(mere_sparse *sp)
{
    if (!sp)
        return;
    if (sp->started) {
        cholmod_free_factor(&sp->factor, &sp->common);
        cholmod_free_dense(&sp->rhs, &sp->common);
        cholmod_free_dense(&sp->px, &sp->common);
        cholmod_free_dense(&sp->solved, &sp->common);
        cholmod_free_dense(&sp->space_y, &sp->common);
        cholmod_free_dense(&sp->space_e, &sp->common);
        cholmod_finish(&sp->common);
    }
    mere_free(sp->n);
    mere_free(sp->s);
    mere_free(sp->t);
    mere_free(sp->g);
    mere_free(sp->nb);
    mere_free(sp->tb);
    mere_free(sp->gb);
    mere_free(sp->y);
    mere_free(sp->v);
    mere_free(sp->panel);
    mere_free(sp->super_of);
    mere_free(sp->position);
    mere_free(sp->place);
    mere_free(sp->row_factor);
    mere_free(sp->scale);
    mere_free(sp->column);
    mere_free(sp->chunk);
    mere_free(sp);
}

/* ------------------------------------------------------------------ N */

static void fill_n(mere_work *work)
{
    const mere_plan *plan = work->plan;
    mere_sparse *sp = work->sparse;
    int64_t p = plan->p, border = plan->border;
    memset(sp->n, 0, (size_t)plan->pattern->nnz * sizeof(double));
    for (int64_t f = 1; f < plan->n_factor; f++) {
        const mere_factor *factor = &plan->factor[f];
        const mere_values *values = &work->values[f];
        const mere_cross *cross = &factor->cross;
        int64_t k = factor->k;
        for (int64_t l = 0; l < factor->q; l++)
            for (int64_t c = 0; c < k; c++) {
                int64_t j = factor->first + l * k + c, at = plan->pattern->ptr[j], width;
                double *nb = sp->nb + j * border;
                for (int64_t r = c; r < k; r++) /* the diagonal block comes first in its column */
                    sp->n[at + r - c] = values->diag[(l * k + c) * k + r];
                width = cross->ptr[l + 1] - cross->ptr[l];
                for (int64_t i = 0, s = at; i < width; i++) {
                    while (plan->pattern->row[s] != cross->row[cross->ptr[l] + i])
                        s++;
                    sp->n[s] = values->val[k * cross->ptr[l] + c * width + i];
                }
                for (int64_t i = 0; i < p; i++)
                    nb[i] = values->zx[(l * k + c) * p + i];
                nb[p] = work->zy[factor->u_first + l * k + c];
            }
    }
    for (int64_t j = 0; j < p; j++) {
        for (int64_t i = j; i < p; i++)
            work->n[i + j * border] = work->xx[i + j * p];
        work->n[p + j * border] = work->xy[j];
    }
    work->n[border * border - 1] = work->yy;
}

/* Rows of the rest, column by column: one column at a time lies open as a dense vector, small enough for the first cache. */
MERE_CLONES static void subtract_columns(mere_work *work)
{
    const mere_plan *plan = work->plan;
    const mere_pattern *pattern = plan->pattern;
    const mere_cross *first = &plan->factor[0].cross;
    const mere_sparse *sp = work->sparse;
    double *restrict open = sp->column;
    int64_t k = plan->factor[0].k, border = plan->border;
    for (int64_t j = 0; j < plan->rest; j++) {
        for (int64_t s = pattern->ptr[j]; s < pattern->ptr[j + 1]; s++)
            open[pattern->row[s]] = sp->n[s];
        for (int64_t h = pattern->holder_ptr[j]; h < pattern->holder_ptr[j + 1]; h++) {
            int64_t l = pattern->level[h], from = pattern->place[h], at = first->ptr[l], width = first->ptr[l + 1] - at;
            const double *restrict b = work->b + k * (at + l * border);
            const int32_t *restrict row = first->row + at;
            for (int64_t c = 0; c < k; c++) {
                const double *restrict x = b + c * (width + border);
                double xj = x[from];
                for (int64_t i = from; i < width; i++)
                    open[row[i]] -= xj * x[i];
            }
        }
        for (int64_t s = pattern->ptr[j]; s < pattern->ptr[j + 1]; s++)
            sp->n[s] = open[pattern->row[s]];
    }
}

int64_t mere_border_chunk(const mere_work *work, const double *a, int64_t l)
{
    const mere_plan *plan = work->plan;
    const mere_cross *first = &plan->factor[0].cross;
    int64_t k = plan->factor[0].k, border = plan->border, columns = 0;
    for (; l < plan->factor[0].q && columns + k <= work->sparse->n_chunk; l++) {
        int64_t width = first->ptr[l + 1] - first->ptr[l];
        const double *xb = a + k * (first->ptr[l] + l * border) + width;
        for (int64_t c = 0; c < k; c++, columns++)
            memcpy(work->sparse->chunk + columns * border, xb + c * (width + border), (size_t)border * sizeof *xb);
    }
    return columns;
}

/* The border, level by level; its corner many levels at once. */
MERE_CLONES static void subtract_border(mere_work *work)
{
    const mere_plan *plan = work->plan;
    const mere_cross *first = &plan->factor[0].cross;
    const mere_sparse *sp = work->sparse;
    int64_t k = plan->factor[0].k, border = plan->border;
    for (int64_t l = 0; l < plan->factor[0].q; l++) {
        int64_t at = first->ptr[l], width = first->ptr[l + 1] - at;
        const int32_t *row = first->row + at;
        const double *b = work->b + k * (at + l * border);
        for (int64_t c = 0; c < k; c++) {
            const double *restrict x = b + c * (width + border), *restrict xb = x + width;
            for (int64_t j = 0; j < width; j++) {
                double xj = x[j], *restrict nb = sp->nb + (int64_t)row[j] * border;
                for (int64_t i = 0; i < border; i++)
                    nb[i] -= xj * xb[i];
            }
        }
    }
    const double minus = -1.0, one = 1.0;
    int m = (int)border, columns;
    for (int64_t l = 0; (columns = (int)mere_border_chunk(work, work->b, l)) > 0; l += columns / k)
        dsyrk_("L", "N", &m, &columns, &minus, sp->chunk, &m, &one, work->n, &m);
}

/* ------------------------------------------------------------------ the factor */

mere_status mere_sparse_solve(mere_sparse *sp, int system, const cholmod_dense *rhs, cholmod_dense **out)
{
    cholmod_dense b = *rhs;
    return cholmod_solve2(system, sp->factor, &b, NULL, out, NULL, &sp->space_y, &sp->space_e, &sp->common)
               ? MERE_OK
               : mere_cholmod_failure(&sp->common);
}

/* 2 sum log of the diagonal of L; -infinity never, NaN if it is not positive. */
static double log_diagonal(const cholmod_factor *l)
{
    const double *x = l->x;
    double sum = 0.0;
    if (l->is_super) {
        const int *super = l->super, *pi = l->pi, *px = l->px;
        for (size_t s = 0; s < l->nsuper; s++) {
            int nrow = pi[s + 1] - pi[s];
            for (int c = 0; c < super[s + 1] - super[s]; c++)
                sum += log(x[px[s] + c * (nrow + 1)]);
        }
    } else {
        const int *p = l->p;
        for (size_t j = 0; j < l->n; j++)
            sum += log(x[p[j]]);
    }
    return 2.0 * sum;
}

/* Y = L^-1 P Lambda' N_rb for `columns` right-hand sides in `from` (rest x columns, leading dimension 1 per row). */
mere_status mere_sparse_forward(mere_work *work, cholmod_dense *rhs, cholmod_dense **out)
{
    mere_sparse *sp = work->sparse;
    mere_status status = mere_sparse_solve(sp, CHOLMOD_P, rhs, &sp->px);
    return status ? status : mere_sparse_solve(sp, CHOLMOD_L, sp->px, out);
}

static mere_status factor_border(mere_work *work)
{
    const mere_plan *plan = work->plan;
    mere_sparse *sp = work->sparse;
    int64_t border = plan->border, rest = plan->rest;
    const double one = 1.0, minus = -1.0;
    double *x = sp->rhs->x;
    mere_status status;
    for (int64_t j = 0; j < rest; j++)
        for (int64_t i = 0; i < border; i++)
            x[j + i * rest] = sp->nb[i + j * border];
    for (int64_t i = 0; i < border; i++)
        mere_rest_scale(work, x + i * rest, 1, 1);
    if ((status = mere_sparse_forward(work, sp->rhs, &sp->solved)))
        return status;
    memcpy(sp->y, sp->solved->x, (size_t)(rest * border) * sizeof(double));
    memcpy(work->s, work->n, (size_t)(border * border) * sizeof(double));
    int rows = (int)rest, columns = (int)border;
    dsyrk_("L", "T", &columns, &rows, &minus, sp->y, &rows, &one, work->s, &columns);
    int64_t failed = mere_chol(border, work->s, border);
    if (failed)
        return failed == border ? MERE_ERR_PERFECT_FIT : MERE_ERR_NOT_POSITIVE;
    work->ld_x = 0.0;
    for (int64_t j = 0; j < border - 1; j++)
        work->ld_x += 2.0 * log(work->s[j * (border + 1)]);
    work->rho = work->s[border * border - 1] * work->s[border * border - 1];
    return MERE_OK;
}

mere_status mere_sparse_factor(mere_work *work)
{
    const mere_plan *plan = work->plan;
    mere_sparse *sp = work->sparse;
    fill_n(work);
    subtract_columns(work);
    subtract_border(work);
    mere_pattern_scale(work, sp->n, sp->s, 0);
    for (int64_t j = 0; j < plan->rest; j++)
        sp->s[plan->pattern->ptr[j]] += 1.0;
    mere_status status = mere_symbolic_factor(plan, sp->s, sp->t, sp->factor, &sp->common);
    if (status)
        return status;
    double log_det = log_diagonal(sp->factor);
    if (!isfinite(log_det))
        return MERE_ERR_NOT_POSITIVE;
    work->ld_re += log_det;
    return factor_border(work);
}

mere_status mere_sparse_solution(mere_work *work, double *v)
{
    const mere_plan *plan = work->plan;
    mere_sparse *sp = work->sparse;
    int64_t border = plan->border, rest = plan->rest, p = plan->p;
    double *beta = v + rest;
    mere_status status;
    for (int64_t j = 0; j < p; j++)
        beta[j] = work->s[p + j * border];
    mere_lower_solve(p, work->s, border, 1, 1, beta, p);
    cholmod_dense rhs = *sp->rhs;
    rhs.ncol = 1;
    double *x = sp->rhs->x;
    memcpy(x, sp->y + p * rest, (size_t)rest * sizeof(double));
    for (int64_t j = 0; j < p; j++)
        for (int64_t i = 0; i < rest; i++)
            x[i] -= sp->y[i + j * rest] * beta[j];
    if ((status = mere_sparse_solve(sp, CHOLMOD_Lt, &rhs, &sp->px)) || (status = mere_sparse_solve(sp, CHOLMOD_Pt, sp->px, &sp->solved)))
        return status;
    memcpy(v, sp->solved->x, (size_t)rest * sizeof(double));
    return MERE_OK;
}

void mere_sparse_times(const mere_work *work, const double *v, double *out)
{
    const mere_plan *plan = work->plan;
    const mere_sparse *sp = work->sparse;
    const int32_t *ptr = plan->pattern->ptr, *row = plan->pattern->row;
    memset(out, 0, (size_t)plan->rest * sizeof *out);
    for (int64_t j = 0; j < plan->rest; j++) {
        double sum = sp->n[ptr[j]] * v[j];
        for (int64_t s = ptr[j] + 1; s < ptr[j + 1]; s++) {
            sum += sp->n[s] * v[row[s]];
            out[row[s]] += sp->n[s] * v[j];
        }
        out[j] += sum + mere_dot(plan->border, sp->nb + j * plan->border, v + plan->rest);
    }
}
