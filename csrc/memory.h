/* memory.h - arrays from the heap.
 *
 * All C of mere allocates here and nowhere else. Sizes are counts times element sizes, checked for overflow; arrays start
 * on a cache line; an array of no elements is a valid pointer. Whoever calls gets NULL when there is no memory, and owns
 * the pointer otherwise.
 *
 * Compiled with -DMERE_TEST_ALLOC (the C tests), the k-th allocation can be made to fail and live ones are counted.
 */
#ifndef MERE_MEMORY_H
#define MERE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* `count` elements of `size` bytes, not initialised. NULL if there is no memory, count < 0 or the product overflows. */
void *mere_malloc(int64_t count, size_t size) __attribute__((malloc, warn_unused_result));

/* The same, all bytes zero. */
void *mere_calloc(int64_t count, size_t size) __attribute__((malloc, warn_unused_result));

/* Give back; NULL is allowed. */
void mere_free(void *pointer);

/* double *x = MERE_NEW(double, n); */
#define MERE_NEW(type, count) ((type *)mere_malloc((count), sizeof(type)))
#define MERE_ZEROS(type, count) ((type *)mere_calloc((count), sizeof(type)))

#ifdef MERE_TEST_ALLOC
/* The k-th allocation from now fails (k = 1 is the next one), and only that one; k = 0: none fails. */
void mere_test_fail_allocation(int64_t k);
/* Did it? */
int mere_test_allocation_failed(void);
/* Arrays that were allocated and not yet given back. */
int64_t mere_test_live_allocations(void);
#endif

#endif
