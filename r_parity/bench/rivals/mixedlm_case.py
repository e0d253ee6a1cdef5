"""One case in mixedlm."""

import child
import mixedlm

spec = child.read_spec()
frame = child.read_table(spec["manifest"])
call = lambda: mixedlm.lmer(spec["formula"], frame, REML=spec["reml"])  # noqa: E731
result = child.measure(call, spec["budget"], spec["repeats"])
model = call()
result["criterion"] = -2 * float(getattr(model.logLik(), "value", model.logLik()))
result["versions"] = {"mixedlm": mixedlm.__version__}
child.emit(result)
