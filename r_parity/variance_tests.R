# p-values of one variance by simulation from the exact null distribution, written to fixtures/variance_tests.json.
#
#   Rscript r_parity/variance_tests.R       (from the root of the checkout)
suppressMessages({library(lme4); library(RLRsim); library(jsonlite)})
NSIM <- 1e6
set.seed(20)
one <- function(formula, data, label, test, reml = TRUE) list(
  call = unbox(sprintf("exact%s, nsim = 1e6", if (reml) "RLRT" else "LRT")), formula = unbox(formula), data = unbox(data), reml = unbox(reml),
  term = unbox(label), statistic = unbox(unname(test$statistic)), p = unbox(test$p.value))
quiet <- function(x) suppressMessages(x)
pastes <- list(A = quiet(lmer(strength ~ 1 + (1 | batch) + (1 | sample), Pastes)), m0 = quiet(lmer(strength ~ 1 + (1 | sample), Pastes)),
               m = quiet(lmer(strength ~ 1 + (1 | batch), Pastes)))
cases <- list(
  one("Yield ~ 1 + (1 | Batch)", "Dyestuff", "(1 | Batch)", exactRLRT(lmer(Yield ~ 1 + (1 | Batch), Dyestuff), nsim = NSIM)),
  one("Yield ~ 1 + (1 | Batch)", "Dyestuff", "(1 | Batch)",
      quiet(exactLRT(lmer(Yield ~ 1 + (1 | Batch), Dyestuff, REML = FALSE), lm(Yield ~ 1, Dyestuff), nsim = NSIM)), FALSE),
  one("strength ~ cask + (1 | batch)", "Pastes", "(1 | batch)", exactRLRT(lmer(strength ~ cask + (1 | batch), Pastes), nsim = NSIM)),
  one("strength ~ 1 + (1 | batch) + (1 | sample)", "Pastes", "(1 | batch)", exactRLRT(pastes$m, pastes$A, pastes$m0, nsim = NSIM)))
write_json(list(R = unbox(paste(R.version$major, R.version$minor, sep = ".")), RLRsim = unbox(as.character(packageVersion("RLRsim"))),
  tolerance = list(statistic = unbox(1e-4), p = unbox(4), reason = unbox(paste("p: standard errors of 1e5 draws, and 2 percent for the last",
    "case, whose nuisance variance mere takes as estimated and RLRsim ignores. statistic: R's default optimum."))), cases = cases), "fixtures/variance_tests.json", digits = I(15), pretty = TRUE)
