# Goldens of accessors of mixed models and of formulas in lines, written to fixtures/accessors/mixed.json.
# The numbers are those of given theta (no optimizer): the model is set up and evaluated there.
suppressMessages({ library(lme4); library(jsonlite) })
options(width = 80)
sleepstudy$w <- 1 + (seq_len(180) %% 7) / 3
at <- function(formula, theta, REML = TRUE, ...) {
  parsed <- lFormula(formula, data = sleepstudy, REML = REML, ...)
  devfun <- do.call(mkLmerDevfun, parsed)
  devfun(theta)
  opt <- list(par = theta, fval = devfun(theta), conv = 0, message = "", feval = 1L)
  mkMerMod(environment(devfun), opt, parsed$reTrms, fr = parsed$fr, mc = quote(lmer()))
}
dense <- function(x) as.numeric(as.matrix(x))
one <- function(m, formula, theta, REML, extra) {
  me <- function(n) getME(m, n)
  list(formula = formula, theta = theta, REML = REML, arguments = extra,
    deviance = deviance(m, REML = FALSE), logLik = as.numeric(logLik(m)),
    logLik_reml = as.numeric(logLik(m, REML = TRUE)), logLik_ml = as.numeric(logLik(m, REML = FALSE)),
    vcov = unname(as.matrix(vcov(m))), correlation = as.numeric(attr(VarCorr(m)[[1]], "correlation")),
    response = unname(residuals(m)), pearson = unname(residuals(m, "pearson")), scaled = unname(residuals(m, scaled = TRUE)),
    pearson_scaled = unname(residuals(m, "pearson", scaled = TRUE)), fitted = unname(fitted(m)), hatvalues = unname(hatvalues(m)),
    weights = unname(weights(m)), frame = I(names(model.frame(m))), frame_fixed = I(names(model.frame(m, fixed.only = TRUE))),
    Zt_sum = dense(rowSums(me("Zt"))), Lambda = dense(diag(me("Lambda"))), Lind = me("Lind"), Gp = me("Gp"),
    Tp = unname(me("Tp")), A_sum = dense(rowSums(me("A"))), RX = unname(as.matrix(me("RX"))), u = me("u"), b = dense(me("b")), mu = me("mu"),
    theta_names = I(names(me("theta"))), lower = unname(me("lower")), ST = lapply(unname(me("ST")), dense), Tlist = lapply(unname(me("Tlist")), dense),
    cmp = as.list(me("devcomp")$cmp), dims = as.list(me("devcomp")$dims), Ztlist = I(names(me("Ztlist"))), mmList = I(names(me("mmList"))),
    p_i = as.list(me("p_i")), l_i = as.list(me("l_i")), q_i = as.list(me("q_i")), m_i = as.list(me("m_i")), n_rtrms = me("n_rtrms"),
    n_rfacs = me("n_rfacs"), k = me("k"), m = me("m"), offset = me("offset"), flist = I(names(me("flist"))), cnms = unname(me("cnms")),
    logdet_L = 2 * as.numeric(determinant(me("L"), logarithm = TRUE)$modulus), RZX_cross = unname(crossprod(as.matrix(me("RZX")))),
    pca_sdev = lapply(rePCA(m), function(p) p$sdev), pca_print = I(capture.output(print(rePCA(m)))),
    pca_summary = I(capture.output(print(summary(rePCA(m))))), coef = lapply(coef(m), function(f) list(names = I(names(f)), values = unname(as.matrix(f)))),
    ranef = as.list(as.data.frame(ranef(m))), varcorr_tri = lapply(as.list(as.data.frame(VarCorr(m), order = "lower.tri")), I),
    wald = unname(confint(m, method = "Wald")), wald_columns = I(colnames(confint(m, method = "Wald", level = .9))),
    anova = lapply(as.list(anova(m)), as.numeric), anova_rows = I(rownames(anova(m))), df_residual = df.residual(m))
}
cases <- list(
  slopes = list("Reaction ~ Days + (Days | Subject)", c(0.9, 0.05, 0.25), TRUE, list()),
  ml = list("Reaction ~ Days + I(Days^2) + (Days | Subject)", c(0.9, 0.05, 0.25), FALSE, list()),
  weighted = list("Reaction ~ Days + (Days | Subject)", c(0.6, -0.02, 0.2), TRUE, list(weights = "w", offset = "Days")),
  separate = list("Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)", c(0.9, 0.25), TRUE, list()),
  edge = list("Reaction ~ 1 + (Days | Subject)", c(1.1, 0.3, 0), TRUE, list()))
out <- lapply(cases, function(case) {
  extra <- lapply(case[[4]], function(text) sleepstudy[[text]])
  m <- do.call(at, c(list(as.formula(case[[1]]), case[[2]], case[[3]]), extra))
  one(m, case[[1]], case[[2]], case[[3]], case[[4]])
})
long <- c(
  "y ~ aaaaaaaaaaaaaaaaaaaaaa + bbbbbbbbbbbbbbbbbbbbbbbbb + ccccccccccccccccccccccccc * dddddddddddddddddd + eeeeeeeeee:ffffffffffffffffff/gggggggggggggggggggggggggggg + poly(hhhhhhhhhhhhhhhhhhh, iiiiiiiiiiiiiiii, raw = TRUE) + (1 + jjjjjjjjjjjjjjjj + kkkkkkkkkkkkkkkk | ggggggggg) + I(aaaaaaaaaaaaaaaaaaaaaa - bbbbbbbbbbbbbbbbbbbbbbbbb + ccccccccccccccccccccccccc^2) - 1",
  "very_long_response_variable_name_abcdef_very_long_response_variable_name_abcdef ~ aaaaaaaaaaaaaaaaaaaaaa + bbbbbbbbbbbbbbbbbbbbbbbbb + ccccccccccccccccccccccccc",
  "cbind(incidence_of_the_thing, size_of_the_thing - incidence_of_the_thing_long) ~ poly(hhhhhhhhhhhhhhhhhhh, iiiiiiiiiiiiiiii, raw = TRUE, coefs = aaaaaaaaaaaaaaaaaaa) + period + period2 + (1 | herd)",
  "log(some_response_variable) ~ splines::ns(some_covariate, df = 4) * treatment_group + offset(log(exposure_time)) + (1 + some_covariate | site/subject)",
  "y ~ aaaaaaaaaaaaaaaa %in% bbbbbbbbbbbbbbbbbbbbbbb + cccccccccccccccccccccc:dddddddddddddddddddd:eeeeeeeeeeeeeeeeeeeee + (1 | gggggggggggggg:hhhhhhhhhhhhhhhhhhhh)",
  "y ~ x + (1 | g)")
deparsed <- lapply(long, function(text) list(text = text, lines = I(deparse(as.formula(text)))))
m1 <- lmer(Reaction ~ Days + (Days | Subject), sleepstudy, REML = FALSE)
m0 <- lmer(Reaction ~ Days + (1 | Subject), sleepstudy, REML = FALSE)
m2 <- lmer(Reaction ~ Days + I(Days^2) + (Days | Subject), sleepstudy, REML = FALSE)
l0 <- lm(Reaction ~ Days, sleepstudy)
r1 <- lmer(Reaction ~ Days + (Days | Subject), sleepstudy)
lrt <- list(three = I(capture.output(print(anova(m2, m0, m1)))), lm = I(capture.output(print(anova(m1, l0)))),
  same = I(capture.output(suppressMessages(print(anova(m1, r1))))), reml = I(capture.output(suppressWarnings(print(anova(r1, m2, refit = FALSE))))),
  extractAIC = extractAIC(r1))
dropped <- suppressMessages(lmer(Reaction ~ Days + I(2 * Days) + (1 | Subject), sleepstudy))
write_json(list(R = R.version.string, lme4 = as.character(packageVersion("lme4")), call = "mkMerMod at the given theta; anova of lmer fits",
  tolerance = list(value = 1e-8, reason = "the same formulas at the same theta; relative to the largest value"),
  models = out, deparse = deparsed, lrt = lrt, dropped = I(names(fixef(dropped, add.dropped = TRUE)))),
  "fixtures/accessors/mixed.json", auto_unbox = TRUE, digits = I(15), na = "null", pretty = FALSE)
