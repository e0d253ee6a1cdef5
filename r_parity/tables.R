# Tables shared by R and Python: a CSV with the values and a JSON with the types.
# Source this file from the generators; it needs only jsonlite.
suppressMessages(library(jsonlite))

# Shortest text that gives the same double back; "" for missing.
exact_text <- function(x) {
  best <- formatC(x, digits = 15, format = "g", width = 1)
  for (d in 16:17) {
    off <- suppressWarnings(as.numeric(best)) != x
    off[is.na(off)] <- FALSE
    best[off] <- formatC(x[off], digits = d, format = "g", width = 1)
  }
  best[is.na(x)] <- ""
  best
}

# Writes dir/name.csv (or .csv.gz) and dir/name.json; `about` is a list of texts for the JSON.
write_table <- function(d, dir, name, about, gzip = FALSE) {
  columns <- lapply(d, function(x)
    if (is.factor(x)) list(type = unbox("factor"), ordered = unbox(is.ordered(x)), levels = levels(x))
    else list(type = unbox(if (is.character(x)) "string" else if (is.logical(x)) "boolean"
                           else if (is.integer(x)) "integer" else "float")))
  text <- lapply(d, function(x)
    if (is.numeric(x) && !is.integer(x)) exact_text(x)
    else ifelse(is.na(x), "", as.character(x)))
  stopifnot(!grepl("[,\"\n]", unlist(text)))
  file <- paste0(name, if (gzip) ".csv.gz" else ".csv")
  con <- if (gzip) gzfile(file.path(dir, file), "w", compression = 9) else file(file.path(dir, file), "w")
  writeLines(c(paste(names(d), collapse = ","), do.call(paste, c(unname(text), sep = ","))), con)
  close(con)
  json <- function(x) as.character(toJSON(x))
  head <- lapply(c(list(name = name, file = file, rows = nrow(d)), about), unbox)
  lines <- paste0(" ", vapply(names(head), function(n) json(unbox(n)), ""), ": ", vapply(head, json, ""), ",")
  cols <- paste0("  ", vapply(names(columns), function(n) json(unbox(n)), ""), ": ", vapply(columns, json, ""))
  writeLines(c("{", lines, " \"columns\": {", paste0(cols, c(rep(",", length(cols) - 1), "")), " }", "}"),
             file.path(dir, paste0(name, ".json")))
}
