"""One case in mere, timed in a fresh process."""

from __future__ import annotations

import importlib.metadata
import sys
import warnings

import child

spec = child.read_spec()
frame = child.read_table(spec["manifest"])
cpu, wall = child.clock()
import mere  # noqa: E402

imported = child.clock()[1] - wall
warnings.simplefilter("ignore")
formula, arguments = spec["formula"], {} if spec["reml"] else {"REML": False}
result: dict = {"versions": {"mere": importlib.metadata.version("mere"), "python": sys.version.split()[0]}, "import_wall": imported}
if spec["kind"] == "evaluation":
    import numpy as np

    devfun = mere.mkLmerDevfun(mere.lFormula(formula, frame, **arguments))
    at = np.array([0.8, 0.1, 0.4])
    result["criterion"] = float(devfun(at))
    result.update(child.measure(lambda: devfun(at), spec["budget"], spec["repeats"]))
elif spec["family"]:
    result.update(child.measure(lambda: mere.glmer(formula, frame, spec["family"]), spec["budget"], spec["repeats"]))
    model = mere.glmer(formula, frame, spec["family"])
    result["criterion"], result["evaluations"] = model.criterion, int(model.optinfo.feval)
    result["with_summary"] = child.measure(
        lambda: mere.summary(mere.glmer(formula, frame, spec["family"])), spec["budget"] / 2, spec["repeats"]
    )["cpu_min"]
else:
    result.update(child.measure(lambda: mere.lmer(formula, frame, **arguments), spec["budget"], spec["repeats"]))
    model = mere.lmer(formula, frame, **arguments)
    result["criterion"] = float(mere.REMLcrit(model)) if spec["reml"] else -2 * float(mere.logLik(model))
    result["evaluations"] = int(model.optinfo.feval)
    result["input_mb"] = float(frame.memory_usage(index=False).sum()) / 2**20
    try:  # the layers are internal: a change there must not cost the timing of the whole
        import stages

        result["stages"] = stages.split(formula, frame, arguments, spec["budget"] / 2, result["cpu_min"])
    except Exception as error:
        result["stages_error"] = repr(error)
child.emit(result)
