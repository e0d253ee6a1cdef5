/* test_lmm.c - plan, criterion, gradient and optimizers against the definition.
 *
 * The slow reference forms V = W^-1 + Z Lambda Lambda' Z' as an n x n matrix and takes everything from its Cholesky
 * factor: no blocks, no cross-products, no ordering. The models cover each way through the kernels: one factor with 1, 2
 * and 3 columns, crossed and nested factors, two terms on one factor, structured Lambda, weights, p = 0.
 */
#include "test.h"

#include "mere.h"

enum { N = 72, P = 2, MAX_TERMS = 3, MAX_ENTRIES = 12, MAX_PAR = 8 };

static double X[N * P], y[N], slopes[N * 3], sqrt_w[N], log_w;
static int32_t subject[N], item[N], half[N], unbalanced[N];

typedef struct {
    const char *name;
    int64_t p, n_term, n_entry, n_par;
    int weighted;
    mere_term term[MAX_TERMS];
    mere_entry entry[MAX_ENTRIES];
    double par[MAX_PAR];
} model;

static const model models[] = {
    {"intercepts", P, 1, 1, 1, 0, {{1, 12, NULL, subject, 0}}, {{0, 0, 0, 0}}, {0.7}},
    {"no fixed effects", 0, 1, 1, 1, 0, {{1, 12, NULL, subject, 0}}, {{0, 0, 0, 0}}, {0.7}},
    {"slopes, weights", P, 1, 3, 3, 1, {{2, 9, slopes, unbalanced, 0}},
     {{0, 0, 0, 0}, {0, 1, 0, 1}, {0, 1, 1, 2}}, {0.8, -0.3, 0.5}},
    {"three columns", P, 1, 6, 6, 0, {{3, 12, slopes, subject, 0}},
     {{0, 0, 0, 0}, {0, 1, 0, 1}, {0, 2, 0, 2}, {0, 1, 1, 3}, {0, 2, 1, 4}, {0, 2, 2, 5}}, {1.1, 0.2, -0.4, 0.6, 0.3, 0.9}},
    {"one parameter for two variances", P, 1, 2, 1, 0, {{2, 12, slopes, subject, 0}},
     {{0, 0, 0, 0}, {0, 1, 1, 0}}, {0.6}},
    {"crossed", P, 2, 4, 4, 0, {{2, 12, slopes, subject, 0}, {1, 6, NULL, item, 1}},
     {{0, 0, 0, 0}, {0, 1, 0, 1}, {0, 1, 1, 2}, {1, 0, 0, 3}}, {0.9, 0.1, 0.4, 1.2}},
    {"crossed, weights", P, 2, 2, 2, 1, {{1, 9, NULL, unbalanced, 0}, {1, 6, NULL, item, 1}},
     {{0, 0, 0, 0}, {1, 0, 0, 1}}, {0.9, 1.2}},
    {"nested", P, 2, 4, 4, 0, {{1, 12, NULL, subject, 0}, {2, 2, slopes, half, 1}},
     {{0, 0, 0, 0}, {1, 0, 0, 1}, {1, 1, 0, 2}, {1, 1, 1, 3}}, {0.5, 0.7, -0.2, 0.3}},
    {"two terms on a factor, three factors", P, 3, 3, 3, 0,
     {{1, 12, NULL, subject, 0}, {1, 12, slopes + N, subject, 0}, {1, 6, NULL, item, 1}},
     {{0, 0, 0, 0}, {1, 0, 0, 1}, {2, 0, 0, 2}}, {0.8, 0.5, 1.1}},
    {"on the boundary", P, 2, 4, 4, 0, {{2, 12, slopes, subject, 0}, {1, 6, NULL, item, 1}},
     {{0, 0, 0, 0}, {0, 1, 0, 1}, {0, 1, 1, 2}, {1, 0, 0, 3}}, {0.9, 0.3, 0.0, 0.0}},
};
enum { N_MODELS = sizeof models / sizeof *models };

static void make_data(void)
{
    log_w = 0;
    for (int i = 0; i < N; i++) {
        subject[i] = i / 6;
        item[i] = i % 6;
        half[i] = i / 36;
        unbalanced[i] = i < 9 ? i : (i * 7) % 5;
        X[i] = 1;
        X[N + i] = test_random();
        slopes[i] = 1;
        slopes[N + i] = test_random();
        slopes[2 * N + i] = test_random();
        sqrt_w[i] = 1 + 0.5 * test_random();
        log_w += 2 * log(sqrt_w[i]);
        y[i] = 10 + 2 * X[N + i] + test_random() + (subject[i] * 5 % 7) * (0.3 + 0.1 * slopes[N + i]) + item[i] % 3;
    }
}

static mere_rows rows_of(const model *m)
{
    mere_rows rows = {N, m->p, m->p ? X : NULL, m->weighted ? sqrt_w : NULL, m->n_term, m->term};
    return rows;
}

/* The criterion by its definition. */
static double reference(const model *m, const double *par, int reml)
{
    static double v[N * N], a[N * (P + 1)], s[(P + 1) * (P + 1)];
    int n = N, p = (int)m->p, columns = p + 1, info;
    double one = 1, zero = 0, d = 0, nu = N - (reml ? p : 0);
    memset(v, 0, sizeof v);
    for (int i = 0; i < N; i++) v[i + i * N] = m->weighted ? 1 / (sqrt_w[i] * sqrt_w[i]) : 1;
    for (int t = 0; t < m->n_term; t++) {
        const mere_term *term = &m->term[t];
        double lambda[3][3] = {{0}}, z[2][3], f[2][3];
        for (int e = 0; e < m->n_entry; e++)
            if (m->entry[e].term == t) lambda[m->entry[e].row][m->entry[e].column] = par[m->entry[e].par];
        for (int j = 0; j < N; j++)
            for (int i = 0; i < N; i++) {
                if (term->code[i] != term->code[j]) continue;
                memset(f, 0, sizeof f);
                for (int side = 0; side < 2; side++) /* f = Lambda' z */
                    for (int c = 0; c < term->k; c++) {
                        z[side][c] = term->z ? term->z[(side ? j : i) + c * N] : 1;
                        for (int r = 0; r <= c; r++) f[side][r] += lambda[c][r] * z[side][c];
                    }
                for (int c = 0; c < term->k; c++) v[i + j * N] += f[0][c] * f[1][c];
            }
    }
    memcpy(a, X, sizeof(double) * (size_t)(N * p));
    memcpy(a + N * p, y, sizeof y);
    dpotrf_("L", &n, v, &n, &info);
    CHECK(info == 0);
    dtrsm_("L", "L", "N", "N", &n, &columns, &one, v, &n, a, &n);
    dgemm_("T", "N", &columns, &columns, &n, &one, a, &n, a, &n, &zero, s, &columns);
    dpotrf_("U", &columns, s, &columns, &info);
    CHECK(info == 0);
    for (int i = 0; i < N; i++) d += 2 * log(v[i + i * N]);
    for (int i = 0; i < p && reml; i++) d += 2 * log(s[i + i * columns]);
    double rho = s[columns * columns - 1] * s[columns * columns - 1];
    return d + nu * (1 + log(2 * 3.14159265358979323846 * rho / nu));
}

/* A work with its response; NULL if something failed, whose status goes to *status. */
static mere_work *work_of(const model *m, mere_schur schur, mere_plan **plan, mere_status *status)
{
    mere_rows rows = rows_of(m);
    mere_work *work = NULL;
    *plan = NULL;
    *status = mere_plan_new(&rows, m->n_entry, m->entry, m->n_par, schur, plan);
    if (!*status) *status = mere_work_new(*plan, &work);
    if (!*status) *status = mere_work_set_response(work, &rows, y, m->weighted ? log_w : 0);
    if (*status) {
        mere_work_free(work);
        mere_plan_free(*plan);
        *plan = NULL;
        return NULL;
    }
    return work;
}

static const mere_schur ways[] = {MERE_SCHUR_AUTO, MERE_SCHUR_DENSE, MERE_SCHUR_SPARSE};
enum { N_WAYS = sizeof ways / sizeof *ways };

TEST(value_and_gradient_are_those_of_the_definition)
{
    for (int i = 0; i < N_MODELS * N_WAYS * 2; i++) {
        const model *m = &models[i / 2 / N_WAYS];
        int reml = i % 2;
        mere_plan *plan;
        mere_status status;
        mere_work *work = work_of(m, ways[i / 2 % N_WAYS], &plan, &status);
        CHECK(status == MERE_OK);
        if (!work) {
            fprintf(stderr, "    %s\n", m->name);
            continue;
        }
        double d, gradient[MAX_PAR], shifted[MAX_PAR];
        CHECK(mere_lmm_value(work, m->par, reml, &d) == MERE_OK);
        CHECK(mere_lmm_gradient(work, gradient) == MERE_OK);
        CHECK_CLOSE(d, reference(m, m->par, reml), 1e-10);
        for (int j = 0; j < m->n_par; j++) {
            double h = 1e-3, difference = 0; /* four points, error of order h^4 */
            for (int s = -2; s <= 2; s++) {
                const double weight[] = {1, -8, 0, 8, -1};
                if (s == 0) continue;
                memcpy(shifted, m->par, sizeof shifted);
                shifted[j] += s * h;
                difference += weight[s + 2] * reference(m, shifted, reml) / (12 * h);
            }
            CHECK_CLOSE(gradient[j], difference, 1e-7);
        }
        mere_work_free(work);
        mere_plan_free(plan);
    }
}

TEST(optimizers_agree)
{
    for (int i = 0; i < N_MODELS; i++) {
        const model *m = &models[i];
        mere_plan *plan;
        mere_status status;
        mere_work *work = work_of(m, MERE_SCHUR_AUTO, &plan, &status);
        CHECK(status == MERE_OK);
        if (!work) continue;
        mere_options options = {.reml = 1, .max_eval = 5000, .xtol_abs = 1e-8, .ftol_abs = 1e-10, .decrement = 1e-10,
                                .algorithm = "LN_BOBYQA"};
        mere_outcome newton, bobyqa;
        double start[MAX_PAR], par[MAX_PAR], lower[MAX_PAR], upper[MAX_PAR];
        for (int j = 0; j < MAX_PAR; j++) lower[j] = -INFINITY, upper[j] = INFINITY;
        for (int e = 0; e < m->n_entry; e++)
            if (m->entry[e].row == m->entry[e].column) lower[m->entry[e].par] = 0;
        CHECK(mere_lmm_start(work, start) == MERE_OK);
        CHECK(mere_minimize_newton(work, &options, start, par, NULL, NULL, &newton) == MERE_OK);
        CHECK(newton.code == 0);
        CHECK_CLOSE(newton.d, reference(m, par, 1), 1e-10);
        for (int j = 0; j < m->n_par; j++) start[j] = lower[j] == 0 ? 1 : 0;
        CHECK(mere_minimize_nlopt(work, &options, lower, upper, start, par, &bobyqa) == MERE_OK);
        CHECK_CLOSE(bobyqa.d, reference(m, par, 1), 1e-10);
        CHECK(newton.d <= bobyqa.d + 1e-8 * fabs(bobyqa.d));
        mere_work_free(work);
        mere_plan_free(plan);
    }
}

/* A whole fit, as a user's call makes it; 0 or the status that stopped it. */
static mere_status fit(const model *m)
{
    mere_plan *plan;
    mere_status status;
    mere_work *work = work_of(m, MERE_SCHUR_AUTO, &plan, &status);
    if (!work) return status;
    mere_options options = {.reml = 1, .max_eval = 200, .decrement = 1e-8};
    mere_outcome outcome;
    double start[MAX_PAR], par[MAX_PAR], matrix[MAX_PAR * MAX_PAR], beta[P], rx[P * P], u[100], b[100];
    mere_lmm_sums sums;
    status = mere_lmm_start(work, start);
    if (!status) status = mere_minimize_newton(work, &options, start, par, start, matrix, &outcome);
    if (!status) status = mere_lmm_state(work, beta, rx, u, b, &sums);
    mere_work_free(work);
    mere_plan_free(plan);
    return status;
}

TEST(each_allocation_of_a_fit_can_fail)
{
    for (int i = 0; i < N_MODELS; i++) EVERY_ALLOCATION(fit(&models[i]));
}

TEST(wrong_arguments_are_refused)
{
    mere_plan *plan;
    mere_status status;
    model wrong = models[0];
    int32_t codes[N];
    memcpy(codes, subject, sizeof codes);
    wrong.term[0].code = codes;
    codes[N - 1] = 12;
    CHECK(work_of(&wrong, MERE_SCHUR_AUTO, &plan, &status) == NULL && status == MERE_ERR_ARGUMENT);
    codes[N - 1] = -1;
    CHECK(work_of(&wrong, MERE_SCHUR_AUTO, &plan, &status) == NULL && status == MERE_ERR_ARGUMENT);

    double kept = y[3], d;
    y[3] = NAN;
    CHECK(work_of(&models[0], MERE_SCHUR_AUTO, &plan, &status) == NULL && status == MERE_ERR_NOT_FINITE);
    y[3] = kept;

    mere_work *work = work_of(&models[0], MERE_SCHUR_AUTO, &plan, &status);
    const double not_finite = NAN;
    CHECK(work && mere_lmm_value(work, &not_finite, 1, &d) == MERE_ERR_NOT_FINITE);
    CHECK(work && mere_lmm_value(work, models[0].par, 1, &d) == MERE_OK); /* and no harm was done */
    mere_work_free(work);
    mere_plan_free(plan);
}

int main(void)
{
    make_data();
    RUN(value_and_gradient_are_those_of_the_definition);
    RUN(optimizers_agree);
    RUN(each_allocation_of_a_fit_can_fail);
    RUN(wrong_arguments_are_refused);
    return DONE();
}
