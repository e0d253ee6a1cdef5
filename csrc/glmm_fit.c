/* glmm_fit.c - minimizing the criterion of a generalized linear mixed model: newton.c's steps, or NLopt.
 *
 * The first Newton matrix is the average information of the working linear mixed model; then secants (BFGS) keep it.
 */
#include <math.h>
#include <string.h>

#include "glmm.h"
#include "memory.h"
#include "newton.h"

typedef struct {
    mere_glmm *g;
    const mere_rule *rule;
    double *x;     /* nx: where the value was asked for last */
    double *slope; /* nx: of the quadrature there, whose value and gradient come together; NULL if it is not wanted */
    mere_status status;
} problem;

static mere_status value(void *data, const double *x, double *d)
{
    problem *p = data;
    memcpy(p->x, x, (size_t)p->g->nx * sizeof *x);
    if (p->rule->n_node > 1)
        return mere_glmm_quadrature(p->g, x, p->rule->n_node, p->rule->node, p->rule->log_weight, d, p->slope);
    return mere_glmm_value(p->g, x, d);
}

static mere_status gradient(void *data, double *slope)
{
    problem *p = data;
    if (p->rule->n_node <= 1)
        return mere_glmm_gradient(p->g, slope);
    memcpy(slope, p->slope, (size_t)p->g->nx * sizeof *slope);
    return MERE_OK;
}

static mere_status matrix(void *data, double *h)
{
    problem *p = data;
    double d, *slope;
    if (p->rule->n_node <= 1)
        return mere_glmm_information(p->g, h);
    if (!(slope = mere_malloc(p->g->nx, sizeof *slope)))
        return MERE_ERR_MEMORY;
    mere_status status = mere_glmm_value(p->g, p->x, &d);
    if (!status && !(status = mere_glmm_gradient(p->g, slope)))
        status = mere_glmm_information(p->g, h);
    mere_free(slope);
    return status;
}

/* Of the Laplace approximation also for quadrature: it says which way to try, the values decide. */
static mere_status curvature(void *data, int64_t factor, double *out)
{
    problem *p = data;
    if (p->rule->n_node > 1) {
        double d, *slope = mere_malloc(p->g->nx, sizeof *slope);
        if (!slope)
            return MERE_ERR_MEMORY;
        mere_status status = mere_glmm_value(p->g, p->x, &d);
        if (!status)
            status = mere_glmm_gradient(p->g, slope);
        mere_free(slope);
        if (status)
            return status;
    }
    return mere_glmm_gamma(p->g, factor, out);
}

mere_status mere_glmm_minimize(mere_glmm *g, const mere_rule *rule, const mere_options *options, const double *start,
                               double *par, double *slope, double *h, mere_outcome *outcome)
{
    problem p = {g, rule, mere_malloc(2 * g->nx, sizeof *p.x), NULL, MERE_OK};
    if (!p.x)
        return MERE_ERR_MEMORY;
    p.slope = p.x + g->nx;
    mere_newton_model model = {value, gradient, matrix, curvature, 1, rule->n_node > 1 ? 1e-9 : 1e-10, &p};
    mere_status status =
        mere_newton_minimize(&model, g->plan, g->nx, options, start, par, slope, h, outcome);
    mere_free(p.x);
    return status;
}

/* ------------------------------------------------------------------ NLopt */

static int call(int64_t n, const double *x, double *slope, double *f, void *data)
{
    problem *p = data;
    mere_status status;
    if (p->rule->n_node == 0) { /* beta goes with u: the parameters are those of Lambda */
        memcpy(p->x, x, (size_t)n * sizeof *x);
        status = mere_glmm_joint(p->g, p->x, f);
    } else {
        p->slope = slope ? p->x + p->g->nx : NULL;
        status = value(p, x, f);
        if (!status && slope)
            status = gradient(p, slope);
    }
    if (status == MERE_ERR_NOT_POSITIVE || status == MERE_ERR_NOT_FINITE || status == MERE_ERR_DIVERGED) {
        *f = INFINITY;
        if (slope)
            memset(slope, 0, (size_t)n * sizeof *slope);
        return 0;
    }
    p->status = status;
    return status != MERE_OK;
}

mere_status mere_glmm_nlopt(mere_glmm *g, const mere_rule *rule, const mere_options *options, const double *lower,
                            const double *upper, const double *start, double *par, mere_outcome *outcome)
{
    problem p = {g, rule, mere_malloc(2 * g->nx, sizeof *p.x), NULL, MERE_OK};
    int64_t n = rule->n_node == 0 ? g->n_par : g->nx;
    if (!p.x)
        return MERE_ERR_MEMORY;
    memcpy(p.x, start, (size_t)g->nx * sizeof *start);
    mere_status status = mere_nlopt(call, &p, n, options, lower, upper, start, par, outcome);
    if (!status && !p.status && rule->n_node == 0) { /* and the beta that belongs to the best point */
        memcpy(p.x, par, (size_t)n * sizeof *par);
        status = mere_glmm_joint(g, p.x, &outcome->d);
        memcpy(par, p.x, (size_t)g->nx * sizeof *par);
    }
    mere_free(p.x);
    return p.status ? p.status : status;
}
