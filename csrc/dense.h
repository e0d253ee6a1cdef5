/* dense.h - dense kernels for the small and the large.
 *
 * Blocks of a grouping factor's levels are k x k with k mostly 1, 2 or 3: inlined loops beat any call. Whole matrices go
 * to BLAS above MERE_SMALL rows, below it the call costs more than the work.
 */
#ifndef MERE_DENSE_H
#define MERE_DENSE_H

#include <math.h>
#include <stdint.h>

#include "blas.h"

#define MERE_SMALL 24
#define MERE_INLINE static inline __attribute__((always_inline))

/* Lower Cholesky factor in place (the upper triangle is not read). Returns 0, or the 1-based column that failed. */
static inline int64_t mere_chol(int64_t m, double *s, int64_t ld)
{
    if (m > MERE_SMALL) {
        int im = (int)m, ild = (int)ld, info;
        dpotrf_("L", &im, s, &ild, &info);
        return info;
    }
    for (int64_t j = 0; j < m; j++) {
        double *sj = s + j * ld;
        for (int64_t k = 0; k < j; k++) {
            const double *sk = s + k * ld;
            double c = sk[j];
            for (int64_t i = j; i < m; i++)
                sj[i] -= c * sk[i];
        }
        if (!(sj[j] > 0.0))
            return j + 1;
        double d = sqrt(sj[j]), r = 1.0 / d;
        sj[j] = d;
        for (int64_t i = j + 1; i < m; i++)
            sj[i] *= r;
    }
    return 0;
}

/* x (m x c, leading dimension ldx) <- L^-1 x, or L^-T x. */
static inline void mere_lower_solve(int64_t m, const double *l, int64_t ld, int transpose, int64_t c, double *x,
                                    int64_t ldx)
{
    if (m == 0 || c == 0)
        return;
    if (m > MERE_SMALL) {
        int im = (int)m, ic = (int)c, ild = (int)ld, ildx = (int)ldx;
        double one = 1.0;
        dtrsm_("L", "L", transpose ? "T" : "N", "N", &im, &ic, &one, l, &ild, x, &ildx);
        return;
    }
    for (int64_t col = 0; col < c; col++) {
        double *v = x + col * ldx;
        if (!transpose) {
            for (int64_t j = 0; j < m; j++) {
                double vj = v[j] /= l[j + j * ld];
                for (int64_t i = j + 1; i < m; i++)
                    v[i] -= vj * l[i + j * ld];
            }
        } else {
            for (int64_t j = m - 1; j >= 0; j--) {
                double vj = v[j];
                for (int64_t i = j + 1; i < m; i++)
                    vj -= v[i] * l[i + j * ld];
                v[j] = vj / l[j + j * ld];
            }
        }
    }
}

/* t (lower, leading dimension m) <- L^-T diag(w) L^-1 with L in t's lower triangle; w(i) through `w`. */
static inline int64_t mere_weighted_inverse(int64_t m, double *t, const double *w)
{
    if (m > MERE_SMALL) {
        int im = (int)m, info;
        dtrtri_("L", "N", &im, t, &im, &info);
        if (info)
            return info;
        for (int64_t j = 0; j < m; j++)
            for (int64_t i = j; i < m; i++)
                t[i + j * m] *= w[i];
        dlauum_("L", &im, t, &im, &info);
        return info;
    }
    for (int64_t j = 0; j < m; j++) { /* invert L column by column, in place */
        double *tj = t + j * m;
        if (tj[j] == 0.0)
            return j + 1;
        tj[j] = 1.0 / tj[j];
        for (int64_t i = j + 1; i < m; i++) {
            double sum = 0.0;
            for (int64_t k = j; k < i; k++)
                sum += t[i + k * m] * tj[k];
            tj[i] = -sum / t[i + i * m];
        }
    }
    for (int64_t j = 0; j < m; j++)
        for (int64_t i = j; i < m; i++)
            t[i + j * m] *= w[i];
    for (int64_t j = 0; j < m; j++) /* product V'V, top down: column j of the result reads rows >= i only */
        for (int64_t i = j; i < m; i++) {
            double sum = 0.0;
            for (int64_t k = i; k < m; k++)
                sum += t[k + i * m] * t[k + j * m];
            t[i + j * m] = sum;
        }
    return 0;
}

/* Copy the lower triangle to the upper. */
static inline void mere_symmetrize(int64_t m, double *s)
{
    enum { TILE = 32 };
    for (int64_t jj = 0; jj < m; jj += TILE)
        for (int64_t ii = jj; ii < m; ii += TILE)
            for (int64_t j = jj; j < m && j < jj + TILE; j++)
                for (int64_t i = ii > j ? ii : j + 1; i < m && i < ii + TILE; i++)
                    s[j + i * m] = s[i + j * m];
}

static inline double mere_dot(int64_t n, const double *x, const double *y)
{
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

#endif
