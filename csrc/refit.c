/* refit.c - responses from a fitted model, and fits to many responses on one plan.
 *
 * Only Z'y, X'y and y'y change between responses, so a refit is a pass over the rows and a few Newton steps from the
 * estimate. A replicate is a function of (seed, replicate): threads may take any part of them in any order.
 */
#include <math.h>
#include <string.h>

#include "memory.h"
#include "random.h"
#include "refit.h"

/* ------------------------------------------------------------------ simulation */

/* y += Z b of one term, b drawn. */
static void add_term(const mere_term *term, const double *factor, int64_t n, mere_stream *stream, double *b, double *y)
{
    int64_t k = term->k;
    for (int64_t l = 0; l < term->q; l++) {
        double *bl = b + l * k;
        for (int64_t i = 0; i < k; i++)
            bl[i] = 0.0;
        for (int64_t j = 0; j < k; j++) {
            double u = mere_stream_normal(stream);
            for (int64_t i = j; i < k; i++)
                bl[i] += factor[i + j * k] * u;
        }
    }
    for (int64_t c = 0; c < k; c++) {
        const double *z = term->z ? term->z + c * n : NULL;
        for (int64_t i = 0; i < n; i++)
            y[i] += z ? z[i] * b[term->code[i] * k + c] : b[term->code[i] * k + c];
    }
}

static void draw(const mere_simulator *s, mere_stream stream, double *b, double *y)
{
    memcpy(y, s->mean, (size_t)s->n * sizeof *y);
    for (int64_t t = 0; t < s->n_term; t++)
        add_term(&s->term[t], s->factor[t], s->n, &stream, b, y);
    for (int64_t i = 0; i < s->n; i++)
        y[i] += s->scale[i] * (s->residual ? s->residual[mere_stream_below(&stream, s->n_residual)]
                                           : mere_stream_normal(&stream));
}

/* Space for the effects of the largest term; NULL if there is no memory or the simulator makes no sense. */
static double *effects(const mere_simulator *s)
{
    int64_t largest = 1;
    for (int64_t t = 0; t < s->n_term; t++)
        largest = s->term[t].k * s->term[t].q > largest ? s->term[t].k * s->term[t].q : largest;
    return mere_malloc(largest, sizeof(double));
}

mere_status mere_permutations(uint64_t seed, uint64_t first, int64_t count, int64_t n, int64_t *out)
{
    if (count < 0 || n < 1 || n > UINT32_MAX || !out)
        return MERE_ERR_ARGUMENT;
    for (int64_t i = 0; i < count; i++) {
        mere_stream stream = mere_stream_start(seed, first + (uint64_t)i);
        int64_t *row = out + i * n;
        for (int64_t j = 0; j < n; j++) { /* inside out: a new element goes to a place among those before it, or stays */
            int64_t k = mere_stream_below(&stream, j + 1);
            row[j] = row[k];
            row[k] = j;
        }
    }
    return MERE_OK;
}

mere_status mere_simulate(const mere_simulator *s, uint64_t seed, uint64_t first, int64_t count, double *y)
{
    if (s->residual && s->n_residual < 1)
        return MERE_ERR_ARGUMENT;
    double *b = effects(s);
    if (!b)
        return MERE_ERR_MEMORY;
    for (int64_t i = 0; i < count; i++)
        draw(s, mere_stream_start(seed, first + (uint64_t)i), b, y + i * s->n);
    mere_free(b);
    return MERE_OK;
}

/* ------------------------------------------------------------------ refits */

void mere_refits_keep(const mere_refits *to, int64_t at, const mere_work *work, const double *solution, double d,
                      const double *par)
{
    const mere_plan *plan = work->plan;
    const double *border = plan->sparse ? work->s : work->s + plan->rest * (plan->order + 1);
    int64_t ld = plan->sparse ? plan->border : plan->order;
    to->status[at] = MERE_OK;
    to->d[at] = d;
    to->sigma[at] = sqrt(work->rho / work->nu);
    memcpy(to->par + at * plan->n_par, par, (size_t)plan->n_par * sizeof *par);
    for (int64_t j = 0; j < plan->p; j++)
        to->beta[at * plan->p + j] = work->center[j] - solution[plan->rest + j];
    for (int64_t j = 0; to->rx && j < plan->p; j++)
        for (int64_t i = 0; i < plan->p; i++)
            to->rx[(at * plan->p + j) * plan->p + i] = i <= j ? border[j + i * ld] : 0.0;
}

void mere_refits_fail(const mere_refits *to, int64_t at, const mere_plan *plan, mere_status status)
{
    to->status[at] = (int32_t)status;
    to->d[at] = to->sigma[at] = NAN;
    for (int64_t j = 0; j < plan->n_par; j++)
        to->par[at * plan->n_par + j] = NAN;
    for (int64_t j = 0; j < plan->p; j++)
        to->beta[at * plan->p + j] = NAN;
    for (int64_t j = 0; to->rx && j < plan->p * plan->p; j++)
        to->rx[at * plan->p * plan->p + j] = NAN;
}

mere_status mere_refit(mere_work *work, const mere_rows *rows, double log_weights, const mere_options *options,
                       const double *start, const double *y, const mere_simulator *simulator, uint64_t seed,
                       uint64_t first, int64_t count, const mere_refits *refits)
{
    const mere_plan *plan = work->plan;
    mere_status status = MERE_OK;
    if (!y && (!simulator || simulator->n != plan->n || (simulator->residual && simulator->n_residual < 1)))
        return MERE_ERR_ARGUMENT;
    double *space = mere_malloc(plan->n + plan->order + 2 * plan->q + plan->n_par, sizeof *space);
    double *b = simulator ? effects(simulator) : NULL;
    if (!space || (simulator && !b)) {
        mere_free(space);
        mere_free(b);
        return MERE_ERR_MEMORY;
    }
    double *response = space, *solution = response + plan->n, *u = solution + plan->order, *par = u + 2 * plan->q;
    for (int64_t i = 0; i < count && status != MERE_ERR_MEMORY; i++) {
        mere_outcome outcome;
        const double *yi = y ? y + i * plan->n : response;
        if (!y)
            draw(simulator, mere_stream_start(seed, first + (uint64_t)i), b, response);
        if (!(status = mere_work_set_response(work, rows, yi, log_weights)) &&
            !(status = mere_minimize_newton(work, options, start, par, NULL, NULL, &outcome)) &&
            !(status = mere_lmm_solution(work, solution, u, u + plan->q, NULL)))
            mere_refits_keep(refits, i, work, solution, outcome.d, par);
        else
            mere_refits_fail(refits, i, plan, status);
    }
    mere_free(space);
    mere_free(b);
    return status == MERE_ERR_MEMORY ? status : MERE_OK;
}
