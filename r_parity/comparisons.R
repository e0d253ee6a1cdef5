# Goldens of comparisons of models and of what is left of a model: fixtures/comparisons.json.
#
#   Rscript r_parity/comparisons.R        (from the root of the checkout)
#
# KRmodcomp with betaH, with its models exchanged and of a weighted fit, SATmodcomp of a fit by maximum likelihood, step
# where no random effect stays, ranova of interacting effects, anova with an aliased term, which lmerTest shows as an empty row.
# pbkrtest leaves weights out of V; the weighted model is therefore fitted to rows multiplied by their roots.
suppressMessages({library(lmerTest); library(pbkrtest); library(jsonlite)})
options(warn = -1)
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.02, rhoend = 1e-10, maxfun = 1e5), calc.derivs = FALSE,
                     check.conv.singular = "ignore", check.rankX = "silent.drop.cols")
few <- read.csv("fixtures/data/few_groups.csv", stringsAsFactors = TRUE); few$g <- factor(few$g)
verbs <- read.csv("fixtures/data/verbs.csv", stringsAsFactors = TRUE)
quietly <- function(x) suppressMessages(suppressWarnings(x))
table <- function(t) { t <- as.data.frame(t); c(list(rows = I(rownames(t))), lapply(as.list(t), function(v) I(as.numeric(v)))) }

m <- lmer(y ~ a + x + (1 | g), few, control = tight)
m0 <- lmer(y ~ x + (1 | g), few, control = tight)
ml <- lmer(y ~ a + x + (1 | g), few, REML = FALSE, control = tight)
L <- rbind(c(0, 1, 0, 0), c(0, 0, 1, 1))
kr <- list(zero = table(KRmodcomp(m, L)$test), number = table(KRmodcomp(m, L, betaH = 2)$test),
  vector = table(KRmodcomp(m, L, betaH = c(9, 1, 0.5, -1))$test), exchanged = table(KRmodcomp(m0, m)$test))

X <- model.matrix(m) * sqrt(few$w)
rows <- data.frame(g = few$g, root = sqrt(few$w), y = few$y * sqrt(few$w), X1 = X[, 1], X2 = X[, 2], X3 = X[, 3], X4 = X[, 4])
heavy <- lme4::lmer(y ~ 0 + X1 + X2 + X3 + X4 + (0 + root | g), rows, control = tight)
weighted <- list(test = table(KRmodcomp(heavy, L)$test), vcovAdj = unname(as.matrix(vcovAdj(heavy))))

reduced <- lmer(y ~ x * g + z * f + (1 | size), verbs, control = tight)
s <- quietly(step(reduced))
aliased <- quietly(lmer(y ~ f + x + I(2 * x) + (1 | g), verbs, control = tight))
slopes <- quietly(lmer(y ~ x + (x * z | g), verbs, control = tight))
out <- list(R = R.version.string, lmerTest = as.character(packageVersion("lmerTest")), pbkrtest = as.character(packageVersion("pbkrtest")),
  tolerance = list(value = 1e-5, reason = "lme4's optimum is iterative; lmerTest's derivatives are numerical"),
  L = L, kr = kr, weighted = weighted, sat_ml = table(SATmodcomp(ml, lmer(y ~ a + (1 | g), few, REML = FALSE, control = tight))$test),
  step = list(random = table(s$random), fixed = table(s$fixed), text = capture.output(print(s)), final = paste(deparse(formula(get_model(s))), collapse = "")),
  ranova = table(quietly(ranova(slopes))), aliased = table(quietly(anova(aliased, type = "I"))))
write_json(out, "fixtures/comparisons.json", auto_unbox = TRUE, digits = 12, na = "null", pretty = TRUE)
