# More predictions of lme4, of linear and generalized models: fixtures/whatif/more_predictions.json.
#
#   Rscript r_parity/more_predictions.R    (from the root of the checkout)
#
# All random effects, none, a part, unknown levels; on both scales. The models are fitted tightly.
suppressMessages({library(lme4); library(jsonlite)})
stopifnot(packageVersion("lme4") == "1.1.31")
read <- function(name) {
  d <- read.csv(file.path("fixtures/data", paste0(name, ".csv")), stringsAsFactors = TRUE)
  about <- fromJSON(file.path("fixtures/data", paste0(name, ".json")))$columns
  for (n in names(about)) if (about[[n]]$type == "factor") d[[n]] <- factor(d[[n]], levels = about[[n]]$levels)
  d
}
glmm_crossed <- read("glmm_crossed"); glmm_times <- read("glmm_times")
tight <- lmerControl(optimizer = "nloptwrap", optCtrl = list(xtol_abs = 1e-12, ftol_abs = 1e-12, maxeval = 1e5), calc.derivs = FALSE)
gtight <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.02, rhoend = 1e-9, maxfun = 1e5), tolPwrss = 1e-12, calc.derivs = FALSE)
cases <- list()
plain <- function(d) lapply(as.list(d), function(x) if (is.factor(x)) as.character(x) else x)
add <- function(id, formula, data, family = NULL, rows, unknown = list(), partial = NULL, columns) {
  f <- as.formula(formula)
  m <- if (is.null(family)) eval(bquote(lmer(.(f), .(as.name(data)), control = tight)))
       else eval(bquote(glmer(.(f), .(as.name(data)), .(parse(text = family)[[1]]), control = gtight)))
  new <- get(data)[rows, columns, drop = FALSE]
  odd <- new; for (g in names(unknown)) { odd[[g]] <- as.character(odd[[g]]); odd[[g]][unknown[[g]]] <- "unknown" }
  types <- if (is.null(family)) "link" else c("link", "response")
  one <- function(what, newdata, form, type, allow) {
    fit <- if (identical(form, "all")) predict(m, newdata, type = type, allow.new.levels = allow) else predict(m, newdata, re.form = form, type = type, allow.new.levels = allow)
    cases[[length(cases) + 1]] <<- list(id = paste(id, what, type, sep = "_"), call = sprintf("predict(%s, newdata, re.form = %s, type = \"%s\")", deparse1(m@call), deparse1(form), type), formula = formula,
      data = data, family = family, newdata = plain(newdata), re_form = if (identical(form, "all")) "all" else if (identical(form, NA)) "none" else deparse1(form), type = type, allow_new_levels = allow, fit = unname(fit),
      tolerance = if (is.null(family)) 1e-6 else 2e-5, reason = "what remains of lme4's stop in the parameters")
  }
  for (type in types) {
    one("all", new, "all", type, FALSE); one("none", new, NA, type, FALSE)
    if (!is.null(partial)) one("part", new, as.formula(partial), type, FALSE)
    if (length(unknown)) one("unknown", odd, "all", type, TRUE)
  }
}
add("cbpp", "cbind(incidence, size - incidence) ~ period + (1 | herd)", "cbpp", "binomial", c(1, 6, 20, 56), list(herd = c(1, 3)), NULL, c("period", "herd"))
add("crossed", "count ~ x + (1 | g) + (1 | h)", "glmm_crossed", "poisson", c(1, 40, 200), list(h = 2), "~(1 | h)", c("x", "g", "h"))
add("slopes", "count ~ x + offset(log(e)) + (x | g)", "glmm_crossed", "poisson", c(3, 70, 299), list(g = 1), "~(1 | g)", c("x", "e", "g"))
add("slope_part", "count ~ x + (x | g) + (1 | h)", "glmm_crossed", "poisson", c(3, 70, 299), list(g = 1, h = 1), "~(0 + x | g)", c("x", "g", "h"))
add("grouse", "TICKS ~ YEAR + scale(HEIGHT) + (1 | BROOD) + (1 | LOCATION)", "grouseticks", "poisson", c(1, 100, 403), list(BROOD = 2), "~(1 | LOCATION)", c("YEAR", "HEIGHT", "BROOD", "LOCATION"))
add("gamma", "time ~ x + (1 | g)", "glmm_times", 'Gamma("log")', c(1, 9, 33), list(g = 3), NULL, c("x", "g"))
add("probit", "won ~ poly(x, 2) + (1 | g)", "glmm_crossed", 'binomial("probit")', c(5, 6, 250), list(g = 3), NULL, c("x", "g"))
add("logs", "log(Reaction) ~ Days + (Days | Subject)", "sleepstudy", NULL, c(1, 44, 180), list(Subject = 2), "~(1 | Subject)", c("Days", "Subject"))
add("nested", "strength ~ 1 + (1 | batch/cask)", "Pastes", NULL, c(1, 30, 60), list(cask = 2), "~(1 | batch)", c("batch", "cask"))
add("means", "Yield ~ 1 + (1 | Batch)", "Dyestuff", NULL, c(1, 30), list(Batch = 1), NULL, "Batch")
out <- list(R = paste(R.version$major, R.version$minor, sep = "."), lme4 = "1.1-31", cases = cases)
writeLines(toJSON(out, digits = I(12), auto_unbox = TRUE, na = "null", null = "null"), "fixtures/whatif/more_predictions.json")
cat(length(cases), "\n")
