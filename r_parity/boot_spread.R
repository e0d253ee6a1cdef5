# Goldens of the spread of bootstrap replicates: fixtures/boot_spread.json.
#
#   Rscript r_parity/boot_spread.R       (from the root of the checkout)
#
# boot::boot of cases of lm and glm, lme4::bootMer of lmer and glmer: of each parameter the standard deviation and the mean
# of B replicates, their excess kurtosis (for the Monte-Carlo error of the standard deviation), and the estimate; and for
# lm and glm some rows of indices with what refits to them give.
suppressMessages({library(boot); library(lme4); library(jsonlite)})
options(warn = 1)
from <- function(p) unbox(paste(p, packageVersion(p)))
about <- function(call, B, reason) list(
  R = unbox(as.character(getRversion())), packages = sapply(c("boot", "lme4"), from), call = unbox(call),
  B = unbox(B), tolerance = list(errors = unbox(3), reason = unbox(reason)))
of <- function(t, t0) {
  t <- t[stats::complete.cases(t), , drop = FALSE]
  z <- scale(t)
  list(names = names(t0), estimate = unname(t0), mean = unname(colMeans(t)), sd = unname(apply(t, 2, sd)),
       kurtosis = unname(colMeans(z^4)), used = unbox(nrow(t)))
}
error <- "standard errors of Monte Carlo of the difference of two bootstraps"
out <- list()
tight <- glm.control(epsilon = 1e-14, maxit = 100)
fits <- list(
  lm = quote(lm(breaks ~ wool + tension, d)),
  poisson = quote(glm(breaks ~ wool + tension, poisson, d, control = tight)),
  gamma = quote(glm(breaks ~ wool + tension, Gamma("log"), d, control = tight)),
  binomial = quote(glm(I(breaks > 26) ~ wool, binomial, d, control = tight)))
for (id in names(fits)) {
  statistic <- function(d, i) { d <- d[i, ]; coef(eval(fits[[id]])) }
  set.seed(19)
  b <- boot(warpbreaks, statistic, R = 5000)
  entry <- c(about(paste0("boot(warpbreaks, coef(", deparse(fits[[id]]), "), R = 5000)"), 5000, error), of(b$t, b$t0))
  set.seed(20)
  rows <- t(replicate(5, sample(54, 54, TRUE)))
  entry$rows <- rows
  entry$draws <- t(apply(rows, 1, function(i) statistic(warpbreaks, i)))
  out[[id]] <- entry
}

parameters <- function(m) { v <- as.data.frame(VarCorr(m)); c(setNames(v$sdcor, paste(v$grp, v$var1, v$var2)), fixef(m)) }
control <- lmerControl(calc.derivs = FALSE, check.conv.singular = "ignore", optimizer = "bobyqa")
m <- lmer(Reaction ~ Days + (Days | Subject), sleepstudy, control = control)
b <- bootMer(m, parameters, nsim = 4000, seed = 26)
out$lmer <- c(about("bootMer(lmer(Reaction ~ Days + (Days | Subject), sleepstudy), nsim = 4000)", 4000, error), of(b$t, b$t0))
strict <- glmerControl(calc.derivs = FALSE, optimizer = "bobyqa", check.conv.singular = "ignore")
g <- glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial, control = strict)
b <- bootMer(g, parameters, nsim = 1500, seed = 28)
b$t <- b$t[apply(abs(b$t) < 5, 1, all), ]  # a draw without cases in a period has no estimate
out$glmer <- c(about("bootMer(glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial), nsim = 1500)", 1500, error), of(b$t, b$t0))
write(toJSON(out, digits = 15, pretty = TRUE), "fixtures/boot_spread.json")
