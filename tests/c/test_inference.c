/* test_inference.c - Z'H^-1 X, Z'H^-1 (y - X beta) and Z'H^-1 Z against matrices of the order of the rows.
 *
 * The models cover one factor with one and two columns, crossed factors, weights, and Lambda on its boundary, where the
 * products cannot be divided by Lambda; each by the dense and the sparse Schur complement.
 */
#include "test.h"

#include "mere.h"

enum { N = 48, P = 2, Q = 40 };

static double X[N * P], y[N], slopes[N * 2], sqrt_w[N], log_w;
static int32_t subject[N], item[N];

typedef struct {
    int64_t n_term, n_entry, n_par;
    int weighted;
    mere_term term[2];
    mere_entry entry[4];
    double par[4];
} model;

static const model models[] = {
    {1, 1, 1, 0, {{1, 8, NULL, subject, 0}}, {{0, 0, 0, 0}}, {0.7}},
    {1, 3, 3, 1, {{2, 8, slopes, subject, 0}}, {{0, 0, 0, 0}, {0, 1, 0, 1}, {0, 1, 1, 2}}, {0.8, -0.3, 0.5}},
    {2, 2, 2, 1, {{1, 8, NULL, subject, 0}, {1, 6, NULL, item, 1}}, {{0, 0, 0, 0}, {1, 0, 0, 1}}, {0.9, 1.2}},
    {2, 4, 4, 0, {{1, 8, NULL, subject, 0}, {2, 6, slopes, item, 1}},
     {{0, 0, 0, 0}, {1, 0, 0, 1}, {1, 1, 0, 2}, {1, 1, 1, 3}}, {0.9, 0.8, 0.2, 0.6}},
    {2, 4, 4, 0, {{1, 8, NULL, subject, 0}, {2, 6, slopes, item, 1}},
     {{0, 0, 0, 0}, {1, 0, 0, 1}, {1, 1, 0, 2}, {1, 1, 1, 3}}, {0.9, 0.8, 0.2, 0.0}},
    {2, 2, 2, 0, {{1, 8, NULL, subject, 0}, {1, 6, NULL, item, 1}}, {{0, 0, 0, 0}, {1, 0, 0, 1}}, {0.5, 0.0}},
};
enum { N_MODELS = sizeof models / sizeof *models };
static const mere_schur ways[] = {MERE_SCHUR_DENSE, MERE_SCHUR_SPARSE};

static void make_data(void)
{
    log_w = 0;
    for (int i = 0; i < N; i++) {
        subject[i] = i / 6;
        item[i] = (i + i / 11) % 6;
        X[i] = slopes[i] = 1;
        X[N + i] = test_random();
        slopes[N + i] = test_random();
        sqrt_w[i] = 1 + 0.5 * test_random();
        log_w += 2 * log(sqrt_w[i]);
        y[i] = 3 + X[N + i] + test_random() + (subject[i] * 5 % 7) * 0.3 + item[i] % 3;
    }
}

static mere_work *work_of(const model *m, mere_schur way, mere_plan **plan, mere_status *status)
{
    mere_rows rows = {N, P, X, m->weighted ? sqrt_w : NULL, m->n_term, m->term};
    mere_work *work = NULL;
    double d;
    *plan = NULL;
    *status = mere_plan_new(&rows, m->n_entry, m->entry, m->n_par, way, plan);
    if (!*status) *status = mere_work_new(*plan, &work);
    if (!*status) *status = mere_work_set_response(work, &rows, y, m->weighted ? log_w : 0);
    if (!*status) *status = mere_lmm_value(work, m->par, 1, &d);
    if (!*status) return work;
    mere_work_free(work);
    mere_plan_free(*plan);
    return NULL;
}

/* a (N x columns) = L^-1 [Z X r] with H = L L', Z in the kernels' order, r = y - X beta. Returns the columns of Z. */
static int whitened(const model *m, const mere_plan *plan, const double *beta, double *a)
{
    static double h[N * N];
    int q = (int)mere_plan_describe(plan).q, n = N, columns = q + P + 1, info;
    double one = 1;
    memset(a, 0, sizeof(double) * (size_t)(N * columns));
    memset(h, 0, sizeof h);
    for (int i = 0; i < N; i++) h[i * (N + 1)] = 1;
    for (int t = 0; t < m->n_term; t++) {
        const mere_term *term = &m->term[t];
        int64_t factor, column, k, levels, first;
        double lambda[2][2] = {{0}};
        CHECK(mere_plan_term(plan, t, &factor, &column, &k, &levels, &first) == MERE_OK);
        for (int e = 0; e < m->n_entry; e++)
            if (m->entry[e].term == t) lambda[m->entry[e].row][m->entry[e].column] = m->par[m->entry[e].par];
        for (int i = 0; i < N; i++)
            for (int c = 0; c < term->k; c++)
                a[i + N * (first + term->code[i] * k + column + c)] =
                    (term->z ? term->z[i + c * N] : 1) * (m->weighted ? sqrt_w[i] : 1);
        for (int64_t l = 0; l < levels; l++)
            for (int c = 0; c < k; c++)
                for (int j = 0; j < N; j++)
                    for (int i = 0; i < N; i++) {
                        double f[2] = {0, 0};
                        for (int r = 0; r < k; r++) {
                            f[0] += a[i + N * (first + l * k + r)] * lambda[r][c];
                            f[1] += a[j + N * (first + l * k + r)] * lambda[r][c];
                        }
                        h[i + j * N] += f[0] * f[1];
                    }
    }
    for (int i = 0; i < N; i++) {
        double w = m->weighted ? sqrt_w[i] : 1;
        for (int j = 0; j < P; j++) a[i + N * (q + j)] = w * X[i + j * N];
        a[i + N * (q + P)] = w * (y[i] - X[i] * beta[0] - X[N + i] * beta[1]);
    }
    dpotrf_("L", &n, h, &n, &info);
    CHECK(info == 0);
    dtrsm_("L", "L", "N", "N", &n, &columns, &one, h, &n, a, &n);
    return q;
}

static double dot(const double *x, const double *z)
{
    double sum = 0;
    for (int i = 0; i < N; i++) sum += x[i] * z[i];
    return sum;
}

TEST(products_are_those_of_the_rows)
{
    static double a[N * (Q + P + 1)], w[Q * P], n[Q * Q], t[Q], some[Q * 2], blocks[Q * 2], xx[P * P];
    for (int i = 0; i < 2 * N_MODELS; i++) {
        const model *m = &models[i / 2];
        mere_plan *plan;
        mere_status status;
        mere_work *work = work_of(m, ways[i % 2], &plan, &status);
        double beta[P], rx[P * P], u[Q], b[Q];
        mere_lmm_sums sums;
        CHECK(work != NULL);
        CHECK(mere_lmm_state(work, beta, rx, u, b, &sums) == MERE_OK);
        int q = whitened(m, plan, beta, a);
        CHECK(mere_lmm_fixed(work, w) == MERE_OK && mere_lmm_score(work, t) == MERE_OK);
        CHECK(mere_lmm_metric(work, 0, q, n) == MERE_OK && mere_lmm_metric(work, q - 2, 2, some) == MERE_OK);
        for (int j = 0; j < q; j++) {
            for (int c = 0; c < P; c++) CHECK_CLOSE(w[j + c * q], dot(a + N * j, a + N * (q + c)), 1e-10);
            CHECK_CLOSE(t[j], dot(a + N * j, a + N * (q + P)), 1e-9);
            for (int c = 0; c < q; c++) CHECK_CLOSE(n[j + c * q], dot(a + N * j, a + N * c), 1e-10);
            CHECK_CLOSE(some[j], n[j + (q - 2) * q], 1e-11);
            CHECK_CLOSE(some[q + j], n[j + (q - 1) * q], 1e-11);
        }
        CHECK(mere_lmm_metric(work, q, 1, n) == MERE_ERR_ARGUMENT && mere_lmm_metric(work, -1, 1, n) == MERE_ERR_ARGUMENT);
        status = mere_lmm_metric_blocks(work, blocks);
        CHECK(status == (m->n_term == 1 ? MERE_OK : MERE_ERR_ARGUMENT));
        int64_t k = m->term[0].k;
        for (int l = 0; l < q && !status; l++)
            for (int c = 0; c < k; c++) CHECK_CLOSE(blocks[l * k + c], n[l + (l / k * k + c) * q], 1e-11);
        mere_plan_cross(plan, xx);
        double sum = 0;
        for (int r = 0; r < N; r++) sum += X[N + r] * (m->weighted ? sqrt_w[r] * sqrt_w[r] : 1);
        CHECK_CLOSE(xx[1], sum, 1e-11);
        CHECK_CLOSE(xx[2], sum, 1e-11);
        mere_work_free(work);
        mere_plan_free(plan);
    }
}

/* Everything once, for the test of allocations. */
static int all(const model *m, mere_schur way)
{
    static double w[Q * P], n[Q * Q], t[Q];
    mere_plan *plan;
    mere_status status;
    mere_work *work = work_of(m, way, &plan, &status);
    if (!work) return status;
    if (!(status = mere_lmm_fixed(work, w)) && !(status = mere_lmm_score(work, t)) &&
        !(status = mere_lmm_metric(work, 0, 10, n)) && m->n_term == 1)
        status = mere_lmm_metric_blocks(work, n);
    mere_work_free(work);
    mere_plan_free(plan);
    return status;
}

TEST(every_allocation_may_fail)
{
    EVERY_ALLOCATION(all(&models[1], MERE_SCHUR_DENSE));
    EVERY_ALLOCATION(all(&models[3], MERE_SCHUR_DENSE));
}

/* CHOLMOD does without some of its allocations, so a failure need not be seen; nothing may leak or be lost. */
TEST(sparse_allocations_may_fail)
{
    int failed = 1;
    for (int k = 1; failed && k < 10000; k++) {
        mere_test_fail_allocation(k);
        int status = all(&models[3], MERE_SCHUR_SPARSE);
        failed = mere_test_allocation_failed();
        mere_test_fail_allocation(0);
        CHECK(failed || status == 0);
    }
}

int main(void)
{
    make_data();
    RUN(products_are_those_of_the_rows);
    RUN(every_allocation_may_fail);
    RUN(sparse_allocations_may_fail);
    return DONE();
}
