/* symbolic.c - CHOLMOD's set-up: its settings, the ordering and symbolic factor that a plan makes once, and the choice
 * between a sparse and a dense Schur complement that they decide.
 */
#include <stddef.h>

#include "memory.h"
#include "sparse_matrix.h"

struct mere_symbolic {
    cholmod_common common;
    int started;
    cholmod_factor *factor;
    int32_t *ptr, *row, *from; /* supernodal: the permuted lower triangle, and where in the pattern each entry lies */
    int32_t *entry;            /* ... and where in L each entry of the pattern lies */
};

mere_status mere_cholmod_failure(const cholmod_common *common)
{
    return common->status == CHOLMOD_OUT_OF_MEMORY ? MERE_ERR_MEMORY : MERE_ERR_SPARSE;
}

mere_status mere_cholmod_start(cholmod_common *common)
{
    if (!cholmod_start(common))
        return MERE_ERR_SPARSE;
    common->print = 0;
    common->error_handler = NULL;
#ifdef MERE_CHOLMOD_NTHREADS
    common->nthreads_max = 1;
#endif
    common->supernodal = CHOLMOD_AUTO;
    common->final_ll = 1;
    common->quick_return_if_not_posdef = 1;
    return MERE_OK;
}

/* CHOLMOD before 4 asks OpenMP for four threads at every supernode, whatever its user has set, and waking them takes
 * longer than the work. With zero active levels allowed, every parallel region runs on its caller. */
#ifndef MERE_CHOLMOD_NTHREADS
#pragma weak omp_get_max_active_levels
#pragma weak omp_set_max_active_levels
int omp_get_max_active_levels(void);
void omp_set_max_active_levels(int levels);
#endif

static int super_numeric(cholmod_sparse *matrix, cholmod_factor *factor, cholmod_common *common)
{
    double beta[2] = {0.0, 0.0};
#ifndef MERE_CHOLMOD_NTHREADS
    int known = omp_get_max_active_levels && omp_set_max_active_levels, levels = known ? omp_get_max_active_levels() : 0;
    if (levels > 0) { /* 0: serial anyway, perhaps by another thread's doing, which then restores it */
        omp_set_max_active_levels(0);
        int done = cholmod_super_numeric(matrix, NULL, beta, factor, common);
        omp_set_max_active_levels(levels);
        return done;
    }
#endif
    return cholmod_super_numeric(matrix, NULL, beta, factor, common);
}

static cholmod_sparse lower_triangle(int64_t rest, int64_t nnz, int32_t *ptr, int32_t *row, double *values)
{
    return (cholmod_sparse){.nrow = (size_t)rest, .ncol = (size_t)rest, .nzmax = (size_t)nnz, .p = ptr, .i = row,
                            .x = values, .stype = -1, .itype = CHOLMOD_INT,
                            .xtype = values ? CHOLMOD_REAL : CHOLMOD_PATTERN, .dtype = CHOLMOD_DOUBLE, .packed = 1};
}

/* cholmod_factorize() would permute the matrix by two transpositions at every call; the places are known. */
mere_status mere_symbolic_factor(const mere_plan *plan, double *values, double *space, cholmod_factor *factor,
                                 cholmod_common *common)
{
    const mere_symbolic *symbolic = plan->symbolic;
    const mere_pattern *pattern = plan->pattern;
    int done;
    if (symbolic->from) {
        cholmod_sparse matrix = lower_triangle(plan->rest, pattern->nnz, symbolic->ptr, symbolic->row, space);
        for (int64_t s = 0; s < pattern->nnz; s++)
            space[s] = values[symbolic->from[s]];
        done = super_numeric(&matrix, factor, common);
    } else {
        cholmod_sparse matrix = lower_triangle(plan->rest, pattern->nnz, pattern->ptr, pattern->row, values);
        matrix.sorted = 1;
        done = cholmod_factorize(&matrix, factor, common);
    }
    if (!done)
        return mere_cholmod_failure(common);
    return common->status == CHOLMOD_NOT_POSDEF || factor->minor < factor->n ? MERE_ERR_NOT_POSITIVE : MERE_OK;
}

/* Rows within a column are left as they come: a supernodal factorization does not care. */
static mere_status permute(const mere_plan *plan, mere_symbolic *symbolic)
{
    const mere_pattern *pattern = plan->pattern;
    const int *perm = symbolic->factor->Perm;
    int64_t rest = plan->rest;
    int32_t *ptr = symbolic->ptr = mere_calloc(rest + 1, sizeof *ptr);
    int32_t *row = symbolic->row = mere_malloc(pattern->nnz, sizeof *row);
    int32_t *from = symbolic->from = mere_malloc(pattern->nnz, sizeof *from);
    int32_t *position = mere_malloc(rest, sizeof *position);
    if (!ptr || !row || !from || !position) {
        mere_free(position);
        return MERE_ERR_MEMORY;
    }
    for (int32_t j = 0; j < rest; j++)
        position[perm[j]] = j;
    for (int pass = 0; pass < 2; pass++) { /* count, then place */
        for (int64_t j = 0; j < rest; j++)
            for (int32_t s = pattern->ptr[j]; s < pattern->ptr[j + 1]; s++) {
                int32_t a = position[pattern->row[s]], b = position[j], column = a < b ? a : b;
                if (pass == 0) {
                    ptr[column + 1]++;
                    continue;
                }
                int32_t at = ptr[column]++;
                row[at] = a < b ? b : a;
                from[at] = s;
            }
        if (pass == 0)
            for (int64_t j = 0; j < rest; j++)
                ptr[j + 1] += ptr[j];
    }
    for (int64_t j = rest; j > 0; j--)
        ptr[j] = ptr[j - 1];
    ptr[0] = 0;
    mere_free(position);
    return MERE_OK;
}

/* Where in L: the rows of a supernode number its rows for all its columns. */
static mere_status locate(const mere_plan *plan, mere_symbolic *symbolic)
{
    const cholmod_factor *l = symbolic->factor;
    const int *super = l->super, *pi = l->pi, *px = l->px, *rows = l->s;
    int32_t *entry = symbolic->entry = mere_malloc(plan->pattern->nnz, sizeof *entry);
    int32_t *number = mere_malloc(plan->rest, sizeof *number);
    if (!entry || !number) {
        mere_free(number);
        return MERE_ERR_MEMORY;
    }
    for (size_t s = 0; s < l->nsuper; s++) {
        int32_t height = pi[s + 1] - pi[s];
        for (int32_t i = 0; i < height; i++)
            number[rows[pi[s] + i]] = i;
        for (int32_t c = super[s]; c < super[s + 1]; c++)
            for (int32_t at = symbolic->ptr[c]; at < symbolic->ptr[c + 1]; at++)
                entry[symbolic->from[at]] = px[s] + (c - super[s]) * height + number[symbolic->row[at]];
    }
    mere_free(number);
    return MERE_OK;
}

static mere_status symbolic_new(const mere_plan *plan, mere_symbolic **out)
{
    const mere_pattern *pattern = plan->pattern;
    cholmod_sparse matrix = lower_triangle(plan->rest, pattern->nnz, pattern->ptr, pattern->row, NULL);
    mere_symbolic *symbolic = mere_calloc(1, sizeof *symbolic);
    *out = symbolic; /* the plan frees it, whatever happens */
    if (!symbolic)
        return MERE_ERR_MEMORY;
    mere_status status = mere_cholmod_start(&symbolic->common);
    if (status)
        return status;
    symbolic->started = 1;
    matrix.sorted = 1;
    symbolic->factor = cholmod_analyze(&matrix, &symbolic->common);
    if (!symbolic->factor)
        return mere_cholmod_failure(&symbolic->common);
    if (symbolic->factor->is_super && !(status = permute(plan, symbolic)))
        status = locate(plan, symbolic);
    return status;
}

void mere_symbolic_free(mere_symbolic *symbolic)
{
    if (!symbolic)
        return;
    if (symbolic->started) {
        cholmod_free_factor(&symbolic->factor, &symbolic->common);
        cholmod_finish(&symbolic->common);
    }
    mere_free(symbolic->ptr);
    mere_free(symbolic->row);
    mere_free(symbolic->from);
    mere_free(symbolic->entry);
    mere_free(symbolic);
}

cholmod_factor *mere_symbolic_copy(const mere_symbolic *symbolic, cholmod_common *common)
{
    return cholmod_copy_factor(symbolic->factor, common);
}

const int32_t *mere_symbolic_entries(const mere_symbolic *symbolic)
{
    return symbolic->entry;
}

/* Nanoseconds of an evaluation with its gradient, fitted to measurements with 60 to 2,000 rows: dense by its order, sparse by
 * CHOLMOD's flops and the size of L, in supernodes or column by column. */
static int sparse_is_cheaper(const mere_plan *plan)
{
    const cholmod_common *common = &plan->symbolic->common;
    const cholmod_factor *l = plan->symbolic->factor;
    double m = (double)plan->rest, dense = 0.037 * m * m * m + 8.5 * m * m;
    double sparse = l->is_super ? 0.13 * common->fl + 20.0 * (double)l->xsize + 3e3 * (double)l->nsuper
                                : 1.2 * common->fl + 60.0 * common->lnz;
    return sparse + 2e4 < dense;
}

static void forget(mere_plan *plan)
{
    mere_symbolic_free(plan->symbolic);
    mere_pattern_free(plan->pattern);
    plan->symbolic = NULL;
    plan->pattern = NULL;
}

mere_status mere_sparse_decide(mere_plan *plan, int choice)
{
    enum { DENSE_LIMIT = 30000 }; /* rows: four matrices of 7 GB are too much for any machine at hand */
    int free_to_choose = choice < 0 && plan->rest < DENSE_LIMIT;
    int64_t limit = free_to_choose ? plan->rest * plan->rest / 4 : INT32_MAX; /* half of the triangle before any fill */
    mere_status status = mere_pattern_new(plan, limit, &plan->pattern);
    if (status)
        return status == MERE_ERR_TOO_LARGE && free_to_choose ? MERE_OK : status; /* dense after all */
    if ((status = symbolic_new(plan, &plan->symbolic)))
        return status;
    plan->sparse = !free_to_choose || sparse_is_cheaper(plan);
    if (!plan->sparse)
        forget(plan);
    return MERE_OK;
}
