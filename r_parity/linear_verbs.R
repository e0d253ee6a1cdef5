# Goldens of the verbs of lm and glm that look at terms and rows: fixtures/linear_verbs.json.
#
#   Rscript r_parity/linear_verbs.R        (from the root of the checkout)
#
# add1, drop1, step, predict(type = "terms"), partial residuals, dfbeta, prediction intervals of a weighted fit, anova with
# known dispersion, counts with prior weights, profiles that start outside the range of the family.
suppressMessages({library(lme4); library(jsonlite)})
options(warn = -1)
source("r_parity/tables.R")
tight <- list(epsilon = 1e-13, maxit = 100)
set.seed(51)
n <- 120
verbs <- data.frame(g = factor(sample(c("a", "b", "c", "d"), n, TRUE)), f = factor(sample(c("no", "yes"), n, TRUE)),
  x = round(rnorm(n), 3), z = round(runif(n, -1, 1), 3), w = round(runif(n, .5, 3), 2), size = sample(2:9, n, TRUE))
eta <- .2 + .5 * verbs$x + .6 * (verbs$g == "b") - .4 * (verbs$f == "yes") * verbs$z
verbs$y <- round(2 + eta + rnorm(n, 0, .6), 3); verbs$count <- rpois(n, exp(1 + eta)); verbs$time <- round(rgamma(n, 4, 4 / exp(eta)), 4)
verbs$yes <- rbinom(n, verbs$size, plogis(eta)); verbs$no <- verbs$size - verbs$yes
verbs$late <- round(exp(1 + eta / 4 + rnorm(n, 0, .3)), 4)
verbs$lost <- verbs$x; verbs$lost[c(3, 40)] <- NA
write_table(verbs, "fixtures/data", "verbs", list(description = "Responses of all families, two factors, seed 51.", generator = "r_parity/linear_verbs.R"))

models <- list(
  linear = quote(lm(y ~ x * g + z * f, verbs)), weighted = quote(lm(y ~ x + g, verbs, weights = w)),
  holes = quote(lm(y ~ lost + g + z, verbs)), alone = quote(lm(y ~ g:f + I(x == min(x)), verbs)),
  binomial = quote(glm(cbind(yes, no) ~ x + g + z, binomial, verbs, control = tight)),
  pairs = quote(glm(cbind(yes, no) ~ x + g, binomial, verbs, weights = w, control = tight)),
  poisson = quote(glm(count ~ x + g + z * f, poisson, verbs, control = tight)),
  gamma = quote(glm(time ~ x + g + z, Gamma("log"), verbs, control = tight)),
  gaussian = quote(glm(y ~ x + g + z, gaussian, verbs, weights = w, control = tight)),
  steep = quote(glm(late ~ x + g, inverse.gaussian, verbs, control = tight)),
  lost = quote(glm(count ~ lost + g, poisson, verbs, control = tight)))
table <- function(t) { t <- as.data.frame(t); c(list(rows = rownames(t)), lapply(as.list(t), function(v) v)) }
out <- lapply(names(models), function(id) {
  call <- models[[id]]; m <- eval(call); linear <- class(m)[1] == "lm"
  new <- verbs[c(4, 10, 20), ]; terms <- predict(m, new, type = "terms", se.fit = TRUE)
  full <- . ~ . + z + f
  step <- function(...) { s <- stats::step(m, trace = 0, ...); list(path = s$anova$AIC, coef = unname(coef(s)), formula = paste(deparse(formula(s)), collapse = "")) }
  res <- list(call = unbox(paste(deparse(call), collapse = " ")), R = unbox(as.character(getRversion())),
    tolerance = list(value = unbox(1e-6), reason = unbox("the same iterations to the end, two least-squares codes")),
    logLik = unbox(as.numeric(logLik(m))), drop1 = table(drop1(m)), drop1_chisq = table(drop1(m, test = "Chisq")), drop1_f = table(drop1(m, test = "F")),
    anova_f = if (!linear) table(anova(m, test = "F")),
    terms = lapply(as.data.frame(terms$fit), unname), terms_se = lapply(as.data.frame(terms$se.fit), unname),
    constant = unbox(attr(terms$fit, "constant")), partial = unname(residuals(m, "partial")[1:5, 1]),
    dfbeta = unname(dfbeta(m)[1:5, ]), dfbetas = unname(dfbetas(m)[1:5, ]))
  if (!id %in% c("alone", "linear", "poisson")) {
    res$add1_f <- table(add1(m, full, test = "F")); res$add1_chisq <- table(add1(m, full, test = "Chisq"))
  }
  if (id != "alone" && !grepl("lost", res$call)) {
    res$step <- step(); res$step_both <- step(scope = full)
    res$step_bic <- step(scope = list(lower = ~ g, upper = full), k = log(nobs(m)))
  }
  if (id == "alone") res$dfbeta <- unname(dfbeta(m)[which(verbs$x == min(verbs$x)) + 0:1, ])
  if (id == "weighted") res$interval <- unname(as.matrix(predict(m, interval = "prediction")))[1:5, ]
  res
})
names(out) <- names(models)
# The end of a profile of the deviance; glm.fit finds no start beyond the estimate, so nlminb walks there in small steps.
profile_end <- function(m, j, side) {
  X <- model.matrix(m); b <- coef(m); s <- sqrt(diag(vcov(m)))[j]; phi <- summary(m)$dispersion; at <- b[-j]
  D <- function(x) {
    f <- function(beta) { eta <- X[, -j] %*% beta + x * X[, j]; if (any(eta <= 0)) Inf else sum(m$family$dev.resids(m$y, m$family$linkinv(eta), m$prior.weights)) }
    o <- nlminb(at, f, control = list(rel.tol = 1e-15, x.tol = 1e-13)); o <- nlminb(o$par, f, control = list(rel.tol = 1e-15, x.tol = 1e-13))
    at <<- o$par; o$objective
  }
  z <- function(x) sqrt(max(D(x) - m$deviance, 0) / phi) - qnorm(.975)
  for (x in b[j] + side * s * seq(.1, 1.7, .1)) z(x)
  uniroot(z, b[j] + side * s * c(1.7, 2.3), tol = 1e-12)$root
}
out$steep$profile <- c(profile_end(eval(models$steep), 2, -1), profile_end(eval(models$steep), 2, 1))
writeLines(toJSON(out, digits = I(15), na = "null", null = "null", pretty = FALSE), "fixtures/linear_verbs.json")
