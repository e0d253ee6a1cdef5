/* blas_shim.c - defines the BLAS and LAPACK symbols that CHOLMOD and our kernels call, and forwards them.
 *
 * This file alone makes the shared library libmere_blas. SciPy carries a BLAS (OpenBLAS in its wheels) and exports it as
 * function pointers; `_core` hands them over at import. The process then has one BLAS and one pool of threads, and the
 * wheel carries none. The pointers are written once, before any kernel can run, and only read afterwards.
 */
#include "blas.h"

#include <stdio.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

static _Noreturn void missing(const char *name)
{
    fprintf(stderr, "mere: the BLAS function %s was called, which is not provided\n", name);
    abort();
}

/* The table: one pointer for each function of the list, its names, and its setter. */
#define FIELD(value, ret, name, params, args) static value(*name##_pointer) params;
MERE_BLAS_LIST(FIELD)

#define NAME(value, ret, name, params, args) #name,
static const char *const names[] = {MERE_BLAS_LIST(NAME) NULL};

#define SLOT(value, ret, name, params, args) name##_slot,
enum { MERE_BLAS_LIST(SLOT) n_functions };

EXPORT const char *mere_blas_name(int i)
{
    return i < 0 || i >= n_functions ? NULL : names[i];
}

EXPORT void mere_blas_set(int i, void (*f)(void))
{
#define CASE(value, ret, name, params, args)                                                                           \
    case name##_slot:                                                                                                  \
        name##_pointer = (value(*) params)f;                                                                           \
        break;
    switch (i) {
        MERE_BLAS_LIST(CASE)
    default:
        break;
    }
}

#define FORWARD(value, ret, name, params, args)                                                                        \
    EXPORT value name##_ params                                                                                        \
    {                                                                                                                  \
        if (!name##_pointer) missing(#name);                                                                           \
        ret name##_pointer args;                                                                                       \
    }
MERE_BLAS_LIST(FORWARD)

/* CHOLMOD refers to these too, but only for single precision and complex matrices, which mere never makes. */
#define STUBS(X)                                                                                                       \
    X(sgemm) X(sgemv) X(ssyrk) X(strsm) X(strsv) X(spotrf)                                                             \
    X(cgemm) X(cgemv) X(cherk) X(ctrsm) X(ctrsv) X(cpotrf)                                                             \
    X(zgemm) X(zgemv) X(zherk) X(ztrsm) X(ztrsv) X(zpotrf)
#define STUB(name)                                                                                                     \
    EXPORT void name##_(void);                                                                                         \
    void name##_(void)                                                                                                 \
    {                                                                                                                  \
        missing(#name);                                                                                                \
    }
STUBS(STUB)
