/* shift.h - what a mere_shift holds. Private to the kernels. */
#ifndef MERE_SHIFT_H
#define MERE_SHIFT_H

#include "work.h"

struct mere_shift {
    double *zy, *zx;             /* q: Z'y, Z'x */
    double *xy, *xx;             /* p: X'y, X'x */
    double *center_y, *center_x; /* p: what was subtracted */
    double norm_y, norm_x, cross;
};

/* x'r at v, with r the residuals of the last evaluation: `solution` and b from mere_lmm_solution. */
double mere_shift_residual(const mere_shift *shift, const mere_work *work, double v, const double *solution,
                           const double *b);

#endif
