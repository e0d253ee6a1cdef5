# Goldens of R's number formatting, written to fixtures/accessors/format.json
library(jsonlite)
set.seed(20)
num <- function(x) ifelse(is.na(x), "NA", sprintf("%.17g", x))
pool <- list(
  c(24.7406579949, 5.92213766, 25.59179572), c(612.100158, 35.071714, 654.940008),
  c(9996, 12.3), 9996, 99996, 0.00001234, c(0.1, 1e-10), 1e5, 123456, 1e15, 1e-15, c(1, NA, 3.5), NA_real_,
  c(0, 0), c(-1.5, 2), 0.15, 2.5, 1234567.891, c(1e-300, 1), c(Inf, 1), c(1e10, 1), c(100000, 1), 100000, 1e5 + 0.1,
  c(-0.138), c(3.14159, 1e6), c(0.0001, 0.00012345), 1763.93934, c(1763.93934, -875.96967, 174), c(0.99999999, 1), 999999.5)
for (i in 1:150) {
  n <- sample(1:5, 1)
  pool[[length(pool) + 1]] <- switch(sample(4, 1), rnorm(n) * 10^sample(-6:7, 1), rnorm(n) * 10^sample(-6:7, n, TRUE),
    round(rnorm(n), sample(0:4, 1)), exp(rnorm(n, 0, 4)))
}
fmt <- lapply(pool, function(x) lapply(c(3, 4, 5, 7), function(d)
  list(x = num(x), digits = d, format = I(format(x, digits = d)), nsmall2 = I(format(x, digits = d, nsmall = 2)))))
fmt <- unlist(fmt, recursive = FALSE)
pv <- list(c(.5, .01), c(1e-20, .03), 1e-20, c(1e-20, 1e-18), c(1e-5, .2, 3e-9), c(.00012, .0012, .5), c(NA, .03), c(0, 1), 0,
  c(3e-17, 1e-8), c(3.27e-05, 2e-16, 1e-17, .8))
for (i in 1:60) pv[[length(pv) + 1]] <- 10^(-runif(sample(1:6, 1), 0, sample(c(2, 5, 20), 1)))
pvs <- unlist(lapply(pv, function(p) lapply(c(1, 3, 4, 5), function(d)
  list(p = num(p), digits = d, out = I(format.pval(p, digits = d))))), recursive = FALSE)
ab <- c("(Intercept)", "period2", "period3", "recipeB", "recipeC", "temperature.L", "recipeB:temperature.L", "recipeC:temperature.L",
  "recipeB:temperature^4", "recipeC:temperature^4", "VarietyMarvellous", "nitro", "I(Days^2)", "poly(x, 2)1", "poly(x, 2)2", "log(x)", "x", "service1",
  "a long name with words", "ALLCAPSNAME", "ALLCAPSNAMF", "Marvellous oats here", "genotype:treatmentA", "btype", "situ", "mode", "scale(ftime)")
abb <- lapply(c(3, 6, 8, 11), function(k) list(names = ab, k = k, out = unname(abbreviate(ab, k))))
abb2 <- lapply(c(6, 11), function(k) list(names = ab[c(1, 2:5)], k = k, out = unname(abbreviate(ab[c(1, 2:5)], k))))
mats <- list()
for (i in 1:60) {
  p <- sample(1:6, 1)
  est <- rnorm(p) * 10^sample(-4:5, if (i %% 2) 1 else p, TRUE); se <- abs(rnorm(p)) * 10^sample(-4:4, if (i %% 2) 1 else p, TRUE)
  if (i %% 7 == 0) est[1] <- 0
  if (i %% 11 == 0) { est[p] <- NA; se[p] <- NA }
  t <- est / se
  kind <- i %% 3
  m <- cbind(Estimate = est, `Std. Error` = se, `t value` = t)
  if (kind == 1) m <- cbind(m, `Pr(>|t|)` = 2 * pt(-abs(t), 20))
  if (kind == 2) m <- cbind(m[, 1:2, drop = FALSE], df = rexp(p) * 20, m[, 3, drop = FALSE], `Pr(>|t|)` = 2 * pnorm(-abs(t)))
  rownames(m) <- paste0("x", seq_len(p))
  d <- c(4, 5, 3)[1 + i %% 3]
  args <- list(m, digits = d, signif.stars = kind > 0)
  if (kind == 2) args <- c(args, list(cs.ind = 1:2, tst.ind = 4, P.values = TRUE, has.Pvalue = TRUE))
  mats[[i]] <- list(columns = colnames(m), rows = I(rownames(m)), values = lapply(seq_len(p), function(r) num(m[r, ])), digits = d,
    kind = kind, out = I(capture.output(do.call(printCoefmat, args))))
}
vecs <- list()
for (i in 1:20) {
  n <- sample(1:14, 1); x <- rnorm(n) * 10^sample(-3:5, 1); names(x) <- sample(ab, n)
  vecs[[i]] <- list(x = num(x), names = I(names(x)), out = I(capture.output(print(x, digits = 4))),
    gap = I(capture.output(print.default(format(x, digits = 4), print.gap = 2L, quote = FALSE))))
}
write_json(list(R = R.version.string, call = "format, format.pval, abbreviate, printCoefmat, print",
  tolerance = "none: text must be equal", format = fmt, pval = pvs, abbreviate = c(abb, abb2), coefmat = mats, vector = vecs),
  "fixtures/accessors/format.json", auto_unbox = TRUE, pretty = TRUE)
