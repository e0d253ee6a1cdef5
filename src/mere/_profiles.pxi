# Profiles, included by _core.pyx: one quantity held fixed, the criterion minimized over the rest.


FOCUS = {
    "sigma": MERE_FOCUS_SIGMA, "sd": MERE_FOCUS_SD, "cor": MERE_FOCUS_COR, "beta": MERE_FOCUS_SHIFT,
}


@cython.no_gc_clear
cdef class Shift:
    """The responses y - v x of a workspace, for any v without a pass over the rows."""

    cdef mere_shift *shift
    cdef readonly Work work

    def __cinit__(self, Work work, const double[::1] y, const double[::1] x):
        cdef mere_status status
        cdef const mere_rows *rows = &work.plan.rows.rows
        cdef double log_weights = work.plan.rows.log_weights
        if y.shape[0] != rows.n or x.shape[0] != rows.n:
            raise KernelError(MERE_ERR_ARGUMENT)
        with nogil:
            status = mere_shift_new(work.work, rows, &y[0], &x[0], log_weights, &self.shift)
        _check(status)
        self.work = work

    def __dealloc__(self):
        mere_shift_free(self.shift)

    def apply(self, double v):
        _check(mere_shift_apply(self.shift, self.work.work, v))


def fix_sigma(Work work, double sigma):
    """Hold the residual standard deviation of the criterion at sigma; 0: profile it out again."""
    _check(mere_work_fix_sigma(work.work, sigma))


def profile(Work work, str focus, par, double at, double d, double sigma, double lower, double upper, double step,
            double delta, double cutoff, int64_t first=0, int64_t second=0, Shift shift=None, bint reml=False,
            int64_t max_points=50, double decrement=1e-10):
    """The path of a profile: value, zeta, slope, d, sigma (n,), par (n, n_par), beta (n, p); the optimum is not on it."""
    cdef const double[::1] x0 = work._par(par)
    cdef int64_t n = 2 * max_points, p = work.plan.p, n_par = work.plan.n_par
    columns, pars, betas = _np.empty((5, n)), _np.empty((n, n_par)), _np.empty((n, p))
    cdef double[:, ::1] c = columns, pars_ = pars, betas_ = betas
    cdef double none = 0.0
    cdef mere_profile_task task
    cdef mere_profile_path path
    cdef mere_options options
    cdef mere_outcome outcome
    cdef mere_status status
    task.focus, task.first, task.second, task.lead = FOCUS[focus], first, second, max(first - 1, 0)
    task.shift = shift.shift if shift is not None else NULL
    task.at, task.d, task.sigma, task.par = at, d, sigma, &x0[0]
    task.lower, task.upper, task.step = lower, upper, step
    task.delta, task.cutoff, task.max_points = delta, cutoff, max_points
    path.value, path.zeta, path.slope, path.d, path.sigma = &c[0, 0], &c[1, 0], &c[2, 0], &c[3, 0], &c[4, 0]
    path.par, path.beta = &pars_[0, 0], &betas_[0, 0] if p else &none
    options.reml, options.max_eval, options.decrement = reml, 200, decrement
    options.xtol_abs = options.ftol_abs = 0.0
    options.algorithm = NULL
    with nogil:
        status = mere_profile(work.work, &task, &options, &path, &outcome)
    _check(status)
    return (*columns[:, :path.n], pars[:path.n], betas[:path.n])
