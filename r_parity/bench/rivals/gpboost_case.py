"""One case in GPBoost: random intercepts, ML only (its criterion is not compared)."""

import re

import child
import gpboost
import numpy as np
import pandas as pd

spec = child.read_spec()
frame = child.read_table(spec["manifest"])
bars = re.findall(r"\(1 \| ([^()]*)\)", spec["formula"])
response, fixed = re.sub(r"\s*\+\s*\([^()]*\|[^()]*\)", "", spec["formula"]).split("~")


def call():
    groups = []
    for bar in bars:
        parts = [part.strip() for part in bar.split("/")]
        groups.append(frame[parts[0]].to_numpy(dtype=str))
        if len(parts) == 2:
            groups.append((frame[parts[0]].astype(str) + ":" + frame[parts[1]].astype(str)).to_numpy(dtype=str))
    X = [np.ones(len(frame))]
    for term in fixed.split("+"):
        if term.strip() not in ("1", ""):
            X.append(pd.get_dummies(frame[term.strip()], drop_first=True).to_numpy(dtype=float).ravel())
    model = gpboost.GPModel(group_data=np.column_stack(groups), likelihood="gaussian")
    model.fit(y=frame[response.strip()].to_numpy(dtype=float), X=np.column_stack(X))
    return model


result = child.measure(call, spec["budget"], spec["repeats"])
result["criterion"] = 2 * float(call().get_current_neg_log_likelihood())
result["versions"] = {"gpboost": gpboost.__version__}
child.emit(result)
