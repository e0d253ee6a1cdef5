/* start.c - where an optimizer starts. */
#include <math.h>

#include "work.h"

/* Moments, one column of Z at a time: with r the least-squares residuals and v = r'r/n, the between-level sum of squares
 * sum_l (z_l'r)^2 / z_l'z_l has expectation of about (n - q) tau^2 + q v, tau^2 the mean square of the column's effect. */
mere_status mere_lmm_start(const mere_work *work, double *par)
{
    const mere_plan *plan = work->plan;
    double total = work->yy / (double)plan->n, explained = 0.0;
    for (int64_t e = 0; e < plan->n_par; e++)
        par[e] = 0.0;
    for (int pass = 0; pass < 2; pass++) /* first the sum of all, then each relative to what is left */
        for (int64_t e = 0; e < plan->n_entry; e++) {
            const mere_entry *entry = &plan->entry[e];
            const mere_factor *factor = &plan->factor[entry->term];
            int64_t k = factor->k, c = entry->column, used = 0;
            if (entry->row != c || !(factor->scale[c] > 0.0))
                continue;
            double between = 0.0, ratio;
            for (int64_t l = 0; l < factor->q; l++) {
                double zz = factor->diag[(l * k + c) * k + c], zy = work->zy[factor->u_first + l * k + c];
                if (zz > 0.0) {
                    between += zy * zy / zz;
                    used++;
                }
            }
            ratio = (between - (double)used * total) / fmax((double)(plan->n - used), 1.0) / fmax(total, 1e-300);
            ratio = fmin(fmax(ratio, 0.01), 0.9);
            if (pass == 0) {
                explained += ratio;
            } else {
                double left = fmax(1.0 - explained, 0.1), mean_square = 0.0;
                mean_square = factor->scale[c] * factor->scale[c] * (double)factor->q / (double)plan->n;
                par[entry->par] = fmin(sqrt(ratio / left / mean_square), 5.0 / sqrt(mean_square));
            }
        }
    return MERE_OK;
}
