"""The border between Python and C: arrays in, GIL released, status to exception. No statistics."""

cimport cython
from cpython.pycapsule cimport PyCapsule_GetName, PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport calloc, free

from ._kernels cimport *

import numpy as _np


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


# ---------------------------------------------------------------------------------------------- the kernels


_MESSAGES = {
    MERE_ERR_MEMORY: "not enough memory for this model",
    MERE_ERR_ARGUMENT: "sizes or level codes are out of range",
    MERE_ERR_NOT_FINITE: "the data or the parameters hold a NaN or an infinite value",
    MERE_ERR_NOT_POSITIVE: "a factorization broke down: the fixed-effects columns are (nearly) aliased, or the "
                           "parameters are extreme; rescale the predictors",
    MERE_ERR_PERFECT_FIT: "the model fits the response perfectly: the residual variance is zero",
    MERE_ERR_SPARSE: "the sparse factorization failed",
    MERE_ERR_OPTIMIZER: "the optimizer failed, or its name is not known to NLopt",
    MERE_ERR_TOO_LARGE: "a dense block of this model is too large",
    MERE_ERR_DIVERGED: "the conditional modes of the random effects were not found",
}
PERFECT_FIT, OPTIMIZER, DIVERGED = MERE_ERR_PERFECT_FIT, MERE_ERR_OPTIMIZER, MERE_ERR_DIVERGED


class KernelError(Exception):
    """A status of the kernels other than success; `status` is its number."""

    def __init__(self, status: int):
        self.status = status
        super().__init__(_MESSAGES.get(status, f"kernel status {status}"))


cdef int _check(mere_status status) except -1:
    if status != MERE_OK:
        if status == MERE_ERR_MEMORY:
            raise MemoryError(_MESSAGES[status])
        raise KernelError(status)
    return 0


cdef class Rows:
    """The rows of a model as the kernels read them: pointers into arrays that this object keeps alive."""

    cdef mere_rows rows
    cdef mere_term *terms
    cdef object _keep
    cdef readonly double log_weights

    def __cinit__(self, const double[::1, :] X, weights, terms):
        """X (n, p) Fortran order; weights (n,) or None; terms: (z (n, k) Fortran order or None, codes, q, factor)."""
        cdef int64_t t, n = X.shape[0]
        cdef const double[::1, :] z
        cdef const int32_t[::1] code
        cdef const double[::1] root
        self.terms = <mere_term *>calloc(len(terms), sizeof(mere_term))
        if self.terms == NULL:
            raise MemoryError
        keep = [X]
        self.rows.n, self.rows.p = n, X.shape[1]
        self.rows.X = &X[0, 0] if X.shape[1] and n else NULL
        self.rows.n_term, self.rows.term = len(terms), self.terms
        self.log_weights = 0.0
        if weights is not None:
            if weights.shape[0] != n:
                raise KernelError(MERE_ERR_ARGUMENT)
            root = _np.sqrt(weights)
            self.log_weights = _np.log(weights).sum()
            keep.append(root)
            self.rows.sqrt_w = &root[0]
        for t in range(len(terms)):
            values, codes, q, factor = terms[t]
            code = codes
            if code.shape[0] != n:
                raise KernelError(MERE_ERR_ARGUMENT)
            self.terms[t].k, self.terms[t].q, self.terms[t].factor = 1, q, factor
            self.terms[t].code = &code[0]
            keep.append(code)
            if values is not None:
                z = values
                if z.shape[0] != n:
                    raise KernelError(MERE_ERR_ARGUMENT)
                self.terms[t].k, self.terms[t].z = z.shape[1], &z[0, 0]
                keep.append(z)
        self._keep = keep

    def __dealloc__(self):
        free(self.terms)


cdef class Plan:
    """Cross-products of a model; immutable."""

    cdef mere_plan *plan
    cdef readonly Rows rows
    cdef readonly int64_t n_par, p, q, rest
    cdef readonly bint blas, sparse

    def __cinit__(self, Rows rows, const int64_t[:, ::1] entries, int64_t n_par, int schur=0):
        """entries (n, 4): term, row, column of Lambda and the parameter that holds it."""
        cdef mere_status status
        cdef const mere_entry *entry = <const mere_entry *>&entries[0, 0] if entries.shape[0] else NULL
        cdef int64_t n = entries.shape[0]
        ensure_blas()
        if entries.shape[1] != 4:
            raise KernelError(MERE_ERR_ARGUMENT)
        with nogil:
            status = mere_plan_new(&rows.rows, n, entry, n_par, <mere_schur>schur, &self.plan)
        _check(status)
        self.rows = rows
        info = mere_plan_describe(self.plan)
        self.n_par, self.p, self.q, self.rest = info.n_par, info.p, info.q, info.rest
        self.blas, self.sparse = info.blas, info.sparse

    def __dealloc__(self):
        mere_plan_free(self.plan)

    def describe(self):
        return mere_plan_describe(self.plan)

    def cross(self):
        """X'X in weighted rows, (p, p)."""
        out = _np.empty((self.p, self.p))
        cdef double[:, ::1] xx = out
        if self.p:
            mere_plan_cross(self.plan, &xx[0, 0])
        return out

    def place(self, int64_t t):
        """(factor, first column in it, columns of the factor, its levels, first of its random effects) of term t."""
        cdef int64_t factor, column, k, q, first
        _check(mere_plan_term(self.plan, t, &factor, &column, &k, &q, &first))
        return factor, column, k, q, first

    def block_size(self):
        """How many numbers the k x k blocks of all levels of all factors are."""
        factors = {self.place(t)[0]: self.place(t)[2:4] for t in range(self.rows.rows.n_term)}
        return sum(q * k * k for k, q in factors.values())


@cython.no_gc_clear  # what it holds must outlive it, in a cycle too
cdef class Work:
    """A workspace: evaluations of the criterion for one response. Not shared between threads."""

    cdef mere_work *work
    cdef readonly Plan plan

    def __cinit__(self, Plan plan):
        cdef mere_status status
        with nogil:
            status = mere_work_new(plan.plan, &self.work)
        _check(status)
        self.plan = plan

    def __dealloc__(self):
        mere_work_free(self.work)

    def set_response(self, const double[::1] y):
        cdef mere_status status
        cdef double log_weights = self.plan.rows.log_weights
        if y.shape[0] != self.plan.rows.rows.n:
            raise KernelError(MERE_ERR_ARGUMENT)
        with nogil:
            status = mere_work_set_response(self.work, &self.plan.rows.rows, &y[0], log_weights)
        _check(status)

    cdef _par(self, par):
        array = _np.ascontiguousarray(par, dtype=_np.float64)
        if array.ndim != 1 or array.shape[0] != self.plan.n_par:
            raise KernelError(MERE_ERR_ARGUMENT)
        return array

    def value(self, par, bint reml):
        cdef const double[::1] x = self._par(par)
        cdef double d = 0.0
        cdef mere_status status
        with nogil:
            status = mere_lmm_value(self.work, &x[0], reml, &d)
        _check(status)
        return d

    def gradient(self):
        out = _np.empty(self.plan.n_par)
        cdef double[::1] g = out
        cdef mere_status status
        with nogil:
            status = mere_lmm_gradient(self.work, &g[0])
        _check(status)
        return out

    def information(self):
        out = _np.empty((self.plan.n_par, self.plan.n_par))
        cdef double[:, ::1] h = out
        cdef mere_status status
        with nogil:
            status = mere_lmm_information(self.work, &h[0, 0])
        _check(status)
        return out

    def gamma(self, int64_t factor, int64_t k):
        out = _np.empty((k, k))
        cdef double[:, ::1] g = out
        cdef mere_status status
        with nogil:
            status = mere_lmm_gamma(self.work, factor, &g[0, 0])
        _check(status)
        return out

    def state(self):
        """beta, RX, u, b (factor after factor) and the sums (ldL2, ldRX2, pwrss, ussq)."""
        cdef int64_t p = self.plan.p, q = self.plan.q
        beta, rx, u, b = _np.empty(p), _np.empty((p, p), order="F"), _np.empty(q), _np.empty(q)
        cdef double[::1] beta_ = beta, u_ = u, b_ = b
        cdef double[::1, :] rx_ = rx
        cdef double none = 0.0
        cdef double *first = &beta_[0] if p else &none
        cdef double *corner = &rx_[0, 0] if p else &none
        cdef mere_lmm_sums sums
        cdef mere_status status
        with nogil:
            status = mere_lmm_state(self.work, first, corner, &u_[0], &b_[0], &sums)
        _check(status)
        return beta, rx, u, b, (sums.ldL2, sums.ldRX2, sums.pwrss, sums.ussq)

    def conditional(self):
        """The blocks [Lambda M^-1 Lambda'] of every level, factor after factor, in one array."""
        cdef mere_status status
        out = _np.empty(self.plan.block_size())
        cdef double[::1] blocks = out
        with nogil:
            status = mere_lmm_conditional(self.work, &blocks[0])
        _check(status)
        return out

    def leverage(self):
        out = _np.empty(self.plan.rows.rows.n)
        cdef double[::1] h = out
        cdef mere_status status
        with nogil:
            status = mere_lmm_leverage(self.work, &self.plan.rows.rows, &h[0])
        _check(status)
        return out

    def fixed(self):
        """W' = X'H^-1 Z, (p, q)."""
        cdef int64_t p = self.plan.p
        cdef double none = 0.0
        out = _np.empty((p, self.plan.q))
        cdef double[:, ::1] w = out
        cdef double *first = &w[0, 0] if p else &none
        cdef mere_status status
        with nogil:
            status = mere_lmm_fixed(self.work, first)
        _check(status)
        return out

    def score(self):
        """Z'H^-1 (y - X beta), (q,)."""
        out = _np.empty(self.plan.q)
        cdef double[::1] t = out
        cdef mere_status status
        with nogil:
            status = mere_lmm_score(self.work, &t[0])
        _check(status)
        return out

    def metric(self, int64_t start, int64_t count):
        """Rows start .. start + count - 1 of N = Z'H^-1 Z, (count, q)."""
        out = _np.empty((count, self.plan.q))
        cdef double[:, ::1] n = out
        cdef mere_status status
        with nogil:
            status = mere_lmm_metric(self.work, start, count, &n[0, 0])
        _check(status)
        return out

    def metric_blocks(self):
        """The blocks (q, k, k) of N where there is one grouping factor."""
        _, _, k, q, _ = self.plan.place(0)
        out = _np.empty((q, k, k))
        cdef double[:, :, ::1] blocks = out
        cdef mere_status status
        with nogil:
            status = mere_lmm_metric_blocks(self.work, &blocks[0, 0, 0])
        _check(status)
        return out

    def start(self):
        out = _np.empty(self.plan.n_par)
        cdef double[::1] x = out
        _check(mere_lmm_start(self.work, &x[0]))
        return out

    def newton(self, start, bint reml, double decrement=1e-10, int64_t max_eval=1000):
        """Returns the parameters, the gradient, the Newton matrix and the outcome (a dict)."""
        cdef const double[::1] x0 = self._par(start)
        cdef int64_t n = self.plan.n_par
        out, gradient, matrix = _np.empty(n), _np.empty(n), _np.empty((n, n))
        cdef double[::1] x = out, g = gradient
        cdef double[:, ::1] h = matrix
        cdef mere_options options
        cdef mere_outcome outcome
        cdef mere_status status
        options.reml, options.max_eval, options.decrement = reml, max_eval, decrement
        options.xtol_abs = options.ftol_abs = 0.0
        options.algorithm = NULL
        with nogil:
            status = mere_minimize_newton(self.work, &options, &x0[0], &x[0], &g[0], &h[0, 0], &outcome)
        _check(status)
        return out, gradient, matrix, outcome

    def nlopt(self, algorithm, start, lower, upper, bint reml, double xtol_abs=1e-8, double ftol_abs=1e-8,
              int64_t max_eval=100000):
        cdef const double[::1] x0 = self._par(start), lo = self._par(lower), up = self._par(upper)
        out = _np.empty(self.plan.n_par)
        cdef double[::1] x = out
        cdef mere_options options
        cdef mere_outcome outcome
        cdef mere_status status
        cdef bytes name = algorithm.encode()
        options.reml, options.max_eval, options.decrement = reml, max_eval, 0.0
        options.xtol_abs, options.ftol_abs = xtol_abs, ftol_abs
        options.algorithm = name
        with nogil:
            status = mere_minimize_nlopt(self.work, &options, &lo[0], &up[0], &x0[0], &x[0], &outcome)
        _check(status)
        return out, outcome


# ---------------------------------------------------------------------------------------------- NLopt on a callable

cdef class _Callback:
    cdef object function, error
    cdef bint gradient


cdef int _call_back(int64_t n, const double *x, double *gradient, double *f, void *data) noexcept nogil:
    with gil:
        callback = <_Callback>data
        try:
            point = _np.empty(n)
            for i in range(n):
                point[i] = x[i]
            value, slope = callback.function(point, gradient != NULL)
            f[0] = value
            if gradient != NULL:
                for i in range(n):
                    gradient[i] = slope[i]
            return 0
        except BaseException as error:  # handed to the caller of nlopt_minimize
            callback.error = error
            return 1


def nlopt_minimize(algorithm, function, start, lower, upper, double xtol_abs=1e-8, double ftol_abs=1e-8,
                   int64_t max_eval=100000):
    """Minimize ``function(x, want_gradient) -> (value, gradient or None)`` by NLopt's `algorithm` within bounds."""
    cdef const double[::1] x0 = _np.ascontiguousarray(start, dtype=_np.float64)
    cdef const double[::1] lo = _np.ascontiguousarray(lower, dtype=_np.float64)
    cdef const double[::1] up = _np.ascontiguousarray(upper, dtype=_np.float64)
    cdef int64_t n = x0.shape[0]
    cdef mere_options options
    cdef mere_outcome outcome
    cdef mere_status status
    cdef bytes name = algorithm.encode()
    cdef _Callback callback = _Callback()
    if n < 1 or lo.shape[0] != n or up.shape[0] != n:
        raise KernelError(MERE_ERR_ARGUMENT)
    out = _np.empty(n)
    cdef double[::1] x = out
    callback.function = function
    options.reml, options.max_eval, options.decrement = 0, max_eval, 0.0
    options.xtol_abs, options.ftol_abs = xtol_abs, ftol_abs
    options.algorithm = name
    with nogil:
        status = mere_nlopt(_call_back, <void *>callback, n, &options, &lo[0], &up[0], &x0[0], &x[0], &outcome)
    if callback.error is not None:
        raise callback.error
    _check(status)
    return out, outcome


include "_profiles.pxi"
include "_refits.pxi"
include "_generalized.pxi"
