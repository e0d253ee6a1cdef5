/* sparse_derivatives.c - products with the sparse Schur complement that gradient and information need. */
#include <string.h>

#include "dense.h"
#include "sparse_matrix.h"

void mere_sparse_level(const mere_work *work, int64_t l, const double *a, double *y)
{
    const mere_plan *plan = work->plan;
    const mere_sparse *sp = work->sparse;
    const mere_cross *first = &plan->factor[0].cross;
    int64_t k = plan->factor[0].k, border = plan->border;
    int64_t width = first->ptr[l + 1] - first->ptr[l], m = width + border;
    const int32_t *row = first->row + first->ptr[l];
    memset(y, 0, (size_t)(m * k) * sizeof *y);
    for (int64_t c = 0; c < k; c++) {
        const double *x = a + c * m;
        double *v = y + c * m;
        const int32_t *pair = plan->pattern->pair + plan->pattern->pair_ptr[l];
        for (int64_t j = 0; j < width; j++) {
            const double *gb = sp->gb + (int64_t)row[j] * border;
            double sum = sp->g[*pair++] * x[j];
            for (int64_t i = j + 1; i < width; i++) {
                double gij = sp->g[*pair++];
                sum += gij * x[i];
                v[i] += gij * x[j];
            }
            for (int64_t i = 0; i < border; i++) {
                sum += gb[i] * x[width + i];
                v[width + i] += gb[i] * x[j];
            }
            v[j] += sum;
        }
        for (int64_t j = 0; j < border; j++)
            for (int64_t i = 0; i < border; i++)
                v[width + i] += (i >= j ? work->g[i + j * border] : work->g[j + i * border]) * x[width + j];
    }
}

/* G_f += sum over blocks: N_IJ' Lambda_I T_IJ to the column's factor, N_IJ Lambda_J T_IJ' to the row's. */
void mere_sparse_rest_gradient(mere_work *work)
{
    const mere_plan *plan = work->plan;
    const mere_sparse *sp = work->sparse;
    int64_t border = plan->border;
    mere_block_walk b = {.f = 1};
    double *n = work->scratch;
    while (mere_block_next(work, &b)) {
        int64_t ki = b.ki, kj = b.kj;
        const double *li = work->lambda + work->lambda_first[b.g], *lj = work->lambda + work->lambda_first[b.f];
        double *gi = work->grad_lambda + work->lambda_first[b.g], *gj = work->grad_lambda + work->lambda_first[b.f];
        double *t = n + ki * kj, *lt = t + ki * kj;
        mere_block_get(plan->pattern, sp->n, b.j, kj, b.at, ki, n);
        mere_block_get(plan->pattern, sp->t, b.j, kj, b.at, ki, t);
        for (int64_t c = 0; c < kj; c++) /* Lambda_I T */
            for (int64_t i = 0; i < ki; i++) {
                double sum = 0.0;
                for (int64_t r = 0; r <= i; r++)
                    sum += li[i + r * ki] * t[r + c * ki];
                lt[i + c * ki] = sum;
            }
        for (int64_t c = 0; c < kj; c++)
            for (int64_t r = 0; r < kj; r++)
                gj[r + c * kj] += mere_dot(ki, n + r * ki, lt + c * ki);
        if (b.at == 0) { /* the diagonal block counts once; the border's rows with it */
            for (int64_t c = 0; c < kj; c++)
                for (int64_t r = 0; r < kj; r++)
                    gj[r + c * kj] += mere_dot(border, sp->nb + (b.j + r) * border, sp->tb + (b.j + c) * border);
            continue;
        }
        for (int64_t i = 0; i < ki; i++) /* Lambda_J T' (kj x ki) */
            for (int64_t c = 0; c < kj; c++) {
                double sum = 0.0;
                for (int64_t r = 0; r <= c; r++)
                    sum += lj[c + r * kj] * t[i + r * ki];
                lt[c + i * kj] = sum;
            }
        for (int64_t c = 0; c < ki; c++)
            for (int64_t r = 0; r < ki; r++) {
                double sum = 0.0;
                for (int64_t s = 0; s < kj; s++)
                    sum += n[r + s * ki] * lt[s + c * kj];
                gi[r + c * ki] += sum;
            }
    }
}

void mere_sparse_products(mere_work *work, int64_t n, const int64_t *at, const double *f, double *c)
{
    const mere_plan *plan = work->plan;
    const mere_sparse *sp = work->sparse;
    const int32_t *ptr = plan->pattern->ptr, *row = plan->pattern->row;
    int64_t nc = plan->rest + plan->p;
    for (int64_t e = 0; e < n; e++) {
        const mere_factor *factor = &plan->factor[plan->entry[e].term];
        if (plan->entry[e].term == 0)
            continue;
        int64_t from = factor->first, to = from + factor->k * factor->q;
        const double *fe = f + at[e] - from;
        double *ce = c + e * nc;
        for (int64_t j = 0; j < to; j++) {
            double sum = 0.0, x = j >= from ? fe[j] : 0.0;
            for (int64_t s = ptr[j] + 1; s < ptr[j + 1]; s++) {
                int64_t i = row[s];
                if (i >= from && i < to)
                    sum += sp->n[s] * fe[i];
                ce[i] += sp->n[s] * x;
            }
            ce[j] += sum + sp->n[ptr[j]] * x;
            if (j >= from)
                for (int64_t i = 0; i < plan->p; i++)
                    ce[plan->rest + i] += sp->nb[i + j * plan->border] * x;
        }
    }
}

mere_status mere_sparse_whiten(mere_work *work, int64_t n, double *c, int64_t ld)
{
    const mere_plan *plan = work->plan;
    mere_sparse *sp = work->sparse;
    int64_t rest = plan->rest, p = plan->p;
    cholmod_dense rhs = *sp->rhs;
    rhs.ncol = 1;
    for (int64_t e = 0; e < n; e++) {
        double *x = c + e * ld;
        memcpy(sp->rhs->x, x, (size_t)rest * sizeof(double));
        mere_status status = mere_sparse_forward(work, &rhs, &sp->solved);
        if (status)
            return status;
        memcpy(x, sp->solved->x, (size_t)rest * sizeof(double));
        for (int64_t j = 0; j < p; j++)
            x[rest + j] -= mere_dot(rest, sp->y + j * rest, x);
        mere_lower_solve(p, work->s, plan->border, 0, 1, x + rest, p);
    }
    return MERE_OK;
}
