/* sparse.c - the Schur complement by CHOLMOD, and the inverse on its pattern.
 *
 * S = Lambda_r' N Lambda_r + I on the fixed pattern of pattern.c, P S P' = L L' by CHOLMOD (analysed once, values
 * overwritten), bordered by X and y: Y = L^-1 P Lambda_r' N_rb, R R' = N_bb - Y'Y (dense, in work->s).
 * The gradient needs T = [S's border factor]^-T diag(w) [..]^-1 on the pattern only:
 *   T_rr = V + Q diag(w_b) Q',  T_rb = -Q diag(w_b) R^-1,  T_bb = R^-T diag(w_b) R^-1,   Q = P' L^-T Y R^-T,
 * with V the entries of S^-1 on the pattern of L by Takahashi's recursion, one supernode (or column) at a time from the
 * last (Takahashi, Fagan & Chin 1973; Erisman & Tinney 1975).
 */
#include "sparse.h"

#include <math.h>
#include <string.h>

#include "config.h"
#include "dense.h"
#include "memory.h"
#include "pattern.h"

#include MERE_CHOLMOD_HEADER

struct mere_sparse {
    cholmod_common common;
    int started;
    cholmod_sparse matrix; /* a view of pattern and s */
    cholmod_factor *factor;
    cholmod_dense *rhs, *px, *solved, *space_y, *space_e;
    double *n, *s, *t, *g;           /* on the pattern */
    double *nb, *tb, *gb;            /* border x rest: rows X and y */
    double *y;                       /* rest x border, permuted: Y */
    double *v;                       /* the inverse on the pattern of L, laid out as L */
    double *panel;                   /* for one supernode or column */
    int64_t *place;                  /* row -> place, -1 elsewhere */
    int32_t *row_factor;             /* row of the rest -> factor */
};

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
    if (!sp->n || !sp->s || !sp->t || !sp->g || !sp->nb || !sp->tb || !sp->gb || !sp->y || !sp->place ||
        !sp->row_factor)
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
    mere_free(sp->place);
    mere_free(sp->row_factor);
    mere_free(sp);
}

/* Costs in nanoseconds: a dense flop at 25 GFlop/s, a sparse one at 2.5; the dense inverse is twice the factor again. */
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
            sparse = sp->common.fl / 2.5 + sp->common.lnz * 4.0 + (double)plan->pattern->nnz * 4.0 + 2e4;
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
        const mere_cross *cross = &factor->cross;
        int64_t k = factor->k;
        for (int64_t l = 0; l < factor->q; l++)
            for (int64_t c = 0; c < k; c++) {
                int64_t j = factor->first + l * k + c, at = plan->pattern->ptr[j], width;
                double *nb = sp->nb + j * border;
                for (int64_t r = c; r < k; r++) /* the diagonal block comes first in its column */
                    sp->n[at + r - c] = factor->diag[(l * k + c) * k + r];
                width = cross->ptr[l + 1] - cross->ptr[l];
                for (int64_t i = 0, s = at; i < width; i++) {
                    while (plan->pattern->row[s] != cross->row[cross->ptr[l] + i])
                        s++;
                    sp->n[s] = cross->val[k * cross->ptr[l] + c * width + i];
                }
                for (int64_t i = 0; i < p; i++)
                    nb[i] = factor->zx[(l * k + c) * p + i];
                nb[p] = work->zy[factor->u_first + l * k + c];
            }
    }
    for (int64_t j = 0; j < p; j++) {
        for (int64_t i = j; i < p; i++)
            work->n[i + j * border] = plan->xx[i + j * p];
        work->n[p + j * border] = work->xy[j];
    }
    work->n[border * border - 1] = work->yy;
}

static void subtract_levels(mere_work *work)
{
    const mere_plan *plan = work->plan;
    const mere_cross *first = &plan->factor[0].cross;
    mere_sparse *sp = work->sparse;
    int64_t k = plan->factor[0].k, border = plan->border;
    for (int64_t l = 0; l < plan->factor[0].q; l++) {
        int64_t width = first->ptr[l + 1] - first->ptr[l], m = width + border;
        const int32_t *row = first->row + first->ptr[l];
        const double *b = work->b + k * (first->ptr[l] + l * border);
        for (int64_t c = 0; c < k; c++) {
            const double *x = b + c * m;
            const int32_t *pair = plan->pattern->pair + plan->pattern->pair_ptr[l];
            for (int64_t j = 0; j < width; j++) {
                double xj = x[j], *nb = sp->nb + (int64_t)row[j] * border;
                for (int64_t i = j; i < width; i++)
                    sp->n[*pair++] -= xj * x[i];
                for (int64_t i = 0; i < border; i++)
                    nb[i] -= xj * x[width + i];
            }
            for (int64_t j = 0; j < border; j++)
                for (int64_t i = j; i < border; i++)
                    work->n[i + j * border] -= x[width + i] * x[width + j];
        }
    }
}

/* ------------------------------------------------------------------ Lambda around a matrix on the pattern */

/* out (ki x kj) = left' m right (or left m right' with `transpose`); left, right lower triangular. */
static void sandwich(int64_t ki, int64_t kj, const double *left, const double *right, int transpose, const double *m,
                     double *space, double *out)
{
    for (int64_t j = 0; j < kj; j++)
        for (int64_t i = 0; i < ki; i++) {
            double sum = 0.0;
            for (int64_t r = transpose ? 0 : j; r < (transpose ? j + 1 : kj); r++)
                sum += m[i + r * ki] * (transpose ? right[j + r * kj] : right[r + j * kj]);
            space[i + j * ki] = sum;
        }
    for (int64_t j = 0; j < kj; j++)
        for (int64_t i = 0; i < ki; i++) {
            double sum = 0.0;
            for (int64_t r = transpose ? 0 : i; r < (transpose ? i + 1 : ki); r++)
                sum += (transpose ? left[i + r * ki] : left[r + i * ki]) * space[r + j * ki];
            out[i + j * ki] = sum;
        }
}

/* Block (I, J) of a lower triangle on the pattern: ki rows from offset `at` in the first of kj columns. */
static void get_block(const mere_pattern *pattern, const double *x, int64_t j, int64_t kj, int64_t at, int64_t ki,
                      double *m)
{
    for (int64_t c = 0; c < kj; c++)
        for (int64_t i = 0; i < ki; i++)
            if (at + i >= c)
                m[i + c * ki] = x[pattern->ptr[j + c] + at + i - c];
    if (at == 0)
        for (int64_t c = 0; c < kj; c++)
            for (int64_t i = 0; i < c; i++)
                m[i + c * ki] = m[c + i * ki];
}

static void put_block(const mere_pattern *pattern, double *x, int64_t j, int64_t kj, int64_t at, int64_t ki,
                      const double *m)
{
    for (int64_t c = 0; c < kj; c++)
        for (int64_t i = 0; i < ki; i++)
            if (at + i >= c)
                x[pattern->ptr[j + c] + at + i - c] = m[i + c * ki];
}

/* Walks the blocks of the pattern. */
typedef struct {
    int64_t f, l, j, kj; /* column block */
    int64_t g, at, ki;   /* row block, its offset in the block's first column */
} block_walk;

static int next_block(const mere_work *work, block_walk *b)
{
    const mere_plan *plan = work->plan;
    if (b->kj) {
        b->at += b->ki;
        if (b->at >= plan->pattern->ptr[b->j + 1] - plan->pattern->ptr[b->j]) {
            b->at = 0;
            if (++b->l == plan->factor[b->f].q) {
                b->l = 0;
                b->f++;
            }
        }
    }
    if (b->f >= plan->n_factor)
        return 0;
    b->kj = plan->factor[b->f].k;
    b->j = plan->factor[b->f].first + b->l * b->kj;
    b->g = work->sparse->row_factor[plan->pattern->row[plan->pattern->ptr[b->j] + b->at]];
    b->ki = plan->factor[b->g].k;
    return 1;
}

static void scale_pattern(const mere_work *work, const double *src, double *dst, int transpose)
{
    const mere_pattern *pattern = work->plan->pattern;
    block_walk b = {.f = 1};
    double *m = work->scratch;
    while (next_block(work, &b)) {
        const double *left = work->lambda + work->lambda_first[b.g], *right = work->lambda + work->lambda_first[b.f];
        if (b.ki == 1 && b.kj == 1) {
            int64_t s = pattern->ptr[b.j] + b.at;
            dst[s] = src[s] * left[0] * right[0];
            continue;
        }
        double *space = m + b.ki * b.kj, *out = space + b.ki * b.kj;
        get_block(pattern, src, b.j, b.kj, b.at, b.ki, m);
        sandwich(b.ki, b.kj, left, right, transpose, m, space, out);
        put_block(pattern, dst, b.j, b.kj, b.at, b.ki, out);
    }
}

/* x (k) = Lambda'x or Lambda x for every level of the rest; x has leading dimension 1 for rows of a vector. */
static void scale_vector(const mere_work *work, double *x, int64_t stride, int transpose)
{
    const mere_plan *plan = work->plan;
    for (int64_t f = 1; f < plan->n_factor; f++) {
        int64_t k = plan->factor[f].k;
        const double *lam = work->lambda + work->lambda_first[f];
        for (int64_t l = 0; l < plan->factor[f].q; l++) {
            double *v = x + (plan->factor[f].first + l * k) * stride;
            for (int64_t s = 0; s < k; s++) {
                int64_t i = transpose ? s : k - 1 - s;
                double sum = 0.0;
                for (int64_t r = transpose ? i : 0; r < (transpose ? k : i + 1); r++)
                    sum += (transpose ? lam[r + i * k] : lam[i + r * k]) * v[r * stride];
                v[i * stride] = sum;
            }
        }
    }
}

/* ------------------------------------------------------------------ the factor */

static mere_status solve(mere_sparse *sp, int system, const cholmod_dense *rhs, cholmod_dense **out)
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
static mere_status forward(mere_work *work, cholmod_dense *rhs, cholmod_dense **out)
{
    mere_sparse *sp = work->sparse;
    mere_status status = solve(sp, CHOLMOD_P, rhs, &sp->px);
    return status ? status : solve(sp, CHOLMOD_L, sp->px, out);
}

static mere_status factor_border(mere_work *work)
{
    const mere_plan *plan = work->plan;
    mere_sparse *sp = work->sparse;
    int64_t border = plan->border, rest = plan->rest;
    double *x = sp->rhs->x;
    mere_status status;
    for (int64_t j = 0; j < rest; j++)
        for (int64_t i = 0; i < border; i++)
            x[j + i * rest] = sp->nb[i + j * border];
    for (int64_t i = 0; i < border; i++)
        scale_vector(work, x + i * rest, 1, 1);
    if ((status = forward(work, sp->rhs, &sp->solved)))
        return status;
    memcpy(sp->y, sp->solved->x, (size_t)(rest * border) * sizeof(double));
    for (int64_t j = 0; j < border; j++)
        for (int64_t i = j; i < border; i++)
            work->s[i + j * border] =
                work->n[i + j * border] - mere_dot(rest, sp->y + i * rest, sp->y + j * rest);
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
    subtract_levels(work);
    scale_pattern(work, sp->n, sp->s, 0);
    for (int64_t j = 0; j < plan->rest; j++)
        sp->s[plan->pattern->ptr[j]] += 1.0;
    if (!cholmod_factorize(&sp->matrix, sp->factor, &sp->common))
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
    if ((status = solve(sp, CHOLMOD_Lt, &rhs, &sp->px)) || (status = solve(sp, CHOLMOD_Pt, sp->px, &sp->solved)))
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

/* ------------------------------------------------------------------ the inverse on the pattern of L */

static mere_status takahashi_columns(mere_sparse *sp)
{
    const cholmod_factor *l = sp->factor;
    const int *p = l->p, *i = l->i, *nz = l->nz;
    const double *x = l->x;
    double *w = sp->panel; /* n: the column scaled by its pivot; then the sums */
    double *acc = w + l->n;
    for (int64_t j = (int64_t)l->n - 1; j >= 0; j--) {
        int64_t from = p[j], to = p[j] + nz[j];
        double pivot = x[from], own = 1.0 / (pivot * pivot);
        for (int64_t s = from + 1; s < to; s++) {
            sp->place[i[s]] = s;
            w[i[s]] = x[s] / pivot;
            acc[i[s]] = 0.0;
        }
        for (int64_t s = from + 1; s < to; s++) {
            int64_t k = i[s];
            double wk = w[k], sum = sp->v[p[k]] * wk;
            for (int64_t r = p[k] + 1; r < p[k] + nz[k]; r++)
                if (sp->place[i[r]] >= 0) {
                    sum += sp->v[r] * w[i[r]];
                    acc[i[r]] += sp->v[r] * wk;
                }
            acc[k] += sum;
        }
        for (int64_t s = from + 1; s < to; s++) {
            sp->v[s] = -acc[i[s]];
            own += w[i[s]] * acc[i[s]];
            sp->place[i[s]] = -1;
        }
        sp->v[from] = own;
    }
    return MERE_OK;
}

/* V_RR of supernode s from the supernodes above: its rows below the diagonal block, a symmetric nr x nr matrix. */
static void gather_above(const mere_sparse *sp, const int *super_of, int64_t s, int64_t nc, int64_t nr, double *vrr)
{
    const cholmod_factor *l = sp->factor;
    const int *super = l->super, *pi = l->pi, *px = l->px, *si = l->s, *rows = si + pi[s] + nc;
    for (int64_t c = 0; c < nr; c++) {
        int64_t t = super_of[rows[c]], height = pi[t + 1] - pi[t];
        const int *above = si + pi[t];
        const double *column = sp->v + px[t] + (rows[c] - super[t]) * height;
        for (int64_t r = c, at = rows[c] - super[t]; r < nr; r++) {
            while (above[at] != rows[r])
                at++;
            vrr[r + c * nr] = vrr[c + r * nr] = column[at];
        }
    }
}

static mere_status takahashi_super(mere_sparse *sp)
{
    const cholmod_factor *l = sp->factor;
    const int *super = l->super, *pi = l->pi, *px = l->px;
    int *super_of = mere_malloc((int64_t)l->n, sizeof *super_of);
    if (!super_of)
        return MERE_ERR_MEMORY;
    for (size_t s = 0; s < l->nsuper; s++)
        for (int j = super[s]; j < super[s + 1]; j++)
            super_of[j] = (int)s;
    const double one = 1.0, zero = 0.0, minus = -1.0;
    for (int64_t s = (int64_t)l->nsuper - 1; s >= 0; s--) {
        int nc = super[s + 1] - super[s], height = pi[s + 1] - pi[s], nr = height - nc, info;
        double *v = sp->v + px[s], *w = sp->panel, *vrr = w + (int64_t)nr * nc;
        const double *x = (const double *)l->x + px[s];
        memcpy(v, x, (size_t)height * (size_t)nc * sizeof(double));
        if (nr) { /* w = L_RJ L_JJ^-1; V_RJ = -V_RR w */
            for (int64_t c = 0; c < nc; c++)
                memcpy(w + c * nr, x + c * height + nc, (size_t)nr * sizeof(double));
            dtrsm_("R", "L", "N", "N", &nr, &nc, &one, x, &height, w, &nr);
            gather_above(sp, super_of, s, nc, nr, vrr);
            dgemm_("N", "N", &nr, &nc, &nr, &minus, vrr, &nr, w, &nr, &zero, v + nc, &height);
        }
        dpotri_("L", &nc, v, &height, &info); /* (L_JJ L_JJ')^-1, then - w'V_RJ */
        if (info) {
            mere_free(super_of);
            return MERE_ERR_NOT_POSITIVE;
        }
        if (nr)
            for (int64_t c = 0; c < nc; c++)
                for (int64_t r = c; r < nc; r++)
                    v[r + c * height] -= mere_dot(nr, w + r * nr, v + nc + c * height);
    }
    mere_free(super_of);
    return MERE_OK;
}

static mere_status inverse_on_factor(mere_sparse *sp)
{
    const cholmod_factor *l = sp->factor;
    int64_t size = l->is_super ? (int64_t)l->xsize : (int64_t)l->nzmax, panel = 2 * (int64_t)l->n;
    if (l->is_super)
        for (size_t s = 0; s < l->nsuper; s++) {
            int64_t height = ((const int *)l->pi)[s + 1] - ((const int *)l->pi)[s];
            panel = height * height > panel ? height * height : panel;
        }
    if (!sp->v) {
        sp->v = mere_calloc(size, sizeof *sp->v);
        sp->panel = mere_calloc(panel, sizeof *sp->panel);
        if (!sp->v || !sp->panel)
            return MERE_ERR_MEMORY;
    }
    return l->is_super ? takahashi_super(sp) : takahashi_columns(sp);
}

/* Place of (row, column), row >= column in the permuted matrix, in L's storage. */
static int64_t find_super(const cholmod_factor *l, const int *super_of, int64_t row, int64_t column)
{
    const int *super = l->super, *pi = l->pi, *px = l->px, *si = l->s;
    int64_t s = super_of[column], low = pi[s], high = pi[s + 1] - 1;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (si[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return px[s] + (column - super[s]) * (pi[s + 1] - pi[s]) + low - pi[s];
}

static int64_t find_column(const cholmod_factor *l, int64_t row, int64_t column)
{
    const int *p = l->p, *i = l->i, *nz = l->nz;
    int64_t low = p[column], high = p[column] + nz[column] - 1;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (i[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* t on the pattern = V, from the factor's storage and order to ours. */
static mere_status collect_inverse(mere_work *work)
{
    const mere_plan *plan = work->plan;
    mere_sparse *sp = work->sparse;
    const cholmod_factor *l = sp->factor;
    const int *perm = l->Perm, *super = l->super;
    int *position = mere_malloc(2 * plan->rest, sizeof *position), *super_of = position + plan->rest;
    if (!position)
        return MERE_ERR_MEMORY;
    for (int64_t j = 0; j < plan->rest; j++)
        position[perm[j]] = (int)j;
    if (l->is_super)
        for (size_t s = 0; s < l->nsuper; s++)
            for (int j = super[s]; j < super[s + 1]; j++)
                super_of[j] = (int)s;
    for (int64_t j = 0; j < plan->rest; j++)
        for (int64_t s = plan->pattern->ptr[j]; s < plan->pattern->ptr[j + 1]; s++) {
            int64_t a = position[plan->pattern->row[s]], b = position[j];
            int64_t row = a > b ? a : b, column = a > b ? b : a;
            sp->t[s] = sp->v[l->is_super ? find_super(l, super_of, row, column) : find_column(l, row, column)];
        }
    mere_free(position);
    return MERE_OK;
}

/* Q diag(w_b) Q' added to t; the border blocks of t. */
static mere_status add_border(mere_work *work, const double *weight)
{
    const mere_plan *plan = work->plan;
    mere_sparse *sp = work->sparse;
    int64_t rest = plan->rest, border = plan->border;
    mere_status status;
    /* R^-1 in t_bb's place, rows scaled by sqrt(w): then t_bb = (.)'(.) */
    double *inverse = work->t, *q;
    memcpy(inverse, work->s, (size_t)(border * border) * sizeof(double));
    double *x = sp->rhs->x;
    memcpy(x, sp->y, (size_t)(rest * border) * sizeof(double));
    if ((status = solve(sp, CHOLMOD_Lt, sp->rhs, &sp->px)) || (status = solve(sp, CHOLMOD_Pt, sp->px, &sp->solved)))
        return status;
    q = sp->solved->x; /* L^-T Y; times R^-T: row i of Q' = R^-1 row i */
    for (int64_t j = 0; j < rest; j++) {
        double *tb = sp->tb + j * border; /* first Q' */
        for (int64_t i = 0; i < border; i++)
            tb[i] = q[j + i * rest];
        mere_lower_solve(border, work->s, border, 0, 1, tb, border);
    }
    for (int64_t j = 0; j < rest; j++) {
        const double *qj = sp->tb + j * border;
        for (int64_t s = plan->pattern->ptr[j]; s < plan->pattern->ptr[j + 1]; s++) {
            const double *qi = sp->tb + plan->pattern->row[s] * border;
            double sum = 0.0;
            for (int64_t b = 0; b < border; b++)
                sum += weight[b] * weight[b] * qi[b] * qj[b];
            sp->t[s] += sum;
        }
    }
    for (int64_t j = 0; j < rest; j++) { /* t_br = -R^-T diag(w) Q' */
        double *tb = sp->tb + j * border;
        for (int64_t b = 0; b < border; b++)
            tb[b] *= -weight[b] * weight[b];
        mere_lower_solve(border, work->s, border, 1, 1, tb, border);
    }
    return mere_weighted_inverse(border, inverse, weight) ? MERE_ERR_NOT_POSITIVE : MERE_OK;
}

mere_status mere_sparse_inverse(mere_work *work, double weight_x, double weight_y)
{
    const mere_plan *plan = work->plan;
    mere_sparse *sp = work->sparse;
    int64_t border = plan->border;
    double *weight = work->scratch;
    mere_status status;
    if ((status = inverse_on_factor(sp)) || (status = collect_inverse(work)))
        return status;
    for (int64_t b = 0; b < border; b++)
        weight[b] = sqrt(b < border - 1 ? weight_x : weight_y);
    if ((status = add_border(work, weight)))
        return status;
    scale_pattern(work, sp->t, sp->g, 1);
    memcpy(sp->gb, sp->tb, (size_t)(border * plan->rest) * sizeof(double));
    for (int64_t b = 0; b < border; b++)
        scale_vector(work, sp->gb + b, border, 0);
    memcpy(work->g, work->t, (size_t)(border * border) * sizeof(double));
    return MERE_OK;
}

double mere_sparse_inverse_entry(const mere_work *work, int64_t i, int64_t j)
{
    const mere_plan *plan = work->plan;
    const mere_sparse *sp = work->sparse;
    if (j >= plan->rest)
        return work->g[i - plan->rest + (j - plan->rest) * plan->border];
    if (i >= plan->rest)
        return sp->gb[i - plan->rest + j * plan->border];
    int64_t low = plan->pattern->ptr[j], high = plan->pattern->ptr[j + 1] - 1;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (plan->pattern->row[middle] < i)
            low = middle + 1;
        else
            high = middle;
    }
    return sp->g[low];
}

/* ------------------------------------------------------------------ derivatives */

void mere_sparse_level(const mere_work *work, int64_t l, const double *a, double *y)
{
    const mere_plan *plan = work->plan;
    const mere_sparse *sp = work->sparse;
    const mere_cross *first = &plan->factor[0].cross;
    int64_t k = plan->factor[0].k, border = plan->border;
    int64_t width = first->ptr[l + 1] - first->ptr[l], m = width + border;
    const int32_t *row = first->row + first->ptr[l];
    memset(y, 0, (size_t)(m * k) * sizeof *y);
    for (int64_t c = 0; c < k; c++) {
        const double *x = a + c * m;
        double *v = y + c * m;
        const int32_t *pair = plan->pattern->pair + plan->pattern->pair_ptr[l];
        for (int64_t j = 0; j < width; j++) {
            const double *gb = sp->gb + (int64_t)row[j] * border;
            double sum = sp->g[*pair++] * x[j];
            for (int64_t i = j + 1; i < width; i++) {
                double gij = sp->g[*pair++];
                sum += gij * x[i];
                v[i] += gij * x[j];
            }
            for (int64_t i = 0; i < border; i++) {
                sum += gb[i] * x[width + i];
                v[width + i] += gb[i] * x[j];
            }
            v[j] += sum;
        }
        for (int64_t j = 0; j < border; j++)
            for (int64_t i = 0; i < border; i++)
                v[width + i] += (i >= j ? work->g[i + j * border] : work->g[j + i * border]) * x[width + j];
    }
}

/* G_f += sum over blocks: N_IJ' Lambda_I T_IJ to the column's factor, N_IJ Lambda_J T_IJ' to the row's. */
void mere_sparse_rest_gradient(mere_work *work)
{
    const mere_plan *plan = work->plan;
    const mere_sparse *sp = work->sparse;
    int64_t border = plan->border;
    block_walk b = {.f = 1};
    double *n = work->scratch;
    while (next_block(work, &b)) {
        int64_t ki = b.ki, kj = b.kj;
        const double *li = work->lambda + work->lambda_first[b.g], *lj = work->lambda + work->lambda_first[b.f];
        double *gi = work->grad_lambda + work->lambda_first[b.g], *gj = work->grad_lambda + work->lambda_first[b.f];
        double *t = n + ki * kj, *lt = t + ki * kj;
        get_block(plan->pattern, sp->n, b.j, kj, b.at, ki, n);
        get_block(plan->pattern, sp->t, b.j, kj, b.at, ki, t);
        for (int64_t c = 0; c < kj; c++) /* Lambda_I T */
            for (int64_t i = 0; i < ki; i++) {
                double sum = 0.0;
                for (int64_t r = 0; r <= i; r++)
                    sum += li[i + r * ki] * t[r + c * ki];
                lt[i + c * ki] = sum;
            }
        for (int64_t c = 0; c < kj; c++)
            for (int64_t r = 0; r < kj; r++)
                gj[r + c * kj] += mere_dot(ki, n + r * ki, lt + c * ki);
        if (b.at == 0) { /* the diagonal block counts once; the border's rows with it */
            for (int64_t c = 0; c < kj; c++)
                for (int64_t r = 0; r < kj; r++)
                    gj[r + c * kj] += mere_dot(border, sp->nb + (b.j + r) * border, sp->tb + (b.j + c) * border);
            continue;
        }
        for (int64_t i = 0; i < ki; i++) /* Lambda_J T' (kj x ki) */
            for (int64_t c = 0; c < kj; c++) {
                double sum = 0.0;
                for (int64_t r = 0; r <= c; r++)
                    sum += lj[c + r * kj] * t[i + r * ki];
                lt[c + i * kj] = sum;
            }
        for (int64_t c = 0; c < ki; c++)
            for (int64_t r = 0; r < ki; r++) {
                double sum = 0.0;
                for (int64_t s = 0; s < kj; s++)
                    sum += n[r + s * ki] * lt[s + c * kj];
                gi[r + c * ki] += sum;
            }
    }
}

void mere_sparse_products(mere_work *work, int64_t n, const int64_t *at, const double *f, double *c)
{
    const mere_plan *plan = work->plan;
    const mere_sparse *sp = work->sparse;
    const int32_t *ptr = plan->pattern->ptr, *row = plan->pattern->row;
    int64_t nc = plan->rest + plan->p;
    for (int64_t e = 0; e < n; e++) {
        const mere_factor *factor = &plan->factor[plan->entry[e].term];
        if (plan->entry[e].term == 0)
            continue;
        int64_t from = factor->first, to = from + factor->k * factor->q;
        const double *fe = f + at[e] - from;
        double *ce = c + e * nc;
        for (int64_t j = 0; j < to; j++) {
            double sum = 0.0, x = j >= from ? fe[j] : 0.0;
            for (int64_t s = ptr[j] + 1; s < ptr[j + 1]; s++) {
                int64_t i = row[s];
                if (i >= from && i < to)
                    sum += sp->n[s] * fe[i];
                ce[i] += sp->n[s] * x;
            }
            ce[j] += sum + sp->n[ptr[j]] * x;
            if (j >= from)
                for (int64_t i = 0; i < plan->p; i++)
                    ce[plan->rest + i] += sp->nb[i + j * plan->border] * x;
        }
    }
}

mere_status mere_sparse_whiten(mere_work *work, int64_t n, double *c, int64_t ld)
{
    const mere_plan *plan = work->plan;
    mere_sparse *sp = work->sparse;
    int64_t rest = plan->rest, p = plan->p;
    cholmod_dense rhs = *sp->rhs;
    rhs.ncol = 1;
    for (int64_t e = 0; e < n; e++) {
        double *x = c + e * ld;
        memcpy(sp->rhs->x, x, (size_t)rest * sizeof(double));
        mere_status status = forward(work, &rhs, &sp->solved);
        if (status)
            return status;
        memcpy(x, sp->solved->x, (size_t)rest * sizeof(double));
        for (int64_t j = 0; j < p; j++)
            x[rest + j] -= mere_dot(rest, sp->y + j * rest, x);
        mere_lower_solve(p, work->s, plan->border, 0, 1, x + rest, p);
    }
    return MERE_OK;
}

mere_status mere_sparse_solve(mere_work *work, int64_t count, double *x)
{
    mere_sparse *sp = work->sparse;
    int64_t rest = work->plan->rest, at_once = work->plan->border;
    cholmod_dense rhs = *sp->rhs;
    for (int64_t from = 0; from < count; from += at_once) {
        int64_t columns = count - from < at_once ? count - from : at_once;
        rhs.ncol = (size_t)columns;
        memcpy(rhs.x, x + from * rest, (size_t)(rest * columns) * sizeof(double));
        mere_status status = solve(sp, CHOLMOD_A, &rhs, &sp->solved);
        if (status)
            return status;
        memcpy(x + from * rest, sp->solved->x, (size_t)(rest * columns) * sizeof(double));
    }
    return MERE_OK;
}

void mere_sparse_subtract(const mere_work *work, int64_t count, const double *x, double *out)
{
    const mere_sparse *sp = work->sparse;
    const int32_t *ptr = work->plan->pattern->ptr, *row = work->plan->pattern->row;
    int64_t rest = work->plan->rest;
    for (int64_t c = 0; c < count; c++) {
        const double *v = x + c * rest;
        double *o = out + c * rest;
        for (int64_t j = 0; j < rest; j++) {
            double sum = sp->n[ptr[j]] * v[j];
            for (int64_t s = ptr[j] + 1; s < ptr[j + 1]; s++) {
                sum += sp->n[s] * v[row[s]];
                o[row[s]] -= sp->n[s] * v[j];
            }
            o[j] -= sum;
        }
    }
}

void mere_sparse_border(const mere_work *work, int64_t j, double *out)
{
    const mere_plan *plan = work->plan;
    for (int64_t i = 0; i < plan->rest; i++)
        out[i] = work->sparse->nb[j + i * plan->border];
}

void mere_sparse_column(const mere_work *work, int64_t j, double *out)
{
    const mere_sparse *sp = work->sparse;
    const int32_t *ptr = work->plan->pattern->ptr, *row = work->plan->pattern->row;
    memset(out, 0, (size_t)work->plan->rest * sizeof *out);
    for (int64_t s = ptr[j]; s < ptr[j + 1]; s++)
        out[row[s]] = sp->n[s];
    for (int64_t i = 0; i < j; i++) /* above the diagonal, by symmetry */
        for (int64_t s = ptr[i]; s < ptr[i + 1] && row[s] <= j; s++)
            if (row[s] == j)
                out[i] = sp->n[s];
}
