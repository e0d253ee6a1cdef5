# Goldens of robust covariances, Welch tests, Wald tables and term deletions: fixtures/robust.json.
#
#   Rscript r_parity/robust.R       (from the root of the checkout)
#
# sandwich::vcovHC, clubSandwich::vcovCR and coef_test, stats::t.test and oneway.test, car::Anova, stats::drop1. The data
# are mere's own data sets as CSV below fixtures/data or src/mere/datasets.
suppressMessages({library(lme4); library(sandwich); library(clubSandwich); library(car); library(jsonlite)})
options(warn = 1)
source("r_parity/tables.R")
from <- function(p) unbox(paste(p, packageVersion(p)))
about <- function(call, value = 1e-8, reason = "closed forms of one iterative fit") list(
  R = unbox(as.character(getRversion())), packages = sapply(c("lme4", "sandwich", "clubSandwich", "car"), from),
  call = unbox(call), tolerance = list(value = unbox(value), reason = unbox(reason)))
out <- list()
`%or%` <- function(a, b) if (is.null(a)) b else a

data(cbpp, grouseticks, package = "lme4")
cbpp$y <- cbpp$incidence / cbpp$size
tight <- glm.control(epsilon = 1e-14, maxit = 100)
fits <- list(
  warpbreaks_lm = quote(lm(breaks ~ wool * tension, warpbreaks)),
  sleep_lm = quote(lm(Reaction ~ Days, sleepstudy)),
  few_lm = quote(lm(y ~ a + x, few, weights = w)),
  warpbreaks_poisson = quote(glm(breaks ~ wool * tension, poisson, warpbreaks, control = tight)),
  cbpp_probit = quote(glm(cbind(incidence, size - incidence) ~ period, binomial("probit"), cbpp, control = tight)),
  cbpp_cloglog = quote(glm(y ~ period, binomial("cloglog"), cbpp, weights = size, control = tight)),
  ticks_poisson = quote(glm(TICKS ~ YEAR + cHEIGHT, poisson, grouseticks, control = tight)),
  few_gamma = quote(glm(exp(y) ~ a + x, Gamma("log"), few, control = tight)))
few <- read.csv("fixtures/data/few_groups.csv", stringsAsFactors = TRUE); few$g <- factor(few$g)
clusters <- list(sleep_lm = "Subject", few_lm = "g", cbpp_probit = "herd", cbpp_cloglog = "herd", ticks_poisson = "BROOD",
                 few_gamma = "g")
for (id in names(fits)) {
  m <- eval(fits[[id]])
  entry <- about(paste(deparse(fits[[id]]), collapse = " "))
  entry$HC <- sapply(paste0("HC", 0:3), function(k) unname(vcovHC(m, type = k)), simplify = FALSE)
  if (!is.null(clusters[[id]])) {
    d <- eval(fits[[id]][["data"]] %or% as.list(fits[[id]])[[if (fits[[id]][[1]] == "lm") 3 else 4]])
    g <- d[[clusters[[id]]]]
    entry$cluster <- unbox(clusters[[id]])
    # prior weights are inverse variances
    CR <- function(k) vcovCR(m, cluster = g, type = k, inverse_var = TRUE)
    entry$CR <- sapply(c("CR0", "CR1", "CR1S", "CR2", "CR3"), function(k) unname(as.matrix(CR(k))), simplify = FALSE)
    entry$df <- coef_test(m, vcov = CR("CR2"), test = "Satterthwaite")$df
  }
  out[[id]] <- entry
}

# Welch: two groups and k groups
two <- t.test(extra ~ group, sleep, var.equal = FALSE)
out$welch_two <- c(about("t.test(extra ~ group, sleep, var.equal = FALSE)", 1e-10, "a closed form"),
  list(df = unbox(unname(two$parameter)), se = unbox(two$stderr), p = unbox(two$p.value)))
one <- oneway.test(weight ~ feed, chickwts)
out$welch_one_way <- c(about("oneway.test(weight ~ feed, chickwts)", 1e-10, "a closed form"),
  list(data = as.list(transform(chickwts, feed = as.character(feed))), F = unbox(unname(one$statistic)),
       ndf = unbox(unname(one$parameter[1])), ddf = unbox(unname(one$parameter[2])), p = unbox(one$p.value)))

# Wald tables (sum contrasts make car's Type III one of unweighted means)
sums <- options(contrasts = c("contr.sum", "contr.poly"))
strict <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9, maxfun = 1e5), tolPwrss = 1e-13)
data(VerbAgg, package = "lme4"); set.seed(5); agg <- droplevels(VerbAgg[VerbAgg$id %in% sample(levels(VerbAgg$id), 60), ])
write_table(agg[, c("Anger", "Gender", "item", "btype", "situ", "id", "r2")], "fixtures/data", "verbagg60", list(description = "Verbal aggression of 60 persons drawn from VerbAgg (seed 5)", source = "as VerbAgg", exported = paste("lme4", packageVersion("lme4")), generator = "r_parity/robust.R"))
wald <- list(
  cbpp = list(quote(glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial, control = strict))),
  agg = list(quote(glmer(r2 ~ Gender * btype + situ + Anger + (1 | id), agg, binomial, control = strict))),
  wool = list(quote(glm(breaks ~ wool * tension, poisson, warpbreaks, control = tight))))
for (id in names(wald)) {
  call <- wald[[id]][[1]]; m <- eval(call)
  tab <- function(t) { t <- t[rownames(t) != "(Intercept)", , drop = FALSE]; c(list(rows = rownames(t)), as.list(t)) }
  entry <- about(paste(deparse(call), collapse = " "), 2e-4, "lme4's Hessian is made of finite differences")
  entry$II <- tab(Anova(m, type = 2, test.statistic = if (id == "wool") "Wald" else "Chisq"))
  entry$III <- tab(Anova(m, type = 3, test.statistic = if (id == "wool") "Wald" else "Chisq"))
  entry$drop1 <- { d <- drop1(m, test = "Chisq"); c(list(rows = rownames(d)), as.list(d)) }
  out[[paste0("wald_", id)]] <- entry
}
options(sums)
m <- glm(exp(y) ~ a + x, Gamma("log"), few, control = tight)
for (test in c("Chisq", "F")) { d <- drop1(m, test = test)
  out[[paste0("drop1_gamma_", test)]] <- c(about(paste0("drop1(glm(exp(y) ~ a + x, Gamma(\"log\"), few), test = \"", test, "\")"), 1e-7),
    list(table = c(list(rows = rownames(d)), as.list(d)))) }
write(toJSON(out, digits = 15, na = "null", pretty = TRUE), "fixtures/robust.json")
