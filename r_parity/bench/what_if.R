# CPU seconds of lme4 for what r_parity/bench/what_if.py times: one JSON object on the last line.
suppressMessages({library(lme4); library(jsonlite)})
cpu <- function(e) { t <- system.time(suppressMessages(suppressWarnings(e))); sum(t[c("user.self", "sys.self")]) }
least <- function(f, times) min(replicate(times, f()))
ml <- function(f, d) lmer(f, d, REML = FALSE)
s <- lmer(Reaction ~ Days + (Days | Subject), sleepstudy); sm <- refitML(s)
p <- ml(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin)
ca <- ml(angle ~ recipe * temperature + (1 | recipe:replicate), cake)
b <- glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial)
large <- lmer(y ~ service + (1 | s) + (1 | d), InstEval); new <- simulate(large, 1, seed = 1)[[1]]
y <- simulate(s, 1, seed = 1)[[1]]
sdcor <- function(m) c(as.data.frame(VarCorr(m))$sdcor, fixef(m))
out <- list(
  boot = 10 * least(function() cpu(bootMer(s, sdcor, nsim = 100, seed = 1)), 2),
  refit = least(function() cpu(for (i in 1:20) refit(s, y)) / 20, 3),
  profile_sleepstudy = least(function() cpu(profile(sm)), 2),
  profile_penicillin = least(function() cpu(profile(p)), 2),
  profile_cake = least(function() cpu(profile(ca)), 1),
  influence = least(function() cpu(influence(s, maxfun = 1000)), 1),
  profile_cbpp = least(function() cpu(profile(b)), 1),
  influence_cbpp = least(function() cpu(influence(b, "herd")), 1),
  boot_cbpp = 10 * least(function() cpu(bootMer(b, sdcor, nsim = 20, seed = 1)), 1),
  refit_insteval = 20 * cpu(refit(large, new)),
  simulate = least(function() cpu(simulate(s, 1000, seed = 1)), 3),
  predict = least(function() cpu(for (i in 1:20) predict(s, sleepstudy)) / 20, 3))
cat(toJSON(out, auto_unbox = TRUE, digits = 6), "\n")
