/* families.h - distributions and links row by row. Private to the kernels. */
#ifndef MERE_FAMILIES_H
#define MERE_FAMILIES_H

#include "mere.h"

/* Per row at the linear predictor eta:
 *   mu, e = dl/deta (unit dispersion), w = expected -d2l/deta2, d = deviance residual squared;
 * and, unless h is NULL, the observed curvature h = -de/deta and dw = dw/deta. */
typedef struct {
    double *mu, *e, *w, *d, *h, *dw;
} mere_family_rows;

/* Is the curvature the same observed and expected? */
int mere_family_canonical(const mere_family *family);
/* Is it one of the two pairs with loops of their own: binomial and logit, Poisson and log? */
int mere_family_simple(const mere_family *family);
/* Has the family a dispersion parameter? */
int mere_family_dispersed(const mere_family *family);
/* 0, or 1 where some mean is outside the family's range or not finite. */
int mere_family_evaluate(const mere_family *family, int64_t n, const double *y, const double *wt, const double *sat,
                         const double *eta, const mere_family_rows *out);
/* The second derivatives that mere_family_evaluate leaves out for the simple pairs; of others there is nothing to do. */
void mere_family_second(const mere_family *family, int64_t n, const double *mu, const double *w, double *h, double *dw);
/* Are there counts so large that the deviance must be made of differences? */
int mere_family_large(const mere_family *f, int64_t n, const double *y, const double *wt);

/* sat (n): what the fast ways of mere_family_evaluate need of y; *constant: -2 log f at mu = y, summed. */
void mere_family_saturated(const mere_family *family, int64_t n, const double *y, const double *wt, double *sat,
                           double *constant);

/* Sums over rows that the criterion of a family with dispersion needs. */
typedef struct {
    double constant, n, weight, log_weight, weight_log_y;
} mere_family_sums;
/* -2 log f of all rows with the dispersion plugged in, and its derivative by the deviance. */
double mere_family_criterion(const mere_family *family, const mere_family_sums *sums, double deviance, double *slope);

/* Negative binomial: derivatives by log theta of e, w (n each) and of -2 log f (the sum, returned). */
double mere_family_by_theta(const mere_family *family, int64_t n, const double *y, const double *wt, const double *mu,
                            const double *e, const double *w, double *de, double *dw);

#endif
