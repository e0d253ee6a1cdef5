"""One case in interlace: fixed formula and random terms are arguments of their own."""

import importlib.metadata
import re
import warnings

import child
import interlace

warnings.simplefilter("ignore")
spec = child.read_spec()
frame = child.read_table(spec["manifest"])
bars = re.findall(r"\([^()]*\|[^()]*\)", spec["formula"])
fixed = re.sub(r"\s*\+\s*\([^()]*\|[^()]*\)", "", spec["formula"])
bars = [bar if bar[1] in "01" else f"(1 + {bar[1:]}" for bar in bars]  # the intercept must be spelled out
nested = [bar for bar in bars if "/" in bar]
if nested:  # (1 | a/b): the inner factor must be a column
    outer, inner = (word.strip() for word in nested[0].strip("()").split("|")[1].split("/"))
    frame["inner_"] = (frame[outer].astype(str) + ":" + frame[inner].astype(str)).astype("category")
    bars = [f"(1 | {outer})", "(1 | inner_)"]
call = lambda: interlace.fit(fixed, frame, random=bars, method="REML" if spec["reml"] else "ML")  # noqa: E731
result = child.measure(call, spec["budget"], spec["repeats"])
result["criterion"] = -2 * float(call().llf)
result["versions"] = {"interlace-lme": importlib.metadata.version("interlace-lme")}
child.emit(result)
