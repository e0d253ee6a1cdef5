/* profile.c - likelihood profiles: the criterion minimized with one quantity held fixed, point after point.
 *
 * A quantity is held by removing a coordinate (Bates, Maechler, Bolker & Walker 2015, section 5.1, has the idea of the
 * profile zeta; the coordinates are ours):
 *   sigma = v          d(par, v), Newton in par;
 *   beta_j = v         the response y - v x_j (shift.c) in the plan without x_j;
 *   sigma par_f = s    coordinates tau = log sigma in place of par_f = s exp(-tau). A standard deviation is such a product
 *                      when its column comes first in its term: then it is alone in its row of Lambda. With g, H the
 *                      derivatives of d(par, sigma) by par, and b = drho/dpar,
 *                        dd/dtau = 2 nu - 2 rho / sigma^2 - par_f g_f,
 *                        d2d/dtau dpar_i = -2 b_i / sigma^2 - par_f H_if,
 *                        d2d/dtau2 = 4 rho / sigma^2 + par_f (4 b_f / sigma^2 + par_f H_ff + g_f);
 *   correlation = r    its row of Lambda, two entries long, is t (r, sqrt(1 - r^2)): coordinate log t in place of two, and
 *                      the logarithm of the other standard deviation. A change of sign of either would turn r to -r.
 * By the envelope theorem dd/dv is the derivative by the quantity alone, so zeta's slope costs nothing.
 */
#include <math.h>
#include <string.h>

#include "dense.h"
#include "memory.h"
#include "newton.h"
#include "shift.h"

enum { SEEN = 3 };

typedef struct {
    mere_work *work;
    const mere_profile_task *task;
    const mere_options *options;
    mere_outcome *outcome;
    double value;            /* where the quantity is held */
    double *par, sigma, d;   /* the solution there, and the start for it */
    double *g, *h, *rho;     /* derivatives by par; drho/dpar */
    double *space;           /* 2 n_par */
    double *seen[SEEN], at[SEEN], log_sigma[SEEN]; /* the solutions before, the last one first: where the path is heading */
    int n_seen;
    double *state;           /* order + 2 q */
    double slope;            /* dd / dvalue */
    double edge;             /* the same beside a correlation of -1 or 1 */
} held;

/* ------------------------------------------------------------------ coordinates */

static int64_t n_coordinates(const held *p)
{
    return p->work->plan->n_par - (p->task->focus == MERE_FOCUS_COR);
}

/* Not hypot(): its symbol is newer than glibc 2.34, the oldest that wheels are for; parameters are nowhere near overflow. */
static double radius(double a, double b)
{
    return sqrt(a * a + b * b);
}

static void to_coordinates(const held *p, double *x)
{
    const mere_profile_task *task = p->task;
    int64_t n = p->work->plan->n_par;
    if (task->focus == MERE_FOCUS_SD) {
        memcpy(x, p->par, (size_t)n * sizeof *x);
        x[task->first] = log(p->sigma);
        return;
    }
    for (int64_t i = 0, at = 0; i < n; i++) {
        double value = p->par[i];
        if (i == task->second)
            value = log(radius(p->par[task->first], value));
        else if (i == task->lead)
            value = log(fabs(value));
        if (i != task->first)
            x[at++] = value;
    }
}

/* par of x, and sigma fixed or profiled out. */
static void from_coordinates(held *p, const double *x)
{
    const mere_profile_task *task = p->task;
    int64_t n = p->work->plan->n_par;
    if (task->focus == MERE_FOCUS_SD) {
        p->sigma = exp(x[task->first]);
        memcpy(p->par, x, (size_t)n * sizeof *x);
        p->par[task->first] = p->value / p->sigma;
        p->work->sigma2 = p->sigma * p->sigma;
        return;
    }
    for (int64_t i = 0, at = 0; i < n; i++)
        if (i != task->first) {
            p->par[i] = i == task->second || i == task->lead ? exp(x[at]) : x[at];
            at++;
        }
    p->par[task->first] = p->value * p->par[task->second];
    p->par[task->second] *= sqrt(1.0 - p->value * p->value);
    p->work->sigma2 = 0.0;
}

static mere_status value_of(void *data, const double *x, double *d)
{
    held *p = data;
    from_coordinates(p, x);
    return mere_lmm_value(p->work, p->par, p->options->reml, d);
}

static void sd_gradient(const held *p, double *g)
{
    int64_t n = p->work->plan->n_par, f = p->task->first;
    memcpy(g, p->g, (size_t)n * sizeof *g);
    g[f] = 2.0 * p->work->nu - 2.0 * p->work->rho / p->work->sigma2 - p->par[f] * p->g[f];
}

static void sd_matrix(const held *p, double *h)
{
    int64_t n = p->work->plan->n_par, f = p->task->first;
    double s2 = p->work->sigma2, ratio = p->work->rho / s2, par = p->par[f];
    memcpy(h, p->h, (size_t)(n * n) * sizeof *h);
    for (int64_t i = 0; i < n; i++)
        h[i + f * n] = h[f + i * n] = -2.0 * p->rho[i] / s2 - par * p->h[i + f * n];
    h[f * (n + 1)] = 4.0 * ratio + par * (4.0 * p->rho[f] / s2 + par * p->h[f * (n + 1)] + p->g[f]);
}

/* The gradient before logarithms; unit: what a coordinate multiplies it by, t and par_lead where it is one. */
static void cor_gradient(const held *p, double *g, double *unit)
{
    int64_t m = p->work->plan->n_par, a = p->task->first, b = p->task->second;
    double c = p->value, s = sqrt(1.0 - c * c);
    for (int64_t j = 0, y = 0; j < m; j++) {
        if (j == a)
            continue;
        g[y] = j == b ? c * p->g[a] + s * p->g[b] : p->g[j];
        unit[y++] = j == b ? radius(p->par[a], p->par[b]) : j == p->task->lead ? p->par[j] : 1.0;
    }
}

static void cor_matrix(const held *p, double *h)
{
    int64_t m = p->work->plan->n_par, a = p->task->first, b = p->task->second;
    double c = p->value, s = sqrt(1.0 - c * c);
    for (int64_t j = 0, y = 0; j < m; j++) {
        if (j == a)
            continue;
        for (int64_t i = 0, x = 0; i < m; i++) {
            if (i == a)
                continue;
            double hib = j == b ? c * p->h[i + a * m] + s * p->h[i + b * m] : p->h[i + j * m];
            double hab = j == b ? c * p->h[a * (m + 1)] + s * p->h[a + b * m] : p->h[a + j * m];
            h[x + y * (m - 1)] = i == b ? c * hab + s * hib : hib;
            x++;
        }
        y++;
    }
    double *g = p->space, *unit = g + m;
    cor_gradient(p, g, unit);
    for (int64_t y = 0; y < m - 1; y++)
        for (int64_t x = 0; x < m - 1; x++)
            h[x + y * (m - 1)] *= unit[x] * unit[y];
    const int64_t logarithm[] = {b, p->task->lead};
    for (int i = 0; i < 2; i++) {
        int64_t y = logarithm[i] - (logarithm[i] > a);
        h[y * m] += unit[y] * g[y];
    }
}

static mere_status gradient_of(void *data, double *g)
{
    held *p = data;
    mere_status status = mere_lmm_gradient(p->work, p->g);
    if (status)
        return status;
    if (p->task->focus == MERE_FOCUS_SD) {
        sd_gradient(p, g);
        return MERE_OK;
    }
    double *unit = p->space;
    cor_gradient(p, g, unit);
    for (int64_t i = 0; i < p->work->plan->n_par - 1; i++)
        g[i] *= unit[i];
    return MERE_OK;
}

static mere_status matrix_of(void *data, double *h)
{
    held *p = data;
    mere_status status = mere_lmm_curvature(p->work, p->h, p->rho);
    if (status)
        return status;
    if (p->task->focus == MERE_FOCUS_SD)
        sd_matrix(p, h);
    else
        cor_matrix(p, h);
    return MERE_OK;
}

/* ------------------------------------------------------------------ one point */

/* A column of Lambda that is zero has no gradient, so the start keeps off it. */
static void leave_boundary(held *p)
{
    const mere_plan *plan = p->work->plan;
    for (int64_t e = 0; e < plan->n_entry; e++) {
        const mere_entry *entry = &plan->entry[e];
        double unit = plan->factor[entry->term].scale[entry->row], *x = &p->par[entry->par];
        unit = unit > 0.0 ? 1.0 / unit : 1.0;
        if (entry->row == entry->column && fabs(*x) < 1e-3 * unit)
            *x = 1e-2 * unit;
    }
}

/* dd / dvalue of a correlation t (r, sqrt(1 - r^2)), at the last gradient. */
static double correlation_slope(const held *p)
{
    double a = p->g[p->task->first], b = p->g[p->task->second], r = p->value;
    return radius(p->par[p->task->first], p->par[p->task->second]) * (a - r / sqrt(1.0 - r * r) * b);
}

/* At a correlation of -1 or 1 the slope is that a little inside. */
static mere_status slope_at_edge(held *p, const double *x)
{
    double value = p->value, d;
    p->value = copysign(1.0 - 1e-8, value);
    from_coordinates(p, x);
    mere_status status = mere_lmm_value(p->work, p->par, p->options->reml, &d);
    if (!status && !(status = mere_lmm_gradient(p->work, p->g)))
        p->edge = correlation_slope(p);
    p->value = value;
    return status;
}

/* Standard deviation or correlation: Newton in the coordinates above. */
static mere_status solve_reduced(held *p)
{
    const mere_newton_model model = {.value = value_of, .gradient = gradient_of, .matrix = matrix_of, .data = p};
    mere_newton v = {.model = &model, .options = p->options, .outcome = p->outcome};
    mere_status status = mere_newton_new(&v, n_coordinates(p));
    if (status)
        return status;
    *p->outcome = (mere_outcome){0};
    leave_boundary(p);
    to_coordinates(p, v.x);
    if (!(status = mere_newton_restart(&v)) && v.n > 0)
        status = mere_newton_descend(&v);
    if (!status && p->task->focus == MERE_FOCUS_COR && fabs(p->value) == 1.0)
        status = slope_at_edge(p, v.x);
    p->d = v.d;
    if (!status && (v.moved || p->task->focus == MERE_FOCUS_COR)) { /* p->g belongs to v.x, the work to another point */
        from_coordinates(p, v.x);
        status = mere_lmm_value(p->work, p->par, p->options->reml, &p->d);
    }
    if (p->work->sigma2 == 0.0)
        p->sigma = sqrt(p->work->rho / p->work->nu);
    mere_newton_free(&v);
    return status;
}

static mere_status solve_plain(held *p)
{
    mere_status status = MERE_OK;
    mere_work *work = p->work;
    work->sigma2 = p->task->focus == MERE_FOCUS_SIGMA ? p->value * p->value : 0.0;
    if (p->task->focus == MERE_FOCUS_SHIFT)
        status = mere_shift_apply(p->task->shift, work, p->value);
    if (!status)
        status = mere_minimize_newton(work, p->options, p->par, p->par, NULL, NULL, p->outcome);
    if (!status) {
        p->d = p->outcome->d;
        p->sigma = work->sigma2 > 0.0 ? p->value : sqrt(work->rho / work->nu);
    }
    return status;
}

/* dd / dvalue at the solution; state: [-b_rest; -beta; 1], u, b. */
static double slope_of(const held *p)
{
    const mere_profile_task *task = p->task;
    const mere_work *work = p->work;
    double value = p->value;
    switch (task->focus) {
    case MERE_FOCUS_SIGMA:
        return 2.0 * (work->nu - work->rho / (value * value)) / value;
    case MERE_FOCUS_SD:
        return p->g[task->first] / p->sigma;
    case MERE_FOCUS_COR:
        return fabs(value) == 1.0 ? p->edge : correlation_slope(p);
    default:
        return -2.0 * work->nu / work->rho *
               mere_shift_residual(task->shift, work, value, p->state, p->state + work->plan->order + work->plan->q);
    }
}

static mere_status solve(held *p, double value)
{
    int reduced = p->task->focus == MERE_FOCUS_SD || p->task->focus == MERE_FOCUS_COR;
    p->value = value;
    mere_status status = reduced ? solve_reduced(p) : solve_plain(p);
    if (status)
        return status;
    int all = p->task->focus == MERE_FOCUS_SHIFT;
    double *u = all ? p->state + p->work->plan->order : NULL, *b = all ? u + p->work->plan->q : NULL;
    if (!(status = mere_lmm_solution(p->work, p->state, u, b, NULL)))
        p->slope = slope_of(p);
    return status;
}

/* ------------------------------------------------------------------ the path */

static void record(const held *p, double zeta, mere_profile_path *path)
{
    const mere_plan *plan = p->work->plan;
    int64_t i = path->n++;
    path->value[i] = p->value;
    path->zeta[i] = zeta;
    path->slope[i] = zeta == 0.0 || !isfinite(p->slope) ? NAN : p->slope / (2.0 * zeta);
    path->d[i] = p->d;
    path->sigma[i] = p->sigma;
    memcpy(path->par + i * plan->n_par, p->par, (size_t)plan->n_par * sizeof(double));
    for (int64_t j = 0; j < plan->p; j++)
        path->beta[i * plan->p + j] = p->work->center[j] - p->state[plan->rest + j];
}

/* The solution at `value` is the last one. */
static void remember(held *p, double value, const double *par, double sigma)
{
    double *oldest = p->seen[SEEN - 1];
    for (int i = SEEN - 1; i > 0; i--) {
        p->seen[i] = p->seen[i - 1];
        p->at[i] = p->at[i - 1];
        p->log_sigma[i] = p->log_sigma[i - 1];
    }
    p->seen[0] = oldest;
    p->at[0] = value;
    p->log_sigma[0] = log(sigma);
    memcpy(oldest, par, (size_t)p->work->plan->n_par * sizeof *par);
    p->n_seen = p->n_seen < SEEN ? p->n_seen + 1 : SEEN;
}

/* The start for `value`: on the polynomial through the solutions before; not on a parabola where that is far ahead. */
static void extrapolate(held *p, double value)
{
    double weight[SEEN] = {1.0}, log_sigma = 0.0;
    int n = p->n_seen;
    if (n == SEEN && fabs(value - p->at[0]) > 2.0 * fabs(p->at[0] - p->at[SEEN - 1]))
        n = 2;
    for (int i = 0; i < n; i++) {
        weight[i] = 1.0;
        for (int j = 0; j < n; j++)
            if (j != i)
                weight[i] *= (value - p->at[j]) / (p->at[i] - p->at[j]);
    }
    for (int64_t j = 0; j < p->work->plan->n_par; j++) {
        p->par[j] = 0.0;
        for (int i = 0; i < n; i++)
            p->par[j] += weight[i] * p->seen[i][j];
    }
    for (int i = 0; i < n; i++)
        log_sigma += weight[i] * p->log_sigma[i];
    p->sigma = exp(log_sigma);
}

/* One side, sign = -1 or 1, from the optimum outwards. A point that does not converge ends it. */
static mere_status side(held *p, double sign, mere_profile_path *path)
{
    const mere_profile_task *task = p->task;
    double end = sign < 0.0 ? task->lower : task->upper, v1 = task->at, zeta = 0.0, step = task->step;
    int64_t points = 0, retries = 0;
    mere_status status;
    while (points < task->max_points && sign * (end - v1) > 0.0) {
        double value = v1 + sign * step;
        if (sign * (end - value) < 0.2 * step)
            value = end;
        extrapolate(p, value);
        status = solve(p, value);
        if (status == MERE_ERR_MEMORY)
            return status;
        double z = status ? INFINITY : sqrt(fmax(p->d - task->d, 0.0));
        if ((status || z - zeta > 2.0 * task->delta) && retries++ < 12) { /* too far */
            step = fabs(value - v1) * (status ? 0.3 : fmax(0.1, task->delta / (z - zeta)));
            continue;
        }
        if (status)
            return MERE_OK;
        retries = 0;
        record(p, sign * z, path);
        points++;
        double wanted = task->delta / (fabs(p->slope) / (2.0 * z)), moved = fabs(value - v1);
        step = isfinite(wanted) ? fmin(fmax(wanted, 0.2 * moved), 10.0 * moved) : 2.0 * moved;
        remember(p, value, p->par, p->sigma);
        v1 = value;
        zeta = z;
        if (z > task->cutoff)
            break;
    }
    return MERE_OK;
}

/* The path to be gone on from the optimum: through it and the first points of the side that is done. */
static void turn_round(held *p, const mere_profile_path *path)
{
    int64_t n = p->work->plan->n_par;
    p->n_seen = 0;
    for (int64_t i = path->n < SEEN - 1 ? path->n - 1 : SEEN - 2; i >= 0; i--)
        remember(p, path->value[i], path->par + i * n, path->sigma[i]);
    remember(p, p->task->at, p->task->par, p->task->sigma);
}

mere_status mere_profile(mere_work *work, const mere_profile_task *task, const mere_options *options,
                         mere_profile_path *path, mere_outcome *outcome)
{
    const mere_plan *plan = work->plan;
    int64_t n = plan->n_par;
    int reduced = task->focus == MERE_FOCUS_SD || task->focus == MERE_FOCUS_COR;
    *outcome = (mere_outcome){0};
    path->n = 0;
    if ((reduced && (task->first < 0 || task->first >= n)) || !(task->sigma > 0.0) || !(task->step > 0.0) ||
        (task->focus == MERE_FOCUS_COR &&
         (task->second < 0 || task->second >= n || task->lead < 0 || task->lead >= n)) ||
        (task->focus == MERE_FOCUS_SHIFT && !task->shift))
        return MERE_ERR_ARGUMENT;
    held p = {.work = work, .task = task, .options = options, .outcome = outcome};
    double *memory = mere_calloc((5 + SEEN) * n + n * n + plan->order + 2 * plan->q, sizeof *memory);
    if (!memory)
        return MERE_ERR_MEMORY;
    p.par = memory;
    p.g = p.par + n;
    p.rho = p.g + n;
    p.space = p.rho + n;
    p.h = p.space + 2 * n;
    for (int i = 0; i < SEEN; i++)
        p.seen[i] = p.h + n * n + i * n;
    p.state = p.h + n * n + SEEN * n;
    turn_round(&p, path);
    mere_status status = side(&p, -1.0, path);
    turn_round(&p, path);
    if (!status)
        status = side(&p, 1.0, path);
    work->sigma2 = 0.0;
    work->has_value = work->has_gradient = 0;
    mere_free(memory);
    return status;
}

mere_status mere_work_fix_sigma(mere_work *work, double sigma)
{
    if (!(sigma >= 0.0) || !isfinite(sigma))
        return MERE_ERR_ARGUMENT;
    work->sigma2 = sigma * sigma;
    work->has_value = work->has_gradient = 0;
    return MERE_OK;
}
