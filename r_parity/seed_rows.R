# Goldens of single rows of the checklist of resampling inference: fixtures/seed_rows.json.
#
#   Rscript r_parity/seed_rows.R       (from the root of the checkout)
#
# lmerTest::contest1D, emmeans::joint_tests, emmeans, emtrends, pairs and their intervals, stats::predict.
suppressMessages({library(lme4); library(lmerTest); library(emmeans); library(jsonlite)})
emm_options(lmer.df = "satterthwaite", msg.interaction = FALSE)
data(cake, sleepstudy, Pastes, package = "lme4"); data(Oats, package = "nlme"); data(Machines, package = "nlme")
Oats <- transform(as.data.frame(Oats), Block = factor(as.character(Block)), Variety = factor(as.character(Variety)), nitro = factor(nitro))
from <- function(p) unbox(paste(p, packageVersion(p)))
about <- function(call, value, reason) list(R = unbox(as.character(getRversion())),
  packages = sapply(c("lme4", "lmerTest", "emmeans"), from), call = unbox(call),
  tolerance = list(value = unbox(value), reason = unbox(reason)))
plain <- function(d) { d <- as.data.frame(d); lapply(d, function(x) if (is.factor(x)) as.character(x) else unname(x)) }
tight <- glm.control(epsilon = 1e-14, maxit = 100)
exact <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5))
out <- list()

# BOS-11: degrees of freedom of contrasts
mixed <- list(
  slopes = list(Reaction ~ Days + (Days | Subject), "sleepstudy"), uncorrelated = list(Reaction ~ Days + (Days || Subject), "sleepstudy"),
  intercepts = list(Reaction ~ Days + (1 | Subject), "sleepstudy"), cake = list(angle ~ recipe + temp + (1 | recipe:replicate), "cake"),
  oats = list(yield ~ Variety + nitro + (1 | Block/Variety), "Oats"), few = list(y ~ a + x + (1 | g), "few"))
few <- read.csv("fixtures/data/few_groups.csv", stringsAsFactors = TRUE); few$g <- factor(few$g)
for (id in names(mixed)) {
  m <- lmer(mixed[[id]][[1]], get(mixed[[id]][[2]]), control = exact)
  p <- length(fixef(m)); L <- rbind(diag(p), rep(1, p), seq_len(p) - 2)
  t <- do.call(rbind, lapply(seq_len(nrow(L)), function(i) contest1D(m, L[i, ])))
  out[[paste0("contest_", id)]] <- c(about(paste("contest1D(", deparse(mixed[[id]][[1]]), ")"), 1e-3, "lmerTest differentiates numerically"),
    list(L = L, estimate = t$Estimate, se = t$`Std. Error`, df = t$df, p = t$`Pr(>|t|)`))
}

# BOS-13: joint tests under three codings
for (code in c("contr.treatment", "contr.sum", "contr.helmert")) for (kind in c("lm", "poisson")) {
  given <- list(wool = code, tension = code)
  m <- if (kind == "lm") lm(breaks ~ wool * tension, warpbreaks[-(1:3), ], contrasts = given) else
    glm(breaks ~ wool * tension, poisson, warpbreaks[-(1:3), ], contrasts = given, control = tight)
  out[[paste("joint", kind, sub("contr.", "", code), sep = "_")]] <- c(about(paste0("joint_tests(", kind, "), ", code), 1e-6, "the row's own"), plain(joint_tests(m)))
}

# BOS-14: means, slopes, contrasts
models <- list(
  lm = list(lm(breaks ~ wool * tension, warpbreaks[-(1:3), ]), ~ tension | wool),
  poisson = list(glm(breaks ~ wool * tension, poisson, warpbreaks[-(1:3), ], control = tight), ~ tension | wool),
  cake = list(lmer(angle ~ recipe * temp + (1 | recipe:replicate), cake[-(1:4), ], control = exact), ~ recipe))
for (id in names(models)) {
  e <- suppressMessages(emmeans(models[[id]][[1]], models[[id]][[2]]))
  out[[paste0("means_", id)]] <- c(about(paste0("emmeans(", id, ")"), 1e-6, "estimates and errors; degrees of freedom 1e-3"), plain(summary(e)))
  out[[paste0("pairs_", id)]] <- c(about(paste0("pairs(emmeans(", id, "))"), 1e-6, "as above; p 1e-4"), plain(summary(pairs(e), infer = TRUE)))
}
slope <- emtrends(models$cake[[1]], ~ recipe, "temp")
out$slopes_cake <- c(about("emtrends(cake, ~ recipe, 'temp')", 1e-6, "as above"), plain(summary(slope)))

# BOS-15: p and intervals by the same rule
base <- emmeans(models$lm[[1]], ~ tension | wool)
for (adjust in c("tukey", "bonferroni", "sidak", "mvt", "scheffe", "none")) {
  set.seed(1)
  out[[paste0("adjust_", adjust)]] <- c(about(paste0("pairs(., adjust = '", adjust, "')"), if (adjust == "mvt") 2e-3 else 1e-4, "the row's own"),
    plain(summary(pairs(base), infer = TRUE, adjust = adjust)))
}
out$adjust_dunnett <- c(about("contrast(., 'trt.vs.ctrl', adjust = 'dunnettx')", 1e-4, "the row's own"),
  plain(summary(contrast(base, "trt.vs.ctrl"), infer = TRUE, adjust = "dunnettx")))

# BOS-17: predictions
new <- data.frame(Days = c(0, 4.5, 12))
m <- lm(Reaction ~ Days, sleepstudy)
out$predict_lm <- c(about("predict(lm, interval = 'confidence')", 1e-10, "a closed form"),
  list(Days = new$Days, table = unname(predict(m, new, interval = "confidence")), se = unname(predict(m, new, se.fit = TRUE)$se.fit)))
g <- glm(breaks ~ wool + tension, poisson, warpbreaks, control = tight)
p <- predict(g, warpbreaks[c(1, 20, 40), ], type = "response", se.fit = TRUE)
out$predict_poisson <- c(about("predict(glm, type = 'response', se.fit = TRUE)", 1e-8, "one optimum"), list(fit = unname(p$fit), se = unname(p$se.fit)))
# BOS-53: comparisons refit by ML, predictions with and without random effects
m <- lmer(Reaction ~ Days + (Days | Subject), sleepstudy, control = exact)
small <- lmer(Reaction ~ 1 + (Days | Subject), sleepstudy, control = exact)
a <- suppressMessages(anova(small, m))
new <- data.frame(Days = c(0, 5, 12), Subject = c("308", "372", "308"))
out$comforts <- c(about("anova, refitML, predict", 1e-6, "the row's own"), list(
  anova = lapply(as.list(as.data.frame(a)), unname), ml = list(criterion = unbox(-2 * as.numeric(logLik(refitML(m)))), beta = unname(fixef(refitML(m)))),
  newdata = as.list(new), with = unname(predict(m, new)), without = unname(predict(m, new, re.form = NA)),
  intercepts = unname(predict(m, new, re.form = ~ (1 | Subject)))))
write(toJSON(out, digits = 15, pretty = TRUE, na = "null"), "fixtures/seed_rows.json")
