/* harness.c - see test.h. */
#include "test.h"

#include "config.h"

#include MERE_CHOLMOD_HEADER

static const char *current = "";
static int checks, failures, tests;
static uint64_t state = 0x9E3779B97F4A7C15u;

/* CHOLMOD allocates through four pointers: ours count, and fail when told to. */
static void *take(size_t bytes)
{
    return mere_malloc((int64_t)bytes, 1);
}

static void *take_zeros(size_t count, size_t size)
{
    return mere_calloc((int64_t)count, size);
}

static void *change(void *old, size_t bytes)
{
    void *new = mere_malloc((int64_t)bytes, 1);
    if (new && old) { /* the old size is unknown: ask the allocator */
        extern size_t malloc_usable_size(void *);
        size_t had = malloc_usable_size(old);
        memcpy(new, old, had < bytes ? had : bytes);
        mere_free(old);
    }
    return new;
}

static void hook_cholmod(void)
{
#if SUITESPARSE_MAIN_VERSION >= 7
    SuiteSparse_config_malloc_func_set(take);
    SuiteSparse_config_calloc_func_set(take_zeros);
    SuiteSparse_config_realloc_func_set(change);
    SuiteSparse_config_free_func_set(mere_free);
#else
    SuiteSparse_config.malloc_func = take;
    SuiteSparse_config.calloc_func = take_zeros;
    SuiteSparse_config.realloc_func = change;
    SuiteSparse_config.free_func = mere_free;
#endif
}

void test_start(const char *name)
{
    if (tests++ == 0) {
        refblas_fill();
        hook_cholmod();
    }
    current = name;
}

int test_done(void)
{
    if (mere_test_live_allocations() != 0) {
        fprintf(stderr, "%lld arrays were not given back\n", (long long)mere_test_live_allocations());
        failures++;
    }
    if (checks == 0) {
        fprintf(stderr, "nothing was checked\n");
        failures++;
    }
    printf("%d tests, %d checks, %d failures\n", tests, checks, failures);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

void test_check(int right, const char *text, const char *file, int line)
{
    checks++;
    if (right) return;
    failures++;
    fprintf(stderr, "%s:%d: %s: not so: %s\n", file, line, current, text);
}

void test_close(double x, double y, double tolerance, const char *text, const char *file, int line)
{
    int right = fabs(x - y) <= tolerance * fmax(1.0, fabs(y));
    test_check(right, text, file, line);
    if (!right) fprintf(stderr, "    %.17g against %.17g\n", x, y);
}

double test_random(void)
{
    state ^= state << 13; /* Marsaglia's xorshift */
    state ^= state >> 7;
    state ^= state << 17;
    return (double)(int64_t)state / 9223372036854775808.0;
}
