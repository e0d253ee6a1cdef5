/* test_version.c - csrc/version.c, and that CHOLMOD's allocations count: a matrix made and given back. */
#include "test.h"

#include "config.h"
#include "version.h"

#include MERE_CHOLMOD_HEADER

TEST(versions_are_sensible)
{
    int version[3] = {0};
    CHECK(strlen(mere_version()) >= 5);
    mere_cholmod_version(version);
    CHECK(version[0] >= 3);
    mere_nlopt_version(version);
    CHECK(version[0] >= 2);
}

static int dense_matrix(void)
{
    cholmod_common common;
    if (!cholmod_start(&common)) return 1;
    cholmod_dense *x = cholmod_zeros(3, 3, CHOLMOD_REAL, &common);
    int status = x ? 0 : 1;
    cholmod_free_dense(&x, &common);
    cholmod_finish(&common);
    return status;
}

TEST(cholmod_allocates_through_us)
{
    EVERY_ALLOCATION(dense_matrix());
}

int main(void)
{
    RUN(versions_are_sensible);
    RUN(cholmod_allocates_through_us);
    return DONE();
}
