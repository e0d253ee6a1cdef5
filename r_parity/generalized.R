# Goldens of glmer.nb, of standard errors of predictions, and of lmList: fixtures/generalized/*.json.
#
#   Rscript r_parity/generalized.R        (from the root of the checkout, after r_parity/glmm.R, which draws its tables)
#
# Predictions: witness is glmmTMB (automatic differentiation), of canonical links, where its Laplace approximation is lme4's; its
# standard errors have the uncertainty of the variance parameters in them. glmer.nb alternates between theta and the rest and
# stops early, so here lme4's deviance function with tolPwrss = 1e-13 is minimized over all parameters, log theta among them;
# the covariance is from its Richardson-extrapolated Hessian. glmmTMB's nbinom2 takes the observed curvature, lme4 the
# expected one: its criterion is kept beside, as a second opinion that is near but not the same.
suppressMessages({library(lme4); library(glmmTMB); library(jsonlite); library(numDeriv)})
source("r_parity/tables.R")
options(warn = 1)
dir.create("fixtures/generalized", showWarnings = FALSE)
read <- function(name, factors) {
  d <- read.csv(file.path("fixtures/data", paste0(name, ".csv")))
  for (f in factors) d[[f]] <- factor(d[[f]])
  d
}
glmm_times <- read("glmm_times", c("g", "h"))
glmm_crossed <- read("glmm_crossed", c("g", "h"))
store <- function(id, out) {
  out <- c(list(id = unbox(id), R = unbox(as.character(getRversion()))), out)
  lines <- vapply(names(out), function(n) paste0("\"", n, "\": ", toJSON(out[[n]], digits = I(17), na = "null", null = "null")), "")
  writeLines(c("{", paste0(lines, c(rep(",", length(lines) - 1), "")), "}"), file.path("fixtures/generalized", paste0(id, ".json")))
}
tight <- glmmTMBControl(optCtrl = list(iter.max = 2000, eval.max = 2000, rel.tol = 1e-14, x.tol = 1e-12))

tmb <- function(id, formula, data, family, name, link) {
  fit <- function(control) suppressWarnings(glmmTMB(as.formula(formula), eval(as.name(data)), family = family, control = control))
  m <- fit(tight)
  # a few Newton steps on the exact gradient, from where nlminb stopped
  obj <- m$obj; x <- m$fit$par
  for (i in 1:5) x <- x - solve(optimHess(x, obj$fn, obj$gr), c(obj$gr(x)))
  last <- max(abs(obj$gr(x)))
  stopifnot(last < 1e-5)
  rows <- round(seq(1, nrow(eval(as.name(data))), length.out = 12))
  d <- eval(as.name(data))[rows, ]
  p <- predict(m, d, se.fit = TRUE); q <- predict(m, d, type = "response", se.fit = TRUE)
  r <- predict(m, d, re.form = NA, se.fit = TRUE)
  beta <- x[names(x) == "beta"]
  H <- optimHess(x, obj$fn, obj$gr)
  V <- solve(H)[names(x) == "beta", names(x) == "beta", drop = FALSE]
  store(id, list(call = unbox(paste0("glmmTMB(", formula, ", ", data, ", ", name, "(", link, "))")),
    glmmTMB = unbox(as.character(packageVersion("glmmTMB"))), formula = unbox(formula), data = unbox(data), family = unbox(name),
    link = unbox(link), criterion = unbox(2 * obj$fn(x)), beta = unname(beta), vcov = unname(V),
    sd = unname(exp(x[names(x) == "theta"])), rows = rows - 1, link_fit = unname(p$fit), link_se = unname(p$se.fit), response_fit = unname(q$fit),
    response_se = unname(q$se.fit), fixed_fit = unname(r$fit), fixed_se = unname(r$se.fit),
    tolerance = list(value = unbox(2e-5), reason = unbox("two optimizers, each at a gradient below 1e-5; predictions are at nlminb's stop"))))
}
inc <- "cbind(incidence, size - incidence) ~ period + (1 | herd)"
tmb("predict_cbpp", inc, "cbpp", binomial(), "binomial", "logit")
tmb("predict_grouse", "TICKS ~ YEAR + (1 | BROOD) + (1 | LOCATION)", "grouseticks", poisson(), "poisson", "log")
tmb("predict_offset", "count ~ x + offset(log(e)) + (1 | g) + (1 | h)", "glmm_crossed", poisson(), "poisson", "log")

# ------------------------------------------------------------------ glmer.nb
quiet <- function(expr) suppressMessages(suppressWarnings(expr))
nb <- function(id, formula, data, nAGQ = 1) {
  d <- eval(as.name(data)); control <- glmerControl(tolPwrss = 1e-13, check.conv.singular = "ignore")
  made <- new.env()
  fun <- function(log_size) {   # the deviance function at this size, kept
    key <- format(log_size, digits = 17)
    if (is.null(made[[key]])) {
      fam <- MASS::negative.binomial(exp(log_size))
      lf <- quiet(glFormula(as.formula(formula), d, family = fam, control = control))
      f <- quiet(do.call(mkGlmerDevfun, c(lf, list(control = control))))
      quiet(optimizeGlmer(f, optimizer = "bobyqa"))
      made[[key]] <- list(f = quiet(updateGlmerDevfun(f, lf$reTrms, nAGQ = nAGQ)), lf = lf, nth = length(environment(f)$lower))
    }
    made[[key]]
  }
  start <- quiet(glmer.nb(as.formula(formula), d))
  x <- c(getME(start, "theta"), fixef(start), log(getME(start, "glmer.nb.theta")))
  nth <- length(getME(start, "theta")); lower <- c(rep(0, nth), rep(-Inf, length(x) - nth)); last <- length(x)
  F <- function(x) quiet(fun(x[last])$f(x[-last]))
  inner <- function(s, from) nlminb(from, function(y) quiet(fun(s)$f(y)), lower = lower[-last],
    control = list(rel.tol = 1e-15, x.tol = 1e-11, eval.max = 3000, iter.max = 1000))
  keep <- x[-last]
  outer <- function(s) { o <- inner(s, keep); keep <<- o$par; o$objective }
  s <- optimize(outer, x[last] + c(-.7, .7), tol = 1e-7)$minimum
  x <- c(inner(s, keep)$par, s)
  H <- hessian(F, x, method.args = list(d = .03, r = 3)); free <- x > 1e-6 | lower < 0
  V <- matrix(0, last, last); V[free, free] <- 2 * solve(H[free, free])
  at <- nth + seq_along(fixef(start))
  witness <- quiet(glmmTMB(as.formula(formula), d, family = nbinom2))
  store(id, list(call = unbox(paste0("glmer.nb(", formula, ", ", data, ")")), lme4 = unbox(as.character(packageVersion("lme4"))),
    formula = unbox(formula), data = unbox(data), theta = x[seq_len(nth)], beta = unname(x[at]), names = names(fixef(start)),
    size = unbox(exp(s)), criterion = unbox(F(x)), vcov = unname(V[at, at]), log_size_se = unbox(sqrt(V[last, last])),
    lme4_criterion = unbox(-2 * as.numeric(logLik(start))), glmmTMB = unbox(-2 * as.numeric(logLik(witness))),
    tolerance = list(criterion = unbox(2e-6), parameters = unbox(5e-4), vcov = unbox(2e-2),
      reason = unbox("a derivative-free nest of optimizers on a criterion known to 1e-8; differences for the Hessian"))))
  cat(id, F(x), -2 * as.numeric(logLik(start)), exp(s), "\n")
}
nb("nb_grouse", "TICKS ~ YEAR + (1 | BROOD)", "grouseticks")
nb("nb_grouse_two", "TICKS ~ YEAR + scale(HEIGHT) + (1 | BROOD) + (1 | LOCATION)", "grouseticks")
nb("nb_times", "nb ~ x + (1 | g)", "glmm_times")
nb("nb_two", "nb ~ x + (1 | g) + (1 | h)", "glmm_times")
nb("nb_crossed", "count ~ x + offset(log(e)) + (1 | g)", "glmm_crossed")

# ------------------------------------------------------------------ lmList
either <- function(expr) tryCatch(suppressWarnings(expr), error = function(e) NULL)
several <- function(id, call, formula, data, family, weights = NULL) {
  m <- suppressWarnings(eval(call)); s <- either(summary(m))
  d <- eval(as.name(data))
  store(id, list(call = unbox(paste(deparse(call), collapse = " ")), lme4 = unbox(as.character(packageVersion("lme4"))),
    formula = unbox(formula), data = unbox(data), family = unbox(family), groups = names(m), names = colnames(coef(m)),
    coef = unname(as.matrix(coef(m))), sigma = unbox(either(sigma(m))), df_residual = unbox(either(df.residual(m))),
    logLik = unbox(either(as.numeric(logLik(m)))), logLik_df = unbox(either(attr(logLik(m), "df"))),
    coefficients = if (!is.null(s)) lapply(dimnames(s$coefficients)[[3]], function(k) unname(s$coefficients[, , k])),
    confint = either({ci <- confint(m); lapply(dimnames(ci)[[3]], function(k) unname(ci[, , k]))}),
    confint_pooled = either({ci <- confint(m, pool = TRUE); lapply(dimnames(ci)[[3]], function(k) unname(ci[, , k]))}),
    ranef = either(unname(as.matrix(as.data.frame(unclass(ranef(m)))))), fitted = either(unname(fitted(m))[1:10]), residuals = either(unname(residuals(m))[1:10]),
    predicted = either(unname(predict(m, d[c(1, 30, 50), ]))), predicted_rows = c(1, 30, 50) - 1,
    tolerance = list(value = unbox(1e-7), reason = unbox("least squares group by group; the same iterations for families"))))
}
several("list_sleepstudy", quote(lmList(Reaction ~ Days | Subject, sleepstudy)), "Reaction ~ Days | Subject", "sleepstudy", "")
several("list_cake", quote(lmList(angle ~ temp | recipe, cake)), "angle ~ temp | recipe", "cake", "")
several("list_poisson", quote(lmList(TICKS ~ cHEIGHT | YEAR, grouseticks, family = poisson)), "TICKS ~ cHEIGHT | YEAR", "grouseticks", "poisson")
several("list_binomial", quote(lmList(cbind(incidence, size - incidence) ~ 1 | period, cbpp, family = binomial)),
  "cbind(incidence, size - incidence) ~ 1 | period", "cbpp", "binomial")
several("list_gamma", quote(lmList(size ~ 1 | period, cbpp, family = Gamma)), "size ~ 1 | period", "cbpp", "Gamma")
several("list_quasipoisson", quote(lmList(TICKS ~ cHEIGHT | YEAR, grouseticks, family = quasipoisson)), "TICKS ~ cHEIGHT | YEAR",
  "grouseticks", "quasipoisson")
