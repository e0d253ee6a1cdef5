# The kernels' declarations (csrc/*.h), for everything of the extension module.

from libc.stdint cimport int32_t, int64_t, uint64_t

cdef extern from "blas.h":
    const char *mere_blas_name(int i)
    void mere_blas_set(int i, void (*f)() noexcept)

cdef extern from "version.h":
    const char *mere_version()
    void mere_cholmod_version(int *version)
    void mere_nlopt_version(int *version)

cdef extern from "mere.h":
    ctypedef enum mere_status:
        MERE_OK
        MERE_ERR_MEMORY
        MERE_ERR_ARGUMENT
        MERE_ERR_NOT_FINITE
        MERE_ERR_NOT_POSITIVE
        MERE_ERR_PERFECT_FIT
        MERE_ERR_SPARSE
        MERE_ERR_OPTIMIZER
        MERE_ERR_TOO_LARGE
        MERE_ERR_DIVERGED
    ctypedef enum mere_schur:
        MERE_SCHUR_AUTO
        MERE_SCHUR_DENSE
        MERE_SCHUR_SPARSE
    ctypedef struct mere_term:
        int64_t k, q
        const double *z
        const int32_t *code
        int64_t factor
    ctypedef struct mere_rows:
        int64_t n, p
        const double *X
        const double *sqrt_w
        int64_t n_term
        const mere_term *term
    ctypedef struct mere_entry:
        int64_t term, row, column, par
    ctypedef struct mere_plan:
        pass
    ctypedef struct mere_work:
        pass
    ctypedef struct mere_plan_info:
        int64_t n, p, q, n_par, n_factor, rest, nnz_schur
        int32_t sparse, blas
    ctypedef struct mere_lmm_sums:
        double ldL2, ldRX2, pwrss, ussq
    ctypedef struct mere_options:
        int reml
        int64_t max_eval
        double xtol_abs, ftol_abs, decrement
        const char *algorithm
    ctypedef struct mere_outcome:
        double d
        int64_t n_eval, n_gradient
        int32_t code
        double decrement, certificate
        int32_t n_null
    ctypedef int (*mere_function)(int64_t, const double *, double *, double *, void *) noexcept nogil

    mere_status mere_plan_new(const mere_rows *, int64_t, const mere_entry *, int64_t, mere_schur, mere_plan **) nogil
    void mere_plan_free(mere_plan *) nogil
    mere_plan_info mere_plan_describe(const mere_plan *) nogil
    mere_status mere_plan_term(const mere_plan *, int64_t, int64_t *, int64_t *, int64_t *, int64_t *, int64_t *) nogil
    mere_status mere_work_new(const mere_plan *, mere_work **) nogil
    void mere_work_free(mere_work *) nogil
    mere_status mere_work_set_response(mere_work *, const mere_rows *, const double *, double) nogil
    mere_status mere_lmm_value(mere_work *, const double *, int, double *) nogil
    mere_status mere_lmm_gradient(mere_work *, double *) nogil
    mere_status mere_lmm_information(mere_work *, double *) nogil
    mere_status mere_lmm_gamma(mere_work *, int64_t, double *) nogil
    mere_status mere_lmm_state(mere_work *, double *, double *, double *, double *, mere_lmm_sums *) nogil
    mere_status mere_lmm_start(const mere_work *, double *) nogil
    mere_status mere_lmm_conditional(mere_work *, double *) nogil
    mere_status mere_lmm_leverage(mere_work *, const mere_rows *, double *) nogil
    mere_status mere_lmm_fixed(mere_work *, double *) nogil
    mere_status mere_lmm_score(mere_work *, double *) nogil
    mere_status mere_lmm_metric(mere_work *, int64_t, int64_t, double *) nogil
    mere_status mere_lmm_metric_blocks(const mere_work *, double *) nogil
    void mere_plan_cross(const mere_plan *, double *) nogil
    mere_status mere_minimize_newton(mere_work *, const mere_options *, const double *, double *, double *, double *,
                                     mere_outcome *) nogil
    mere_status mere_minimize_nlopt(mere_work *, const mere_options *, const double *, const double *, const double *,
                                    double *, mere_outcome *) nogil
    mere_status mere_nlopt(mere_function, void *, int64_t, const mere_options *, const double *, const double *,
                           const double *, double *, mere_outcome *) nogil

# -- profiles
cdef extern from "mere.h":
    ctypedef struct mere_shift:
        pass
    ctypedef enum mere_focus:
        MERE_FOCUS_SIGMA
        MERE_FOCUS_SD
        MERE_FOCUS_COR
        MERE_FOCUS_SHIFT
    ctypedef struct mere_profile_task:
        mere_focus focus
        int64_t first, second, lead
        const mere_shift *shift
        double at, d, sigma
        const double *par
        double lower, upper, step, delta, cutoff
        int64_t max_points
    ctypedef struct mere_profile_path:
        int64_t n
        double *value
        double *zeta
        double *slope
        double *d
        double *sigma
        double *par
        double *beta

    mere_status mere_work_fix_sigma(mere_work *, double) nogil
    mere_status mere_shift_new(mere_work *, const mere_rows *, const double *, const double *, double,
                               mere_shift **) nogil
    void mere_shift_free(mere_shift *) nogil
    mere_status mere_shift_apply(const mere_shift *, mere_work *, double) nogil
    mere_status mere_profile(mere_work *, const mere_profile_task *, const mere_options *, mere_profile_path *,
                             mere_outcome *) nogil

# -- simulated responses, refits, deletion
cdef extern from "mere.h":
    ctypedef struct mere_simulator:
        int64_t n
        const double *mean
        const double *scale
        int64_t n_term
        const mere_term *term
        const double **factor
        int64_t n_residual
        const double *residual
    ctypedef struct mere_refits:
        int32_t *status
        double *d
        double *sigma
        double *par
        double *beta
        double *rx
    ctypedef struct mere_deletion:
        pass

    mere_status mere_deletion_new(const mere_rows *, int64_t, const mere_entry *, int64_t, mere_schur, const double *,
                                  double, mere_deletion **) nogil
    void mere_deletion_free(mere_deletion *) nogil
    mere_status mere_deletion_refit(mere_deletion *, const mere_rows *, const mere_options *, const double *, int64_t,
                                    const int64_t *, const int64_t *, const mere_refits *) nogil
    mere_status mere_simulate(const mere_simulator *, uint64_t, uint64_t, int64_t, double *) nogil
    mere_status mere_permutations(uint64_t, uint64_t, int64_t, int64_t, int64_t *) nogil
    mere_status mere_refit(mere_work *, const mere_rows *, double, const mere_options *, const double *,
                           const double *, const mere_simulator *, uint64_t, uint64_t, int64_t,
                           const mere_refits *) nogil

# -- generalized models
cdef extern from "mere.h":
    ctypedef enum mere_family_name:
        MERE_GAUSSIAN
    ctypedef enum mere_link:
        MERE_IDENTITY
    ctypedef int (*mere_family_callback)(int64_t, const double *, double *, double *, double *, double *, double *,
                                         double *, void *) noexcept nogil
    ctypedef struct mere_family:
        mere_family_name family
        mere_link link
        double theta
        int32_t estimate_theta, canonical
        double constant
        mere_family_callback callback
        void *data
    ctypedef struct mere_glmm_data:
        int64_t p
        const double *X
        const double *y
        const double *weight
        const double *offset
        mere_family family
        double tolerance
        int64_t max_step
    ctypedef struct mere_glmm:
        pass
    ctypedef struct mere_glmm_sums:
        double ldL2, ldRX2, ussq, deviance, minus_2_loglik, max_eta, pearson
    ctypedef struct mere_rule:
        int64_t n_node
        const double *node
        const double *log_weight

    mere_status mere_glmm_new(const mere_plan *, const mere_rows *, const mere_glmm_data *, mere_glmm **) nogil
    void mere_glmm_free(mere_glmm *) nogil
    int64_t mere_glmm_n_par(const mere_glmm *) nogil
    void mere_glmm_rows(const mere_glmm *, int32_t *) nogil
    mere_status mere_glmm_value(mere_glmm *, const double *, double *) nogil
    mere_status mere_glmm_gradient(mere_glmm *, double *) nogil
    mere_status mere_glmm_information(mere_glmm *, double *) nogil
    mere_status mere_glmm_gamma(mere_glmm *, int64_t, double *) nogil
    mere_status mere_glmm_joint(mere_glmm *, double *, double *) nogil
    mere_status mere_glmm_joint_each(mere_glmm *, const double *, int64_t, const double *, double *) nogil
    mere_status mere_glmm_quadrature(mere_glmm *, const double *, int64_t, const double *, const double *, double *,
                                     double *) nogil
    mere_status mere_glmm_state(mere_glmm *, double *, double *, double *, double *, double *, double *,
                                mere_glmm_sums *) nogil
    mere_status mere_glmm_conditional(mere_glmm *, double *) nogil
    mere_status mere_glmm_minimize(mere_glmm *, const mere_rule *, const mere_options *, const double *, double *,
                                   double *, double *, mere_outcome *) nogil
    mere_status mere_glmm_nlopt(mere_glmm *, const mere_rule *, const mere_options *, const double *, const double *,
                                const double *, double *, mere_outcome *) nogil
