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
    MERE_ERR_TOO_LARGE,    /* a dense block would exceed the 32-bit sizes of BLAS */
    MERE_ERR_DIVERGED      /* the conditional modes were not found: the penalized iterations do not settle */
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

/* ------------------------------------------------------- simulations and refits */

/* Responses: y_i = mean_i + sum_t z_ti' b_t + scale_i e_i. Stream `replicate` of `seed` (random.h) gives, in this order,
 * the random effects b = factor u of the terms, level by level, and the errors: normal, or drawn from `residual`. */
typedef struct {
    int64_t n;
    const double *mean, *scale;  /* n */
    int64_t n_term;
    const mere_term *term;       /* the terms that are drawn */
    const double *const *factor; /* of each k x k: sigma times its lower-triangular relative factor */
    int64_t n_residual;
    const double *residual;      /* n_residual values to draw e from with replacement, or NULL: standard normal */
} mere_simulator;

/* y (n x count): the responses of the replicates first, first + 1, ... */
mere_status mere_simulate(const mere_simulator *simulator, uint64_t seed, uint64_t first, int64_t count, double *y);

/* out (count rows of n): permutations first, first + 1, ... of 0, ..., n - 1, each a function of the seed and its number
 * (Fisher & Yates). */
mere_status mere_permutations(uint64_t seed, uint64_t first, int64_t count, int64_t n, int64_t *out);

/* Where the fits of replicates go, each array from the first replicate on: status and d, sigma (1), par (n_par), beta (p),
 * and unless it is NULL RX (p x p, upper). */
typedef struct {
    int32_t *status;
    double *d, *sigma, *par, *beta, *rx;
} mere_refits;

/* Fit the model of `work` to `count` responses by Newton from `start`: to the columns of y (n x count), or, where y is
 * NULL, to the simulator's replicates. A fit that fails has its status and NaN; only a lack of memory ends the loop. */
mere_status mere_refit(mere_work *work, const mere_rows *rows, double log_weights, const mere_options *options,
                       const double *start, const double *y, const mere_simulator *simulator, uint64_t seed,
                       uint64_t first, int64_t count, const mere_refits *refits);

/* Fits without some rows. Their cross-products are taken out of a plan of its own, and put back after the fit. */
typedef struct mere_deletion mere_deletion;
mere_status mere_deletion_new(const mere_rows *rows, int64_t n_entry, const mere_entry *entry, int64_t n_par,
                              mere_schur schur, const double *y, double log_weights, mere_deletion **out);
void mere_deletion_free(mere_deletion *deletion);
/* Set s leaves out the rows row[ptr[s]], ..., row[ptr[s + 1] - 1], each once. */
mere_status mere_deletion_refit(mere_deletion *deletion, const mere_rows *rows, const mere_options *options,
                                const double *start, int64_t n_set, const int64_t *ptr, const int64_t *row,
                                const mere_refits *refits);

/* ------------------------------------------------------------------ profiles */

/* Fix the residual standard deviation at sigma > 0: the criterion is then a function of par and sigma,
 *   d(par, sigma) = log|L_RE|^2 [+ log|L_X|^2] + nu log(2 pi sigma^2) + rho / sigma^2 - sum log w.   0: profile it out again. */
mere_status mere_work_fix_sigma(mere_work *work, double sigma);

/* The responses y - v x as cross-products, for any v without a pass over the rows: a fixed effect held at v, with x its
 * column, in the plan without that column. */
typedef struct mere_shift mere_shift;
mere_status mere_shift_new(mere_work *work, const mere_rows *rows, const double *y, const double *x, double log_weights,
                           mere_shift **out);
void mere_shift_free(mere_shift *shift);
mere_status mere_shift_apply(const mere_shift *shift, mere_work *work, double v);

typedef enum {
    MERE_FOCUS_SIGMA = 0, /* the residual standard deviation */
    MERE_FOCUS_SD,        /* sigma * par[first]: par[first] is alone in its row of Lambda */
    MERE_FOCUS_COR,       /* (par[first], par[second]) are alone in their row, par[lead] in its: par[first] / their norm */
    MERE_FOCUS_SHIFT      /* v of a mere_shift */
} mere_focus;

/* From the optimum outwards: the criterion minimized with one quantity held fixed. */
typedef struct {
    mere_focus focus;
    int64_t first, second, lead;
    const mere_shift *shift;
    double at, d, sigma;   /* the optimum: the quantity, the criterion, sigma ... */
    const double *par;     /* ... and the parameters (n_par) */
    double lower, upper;   /* of the quantity */
    double step;           /* a first guess of the distance between points */
    double delta, cutoff;  /* wanted distance in zeta; stop beyond |zeta| = cutoff */
    int64_t max_points;    /* to a side */
} mere_profile_task;

/* Room for 2 max_points values, of par 2 max_points n_par, of beta 2 max_points p. */
typedef struct {
    int64_t n;
    double *value, *zeta, *slope, *d, *sigma, *par, *beta; /* slope = dzeta / dvalue; NaN where it is not known */
} mere_profile_path;

/* zeta = sign(value - at) sqrt(d - d_optimum), warm starts along the way. Points below the optimum come first, outwards. */
mere_status mere_profile(mere_work *work, const mere_profile_task *task, const mere_options *options,
                         mere_profile_path *path, mere_outcome *outcome);

/* Any algorithm of NLopt by name, within bounds. */
mere_status mere_minimize_nlopt(mere_work *work, const mere_options *options, const double *lower, const double *upper,
                                const double *start, double *par, mere_outcome *outcome);

/* The same for any function: returns 0, or non-zero to stop. */
typedef int (*mere_function)(int64_t n, const double *x, double *gradient, double *f, void *data);
mere_status mere_nlopt(mere_function f, void *data, int64_t n, const mere_options *options, const double *lower,
                       const double *upper, const double *start, double *x, mere_outcome *outcome);

/* ------------------------------------------------------------------ generalized linear mixed models */

/* y | b has a density of an exponential family with mean mu, g(mu) = eta = offset + X beta + Z Lambda u, u ~ N(0, I).
 * The conditional mode of u minimizes deviance + u'u (PIRLS); the criterion is the Laplace approximation
 *   D(par) = -2 log f(y | u) + u'u + log|Lambda'Z'WZ Lambda + I|,   par = (entries of Lambda, beta[, log theta]). */
typedef enum {
    MERE_GAUSSIAN = 0,
    MERE_BINOMIAL,
    MERE_POISSON,
    MERE_GAMMA,
    MERE_INVERSE_GAUSSIAN,
    MERE_NEGATIVE_BINOMIAL,
    MERE_OTHER_FAMILY
} mere_family_name;

typedef enum {
    MERE_IDENTITY = 0,
    MERE_LOGIT,
    MERE_PROBIT,
    MERE_CLOGLOG,
    MERE_CAUCHIT,
    MERE_LOG,
    MERE_INVERSE,
    MERE_SQRT,
    MERE_INVERSE_SQUARE
} mere_link;

/* Rows at eta (n, in the order of mere_glmm_rows): mu, e = dl/deta, w = expected curvature, d = deviance residual squared;
 * if h is not NULL also the observed curvature and dw/deta. 0, 1 (a mean out of range), or 2 (give up). */
typedef int (*mere_family_callback)(int64_t n, const double *eta, double *mu, double *e, double *w, double *d, double *h,
                                    double *dw, void *data);

typedef struct {
    mere_family_name family;
    mere_link link;
    double theta;                  /* negative binomial */
    int32_t estimate_theta;        /* is log theta the last parameter? */
    int32_t large;                 /* set by the kernels: counts beyond 1e6 */
    int32_t canonical;             /* of a callback */
    double constant;               /* added to -2 log L; of a callback all of -2 log f less the deviance */
    mere_family_callback callback; /* NULL for the families above */
    void *data;
} mere_family;

typedef struct {
    int64_t p;
    const double *X;      /* n x p */
    const double *y;      /* n */
    const double *weight; /* n, or NULL */
    const double *offset; /* n, or NULL */
    mere_family family;
    double tolerance;     /* PIRLS: stop when a step would lower deviance + u'u by less */
    int64_t max_step;
} mere_glmm_data;

typedef struct mere_glmm mere_glmm;

/* `plan` is made from the same rows without X and without weights. */
mere_status mere_glmm_new(const mere_plan *plan, const mere_rows *rows, const mere_glmm_data *data, mere_glmm **out);
void mere_glmm_free(mere_glmm *g);
int64_t mere_glmm_n_par(const mere_glmm *g);
/* perm (n): row i of the kernels is row perm[i] of the user. */
void mere_glmm_rows(const mere_glmm *g, int32_t *perm);

mere_status mere_glmm_value(mere_glmm *g, const double *par, double *d);
/* At the parameters of the last mere_glmm_value. */
mere_status mere_glmm_gradient(mere_glmm *g, double *gradient);
/* A Newton matrix there: average information plus the second derivative of Lambda Lambda'. After the gradient. */
mere_status mere_glmm_information(mere_glmm *g, double *matrix);
/* dD / d(Lambda Lambda')_f summed over levels. After the gradient. */
mere_status mere_glmm_gamma(mere_glmm *g, int64_t factor, double *gamma);
/* beta and u together minimize deviance + u'u at par's Lambda (nAGQ = 0): beta of par is replaced; D with that beta.
 * Without d (NULL), as a start for other methods: to a gain of 1e-4 only. */
mere_status mere_glmm_joint(mere_glmm *g, double *par, double *d);
/* The beta (count x p) of that for other responses y (count x n, rows one after another), each started from the modes
 * of g's own response; NaN where there is no minimum. They need not be possible responses of the family, whose kernels
 * must be simple (mere_family_simple). */
mere_status mere_glmm_joint_each(mere_glmm *g, const double *par, int64_t count, const double *y, double *beta);
/* Adaptive Gauss-Hermite quadrature with `n_node` points a dimension: one grouping factor, or scalar effects of factors
 * that nest in one another. gradient (n_par) may be NULL. */
mere_status mere_glmm_quadrature(mere_glmm *g, const double *par, int64_t n_node, const double *node,
                                 const double *log_weight, double *d, double *gradient);

typedef struct {
    double ldL2, ldRX2, ussq, deviance, minus_2_loglik; /* the last given u */
    double max_eta;
    double pearson; /* chi-squared */
} mere_glmm_sums;
/* At the parameters of the last value: u and b (q, factor after factor), eta, mu, w (n, the user's rows), RX (p x p). */
mere_status mere_glmm_state(mere_glmm *g, double *u, double *b, double *eta, double *mu, double *w, double *rx,
                            mere_glmm_sums *sums);
/* Blocks of Lambda M^-1 Lambda', as mere_lmm_conditional. */
mere_status mere_glmm_conditional(mere_glmm *g, double *blocks);

/* The Laplace criterion (n_node 1), the joint one (0) or quadrature. */
typedef struct {
    int64_t n_node;
    const double *node, *log_weight;
} mere_rule;

/* Newton and quasi-Newton steps free of bounds, with exact derivatives. */
mere_status mere_glmm_minimize(mere_glmm *g, const mere_rule *rule, const mere_options *options, const double *start,
                               double *par, double *gradient, double *matrix, mere_outcome *outcome);
mere_status mere_glmm_nlopt(mere_glmm *g, const mere_rule *rule, const mere_options *options, const double *lower,
                            const double *upper, const double *start, double *par, mere_outcome *outcome);

#endif
