/* test_refit.c - the generator against published numbers; simulations, refits and deletions against doing it by hand. */
#include "test.h"

#include "mere.h"
#include "random.h"

enum { N = 90, P = 2, N_PAR = 4, COUNT = 12 };

static double X[N * P], y[N], z[N * 2], sqrt_w[N], log_w;
static int32_t subject[N], item[N];
static const mere_entry entries[] = {{0, 0, 0, 0}, {0, 1, 0, 1}, {0, 1, 1, 2}, {1, 0, 0, 3}};
static const mere_term terms[2] = {{2, 15, z, subject, 0}, {1, 6, NULL, item, 1}};
static const mere_rows rows = {N, P, X, sqrt_w, 2, terms};
static const mere_options options = {.reml = 1, .max_eval = 500, .decrement = 1e-11};
static const double start[N_PAR] = {1, 0, 1, 1};

static void make_data(void)
{
    for (int i = 0; i < N; i++) {
        subject[i] = i / 6;
        item[i] = i % 6;
        X[i] = z[i] = 1;
        X[N + i] = z[N + i] = test_random();
        sqrt_w[i] = 1 + 0.4 * test_random();
        log_w += 2 * log(sqrt_w[i]);
        y[i] = 5 + X[N + i] * (1 + 0.5 * (subject[i] % 5)) + subject[i] % 4 + item[i] % 3 + 2 * test_random();
    }
}

TEST(the_generator_is_philox)
{ /* the known answers that its authors publish (Random123) */
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t out[4];
        mere_philox(known[i].counter, known[i].key, out);
        CHECK(memcmp(out, known[i].out, sizeof out) == 0);
    }
}

TEST(draws_have_their_distribution)
{
    mere_stream s = mere_stream_start(7, 3), t = mere_stream_start(7, 3), other = mere_stream_start(7, 4);
    double sum = 0, square = 0, fourth = 0, apart = 0;
    int64_t counts[5] = {0};
    const int n = 200000;
    for (int i = 0; i < n; i++) {
        double x, again, away;
        mere_stream_normals(&s, 1, &x);
        mere_stream_normals(&t, 1, &again);
        mere_stream_normals(&other, 1, &away);
        CHECK(x == again);
        apart += fabs(x - away);
        sum += x;
        square += x * x;
        fourth += x * x * x * x;
    }
    CHECK(fabs(sum / n) < 0.01 && fabs(square / n - 1) < 0.015 && fabs(fourth / n - 3) < 0.1 && apart > n / 2);
    for (int i = 0; i < 50000; i++) {
        int64_t k = mere_stream_below(&s, 5);
        CHECK(k >= 0 && k < 5);
        if (k >= 0 && k < 5) counts[k]++;
    }
    for (int k = 0; k < 5; k++) CHECK(llabs(counts[k] - 10000) < 400);
}

TEST(normal_numbers_are_those_of_box_and_muller)
{ /* however many are asked for at a time */
    enum { MANY = 1501 };
    static double one[MANY], parts[MANY];
    mere_stream s = mere_stream_start(5, 9), t = mere_stream_start(5, 9);
    mere_stream_normals(&s, MANY, one);
    for (int at = 0, step = 1; at < MANY; at += step, step = step % 97 + 1) {
        step = step < MANY - at ? step : MANY - at;
        mere_stream_normals(&t, step, parts + at);
    }
    for (int i = 0; i < MANY; i++) CHECK(fabs(one[i] - parts[i]) <= 1e-15 * fabs(one[i]));
    for (uint32_t i = 0; i < MANY / 2; i++) {
        const uint32_t counter[4] = {i, 0, 9, 0}, key[2] = {5, 0};
        uint32_t w[4];
        mere_philox(counter, key, w);
        double u = ((double)(((uint64_t)w[0] << 32 | w[1]) >> 11) + 0.5) * 0x1p-53;
        double v = ((double)(((uint64_t)w[2] << 32 | w[3]) >> 11) + 0.5) * 0x1p-53, r = sqrt(-2 * log(u));
        CHECK(fabs(one[2 * i] - r * cos(2 * M_PI * v)) < 2e-15 * (1 + r));
        CHECK(fabs(one[2 * i + 1] - r * sin(2 * M_PI * v)) < 2e-15 * (1 + r));
    }
}

static void permutations_are_by_number_and_alike(void)
{
    static int64_t order[12000 * 3], part[3];
    int64_t seen[6] = {0};
    CHECK(mere_permutations(9, 0, 12000, 3, order) == MERE_OK);
    for (int i = 0; i < 12000; i++) {
        const int64_t *r = order + 3 * i;
        CHECK(r[0] + r[1] + r[2] == 3 && r[0] * r[0] + r[1] * r[1] + r[2] * r[2] == 5); /* 0, 1, 2 in some order */
        seen[2 * r[0] + (r[1] > r[2])]++;
    }
    for (int k = 0; k < 6; k++) CHECK(llabs(seen[k] - 2000) < 200);
    CHECK(mere_permutations(9, 7000, 1, 3, part) == MERE_OK);
    for (int j = 0; j < 3; j++) CHECK(part[j] == order[3 * 7000 + j]);
    CHECK(mere_permutations(9, 0, 1, 0, part) == MERE_ERR_ARGUMENT);
    CHECK(mere_permutations(9, 0, -1, 3, part) == MERE_ERR_ARGUMENT);
}

static double mean[N], scale[N], first_factor[4] = {1.5, 0.4, 0, 0.8}, second_factor[1] = {0.7};
static const double *const factors[2] = {first_factor, second_factor};

static mere_simulator simulator(const double *residual)
{
    for (int i = 0; i < N; i++) {
        mean[i] = 5 + X[N + i];
        scale[i] = 1 / sqrt_w[i];
    }
    return (mere_simulator){N, mean, scale, 2, terms, factors, residual ? N : 0, residual};
}

TEST(simulations_are_by_number)
{
    static double all[N * COUNT], part[N * 5];
    mere_simulator s = simulator(NULL), r = simulator(y);
    CHECK(mere_simulate(&s, 11, 0, COUNT, all) == MERE_OK);
    CHECK(mere_simulate(&s, 11, 4, 5, part) == MERE_OK);
    CHECK(memcmp(all + 4 * N, part, sizeof part) == 0);
    CHECK(mere_simulate(&s, 12, 4, 5, part) == MERE_OK);
    CHECK(memcmp(all + 4 * N, part, sizeof part) != 0);
    s.n_term = r.n_term = 0; /* errors alone: drawn from what was given */
    CHECK(mere_simulate(&r, 11, 0, 1, all) == MERE_OK);
    for (int i = 0; i < N; i++) {
        int found = 0;
        for (int j = 0; j < N; j++) found |= fabs(mean[i] + scale[i] * y[j] - all[i]) < 1e-12;
        CHECK(found);
    }
}

typedef struct {
    int32_t status[COUNT];
    double d[COUNT], sigma[COUNT], par[COUNT * N_PAR], beta[COUNT * P], rx[COUNT * P * P];
} fits;

static mere_refits into(fits *f)
{
    return (mere_refits){f->status, f->d, f->sigma, f->par, f->beta, f->rx};
}

static mere_status model_of(const mere_rows *r, mere_plan **plan, mere_work **work)
{
    *work = NULL;
    mere_status status = mere_plan_new(r, 4, entries, N_PAR, MERE_SCHUR_AUTO, plan);
    return status ? status : mere_work_new(*plan, work);
}

static mere_status refit_all(int from_simulator, fits *f)
{
    static double ys[N * COUNT];
    mere_plan *plan = NULL;
    mere_work *work = NULL;
    mere_simulator s = simulator(NULL);
    mere_refits refits = into(f);
    mere_status status = model_of(&rows, &plan, &work);
    if (!status && !from_simulator) status = mere_simulate(&s, 3, 0, COUNT, ys);
    if (!status)
        status = mere_refit(work, &rows, log_w, &options, start, from_simulator ? NULL : ys,
                            from_simulator ? &s : NULL, 3, 0, COUNT, &refits);
    mere_work_free(work);
    mere_plan_free(plan);
    return status;
}

TEST(refits_are_fits)
{
    fits a, b;
    CHECK(refit_all(1, &a) == MERE_OK);
    CHECK(refit_all(0, &b) == MERE_OK);
    CHECK(memcmp(a.par, b.par, sizeof a.par) == 0 && memcmp(a.beta, b.beta, sizeof a.beta) == 0);
    for (int i = 0; i < COUNT; i++) CHECK(a.status[i] == MERE_OK && a.sigma[i] > 0.3 && a.sigma[i] < 3);
}

TEST(a_deletion_is_a_fit_of_the_other_rows)
{
    static const int64_t ptr[] = {0, 1, 7, 8, 10}, row[] = {4, 6, 7, 8, 9, 10, 11, 89, 0, 45};
    for (int weighted = 0; weighted < 2; weighted++) {
        mere_rows r = rows;
        mere_deletion *deletion;
        fits f;
        mere_refits refits = into(&f);
        if (!weighted) r.sqrt_w = NULL;
        CHECK(mere_deletion_new(&r, 4, entries, N_PAR, MERE_SCHUR_AUTO, y, weighted ? log_w : 0, &deletion) == MERE_OK);
        CHECK(mere_deletion_refit(deletion, &r, &options, start, 4, ptr, row, &refits) == MERE_OK);
        for (int s = 0; s < 4; s++) {
            static double x2[N * P], y2[N], z2[N * 2], w2[N];
            static int32_t subject2[N], item2[N];
            int n = 0, keep[N];
            double log_w2 = 0, par[N_PAR], beta[P], rx[P * P], u[40], b[40];
            for (int i = 0; i < N; i++) {
                int gone = 0;
                for (int64_t k = ptr[s]; k < ptr[s + 1]; k++) gone |= row[k] == i;
                if (!gone) keep[n++] = i;
            }
            for (int i = 0; i < n; i++) {
                for (int j = 0; j < 2; j++) {
                    x2[i + j * n] = X[keep[i] + j * N];
                    z2[i + j * n] = z[keep[i] + j * N];
                }
                y2[i] = y[keep[i]];
                subject2[i] = subject[keep[i]];
                item2[i] = item[keep[i]];
                w2[i] = sqrt_w[keep[i]];
                if (weighted) log_w2 += 2 * log(w2[i]);
            }
            mere_term t2[2] = {{2, 15, z2, subject2, 0}, {1, 6, NULL, item2, 1}};
            mere_rows r2 = {n, P, x2, weighted ? w2 : NULL, 2, t2};
            mere_plan *plan;
            mere_work *work;
            mere_outcome outcome;
            mere_lmm_sums sums;
            CHECK(model_of(&r2, &plan, &work) == MERE_OK);
            CHECK(mere_work_set_response(work, &r2, y2, log_w2) == MERE_OK);
            CHECK(mere_minimize_newton(work, &options, start, par, NULL, NULL, &outcome) == MERE_OK);
            CHECK(mere_lmm_state(work, beta, rx, u, b, &sums) == MERE_OK);
            CHECK(f.status[s] == MERE_OK);
            CHECK_CLOSE(f.d[s], outcome.d, 1e-10);
            for (int j = 0; j < P; j++) CHECK_CLOSE(f.beta[s * P + j], beta[j], 1e-6);
            for (int j = 0; j < P * P; j++) CHECK(fabs(f.rx[s * P * P + j] - rx[j]) < 1e-4);
            mere_work_free(work);
            mere_plan_free(plan);
        }
        fits again; /* nothing is left of one deletion in the next */
        mere_refits second = into(&again);
        CHECK(mere_deletion_refit(deletion, &r, &options, start, 4, ptr, row, &second) == MERE_OK);
        CHECK(memcmp(f.d, again.d, 4 * sizeof(double)) == 0);
        mere_deletion_free(deletion);
    }
}

static mere_status deletion(void)
{
    static const int64_t ptr[] = {0, 1, 7}, row[] = {4, 6, 7, 8, 9, 10, 11};
    mere_deletion *d = NULL;
    fits f;
    mere_refits refits = into(&f);
    mere_status status = mere_deletion_new(&rows, 4, entries, N_PAR, MERE_SCHUR_AUTO, y, log_w, &d);
    if (!status) status = mere_deletion_refit(d, &rows, &options, start, 2, ptr, row, &refits);
    mere_deletion_free(d);
    return status;
}

TEST(each_allocation_can_fail)
{
    static double ys[N];
    fits f;
    mere_simulator s = simulator(NULL);
    EVERY_ALLOCATION(mere_simulate(&s, 1, 0, 1, ys));
    EVERY_ALLOCATION(refit_all(1, &f));
    EVERY_ALLOCATION(deletion());
}

int main(void)
{
    make_data();
    RUN(the_generator_is_philox);
    RUN(draws_have_their_distribution);
    RUN(normal_numbers_are_those_of_box_and_muller);
    RUN(permutations_are_by_number_and_alike);
    RUN(simulations_are_by_number);
    RUN(refits_are_fits);
    RUN(a_deletion_is_a_fit_of_the_other_rows);
    RUN(each_allocation_can_fail);
    return DONE();
}
