/* plan.c - all cross-products of Z and X, once.
 *
 * With prior weights the rows of X, Z and y are scaled by sqrt(w) as they are read. Rows pass in tiles: the columns of a
 * tile are gathered into a small buffer, then every row adds its outer products to the blocks of its levels. Nothing of
 * size n is made except, with two or more factors, one permutation of the rows (a counting sort by level).
 */
#include "plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clones.h"
#include "dense.h"
#include "memory.h"
#include "pattern.h"
#include "sparse.h"
#include "units.h"

enum { TILE = 256 };

/* ------------------------------------------------------------------ the rows as factors see them */

mere_status mere_view_new(const mere_plan *plan, const mere_rows *rows, mere_view *view)
{
    int64_t n_column = 0;
    for (int64_t t = 0; t < rows->n_term; t++)
        n_column += rows->term[t].k;
    view->rows = rows;
    view->z = mere_calloc(n_column, sizeof *view->z);
    view->code = mere_calloc(plan->n_factor, sizeof *view->code);
    view->start = mere_calloc(plan->n_factor + 1, sizeof *view->start);
    if (!view->z || !view->code || !view->start) {
        mere_view_free(view);
        return MERE_ERR_MEMORY;
    }
    for (int64_t f = 0; f < plan->n_factor; f++)
        view->start[f + 1] = view->start[f] + plan->factor[f].k;
    for (int64_t t = 0; t < rows->n_term; t++) {
        const mere_term *term = &rows->term[t];
        int64_t f = plan->term_factor[t], at = view->start[f] + plan->term_column[t];
        view->code[f] = term->code;
        for (int64_t c = 0; c < term->k; c++)
            view->z[at + c] = term->z ? term->z + c * rows->n : NULL;
    }
    return MERE_OK;
}

void mere_view_free(mere_view *view)
{
    mere_free(view->z);
    mere_free(view->code);
    mere_free(view->start);
    view->z = NULL;
    view->code = NULL;
    view->start = NULL;
}

/* ------------------------------------------------------------------ layout */

static mere_status check_rows(const mere_rows *rows, int64_t n_entry, const mere_entry *entry, int64_t n_par)
{
    if (rows->n < 1 || rows->p < 0 || rows->n_term < 1 || rows->n > INT32_MAX)
        return MERE_ERR_ARGUMENT;
    for (int64_t t = 0; t < rows->n_term; t++) {
        const mere_term *term = &rows->term[t];
        if (term->k < 1 || term->q < 1 || term->factor < 0 || term->factor >= rows->n_term)
            return MERE_ERR_ARGUMENT;
        for (int64_t i = 0; i < rows->n; i++)
            if (term->code[i] < 0 || term->code[i] >= term->q)
                return MERE_ERR_ARGUMENT;
    }
    for (int64_t e = 0; e < n_entry; e++) {
        if (entry[e].term < 0 || entry[e].term >= rows->n_term || entry[e].par < 0 || entry[e].par >= n_par)
            return MERE_ERR_ARGUMENT;
        if (entry[e].column < 0 || entry[e].row < entry[e].column || entry[e].row >= rows->term[entry[e].term].k)
            return MERE_ERR_ARGUMENT;
    }
    return MERE_OK;
}

/* Merge terms into factors; put the factor with the most random effects first, keep the order of the others. */
static mere_status layout(mere_plan *plan, const mere_rows *rows)
{
    int64_t *number = mere_calloc(rows->n_term, sizeof *number), *k = mere_calloc(rows->n_term, sizeof *k);
    int64_t *q = mere_calloc(rows->n_term, sizeof *q), *place = mere_calloc(rows->n_term, sizeof *place);
    mere_status status = MERE_OK;
    if (!number || !k || !q || !place) {
        status = MERE_ERR_MEMORY;
        goto done;
    }
    int64_t nf = 0, largest = 0;
    for (int64_t t = 0; t < rows->n_term; t++) {
        int64_t f = 0;
        while (f < nf && number[f] != rows->term[t].factor)
            f++;
        if (f == nf) {
            number[nf++] = rows->term[t].factor;
            q[f] = rows->term[t].q;
        } else if (q[f] != rows->term[t].q) {
            status = MERE_ERR_ARGUMENT;
            goto done;
        }
        plan->term_factor[t] = f;
        plan->term_column[t] = k[f];
        plan->term_k[t] = rows->term[t].k;
        k[f] += rows->term[t].k;
    }
    for (int64_t f = 1; f < nf; f++)
        if (k[f] * q[f] > k[largest] * q[largest])
            largest = f;
    for (int64_t f = 0, at = 1; f < nf; f++)
        place[f] = f == largest ? 0 : at++;
    plan->n_factor = nf;
    plan->factor = mere_calloc(nf, sizeof *plan->factor);
    if (!plan->factor) {
        status = MERE_ERR_MEMORY;
        goto done;
    }
    for (int64_t f = 0; f < nf; f++) {
        plan->factor[place[f]].k = k[f];
        plan->factor[place[f]].q = q[f];
    }
    for (int64_t t = 0; t < rows->n_term; t++)
        plan->term_factor[t] = place[plan->term_factor[t]];
    plan->scalar = 1;
    for (int64_t f = 0; f < nf; f++) {
        mere_factor *factor = &plan->factor[f];
        factor->u_first = plan->q;
        factor->first = plan->rest;
        plan->q += factor->k * factor->q;
        if (f > 0) {
            plan->rest += factor->k * factor->q;
            plan->scalar &= factor->k == 1;
        }
    }
    plan->border = plan->p + 1;
    plan->order = plan->rest + plan->border;
    if (plan->order > INT32_MAX)
        status = MERE_ERR_TOO_LARGE;
done:
    mere_free(number);
    mere_free(k);
    mere_free(q);
    mere_free(place);
    return status;
}

/* ------------------------------------------------------------------ blocks on the diagonal, and X */

/* One tile of rows: outer products into the blocks of factor f. z: k columns of TILE values; x: rows of p values. */
MERE_INLINE void add_blocks(const int64_t k, int64_t p, int64_t m, const int32_t *code, const double *restrict z,
                            const double *restrict x, double *restrict diag, double *restrict zx)
{
    for (int64_t i = 0; i < m; i++) {
        double *d = diag + code[i] * k * k, *c = zx + code[i] * k * p;
        const double *xi = x + i * p;
        for (int64_t a = 0; a < k; a++) {
            double za = z[i + a * TILE];
            for (int64_t b = 0; b <= a; b++)
                d[a + b * k] += za * z[i + b * TILE];
            for (int64_t j = 0; j < p; j++)
                c[j + a * p] += za * xi[j];
        }
    }
}

MERE_CLONES static void tile_blocks(int64_t k, int64_t p, int64_t m, const int32_t *code, const double *z,
                                    const double *x, double *diag, double *zx)
{
    if (k == 1)
        add_blocks(1, p, m, code, z, x, diag, zx);
    else if (k == 2)
        add_blocks(2, p, m, code, z, x, diag, zx);
    else
        add_blocks(k, p, m, code, z, x, diag, zx);
}

MERE_CLONES static void tile_xx(int64_t p, int64_t m, const double *restrict xc, double *restrict xx)
{
    for (int64_t j = 0; j < p; j++)
        for (int64_t i = j; i < p; i++) {
            double sum = 0.0;
#pragma omp simd reduction(+ : sum)
            for (int64_t r = 0; r < m; r++)
                sum += xc[r + i * TILE] * xc[r + j * TILE];
            xx[i + j * p] += sum;
        }
}

/* Diagonal blocks Z'Z and X'Z of every factor, and X'X; also finds what is not finite. */
static mere_status diagonal_blocks(mere_plan *plan, const mere_view *view)
{
    const mere_rows *rows = view->rows;
    int64_t n = plan->n, p = plan->p, k_max = 1;
    for (int64_t f = 0; f < plan->n_factor; f++) {
        mere_factor *factor = &plan->factor[f];
        k_max = factor->k > k_max ? factor->k : k_max;
        factor->diag = mere_calloc(factor->q * factor->k * factor->k, sizeof(double));
        factor->zx = mere_calloc(factor->q * factor->k * (p ? p : 1), sizeof(double));
        factor->scale = mere_calloc(factor->k, sizeof(double));
        if (!factor->diag || !factor->zx || !factor->scale)
            return MERE_ERR_MEMORY;
    }
    plan->xx = mere_calloc(p ? p * p : 1, sizeof(double));
    double *buffer = mere_calloc(TILE * (2 * p + k_max + 1), sizeof(double));
    if (!plan->xx || !buffer) {
        mere_free(buffer);
        return MERE_ERR_MEMORY;
    }
    double *xc = buffer, *xr = xc + TILE * p, *z = xr + TILE * p, *w = z + TILE * k_max;
    for (int64_t from = 0; from < n; from += TILE) {
        int64_t m = n - from < TILE ? n - from : TILE;
        for (int64_t i = 0; i < m; i++)
            w[i] = rows->sqrt_w ? rows->sqrt_w[from + i] : 1.0;
        for (int64_t j = 0; j < p; j++) {
            const double *x = rows->X + from + j * n;
            for (int64_t i = 0; i < m; i++)
                xr[j + i * p] = xc[i + j * TILE] = x[i] * w[i];
        }
        tile_xx(p, m, xc, plan->xx);
        for (int64_t f = 0; f < plan->n_factor; f++) {
            mere_factor *factor = &plan->factor[f];
            for (int64_t c = 0; c < factor->k; c++) {
                const double *zc = view->z[view->start[f] + c];
                for (int64_t i = 0; i < m; i++)
                    z[i + c * TILE] = zc ? zc[from + i] * w[i] : w[i];
            }
            tile_blocks(factor->k, p, m, view->code[f] + from, z, xr, factor->diag, factor->zx);
        }
    }
    mere_free(buffer);
    double sum = 0.0; /* one NaN or infinity anywhere makes this not finite */
    for (int64_t j = 0; j < p; j++)
        sum += plan->xx[j + j * p];
    for (int64_t f = 0; f < plan->n_factor; f++) {
        mere_factor *factor = &plan->factor[f];
        int64_t k = factor->k;
        for (int64_t l = 0; l < factor->q; l++) {
            mere_symmetrize(k, factor->diag + l * k * k);
            for (int64_t c = 0; c < k; c++)
                factor->scale[c] += factor->diag[l * k * k + c + c * k];
        }
        for (int64_t c = 0; c < k; c++) {
            sum += factor->scale[c];
            factor->scale[c] = sqrt(factor->scale[c] / (double)factor->q);
        }
    }
    return isfinite(sum) ? MERE_OK : MERE_ERR_NOT_FINITE;
}

/* ------------------------------------------------------------------ blocks between factors */

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Rows in the order of their level: perm[ptr[l]..ptr[l+1]] are the rows of level l. */
static void sort_rows(int64_t n, int64_t q, const int32_t *code, int64_t *ptr, int32_t *perm)
{
    memset(ptr, 0, (size_t)(q + 1) * sizeof *ptr);
    for (int64_t i = 0; i < n; i++)
        ptr[code[i] + 1]++;
    for (int64_t l = 0; l < q; l++)
        ptr[l + 1] += ptr[l];
    for (int64_t i = 0; i < n; i++)
        perm[ptr[code[i]]++] = (int32_t)i;
    for (int64_t l = q; l > 0; l--)
        ptr[l] = ptr[l - 1];
    ptr[0] = 0;
}

typedef struct {
    int64_t *row_ptr;  /* level -> rows */
    int32_t *perm;
    int64_t *mark;     /* level of another factor, counted through all of them -> level of f that met it last */
    int64_t *slot;     /* ... -> its first row in the current block */
    int64_t *list;
    int64_t *block;    /* factor -> first of its levels in mark */
    double *zf, *zg;
} cross_space;

/* The distinct levels of later factors met by level l of f, sorted, into space->list; the number of rows they span. */
static int64_t meet(const mere_plan *plan, const mere_view *view, int64_t f, int64_t l, cross_space *space,
                    int64_t *n_list)
{
    int64_t width = 0;
    *n_list = 0;
    for (int64_t s = space->row_ptr[l]; s < space->row_ptr[l + 1]; s++)
        for (int64_t g = f + 1; g < plan->n_factor; g++) {
            int64_t b = space->block[g] + view->code[g][space->perm[s]];
            if (space->mark[b] != l) {
                space->mark[b] = l;
                space->list[(*n_list)++] = b;
                width += plan->factor[g].k;
            }
        }
    qsort(space->list, (size_t)*n_list, sizeof *space->list, ascending);
    return width;
}

static void weighted_row(const mere_plan *plan, const mere_view *view, int64_t f, int64_t i, double *z)
{
    double w = view->rows->sqrt_w ? view->rows->sqrt_w[i] : 1.0;
    for (int64_t c = 0; c < plan->factor[f].k; c++) {
        const double *column = view->z[view->start[f] + c];
        z[c] = column ? column[i] * w : w;
    }
}

/* Values and rows of level l, whose block has `width` rows. */
static void fill_level(const mere_plan *plan, const mere_view *view, int64_t f, int64_t l, int64_t n_list,
                       cross_space *space, int32_t *row, double *val, int64_t width)
{
    int64_t k = plan->factor[f].k, at = 0, g = f + 1;
    for (int64_t j = 0; j < n_list; j++) {
        int64_t b = space->list[j];
        while (g + 1 < plan->n_factor && b >= space->block[g + 1])
            g++;
        space->slot[b] = at;
        for (int64_t r = 0; r < plan->factor[g].k; r++)
            row[at + r] = (int32_t)(plan->factor[g].first + (b - space->block[g]) * plan->factor[g].k + r);
        at += plan->factor[g].k;
    }
    for (int64_t s = space->row_ptr[l]; s < space->row_ptr[l + 1]; s++) {
        int64_t i = space->perm[s];
        weighted_row(plan, view, f, i, space->zf);
        for (g = f + 1; g < plan->n_factor; g++) {
            weighted_row(plan, view, g, i, space->zg);
            double *v = val + space->slot[space->block[g] + view->code[g][i]];
            for (int64_t c = 0; c < k; c++)
                for (int64_t r = 0; r < plan->factor[g].k; r++)
                    v[r + c * width] += space->zg[r] * space->zf[c];
        }
    }
}

static void cross_space_free(cross_space *space)
{
    mere_free(space->row_ptr);
    mere_free(space->perm);
    mere_free(space->mark);
    mere_free(space->slot);
    mere_free(space->list);
    mere_free(space->block);
    mere_free(space->zf);
    mere_free(space->zg);
}

static mere_status cross_space_new(const mere_plan *plan, int64_t f, cross_space *space)
{
    int64_t levels = 0, k_max = 1;
    for (int64_t g = 0; g < plan->n_factor; g++) {
        levels += plan->factor[g].q;
        k_max = plan->factor[g].k > k_max ? plan->factor[g].k : k_max;
    }
    *space = (cross_space){
        .row_ptr = mere_calloc(plan->factor[f].q + 1, sizeof(int64_t)),
        .perm = mere_calloc(plan->n, sizeof(int32_t)),
        .mark = mere_calloc(levels, sizeof(int64_t)),
        .slot = mere_calloc(levels, sizeof(int64_t)),
        .list = mere_calloc(levels, sizeof(int64_t)),
        .block = mere_calloc(plan->n_factor + 1, sizeof(int64_t)),
        .zf = mere_calloc(k_max, sizeof(double)),
        .zg = mere_calloc(k_max, sizeof(double)),
    };
    if (!space->row_ptr || !space->perm || !space->mark || !space->slot || !space->list || !space->block ||
        !space->zf || !space->zg) {
        cross_space_free(space);
        return MERE_ERR_MEMORY;
    }
    for (int64_t g = f + 1, at = 0; g < plan->n_factor; g++) {
        space->block[g] = at;
        at += plan->factor[g].q;
        space->block[g + 1] = at;
    }
    for (int64_t b = 0; b < levels; b++)
        space->mark[b] = -1;
    return MERE_OK;
}

/* The cross-products of factor f with all factors after it. Above a quarter of fill, factor 0 stores every row. */
static mere_status cross_blocks(mere_plan *plan, const mere_view *view, int64_t f)
{
    mere_factor *factor = &plan->factor[f];
    mere_cross *cross = &factor->cross;
    int64_t q = factor->q, k = factor->k, n_list;
    cross->ptr = mere_calloc(q + 1, sizeof *cross->ptr);
    if (!cross->ptr)
        return MERE_ERR_MEMORY;
    if (f + 1 == plan->n_factor)
        return MERE_OK;
    cross_space space;
    mere_status status = cross_space_new(plan, f, &space);
    if (status)
        return status;
    sort_rows(plan->n, q, view->code[f], space.row_ptr, space.perm);
    for (int64_t l = 0; l < q; l++)
        cross->ptr[l + 1] = cross->ptr[l] + meet(plan, view, f, l, &space, &n_list);
    for (int64_t l = 0; l < q; l++)
        space.mark[l] = -1;
    for (int64_t b = 0; b < space.block[plan->n_factor]; b++)
        space.mark[b] = -1;
    cross->row = mere_malloc(cross->ptr[q], sizeof *cross->row);
    cross->val = mere_calloc(cross->ptr[q] * k, sizeof *cross->val);
    if (!cross->row || !cross->val) {
        status = MERE_ERR_MEMORY;
    } else {
        for (int64_t l = 0; l < q; l++) {
            int64_t width = meet(plan, view, f, l, &space, &n_list);
            fill_level(plan, view, f, l, n_list, &space, cross->row + cross->ptr[l], cross->val + k * cross->ptr[l],
                       width);
        }
    }
    cross_space_free(&space);
    return status;
}

/* Spread factor 0's blocks over all rows of the rest. */
static mere_status densify(mere_plan *plan)
{
    mere_factor *factor = &plan->factor[0];
    mere_cross *cross = &factor->cross;
    int64_t k = factor->k, q = factor->q, m = plan->rest;
    double *val = mere_calloc(q * k * m, sizeof *val);
    int32_t *row = mere_malloc(q * m, sizeof *row);
    if (!val || !row) {
        mere_free(val);
        mere_free(row);
        return MERE_ERR_MEMORY;
    }
    for (int64_t l = 0; l < q; l++) {
        int64_t width = cross->ptr[l + 1] - cross->ptr[l];
        const double *from = cross->val + k * cross->ptr[l];
        double *to = val + k * m * l;
        for (int64_t c = 0; c < k; c++)
            for (int64_t i = 0; i < width; i++)
                to[cross->row[cross->ptr[l] + i] + c * m] = from[i + c * width];
        for (int64_t i = 0; i < m; i++)
            row[l * m + i] = (int32_t)i;
    }
    mere_free(cross->val);
    mere_free(cross->row);
    cross->val = val;
    cross->row = row;
    for (int64_t l = 0; l <= q; l++)
        cross->ptr[l] = l * m;
    plan->dense_rows = 1;
    return MERE_OK;
}

/* ------------------------------------------------------------------ the plan */

/* The Schur complement: dense (0), sparse (1), or whatever its pattern says is cheaper (-1). */
static int choose_sparse(const mere_plan *plan, mere_schur schur)
{
    enum { ALWAYS_DENSE = 64 }; /* rows: below, the choice would cost more than it saves */
    if (plan->rest == 0 || schur == MERE_SCHUR_DENSE)
        return 0;
    if (schur == MERE_SCHUR_SPARSE)
        return 1;
    return plan->rest < ALWAYS_DENSE ? 0 : -1;
}

mere_status mere_plan_new(const mere_rows *rows, int64_t n_entry, const mere_entry *entry, int64_t n_par,
                          mere_schur schur, mere_plan **out)
{
    mere_status status = check_rows(rows, n_entry, entry, n_par);
    mere_view view = {0};
    *out = NULL;
    if (status)
        return status;
    mere_plan *plan = mere_calloc(1, sizeof *plan);
    if (!plan)
        return MERE_ERR_MEMORY;
    plan->n = rows->n;
    plan->p = rows->p;
    plan->n_term = rows->n_term;
    plan->n_par = n_par;
    plan->n_entry = n_entry;
    plan->term_factor = mere_calloc(rows->n_term, sizeof(int64_t));
    plan->term_column = mere_calloc(rows->n_term, sizeof(int64_t));
    plan->term_k = mere_calloc(rows->n_term, sizeof(int64_t));
    plan->entry = mere_calloc(n_entry ? n_entry : 1, sizeof *plan->entry);
    if (!plan->term_factor || !plan->term_column || !plan->term_k || !plan->entry) {
        status = MERE_ERR_MEMORY;
        goto fail;
    }
    if ((status = layout(plan, rows)))
        goto fail;
    for (int64_t e = 0; e < n_entry; e++) {
        int64_t t = entry[e].term;
        plan->entry[e] = (mere_entry){plan->term_factor[t], plan->term_column[t] + entry[e].row,
                                      plan->term_column[t] + entry[e].column, entry[e].par};
    }
    if ((status = mere_view_new(plan, rows, &view)))
        goto fail;
    if ((status = diagonal_blocks(plan, &view)) || (status = mere_units_new(plan)))
        goto fail;
    for (int64_t f = 0; f < plan->n_factor; f++)
        if ((status = cross_blocks(plan, &view, f)))
            goto fail;
    int choice = choose_sparse(plan, schur);
    if (choice && (status = mere_sparse_decide(plan, choice)))
        goto fail;
    const mere_factor *first = &plan->factor[0];
    if (!plan->sparse && plan->rest > 0 &&
        (double)first->cross.ptr[first->q] > 0.25 * (double)first->q * (double)plan->rest)
        status = densify(plan);
fail:
    mere_view_free(&view);
    if (status) {
        mere_plan_free(plan);
        return status;
    }
    *out = plan;
    return MERE_OK;
}

void mere_plan_free(mere_plan *plan)
{
    if (!plan)
        return;
    for (int64_t f = 0; plan->factor && f < plan->n_factor; f++) {
        mere_factor *factor = &plan->factor[f];
        mere_free(factor->diag);
        mere_free(factor->zx);
        mere_free(factor->scale);
        mere_free(factor->cross.ptr);
        mere_free(factor->cross.row);
        mere_free(factor->cross.val);
    }
    mere_free(plan->factor);
    mere_free(plan->term_factor);
    mere_free(plan->term_column);
    mere_free(plan->term_k);
    mere_free(plan->entry);
    mere_free(plan->xx);
    mere_free(plan->unit);
    mere_free(plan->unit_at);
    mere_free(plan->full);
    mere_symbolic_free(plan->symbolic);
    mere_pattern_free(plan->pattern);
    mere_free(plan);
}

mere_plan_info mere_plan_describe(const mere_plan *plan)
{
    return (mere_plan_info){.n = plan->n,
                            .p = plan->p,
                            .q = plan->q,
                            .n_par = plan->n_par,
                            .n_factor = plan->n_factor,
                            .rest = plan->rest,
                            .nnz_schur = plan->sparse ? plan->pattern->nnz : plan->rest * (plan->rest + 1) / 2,
                            .sparse = plan->sparse,
                            .blas = plan->order > MERE_SMALL};
}

mere_status mere_plan_term(const mere_plan *plan, int64_t t, int64_t *factor, int64_t *column, int64_t *k, int64_t *q,
                           int64_t *first)
{
    if (t < 0 || t >= plan->n_term)
        return MERE_ERR_ARGUMENT;
    const mere_factor *f = &plan->factor[plan->term_factor[t]];
    *factor = plan->term_factor[t];
    *column = plan->term_column[t];
    *k = f->k;
    *q = f->q;
    *first = f->u_first;
    return MERE_OK;
}
