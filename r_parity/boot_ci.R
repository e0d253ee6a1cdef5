# Goldens of bootstrap intervals from stored replicates: fixtures/boot_ci.json.
#
#   Rscript r_parity/boot_ci.R       (from the root of the checkout)
suppressMessages({library(boot); library(jsonlite)})
set.seed(7)
x <- round(rexp(25), 3)
b <- boot(x, function(d, i) c(mean(d[i]), var(d[i]) / length(i)), R = 999)
L <- sapply(seq_along(x), function(i) mean(x[-i]))
out <- list(R = unbox(as.character(getRversion())), package = unbox(paste("boot", packageVersion("boot"))),
  call = unbox("boot.ci(boot(x, mean and its variance, R = 999))"),
  tolerance = list(value = unbox(1e-8), reason = unbox("the same order statistics")),
  x = x, t = round(b$t[, 1], 12), se = sqrt(b$t[, 2]), t0 = unbox(b$t0[1]), se0 = unbox(sqrt(b$t0[2])), jackknife = L)
empinf <- (length(x) - 1) * (mean(L) - L)
for (level in c(0.95, 0.999)) {
  ci <- boot.ci(b, conf = level, type = c("norm", "basic", "stud", "perc", "bca"), L = empinf)
  out[[paste0("level_", level)]] <- list(norm = tail(drop(ci$normal), 2), basic = tail(drop(ci$basic), 2),
    studentized = tail(drop(ci$student), 2), perc = tail(drop(ci$percent), 2), bca = tail(drop(ci$bca), 2))
}
write(toJSON(out, digits = 15, pretty = TRUE), "fixtures/boot_ci.json")
