# Generalized linear mixed models, included by _core.pyx.


cdef int _rows_back(int64_t n, const double *eta, double *mu, double *e, double *w, double *d, double *h, double *dw,
                    void *data) noexcept nogil:
    with gil:
        glmm = <Glmm>data
        try:
            at = _np.asarray(<const double[:n]>eta)
            values = glmm.rows_of(at)
            if values is None:
                return 1
            for column, to in zip(values, (<double[:n]>mu, <double[:n]>e, <double[:n]>w, <double[:n]>d,
                                           <double[:n]>h, <double[:n]>dw)):
                _np.asarray(to)[:] = column
            return 0
        except BaseException as error:  # handed to whoever called the kernel
            glmm.error = error
            return 1


@cython.no_gc_clear
cdef class Glmm:
    """The criterion of a generalized linear mixed model: one workspace. Not shared between threads."""

    cdef mere_glmm *glmm
    cdef object keep, rows_of, error
    cdef readonly Plan plan
    cdef readonly int64_t n_par, p, n
    cdef double[::1] node, log_weight

    def __cinit__(self, Plan plan, const double[::1, :] X, const double[::1] y, weights, offset, int family, int link,
                  double theta, bint estimate_theta, double tolerance, int64_t max_step, rows_of=None,
                  double constant=0.0, bint canonical=False):
        """plan: of the random terms alone. rows_of(eta) -> (mu, e, w, d, h, dw) or None: a family without a kernel."""
        cdef mere_glmm_data data
        cdef mere_status status
        cdef const double[::1] wt, off
        self.n, self.p, self.plan = y.shape[0], X.shape[1], plan
        self.keep, self.rows_of, self.error = (X, y, weights, offset), rows_of, None
        data.p, data.X, data.y = X.shape[1], &X[0, 0] if X.shape[1] else NULL, &y[0]
        data.weight = data.offset = NULL
        if weights is not None:
            wt = weights
            data.weight = &wt[0]
        if offset is not None:
            off = offset
            data.offset = &off[0]
        data.family.family, data.family.link, data.family.theta = <mere_family_name>family, <mere_link>link, theta
        data.family.estimate_theta, data.family.canonical, data.family.constant = estimate_theta, canonical, constant
        data.family.callback = NULL
        if rows_of is not None:
            data.family.callback = _rows_back
        data.family.data = <void *>self
        data.tolerance, data.max_step = tolerance, max_step
        with nogil:
            status = mere_glmm_new(plan.plan, &plan.rows.rows, &data, &self.glmm)
        _check(status)
        self.n_par = mere_glmm_n_par(self.glmm)
        self.node = self.log_weight = _np.zeros(1)

    def __dealloc__(self):
        mere_glmm_free(self.glmm)

    cdef int _done(self, mere_status status) except -1:
        error, self.error = self.error, None
        if error is not None:
            raise error
        _check(status)
        return 0

    cdef _par(self, par):
        array = _np.array(par, dtype=_np.float64)
        if array.shape != (self.n_par,):
            raise KernelError(MERE_ERR_ARGUMENT)
        return array

    cdef mere_rule _rule(self, rule):
        """rule: 0 (joint), 1 (Laplace), or nodes and logs of weights."""
        cdef mere_rule out
        if isinstance(rule, int):
            out.n_node = rule
        else:
            self.node, self.log_weight = rule
            out.n_node = self.node.shape[0]
        out.node, out.log_weight = &self.node[0], &self.log_weight[0]
        return out

    def rows(self):
        """The user's rows in the order of the kernels."""
        out = _np.empty(self.n, dtype=_np.int32)
        cdef int32_t[::1] perm = out
        mere_glmm_rows(self.glmm, &perm[0])
        return out

    def value(self, par, rule=1):
        cdef double[::1] x = self._par(par)
        cdef double d = 0.0
        cdef mere_status status
        cdef mere_rule r = self._rule(rule)
        with nogil:
            if r.n_node > 1:
                status = mere_glmm_quadrature(self.glmm, &x[0], r.n_node, r.node, r.log_weight, &d, NULL)
            else:
                status = mere_glmm_value(self.glmm, &x[0], &d)
        self._done(status)
        return d

    def quadrature(self, par, rule):
        """The criterion by quadrature and its gradient."""
        out = _np.empty(self.n_par)
        cdef double[::1] x = self._par(par), g = out
        cdef double d = 0.0
        cdef mere_status status
        cdef mere_rule r = self._rule(rule)
        with nogil:
            status = mere_glmm_quadrature(self.glmm, &x[0], r.n_node, r.node, r.log_weight, &d, &g[0])
        self._done(status)
        return d, out

    def gradient(self):
        out = _np.empty(self.n_par)
        cdef double[::1] g = out
        cdef mere_status status
        with nogil:
            status = mere_glmm_gradient(self.glmm, &g[0])
        self._done(status)
        return out

    def information(self):
        out = _np.empty((self.n_par, self.n_par))
        cdef double[:, ::1] h = out
        cdef mere_status status
        with nogil:
            status = mere_glmm_information(self.glmm, &h[0, 0])
        self._done(status)
        return out

    def gamma(self, int64_t factor, int64_t k):
        out = _np.empty((k, k))
        cdef double[:, ::1] g = out
        cdef mere_status status
        with nogil:
            status = mere_glmm_gamma(self.glmm, factor, &g[0, 0])
        self._done(status)
        return out

    def joint(self, par, bint rough=False):
        """par with the beta that belongs to its theta when u and beta are found together, and the criterion there.

        rough: as a start for other methods, without the criterion (NaN).
        """
        out = self._par(par)
        cdef double[::1] x = out
        cdef double d = float('nan')
        cdef mere_status status
        with nogil:
            status = mere_glmm_joint(self.glmm, &x[0], NULL if rough else &d)
        self._done(status)
        return out, d

    def joint_each(self, par, const double[:, ::1] y):
        """beta (count, p) found together with u for each row of y (count, n) at par's theta, NaN where there is none."""
        cdef double[::1] x = self._par(par)
        cdef int64_t count = y.shape[0]
        out = _np.empty((count, self.p))
        cdef double[:, ::1] beta = out
        cdef mere_status status
        if y.shape[1] != self.n or self.p == 0:
            raise KernelError(MERE_ERR_ARGUMENT)
        if count == 0:
            return out
        with nogil:
            status = mere_glmm_joint_each(self.glmm, &x[0], count, &y[0, 0], &beta[0, 0])
        self._done(status)
        return out

    def state(self):
        """u, b (factor after factor), eta, mu, w, RX and the sums."""
        cdef int64_t p = self.p, q = self.plan.q, n = self.n
        u, b, rx = _np.empty(q), _np.empty(q), _np.empty((p, p), order="F")
        eta, mu, w = _np.empty(n), _np.empty(n), _np.empty(n)
        cdef double[::1] u_ = u, b_ = b, eta_ = eta, mu_ = mu, w_ = w
        cdef double[::1, :] rx_ = rx
        cdef double none = 0.0
        cdef double *corner = &rx_[0, 0] if p else &none
        cdef mere_glmm_sums sums
        cdef mere_status status
        with nogil:
            status = mere_glmm_state(self.glmm, &u_[0], &b_[0], &eta_[0], &mu_[0], &w_[0], corner, &sums)
        self._done(status)
        return u, b, eta, mu, w, rx, sums

    def conditional(self):
        out = _np.empty(self.plan.block_size())
        cdef double[::1] blocks = out
        cdef mere_status status
        with nogil:
            status = mere_glmm_conditional(self.glmm, &blocks[0])
        self._done(status)
        return out

    def newton(self, start, rule=1, double decrement=1e-10, int64_t max_eval=1000):
        """Returns the parameters, the gradient, the Newton matrix and the outcome (a dict)."""
        cdef double[::1] x0 = self._par(start)
        cdef int64_t n = self.n_par
        out, gradient, matrix = _np.empty(n), _np.empty(n), _np.empty((n, n))
        cdef double[::1] x = out, g = gradient
        cdef double[:, ::1] h = matrix
        cdef mere_options options
        cdef mere_outcome outcome
        cdef mere_status status
        cdef mere_rule r = self._rule(rule)
        options.reml, options.max_eval, options.decrement = 0, max_eval, decrement
        options.xtol_abs = options.ftol_abs = 0.0
        options.algorithm = NULL
        with nogil:
            status = mere_glmm_minimize(self.glmm, &r, &options, &x0[0], &x[0], &g[0], &h[0, 0], &outcome)
        self._done(status)
        return out, gradient, matrix, outcome

    def nlopt(self, algorithm, start, lower, upper, rule=1, double xtol_abs=1e-8, double ftol_abs=1e-8,
              int64_t max_eval=100000):
        cdef double[::1] x0 = self._par(start), lo = self._par(lower), up = self._par(upper)
        out = _np.empty(self.n_par)
        cdef double[::1] x = out
        cdef mere_options options
        cdef mere_outcome outcome
        cdef mere_status status
        cdef bytes name = algorithm.encode()
        cdef mere_rule r = self._rule(rule)
        options.reml, options.max_eval, options.decrement = 0, max_eval, 0.0
        options.xtol_abs, options.ftol_abs = xtol_abs, ftol_abs
        options.algorithm = name
        with nogil:
            status = mere_glmm_nlopt(self.glmm, &r, &options, &lo[0], &up[0], &x0[0], &x[0], &outcome)
        self._done(status)
        return out, outcome
