# Goldens of the parts of formulas as text: findbars, nobars, subbars, expandDoubleVerts, isNested of lme4.
# Run from the repository: Rscript r_parity/formula_parts.R   (writes fixtures/formula_parts.json)
suppressMessages({library(lme4); library(jsonlite)})

formulas <- c(
  "y ~ x + (1 | g)", "y ~ x + (1 | a/b)", "y ~ x + (x || g)", "y ~ x + (f * z || g)", "y ~ (1 | g)", "~(1 | g)", "~x",
  "y ~ x * z", "y ~ 1", "y ~ x + (x + z || a/b)", "y ~ x + (1 | a:b) + (0 + x | c)", "y ~ x + (1 | a/b/c)",
  "y ~ offset(w) + x + (1 | g)", "y ~ x + (1 | g) + offset(log(n)) + w", "y ~ x - 1 + (1 | g)",
  "y ~ 0 + x + (x - 1 | g)", "y ~ -1 + (1 | g)", "y ~ 1 + (1 | g) - x", "y ~ 0 + (1 | g)", "y ~ (1 | g) - 1",
  "y ~ poly(x, 2) + (poly(x, 2) | g)", "y ~ poly(x, 2) + (poly(x, 2) || g)", "y ~ ns(x, df = 3) + (1 | a + b)",
  "log(y) ~ log(x + 1) + I(x^2) + (1 | factor(g))", "cbind(a, b) ~ p + (1 | h)", "y ~ x + (1 | g) + (0 + x | g)",
  "y ~ (x + (1 | g))", "y ~ a + (b + (1 | g))", "y ~ (1 | g) + x + (1 | h) + z", "y ~ x:z + (1 + x + z | g:h)",
  "y ~ x * (z + w) + (1 | g)", "y ~ (x + z)^2 + (1 | g)", "y ~ x %in% z + (1 | g)", "y ~ x + (0 + x || g)",
  "y ~ x + (1 + x - 1 || g)", "y ~ (1 | a * b)", "y ~ `my var` + (`my var` | `the group`)", "y ~ x | g",
  "y ~ ((x | g))", "y ~ a/b + (a/b || g)", "y ~ a:b + (1 | g/h) - a", "y ~ I(x | z) + (1 | g)", "y ~ (x > 1 | g)",
  "y ~ log((x)) + (log(x) || (a:b))", "y ~ (0 | g)", "y ~ diag(x | g) + z", "y ~ SSfol(d, t, a, b) ~ a + (a | g)")
text <- function(f, e) if (is.null(f)) NULL else paste(deparse(f, 500L), collapse = "")
parts <- lapply(formulas, function(s) {
  f <- as.formula(s)
  list(formula = s, findbars = vapply(findbars(f), text, ""), nobars = text(nobars(f)), subbars = text(subbars(f)),
       expandDoubleVerts = text(expandDoubleVerts(f)))
})

columns <- list(
  a = c(1, 1, 2, 2, 3, 3), b = c("x", "x", "x", "x", "y", "y"), c = c(1, 2, 3, 4, 5, 5), d = c("p", "q", "p", "q", "p", "q"),
  one = rep(7, 6), own = 1:6)
pairs <- expand.grid(f1 = names(columns), f2 = names(columns), stringsAsFactors = FALSE)
pairs$nested <- mapply(function(u, v) isNested(columns[[u]], columns[[v]]), pairs$f1, pairs$f2)

writeLines(toJSON(list(
  R = R.version.string, packages = list(lme4 = as.character(packageVersion("lme4"))), call = "findbars(f), nobars(f), ...",
  tolerance = 0, reason = "texts", formulas = parts, columns = columns, pairs = pairs),
  auto_unbox = FALSE, pretty = TRUE, null = "list"), "fixtures/formula_parts.json")
