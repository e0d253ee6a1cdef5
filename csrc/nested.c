/* nested.c - adaptive Gauss-Hermite quadrature for scalar effects of nested grouping factors, with its gradient.
 *
 * Factors 0 (innermost), 1, ..., D - 1, every level of one inside one level of the next, one effect theta_f z_f u_f a
 * level. The integral over a level of factor f and all effects inside it, given the linear predictor `base` of its rows,
 *   V_f = -2 log integral exp(-(u^2 + sum over levels inside of V_{f-1}(base + theta_f z_f u)) / 2) du / sqrt(2 pi),
 * is a one-dimensional one: the innermost is done at every node of the next, and so on outwards, so each integrand is
 * smooth and has one argument. Nodes are m + x / sqrt(S), with m the level's part of the joint mode of all effects at
 * and inside it, S the Schur complement of its curvature; the joint mode given outer nodes is found anew (Newton on the
 * tree), so inner nodes follow the outer effect. One node gives the Laplace approximation. Logs throughout.
 *
 * Gradient, level by level from the inside: with p_x the shares of the nodes, rho(x) = dV/deta of what is inside at a
 * node, s_x = 2 u_x + theta_f z_f'rho(x), r the direction of the conditional mode (1 for the root, M_ii^-1 M_io inside),
 *   kappa = 1 / S - S^(-3/2) sum p s_x x / 2,   t = sum over effects of r_j theta_j z_j,   c = kappa dw t^2,
 *   xi = M_H^-1 (Theta Z'c + [root] sum p s_x),   z = c - H Z Theta xi,
 *   dV/deta = z + sum p rho(x),   dV/dtheta_j = (2 kappa r_j (w t) + z u_j + e xi_j)'z_j + [root] sum p u_x z'rho(x)
 *                                              + [inside] sum p dV(x)/dtheta_j.
 * M_H has the observed curvature H, S and M the expected one, as in the Laplace approximation.
 */
#include <math.h>
#include <string.h>

#include "memory.h"
#include "nested.h"

/* ------------------------------------------------------------------ nodes */

static mere_status integrate(mere_glmm *g, int64_t f);

/* The integrand at node x of every level of factor f: -2 log of it into `value`, its derivatives into `inner` (rows),
 * theta_in and by_size_in. `trial` holds u of the levels at this node. */
static mere_status integrand(mere_glmm *g, int64_t f, double *value)
{
    mere_nest *nest = g->nest;
    mere_layer *at = &nest->at[f];
    int64_t q = g->plan->factor[f].q;
    const double *u = at->trial + nest->offset[f], *z = g->z[g->z_first[f]];
    double *base = f ? nest->at[f - 1].base : nest->eta;
    for (int64_t i = 0; i < g->n; i++)
        base[i] = at->base[i] + nest->theta[f] * (z ? z[i] : 1.0) * u[g->code[f][i]];
    for (int64_t l = 0; l < q; l++)
        value[l] = u[l] * u[l];
    if (nest->derive)
        memset(at->theta_in, 0, (size_t)(q * (f + 1)) * sizeof *at->theta_in);
    if (nest->derive)
        memset(at->by_size_in, 0, (size_t)q * sizeof *at->by_size_in);
    if (f) {
        mere_layer *below = &nest->at[f - 1];
        for (int64_t h = 0; h < f; h++) /* the modes inside, to first order */
            for (int64_t l = 0; l < g->plan->factor[h].q; l++) {
                int64_t j = nest->offset[h] + l, root = nest->up[h][f][l];
                below->u[j] = at->u[j] + at->r[j] * (u[root] - at->u[nest->offset[f] + root]);
            }
        mere_status status = integrate(g, f - 1);
        if (status)
            return status;
        for (int64_t l = 0; l < g->plan->factor[f - 1].q; l++) {
            int64_t root = nest->up[f - 1][f][l];
            value[root] += below->value[l];
            for (int64_t h = 0; nest->derive && h < f; h++)
                at->theta_in[root * (f + 1) + h] += below->theta[l * f + h];
            if (nest->derive)
                at->by_size_in[root] += below->by_size[l];
        }
        if (nest->derive)
            memcpy(at->inner, below->rho, (size_t)g->n * sizeof *at->inner);
    } else {
        mere_family_rows out = {g->mu, g->e, g->w, g->d, g->h, g->dw};
        if (mere_family_evaluate(&g->family, g->n, g->y, g->wt, g->sat, nest->eta, &out))
            return MERE_ERR_DIVERGED;
        for (int64_t l = 0; l < q; l++) {
            int64_t from = g->row_ptr[l], n = g->row_ptr[l + 1] - from;
            for (int64_t i = from; i < from + n; i++)
                value[l] += g->d[i];
            if (nest->derive && g->family.estimate_theta)
                at->by_size_in[l] = mere_family_by_theta(&g->family, n, g->y + from, g->wt + from, g->mu + from,
                                                         g->e + from, g->w + from, g->h + from, g->dw + from);
        }
        for (int64_t i = 0; nest->derive && i < g->n; i++)
            at->inner[i] = -2.0 * g->e[i];
    }
    for (int64_t i = 0; nest->derive && i < g->n; i++) /* by theta_f: u z'rho */
        at->theta_in[g->code[f][i] * (f + 1) + f] += u[g->code[f][i]] * (z ? z[i] : 1.0) * at->inner[i];
    return MERE_OK;
}

/* The node's terms and derivatives into the sums of the levels. */
static void add_node(mere_glmm *g, int64_t f, double x, double log_w, const double *value)
{
    mere_nest *nest = g->nest;
    mere_layer *at = &nest->at[f];
    int64_t q = g->plan->factor[f].q;
    const double *u = at->trial + nest->offset[f], *z = g->z[g->z_first[f]];
    double *slope = nest->weight; /* per level, at the node: d value / du */
    for (int64_t l = 0; l < q; l++) {
        double term = log_w - 0.5 * value[l];
        int larger = term > at->most[l];
        at->keep[l] = larger ? exp(at->most[l] - term) : 1.0;
        at->add[l] = larger ? 1.0 : exp(term - at->most[l]);
        at->sum[l] = at->sum[l] * at->keep[l] + at->add[l];
        at->most[l] = larger ? term : at->most[l];
    }
    if (!nest->derive)
        return;
    for (int64_t l = 0; l < q; l++)
        slope[l] = 2.0 * u[l];
    for (int64_t i = 0; i < g->n; i++)
        slope[g->code[f][i]] += nest->theta[f] * (z ? z[i] : 1.0) * at->inner[i];
    for (int64_t l = 0; l < q; l++) {
        double keep = at->keep[l], add = at->add[l];
        at->s[l] = keep * at->s[l] + add * slope[l];
        at->moment[l] = keep * at->moment[l] + add * slope[l] * x;
        at->by_size[l] = keep * at->by_size[l] + add * at->by_size_in[l];
        for (int64_t h = 0; h <= f; h++)
            at->theta[l * (f + 1) + h] = keep * at->theta[l * (f + 1) + h] + add * at->theta_in[l * (f + 1) + h];
    }
    for (int64_t i = 0; i < g->n; i++)
        at->rho[i] = at->keep[g->code[f][i]] * at->rho[i] + at->add[g->code[f][i]] * at->inner[i];
}

/* ------------------------------------------------------------------ one depth */

/* By the size of the negative binomial, through curvature and mode: v and tz are rows. */
static void size_at_mode(mere_glmm *g, int64_t f, const double *v, const double *tz)
{
    mere_layer *at = &g->nest->at[f];
    mere_family_by_theta(&g->family, g->n, g->y, g->wt, at->mu, at->e, at->w, g->h, g->dw);
    for (int64_t i = 0; i < g->n; i++)
        at->by_size[g->code[f][i]] += v[i] * g->dw[i] + tz[i] * g->h[i];
}

/* What moving the nodes with the parameters adds to rho, theta and by_size (sums over nodes, here divided). */
static mere_status move_nodes(mere_glmm *g, int64_t f)
{
    mere_nest *nest = g->nest;
    mere_layer *at = &nest->at[f];
    int64_t n = g->n, q = g->plan->factor[f].q;
    double *t = nest->eta, *c = nest->weight, *part = at->trial;
    for (int64_t l = 0; l < q; l++) {
        double scale = 1.0 / at->sum[l], root = sqrt(at->curvature[l]);
        at->s[l] *= scale;
        at->by_size[l] *= scale;
        for (int64_t h = 0; h <= f; h++)
            at->theta[l * (f + 1) + h] *= scale;
        at->kappa[l] = (1.0 - 0.5 * scale * at->moment[l] / root) / at->curvature[l];
        at->keep[l] = scale;
    }
    for (int64_t i = 0; i < n; i++)
        at->rho[i] *= at->keep[g->code[f][i]];
    memset(t, 0, (size_t)n * sizeof *t);
    mere_nest_effects(g, nest, f, at->r, t);
    for (int64_t i = 0; i < n; i++) /* 2 kappa r (w t)'z */
        c[i] = 2.0 * at->kappa[g->code[f][i]] * at->w[i] * t[i];
    mere_nest_score(g, nest, f, c, part);
    for (int64_t h = 0; h <= f; h++)
        for (int64_t l = 0; l < g->plan->factor[h].q; l++)
            at->theta[(h == f ? l : nest->up[h][f][l]) * (f + 1) + h] +=
                at->r[nest->offset[h] + l] * part[nest->offset[h] + l];
    for (int64_t i = 0; i < n; i++) {
        at->inner[i] = at->kappa[g->code[f][i]] * t[i] * t[i];
        nest->weight[i] = at->h[i];
    }
    if (mere_nest_factor(g, nest, f))
        return MERE_ERR_DIVERGED;
    for (int64_t i = 0; i < n; i++)
        c[i] = at->dw[i] * at->inner[i];
    mere_nest_score(g, nest, f, c, at->xi);
    for (int64_t h = 0; h <= f; h++)
        for (int64_t j = nest->offset[h]; j < nest->offset[h + 1]; j++)
            at->xi[j] = nest->theta[h] * at->xi[j] + (h == f ? at->s[j - nest->offset[f]] : 0.0);
    mere_nest_solve(g, nest, f, at->xi);
    memset(t, 0, (size_t)n * sizeof *t);
    mere_nest_effects(g, nest, f, at->xi, t);
    if (g->family.estimate_theta)
        size_at_mode(g, f, at->inner, t);
    for (int64_t i = 0; i < n; i++)
        c[i] -= at->h[i] * t[i];
    for (int64_t i = 0; i < n; i++)
        at->rho[i] += c[i];
    mere_nest_score(g, nest, f, c, part);
    mere_nest_score(g, nest, f, at->e, at->r); /* the directions are needed no more */
    for (int64_t h = 0; h <= f; h++)
        for (int64_t l = 0; l < g->plan->factor[h].q; l++) {
            int64_t j = nest->offset[h] + l;
            at->theta[(h == f ? l : nest->up[h][f][l]) * (f + 1) + h] += part[j] * at->u[j] + at->r[j] * at->xi[j];
        }
    return MERE_OK;
}

/* V of every level of factor f at at[f].base, from at[f].u as a first guess of the modes. */
static mere_status integrate(mere_glmm *g, int64_t f)
{
    mere_nest *nest = g->nest;
    mere_layer *at = &nest->at[f];
    int64_t q = g->plan->factor[f].q;
    mere_status status = mere_nest_modes(g, f);
    if (status)
        return status;
    memcpy(nest->weight, at->w, (size_t)g->n * sizeof *nest->weight);
    if (mere_nest_factor(g, nest, f))
        return MERE_ERR_DIVERGED;
    mere_nest_directions(g, nest, f, at->r);
    for (int64_t l = 0; l < q; l++) {
        at->curvature[l] = nest->a[(nest->offset[f] + l) * nest->depth + f];
        at->most[l] = -INFINITY;
        at->sum[l] = at->s[l] = at->moment[l] = at->by_size[l] = 0.0;
    }
    memset(at->theta, 0, (size_t)(q * (f + 1)) * sizeof *at->theta);
    memset(at->rho, 0, (size_t)g->n * sizeof *at->rho);
    for (int64_t point = 0; point < nest->n_node; point++) {
        double x = nest->node[point];
        for (int64_t l = 0; l < q; l++)
            at->trial[nest->offset[f] + l] = at->u[nest->offset[f] + l] + x / sqrt(at->curvature[l]);
        if ((status = integrand(g, f, at->value)))
            return status;
        add_node(g, f, x, nest->log_weight[point] + 0.5 * x * x, at->value);
    }
    for (int64_t l = 0; l < q; l++)
        at->value[l] = log(at->curvature[l]) - 2.0 * (at->most[l] + log(at->sum[l]));
    return nest->derive ? move_nodes(g, f) : MERE_OK;
}

/* ------------------------------------------------------------------ the criterion */

/* After mere_glmm_value, whose modes are the outermost ones. */
mere_status mere_glmm_nested(mere_glmm *g, int64_t n_node, const double *node, const double *log_weight, double *d,
                             double *gradient)
{
    mere_status status = g->nest ? MERE_OK : mere_nest_new(g);
    mere_nest *nest = g->nest;
    if (status) {
        mere_nest_free(nest);
        g->nest = NULL;
        return status;
    }
    int64_t f = nest->depth - 1;
    mere_layer *at = &nest->at[f];
    nest->n_node = n_node;
    nest->node = node;
    nest->log_weight = log_weight;
    nest->derive = gradient != NULL;
    for (int64_t h = 0; h <= f; h++) {
        nest->theta[h] = g->work->lambda[g->work->lambda_first[h]];
        memcpy(at->u + nest->offset[h], g->u + g->plan->factor[h].u_first,
               (size_t)g->plan->factor[h].q * sizeof *at->u);
    }
    memcpy(at->base, g->base, (size_t)g->n * sizeof *at->base);
    status = integrate(g, f);
    g->has_gradient = 0;
    if (!status && mere_pirls_rows(g, g->u)) /* the rows at the mode again */
        status = MERE_ERR_DIVERGED;
    if (status)
        return mere_pirls_broke(status) ? MERE_ERR_DIVERGED : status;
    *d = g->sums.constant;
    for (int64_t l = 0; l < g->plan->factor[f].q; l++)
        *d += at->value[l];
    if (gradient) {
        memset(gradient, 0, (size_t)g->nx * sizeof *gradient);
        for (int64_t e = 0; e < g->plan->n_entry; e++)
            for (int64_t l = 0; l < g->plan->factor[f].q; l++)
                gradient[g->plan->entry[e].par] += at->theta[l * (f + 1) + g->plan->entry[e].term];
        for (int64_t j = 0; j < g->p; j++)
            for (int64_t i = 0; i < g->n; i++)
                gradient[g->n_par + j] += g->X[i + j * g->n] * at->rho[i];
        for (int64_t l = 0; g->family.estimate_theta && l < g->plan->factor[f].q; l++)
            gradient[g->nx - 1] += at->by_size[l];
    }
    return isfinite(*d) ? MERE_OK : MERE_ERR_NOT_FINITE;
}
