# Profile intervals from lme4: fixtures/whatif/profiles.json.
#
#   Rscript r_parity/profiles.R            (from the root of the checkout)
#
# lme4 steps outwards by default optimizers and reads the intervals off splines: about 1e-3 of the width of
# an interval. lme4 1.1-31 gets prior weights wrong in profiles (its issue 192); the weighted cases are therefore
# solved here from the definition: deviance with one quantity held fixed, by uniroot.
suppressMessages({library(lme4); library(jsonlite)})
source("r_parity/tables.R")
stopifnot(packageVersion("lme4") == "1.1.31")
tight <- lmerControl(optimizer = "nloptwrap", optCtrl = list(xtol_abs = 1e-10, ftol_abs = 1e-10), calc.derivs = FALSE,
                     check.conv.singular = "ignore")
cases <- list()
add <- function(id, formula, data, tolerance = 2e-3, reason = "interpolation and stopping of lme4, relative to the width",
                note = NULL, exclude = character()) {
  t0 <- proc.time()[[1]]
  m <- lmer(as.formula(formula), get(data), REML = FALSE, control = tight)
  p <- suppressWarnings(profile(m, signames = FALSE))
  ci <- suppressWarnings(confint(p))
  keep <- !rownames(ci) %in% exclude
  cases[[length(cases) + 1]] <<- list(id = id, call = sprintf("confint(profile(lmer(%s, %s, REML = FALSE)))", formula, data),
    formula = formula, data = data, names = rownames(ci)[keep], lower = unname(ci[keep, 1]), upper = unname(ci[keep, 2]),
    tolerance = tolerance, reason = reason)
  cat(id, proc.time()[[1]] - t0, "s\n"); print(ci)
}

add("sleepstudy", "Reaction ~ Days + (Days | Subject)", "sleepstudy")
add("sleepstudy_independent", "Reaction ~ Days + (Days || Subject)", "sleepstudy")
add("sleepstudy_intercept", "Reaction ~ Days + (1 | Subject)", "sleepstudy")
add("sleepstudy_slope", "Reaction ~ Days + (0 + Days | Subject)", "sleepstudy")
add("sleepstudy_log", "log(Reaction) ~ Days + (Days | Subject)", "sleepstudy")
add("sleepstudy_square", "Reaction ~ Days + I(Days^2) + (1 | Subject)", "sleepstudy")
add("dyestuff", "Yield ~ 1 + (1 | Batch)", "Dyestuff")
add("dyestuff2", "Yield ~ 1 + (1 | Batch)", "Dyestuff2")
add("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", "Penicillin")
add("pastes", "strength ~ 1 + (1 | batch/cask)", "Pastes")
add("cake", "angle ~ recipe + temp + (1 | recipe:replicate)", "cake")
add("cake_nested", "angle ~ recipe + temp + (1 | replicate/recipe)", "cake")
add("sleepstudy_poly", "Reaction ~ poly(Days, 2) + (Days | Subject)", "sleepstudy")
add("sleepstudy_offset", "Reaction ~ Days + offset(2 * Days) + (1 | Subject)", "sleepstudy")
add("sleepstudy_no_fixed", "Reaction ~ 0 + (1 | Subject)", "sleepstudy")
add("penicillin_fixed", "diameter ~ sample + (1 | plate)", "Penicillin")
add("pastes_cask", "strength ~ cask + (1 | batch)", "Pastes")
crossed <- read.csv("fixtures/data/crossed.csv", stringsAsFactors = TRUE)
about <- fromJSON("fixtures/data/crossed.json")$columns
for (n in names(about)) if (about[[n]]$type == "factor") crossed[[n]] <- factor(crossed[[n]], levels = about[[n]]$levels)
add("crossed", "y ~ x + (1 | s) + (1 | i)", "crossed")
add("crossed_slopes", "y ~ x + (1 + x || s) + (1 | i)", "crossed")

# ---- weighted: by the definition ------------------------------------------------------
by_definition <- function(id, data, y, x, group, w, text) {
  d <- get(data); n <- nrow(d); q <- qchisq(0.95, 1)
  Z <- model.matrix(~ 0 + factor(d[[group]])); X <- cbind(1, d[[x]]); yy <- d[[y]]; W <- w(d)
  crit <- function(sd, sigma, X, yy) {
    V <- sd^2 * tcrossprod(Z) + diag(sigma^2 / W); L <- tryCatch(chol(V), error = function(e) NULL)
    if (is.null(L)) return(1e10)
    A <- backsolve(L, cbind(X, yy), transpose = TRUE)
    r <- if (ncol(X)) qr.resid(qr(A[, seq_len(ncol(X)), drop = FALSE]), A[, ncol(X) + 1]) else A[, 1]
    n * log(2 * pi) + 2 * sum(log(diag(L))) + sum(r^2)
  }
  best <- function(f, lo, hi) optimize(f, c(lo, hi), tol = 1e-9)$objective
  both <- function(X, yy) {
    f <- function(p) crit(exp(p[1]), exp(p[2]), X, yy)
    o <- list(par = c(3.5, 3.5))
    for (i in 1:3) o <- optim(o$par, f, control = list(reltol = 1e-14, maxit = 2000))
    o
  }
  o <- both(X, yy); d0 <- o$value; sd0 <- exp(o$par[1]); s0 <- exp(o$par[2])
  V <- sd0^2 * tcrossprod(Z) + diag(s0^2 / W); C <- solve(t(X) %*% solve(V, X)); b <- C %*% t(X) %*% solve(V, yy)
  ends <- function(f, at, width, low = -Inf) {
    g <- function(v) f(v) - d0 - q
    lo <- if (g(max(low, at - 6 * width)) < 0) low else uniroot(g, c(max(low, at - 6 * width), at), tol = 1e-8)$root
    c(lo, uniroot(g, c(at, at + 6 * width), tol = 1e-8)$root)
  }
  ci <- rbind(
    ends(function(v) best(function(ls) crit(v, exp(ls), X, yy), log(s0) - 2, log(s0) + 2), sd0, sd0, 0),
    ends(function(v) best(function(s) crit(s, v, X, yy), 0, 5 * sd0), s0, s0 / 4, 0),
    ends(function(v) both(X[, 2, drop = FALSE], yy - v)$value, b[1], sqrt(C[1, 1])),
    ends(function(v) both(X[, 1, drop = FALSE], yy - v * d[[x]])$value, b[2], sqrt(C[2, 2])))
  cases[[length(cases) + 1]] <<- list(id = id, call = paste("deviance by its definition, uniroot:", text), formula = sprintf("%s ~ %s + (1 | %s)", y, x, group),
    data = data, weights = text, names = c(paste0("sd_(Intercept)|", group), "sigma", "(Intercept)", x),
    lower = ci[, 1], upper = ci[, 2], tolerance = 1e-5, reason = "both sides solve the same equations; uniroot and optimize stop at 1e-8")
  print(id); print(ci)
}
by_definition("weighted", "sleepstudy", "Reaction", "Days", "Subject", function(d) 1 + d$Days / 3, "1 + Days / 3")
by_definition("weighted_doubled", "sleepstudy", "Reaction", "Days", "Subject", function(d) 2 + 2 * d$Days / 3, "2 + 2 * Days / 3")

out <- list(R = paste(R.version$major, R.version$minor, sep = "."), lme4 = "1.1-31", level = 0.95, cases = cases)
writeLines(toJSON(out, digits = I(12), auto_unbox = TRUE, na = "null", pretty = TRUE), "fixtures/whatif/profiles.json")
