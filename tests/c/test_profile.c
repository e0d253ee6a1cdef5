/* test_profile.c - profiles against the minimum itself: what is held is held, and nothing beside the point is lower.
 *
 * Two crossed factors, the first with two columns, prior weights: each kind of quantity, its slope against differences,
 * every allocation failing.
 */
#include "test.h"

#include "mere.h"

enum { N = 96, P = 2, N_PAR = 4, POINTS = 12 };

static double X[N * P], y[N], z[N * 2], sqrt_w[N], log_w;
static int32_t subject[N], item[N];
static const mere_entry entries[] = {{0, 0, 0, 0}, {0, 1, 0, 1}, {0, 1, 1, 2}, {1, 0, 0, 3}};

static void make_data(void)
{
    for (int i = 0; i < N; i++) {
        double e = test_random() + test_random();
        subject[i] = i / 8;
        item[i] = i % 8;
        X[i] = z[i] = 1;
        X[N + i] = z[N + i] = test_random();
        sqrt_w[i] = 1 + 0.4 * test_random();
        log_w += 2 * log(sqrt_w[i]);
        y[i] = 5 + X[N + i] * (1 + 0.7 * (subject[i] * 5 % 7 - 3)) + (subject[i] * 3 % 11) * 0.4 + (item[i] % 3) + e / sqrt_w[i];
    }
}

typedef struct {
    mere_term term[2];
    mere_rows rows;
    mere_plan *plan;
    mere_work *work;
} model;

static mere_status model_new(model *m, int64_t p, const double *x)
{
    *m = (model){.term = {{2, 12, z, subject, 0}, {1, 8, NULL, item, 1}}};
    m->rows = (mere_rows){N, p, x, sqrt_w, 2, m->term};
    mere_status status = mere_plan_new(&m->rows, 4, entries, N_PAR, MERE_SCHUR_AUTO, &m->plan);
    if (!status) status = mere_work_new(m->plan, &m->work);
    if (!status) status = mere_work_set_response(m->work, &m->rows, y, log_w);
    return status;
}

static void model_free(model *m)
{
    mere_work_free(m->work);
    mere_plan_free(m->plan);
}

static const mere_options options = {.reml = 0, .max_eval = 500, .decrement = 1e-12};

typedef struct {
    double value[2 * POINTS], zeta[2 * POINTS], slope[2 * POINTS], d[2 * POINTS], sigma[2 * POINTS];
    double par[2 * POINTS * N_PAR], beta[2 * POINTS * P];
    mere_profile_path path;
} result;

static mere_status run(model *m, mere_profile_task task, result *r)
{
    static const double start[N_PAR] = {1, 0, 1, 1};
    mere_outcome outcome;
    double par[N_PAR], beta[P], rx[P * P], u[40], b[40];
    mere_lmm_sums sums;
    mere_status status = task.shift ? mere_shift_apply(task.shift, m->work, task.at) : MERE_OK;
    if (!status) status = mere_minimize_newton(m->work, &options, start, par, NULL, NULL, &outcome);
    if (!status) status = mere_lmm_state(m->work, beta, rx, u, b, &sums);
    if (status) return status;
    task.par = par;
    task.d = outcome.d;
    task.sigma = sqrt(sums.pwrss / N);
    if (task.focus == MERE_FOCUS_SIGMA) task.at = task.sigma;
    if (task.focus == MERE_FOCUS_SD) task.at = task.sigma * par[task.first];
    if (task.focus == MERE_FOCUS_COR) task.at = par[1] / hypot(par[1], par[2]);
    task.delta = 0.4;
    task.cutoff = 2.5;
    task.max_points = POINTS;
    r->path = (mere_profile_path){0, r->value, r->zeta, r->slope, r->d, r->sigma, r->par, r->beta};
    return mere_profile(m->work, &task, &options, &r->path, &outcome);
}

/* d(par, sigma) */
static double criterion(model *m, const double *par, double sigma)
{
    double d = NAN;
    CHECK(mere_work_fix_sigma(m->work, sigma) == MERE_OK);
    CHECK(mere_lmm_value(m->work, par, 0, &d) == MERE_OK);
    CHECK(mere_work_fix_sigma(m->work, 0) == MERE_OK);
    return d;
}

static double held(mere_focus focus, const double *par, double sigma)
{
    if (focus == MERE_FOCUS_SD) return sigma * par[0];
    if (focus == MERE_FOCUS_COR) return copysign(1, par[0]) * par[1] / hypot(par[1], par[2]);
    return sigma;
}

TEST(fixed_sigma_is_the_definition)
{
    model m;
    CHECK(model_new(&m, P, X) == MERE_OK);
    double par[N_PAR] = {0.9, 0.2, 0.5, 0.7}, d, beta[P], rx[P * P], u[40], b[40], low = INFINITY, at = 0;
    mere_lmm_sums sums;
    CHECK(mere_lmm_value(m.work, par, 0, &d) == MERE_OK);
    CHECK(mere_lmm_state(m.work, beta, rx, u, b, &sums) == MERE_OK);
    double sigma = sqrt(sums.pwrss / N);
    CHECK_CLOSE(criterion(&m, par, sigma), d, 1e-12); /* profiled out, sigma takes its best value ... */
    for (double s = 0.8 * sigma; s < 1.2 * sigma; s += 0.001 * sigma)
        if (criterion(&m, par, s) < low) low = criterion(&m, par, at = s);
    CHECK_CLOSE(at, sigma, 2e-3); /* ... which is the only one */
    double g[N_PAR], h = 1e-5;
    mere_work_fix_sigma(m.work, 1.3 * sigma);
    CHECK(mere_lmm_value(m.work, par, 0, &d) == MERE_OK && mere_lmm_gradient(m.work, g) == MERE_OK);
    for (int j = 0; j < N_PAR; j++) {
        double up[N_PAR], down[N_PAR];
        memcpy(up, par, sizeof par);
        memcpy(down, par, sizeof par);
        up[j] += h;
        down[j] -= h;
        CHECK_CLOSE(g[j], (criterion(&m, up, 1.3 * sigma) - criterion(&m, down, 1.3 * sigma)) / (2 * h), 1e-6);
    }
    model_free(&m);
}

TEST(points_are_constrained_minima)
{
    static const mere_profile_task tasks[] = {
        {.focus = MERE_FOCUS_SIGMA, .lower = 0, .upper = INFINITY, .step = 0.03},
        {.focus = MERE_FOCUS_SD, .first = 0, .lower = 0, .upper = INFINITY, .step = 0.1},
        {.focus = MERE_FOCUS_COR, .first = 1, .second = 2, .lead = 0, .lower = -1, .upper = 1, .step = 0.1},
    };
    for (int t = 0; t < 3; t++) {
        model m;
        result r;
        CHECK(model_new(&m, P, X) == MERE_OK);
        CHECK(run(&m, tasks[t], &r) == MERE_OK);
        CHECK(r.path.n >= 6);
        for (int i = 0; i < r.path.n; i++) {
            const double *par = r.par + i * N_PAR;
            CHECK_CLOSE(held(tasks[t].focus, par, r.sigma[i]), r.value[i], 1e-9);
            CHECK_CLOSE(criterion(&m, par, r.sigma[i]), r.d[i], 1e-10);
            for (int trial = 0; trial < 20; trial++) { /* beside it, with the quantity where it is */
                double beside[N_PAR], sigma = r.sigma[i];
                for (int j = 0; j < N_PAR; j++) beside[j] = par[j] + 0.01 * test_random();
                if (tasks[t].focus == MERE_FOCUS_SD) sigma = r.value[i] / beside[0];
                if (tasks[t].focus == MERE_FOCUS_COR) {
                    double norm = hypot(beside[1], beside[2]);
                    beside[1] = norm * r.value[i];
                    beside[2] = norm * sqrt(1 - r.value[i] * r.value[i]);
                    sigma *= 1 + 0.01 * test_random();
                }
                if (sigma > 0) CHECK(criterion(&m, beside, sigma) > r.d[i] - 1e-9);
            }
        }
        model_free(&m);
    }
}

TEST(slopes_are_derivatives)
{
    model m;
    result fine;
    CHECK(model_new(&m, P, X) == MERE_OK);
    mere_profile_task task = {.focus = MERE_FOCUS_SD, .first = 0, .lower = 0, .upper = INFINITY, .step = 0.1};
    CHECK(run(&m, task, &fine) == MERE_OK);
    for (int i = 1; i + 1 < fine.path.n; i++) { /* zeta between points: the mean of the slopes, to the third order */
        if (fine.zeta[i] < 0 || fine.zeta[i - 1] < 0) continue;
        double h = fine.value[i] - fine.value[i - 1];
        CHECK_CLOSE((fine.zeta[i] - fine.zeta[i - 1]) / h, 0.5 * (fine.slope[i] + fine.slope[i - 1]), 0.02);
    }
    model_free(&m);
}

TEST(a_fixed_effect_is_a_shift_of_the_response)
{
    model full, m;
    result r;
    mere_shift *shift = NULL;
    double par[N_PAR], beta[P], rx[P * P], u[40], b[40], d;
    static const double start[N_PAR] = {1, 0, 1, 1};
    mere_outcome outcome;
    mere_lmm_sums sums;
    CHECK(model_new(&full, P, X) == MERE_OK);
    CHECK(mere_minimize_newton(full.work, &options, start, par, NULL, NULL, &outcome) == MERE_OK);
    CHECK(mere_lmm_state(full.work, beta, rx, u, b, &sums) == MERE_OK);
    CHECK(model_new(&m, 1, X) == MERE_OK);
    CHECK(mere_shift_new(m.work, &m.rows, y, X + N, log_w, &shift) == MERE_OK);
    mere_profile_task task = {.focus = MERE_FOCUS_SHIFT, .shift = shift, .at = beta[1], .lower = -INFINITY,
                              .upper = INFINITY, .step = 0.1};
    CHECK(run(&m, task, &r) == MERE_OK);
    CHECK(r.path.n >= 6);
    for (int i = 0; i < r.path.n; i++) { /* against the response itself */
        double moved[N];
        for (int s = 0; s < N; s++) moved[s] = y[s] - r.value[i] * X[N + s];
        CHECK(mere_work_set_response(m.work, &m.rows, moved, log_w) == MERE_OK);
        CHECK(mere_lmm_value(m.work, r.par + i * N_PAR, 0, &d) == MERE_OK);
        CHECK_CLOSE(d, r.d[i], 1e-10);
        CHECK(r.d[i] > outcome.d - 1e-9);
    }
    mere_shift_free(shift);
    model_free(&m);
    model_free(&full);
}

static mere_status whole(mere_focus focus)
{
    model m;
    result r;
    mere_shift *shift = NULL;
    mere_status status = model_new(&m, focus == MERE_FOCUS_SHIFT ? 1 : P, X);
    mere_profile_task task = {.focus = focus, .first = focus == MERE_FOCUS_COR, .second = 2, .lower = -INFINITY,
                              .upper = INFINITY, .step = 0.05, .at = 1};
    if (focus != MERE_FOCUS_SHIFT) task.lower = focus == MERE_FOCUS_COR ? -1 : 0;
    if (focus == MERE_FOCUS_COR) task.upper = 1;
    if (!status && focus == MERE_FOCUS_SHIFT) status = mere_shift_new(m.work, &m.rows, y, X + N, log_w, &shift);
    task.shift = shift;
    if (!status) status = run(&m, task, &r);
    mere_shift_free(shift);
    model_free(&m);
    return status;
}

TEST(each_allocation_can_fail)
{
    EVERY_ALLOCATION(whole(MERE_FOCUS_SIGMA));
    EVERY_ALLOCATION(whole(MERE_FOCUS_SD));
    EVERY_ALLOCATION(whole(MERE_FOCUS_COR));
    EVERY_ALLOCATION(whole(MERE_FOCUS_SHIFT));
}

int main(void)
{
    make_data();
    RUN(fixed_sigma_is_the_definition);
    RUN(points_are_constrained_minima);
    RUN(slopes_are_derivatives);
    RUN(a_fixed_effect_is_a_shift_of_the_response);
    RUN(each_allocation_can_fail);
    return DONE();
}
