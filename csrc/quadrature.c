/* quadrature.c - adaptive Gauss-Hermite quadrature for one grouping factor, with its gradient.
 *
 * The likelihood is a product over levels of integrals over k effects. With the mode m and M = L L' of the penalized
 * deviance of a level, u = m + L^-T x puts N(0, I) in the place of the mode's curvature:
 *   integral exp(h(u)) du / (2 pi)^(k/2) = |L|^-1 sum_x w_x exp(h(u) + x'x / 2),   h = -(deviance(u) + u'u) / 2,
 * on the product grid of nodes x with weights w for N(0, 1). One node is the Laplace approximation. Sums over nodes are
 * taken relative to the largest term of each level and logs are added over levels, so nothing over- or underflows.
 * Pinheiro & Bates (1995), J. Comput. Graph. Statist. 4, 12-35.
 *
 * The gradient is that of this sum, nodes moving with the parameters. With p_x the share of a node in its level's sum,
 * e(x) = dl/deta there, s_x = 2 (u_x - Lambda'Z'e(x)), and of the mode e, w, dw and the observed curvature H,
 *   ebar = sum p e(x),   B = sum p Z'e(x) u_x',   s = sum p s_x,   N = L^-1 sum p s_x x',
 *   A = L^-T (I - T / 2) L^-1 with T the upper triangle of N, symmetric          (from d log|M| and from dL^-T)
 *   c = dw diag(Z Lambda A Lambda'Z'),   xi = M_H^-1 (Lambda'Z'c + s),   z = c - H Z Lambda xi,
 *   dD/dbeta = X'(z - 2 ebar),   dD/dLambda = sum over levels of 2 Z'WZ Lambda A + Z'z m' + Z'e xi' - 2 B.
 */
#include <math.h>
#include <string.h>

#include "dense.h"
#include "glmm.h"
#include "memory.h"

enum { MAX_K = 8 };

/* Sums over nodes, per level, of what the gradient needs; relative to the largest term of the level. */
typedef struct {
    double *mode, *u, *raw;   /* q each: the mode, the node's u, and before the mode is added */
    double *most, *sum;       /* per level: the largest log term, and the sum relative to it */
    double *keep, *add;       /* per level: factor of what was summed before, and of what is added, at this node */
    double *ze, *s;           /* q each: Z'e at the node; s summed */
    double *block, *moment;   /* q k each: B and the sum of p s x' */
    double *ebar;             /* n */
    double *size, *de, *dw;   /* per level, n, n: by the size of a negative binomial */
} grid_sums;

static mere_status sums_new(const mere_glmm *g, int derive, grid_sums *sums)
{
    int64_t k = g->plan->factor[0].k, levels = g->plan->factor[0].q, q = g->q;
    int64_t need = 3 * q + 4 * levels + (derive ? 2 * q + 2 * q * k + g->n + levels + 2 * g->n : 0);
    double *x = mere_calloc(need, sizeof *x);
    if (!x)
        return MERE_ERR_MEMORY;
    sums->mode = x;
    sums->u = x + q;
    sums->raw = x + 2 * q;
    sums->most = x + 3 * q;
    sums->sum = sums->most + levels;
    sums->keep = sums->sum + levels;
    sums->add = sums->keep + levels;
    memcpy(sums->mode, g->u, (size_t)q * sizeof *x);
    for (int64_t l = 0; l < levels; l++)
        sums->most[l] = -INFINITY;
    if (!derive)
        return MERE_OK;
    sums->ze = sums->add + levels;
    sums->s = sums->ze + q;
    sums->block = sums->s + q;
    sums->moment = sums->block + q * k;
    sums->ebar = sums->moment + q * k;
    sums->size = sums->ebar + g->n;
    sums->de = sums->size + levels;
    sums->dw = sums->de + g->n;
    return MERE_OK;
}

/* u of every level at grid point x: mode + L^-T x. */
static void shift(const mere_glmm *g, const double *x, grid_sums *sums)
{
    const mere_factor *factor = &g->plan->factor[0];
    int64_t k = factor->k;
    for (int64_t l = 0; l < factor->q; l++) {
        const double *ll = g->work->l0 + l * k * k;
        double *raw = sums->raw + l * k;
        for (int64_t j = k - 1; j >= 0; j--) {
            double sum = x[j];
            for (int64_t i = j + 1; i < k; i++)
                sum -= ll[i + j * k] * raw[i];
            raw[j] = sum / ll[j + j * k];
            sums->u[l * k + j] = sums->mode[l * k + j] + raw[j];
        }
    }
}

/* The node's terms into the levels' sums, and how sums before and the node count from now on. */
static void add_terms(const mere_glmm *g, double log_w, grid_sums *sums)
{
    int64_t k = g->plan->factor[0].k;
    for (int64_t l = 0; l < g->plan->factor[0].q; l++) {
        double h = mere_dot(k, sums->u + l * k, sums->u + l * k);
        for (int64_t i = g->row_ptr[l]; i < g->row_ptr[l + 1]; i++)
            h += g->d[i];
        h = log_w - 0.5 * h;
        int larger = h > sums->most[l];
        sums->keep[l] = larger ? exp(sums->most[l] - h) : 1.0;
        sums->add[l] = larger ? 1.0 : exp(h - sums->most[l]);
        sums->sum[l] = sums->sum[l] * sums->keep[l] + sums->add[l];
        sums->most[l] = larger ? h : sums->most[l];
    }
}

static void add_derivatives(mere_glmm *g, const double *x, grid_sums *sums)
{
    int64_t k = g->plan->factor[0].k;
    const double *lam = g->work->lambda;
    mere_pirls_score(g, g->e, sums->ze);
    for (int64_t l = 0; l < g->plan->factor[0].q; l++) {
        double keep = sums->keep[l], add = sums->add[l];
        const double *ze = sums->ze + l * k, *u = sums->u + l * k;
        int64_t from = g->row_ptr[l], to = g->row_ptr[l + 1];
        for (int64_t i = from; i < to; i++)
            sums->ebar[i] = keep * sums->ebar[i] + add * g->e[i];
        for (int64_t c = 0; c < k; c++) {
            double s = u[c];
            for (int64_t r = c; r < k; r++)
                s -= lam[r + c * k] * ze[r];
            sums->s[l * k + c] = keep * sums->s[l * k + c] + 2.0 * add * s;
            for (int64_t r = 0; r < k; r++) {
                double *moment = sums->moment + l * k * k + c + r * k, *block = sums->block + l * k * k + c + r * k;
                *moment = keep * *moment + 2.0 * add * s * x[r];
                *block = keep * *block + add * ze[c] * u[r];
            }
        }
        if (g->family.estimate_theta) {
            double by = mere_family_by_theta(&g->family, to - from, g->y + from, g->wt + from, g->mu + from, g->e + from,
                                             g->w + from, sums->de, sums->dw);
            sums->size[l] = keep * sums->size[l] + add * by;
        }
    }
}

/* ------------------------------------------------------------------ the gradient */

/* a (k x k) <- L^-T (I - T / 2) L^-1, T from `moment`, which is destroyed. */
static void level_a(int64_t k, const double *l, double *moment, double *a)
{
    mere_lower_solve(k, l, k, 0, k, moment, k);
    for (int64_t j = 0; j < k; j++)
        for (int64_t i = 0; i < k; i++)
            a[i + j * k] = (i == j) - 0.5 * (i < j ? moment[i + j * k] : moment[j + i * k]);
    mere_lower_solve(k, l, k, 1, k, a, k);
    for (int64_t j = 0; j < k; j++) /* a is symmetric in the end: its transpose once more from the left */
        for (int64_t i = 0; i < j; i++) {
            double keep = a[i + j * k];
            a[i + j * k] = a[j + i * k];
            a[j + i * k] = keep;
        }
    mere_lower_solve(k, l, k, 1, k, a, k);
}

/* out (k x k) <- Lambda a, or a Lambda'. */
static void times_lambda(int64_t k, const double *lam, const double *a, int right, double *out)
{
    for (int64_t j = 0; j < k; j++)
        for (int64_t i = 0; i < k; i++) {
            double sum = 0.0;
            for (int64_t r = 0; r <= (right ? j : i); r++)
                sum += right ? a[i + r * k] * lam[j + r * k] : lam[i + r * k] * a[r + j * k];
            out[i + j * k] = sum;
        }
}

/* c = dw v at the mode, and 2 Z'WZ Lambda A of all levels into `out` (k x k). Expected curvature is in g->diag. */
static void implicit_curvature(mere_glmm *g, grid_sums *sums, double *out)
{
    int64_t k = g->plan->factor[0].k;
    const double *lam = g->work->lambda;
    double a[MAX_K * MAX_K], la[MAX_K * MAX_K], lal[MAX_K * MAX_K];
    for (int64_t l = 0; l < g->plan->factor[0].q; l++) {
        const double *zwz = g->diag[0] + l * k * k;
        level_a(k, g->work->l0 + l * k * k, sums->moment + l * k * k, a);
        times_lambda(k, lam, a, 0, la);
        times_lambda(k, lam, la, 1, lal);
        for (int64_t j = 0; j < k; j++)
            for (int64_t i = 0; i < k; i++)
                out[i + j * k] += 2.0 * mere_dot(k, zwz + i * k, la + j * k);
        for (int64_t i = g->row_ptr[l]; i < g->row_ptr[l + 1]; i++) {
            double v = 0.0;
            for (int64_t c = 0; c < k; c++)
                for (int64_t r = 0; r < k; r++)
                    v += lal[c + r * k] * (g->z[c] ? g->z[c][i] : 1.0) * (g->z[r] ? g->z[r][i] : 1.0);
            g->c[i] = v;
        }
    }
}

/* Of log theta, through the curvature and the mode: v in g->c, tz the rows of Z Lambda xi. */
static double size_at_mode(const mere_glmm *g, const double *v, const double *tz, grid_sums *sums)
{
    mere_family_by_theta(&g->family, g->n, g->y, g->wt, g->mu, g->e, g->w, sums->de, sums->dw);
    return mere_dot(g->n, v, sums->dw) + mere_dot(g->n, tz, sums->de);
}

static mere_status derive(mere_glmm *g, grid_sums *sums, double *gradient)
{
    const mere_plan *plan = g->plan;
    int64_t k = plan->factor[0].k, levels = plan->factor[0].q;
    double out[MAX_K * MAX_K] = {0}, *tz = g->d, *v = sums->raw;
    mere_status status = MERE_OK;
    for (int64_t l = 0; l < levels; l++) {
        double scale = 1.0 / sums->sum[l];
        for (int64_t c = 0; c < k; c++)
            sums->s[l * k + c] *= scale;
        for (int64_t c = 0; c < k * k; c++) {
            sums->moment[l * k * k + c] *= scale;
            out[c] -= 2.0 * scale * sums->block[l * k * k + c];
        }
        for (int64_t i = g->row_ptr[l]; i < g->row_ptr[l + 1]; i++)
            sums->ebar[i] *= scale;
        sums->size[l] *= scale;
    }
    mere_pirls_second(g);
    implicit_curvature(g, sums, out);
    if (g->family.estimate_theta) {
        if (!(v = mere_malloc(g->n, sizeof *v)))
            return MERE_ERR_MEMORY;
        memcpy(v, g->c, (size_t)g->n * sizeof *v);
    }
    for (int64_t i = 0; i < g->n; i++)
        g->c[i] *= g->dw[i];
    mere_pirls_score(g, g->c, g->t);
    mere_pirls_lambda(g, g->t, 1, g->xi);
    for (int64_t j = 0; j < g->q; j++)
        g->xi[j] += sums->s[j];
    if ((g->canonical || !(status = mere_pirls_factor(g, MERE_OBSERVED))) && !(status = mere_solve_work(g->work, g->xi))) {
        mere_pirls_lambda(g, g->xi, 0, g->step);
        mere_pirls_effects(g, NULL, g->step, tz);
        if (g->family.estimate_theta) {
            gradient[g->nx - 1] = size_at_mode(g, v, tz, sums);
            for (int64_t l = 0; l < levels; l++)
                gradient[g->nx - 1] += sums->size[l];
        }
    }
    if (g->family.estimate_theta)
        mere_free(v);
    if (status)
        return status;
    for (int64_t i = 0; i < g->n; i++)
        g->c[i] -= g->h[i] * tz[i];
    mere_pirls_score(g, g->c, g->t);
    mere_pirls_score(g, g->e, g->ze);
    for (int64_t i = 0; i < g->n; i++)
        g->c[i] -= 2.0 * sums->ebar[i];
    for (int64_t j = 0; j < g->p; j++)
        gradient[g->n_par + j] = mere_dot(g->n, g->X + j * g->n, g->c);
    for (int64_t l = 0; l < levels; l++)
        for (int64_t c = 0; c < k; c++)
            for (int64_t r = 0; r < k; r++)
                out[r + c * k] += g->t[l * k + r] * g->u[l * k + c] + g->ze[l * k + r] * g->xi[l * k + c];
    memset(gradient, 0, (size_t)g->n_par * sizeof *gradient);
    for (int64_t e = 0; e < plan->n_entry; e++)
        gradient[plan->entry[e].par] += out[plan->entry[e].row + plan->entry[e].column * k];
    return MERE_OK;
}

/* ------------------------------------------------------------------ one factor */

static mere_status one_factor(mere_glmm *g, int64_t n_node, const double *node, const double *log_weight, double *d,
                              double *gradient)
{
    int64_t k = g->plan->factor[0].k, total = 1;
    grid_sums sums = {0};
    if (k > MAX_K)
        return MERE_ERR_ARGUMENT;
    for (int64_t c = 0; c < k; c++)
        total *= n_node;
    mere_status status = sums_new(g, gradient != NULL, &sums);
    if (status)
        return status;
    for (int64_t point = 0; point < total && !status; point++) {
        double x[MAX_K], log_w = 0.0;
        for (int64_t c = 0, at = point; c < k; c++, at /= n_node) {
            x[c] = node[at % n_node];
            log_w += log_weight[at % n_node] + 0.5 * x[c] * x[c];
        }
        shift(g, x, &sums);
        if (mere_pirls_rows(g, sums.u)) {
            status = MERE_ERR_DIVERGED;
            break;
        }
        add_terms(g, log_w, &sums);
        if (gradient)
            add_derivatives(g, x, &sums);
    }
    double value = g->sums.constant + g->ld;
    for (int64_t l = 0; l < g->plan->factor[0].q; l++)
        value -= 2.0 * (sums.most[l] + log(sums.sum[l]));
    memcpy(g->u, sums.mode, (size_t)g->q * sizeof *g->u);
    if (!status && mere_pirls_rows(g, g->u)) /* back to the mode */
        status = MERE_ERR_DIVERGED;
    if (!status && gradient)
        status = derive(g, &sums, gradient);
    mere_free(sums.mode);
    *d = value;
    return status || isfinite(value) ? status : MERE_ERR_NOT_FINITE;
}

mere_status mere_glmm_quadrature(mere_glmm *g, const double *par, int64_t n_node, const double *node,
                                 const double *log_weight, double *d, double *gradient)
{
    if (n_node < 1 || mere_family_dispersed(&g->family))
        return MERE_ERR_ARGUMENT;
    mere_status status = mere_glmm_value(g, par, d);
    if (status)
        return status;
    if (n_node == 1)
        return gradient ? mere_glmm_gradient(g, gradient) : status;
    if (g->n_factor > 1)
        return mere_glmm_nested(g, n_node, node, log_weight, d, gradient);
    return one_factor(g, n_node, node, log_weight, d, gradient);
}
