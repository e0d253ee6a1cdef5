# Goldens of proportional odds and baseline-category logit models: fixtures/categorical.json.
#
#   Rscript r_parity/categorical.R       (from the root of the checkout)
suppressMessages({library(MASS); library(nnet); library(jsonlite)})
X <- model.matrix(~ Infl + Type + Cont, housing)[, -1]
d <- data.frame(Sat = housing$Sat, Freq = housing$Freq, X)
f <- reformulate(colnames(d)[-(1:2)], "Sat")
start <- polr(f, d, weights = Freq, Hess = TRUE)
ordinal <- polr(f, d, weights = Freq, Hess = TRUE, start = c(coef(start), start$zeta),
  control = list(reltol = 1e-15, maxit = 1000))
nominal <- multinom(f, d, weights = Freq, Hess = TRUE, reltol = 1e-15, abstol = 1e-12, maxit = 1000, trace = FALSE)
set.seed(11)
small <- data.frame(x = round(rnorm(60), 3), z = round(rnorm(60), 3))
small$y <- cut(0.8 * small$x + rlogis(60), c(-Inf, -1, 0, 1.5, Inf), labels = FALSE)
so <- polr(factor(y) ~ x + z, small, Hess = TRUE, control = list(reltol = 1e-15, maxit = 1000))
sn <- multinom(factor(y) ~ x + z, small, Hess = TRUE, reltol = 1e-15, abstol = 1e-12, maxit = 1000, trace = FALSE)
of <- function(m) {
  p <- inherits(m, "polr")
  list(coef = if (p) as.numeric(c(coef(m), m$zeta)) else unname(coef(m)), se = if (p) as.numeric(sqrt(diag(vcov(m)))) else
    unname(summary(m)$standard.errors), logLik = unbox(as.numeric(logLik(m))))
}
out <- list(R = unbox(as.character(getRversion())),
  package = unbox(paste("MASS", packageVersion("MASS"), "nnet", packageVersion("nnet"))),
  call = unbox("polr(Sat ~ columns of Infl + Type + Cont, housing, weights = Freq), multinom of the same; and of 60 simulated rows"),
  tolerance = list(value = unbox(2e-5), se = unbox(1e-4), logLik = unbox(1e-7),
    reason = unbox("BFGS of both stops at about 1e-6; polr's Hessian is of differences")),
  housing = list(y = as.integer(housing$Sat), Freq = housing$Freq, X = X), small = as.list(small),
  fits = list(housing_ordinal = of(ordinal), housing_multinomial = of(nominal), small_ordinal = of(so), small_multinomial = of(sn)))
write(toJSON(out, digits = 12, pretty = TRUE), "fixtures/categorical.json")
