# The crossed maximal model: 56 subjects by 32 items, eight correlated effects
# for each (72 parameters). Slow (some minutes with OpenBLAS under R); run by hand.
#
#   Rscript r_parity/lmm_maximal.R data    writes fixtures/data/maximal.csv.gz
#   Rscript r_parity/lmm_maximal.R fit     writes fixtures/lmm_slow/maximal.json
source("r_parity/golden.R")
what <- commandArgs(TRUE)[1]

# A 2 x 2 x 2 design within subjects and items (each pair once, eight lists), effects coded
# -1/+1; the two 8 x 8 covariances have rank 4 and 3, so that the fit is singular.
if (what == "data") {
  set.seed(20260901)
  d <- expand.grid(item = sprintf("I%02d", 1:32), subj = sprintf("S%02d", 1:56))
  cell <- (as.integer(factor(d$subj)) + as.integer(factor(d$item))) %% 8
  d$S <- 2L * (cell %/% 4L %% 2L) - 1L; d$P <- 2L * (cell %/% 2L %% 2L) - 1L; d$C <- 2L * (cell %% 2L) - 1L
  M <- model.matrix(~ S * P * C, d)
  us <- matrix(rnorm(56 * 4), 56) %*% matrix(rnorm(32), 4) %*% diag(c(160, 45, 40, 40, 25, 20, 25, 15))
  ui <- matrix(rnorm(32 * 3), 32) %*% matrix(rnorm(24), 3) %*% diag(c(180, 20, 90, 15, 20, 15, 10, 15))
  beta <- c(2180, -65, -330, 80, 20, -22, 5, -3)
  d$rt <- round(drop(M %*% beta) + rowSums(M * us[as.integer(factor(d$subj)), ]) + rowSums(M * ui[as.integer(factor(d$item)), ]) +
                rnorm(nrow(d), sd = 550), 1)
  d <- data.frame(subj = factor(d$subj), item = factor(d$item), S = as.integer(d$S), P = as.integer(d$P), C = as.integer(d$C), rt = d$rt)
  write_table(d, "fixtures/data", "maximal", gzip = TRUE, list(
    description = "56 subjects by 32 items, a 2 x 2 x 2 design within both, singular covariances (seed 20260901)",
    generator = "r_parity/lmm_maximal.R"))
} else {
  d <- read.csv("fixtures/data/maximal.csv.gz", stringsAsFactors = TRUE)
  formula <- rt ~ S * P * C + (S * P * C | subj) + (S * P * C | item)
  lf <- lFormula(formula, d, REML = FALSE, control = loose)
  devfun <- do.call(mkLmerDevfun, c(lf, list(control = loose)))
  lower <- lf$reTrms$lower + 0; x <- lf$reTrms$theta + 0; start <- x
  evaluations <- 0
  f <- function(th) { evaluations <<- evaluations + 1; devfun(th + 0) }
  at <- lapply(points(x, lower), function(th) list(theta = th, value = unbox(devfun(th + 0))))
  note <- list(); best <- Inf; best_x <- x
  try_one <- function(name, run) {
    evaluations <<- 0; t <- system.time(o <- tryCatch(suppressWarnings(run()), error = function(e) { message(e); NULL }))
    if (is.null(o)) return(invisible())
    cat(sprintf("%-24s %.9f  %d evaluations  %.1f s CPU\n", name, o$fval, evaluations, t[[1]] + t[[2]]))
    note[[length(note) + 1]] <<- list(optimizer = unbox(name), criterion = unbox(o$fval), evaluations = unbox(evaluations),
                                       seconds = unbox(t[[1]] + t[[2]]))
    if (o$fval < best) { best <<- o$fval; best_x <<- o$par + 0 }
  }
  # lme4's optimizers have no derivatives, which 72 parameters need. The ML criterion's gradient,
  # with Omega = Lambda'Z'Z Lambda + I, residual r and spherical u at the profiled solution:
  #   d criterion / d Lambda = 2 Z'Z Lambda Omega^-1 - 2 n / pwrss Z'r u'
  Zt <- lf$reTrms$Zt; A <- as.matrix(tcrossprod(Zt)); n <- nrow(d); q <- nrow(A)
  nl <- sapply(lf$reTrms$flist, nlevels); Gp <- lf$reTrms$Gp; tri <- which(lower.tri(diag(8), TRUE))
  gradient <- function(th) {
    devfun(th + 0)
    e <- environment(devfun); Lt <- as.matrix(e$pp$Lambdat)
    AL <- A %*% t(Lt); Om <- Lt %*% AL; diag(Om) <- diag(Om) + 1
    G <- 2 * AL %*% chol2inv(chol(Om))
    r <- d$rt - e$resp$mu; u <- e$pp$u(1)
    G <- G - 2 * n / (sum(r^2) + sum(u^2)) * tcrossprod(as.vector(Zt %*% r), u)
    unlist(lapply(1:2, function(t) {
      S <- matrix(0, 8, 8)
      for (l in seq_len(nl[t])) { at <- Gp[t] + (l - 1) * 8 + 1:8; S <- S + G[at, at] }
      S[tri]
    }))
  }
  set.seed(1)
  z <- turn_columns(ifelse(lower == 0, 0.3, 0.02) + 0.02 * rnorm(72), c(8, 8)); i <- c(1, 5, 20, 40, 72)
  numeric_g <- sapply(i, function(j) { h <- 1e-4; e <- replace(numeric(72), j, h); (f(z + e) - f(z - e)) / (2 * h) })
  cat("gradient against differences:", max(abs(gradient(z)[i] - numeric_g) / (1 + abs(numeric_g))), "\n")
  up <- rep(Inf, length(x)); free <- rep(-Inf, length(x))
  long <- list(eval.max = 3000, iter.max = 2000, rel.tol = 1e-14, x.tol = 1e-12)
  nlm <- function(x0, lo) { o <- nlminb(x0 + 0, f, gradient, lower = lo, control = long); y <- turn_columns(o$par, c(8, 8)); list(par = y, fval = f(y)) }
  try_one("nloptwrap, lme4's settings", function() nloptwrap(start + 0, f, lower, up, control = list(xtol_abs = 1e-8, ftol_abs = 1e-8, maxeval = 1e5)))
  try_one("nlminb with gradient", function() nlm(start, lower))
  try_one("nlminb with gradient, unbounded", function() nlm(start, free))
  for (k in 1:2) {                                  # random starts, and signs pushed across zero
    try_one(paste("unbounded, random start", k), function() nlm(turn_columns(ifelse(lower == 0, 0.4, 0) + 0.15 * rnorm(72), c(8, 8)), free))
    try_one(paste("unbounded, pushed from best", k), function() { y <- best_x; w <- lower == 0 & abs(y) < 0.02; y[w] <- sample(c(-0.1, 0.1), sum(w), TRUE); nlm(y, free) })
  }
  out <- list(id = unbox("maximal"), call = unbox("lmer(rt ~ S * P * C + (S * P * C | subj) + (S * P * C | item), maximal, REML = FALSE)"),
    R = unbox("4.2.2"), lme4 = unbox("1.1-31"), formula = unbox("rt ~ S * P * C + (S * P * C | subj) + (S * P * C | item)"),
    data = unbox("maximal"), arguments = list(REML = unbox(FALSE)), REML = unbox(FALSE),
    criterion = unbox(best), theta = best_x, evaluations = at, runs = note,
    tolerance = list(evaluation = unbox(1e-10), reason = unbox("the criterion is the best of R's runs, an upper bound: ours must not be above it")))
  dir.create("fixtures/lmm_slow", showWarnings = FALSE)
  lines <- vapply(names(out), function(n) paste0("\"", n, "\": ", toJSON(out[[n]], digits = I(17))), "")
  writeLines(c("{", paste0(lines, c(rep(",", length(lines) - 1), "")), "}"), "fixtures/lmm_slow/maximal.json")
}
