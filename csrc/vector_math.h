/* vector_math.h - exp, log, sin and cos without branches, so that loops over rows become vector code.
 *
 * Within 2 units in the last place over the ranges given; the same on every machine. Reduction of the argument by
 * multiples of log 2 and a Taylor polynomial (exp), by the power of two and the series of artanh (log).
 */
#ifndef MERE_VECTOR_MATH_H
#define MERE_VECTOR_MATH_H

#include <stdint.h>
#include <string.h>

#include "dense.h"

MERE_INLINE double mere_from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

MERE_INLINE uint64_t mere_to_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* exp(x); x is held within [-708, 709]. */
MERE_INLINE double mere_exp(double x)
{
    const double magic = 6755399441055744.0; /* 1.5 * 2^52: adding it rounds to an integer in the low bits */
    x = x > 709.0 ? 709.0 : x;
    x = x < -708.0 ? -708.0 : x;
    double t = x * 1.4426950408889634074 + magic, k = t - magic;
    double r = (x - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10;
    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    return p * mere_from_bits((mere_to_bits(t) + 1023) << 52);
}

/* log(x) of a positive normal number. */
MERE_INLINE double mere_log(double x)
{
    const uint64_t below = 0x3fe6a09e667f3bcdu; /* sqrt(1/2) */
    uint64_t shift = (mere_to_bits(x) - below) & 0xfff0000000000000u;
    double m = mere_from_bits(mere_to_bits(x) - shift);
    /* the exponent, biased so that it is positive, in the low bits of 2^52 */
    double e = mere_from_bits(0x4330000000000000u | ((shift >> 52 ^ 0x800u) & 0xfffu)) - (4503599627370496.0 + 2048.0);
    double s = (m - 1.0) / (m + 1.0), z = s * s;
    double p = 1.0 / 21.0;
    p = p * z + 1.0 / 19.0;
    p = p * z + 1.0 / 17.0;
    p = p * z + 1.0 / 15.0;
    p = p * z + 1.0 / 13.0;
    p = p * z + 1.0 / 11.0;
    p = p * z + 1.0 / 9.0;
    p = p * z + 1.0 / 7.0;
    p = p * z + 1.0 / 5.0;
    p = p * z + 1.0 / 3.0;
    p = p * z + 1.0;
    return e * 6.93147180369123816490e-01 + (e * 1.90821492927058770002e-10 + 2.0 * s * p);
}

/* cos(2 pi t) and sin(2 pi t) for 0 <= t <= 1: within a quarter turn around a multiple of one. */
MERE_INLINE void mere_turn(double t, double *cosine, double *sine)
{
    const double magic = 6755399441055744.0;
    double q = 4.0 * t + magic, x = (4.0 * t - (q - magic)) * 1.5707963267948966192, z = x * x;
    uint64_t quarter = mere_to_bits(q);
    double s = -1.0 / 1307674368000.0, c = 1.0 / 20922789888000.0;
    s = s * z + 1.0 / 6227020800.0;
    s = s * z - 1.0 / 39916800.0;
    s = s * z + 1.0 / 362880.0;
    s = s * z - 1.0 / 5040.0;
    s = s * z + 1.0 / 120.0;
    s = s * z - 1.0 / 6.0;
    s = s * z * x + x;
    c = c * z - 1.0 / 87178291200.0;
    c = c * z + 1.0 / 479001600.0;
    c = c * z - 1.0 / 3628800.0;
    c = c * z + 1.0 / 40320.0;
    c = c * z - 1.0 / 720.0;
    c = c * z + 1.0 / 24.0;
    c = c * z - 0.5;
    c = c * z + 1.0;
    uint64_t odd = 0u - (quarter & 1u), a = mere_to_bits(c), b = mere_to_bits(s), swap = (a ^ b) & odd;
    *cosine = mere_from_bits((a ^ swap) ^ ((quarter + 1) >> 1 & 1u) << 63);
    *sine = mere_from_bits((b ^ swap) ^ (quarter >> 1 & 1u) << 63);
}

/* log(1 + t) for 0 <= t <= 1, to an absolute error of 2e-16. */
MERE_INLINE double mere_log1p_unit(double t)
{
    double x = 1.0 + t, half = x > 1.4142135623730951 ? 0.5 : 1.0, add = x > 1.4142135623730951 ? 0.69314718055994530942 : 0.0;
    double numerator = x > 1.4142135623730951 ? t * 0.5 - 0.5 : t; /* x half - 1 without rounding */
    double s = numerator / (x * half + 1.0), z = s * s;
    double p = 1.0 / 21.0;
    p = p * z + 1.0 / 19.0;
    p = p * z + 1.0 / 17.0;
    p = p * z + 1.0 / 15.0;
    p = p * z + 1.0 / 13.0;
    p = p * z + 1.0 / 11.0;
    p = p * z + 1.0 / 9.0;
    p = p * z + 1.0 / 7.0;
    p = p * z + 1.0 / 5.0;
    p = p * z + 1.0 / 3.0;
    p = p * z + 1.0;
    return add + 2.0 * s * p;
}

#endif
