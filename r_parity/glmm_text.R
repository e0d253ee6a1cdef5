# Printed text of glmer at a tight optimum: fixtures/printing/glmer_*.txt
#
#   Rscript r_parity/glmm_text.R        (from the root of the checkout, after r_parity/glmm.R)
suppressMessages(library(lme4))
options(width = 80)
glmm_crossed <- read.csv("fixtures/data/glmm_crossed.csv"); for (v in c("g", "h")) glmm_crossed[[v]] <- factor(glmm_crossed[[v]])
tight <- glmerControl(optimizer = "bobyqa", tolPwrss = 1e-13, optCtrl = list(rhobeg = .01, rhoend = 1e-9, maxfun = 1e5))
put <- function(id, m, m0) {
  text <- function(x, what) writeLines(capture.output(print(x)), file.path("fixtures/printing", paste0("glmer_", id, ".", what, ".txt")))
  m@call$control <- NULL; m0@call$control <- NULL
  text(m, "print"); text(summary(m), "summary"); text(anova(m), "anova"); text(VarCorr(m), "varcorr")
  text(anova(m0, m), "comparison")
}
put("cbpp", m <- glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial, control = tight),
  m0 <- glmer(cbind(incidence, size - incidence) ~ (1 | herd), cbpp, binomial, control = tight))
put("grouse", m <- glmer(TICKS ~ YEAR + (1 | LOCATION), grouseticks, poisson, control = tight),
  m0 <- glmer(TICKS ~ 1 + (1 | LOCATION), grouseticks, poisson, control = tight))
put("slopes", m <- glmer(count ~ x + offset(log(e)) + (x | g), glmm_crossed, poisson, control = tight),
  m0 <- glmer(count ~ x + offset(log(e)) + (1 | g), glmm_crossed, poisson, control = tight))
put("weights", m <- glmer(incidence / size ~ period + (1 | herd), cbpp, binomial(link = "probit"), weights = size, control = tight),
  m0 <- glmer(incidence / size ~ 1 + (1 | herd), cbpp, binomial(link = "probit"), weights = size, control = tight))
