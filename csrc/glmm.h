/* glmm.h - the state of a generalized linear mixed model. Private to the kernels. */
#ifndef MERE_GLMM_H
#define MERE_GLMM_H

#include "families.h"
#include "work.h"

enum { MERE_MAX_NEST = 4 }; /* nested factors that quadrature takes */
typedef struct mere_nest mere_nest;

enum { MERE_NOT_FACTORED = 0, MERE_EXPECTED, MERE_OBSERVED };

struct mere_glmm {
    const mere_plan *plan; /* of Z alone */
    mere_work *work;
    mere_family family;
    mere_family_sums sums;
    double tolerance;
    int64_t max_step;
    int64_t n, p, q, n_par, n_factor, nx; /* n_par: entries of Lambda; nx: all parameters */
    int canonical;
    /* rows, sorted by their level of factor 0 */
    int32_t *perm;
    double *X, *y, *wt, *sat, *offset;
    double **z;          /* columns of all factors, NULL = ones; z_first[f] is the first of factor f */
    int32_t **code;      /* per factor */
    int64_t *z_first;
    int64_t *row_ptr;    /* level of factor 0 -> its rows */
    int32_t **at;        /* f * n_factor + g, f < g: place of (row's level of g, first column of its level of f): in
                            work->a for f = 0, in val[f] otherwise */
    int32_t **place;     /* the same for f > 0 in the sparse pattern */
    double *base, *eta, *mu, *e, *w, *d, *h, *dw, *c;
    /* blocks that the rows are added up into */
    double **diag, **val;
    /* parameters and random effects */
    double *par, *beta, *u, *u1, *b, *ze, *r, *t, *xi, *step;
    double *level_c;     /* C of the levels of factor 0 */
    double *zx;          /* q x (p + n_par): Lambda'Z'W [X, Z f] */
    double deviance, penalized, ld, d_value;
    mere_nest *nest;     /* of nested.c, made when it is first asked for */
    int factored;
    int has_value, has_gradient, warm;
};

/* b = Lambda u and eta, mu, e, w, d, h, dw at u; deviance and penalized. 1: a mean out of range. For the two simple
 * pairs h and dw are left to mere_pirls_second. */
int mere_pirls_rows(mere_glmm *g, const double *u);
void mere_pirls_second(mere_glmm *g);
/* Z'WZ (MERE_EXPECTED: w; MERE_OBSERVED: h) and its factor. */
mere_status mere_pirls_factor(mere_glmm *g, int which);
/* ze = Z'e. */
void mere_pirls_score(mere_glmm *g, const double *e, double *ze);
/* out = base + Z b (base may be NULL). */
void mere_pirls_effects(const mere_glmm *g, const double *base, const double *b, double *out);
/* out (q) = Lambda x or Lambda' x. */
void mere_pirls_lambda(const mere_glmm *g, const double *x, int transpose, double *out);
/* The conditional mode at par; leaves the factor of the expected curvature. */
mere_status mere_pirls_mode(mere_glmm *g, const double *par);
/* zx = M^-1 Lambda'Z'W X (q x p) and cross = X'WX - its square in M (p x p, lower), with the curvature last factored. */
mere_status mere_pirls_fixed(mere_glmm *g, double *cross);
/* The factor for a step: observed curvature where it is positive definite, else expected. */
mere_status mere_pirls_factor_step(mere_glmm *g);
/* base = offset + X beta. */
void mere_pirls_base(mere_glmm *g);
int mere_pirls_broke(mere_status status);
/* u = u + t step (and beta = beta + t change, unless NULL) with a lower objective; 0 when no t gives one. */
int mere_pirls_descend(mere_glmm *g, const double *change, double *gain);
/* Quadrature for nested factors, after mere_glmm_value; gradient may be NULL. */
mere_status mere_glmm_nested(mere_glmm *g, int64_t n_node, const double *node, const double *log_weight, double *d,
                             double *gradient);
void mere_nest_free(mere_nest *nest);
/* theta of the family, Lambda and beta from the parameters. */
mere_status mere_pirls_set(mere_glmm *g, const double *par);
/* v (n): the diagonal of Z Lambda M^-1 Lambda'Z'; leaves Gamma and G of log|M| in the work. */
mere_status mere_pirls_variance(mere_glmm *g, double *v);

#endif
