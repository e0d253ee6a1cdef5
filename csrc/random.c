/* random.c - Philox, and what is drawn from it. */
#include "random.h"

#include <math.h>

#include "clones.h"
#include "vector_math.h"

enum { ROUNDS = 10 };

MERE_INLINE void philox_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d, uint32_t *k0, uint32_t *k1)
{
    uint64_t x = (uint64_t)0xD2511F53u * *a, y = (uint64_t)0xCD9E8D57u * *c;
    *a = (uint32_t)(y >> 32) ^ *b ^ *k0;
    *c = (uint32_t)(x >> 32) ^ *d ^ *k1;
    *b = (uint32_t)y;
    *d = (uint32_t)x;
    *k0 += 0x9E3779B9u;
    *k1 += 0xBB67AE85u;
}

void mere_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t a = counter[0], b = counter[1], c = counter[2], d = counter[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < ROUNDS; round++)
        philox_round(&a, &b, &c, &d, &k0, &k1);
    out[0] = a;
    out[1] = b;
    out[2] = c;
    out[3] = d;
}

mere_stream mere_stream_start(uint64_t seed, uint64_t stream)
{
    return (mere_stream){.seed = seed, .stream = stream, .used = 4};
}

static void next_block(mere_stream *s)
{
    const uint32_t counter[4] = {(uint32_t)s->position, (uint32_t)(s->position >> 32), (uint32_t)s->stream,
                                 (uint32_t)(s->stream >> 32)};
    const uint32_t key[2] = {(uint32_t)s->seed, (uint32_t)(s->seed >> 32)};
    mere_philox(counter, key, s->block);
    s->position++;
    s->used = 0;
}

/* In (0, 1): 53 bits and a half. The bits are those of 2^52 + an integer, and one more. */
MERE_INLINE double uniform(uint32_t high, uint32_t low)
{
    double whole = mere_from_bits(0x4330000000000000u | (uint64_t)high << 20 | low >> 12) - 4503599627370496.0;
    return (2.0 * whole + (double)(low >> 11 & 1u) + 0.5) * 0x1p-53;
}

enum { PAIRS = 16 };

/* `count` <= PAIRS pairs of normal numbers from the blocks at `position` on (Box & Muller 1958). */
MERE_CLONES static void normal_pairs(uint64_t seed, uint64_t stream, uint64_t position, int count, double *out)
{
    uint32_t word[4][PAIRS];
    double cosine[PAIRS], sine[PAIRS];
#pragma omp simd
    for (int i = 0; i < PAIRS; i++) {
        uint64_t at = position + (uint64_t)i;
        uint32_t a = (uint32_t)at, b = (uint32_t)(at >> 32), c = (uint32_t)stream, d = (uint32_t)(stream >> 32);
        uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
        for (int round = 0; round < ROUNDS; round++)
            philox_round(&a, &b, &c, &d, &k0, &k1);
        word[0][i] = a;
        word[1][i] = b;
        word[2][i] = c;
        word[3][i] = d;
    }
#pragma omp simd
    for (int i = 0; i < PAIRS; i++) {
        double r = sqrt(-2.0 * mere_log(uniform(word[0][i], word[1][i]))), x, y;
        mere_turn(uniform(word[2][i], word[3][i]), &x, &y);
        cosine[i] = r * x;
        sine[i] = r * y;
    }
    for (int i = 0; i < count; i++) {
        out[2 * i] = cosine[i];
        out[2 * i + 1] = sine[i];
    }
}

void mere_stream_normals(mere_stream *s, int64_t count, double *out)
{
    double pair[2];
    if (count > 0 && s->has_normal) {
        *out++ = s->normal;
        count--;
        s->has_normal = 0;
    }
    while (count > 1) {
        int pairs = count / 2 < PAIRS ? (int)(count / 2) : PAIRS;
        normal_pairs(s->seed, s->stream, s->position, pairs, out);
        s->position += (uint64_t)pairs;
        s->used = 4;
        out += 2 * pairs;
        count -= 2 * pairs;
    }
    if (count != 1)
        return;
    normal_pairs(s->seed, s->stream, s->position++, 1, pair);
    s->used = 4;
    *out = pair[0];
    s->normal = pair[1];
    s->has_normal = 1;
}

/* Multiply and take the high word; the few values that would make some more likely are drawn again (Lemire 2019). */
int64_t mere_stream_below(mere_stream *s, int64_t n)
{
    uint32_t bound = (uint32_t)n, least = (uint32_t)(-bound) % bound;
    for (;;) {
        if (s->used == 4)
            next_block(s);
        uint64_t product = (uint64_t)s->block[s->used++] * bound;
        if ((uint32_t)product >= least)
            return (int64_t)(product >> 32);
    }
}
