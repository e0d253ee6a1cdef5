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
    if (!sp->n || !sp->s || !sp->t || !sp->g || !sp->nb || !sp->tb || !sp->gb || !sp->y || !sp->place ||
        !sp->row_factor || !sp->scale)
        return MERE_ERR_MEMORY;
    for (int64_t j = 0; j < rest; j++)
        sp->place[j] = -1;
    for (int64_t f = 1; f < plan->n_factor; f++)
        for (int64_t j = 0; j < plan->factor[f].k * plan->factor[f].q; j++)
            sp->row_factor[plan->factor[f].first + j] = (int32_t)f;
    sp->matrix = (cholmod_sparse){.nrow = (size_t)rest, .ncol = (size_t)rest, .nzmax = (size_t)nnz,
                                  .p = plan->pattern->ptr, .i = plan->pattern->row, .x = sp->s, .stype = -1,
                                  .itype = CHOLMOD_INT, .xtype = CHOLMOD_REAL, .dtype = CHOLMOD_DOUBLE, .sorted = 1,
                                  .packed = 1};
    return MERE_OK;
}

static mere_status cholmod_failure(const mere_sparse *sp)
{
    return sp->common.status == CHOLMOD_OUT_OF_MEMORY ? MERE_ERR_MEMORY : MERE_ERR_SPARSE;
}

/* The orderings are tried and the symbolic factor is made. */
static mere_status analyze(mere_sparse *sp)
{
    if (!cholmod_start(&sp->common))
        return MERE_ERR_SPARSE;
    sp->started = 1;
    sp->common.print = 0;
    sp->common.error_handler = NULL;
#ifdef MERE_CHOLMOD_NTHREADS
    sp->common.nthreads_max = 1;
#endif
    sp->common.supernodal = CHOLMOD_AUTO;
    sp->common.final_ll = 1;
    sp->common.quick_return_if_not_posdef = 1;
    sp->factor = cholmod_analyze(&sp->matrix, &sp->common);
    return sp->factor ? MERE_OK : cholmod_failure(sp);
}

mere_status mere_sparse_new(const mere_plan *plan, mere_sparse **out)
{
    *out = NULL;
    mere_sparse *sp = mere_calloc(1, sizeof *sp);
    if (!sp)
        return MERE_ERR_MEMORY;
    mere_status status = prepare(plan, sp);
    if (!status)
        status = analyze(sp);
    if (!status) {
        sp->rhs = cholmod_zeros((size_t)plan->rest, (size_t)plan->border, CHOLMOD_REAL, &sp->common);
        if (!sp->rhs)
            status = cholmod_failure(sp);
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
    mere_free(sp->entry);
    mere_free(sp->place);
    mere_free(sp->row_factor);
    mere_free(sp->scale);
    mere_free(sp);
}

/* Costs in nanoseconds: a dense flop at 25 GFlop/s, one of a supernode at 12, of a single column at 2.5; the inverse is twice
 * the factor again in each way. */
mere_status mere_sparse_decide(mere_plan *plan, int choice)
{
    enum { DENSE_LIMIT = 30000 }; /* rows: four matrices of 7 GB are too much for any machine at hand */
    mere_status status = mere_pattern_new(plan, &plan->pattern);
    if (status) {
        if (status == MERE_ERR_TOO_LARGE && choice < 0 && plan->rest < DENSE_LIMIT)
            status = MERE_OK; /* dense after all */
        return status;
    }
    double m = (double)plan->rest, dense = m * m * m / 3.0 / 25.0 + m * m * 0.5, sparse = 0.0;
    if (choice < 0 && plan->rest < DENSE_LIMIT) {
        mere_sparse *sp = mere_calloc(1, sizeof *sp);
        if (!sp)
            return MERE_ERR_MEMORY;
        if (!(status = prepare(plan, sp)) && !(status = analyze(sp)))
            sparse = sp->common.fl / (sp->factor->is_super ? 12.0 : 2.5) + sp->common.lnz * 4.0 + (double)plan->pattern->nnz * 4.0 + 2e4;
        mere_sparse_free(sp);
        if (status)
            return status;
    }
    plan->sparse = choice > 0 || sparse < dense;
    if (!plan->sparse) {
        mere_pattern_free(plan->pattern);
        plan->pattern = NULL;
    }
    return MERE_OK;
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

MERE_CLONES static void subtract_levels(mere_work *work)
{
    const mere_plan *plan = work->plan;
    const mere_cross *first = &plan->factor[0].cross;
    const mere_sparse *sp = work->sparse;
    double *restrict n = sp->n, *restrict corner = work->n;
    int64_t k = plan->factor[0].k, border = plan->border;
    for (int64_t l = 0; l < plan->factor[0].q; l++) {
        int64_t width = first->ptr[l + 1] - first->ptr[l], m = width + border;
        const int32_t *row = first->row + first->ptr[l];
        const double *b = work->b + k * (first->ptr[l] + l * border);
        for (int64_t c = 0; c < k; c++) {
            const double *restrict x = b + c * m;
            const int32_t *restrict pair = plan->pattern->pair + plan->pattern->pair_ptr[l];
            for (int64_t j = 0; j < width; pair += width - j++) {
                double xj = x[j], *restrict nb = sp->nb + (int64_t)row[j] * border;
#pragma omp simd /* the rows of a level differ */
                for (int64_t i = 0; i < width - j; i++)
                    n[pair[i]] -= xj * x[j + i];
                for (int64_t i = 0; i < border; i++)
                    nb[i] -= xj * x[width + i];
            }
            for (int64_t j = 0; j < border; j++) {
                double xj = x[width + j], *restrict column = corner + j * border;
                for (int64_t i = j; i < border; i++)
                    column[i] -= x[width + i] * xj;
            }
        }
    }
}

/* ------------------------------------------------------------------ the factor */

mere_status mere_sparse_solve(mere_sparse *sp, int system, const cholmod_dense *rhs, cholmod_dense **out)
{
    cholmod_dense b = *rhs;
    return cholmod_solve2(system, sp->factor, &b, NULL, out, NULL, &sp->space_y, &sp->space_e, &sp->common)
               ? MERE_OK
               : cholmod_failure(sp);
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

/* CHOLMOD before 4 asks OpenMP for four threads at every supernode, whatever its user has set: waking them takes longer
 * than the work. Zero active levels make every parallel region run on its caller. */
#ifndef MERE_CHOLMOD_NTHREADS
#pragma weak omp_get_max_active_levels
#pragma weak omp_set_max_active_levels
int omp_get_max_active_levels(void);
void omp_set_max_active_levels(int levels);

static int factorize(mere_sparse *sp)
{
    int known = omp_get_max_active_levels && omp_set_max_active_levels, levels = known ? omp_get_max_active_levels() : 0;
    if (known)
        omp_set_max_active_levels(0);
    int done = cholmod_factorize(&sp->matrix, sp->factor, &sp->common);
    if (known)
        omp_set_max_active_levels(levels);
    return done;
}
#else
static int factorize(mere_sparse *sp)
{
    return cholmod_factorize(&sp->matrix, sp->factor, &sp->common);
}
#endif

mere_status mere_sparse_factor(mere_work *work)
{
    const mere_plan *plan = work->plan;
    mere_sparse *sp = work->sparse;
    fill_n(work);
    subtract_levels(work);
    mere_pattern_scale(work, sp->n, sp->s, 0);
    for (int64_t j = 0; j < plan->rest; j++)
        sp->s[plan->pattern->ptr[j]] += 1.0;
    if (!factorize(sp))
        return cholmod_failure(sp);
    if (sp->common.status == CHOLMOD_NOT_POSDEF || sp->factor->minor < sp->factor->n)
        return MERE_ERR_NOT_POSITIVE;
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
