/* newton.h - the state of the Newton iteration, shared by newton.c and boundary.c. Private to them. */
#ifndef MERE_NEWTON_H
#define MERE_NEWTON_H

#include "work.h"

typedef struct {
    mere_work *work;
    const mere_options *options;
    mere_outcome *outcome;
    int64_t n;
    double d, noise;          /* criterion at x; what rounding may add to it */
    double *x, *g, *h;        /* where we are: parameters, gradient, Newton matrix */
    double *c;                /* SR1 correction of h */
    double *x1, *g1, *s, *y;  /* trial, its gradient, step, secant */
    double *m;                /* space n x n */
    double *block, *eigen;    /* k x k spaces of the boundary */
    double *space;
} mere_newton;

/* The criterion at x; infinity where a factorization breaks down. */
mere_status mere_newton_value(mere_newton *v, const double *x, double *d);

/* Columns with a negative diagonal change sign. Returns whether there were any. */
int mere_newton_flip(mere_newton *v);
/* Set nearly null directions of every term to exactly null where that costs nothing. *null: how many there are now. */
mere_status mere_newton_snap(mere_newton *v, int32_t *null);
/* The certificate over all singular terms; where it fails, a step off the boundary. */
mere_status mere_newton_certify(mere_newton *v, int *escaped);

#endif
