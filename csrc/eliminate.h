/* eliminate.h - the first grouping factor, level by level. Private to the kernels. */
#ifndef MERE_ELIMINATE_H
#define MERE_ELIMINATE_H

#include "work.h"

/* For every level l of factor 0: M = Lambda' A Lambda + I = L L', F = Lambda L^-T, and b = a F. Sets *log_det to
 * sum log|M|. Returns 0, or a non-zero number if a factorization broke down. */
int mere_eliminate(mere_work *work, double *log_det);

/* n (dense, lower) -= sum_l b_l b_l'. */
mere_status mere_subtract_levels(mere_work *work);

/* For every level: q_l = a_l' g a_l with the symmetric g (dense, lower), then
 * Gamma_0 += R A - R q R', R = I - A F F'. */
mere_status mere_gamma_first(mere_work *work);

#endif
