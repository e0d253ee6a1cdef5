# Deletion diagnostics and bootstrap moments of lme4: fixtures/whatif/influence.json, bootstrap.json.
#
#   Rscript r_parity/influence.R           (from the root of the checkout)
#
# The refits of lme4's influence() stop as its optimizers do, about 1e-5 from the optimum in theta; the tables of fixed
# effects are good to about 1e-5 of a standard error. lme4's Cook's distances of an influence object carry a factor
# (N - p) / N, N deletions, which is divided out here.
suppressMessages({library(lme4); library(jsonlite)})
stopifnot(packageVersion("lme4") == "1.1.31")
tight <- lmerControl(optimizer = "nloptwrap", optCtrl = list(xtol_abs = 1e-10, ftol_abs = 1e-10), calc.derivs = FALSE)
cases <- list()
table_of <- function(x, n = 1e9) { x <- as.matrix(x); x <- x[seq_len(min(n, nrow(x))), , drop = FALSE]; unname(split(x, row(x))) }
add <- function(id, formula, data, groups = NULL, rows = 1e9, tolerance = 2e-4) {
  m <- eval(bquote(lmer(.(as.formula(formula)), .(as.name(data)), control = tight)))
  i <- if (is.null(groups)) influence(m) else influence(m, groups)
  if (is.null(groups)) i$deleted <- seq_len(nobs(m))
  N <- length(i$deleted); p <- length(fixef(m))
  cases[[length(cases) + 1]] <<- list(id = id, formula = formula, data = data, groups = groups,
    call = sprintf("influence(lmer(%s, %s), %s)", formula, data, deparse(groups)), cases = N,
    deleted = head(as.character(i$deleted), rows), dfbeta = table_of(dfbeta(i), rows), dfbetas = tryCatch(table_of(dfbetas(i), rows), error = function(e) list()),  # lme4 stumbles over p = 1
    cooks = head(unname(cooks.distance(i)), rows) * N / (N - p), tolerance = tolerance,
    reason = "where lme4's refits stop; relative to the largest of a column",
    model = list(cooks = head(unname(cooks.distance(m)), rows), rstudent = head(unname(rstudent(m)), rows), hat = head(unname(hatvalues(m)), rows)))
  cat(id, N, "\n")
}
add("sleepstudy_subject", "Reaction ~ Days + (Days | Subject)", "sleepstudy", "Subject")
add("sleepstudy_rows", "Reaction ~ Days + (Days | Subject)", "sleepstudy", NULL, 40, 2e-3)
add("penicillin_plate", "diameter ~ 1 + (1 | plate) + (1 | sample)", "Penicillin", "plate")
add("penicillin_sample", "diameter ~ 1 + (1 | plate) + (1 | sample)", "Penicillin", "sample")
add("cake_replicate", "angle ~ recipe + temp + (1 | replicate/recipe)", "cake", "replicate")
l <- lm(Reaction ~ Days, sleepstudy, weights = 1 + Days / 3)
linear <- list(call = "lm(Reaction ~ Days, sleepstudy, weights = 1 + Days / 3)", dfbeta = table_of(dfbeta(l)), dfbetas = table_of(dfbetas(l)),
  cooks = unname(cooks.distance(l)), rstudent = unname(rstudent(l)), hat = unname(hatvalues(l)), sigma = unname(influence(l)$sigma))
out <- list(R = paste(R.version$major, R.version$minor, sep = "."), lme4 = "1.1-31", cases = cases, linear = linear)
writeLines(toJSON(out, digits = I(12), auto_unbox = TRUE, na = "null", null = "null"), "fixtures/whatif/influence.json")

# ---- bootstrap: moments of 2000 (unweighted) replicates --------------------------------
boot <- function(id, formula, data, nsim = 1000, ...) {
  m <- eval(bquote(lmer(.(as.formula(formula)), .(as.name(data)))))
  f <- function(m) c(as.data.frame(VarCorr(m), order = "lower.tri")$sdcor, fixef(m))
  b <- suppressMessages(suppressWarnings(bootMer(m, f, nsim = nsim, seed = 42, ...)))
  names <- rownames(suppressMessages(suppressWarnings(confint(m, method = "Wald"))))
  n <- length(b$t0)
  cat(id, "\n")
  list(id = id, formula = formula, data = data, nsim = nsim, call = sprintf("bootMer(lmer(%s, %s), sdcor and fixef, nsim = %d, seed = 42)", formula, data, nsim),
    names = rownames(suppressMessages(confint(m, method = "Wald", signames = FALSE))), t0 = unname(b$t0), mean = unname(colMeans(b$t, na.rm = TRUE)),
    sd = unname(apply(b$t, 2, sd, na.rm = TRUE)), use_u = isTRUE(list(...)$use.u), type = if (is.null(list(...)$type)) "parametric" else list(...)$type)
}
bs <- list(boot("sleepstudy", "Reaction ~ Days + (1 | Subject)", "sleepstudy"),
           boot("sleepstudy_use_u", "Reaction ~ Days + (1 | Subject)", "sleepstudy", use.u = TRUE),
           boot("sleepstudy_semiparametric", "Reaction ~ Days + (1 | Subject)", "sleepstudy", use.u = TRUE, type = "semiparametric"),
           boot("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", "Penicillin"))
x <- c(2.31, 1.07, 0.55, 3.2, 1.9, 2.8, 1.4, 0.2, 2.05, 1.77, 2.6, 0.91, 1.33, 2.2, 1.6, 2.45, 0.7, 1.15, 3.05, 1.5, 1.85, 2.15, 0.4, 1.25, 2.7)
jk <- sapply(seq_along(x), function(i) mean(x[-i])^2); set.seed(1)
bo <- boot::boot(x, function(d, i) mean(d[i])^2, 199)
ci <- function(type) { v <- boot::boot.ci(bo, conf = 0.9, type = type, L = (length(x) - 1) * (mean(jk) - jk)); v <- v[[length(v)]]; unname(tail(as.vector(v), 2)) }
intervals <- list(call = "boot::boot.ci(b, conf = 0.9)", t0 = bo$t0, t = as.vector(bo$t), jackknife = jk, level = 0.9,
  perc = ci("perc"), basic = ci("basic"), norm = ci("norm"), bca = ci("bca"))
out <- list(R = paste(R.version$major, R.version$minor, sep = "."), lme4 = "1.1-31", reason = "moments: Monte-Carlo errors of both sides; intervals: 1e-7",
            cases = bs, intervals = intervals)
writeLines(toJSON(out, digits = I(12), auto_unbox = TRUE, na = "null", null = "null"), "fixtures/whatif/bootstrap.json")
