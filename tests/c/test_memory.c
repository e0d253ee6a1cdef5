/* test_memory.c - csrc/memory.c, and the harness's own failing of allocations. */
#include "test.h"

TEST(sizes_are_checked)
{
    CHECK(mere_malloc(-1, 8) == NULL);
    CHECK(mere_malloc(INT64_MAX, 8) == NULL);
    CHECK(mere_malloc(INT64_MAX, 1) == NULL);
    CHECK(mere_calloc(INT64_MAX / 4, 16) == NULL);
    mere_free(NULL);
}

TEST(arrays_are_usable)
{
    double *none = MERE_NEW(double, 0), *x = MERE_NEW(double, 3), *z = MERE_ZEROS(double, 1000);
    CHECK(none && x && z);
    CHECK((uintptr_t)x % 64 == 0 && (uintptr_t)z % 64 == 0);
    double sum = 0;
    for (int i = 0; i < 1000; i++) sum += fabs(z[i]);
    CHECK(sum == 0);
    CHECK(mere_test_live_allocations() == 3);
    mere_free(none);
    mere_free(x);
    mere_free(z);
}

static int two_arrays(void)
{
    int status = 1;
    double *x = MERE_NEW(double, 10), *y = NULL;
    if (!x) goto end;
    y = MERE_ZEROS(double, 10);
    if (!y) goto end;
    status = 0;
end:
    mere_free(y);
    mere_free(x);
    return status;
}

TEST(each_allocation_can_fail)
{
    EVERY_ALLOCATION(two_arrays());
}

int main(void)
{
    RUN(sizes_are_checked);
    RUN(arrays_are_usable);
    RUN(each_allocation_can_fail);
    return DONE();
}
