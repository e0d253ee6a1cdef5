# Printed output of lme4 1.1-31 (and lmerTest 3.1-3) at a tight optimum:
# fixtures/printing/<model>.<what>.txt and models.json.
#
#   Rscript r_parity/printing.R [id ...]
source("r_parity/golden.R")
suppressMessages(library(lmerTest))
invisible(Sys.setlocale("LC_ALL", "C.UTF-8"))
options(width = 80, OutDec = ".", digits = 7)
out <- "fixtures/printing"
read_fixture <- function(name) {
  about <- fromJSON(file.path("fixtures/data", paste0(name, ".json")), simplifyVector = FALSE)
  d <- read.csv(file.path("fixtures/data", about$file), check.names = FALSE, na.strings = "")
  for (v in names(about$columns)) if (about$columns[[v]]$type == "factor")
    d[[v]] <- factor(d[[v]], levels = unlist(about$columns[[v]]$levels), ordered = about$columns[[v]]$ordered)
  d
}
for (name in c("multi", "deficient", "singular", "crossed", "three", "uneven", "InstEval2000", "sleepstudy_na", "strings", "ties"))
  assign(name, read_fixture(name))
models <- list()

show <- function(id, call, formula, data, margs = list(), mere = formula, ranef = TRUE, settled = TRUE) {
  models[[id]] <<- list(formula = unbox(mere), data = unbox(data), call = unbox(call),
    arguments = if (length(margs)) lapply(margs, function(a) if (is.list(a)) a else unbox(a)) else setNames(list(), character()))
  wanted <- commandArgs(TRUE)
  if (length(wanted) && !id %in% wanted) return(invisible())
  # Fit as a user does, to have the call and the words; then move to the tight optimum.
  m0 <- suppressMessages(eval(parse(text = sub("^lmer", "lme4::lmer", call)), globalenv()))
  m0@call[[1]] <- quote(lmer)
  devfun <- suppressMessages(eval(parse(text = sub(")$", ", devFunOnly = TRUE, control = loose)", sub("^lmer", "lme4::lmer", call))), globalenv()))
  theta0 <- getME(m0, "theta") + 0
  opt <- tight(function(th) devfun(th + 0), theta0, m0@lower)
  lf <- suppressMessages(eval(parse(text = sub(")$", ", control = loose)", sub("^lmer", "lme4::lFormula", call))), globalenv()))
  devfun(opt$par + 0)
  m <- mkMerMod(environment(devfun), list(par = opt$par, fval = opt$fval, conv = 0, feval = 0, message = NULL), lf$reTrms, fr = lf$fr, mc = m0@call)
  m@optinfo <- m0@optinfo
  if (!settled) m <- m0
  if (isSingular(m) != isSingular(m0)) cat("   !! singular only in one of the two\n")
  put <- function(what, expr) {
    said <- character()
    text <- suppressWarnings(withCallingHandlers(capture.output(expr), message = function(w) {
      said <<- c(said, sub("\n$", "", conditionMessage(w))); invokeRestart("muffleMessage") }))
    writeLines(text, file.path(out, paste0(id, ".", what, ".txt")), useBytes = TRUE)
    if (length(said)) writeLines(said, file.path(out, paste0(id, ".", what, ".messages.txt")), useBytes = TRUE)
  }
  put("print", print(m))
  put("summary", print(summary(m)))
  put("varcorr", print(VarCorr(m)))
  put("varcorr_both", print(VarCorr(m), comp = c("Variance", "Std.Dev.")))
  if (ranef) put("ranef", print(lme4::ranef(m, condVar = TRUE)))
  if (length(fixef(m))) put("anova", print(anova(m)))
  lt <- tryCatch({
    suppressMessages(m2 <- as_lmerModLmerTest(m))
    put("lmertest_summary", print(summary(m2)))
    put("lmertest_anova", print(anova(m2)))
    "lmerTest too"
  }, error = function(e) paste("no lmerTest:", conditionMessage(e)))
  cat(sprintf("%-26s %14.6f (default %+.1e) %s\n", id, opt$fval, getME(m0, "devfun")(getME(m0, "theta")) - opt$fval, lt))
}

show("sleepstudy_reml", "lmer(Reaction ~ Days + (Days | Subject), sleepstudy)", "Reaction ~ Days + (Days | Subject)", "sleepstudy")
show("sleepstudy_ml", "lmer(Reaction ~ Days + (Days | Subject), sleepstudy, REML = FALSE)", "Reaction ~ Days + (Days | Subject)", "sleepstudy", list(REML = FALSE))
show("sleepstudy_doublebar", "lmer(Reaction ~ Days + (Days || Subject), sleepstudy)", "Reaction ~ Days + (Days || Subject)", "sleepstudy")
show("sleepstudy_weights", "lmer(Reaction ~ Days + (1 | Subject), sleepstudy, weights = 1 + Days / 3, offset = 3 * Days, subset = Days > 0)",
  "Reaction ~ Days + (1 | Subject)", "sleepstudy", list(weights = "1 + Days / 3", offset = "3 * Days", subset = "Days > 0"))
show("sleepstudy_log", "lmer(log(Reaction) ~ Days + (Days | Subject), sleepstudy)", "log(Reaction) ~ Days + (Days | Subject)", "sleepstudy")
show("sleepstudy_no_fixed", "lmer(Reaction ~ 0 + (Days | Subject), sleepstudy)", "Reaction ~ 0 + (Days | Subject)", "sleepstudy")
show("dyestuff", "lmer(Yield ~ 1 + (1 | Batch), Dyestuff)", "Yield ~ 1 + (1 | Batch)", "Dyestuff",
  settled = FALSE)  # its mean, 1527.5, is a tie of rounding: as the user sees it
show("dyestuff2", "lmer(Yield ~ 1 + (1 | Batch), Dyestuff2)", "Yield ~ 1 + (1 | Batch)", "Dyestuff2")
show("penicillin", "lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin)", "diameter ~ 1 + (1 | plate) + (1 | sample)", "Penicillin")
show("pastes", "lmer(strength ~ 1 + (1 | batch/cask), Pastes)", "strength ~ 1 + (1 | batch/cask)", "Pastes")
show("cake", "lmer(angle ~ recipe * temperature + (1 | recipe:replicate), cake)", "angle ~ recipe * temperature + (1 | recipe:replicate)", "cake")
show("cake_factor_slopes", "lmer(angle ~ recipe + temp + (recipe | replicate), cake, REML = FALSE)", "angle ~ recipe + temp + (recipe | replicate)", "cake", list(REML = FALSE))
show("cake_contrasts", "lmer(angle ~ recipe * temp + (1 | recipe:replicate), cake, contrasts = list(recipe = \"contr.sum\"))",
  "angle ~ recipe * temp + (1 | recipe:replicate)", "cake", list(contrasts = list(recipe = unbox("contr.sum"))))
show("multi_three_terms", "lmer(y ~ x + z + (1 | g) + (0 + x | g) + (0 + z | g), multi)", "y ~ x + z + (1 | g) + (0 + x | g) + (0 + z | g)", "multi")
show("deficient", "lmer(y ~ a * b + x + x2 + (1 | g), deficient)", "y ~ a * b + x + x2 + (1 | g)", "deficient")
show("singular_two", "lmer(y ~ x + (x | g), singular)", "y ~ x + (x | g)", "singular")
show("crossed_slopes", "lmer(y ~ x + (1 + x | s) + (1 + x | i), crossed)", "y ~ x + (1 + x | s) + (1 + x | i)", "crossed")
show("three_long_formula", "lmer(y ~ x * f + I(x^2) + I(x^3) + poly(x, 2):f + (1 | a) + (1 | b) + (1 | c), three)",
  "y ~ x * f + I(x^2) + I(x^3) + poly(x, 2):f + (1 | a) + (1 | b) + (1 | c)", "three")
show("uneven_weighted", "lmer(y ~ x + (1 | g), uneven, weights = w)", "y ~ x + (1 | g)", "uneven", list(weights = "w"))
show("sleepstudy_na_exclude", "lmer(Reaction ~ Days + (Days | Subject), sleepstudy_na, na.action = na.exclude)",
  "Reaction ~ Days + (Days | Subject)", "sleepstudy_na", list(na_action = "exclude"))
show("insteval_2000", "lmer(y ~ service + lectage + (1 | s) + (1 | d), InstEval2000)", "y ~ service + lectage + (1 | s) + (1 | d)", "InstEval2000", ranef = FALSE)
show("strings", "lmer(y ~ f * late + x + (1 | a) + (1 | b), strings)", "y ~ f * late + x + (1 | a) + (1 | b)", "strings")

if (!length(commandArgs(TRUE))) writeLines(toJSON(models, pretty = 1), file.path(out, "models.json"))
