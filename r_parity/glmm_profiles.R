# Profile intervals of generalized mixed models from lme4: fixtures/whatif/glmm_profiles.json.
#
#   Rscript r_parity/glmm_profiles.R       (from the root of the checkout)
#
# lme4's steps and splines leave about 1e-3 of an interval's width, its stop at tolPwrss = 1e-7 more: the fits here have
# 1e-11. An end that lme4 does not reach is null. For models where lme4's own profile fails (correlated slopes), the ends are solved here
# from the definition: lme4's deviance function with one quantity held, minimized by nlminb over the others, and uniroot.
suppressMessages({library(lme4); library(jsonlite)})
stopifnot(packageVersion("lme4") == "1.1.31")
read <- function(name) {
  d <- read.csv(file.path("fixtures/data", paste0(name, ".csv")), stringsAsFactors = TRUE)
  about <- fromJSON(file.path("fixtures/data", paste0(name, ".json")))$columns
  for (n in names(about)) if (about[[n]]$type == "factor") d[[n]] <- factor(d[[n]], levels = about[[n]]$levels)
  d
}
glmm_crossed <- read("glmm_crossed"); glmm_times <- read("glmm_times")
tight <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.02, rhoend = 1e-9, maxfun = 1e5), tolPwrss = 1e-11,
                      calc.derivs = FALSE, check.conv.singular = "ignore")
cases <- list()
fit <- function(formula, data, family, nAGQ)
  eval(bquote(glmer(.(as.formula(formula)), .(as.name(data)), .(parse(text = family)[[1]]), nAGQ = .(nAGQ), control = tight)))
put <- function(id, call, formula, data, family, nAGQ, ci, tolerance, reason) {
  cases[[length(cases) + 1]] <<- list(id = id, call = call, formula = formula, data = data, family = family, nAGQ = nAGQ,
    names = rownames(ci), lower = unname(ci[, 1]), upper = unname(ci[, 2]), tolerance = tolerance, reason = reason)
  print(ci)
}
add <- function(id, formula, data, family, nAGQ = 1, tolerance = 5e-3) {
  t0 <- proc.time()[[1]]
  m <- fit(formula, data, family, nAGQ)
  ci <- suppressWarnings(confint(profile(m, signames = FALSE)))
  cat(id, proc.time()[[1]] - t0, "s\n")
  put(id, sprintf("confint(profile(glmer(%s, %s, %s, nAGQ = %g)))", formula, data, family, nAGQ), formula, data, family, nAGQ, ci,
      tolerance, "interpolation and stopping of lme4, relative to the width")
}
# One random term of two correlated effects: theta = (t11, t21, t22); SDs t11, |(t21, t22)|; correlation t21 / |(t21, t22)|.
by_definition <- function(id, formula, data, family, tolerance = 5e-4) {
  t0 <- proc.time()[[1]]
  m <- fit(formula, data, family, 1)
  f0 <- update(m, devFunOnly = TRUE); f <- function(x) tryCatch(suppressWarnings(f0(x)), error = function(e) 1e9)
  full <- function(sd1, sd2, rho, b) c(sd1, sd2 * rho, sd2 * sqrt(1 - rho^2), b)
  th <- getME(m, "theta"); at <- c(th[1], sqrt(th[2]^2 + th[3]^2), th[2] / sqrt(th[2]^2 + th[3]^2), fixef(m))
  value <- function(x) f(full(x[1], x[2], x[3], x[-(1:3)]))
  low <- c(0, 0, -1 + 1e-9, rep(-Inf, length(fixef(m)))); up <- c(Inf, Inf, 1 - 1e-9, rep(Inf, length(fixef(m))))
  best <- nlminb(at, value, lower = low, upper = up, control = list(rel.tol = 1e-14, x.tol = 1e-10, iter.max = 1000))
  for (i in 1:3) best <- nlminb(best$par, value, lower = low, upper = up, control = list(rel.tol = 1e-14, x.tol = 1e-10, iter.max = 1000))
  at <- best$par; d0 <- best$objective; q <- qchisq(0.95, 1); n <- length(at)
  one <- function(i, v, from) {
    o <- list(par = from[-i]); last <- Inf
    for (k in 1:4) { o <- nlminb(o$par, function(z) value(append(z, v, i - 1)), lower = low[-i], upper = up[-i],
                                 control = list(rel.tol = 1e-14, x.tol = 1e-10, iter.max = 1000)); if (last - o$objective < 1e-8) break; last <- o$objective }
    o
  }
  held <- function(i, v, from) {                       # valleys: from the last point, the optimum, and small SDs
    tries <- list(one(i, v, from), one(i, v, at), one(i, v, replace(at, 2, 0.02)), one(i, v, replace(at, 1, 0.02)))
    tries[[which.min(sapply(tries, `[[`, "objective"))]]
  }
  se <- c(rep(0.2, 3), sqrt(diag(as.matrix(vcov(m, use.hessian = FALSE)))))
  ci <- t(sapply(seq_len(n), function(i) sapply(c(-1, 1), function(s) {
    from <- at; g <- function(v) { o <- held(i, v, from); from[-i] <<- o$par; o$objective - d0 - q }
    end <- at[i]; bound <- if (s < 0) low[i] else up[i]
    repeat { new <- end + s * se[i] * 1.5; if (s * (new - bound) > 0) new <- bound
             if (g(new) > 0) return(uniroot(g, sort(c(end, new)), tol = 1e-7)$root)
             if (new == bound) return(round(bound, 6)); end <- new }
  })))
  g <- names(getME(m, "flist")); x <- m@cnms[[1]]
  rownames(ci) <- c(paste0("sd_", x, "|", g), sprintf("cor_%s.%s|%s", x[2], x[1], g), names(fixef(m)))
  cat(id, proc.time()[[1]] - t0, "s\n")
  put(id, sprintf("deviance function of glmer(%s, %s, %s), nlminb and uniroot", formula, data, family), formula, data, family, 1, ci,
      tolerance, "interpolation and nlminb's stop by differences, relative to the width")
}
add("cbpp", "cbind(incidence, size - incidence) ~ period + (1 | herd)", "cbpp", "binomial")
add("cbpp_agq9", "cbind(incidence, size - incidence) ~ period + (1 | herd)", "cbpp", "binomial", 9)
add("grouse_brood", "TICKS ~ YEAR + (1 | BROOD)", "grouseticks", "poisson")
add("crossed_poisson", "count ~ x + (1 | g) + (1 | h)", "glmm_crossed", "poisson")
add("binary", "won ~ x + (1 | g)", "glmm_crossed", "binomial")
add("uncorrelated", "count ~ x + offset(log(e)) + (x || g)", "glmm_crossed", "poisson")
by_definition("slopes_poisson_definition", "count ~ x + offset(log(e)) + (x | g)", "glmm_crossed", "poisson")
by_definition("slopes_binomial_definition", "cbind(k, m - k) ~ x + (x | g)", "glmm_crossed", "binomial")
tryCatch(add("slopes_poisson", "count ~ x + offset(log(e)) + (x | g)", "glmm_crossed", "poisson"), error = function(e) cat("lme4 fails:", conditionMessage(e), "\n"))
out <- list(R = paste(R.version$major, R.version$minor, sep = "."), lme4 = "1.1-31", level = 0.95, cases = cases)
writeLines(toJSON(out, digits = I(12), auto_unbox = TRUE, na = "null", pretty = TRUE), "fixtures/whatif/glmm_profiles.json")
