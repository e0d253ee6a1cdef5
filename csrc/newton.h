/* newton.h - the state of the Newton iteration, shared by newton.c and boundary.c. Private to them. */
#ifndef MERE_NEWTON_H
#define MERE_NEWTON_H

#include "work.h"

/* The criterion that is minimized. Entries of Lambda come first among the parameters. */
typedef struct {
    mere_status (*value)(void *data, const double *x, double *d);
    mere_status (*gradient)(void *data, double *g);   /* at the last value */
    mere_status (*matrix)(void *data, double *h);     /* at the last gradient */
    mere_status (*gamma)(void *data, int64_t factor, double *gamma);
    int quasi;    /* after the first matrix, BFGS updates instead of new ones */
    double noise; /* what the value may err by */
    void *data;
} mere_newton_model;

typedef struct {
    const mere_newton_model *model;
    const mere_plan *plan;
    const mere_options *options;
    mere_outcome *outcome;
    int64_t n;
    double d, noise;          /* criterion at x; what rounding may add to it */
    int moved;                /* was a trial rejected since, so that the model no longer stands at x? */
    double *x, *g, *h;        /* where we are: parameters, gradient, Newton matrix */
    double *c;                /* SR1 correction of h */
    double *x1, *g1, *s, *y;  /* trial, its gradient, step, secant */
    double *m;                /* space n x n */
    double *block, *eigen;    /* k x k spaces of the boundary */
    double *space;
} mere_newton;

/* The parts of the minimization, for who has other coordinates: space for n of them (v->x owns it); value and derivatives
 * at v->x; then down to a predicted gain below the tolerance. Without v->plan there are no units.h and no boundary. */
mere_status mere_newton_new(mere_newton *v, int64_t n);
void mere_newton_free(mere_newton *v);
mere_status mere_newton_restart(mere_newton *v);
mere_status mere_newton_descend(mere_newton *v);

/* Minimize; start, par, gradient: n, matrix: n x n at par (either may be NULL). */
mere_status mere_newton_minimize(const mere_newton_model *model, const mere_plan *plan, int64_t n,
                                 const mere_options *options, const double *start, double *par, double *gradient,
                                 double *matrix, mere_outcome *outcome);

/* The criterion at x; infinity where a factorization breaks down. */
mere_status mere_newton_value(mere_newton *v, const double *x, double *d);

/* Columns with a negative diagonal change sign. Returns whether there were any. */
int mere_newton_flip(mere_newton *v);
/* Set nearly null directions of every term to exactly null where that costs nothing. *null: how many there are now. */
mere_status mere_newton_snap(mere_newton *v, int32_t *null);
/* The certificate over all singular terms; where it fails, a step off the boundary. */
mere_status mere_newton_certify(mere_newton *v, int *escaped);

#endif
