/* random.h - random numbers that are a function of (seed, stream, position): no state to share or to pass on.
 *
 * Philox 4x32 with 10 rounds: Salmon, Moraes, Dror & Shaw (2011), Parallel random numbers: as easy as 1, 2, 3, SC11.
 */
#ifndef MERE_RANDOM_H
#define MERE_RANDOM_H

#include <stdint.h>

typedef struct {
    uint64_t seed, stream, position; /* the next block */
    uint32_t block[4];
    int used;                        /* words of the block */
    int has_normal;
    double normal;                   /* the second of a pair */
} mere_stream;

/* The block function: out = Philox(counter, key). */
void mere_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

mere_stream mere_stream_start(uint64_t seed, uint64_t stream);
/* The next `count` standard normal numbers, made by pairs (Box & Muller 1958). */
void mere_stream_normals(mere_stream *stream, int64_t count, double *out);
/* Uniform among 0, ..., n - 1, n < 2^32. */
int64_t mere_stream_below(mere_stream *stream, int64_t n);

#endif
