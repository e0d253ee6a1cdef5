# Goldens of structured covariances: fixtures/lmm/structured_*.json.
#
#   Rscript r_parity/lmm_structured.R [id ...]
#
# lme4 1.1-31 has no diag/cs/ar1 terms, but its criterion takes any theta: here
# theta is a function of par (relative SDs, then the correlation) and par is
# optimised. glmmTMB fits the same models by another route (automatic
# differentiation, log-scale parameters); its logLik, SDs and correlation stand
# beside the golden and must agree.
source("r_parity/golden.R")
suppressMessages(library(glmmTMB))

set.seed(80)
visits <- expand.grid(rep = 1:2, visit = factor(paste0("v", 1:4)), id = factor(sprintf("p%02d", 1:24)))
visits$site <- factor(c("north", "south", "east", "west", "mid", "isle")[(as.integer(visits$id) - 1) %/% 4 + 1])
visits$x <- round(rnorm(nrow(visits)), 3)
R <- 0.6^abs(outer(1:4, 1:4, "-"))
u <- matrix(rnorm(24 * 4), 24) %*% chol(diag(c(1, 1.3, 1.6, 2)) %*% R %*% diag(c(1, 1.3, 1.6, 2)))
visits$y <- round(10 + visits$x + 0.5 * as.integer(visits$visit) + u[cbind(as.integer(visits$id), as.integer(visits$visit))] +
                  0.6 * rnorm(6)[visits$site] + rnorm(nrow(visits)), 4)
visits <- visits[sort(sample(nrow(visits), 172)), c("id", "visit", "site", "x", "y")]
rownames(visits) <- NULL
write_table(visits, "fixtures/data", "visits", list(
  description = "24 subjects, four visits, up to two measurements a visit; AR(1) effects with growing SD",
  generator = "r_parity/lmm_structured.R"))

lower_triangle <- function(L) L[lower.tri(L, diag = TRUE)]
correlation <- list(
  diag = function(k, rho) diag(k),
  cs = function(k, rho) { C <- matrix(rho, k, k); diag(C) <- 1; C },
  ar1 = function(k, rho) rho^abs(outer(seq_len(k), seq_len(k), "-")))
structure_map <- function(kind, k, hom, more = 0) {   # `more`: scalar terms that follow, their theta behind
  nsd <- if (hom) 1 else k
  has_rho <- kind != "diag"
  theta <- function(p) {
    C <- correlation[[kind]](k, if (has_rho) p[nsd + 1] else 0)
    L <- tryCatch(t(chol(C)), error = function(e) matrix(NaN, k, k))
    c(lower_triangle(diag(rep_len(p[seq_len(nsd)], k), k) %*% L), p[seq_len(more) + nsd + has_rho])
  }
  sd_names <- if (hom) "sd" else paste0("sd", seq_len(k))
  list(theta = theta,
       start = c(rep(1, nsd), if (has_rho) 0, rep(1, more)),
       lower = c(rep(0, nsd), if (has_rho) (if (kind == "cs") -1 / (k - 1) else -1) + 1e-4, rep(0, more)),
       upper = c(rep(Inf, nsd), if (has_rho) 1 - 1e-4, rep(Inf, more)),
       names = c(sd_names, if (has_rho) "rho", if (more) paste0("sd_", seq_len(more))),
       points = list(c(rep(1, nsd), if (has_rho) 0, rep(1, more)),
                     c(0.7 + 0.2 * sin(seq_len(nsd)), if (has_rho) 0.45, rep(0.8, more)),
                     c(1.5 + 0.4 * cos(seq_len(nsd)), if (has_rho) -0.2, rep(1.3, more))))
}
# The bounds keep rho 1e-4 off singularity; the optima are inside, or the printed gradient shows it.

fit_tmb <- function(kind, hom, fixed, term, reml, more, data, k) {
  if (kind == "ar1" && !hom) return(NULL)             # glmmTMB 1.1.5 has homogeneous AR(1) only
  f <- as.formula(paste(fixed, "+", kind, "(", term, ")", more))
  extra <- nchar(more) > 0
  map <- if (hom && kind == "diag") list(theta = factor(c(rep(1, k), if (extra) 2)))
         else if (hom && kind == "cs") list(theta = factor(c(rep(1, k), 2, if (extra) 3)))
  m <- suppressWarnings(glmmTMB(f, data, REML = reml, map = map, control = glmmTMBControl(
    optCtrl = list(iter.max = 1e4, eval.max = 1e4, rel.tol = 1e-15, x.tol = 1e-12))))
  v <- VarCorr(m)$cond[[1]]
  list(version = unbox("1.1.5"), logLik = unbox(as.numeric(logLik(m))), sd = unname(attr(v, "stddev")),
       rho = unbox(if (kind == "diag") NA else unname(attr(v, "correlation")[2, 1])), sigma = unbox(sigma(m)),
       beta = unname(fixef(m)$cond))
}

case <- function(kind, hom, reml, fixed = "y ~ x + visit", term = "0 + visit | id", k = 4, more = "", stem = "",
                 data = "visits") {
  id <- paste0("structured_", stem, kind, if (hom) "_hom" else "_het", if (reml) "_reml" else "_ml")
  wanted <- commandArgs(TRUE)
  if (length(wanted) && !id %in% wanted) return(invisible())
  default_hom <- kind == "ar1"
  inside <- paste0(term, if (hom != default_hom) paste0(", hom = ", if (hom) "TRUE" else "FALSE"))
  tmb <- fit_tmb(kind, hom, fixed, term, reml, more, get(data), k)
  m <- golden(id, paste0(fixed, " + (", term, ")", more), data, paste0("REML = ", reml), list(REML = reml),
         mere = paste0(fixed, " + ", kind, "(", inside, ")", more), default = FALSE, hat = FALSE,
         map = structure_map(kind, k, hom, more = as.integer(nchar(more) > 0)),
         extra = list(glmmTMB = tmb, structure = list(kind = unbox(kind), hom = unbox(hom), columns = unbox(k))))
  if (!is.null(tmb)) cat(sprintf("   glmmTMB logLik - ours: %+.2e\n", tmb$logLik - as.numeric(logLik(m))))
}
for (reml in c(TRUE, FALSE)) for (kind in c("diag", "cs", "ar1")) for (hom in c(FALSE, TRUE)) case(kind, hom, reml)
case("ar1", TRUE, TRUE, more = " + (1 | site)", stem = "site_")
case("cs", FALSE, FALSE, more = " + (1 | site)", stem = "site_")
case("diag", FALSE, TRUE, fixed = "Reaction ~ Days", term = "Days | Subject", k = 2, stem = "sleepstudy_", data = "sleepstudy")
case("cs", FALSE, TRUE, fixed = "Reaction ~ Days", term = "Days | Subject", k = 2, stem = "sleepstudy_", data = "sleepstudy")
