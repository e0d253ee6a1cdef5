# Calls of published scripts (help pages of emmeans, lmerTest, pbkrtest, lme4, stats) that are compared with ours
# by numbers: fixtures/ported_scripts.json.
#
#   Rscript r_parity/ported_scripts.R       (from the root of the checkout)
suppressMessages({library(lme4); library(lmerTest); library(pbkrtest); library(emmeans); library(jsonlite)})
out <- list()
number <- function(x) as.numeric(unlist(x))
keep <- function(.case, ...) out[[.case]] <<- lapply(list(...), number)
frame <- function(x) as.data.frame(x, check.names = FALSE)
quiet <- function(x) suppressMessages(suppressWarnings(x))
data(beets, package = "pbkrtest")
tight <- lmerControl(optCtrl = list(xtol_abs = 1e-12, ftol_abs = 1e-12))

warp <- lm(breaks ~ wool * tension, warpbreaks)
cells <- emmeans(warp, ~ tension | wool)
offsets <- summary(emmeans(warp, ~ tension | wool, offset = c(17, 23, 47)))
keep("offset_of_means", emmean = offsets$emmean, SE = offsets$SE)
twice <- contrast(cells, interaction = c(tension = "poly", wool = "consec"), by = NULL)
keep("interaction_coefficients", c.1 = coef(twice)$c.1, c.2 = coef(twice)$c.2)
both <- pairs(emmeans(warp, ~ wool | tension)) + pairs(cells)
keep("sum_of_grids", fdr = summary(both, adjust = "fdr")$p.value, none = summary(both, adjust = "none")$p.value)
car <- lm(mpg ~ poly(disp, degree = 2) * (factor(cyl) + factor(am)), mtcars)
keep("weights_with_followed_covariate",
  prop = summary(emmeans(car, "am", cov.reduce = disp ~ factor(cyl), weights = "prop"))$emmean,
  outer = summary(emmeans(car, "am", cov.reduce = disp ~ factor(cyl), weights = "outer"))$emmean)
pig <- lm(log(conc) ~ source * factor(percent), pigs)
keep("joint_tests_weights", outer = joint_tests(pig, weights = "outer")$F.ratio, equal = joint_tests(pig)$F.ratio)
plain <- lm(log(conc) ~ source + factor(percent), pigs)
steps <- contrast(emmeans(plain, "percent"), "consec")
s <- summary(steps, infer = TRUE, adjust = "scheffe", scheffe.rank = 5)
keep("scheffe_rank", lower = s$lower.CL, p = s$p.value)
keep("regrid", response = summary(emmeans(plain, "source", regrid = "response"))$response)
keep("calc", n = summary(emmeans(plain, "percent"), calc = c(n = ".wgt."))$n)
keep("inverse", response = summary(emmeans(lm(inverse(conc) ~ source + factor(percent), pigs), "source"), type = "response")$response)
pain <- glm(Pain ~ Treatment + Sex + Age + Duration, binomial, neuralgia)
k <- summary(emmeans(pain, "Treatment", counterfactuals = "Treatment"))
keep("counterfactuals", prob = k$prob, SE = k$SE)
toy <- data.frame(treat = rep(c("A", "B"), c(4, 6)), female = c(1, 0, 0, 1, 0, 0, 0, 1, 1, 0), resp = c(17, 12, 14, 19, 28, 26, 26, 34, 33, 27))
keep("meanint", F = joint_tests(lm(resp ~ treat * female, toy), cov.keep = 0, cov.reduce = meanint)$F.ratio)

two <- lmerTest::lmer(Reaction ~ Days + I(Days^2) + (1 | Subject) + (0 + Days | Subject), sleepstudy, control = tight)
L <- list(First = diag(3)[3, ], Second = diag(3)[-1, ])
k <- contest(two, L, joint = FALSE, confint = FALSE)
keep("contests_by_name", estimate = k$Estimate, df = k$df)
k <- contest(two, L = diag(3)[2:3, ], joint = FALSE, collect = FALSE)[[1]]
keep("contests_not_collected", estimate = k$Estimate)
baked <- lmerTest::lmer(angle ~ recipe * temp + (1 | recipe:replicate), cake, control = tight)
keep("functions_of_anova", recipe = t(show_tests(anova(baked, type = 3))$recipe), temp = show_tests(anova(baked, type = 3))$temp)
keep("functions_of_means", recipe = t(show_tests(ls_means(baked))$recipe))
beet <- lm(sugpct ~ block + sow + harvest, beets)
k <- drop1(beet, test = "F"); c <- drop1(beet, test = "Chisq")
keep("drop1_lm", RSS = k$RSS, AIC = k$AIC, F = k$"F value"[-1], p = c$"Pr(>Chi)"[-1])
fewer <- update(beet, . ~ . - harvest)
keep("restricted_lm", logLik = logLik(fewer))
heavy <- lm(breaks ~ wool, warpbreaks, weights = seq_len(54)); count <- glm(breaks ~ wool, poisson, warpbreaks)
keep("rstandard", lm = head(rstandard(heavy), 9), glm = head(rstandard(count), 9), gamma = head(rstandard(glm(breaks ~ wool, Gamma, warpbreaks)), 9))
keep("ghrule", z = GHrule(7)[, 1] + 1, w = GHrule(7)[, 2], ldnorm = GHrule(7)[, 3])

quiet(write_json(list(R = unbox(paste(R.version$major, R.version$minor, sep = ".")),
  emmeans = unbox(as.character(packageVersion("emmeans"))), lmerTest = unbox(as.character(packageVersion("lmerTest"))),
  tolerance = list(value = unbox(1e-6), reason = unbox("Two least-squares fits; mixed models from a tightened optimum.")),
  data = list(neuralgia = as.list(neuralgia), mtcars = as.list(mtcars[c("mpg", "disp", "cyl", "am")]), beets = as.list(beets)), cases = out),
  "fixtures/ported_scripts.json", digits = I(15), na = "null"))
