/* sparse_blocks.c - Lambda on both sides of a matrix on the pattern, block by block. */
#include <string.h>

#include "clones.h"
#include "sparse_matrix.h"

/* out (ki x kj) = left' m right (or left m right' with `transpose`); left, right lower triangular. */
static void sandwich(int64_t ki, int64_t kj, const double *left, const double *right, int transpose, const double *m,
                     double *space, double *out)
{
    for (int64_t j = 0; j < kj; j++)
        for (int64_t i = 0; i < ki; i++) {
            double sum = 0.0;
            for (int64_t r = transpose ? 0 : j; r < (transpose ? j + 1 : kj); r++)
                sum += m[i + r * ki] * (transpose ? right[j + r * kj] : right[r + j * kj]);
            space[i + j * ki] = sum;
        }
    for (int64_t j = 0; j < kj; j++)
        for (int64_t i = 0; i < ki; i++) {
            double sum = 0.0;
            for (int64_t r = transpose ? 0 : i; r < (transpose ? i + 1 : ki); r++)
                sum += (transpose ? left[i + r * ki] : left[r + i * ki]) * space[r + j * ki];
            out[i + j * ki] = sum;
        }
}

/* Block (I, J) of a lower triangle on the pattern: ki rows from offset `at` in the first of kj columns. */
void mere_block_get(const mere_pattern *pattern, const double *x, int64_t j, int64_t kj, int64_t at, int64_t ki,
                      double *m)
{
    for (int64_t c = 0; c < kj; c++)
        for (int64_t i = 0; i < ki; i++)
            if (at + i >= c)
                m[i + c * ki] = x[pattern->ptr[j + c] + at + i - c];
    if (at == 0)
        for (int64_t c = 0; c < kj; c++)
            for (int64_t i = 0; i < c; i++)
                m[i + c * ki] = m[c + i * ki];
}

static void put_block(const mere_pattern *pattern, double *x, int64_t j, int64_t kj, int64_t at, int64_t ki,
                      const double *m)
{
    for (int64_t c = 0; c < kj; c++)
        for (int64_t i = 0; i < ki; i++)
            if (at + i >= c)
                x[pattern->ptr[j + c] + at + i - c] = m[i + c * ki];
}

int mere_block_next(const mere_work *work, mere_block_walk *b)
{
    const mere_plan *plan = work->plan;
    if (b->kj) {
        b->at += b->ki;
        if (b->at >= plan->pattern->ptr[b->j + 1] - plan->pattern->ptr[b->j]) {
            b->at = 0;
            if (++b->l == plan->factor[b->f].q) {
                b->l = 0;
                b->f++;
            }
        }
    }
    if (b->f >= plan->n_factor)
        return 0;
    b->kj = plan->factor[b->f].k;
    b->j = plan->factor[b->f].first + b->l * b->kj;
    b->g = work->sparse->row_factor[plan->pattern->row[plan->pattern->ptr[b->j] + b->at]];
    b->ki = plan->factor[b->g].k;
    return 1;
}

/* Every factor of the rest is scalar: one product an entry. `lam` holds each row's Lambda. */
MERE_CLONES static void scale_scalar(const mere_work *work, const double *restrict src, double *restrict dst,
                                     double *restrict lam)
{
    const mere_plan *plan = work->plan;
    const int32_t *restrict ptr = plan->pattern->ptr, *restrict row = plan->pattern->row;
    for (int64_t j = 0; j < plan->rest; j++)
        lam[j] = work->lambda[work->lambda_first[work->sparse->row_factor[j]]];
    for (int64_t j = 0; j < plan->rest; j++) {
        double lj = lam[j];
#pragma omp simd
        for (int64_t s = ptr[j]; s < ptr[j + 1]; s++)
            dst[s] = src[s] * lj * lam[row[s]];
    }
}

void mere_pattern_scale(const mere_work *work, const double *src, double *dst, int transpose)
{
    if (work->plan->scalar) {
        scale_scalar(work, src, dst, work->sparse->scale);
        return;
    }
    const mere_pattern *pattern = work->plan->pattern;
    mere_block_walk b = {.f = 1};
    double *m = work->scratch;
    while (mere_block_next(work, &b)) {
        const double *left = work->lambda + work->lambda_first[b.g], *right = work->lambda + work->lambda_first[b.f];
        double *space = m + b.ki * b.kj, *out = space + b.ki * b.kj;
        mere_block_get(pattern, src, b.j, b.kj, b.at, b.ki, m);
        sandwich(b.ki, b.kj, left, right, transpose, m, space, out);
        put_block(pattern, dst, b.j, b.kj, b.at, b.ki, out);
    }
}

/* x (k) = Lambda'x or Lambda x for every level of the rest; x has leading dimension 1 for rows of a vector. */
void mere_rest_scale(const mere_work *work, double *x, int64_t stride, int transpose)
{
    const mere_plan *plan = work->plan;
    for (int64_t f = 1; f < plan->n_factor; f++) {
        int64_t k = plan->factor[f].k;
        const double *lam = work->lambda + work->lambda_first[f];
        for (int64_t l = 0; l < plan->factor[f].q; l++) {
            double *v = x + (plan->factor[f].first + l * k) * stride;
            for (int64_t s = 0; s < k; s++) {
                int64_t i = transpose ? s : k - 1 - s;
                double sum = 0.0;
                for (int64_t r = transpose ? i : 0; r < (transpose ? k : i + 1); r++)
                    sum += (transpose ? lam[r + i * k] : lam[i + r * k]) * v[r * stride];
                v[i * stride] = sum;
            }
        }
    }
}
