/* pattern.h - where the sparse Schur complement has entries. Private to the kernels. */
#ifndef MERE_PATTERN_H
#define MERE_PATTERN_H

#include "plan.h"

/* The lower triangle by columns, rows ascending; columns of one block share their rows below it. The holders of a column are
 * the levels of factor 0 that meet it: level[s] holds it at place[s] of its rows, holder_ptr[j] <= s < holder_ptr[j + 1]. */
struct mere_pattern {
    int64_t nnz;
    int32_t *ptr, *row;
    int64_t *holder_ptr;
    int32_t *level, *place;
};

/* MERE_ERR_TOO_LARGE as soon as there are more than `limit` (at most INT32_MAX) entries. */
mere_status mere_pattern_new(const mere_plan *plan, int64_t limit, mere_pattern **out);
void mere_pattern_free(mere_pattern *pattern);

#endif
