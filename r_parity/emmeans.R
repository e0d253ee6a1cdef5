# Goldens of emmeans, written to fixtures/emmeans/*.json: tables, notes, and some printed texts.
#
#   Rscript r_parity/emmeans.R [names of cases]       (from the root of the checkout)
#
# Each case has R's call and, as JSON, the model and the steps that mere takes to the same table.
suppressMessages({library(emmeans); library(lme4); library(multcomp); library(jsonlite)})
stopifnot(packageVersion("emmeans") == "1.8.4.1")
options(width = 80)
source("r_parity/tables.R")
dir.create("fixtures/emmeans", showWarnings = FALSE)

data(Oats, package = "nlme")
Oats <- data.frame(Block = factor(as.character(Oats$Block), levels = c("I", "II", "III", "IV", "V", "VI")),
                   Variety = factor(as.character(Oats$Variety)), nitro = Oats$nitro, yield = Oats$yield)
tight <- lmerControl(optimizer = "nloptwrap", optCtrl = list(xtol_abs = 1e-13, ftol_abs = 1e-13, maxeval = 1e5))
tight_glmer <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.02, rhoend = 1e-9, maxfun = 1e5), tolPwrss = 1e-12)
nested <- data.frame(drug = rep(c("aspirin", "tylenol", "ibu"), c(6, 6, 3)),
                     route = rep(c("oral", "inj", "tab", "syr", "pat"), each = 3),
                     y = c(-.63, .18, -.84, 1.60, .33, -.82, .49, .74, .58, -.31, 1.51, .39, -.62, -2.21, 1.12))
write_table(nested, "fixtures/data", "nested", list(description = "Made up: routes nested in drugs."))
# t in b in a, with nests of different sizes, crossed with k; some cells of k are empty
tree <- list(p = list(u = c("k", "l", "m"), v = "k"), q = list(u = c("k", "l"), w = c("l", "m")), r = list(v = "m", w = c("k", "l", "m"), u = "l"))
deep <- do.call(rbind, lapply(names(tree), function(a) do.call(rbind, lapply(names(tree[[a]]), function(b)
  expand.grid(a = a, b = b, t = tree[[a]][[b]], k = c("k1", "k2", "k3"), stringsAsFactors = FALSE)))))
deep <- deep[rep(seq_len(nrow(deep)), 1 + (seq_len(nrow(deep)) * 7) %% 4), ]
deep$y <- round(3 + sin(seq_len(nrow(deep)) * 1.7) + cos(seq_len(nrow(deep)) * 0.31), 3)
deep <- deep[order(deep$y * 1000 %% 17), ]
for (f in c("a", "b", "t", "k")) deep[[f]] <- factor(deep[[f]])
rownames(deep) <- NULL
write_table(deep, "fixtures/data", "deep", list(description = "Made up: t nested in b nested in a, crossed with k."))

MODELS <- list(
  warp = list(call = "lm(breaks ~ wool * tension, warpbreaks)", data = "warpbreaks"),
  warp_additive = list(call = "lm(breaks ~ wool + tension, warpbreaks)", data = "warpbreaks"),
  warp_one = list(call = "lm(breaks ~ tension, warpbreaks)", data = "warpbreaks"),
  warp_log = list(call = "lm(log(breaks) ~ wool * tension, warpbreaks)", data = "warpbreaks"),
  warp_sqrt = list(call = "lm(sqrt(breaks) ~ tension, warpbreaks)", data = "warpbreaks"),
  warp_shift = list(call = "lm(log(breaks + 2) ~ tension, warpbreaks)", data = "warpbreaks"),
  warp_log10 = list(call = "lm(log10(breaks) ~ tension, warpbreaks)", data = "warpbreaks"),
  pigs = list(call = "lm(log(conc) ~ source + factor(percent), pigs)", data = "pigs"),
  pigs_poly = list(call = "lm(conc ~ source + poly(percent, 2), pigs)", data = "pigs"),
  pigs_log = list(call = "lm(conc ~ log(percent) * source, pigs)", data = "pigs"),
  pigs_cov = list(call = "lm(conc ~ source * percent, pigs)", data = "pigs"),
  fiber = list(call = "lm(strength ~ diameter + machine, fiber)", data = "fiber"),
  fiber_slopes = list(call = "lm(strength ~ diameter * machine, fiber)", data = "fiber"),
  nutrition = list(call = "lm(gain ~ (age + group + race)^2, nutrition)", data = "nutrition"),
  nutrition_additive = list(call = "lm(gain ~ age + group + race, nutrition)", data = "nutrition"),
  nested = list(call = "lm(y ~ drug + route %in% drug, nested)", data = "nested"),
  deep = list(call = "lm(y ~ a/b/t, deep)", data = "deep"),
  deep_k = list(call = "lm(y ~ a/b/t + k, deep)", data = "deep"),
  deep_crossed = list(call = "lm(y ~ a/b * k, deep)", data = "deep"),
  deep_part = list(call = "lm(y ~ a/t + b, deep)", data = "deep"),
  offset = list(call = "lm(breaks ~ tension + offset(2 * as.numeric(wool)), warpbreaks)", data = "warpbreaks"),
  oats = list(call = "lmer(yield ~ Variety + factor(nitro) + (1 | Block/Variety), Oats)", data = "Oats"),
  oats_log = list(call = "lmer(log(yield) ~ Variety * factor(nitro) + (1 | Block/Variety), Oats)", data = "Oats"),
  oats_slope = list(call = "lmer(yield ~ Variety * nitro + (1 | Block/Variety), Oats)", data = "Oats"),
  oats_part = list(call = "lmer(yield ~ Variety + factor(nitro) + (1 | Block/Variety), Oats, subset = -c(1, 2, 3, 5, 8, 13, 21, 34, 55))",
                   data = "Oats", formula = "yield ~ Variety + factor(nitro) + (1 | Block/Variety)",
                   arguments = list(subset = setdiff(0:71, c(1, 2, 3, 5, 8, 13, 21, 34, 55) - 1))),
  cake = list(call = "lmer(angle ~ recipe * temperature + (1 | recipe:replicate), cake)", data = "cake"),
  sleep = list(call = "lmer(Reaction ~ Days + (Days | Subject), sleepstudy)", data = "sleepstudy"),
  cbpp = list(call = "glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial)", data = "cbpp"),
  ticks = list(call = "glmer(TICKS ~ YEAR + HEIGHT + (1 | BROOD), grouseticks, poisson)", data = "grouseticks"))

fit <- function(m) {
  call <- str2lang(m$call)
  if (as.character(call[[1]]) == "lmer") call$control <- quote(tight)
  if (as.character(call[[1]]) == "glmer") call$control <- quote(tight_glmer)
  suppressMessages(suppressWarnings(eval(call)))
}
wanted <- commandArgs(TRUE)
count <- 0

# id, model, R expression in `m`, mere's steps as JSON: [[function, arguments, {keywords}], ...]
case <- function(id, model, expr, steps, print = FALSE, part = NULL, tolerance = list()) {
  if (length(wanted) && !id %in% wanted) return(invisible())
  about <- MODELS[[model]]
  m <- fit(about)
  call <- str2lang(about$call)
  mixed <- as.character(call[[1]]) != "lm"
  text <- deparse1(substitute(expr))
  quietly <- function(x) suppressMessages(suppressWarnings(x))
  x <- quietly(eval(substitute(expr), list(m = m), globalenv()))
  if (!is.null(part)) x <- x[[part]]
  s <- if (inherits(x, "emmGrid")) quietly(summary(x)) else x
  notes <- if (inherits(s, "summary_emm")) trimws(unlist(strsplit(as.character(attr(s, "mesg")), "\n"))) else character()
  table <- lapply(as.list(as.data.frame(s)), function(v) if (is.numeric(v)) v else as.character(v))
  tol <- modifyList(list(estimate = if (mixed) 1e-5 else 1e-9, SE = if (mixed) 1e-5 else 1e-9, df = if (mixed) 1e-4 else 1e-9,
    limit = if (mixed) 2e-5 else 1e-7, p = if (mixed) 1e-5 else 1e-6,
    reason = paste("estimate, SE, df, limit: relative to the largest of the column; p: absolute.",
      if (mixed) "Two optima of a flat criterion; R's degrees of freedom by numerical derivatives." else "Least squares twice.")), tolerance)
  arguments <- about$arguments
  out <- list(id = unbox(id), R = unbox(paste(R.version$major, R.version$minor, sep = ".")), emmeans = unbox("1.8.4-1"),
    call = unbox(sub("^m$", about$call, text)), fit = unbox(about$call),
    model = list(`function` = unbox(as.character(call[[1]])), formula = unbox(if (is.null(about$formula)) gsub("'", "\"", deparse1(call[[2]])) else about$formula),
      data = unbox(about$data), arguments = if (is.null(arguments)) setNames(list(), character()) else arguments),
    steps = I(fromJSON(steps, simplifyVector = FALSE)), part = if (!is.null(part)) unbox(part), tolerance = lapply(tol, unbox),
    table = lapply(table, I), notes = I(notes),
    printed = if (print) I(quietly(capture.output(print(s)))))
  fields <- vapply(names(out), function(n) if (n == "steps") paste0("\"steps\": ", steps) else
    paste0("\"", n, "\": ", toJSON(out[[n]], digits = I(15), na = "null", null = "null")), "")
  writeLines(c("{", paste0(fields, c(rep(",", length(fields) - 1), "")), "}"), file.path("fixtures/emmeans", paste0(id, ".json")))
  count <<- count + 1
}
text_case <- function(id, model, expr, steps) {
  if (length(wanted) && !id %in% wanted) return(invisible())
  about <- MODELS[[model]]
  m <- fit(about)
  call <- str2lang(about$call)
  x <- capture.output(eval(substitute(expr), list(m = m), globalenv()))
  out <- list(id = unbox(id), R = unbox(paste(R.version$major, R.version$minor, sep = ".")), emmeans = unbox("1.8.4-1"),
    call = unbox(sub("^m$", about$call, deparse1(substitute(expr)))), fit = unbox(about$call),
    model = list(`function` = unbox(as.character(call[[1]])), formula = unbox(deparse1(call[[2]])), data = unbox(about$data),
      arguments = setNames(list(), character())),
    tolerance = list(reason = unbox("Text.")), printed = I(x))
  fields <- vapply(names(out), function(n) paste0("\"", n, "\": ", toJSON(out[[n]], digits = I(15), na = "null", null = "null")), "")
  fields <- c(fields, paste0("\"steps\": ", steps))
  writeLines(c("{", paste0(fields, c(rep(",", length(fields) - 1), "")), "}"), file.path("fixtures/emmeans", paste0(id, ".json")))
  count <<- count + 1
}
qtukey_limit <- list(limit = 3e-5, reason = "R's qtukey iterates to 1e-4 only; estimates and SE: least squares twice; p: absolute.")
random <- list(limit = 2e-3, p = 1e-3, reason = "R's mvt is a Monte Carlo integral, about 1e-3; ours 2e-5.")
step <- list(estimate = 1e-2, SE = 1e-2, limit = 1e-2, p = 1e-2,
  reason = "R takes a one-sided difference quotient over a thousandth of the range, mere the derivative.")

# ---- means ------------------------------------------------------------------------
case("warp_means", "warp", emmeans(m, ~ tension | wool), '[["emmeans", ["~ tension | wool"], {}]]', TRUE)
case("warp_infer", "warp", summary(emmeans(m, ~ tension | wool), infer = TRUE, level = 0.9),
     '[["emmeans", ["~ tension | wool"], {}], ["summary", [], {"infer": true, "level": 0.9}]]', TRUE)
case("warp_averaged", "warp", emmeans(m, "tension"), '[["emmeans", ["tension"], {}]]')
case("warp_overall", "warp_additive", emmeans(m, ~ 1), '[["emmeans", ["~ 1"], {}]]', TRUE)
case("warp_grid", "warp_additive", summary(ref_grid(m)), '[["ref_grid", [], {}]]')
case("warp_at", "warp", emmeans(m, ~ wool, at = list(tension = c("L", "H"))), '[["emmeans", ["~ wool"], {"at": {"tension": ["L", "H"]}}]]')
case("pigs_means", "pigs", emmeans(m, "source"), '[["emmeans", ["source"], {}]]', TRUE)
case("pigs_response", "pigs", summary(emmeans(m, "percent"), type = "response", infer = TRUE),
     '[["emmeans", ["percent"], {}], ["summary", [], {"type": "response", "infer": true}]]', TRUE)
case("pigs_poly_at", "pigs_poly", emmeans(m, ~ percent, at = list(percent = c(9, 12.5, 18))), '[["emmeans", ["~ percent"], {"at": {"percent": [9, 12.5, 18]}}]]')
case("pigs_cov_reduce", "pigs_cov", emmeans(m, ~ source, cov.reduce = percent ~ source), '[["emmeans", ["~ source"], {"cov_reduce": "percent ~ source"}]]')
case("pigs_cov_range", "pigs_cov", emmeans(m, ~ percent | source, cov.reduce = range), '[["emmeans", ["~ percent | source"], {"at": {"percent": [9, 18]}}]]')
case("pigs_counterfactual", "pigs_cov", emmeans(m, ~ source, counterfactuals = "source"), '[["emmeans", ["~ source"], {"counterfactuals": "source"}]]')
case("fiber_means", "fiber", emmeans(m, "machine"), '[["emmeans", ["machine"], {}]]')
case("nutrition_cells", "nutrition", emmeans(m, ~ group * race), '[["emmeans", ["~ group * race"], {}]]', TRUE)
for (w in c("equal", "proportional", "outer", "cells", "flat"))
  do.call(case, list(paste0("weights_", w), "nutrition_additive", bquote(emmeans(m, ~ race, weights = .(w))),
                     sprintf('[["emmeans", ["~ race"], {"weights": "%s"}]]', w)))
case("weights_numeric", "nutrition_additive", emmeans(m, ~ race, weights = 1:8), '[["emmeans", ["~ race"], {"weights": [1, 2, 3, 4, 5, 6, 7, 8]}]]')
case("nested_means", "nested", emmeans(m, ~ drug), '[["emmeans", ["~ drug"], {}]]')
case("nested_inner", "nested", emmeans(m, ~ route), '[["emmeans", ["~ route"], {}]]', TRUE)
case("nested_pairs", "nested", pairs(emmeans(m, ~ route)), '[["emmeans", ["~ route"], {}], ["pairs", [], {}]]')
for (w in c("equal", "proportional", "outer", "cells", "flat")) for (k in c("deep", "deep_k", "deep_crossed", "deep_part")) {
  if (w == "outer" && k %in% c("deep", "deep_k")) next  # R: "Nonconforming number of weights"
  if (w %in% c("equal", "proportional") && k == "deep_k") next
  do.call(case, list(paste(k, w, sep = "_"), k, bquote(emmeans(m, ~ a, weights = .(w))), sprintf('[["emmeans", ["~ a"], {"weights": "%s"}]]', w)))
}
for (s in c("~ b", "~ t", "~ t | a", "~ k | b", "~ b * k")) {
  f <- as.formula(s)
  if (grepl("t", s)) do.call(case, list(paste0("deep_", gsub("[^a-z]", "", s)), "deep", bquote(emmeans(m, .(f))), sprintf('[["emmeans", ["%s"], {}]]', s), print = TRUE))
  else do.call(case, list(paste0("deep_crossed_", gsub("[^a-z]", "", s)), "deep_crossed", bquote(emmeans(m, .(f))), sprintf('[["emmeans", ["%s"], {}]]', s), print = TRUE))
}
for (k in c("deep", "deep_k", "deep_crossed", "deep_part"))
  do.call(case, list(paste0(k, "_terms"), k, quote(joint_tests(m)), '[["joint_tests", [], {}]]', print = TRUE))
case("deep_pairs", "deep", contrast(emmeans(m, ~ b), "pairwise", by = "a"), '[["emmeans", ["~ b"], {}], ["contrast", ["pairwise"], {"by": "a"}]]', TRUE)
case("offset_means", "offset", emmeans(m, ~ tension), '[["emmeans", ["~ tension"], {}]]')
case("user_vcov", "warp_one", emmeans(m, "tension", vcov. = diag(3)), '[["emmeans", ["tension"], {"vcov": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}]]')
case("user_df", "warp_one", emmeans(m, "tension", df = 5), '[["emmeans", ["tension"], {"df": 5}]]')

# ---- contrasts ----------------------------------------------------------------------
for (k in c("pairwise", "revpairwise", "trt.vs.ctrl", "trt.vs.ctrlk", "eff", "del.eff", "poly"))
  do.call(case, list(paste0("contrast_", k), "warp", bquote(contrast(emmeans(m, ~ tension | wool), .(k))),
                     sprintf('[["emmeans", ["~ tension | wool"], {}], ["contrast", ["%s"], {}]]', k)))
for (k in c("consec", "mean_chg"))
  do.call(case, list(paste0("contrast_", k), "warp_one", bquote(contrast(emmeans(m, "tension"), .(k))),
                     sprintf('[["emmeans", ["tension"], {}], ["contrast", ["%s"], {}]]', k), tolerance = random))
case("contrast_named", "warp_one", contrast(emmeans(m, "tension"), list(LvsRest = c(1, -.5, -.5), MvsH = c(0, 1, -1))),
     '[["emmeans", ["tension"], {}], ["contrast", [{"LvsRest": [1, -0.5, -0.5], "MvsH": [0, 1, -1]}], {}]]')
case("contrast_refs", "warp_one", contrast(emmeans(m, "tension"), "trt.vs.ctrl", ref = 2:3), '[["emmeans", ["tension"], {}], ["contrast", ["trt.vs.ctrl"], {"ref": [1, 2]}]]')
case("contrast_scaled", "warp_one", contrast(emmeans(m, "tension"), "eff", offset = 3, scale = 2), '[["emmeans", ["tension"], {}], ["contrast", ["eff"], {"offset": 3, "scale": 2}]]')
case("interaction", "warp", contrast(emmeans(m, ~ tension * wool), interaction = c("poly", "consec")),
     '[["emmeans", ["~ tension * wool"], {}], ["contrast", [], {"interaction": ["poly", "consec"]}]]', TRUE)
case("interaction_eff", "warp", contrast(emmeans(m, ~ tension * wool), interaction = TRUE), '[["emmeans", ["~ tension * wool"], {}], ["contrast", [], {"interaction": true}]]')
case("simple_combined", "warp", contrast(emmeans(m, ~ tension * wool), "pairwise", simple = "each", combine = TRUE),
     '[["emmeans", ["~ tension * wool"], {}], ["contrast", ["pairwise"], {"simple": "each", "combine": true}]]', TRUE)
case("of_contrasts", "warp", pairs(contrast(emmeans(m, ~ tension * wool), "consec", by = "wool"), by = NULL),
     '[["emmeans", ["~ tension * wool"], {}], ["contrast", ["consec"], {"by": "wool"}], ["pairs", [], {"by": null}]]')
case("pairs_wide", "warp", pairs(emmeans(m, ~ tension * wool)), '[["emmeans", ["~ tension * wool"], {}], ["pairs", [], {}]]')
case("ratios", "pigs", summary(pairs(emmeans(m, "source")), type = "response", infer = TRUE),
     '[["emmeans", ["source"], {}], ["pairs", [], {}], ["summary", [], {"type": "response", "infer": true}]]', TRUE, tolerance = qtukey_limit)
case("ratios_percent", "pigs", emmeans(m, pairwise ~ percent, type = "response"), '[["emmeans", ["pairwise ~ percent"], {"type": "response"}]]', part = "contrasts")
case("rbind", "warp_additive", rbind(pairs(emmeans(m, "wool")), pairs(emmeans(m, "tension"))), '[["rbind_pairs", ["wool", "tension"], {}]]')
case("subset", "warp", pairs(emmeans(m, ~ tension * wool))[1:3], '[["emmeans", ["~ tension * wool"], {}], ["pairs", [], {}], ["rows", [0, 3], {}]]')
for (a in c("tukey", "scheffe", "sidak", "bonferroni", "dunnettx", "holm", "hochberg", "hommel", "BH", "BY", "fdr", "none"))
  do.call(case, list(paste0("adjust_", a), "warp_one", bquote(summary(pairs(emmeans(m, "tension")), infer = TRUE, adjust = .(a))),
                     sprintf('[["emmeans", ["tension"], {}], ["pairs", [], {}], ["summary", [], {"infer": true, "adjust": "%s"}]]', a),
                     tolerance = if (a %in% c("tukey", "dunnettx")) qtukey_limit else list()))
case("adjust_mvt", "warp_one", summary(pairs(emmeans(m, "tension")), infer = TRUE, adjust = "mvt"),
     '[["emmeans", ["tension"], {}], ["pairs", [], {}], ["summary", [], {"infer": true, "adjust": "mvt"}]]', tolerance = random)
case("adjust_means", "warp_one", summary(emmeans(m, "tension"), infer = TRUE, adjust = "tukey"), '[["emmeans", ["tension"], {}], ["summary", [], {"infer": true, "adjust": "tukey"}]]')
case("one_sided", "warp_one", summary(pairs(emmeans(m, "tension")), side = "<", infer = TRUE), '[["emmeans", ["tension"], {}], ["pairs", [], {}], ["summary", [], {"infer": true, "side": "<"}]]')
case("cross", "warp", summary(pairs(emmeans(m, ~ tension | wool)), cross.adjust = "bonferroni"), '[["emmeans", ["~ tension | wool"], {}], ["pairs", [], {}], ["summary", [], {"cross_adjust": "bonferroni"}]]')
case("equivalence", "warp_one", test(emmeans(m, "tension"), null = 20, delta = 5), '[["emmeans", ["tension"], {}], ["test", [], {"null": 20, "delta": 5}]]')
case("noninferiority", "warp_one", test(emmeans(m, "tension"), null = 20, delta = 5, side = ">"), '[["emmeans", ["tension"], {}], ["test", [], {"null": 20, "delta": 5, "side": ">"}]]')
case("joint", "warp", test(pairs(emmeans(m, ~ tension | wool)), joint = TRUE), '[["emmeans", ["~ tension | wool"], {}], ["pairs", [], {}], ["test", [], {"joint": true}]]',
     tolerance = list(estimate = 1e-8))
case("nutrition_pairs", "nutrition", pairs(emmeans(m, ~ race | age)), '[["emmeans", ["~ race | age"], {}], ["pairs", [], {}]]', TRUE)

# ---- from numbers -----------------------------------------------------------------------
case("numbers", "warp", emmeans(qdrg(~ wool * tension, warpbreaks, coef(m), vcov(m), df.residual(m)), ~ tension | wool),
     '[["qdrg_of_model", ["~ wool * tension"], {"df": 48}], ["emmeans", ["~ tension | wool"], {}]]', TRUE)
case("numbers_empty", "nutrition", emmeans(qdrg(~ (age + group + race)^2, nutrition, coef(m), vcov(m), df.residual(m)), ~ group * race),
     '[["qdrg_of_model", ["~ (age + group + race)^2"], {"df": 92}], ["emmeans", ["~ group * race"], {}]]')
for (l in c("logit", "log", "sqrt"))
  do.call(case, list(paste0("numbers_", l), "pigs", bquote(summary(emmeans(qdrg(~ source + factor(percent), pigs, coef(m), vcov(m), link = .(l)), ~ source), type = "response")),
    sprintf('[["qdrg_of_model", ["~ source + factor(percent)"], {"link": "%s"}], ["emmeans", ["~ source"], {}], ["summary", [], {"type": "response"}]]', l), print = TRUE))

# ---- other factors --------------------------------------------------------------------------
case("grouping", "warp", emmeans(add_grouping(ref_grid(m), "g", "tension", c("lo", "hi", "hi")), ~ g * wool),
     '[["ref_grid", [], {}], ["add_grouping", ["g", "tension", ["lo", "hi", "hi"]], {}], ["emmeans", ["~ g * wool"], {}]]', TRUE)
case("grouping_means", "warp", add_grouping(emmeans(m, ~ tension), "g", "tension", c("lo", "hi", "hi")),
     '[["emmeans", ["~ tension"], {}], ["add_grouping", ["g", "tension", ["lo", "hi", "hi"]], {}]]', TRUE)
case("combined", "warp", comb_facs(emmeans(m, ~ tension * wool), c("tension", "wool")),
     '[["emmeans", ["~ tension * wool"], {}], ["comb_facs", [["tension", "wool"]], {}]]', TRUE)
case("terms_all_values", "pigs_cov", joint_tests(m, cov.reduce = FALSE), '[["joint_tests", [], {"cov_reduce": false}]]', TRUE)
case("at_order", "warp", emmeans(m, ~ wool | tension, at = list(tension = c("H", "L"))), '[["emmeans", ["~ wool | tension"], {"at": {"tension": ["H", "L"]}}]]', TRUE)
case("at_order_pairs", "warp", pairs(emmeans(m, ~ tension, at = list(tension = c("H", "L")))), '[["emmeans", ["~ tension"], {"at": {"tension": ["H", "L"]}}], ["pairs", [], {}]]', TRUE)
case("nonsuperiority", "warp", test(pairs(emmeans(m, ~ tension | wool)), side = "nonsup", delta = 3, adjust = "none"),
     '[["emmeans", ["~ tension | wool"], {}], ["pairs", [], {}], ["test", [], {"side": "nonsup", "delta": 3, "adjust": "none"}]]', TRUE)
case("joint_rows", "warp", test(contrast(emmeans(m, ~ tension * wool), "eff"), joint = TRUE, rows = 1:3),
     '[["emmeans", ["~ tension * wool"], {}], ["contrast", ["eff"], {}], ["test", [], {"joint": true, "rows": [0, 1, 2]}]]', tolerance = list(estimate = 1e-8))
case("interaction_by", "warp", contrast(emmeans(m, ~ tension * wool), interaction = "consec", by = "wool"),
     '[["emmeans", ["~ tension * wool"], {}], ["contrast", [], {"interaction": "consec", "by": "wool"}]]', TRUE)

# ---- letters, arrows, matrices --------------------------------------------------------
case("letters", "warp", cld(emmeans(m, ~ tension | wool)), '[["emmeans", ["~ tension | wool"], {}], ["cld", [], {}]]', TRUE)
case("letters_sidak", "warp", cld(emmeans(m, ~ tension * wool), Letters = letters, reversed = TRUE, adjust = "sidak"),
     '[["emmeans", ["~ tension * wool"], {}], ["cld", [], {"Letters": "abcdefghij", "reversed": true, "adjust": "sidak"}]]', TRUE)
case("letters_delta", "warp", cld(emmeans(m, ~ tension * wool), delta = 12, adjust = "none"),
     '[["emmeans", ["~ tension * wool"], {}], ["cld", [], {"delta": 12, "adjust": "none"}]]', TRUE)
case("letters_sets", "pigs", cld(emmeans(m, ~ percent), signif.sets = TRUE, type = "response"),
     '[["emmeans", ["~ percent"], {}], ["cld", [], {"signif_sets": true, "type": "response"}]]', TRUE)
case("letters_mixed", "oats", cld(emmeans(m, ~ nitro)), '[["emmeans", ["~ nitro"], {}], ["cld", [], {}]]', TRUE)
case("arrows", "warp", plot(emmeans(m, ~ tension * wool), comparisons = TRUE, plotit = FALSE)[c("tension", "wool", "lcmpl", "rcmpl")],
     '[["emmeans", ["~ tension * wool"], {}], ["plot", [], {"comparisons": true, "plotit": false}]]')
case("arrows_by", "warp", plot(emmeans(m, ~ tension | wool), comparisons = TRUE, alpha = 0.1, adjust = "none", plotit = FALSE)[c("tension", "wool", "lcmpl", "rcmpl")],
     '[["emmeans", ["~ tension | wool"], {}], ["plot", [], {"comparisons": true, "alpha": 0.1, "adjust": "none", "plotit": false}]]')
case("arrows_response", "pigs", plot(emmeans(m, ~ percent), comparisons = TRUE, type = "response", plotit = FALSE)[c("percent", "lcmpl", "rcmpl")],
     '[["emmeans", ["~ percent"], {}], ["plot", [], {"comparisons": true, "type": "response", "plotit": false}]]',
     tolerance = list(estimate = 3e-3, reason = "The lengths solve an overdetermined system; R's weights are its own."))
case("interaction_plot", "warp", emmip(m, wool ~ tension, CIs = TRUE, plotit = FALSE),
     '[["emmip", ["wool ~ tension"], {"CIs": true, "plotit": false}]]')
text_case("matrix", "pigs", pwpm(emmeans(m, ~ percent), type = "response"), '[["emmeans", ["~ percent"], {}], ["pwpm", [], {"type": "response"}]]')
text_case("matrix_by", "warp", pwpm(emmeans(m, ~ tension | wool), reverse = TRUE, adjust = "none"),
     '[["emmeans", ["~ tension | wool"], {}], ["pwpm", [], {"reverse": true, "adjust": "none"}]]')
text_case("matrix_flip", "warp_one", pwpm(emmeans(m, ~ tension), flip = TRUE, side = ">", delta = 2),
     '[["emmeans", ["~ tension"], {}], ["pwpm", [], {"flip": true, "side": ">", "delta": 2}]]')

# ---- scales --------------------------------------------------------------------------
case("sqrt_response", "warp_sqrt", summary(emmeans(m, "tension"), type = "response"), '[["emmeans", ["tension"], {}], ["summary", [], {"type": "response"}]]')
case("sqrt_pairs", "warp_sqrt", pairs(emmeans(m, "tension")), '[["emmeans", ["tension"], {}], ["pairs", [], {}]]')
case("sqrt_regrid", "warp_sqrt", pairs(regrid(emmeans(m, "tension"))), '[["emmeans", ["tension"], {}], ["regrid", [], {}], ["pairs", [], {}]]')
case("shift_response", "warp_shift", summary(emmeans(m, "tension"), type = "response"), '[["emmeans", ["tension"], {}], ["summary", [], {"type": "response"}]]')
case("log10_ratios", "warp_log10", pairs(emmeans(m, "tension"), type = "response"), '[["emmeans", ["tension"], {}], ["pairs", [], {"type": "response"}]]')
case("log_regrid", "warp_log", emmeans(regrid(ref_grid(m)), "wool"), '[["ref_grid", [], {}], ["regrid", [], {}], ["emmeans", ["wool"], {}]]')
case("regrid_log", "warp", pairs(regrid(emmeans(m, "wool"), transform = "log"), type = "response"), '[["emmeans", ["wool"], {}], ["regrid", ["log"], {}], ["pairs", [], {"type": "response"}]]')
case("bias", "warp_log", summary(emmeans(m, ~ wool | tension), type = "response", bias.adjust = TRUE), '[["emmeans", ["~ wool | tension"], {}], ["summary", [], {"type": "response", "bias_adjust": true}]]',
     tolerance = list(estimate = 1e-7, SE = 1e-2, limit = 1e-7, reason = "R differentiates numerically and leaves the third derivative out of the SE of a corrected mean; estimates and limits: least squares twice."))

# ---- trends and terms -------------------------------------------------------------------
case("trends", "fiber_slopes", emtrends(m, ~ machine, "diameter"), '[["emtrends", ["~ machine", "diameter"], {}]]', TRUE)
case("trends_pairs", "fiber_slopes", emtrends(m, pairwise ~ machine, "diameter"), '[["emtrends", ["pairwise ~ machine", "diameter"], {}]]', part = "contrasts")
case("trends_log", "pigs_log", emtrends(m, "source", "percent"), '[["emtrends", ["source", "percent"], {}]]', tolerance = step)
case("trends_of_log", "pigs_log", emtrends(m, "source", "log(percent)"), '[["emtrends", ["source", "log(percent)"], {}]]', tolerance = list(estimate = 1e-7, SE = 1e-7, limit = 1e-6, reason = "Two ways to differentiate."))
case("trends_poly", "pigs_poly", emtrends(m, ~ percent, "percent", at = list(percent = c(9, 12, 15))), '[["emtrends", ["~ percent", "percent"], {"at": {"percent": [9, 12, 15]}}]]', tolerance = step)
case("terms_warp", "warp", joint_tests(m), '[["joint_tests", [], {}]]', TRUE)
case("terms_by", "warp", joint_tests(m, by = "wool"), '[["joint_tests", [], {"by": "wool"}]]')
case("terms_fiber", "fiber_slopes", joint_tests(m), '[["joint_tests", [], {}]]')
case("terms_nutrition", "nutrition", joint_tests(m, showconf = FALSE), '[["joint_tests", [], {"showconf": false}]]')
case("effect_sizes", "warp_one", eff_size(emmeans(m, "tension"), sigma = sigma(m), edf = df.residual(m)), '[["emmeans", ["tension"], {}], ["eff_size_of_model", [], {}]]')

# ---- mixed models --------------------------------------------------------------------------
for (d in c("kenward-roger", "satterthwaite", "asymptotic")) {
  short <- substr(d, 1, 4)
  tol <- if (d == "satterthwaite") list(df = 2e-3, limit = 2e-4, p = 1e-5, reason = "R's degrees of freedom by numerical derivatives at its own optimum.") else list()
  do.call(case, list(paste0("oats_", short), "oats", bquote(emmeans(m, "nitro", lmer.df = .(d))), sprintf('[["emmeans", ["nitro"], {"lmer_df": "%s"}]]', d), print = TRUE, tolerance = tol))
  do.call(case, list(paste0("oats_pairs_", short), "oats", bquote(pairs(emmeans(m, "nitro", lmer.df = .(d)))), sprintf('[["emmeans", ["nitro"], {"lmer_df": "%s"}], ["pairs", [], {}]]', d), print = TRUE, tolerance = tol))
  do.call(case, list(paste0("oats_part_", short), "oats_part", bquote(emmeans(m, "Variety", lmer.df = .(d))), sprintf('[["emmeans", ["Variety"], {"lmer_df": "%s"}]]', d), tolerance = tol))
  do.call(case, list(paste0("sleep_", short), "sleep", bquote(emmeans(m, "Days", at = list(Days = c(0, 5, 9)), lmer.df = .(d))), sprintf('[["emmeans", ["Days"], {"at": {"Days": [0, 5, 9]}, "lmer_df": "%s"}]]', d), tolerance = tol))
  do.call(case, list(paste0("oats_terms_", short), "oats_log", bquote(joint_tests(m, lmer.df = .(d))), sprintf('[["joint_tests", [], {"lmer_df": "%s"}]]', d), tolerance = tol))
}
case("cake_poly", "cake", contrast(emmeans(m, ~ temperature, lmer.df = "asymptotic"), "poly", max.degree = 2), '[["emmeans", ["~ temperature"], {"lmer_df": "asymptotic"}], ["contrast", ["poly"], {"max_degree": 2}]]')
case("cake_interaction", "cake", contrast(emmeans(m, ~ temperature * recipe, lmer.df = "satterthwaite"), interaction = c("poly", "trt.vs.ctrl")),
     '[["emmeans", ["~ temperature * recipe"], {"lmer_df": "satterthwaite"}], ["contrast", [], {"interaction": ["poly", "trt.vs.ctrl"]}]]', tolerance = list(df = 2e-3, p = 1e-5))
case("oats_trends", "oats_slope", emtrends(m, pairwise ~ Variety, "nitro"), '[["emtrends", ["pairwise ~ Variety", "nitro"], {}]]', part = "contrasts")
case("oats_response", "oats_log", summary(emmeans(m, ~ nitro | Variety, lmer.df = "asymptotic"), type = "response"), '[["emmeans", ["~ nitro | Variety"], {"lmer_df": "asymptotic"}], ["summary", [], {"type": "response"}]]')

# ---- generalized ------------------------------------------------------------------------------
case("cbpp_link", "cbpp", emmeans(m, "period"), '[["emmeans", ["period"], {}]]', TRUE, tolerance = list(estimate = 1e-4, SE = 2e-3, limit = 1e-3, p = 1e-4, reason = "R's covariance from a finite-difference Hessian."))
case("cbpp_prob", "cbpp", summary(emmeans(m, "period"), type = "response"), '[["emmeans", ["period"], {}], ["summary", [], {"type": "response"}]]', TRUE, tolerance = list(estimate = 1e-4, SE = 2e-3, limit = 1e-3, p = 1e-4, reason = "R's covariance from a finite-difference Hessian."))
case("cbpp_odds", "cbpp", pairs(emmeans(m, "period"), type = "response"), '[["emmeans", ["period"], {}], ["pairs", [], {"type": "response"}]]', TRUE, tolerance = list(estimate = 1e-4, SE = 2e-3, limit = 1e-3, p = 1e-4, reason = "R's covariance from a finite-difference Hessian."))
case("ticks_rates", "ticks", summary(emmeans(m, "YEAR"), type = "response", infer = TRUE), '[["emmeans", ["YEAR"], {}], ["summary", [], {"type": "response", "infer": true}]]', tolerance = list(estimate = 1e-4, SE = 2e-3, limit = 1e-3, p = 1e-4, reason = "R's covariance from a finite-difference Hessian."))
case("ticks_bias", "ticks", summary(emmeans(m, "YEAR"), type = "response", bias.adjust = TRUE, sigma = 0.9), '[["emmeans", ["YEAR"], {}], ["summary", [], {"type": "response", "bias_adjust": true, "sigma": 0.9}]]', tolerance = list(estimate = 1e-4, SE = 2e-2, limit = 1e-3, p = 1e-4, reason = "R's covariance from a finite-difference Hessian."))
case("ticks_trend", "ticks", emtrends(m, ~ YEAR, "HEIGHT"), '[["emtrends", ["~ YEAR", "HEIGHT"], {}]]', tolerance = list(estimate = 1e-4, SE = 2e-3, limit = 1e-3, p = 1e-4, reason = "R's covariance from a finite-difference Hessian."))

# ---- a multivariate response --------------------------------------------------------------------
if (!length(wanted)) {
  m <- lm(yield ~ Block + Variety, MOats)
  rg <- ref_grid(m, mult.name = "nitro")
  keep <- function(s) lapply(as.list(as.data.frame(s)), function(v) if (is.numeric(v)) v else as.character(v))
  mv <- list(means = keep(emmeans(rg, ~ Variety | nitro)), poly = keep(contrast(emmeans(rg, ~ nitro | Variety), "poly")),
             tests = keep(mvcontrast(emmeans(rg, ~ Variety | nitro), "consec", mult.name = "nitro")))
  write_json(list(R = unbox("4.2"), emmeans = unbox("1.8.4-1"), call = unbox("lm(yield ~ Block + Variety, MOats)"),
    tolerance = list(value = unbox(1e-9), reason = unbox("Least squares twice; relative to the largest of the column.")), tables = mv),
    "fixtures/emmeans_mv.json", digits = I(15), na = "null")
}
cat(count, "tables\n")
