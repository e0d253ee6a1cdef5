# Goldens of autoregressive errors within panels: fixtures/serial_errors.json.
#
#   Rscript r_parity/serial_errors.R       (from the root of the checkout)
suppressMessages({library(nlme); library(jsonlite)})
set.seed(33)
d <- expand.grid(t = 1:9, g = 1:14)
d <- d[sample(nrow(d), 108), ] # gaps, and rows in no order
d$x <- round(rnorm(108), 3)
d$z <- round(rnorm(14), 3)[d$g]
e <- matrix(0, 9, 14)
for (g in 1:14) e[, g] <- arima.sim(list(ar = c(0.5, 0.2)), 9)
d$y <- round(1 + 0.4 * d$x + 0.3 * d$z + e[cbind(d$t, d$g)] + rnorm(14)[d$g], 4)
d$w <- round(runif(108, 0.5, 2), 3)
tight <- list(maxIter = 500, msMaxIter = 500, tolerance = 1e-12, msTol = 1e-14, returnObject = TRUE)
phi <- function(m) as.numeric(coef(m$modelStruct$corStruct, unconstrained = FALSE))
fits <- list(
  ar1 = gls(y ~ x + z, d, correlation = corAR1(form = ~ t | g), control = tight),
  ar1_weights = gls(y ~ x + z, d, correlation = corAR1(form = ~ t | g), weights = varFixed(~ I(1 / w)), control = tight),
  ar2 = gls(y ~ x + z, d, correlation = corARMA(form = ~ t | g, p = 2), control = tight),
  mixed = lme(y ~ x + z, d, random = ~ 1 | g, correlation = corAR1(form = ~ t | g), control = lmeControl(
    maxIter = 500, msMaxIter = 500, niterEM = 0, tolerance = 1e-12, msTol = 1e-14, opt = "optim", reltol = 1e-14)))
one <- function(m) {
  mixed <- inherits(m, "lme")
  s <- summary(m)
  list(phi = phi(m), beta = as.numeric(if (mixed) fixef(m) else coef(m)), se = as.numeric(sqrt(diag(vcov(m)))),
    sigma = unbox(m$sigma), sd = unbox(if (mixed) as.numeric(VarCorr(m)[1, 2]) else NA),
    logLik = unbox(as.numeric(logLik(m))))
}
out <- list(R = unbox(as.character(getRversion())), package = unbox(paste("nlme", packageVersion("nlme"))),
  call = unbox("gls and lme of y ~ x + z with corAR1 or corARMA(p = 2) of t within g, REML, weights 1/w as variances"),
  tolerance = list(value = unbox(2e-4), reason = unbox("nlme differentiates numerically and stops early in phi")),
  data = as.list(d[c("y", "x", "z", "g", "t", "w")]), fits = lapply(fits, one))
write(toJSON(out, digits = 12, pretty = TRUE), "fixtures/serial_errors.json")
print(lapply(fits, phi))
