/* random.c - Philox, and what is drawn from it. */
#include "random.h"

#include <math.h>

enum { ROUNDS = 10 };

void mere_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t a = counter[0], b = counter[1], c = counter[2], d = counter[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t x = (uint64_t)0xD2511F53u * a, y = (uint64_t)0xCD9E8D57u * c;
        a = (uint32_t)(y >> 32) ^ b ^ k0;
        c = (uint32_t)(x >> 32) ^ d ^ k1;
        b = (uint32_t)y;
        d = (uint32_t)x;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
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

/* In (0, 1): 53 bits and a half. */
static double uniform(uint32_t high, uint32_t low)
{
    uint64_t bits = ((uint64_t)high << 32 | low) >> 11;
    return ((double)bits + 0.5) * 0x1p-53;
}

double mere_stream_normal(mere_stream *s)
{
    if (s->has_normal) {
        s->has_normal = 0;
        return s->normal;
    }
    next_block(s);
    s->used = 4;
    double r = sqrt(-2.0 * log(uniform(s->block[0], s->block[1])));
    double angle = 6.283185307179586 * uniform(s->block[2], s->block[3]);
    s->normal = r * sin(angle);
    s->has_normal = 1;
    return r * cos(angle);
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
