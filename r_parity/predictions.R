# Predictions of lme4: fixtures/whatif/predictions.json.
#
#   Rscript r_parity/predictions.R         (from the root of the checkout)
#
# Tightly converged fits; se.fit is not in lme4 1.1-31, so standard errors come from Henderson's equations written out.
suppressMessages({library(lme4); library(jsonlite); library(splines)})
source("r_parity/tables.R")
stopifnot(packageVersion("lme4") == "1.1.31")
tight <- lmerControl(optimizer = "nloptwrap", optCtrl = list(xtol_abs = 1e-12, ftol_abs = 1e-12, maxeval = 1e5), calc.derivs = FALSE,
                     check.conv.singular = "ignore")
cases <- list()
plain <- function(d) lapply(d, function(x) if (is.factor(x)) as.character(x) else x)
henderson <- function(m, new, form) {          # sd of x'(b^ - b) + z'(u^ - u), for all random effects or none
  X <- getME(m, "X"); Z <- as.matrix(getME(m, "Z")); s2 <- sigma(m)^2; L <- as.matrix(getME(m, "Lambda"))
  Xn <- model.matrix(delete.response(terms(m)), new)
  if (identical(form, NA)) return(sqrt(rowSums((Xn %*% as.matrix(vcov(m))) * Xn)))
  ZL <- Z %*% L
  A <- rbind(cbind(crossprod(ZL) + diag(ncol(ZL)), crossprod(ZL, X)), cbind(crossprod(X, ZL), crossprod(X)))
  data <- eval(m@call$data)                    # Z of the new rows: those of a model for old and new rows together
  both <- data[c(seq_len(nrow(data)), rep(1, nrow(new))), ]
  at <- nrow(data) + seq_len(nrow(new))
  for (v in names(new)) both[at, v] <- if (is.factor(both[[v]])) as.character(new[[v]]) else new[[v]]
  Zn <- t(as.matrix(lFormula(formula(m), both)$reTrms$Zt))[at, , drop = FALSE]
  v <- cbind(Zn %*% L, Xn)
  sqrt(s2 * rowSums((v %*% solve(A)) * v))
}
add <- function(id, m, data, newdata, re_form = NULL, args = list(), mere = list(), text = "", se = FALSE, formula = NULL) {
  value <- do.call(predict, c(list(m, newdata = newdata, re.form = re_form), args))
  case <- list(id = id, call = sprintf("predict(%s, newdata, re.form = %s%s)", deparse1(m@call), deparse1(re_form), text),
    formula = if (is.null(formula)) deparse1(formula(m)) else formula, data = data, newdata = plain(newdata),
    re_form = if (is.null(re_form)) "all" else if (identical(re_form, NA)) "none" else deparse1(re_form),
    mere = if (length(mere)) mere else setNames(list(), character()), fit = unname(value), tolerance = 1e-6, reason = "what remains of the optimizer's stop in theta")
  if (se) case$se <- unname(henderson(m, newdata, re_form))
  cases[[length(cases) + 1]] <<- case
  cat(id, head(value, 3), "\n")
}
fit <- function(f, d) eval(bquote(lmer(.(f), .(substitute(d)), control = tight)))

s <- fit(Reaction ~ Days + (Days | Subject), sleepstudy)
known <- data.frame(Days = c(0, 4.5, 12), Subject = factor(c("308", "335", "372"), levels = levels(sleepstudy$Subject)))
mixed <- data.frame(Days = c(0, 4.5, 12), Subject = c("308", "new", "372"))
add("all", s, "sleepstudy", known, se = TRUE)
add("none", s, "sleepstudy", known, NA, se = TRUE)
add("intercepts", s, "sleepstudy", known, ~(1 | Subject))
add("slopes", s, "sleepstudy", known, ~(0 + Days | Subject))
add("new_levels", s, "sleepstudy", mixed, NULL, list(allow.new.levels = TRUE), list(allow_new_levels = TRUE))
add("random_only", s, "sleepstudy", known, NULL, list(random.only = TRUE), list(random_only = TRUE))
p <- fit(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin)
pn <- data.frame(plate = c("a", "b", "z"), sample = c("A", "F", "B"))
add("crossed_one", p, "Penicillin", pn[1:2, ], ~(1 | sample))
add("crossed_new", p, "Penicillin", pn, NULL, list(allow.new.levels = TRUE), list(allow_new_levels = TRUE))
add("crossed_all", p, "Penicillin", pn[1:2, ], se = TRUE)
ca <- fit(angle ~ recipe * temperature + (1 | recipe:replicate), cake)
cn <- data.frame(recipe = factor(c("A", "C", "B"), levels = levels(cake$recipe)), replicate = factor(c("1", "15", "3"), levels = levels(cake$replicate)),
                 temperature = factor(c("175", "225", "195"), levels = levels(cake$temperature), ordered = TRUE))
add("interaction", ca, "cake", cn, se = TRUE)
add("interaction_fixed", ca, "cake", cn[2:1, ], NA)
pl <- fit(Reaction ~ poly(Days, 2) + (1 | Subject), sleepstudy)
add("poly", pl, "sleepstudy", known, se = TRUE)
nsm <- fit(Reaction ~ ns(Days, 3) + (Days | Subject), sleepstudy)
add("splines", nsm, "sleepstudy", known[1:2, ], NULL)
lg <- fit(log(Reaction) ~ scale(Days) + (1 | Subject), sleepstudy)
add("scaled", lg, "sleepstudy", known, NULL)
off <- fit(Reaction ~ Days + offset(3 * Days) + (1 | Subject), sleepstudy)
add("offset", off, "sleepstudy", known, NULL)
pa <- fit(strength ~ 1 + (1 | batch/cask), Pastes)
add("nested_outer", pa, "Pastes", data.frame(batch = c("A", "J"), cask = c("a", "c")), ~(1 | batch), formula = "strength ~ 1 + (1 | batch/cask)")
na <- data.frame(Days = c(0, NA, 12), Subject = factor(c("308", "335", "372"), levels = levels(sleepstudy$Subject)))
add("missing_covariate", s, "sleepstudy", na, NA)
out <- list(R = paste(R.version$major, R.version$minor, sep = "."), lme4 = "1.1-31", cases = cases)
writeLines(toJSON(out, digits = I(14), auto_unbox = TRUE, na = "null", pretty = TRUE), "fixtures/whatif/predictions.json")
