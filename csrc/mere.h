/* mere.h - the contract of the kernels of mere.
 *
 * The model. y = X beta + Z b + e with b = Lambda(theta) u, u ~ N(0, s^2 I), e ~ N(0, s^2 W^-1). Z is made of grouping
 * factors: factor f has q_f levels and k_f columns per level, Lambda is block diagonal with the same lower-triangular
 * k_f x k_f block for each level of f. Several terms may share a factor; their columns are then merged.
 *
 * Three tiers, each with its own objects:
 *   users of the library   mere_plan (immutable, made from rows once; shared by threads) and mere_response
 *   inference              mere_work (one per thread): value, derivatives, state at given parameters
 *   building blocks        mere_minimize_*: optimizers over the criterion
 *
 * Every function that can fail returns a mere_status, never prints, never keeps a pointer that the caller owns.
 * Matrices are column-major. Sizes are int64_t.
 */
#ifndef MERE_H
#define MERE_H

#include <stdint.h>

typedef enum {
    MERE_OK = 0,
    MERE_ERR_MEMORY,       /* an allocation failed */
    MERE_ERR_ARGUMENT,     /* sizes or codes out of range */
    MERE_ERR_NOT_FINITE,   /* a NaN or infinity in rows or parameters */
    MERE_ERR_NOT_POSITIVE, /* a factorization broke down: X is rank deficient or parameters are huge */
    MERE_ERR_PERFECT_FIT,  /* the penalized residual sum of squares is zero to rounding */
    MERE_ERR_SPARSE,       /* CHOLMOD failed */
    MERE_ERR_OPTIMIZER,    /* NLopt failed, or an unknown algorithm */
    MERE_ERR_TOO_LARGE     /* a dense block would exceed the 32-bit sizes of BLAS */
} mere_status;

/* ---------------------------------------------------------------- the plan */

/* One random-effects term as rows: k columns z (n x k; NULL means one column of ones), the level of each row. */
typedef struct {
    int64_t k, q;
    const double *z;
    const int32_t *code;
    int64_t factor; /* terms with the same number share their grouping factor (and must share `code`) */
} mere_term;

typedef struct {
    int64_t n, p;
    const double *X;       /* n x p */
    const double *sqrt_w;  /* square roots of prior weights, or NULL */
    int64_t n_term;
    const mere_term *term;
} mere_rows;

/* One entry of Lambda that a parameter holds: entry (row, column), row >= column, of the factor of `term`. */
typedef struct {
    int64_t term, row, column, par;
} mere_entry;

typedef struct mere_plan mere_plan;
typedef struct mere_work mere_work;

typedef enum { MERE_SCHUR_AUTO = 0, MERE_SCHUR_DENSE, MERE_SCHUR_SPARSE } mere_schur;

/* All cross-products of Z and X in one pass over the rows; nothing later grows with n. */
mere_status mere_plan_new(const mere_rows *rows, int64_t n_entry, const mere_entry *entry, int64_t n_par,
                          mere_schur schur, mere_plan **out);
void mere_plan_free(mere_plan *plan);

typedef struct {
    int64_t n, p, q, n_par, n_factor;
    int64_t rest;      /* order of the Schur complement, without X and y */
    int64_t nnz_schur; /* entries of its lower triangle that are stored */
    int32_t sparse;    /* is it sparse (CHOLMOD)? */
    int32_t blas;      /* does an evaluation call BLAS? */
} mere_plan_info;
mere_plan_info mere_plan_describe(const mere_plan *plan);

/* Where term t lives: its factor, the first of its columns in the merged block, and the block's order. */
mere_status mere_plan_term(const mere_plan *plan, int64_t t, int64_t *factor, int64_t *column, int64_t *k, int64_t *q,
                           int64_t *first);

/* ------------------------------------------------- evaluations of the criterion */

mere_status mere_work_new(const mere_plan *plan, mere_work **out);
void mere_work_free(mere_work *work);

/* Set the response: Z'y, X'y, y'y of y (n), weighted as the plan is. The least-squares fit X b0 is subtracted first, so
 * that no digits are lost to a large mean; mere_lmm_state adds b0 back. `log_weights` is the sum of log w. */
mere_status mere_work_set_response(mere_work *work, const mere_rows *rows, const double *y, double log_weights);

/* d(par): the profiled ML (reml = 0) or REML (1) criterion, -2 log likelihood with all constants:
 *   d = log|L_RE|^2 [+ log|L_X|^2] + nu (1 + log(2 pi rho / nu)) - sum log w,   nu = n [- p],  rho = pwrss. */
mere_status mere_lmm_value(mere_work *work, const double *par, int reml, double *d);

/* The gradient (n_par) at the parameters of the last mere_lmm_value. */
mere_status mere_lmm_gradient(mere_work *work, double *gradient);

/* The Newton matrix (n_par x n_par) at the parameters of the last mere_lmm_gradient: average information plus the
 * second derivative of Lambda Lambda'. */
mere_status mere_lmm_information(mere_work *work, double *matrix);

/* Gamma_f = dd / d(Lambda Lambda')_f, summed over levels, k_f x k_f symmetric, at the last mere_lmm_gradient. With
 * Lambda singular, a point is a minimum only if Gamma is positive semidefinite: the certificate at the boundary. */
mere_status mere_lmm_gamma(mere_work *work, int64_t factor, double *gamma);

typedef struct {
    double ldL2, ldRX2, pwrss, ussq;
} mere_lmm_sums;

/* The fit at the parameters of the last mere_lmm_value. beta (p), RX (p x p upper); u and b (q), factor after factor,
 * level after level. */
mere_status mere_lmm_state(mere_work *work, double *beta, double *rx, double *u, double *b, mere_lmm_sums *sums);

/* Conditional covariance of the random effects given beta, in units of s^2: the blocks [Lambda M^-1 Lambda'] of every
 * level, sum of q_f k_f^2 values, factor after factor. */
mere_status mere_lmm_conditional(mere_work *work, double *blocks);

/* Hat values of the rows, at the parameters of the last mere_lmm_value. */
mere_status mere_lmm_leverage(mere_work *work, const mere_rows *rows, double *leverage);

/* W = Z'H^-1 X (q x p), H = I + Z Lambda Lambda' Z', in weighted rows, at the parameters of the last mere_lmm_value. */
mere_status mere_lmm_fixed(mere_work *work, double *w);

/* t = Z'H^-1 (y - X beta) (q). */
mere_status mere_lmm_score(mere_work *work, double *t);

/* Columns from .. from + count - 1 of N = Z'H^-1 Z (q x count). */
mere_status mere_lmm_metric(mere_work *work, int64_t from, int64_t count, double *n);

/* With one grouping factor N is block diagonal: its q_0 blocks k x k. */
mere_status mere_lmm_metric_blocks(const mere_work *work, double *blocks);

/* X'X (p x p) in weighted rows. */
void mere_plan_cross(const mere_plan *plan, double *xx);

/* ------------------------------------------------------------------ optimizers */

typedef struct {
    int reml;
    int64_t max_eval;
    double xtol_abs, ftol_abs; /* NLopt */
    double decrement;          /* Newton: stop when the predicted gain is below */
    const char *algorithm;     /* NLopt: "LN_BOBYQA", ... */
} mere_options;

typedef struct {
    double d;
    int64_t n_eval, n_gradient;
    int32_t code;      /* NLopt's result, or 0 converged, 1 stalled, 2 too many evaluations (Newton) */
    double decrement;  /* predicted gain of one more Newton step */
    double certificate; /* the smallest eigenvalue of the scaled Gamma over singular directions (0 if none) */
    int32_t n_null;    /* singular directions of Lambda Lambda' */
} mere_outcome;

/* Damped Newton in the entries of Lambda, free of bounds, with escape from the boundary along negative curvature.
 * start, par, gradient: n_par; matrix: n_par x n_par, both at par, either may be NULL. Diagonal entries come back
 * non-negative, and `work` is left evaluated at par. */
mere_status mere_minimize_newton(mere_work *work, const mere_options *options, const double *start, double *par,
                                 double *gradient, double *matrix, mere_outcome *outcome);

/* A start free of units: moment estimates of the relative standard deviations. */
mere_status mere_lmm_start(const mere_work *work, double *par);

/* Any algorithm of NLopt by name, within bounds. */
mere_status mere_minimize_nlopt(mere_work *work, const mere_options *options, const double *lower, const double *upper,
                                const double *start, double *par, mere_outcome *outcome);

/* The same for any function: returns 0, or non-zero to stop. */
typedef int (*mere_function)(int64_t n, const double *x, double *gradient, double *f, void *data);
mere_status mere_nlopt(mere_function f, void *data, int64_t n, const mere_options *options, const double *lower,
                       const double *upper, const double *start, double *x, mere_outcome *outcome);

#endif
