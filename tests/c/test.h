/* test.h - all there is of a test harness.
 *
 *     #include "test.h"
 *     TEST(sum_is_right) { CHECK(1 + 1 == 2); CHECK_CLOSE(sqrt(2.0), 1.41421356, 1e-8); }
 *     int main(void) { RUN(sum_is_right); return DONE(); }
 *
 * One file tests one source. A failed check prints its place and lets the test go on; DONE() gives the exit status and
 * fails when nothing was checked or an array of csrc/memory.h was not given back. The reference BLAS is in place.
 *
 * EVERY_ALLOCATION(call): `call` (an int expression, 0 = success) is evaluated with its first allocation failing, then its
 * second, and so on until none fails; each time a failure must be reported and nothing may leak. CHOLMOD's allocations
 * are included (see harness.c).
 */
#ifndef TEST_H
#define TEST_H

#include "memory.h"
#include "refblas.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEST(name) static void name(void)
#define RUN(name) (test_start(#name), name())
#define DONE() test_done()
#define CHECK(condition) test_check((condition) != 0, #condition, __FILE__, __LINE__)
#define CHECK_CLOSE(x, y, tolerance) test_close((x), (y), (tolerance), #x " = " #y, __FILE__, __LINE__)

#define EVERY_ALLOCATION(call)                                                                                         \
    do {                                                                                                               \
        int64_t live_before = mere_test_live_allocations(), k = 0;                                                     \
        int failed_;                                                                                                   \
        do {                                                                                                           \
            mere_test_fail_allocation(++k);                                                                            \
            int status_ = (call);                                                                                      \
            failed_ = mere_test_allocation_failed();                                                                   \
            mere_test_fail_allocation(0);                                                                              \
            if (failed_) CHECK(status_ != 0);                                                                          \
            else CHECK(status_ == 0);                                                                                  \
            CHECK(mere_test_live_allocations() == live_before);                                                        \
        } while (failed_ && k < 100000);                                                                               \
        CHECK(k > 1); /* at least one allocation was there to fail */                                                  \
    } while (0)

void test_start(const char *name);
int test_done(void);
void test_check(int right, const char *text, const char *file, int line);
void test_close(double x, double y, double tolerance, const char *text, const char *file, int line);

/* Numbers in (-1, 1), the same in every run. */
double test_random(void);

#endif
