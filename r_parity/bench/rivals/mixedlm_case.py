"""One case in mixedlm. Two columns of counts it takes as a proportion with weights."""

import re

import child
import mixedlm

spec = child.read_spec()
frame = child.read_table(spec["manifest"])
family = {"binomial": "Binomial", "poisson": "Poisson"}.get(spec["family"])
formula, options = spec["formula"], {}
counts = re.match(r"cbind\((\w+), (\w+) - \w+\)", formula)
if counts:
    formula = formula.replace(counts[0], "share_")
    frame["share_"] = frame[counts[1]] / frame[counts[2]]
    options["weights"] = frame[counts[2]].to_numpy(dtype=float)
scaled = re.search(r"scale\((\w+)\)", formula)
if scaled:
    column = frame[scaled[1]].astype(float)
    frame["scaled_"] = (column - column.mean()) / column.std()
    formula = formula.replace(scaled[0], "scaled_")
response = formula.split("~")[0].strip()
if family == "Binomial" and frame[response].dtype == "category":
    frame[response] = frame[response].cat.codes.astype(float)


def call():
    if family is None:
        return mixedlm.lmer(formula, frame, REML=spec["reml"])
    return mixedlm.glmer(formula, frame, family=getattr(mixedlm.families, family)(), **options)


result = child.measure(call, spec["budget"], spec["repeats"])
model = call()
result["criterion"] = -2 * float(getattr(model.logLik(), "value", model.logLik()))
result["versions"] = {"mixedlm": mixedlm.__version__}
child.emit(result)
