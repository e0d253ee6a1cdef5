/* families.c - see families.h.
 *
 * With V the variance function, m1 = dmu/deta and m2 the second derivative:
 *   e = wt (y - mu) m1 / V,   w = wt m1^2 / V,   dw = wt (2 m1 m2 / V - m1^3 V' / V^2),
 *   h = w - wt (y - mu) (m2 / V - m1^2 V' / V^2).
 * McCullagh & Nelder (1989), Generalized Linear Models, ch. 2. Two canonical pairs have loops of their own.
 */
#include "families.h"

#include <math.h>

#include "clones.h"
#include "vector_math.h"

enum { TILE = 256 };

int mere_family_canonical(const mere_family *f)
{
    if (f->callback)
        return f->canonical;
    return mere_family_simple(f) || (f->family == MERE_GAUSSIAN && f->link == MERE_IDENTITY) ||
           (f->family == MERE_GAMMA && f->link == MERE_INVERSE) ||
           (f->family == MERE_INVERSE_GAUSSIAN && f->link == MERE_INVERSE_SQUARE);
}

int mere_family_simple(const mere_family *f)
{
    return !f->callback && ((f->family == MERE_BINOMIAL && f->link == MERE_LOGIT) ||
                            (f->family == MERE_POISSON && f->link == MERE_LOG));
}

int mere_family_dispersed(const mere_family *f)
{
    return f->family == MERE_GAUSSIAN || f->family == MERE_GAMMA || f->family == MERE_INVERSE_GAUSSIAN;
}

/* ------------------------------------------------------------------ the canonical pairs */

MERE_CLONES static double binomial_logit(int64_t n, const double *restrict y, const double *restrict wt,
                                         const double *restrict sat, const double *restrict eta, double *restrict mu,
                                         double *restrict e, double *restrict w, double *restrict d)
{
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) {
        double x = eta[i], size = fabs(x), t = mere_exp(-size), q = 1.0 / (1.0 + t), low = t * q;
        double m = x < 0.0 ? low : q, positive = x < 0.0 ? 0.0 : x;
        mu[i] = m;
        w[i] = wt[i] * q * low;
        e[i] = wt[i] * (y[i] - m);
        d[i] = sat[i] - 2.0 * wt[i] * (y[i] * x - positive - mere_log1p_unit(t));
        sum += d[i];
    }
    return sum;
}

MERE_CLONES static double poisson_log(int64_t n, const double *restrict y, const double *restrict wt,
                                      const double *restrict sat, const double *restrict eta, double *restrict mu,
                                      double *restrict e, double *restrict w, double *restrict d)
{
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) {
        double m = mere_exp(eta[i]);
        mu[i] = m;
        w[i] = wt[i] * m;
        e[i] = wt[i] * (y[i] - m);
        d[i] = sat[i] - 2.0 * wt[i] * (y[i] * eta[i] - m);
        sum += d[i];
    }
    return sum;
}

/* ------------------------------------------------------------------ links */

typedef struct {
    double mu, nu, m1, m2; /* mean, 1 - mean without cancellation, two derivatives */
} link_value;

static double normal_cdf(double x)
{
    return 0.5 * erfc(-x * M_SQRT1_2);
}

static link_value link_at(mere_link link, double x)
{
    double t;
    switch (link) {
    case MERE_LOGIT: {
        double q = exp(-fabs(x)), high = 1.0 / (1.0 + q), low = q * high, m1 = low * high;
        double mu = x < 0.0 ? low : high, nu = x < 0.0 ? high : low;
        return (link_value){mu, nu, m1, m1 * (nu - mu)};
    }
    case MERE_PROBIT:
        t = exp(-0.5 * x * x) / sqrt(2.0 * M_PI);
        return (link_value){normal_cdf(x), normal_cdf(-x), t, -x * t};
    case MERE_CLOGLOG:
        t = exp(fmin(x, 700.0));
        return (link_value){-expm1(-t), exp(-t), t * exp(-t), t * exp(-t) * (1.0 - t)};
    case MERE_CAUCHIT: {
        double one = 1.0 / (1.0 + x * x);
        double low = fabs(x) > 1.0 ? atan(1.0 / fabs(x)) / M_PI : 0.5 - atan(fabs(x)) / M_PI;
        return (link_value){x < 0.0 ? low : 1.0 - low, x < 0.0 ? 1.0 - low : low, one / M_PI,
                            -2.0 * x * one * one / M_PI};
    }
    case MERE_LOG:
        t = exp(x);
        return (link_value){t, 1.0 - t, t, t};
    case MERE_IDENTITY:
        return (link_value){x, 1.0 - x, 1.0, 0.0};
    case MERE_INVERSE:
        t = 1.0 / x;
        return (link_value){t, 1.0 - t, -t * t, 2.0 * t * t * t};
    case MERE_SQRT:
        return (link_value){x * x, 1.0 - x * x, 2.0 * x, 2.0};
    case MERE_INVERSE_SQUARE:
    default:
        t = 1.0 / sqrt(x);
        return (link_value){t, 1.0 - t, -0.5 * t / x, 0.75 * t / (x * x)};
    }
}

/* ------------------------------------------------------------------ families */

/* x log(x / y); near x = y by log1p, whose error is that of x - y and not of x: counts may be huge. */
static double x_log_ratio(double x, double y)
{
    double r = (x - y) / y;
    if (x <= 0.0)
        return 0.0;
    return fabs(r) < 0.5 ? x * log1p(r) : x * log(x / y);
}

/* Variance, its derivative and the unit deviance; 0 if mu is outside the range. */
static int family_at(const mere_family *f, double y, const link_value *v, double *variance, double *slope, double *d)
{
    const double mu = v->mu, theta = f->theta, tiny = 1e-300;
    switch (f->family) {
    case MERE_BINOMIAL: {
        double m = fmax(mu, tiny), c = fmax(v->nu, tiny);
        *variance = m * c;
        *slope = v->nu - mu;
        *d = 2.0 * (x_log_ratio(y, m) + x_log_ratio(1.0 - y, c));
        return mu >= 0.0 && v->nu >= 0.0;
    }
    case MERE_POISSON:
        *variance = fmax(mu, tiny);
        *slope = 1.0;
        *d = 2.0 * (x_log_ratio(y, *variance) - (y - mu));
        return mu > 0.0 || y == 0.0;
    case MERE_GAMMA:
        *variance = mu * mu;
        *slope = 2.0 * mu;
        *d = -2.0 * (log(y / mu) - (y - mu) / mu);
        return mu > 0.0;
    case MERE_INVERSE_GAUSSIAN:
        *variance = mu * mu * mu;
        *slope = 3.0 * mu * mu;
        *d = (y - mu) * (y - mu) / (y * mu * mu);
        return mu > 0.0;
    case MERE_NEGATIVE_BINOMIAL:
        *variance = mu + mu * mu / theta;
        *slope = 1.0 + 2.0 * mu / theta;
        *d = 2.0 * (x_log_ratio(y, mu) - (y + theta) * log1p((y - mu) / (mu + theta)));
        return mu > 0.0;
    case MERE_GAUSSIAN:
    default:
        *variance = 1.0;
        *slope = 0.0;
        *d = (y - mu) * (y - mu);
        return 1;
    }
}

static int general(const mere_family *f, int64_t n, const double *y, const double *wt, const double *eta,
                   const mere_family_rows *out)
{
    int outside = 0;
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        link_value v = link_at(f->link, eta[i]);
        double variance, slope, d, r = f->family == MERE_BINOMIAL ? y[i] * v.nu - (1.0 - y[i]) * v.mu : y[i] - v.mu;
        outside |= !family_at(f, y[i], &v, &variance, &slope, &d);
        double ratio = v.m1 / variance;
        out->mu[i] = v.mu;
        out->e[i] = wt[i] * r * ratio;
        out->w[i] = wt[i] * v.m1 * ratio;
        out->d[i] = wt[i] * d;
        sum += out->d[i] + out->w[i];
        if (out->h) {
            double second = v.m2 / variance - ratio * ratio * slope;
            out->dw[i] = wt[i] * v.m1 * (v.m2 / variance + second);
            out->h[i] = out->w[i] - wt[i] * r * second;
        }
    }
    return outside || !isfinite(sum);
}

int mere_family_evaluate(const mere_family *f, int64_t n, const double *y, const double *wt, const double *sat,
                         const double *eta, const mere_family_rows *out)
{
    double sum;
    if (f->callback)
        return f->callback(n, eta, out->mu, out->e, out->w, out->d, out->h, out->dw, f->data);
    if (f->large)
        return general(f, n, y, wt, eta, out);
    if (f->family == MERE_BINOMIAL && f->link == MERE_LOGIT)
        sum = binomial_logit(n, y, wt, sat, eta, out->mu, out->e, out->w, out->d);
    else if (f->family == MERE_POISSON && f->link == MERE_LOG)
        sum = poisson_log(n, y, wt, sat, eta, out->mu, out->e, out->w, out->d);
    else
        return general(f, n, y, wt, eta, out);
    return !isfinite(sum);
}

void mere_family_second(const mere_family *f, int64_t n, const double *mu, const double *w, double *h, double *dw)
{
    if (!mere_family_simple(f))
        return;
    for (int64_t i = 0; i < n; i++) {
        h[i] = w[i];
        dw[i] = f->family == MERE_BINOMIAL ? w[i] * (1.0 - 2.0 * mu[i]) : w[i];
    }
}

/* ------------------------------------------------------------------ constants of the data */

static double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

static double digamma(double x)
{
    double shift = 0.0;
    for (; x < 10.0; x += 1.0)
        shift -= 1.0 / x;
    double z = 1.0 / (x * x);
    return shift + log(x) - 0.5 / x -
           z * (1.0 / 12 - z * (1.0 / 120 - z * (1.0 / 252 - z * (1.0 / 240 - z * (1.0 / 132 - z * 691.0 / 32760)))));
}

/* lgamma(x) - ((x - 1/2) log x - x + log(2 pi) / 2) for large x. */
static double stirling(double x)
{
    double z = 1.0 / (x * x);
    return (1.0 / 12 - z * (1.0 / 360 - z * (1.0 / 1260 - z / 1680))) / x;
}

/* digamma(x) - log x for large x. */
static double digamma_rest(double x)
{
    double z = 1.0 / (x * x);
    return -0.5 / x - z * (1.0 / 12 - z * (1.0 / 120 - z / 252));
}

enum { LARGE_SIZE = 50 }; /* of the negative binomial: from here on by series, which do not cancel as it grows */

/* log f(y; mu = y) of the negative binomial. With l(x) Stirling's series, the gammas of a large size leave
 * -log(1 + y/t) / 2 + l(t + y) - l(t) beside the Poisson's y log y - y - log y!. */
static double saturated_negative_binomial(double y, double t)
{
    if (t >= LARGE_SIZE) {
        double poisson = y > 0.0 ? y * log(y) - y - log_gamma(y + 1.0) : 0.0;
        return poisson - 0.5 * log1p(y / t) + stirling(t + y) - stirling(t);
    }
    double l = log_gamma(y + t) - log_gamma(t) - log_gamma(y + 1.0);
    return l - t * log1p(y / t) + (y > 0.0 ? y * log(y / (y + t)) : 0.0);
}

int mere_family_large(const mere_family *f, int64_t n, const double *y, const double *wt)
{
    double most = 0.0;
    for (int64_t i = 0; i < n; i++)
        most = fmax(most, f->family == MERE_BINOMIAL ? wt[i] : y[i]);
    return most > 1e6;
}

void mere_family_saturated(const mere_family *f, int64_t n, const double *y, const double *wt, double *sat,
                           double *constant)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        sat[i] = 0.0;
        switch (f->family) {
        case MERE_BINOMIAL: {
            double one = y[i], m = wt[i], s = m * one, kernel = 0.0;
            if (one <= 0.0 || one >= 1.0)
                break; /* log f = 0 */
            kernel = one * log(one) + (1.0 - one) * log1p(-one);
            sat[i] = 2.0 * m * kernel;
            sum -= 2.0 * (log_gamma(m + 1.0) - log_gamma(s + 1.0) - log_gamma(m - s + 1.0)) + sat[i];
            break;
        }
        case MERE_POISSON:
            sat[i] = y[i] > 0.0 ? 2.0 * wt[i] * (y[i] * log(y[i]) - y[i]) : 0.0;
            sum += y[i] > 1.0 || (y[i] > 0.0 && y[i] < 1.0) ? 2.0 * wt[i] * log_gamma(y[i] + 1.0) - sat[i] : -sat[i];
            break;
        case MERE_NEGATIVE_BINOMIAL:
            sum -= 2.0 * wt[i] * saturated_negative_binomial(y[i], f->theta);
            break;
        default:
            break;
        }
    }
    *constant = sum;
}

double mere_family_criterion(const mere_family *f, const mere_family_sums *s, double deviance, double *slope)
{
    switch (f->family) {
    case MERE_GAUSSIAN:
        *slope = s->n / deviance;
        return s->n * (log(2.0 * M_PI * deviance / s->n) + 1.0) + 2.0 - s->log_weight;
    case MERE_GAMMA: {
        double alpha = s->weight / deviance;
        *slope = 2.0 * alpha * alpha * (log(alpha) - digamma(alpha));
        return s->weight * (1.0 + 2.0 * alpha - 2.0 * (alpha * log(alpha) - log_gamma(alpha))) + 2.0 * s->weight_log_y + 2.0;
    }
    case MERE_INVERSE_GAUSSIAN:
        *slope = s->weight / deviance;
        return s->weight * (log(2.0 * M_PI * deviance / s->weight) + 1.0) + 3.0 * s->weight_log_y + 2.0;
    default:
        *slope = 1.0;
        return deviance + s->constant;
    }
}

double mere_family_by_theta(const mere_family *f, int64_t n, const double *y, const double *wt, const double *mu,
                            const double *e, const double *w, double *de, double *dw)
{
    double t = f->theta, sum = 0.0, psi = digamma(t);
    for (int64_t i = 0; i < n; i++) {
        double share = mu[i] / (mu[i] + t); /* d log V / d log theta = - share */
        de[i] = e[i] * share;
        dw[i] = w[i] * share;
        double z = (y[i] - mu[i]) / (mu[i] + t);
        if (t >= LARGE_SIZE) /* log1p(z) = log((t + y) / (t + mu)) */
            sum -= 2.0 * wt[i] * t * (log1p(z) - z + digamma_rest(y[i] + t) - digamma_rest(t));
        else
            sum -= 2.0 * wt[i] * t * (digamma(y[i] + t) - psi - log1p(mu[i] / t) - z);
    }
    return sum;
}
