# Tables of broom and broom.mixed, written to fixtures/tidy.json.
#
#   Rscript r_parity/tidy.R       (from the root of the checkout)
suppressMessages({library(lme4); library(lmerTest); library(broom); library(broom.mixed); library(jsonlite)})
tight <- lmerControl(optimizer = "nloptwrap", optCtrl = list(xtol_abs = 1e-13, ftol_abs = 1e-13, maxeval = 1e5))
tight_glmer <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.02, rhoend = 1e-9, maxfun = 1e5), tolPwrss = 1e-12)
models <- list(
  sleep = list("lmer", "Reaction ~ Days + (Days | Subject)", "sleepstudy", lmer(Reaction ~ Days + (Days | Subject), sleepstudy, control = tight)),
  sleep_ml = list("lmer", "Reaction ~ Days + (Days | Subject)", "sleepstudy", lmer(Reaction ~ Days + (Days | Subject), sleepstudy, REML = FALSE, control = tight)),
  nested = list("lmer", "strength ~ 1 + (1 | batch/cask)", "Pastes", lmer(strength ~ 1 + (1 | batch/cask), Pastes, control = tight)),
  cbpp = list("glmer", "cbind(incidence, size - incidence) ~ period + (1 | herd)", "cbpp",
              glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial, control = tight_glmer)),
  lm = list("lm", "breaks ~ wool * tension", "warpbreaks", lm(breaks ~ wool * tension, warpbreaks)),
  glm = list("glm", "breaks ~ wool * tension", "warpbreaks", glm(breaks ~ wool * tension, poisson, warpbreaks)))
quiet <- function(x) suppressMessages(suppressWarnings(x))
columns <- function(x) lapply(as.list(as.data.frame(x)), function(v) if (is.numeric(v)) as.numeric(v) else as.character(v))
some <- function(x) head(as.data.frame(x)[grepl("^\\.", names(x))], 12)
case <- function(name) {
  m <- models[[name]]; fit <- m[[4]]; mixed <- m[[1]] %in% c("lmer", "glmer")
  tables <- list(tidy = columns(quiet(if (mixed) tidy(fit, effects = c("fixed", "ran_pars")) else tidy(fit))), glance = columns(quiet(glance(fit))))
  if (mixed) tables$limits <- columns(quiet(tidy(fit, effects = "fixed", conf.int = TRUE, conf.level = 0.9)))
  if (mixed) tables$modes <- columns(quiet(tidy(fit, effects = "ran_vals", conf.int = TRUE)))
  if (m[[1]] == "lmer") tables$variances <- columns(quiet(tidy(fit, effects = "ran_pars", scales = "vcov")))
  if (name == "sleep") tables$profile <- columns(quiet(tidy(fit, effects = "ran_pars", conf.int = TRUE, conf.method = "profile", quiet = TRUE)))
  if (mixed) tables$coefs <- columns(quiet(tidy(fit, effects = "ran_coefs")))
  if (m[[1]] %in% c("glm", "glmer")) tables$ratios <- columns(quiet(if (mixed) tidy(fit, effects = "fixed", exponentiate = TRUE) else tidy(fit, exponentiate = TRUE)))
  tables$augment <- columns(some(quiet(augment(fit))))
  list(`function` = unbox(m[[1]]), formula = unbox(m[[2]]), data = unbox(m[[3]]), REML = unbox(name != "sleep_ml"), tables = tables)
}
out <- lapply(setNames(names(models), names(models)), case)
write_json(list(R = unbox(paste(R.version$major, R.version$minor, sep = ".")), broom = unbox(as.character(packageVersion("broom"))),
  broom.mixed = unbox(as.character(packageVersion("broom.mixed"))),
  tolerance = list(value = unbox(2e-4), reason = unbox(paste("Relative to the largest of the column: two optima of a flat criterion; R's",
    "degrees of freedom and covariance of GLMMs by numerical derivatives. Hat values of glmer: R's are of another matrix."))), cases = out),
  "fixtures/tidy.json", digits = I(15), na = "null")
