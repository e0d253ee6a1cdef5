# Exports the classic data sets to src/mere/datasets: one CSV (gzip when large)
# with the values and one JSON with the types, the levels in R's order and where
# the numbers were first published. Facts only; texts are ours.
#
#   Rscript r_parity/datasets.R            (from the root of the checkout)
suppressMessages(library(lme4))
source("r_parity/tables.R")
out <- "src/mere/datasets"
stopifnot(packageVersion("lme4") == "1.1.31")

facts <- list(
  sleepstudy = c("Average reaction time (ms) of 18 sleep-deprived subjects on days 0 to 9.",
    "Belenky et al. (2003), Patterns of performance degradation and restoration during sleep restriction and subsequent recovery, Journal of Sleep Research 12, 1-12"),
  Dyestuff = c("Yield of dyestuff (grams of standard colour) from five preparations of each of six batches.",
    "Davies and Goldsmith (eds) (1972), Statistical Methods in Research and Production, 4th ed., Oliver and Boyd, section 6.4"),
  Dyestuff2 = c("Simulated yields in the layout of Dyestuff whose between-batch variance is estimated as zero.",
    "Box and Tiao (1973), Bayesian Inference in Statistical Analysis, Addison-Wesley, section 5.1.2"),
  Penicillin = c("Diameter (mm) of the growth-inhibition zone of six penicillin samples on each of 24 plates.",
    "Davies and Goldsmith (eds) (1972), Statistical Methods in Research and Production, 4th ed., Oliver and Boyd, section 6.6"),
  Pastes = c("Strength of a chemical paste: two assays of three casks sampled from each of ten batches.",
    "Davies and Goldsmith (eds) (1972), Statistical Methods in Research and Production, 4th ed., Oliver and Boyd, section 6.5"),
  cake = c("Breakage angle (degrees) of chocolate cakes of three recipes baked at six temperatures, 15 replicates.",
    "Cook (1938), thesis, Iowa State College; table 7.5 of Cochran and Cox (1957), Experimental Designs, 2nd ed., Wiley"),
  cbpp = c("New cases of contagious bovine pleuropneumonia in 15 zebu herds over four periods.",
    "Lesnoff et al. (2004), Within-herd spread of contagious bovine pleuropneumonia in Ethiopian highlands, Preventive Veterinary Medicine 64, 27-40"),
  InstEval = c("Students' ratings (1 to 5) of lectures at ETH Zurich, students and lecturers anonymous.",
    "Student evaluations of ETH Zurich, published with the R package lme4"),
  grouseticks = c("Ticks on the heads of red grouse chicks by brood, location, year and height above sea level.",
    "Elston, Moss, Boulinier, Arrowsmith and Lambin (2001), Analysis of aggregation, a worked example: numbers of ticks on red grouse chicks, Parasitology 122, 563-569"),
  VerbAgg = c("Responses of 316 persons to 24 items on verbal aggression, crossed.",
    "Vansteelandt (2000), thesis, K.U. Leuven; De Boeck and Wilson (2004), Explanatory Item Response Models, Springer"),
  warpbreaks = c("Breaks of warp yarn per loom for two wools at three tensions.",
    "Tippett (1950), Technological Applications of Statistics, Wiley, page 106"),
  Oats = c("Yield of oats in a split-plot experiment: six blocks, three varieties on plots, four amounts of nitrogen on subplots.",
    "Yates (1935), Complex experiments, Supplement to the Journal of the Royal Statistical Society 2, 181-247"),
  pigs = c("Leucine in the plasma of pigs by source and percentage of protein in their diet.",
    "Windels (1964), thesis, University of Minnesota; problem 10.8 of Oehlert (2000), A First Course in Design and Analysis of Experiments, Freeman"),
  fiber = c("Strength of a monofilament fibre from three machines, with its diameter.",
    "Montgomery (2013), Design and Analysis of Experiments, 8th ed., Wiley, section 15.3"),
  nutrition = c("Gain in nutrition knowledge by age, food-stamp status and race of mothers; some cells are empty.",
    "Milliken and Johnson (1984), Analysis of Messy Data, volume I, Wadsworth, table 17.1"),
  Orange = c("Circumference (mm) of the trunks of five orange trees at seven ages (days).",
    "Draper and Smith (1998), Applied Regression Analysis, 3rd ed., Wiley, exercise 24.N"),
  Theoph = c("Concentration (mg/L) of theophylline in the blood of twelve subjects over 25 hours after an oral dose (mg/kg).",
    "Boeckmann, Sheiner and Beal (1994), NONMEM Users Guide, part V, University of California, San Francisco"),
  Loblolly = c("Height (ft) of loblolly pine trees of 14 seed sources at six ages (years).",
    "Kung (1986), Fitting logistic growth curve with predetermined carrying capacity, Proceedings of the Statistical Computing Section, American Statistical Association, 340-343"))
data(Oats, package = "nlme")
Oats <- data.frame(Block = factor(as.character(Oats$Block), levels = c("I", "II", "III", "IV", "V", "VI")),
                   Variety = factor(as.character(Oats$Variety)), nitro = Oats$nitro, yield = Oats$yield)
Orange <- data.frame(Tree = factor(as.character(datasets::Orange$Tree), levels = levels(datasets::Orange$Tree)), age = datasets::Orange$age, circumference = datasets::Orange$circumference)
Theoph <- data.frame(Subject = factor(as.character(datasets::Theoph$Subject), levels = levels(datasets::Theoph$Subject)), Wt = datasets::Theoph$Wt, Dose = datasets::Theoph$Dose, Time = datasets::Theoph$Time, conc = datasets::Theoph$conc)
Loblolly <- data.frame(height = datasets::Loblolly$height, age = datasets::Loblolly$age, Seed = factor(as.character(datasets::Loblolly$Seed), levels = levels(datasets::Loblolly$Seed)))
data(pigs, fiber, nutrition, package = "emmeans")
from <- function(name) switch(name, warpbreaks = , Orange = , Theoph = , Loblolly = "R 4.2 datasets", Oats = "nlme", pigs = , fiber = , nutrition = "emmeans 1.8.4-1", "lme4 1.1-31")

for (name in names(facts)) {
  d <- get(name)
  stopifnot(!anyNA(d))
  write_table(d, out, name, gzip = nrow(d) > 5000,
              about = list(description = facts[[name]][1], source = facts[[name]][2],
                           exported = from(name)))
}
