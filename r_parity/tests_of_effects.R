# Goldens of tests of effects: fixtures/inference/*.json and the data they need in fixtures/data.
#
#   Rscript r_parity/tests_of_effects.R [id ...]        (from the root of the checkout)
#
# lmerTest (Satterthwaite, tables), pbkrtest (Kenward-Roger) and clubSandwich (cluster-robust) on fits of lme4 whose
# optimizer stops late. lmerTest differentiates by Richardson's extrapolation of criterion values: at such an optimum its df
# are good to about 1e-6. Denominator df of several contrasts depend on the basis that lmerTest happens to write them in.
suppressMessages({library(lmerTest); library(pbkrtest); library(clubSandwich)})
source("r_parity/tables.R")
options(warn = 1, width = 80)
wanted <- commandArgs(TRUE)

tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.02, rhoend = 1e-10, maxfun = 1e5), calc.derivs = FALSE,
                     check.conv.singular = "ignore", check.nobs.vs.nlev = "ignore", check.nobs.vs.nRE = "ignore",
                     check.nobs.vs.rankZ = "ignore", check.rankX = "silent.drop.cols", check.scaleX = "ignore")
reason <- paste("df: lmerTest's derivatives are numerical; value: lme4's optimum is iterative;",
                "joint_df: which contrasts represent a hypothesis is a choice, in lmerTest that of the basis")

# ---- data ---------------------------------------------------------------------------
data(carrots, TVbo, ham, package = "lmerTest"); data(beets, package = "pbkrtest")
keep <- function(d, name, text, source, exported) {
  d <- droplevels(as.data.frame(d)); attr(d, "formulas") <- NULL
  d[] <- lapply(d, function(x) if (inherits(x, "ordered") && is.factor(x)) factor(as.character(x), levels(x), ordered = TRUE)
                else if (is.factor(x)) factor(as.character(x), levels(x)) else as.vector(x))
  if (!length(wanted)) write_table(d, "fixtures/data", name, list(description = text, source = source, exported = exported,
                                   generator = "r_parity/tests_of_effects.R"))
  assign(name, d, globalenv()); invisible(d)
}
from <- function(p) paste(p, packageVersion(p))
keep(TVbo[, c("Assessor", "TVset", "Repeat", "Picture", "Coloursaturation", "Sharpness", "Noise")], "TVbo",
     "Sensory assessment of televisions by 8 assessors", "Bang & Olufsen, in the R package lmerTest", from("lmerTest"))
keep(carrots[, c("Consumer", "Product", "Age", "Homesize", "Gender", "Preference", "sens1", "sens2")], "carrots",
     "Preference of 103 consumers for 12 carrot products", "The Royal Veterinary and Agricultural University, Denmark, in the R package lmerTest", from("lmerTest"))
keep(ham, "ham", "Liking of four hams by 81 consumers", "The Royal Veterinary and Agricultural University, Denmark, in the R package lmerTest", from("lmerTest"))
keep(beets, "beets", "Yield and sugar percentage of sugar beets in a split-plot experiment", "R package pbkrtest", from("pbkrtest"))
keep(data.frame(nlme::Oats), "oats", "Yield of oats in a split-plot experiment: variety, nitrogen", "Yates (1935), J. Roy. Stat. Soc. Suppl. 2, 181-247", from("nlme"))
oats$nitroF <- factor(oats$nitro); keep(oats, "oats", "Yield of oats in a split-plot experiment: variety, nitrogen", "Yates (1935), J. Roy. Stat. Soc. Suppl. 2, 181-247", from("nlme"))
keep(data.frame(nlme::Machines), "machines", "Productivity of six workers on three machines", "Milliken and Johnson (1992), Analysis of Messy Data, vol. 1", from("nlme"))
keep(data.frame(nlme::Orthodont), "orthodont", "Growth of the face of 27 children", "Potthoff and Roy (1964), Biometrika 51, 313-326", from("nlme"))
keep(data.frame(nlme::ergoStool), "ergo", "Effort to arise from four types of stools, nine subjects", "Devore (2000), Probability and Statistics", from("nlme"))
oats$Variety <- factor(as.character(oats$Variety)); machines$Worker <- factor(as.character(machines$Worker))
keep(oats, "oats", "Yield of oats in a split-plot experiment: variety, nitrogen", "Yates (1935), J. Roy. Stat. Soc. Suppl. 2, 181-247", from("nlme"))
keep(machines, "machines", "Productivity of six workers on three machines", "Milliken and Johnson (1992), Analysis of Messy Data, vol. 1", from("nlme"))
set.seed(20); lost <- sort(sample(nrow(machines), 11))
keep(machines[-lost, ], "machines_lost", "machines without 11 random rows (seed 20)", "Milliken and Johnson (1992)", from("nlme"))
set.seed(21); lost <- sort(sample(nrow(cake), 90))
keep(cake[-lost, ], "cake_lost", "cake without 90 random rows (seed 21)", "as cake", from("lme4"))
keep(cake[!(cake$recipe == "B" & cake$temperature %in% c("175", "185")) & !(cake$recipe == "C" & cake$temperature == "225"), ],
     "cake_holes", "cake with three empty cells recipe x temperature", "as cake", from("lme4"))
set.seed(22)
keep(TVbo[sort(sample(nrow(TVbo), 150)), ], "TVbo_lost", "150 random rows of TVbo (seed 22)", "as TVbo", from("lmerTest"))
data(InstEval, package = "lme4")
set.seed(23); keep(InstEval[sort(sample(nrow(InstEval), 1000)), ], "insteval1000", "1000 random rows of InstEval (seed 23)", "as InstEval", from("lme4"))
set.seed(24); keep(InstEval[sort(sample(nrow(InstEval), 5000)), ], "insteval5000", "5000 random rows of InstEval (seed 24)", "as InstEval", from("lme4"))
set.seed(25)
few <- expand.grid(g = factor(1:6), a = factor(c("u", "v", "w")), rep = 1:2); few <- few[-c(3, 8, 17, 30), ]
few$x <- round(rnorm(nrow(few)), 2); few$w <- round(runif(nrow(few), 0.5, 3), 2)
few$y <- round(rnorm(6)[few$g] + as.numeric(few$a) / 2 + 0.4 * few$x + rnorm(nrow(few)), 3)
keep(few, "few_groups", "six groups, three treatments, a covariate and weights; four rows lost (seed 25)", "drawn", paste("R", getRversion()))

# ---- one model ------------------------------------------------------------------------
table_json <- function(t) { t <- as.data.frame(t); c(list(rows = rownames(t)), lapply(as.list(t), as.numeric)) }
means <- function(f, m) tryCatch({
  l <- quietly(f(m)); rows <- rownames(l); class(l) <- "data.frame"
  if (NROW(l)) c(list(rows = rows), lapply(as.list(l[, c("Estimate", "Std. Error", "df", "lower", "upper", "Pr(>|t|)")]), as.numeric))
}, error = function(e) NULL)
quietly <- function(x) suppressMessages(suppressWarnings(x))
golden <- function(id, formula, data, args = list(), kr = TRUE, robust = TRUE, random = TRUE, lsm = TRUE, text = FALSE,
                   types = c("I", "II", "III"), tolerance = list()) {
  if (length(wanted) && !id %in% wanted) return(invisible())
  t0 <- proc.time()[[1]]
  extra <- lapply(args, function(a) if (is.character(a)) parse(text = a)[[1]] else a)
  call <- as.call(c(list(quote(lmer), as.formula(formula), data = as.name(data)), extra, list(control = quote(tight))))
  m <- quietly(eval(call, globalenv()))
  out <- list(id = unbox(id), call = unbox(paste(trimws(deparse(as.call(as.list(call)[-length(call)]))), collapse = " ")),
    R = unbox(as.character(getRversion())), lme4 = unbox(as.character(packageVersion("lme4"))),
    lmerTest = unbox(as.character(packageVersion("lmerTest"))), pbkrtest = unbox(as.character(packageVersion("pbkrtest"))),
    clubSandwich = unbox(as.character(packageVersion("clubSandwich"))),
    formula = unbox(formula), data = unbox(data), arguments = setNames(lapply(args, unbox), as.character(names(args))),
    tolerance = lapply(modifyList(list(df = 1e-5, value = 1e-5, joint_df = 5e-4, reason = reason), tolerance), unbox),
    REML = unbox(isREML(m)), criterion = unbox(if (isREML(m)) REMLcrit(m) else -2 * as.numeric(logLik(m))),
    singular = unbox(isSingular(m)), names = names(fixef(m)))
  out$summary <- table_json(quietly(coef(summary(m))))
  p <- length(fixef(m))
  out$joint <- table_json(quietly(contest(m, diag(p))))
  tests <- list()
  for (type in types) {
    a <- tryCatch(quietly(anova(m, type = type)), error = function(e) NULL)
    if (is.null(a)) next
    L <- attr(a, "hypotheses"); if (is.null(L)) L <- quietly(show_tests(a, names = FALSE))
    tests[[type]] <- c(table_json(a), list(L = if (nrow(a)) lapply(unclass(L)[rownames(a)], function(M) { M <- as.matrix(M); dimnames(M) <- NULL; M })))
  }
  out$anova <- tests
  if (kr && isREML(m)) {
    out$kr <- table_json(quietly(coef(summary(m, ddf = "Kenward-Roger"))))
    out$anova_kr <- table_json(quietly(anova(m, type = "III", ddf = "Kenward-Roger")))
    out$vcovAdj <- unname(as.matrix(vcovAdj(m)))
    if (p > 1) {
      L <- diag(p)[-1, , drop = FALSE]
      k <- KRmodcomp(m, L)
      out$krmodcomp <- table_json(k$test)
    }
  }
  if (robust) {
    v <- tryCatch(lapply(c(CR0 = "CR0", CR1 = "CR1", CR2 = "CR2"), function(t) vcovCR(m, type = t)), error = function(e) NULL)
    if (!is.null(v)) {
      out$robust <- lapply(v, function(V) unname(as.matrix(V)))
      ct <- coef_test(m, vcov = v$CR2, test = "Satterthwaite")
      out$cr2 <- list(SE = ct$SE, df = if (is.null(ct$df)) ct$df_Satt else ct$df)
      if (p > 2) {
        w <- tryCatch(Wald_test(m, constraints = constrain_zero(2:p), vcov = v$CR2, test = "HTZ"), error = function(e) NULL)
        if (!is.null(w) && w$df_denom > 0) out$htz <- list(F = unbox(w$Fstat), ndf = unbox(w$df_num), ddf = unbox(w$df_denom), p = unbox(w$p_val))
      }
    }
  }
  if (lsm) {
    out$ls_means <- means(ls_means, m)
    out$difflsmeans <- means(difflsmeans, m)
  }
  out$drop1 <- tryCatch(table_json(quietly(drop1(m))), error = function(e) NULL)
  if (random) out$ranova <- tryCatch(table_json(quietly(ranova(m))), error = function(e) NULL)
  if (text) {
    shown <- function(x) { x <- capture.output(print(x)); sub("nloptwrap|bobyqa", "OPT", x[!grepl("^Control:", x)]) }
    out$text <- list(summary = quietly(shown(summary(m))), anova = quietly(shown(anova(m))), anova_kr = quietly(shown(anova(m, ddf = "Kenward-Roger"))),
      summary_kr = quietly(shown(summary(m, ddf = "Kenward-Roger"))),
      ls_means = quietly(shown(ls_means(m))), difflsmeans = if (p < 5) quietly(shown(difflsmeans(m))), ranova = quietly(shown(ranova(m))),
      drop1 = quietly(shown(drop1(m))), step = quietly(shown(step(m))))
  }
  writeLines(toJSON(out, digits = NA, na = "null", null = "null", pretty = FALSE), file.path("fixtures/inference", paste0(id, ".json")))
  cat(sprintf("%-24s %5.1f s%s\n", id, proc.time()[[1]] - t0, if (isSingular(m)) "  singular" else ""))
}
singular <- list(df = 1e-4, value = 1e-4, reason = paste(reason, "; the fit is singular", sep = ""))

# ---- models -----------------------------------------------------------------------------
golden("sleepstudy", "Reaction ~ Days + (Days | Subject)", "sleepstudy")
golden("sleepstudy_ml", "Reaction ~ Days + (Days | Subject)", "sleepstudy", list(REML = FALSE))
golden("sleepstudy_doublebar", "Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)", "sleepstudy")
golden("sleepstudy_square", "Reaction ~ Days + I(Days^2) + (Days | Subject)", "sleepstudy", lsm = FALSE) # ls_means takes I(Days^2) for a factor
golden("sleepstudy_weights", "Reaction ~ Days + (Days | Subject)", "sleepstudy", list(weights = "1 + Days/3"), kr = FALSE, robust = FALSE)
golden("cake", "angle ~ recipe * temperature + (1 | recipe:replicate)", "cake", text = TRUE)
golden("cake_temp", "angle ~ recipe * temp + (1 | recipe:replicate)", "cake")
golden("cake_lost", "angle ~ recipe * temperature + (1 | recipe:replicate)", "cake_lost")
golden("cake_lost_temp", "angle ~ recipe * temp + (1 | recipe:replicate)", "cake_lost")
golden("cake_holes", "angle ~ recipe * temperature + (1 | recipe:replicate)", "cake_holes", types = "III")
golden("cake_slopes", "angle ~ recipe + temp + (1 + temp | recipe:replicate)", "cake", tolerance = singular)
golden("oats", "yield ~ Variety + nitroF + (1 | Block/Variety)", "oats")
golden("oats_interaction", "yield ~ Variety * nitroF + (1 | Block/Variety)", "oats", text = TRUE)
golden("oats_numeric", "yield ~ Variety * nitro + (1 | Block/Variety)", "oats")
golden("machines", "score ~ Machine + (1 | Worker/Machine)", "machines", text = TRUE)
golden("machines_lost", "score ~ Machine + (1 | Worker/Machine)", "machines_lost")
golden("machines_slopes", "score ~ Machine + (Machine | Worker)", "machines")
golden("orthodont", "distance ~ age * Sex + (age | Subject)", "orthodont")
golden("orthodont_intercept", "distance ~ age * Sex + (1 | Subject)", "orthodont")
golden("ergo", "effort ~ Type + (1 | Subject)", "ergo")
golden("beets", "sugpct ~ block + sow + harvest + (1 | block:harvest)", "beets", robust = FALSE, tolerance = singular) # three clusters of eight coefficients
golden("tvbo", "Coloursaturation ~ TVset * Picture + (1 | Assessor) + (1 | Assessor:TVset)", "TVbo")
golden("tvbo_lost", "Coloursaturation ~ TVset * Picture + (1 | Assessor) + (1 | Assessor:TVset)", "TVbo_lost")
golden("tvbo_three", "Sharpness ~ TVset * Picture * Repeat + (1 | Assessor)", "TVbo_lost", lsm = FALSE)
golden("tvbo_singular", "Noise ~ TVset * Picture + (TVset | Assessor)", "TVbo", tolerance = modifyList(singular, list(joint_df = 0.1,
  reason = "singular; one hypothesis in two bases, Type I and Type III, has 12.50 and 11.41 df in lmerTest")))
golden("carrots", "Preference ~ sens1 + sens2 + (1 + sens1 + sens2 | Consumer) + (1 | Product)", "carrots", kr = FALSE, tolerance = singular)
golden("carrots_factors", "Preference ~ sens2 + Homesize * Age + (1 | Consumer) + (1 | Product)", "carrots", kr = FALSE)
golden("ham", "Informed.liking ~ Product * Information * Gender + Age + (1 | Consumer)", "ham")
golden("ham_crossed", "Informed.liking ~ Product * Information + Gender + (1 | Product:Consumer) + (1 | Consumer)", "ham", kr = FALSE, text = FALSE)
golden("few_groups", "y ~ a * x + (1 | g)", "few_groups")
golden("few_weights", "y ~ a + x + (1 | g)", "few_groups", list(weights = "w"), kr = FALSE, robust = FALSE)
golden("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", "Penicillin", lsm = FALSE)
golden("pastes_cask", "strength ~ cask + (1 | batch) + (1 | batch:cask)", "Pastes", tolerance = singular)
golden("dyestuff2", "Yield ~ 1 + (1 | Batch)", "Dyestuff2", lsm = FALSE, kr = FALSE, tolerance = singular)
golden("insteval1000", "y ~ service + studage + (1 | s) + (1 | d)", "insteval1000", tolerance = list(joint_df = 0.02))
golden("insteval5000", "y ~ service * dept + (1 | s) + (1 | d)", "insteval5000", kr = FALSE, random = FALSE, types = "III", tolerance = list(joint_df = 0.02))
