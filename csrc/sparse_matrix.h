/* sparse_matrix.h - what the files of the sparse Schur complement share. Private to them. */
#ifndef MERE_SPARSE_MATRIX_H
#define MERE_SPARSE_MATRIX_H

#include "config.h"
#include "pattern.h"
#include "sparse.h"

#include MERE_CHOLMOD_HEADER

struct mere_sparse {
    cholmod_common common;
    int started;
    cholmod_factor *factor;
    cholmod_dense *rhs, *px, *solved, *space_y, *space_e;
    double *n, *s, *t, *g;           /* on the pattern */
    double *nb, *tb, *gb;            /* border x rest: rows X and y */
    double *y;                       /* rest x border, permuted: Y */
    double *v;                       /* the inverse on the pattern of L, laid out as L */
    double *panel;                   /* for one supernode or column */
    int *super_of, *position;        /* column -> supernode; places of the rows at hand */
    int64_t *place;                  /* row -> place, -1 elsewhere */
    int32_t *row_factor;             /* row of the rest -> factor */
    double *scale;                   /* row of the rest -> Lambda, where all are scalar */
    double *column;                  /* one column of the pattern, laid open */
    double *chunk;                   /* twice the border of n_chunk columns of levels of factor 0 */
    int64_t n_chunk;
};

/* CHOLMOD as mere uses it: its settings; its statuses; the plan's symbolic factor, copied into another workspace of
 * CHOLMOD; the factor of a matrix on the pattern, `space` being as large. */
mere_status mere_cholmod_start(cholmod_common *common);
mere_status mere_cholmod_failure(const cholmod_common *common);
cholmod_factor *mere_symbolic_copy(const mere_symbolic *symbolic, cholmod_common *common);
mere_status mere_symbolic_factor(const mere_plan *plan, double *values, double *space, cholmod_factor *factor,
                                 cholmod_common *common);
/* Where in a supernodal L each entry of the pattern lies; NULL if L is simplicial. */
const int32_t *mere_symbolic_entries(const mere_symbolic *symbolic);

/* CHOLMOD's solve with one part of the factor (CHOLMOD_P, _L, _Lt, _Pt), into *out, which is reused. */
mere_status mere_sparse_solve(mere_sparse *sp, int system, const cholmod_dense *rhs, cholmod_dense **out);
/* The border part of a (or b) of the levels from l on, side by side in sp->chunk: how many columns, whole levels. */
int64_t mere_border_chunk(const mere_work *work, const double *a, int64_t l);
/* L^-1 P times the right-hand sides. */
mere_status mere_sparse_forward(mere_work *work, cholmod_dense *rhs, cholmod_dense **out);

/* Walks the blocks of the pattern. */
typedef struct {
    int64_t f, l, j, kj; /* column block */
    int64_t g, at, ki;   /* row block, its offset in the block's first column */
} mere_block_walk;

/* The next block, or 0 after the last. */
int mere_block_next(const mere_work *work, mere_block_walk *b);
/* Block (I, J) of a lower triangle on the pattern: ki rows from offset `at` in the first of kj columns. */
void mere_block_get(const mere_pattern *pattern, const double *x, int64_t j, int64_t kj, int64_t at, int64_t ki,
                    double *m);
/* dst = Lambda_r' src Lambda_r, or with `transpose` Lambda_r src Lambda_r', on the pattern. */
void mere_pattern_scale(const mere_work *work, const double *src, double *dst, int transpose);
/* x = Lambda_r' x with `transpose`, else Lambda_r x; neighbours in x are `stride` apart. */
void mere_rest_scale(const mere_work *work, double *x, int64_t stride, int transpose);

#endif
