/* nlopt_driver.c - any algorithm of NLopt by name, on the criterion or on any function. */
#include <math.h>
#include <nlopt.h>
#include <string.h>

#include "mere.h"
#include "memory.h"
#include "work.h"

typedef struct {
    mere_function f;
    void *data;
    nlopt_opt opt;
    int64_t n_eval, n_gradient;
    int stopped;
} problem;

static double objective(unsigned n, const double *x, double *gradient, void *data)
{
    problem *p = data;
    double f = 0.0;
    p->n_eval++;
    p->n_gradient += gradient != NULL;
    if (p->f((int64_t)n, x, gradient, &f, p->data)) {
        p->stopped = 1;
        nlopt_force_stop(p->opt);
    }
    return isfinite(f) ? f : 1e300;
}

mere_status mere_nlopt(mere_function f, void *data, int64_t n, const mere_options *options, const double *lower,
                       const double *upper, const double *start, double *x, mere_outcome *outcome)
{
    nlopt_algorithm algorithm = nlopt_algorithm_from_string(options->algorithm);
    *outcome = (mere_outcome){0};
    if ((int)algorithm < 0 || n < 1)
        return MERE_ERR_OPTIMIZER;
    problem p = {.f = f, .data = data, .opt = nlopt_create(algorithm, (unsigned)n)};
    if (!p.opt)
        return MERE_ERR_MEMORY;
    nlopt_result code = nlopt_set_min_objective(p.opt, objective, &p);
    if (code > 0 && lower)
        code = nlopt_set_lower_bounds(p.opt, lower);
    if (code > 0 && upper)
        code = nlopt_set_upper_bounds(p.opt, upper);
    if (code > 0)
        code = nlopt_set_xtol_abs1(p.opt, options->xtol_abs);
    if (code > 0)
        code = nlopt_set_ftol_abs(p.opt, options->ftol_abs);
    if (code > 0)
        code = nlopt_set_maxeval(p.opt, (int)options->max_eval);
    if (code > 0) {
        memcpy(x, start, (size_t)n * sizeof(double));
        code = nlopt_optimize(p.opt, x, &outcome->d);
        outcome->code = code;
    }
    nlopt_destroy(p.opt);
    outcome->n_eval = p.n_eval;
    outcome->n_gradient = p.n_gradient;
    if (code == NLOPT_OUT_OF_MEMORY)
        return MERE_ERR_MEMORY;
    return code > 0 || code == NLOPT_ROUNDOFF_LIMITED || p.stopped ? MERE_OK : MERE_ERR_OPTIMIZER;
}

typedef struct {
    mere_work *work;
    int reml;
    mere_status status;
} lmm_problem;

static int lmm_function(int64_t n, const double *x, double *gradient, double *f, void *data)
{
    (void)n;
    lmm_problem *p = data;
    mere_status status = mere_lmm_value(p->work, x, p->reml, f);
    if (status == MERE_OK && gradient)
        status = mere_lmm_gradient(p->work, gradient);
    if (status == MERE_ERR_NOT_POSITIVE || status == MERE_ERR_NOT_FINITE) {
        *f = INFINITY;
        if (gradient)
            memset(gradient, 0, (size_t)n * sizeof(double));
        return 0;
    }
    p->status = status;
    return status != MERE_OK;
}

mere_status mere_minimize_nlopt(mere_work *work, const mere_options *options, const double *lower, const double *upper,
                                const double *start, double *par, mere_outcome *outcome)
{
    lmm_problem p = {work, options->reml, MERE_OK};
    mere_status status =
        mere_nlopt(lmm_function, &p, work->plan->n_par, options, lower, upper, start, par, outcome);
    return p.status ? p.status : status;
}
