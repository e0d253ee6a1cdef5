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

/* For every row of the rest that starts a block: the levels of factor 0 that hold it, and its place in their rows. */
typedef struct {
    int64_t *ptr;
    int32_t *level, *place;
} holders;

static void holders_free(holders *h)
{
    mere_free(h->ptr);
    mere_free(h->level);
    mere_free(h->place);
    *h = (holders){0};
}

static mere_status holders_new(const mere_plan *plan, holders *h)
{
    const mere_cross *cross = &plan->factor[0].cross;
    int64_t q = plan->factor[0].q, total = cross->ptr[q];
    *h = (holders){mere_calloc(plan->rest + 1, sizeof(int64_t)), mere_malloc(total, sizeof(int32_t)),
                   mere_malloc(total, sizeof(int32_t))};
    if (!h->ptr || !h->level || !h->place) {
        holders_free(h);
        return MERE_ERR_MEMORY;
    }
    for (int64_t s = 0; s < total; s++)
        h->ptr[cross->row[s] + 1]++;
    for (int64_t j = 0; j < plan->rest; j++)
        h->ptr[j + 1] += h->ptr[j];
    for (int64_t l = 0; l < q; l++)
        for (int64_t s = cross->ptr[l]; s < cross->ptr[l + 1]; s++) {
            int64_t at = h->ptr[cross->row[s]]++;
            h->level[at] = (int32_t)l;
            h->place[at] = (int32_t)(s - cross->ptr[l]);
        }
    for (int64_t j = plan->rest; j > 0; j--)
        h->ptr[j] = h->ptr[j - 1];
    h->ptr[0] = 0;
    return MERE_OK;
}

/* The rows >= j of column j (first column of a block of order k), in any order, into list; marks are left set to j. */
static int64_t column_rows(const mere_plan *plan, const holders *h, int64_t f, int64_t l, int64_t *mark, int32_t *list)
{
    const mere_cross *first = &plan->factor[0].cross, *own = &plan->factor[f].cross;
    int64_t k = plan->factor[f].k, j = plan->factor[f].first + l * k, n = 0;
    for (int64_t r = 0; r < k; r++) {
        mark[j + r] = j;
        list[n++] = (int32_t)(j + r);
    }
    for (int64_t s = own->ptr[l]; s < own->ptr[l + 1]; s++)
        if (mark[own->row[s]] != j) {
            mark[own->row[s]] = j;
            list[n++] = own->row[s];
        }
    for (int64_t s = h->ptr[j]; s < h->ptr[j + 1]; s++)
        for (int64_t i = first->ptr[h->level[s]] + h->place[s]; i < first->ptr[h->level[s] + 1]; i++)
            if (mark[first->row[i]] != j) {
                mark[first->row[i]] = j;
                list[n++] = first->row[i];
            }
    return n;
}

/* The list of column_rows in ascending order: read off the marks where it is long, else sorted. */
static void sort_rows(int64_t j, int64_t rest, const int64_t *mark, int64_t n, int32_t *list)
{
    enum { SPARSE = 16 };
    if (SPARSE * n < rest - j) {
        qsort(list, (size_t)n, sizeof *list, ascending);
        return;
    }
    int64_t at = 0;
    for (int64_t i = j; i < rest; i++)
        if (mark[i] == j)
            list[at++] = (int32_t)i;
}

/* Columns of the pattern, then the place of every product of two rows of a level of factor 0. */
static mere_status fill(mere_pattern *pattern, const mere_plan *plan, const holders *h, int64_t *mark, int32_t *list)
{
    const mere_cross *first = &plan->factor[0].cross;
    int64_t capacity = 0;
    for (int64_t f = 1; f < plan->n_factor; f++)
        for (int64_t l = 0; l < plan->factor[f].q; l++) {
            int64_t k = plan->factor[f].k, j = plan->factor[f].first + l * k;
            int64_t n = column_rows(plan, h, f, l, mark, list);
            for (int64_t c = 0; c < k; c++)
                pattern->ptr[j + c + 1] = (int32_t)(n - c);
            capacity += k * n - k * (k - 1) / 2;
            if (capacity > INT32_MAX)
                return MERE_ERR_TOO_LARGE;
        }
    for (int64_t j = 0; j < plan->rest; j++)
        pattern->ptr[j + 1] += pattern->ptr[j];
    pattern->nnz = capacity;
    pattern->row = mere_malloc(capacity, sizeof *pattern->row);
    pattern->pair_ptr = mere_calloc(plan->factor[0].q + 1, sizeof *pattern->pair_ptr);
    if (!pattern->row || !pattern->pair_ptr)
        return MERE_ERR_MEMORY;
    for (int64_t l = 0; l < plan->factor[0].q; l++) {
        int64_t width = first->ptr[l + 1] - first->ptr[l];
        pattern->pair_ptr[l + 1] = pattern->pair_ptr[l] + width * (width + 1) / 2;
    }
    pattern->pair = mere_malloc(pattern->pair_ptr[plan->factor[0].q], sizeof *pattern->pair);
    if (!pattern->pair)
        return MERE_ERR_MEMORY;
    for (int64_t j = 0; j < plan->rest; j++)
        mark[j] = -1;
    for (int64_t f = 1; f < plan->n_factor; f++)
        for (int64_t l = 0; l < plan->factor[f].q; l++) {
            int64_t k = plan->factor[f].k;
            int64_t block = plan->factor[f].first + l * k, n = column_rows(plan, h, f, l, mark, list);
            sort_rows(block, plan->rest, mark, n, list);
            for (int64_t c = 0; c < k; c++) {
                int64_t j = block + c, start = pattern->ptr[j];
                memcpy(pattern->row + start, list + c, (size_t)(n - c) * sizeof *list);
                for (int64_t i = c; i < n; i++)
                    mark[list[i]] = start + i - c; /* from here on: the place of the row in this column */
                for (int64_t s = h->ptr[j]; s < h->ptr[j + 1]; s++) {
                    int64_t level = h->level[s], from = h->place[s], width = first->ptr[level + 1] - first->ptr[level];
                    int32_t *pair = pattern->pair + pattern->pair_ptr[level] + from * width - from * (from - 1) / 2;
                    for (int64_t i = from; i < width; i++)
                        pair[i - from] = (int32_t)mark[first->row[first->ptr[level] + i]];
                }
            }
            for (int64_t i = 0; i < n; i++)
                mark[list[i]] = -1;
        }
    return MERE_OK;
}

mere_status mere_pattern_new(const mere_plan *plan, mere_pattern **out)
{
    holders h = {0};
    *out = NULL;
    mere_pattern *pattern = mere_calloc(1, sizeof *pattern);
    if (!pattern)
        return MERE_ERR_MEMORY;
    pattern->ptr = mere_calloc(plan->rest + 1, sizeof *pattern->ptr);
    int64_t *mark = mere_malloc(plan->rest, sizeof *mark);
    int32_t *list = mere_malloc(plan->rest, sizeof *list);
    mere_status status = pattern->ptr && mark && list ? holders_new(plan, &h) : MERE_ERR_MEMORY;
    if (!status) {
        for (int64_t j = 0; j < plan->rest; j++)
            mark[j] = -1;
        status = fill(pattern, plan, &h, mark, list);
    }
    holders_free(&h);
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
    mere_free(pattern->pair_ptr);
    mere_free(pattern->pair);
    mere_free(pattern);
}
