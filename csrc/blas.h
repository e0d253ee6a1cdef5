/* blas.h - the BLAS and LAPACK functions that mere and CHOLMOD call.
 *
 * Fortran's interface with 32-bit integers and no hidden string lengths, exactly as SciPy's cython_blas and cython_lapack
 * export it. The symbols are defined by blas_shim.c, which forwards them to pointers filled when the package is imported.
 * To add a function: one line in the list.
 */
#ifndef MERE_BLAS_H
#define MERE_BLAS_H

#include <stdint.h>

/* X(kind of value returned, `return` or nothing, name, parameters, arguments) */
#define MERE_BLAS_LIST(X)                                                                                              \
    X(double, return, ddot, (const int *n, const double *x, const int *incx, const double *y, const int *incy),        \
      (n, x, incx, y, incy))                                                                                           \
    X(double, return, dnrm2, (const int *n, const double *x, const int *incx), (n, x, incx))                           \
    X(void, , daxpy,                                                                                                   \
      (const int *n, const double *a, const double *x, const int *incx, double *y, const int *incy),                   \
      (n, a, x, incx, y, incy))                                                                                        \
    X(void, , dscal, (const int *n, const double *a, double *x, const int *incx), (n, a, x, incx))                     \
    X(void, , dgemv,                                                                                                   \
      (const char *trans, const int *m, const int *n, const double *alpha, const double *a, const int *lda,            \
       const double *x, const int *incx, const double *beta, double *y, const int *incy),                              \
      (trans, m, n, alpha, a, lda, x, incx, beta, y, incy))                                                            \
    X(void, , dtrsv,                                                                                                   \
      (const char *uplo, const char *trans, const char *diag, const int *n, const double *a, const int *lda,           \
       double *x, const int *incx),                                                                                    \
      (uplo, trans, diag, n, a, lda, x, incx))                                                                         \
    X(void, , dgemm,                                                                                                   \
      (const char *transa, const char *transb, const int *m, const int *n, const int *k, const double *alpha,          \
       const double *a, const int *lda, const double *b, const int *ldb, const double *beta, double *c,                \
       const int *ldc),                                                                                                \
      (transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc))                                                  \
    X(void, , dsymm,                                                                                                   \
      (const char *side, const char *uplo, const int *m, const int *n, const double *alpha, const double *a,           \
       const int *lda, const double *b, const int *ldb, const double *beta, double *c, const int *ldc),                \
      (side, uplo, m, n, alpha, a, lda, b, ldb, beta, c, ldc))                                                         \
    X(void, , dsyrk,                                                                                                   \
      (const char *uplo, const char *trans, const int *n, const int *k, const double *alpha, const double *a,          \
       const int *lda, const double *beta, double *c, const int *ldc),                                                 \
      (uplo, trans, n, k, alpha, a, lda, beta, c, ldc))                                                                \
    X(void, , dtrmm,                                                                                                   \
      (const char *side, const char *uplo, const char *trans, const char *diag, const int *m, const int *n,            \
       const double *alpha, const double *a, const int *lda, double *b, const int *ldb),                               \
      (side, uplo, trans, diag, m, n, alpha, a, lda, b, ldb))                                                          \
    X(void, , dtrsm,                                                                                                   \
      (const char *side, const char *uplo, const char *trans, const char *diag, const int *m, const int *n,            \
       const double *alpha, const double *a, const int *lda, double *b, const int *ldb),                               \
      (side, uplo, trans, diag, m, n, alpha, a, lda, b, ldb))                                                          \
    X(void, , dpotrf, (const char *uplo, const int *n, double *a, const int *lda, int *info), (uplo, n, a, lda, info)) \
    X(void, , dpotri, (const char *uplo, const int *n, double *a, const int *lda, int *info), (uplo, n, a, lda, info)) \
    X(void, , dlauum, (const char *uplo, const int *n, double *a, const int *lda, int *info), (uplo, n, a, lda, info)) \
    X(void, , dtrtri,                                                                                                  \
      (const char *uplo, const char *diag, const int *n, double *a, const int *lda, int *info),                        \
      (uplo, diag, n, a, lda, info))                                                                                   \
    X(void, , dgeqrf,                                                                                                  \
      (const int *m, const int *n, double *a, const int *lda, double *tau, double *work, const int *lwork, int *info), \
      (m, n, a, lda, tau, work, lwork, info))                                                                          \
    X(void, , dormqr,                                                                                                  \
      (const char *side, const char *trans, const int *m, const int *n, const int *k, const double *a, const int *lda, \
       const double *tau, double *c, const int *ldc, double *work, const int *lwork, int *info),                       \
      (side, trans, m, n, k, a, lda, tau, c, ldc, work, lwork, info))                                                  \
    X(void, , dsyev,                                                                                                   \
      (const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work,           \
       const int *lwork, int *info),                                                                                   \
      (jobz, uplo, n, a, lda, w, work, lwork, info))

/* double ddot_(const int *n, ...); and so on. */
#define MERE_BLAS_PROTOTYPE(value, ret, name, params, args) value name##_ params;
MERE_BLAS_LIST(MERE_BLAS_PROTOTYPE)
#undef MERE_BLAS_PROTOTYPE

/* Filling the table: names of the functions in turn, NULL after the last; any function pointer in `f`. */
const char *mere_blas_name(int i);
void mere_blas_set(int i, void (*f)(void));

#endif
