# CPU seconds of lmerTest and pbkrtest for what r_parity/bench/tests_of_effects.py times: one JSON object on the last line.
#   Rscript tests_of_effects.R small | insteval | kr FILE     (FILE: the rows of InstEval for Kenward and Roger, as CSV)
suppressMessages({library(lmerTest); library(pbkrtest); library(jsonlite)})
cpu <- function(e) { t <- system.time(suppressMessages(suppressWarnings(e))); sum(t[c("user.self", "sys.self")]) }
least <- function(f, times) min(replicate(times, f()))
task <- commandArgs(TRUE)
data(sleepstudy, InstEval, package = "lme4")
if (task[1] == "small") {
  plain <- lme4::lmer(Reaction ~ Days + (Days | Subject), sleepstudy)
  s <- as_lmerModLmerTest(plain)
  out <- list(
    derivatives = least(function() cpu(for (i in 1:10) as_lmerModLmerTest(plain)) / 10, 5),
    satterthwaite = least(function() cpu(for (i in 1:10) anova(as_lmerModLmerTest(plain))) / 10, 5),
    vcovAdj = least(function() cpu(for (i in 1:10) vcovAdj(plain)) / 10, 5),
    kr = least(function() cpu(for (i in 1:10) anova(s, ddf = "Kenward-Roger")) / 10, 5))
} else if (task[1] == "insteval") {
  out <- list(insteval = cpu(anova(lmer(y ~ service * dept + (1 | s) + (1 | d), InstEval))))
} else {
  rows <- read.csv(task[2], stringsAsFactors = TRUE)
  rows$s <- factor(rows$s); rows$d <- factor(rows$d); rows$service <- factor(rows$service)
  m <- lme4::lmer(y ~ service + (1 | s) + (1 | d), rows)
  out <- list(kr_rows = cpu(vcovAdj(m)))
}
cat(toJSON(out, auto_unbox = TRUE, digits = 8), "\n")
