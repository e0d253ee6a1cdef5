#include "sparse.h"
mere_status mere_sparse_decide(mere_plan *plan){plan->sparse=0;return MERE_OK;}
mere_status mere_sparse_new(const mere_plan *plan, mere_sparse **out){(void)plan;*out=0;return MERE_ERR_SPARSE;}
void mere_sparse_free(mere_sparse *s){(void)s;}
mere_status mere_sparse_factor(mere_work *w){(void)w;return MERE_ERR_SPARSE;}
mere_status mere_sparse_gradient(mere_work *w){(void)w;return MERE_ERR_SPARSE;}
mere_status mere_sparse_solution(mere_work *w,double*v,double*t){(void)w;(void)v;(void)t;return MERE_ERR_SPARSE;}
mere_status mere_sparse_products(mere_work *work, int64_t n, const int64_t *at, const double *f, double *c){(void)work;(void)n;(void)at;(void)f;(void)c;return MERE_ERR_SPARSE;}
mere_status mere_sparse_whiten(mere_work *work, int64_t n, double *c, int64_t ld){(void)work;(void)n;(void)ld;(void)c;return MERE_ERR_SPARSE;}
mere_status mere_sparse_inverse(mere_work *w, double a, double b){(void)w;(void)a;(void)b;return MERE_ERR_SPARSE;}
double mere_sparse_inverse_entry(const mere_work *w, int64_t i, int64_t j){(void)w;(void)i;(void)j;return 0;}
