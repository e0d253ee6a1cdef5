/* memory.c - see memory.h. */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

enum { LINE = 64 }; /* bytes of a cache line, and of an AVX-512 register */

#ifdef MERE_TEST_ALLOC
/* Atomic: refits on several threads allocate too. The only globals of the C sources, and only in the tests. */
#include <stdatomic.h>

static atomic_llong countdown, live;
static atomic_int failed;

void mere_test_fail_allocation(int64_t k)
{
    countdown = k;
    failed = 0;
}

int mere_test_allocation_failed(void)
{
    return failed;
}

int64_t mere_test_live_allocations(void)
{
    return live;
}

static int refuse(void)
{
    if (atomic_load(&countdown) <= 0 || atomic_fetch_sub(&countdown, 1) != 1) return 0;
    failed = 1;
    return 1;
}
#endif

void *mere_malloc(int64_t count, size_t size)
{
    size_t bytes;
    if (count < 0 || __builtin_mul_overflow((size_t)count, size, &bytes) || bytes > PTRDIFF_MAX - LINE) return NULL;
    bytes = bytes ? (bytes + LINE - 1) / LINE * LINE : LINE; /* aligned_alloc wants a multiple */
#ifdef MERE_TEST_ALLOC
    if (refuse()) return NULL;
#endif
    void *pointer = aligned_alloc(LINE, bytes);
#ifdef MERE_TEST_ALLOC
    if (pointer) live++;
#endif
    return pointer;
}

void *mere_calloc(int64_t count, size_t size)
{
    void *pointer = mere_malloc(count, size);
    if (pointer) memset(pointer, 0, (size_t)count * size);
    return pointer;
}

void mere_free(void *pointer)
{
#ifdef MERE_TEST_ALLOC
    if (pointer) live--;
#endif
    free(pointer);
}
