# Simulated responses and many fits on one plan, included by _core.pyx.



def permutations(uint64_t seed, uint64_t first, int64_t count, int64_t n):
    """Permutations first, first + 1, ... of 0, ..., n - 1, (count, n)."""
    out = _np.empty((count, n), dtype=_np.int64)
    cdef int64_t[:, ::1] rows = out
    cdef mere_status status
    if count < 1:
        return out
    with nogil:
        status = mere_permutations(seed, first, count, n, &rows[0, 0])
    _check(status)
    return out


cdef class Simulator:
    """How responses are drawn: mean and scale (n,); terms (z (n, k) or None, codes, q, factor (k, k)); residuals or None."""

    cdef mere_simulator simulator
    cdef mere_term *terms
    cdef const double **factors
    cdef object _keep

    def __cinit__(self, const double[::1] mean, const double[::1] scale, terms, residual=None):
        cdef int64_t t, n = mean.shape[0]
        cdef const double[::1, :] z, f
        cdef const int32_t[::1] code
        cdef const double[::1] e
        self.terms = <mere_term *>calloc(len(terms) + 1, sizeof(mere_term))
        self.factors = <const double **>calloc(len(terms) + 1, sizeof(double *))
        if self.terms == NULL or self.factors == NULL:
            raise MemoryError
        if scale.shape[0] != n or n < 1:
            raise KernelError(MERE_ERR_ARGUMENT)
        keep = [mean, scale]
        for t in range(len(terms)):
            values, codes, q, factor = terms[t]
            code, f = codes, factor
            if code.shape[0] != n or f.shape[0] != f.shape[1] or _np.min(codes) < 0 or _np.max(codes) >= q:
                raise KernelError(MERE_ERR_ARGUMENT)
            self.terms[t].k, self.terms[t].q, self.terms[t].code = f.shape[0], q, &code[0]
            self.factors[t] = &f[0, 0]
            keep += [code, f]
            if values is not None:
                z = values
                if z.shape[0] != n or z.shape[1] != f.shape[0]:
                    raise KernelError(MERE_ERR_ARGUMENT)
                self.terms[t].z = &z[0, 0]
                keep.append(z)
            elif f.shape[0] != 1:
                raise KernelError(MERE_ERR_ARGUMENT)
        self.simulator.n, self.simulator.mean, self.simulator.scale = n, &mean[0], &scale[0]
        self.simulator.n_term, self.simulator.term, self.simulator.factor = len(terms), self.terms, self.factors
        if residual is not None:
            e = residual
            self.simulator.n_residual, self.simulator.residual = e.shape[0], &e[0]
            keep.append(e)
        self._keep = keep

    def __dealloc__(self):
        free(self.terms)
        free(self.factors)

    def draw(self, uint64_t seed, uint64_t first, int64_t count):
        """The responses (n, count) of replicates first, first + 1, ..."""
        out = _np.empty((self.simulator.n, count), order="F")
        cdef double[::1, :] y = out
        cdef mere_status status
        if count < 1:
            return out
        with nogil:
            status = mere_simulate(&self.simulator, seed, first, count, &y[0, 0])
        _check(status)
        return out


def refit(Work work, start, bint reml, Simulator simulator=None, y=None, uint64_t seed=0, uint64_t first=0,
          int64_t count=0, double decrement=1e-10, int64_t max_eval=500):
    """Fits to the columns of y (n, count), or to a simulator's replicates: status, d, sigma (count,), par, beta."""
    cdef const double[::1] x0 = work._par(start)
    cdef const double[::1, :] responses
    cdef const double *ys = NULL
    cdef const mere_simulator *source = NULL
    cdef int64_t p = work.plan.p, n_par = work.plan.n_par
    cdef double log_weights = work.plan.rows.log_weights, none = 0.0
    cdef const mere_rows *rows = &work.plan.rows.rows
    cdef mere_options options
    cdef mere_refits refits
    cdef mere_status status
    if y is not None:
        responses = y
        count = responses.shape[1]
        if responses.shape[0] != rows.n:
            raise KernelError(MERE_ERR_ARGUMENT)
        if count:
            ys = &responses[0, 0]
    elif simulator is not None:
        source = &simulator.simulator
    codes, ds, sigmas = _np.zeros(count, dtype=_np.int32), _np.empty(count), _np.empty(count)
    pars, betas = _np.empty((count, n_par)), _np.empty((count, p))
    cdef int32_t[::1] codes_ = codes
    cdef double[::1] d_ = ds, sigma_ = sigmas
    cdef double[:, ::1] par_ = pars, beta_ = betas
    if count < 1:
        return codes, ds, sigmas, pars, betas
    refits.status, refits.d, refits.sigma, refits.par = &codes_[0], &d_[0], &sigma_[0], &par_[0, 0]
    refits.beta = &beta_[0, 0] if p else &none
    refits.rx = NULL
    options.reml, options.max_eval, options.decrement = reml, max_eval, decrement
    options.xtol_abs = options.ftol_abs = 0.0
    options.algorithm = NULL
    with nogil:
        status = mere_refit(work.work, rows, log_weights, &options, &x0[0], ys, source, seed, first, count, &refits)
    _check(status)
    return codes, ds, sigmas, pars, betas


@cython.no_gc_clear
cdef class Deletion:
    """Fits of a plan's model without some rows. Not shared between threads."""

    cdef mere_deletion *deletion
    cdef readonly Plan plan

    def __cinit__(self, Plan plan, const int64_t[:, ::1] entries, const double[::1] y):
        cdef mere_status status
        cdef const mere_entry *entry = <const mere_entry *>&entries[0, 0]
        cdef const mere_rows *rows = &plan.rows.rows
        cdef double log_weights = plan.rows.log_weights
        cdef int64_t n = entries.shape[0], n_par = plan.n_par
        if y.shape[0] != rows.n:
            raise KernelError(MERE_ERR_ARGUMENT)
        with nogil:
            status = mere_deletion_new(rows, n, entry, n_par, MERE_SCHUR_AUTO, &y[0], log_weights, &self.deletion)
        _check(status)
        self.plan = plan

    def __dealloc__(self):
        mere_deletion_free(self.deletion)

    def refit(self, start, bint reml, const int64_t[::1] ptr, const int64_t[::1] row, double decrement=1e-10,
              int64_t max_eval=500):
        """Without the rows row[ptr[s]:ptr[s + 1]] of each set s: status, d, sigma, par, beta, RX' (count, p, p)."""
        cdef int64_t i, count = ptr.shape[0] - 1, p = self.plan.p, n_par = self.plan.n_par
        cdef const mere_rows *rows = &self.plan.rows.rows
        start = _np.ascontiguousarray(start, dtype=_np.float64)
        cdef const double[::1] x0 = start
        codes, ds, sigmas = _np.zeros(count, dtype=_np.int32), _np.empty(count), _np.empty(count)
        pars, betas, rxs = _np.empty((count, n_par)), _np.empty((count, p)), _np.empty((count, p, p))
        cdef int32_t[::1] codes_ = codes
        cdef double[::1] d_ = ds, sigma_ = sigmas
        cdef double[:, ::1] par_ = pars, beta_ = betas
        cdef double[:, :, ::1] rx_ = rxs
        cdef double none = 0.0
        cdef mere_options options
        cdef mere_refits refits
        cdef mere_status status
        for i in range(row.shape[0]):
            if row[i] < 0 or row[i] >= rows.n:
                raise KernelError(MERE_ERR_ARGUMENT)
        if x0.shape[0] != n_par or ptr[count] != row.shape[0]:
            raise KernelError(MERE_ERR_ARGUMENT)
        if count < 1 or row.shape[0] < 1:
            return codes, ds, sigmas, pars, betas, rxs
        refits.status, refits.d, refits.sigma, refits.par = &codes_[0], &d_[0], &sigma_[0], &par_[0, 0]
        refits.beta = &beta_[0, 0] if p else &none
        refits.rx = &rx_[0, 0, 0] if p else NULL
        options.reml, options.max_eval, options.decrement = reml, max_eval, decrement
        options.xtol_abs = options.ftol_abs = 0.0
        options.algorithm = NULL
        with nogil:
            status = mere_deletion_refit(self.deletion, rows, &options, &x0[0], count, &ptr[0], &row[0], &refits)
        _check(status)
        return codes, ds, sigmas, pars, betas, rxs


def message(int status):
    """What a status of the kernels means."""
    return _MESSAGES.get(status, f"kernel status {status}")
