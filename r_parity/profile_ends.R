# Ends of the profile of a glm's deviance to 1e-9 (MASS interpolates): D(b) by fits with the column as an offset.
profile_ends <- function(m, level = .95) {
  X <- model.matrix(m); keep <- !is.na(coef(m)); X <- X[, keep, drop = FALSE]
  b <- coef(m)[keep]; s <- sqrt(diag(vcov(m)))[keep]; phi <- summary(m)$dispersion; q <- qnorm((1 + level) / 2)
  o <- if (is.null(m$offset)) rep(0, nrow(X)) else m$offset
  ends <- sapply(seq_along(b), function(j) sapply(c(-1, 1), function(side) {
    z <- function(x) {
      f <- suppressWarnings(glm.fit(X[, -j, drop = FALSE], m$y, m$prior.weights, offset = o + x * X[, j], family = m$family,
        start = if (ncol(X) > 1) b[-j], control = list(epsilon = 1e-13, maxit = 200)))
      side * sqrt(max(f$deviance - m$deviance, 0) / phi) - side * q
    }
    tryCatch(uniroot(z, b[j] + side * c(0, 3.5) * s[j], tol = 1e-10)$root, error = function(e) NA)
  }))
  out <- matrix(NA, length(keep), 2); out[keep, ] <- t(ends); out
}
