/* pattern.h - where the sparse Schur complement has entries. Private to the kernels. */
#ifndef MERE_PATTERN_H
#define MERE_PATTERN_H

#include "plan.h"

/* The lower triangle by columns, rows ascending; columns of one block share their rows below it. */
struct mere_pattern {
    int64_t nnz;
    int32_t *ptr, *row;
    int64_t *pair_ptr; /* level of factor 0 -> first of its pairs */
    int32_t *pair;     /* place of (i, j), i >= j, of the level's rows: column j after column j - 1 */
};

mere_status mere_pattern_new(const mere_plan *plan, mere_pattern **out);
void mere_pattern_free(mere_pattern *pattern);

#endif
