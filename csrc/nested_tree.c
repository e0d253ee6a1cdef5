/* nested_tree.c - trees of nested scalar effects: their curvature eliminated from the inside out, and their joint modes.
 *
 * An effect meets only its ancestors, one of each outer factor, so M has a row of at most D numbers an effect, and its
 * factor no more: the elimination of an effect touches its ancestors' rows alone.
 */
#include <math.h>
#include <string.h>

#include "memory.h"
#include "nested.h"

/* ------------------------------------------------------------------ the tree */

void mere_nest_free(mere_nest *nest)
{
    if (!nest)
        return;
    for (int64_t h = 0; h < MERE_MAX_NEST; h++)
        for (int64_t f = 0; f < MERE_MAX_NEST; f++)
            mere_free(nest->up[h][f]);
    mere_free(nest->flag);
    mere_free(nest->space);
    mere_free(nest);
}

static mere_status find_parents(const mere_glmm *g, mere_nest *nest)
{
    for (int64_t h = 0; h < nest->depth; h++)
        for (int64_t f = h + 1; f < nest->depth; f++) {
            int64_t q = g->plan->factor[h].q;
            int32_t *up = nest->up[h][f] = mere_malloc(q, sizeof *up);
            if (!up)
                return MERE_ERR_MEMORY;
            for (int64_t l = 0; l < q; l++)
                up[l] = -1;
            for (int64_t i = 0; i < g->n; i++) {
                int32_t *parent = &up[g->code[h][i]];
                if (*parent >= 0 && *parent != g->code[f][i])
                    return MERE_ERR_ARGUMENT;
                *parent = g->code[f][i];
            }
            for (int64_t l = 0; l < q; l++)
                up[l] = up[l] < 0 ? 0 : up[l]; /* a level without rows is nobody's */
        }
    return MERE_OK;
}

static double *take(double **from, int64_t n)
{
    double *out = *from;
    if (out)
        *from += n;
    return out;
}

/* The number of doubles that all arrays take; hands them out from x unless that is NULL. */
static int64_t arrange(const mere_glmm *g, mere_nest *nest, double *x)
{
    double *start = x;
    int64_t total = 0;
#define TAKE(name, count) (total += (count), (name) = take(&start, (count)))
    for (int64_t f = 0; f < nest->depth; f++) {
        mere_layer *at = &nest->at[f];
        int64_t q = g->plan->factor[f].q;
        double **rows[] = {&at->base, &at->mu, &at->e, &at->w, &at->d, &at->h, &at->dw, &at->rho, &at->inner};
        double **effects[] = {&at->u, &at->trial, &at->r, &at->xi};
        double **levels[] = {&at->value, &at->most, &at->sum, &at->keep, &at->add, &at->s, &at->moment, &at->curvature,
                             &at->kappa, &at->by_size, &at->by_size_in};
        at->size = nest->offset[f + 1];
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            TAKE(*rows[i], g->n);
        for (size_t i = 0; i < sizeof effects / sizeof *effects; i++)
            TAKE(*effects[i], at->size);
        for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
            TAKE(*levels[i], q);
        TAKE(at->theta, q * (f + 1));
        TAKE(at->theta_in, q * (f + 1));
    }
    TAKE(nest->eta, g->n);
    TAKE(nest->weight, g->n);
    TAKE(nest->a, nest->offset[nest->depth] * nest->depth);
    TAKE(nest->before, g->plan->factor[0].q);
#undef TAKE
    return total;
}

mere_status mere_nest_new(mere_glmm *g)
{
    if (g->n_factor > MERE_MAX_NEST)
        return MERE_ERR_ARGUMENT;
    for (int64_t f = 0; f < g->n_factor; f++)
        if (g->plan->factor[f].k != 1)
            return MERE_ERR_ARGUMENT;
    mere_nest *nest = g->nest = mere_calloc(1, sizeof *nest);
    if (!nest)
        return MERE_ERR_MEMORY;
    nest->depth = g->n_factor;
    for (int64_t f = 0; f < nest->depth; f++)
        nest->offset[f + 1] = nest->offset[f] + g->plan->factor[f].q;
    mere_status status = find_parents(g, nest);
    if (!status) {
        nest->space = mere_calloc(arrange(g, nest, NULL), sizeof *nest->space);
        nest->flag = mere_calloc(g->plan->factor[0].q, sizeof *nest->flag);
        status = nest->space && nest->flag ? MERE_OK : MERE_ERR_MEMORY;
    }
    if (!status)
        arrange(g, nest, nest->space);
    return status;
}

static double z_of(const mere_glmm *g, int64_t f, int64_t i)
{
    const double *z = g->z[g->z_first[f]];
    return z ? z[i] : 1.0;
}

void mere_nest_effects(const mere_glmm *g, const mere_nest *nest, int64_t f, const double *x, double *out)
{
    for (int64_t h = 0; h <= f; h++) {
        const int32_t *code = g->code[h];
        const double *xh = x + nest->offset[h], *z = g->z[g->z_first[h]];
        double theta = nest->theta[h];
        for (int64_t i = 0; i < g->n; i++)
            out[i] += theta * (z ? z[i] : 1.0) * xh[code[i]];
    }
}

void mere_nest_score(const mere_glmm *g, const mere_nest *nest, int64_t f, const double *x, double *out)
{
    memset(out, 0, (size_t)nest->at[f].size * sizeof *out);
    for (int64_t h = 0; h <= f; h++) {
        const int32_t *code = g->code[h];
        double *to = out + nest->offset[h];
        const double *z = g->z[g->z_first[h]];
        for (int64_t i = 0; i < g->n; i++)
            to[code[i]] += (z ? z[i] : 1.0) * x[i];
    }
}

int mere_nest_factor(const mere_glmm *g, mere_nest *nest, int64_t f)
{
    int64_t depth = nest->depth, bad = 0;
    memset(nest->a, 0, (size_t)(nest->at[f].size * depth) * sizeof(double));
    memset(nest->flag, 0, (size_t)g->plan->factor[f].q * sizeof *nest->flag);
    for (int64_t h = 0; h <= f; h++) {
        double *a = nest->a + nest->offset[h] * depth;
        for (int64_t o = h; o <= f; o++) {
            double scale = nest->theta[h] * nest->theta[o];
            for (int64_t i = 0; i < g->n; i++)
                a[g->code[h][i] * depth + o] += scale * nest->weight[i] * z_of(g, h, i) * z_of(g, o, i);
        }
        for (int64_t l = 0; l < g->plan->factor[h].q; l++)
            a[l * depth + h] += 1.0;
    }
    for (int64_t h = 0; h <= f; h++)
        for (int64_t l = 0; l < g->plan->factor[h].q; l++) {
            double *a = nest->a + (nest->offset[h] + l) * depth;
            if (!(a[h] > 0.0)) {
                nest->flag[h == f ? l : nest->up[h][f][l]] = 1;
                bad = 1;
                continue;
            }
            for (int64_t o = h + 1; o <= f; o++) {
                double *parent = nest->a + (nest->offset[o] + nest->up[h][o][l]) * depth;
                for (int64_t k = o; k <= f; k++)
                    parent[k] -= a[o] * a[k] / a[h];
            }
        }
    return (int)bad;
}

void mere_nest_solve(const mere_glmm *g, const mere_nest *nest, int64_t f, double *x)
{
    int64_t depth = nest->depth;
    for (int64_t h = 0; h < f; h++)
        for (int64_t l = 0; l < g->plan->factor[h].q; l++) {
            const double *a = nest->a + (nest->offset[h] + l) * depth;
            for (int64_t o = h + 1; o <= f; o++)
                x[nest->offset[o] + nest->up[h][o][l]] -= a[o] / a[h] * x[nest->offset[h] + l];
        }
    for (int64_t h = f; h >= 0; h--)
        for (int64_t l = 0; l < g->plan->factor[h].q; l++) {
            const double *a = nest->a + (nest->offset[h] + l) * depth;
            double sum = x[nest->offset[h] + l];
            for (int64_t o = h + 1; o <= f; o++)
                sum -= a[o] * x[nest->offset[o] + nest->up[h][o][l]];
            x[nest->offset[h] + l] = sum / a[h];
        }
}

void mere_nest_directions(const mere_glmm *g, const mere_nest *nest, int64_t f, double *r)
{
    int64_t depth = nest->depth;
    for (int64_t l = 0; l < g->plan->factor[f].q; l++)
        r[nest->offset[f] + l] = 1.0;
    for (int64_t h = f - 1; h >= 0; h--)
        for (int64_t l = 0; l < g->plan->factor[h].q; l++) {
            const double *a = nest->a + (nest->offset[h] + l) * depth;
            double sum = 0.0;
            for (int64_t o = h + 1; o <= f; o++)
                sum -= a[o] * r[nest->offset[o] + nest->up[h][o][l]];
            r[nest->offset[h] + l] = sum / a[h];
        }
}

/* ------------------------------------------------------------------ the joint mode of every tree */

/* Rows at base + Z Theta u; value[root] = deviance + u'u. */
static int rows_at(mere_glmm *g, int64_t f, const double *u, double *value)
{
    mere_nest *nest = g->nest;
    mere_layer *at = &nest->at[f];
    mere_family_rows out = {at->mu, at->e, at->w, at->d, at->h, at->dw};
    memcpy(nest->eta, at->base, (size_t)g->n * sizeof *nest->eta);
    mere_nest_effects(g, nest, f, u, nest->eta);
    if (mere_family_evaluate(&g->family, g->n, g->y, g->wt, g->sat, nest->eta, &out))
        return 1;
    mere_family_second(&g->family, g->n, at->mu, at->w, at->h, at->dw);
    memset(value, 0, (size_t)g->plan->factor[f].q * sizeof *value);
    for (int64_t i = 0; i < g->n; i++)
        value[g->code[f][i]] += at->d[i];
    for (int64_t h = 0; h <= f; h++)
        for (int64_t l = 0; l < g->plan->factor[h].q; l++)
            value[h == f ? l : nest->up[h][f][l]] += u[nest->offset[h] + l] * u[nest->offset[h] + l];
    return 0;
}

/* Newton's step of every tree into xi, and the gain it promises, per root, into `gain`; returns the largest. */
static double newton_step(mere_glmm *g, int64_t f, double *gain)
{
    mere_nest *nest = g->nest;
    mere_layer *at = &nest->at[f];
    memcpy(nest->weight, at->h, (size_t)g->n * sizeof *nest->weight);
    if (mere_nest_factor(g, nest, f)) { /* expected curvature where the observed one is not positive definite */
        for (int64_t i = 0; i < g->n; i++)
            if (nest->flag[g->code[f][i]])
                nest->weight[i] = at->w[i];
        if (mere_nest_factor(g, nest, f))
            return NAN;
    }
    mere_nest_score(g, nest, f, at->e, at->r);
    for (int64_t h = 0; h <= f; h++)
        for (int64_t j = nest->offset[h]; j < nest->offset[h + 1]; j++)
            at->xi[j] = at->r[j] = nest->theta[h] * at->r[j] - at->u[j];
    mere_nest_solve(g, nest, f, at->xi);
    memset(gain, 0, (size_t)g->plan->factor[f].q * sizeof *gain);
    double most = 0.0;
    for (int64_t h = 0; h <= f; h++)
        for (int64_t l = 0; l < g->plan->factor[h].q; l++) {
            int64_t root = h == f ? l : nest->up[h][f][l], j = nest->offset[h] + l;
            gain[root] += at->r[j] * at->xi[j];
        }
    for (int64_t l = 0; l < g->plan->factor[f].q; l++)
        most = gain[l] > most || !(gain[l] == gain[l]) ? gain[l] : most;
    return most;
}

/* Steps along xi, halved tree by tree until none has risen. 0: some tree cannot fall. */
static int descend(mere_glmm *g, int64_t f)
{
    mere_nest *nest = g->nest;
    mere_layer *at = &nest->at[f];
    int64_t q = g->plan->factor[f].q;
    double *length = at->kappa;
    for (int64_t l = 0; l < q; l++)
        length[l] = 1.0;
    for (int halving = 0; halving < 40; halving++) {
        int risen = 0;
        for (int64_t h = 0; h <= f; h++)
            for (int64_t l = 0; l < g->plan->factor[h].q; l++) {
                int64_t j = nest->offset[h] + l;
                at->trial[j] = at->u[j] + length[h == f ? l : nest->up[h][f][l]] * at->xi[j];
            }
        int outside = rows_at(g, f, at->trial, at->value);
        for (int64_t l = 0; l < q; l++) {
            double noise = 1e-14 * (double)(1.0 + fabs(nest->before[l]) + (double)g->n / (double)q);
            if (outside || !(at->value[l] <= nest->before[l] + noise)) {
                risen = 1;
                length[l] = halving > 25 ? 0.0 : 0.5 * length[l];
            }
        }
        if (!risen) {
            memcpy(at->u, at->trial, (size_t)at->size * sizeof *at->u);
            return 1;
        }
    }
    return 0;
}

mere_status mere_nest_modes(mere_glmm *g, int64_t f)
{
    mere_nest *nest = g->nest;
    mere_layer *at = &nest->at[f];
    if (rows_at(g, f, at->u, at->value)) {
        memset(at->u, 0, (size_t)at->size * sizeof *at->u);
        if (rows_at(g, f, at->u, at->value))
            return MERE_ERR_DIVERGED;
    }
    double last = INFINITY;
    for (int64_t it = 0; it < g->max_step; it++) {
        double gain = newton_step(g, f, at->add);
        if (!isfinite(gain))
            return MERE_ERR_DIVERGED;
        if (gain < g->tolerance || (gain < 1e-12 && gain >= 0.5 * last)) /* found, or at the rounding of the rows */
            return MERE_OK;
        last = gain;
        memcpy(nest->before, at->value, (size_t)g->plan->factor[f].q * sizeof *nest->before);
        if (!descend(g, f)) {
            if (rows_at(g, f, at->u, at->value))
                return MERE_ERR_DIVERGED;
            return gain < 1e-9 ? MERE_OK : MERE_ERR_DIVERGED;
        }
    }
    return MERE_ERR_DIVERGED;
}
