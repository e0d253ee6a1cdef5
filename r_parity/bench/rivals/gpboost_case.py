"""One case in GPBoost: random intercepts, ML only (its criterion is compared for generalized models only)."""

import re

import child
import gpboost
import numpy as np
import pandas as pd

spec = child.read_spec()
frame = child.read_table(spec["manifest"])
bars = re.findall(r"\(1 \| ([^()]*)\)", spec["formula"])
counts = re.match(r"cbind\((\w+), (\w+) - \w+\)", spec["formula"])
likelihood = {"binomial": "binomial_logit" if counts else "bernoulli_logit", "poisson": "poisson"}.get(spec["family"])
response, fixed = re.sub(r"\s*\+\s*\([^()]*\|[^()]*\)", "", spec["formula"]).split("~")


def call():
    groups = []
    for bar in bars:
        parts = [part.strip() for part in bar.split("/")]
        groups.append(frame[parts[0]].to_numpy(dtype=str))
        if len(parts) == 2:
            groups.append((frame[parts[0]].astype(str) + ":" + frame[parts[1]].astype(str)).to_numpy(dtype=str))
    X = [np.ones((len(frame), 1))]
    for term in fixed.split("+"):
        name, scaled = term.strip(), re.match(r"scale\((\w+)\)", term.strip())
        if scaled:
            column = frame[scaled[1]].to_numpy(dtype=float)
            X.append(((column - column.mean()) / column.std(ddof=1))[:, None])
        elif name not in ("1", ""):
            X.append(pd.get_dummies(frame[[name]], drop_first=True).to_numpy(dtype=float))
    if counts:
        trials = frame[counts[2]].to_numpy(dtype=float)
        y, options = frame[counts[1]].to_numpy(dtype=float) / trials, {"weights": trials}
    else:
        column = frame[response.strip()]
        y, options = (column.cat.codes if column.dtype == "category" else column).to_numpy(dtype=float), {}
    model = gpboost.GPModel(group_data=np.column_stack(groups), likelihood=likelihood or "gaussian", **options)
    model.fit(y=y, X=np.column_stack(X))
    return model


result = child.measure(call, spec["budget"], spec["repeats"])
result["criterion"] = 2 * float(call().get_current_neg_log_likelihood())
result["versions"] = {"gpboost": gpboost.__version__}
child.emit(result)
