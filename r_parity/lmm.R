# LMM goldens: fixtures/lmm/*.json, and the made-up data in fixtures/data.
#
#   Rscript r_parity/lmm.R [id ...]        (from the root of the checkout)
#
# Every made-up table is drawn with the seed that stands beside it (R 4.2,
# Mersenne-Twister, inversion), written with all digits and used as written.
source("r_parity/golden.R")
g <- golden
keep <- function(d, name, text, gzip = FALSE) {
  write_table(d, "fixtures/data", name, list(description = text, generator = "r_parity/lmm.R"), gzip)
  assign(name, d, globalenv())
  invisible(d)
}

# ---- sleepstudy: one factor, the ways to say it -------------------------------------
s <- "sleepstudy"
g("sleepstudy_reml", "Reaction ~ Days + (Days | Subject)", s)
g("sleepstudy_ml", "Reaction ~ Days + (Days | Subject)", s, "REML = FALSE", list(REML = FALSE))
g("sleepstudy_doublebar", "Reaction ~ Days + (Days || Subject)", s)
g("sleepstudy_split_ml", "Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)", s, "REML = FALSE", list(REML = FALSE))
g("sleepstudy_slope_only", "Reaction ~ Days + (0 + Days | Subject)", s)
g("sleepstudy_slope_minus_one", "Reaction ~ Days + (Days - 1 | Subject)", s, "REML = FALSE", list(REML = FALSE))
g("sleepstudy_intercept", "Reaction ~ Days + (1 | Subject)", s)
g("sleepstudy_poly", "Reaction ~ poly(Days, 2) + (Days | Subject)", s)
g("sleepstudy_poly_raw", "Reaction ~ poly(Days, 2, raw = TRUE) + (1 | Subject)", s, mere = "Reaction ~ poly(Days, 2, raw=True) + (1 | Subject)")
g("sleepstudy_poly_slopes", "Reaction ~ poly(Days, 2) + (poly(Days, 2) | Subject)", s)
g("sleepstudy_square", "Reaction ~ Days + I(Days^2) + (Days | Subject)", s)
g("sleepstudy_square_slopes", "Reaction ~ Days + I(Days^2) + (Days + I(Days^2) | Subject)", s)
g("sleepstudy_scale", "Reaction ~ scale(Days) + (scale(Days) | Subject)", s)
g("sleepstudy_ns", "Reaction ~ ns(Days, 3) + (1 | Subject)", s, "REML = FALSE", list(REML = FALSE))
g("sleepstudy_factor", "Reaction ~ factor(Days) + (1 | Subject)", s)
g("sleepstudy_log", "log(Reaction) ~ Days + (Days | Subject)", s)
g("sleepstudy_subset", "Reaction ~ Days + (Days | Subject)", s, "subset = Days >= 2 & Subject != \"308\"",
  list(subset = "Days >= 2 & Subject != \"308\""))
g("sleepstudy_offset", "Reaction ~ Days + (Days | Subject)", s, "offset = 3 * Days", list(offset = "3 * Days"))
g("sleepstudy_offset_term", "Reaction ~ Days + offset(3 * Days) + (1 | Subject)", s, "REML = FALSE", list(REML = FALSE))
g("sleepstudy_weights", "Reaction ~ Days + (Days | Subject)", s, "weights = 1 + Days / 3", list(weights = "1 + Days / 3"))
g("sleepstudy_weights_ml", "Reaction ~ Days + (1 | Subject)", s, "REML = FALSE, weights = exp(Days - 5)",
  list(REML = FALSE, weights = "exp(Days - 5)"))
g("sleepstudy_no_fixed", "Reaction ~ 0 + (Days | Subject)", s)
g("sleepstudy_long_year", "Reaction ~ I(Days + 2000) + (I(Days + 2000) | Subject)", s,
  start = c(461.7891, -0.2308, 0.0253),
  tolerance = list(criterion = 1e-7, theta = 1, other = 1e-3, evaluation = 1e-8, reason = paste(
    "slope column 2000 SDs from 0: the intercept's variance is an extrapolation and theta is not determined;",
    "judged by the criterion and by what does not depend on the origin (sigma, fitted)")))

na <- sleepstudy; set.seed(1)
na$Reaction[c(3, 50, 51, 120)] <- NA; na$Days[c(10, 77)] <- NA; na$Subject[c(5, 180)] <- NA
keep(na, "sleepstudy_na", "sleepstudy with missing values in the response, the covariate and the group")
g("sleepstudy_na_omit", "Reaction ~ Days + (Days | Subject)", "sleepstudy_na", "na.action = na.omit", list(na_action = "omit"))
g("sleepstudy_na_exclude", "Reaction ~ Days + (Days | Subject)", "sleepstudy_na", "na.action = na.exclude", list(na_action = "exclude"))

# ---- Dyestuff, Penicillin, Pastes -----------------------------------------------------
g("dyestuff_reml", "Yield ~ 1 + (1 | Batch)", "Dyestuff")
g("dyestuff_ml", "Yield ~ 1 + (1 | Batch)", "Dyestuff", "REML = FALSE", list(REML = FALSE))
g("dyestuff2_reml", "Yield ~ 1 + (1 | Batch)", "Dyestuff2")
g("dyestuff2_ml", "Yield ~ 1 + (1 | Batch)", "Dyestuff2", "REML = FALSE", list(REML = FALSE))
g("penicillin_reml", "diameter ~ 1 + (1 | plate) + (1 | sample)", "Penicillin")
g("penicillin_ml", "diameter ~ 1 + (1 | plate) + (1 | sample)", "Penicillin", "REML = FALSE", list(REML = FALSE))
g("penicillin_swapped", "diameter ~ 1 + (1 | sample) + (1 | plate)", "Penicillin")
g("pastes_nested", "strength ~ 1 + (1 | batch/cask)", "Pastes")
g("pastes_nested_ml", "strength ~ 1 + (1 | batch/cask)", "Pastes", "REML = FALSE", list(REML = FALSE))
g("pastes_interaction", "strength ~ 1 + (1 | batch:cask)", "Pastes", "REML = FALSE", list(REML = FALSE))
g("pastes_sample", "strength ~ 1 + (1 | sample) + (1 | batch)", "Pastes")
g("pastes_fixed_cask", "strength ~ cask + (cask | batch)", "Pastes")

# ---- cake: ordered factor, contrasts, factor slopes ----------------------------------
g("cake_reml", "angle ~ recipe * temperature + (1 | recipe:replicate)", "cake")
g("cake_ml", "angle ~ recipe * temperature + (1 | recipe:replicate)", "cake", "REML = FALSE", list(REML = FALSE))
g("cake_numeric", "angle ~ recipe + temp + (1 | replicate/recipe)", "cake")
g("cake_sum", "angle ~ recipe * temp + (1 | recipe:replicate)", "cake", "contrasts = list(recipe = \"contr.sum\")",
  list(contrasts = list(recipe = unbox("contr.sum"))))
g("cake_helmert", "angle ~ recipe + temperature + (1 | recipe:replicate)", "cake",
  "contrasts = list(recipe = \"contr.helmert\", temperature = \"contr.treatment\")",
  list(contrasts = list(recipe = unbox("contr.helmert"), temperature = unbox("contr.treatment"))))
g("cake_cell_slopes", "angle ~ recipe + temp + (0 + recipe | replicate)", "cake")
g("cake_factor_slopes", "angle ~ recipe + temp + (recipe | replicate)", "cake", "REML = FALSE", list(REML = FALSE))
g("cake_factor_slopes_sum", "angle ~ recipe + temp + (recipe | replicate)", "cake", "contrasts = list(recipe = \"contr.sum\")",
  list(contrasts = list(recipe = unbox("contr.sum"))))
g("cake_dummy", "angle ~ recipe + temp + (0 + dummy(recipe, \"A\") | replicate) + (1 | replicate)", "cake")
g("cake_doublebar_factor", "angle ~ recipe + temp + (recipe || replicate)", "cake")
g("cake_three_terms", "angle ~ temp + (1 | replicate) + (0 + temp | replicate) + (1 | recipe:replicate)", "cake")
g("cake_logical", "angle ~ I(temp > 200) + recipe:temp + (1 | recipe:replicate)", "cake")
g("cake_interaction_group", "angle ~ recipe + temp + (1 | replicate:recipe) + (1 | temperature:recipe)", "cake")

g("cake_C", "angle ~ C(recipe, contr.sum) + temp + (1 | recipe:replicate)", "cake")

# ---- cbpp as an LMM: proportions with their sizes as weights --------------------------
g("cbpp_weights", "incidence / size ~ period + (1 | herd)", "cbpp", "weights = size", list(weights = "size"))
g("grouseticks_levels", "log(TICKS + 1) ~ YEAR + cHEIGHT + (1 | BROOD) + (1 | LOCATION)", "grouseticks")

# ---- InstEval -----------------------------------------------------------------------------
InstEval2000 <- droplevels(InstEval[seq(1, 73421, by = 37), ]); rownames(InstEval2000) <- NULL
keep(InstEval2000, "InstEval2000", "every 37th row of InstEval, unused levels dropped")
g("insteval_2000", "y ~ service + (1 | s) + (1 | d) + (1 | dept:service)", "InstEval2000")
g("insteval_2000_lectage", "y ~ service * lectage + studage + (1 | s) + (1 | d)", "InstEval2000", "REML = FALSE", list(REML = FALSE))

# ---- term order: three factors, tied numbers of levels ------------------------------------
set.seed(20)
ties <- data.frame(a = factor(sample(letters[1:6], 120, TRUE)), b = factor(sample(LETTERS[1:6], 120, TRUE)),
                   c = factor(sample(sprintf("k%02d", 1:10), 120, TRUE)), x = round(rnorm(120), 3))
ties$y <- round(2 + ties$x + rnorm(6)[ties$a] + 2 * rnorm(6)[ties$b] + 0.5 * rnorm(10)[ties$c] + rnorm(120), 4)
keep(ties, "ties", "three crossed factors with 6, 6 and 10 levels")
g("ties_abc", "y ~ x + (1 | a) + (1 | b) + (1 | c)", "ties")
g("ties_cab", "y ~ x + (1 | c) + (1 | a) + (1 | b)", "ties")
g("ties_bac_slopes", "y ~ x + (x | b) + (1 | a) + (1 | c)", "ties", "REML = FALSE", list(REML = FALSE))

# ---- several terms on a factor, two covariates --------------------------------------------
set.seed(30)
multi <- data.frame(g = rep(1:25, each = 8), x = round(runif(200, -1, 1), 4), z = round(rnorm(200), 4))
u <- matrix(rnorm(75), 25) %*% diag(c(1.5, 1, 0.7))
multi$y <- round(1 + multi$x - 0.5 * multi$z + u[multi$g, 1] + u[multi$g, 2] * multi$x + u[multi$g, 3] * multi$z + rnorm(200), 4)
keep(multi, "multi", "25 numeric groups, independent intercepts and two slopes")
g("multi_three_terms", "y ~ x + z + (1 | g) + (0 + x | g) + (0 + z | g)", "multi")
g("multi_two_blocks", "y ~ x + z + (x | g) + (0 + z | g)", "multi", "REML = FALSE", list(REML = FALSE))
g("multi_full", "y ~ x * z + (x + z | g)", "multi")
g("multi_interaction_slope", "y ~ x * z + (x * z || g)", "multi")

spaced <- multi; names(spaced) <- c("the group", "my x", "z", "y")
keep(spaced, "spaced", "multi with names that need backquotes")
g("spaced_names", "y ~ `my x` + z + (`my x` | `the group`)", "spaced", "REML = FALSE", list(REML = FALSE))

# ---- rank deficiency ------------------------------------------------------------------------
set.seed(40)
deficient <- data.frame(a = factor(rep(c("u", "v", "w"), 40)), b = factor(rep(c("p", "q"), each = 60)),
                        g = factor(rep(1:12, each = 10)), x = round(rnorm(120), 3))
deficient <- deficient[!(deficient$a == "w" & deficient$b == "q"), ]; rownames(deficient) <- NULL
deficient$x2 <- 2 * deficient$x
deficient$y <- round(3 + deficient$x + as.integer(deficient$a) + rnorm(12)[deficient$g] + rnorm(nrow(deficient)), 4)
keep(deficient, "deficient", "an empty cell of a by b and a doubled covariate")
g("deficient_cell", "y ~ a * b + x + (1 | g)", "deficient")
g("deficient_double", "y ~ x + x2 + a + (x | g)", "deficient")

# ---- singular covariances -----------------------------------------------------------------------
set.seed(50)
singular <- data.frame(g = factor(rep(1:15, each = 6)), x = rep(0:5, 15), z = round(rnorm(90), 3))
u1 <- rnorm(15)
singular$y <- round(10 + singular$x + 2 * u1[singular$g] + 0.8 * u1[singular$g] * singular$x + rnorm(90), 4)
keep(singular, "singular", "intercept and slope perfectly correlated in the population")
g("singular_two", "y ~ x + (x | g)", "singular")
g("singular_two_ml", "y ~ x + (x | g)", "singular", "REML = FALSE", list(REML = FALSE))
g("singular_three", "y ~ x + z + (x + z | g)", "singular")
g("singular_zero_slope", "y ~ x + (1 | g) + (0 + z | g)", "singular")

# ---- weights, single rows, precision ----------------------------------------------------------------
set.seed(60)
uneven <- data.frame(g = factor(rep(1:20, times = c(rep(1, 7), rep(2, 5), 3:10))), x = 0, w = 0)
n <- nrow(uneven); uneven$x <- round(rnorm(n), 3); uneven$w <- round(exp(rnorm(n, 0, 2)), 4)
uneven$y <- round(5 + 2 * uneven$x + 1.5 * rnorm(20)[uneven$g] + rnorm(n) / sqrt(uneven$w), 4)
keep(uneven, "uneven", "groups of 1 to 10 rows, weights over four decades")
g("uneven_unweighted", "y ~ x + (1 | g)", "uneven")
g("uneven_weighted", "y ~ x + (1 | g)", "uneven", "weights = w", list(weights = "w"))
g("uneven_weighted_slopes", "y ~ x + (x | g)", "uneven", "REML = FALSE, weights = w", list(REML = FALSE, weights = "w"))
set.seed(61)
precise <- data.frame(g = factor(rep(1:10, each = 6)), x = rep(1:6, 10))
precise$y <- round(2 + 3 * precise$x + 5 * rnorm(10)[precise$g] + rnorm(60, sd = 1e-4), 7)
keep(precise, "precise", "a nearly perfect fit: residual SD 1e-4, group SD 5")
# Balanced, so the REML estimate has a closed form; lme4's criterion at this theta is good to 1e-6 only.
within <- deviance(lm(y ~ g + x, precise)) / 49
between <- 6 * var(tapply(precise$y, precise$g, mean))
g("precise", "y ~ x + (1 | g)", "precise", use = character(), polish = FALSE, start = sqrt((between / within - 1) / 6),
  tolerance = list(criterion = 2e-7, theta = 1e-5, other = 1e-5, evaluation = 1e-9,
  reason = "theta is near 5e4, from the closed form of the balanced case (exact criterion -682.164385829); cross-products cancel there"))
set.seed(62)
offsets <- data.frame(g = factor(rep(1:12, each = 5)), x = round(runif(60), 4))
offsets$y <- round(1e6 + 2 * offsets$x + rnorm(12)[offsets$g] + rnorm(60), 4)
keep(offsets, "offsets", "a response a million SDs away from zero")
g("far_response", "y ~ x + (x | g)", "offsets", tolerance = list(evaluation = 1e-7, criterion = 1e-6, theta = 1e-3, other = 1e-4,
  reason = "lme4 forms the residual sum of squares without centring: about 1e-16 * n * 1e12 of noise in pwrss"))
g("far_offset", "y ~ x + (1 | g)", "offsets", "offset = rep(1e6, 60)", list(offset = "1e6 + 0 * x"))
set.seed(63)
years <- data.frame(country = factor(rep(sprintf("c%02d", 1:20), each = 12)), year = rep(1995:2006, 20))
u <- matrix(rnorm(40), 20)
years$y <- round(50 + 0.4 * (years$year - 2000) + 3 * u[years$country, 1] + 0.3 * u[years$country, 2] * (years$year - 2000) + rnorm(240), 4)
years$t <- years$year - 2000
keep(years, "years", "calendar years as a slope, and the same with the origin at 2000")
g("years_centred", "y ~ t + (t | country)", "years")
centred <- lmer(y ~ t + (t | country), years)
th <- t(chol(tcrossprod(matrix(c(1, 0, -2000, 1), 2) %*% getME(centred, "Tlist")[[1]]) + diag(c(1e-9, 0))))
g("years_raw", "y ~ year + (year | country)", "years", start = th[lower.tri(th, TRUE)],
  tolerance = list(criterion = 1e-6, theta = 1, other = 1e-3, evaluation = 1e-7,
  reason = "years_centred is the same model with the same criterion; theta with the origin at year 0 is not determined"))

# ---- crossed designs ----------------------------------------------------------------------------------
set.seed(70)
crossed <- expand.grid(s = factor(1:20), i = factor(sprintf("w%02d", 1:12)))
crossed$x <- ifelse((as.integer(crossed$s) + as.integer(crossed$i)) %% 2 == 0, -0.5, 0.5)
us <- matrix(rnorm(40), 20) %*% chol(matrix(c(900, 300, 300, 400), 2))
ui <- matrix(rnorm(24), 12) %*% chol(matrix(c(400, -100, -100, 225), 2))
crossed$y <- round(500 + 30 * crossed$x + us[crossed$s, 1] + us[crossed$s, 2] * crossed$x + ui[crossed$i, 1] +
                   ui[crossed$i, 2] * crossed$x + rnorm(240, sd = 20), 3)
keep(crossed, "crossed", "20 subjects by 12 items, a within effect with slopes for both")
g("crossed_slopes", "y ~ x + (1 + x | s) + (1 + x | i)", "crossed")
g("crossed_slopes_ml", "y ~ x + (1 + x | s) + (1 + x | i)", "crossed", "REML = FALSE", list(REML = FALSE))
g("crossed_slopes_reversed", "y ~ x + (1 + x | i) + (1 + x | s)", "crossed")
g("crossed_doublebar", "y ~ x + (1 + x || s) + (1 + x || i)", "crossed")
set.seed(71)
three <- data.frame(a = factor(sample(30, 400, TRUE)), b = factor(sample(12, 400, TRUE)), c = factor(sample(5, 400, TRUE)),
                    x = round(rnorm(400), 3), f = factor(sample(c("lo", "mid", "hi"), 400, TRUE), levels = c("lo", "mid", "hi")))
three$y <- round(three$x + as.integer(three$f) + rnorm(30)[three$a] + 0.7 * rnorm(12)[three$b] + 0.4 * rnorm(5)[three$c] + rnorm(400), 4)
keep(three, "three", "three crossed factors of 30, 12 and 5 levels, unbalanced")
g("three_crossed", "y ~ x + f + (1 | a) + (1 | b) + (1 | c)", "three")
g("three_mixed", "y ~ x * f + (x | a) + (1 | b) + (0 + f | c)", "three", "REML = FALSE", list(REML = FALSE))
g("three_nested_deep", "y ~ f + (1 | c/b/a)", "three")
g("three_sum", "y ~ x * f + (f | b) + (1 | a)", "three", "contrasts = list(f = \"contr.sum\")", list(contrasts = list(f = unbox("contr.sum"))))
g("three_fin", "y ~ f %in% c + x + (1 | a)", "three", "REML = FALSE", list(REML = FALSE))

strings <- three; strings$a <- paste0("id", strings$a); strings$f <- as.character(strings$f); strings$late <- strings$x > 0.5
keep(strings[c("a", "b", "f", "late", "x", "y")], "strings", "groups and a covariate as text, a logical column")
g("strings", "y ~ f * late + x + (1 | a) + (1 | b)", "strings")

# ---- InstEval, all rows (slow: about a minute each) --------------------------------------------------
big <- c("nloptwrap", "bobyqa")
g("insteval_service", "y ~ service + (1 | s) + (1 | d)", "InstEval", use = big, polish = FALSE, default = FALSE, ranef_se = FALSE,
  tolerance = list(theta = 1e-5, other = 1e-5, criterion = 1e-9, reason = "not polished: derivative-free optimum of a criterion near 2.4e5"))
g("insteval_dept", "y ~ service + (1 | s) + (1 | d) + (1 | dept)", "InstEval", use = big, polish = FALSE, default = FALSE, ranef_se = FALSE,
  tolerance = list(theta = 1e-5, other = 1e-5, criterion = 1e-9, reason = "not polished: derivative-free optimum of a criterion near 2.4e5"))
