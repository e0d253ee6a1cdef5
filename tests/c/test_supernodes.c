/* test_supernodes.c - a Schur complement so large that CHOLMOD gathers its columns in supernodes, against the dense way.
 *
 * The models of test_lmm.c stay simplicial. Here a few hundred levels of the first factor meet 80 levels of the others: a
 * third of the entries is there before any fill, in blocks, so that there are many supernodes and not one.
 */
#include "test.h"

#include "mere.h"

enum { LEVELS = 260, VISITS = 5, N = LEVELS * VISITS, ITEMS = 80, SCHOOLS = 3, P = 3, MAX_PAR = 7, MAX_Q = 2 * LEVELS + 2 * ITEMS + SCHOOLS };

static double X[N * P], y[N], slopes[2 * N], sqrt_w[N];
static int32_t person[N], item[N], school[N];

typedef struct {
    const char *name;
    int64_t n_term, n_entry, n_par;
    int weighted;
    mere_term term[3];
    mere_entry entry[MAX_PAR];
    double par[MAX_PAR];
} model;

static const model models[] = {
    {"scalar", 2, 2, 2, 0, {{1, LEVELS, NULL, person, 0}, {1, ITEMS, NULL, item, 1}}, {{0, 0, 0, 0}, {1, 0, 0, 1}}, {0.8, 0.5}},
    {"slopes of the first factor, weights", 2, 4, 4, 1, {{2, LEVELS, slopes, person, 0}, {1, ITEMS, NULL, item, 1}},
     {{0, 0, 0, 0}, {0, 1, 0, 1}, {0, 1, 1, 2}, {1, 0, 0, 3}}, {0.8, -0.2, 0.4, 0.5}},
    {"slopes of both", 2, 6, 6, 0, {{2, LEVELS, slopes, person, 0}, {2, ITEMS, slopes, item, 1}},
     {{0, 0, 0, 0}, {0, 1, 0, 1}, {0, 1, 1, 2}, {1, 0, 0, 3}, {1, 1, 0, 4}, {1, 1, 1, 5}}, {0.8, -0.2, 0.4, 0.5, 0.1, 0.3}},
    {"three factors", 3, 3, 3, 0, {{1, LEVELS, NULL, person, 0}, {1, ITEMS, NULL, item, 1}, {1, SCHOOLS, NULL, school, 2}},
     {{0, 0, 0, 0}, {1, 0, 0, 1}, {2, 0, 0, 2}}, {0.8, 0.5, 0.6}},
    {"an effect of zero", 2, 4, 4, 0, {{2, LEVELS, slopes, person, 0}, {1, ITEMS, NULL, item, 1}},
     {{0, 0, 0, 0}, {0, 1, 0, 1}, {0, 1, 1, 2}, {1, 0, 0, 3}}, {0.8, -0.2, 0.0, 0.5}},
};
enum { N_MODELS = sizeof models / sizeof *models };

static void make_data(void)
{
    for (int i = 0; i < N; i++) {
        int block = i / VISITS % SCHOOLS; /* most visits are to the items of one's own school */
        person[i] = i / VISITS;
        item[i] = i % VISITS == 0 ? (i * 17) % ITEMS : (block + SCHOOLS * ((i * 7 + i / 40) % (ITEMS / SCHOOLS)));
        school[i] = item[i] % SCHOOLS;
        X[i] = 1;
        X[N + i] = test_random();
        X[2 * N + i] = test_random() + 0.3 * (item[i] % 4);
        slopes[i] = 1;
        slopes[N + i] = test_random();
        sqrt_w[i] = 1 + 0.5 * test_random();
        y[i] = 10 + X[N + i] + 0.5 * (person[i] % 7) + 0.4 * (item[i] % 5) + test_random();
    }
    for (int l = 0; l < ITEMS; l++) item[l * VISITS] = l; /* each item is seen */
    for (int i = 0; i < N; i++) school[i] = item[i] % SCHOOLS;
}

typedef struct {
    int32_t sparse;
    double d, gradient[MAX_PAR], information[MAX_PAR * MAX_PAR], beta[P], rx[P * P], u[MAX_Q], b[MAX_Q];
    double conditional[4 * MAX_Q], leverage[N], w[MAX_Q * P], score[MAX_Q], metric[MAX_Q * 3];
} answers;

/* All that evaluations can give at m->par; 0 or the status that stopped it. */
static int ask(const model *m, mere_schur schur, int reml, answers *out)
{
    double log_w = 0;
    for (int i = 0; i < N && m->weighted; i++) log_w += 2 * log(sqrt_w[i]);
    mere_rows rows = {N, P, X, m->weighted ? sqrt_w : NULL, m->n_term, m->term};
    mere_plan *plan = NULL;
    mere_work *work = NULL;
    mere_lmm_sums sums;
    mere_status status = mere_plan_new(&rows, m->n_entry, m->entry, m->n_par, schur, &plan);
    if (!status) status = mere_work_new(plan, &work);
    if (!status) status = mere_work_set_response(work, &rows, y, log_w);
    if (!status) status = mere_lmm_value(work, m->par, reml, &out->d);
    if (!status) status = mere_lmm_gradient(work, out->gradient);
    if (!status) status = mere_lmm_information(work, out->information);
    if (!status) status = mere_lmm_state(work, out->beta, out->rx, out->u, out->b, &sums);
    if (!status) status = mere_lmm_conditional(work, out->conditional);
    if (!status) status = mere_lmm_leverage(work, &rows, out->leverage);
    if (!status) status = mere_lmm_fixed(work, out->w);
    if (!status) status = mere_lmm_score(work, out->score);
    if (!status) status = mere_lmm_metric(work, 1, 3, out->metric);
    if (plan) out->sparse = mere_plan_describe(plan).sparse;
    mere_work_free(work);
    mere_plan_free(plan);
    return status;
}

#define SAME(part, count, tolerance)                                                                                   \
    for (int i_ = 0; i_ < (int)(count); i_++) CHECK_CLOSE(sparse.part[i_], dense.part[i_], tolerance)

TEST(supernodes_give_what_the_dense_way_gives)
{
    for (int i = 0; i < 2 * N_MODELS; i++) {
        const model *m = &models[i / 2];
        static answers dense, sparse;
        memset(&dense, 0, sizeof dense);
        memset(&sparse, 0, sizeof sparse);
        CHECK(ask(m, MERE_SCHUR_DENSE, i % 2, &dense) == 0 && !dense.sparse);
        CHECK(ask(m, MERE_SCHUR_SPARSE, i % 2, &sparse) == 0 && sparse.sparse);
        CHECK(dense.d > 0 && dense.leverage[0] > 0);
        CHECK_CLOSE(sparse.d, dense.d, 1e-11);
        SAME(gradient, m->n_par, 1e-9);
        SAME(information, m->n_par * m->n_par, strcmp(m->name, "an effect of zero") ? 1e-9 : 1e-5);
        SAME(beta, P, 1e-10);
        SAME(rx, P * P, 1e-10);
        SAME(u, MAX_Q, 1e-9);
        SAME(b, MAX_Q, 1e-9);
        SAME(conditional, 4 * MAX_Q, 1e-9);
        SAME(leverage, N, 1e-9);
        SAME(w, MAX_Q * P, 1e-9);
        SAME(score, MAX_Q, 1e-8);
        SAME(metric, MAX_Q * 3, 1e-9);
    }
}

/* A workspace answers at once where it stands, and anew where anything has changed. */
TEST(a_workspace_knows_where_it_stands)
{
    const model *m = &models[0];
    mere_rows rows = {N, P, X, NULL, m->n_term, m->term};
    mere_plan *plan = NULL;
    mere_work *work = NULL;
    double at[2] = {m->par[0], m->par[1]}, d, again, other[N], gradient[2], gradient_again[2];
    CHECK(mere_plan_new(&rows, m->n_entry, m->entry, m->n_par, MERE_SCHUR_SPARSE, &plan) == 0);
    CHECK(mere_work_new(plan, &work) == 0 && mere_work_set_response(work, &rows, y, 0) == 0);
    CHECK(mere_lmm_value(work, at, 1, &d) == 0 && mere_lmm_gradient(work, gradient) == 0);
    CHECK(mere_lmm_value(work, at, 1, &again) == 0 && again == d);
    CHECK(mere_lmm_gradient(work, gradient_again) == 0);
    CHECK(gradient[0] == gradient_again[0] && gradient[1] == gradient_again[1]);
    CHECK(mere_lmm_value(work, at, 0, &again) == 0 && fabs(again - d) > 1e-3); /* ML */
    at[1] += 0.1;
    CHECK(mere_lmm_value(work, at, 1, &again) == 0 && fabs(again - d) > 1e-3);
    at[1] = m->par[1];
    CHECK(mere_lmm_value(work, at, 1, &again) == 0 && again == d);
    CHECK(mere_work_fix_sigma(work, 0.7) == 0);
    CHECK(mere_lmm_value(work, at, 1, &again) == 0 && fabs(again - d) > 1e-3);
    CHECK(mere_work_fix_sigma(work, 0.0) == 0);
    CHECK(mere_lmm_value(work, at, 1, &again) == 0 && again == d);
    for (int i = 0; i < N; i++) other[i] = 2 * y[i];
    CHECK(mere_work_set_response(work, &rows, other, 0) == 0);
    CHECK(mere_lmm_value(work, at, 1, &again) == 0);
    CHECK_CLOSE(again, d + 2 * (N - P) * log(2.0), 1e-12);
    at[0] = NAN;
    CHECK(mere_lmm_value(work, at, 1, &again) == MERE_ERR_NOT_FINITE);
    mere_work_free(work);
    mere_plan_free(plan);
}

/* CHOLMOD does without some of its allocations, so a failure need not be seen; nothing may leak or be lost. */
TEST(allocations_may_fail)
{
    static answers out;
    int failed = 1;
    for (int k = 1; failed && k < 10000; k++) {
        int64_t live = mere_test_live_allocations();
        mere_test_fail_allocation(k);
        int status = ask(&models[0], MERE_SCHUR_SPARSE, 1, &out);
        failed = mere_test_allocation_failed();
        mere_test_fail_allocation(0);
        CHECK(failed || status == 0);
        CHECK(mere_test_live_allocations() == live);
    }
}

int main(void)
{
    make_data();
    RUN(supernodes_give_what_the_dense_way_gives);
    RUN(a_workspace_knows_where_it_stands);
    RUN(allocations_may_fail);
    return DONE();
}
