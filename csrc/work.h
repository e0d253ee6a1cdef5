/* work.h - the mutable state of evaluations: one per thread. Private to the kernels. */
#ifndef MERE_WORK_H
#define MERE_WORK_H

#include "plan.h"

typedef struct mere_sparse mere_sparse;

struct mere_work {
    const mere_plan *plan;
    mere_values *values; /* per factor: the plan's cross-products, or a generalized model's own */
    const double *xx;
    /* the response */
    double *center;      /* p: y was replaced by y - X center */
    double *zy;          /* q: Z'y, factor after factor */
    double *xy;          /* p */
    double yy, yy_raw, log_weights;
    /* Lambda of each factor, k x k full storage, one after another */
    double *lambda;
    int64_t *lambda_first;
    /* elimination of factor 0: a = [rest; X; y]' Z_0, with L and F = Lambda L^-T per level, b = a F */
    double *a, *b;
    double *l0, *f0;
    double *y0;          /* NULL, or like a: mere_gamma_first leaves g a here */
    /* Schur complement before (n) and after (s, then its factor) Lambda; t = L^-T diag(w) L^-1; g = Lambda t Lambda' */
    double *n, *s, *t, *g;
    mere_sparse *sparse;
    /* solution: b of the rest, beta, and Z'r */
    double *gamma;       /* per factor k x k, like lambda */
    double *grad_lambda; /* dd/dLambda / 2, like lambda */
    double *scratch;
    int64_t n_scratch;
    double ld_re, ld_x, rho, nu;
    double sigma2;       /* the residual variance if it is fixed, 0 where it is profiled out */
    int reml;
    int has_value, has_gradient;
    double *par;         /* with has_value: where, with what fixed variance, and the criterion there */
    double at_sigma2, d;
};

/* Steps that several kernels share: Lambda; N, S, their factors and log|M|; T, Gamma_0 and G at what was factored last. */
mere_status mere_set_lambda(mere_work *work, const double *par);
mere_status mere_factor_work(mere_work *work);
mere_status mere_derive(mere_work *work, double weight_x, double weight_y);
/* x (q) <- M^-1 x after mere_factor_work: factor 0 by its levels, the rest by the Schur complement. */
mere_status mere_solve_work(mere_work *work, double *x);
/* Gamma of the factors after the first, after mere_derive. */
mere_status mere_rest_gamma(mere_work *work);
mere_status mere_lmm_inverse(mere_work *work, double weight_x, double weight_y);
void mere_blocks_scale(const mere_work *work, const double *src, double *dst, int transpose);
/* v = [-b of the rest; -beta; 1], and unless they are NULL u and b of all factors (both or none), t = Z'H^-1 r. */
mere_status mere_lmm_solution(mere_work *work, double *v, double *u, double *b, double *t);
/* What multiplies d log rho in the differential of the criterion: nu, or rho / sigma^2 where sigma is fixed. */
static inline double mere_residual_weight(const mere_work *work)
{
    return work->sigma2 > 0.0 ? work->rho / work->sigma2 : work->nu;
}
/* mere_lmm_information, and with it drho/dpar (n_par; NULL if not wanted). */
mere_status mere_lmm_curvature(mere_work *work, double *matrix, double *rho_gradient);
/* mere_work_set_response for rows whose view is at hand. */
mere_status mere_work_view_response(mere_work *work, const mere_view *view, const double *y, double log_weights);
/* Z'y as it stands in work->zy into the bordered blocks of factor 0. */
void mere_work_place_response(mere_work *work);
/* Evaluate and derive at work->lambda as it stands. */
mere_status mere_lmm_refresh(mere_work *work);
/* Entry (i, j), i >= j, of g = Lambda_r T Lambda_r' after mere_lmm_inverse. */
double mere_inverse_entry(const mere_work *work, int64_t i, int64_t j);

#endif
