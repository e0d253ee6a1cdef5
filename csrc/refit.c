/* refit.c - responses from a fitted model, and fits to many responses on one plan.
 *
 * Only Z'y, X'y and y'y change between responses, so a refit is a pass over the rows and a few Newton steps from the
 * estimate: eight at a time where lanes.c can, else one by one. A replicate is a function of (seed, replicate): threads may
 * take any part of them in any order.
 */
#include <math.h>
#include <string.h>

#include "lanes.h"
#include "memory.h"
#include "random.h"
#include "refit.h"

/* ------------------------------------------------------------------ simulation */

/* y += Z b of one term, b = factor u by levels. */
static void add_term(const mere_term *term, const double *factor, int64_t n, const double *u, double *b, double *y)
{
    int64_t k = term->k;
    for (int64_t l = 0; l < term->q; l++)
        for (int64_t i = 0; i < k; i++) {
            double sum = 0.0;
            for (int64_t j = 0; j <= i; j++)
                sum += factor[i + j * k] * u[l * k + j];
            b[l * k + i] = sum;
        }
    for (int64_t c = 0; c < k; c++) {
        const double *z = term->z ? term->z + c * n : NULL;
        for (int64_t i = 0; i < n; i++)
            y[i] += z ? z[i] * b[term->code[i] * k + c] : b[term->code[i] * k + c];
    }
}

static int64_t n_effects(const mere_simulator *s)
{
    int64_t size = 0;
    for (int64_t t = 0; t < s->n_term; t++)
        size += s->term[t].k * s->term[t].q;
    return size;
}

/* All effects and then the errors are one run of the stream. `space`: see draw_space. */
static void draw(const mere_simulator *s, mere_stream stream, double *space, double *y)
{
    int64_t size = n_effects(s);
    double *e = space + size, *b = e + (s->residual ? 0 : s->n);
    memcpy(y, s->mean, (size_t)s->n * sizeof *y);
    mere_stream_normals(&stream, b - space, space);
    for (int64_t t = 0; t < s->n_term; t++) {
        add_term(&s->term[t], s->factor[t], s->n, space, b, y);
        space += s->term[t].k * s->term[t].q;
    }
    for (int64_t i = 0; i < s->n; i++)
        y[i] += s->scale[i] * (s->residual ? s->residual[mere_stream_below(&stream, s->n_residual)] : e[i]);
}

/* Space for the normal numbers of a draw and the effects of the largest term; NULL if there is no memory. */
static double *draw_space(const mere_simulator *s)
{
    int64_t largest = 0;
    for (int64_t t = 0; t < s->n_term; t++)
        largest = s->term[t].k * s->term[t].q > largest ? s->term[t].k * s->term[t].q : largest;
    return mere_malloc(n_effects(s) + s->n + largest, sizeof(double));
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
    double *b = draw_space(s);
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

/* What a call of mere_refit works on. */
typedef struct {
    mere_work *work;
    mere_view view;
    double log_weights;
    const mere_options *options;
    const double *start, *y;
    const mere_simulator *simulator;
    uint64_t seed, first;
    int64_t count;
    const mere_refits *refits;
    double *space, *effects, *drawn; /* of a fit, of a draw, of drawn responses: MERE_LANES x n */
} refit_call;

/* Response i, drawn into `to` if it is not given. */
static const double *response(const refit_call *c, int64_t i, int64_t to)
{
    int64_t n = c->work->plan->n;
    if (c->y)
        return c->y + i * n;
    draw(c->simulator, mere_stream_start(c->seed, c->first + (uint64_t)i), c->effects, c->drawn + to * n);
    return c->drawn + to * n;
}

/* `from`: where to start. */
static mere_status fit_alone(const refit_call *c, const double *y, const double *from, int64_t at)
{
    const mere_plan *plan = c->work->plan;
    double *solution = c->space, *par = solution + plan->order;
    mere_outcome outcome;
    mere_status status;
    if (!(status = mere_work_view_response(c->work, &c->view, y, c->log_weights)) &&
        !(status = mere_minimize_newton(c->work, c->options, from, par, NULL, NULL, &outcome)) &&
        !(status = mere_lmm_solution(c->work, solution, NULL, NULL, NULL)))
        mere_refits_keep(c->refits, at, c->work, solution, outcome.d, par);
    else
        mere_refits_fail(c->refits, at, plan, status);
    return status == MERE_ERR_MEMORY ? status : MERE_OK;
}

/* All responses through the lanes: a lane that has ended takes the next response. */
static mere_status fit_in_lanes(const refit_call *c, mere_lanes *lanes)
{
    const double *y[MERE_LANES];
    int64_t of[MERE_LANES], next = 0, left = c->count;
    unsigned idle = (1u << MERE_LANES) - 1u;
    mere_status status = MERE_OK;
    while (left && !status) {
        for (int lane = 0; lane < MERE_LANES && !status; lane++) {
            while (idle >> lane & 1u && next < c->count && !status) {
                of[lane] = next++;
                y[lane] = response(c, of[lane], lane);
                if (mere_work_view_response(c->work, &c->view, y[lane], c->log_weights) == MERE_OK) {
                    mere_lanes_take(lanes, lane, c->work, c->start);
                    idle &= ~(1u << lane);
                } else { /* says why */
                    status = fit_alone(c, y[lane], c->start, of[lane]);
                    left--;
                }
            }
        }
        unsigned ended = idle == (1u << MERE_LANES) - 1u ? 0u : mere_lanes_step(lanes, c->options);
        for (int lane = 0; ended && lane < MERE_LANES && !status; lane++)
            if (ended >> lane & 1u) {
                if (!mere_lanes_keep(lanes, lane, c->refits, of[lane]))
                    status = fit_alone(c, y[lane], mere_lanes_place(lanes, lane), of[lane]);
                left--;
            }
        idle |= ended;
    }
    return status;
}

mere_status mere_refit(mere_work *work, const mere_rows *rows, double log_weights, const mere_options *options,
                       const double *start, const double *y, const mere_simulator *simulator, uint64_t seed,
                       uint64_t first, int64_t count, const mere_refits *refits)
{
    const mere_plan *plan = work->plan;
    mere_lanes *lanes = NULL;
    if (rows->n != plan->n || rows->p != plan->p || rows->n_term != plan->n_term ||
        (!y && (!simulator || simulator->n != plan->n || (simulator->residual && simulator->n_residual < 1))))
        return MERE_ERR_ARGUMENT;
    refit_call c = {work, {0}, log_weights, options, start, y, simulator, seed, first, count, refits, NULL, NULL, NULL};
    c.space = mere_malloc(plan->order + plan->n_par, sizeof(double));
    c.drawn = y ? NULL : mere_malloc(MERE_LANES * plan->n, sizeof(double));
    c.effects = y ? NULL : draw_space(simulator);
    mere_status status = !c.space || (!y && (!c.drawn || !c.effects)) ? MERE_ERR_MEMORY : mere_lanes_new(plan, &lanes);
    if (!status)
        status = mere_view_new(plan, rows, &c.view);
    if (!status && lanes)
        status = fit_in_lanes(&c, lanes);
    for (int64_t i = 0; !status && !lanes && i < count; i++)
        status = fit_alone(&c, response(&c, i, 0), start, i);
    mere_view_free(&c.view);
    mere_lanes_free(lanes);
    mere_free(c.space);
    mere_free(c.drawn);
    mere_free(c.effects);
    return status;
}
