# Deletions of generalized mixed models with lme4: fixtures/whatif/glmm_influence.json.
#
#   Rscript r_parity/glmm_influence.R      (from the root of the checkout)
#
# lme4's influence() sets its own control (maxfun = 1000, tolPwrss = 1e-7), so its refits stop 1e-3 short. Here each deletion is a
# glmer() without those rows, from the estimates of the whole, at tolPwrss = 1e-11; what influence() itself gives is kept for one
# case as `loose`. Covariances are lme4's own by the Hessian (differences of a criterion with that error).
suppressMessages({library(lme4); library(jsonlite)})
stopifnot(packageVersion("lme4") == "1.1.31")
grouse <- grouseticks[as.integer(grouseticks$LOCATION) <= 12, ]
keep <- rownames(grouse)
tight <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.01, rhoend = 1e-9, maxfun = 1e5), tolPwrss = 1e-11, check.conv.singular = "ignore")
table_of <- function(x) { x <- as.matrix(x); unname(split(x, row(x))) }
cases <- list()
add <- function(id, formula, data, family, groups = NULL, rows = 1e9, loose = FALSE, nAGQ = 1, tolerance = 1e-4) {
  t0 <- proc.time()[[1]]
  d <- get(data); formula <- as.formula(formula)
  control <- tight
  m <- eval(bquote(glmer(.(formula), .(as.name(data)), .(as.name(family)), nAGQ = .(nAGQ), control = control)))
  units <- if (is.null(groups)) as.list(seq_len(min(rows, nrow(d)))) else split(seq_len(nrow(d)), d[[groups]], drop = TRUE)
  start <- list(theta = getME(m, "theta"), fixef = fixef(m))
  fits <- lapply(units, function(out) { part <- d[-out, ]; suppressWarnings(glmer(formula, part, get(family), nAGQ = nAGQ, control = tight, start = start)) })
  beta <- t(sapply(fits, fixef)); if (length(fixef(m)) == 1) beta <- t(beta)
  dfb <- sweep(beta, 2, fixef(m)); se <- t(sapply(fits, function(f) sqrt(diag(as.matrix(vcov(f)))))); if (ncol(beta) == 1) se <- t(se)
  V <- as.matrix(vcov(m))
  case <- list(id = id, formula = deparse1(formula), data = data, family = family, nAGQ = nAGQ, groups = groups, call = sprintf("glmer(%s, %s, %s) without each of %s", deparse1(formula), data, family, deparse(groups)),
    deleted = if (is.null(groups)) seq_along(units) else names(units), theta = table_of(if (length(start$theta) == 1) sapply(fits, getME, "theta") else t(sapply(fits, getME, "theta"))), dfbeta = table_of(dfb),
    dfbetas = table_of(dfb / se), cooks = unname(apply(dfb, 1, function(x) sum(x * solve(V, x)))) / ncol(dfb), tolerance = tolerance,
    reason = "where lme4's refits stop (tolPwrss = 1e-11, rhoend = 1e-9) and its Hessian by differences; relative to the largest of a column")
  if (loose) case$loose <- table_of(suppressWarnings(dfbeta(influence(m, groups))))
  cases[[length(cases) + 1]] <<- case
  cat(id, proc.time()[[1]] - t0, "s\n")
}
add("cbpp_herd", "cbind(incidence, size - incidence) ~ period + (1 | herd)", "cbpp", "binomial", "herd", loose = TRUE)
add("cbpp_rows", "cbind(incidence, size - incidence) ~ period + (1 | herd)", "cbpp", "binomial", rows = 20)
add("cbpp_herd_agq9", "cbind(incidence, size - incidence) ~ period + (1 | herd)", "cbpp", "binomial", "herd", nAGQ = 9)
add("grouse_location", "TICKS ~ YEAR + (1 | BROOD) + (1 | LOCATION)", "grouse", "poisson", "LOCATION")
out <- list(R = paste(R.version$major, R.version$minor, sep = "."), lme4 = "1.1-31", grouse = "rows of grouseticks with LOCATION among its first 12 levels", cases = cases)
writeLines(toJSON(out, digits = I(12), auto_unbox = TRUE, na = "null", null = "null"), "fixtures/whatif/glmm_influence.json")
