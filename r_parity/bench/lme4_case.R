# One case in lme4, timed in a fresh process. Prints one JSON line.
suppressMessages({library(jsonlite); library(lme4); library(data.table)})
setDTthreads(1)
spec <- fromJSON(commandArgs(TRUE)[1])
about <- fromJSON(spec$manifest, simplifyVector = FALSE)
path <- file.path(dirname(spec$manifest), about$file)
d <- as.data.frame(fread(path, colClasses = sapply(about$columns, function(k)
  switch(k$type, integer = "integer", float = "numeric", "character")), na.strings = NULL))
for (v in names(about$columns)) if (about$columns[[v]]$type == "factor")
  d[[v]] <- factor(d[[v]], levels = unlist(about$columns[[v]]$levels), ordered = about$columns[[v]]$ordered)
memory <- function(field) {
  line <- grep(paste0("^", field), readLines("/proc/self/status"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) / 1024
}
clock <- function() { t <- proc.time(); c(t[[1]] + t[[2]], t[[3]]) }
formula <- as.formula(spec$formula)
if (spec$kind == "evaluation") {
  devfun <- lmer(formula, d, REML = spec$reml, devFunOnly = TRUE)
  at <- c(0.8, 0.1, 0.4)
  criterion <- devfun(at)
  call <- function() devfun(at)
} else if (nzchar(spec$family)) {
  m <- NULL
  call <- if (Sys.getenv("MERE_BENCH") == "glmmTMB") function() m <<- suppressMessages(suppressWarnings(glmmTMB::glmmTMB(formula, d, family = spec$family)))
          else function() m <<- suppressMessages(suppressWarnings(glmer(formula, d, family = spec$family)))
} else {
  m <- NULL
  call <- function() m <<- suppressMessages(suppressWarnings(lmer(formula, d, REML = spec$reml)))
}
invisible(gc()); before <- memory("VmRSS")
try(cat("5", file = "/proc/self/clear_refs"), silent = TRUE)
t0 <- clock(); invisible(call()); first <- clock() - t0
out <- list(first_cpu = first[1], first_wall = first[2], peak_mb = memory("VmHWM"))
out$added_mb <- out$peak_mb - before
batch <- 1
if (first[2] < 1) {
  invisible(call()); t0 <- clock(); for (i in 1:3) call()
  batch <- max(1, floor(0.2 / max((clock() - t0)[2] / 3, 1e-5)))
}
times <- list(); start <- clock()[2]
while (length(times) < spec$repeats && (!length(times) || clock()[2] - start < spec$budget)) {
  if (first[2] > spec$budget) { times <- list(first); break }
  t0 <- clock(); for (i in seq_len(batch)) call()
  times[[length(times) + 1]] <- (clock() - t0) / batch
}
cpu <- sapply(times, `[`, 1); wall <- sapply(times, `[`, 2)
if (spec$kind != "evaluation") {
  criterion <- if (spec$reml) REMLcrit(m) else -2 * as.numeric(logLik(m))
  if (inherits(m, "merMod")) {
    out$evaluations <- m@optinfo$feval
    out$messages <- unlist(m@optinfo$conv$lme4$messages)
  } else out$evaluations <- m$fit$evaluations[["function"]]
}
package <- if (Sys.getenv("MERE_BENCH") == "glmmTMB") "glmmTMB" else "lme4"
versions <- list(R = paste(R.version$major, R.version$minor, sep = "."), BLAS = sub(".*/([^/]*/[^/]*)$", "\\1", extSoftVersion()[["BLAS"]]))
versions[[package]] <- as.character(packageVersion(package))
out <- c(out, list(criterion = criterion, cpu_min = min(cpu), cpu_median = median(cpu), wall_min = min(wall),
  wall_median = median(wall), batches = length(times), batch = batch,
  versions = versions))
cat(toJSON(out, auto_unbox = TRUE, digits = I(17)), "\n", sep = "")
