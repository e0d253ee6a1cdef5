/* quadrature.c - adaptive Gauss-Hermite quadrature for one grouping factor.
 *
 * The likelihood is a product over levels of integrals over k effects. With the mode u_l and M_l = L L' of the penalized
 * deviance, u = u_l + L^-T x puts N(0, I) in the place of the mode's curvature:
 *   integral exp(h(u)) du / (2 pi)^(k/2) = |L|^-1 sum_x w_x exp(h(u) + x'x / 2),   h = -(deviance_l(u) + u'u) / 2,
 * on the product grid of nodes x with weights w for N(0, 1). One node is the Laplace approximation. Sums over nodes are
 * taken relative to the largest term of each level and logs are added over levels, so nothing over- or underflows.
 * Pinheiro & Bates (1995), J. Comput. Graph. Statist. 4, 12-35.
 */
#include <math.h>
#include <string.h>

#include "dense.h"
#include "glmm.h"
#include "memory.h"

/* u of every level at grid point x: mode + L^-T x. */
static void shift(const mere_glmm *g, const double *mode, const double *x, double *u)
{
    const mere_factor *factor = &g->plan->factor[0];
    int64_t k = factor->k;
    for (int64_t l = 0; l < factor->q; l++) {
        const double *ll = g->work->l0 + l * k * k;
        double *ul = u + l * k;
        for (int64_t j = k - 1; j >= 0; j--) {
            double sum = x[j];
            for (int64_t i = j + 1; i < k; i++)
                sum -= ll[i + j * k] * ul[i];
            ul[j] = sum / ll[j + j * k];
        }
        /* the solve above needs its own results, so the mode is added after it */
        for (int64_t j = 0; j < k; j++)
            u[g->q + l * k + j] = mode[l * k + j] + ul[j];
    }
}

mere_status mere_glmm_quadrature(mere_glmm *g, const double *par, int64_t n_node, const double *node,
                                 const double *log_weight, double *d)
{
    enum { MAX_K = 8 };
    const mere_factor *factor = &g->plan->factor[0];
    int64_t k = factor->k, q = factor->q, total = 1;
    if (g->n_factor != 1 || k > MAX_K || n_node < 1 || mere_family_dispersed(&g->family))
        return MERE_ERR_ARGUMENT;
    mere_status status = mere_glmm_value(g, par, d);
    if (status || n_node == 1)
        return status;
    for (int64_t c = 0; c < k; c++)
        total *= n_node;
    double *space = mere_malloc(3 * g->q + 2 * q, sizeof *space);
    if (!space)
        return MERE_ERR_MEMORY;
    double *mode = space, *u = mode + g->q, *most = u + 2 * g->q, *sum = most + q;
    memcpy(mode, g->u, (size_t)g->q * sizeof *mode);
    for (int64_t l = 0; l < q; l++) {
        most[l] = -INFINITY;
        sum[l] = 0.0;
    }
    for (int64_t point = 0; point < total && !status; point++) {
        double x[MAX_K], log_w = 0.0;
        for (int64_t c = 0, at = point; c < k; c++, at /= n_node) {
            x[c] = node[at % n_node];
            log_w += log_weight[at % n_node] + 0.5 * x[c] * x[c];
        }
        shift(g, mode, x, u);
        if (mere_pirls_rows(g, u + g->q)) {
            status = MERE_ERR_DIVERGED;
            break;
        }
        for (int64_t l = 0; l < q; l++) {
            double h = mere_dot(k, u + g->q + l * k, u + g->q + l * k);
            for (int64_t i = g->row_ptr[l]; i < g->row_ptr[l + 1]; i++)
                h += g->d[i];
            h = log_w - 0.5 * h;
            if (h > most[l]) {
                sum[l] = sum[l] * exp(most[l] - h) + 1.0;
                most[l] = h;
            } else {
                sum[l] += exp(h - most[l]);
            }
        }
    }
    double value = g->sums.constant + g->ld;
    for (int64_t l = 0; l < q; l++)
        value -= 2.0 * (most[l] + log(sum[l]));
    memcpy(g->u, mode, (size_t)g->q * sizeof *mode);
    if (!status && mere_pirls_rows(g, g->u)) /* back to the mode */
        status = MERE_ERR_DIVERGED;
    mere_free(space);
    *d = value;
    return status || isfinite(value) ? status : MERE_ERR_NOT_FINITE;
}
