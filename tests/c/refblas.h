/* refblas.h - the reference BLAS of the C tests. */
#ifndef REFBLAS_H
#define REFBLAS_H

#include "blas.h"

/* Put the reference functions behind the shim. */
void refblas_fill(void);

#endif
