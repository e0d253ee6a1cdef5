/* sparse_inverse.c - entries of the inverse of the sparse Schur complement, on its pattern.
 *
 * V holds the entries of S^-1 on the pattern of L, by Takahashi's recursion from the last column to the first: with
 * w = L_RJ L_JJ^-1, V_RJ = -V_RR w and V_JJ = (L_JJ L_JJ')^-1 - w'V_RJ, one supernode or column at a time (Takahashi,
 * Fagan & Chin 1973; Erisman & Tinney 1975). With the border (sparse.c):
 *   T_rr = V + Q diag(w_b) Q',  T_rb = -Q diag(w_b) R^-1,  T_bb = R^-T diag(w_b) R^-1,   Q = P' L^-T Y R^-T.
 */
#include <math.h>
#include <string.h>

#include "clones.h"
#include "dense.h"
#include "memory.h"
#include "sparse_matrix.h"

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

/* V_RR of supernode s from the supernodes above: its rows below the diagonal block, the lower triangle (nr x nr). */
static void gather_above(const mere_sparse *sp, int64_t s, int64_t nc, int64_t nr, double *vrr)
{
    const cholmod_factor *l = sp->factor;
    const int *super = l->super, *pi = l->pi, *px = l->px, *si = l->s, *rows = si + pi[s] + nc;
    for (int64_t c = 0; c < nr;) { /* all columns that one supernode holds: the rows lie at the same places in each */
        int64_t t = sp->super_of[rows[c]], height = pi[t + 1] - pi[t];
        const int *above = si + pi[t];
        for (int64_t r = c, at = rows[c] - super[t]; r < nr; r++) {
            while (above[at] != rows[r])
                at++;
            sp->position[r] = (int)at;
        }
        for (; c < nr && rows[c] < super[t + 1]; c++) {
            const double *column = sp->v + px[t] + (rows[c] - super[t]) * height;
            for (int64_t r = c; r < nr; r++)
                vrr[r + c * nr] = column[sp->position[r]];
        }
    }
}

static mere_status takahashi_super(mere_sparse *sp)
{
    const cholmod_factor *l = sp->factor;
    const int *super = l->super, *pi = l->pi, *px = l->px;
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
            gather_above(sp, s, nc, nr, vrr);
            dsymm_("L", "L", &nr, &nc, &minus, vrr, &nr, w, &nr, &zero, v + nc, &height);
        }
        dpotri_("L", &nc, v, &height, &info); /* (L_JJ L_JJ')^-1, then - w'V_RJ; above the diagonal nobody reads */
        if (info)
            return MERE_ERR_NOT_POSITIVE;
        if (nr)
            dgemm_("T", "N", &nc, &nc, &nr, &minus, w, &nr, v + nc, &height, &one, v, &height);
    }
    return MERE_OK;
}

/* The arrays that only inverses need, once there is a factor. */
static mere_status inverse_space(mere_sparse *sp)
{
    const cholmod_factor *l = sp->factor;
    const int *super = l->super, *pi = l->pi;
    int64_t n = (int64_t)l->n, size = l->is_super ? (int64_t)l->xsize : (int64_t)l->nzmax, panel = 2 * n;
    for (size_t s = 0; l->is_super && s < l->nsuper; s++) {
        int64_t height = pi[s + 1] - pi[s];
        panel = height * height > panel ? height * height : panel;
    }
    double *v = mere_calloc(size, sizeof *v), *space = mere_calloc(panel, sizeof *space);
    int *position = mere_malloc(n, sizeof *position), *super_of = mere_malloc(n, sizeof *super_of);
    if (!v || !space || !position || !super_of) {
        mere_free(v);
        mere_free(space);
        mere_free(position);
        mere_free(super_of);
        return MERE_ERR_MEMORY;
    }
    for (size_t s = 0; l->is_super && s < l->nsuper; s++)
        for (int j = super[s]; j < super[s + 1]; j++)
            super_of[j] = (int)s;
    sp->v = v;
    sp->panel = space;
    sp->position = position;
    sp->super_of = super_of;
    return MERE_OK;
}

/* Place of (row, column), row >= column in the permuted matrix, in a simplicial L's storage. */
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
static void collect(const mere_plan *plan, mere_sparse *sp)
{
    const cholmod_factor *l = sp->factor;
    const mere_pattern *pattern = plan->pattern;
    const int32_t *entry = mere_symbolic_entries(plan->symbolic);
    for (int64_t s = 0; entry && s < pattern->nnz; s++)
        sp->t[s] = sp->v[entry[s]];
    if (entry)
        return;
    int *position = sp->position;
    const int *perm = l->Perm;
    for (int64_t j = 0; j < plan->rest; j++)
        position[perm[j]] = (int)j;
    for (int64_t j = 0; j < plan->rest; j++)
        for (int64_t s = pattern->ptr[j]; s < pattern->ptr[j + 1]; s++) {
            int64_t a = position[pattern->row[s]], b = position[j];
            sp->t[s] = sp->v[find_column(l, a > b ? a : b, a > b ? b : a)];
        }
}

/* dst (columns x rows, leading dimension `columns`) = src'. */
static void transpose(int64_t rows, int64_t columns, const double *src, double *dst)
{
    enum { TILE = 16 };
    for (int64_t jj = 0; jj < rows; jj += TILE)
        for (int64_t i = 0; i < columns; i++)
            for (int64_t j = jj; j < rows && j < jj + TILE; j++)
                dst[i + j * columns] = src[j + i * rows];
}

/* t += Q diag(w) Q' on the pattern; q = Q' and qw = diag(w) Q', column by column. */
MERE_CLONES static void add_products(const mere_pattern *pattern, int64_t rest, int64_t border, const double *restrict q,
                                     const double *restrict qw, double *restrict t)
{
    for (int64_t j = 0; j < rest; j++)
        for (int64_t s = pattern->ptr[j]; s < pattern->ptr[j + 1]; s++)
            t[s] += mere_dot(border, q + pattern->row[s] * border, qw + j * border);
}

/* Q diag(w_b) Q' added to t; the border blocks of t. */
static mere_status add_border(mere_work *work, const double *weight)
{
    const mere_plan *plan = work->plan;
    mere_sparse *sp = work->sparse;
    int64_t rest = plan->rest, border = plan->border;
    mere_status status;
    /* R^-1 in t_bb's place, rows scaled by sqrt(w): then t_bb = (.)'(.) */
    double *inverse = work->t;
    memcpy(inverse, work->s, (size_t)(border * border) * sizeof(double));
    memcpy(sp->rhs->x, sp->y, (size_t)(rest * border) * sizeof(double));
    if ((status = mere_sparse_solve(sp, CHOLMOD_Lt, sp->rhs, &sp->px)) || (status = mere_sparse_solve(sp, CHOLMOD_Pt, sp->px, &sp->solved)))
        return status;
    transpose(rest, border, sp->solved->x, sp->gb); /* Y'L^-1 P; Q' = R^-1 of it */
    mere_lower_solve(border, work->s, border, 0, rest, sp->gb, border);
    for (int64_t j = 0; j < rest; j++)
        for (int64_t b = 0; b < border; b++)
            sp->tb[b + j * border] = weight[b] * weight[b] * sp->gb[b + j * border];
    add_products(plan->pattern, rest, border, sp->gb, sp->tb, sp->t);
    for (int64_t i = 0; i < rest * border; i++) /* t_br = -R^-T diag(w) Q' */
        sp->tb[i] = -sp->tb[i];
    mere_lower_solve(border, work->s, border, 1, rest, sp->tb, border);
    return mere_weighted_inverse(border, inverse, weight) ? MERE_ERR_NOT_POSITIVE : MERE_OK;
}

mere_status mere_sparse_inverse(mere_work *work, double weight_x, double weight_y)
{
    const mere_plan *plan = work->plan;
    mere_sparse *sp = work->sparse;
    int64_t border = plan->border;
    double *weight = work->scratch;
    mere_status status;
    if (!sp->v && (status = inverse_space(sp)))
        return status;
    if ((status = sp->factor->is_super ? takahashi_super(sp) : takahashi_columns(sp)))
        return status;
    collect(plan, sp);
    for (int64_t b = 0; b < border; b++)
        weight[b] = sqrt(b < border - 1 ? weight_x : weight_y);
    if ((status = add_border(work, weight)))
        return status;
    mere_pattern_scale(work, sp->t, sp->g, 1);
    memcpy(sp->gb, sp->tb, (size_t)(border * plan->rest) * sizeof(double));
    for (int64_t b = 0; b < border; b++)
        mere_rest_scale(work, sp->gb + b, border, 0);
    memcpy(work->g, work->t, (size_t)(border * border) * sizeof(double));
    return MERE_OK;
}

const double *mere_sparse_inverse_pattern(const mere_work *work)
{
    return work->sparse->g;
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
