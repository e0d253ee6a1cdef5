# lme4's times for r_parity/bench/nonlinear.py: Rscript nonlinear.R TABLE.csv
suppressMessages(library(lme4))
d <- read.csv(commandArgs(TRUE)[1]); d$g <- factor(d$g)
one <- function(name, call) {
  suppressWarnings(suppressMessages(call()))
  times <- sapply(1:5, function(i) { gc(); sum(system.time(m <<- suppressWarnings(suppressMessages(call())))[1:2]) })
  cat(name, min(times) * 1e3, format(-2 * as.numeric(logLik(m)), digits = 12), "\n")
}
one("Orange", function() nlmer(circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree, Orange,
                               start = c(Asym = 200, xmid = 725, scal = 350)))
one("Theoph", function() nlmer(conc ~ SSfol(Dose, Time, lKe, lKa, lCl) ~ (lKa | Subject) + (lCl | Subject), Theoph,
                               start = c(lKe = -2.5, lKa = .5, lCl = -3.2)))
one("simulated", function() nlmer(y ~ SSlogis(x, Asym, xmid, scal) ~ (Asym | g) + (xmid | g), d,
                                  start = c(Asym = 200, xmid = 5, scal = 1)))
