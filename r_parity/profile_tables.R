# Profiles point by point from lme4: fixtures/whatif/profile_tables.json.
#
#   Rscript r_parity/profile_tables.R      (from the root of the checkout)
#
# The values that lme4's profile() visits and its zeta there, thinned. Each of lme4's points is a minimization that stops early, so its
# zeta^2 may be too large by some 1e-2.
suppressMessages({library(lme4); library(jsonlite)})
stopifnot(packageVersion("lme4") == "1.1.31")
read <- function(name) {
  d <- read.csv(file.path("fixtures/data", paste0(name, ".csv")), stringsAsFactors = TRUE)
  about <- fromJSON(file.path("fixtures/data", paste0(name, ".json")))$columns
  for (n in names(about)) if (about[[n]]$type == "factor") d[[n]] <- factor(d[[n]], levels = about[[n]]$levels)
  d
}
crossed <- read("crossed"); glmm_crossed <- read("glmm_crossed"); uneven <- read("uneven")
tight <- lmerControl(optimizer = "nloptwrap", optCtrl = list(xtol_abs = 1e-10, ftol_abs = 1e-10), calc.derivs = FALSE)
gtight <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.02, rhoend = 1e-9, maxfun = 1e5), tolPwrss = 1e-11, calc.derivs = FALSE)
cases <- list()
add <- function(formula, data, family = NULL) {
  t0 <- proc.time()[[1]]
  m <- if (is.null(family)) lmer(as.formula(formula), get(data), REML = FALSE, control = tight)
       else eval(bquote(glmer(.(as.formula(formula)), get(.(data)), .(as.name(family)), control = gtight)))
  p <- suppressWarnings(as.data.frame(profile(m, signames = FALSE)))
  points <- do.call(rbind, lapply(split(p, p$.par), function(part) {
    part <- part[abs(part$.zeta) > 0.3 & abs(part$.zeta) < 3.2, ]
    part <- part[unique(round(seq(1, nrow(part), length.out = min(8, nrow(part))))), ]
    data.frame(par = as.character(part$.par), value = part$.focal, zeta = part$.zeta)
  }))
  cases[[length(cases) + 1]] <<- list(call = sprintf("as.data.frame(profile(%s(%s, %s)))", if (is.null(family)) "lmer" else "glmer", formula, data), formula = formula, data = data,
    family = family, par = points$par, value = points$value, zeta = points$zeta, tolerance = 3e-2, reason = "of zeta^2: where lme4's minimizations stop")
  cat(formula, nrow(points), proc.time()[[1]] - t0, "s\n")
}
add("Reaction ~ Days + (Days | Subject)", "sleepstudy")
add("Reaction ~ Days + (Days || Subject)", "sleepstudy")
add("Reaction ~ Days + (1 | Subject)", "sleepstudy")
add("Reaction ~ Days + (0 + Days | Subject)", "sleepstudy")
add("log(Reaction) ~ Days + (1 | Subject)", "sleepstudy")
add("Reaction ~ Days + I(Days^2) + (1 | Subject)", "sleepstudy")
add("Yield ~ 1 + (1 | Batch)", "Dyestuff")
add("Yield ~ 1 + (1 | Batch)", "Dyestuff2")
add("diameter ~ 1 + (1 | plate) + (1 | sample)", "Penicillin")
add("strength ~ 1 + (1 | batch/cask)", "Pastes")
add("strength ~ 1 + (1 | sample)", "Pastes")
add("angle ~ recipe + temp + (1 | recipe:replicate)", "cake")
add("angle ~ temp + (1 | replicate/recipe)", "cake")
add("y ~ x + (1 | s) + (1 | i)", "crossed")
add("y ~ x + (1 + x || s) + (1 | i)", "crossed")
add("cbind(incidence, size - incidence) ~ period + (1 | herd)", "cbpp", "binomial")
add("TICKS ~ YEAR + (1 | BROOD)", "grouseticks", "poisson")
add("count ~ x + (1 | g) + (1 | h)", "glmm_crossed", "poisson")
add("count ~ x + offset(log(e)) + (x | g)", "glmm_crossed", "poisson")
out <- list(R = paste(R.version$major, R.version$minor, sep = "."), lme4 = "1.1-31", cases = cases)
writeLines(toJSON(out, digits = I(10), auto_unbox = TRUE, na = "null", null = "null"), "fixtures/whatif/profile_tables.json")
