/* nested.h - the effects of nested grouping factors as trees: what nested_tree.c does with them, and nested.c needs.
 * Private to the kernels. */
#ifndef MERE_NESTED_H
#define MERE_NESTED_H

#include "glmm.h"

/* What one depth of the recursion keeps while deeper ones run. Rows: n each; effects of factors 0 .. f: `size` each. */
typedef struct {
    int64_t size;
    double *base, *mu, *e, *w, *d, *h, *dw, *rho, *inner;
    double *u, *trial, *r, *xi;
    double *value, *most, *sum, *keep, *add, *s, *moment, *curvature, *kappa; /* per level of factor f */
    double *theta, *theta_in; /* levels x (f + 1): dV/dtheta, and of the nodes */
    double *by_size, *by_size_in;
} mere_layer;

struct mere_nest {
    int64_t depth;
    int64_t offset[MERE_MAX_NEST + 1];
    int32_t *up[MERE_MAX_NEST][MERE_MAX_NEST]; /* up[h][f], h < f: the level of f that a level of h is in */
    double theta[MERE_MAX_NEST];
    mere_layer at[MERE_MAX_NEST];
    double *eta, *weight, *a, *before; /* a: effects x depth, the curvature of the tree and its factor */
    int32_t *flag;
    double *space;
    int derive;
    const double *node, *log_weight;
    int64_t n_node;
};

mere_status mere_nest_new(mere_glmm *g);
/* out += x_j theta_h z_h of all effects of factors 0 .. f. */
void mere_nest_effects(const mere_glmm *g, const mere_nest *nest, int64_t f, const double *x, double *out);
/* out_j = z_j'x (not times theta) of all effects of factors 0 .. f. */
void mere_nest_score(const mere_glmm *g, const mere_nest *nest, int64_t f, const double *x, double *out);
/* M = Theta Z'W Z Theta + I of the trees below the levels of factor f, W in nest->weight, and its elimination from the
 * inside out: a[j][g] stays the row of j by its ancestors. Roots with a pivot that is not positive are flagged; 1 if any. */
int mere_nest_factor(const mere_glmm *g, mere_nest *nest, int64_t f);
/* x <- M^-1 x. */
void mere_nest_solve(const mere_glmm *g, const mere_nest *nest, int64_t f, double *x);
/* r: 1 at the roots, and inside what the conditional mode moves by when its root moves by one. */
void mere_nest_directions(const mere_glmm *g, const mere_nest *nest, int64_t f, double *r);
/* The joint mode of every tree at at[f].base, from at[f].u; rows of at[f] are left there. */
mere_status mere_nest_modes(mere_glmm *g, int64_t f);

#endif
