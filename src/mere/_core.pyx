"""The border between Python and C: arrays in, GIL released, status to exception. No statistics."""

from cpython.pycapsule cimport PyCapsule_GetName, PyCapsule_GetPointer

cdef extern from "blas.h":
    const char *mere_blas_name(int i)
    void mere_blas_set(int i, void (*f)() noexcept)

cdef extern from "version.h":
    const char *mere_version()
    void mere_cholmod_version(int *version)
    void mere_nlopt_version(int *version)


cdef bint _blas_filled = False


cdef int ensure_blas() except -1:
    """Hand SciPy's BLAS and LAPACK to the shim (csrc/blas_shim.c): whatever leads to a kernel calls this first."""
    global _blas_filled
    cdef int i = 0
    cdef const char *signature
    if _blas_filled:
        return 0
    from mere.blas import capsules
    exported = capsules()
    while mere_blas_name(i) != NULL:
        name = mere_blas_name(i).decode()
        if name not in exported:
            raise ImportError(f"SciPy does not export the BLAS function {name}")
        signature = PyCapsule_GetName(exported[name])
        if b"int *" not in signature:
            raise ImportError(f"SciPy's BLAS function {name} does not take 32-bit integers: {signature.decode()}")
        mere_blas_set(i, <void (*)() noexcept>PyCapsule_GetPointer(exported[name], signature))
        i += 1
    _blas_filled = True
    return 0


def versions() -> dict[str, str]:
    """Versions of mere and of the libraries that it is linked with."""
    cdef int cholmod[3]
    cdef int nlopt[3]
    mere_cholmod_version(cholmod)
    mere_nlopt_version(nlopt)
    return {
        "mere": mere_version().decode(),
        "CHOLMOD": ".".join(str(part) for part in cholmod),
        "NLopt": ".".join(str(part) for part in nlopt),
    }
