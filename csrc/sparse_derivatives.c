/* sparse_derivatives.c - products with the sparse Schur complement that gradient and information need. */
#include <string.h>

#include "clones.h"
#include "dense.h"
#include "sparse_matrix.h"

/* y += g a, rows of the rest against the border. */
MERE_INLINE void rest_times_border(const mere_work *work, double *restrict y)
{
    const mere_plan *plan = work->plan;
    const mere_cross *first = &plan->factor[0].cross;
    int64_t k = plan->factor[0].k, border = plan->border;
    for (int64_t l = 0; l < plan->factor[0].q; l++) {
        int64_t at = first->ptr[l], width = first->ptr[l + 1] - at, start = k * (at + l * border);
        for (int64_t c = 0; c < k; c++, start += width + border) {
            const double *restrict x = work->a + start, *restrict xb = x + width;
            double *restrict v = y + start, *restrict vb = v + width;
            for (int64_t j = 0; j < width; j++) {
                const double *restrict gb = work->sparse->gb + (int64_t)first->row[at + j] * border;
                double sum = 0.0, xj = x[j];
#pragma omp simd reduction(+ : sum)
                for (int64_t i = 0; i < border; i++) {
                    sum += gb[i] * xb[i];
                    vb[i] += gb[i] * xj;
                }
                v[j] += sum;
            }
        }
    }
}

/* y += g a, the border against itself. */
static void border_times_border(const mere_work *work, double *y)
{
    const mere_plan *plan = work->plan;
    const mere_cross *first = &plan->factor[0].cross;
    const mere_sparse *sp = work->sparse;
    const double one = 1.0, zero = 0.0;
    int64_t k = plan->factor[0].k, border = plan->border;
    double *product = sp->chunk + sp->n_chunk * border;
    int m = (int)border, columns;
    for (int64_t l = 0; (columns = (int)mere_border_chunk(work, work->a, l)) > 0;) {
        dsymm_("L", "L", &m, &columns, &one, work->g, &m, sp->chunk, &m, &zero, product, &m);
        for (int64_t e = 0; e < columns; l++) {
            int64_t width = first->ptr[l + 1] - first->ptr[l];
            double *vb = y + k * (first->ptr[l] + l * border) + width;
            for (int64_t c = 0; c < k; c++, e++, vb += width + border)
                for (int64_t i = 0; i < border; i++)
                    vb[i] += product[i + e * border];
        }
    }
}

MERE_CLONES void mere_sparse_levels(const mere_work *work, double *y)
{
    const mere_plan *plan = work->plan;
    const mere_pattern *pattern = plan->pattern;
    const mere_cross *first = &plan->factor[0].cross;
    const mere_sparse *sp = work->sparse;
    double *restrict open = sp->column;
    int64_t k = plan->factor[0].k, border = plan->border, q = plan->factor[0].q;
    memset(y, 0, (size_t)(k * (first->ptr[q] + q * border)) * sizeof *y);
    for (int64_t j = 0; j < plan->rest; j++) { /* as in subtract_columns: column by column, each laid open */
        for (int64_t s = pattern->ptr[j]; s < pattern->ptr[j + 1]; s++)
            open[pattern->row[s]] = sp->g[s];
        for (int64_t h = pattern->holder_ptr[j]; h < pattern->holder_ptr[j + 1]; h++) {
            int64_t l = pattern->level[h], from = pattern->place[h], at = first->ptr[l], width = first->ptr[l + 1] - at;
            const int32_t *restrict row = first->row + at;
            for (int64_t c = 0; c < k; c++) {
                int64_t start = k * (at + l * border) + c * (width + border);
                const double *restrict x = work->a + start;
                double *restrict v = y + start;
                double xj = x[from], sum = open[j] * xj;
                for (int64_t i = from + 1; i < width; i++) {
                    double gij = open[row[i]];
                    sum += gij * x[i];
                    v[i] += gij * xj;
                }
                v[from] += sum;
            }
        }
    }
    rest_times_border(work, y);
    border_times_border(work, y);
}

/* G of the rest when all its factors are scalar: <n, t> of the blocks of each pair of factors. */
MERE_CLONES static void rest_scalar(mere_work *work)
{
    const mere_plan *plan = work->plan;
    const mere_sparse *sp = work->sparse;
    const int32_t *ptr = plan->pattern->ptr, *row = plan->pattern->row;
    int64_t border = plan->border;
    for (int64_t f = 1; f < plan->n_factor; f++) {
        double lf = work->lambda[work->lambda_first[f]], own = 0.0;
        for (int64_t l = 0; l < plan->factor[f].q; l++) {
            int64_t j = plan->factor[f].first + l, s = ptr[j];
            own += lf * sp->n[s] * sp->t[s] + mere_dot(border, sp->nb + j * border, sp->tb + j * border);
            s++;
            for (int64_t g = f; g < plan->n_factor; g++) { /* rows ascend: those of one factor are neighbours */
                int64_t from = s, end = plan->factor[g].first + plan->factor[g].q;
                if (g == plan->n_factor - 1)
                    s = ptr[j + 1];
                while (s < ptr[j + 1] && row[s] < end)
                    s++;
                double sum = mere_dot(s - from, sp->n + from, sp->t + from);
                own += work->lambda[work->lambda_first[g]] * sum;
                work->grad_lambda[work->lambda_first[g]] += lf * sum;
            }
        }
        work->grad_lambda[work->lambda_first[f]] += own;
    }
}

/* G_f += sum over blocks: N_IJ' Lambda_I T_IJ to the column's factor, N_IJ Lambda_J T_IJ' to the row's. */
static void rest_general(mere_work *work)
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

void mere_sparse_rest_gradient(mere_work *work)
{
    if (work->plan->scalar)
        rest_scalar(work);
    else
        rest_general(work);
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
