# Standard errors of predictions with the uncertainty of the covariance parameters: fixtures/whatif/theta_se.json.
#
#   Rscript r_parity/lmm_theta_se.R        (from the root of the checkout)
#
# lme4 takes theta as known. glmmTMB's predict(se.fit = TRUE) adds the delta method through all parameters (Kass and Steffey
# 1989), for Gaussian responses by ML; its Hessian is by automatic differentiation.
suppressMessages({library(lme4); library(glmmTMB); library(jsonlite)})
cases <- list()
add <- function(id, formula, data, new) {
  m <- glmmTMB(as.formula(formula), get(data), control = glmmTMBControl(optimizer = nlminb, optCtrl = list(rel.tol = 1e-14, x.tol = 1e-10, eval.max = 5000, iter.max = 5000)))
  p <- predict(m, new, se.fit = TRUE, allow.new.levels = TRUE)
  cases[[length(cases) + 1]] <<- list(id = id, call = sprintf("predict(glmmTMB(%s, %s), new, se.fit = TRUE)", formula, data), formula = formula, data = data,
    new = lapply(as.list(new), function(x) if (is.factor(x)) as.character(x) else x), fit = unname(p$fit), se = unname(p$se.fit), tolerance = 1e-5,
    reason = "where glmmTMB's optimizer stops, and differences of the criterion here; relative")
  print(p)
}
add("sleepstudy", "Reaction ~ Days + (Days | Subject)", "sleepstudy", data.frame(Days = c(0, 4, 9, 9, 12), Subject = factor(c("308", "309", "335", "350", "308"))))
add("dyestuff", "Yield ~ 1 + (1 | Batch)", "Dyestuff", data.frame(Batch = factor(c("A", "C", "E"))))
add("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", "Penicillin", data.frame(plate = factor(c("a", "k")), sample = factor(c("A", "F"))))
add("pastes", "strength ~ 1 + (1 | batch/cask)", "Pastes", data.frame(batch = factor(c("A", "D")), cask = factor(c("a", "c"))))
out <- list(R = paste(R.version$major, R.version$minor, sep = "."), glmmTMB = as.character(packageVersion("glmmTMB")), cases = cases)
writeLines(toJSON(out, digits = I(12), auto_unbox = TRUE, na = "null", pretty = TRUE), "fixtures/whatif/theta_se.json")
