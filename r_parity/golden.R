# Machinery of the LMM goldens: a tightly converged lme4 fit and everything that
# is compared, as JSON. Sourced by the generators (lmm.R, lmm_structured.R, ...).
suppressMessages({library(lme4); library(numDeriv); library(splines)})
source("r_parity/tables.R")
stopifnot(packageVersion("lme4") == "1.1.31")
options(warn = 1)

loose <- lmerControl(calc.derivs = FALSE, check.conv.singular = "ignore",
                     check.nobs.vs.nlev = "ignore", check.nobs.vs.nRE = "ignore",
                     check.nlev.gtr.1 = "ignore", check.scaleX = "ignore")

# ---- a tight optimum ------------------------------------------------------------
# lme4's default stop leaves an error of about 1e-5 in theta. Here: several
# derivative-free optimizers one after another, then Newton steps on the free
# parameters with Richardson-extrapolated derivatives.
optimizers <- list(
  nloptwrap = function(f, x, lower, upper) nloptwrap(x, f, lower, upper,
    control = list(xtol_abs = 1e-12, ftol_abs = 1e-12, maxeval = 1e5))[c("par", "fval")],
  bobyqa = function(f, x, lower, upper) {
    if (length(x) == 1) return(list(par = x, fval = f(x)))
    o <- minqa::bobyqa(x, f, lower, upper, control = list(rhobeg = 0.02, rhoend = 1e-11, maxfun = 1e5))
    list(par = o$par, fval = o$fval) },
  Nelder_Mead = function(f, x, lower, upper) Nelder_Mead(f, x, lower, upper,
    control = list(maxfun = 20000, FtolAbs = 1e-12, FtolRel = 1e-15, XtolRel = 1e-12))[c("par", "fval")],
  nlminbwrap = function(f, x, lower, upper) nlminbwrap(x, f, lower, upper,
    control = list(rel.tol = 1e-15, x.tol = 1e-12, eval.max = 5000, iter.max = 5000))[c("par", "fval")])

turn_columns <- function(theta, sizes) {
  at <- 0
  for (k in sizes) {
    i <- at + seq_len(k * (k + 1) / 2)
    L <- matrix(0, k, k); L[lower.tri(L, TRUE)] <- theta[i]
    L <- sweep(L, 2, ifelse(diag(L) < 0, -1, 1), "*")
    theta[i] <- L[lower.tri(L, TRUE)]
    at <- at + length(i)
  }
  theta
}

richardson <- function(f, z, h) vapply(seq_along(z), function(i) {
  central <- function(s) { a <- replace(z, i, z[i] + s); b <- replace(z, i, z[i] - s); (f(a) - f(b)) / (2 * s) }
  T <- sapply(h[i] / 2^(0:3), central)
  for (k in 1:3) T <- (4^k * T[-1] - T[-length(T)]) / (4^k - 1)
  T
}, 0)

tight <- function(f, start, lower, use = names(optimizers), polish = TRUE, upper = rep(Inf, length(start)), sizes = NULL) {
  x <- start; best <- f(x); by <- "start"
  if (polish) for (far in c(list(start), points(start, lower)[-1], list(0.3 * points(start, lower)[[2]])))
    for (name in c("nloptwrap", "bobyqa")) {           # several starts: lower valleys elsewhere
      o <- tryCatch(suppressWarnings(optimizers[[name]](f, far + 0, lower, upper)), error = function(e) NULL)
      if (!is.null(o) && is.finite(o$fval) && o$fval < best) { x <- o$par + 0; best <- f(x); by <- name }
    }
  for (name in use) {
    o <- tryCatch(suppressWarnings(optimizers[[name]](f, x, lower, upper)), error = function(e) NULL)
    if (is.null(o)) next
    value <- f(o$par)
    if (is.finite(value) && value < best) { x <- pmin(pmax(o$par, lower), upper); best <- f(x); by <- name }
  }
  # Bounds at zero hide descent: a column of Lambda whose diagonal is 0 may want the other
  # sign. Search without bounds, from x and from x pushed across zero, then turn the columns.
  if (polish && length(sizes)) {
    for (push in c(0, -0.15, 0.15, -0.03)) {
      y <- x; at_zero <- which(lower == 0 & abs(x) < 1e-2)
      if (push != 0 && !length(at_zero)) break
      y[at_zero] <- push
      o <- tryCatch(suppressWarnings(optimizers$nloptwrap(f, y, rep(-Inf, length(x)), upper)), error = function(e) NULL)
      if (is.null(o)) next
      y <- turn_columns(o$par + 0, sizes)
      if (f(y) < best - 1e-10) { x <- y; best <- f(y); by <- "nloptwrap, unbounded" }
    }
  }
  for (i in which(lower == 0 & abs(x) < 1e-3)) {       # exactly on the boundary when that is no worse
    y <- x; y[i] <- 0
    if (f(y) <= best + 1e-9 * (1 + abs(best)) * 1e-2) { x <- y; best <- f(y) }
  }
  grad_norm <- NA
  if (polish) {
    free <- which(!(x == 0 & lower == 0))
    if (length(free)) {
      ff <- function(z) { y <- x; y[free] <- z; f(y) }
      z <- x[free]
      H <- hessian(ff, z)
      # Steps that change the criterion by about 0.01: far above its noise, and Richardson's
      # extrapolation takes care of the curvature.
      h <- sqrt(0.02 / pmax(abs(diag(H)), 1e-10)); h <- pmin(h, ifelse(lower[free] == 0, pmax(z / 2, 1e-6), Inf))
      e <- eigen(H, symmetric = TRUE)
      keep <- e$values > 1e-7 * max(abs(e$values))
      V <- e$vectors[, keep, drop = FALSE]
      g <- richardson(ff, z, h)
      for (step in 1:6) {
        d <- -drop(V %*% (crossprod(V, g) / e$values[keep]))
        z2 <- z + d
        if (any(z2 < lower[free])) break
        g2 <- richardson(ff, z2, h)
        if (!is.finite(ff(z2)) || max(abs(g2 * h)) >= max(abs(g * h)) || ff(z2) > best + 1e-9 * (1 + abs(best))) break
        z <- z2; g <- g2; best <- min(best, ff(z2))
        if (max(abs(d) / h) < 1e-10) break
      }
      x[free] <- z; grad_norm <- max(abs(g))
    } else grad_norm <- 0
  }
  list(par = x, fval = f(x), by = by, gradient = grad_norm)
}

# ---- what is kept of a vector -----------------------------------------------------
long <- function(x, limit = 300) {
  x <- unname(x)
  if (length(x) <= limit) return(x)
  list(length = unbox(length(x)), head = x[1:20], sum = unbox(sum(x, na.rm = TRUE)),
       sumsq = unbox(sum(x^2, na.rm = TRUE)))
}

# Deterministic points at which the criterion itself is compared.
points <- function(theta0, lower) {
  i <- seq_along(theta0)
  list(theta0,
       ifelse(lower == 0, 0.6 + 0.3 * sin(i), 0.25 * cos(i)),
       ifelse(lower == 0, 1.7 + 0.5 * cos(2 * i), -0.4 * sin(3 * i)))
}

call_text <- function(formula, data, args)
  paste0("lmer(", formula, ", ", data, if (nzchar(args)) paste0(", ", args), ")")

# ---- one golden --------------------------------------------------------------------
# id        stem of the file
# formula   R text; `mere` when ours is spelled differently
# data      name of a data frame in `env`;  args: R text of the other arguments
# margs     the same arguments for mere (a list, goes to JSON)
golden <- function(id, formula, data, args = "", margs = list(), mere = formula, dir = "lmm",
                   dataset = data, tolerance = list(), use = names(optimizers), polish = TRUE,
                   start = NULL, hat = TRUE, ranef_se = TRUE, default = TRUE, map = NULL, extra = list(),
                   env = globalenv()) {
  wanted <- commandArgs(TRUE)
  if (length(wanted) && !id %in% wanted) return(invisible())
  t0 <- proc.time()[[1]]
  said <- character()
  lf <- withCallingHandlers(
    eval(parse(text = paste0("lFormula(", formula, ", data = ", data, if (nzchar(args)) paste0(", ", args),
                             ", control = loose)")), env),
    message = function(m) { said <<- c(said, trimws(conditionMessage(m))); invokeRestart("muffleMessage") },
    warning = function(w) { said <<- c(said, conditionMessage(w)); invokeRestart("muffleWarning") })
  reml <- lf$REML
  devfun <- do.call(mkLmerDevfun, c(lf, list(control = loose)))
  theta0 <- lf$reTrms$theta + 0        # a copy: lme4 writes each theta into the memory of the start
  lower <- lf$reTrms$lower
  at <- lapply(points(theta0, lower), function(th) list(theta = th, value = unbox(devfun(th + 0))))
  if (is.null(map)) {
    opt <- tight(function(th) devfun(th + 0), if (is.null(start)) theta0 else start, lower, use, polish, sizes = lengths(lf$reTrms$cnms))
    par <- NULL
  } else {                              # a structured covariance: theta is a function of par
    opt <- tight(function(p) devfun(map$theta(p)), map$start, map$lower, use, polish, map$upper)
    par <- opt$par
    opt$par <- map$theta(par)
  }
  theta <- opt$par + 0
  devfun(theta + 0)
  m <- mkMerMod(environment(devfun), list(par = theta + 0, fval = opt$fval, conv = 0, feval = 0, message = ""),
                lf$reTrms, fr = lf$fr, mc = quote(lmer()))
  dc <- getME(m, "devcomp")
  plain <- function(x) if (is.null(x)) NULL else unname(as.vector(x))
  vc <- as.data.frame(VarCorr(m))
  re <- if (ranef_se) as.data.frame(ranef(m, condVar = TRUE)) else {
    as.data.frame(ranef(m, condVar = FALSE)) }
  X <- getME(m, "X")
  out <- list(
    id = unbox(id), call = unbox(call_text(formula, data, args)),
    R = unbox(paste(R.version$major, R.version$minor, sep = ".")), lme4 = unbox("1.1-31"),
    formula = unbox(mere), data = unbox(dataset), arguments = if (!length(margs)) setNames(list(), character()) else lapply(margs, function(a) if (length(a) == 1 && !is.list(a)) unbox(a) else a),
    REML = unbox(isREML(m)),           # FALSE for p = 0, where lme4 calls the (equal) criterion ML
    tolerance = lapply(modifyList(list(
      criterion = 1e-8, evaluation = 1e-10, theta = 2e-6, other = 1e-6,
      reason = paste("criterion: absolute + relative, one-sided downwards; evaluation: relative, at the given theta;",
                     "theta: absolute + relative, the polished optimum of a criterion known to about 1e-11;",
                     "other: relative to the largest magnitude of the vector, what that error in theta leaves")), tolerance), unbox),
    optimum = list(by = unbox(opt$by), gradient = unbox(opt$gradient)),
    theta = theta, lower = lower, evaluations = at, start = theta0,
    criterion = unbox(opt$fval),
    beta = unname(fixef(m)), names = as.character(names(fixef(m))), dropped = names(attr(X, "col.dropped")),
    assign = attr(X, "assign"),
    sigma = unbox(sigma(m)), logLik = unbox(as.numeric(logLik(m))), df = unbox(attr(logLik(m), "df")),
    AIC = unbox(AIC(m)), BIC = unbox(BIC(m)),
    deviance_ml = unbox(suppressWarnings(deviance(m, REML = FALSE))),
    vcov = lapply(seq_len(ncol(X)), function(i) unname(as.matrix(vcov(m))[i, ])),
    varcorr = list(grp = vc$grp, var1 = vc$var1, var2 = vc$var2, vcov = vc$vcov, sdcor = vc$sdcor),
    ranef = c(list(grpvar = long(as.character(re$grpvar), 1e9), term = as.character(re$term), grp = as.character(re$grp),
                   condval = re$condval), if (ranef_se) list(condsd = re$condsd)),
    fitted = long(fitted(m)),
    residuals = list(response = long(residuals(m, "response")), pearson = long(residuals(m, "pearson")),
                     scaled = long(residuals(m, scaled = TRUE))),
    devcomp = lapply(as.list(dc$cmp[c("ldL2", "ldRX2", "wrss", "ussq", "pwrss")]), unbox),
    dims = lapply(as.list(dc$dims[c("N", "n", "p", "nmp", "q", "nth", "useSc", "reTrms")]), unbox),
    cnms = { cn <- getME(m, "cnms"); list(group = names(cn), columns = unname(lapply(cn, I))) },
    ngrps = lapply(as.list(ngrps(m)), unbox), nobs = unbox(nobs(m)), df_residual = unbox(df.residual(m)),
    singular = unbox(isSingular(m)),
    messages = said)
  if (nrow(re) > 400) out$ranef <- list(rows = unbox(nrow(re)), grpvar = re$grpvar[1:20], term = re$term[1:20],
    grp = re$grp[1:20], condval = long(re$condval), condsd = if (ranef_se) long(re$condsd))
  if (nrow(X) <= 200 && hat) out$hatvalues <- unname(hatvalues(m))
  if (!is.null(par)) {                  # parameters are counted by par, not by theta
    out$par <- par; out$par_names <- map$names
    count <- ncol(X) + length(par) + 1; ll <- as.numeric(logLik(m))
    out$df <- unbox(count); out$df_residual <- unbox(nobs(m) - count)
    out$AIC <- unbox(2 * count - 2 * ll); out$BIC <- unbox(log(nobs(m)) * count - 2 * ll)
    out$singular <- NULL; out$start <- NULL; out$lower <- NULL; out$evaluations <- NULL
    out$evaluations_par <- lapply(map$points, function(p) list(par = p, value = unbox(devfun(map$theta(p)))))
    devfun(theta + 0)
  }
  if (default) {                        # what a user of lme4 gets: its own stop and its words
    words <- character()
    fit <- withCallingHandlers(tryCatch(
      eval(parse(text = call_text(formula, data, args)), env), error = function(e) { words <<- c(words, paste("error:", conditionMessage(e))); NULL }),
      message = function(w) { words <<- c(words, trimws(conditionMessage(w))); invokeRestart("muffleMessage") },
      warning = function(w) { words <<- c(words, conditionMessage(w)); invokeRestart("muffleWarning") })
    if (!is.null(fit)) words <- unique(c(words, unlist(fit@optinfo$conv$lme4$messages)))
    out$default_fit <- list(criterion = unbox(if (is.null(fit)) NA_real_ else getME(fit, "devcomp")$cmp[[if (isREML(fit)) "REML" else "dev"]]),
                            evaluations = unbox(if (is.null(fit)) NA_integer_ else fit@optinfo$feval), messages = words)
  }
  out <- c(out, extra)
  file <- file.path("fixtures", dir, paste0(id, ".json"))
  lines <- vapply(names(out), function(n)
    paste0("\"", n, "\": ", toJSON(out[[n]], digits = I(17), na = "null", null = "null")), "")
  writeLines(c("{", paste0(lines, c(rep(",", length(lines) - 1), "")), "}"), file)
  cat(sprintf("%-28s %18.9f  by %-10s |g| %.1e  default %+.1e  %5.1fs %s\n", id, opt$fval, opt$by, opt$gradient,
              if (default && !is.null(fit)) out$default_fit$criterion - opt$fval else NA, proc.time()[[1]] - t0,
              paste(said, collapse = "; ")))
  invisible(m)
}
