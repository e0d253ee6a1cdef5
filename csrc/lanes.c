/* lanes.c - see lanes.h.
 *
 * One grouping factor with k columns: H = I + Z G Z' with G = T T' in every level. Per level, with M = I + T'Z'Z T,
 *   N = Z'H^-1 Z,  W = Z'H^-1 X,  w = Z'H^-1 y   (Z'A - Z'Z T M^-1 T'Z'A for A = Z, X, y),
 * and S = X'H^-1 X, beta = S^-1 X'H^-1 y, rho = y'H^-1 (y - X beta), r = w - W beta. Then, summed over levels,
 *   Gamma = dd/dG = N [- W S^-1 W'] - (nu / rho) r r',
 * the gradient is 2 Gamma T, and the Newton matrix for the entries a, b of T, with D_a = dG/da and s_a = D_a r,
 *   (nu / rho) (s_a'N s_b - (W's_a)'S^-1 (W's_b)) - nu rho_a rho_b / rho^2 + tr(Gamma d2G/dadb),   rho_a = - r's_a:
 * average information and the curvature of G, as in information.c. Steps are those of newton.c, without its search at the
 * boundary: a fit that ends there, or does not end, is left to it.
 */
#include "lanes.h"

#include <math.h>
#include <string.h>

#include "clones.h"
#include "dense.h"
#include "memory.h"
#include "vector_math.h"

typedef double lane __attribute__((vector_size(MERE_LANES * sizeof(double)), aligned(MERE_LANES * sizeof(double))));

/* PIVOTS: levels between two logarithms; a lane whose product overflows is fitted by itself. */
enum { PIVOTS = 6, K_MAX = 3, P_MAX = 24, PAR_MAX = K_MAX * (K_MAX + 1) / 2, MOST_EVALUATIONS = 30 };
#define EACH _Pragma("GCC unroll 8")
static const int64_t MOST_NUMBERS = 1 << 16; /* of all levels: beyond a cache there is nothing to gain */

/* The search in one lane. */
typedef struct {
    double x[PAR_MAX], g[PAR_MAX], h[PAR_MAX * PAR_MAX], step[PAR_MAX];
    double d, rho, beta[P_MAX], mu, gain, center[P_MAX], yy, log_weights;
    int evaluations, ended, good;
} search;

struct mere_lanes {
    const mere_plan *plan;
    int reml;
    search lane[MERE_LANES];
    lane *zy, *xy;      /* q k, p: the responses */
    lane yy;
    lane *level;        /* per level W (k p), w (k), N (k k) */
    int place[PAR_MAX]; /* of each parameter among the entries of T's lower triangle, column by column */
    lane t[PAR_MAX];    /* where to evaluate: that triangle */
    lane d, rho, beta[P_MAX], g[PAR_MAX], h[PAR_MAX * PAR_MAX];
};

mere_status mere_lanes_new(const mere_plan *plan, mere_lanes **out)
{
    int64_t k = plan->factor[0].k, q = plan->factor[0].q, p = plan->p, each = k * (p + 1 + k);
    *out = NULL;
    if (plan->n_factor != 1 || k > K_MAX || p > P_MAX || plan->sparse || plan->n_entry != plan->n_par ||
        q * (each + k) > MOST_NUMBERS)
        return MERE_OK;
    for (int64_t e = 0; e < plan->n_entry; e++) /* a parameter for each entry */
        if (plan->entry[e].par != e)
            return MERE_OK;
    mere_lanes *lanes = mere_calloc(1, sizeof *lanes);
    if (!lanes)
        return MERE_ERR_MEMORY;
    lanes->plan = plan;
    lanes->zy = mere_calloc(q * k, sizeof(lane));
    lanes->xy = mere_calloc(p, sizeof(lane));
    lanes->level = mere_calloc(q * each, sizeof(lane));
    if (!lanes->zy || !lanes->xy || !lanes->level) {
        mere_lanes_free(lanes);
        return MERE_ERR_MEMORY;
    }
    for (int64_t e = 0; e < plan->n_entry; e++) {
        int64_t row = plan->entry[e].row, column = plan->entry[e].column;
        lanes->place[e] = (int)(column * k - column * (column + 1) / 2 + row);
    }
    for (int at = 0; at < MERE_LANES; at++)
        lanes->lane[at].ended = 1;
    *out = lanes;
    return MERE_OK;
}

void mere_lanes_free(mere_lanes *lanes)
{
    if (!lanes)
        return;
    mere_free(lanes->zy);
    mere_free(lanes->xy);
    mere_free(lanes->level);
    mere_free(lanes);
}

void mere_lanes_take(mere_lanes *lanes, int at, const mere_work *work, const double *start)
{
    const mere_plan *plan = lanes->plan;
    search *s = &lanes->lane[at];
    s->mu = 0.0;
    s->evaluations = s->ended = s->good = 0;
    for (int64_t i = 0; i < plan->n_par; i++)
        lanes->t[lanes->place[i]][at] = start[i];
    for (int64_t i = 0; i < plan->q; i++)
        lanes->zy[i][at] = work->zy[i];
    for (int64_t j = 0; j < plan->p; j++) {
        lanes->xy[j][at] = work->xy[j];
        s->center[j] = work->center[j];
    }
    lanes->yy[at] = s->yy = work->yy;
    s->log_weights = work->log_weights;
}

/* ------------------------------------------------------------------ evaluation */

/* L D L' of a symmetric matrix (lower triangle, m x m) in place, D inverted on the diagonal; its pivots multiplied into
 * `product`. */
MERE_INLINE void factorize(int m, lane *a, lane *product)
{
    EACH for (int j = 0; j < m; j++) {
        *product *= a[j * m + j];
        a[j * m + j] = 1.0 / a[j * m + j];
        EACH for (int i = j + 1; i < m; i++) {
            lane c = a[j * m + i] * a[j * m + j];
            EACH for (int r = i; r < m; r++)
                a[i * m + r] -= c * a[j * m + r];
        }
        EACH for (int i = j + 1; i < m; i++)
            a[j * m + i] *= a[j * m + j];
    }
}

/* x <- (L D L')^-1 x */
MERE_INLINE void solve(int m, const lane *a, lane *x)
{
    EACH for (int j = 0; j < m; j++)
        EACH for (int i = j + 1; i < m; i++)
            x[i] -= a[j * m + i] * x[j];
    EACH for (int j = m - 1; j >= 0; j--) {
        x[j] *= a[j * m + j];
        EACH for (int i = j + 1; i < m; i++)
            x[j] -= a[j * m + i] * x[i];
    }
}

/* log of each lane, added; the product starts again. */
MERE_INLINE void add_logs(lane *product, lane *sum)
{
    double x[MERE_LANES];
    memcpy(x, product, sizeof x);
    for (int i = 0; i < MERE_LANES; i++)
        x[i] = mere_log(x[i]);
    lane logs;
    memcpy(&logs, x, sizeof x);
    *sum += logs;
    *product = (lane){0} + 1.0;
}

/* Level l at T: W, w, N into `out`; its parts of X'H^-1 X (lower), X'H^-1 y, y'H^-1 y are taken off s, xy, yy. */
MERE_INLINE void eliminate_level(const mere_lanes *v, int k, int p, int64_t l, const lane *t, lane *out, lane *s, lane *xy,
                                 lane *yy, lane *product)
{
    const mere_factor *factor = &v->plan->factor[0];
    const double *zz = factor->diag + l * k * k, *zx = factor->zx + l * k * p;
    const lane *zy = v->zy + l * k;
    lane b[K_MAX * K_MAX], m[K_MAX * K_MAX], c[K_MAX * (P_MAX + 1 + K_MAX)];
    int columns = p + 1 + k;
    EACH for (int j = 0; j < k; j++) /* b = Z'Z T */
        EACH for (int i = 0; i < k; i++) {
            lane sum = zz[i + j * k] * t[j + j * k];
            EACH for (int r = j + 1; r < k; r++)
                sum += zz[i + r * k] * t[r + j * k];
            b[i + j * k] = sum;
        }
    EACH for (int j = 0; j < k; j++)
        EACH for (int i = j; i < k; i++) { /* row i of T'b */
            lane sum = t[i + i * k] * b[i + j * k];
            EACH for (int r = i + 1; r < k; r++)
                sum += t[r + i * k] * b[r + j * k];
            m[j * k + i] = i == j ? sum + 1.0 : sum;
        }
    factorize(k, m, product);
    EACH for (int i = 0; i < k; i++) { /* c = M^-1 T'Z'[X y Z] */
        for (int j = 0; j < p; j++) {
            lane sum = t[i + i * k] * zx[i * p + j];
            EACH for (int r = i + 1; r < k; r++)
                sum += t[r + i * k] * zx[r * p + j];
            c[j * k + i] = sum;
        }
        lane sum = t[i + i * k] * zy[i];
        EACH for (int r = i + 1; r < k; r++)
            sum += t[r + i * k] * zy[r];
        c[p * k + i] = sum;
        EACH for (int j = 0; j < k; j++)
            c[(p + 1 + j) * k + i] = b[j + i * k];
    }
    lane raw[K_MAX * (P_MAX + 1)];
    memcpy(raw, c, (size_t)(k * (p + 1)) * sizeof *c);
    EACH for (int j = 0; j < columns; j++)
        solve(k, m, c + j * k);
    for (int j = 0; j < p; j++)
        EACH for (int r = 0; r < k; r++) {
            for (int i = j; i < p; i++)
                s[j * p + i] -= raw[i * k + r] * c[j * k + r];
            xy[j] -= raw[p * k + r] * c[j * k + r];
        }
    EACH for (int r = 0; r < k; r++)
        *yy -= raw[p * k + r] * c[p * k + r];
    EACH for (int i = 0; i < k; i++) /* Z'[X y Z] - b c */
        EACH for (int j = 0; j < columns; j++) {
            lane sum = b[i] * c[j * k];
            EACH for (int r = 1; r < k; r++)
                sum += b[i + r * k] * c[j * k + r];
            if (j == p)
                out[j * k + i] = zy[i] - sum;
            else
                out[j * k + i] = (j < p ? zx[i * p + j] : zz[i + (j - p - 1) * k]) - sum;
        }
}

/* Gamma, the slopes of rho and the Newton matrix: what level l adds. */
MERE_INLINE void add_level(mere_lanes *v, int k, int p, int reml, const lane *w, const lane *t, const lane *s, const lane *by_rho,
                           lane *gamma, lane *cross, lane *slope)
{
    const int size = k * (k + 1) / 2;
    const lane *n = w + k * (p + 1);
    lane r[K_MAX], tr[K_MAX], sa[PAR_MAX * K_MAX];
    EACH for (int i = 0; i < k; i++) {
        r[i] = w[p * k + i];
        for (int j = 0; j < p; j++)
            r[i] -= w[j * k + i] * v->beta[j];
    }
    EACH for (int j = 0; j < k; j++)
        EACH for (int i = j; i < k; i++)
            gamma[j * k + i] += n[j * k + i] - *by_rho * r[i] * r[j];
    if (reml)
        EACH for (int j = 0; j < k; j++) {
            lane x[P_MAX];
            for (int i = 0; i < p; i++)
                x[i] = w[i * k + j];
            solve(p, s, x);
            EACH for (int i = j; i < k; i++)
                for (int c = 0; c < p; c++)
                    gamma[j * k + i] -= w[c * k + i] * x[c];
        }
    EACH for (int j = 0; j < k; j++) { /* T'r */
        tr[j] = t[j * k + j] * r[j];
        EACH for (int i = j + 1; i < k; i++)
            tr[j] += t[j * k + i] * r[i];
    }
    EACH for (int column = 0, a = 0; column < k; column++)
        EACH for (int row = column; row < k; row++, a++) { /* D r = E T'r + T E'r, E the unit matrix of the entry */
            lane *sum = sa + a * k, ns[K_MAX];
            EACH for (int i = 0; i < k; i++)
                sum[i] = i < column ? (lane){0} : t[column * k + i] * r[row];
            sum[row] += tr[column];
            EACH for (int i = 0; i < k; i++) {
                slope[a] -= sum[i] * r[i];
                for (int j = 0; j < p; j++)
                    cross[a * p + j] += w[j * k + i] * sum[i];
                ns[i] = n[i] * sum[0];
                EACH for (int j = 1; j < k; j++)
                    ns[i] += n[j * k + i] * sum[j];
            }
            EACH for (int b = 0; b <= a; b++)
                EACH for (int i = 0; i < k; i++)
                    v->h[a * size + b] += ns[i] * sa[b * k + i];
        }
}

/* Criterion, gradient and Newton matrix (its lower triangle by rows) at v->t. */
MERE_INLINE void evaluate(mere_lanes *v, int k, int p, int reml)
{
    const mere_plan *plan = v->plan;
    const int64_t q = plan->factor[0].q, each = k * (p + 1 + k);
    const int size = k * (k + 1) / 2;
    const lane zero = {0};
    lane t[K_MAX * K_MAX], s[P_MAX * P_MAX], xy[P_MAX], yy = v->yy, logs = zero, product = zero + 1.0;
    for (int j = 0, e = 0; j < k; j++)
        for (int i = j; i < k; i++, e++)
            t[j * k + i] = v->t[e];
    for (int j = 0; j < p; j++) {
        xy[j] = v->xy[j];
        for (int i = j; i < p; i++)
            s[j * p + i] = zero + plan->xx[i + j * p];
    }
    for (int64_t l = 0; l < q; l++) {
        eliminate_level(v, k, p, l, t, v->level + l * each, s, xy, &yy, &product);
        if (l % PIVOTS == PIVOTS - 1)
            add_logs(&product, &logs);
    }
    add_logs(&product, &logs);
    factorize(p, s, &product);
    if (reml)
        add_logs(&product, &logs);
    memcpy(v->beta, xy, (size_t)p * sizeof *xy);
    solve(p, s, v->beta);
    for (int j = 0; j < p; j++)
        yy -= xy[j] * v->beta[j];
    const double nu = (double)(plan->n - (reml ? p : 0));
    lane by_rho = nu / yy, gamma[K_MAX * K_MAX], cross[PAR_MAX * P_MAX], slope[PAR_MAX];
    v->rho = yy;
    for (int i = 0; i < MERE_LANES; i++)
        v->d[i] = logs[i] + nu * (1.0 + log(6.283185307179586 * yy[i] / nu)) - v->lane[i].log_weights;
    for (int i = 0; i < k * k; i++)
        gamma[i] = zero;
    for (int a = 0; a < size; a++) {
        slope[a] = zero;
        for (int j = 0; j < p; j++)
            cross[a * p + j] = zero;
        for (int b = 0; b <= a; b++)
            v->h[a * size + b] = zero;
    }
    for (int64_t l = 0; l < q; l++)
        add_level(v, k, p, reml, v->level + l * each, t, s, &by_rho, gamma, cross, slope);
    for (int column = 0, a = 0; column < k; column++)
        for (int row = column; row < k; row++, a++) {
            lane x[P_MAX], g = zero;
            for (int i = column; i < k; i++)
                g += (i < row ? gamma[i * k + row] : gamma[row * k + i]) * t[column * k + i];
            v->g[a] = 2.0 * g;
            for (int j = 0; j < p; j++)
                x[j] = cross[a * p + j];
            solve(p, s, x);
            for (int other = 0, b = 0; b <= a; other++)
                for (int i = other; i < k && b <= a; i++, b++) { /* entry b is (i, other) */
                    lane h = v->h[a * size + b];
                    for (int j = 0; j < p; j++)
                        h -= x[j] * cross[b * p + j];
                    h = by_rho * (h - slope[a] * slope[b] / yy);
                    if (other == column)
                        h += 2.0 * gamma[i * k + row]; /* i <= row */
                    v->h[a * size + b] = h;
                }
        }
}

MERE_CLONES static void evaluate_1(mere_lanes *v, int reml)
{
    evaluate(v, 1, (int)v->plan->p, reml);
}
MERE_CLONES static void evaluate_2(mere_lanes *v, int reml)
{
    if (v->plan->p == 2)
        evaluate(v, 2, 2, reml);
    else
        evaluate(v, 2, (int)v->plan->p, reml);
}
MERE_CLONES static void evaluate_3(mere_lanes *v, int reml)
{
    evaluate(v, 3, (int)v->plan->p, reml);
}

static void evaluate_all(mere_lanes *v, int reml)
{
    if (v->plan->factor[0].k == 1)
        evaluate_1(v, reml);
    else if (v->plan->factor[0].k == 2)
        evaluate_2(v, reml);
    else
        evaluate_3(v, reml);
}

/* ------------------------------------------------------------------ the search */

/* What was evaluated becomes the point on which a lane stands. */
static void stand(const mere_lanes *v, int at, search *s)
{
    int n = (int)v->plan->n_par, k = (int)v->plan->factor[0].k, size = k * (k + 1) / 2;
    s->d = v->d[at];
    s->rho = v->rho[at];
    for (int64_t j = 0; j < v->plan->p; j++)
        s->beta[j] = v->beta[j][at];
    for (int i = 0; i < n; i++) {
        int a = v->place[i];
        s->x[i] = v->t[a][at];
        s->g[i] = v->g[a][at];
        for (int j = 0; j < n; j++)
            s->h[i * n + j] = v->h[a > v->place[j] ? a * size + v->place[j] : v->place[j] * size + a][at];
    }
}

/* The step -(h + mu diag h)^-1 g and its predicted gain; the search ends where it is small. */
static void propose(search *s, int n, double tolerance)
{
    double m[PAR_MAX * PAR_MAX], largest = 0.0;
    for (int i = 0; i < n; i++)
        largest = fmax(largest, fabs(s->h[i * (n + 1)]));
    for (;;) {
        memcpy(m, s->h, (size_t)(n * n) * sizeof *m);
        for (int i = 0; i < n; i++) {
            m[i * (n + 1)] += s->mu * fmax(fabs(s->h[i * (n + 1)]), 1e-8 * largest) + 1e-14 * largest;
            s->step[i] = -s->g[i];
        }
        if (mere_chol(n, m, n) == 0)
            break;
        s->mu = s->mu > 0.0 ? 4.0 * s->mu : 1e-3;
        if (!(s->mu < 1e8)) {
            s->ended = 1;
            return;
        }
    }
    mere_lower_solve(n, m, n, 0, 1, s->step, n);
    mere_lower_solve(n, m, n, 1, 1, s->step, n);
    s->gain = 0.0;
    for (int j = 0; j < n; j++) {
        double hs = 0.0;
        for (int i = 0; i < n; i++)
            hs += s->h[i + j * n] * s->step[i];
        s->gain -= s->step[j] * (s->g[j] + 0.5 * hs);
    }
    if (!(s->gain >= tolerance)) {
        s->ended = 1;
        s->good = s->mu == 0.0 && s->gain >= 0.0;
    }
}

/* Accept the step or shorten the next. */
static void judge(const mere_lanes *v, int at, search *s)
{
    double ratio = (s->d - v->d[at]) / s->gain, noise = 1e-14 * fabs(s->d) + 1e-12;
    if (ratio > 1e-4 || (s->gain < noise && v->d[at] <= s->d + 10.0 * noise)) {
        int at_rounding = s->gain < noise && ratio <= 1e-4;
        stand(v, at, s);
        if (at_rounding)
            s->ended = s->good = 1;
        else if (ratio > 0.75)
            s->mu = s->mu > 1e-4 ? 0.1 * s->mu : 0.0;
        else if (ratio < 0.25)
            s->mu = fmax(4.0 * s->mu, 1e-2);
    } else {
        s->mu = fmax(5.0 * s->mu, 1e-2);
        s->ended = !(s->mu < 1e8);
    }
}

/* Is a diagonal entry of T nearly zero, in the unit of its column? */
static int near_boundary(const mere_plan *plan, const double *x)
{
    const double CLOSE = 0.03;
    for (int64_t e = 0; e < plan->n_entry; e++)
        if (plan->entry[e].row == plan->entry[e].column &&
            !(fabs(x[e]) * plan->factor[0].scale[plan->entry[e].row] > CLOSE))
            return 1;
    return 0;
}

unsigned mere_lanes_step(mere_lanes *v, const mere_options *options)
{
    int n = (int)v->plan->n_par;
    unsigned ended = 0;
    v->reml = options->reml;
    evaluate_all(v, options->reml);
    for (int at = 0; at < MERE_LANES; at++) {
        search *s = &v->lane[at];
        if (s->ended)
            continue;
        if (s->evaluations++ == 0)
            stand(v, at, s);
        else
            judge(v, at, s);
        if (!s->ended && (s->evaluations == MOST_EVALUATIONS || near_boundary(v->plan, s->x)))
            s->ended = 1;
        if (!s->ended)
            propose(s, n, options->decrement);
        for (int i = 0; !s->ended && i < n; i++)
            v->t[v->place[i]][at] = s->x[i] + s->step[i];
        ended |= (unsigned)s->ended << at;
    }
    return ended;
}

int mere_lanes_keep(const mere_lanes *v, int at, const mere_refits *to, int64_t where)
{
    const mere_plan *plan = v->plan;
    const search *s = &v->lane[at];
    int64_t n = plan->n_par, p = plan->p;
    double nu = (double)(plan->n - (v->reml ? p : 0));
    double sign[K_MAX];
    if (!s->good || !isfinite(s->d) || !(s->rho > 1e-6 * s->yy) || near_boundary(plan, s->x) || to->rx)
        return 0;
    for (int64_t e = 0; e < n; e++)
        if (plan->entry[e].row == plan->entry[e].column)
            sign[plan->entry[e].row] = s->x[e] < 0.0 ? -1.0 : 1.0;
    to->status[where] = MERE_OK;
    to->d[where] = s->d;
    to->sigma[where] = sqrt(s->rho / nu);
    for (int64_t e = 0; e < n; e++)
        to->par[where * n + e] = sign[plan->entry[e].column] * s->x[e];
    for (int64_t j = 0; j < p; j++)
        to->beta[where * p + j] = s->center[j] + s->beta[j];
    return 1;
}

const double *mere_lanes_place(const mere_lanes *v, int at)
{
    return v->lane[at].x;
}
