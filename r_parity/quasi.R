# Goldens of the quasi families of glm: fixtures/quasi/*.json, numbers and printed text.
#
#   Rscript r_parity/quasi.R      (from the root of the checkout, after r_parity/glmm.R, which draws glmm_times)
suppressMessages({library(lme4); library(sandwich); library(clubSandwich); library(car); library(emmeans); library(jsonlite)})
source("r_parity/tables.R"); source("r_parity/profile_ends.R")
options(width = 80)
dir.create("fixtures/quasi", showWarnings = FALSE)
glmm_times <- read.csv("fixtures/data/glmm_times.csv"); glmm_times$g <- factor(glmm_times$g); glmm_times$h <- factor(glmm_times$h)
glmm_crossed <- read.csv("fixtures/data/glmm_crossed.csv"); glmm_crossed$g <- factor(glmm_crossed$g)
from <- sapply(c("sandwich", "clubSandwich", "car", "emmeans"), function(p) unbox(paste(p, packageVersion(p))))

long <- function(x, limit = 120) {
  x <- unname(x)
  if (length(x) <= limit) return(x)
  list(length = unbox(length(x)), head = as.vector(x)[1:20], sum = unbox(sum(x, na.rm = TRUE)), sumsq = unbox(sum(x^2, na.rm = TRUE)))
}

# A term's columns, jointly zero: Wald's F.
wald <- function(m) {
  at <- attr(model.matrix(m), "assign"); labels <- attr(terms(m), "term.labels")
  t(sapply(seq_along(labels), function(k) {
    names <- names(coef(m))[at == k]; names <- names[!is.na(coef(m)[names])]
    if (!length(names)) return(rep(NA, 4))
    h <- linearHypothesis(m, diag(sum(!is.na(coef(m))))[match(names, names(coef(m))[!is.na(coef(m))]), , drop = FALSE], test = "F",
      singular.ok = TRUE)
    c(h$F[2], h$Df[2], h$Res.Df[2], h[["Pr(>F)"]][2])
  }))
}

# R cuts the deviance of zeros under mu^2 off at 0, where it has no minimum at the estimates (MASS's confint gives up there);
# without the cut it has.
whole <- function(m) {
  if (identical(m$family$varfun, "mu^2")) {
    m$family$dev.resids <- function(y, mu, wt) -2 * wt * (log(ifelse(y == 0, 1, y) / mu) - (y - mu) / mu)
    m$deviance <- sum(m$family$dev.resids(m$y, fitted(m), m$prior.weights))
  }
  m
}

one <- function(id, call, data, formula, family, arguments = list(), cluster = NULL, means = NULL, add = NULL) {
  d <- eval(as.name(data)); m <- eval(call); s <- summary(m)
  link <- predict(m, d[c(3, 10, 20), ], se.fit = TRUE); p <- predict(m, d[c(3, 10, 20), ], type = "response", se.fit = TRUE)
  aliased <- anyNA(coef(m))
  precise <- update(m, control = glm.control(epsilon = 1e-14, maxit = 100))   # for what goes by the weights of the last step
  terms_left <- length(attr(terms(m), "term.labels")) > 0
  out <- list(id = unbox(id), call = unbox(paste(deparse(call), collapse = " ")), R = unbox(as.character(getRversion())),
    packages = from, data = unbox(data), formula = unbox(formula), family = lapply(family, unbox),
    arguments = if (length(arguments)) lapply(arguments, unbox) else setNames(list(), character()),
    tolerance = list(value = unbox(1e-7), reason = unbox(paste("the same iterations, two",
      "least-squares codes; robust covariances of a fit with epsilon = 1e-14; profile under mu^2 without the cut of the deviance of zeros"))),
    names = names(coef(m)), coef = unname(coef(m)), vcov = unname(vcov(m)), logLik = unbox(as.numeric(logLik(m))),
    df = unbox(attr(logLik(m), "df")), AIC = unbox(AIC(m)), BIC = unbox(BIC(m)), extractAIC = extractAIC(m),
    deviance = unbox(deviance(m)), null_deviance = unbox(m$null.deviance), df_residual = unbox(df.residual(m)),
    df_null = unbox(m$df.null), nobs = unbox(nobs(m)), dispersion = unbox(s$dispersion), iterations = unbox(m$iter),
    sigma = unbox(sigma(m)), coefficients = unname(coef(s)), columns = colnames(coef(s)),
    wald = unname(confint.default(m)), profile = profile_ends(whole(m)),
    fitted = long(fitted(m)), linear = long(m$linear.predictors), prior = long(m$prior.weights), working = long(m$weights),
    residuals = lapply(setNames(nm = c("deviance", "pearson", "working", "response")), function(k) long(residuals(m, k))),
    hatvalues = long(hatvalues(m)), cooks = long(cooks.distance(m)), rstudent = long(rstudent(m)),
    rstandard = long(rstandard(m)), dfbeta = long(t(dfbeta(m))), dfbetas = long(t(dfbetas(m))),
    predicted = unname(p$fit), predicted_se = unname(p$se.fit), linear_se = unname(link$se.fit), scale = unbox(p$residual.scale),
    F = if (terms_left) wald(m) else list(),
    HC = if (!aliased) sapply(paste0("HC", 0:3), function(k) unname(vcovHC(precise, type = k)), simplify = FALSE))
  if (!is.null(cluster)) {
    out$cluster <- unbox(cluster)
    out$CR <- sapply(c("CR0", "CR1", "CR2", "CR3"), function(k)
      unname(as.matrix(vcovCR(precise, cluster = d[[cluster]], type = k, inverse_var = TRUE))), simplify = FALSE)
  }
  if (!is.null(means)) {
    e <- emmeans(m, as.formula(paste("~", means)), data = d)
    out$means <- c(list(of = unbox(means)), as.list(as.data.frame(summary(e, type = "response", infer = TRUE)))[-1])
    out$pairs <- as.list(as.data.frame(pairs(e, adjust = "none"))); out$joint <- as.list(as.data.frame(joint_tests(m, data = d)))
    out$means_text <- capture.output(print(summary(e, type = "response")))
  }
  shown <- function(x) capture.output(print(x))
  out <- c(out, list(print = shown(m), summary = shown(s), anova = shown(anova(m)), anova_F = shown(anova(m, test = "F")),
    anova_Chisq = shown(anova(m, test = "Chisq")), drop1 = shown(drop1(m)), drop1_F = shown(drop1(m, test = "F")),
    drop1_Chisq = shown(drop1(m, test = "Chisq"))))
  if (!is.null(add)) {
    larger <- update(m, as.formula(paste(". ~ . +", add))); scope <- as.formula(paste("~ . +", add))
    out <- c(out, list(add = unbox(add), add1_F = shown(add1(m, scope, test = "F")),
      add1_Chisq = shown(add1(m, scope, test = "Chisq")), two_F = shown(anova(m, larger, test = "F")),
      two_Chisq = shown(anova(m, larger, test = "Chisq"))))
  }
  lines <- vapply(names(out), function(n) paste0("\"", n, "\": ", toJSON(out[[n]], digits = I(17), na = "null", null = "null")), "")
  writeLines(c("{", paste0(lines, c(rep(",", length(lines) - 1), "")), "}"), file.path("fixtures/quasi", paste0(id, ".json")))
}
qp <- list(name = "quasipoisson"); qb <- list(name = "quasibinomial")
inc <- "cbind(incidence, size - incidence) ~ period"
one("poisson_grouse", quote(glm(TICKS ~ YEAR + HEIGHT, quasipoisson, grouseticks)), "grouseticks", "TICKS ~ YEAR + HEIGHT", qp,
  cluster = "BROOD", means = "YEAR", add = "I(HEIGHT^2)")
one("poisson_aliased", quote(glm(TICKS ~ YEAR + HEIGHT + I(2 * HEIGHT), quasipoisson, grouseticks)), "grouseticks",
  "TICKS ~ YEAR + HEIGHT + I(2 * HEIGHT)", qp)
one("poisson_sqrt", quote(glm(TICKS ~ YEAR, quasipoisson(link = "sqrt"), grouseticks)), "grouseticks", "TICKS ~ YEAR",
  c(qp, link = "sqrt"), means = "YEAR")
one("poisson_exposure", quote(glm(count ~ x + offset(log(e)), quasipoisson, glmm_crossed)), "glmm_crossed",
  "count ~ x + offset(log(e))", qp, cluster = "g", add = "g")
one("poisson_rates", quote(glm(count / e ~ what + x, quasipoisson, glmm_crossed, weights = e)), "glmm_crossed", "count / e ~ what + x", qp,
  list(weights = "e"), means = "what")
one("binomial_cbpp", quote(glm(cbind(incidence, size - incidence) ~ period, quasibinomial, cbpp)), "cbpp", inc, qb,
  cluster = "herd", means = "period", add = "herd")
one("binomial_weights", quote(glm(incidence / size ~ period, quasibinomial(link = "probit"), cbpp, weights = size)), "cbpp",
  "incidence / size ~ period", c(qb, link = "probit"), list(weights = "size"), cluster = "herd", means = "period")
one("binomial_shares", quote(glm(I(time / (1 + time)) ~ x + h, quasibinomial, glmm_times)), "glmm_times", "I(time / (1 + time)) ~ x + h", qb,
  cluster = "g")
one("quasi_constant", quote(glm(Reaction ~ Days, quasi, sleepstudy)), "sleepstudy", "Reaction ~ Days", list(name = "quasi"),
  cluster = "Subject", add = "I(Days^2)")
one("quasi_shares", quote(glm(I(time / (1 + time)) ~ x + h, quasi(link = "cloglog", variance = "mu(1-mu)"), glmm_times)), "glmm_times",
  "I(time / (1 + time)) ~ x + h", list(name = "quasi", link = "cloglog", variance = "mu(1-mu)"))
one("quasi_mu", quote(glm(count ~ 0 + what + x, quasi(link = "log", variance = "mu"), glmm_crossed)), "glmm_crossed",
  "count ~ 0 + what + x", list(name = "quasi", link = "log", variance = "mu"))
one("quasi_square", quote(glm(TICKS ~ YEAR + HEIGHT, quasi(link = "log", variance = "mu^2"), grouseticks)), "grouseticks",
  "TICKS ~ YEAR + HEIGHT", list(name = "quasi", link = "log", variance = "mu^2"), cluster = "BROOD", means = "YEAR")
one("quasi_square_inverse", quote(glm(time ~ x + h, quasi(link = "inverse", variance = "mu^2"), glmm_times)), "glmm_times",
  "time ~ x + h", list(name = "quasi", link = "inverse", variance = "mu^2"), add = "g")
one("quasi_cube", quote(glm(time ~ x + h, quasi(link = "log", variance = "mu^3"), glmm_times)), "glmm_times",
  "time ~ x + h", list(name = "quasi", link = "log", variance = "mu^3"), cluster = "g", means = "h")
