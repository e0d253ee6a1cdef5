/* refblas.c - the BLAS and LAPACK functions of csrc/blas.h by their definitions, for the C tests.
 *
 * Plain loops, column-major, increments of 1 or more. Slow and sanitized: a wrong leading dimension is caught here, where
 * a real BLAS would read on. refblas_fill() puts them behind the shim.
 */
#include "refblas.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(a, ld, i, j) ((a)[(i) + (int64_t)(j) * (ld)])

static int is(const char *flag, char letter)
{
    return toupper((unsigned char)*flag) == letter;
}

/* Element (i, j) of op(A). */
static double op(const double *a, int lda, const char *trans, int i, int j)
{
    return is(trans, 'N') ? AT(a, lda, i, j) : AT(a, lda, j, i);
}

/* Element (i, j) of op(A) for a triangular A. */
static double tri(const double *a, int lda, const char *uplo, const char *trans, const char *diag, int i, int j)
{
    int r = is(trans, 'N') ? i : j, c = is(trans, 'N') ? j : i;
    if (r == c) return is(diag, 'U') ? 1.0 : AT(a, lda, r, c);
    return (is(uplo, 'U') ? r < c : r > c) ? AT(a, lda, r, c) : 0.0;
}

/* Is op(A) lower triangular? */
static int is_lower(const char *uplo, const char *trans)
{
    return is(uplo, 'L') == is(trans, 'N');
}

static double ref_ddot(const int *n, const double *x, const int *incx, const double *y, const int *incy)
{
    double sum = 0;
    for (int64_t i = 0; i < *n; i++) sum += x[i * *incx] * y[i * *incy];
    return sum;
}

static double ref_dnrm2(const int *n, const double *x, const int *incx)
{
    double scale = 0, sum = 0;
    for (int64_t i = 0; i < *n; i++) scale = fmax(scale, fabs(x[i * *incx]));
    if (scale == 0) return 0;
    for (int64_t i = 0; i < *n; i++) sum += (x[i * *incx] / scale) * (x[i * *incx] / scale);
    return scale * sqrt(sum);
}

static void ref_daxpy(const int *n, const double *a, const double *x, const int *incx, double *y, const int *incy)
{
    for (int64_t i = 0; i < *n; i++) y[i * *incy] += *a * x[i * *incx];
}

static void ref_dscal(const int *n, const double *a, double *x, const int *incx)
{
    for (int64_t i = 0; i < *n; i++) x[i * *incx] *= *a;
}

static void ref_dgemv(const char *trans, const int *m, const int *n, const double *alpha, const double *a,
                      const int *lda, const double *x, const int *incx, const double *beta, double *y, const int *incy)
{
    int rows = is(trans, 'N') ? *m : *n, columns = is(trans, 'N') ? *n : *m;
    for (int i = 0; i < rows; i++) {
        double sum = 0;
        for (int j = 0; j < columns; j++) sum += op(a, *lda, trans, i, j) * x[(int64_t)j * *incx];
        double *out = &y[(int64_t)i * *incy];
        *out = *alpha * sum + (*beta == 0 ? 0 : *beta * *out);
    }
}

static void ref_dgemm(const char *transa, const char *transb, const int *m, const int *n, const int *k,
                      const double *alpha, const double *a, const int *lda, const double *b, const int *ldb,
                      const double *beta, double *c, const int *ldc)
{
    for (int j = 0; j < *n; j++)
        for (int i = 0; i < *m; i++) {
            double sum = 0;
            for (int l = 0; l < *k; l++) sum += op(a, *lda, transa, i, l) * op(b, *ldb, transb, l, j);
            AT(c, *ldc, i, j) = *alpha * sum + (*beta == 0 ? 0 : *beta * AT(c, *ldc, i, j));
        }
}

static void ref_dsymm(const char *side, const char *uplo, const int *m, const int *n, const double *alpha,
                      const double *a, const int *lda, const double *b, const int *ldb, const double *beta, double *c,
                      const int *ldc)
{
    int left = is(side, 'L'), order = left ? *m : *n;
    for (int j = 0; j < *n; j++)
        for (int i = 0; i < *m; i++) {
            double sum = 0;
            for (int l = 0; l < order; l++) {
                int r = left ? i : l, s = left ? l : j;
                double entry = (is(uplo, 'L') ? r >= s : r <= s) ? AT(a, *lda, r, s) : AT(a, *lda, s, r);
                sum += entry * (left ? AT(b, *ldb, l, j) : AT(b, *ldb, i, l));
            }
            AT(c, *ldc, i, j) = *alpha * sum + (*beta == 0 ? 0 : *beta * AT(c, *ldc, i, j));
        }
}

static void ref_dsyrk(const char *uplo, const char *trans, const int *n, const int *k, const double *alpha,
                      const double *a, const int *lda, const double *beta, double *c, const int *ldc)
{
    for (int j = 0; j < *n; j++)
        for (int i = 0; i < *n; i++) {
            if (is(uplo, 'L') ? i < j : i > j) continue;
            double sum = 0;
            for (int l = 0; l < *k; l++) sum += op(a, *lda, trans, i, l) * op(a, *lda, trans, j, l);
            AT(c, *ldc, i, j) = *alpha * sum + (*beta == 0 ? 0 : *beta * AT(c, *ldc, i, j));
        }
}

/* x := op(A)^{-1} x, `step` elements apart. */
static void solve(const char *uplo, const char *trans, const char *diag, int n, const double *a, int lda, double *x,
                  int64_t step)
{
    int lower = is_lower(uplo, trans);
    for (int t = 0; t < n; t++) {
        int i = lower ? t : n - 1 - t;
        double sum = x[i * step];
        for (int j = lower ? 0 : i + 1; j < (lower ? i : n); j++)
            sum -= tri(a, lda, uplo, trans, diag, i, j) * x[j * step];
        x[i * step] = sum / tri(a, lda, uplo, trans, diag, i, i);
    }
}

/* x := op(A) x, `step` elements apart. */
static void multiply(const char *uplo, const char *trans, const char *diag, int n, const double *a, int lda, double *x,
                     int64_t step)
{
    int lower = is_lower(uplo, trans);
    for (int t = 0; t < n; t++) {
        int i = lower ? n - 1 - t : t;
        double sum = 0;
        for (int j = lower ? 0 : i; j < (lower ? i + 1 : n); j++)
            sum += tri(a, lda, uplo, trans, diag, i, j) * x[j * step];
        x[i * step] = sum;
    }
}

static const char *flipped(const char *trans)
{
    return is(trans, 'N') ? "T" : "N";
}

static void ref_dtrsv(const char *uplo, const char *trans, const char *diag, const int *n, const double *a,
                      const int *lda, double *x, const int *incx)
{
    solve(uplo, trans, diag, *n, a, *lda, x, *incx);
}

static void ref_dtrsm(const char *side, const char *uplo, const char *trans, const char *diag, const int *m,
                      const int *n, const double *alpha, const double *a, const int *lda, double *b, const int *ldb)
{
    for (int j = 0; j < *n; j++)
        for (int i = 0; i < *m; i++) AT(b, *ldb, i, j) *= *alpha;
    if (is(side, 'L'))
        for (int j = 0; j < *n; j++) solve(uplo, trans, diag, *m, a, *lda, &AT(b, *ldb, 0, j), 1);
    else
        for (int i = 0; i < *m; i++) solve(uplo, flipped(trans), diag, *n, a, *lda, &AT(b, *ldb, i, 0), *ldb);
}

static void ref_dtrmm(const char *side, const char *uplo, const char *trans, const char *diag, const int *m,
                      const int *n, const double *alpha, const double *a, const int *lda, double *b, const int *ldb)
{
    if (is(side, 'L'))
        for (int j = 0; j < *n; j++) multiply(uplo, trans, diag, *m, a, *lda, &AT(b, *ldb, 0, j), 1);
    else
        for (int i = 0; i < *m; i++) multiply(uplo, flipped(trans), diag, *n, a, *lda, &AT(b, *ldb, i, 0), *ldb);
    for (int j = 0; j < *n; j++)
        for (int i = 0; i < *m; i++) AT(b, *ldb, i, j) *= *alpha;
}

static void ref_dpotrf(const char *uplo, const int *n, double *a, const int *lda, int *info)
{
    int lower = is(uplo, 'L');
    *info = 0;
    for (int j = 0; j < *n; j++)
        for (int i = j; i < *n; i++) {
            double sum = lower ? AT(a, *lda, i, j) : AT(a, *lda, j, i);
            for (int l = 0; l < j; l++)
                sum -= lower ? AT(a, *lda, i, l) * AT(a, *lda, j, l) : AT(a, *lda, l, i) * AT(a, *lda, l, j);
            if (i == j && !(sum > 0)) {
                *info = j + 1;
                return;
            }
            double entry = i == j ? sqrt(sum) : sum / AT(a, *lda, j, j);
            *(lower ? &AT(a, *lda, i, j) : &AT(a, *lda, j, i)) = entry;
        }
}

static void ref_dtrtri(const char *uplo, const char *diag, const int *n, double *a, const int *lda, int *info)
{
    double *inverse = calloc((size_t)*n * (size_t)*n + 1, sizeof *inverse);
    *info = 0;
    for (int j = 0; j < *n && !*info; j++)
        if (!is(diag, 'U') && AT(a, *lda, j, j) == 0) *info = j + 1;
    for (int j = 0; j < *n && !*info; j++) {
        AT(inverse, *n, j, j) = 1;
        solve(uplo, "N", diag, *n, a, *lda, &AT(inverse, *n, 0, j), 1);
    }
    for (int j = 0; j < *n && !*info; j++)
        for (int i = 0; i < *n; i++)
            if ((i == j && !is(diag, 'U')) || (i != j && (is(uplo, 'L') ? i > j : i < j)))
                AT(a, *lda, i, j) = AT(inverse, *n, i, j);
    free(inverse);
}

/* The triangle of L'L (lower) or UU' (upper). */
static void ref_dlauum(const char *uplo, const int *n, double *a, const int *lda, int *info)
{
    int lower = is(uplo, 'L');
    *info = 0;
    for (int i = 0; i < *n; i++)
        for (int j = 0; j <= i; j++) { /* entry (i, j) reads rows i and up only, not yet overwritten */
            double sum = 0;
            for (int l = i; l < *n; l++)
                sum += lower ? AT(a, *lda, l, i) * AT(a, *lda, l, j) : AT(a, *lda, i, l) * AT(a, *lda, j, l);
            *(lower ? &AT(a, *lda, i, j) : &AT(a, *lda, j, i)) = sum;
        }
}

static void ref_dpotri(const char *uplo, const int *n, double *a, const int *lda, int *info)
{
    ref_dtrtri(uplo, "N", n, a, lda, info);
    if (!*info) ref_dlauum(uplo, n, a, lda, info);
}

static void ref_dgeqrf(const int *m, const int *n, double *a, const int *lda, double *tau, double *work,
                       const int *lwork, int *info)
{
    *info = 0;
    work[0] = *n > 0 ? *n : 1;
    if (*lwork == -1) return;
    for (int k = 0; k < *n && k < *m; k++) {
        int length = *m - k, one = 1;
        double *x = &AT(a, *lda, k, k);
        double norm = ref_dnrm2(&length, x, &one);
        int rest = length - 1;
        tau[k] = 0;
        if (norm == 0 || rest == 0 || ref_dnrm2(&rest, x + 1, &one) == 0) continue;
        double head = x[0], beta = head > 0 ? -norm : norm;
        tau[k] = (beta - head) / beta;
        for (int i = 1; i < length; i++) x[i] /= head - beta;
        x[0] = beta;
        for (int j = k + 1; j < *n; j++) {
            double *y = &AT(a, *lda, k, j), sum = y[0];
            for (int i = 1; i < length; i++) sum += x[i] * y[i];
            y[0] -= tau[k] * sum;
            for (int i = 1; i < length; i++) y[i] -= tau[k] * sum * x[i];
        }
    }
}

static void ref_dormqr(const char *side, const char *trans, const int *m, const int *n, const int *k, const double *a,
                       const int *lda, const double *tau, double *c, const int *ldc, double *work, const int *lwork,
                       int *info)
{
    int left = is(side, 'L'), length = left ? *m : *n, lines = left ? *n : *m;
    int64_t step = left ? 1 : *ldc, line = left ? *ldc : 1;
    int forward = left != is(trans, 'N'); /* Q = H_1 .. H_k: Q'C and CQ start with H_1 */
    *info = 0;
    work[0] = lines > 0 ? lines : 1;
    if (*lwork == -1) return;
    for (int s = 0; s < *k; s++) {
        int t = forward ? s : *k - 1 - s;
        for (int j = 0; j < lines; j++) {
            double *y = c + j * line, sum = y[t * step];
            for (int i = t + 1; i < length; i++) sum += AT(a, *lda, i, t) * y[i * step];
            y[t * step] -= tau[t] * sum;
            for (int i = t + 1; i < length; i++) y[i * step] -= tau[t] * sum * AT(a, *lda, i, t);
        }
    }
}

/* Jacobi's rotations; eigenvalues ascending, vectors in the columns of a. */
static void ref_dsyev(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w,
                      double *work, const int *lwork, int *info)
{
    int order = *n;
    *info = 0;
    work[0] = order > 0 ? 3 * order : 1;
    if (*lwork == -1) return;
    double *s = calloc((size_t)order * (size_t)order + 1, sizeof *s), *v = calloc((size_t)order * (size_t)order + 1, sizeof *v);
    for (int j = 0; j < order; j++) {
        AT(v, order, j, j) = 1;
        for (int i = 0; i < order; i++)
            AT(s, order, i, j) = (is(uplo, 'L') ? i >= j : i <= j) ? AT(a, *lda, i, j) : AT(a, *lda, j, i);
    }
    for (int sweep = 0; sweep < 60; sweep++)
        for (int p = 0; p < order; p++)
            for (int q = p + 1; q < order; q++) {
                if (AT(s, order, p, q) == 0) continue;
                double theta = (AT(s, order, q, q) - AT(s, order, p, p)) / (2 * AT(s, order, p, q));
                double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
                double c = 1 / sqrt(t * t + 1), d = t * c;
                for (int i = 0; i < order; i++) {
                    double x = AT(s, order, i, p), y = AT(s, order, i, q);
                    AT(s, order, i, p) = c * x - d * y;
                    AT(s, order, i, q) = d * x + c * y;
                    x = AT(v, order, i, p), y = AT(v, order, i, q);
                    AT(v, order, i, p) = c * x - d * y;
                    AT(v, order, i, q) = d * x + c * y;
                }
                for (int i = 0; i < order; i++) {
                    double x = AT(s, order, p, i), y = AT(s, order, q, i);
                    AT(s, order, p, i) = c * x - d * y;
                    AT(s, order, q, i) = d * x + c * y;
                }
            }
    for (int j = 0; j < order; j++) {
        int best = -1;
        for (int i = 0; i < order; i++) /* the smallest not yet taken; taken ones are marked by NAN */
            if (!isnan(AT(s, order, i, i)) && (best < 0 || AT(s, order, i, i) < AT(s, order, best, best))) best = i;
        w[j] = AT(s, order, best, best);
        AT(s, order, best, best) = NAN;
        if (is(jobz, 'V'))
            for (int i = 0; i < order; i++) AT(a, *lda, i, j) = AT(v, order, i, best);
    }
    free(s);
    free(v);
}

void refblas_fill(void)
{
#define ENTRY(value, ret, name, params, args) {#name, (void (*)(void))ref_##name},
    static const struct {
        const char *name;
        void (*f)(void);
    } table[] = {MERE_BLAS_LIST(ENTRY)};
    for (int i = 0; mere_blas_name(i); i++) {
        if (strcmp(mere_blas_name(i), table[i].name) != 0) {
            fprintf(stderr, "refblas: %s is not %s\n", table[i].name, mere_blas_name(i));
            exit(1);
        }
        mere_blas_set(i, table[i].f);
    }
}
