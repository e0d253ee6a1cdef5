# Goldens of glm: fixtures/glm/*.json, numbers and printed text.
#
#   Rscript r_parity/glm.R        (from the root of the checkout, after r_parity/glmm.R, which draws glmm_times)
suppressMessages({library(lme4); library(jsonlite)})
source("r_parity/tables.R"); source("r_parity/profile_ends.R")
options(width = 80)
dir.create("fixtures/glm", showWarnings = FALSE)
glmm_times <- read.csv("fixtures/data/glmm_times.csv"); glmm_times$g <- factor(glmm_times$g); glmm_times$h <- factor(glmm_times$h)
glmm_crossed <- read.csv("fixtures/data/glmm_crossed.csv"); glmm_crossed$g <- factor(glmm_crossed$g)

one <- function(id, call, data, formula, family, link, test, arguments = list(), theta = NULL) {
  m <- suppressWarnings(eval(call)); s <- summary(m)
  new <- eval(as.name(data))[c(3, 10, 20), ]
  p <- predict(m, new, type = "response", se.fit = TRUE)
  out <- list(id = unbox(id), call = unbox(paste(deparse(call), collapse = " ")), R = unbox(as.character(getRversion())),
    data = unbox(data), formula = unbox(formula), family = unbox(family), link = unbox(link), test = unbox(test),
    arguments = if (length(arguments)) lapply(arguments, unbox) else setNames(list(), character()),
    tolerance = list(value = unbox(1e-7), reason = unbox("the same iterations, two least-squares codes")),
    names = names(coef(m)), coef = unname(coef(m)), vcov = unname(vcov(m)), logLik = unbox(as.numeric(logLik(m))),
    df = unbox(attr(logLik(m), "df")), AIC = unbox(AIC(m)), BIC = unbox(BIC(m)), deviance = unbox(deviance(m)),
    null_deviance = unbox(m$null.deviance), df_residual = unbox(df.residual(m)), df_null = unbox(m$df.null), nobs = unbox(nobs(m)),
    extractAIC = extractAIC(m), dispersion = unbox(s$dispersion), iterations = unbox(m$iter), sigma = unbox(sigma(m)),
    coefficients = unname(coef(s)), columns = colnames(coef(s)), confint = unname(confint.default(m)),
    profile = profile_ends(m), cooks = unname(cooks.distance(m)), rstudent = unname(rstudent(m)),
    fitted = unname(fitted(m)), linear = unname(m$linear.predictors), prior = unname(m$prior.weights), working = unname(m$weights),
    hatvalues = unname(hatvalues(m)), residuals = lapply(setNames(nm = c("deviance", "pearson", "working", "response")),
      function(k) unname(residuals(m, k))), predicted = unname(p$fit), predicted_se = unname(p$se.fit),
    print = capture.output(print(m)), summary = capture.output(print(s)),
    anova = capture.output(print(suppressWarnings(anova(m, test = if (nzchar(test)) test)))))
  lines <- vapply(names(out), function(n) paste0("\"", n, "\": ", toJSON(out[[n]], digits = I(17), na = "null", null = "null")), "")
  writeLines(c("{", paste0(lines, c(rep(",", length(lines) - 1), "")), "}"), file.path("fixtures/glm", paste0(id, ".json")))
}
inc <- "cbind(incidence, size - incidence) ~ period"
one("cbpp", quote(glm(cbind(incidence, size - incidence) ~ period, binomial, cbpp)), "cbpp", inc, "binomial", "logit", "Chisq")
one("cbpp_probit", quote(glm(cbind(incidence, size - incidence) ~ period, binomial(link = "probit"), cbpp)), "cbpp", inc, "binomial", "probit", "")
one("cbpp_weights", quote(glm(incidence / size ~ period, binomial(link = "cloglog"), cbpp, weights = size)), "cbpp",
  "incidence / size ~ period", "binomial", "cloglog", "Chisq", list(weights = "size"))
one("cbpp_cauchit", quote(glm(cbind(incidence, size - incidence) ~ period, binomial(link = "cauchit"), cbpp)), "cbpp", inc, "binomial", "cauchit", "")
one("grouse", quote(glm(TICKS ~ YEAR + HEIGHT, poisson, grouseticks)), "grouseticks", "TICKS ~ YEAR + HEIGHT", "poisson", "log", "Chisq")
one("grouse_aliased", quote(glm(TICKS ~ YEAR + HEIGHT + I(2 * HEIGHT), poisson, grouseticks)), "grouseticks",
  "TICKS ~ YEAR + HEIGHT + I(2 * HEIGHT)", "poisson", "log", "")
one("grouse_sqrt", quote(glm(TICKS ~ YEAR, poisson(link = "sqrt"), grouseticks)), "grouseticks", "TICKS ~ YEAR", "poisson", "sqrt", "")
one("exposure", quote(glm(count ~ x + offset(log(e)), poisson, glmm_crossed)), "glmm_crossed", "count ~ x + offset(log(e))", "poisson", "log", "Chisq")
one("no_intercept", quote(glm(count ~ 0 + g + x, poisson, glmm_crossed)), "glmm_crossed", "count ~ 0 + g + x", "poisson", "log", "Chisq")
one("gamma_log", quote(glm(time ~ x + h, Gamma(link = "log"), glmm_times)), "glmm_times", "time ~ x + h", "Gamma", "log", "F")
one("gamma_inverse", quote(glm(time ~ x, Gamma, glmm_times)), "glmm_times", "time ~ x", "Gamma", "inverse", "Chisq")
one("inverse_gaussian", quote(glm(time ~ x, inverse.gaussian(link = "log"), glmm_times)), "glmm_times", "time ~ x", "inverse.gaussian", "log", "F")
one("gaussian", quote(glm(Reaction ~ Days, gaussian, sleepstudy)), "sleepstudy", "Reaction ~ Days", "gaussian", "identity", "F")
one("gaussian_log", quote(glm(z ~ x, gaussian(link = "log"), glmm_times)), "glmm_times", "z ~ x", "gaussian", "log", "F")
one("negative_binomial", quote(glm(nb ~ x + h, MASS::negative.binomial(2), glmm_times)), "glmm_times", "nb ~ x + h", "Negative Binomial", "log", "",
  list(theta = 2))
one("intercept", quote(glm(count ~ 1, poisson, glmm_crossed)), "glmm_crossed", "count ~ 1", "poisson", "log", "")
