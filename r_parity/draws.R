# Goldens of summaries of simulated coefficients: regrid(N.sim =), hpd.summary, as.mcmc of emmeans.
# The draws themselves are part of the golden (sim = gives them to both), so that the numbers agree exactly;
# `large` is R's own sample, to be compared within its Monte Carlo error.
# Run from the repository: Rscript r_parity/draws.R   (writes fixtures/draws.json)
suppressMessages({library(emmeans); library(lme4); library(jsonlite)})
options(width = 80)

fixed <- function(m, n, seed) {
  set.seed(seed)
  V <- as.matrix(vcov(m)); b <- if (inherits(m, "merMod")) fixef(m) else coef(m)
  round(sweep(matrix(rnorm(n * length(b)), n) %*% chol(V), 2, b, "+"), 5)
}
text <- function(x) paste(capture.output(print(x)), collapse = "\n")
table_of <- function(s) {
  d <- as.data.frame(s)
  list(columns = names(d), values = lapply(d, function(v) if (is.factor(v)) as.character(v) else v), text = text(s))
}

pigs_lm <- lm(log(conc) ~ source + factor(percent), pigs)
warp <- glm(breaks ~ wool + tension, poisson, warpbreaks)
cbpp_glmer <- glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial)
D <- list(pigs = fixed(pigs_lm, 41, 1), warp = fixed(warp, 60, 2), cbpp = fixed(cbpp_glmer, 50, 3))
sims <- lapply(D, function(d) function(n, mean, sigma) d)
quiet <- suppressMessages

pigs_response <- quiet(regrid(ref_grid(pigs_lm), N.sim = 41, sim = sims$pigs))
pigs_source <- emmeans(pigs_response, "source")
pigs_log <- quiet(regrid(emmeans(pigs_lm, "source"), "log", N.sim = 41, sim = sims$pigs))
pigs_pass <- quiet(regrid(ref_grid(pigs_lm), "none", N.sim = 41, sim = sims$pigs))
warp_response <- quiet(regrid(ref_grid(warp), N.sim = 60, sim = sims$warp))
warp_by <- emmeans(warp_response, ~ tension | wool)
cbpp_response <- quiet(regrid(ref_grid(cbpp_glmer), N.sim = 50, sim = sims$cbpp))
cbpp_log <- quiet(regrid(ref_grid(cbpp_glmer), "log", N.sim = 50, sim = sims$cbpp))
cases <- list(
  grid = table_of(summary(pigs_response)),
  means = table_of(summary(pigs_source)),
  means_of_draws = table_of(summary(pigs_source, point.est = mean)),
  ninety = table_of(confint(pigs_source, level = 0.9)),
  half = table_of(hpd.summary(pigs_source, prob = 0.5)),
  pairs = table_of(summary(pairs(pigs_source))),
  equivalence = table_of(summary(pigs_source, delta = 30)),
  effects = table_of(summary(contrast(pigs_source, "eff"))),
  log_ratios = table_of(summary(pairs(pigs_log), type = "response")),
  log_means = table_of(summary(pigs_log)),
  log_differences = table_of(summary(pairs(pigs_log))),
  same_scale = table_of(summary(emmeans(pigs_pass, "source"))),
  same_scale_back = table_of(summary(emmeans(pigs_pass, "source"), type = "response")),
  twice = table_of(summary(pairs(regrid(pigs_source, "log")), type = "response")),
  by_wool = table_of(summary(warp_by)),
  by_none = table_of(summary(warp_by, by = NULL)),
  pairs_by_wool = table_of(summary(pairs(warp_by))),
  overall = table_of(summary(emmeans(warp_response, "1"))),
  prob = table_of(summary(cbpp_response)),
  prob_pairs = table_of(summary(pairs(cbpp_response))),
  risk_ratios = table_of(summary(pairs(cbpp_log), type = "response")),
  bias = table_of(summary(quiet(regrid(ref_grid(cbpp_glmer), bias.adjust = TRUE, sigma = 0.6, N.sim = 50,
                                       sim = sims$cbpp)))))

mcmc <- list(
  names = colnames(coda::as.mcmc(pigs_response)), plain = colnames(coda::as.mcmc(pigs_response, names = FALSE)),
  by = colnames(coda::as.mcmc(pairs(warp_by))), overall = colnames(coda::as.mcmc(emmeans(warp_response, "1"))),
  values = unclass(as.matrix(coda::as.mcmc(pigs_source))))

set.seed(11)
n <- 40000
large <- quiet(regrid(ref_grid(cbpp_glmer), N.sim = n))
large <- list(n = n, table = table_of(summary(pairs(large)))$values, sd = apply(as.matrix(coda::as.mcmc(pairs(large))), 2, sd))

writeLines(toJSON(list(
  R = R.version.string, packages = list(emmeans = as.character(packageVersion("emmeans"))),
  call = "regrid(ref_grid(m), N.sim = n, sim = function(n, mean, sigma) draws)", tolerance = 1e-9,
  reason = "the draws are given to both; `large` within four standard errors of the medians and HPD ends",
  draws = D, cases = cases, mcmc = mcmc, large = large), digits = NA, auto_unbox = TRUE, pretty = FALSE),
  "fixtures/draws.json")
