# Goldens of lm and lmList, written to fixtures/accessors/linear.json
suppressMessages({ library(lme4); library(jsonlite) })
options(width = 80)

sleepstudy$w <- 1 + (seq_len(180) %% 7) / 3
sleepstudy$hole <- replace(sleepstudy$Reaction, c(2, 5, 90), NA)
models <- list(
  simple = quote(lm(Reaction ~ Days, data = sleepstudy)),
  weighted = quote(lm(Reaction ~ Days + I(2 * Days) + Subject, data = sleepstudy, weights = w)),
  missing = quote(lm(hole ~ Days, data = sleepstudy)),
  origin = quote(lm(Reaction ~ 0 + Days, data = sleepstudy)),
  mean = quote(lm(Reaction ~ 1, data = sleepstudy)),
  offset = quote(lm(Reaction ~ Days + offset(3 * Days), data = sleepstudy)),
  few = quote(lm(Reaction ~ Days, data = sleepstudy, subset = Subject == "308" & Days < 5)),
  interaction = quote(lm(log(Reaction) ~ Subject * Days, data = sleepstudy)))
one <- function(call) {
  m <- eval(call); f <- formula(m); s <- summary(m)
  list(call = deparse1(call), formula = deparse1(f), coef = as.list(coef(m)), names = names(coef(m)), vcov = unname(vcov(m)),
    sigma = sigma(m), logLik = as.numeric(logLik(m)), logLik_reml = as.numeric(logLik(m, REML = TRUE)), AIC = AIC(m), BIC = BIC(m),
    deviance = deviance(m), extractAIC = extractAIC(m), df_residual = df.residual(m),
    residuals = unname(residuals(m)), pearson = unname(residuals(m, "pearson")), fitted = unname(fitted(m)),
    hatvalues = unname(hatvalues(m)), r_squared = s$r.squared, adj_r_squared = s$adj.r.squared, fstatistic = unname(s$fstatistic),
    confint = unname(confint(m)), confint_columns = colnames(confint(m)), confint_999 = colnames(confint(m, level = .999)),
    print = I(capture.output(print(m))), summary = I(capture.output(print(s))), anova = I(capture.output(print(anova(m)))))
}
out <- lapply(models, one)
m0 <- lm(Reaction ~ Days, data = sleepstudy); m1 <- lm(Reaction ~ Days + Subject, data = sleepstudy)
new <- data.frame(Days = c(0, 4.5, 10))
between <- list(print = I(capture.output(print(anova(m0, m1)))), table = lapply(as.list(anova(m0, m1)), as.numeric))
predictions <- list(confidence = unname(predict(m0, new, interval = "confidence")),
  prediction = unname(predict(m0, new, interval = "prediction", level = 0.9)), se = unname(predict(m0, new, se.fit = TRUE)$se.fit))
ll <- lmList(Reaction ~ Days | Subject, data = sleepstudy)
lists <- list(print = I(capture.output(print(ll))), summary = I(capture.output(print(summary(ll)))), sigma = sigma(ll),
  logLik = as.numeric(logLik(ll)), df = attr(logLik(ll), "df"), fixef = unname(fixef(ll)),
  confint = I(capture.output(print(confint(ll)))[-1]), fitted = unname(fitted(ll)), pearson = unname(residuals(ll, type = "pearson")))
write_json(list(R = R.version.string, lme4 = as.character(packageVersion("lme4")), call = "see each model",
  tolerance = list(value = 1e-9, reason = "least squares twice, by LINPACK and LAPACK; relative to the largest value"),
  models = out, between = between, predictions = predictions, list = lists),
  "fixtures/accessors/linear.json", auto_unbox = TRUE, digits = I(15), na = "null", pretty = FALSE)
