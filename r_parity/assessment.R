# Goldens of what says how good a model is: fixtures/assessment.json.
#
#   Rscript r_parity/assessment.R       (from the root of the checkout)
#
# performance::icc, r2, r2_nagelkerke, check_overdispersion and insight::get_variance of lme4's fits; pROC::auc; car::vif;
# lmtest::bptest; tseries::runs.test; parameters::standardize_parameters. insight 0.19 takes the median exp(beta_0) of the
# null model as the mean of counts. Nakagawa, Johnson and Schielzeth (2017) have exp(beta_0 + tau^2 / 2), later versions of
# insight, too: those numbers (`published`) are their formulas on lme4's null fit.
suppressMessages({library(lme4); library(performance); library(insight); library(jsonlite)})
options(warn = 1)
source("r_parity/tables.R")
from <- function(p) unbox(paste(p, packageVersion(p)))
about <- function(call, value, reason) list(
  R = unbox(as.character(getRversion())),
  packages = sapply(c("lme4", "performance", "insight", "pROC", "car", "lmtest", "tseries", "parameters"), from),
  call = unbox(paste(call, collapse = " ")), tolerance = list(value = unbox(value), reason = unbox(reason)))
plain <- function(x) lapply(x, function(v) if (length(v) == 1 && is.null(names(v))) unbox(v) else as.list(v))
tight <- glm.control(epsilon = 1e-14, maxit = 100)
exact <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-11, maxfun = 1e5))
strict <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5), tolPwrss = 1e-14, calc.derivs = FALSE)
data(cbpp, grouseticks, cake, sleepstudy, package = "lme4")
cbpp$obs <- factor(seq_len(nrow(cbpp)))
agg <- read.csv("fixtures/data/verbagg60.csv", stringsAsFactors = TRUE)
out <- list()

# ---- variances of mixed models ---------------------------------------------------------------------
mixed <- list(
  intercepts = quote(lmer(Reaction ~ Days + (1 | Subject), sleepstudy, control = exact)),
  slopes = quote(lmer(Reaction ~ Days + (Days | Subject), sleepstudy, control = exact)),
  nested = quote(lmer(angle ~ recipe * temperature + (1 | recipe:replicate), cake, control = exact)),
  crossed = quote(lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin, control = exact)),
  logit = quote(glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial, control = strict)),
  probit = quote(glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial("probit"), control = strict)),
  cloglog = quote(glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial("cloglog"), control = strict)),
  rows = quote(glmer(cbind(incidence, size - incidence) ~ period + (1 | herd) + (1 | obs), cbpp, binomial, control = strict)),
  bernoulli = quote(glmer(r2 ~ Gender + btype + Anger + (1 | id) + (1 | item), agg, binomial, control = strict)),
  poisson = quote(glmer(TICKS ~ YEAR + cHEIGHT + (1 | BROOD), grouseticks, poisson, control = strict)),
  root = quote(glmer(TICKS ~ YEAR + (1 | BROOD), grouseticks, poisson("sqrt"), control = strict)),
  negative_binomial = quote(glmer(TICKS ~ YEAR + cHEIGHT + (1 | BROOD), grouseticks, MASS::negative.binomial(theta = 2), control = strict)))
for (id in names(mixed)) {
  m <- eval(mixed[[id]])
  linear <- is(m, "lmerMod")
  flat <- id %in% c("rows", "negative_binomial", "bernoulli")
  entry <- about(deparse(mixed[[id]]), if (flat) 2e-5 else 1e-6,
    if (flat) "relative; lme4's own refits from other starts differ by as much, the deviance by 1e-8"
    else "relative; closed forms of one optimum, which lme4 has to about 1e-7")
  v <- suppressWarnings(get_variance(m))
  entry$variance <- plain(v)
  nk <- suppressWarnings(r2_nakagawa(m)); ic <- suppressWarnings(icc(m))
  entry$r2 <- list(conditional = unbox(nk$R2_conditional[[1]]), marginal = unbox(nk$R2_marginal[[1]]))
  entry$icc <- list(adjusted = unbox(ic$ICC_adjusted), unadjusted = unbox(ic$ICC_unadjusted))
  by <- suppressWarnings(icc(m, by_group = TRUE))
  entry$by_group <- setNames(lapply(by$ICC, unbox), by$Group)
  if (id %in% c("logit", "probit", "cloglog", "rows", "poisson", "root", "negative_binomial"))
    entry$overdispersion <- plain(unclass(check_overdispersion(m))[c("chisq_statistic", "dispersion_ratio", "residual_df", "p_value")])
  if (id %in% c("poisson", "negative_binomial")) {
    null <- null_model(m)
    lambda <- exp(fixef(null)[[1]] + 0.5 * as.numeric(VarCorr(null)[[1]]))
    theta <- if (id == "poisson") Inf else 2
    d <- c(lognormal = log1p(1 / lambda + 1 / theta), delta = 1 / lambda + 1 / theta,
           trigamma = trigamma(1 / (1 / lambda + 1 / theta)))
    random <- v$var.random
    entry$published <- list(lambda = unbox(lambda), distribution = plain(as.list(d)),
      icc = lapply(as.list(random / (random + d)), unbox),
      marginal = lapply(as.list(v$var.fixed / (v$var.fixed + random + d)), unbox))
  }
  if (id == "bernoulli") {
    entry$auc <- unbox(as.numeric(pROC::auc(pROC::roc(as.numeric(agg$r2 == levels(agg$r2)[2]), fitted(m), quiet = TRUE, direction = "<"))))
  }
  out[[id]] <- entry
}

# ---- generalized linear models ---------------------------------------------------------------------
warp <- transform(warpbreaks, high = as.numeric(breaks > 26))
long <- cbpp[rep(seq_len(nrow(cbpp)), cbpp$size), ]
long$y <- unlist(lapply(seq_len(nrow(cbpp)), function(i) rep(1:0, c(cbpp$incidence[i], cbpp$size[i] - cbpp$incidence[i]))))
fixed <- list(
  glm_poisson = quote(glm(breaks ~ wool * tension, poisson, warp, control = tight)),
  glm_binary = quote(glm(high ~ wool + tension, binomial, warp, control = tight)),
  glm_trials = quote(glm(cbind(incidence, size - incidence) ~ period, binomial, cbpp, control = tight)),
  glm_gamma = quote(glm(breaks ~ wool + tension, Gamma("log"), warp, control = tight)))
for (id in names(fixed)) {
  m <- eval(fixed[[id]])
  entry <- about(deparse(fixed[[id]]), 1e-8, "relative; one maximum to the last digits")
  if (id != "glm_trials") {
    entry$nagelkerke <- unbox(unname(r2_nagelkerke(m))); entry$coxsnell <- unbox(unname(r2_coxsnell(m)))
    entry$mcfadden <- unbox(unname(r2_mcfadden(m)$R2))
  }
  if (id == "glm_binary") {
    entry$tjur <- unbox(unname(r2_tjur(m)))
    entry$auc <- unbox(as.numeric(pROC::auc(pROC::roc(warp$high, fitted(m), quiet = TRUE, direction = "<"))))
  }
  if (id == "glm_trials")
    entry$auc <- unbox(as.numeric(pROC::auc(pROC::roc(long$y, rep(fitted(m), cbpp$size), quiet = TRUE, direction = "<"))))
  if (id %in% c("glm_poisson", "glm_trials"))
    entry$overdispersion <- plain(unclass(check_overdispersion(m))[c("chisq_statistic", "dispersion_ratio", "residual_df", "p_value")])
  out[[id]] <- entry
}

# ---- diagnostics of linear models --------------------------------------------------------------------
few <- read.csv("fixtures/data/few_groups.csv", stringsAsFactors = TRUE); few$g <- factor(few$g)
lines <- list(
  factors = quote(lm(breaks ~ wool + tension, warp)),
  covariates = quote(lm(Reaction ~ Days + I(Days^2) + as.numeric(Subject), transform(sleepstudy, Subject = as.character(Subject)))),
  weighted = quote(lm(y ~ a + x, few, weights = w)))
for (id in names(lines)) {
  m <- eval(lines[[id]])
  entry <- about(deparse(lines[[id]]), 1e-8, "closed forms")
  entry$vif <- { v <- car::vif(m); if (is.matrix(v)) list(GVIF = v[, 1], Df = v[, 2], power = v[, 3], terms = rownames(v)) else list(vif = unname(v), terms = names(v)) }
  entry$bp <- lapply(list(studentized = TRUE, plain = FALSE), function(s) {
    b <- lmtest::bptest(m, studentize = s); list(BP = unbox(b$statistic[[1]]), df = unbox(b$parameter[[1]]), p = unbox(b$p.value[[1]])) })
  entry$runs <- lapply(c(two.sided = "two.sided", less = "less", greater = "greater"), function(a) {
    r <- tseries::runs.test(factor(residuals(m) >= 0), a); list(statistic = unbox(r$statistic[[1]]), p = unbox(r$p.value[[1]])) })
  entry$cook <- unname(cooks.distance(m))
  s <- suppressMessages(parameters::standardize_parameters(m, method = "basic"))
  entry$standardized <- list(names = s$Parameter, value = s$Std_Coefficient)
  r <- r2(m); entry$r2 <- list(r2 = unbox(r$R2[[1]]), adjusted = unbox(r$R2_adjusted[[1]]))
  out[[id]] <- entry
}
b <- lmtest::bptest(breaks ~ wool + tension, ~ wool, data = warp)
out$variance_formula <- c(about("lmtest::bptest(breaks ~ wool + tension, ~ wool, data = warpbreaks)", 1e-8, "a closed form"),
  list(BP = unbox(b$statistic[[1]]), df = unbox(b$parameter[[1]]), p = unbox(b$p.value[[1]])))
for (id in c("vif_poisson", "vif_lmer")) {
  m <- if (id == "vif_poisson") eval(fixed$glm_poisson) else lmer(Reaction ~ Days + I(Days^2) + (1 | Subject), sleepstudy, control = exact)
  v <- car::vif(m)
  out[[id]] <- c(about(deparse(if (id == "vif_poisson") fixed$glm_poisson else m@call), 1e-8, "closed forms of one optimum"),
    list(vif = if (is.matrix(v)) list(GVIF = v[, 1], Df = v[, 2], power = v[, 3], terms = rownames(v)) else list(vif = unname(v), terms = names(v))))
}

# ---- indices of performance, side by side -------------------------------------------------------------
for (id in c("slopes", "poisson", "logit", "glm_poisson", "factors")) {
  call <- c(mixed, fixed, lines)[[id]]
  entry <- about(paste(c("performance::model_performance of", deparse(call)), collapse = " "), if (id == "logit") 1e-5 else 1e-6,
    if (id == "logit") "relative; lme4 has the variance of the optimum to a few 1e-6" else "relative; closed forms of one optimum")
  entry$indices <- plain(as.list(suppressWarnings(as.data.frame(model_performance(eval(call))))[1, ]))
  out[[paste0("performance_", id)]] <- entry
}
write(toJSON(out, digits = 15, pretty = TRUE, na = "null", null = "null"), "fixtures/assessment.json")
