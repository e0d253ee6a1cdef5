/* test_refblas.c - the reference BLAS against identities, through the shim: the ground the other tests stand on. */
#include "test.h"

enum { N = 5, LD = 7 };

static void fill(double *a)
{
    for (int i = 0; i < LD * N; i++) a[i] = test_random();
}

static void positive_definite(double *s)
{
    double a[LD * N], one = 1, zero = 0;
    int n = N, ld = LD;
    fill(a);
    memset(s, 0, LD * N * sizeof *s);
    dgemm_("T", "N", &n, &n, &n, &one, a, &ld, a, &ld, &zero, s, &ld);
    for (int i = 0; i < N; i++) s[i + i * LD] += 1;
}

TEST(cholesky_and_its_inverse)
{
    const char *triangles[] = {"L", "U"};
    for (int t = 0; t < 2; t++) {
        const char *uplo = triangles[t];
        double s[LD * N], l[LD * N], product[LD * N], one = 1, zero = 0;
        int n = N, ld = LD, info = -1;
        positive_definite(s);
        memcpy(l, s, sizeof s);
        dpotrf_(uplo, &n, l, &ld, &info);
        CHECK(info == 0);

        /* triangular solve and multiplication are inverse, on both sides, transposed or not */
        const char *sides[] = {"L", "R"}, *transposes[] = {"N", "T"};
        for (int k = 0; k < 4; k++) {
            double b[LD * N], x[LD * N], two = 2, half = 0.5;
            fill(b);
            memcpy(x, b, sizeof b);
            dtrsm_(sides[k / 2], uplo, transposes[k % 2], "N", &n, &n, &two, l, &ld, x, &ld);
            dtrmm_(sides[k / 2], uplo, transposes[k % 2], "N", &n, &n, &half, l, &ld, x, &ld);
            for (int i = 0; i < LD * N; i++) CHECK_CLOSE(x[i], b[i], 1e-12);
        }

        dpotri_(uplo, &n, l, &ld, &info); /* S^{-1} S = I */
        CHECK(info == 0);
        memset(product, 0, sizeof product);
        dsymm_("L", uplo, &n, &n, &one, l, &ld, s, &ld, &zero, product, &ld);
        for (int j = 0; j < N; j++)
            for (int i = 0; i < N; i++) CHECK_CLOSE(product[i + j * LD], i == j, 1e-12);

        s[2 + 2 * LD] = -10;
        dpotrf_(uplo, &n, s, &ld, &info);
        CHECK(info == 3);
    }
}

TEST(symmetric_update_is_a_product)
{
    double a[LD * N], c[LD * N], d[LD * N], alpha = -0.5, beta = 2;
    int n = N, ld = LD;
    fill(a);
    positive_definite(c);
    memcpy(d, c, sizeof c);
    dsyrk_("L", "T", &n, &n, &alpha, a, &ld, &beta, c, &ld);
    dgemm_("T", "N", &n, &n, &n, &alpha, a, &ld, a, &ld, &beta, d, &ld);
    for (int j = 0; j < N; j++)
        for (int i = j; i < N; i++) CHECK_CLOSE(c[i + j * LD], d[i + j * LD], 1e-13);
}

TEST(vectors)
{
    double a[LD * N], x[2 * N], y[N], z[N], one = 1, zero = 0;
    int n = N, ld = LD, unit = 1, two = 2;
    fill(a);
    for (int i = 0; i < 2 * N; i++) x[i] = test_random();
    dgemv_("T", &n, &n, &one, a, &ld, x, &two, &zero, y, &unit);
    for (int j = 0; j < N; j++) CHECK_CLOSE(y[j], ddot_(&n, &a[j * LD], &unit, x, &two), 1e-14);
    CHECK_CLOSE(dnrm2_(&n, y, &unit), sqrt(ddot_(&n, y, &unit, y, &unit)), 1e-14);
    memcpy(z, y, sizeof y);
    double minus = -1, three = 3;
    daxpy_(&n, &minus, y, &unit, z, &unit);
    dscal_(&n, &three, z, &unit);
    CHECK(dnrm2_(&n, z, &unit) == 0);

    positive_definite(a);
    memcpy(z, y, sizeof y);
    dtrsv_("L", "T", "N", &n, a, &ld, z, &unit);
    dtrmm_("L", "L", "T", "N", &n, &unit, &one, a, &ld, z, &n);
    for (int i = 0; i < N; i++) CHECK_CLOSE(z[i], y[i], 1e-12);
}

TEST(orthogonal_factor)
{
    enum { COLUMNS = 3 };
    double a[LD * N], q[LD * N], tau[COLUMNS], work[64], r[LD * N] = {0};
    int m = N, k = COLUMNS, ld = LD, lwork = 64, info = -1;
    fill(a);
    memcpy(q, a, sizeof a);
    dgeqrf_(&m, &k, q, &ld, tau, work, &lwork, &info);
    CHECK(info == 0);
    for (int j = 0; j < COLUMNS; j++)
        for (int i = 0; i <= j; i++) r[i + j * LD] = q[i + j * LD];
    dormqr_("L", "N", &m, &k, &k, q, &ld, tau, r, &ld, work, &lwork, &info); /* QR = A */
    for (int j = 0; j < COLUMNS; j++)
        for (int i = 0; i < N; i++) CHECK_CLOSE(r[i + j * LD], a[i + j * LD], 1e-13);
    dormqr_("L", "T", &m, &k, &k, q, &ld, tau, r, &ld, work, &lwork, &info); /* Q'A = R */
    for (int j = 0; j < COLUMNS; j++)
        for (int i = j + 1; i < N; i++) CHECK_CLOSE(r[i + j * LD], 0, 1e-13);
    double b[LD * N], c[LD * N]; /* (C Q) Q' = C */
    fill(b);
    memcpy(c, b, sizeof b);
    dormqr_("R", "N", &m, &m, &k, q, &ld, tau, c, &ld, work, &lwork, &info);
    dormqr_("R", "T", &m, &m, &k, q, &ld, tau, c, &ld, work, &lwork, &info);
    for (int i = 0; i < LD * N; i++) CHECK_CLOSE(c[i], b[i], 1e-13);
}

TEST(eigenvalues)
{
    double s[LD * N], v[LD * N], w[N], work[64], one = 1, zero = 0, sv[LD * N] = {0};
    int n = N, ld = LD, lwork = 64, info = -1;
    positive_definite(s);
    memcpy(v, s, sizeof s);
    dsyev_("V", "U", &n, v, &ld, w, work, &lwork, &info);
    CHECK(info == 0);
    dgemm_("N", "N", &n, &n, &n, &one, s, &ld, v, &ld, &zero, sv, &ld);
    for (int j = 0; j < N; j++) {
        CHECK(j == 0 || w[j] >= w[j - 1]);
        for (int i = 0; i < N; i++) CHECK_CLOSE(sv[i + j * LD], w[j] * v[i + j * LD], 1e-12);
    }
}

int main(void)
{
    RUN(cholesky_and_its_inverse);
    RUN(symmetric_update_is_a_product);
    RUN(vectors);
    RUN(orthogonal_factor);
    RUN(eigenvalues);
    return DONE();
}
