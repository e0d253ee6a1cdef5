# NLMM goldens: fixtures/nlmm/*.json, their made-up data in fixtures/data, and printed text.
#
#   Rscript r_parity/nlmm.R [id ...]        (from the root of the checkout)
#
# lme4's nlmer stops early (tolPwrss = 1e-10 and Nelder-Mead). Here tolPwrss is 1e-13, and BOBYQA and nlminb take turns on
# lme4's own deviance function until neither gains. There is no case with weights: with weights other than 1 nlmer 1.1-31
# ends in "step factor reduced below 0.001" (tests/unit/test_nonlinear.py has a dense reference instead).
suppressMessages(library(lme4))
source("r_parity/tables.R")
stopifnot(packageVersion("lme4") == "1.1.31")
options(warn = 1)
wanted <- commandArgs(TRUE)
dir.create("fixtures/nlmm", showWarnings = FALSE)
quiet <- function(expr) suppressMessages(suppressWarnings(expr))
keep <- function(d, name, text) {
  write_table(d, "fixtures/data", name, list(description = text, generator = "r_parity/nlmm.R"))
  assign(name, d, globalenv())
}
Orange <- transform(as.data.frame(Orange), Tree = factor(as.character(Tree), levels = levels(Orange$Tree)))
Theoph <- transform(as.data.frame(Theoph), Subject = factor(as.character(Subject), levels = levels(Theoph$Subject)))
Loblolly <- transform(as.data.frame(Loblolly), Seed = factor(as.character(Seed), levels = levels(Loblolly$Seed)))

set.seed(31)
g <- factor(rep(1:12, each = 10)); x <- rep(seq(0, 9, length.out = 10), 12)
b <- rnorm(12, 0, 6); b2 <- rnorm(12, 0, .5)
sim_fpl <- keep(data.frame(g = g, x = x, y = round(SSfpl(x, 10, 60 + b[g], 4.5 + b2[g], 1.1) + rnorm(120, 0, 1.5), 4),
  w = round(runif(120, .5, 2), 3)), "sim_fpl", "Four-parameter logistic curves of 12 groups, seed 31.")
set.seed(32)
g <- factor(rep(1:15, each = 8)); h <- factor(rep(rep(1:6, length.out = 15), each = 8)); x <- rep(2^(-3:4), 15)
h <- factor(sample(1:6, 120, TRUE)); treated <- rep(0:1, length.out = 15)[g]
b <- rnorm(15, 0, 20); bh <- rnorm(6, 0, 12)
sim_micmen <- keep(data.frame(g = g, h = h, x = x, treated = treated,
  y = round(SSmicmen(x, 180 + b[g] + bh[h], .9 * exp(.1 * b[g] / 20) + .3 * treated) + rnorm(120, 0, 6), 4)),
  "sim_micmen", "Michaelis-Menten curves of 15 groups crossed with 6 others, seed 32.")
set.seed(33)
g <- factor(rep(1:20, each = 9)); x <- rep(0:8, 20); b <- rnorm(20, 0, 3); b2 <- rnorm(20, 0, .2)
sim_decay <- keep(data.frame(g = g, x = x, y = round((30 + b[g]) * exp(-exp(-1 + b2[g]) * x) + 5 + rnorm(180, 0, .8), 4)),
  "sim_decay", "Exponential decay to a floor in 20 groups, seed 33.")
decay <- deriv(~ A * exp(-exp(lk) * x) + C, c("A", "lk", "C"), function(x, A, lk, C) NULL)

g <- function(id, formula, data, start, args = "", mere = list(), nAGQ = 1L, python = NULL, zero = integer(0)) {
  if (length(wanted) && !id %in% wanted) return(invisible())
  t0 <- proc.time()[[1]]
  base <- paste0("nlmer(", formula, ", ", data, ", start = start", if (nzchar(args)) paste0(", ", args))
  control <- nlmerControl(tolPwrss = 1e-13)
  make <- function() quiet(eval(parse(text = paste0(base, ", nAGQ = ", nAGQ, "L, control = control, devFunOnly = TRUE)"))))
  loose <- FALSE
  devfun <- tryCatch(make(), error = function(e) {
    loose <<- TRUE; control <<- nlmerControl(tolPwrss = 1e-10, optimizer = "bobyqa", optCtrl = list(rhobeg = .02)); NULL })
  if (is.null(devfun)) devfun <- tryCatch(make(), error = function(e) NULL)
  if (is.null(devfun)) { cat(id, ": nlmer fails\n"); return(invisible()) }
  rho <- environment(devfun)
  default <- tryCatch(quiet(eval(parse(text = paste0(base, ", nAGQ = ", nAGQ, "L)")))), error = function(e) e)
  failed <- inherits(default, "error")
  nth <- length(rho$pp$theta)
  lower <- rho$lower[seq_len(nth)]
  f <- function(x) tryCatch(quiet(devfun(x)), error = function(e) 1e9)
  x <- if (failed) rho$pp$theta else getME(default, "theta")
  if (nAGQ > 0) { x <- c(x, if (failed) start else fixef(default)); lower <- c(lower, rep(-Inf, length(x) - nth)) }
  x <- unname(x)
  size <- pmax(abs(x), 1e-2)
  h <- function(z) f(z * size)
  best <- f(x)
  for (lift in if (nAGQ > 0) c(1, .3 * max(x[seq_len(nth)]), .1 * max(x[seq_len(nth)])) else numeric(0)) {
    if (any(lower == 0 & x < 1e-2)) {
      y <- x; low <- which(lower == 0 & x < 1e-2); y[low] <- lift
      o <- tryCatch(quiet(minqa::bobyqa(y / size, h, lower / size, rep(Inf, length(x)), control = list(rhobeg = .02, rhoend = 1e-8, maxfun = 2e4))), error = function(e) NULL)
      if (!is.null(o) && o$fval < best) { x <- o$par * size; size <- pmax(abs(x), 1e-2); best <- f(x) }
    }
  }
  for (turn in 1:6) {
    o <- quiet(minqa::bobyqa(x / size, h, lower / size, rep(Inf, length(x)),
         control = list(rhobeg = c(.05, .01, 1e-3, 1e-2, 1e-3, 1e-4)[turn], rhoend = 1e-10, maxfun = 2e4)))
    if (o$fval < best) { x <- o$par * size; best <- f(x) }
    o <- quiet(nlminb(x / size, h, lower = lower / size, control = list(rel.tol = 1e-15, x.tol = 1e-12, eval.max = 3000, iter.max = 1000)))
    if (o$objective < best) { x <- o$par * size; best <- f(x) }
  }
  for (i in zero) { y <- x; y[i] <- 0; if (f(y) <= best + 1e-9) { x <- y; best <- f(y) } }
  value <- f(x)
  pp <- rho$pp; resp <- rho$resp
  beta <- if (nAGQ > 0) x[-seq_len(nth)] else pp$beta(1)
  points <- if (nAGQ > 0) list(x, x * c(rep(1.2, nth), rep(1.01, length(beta))), x * c(rep(.8, nth), rep(.99, length(beta)))) else list(x, x * 1.3, x * .7)
  evaluations <- Filter(function(e) e$value < 1e8, lapply(points, function(p) list(par = p, value = unbox(f(p)))))
  f(x)
  n <- length(resp$y)
  wrss <- resp$wrss(); ussq <- pp$sqrL(1)
  V <- NULL
  if (!failed && nAGQ > 0) V <- tryCatch(unname(as.matrix(quiet(vcov(default)))), error = function(e) NULL)
  out <- list(
    id = unbox(id), r = unbox("R 4.2.2, lme4 1.1-31"), call = unbox(paste0(base, ", nAGQ = ", nAGQ, ")")),
    mere = c(list(formula = unbox(if (is.null(python)) formula else python), data = unbox(data), start = as.list(start) , nAGQ = unbox(nAGQ)), mere),
    criterion = unbox(value), 
    default_fit = if (failed) unbox(conditionMessage(default)) else
      list(criterion = unbox(-2 * as.numeric(logLik(default))), theta = unname(getME(default, "theta")), beta = unname(fixef(default))),
    theta = x[seq_len(nth)], beta = beta, sigma = unbox(sqrt((wrss + ussq) / n)),
    b = pp$b(1), mu = resp$mu, devcomp = list(ldL2 = unbox(pp$ldL2()), wrss = unbox(wrss), ussq = unbox(ussq)),
    evaluations = evaluations,
    tolerance = list(criterion = unbox(if (loose) 3e-4 else 1e-6), evaluation = unbox(if (loose) 1e-6 else 5e-8), parts = unbox(1e-4),
      theta = unbox(3e-3), other = unbox(3e-3), reason = unbox(paste(
      "criterion: absolute, never higher than R by more; evaluation: relative; parts: at the parameters of R; theta and",
      "other: relative to the largest magnitude, the optimum of a criterion that lme4 knows to about 1e-7 with steps",
      if (loose) "(here with tolPwrss = 1e-10, 1e-13 fails in R: the criterion is good to 3e-4 only)" else ""))))
  out$mere$start <- lapply(out$mere$start, unbox)
  writeLines(jsonlite::toJSON(out, digits = NA, pretty = TRUE, null = "null"), file.path("fixtures/nlmm", paste0(id, ".json")))
  cat(sprintf("%-22s %16.8f  default %+.2e  theta %s  (%.1f s)\n", id, value,
      if (failed) NA else out$default_fit$criterion - value, paste(signif(x[seq_len(nth)], 5), collapse = " "), proc.time()[[1]] - t0))
}
unbox <- jsonlite::unbox
logis <- "circumference ~ SSlogis(age, Asym, xmid, scal) ~ "
ost <- c(Asym = 200, xmid = 725, scal = 350)
g("orange", paste0(logis, "Asym | Tree"), "Orange", ost)
g("orange_joint", paste0(logis, "Asym | Tree"), "Orange", ost, nAGQ = 0L)
g("orange_two", paste0(logis, "(Asym | Tree) + (xmid | Tree)"), "Orange", ost, zero = 2L)
g("orange_correlated", paste0(logis, "(Asym + xmid | Tree)"), "Orange", ost)
g("orange_three", paste0(logis, "(Asym | Tree) + (xmid | Tree) + (scal | Tree)"), "Orange", ost, zero = 2:3)
g("orange_scal", paste0(logis, "scal | Tree"), "Orange", ost, zero = 1L)
lst <- c(Asym = 103, R0 = -8.5, lrc = -3.3)
g("loblolly", "height ~ SSasymp(age, Asym, R0, lrc) ~ Asym | Seed", "Loblolly", lst)
g("loblolly_joint", "height ~ SSasymp(age, Asym, R0, lrc) ~ (Asym | Seed)", "Loblolly", lst, nAGQ = 0L)
tst <- c(lKe = -2.5, lKa = .5, lCl = -3.2)
g("theoph", "conc ~ SSfol(Dose, Time, lKe, lKa, lCl) ~ (lKa | Subject) + (lCl | Subject)", "Theoph", tst)
g("theoph_correlated", "conc ~ SSfol(Dose, Time, lKe, lKa, lCl) ~ (lKa + lCl | Subject)", "Theoph", tst)
g("theoph_all", "conc ~ SSfol(Dose, Time, lKe, lKa, lCl) ~ (lKe | Subject) + (lKa | Subject) + (lCl | Subject)", "Theoph", tst, zero = 1L)
fst <- c(A = 10, B = 60, xmid = 4.5, scal = 1)
g("fpl", "y ~ SSfpl(x, A, B, xmid, scal) ~ (B + xmid | g)", "sim_fpl", fst)
g("fpl_separate", "y ~ SSfpl(x, A, B, xmid, scal) ~ (B | g) + (xmid | g)", "sim_fpl", fst)
mst <- c(Vm = 180, K = 1)
g("micmen", "y ~ SSmicmen(x, Vm, K) ~ (Vm | g)", "sim_micmen", mst)
g("micmen_crossed", "y ~ SSmicmen(x, Vm, K) ~ (Vm | g) + (Vm | h)", "sim_micmen", mst)
g("micmen_subset", "y ~ SSmicmen(x, Vm, K) ~ (Vm | g)", "sim_micmen", mst, args = "subset = x > 0.2", mere = list(subset = unbox("x > 0.2")))
dst <- c(A = 30, lk = -1, C = 5)
g("decay", "y ~ decay(x, A, lk, C) ~ (A | g) + (lk | g)", "sim_decay", dst, python = "y ~ A * exp(-exp(lk) * x) + C ~ (A | g) + (lk | g)")
g("decay_correlated", "y ~ decay(x, A, lk, C) ~ (A + lk | g)", "sim_decay", dst, python = "y ~ A * exp(-exp(lk) * x) + C ~ (A + lk | g)")

if (!length(wanted) || "text" %in% wanted) {
  options(width = 80)
  start <- ost
  m <- quiet(nlmer(circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree, Orange, start = ost,
                   control = nlmerControl(tolPwrss = 1e-13, optimizer = "bobyqa", optCtrl = list(rhobeg = .02, rhoend = 1e-10))))
  m@call$control <- NULL
  text <- quiet(list(model = capture.output(print(m)), varcorr = capture.output(print(VarCorr(m))),
       summary = capture.output(print(summary(m, correlation = FALSE, use.hessian = FALSE)))))
  writeLines(jsonlite::toJSON(c(list(r = unbox("R 4.2.2, lme4 1.1-31")), text), digits = NA, pretty = TRUE), "fixtures/nlmm/text_orange.json")
}
