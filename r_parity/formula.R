# Goldens of the formula language: fixed-effects matrices and random terms.
# Run from the repository: Rscript r_parity/formula.R   (writes fixtures/formula/*.json)
suppressMessages({library(lme4); library(jsonlite); library(splines)})
options(warn = -1)
invisible(Sys.setlocale("LC_COLLATE", "C"))  # strings sort by code point

header <- function(note) list(
  R = R.version.string, packages = list(lme4 = as.character(packageVersion("lme4")),
  splines = as.character(packageVersion("splines"))), locale = Sys.getlocale("LC_COLLATE"),
  tolerance = 1e-9, reason = note)

set.seed(20261120)
n <- 24
d <- data.frame(
  y = round(rnorm(n, 5), 3), x = round(rnorm(n), 3), z = round(runif(n, 1, 9), 3),
  w = round(rexp(n) + 0.1, 3), k = rep(1:6, 4), `my var` = round(rnorm(n), 3), check.names = FALSE)
d$f <- factor(rep(c("a", "b", "c"), 8)); d$g <- factor(sample(rep(c("u", "v", "w", "t"), 6)))
d$h <- factor(rep(c("lo", "hi"), each = 12), levels = c("lo", "hi"))
d$o <- factor(sample(rep(c("S", "M", "L", "XL"), 6)), levels = c("S", "M", "L", "XL"), ordered = TRUE)
d$l <- d$x > 0; d$s <- sample(rep(c("zeta", "Alpha", "beta", "alpha"), 6))
d$num <- sample(rep(c(10, 2, 33, 4), 6)); d$`a b` <- factor(rep(c("p q", "r"), 12))
d$u5 <- factor(rep(c("q1","q2","q3","q4","q5","q6"), each = 4), levels = c("q1","q2","q3","q4","q5","q6","unused"))
d$xn <- d$x; d$xn[c(3, 17)] <- NA; d$fn <- d$f; d$fn[c(5, 6)] <- NA; d$succ <- rpois(n, 3); d$fail <- rpois(n, 2)
nd <- d[c(2, 7, 11, 13, 14, 20, 23), ]
nd$x <- nd$x + 0.37; nd$z <- c(0.2, 2, 4, 5, 6, 8, 11); nd$w <- nd$w * 1.1; nd$k <- nd$k; rownames(nd) <- NULL

column <- function(v) {
  if (is.factor(v)) list(kind = if (is.ordered(v)) "ordered" else "factor", levels = levels(v),
                         codes = ifelse(is.na(v), 0L, as.integer(v)) - 1L)
  else if (is.logical(v)) list(kind = "logical", values = v)
  else if (is.character(v)) list(kind = "text", values = v)
  else list(kind = "number", values = v)
}
table_of <- function(d) lapply(d, column)

fixed <- c(
  "~ 1", "~ 0", "~ x", "~ 0 + x", "~ x - 1", "~ x + z", "~ x*z", "~ x:z", "~ f", "~ 0 + f", "~ f - 1", "~ f + g", "~ 0 + f + g",
  "~ g + f", "~ f:g", "~ 0 + f:g", "~ f*g", "~ 0 + f*g", "~ f*g*h", "~ (f + g + h)^2", "~ (f+g+h)^3 - f:g:h", "~ f/g", "~ f/g/h", "~ f/(g+h)", "~ (f+g)/h",
  "~ g %in% f", "~ f + g %in% f", "~ f + f:g", "~ f:g + h", "~ f:g + g:h", "~ f:g:h", "~ f + g:h", "~ f + f:g:h", "~ h:f + f", "~ x:f", "~ f:x",
  "~ f*x", "~ x*f", "~ 0 + f*x", "~ 0 + x*f", "~ 0 + x:f", "~ 0 + x + f", "~ x + x:f", "~ f + f:x", "~ f:x:z", "~ f*x*z", "~ g:f:x", "~ x:f + g", "~ 0 + x:f + g", "~ f*g - f", "~ f*g - g", "~ f*g - f - g",
  "~ o", "~ 0 + o", "~ o*f", "~ o:f", "~ o*x", "~ o + f:o", "~ l", "~ 0 + l", "~ l*f", "~ l:x", "~ l:f", "~ 0 + l:f", "~ !l", "~ l + x", "~ s", "~ s*x", "~ 0 + s", "~ s:f",
  "~ factor(k)", "~ factor(num)", "~ factor(num)*x", "~ as.factor(num)", "~ factor(s)", "~ factor(f, levels = c(\"c\", \"a\", \"b\"))", "~ factor(f, labels = c(\"A\", \"B\", \"C\"))",
  "~ ordered(k)", "~ ordered(f)", "~ ordered(f, levels = c(\"b\", \"a\", \"c\"))", "~ relevel(f, ref = \"b\")", "~ relevel(f, \"c\")*h", "~ relevel(g, ref = 2)", "~ interaction(f, h)", "~ interaction(f, h, sep = \"_\")",
  "~ u5", "~ 0 + u5", "~ u5:h", "~ `my var`", "~ `my var`*f", "~ `a b`", "~ `a b`:x", "~ I(`my var`^2)", "~ log(w)", "~ log(w, 2)", "~ log(w, base = 10)", "~ log2(w) + log10(w) + log1p(w)", "~ exp(x) + sqrt(w) + abs(x)",
  "~ sin(x) + cos(x) + tan(x)", "~ floor(z) + ceiling(z) + round(z, 1)", "~ I(x^2)", "~ x + I(x^2) + I(x^3)", "~ I(x + z)", "~ I(x*z - 1)", "~ I(x/z)", "~ I(2*x)", "~ I(-x)", "~ I(x%%2)", "~ I(k%/%2)", "~ I(x > 0)", "~ I(x > 0 & z < 5)", "~ I(x > 0 | z < 5)",
  "~ x > 0", "~ f == \"a\"", "~ I(f != \"b\")", "~ I((x + z)^2)", "~ I(k == 3)", "~ I(1e5*x)", "~ I(x - mean(x))", "~ pmin(x, z)", "~ pmax(x, 0)", "~ pmin(x, z) + pmax(x, 0.5)", "~ ifelse(x > 0, x, 0)", "~ ifelse(f == \"a\", 1, 0)", "~ ifelse(f == \"a\", \"yes\", \"no\")",
  "~ cut(z, c(0, 3, 6, 9))", "~ cut(z, breaks = c(0, 3, 6, 12), labels = c(\"lo\", \"mid\", \"hi\"))", "~ cut(z, 3)", "~ cut(x, 4)", "~ cut(z, c(1, 5, 9), right = FALSE)", "~ cut(z, c(0, 3, 6, 12), include.lowest = TRUE)", "~ cut(z, c(0, 3, 6, 12), labels = FALSE)", "~ cut(z, c(0, 3, 6, 12), ordered_result = TRUE)",
  "~ as.numeric(f)", "~ as.integer(z)", "~ as.numeric(l)", "~ as.numeric(as.character(factor(num)))", "~ as.character(f)", "~ as.factor(l)",
  "~ poly(x, 1)", "~ poly(x, 2)", "~ poly(x, 3)", "~ poly(x, degree = 3)", "~ poly(x, 2, raw = TRUE)", "~ poly(x, 5)", "~ poly(k, 4)", "~ poly(x, z, degree = 2)", "~ poly(x, z, degree = 3)", "~ poly(x, z, degree = 2, raw = TRUE)", "~ poly(x, z, w, degree = 2)", "~ poly(x, 2)*f", "~ f*poly(x, 2)", "~ poly(x, 2):poly(z, 2)", "~ poly(x, 2)*poly(z, 2)", "~ poly(log(w), 2)", "~ poly(x, 2):x",
  "~ scale(x)", "~ scale(x) + scale(z)", "~ scale(x)*f", "~ scale(x, center = FALSE)", "~ scale(x, scale = FALSE)", "~ scale(log(w))", "~ scale(cbind(x, z))", "~ scale(x, 1, 2)", "~ cbind(x, z)", "~ cbind(x, z):f", "~ cbind(a = x, b = z)", "~ cbind(x, z^2)", "~ cbind(x, log(w), z)",
  "~ ns(x, 3)", "~ ns(x, df = 4)", "~ ns(z, df = 2)", "~ ns(z, knots = c(3, 5))", "~ ns(z, knots = 5)", "~ ns(z, df = 4, intercept = TRUE)", "~ ns(z, df = 3, Boundary.knots = c(2, 7))", "~ ns(x, 1)", "~ ns(z, 3)*f", "~ splines::ns(x, 3)", "~ ns(z, knots = c(3, 5), Boundary.knots = c(2, 8))", "~ ns(log(w), 3)",
  "~ bs(x)", "~ bs(x, df = 5)", "~ bs(z, df = 4)", "~ bs(z, knots = c(3, 6))", "~ bs(z, degree = 2)", "~ bs(z, degree = 1, df = 3)", "~ bs(z, df = 6, intercept = TRUE)", "~ bs(z, df = 5, Boundary.knots = c(0, 12))", "~ bs(z, 4):f", "~ splines::bs(z, df = 4)", "~ bs(z, knots = 4, degree = 2)",
  "~ C(f, sum)", "~ C(f, contr.sum)", "~ C(f, contr.treatment, base = 2)", "~ C(f, helmert)*x", "~ C(f, contr.helmert)", "~ C(o, contr.treatment)", "~ C(f, poly)", "~ C(f, contr.treatment(3, base = 2))", "~ C(f, contr.sum(3))", "~ C(o, sum):f", "~ C(f, \"contr.sum\")", "~ C(f, contr.SAS)", "~ C(g, c(-1, 0, 0, 1))", "~ C(f, treatment)", "~ C(f, \"contr.treatment\")", "~ C(f, SAS)*h", "~ C(f)", "~ C(o)", "~ 0 + C(f, sum)", "~ 0 + C(f, sum):h", "~ C(o, poly)",
  "~ offset(z)", "~ x + offset(log(w))", "~ offset(x) + f + offset(z)", "~ x*offset(z) + f", "~ x + f + 0", "~ 1 + x + 1", "~ -1 + x + f", "~ x + f - 1 + 1", "~ 0 + 1 + x", "~ f + x + f:x - x", "~ x - f + g", "~ (x)", "~ ((x + f))", "~ (x + z)*f - x:f", "~ (x + z + w)^2 - x:z", "~ (x + z)^2 + w", "~ x*1", "~ x*0", "~ f*0", "~ x + x", "~ f:f", "~ x:x", "~ f*f", "~ z:x + x", "~ z + x:z", "~ f + h:g + g", "~ h/f/x", "~ f + x %in% f", "~ (f + x) %in% h", "~ f:(g + h)", "~ (f + g):(h + x)", "~ (f/g)*h", "~ h*(f/g)",
  "~ 0 + o + f", "~ 0 + l + f", "~ 0 + l:x + f", "~ 0 + x + x:f + g", "~ 0 + poly(x,2) + f", "~ 0 + poly(x,2):f", "~ 0 + o:f", "~ 0 + f:o", "~ 0 + g:l", "~ g:l", "~ l:o", "~ o:l:x", "~ dummy(f, \"b\")", "~ dummy(f)", "~ dummy(g, c(\"u\", \"w\"))",
  "~ xn", "~ xn + fn", "~ fn", "~ fn*x", "~ is.na(xn)", "~ scale(xn)", "~ ns(xn, 3)", "~ ns(xn, knots = 0)", "~ bs(xn, df = 4)", "~ I(xn > 0)", "~ ifelse(xn > 0, 1, 0)", "~ factor(fn)", "~ xn:fn", "~ 0 + fn", "~ poly(x, 2) + xn", "~ scale(x) + xn", "~ ns(x, 3) + fn", "~ pmin(xn, z)", "~ cut(xn, 3)",
  "log(y) ~ x", "y ~ .-`my var`-s-num-`a b`-u5-xn-fn-succ-fail-o-g", "I(y^2) ~ x*f", "cbind(succ, fail) ~ f", "y ~ x - y")

spec_of <- function(v) v
with_contrasts <- list(
  list("~ f", list(f = "contr.sum")), list("~ f*g", list(f = "contr.sum", g = "contr.helmert")), list("~ f*x", list(f = "contr.helmert")),
  list("~ o", list(o = "contr.treatment")), list("~ o*f", list(o = "contr.sum", f = "contr.SAS")), list("~ l", list(l = "contr.sum")),
  list("~ s", list(s = "contr.sum")), list("~ 0 + f + g", list(g = "contr.sum")), list("~ f:g", list(f = "contr.sum", g = "contr.sum")),
  list("~ f + f:g", list(f = "contr.sum", g = "contr.sum")), list("~ factor(num)", list("factor(num)" = "contr.helmert")),
  list("~ f", list(f = matrix(c(-1, 0, 1, 1, -2, 1), 3))), list("~ f", list(f = matrix(c(-1, 0, 1), 3))), list("~ g", list(g = matrix(c(-1, -1, 1, 1), 4))),
  list("~ g*x", list(g = matrix(c(-1, -1, 1, 1, -1, 1, -1, 1), 4))), list("~ f", list(f = matrix(c(-1, 0, 1, 1, -2, 1), 3, dimnames = list(c("a", "b", "c"), c("lin", "quad"))))),
  list("~ f", list(f = matrix(c(-1, 0, 1), 3, dimnames = list(NULL, "lin")))), list("~ fn*g", list(fn = "contr.sum")), list("~ u5", list(u5 = "contr.sum")), list("~ u5", list(u5 = "contr.poly")),
  list("~ 0 + o:f", list(o = "contr.sum")), list("~ C(f, sum)*o", list(o = "contr.helmert")))

number <- function(v) if (is.null(v)) NULL else signif(unname(as.vector(v)), 13)
fixed_case <- function(text, contrasts = NULL) {
  form <- as.formula(text)
  out <- tryCatch({
    mf <- model.frame(form, d, drop.unused.levels = TRUE)
    tt <- attr(mf, "terms")
    X <- model.matrix(tt, mf, contrasts.arg = contrasts)
    xlev <- .getXlevels(tt, mf)
    tn <- delete.response(tt)
    new <- tryCatch({
      mfn <- model.frame(tn, nd, xlev = xlev, na.action = na.pass)
      Xn <- model.matrix(tn, mfn, contrasts.arg = attr(X, "contrasts"))
      stopifnot(identical(colnames(Xn), colnames(X)), nrow(Xn) == nrow(nd))
      number(Xn)
    }, error = function(e) NULL)
    list(formula = text, names = colnames(X), assign = attr(X, "assign"), labels = attr(tt, "term.labels"),
         intercept = attr(tt, "intercept"), deparse = paste(deparse(form, width.cutoff = 500L), collapse = " "),
         nrow = nrow(X), X = number(X), new = new,
         y = if (attr(tt, "response")) number(model.response(mf)) else NULL,
         offset = number(model.offset(mf)))
  }, error = function(e) list(formula = text, error = conditionMessage(e)))
  if (!is.null(contrasts)) out$contrasts <- lapply(contrasts, function(v) if (is.matrix(v))
    list(matrix = unname(apply(unname(v), 1, as.list)), columns = colnames(v)) else v)
  out
}
cases <- c(lapply(fixed, fixed_case), lapply(with_contrasts, function(p) fixed_case(p[[1]], p[[2]])))
write_json(list(header = header("values are written with 13 digits"), data = table_of(d), newdata = table_of(nd), cases = cases),
           "fixtures/formula/fixed.json", auto_unbox = TRUE, digits = NA, na = "null", null = "null")

# rank deficiency -------------------------------------------------------------------------------
rank_forms <- c("~ x + I(2*x)", "~ f + I(f == \"b\")", "~ f*g*h", "~ x + z + I(x+z) + w", "~ u5 + h", "~ h + u5", "~ f:g", "~ f + g + f:g:h", "~ I(x - x) + z", "~ 0 + f + g + h", "~ x + I(x + 1e-9*z)", "~ x + I(x + 1e-6*z)", "~ x + I(x + 3e-8*z) + w", "~ I(k^2) + k + factor(k)", "~ I(1e6 + x) + z", "~ I(1e9+x) + z", "~ poly(k, 3) + factor(k)", "~ x + I(x*1e-12)", "~ 0 + I(x*0) + x", "~ factor(k) + factor(k):h + u5")
rank_case <- function(text) {
  X <- model.matrix(as.formula(text), model.frame(as.formula(text), d, drop.unused.levels = TRUE))
  q <- qr(X, tol = 1e-7)
  kept <- sort(q$pivot[seq_len(q$rank)])
  list(formula = text, names = colnames(X), dropped = setdiff(seq_len(ncol(X)), kept) - 1L)
}
write_json(list(header = header("exact: sets of columns"), cases = lapply(rank_forms, rank_case)),
           "fixtures/formula/rank.json", auto_unbox = TRUE, digits = NA)

# random terms -----------------------------------------------------------------------------------
set.seed(7)
m <- 120
r <- data.frame(y = round(rnorm(m), 3), x = round(rnorm(m), 3), z = round(rnorm(m), 3))
r$a <- factor(rep(1:6, length.out = m)); r$b <- factor(sample(letters[1:6], m, TRUE)); r$c <- factor(rep(LETTERS[1:10], each = 12))
r$e <- factor(sample(c("p", "q", "r"), m, TRUE)); r$f <- factor(rep(c("u", "v", "w"), 40)); r$num <- sample(c(100, 20, 3), m, TRUE); r$s <- sample(c("b", "A", "a"), m, TRUE)
r$t <- factor(sample(1:8, m, TRUE), levels = 1:9); r$l <- r$x > 0; r$o <- factor(rep(1:4, 30), ordered = TRUE); r$q <- sample(1:20, m, TRUE)
random <- c(
  "y ~ x + (1 | a)", "y ~ x + (x | a)", "y ~ x + (0 + x | a)", "y ~ x + (x - 1 | a)", "y ~ x + (1 + x | a)", "y ~ x + (x || a)", "y ~ x + (x + z | a)", "y ~ x + (x + z || a)", "y ~ (x * z | a)", "y ~ (x * z || a)", "y ~ (0 + x || a)", "y ~ (1 || a)",
  "y ~ (1 | a) + (1 | b)", "y ~ (1 | a) + (1 | b) + (1 | c)", "y ~ (1 | c) + (1 | a) + (1 | b)", "y ~ (1 | a) + (1 | c) + (1 | b)", "y ~ (1 | e) + (1 | a) + (1 | b) + (1 | c)", "y ~ (1 | e) + (1 | f) + (1 | num) + (1 | s)", "y ~ (1 | e) + (1 | f) + (1 | c)", "y ~ (1 | c) + (1 | e) + (1 | f) + (1 | a) + (1 | b)", "y ~ (1 | a) + (x | b) + (0 + z | a)", "y ~ (1 | a) + (0 + x | a) + (1 | c)", "y ~ (1 | c) + (1 | a) + (0 + x | a) + (1 | b)", "y ~ (x || a) + (z || c)", "y ~ (x || c) + (z || a)",
  "y ~ (1 | c/a)", "y ~ (1 | a/c)", "y ~ (x | c/a)", "y ~ (x || c/a)", "y ~ (1 | c:a)", "y ~ (1 | a:c)", "y ~ (1 | a) + (1 | c:a)", "y ~ (1 | c/a) + (1 | b)", "y ~ (1 | e:f)", "y ~ (1 | a:b:e)", "y ~ (1 | b:a) + (1 | a) + (1 | b)", "y ~ (1 | e/f)", "y ~ (1 | num:s)", "y ~ (1 | s/num)",
  "y ~ (1 | num)", "y ~ (1 | s)", "y ~ (1 | t)", "y ~ (x | t)", "y ~ (1 | l)", "y ~ (1 | q)", "y ~ (1 | t:e)", "y ~ (1 | o)",
  "y ~ (f | a)", "y ~ (0 + f | a)", "y ~ (f || a)", "y ~ (0 + f || a)", "y ~ (f * x | c)", "y ~ (0 + f:x | c)", "y ~ (f:x | c)", "y ~ (o | a)", "y ~ (0 + o | a)", "y ~ (l | a)", "y ~ (0 + l | a)", "y ~ (e + f | c)", "y ~ (0 + e + f | c)", "y ~ (e:f | c)", "y ~ (0 + e:f | c)", "y ~ (s | a)", "y ~ (f/x | a)",
  "y ~ (poly(x, 2) | a)", "y ~ (I(x^2) | a)", "y ~ (x + I(x^2) | a)", "y ~ (x + I(x^2) || a)", "y ~ (scale(x) | a)", "y ~ (log(abs(x) + 1) | a)", "y ~ (splines::ns(x, 2) | a)", "y ~ (0 + dummy(f, \"v\") | a)", "y ~ (dummy(f, \"v\") || a)", "y ~ (0 + as.numeric(f == \"u\") | a)", "y ~ (ifelse(x > 0, 1, 0) | a)", "y ~ (pmax(x, 0) | a)",
  "y ~ x + (1 | a) - 1", "y ~ 0 + x + (1 | a)", "y ~ f + (1 | a)", "y ~ f * x + (f | a) + (x | b)", "y ~ (1 | a) + x + (x | c) + z", "y ~ poly(x, 2) + (poly(x, 2) | a)", "log(y + 10) ~ x + (1 | a)", "y ~ offset(z) + x + (1 | a)", "y ~ (1 | a) + (1 | a)", "y ~ (1 | a) + (x | a) + (0 + z | a)", "y ~ (1 | a:e) + (1 | e:a)", "y ~ 1 + (1 | c) + (1 | c:e) + (1 | c:e:f)", "y ~ x * f + (x * f | a)", "y ~ (x + z || a) + (1 | c)", "y ~ (1 | e) + (x || a) + (1 | c) + (z | b)")
ctrl <- lmerControl(check.nobs.vs.nlev = "ignore", check.nobs.vs.nRE = "ignore", check.nobs.vs.rankZ = "ignore", check.rankX = "ignore")
random_case <- function(text) {
  out <- tryCatch({
    p <- lFormula(as.formula(text), r, control = ctrl)
    t <- p$reTrms
    fl <- t$flist
    weight <- sin(seq_len(m))
    list(formula = text, groups = names(t$cnms), cnms = unname(lapply(t$cnms, I)), levels = unname(lapply(fl[attr(fl, "assign")], function(v) I(levels(v)))),
         Gp = t$Gp, theta = t$theta, lower = ifelse(is.finite(t$lower), t$lower, -999), Zw = number(t$Zt %*% weight), X = colnames(p$X),
         echo = paste(deparse(p$formula, width.cutoff = 500L), collapse = " "), nobars = paste(deparse(nobars(as.formula(text)), width.cutoff = 500L), collapse = " "))
  }, error = function(e) list(formula = text, error = conditionMessage(e)))
  out
}
write_json(list(header = header("Zw = Zt %*% sin(1:n), written with 13 digits"), data = table_of(r), cases = lapply(random, random_case)),
           "fixtures/formula/random.json", auto_unbox = TRUE, digits = NA, na = "null", null = "null")

# text: deparse and terms -------------------------------------------------------------------------
texts <- c("y~x", "y ~ -1+x", "~a", "y~a*b+c:d-e/f", "y~(a+b)^2", "y~a%in%b", "y~I(x%%2)+I(x%/%2)", "log( y )~x", "y~x**2", "y~I(a<=b&c!=d|!e)", "y~f(a,b=c)", "y~f('a\"b')", "y~I(1e-5*x)+I(1e5)+I(123456)+I(0.1)+I(1e15)+I(1e16)+I(123456.789)+I(.5)+I(5.)+I(0x1F)", "y~`a b`+`if`+.x+x.1_y", "y~a:b:c", "y~I(-x^2)+I((-x)^2)", "y~I(a- -b)", "y~a+(b-c)", "y~splines::ns(x,df=3)", "y~I(TRUE)+I(T)+I(NULL)+I(NA)+I(Inf)+I(pi)", "y~I(a==b)+I(!a)+I(!(a&b))", "y~f(x,TRUE,`b c`=1)", "y~\na+\n b", "y~a+b#comment", "y~I(1/3)+I(2/3*x)", "y~I(a&&b||c)", "cbind(a,b)~x", "y~a/b/c", "y~a*b %in% c", "y~-a", "y~+a", "y~!a", "y~1*a", "y~1/a", "y~b+(a-a)*c", "y~(1+a)*b", "y~(1+a)^2", "y~(a-a)/c+b", "y~a-(b+c)", "y~f()", "y~I(x^-1)", "y~I(-1:3)", "y~I(1e300*x)+I(1e-300)+I(1.5e10)+I(100)+I(1000000)+I(0.0001)+I(0.00001)+I(0.00012)")
text_case <- function(t) {
  f <- as.formula(t)
  tt <- tryCatch(terms(f), error = function(e) NULL)
  list(source = t, deparse = paste(deparse(f, width.cutoff = 500L), collapse = " "), labels = I(as.character(attr(tt, "term.labels"))))
}
write_json(list(header = header("exact"), cases = lapply(texts, text_case)), "fixtures/formula/text.json", auto_unbox = TRUE, digits = NA, null = "null")
