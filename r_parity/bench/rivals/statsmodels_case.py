"""One case in statsmodels' MixedLM: one grouping factor only."""

import re
import warnings

import child
import statsmodels
import statsmodels.formula.api as smf

warnings.simplefilter("ignore")
spec = child.read_spec()
frame = child.read_table(spec["manifest"])
(bar,) = re.findall(r"\(([^()]*)\|([^()]*)\)", spec["formula"])
fixed = re.sub(r"\s*\+\s*\([^()]*\|[^()]*\)", "", spec["formula"])
slopes, group = bar[0].strip(), bar[1].strip()
call = lambda: smf.mixedlm(fixed, frame, groups=frame[group], re_formula=f"~{slopes}").fit(reml=spec["reml"])  # noqa: E731
result = child.measure(call, spec["budget"], spec["repeats"])
result["criterion"] = -2 * float(call().llf)
result["versions"] = {"statsmodels": statsmodels.__version__}
child.emit(result)
