/* plan.h - what plan.c makes and the evaluations read. Private to the kernels.
 *
 * Factor 0 (the one with the most random effects) is eliminated level by level; the others, "the rest", and the columns
 * of X and y border it. Rows of the Schur complement: the rest factor after factor, level after level; then X; then y.
 */
#ifndef MERE_PLAN_H
#define MERE_PLAN_H

#include "mere.h"

/* Cross-products of one factor's levels with the factors after it: for level l, rows ptr[l]..ptr[l+1] of the Schur
 * complement, as a dense block of (ptr[l+1] - ptr[l]) x k values, column-major, starting at k * ptr[l]. */
typedef struct {
    int64_t *ptr;
    int32_t *row;
    double *val;
} mere_cross;

/* What evaluations read of one factor: q blocks k x k of Z'Z, q blocks p x k of X'Z, and the blocks of its cross. */
typedef struct {
    const double *diag, *zx, *val;
} mere_values;

typedef struct {
    int64_t k, q;
    int64_t first;      /* first row in the Schur complement (factor 0: unused) */
    int64_t u_first;    /* first of its random effects */
    const double **z;   /* k columns of the rows, NULL = ones; only while the plan is built */
    const int32_t *code;
    double *diag;       /* q blocks k x k of Z'Z */
    double *zx;         /* q blocks p x k of X'Z */
    double *scale;      /* k: root mean square over levels of diag's diagonal, the unit of each column */
    mere_cross cross;
} mere_factor;

typedef struct mere_pattern mere_pattern;
typedef struct mere_symbolic mere_symbolic;

struct mere_plan {
    int64_t n, p, q, n_factor, n_term, n_par, n_entry;
    int64_t border;     /* p + 1 */
    int64_t rest;       /* rows of the Schur complement before X */
    int64_t order;      /* rest + border */
    int32_t scalar;     /* every factor but the first has k = 1 */
    int32_t dense_rows; /* factor 0 stores all `rest` rows for every level */
    int32_t sparse;     /* Schur complement is sparse */
    mere_pattern *pattern; /* of it, if sparse */
    mere_symbolic *symbolic; /* its ordering and symbolic factor, likewise */
    mere_factor *factor;
    int64_t *term_factor, *term_column, *term_k; /* where each term lives */
    mere_entry *entry;  /* with term, row and column replaced by factor and merged row and column */
    double *xx;         /* p x p */
    double *unit;       /* units.h */
    int64_t *unit_at;
    int32_t *full;
};

/* Factors' columns as the rows of a user hold them. Shared with the response and the leverage. */
typedef struct {
    const mere_rows *rows;
    const double **z;       /* all factors' columns, one after another */
    const int32_t **code;   /* per factor */
    int64_t *start;         /* per factor: first of its columns in z */
} mere_view;
mere_status mere_view_new(const mere_plan *plan, const mere_rows *rows, mere_view *view);
void mere_view_free(mere_view *view);

#endif
