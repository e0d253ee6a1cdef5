# GLMM goldens: fixtures/glmm/*.json, and their made-up data in fixtures/data.
#
#   Rscript r_parity/glmm.R [id ...]        (from the root of the checkout)
#
# lme4's own stop leaves 1e-3 in -2 log L (tolPwrss = 1e-7) and more in the parameters. Here tolPwrss is 1e-13, BOBYQA and
# nlminb take turns from several starts until neither gains, and standard errors come from a Richardson-extrapolated
# Hessian. glmmTMB is the second witness where it fits the same likelihood. Made-up tables have their seed beside them.
suppressMessages({library(lme4); library(numDeriv)})
source("r_parity/tables.R")
stopifnot(packageVersion("lme4") == "1.1.31")
options(warn = 1)
wanted <- commandArgs(TRUE)
dir.create("fixtures/glmm", showWarnings = FALSE)

long <- function(x, keep = 400) {
  x <- unname(as.numeric(x))
  if (length(x) <= keep) x
  else list(length = unbox(length(x)), head = x[1:20], sum = unbox(sum(x)), sumsq = unbox(sum(x^2)))
}
quiet <- function(expr) suppressMessages(suppressWarnings(expr))
keep <- function(d, name, text) {
  write_table(d, "fixtures/data", name, list(description = text, generator = "r_parity/glmm.R"))
  assign(name, d, globalenv())
}
default_reason <- paste(
  "criterion: absolute, never higher than R by more; evaluation: relative, at the given parameters, what tolPwrss = 1e-13",
  "leaves; theta: absolute + relative, the optimum of a criterion known to about 1e-9; other: relative to the largest",
  "magnitude of the vector; vcov: differences of a criterion with that error")

g <- function(id, formula, data, family, args = "", mere = list(), nAGQ = 1, python = NULL, tmb = TRUE,
              tolerance = list(criterion = 1e-6, evaluation = 3e-8, theta = 2e-4, other = 2e-4, vcov = 1e-2,
                               reason = default_reason), starts = 1) {
  if (length(wanted) && !id %in% wanted) return(invisible())
  t0 <- proc.time()[[1]]
  fam <- eval(parse(text = family))
  control <- glmerControl(tolPwrss = 1e-13, check.conv.singular = "ignore", check.nobs.vs.nlev = "ignore",
                          check.nobs.vs.nRE = "ignore", check.scaleX = "ignore", check.rankX = "silent.drop.cols")
  call <- paste0("glFormula(", formula, ", ", data, ", family = fam, control = control", if (nzchar(args)) paste0(", ", args), ")")
  lf <- quiet(eval(parse(text = call)))
  devfun <- quiet(do.call(mkGlmerDevfun, c(lf, list(control = control))))
  opt <- quiet(optimizeGlmer(devfun, optimizer = "bobyqa", control = list(rhobeg = .2, rhoend = 1e-9, maxfun = 1e5)))
  nth <- length(opt$par)
  lower <- environment(devfun)$lower
  if (nAGQ > 0) {
    beta0 <- environment(devfun)$pp$beta(1)
    devfun <- quiet(updateGlmerDevfun(devfun, lf$reTrms, nAGQ = nAGQ))
    f <- function(x) tryCatch(quiet(devfun(x)), error = function(e) 1e9)
    lower <- c(lower, rep(-Inf, length(beta0)))
    x <- c(opt$par, beta0); best <- f(x)
    for (start in c(1, if (starts > 1) c(.3, 2)))
      for (turn in 1:3) {
        from <- if (turn == 1 && start != 1) { y <- x; y[1:nth] <- y[1:nth] * start; y } else x
        o <- quiet(minqa::bobyqa(from, f, lower, rep(Inf, length(x)),
             control = list(rhobeg = c(.05, 1e-3, 1e-4)[turn], rhoend = 1e-10, maxfun = 1e5)))
        if (o$fval < best) { x <- o$par; best <- f(x) }
        o <- quiet(nlminb(x, f, lower = lower, control = list(rel.tol = 1e-15, x.tol = 1e-12, eval.max = 5000, iter.max = 2000)))
        if (o$objective < best) { x <- o$par; best <- f(x) }
      }
    for (i in seq_len(nth)) if (lower[i] == 0 && x[i] < 1e-3) { y <- x; y[i] <- 0; if (f(y) <= best + 1e-10) { x <- y; best <- f(y) } }
    opt$par <- x; opt$fval <- best
    H <- quiet(hessian(f, x)); H <- (H + t(H)) / 2
    free <- !(lower == 0 & x == 0)
    V <- tryCatch({ U <- 2 * solve(H[free, free]); U[sum(free[1:nth]) + seq_along(beta0), sum(free[1:nth]) + seq_along(beta0), drop = FALSE] }, error = function(e) NULL)
    opt$fval <- f(x)
  } else {
    f <- function(x) tryCatch(quiet(devfun(x)), error = function(e) 1e9)
    o <- quiet(minqa::bobyqa(opt$par, f, lower, rep(Inf, nth), control = list(rhobeg = 1e-3, rhoend = 1e-10, maxfun = 1e5)))
    opt$par <- o$par; opt$fval <- f(o$par); V <- NULL
  }
  m <- quiet(mkMerMod(environment(devfun), opt, lf$reTrms, fr = lf$fr))
  theta <- getME(m, "theta"); beta <- fixef(m)
  dispersed <- fam$family %in% c("Gamma", "inverse.gaussian", "gaussian")
  constant <- 0
  if (nAGQ > 1) {                       # R's quadrature leaves out -2 log f at mu = y
    y <- m@resp$y; w <- m@resp$weights
    constant <- -2 * if (fam$family == "binomial") sum(dbinom(round(y * w), round(w), y, log = TRUE)) else sum(dpois(y, y, log = TRUE))
  }
  points <- if (nAGQ > 0) list(opt$par, opt$par * c(rep(1.3, nth), rep(1, length(beta))) + .05, opt$par * .7) else list(opt$par)
  evaluations <- lapply(points, function(p) list(par = p, value = unbox(f(p) + constant)))
  f(opt$par)
  re <- as.data.frame(ranef(m, condVar = TRUE)); dc <- getME(m, "devcomp")
  out <- list(
    id = unbox(id), call = unbox(paste0("glmer(", formula, ", ", data, ", ", family, if (nzchar(args)) paste0(", ", args), ", nAGQ = ", nAGQ, ")")),
    R = unbox(as.character(getRversion())), lme4 = unbox("1.1-31"), formula = unbox(if (is.null(python)) formula else python),
    data = unbox(data), family = unbox(fam$family), link = unbox(fam$link), nAGQ = unbox(nAGQ),
    arguments = if (length(mere)) mere else setNames(list(), character()),
    tolerance = lapply(tolerance, unbox), criterion = unbox(opt$fval + constant), theta = theta, beta = unname(beta),
    names = names(beta), evaluations = evaluations,
    vcov = if (is.null(V)) NULL else lapply(seq_along(beta), function(i) V[i, ]),
    RX = lapply(seq_along(beta), function(i) unname(as.matrix(getME(m, "RX")))[i, ]),
    ranef = list(condval = long(re$condval), condsd = long(re$condsd)),
    ranef_order = list(grpvar = unique(as.character(re$grpvar))),
    fitted = long(fitted(m)), linear = long(m@resp$eta),
    residuals = list(deviance = long(residuals(m, "deviance")), pearson = long(residuals(m, "pearson")),
                     response = long(residuals(m, "response")), working = long(residuals(m, "working"))),
    deviance = unbox(sum(m@resp$devResid())), sigma = unbox(if (dispersed) sigma(m) else 1),
    devcomp = lapply(as.list(dc$cmp[c("ldL2", "ldRX2", "wrss", "ussq", "pwrss")]), unbox),
    cnms = { cn <- getME(m, "cnms"); list(group = names(cn), columns = unname(lapply(cn, I))) },
    nobs = unbox(nobs(m)), singular = unbox(isSingular(m)),
    df = unbox(length(beta) + length(theta) + dispersed))
  canonical <- paste(fam$family, fam$link) %in% c("binomial logit", "poisson log") # else it takes the observed curvature
  if (tmb && nAGQ == 1 && canonical && requireNamespace("glmmTMB", quietly = TRUE)) {
    fit <- tryCatch(quiet(eval(parse(text = paste0("glmmTMB::glmmTMB(", formula, ", ", data, ", family = fam",
        if (nzchar(args)) paste0(", ", args), ")")))), error = function(e) NULL)
    if (!is.null(fit) && is.finite(logLik(fit)))
      out$glmmTMB <- list(criterion = unbox(-2 * as.numeric(logLik(fit))), beta = unname(glmmTMB::fixef(fit)$cond))
  }
  lines <- vapply(names(out), function(n) paste0("\"", n, "\": ", toJSON(out[[n]], digits = I(17), na = "null", null = "null")), "")
  writeLines(c("{", paste0(lines, c(rep(",", length(lines) - 1), "")), "}"), file.path("fixtures/glmm", paste0(id, ".json")))
  cat(sprintf("%-26s %18.9f  TMB %+.1e  %6.1fs\n", id, opt$fval + constant,
              if (is.null(out$glmmTMB)) NA else out$glmmTMB$criterion - opt$fval, proc.time()[[1]] - t0))
}

one <- g
g <- function(id, ...) tryCatch(one(id, ...), error = function(e) cat(id, "FAILED:", conditionMessage(e), "\n"))

# ---- cbpp ------------------------------------------------------------------------
inc <- "cbind(incidence, size - incidence) ~ period + (1 | herd)"
g("cbpp", inc, "cbpp", "binomial()")
g("cbpp_probit", inc, "cbpp", "binomial(\"probit\")")
g("cbpp_cloglog", inc, "cbpp", "binomial(\"cloglog\")")
g("cbpp_cauchit", inc, "cbpp", "binomial(\"cauchit\")")
g("cbpp_proportion", "incidence / size ~ period + (1 | herd)", "cbpp", "binomial()", "weights = size", list(weights = unbox("size")))
g("cbpp_no_fixed_intercept", "cbind(incidence, size - incidence) ~ 0 + period + (1 | herd)", "cbpp", "binomial()")
g("cbpp_intercept", "cbind(incidence, size - incidence) ~ 1 + (1 | herd)", "cbpp", "binomial()")
g("cbpp_joint", inc, "cbpp", "binomial()", nAGQ = 0)
g("cbpp_agq5", inc, "cbpp", "binomial()", nAGQ = 5)
g("cbpp_agq9", inc, "cbpp", "binomial()", nAGQ = 9)
g("cbpp_agq25", inc, "cbpp", "binomial()", nAGQ = 25)
g("cbpp_agq9_probit", inc, "cbpp", "binomial(\"probit\")", nAGQ = 9)
g("cbpp_poisson_offset", "incidence ~ period + offset(log(size)) + (1 | herd)", "cbpp", "poisson()")
g("cbpp_poisson_offset_arg", "incidence ~ period + (1 | herd)", "cbpp", "poisson()", "offset = log(size)", list(offset = unbox("log(size)")))
g("cbpp_poisson_agq7", "incidence ~ period + offset(log(size)) + (1 | herd)", "cbpp", "poisson()", nAGQ = 7)
g("cbpp_subset", inc, "cbpp", "binomial()", "subset = period != \"4\"", list(subset = unbox("period != \"4\"")))

# ---- grouseticks -------------------------------------------------------------------
g("grouse_brood", "TICKS ~ YEAR + (1 | BROOD)", "grouseticks", "poisson()")
g("grouse_two", "TICKS ~ YEAR + I(HEIGHT / 100) + (1 | BROOD) + (1 | LOCATION)", "grouseticks", "poisson()")
g("grouse_three", "TICKS ~ YEAR + scale(HEIGHT) + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION)", "grouseticks", "poisson()")
g("grouse_nested", "TICKS ~ YEAR + (1 | LOCATION / BROOD)", "grouseticks", "poisson()")
g("grouse_agq3", "TICKS ~ YEAR + (1 | BROOD)", "grouseticks", "poisson()", nAGQ = 3)
g("grouse_joint", "TICKS ~ YEAR + (1 | BROOD) + (1 | LOCATION)", "grouseticks", "poisson()", nAGQ = 0)
g("grouse_nb_fixed", "TICKS ~ YEAR + (1 | BROOD)", "grouseticks", "MASS::negative.binomial(2)", mere = list(theta = unbox(2)))
g("grouse_nb_fixed_two", "TICKS ~ YEAR + (1 | BROOD) + (1 | LOCATION)", "grouseticks", "MASS::negative.binomial(5)", mere = list(theta = unbox(5)))

# ---- VerbAgg -------------------------------------------------------------------------
g("verbagg", "r2 ~ Anger + Gender + btype + situ + (1 | id) + (1 | item)", "VerbAgg", "binomial()")
g("verbagg_item", "r2 ~ Anger + btype + (1 | item)", "VerbAgg", "binomial()")
g("verbagg_agq5", "r2 ~ btype + situ + (1 | id)", "VerbAgg", "binomial()", nAGQ = 5)
g("verbagg_subset", "r2 ~ Gender * mode + (1 | id) + (1 | item)", "VerbAgg", "binomial()", "subset = situ == \"self\"", list(subset = unbox("situ == \"self\"")))

# ---- made up: slopes, crossed, binary ----------------------------------------------------
set.seed(101)
d <- data.frame(g = gl(20, 15), h = factor(rep(1:10, 30)), x = round(rnorm(300), 3), e = round(runif(300, .5, 3), 3))
b <- rnorm(20, 0, .6); s <- rnorm(20, 0, .4); v <- rnorm(10, 0, .5)
eta <- .2 + .3 * d$x + b[d$g] + s[d$g] * d$x + v[d$h]
d$count <- rpois(300, d$e * exp(eta)); d$won <- rbinom(300, 1, plogis(eta)); d$m <- sample(1:8, 300, TRUE)
d$k <- rbinom(300, d$m, plogis(eta)); d$yes <- d$won == 1; d$what <- factor(ifelse(d$won == 1, "win", "loss"))
keep(d, "glmm_crossed", "20 groups by 10 items with slopes: counts with exposure, binary and binomial responses (seed 101)")
x <- "glmm_crossed"
g("slopes_poisson", "count ~ x + offset(log(e)) + (x | g)", x, "poisson()")
g("slopes_poisson_uncorrelated", "count ~ x + offset(log(e)) + (x || g)", x, "poisson()")
g("slopes_only", "count ~ x + (0 + x | g)", x, "poisson()")
g("crossed_poisson", "count ~ x + (1 | g) + (1 | h)", x, "poisson()")
g("crossed_slopes", "count ~ x + offset(log(e)) + (x | g) + (1 | h)", x, "poisson()")
g("crossed_slopes_both", "count ~ x + offset(log(e)) + (x | g) + (x | h)", x, "poisson()", starts = 3)
g("binary", "won ~ x + (1 | g)", x, "binomial()")
g("binary_logical", "yes ~ x + (1 | g) + (1 | h)", x, "binomial()")
g("binary_factor", "what ~ x + (1 | g) + (1 | h)", x, "binomial()")
g("binary_cloglog", "won ~ x + (1 | g) + (1 | h)", x, "binomial(\"cloglog\")")
g("binary_slopes", "won ~ x + (x | g)", x, "binomial()")
g("binary_agq15", "won ~ x + (1 | g)", x, "binomial()", nAGQ = 15)
g("binomial_slopes", "cbind(k, m - k) ~ x + (x | g) + (1 | h)", x, "binomial()")
g("binomial_probit", "cbind(k, m - k) ~ x + (1 | g) + (1 | h)", x, "binomial(\"probit\")")
g("poisson_weights", "count ~ x + (1 | g)", x, "poisson()", "weights = m", list(weights = unbox("m")), tmb = FALSE)
g("aliased", "count ~ x + I(2 * x) + (1 | g)", x, "poisson()", tmb = FALSE)

# ---- made up: dispersion ---------------------------------------------------------------
set.seed(102)
d <- data.frame(g = gl(16, 12), h = factor(rep(1:6, 32)), x = round(runif(192, -1, 1), 3))
eta <- .8 + .4 * d$x + rnorm(16, 0, .4)[d$g] + rnorm(6, 0, .3)[d$h]
d$time <- round(rgamma(192, 4, 4 / exp(eta)), 4) + .001; d$nb <- rnbinom(192, size = 2, mu = exp(eta))
d$z <- round(abs(exp(eta) + rnorm(192, 0, .4)) + .05, 4)
keep(d, "glmm_times", "16 groups by 6 items: times, overdispersed counts and a normal response with an exponential mean (seed 102)")
x <- "glmm_times"
wide <- list(criterion = 5e-6, evaluation = 3e-8, theta = 2e-4, other = 2e-4, vcov = 1e-2, reason = paste(default_reason,
  "; wider: the families with dispersion converge linearly in R, whose stop leaves more"))
g("gamma_log", "time ~ x + (1 | g)", x, "Gamma(\"log\")", tolerance = wide)
g("gamma_log_crossed", "time ~ x + (1 | g) + (1 | h)", x, "Gamma(\"log\")", tolerance = wide)
g("gamma_inverse", "time ~ x + (1 | g)", x, "Gamma()", tolerance = wide)
g("inverse_gaussian_log", "time ~ x + (1 | g)", x, "inverse.gaussian(\"log\")", tolerance = wide)
g("gaussian_log", "z ~ x + (1 | g)", x, "gaussian(\"log\")", tolerance = wide)
g("nb_fixed_crossed", "nb ~ x + (1 | g) + (1 | h)", x, "MASS::negative.binomial(2)", mere = list(theta = unbox(2)))

# ---- made up: edges ---------------------------------------------------------------------
set.seed(103)
d <- data.frame(g = gl(12, 10), x = round(rnorm(120), 3))
d$none <- rpois(120, exp(1 + .2 * d$x)); d$rare <- rbinom(120, 1, plogis(-2 + rnorm(12, 0, 1.5)[d$g]))
d$rare[d$g %in% c("1", "2")] <- 0; d$large <- rpois(120, exp(6 + .1 * d$x + rnorm(12, 0, .2)[d$g]))
keep(d, "glmm_edges", "12 groups: counts without a group effect, rare events with all-zero groups, counts of hundreds (seed 103)")
g("edge_singular", "none ~ x + (1 | g)", "glmm_edges", "poisson()")
g("edge_singular_slopes", "none ~ x + (x | g)", "glmm_edges", "poisson()", starts = 3)
g("edge_rare", "rare ~ x + (1 | g)", "glmm_edges", "binomial()")
g("edge_large", "large ~ x + (1 | g)", "glmm_edges", "poisson()", tmb = FALSE,
  tolerance = list(criterion = 1e-6, evaluation = 3e-8, theta = 2e-4, other = 2e-4, vcov = 1e-2, reason = paste(default_reason,
    "; wider: differences of a criterion in which counts of hundreds cancel")))
