/* pattern.c - where the sparse Schur complement has entries.
 *
 * Column j of the lower triangle holds its own diagonal block, the levels of later factors that share a row of the data
 * with it (cross), and the levels that share a level of factor 0 with it (the fill of eliminating factor 0).
 */
#include "pattern.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

static int ascending(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static mere_status find_holders(const mere_plan *plan, mere_pattern *pattern)
{
    const mere_cross *cross = &plan->factor[0].cross;
    int64_t q = plan->factor[0].q, total = cross->ptr[q];
    int64_t *ptr = pattern->holder_ptr = mere_calloc(plan->rest + 1, sizeof *ptr);
    pattern->level = mere_malloc(total, sizeof *pattern->level);
    pattern->place = mere_malloc(total, sizeof *pattern->place);
    if (!ptr || !pattern->level || !pattern->place)
        return MERE_ERR_MEMORY;
    for (int64_t s = 0; s < total; s++)
        ptr[cross->row[s] + 1]++;
    for (int64_t j = 0; j < plan->rest; j++)
        ptr[j + 1] += ptr[j];
    for (int64_t l = 0; l < q; l++)
        for (int64_t s = cross->ptr[l]; s < cross->ptr[l + 1]; s++) {
            int64_t at = ptr[cross->row[s]]++;
            pattern->level[at] = (int32_t)l;
            pattern->place[at] = (int32_t)(s - cross->ptr[l]);
        }
    for (int64_t j = plan->rest; j > 0; j--)
        ptr[j] = ptr[j - 1];
    ptr[0] = 0;
    return MERE_OK;
}

/* The rows >= j of column j (first column of a block of order k), in any order, into list; marks are left set to j. */
static int64_t column_rows(const mere_plan *plan, const mere_pattern *h, int64_t f, int64_t l, int32_t *mark, int32_t *list)
{
    const mere_cross *first = &plan->factor[0].cross, *own = &plan->factor[f].cross;
    int64_t k = plan->factor[f].k, n = 0;
    int32_t j = (int32_t)(plan->factor[f].first + l * k);
    for (int32_t r = 0; r < k; r++) {
        mark[j + r] = j;
        list[n++] = j + r;
    }
    for (int64_t s = own->ptr[l]; s < own->ptr[l + 1]; s++)
        if (mark[own->row[s]] != j) {
            mark[own->row[s]] = j;
            list[n++] = own->row[s];
        }
    for (int64_t s = h->holder_ptr[j]; s < h->holder_ptr[j + 1]; s++)
        for (int64_t i = first->ptr[h->level[s]] + h->place[s]; i < first->ptr[h->level[s] + 1]; i++) {
            int32_t row = first->row[i];
            list[n] = row; /* one place too many is written, and kept only if it is new */
            n += mark[row] != j;
            mark[row] = j;
        }
    return n;
}

/* The list of column_rows in ascending order: read off the marks where it is long, else sorted. */
static void sort_rows(int32_t j, int64_t rest, const int32_t *mark, int64_t n, int32_t *list)
{
    enum { SPARSE = 16 };
    if (SPARSE * n < rest - j) {
        qsort(list, (size_t)n, sizeof *list, ascending);
        return;
    }
    int64_t at = 0;
    for (int32_t i = j; i < rest; i++) {
        list[at] = i;
        at += mark[i] == j;
    }
}

/* Room for `more` rows after the first nnz; `capacity` is what there is. */
static mere_status grow(mere_pattern *pattern, int64_t more, int64_t limit, int64_t *capacity)
{
    int64_t need = pattern->nnz + more, size = 2 * *capacity > need ? 2 * *capacity : need;
    if (need > limit)
        return MERE_ERR_TOO_LARGE;
    if (need <= *capacity)
        return MERE_OK;
    size = size < limit ? size : limit;
    int32_t *row = mere_malloc(size, sizeof *row);
    if (!row)
        return MERE_ERR_MEMORY;
    if (pattern->nnz)
        memcpy(row, pattern->row, (size_t)pattern->nnz * sizeof *row);
    mere_free(pattern->row);
    pattern->row = row;
    *capacity = size;
    return MERE_OK;
}

static mere_status fill(mere_pattern *pattern, const mere_plan *plan, int64_t limit, int32_t *mark, int32_t *list)
{
    int64_t capacity = 0;
    for (int64_t j = 0; j < plan->rest; j++)
        mark[j] = -1;
    for (int64_t f = 1; f < plan->n_factor; f++)
        for (int64_t l = 0; l < plan->factor[f].q; l++) {
            int64_t k = plan->factor[f].k, j = plan->factor[f].first + l * k;
            int64_t n = column_rows(plan, pattern, f, l, mark, list);
            mere_status status = grow(pattern, k * n - k * (k - 1) / 2, limit, &capacity);
            if (status)
                return status;
            sort_rows((int32_t)j, plan->rest, mark, n, list);
            for (int64_t c = 0; c < k; c++) {
                memcpy(pattern->row + pattern->nnz, list + c, (size_t)(n - c) * sizeof *list);
                pattern->nnz += n - c;
                pattern->ptr[j + c + 1] = (int32_t)pattern->nnz;
            }
        }
    return MERE_OK;
}

mere_status mere_pattern_new(const mere_plan *plan, int64_t limit, mere_pattern **out)
{
    *out = NULL;
    mere_pattern *pattern = mere_calloc(1, sizeof *pattern);
    if (!pattern)
        return MERE_ERR_MEMORY;
    pattern->ptr = mere_calloc(plan->rest + 1, sizeof *pattern->ptr);
    int32_t *mark = mere_malloc(plan->rest, sizeof *mark), *list = mere_malloc(plan->rest + 1, sizeof *list);
    mere_status status = pattern->ptr && mark && list ? find_holders(plan, pattern) : MERE_ERR_MEMORY;
    if (!status)
        status = fill(pattern, plan, limit, mark, list);
    mere_free(mark);
    mere_free(list);
    if (status) {
        mere_pattern_free(pattern);
        return status;
    }
    *out = pattern;
    return MERE_OK;
}

void mere_pattern_free(mere_pattern *pattern)
{
    if (!pattern)
        return;
    mere_free(pattern->ptr);
    mere_free(pattern->row);
    mere_free(pattern->holder_ptr);
    mere_free(pattern->level);
    mere_free(pattern->place);
    mere_free(pattern);
}
