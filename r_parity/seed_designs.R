# Goldens of estimates in seven small designs: fixtures/seed_designs.json.
#
#   python r_parity/seed_designs.py && Rscript r_parity/seed_designs.R       (from the root of the checkout)
#
# lme4 with tight tolerances: with its default tolPwrss the Laplace estimates of the binary design are 4e-3 off, at a
# deviance that is 3e-3 higher. And MASS::glm.nb of the counts, as a check of the negative binomial's size.
suppressMessages({library(lme4); library(MASS); library(jsonlite)})
d <- read.csv("fixtures/data/seed_designs.csv"); d$g <- factor(d$g)
from <- function(p) unbox(paste(p, packageVersion(p)))
about <- function(call, value, reason) list(R = unbox(as.character(getRversion())), packages = sapply(c("lme4", "MASS"), from),
  call = unbox(call), tolerance = list(value = unbox(value), reason = unbox(reason)))
exact <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5), check.conv.singular = "ignore")
strict <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9, maxfun = 1e5), tolPwrss = 1e-14, calc.derivs = FALSE)
of <- function(m) list(criterion = unbox(-2 * as.numeric(logLik(m))), beta = unname(fixef(m)),
  vcov = as.data.frame(VarCorr(m))$vcov, se = unname(sqrt(diag(as.matrix(vcov(m))))))
out <- list()
for (id in c("icc02", "icc09", "icc0", "unbalanced", "slopes")) {
  f <- if (id == "slopes") y ~ x1 + x2 + (x1 | g) else y ~ x1 + x2 + (1 | g)
  out[[id]] <- c(about(paste("lmer(", deparse(f), ")"), 1e-6, "one optimum, which lme4 has to about 1e-7"),
                 of(lmer(f, d[d$design == id, ], control = exact)))
}
for (id in c("logistic", "poisson")) for (n in 0:1) {
  family <- if (id == "logistic") binomial else poisson
  m <- glmer(y ~ x1 + x2 + (1 | g), d[d$design == id, ], family, nAGQ = n, control = strict)
  out[[paste0(id, n)]] <- c(about(paste0("glmer(y ~ x1 + x2 + (1 | g), nAGQ = ", n, ")"), 1e-4, "beta; variances 1e-3"), of(m))
}
q <- glm.nb(y ~ x1 + x2, d[d$design == "poisson", ], control = glm.control(epsilon = 1e-12, maxit = 200))
out$glm_nb <- c(about("MASS::glm.nb(y ~ x1 + x2) of the design poisson", 1e-3, "the row's own"),
                list(theta = unbox(q$theta), beta = unname(coef(q)), criterion = unbox(-2 * as.numeric(logLik(q)))))
write(toJSON(out, digits = 15, pretty = TRUE), "fixtures/seed_designs.json")
