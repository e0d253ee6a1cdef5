"""The bootstrap and its engine: the same numbers by any road, failures, interruption, checkpoints, intervals."""

import importlib.util
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pandas as pd
import pytest

import mere
from mere.datasets import Penicillin, cbpp, sleepstudy
from mere.errors import BootstrapWarning, MereValueError
from mere.inference.bootstrap_intervals import acceleration, bootstrap_interval
from mere.inference.resampling import Outcome, Pool, run_task


@pytest.fixture(scope="module")
def m():
    return mere.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)


# -- the same numbers ------------------------------------------------------------------
def test_threads_and_processes_do_not_matter(m):
    one = mere.bootMer(m, nsim=120, seed=8, ncpus=1).t
    for arguments in ({"ncpus": 2}, {"ncpus": 4}, {"parallel": "processes", "ncpus": 2}, {"parallel": "no"}):
        pd.testing.assert_frame_equal(mere.bootMer(m, nsim=120, seed=8, **arguments).t, one, check_exact=True)
    pd.testing.assert_frame_equal(mere.bootMer(m, nsim=50, seed=8).t, one.iloc[:50], check_exact=True)
    assert not one.equals(mere.bootMer(m, nsim=120, seed=9).t)


@pytest.mark.skipif(importlib.util.find_spec("joblib") is None, reason="joblib is not installed")
@pytest.mark.parametrize("backend", ["loky", "threading", "dask"])
def test_joblib_backends_do_not_matter(m, backend):
    b = mere.glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, "binomial")
    if backend == "dask":
        distributed = pytest.importorskip("distributed")
        client = distributed.Client(n_workers=2, threads_per_worker=1, dashboard_address=None)
    try:
        got = mere.bootMer(m, nsim=60, seed=8, parallel=backend, ncpus=2).t
        generalized = mere.bootMer(b, nsim=20, seed=8, parallel=backend, ncpus=2).t
    finally:
        if backend == "dask":
            client.close()
    pd.testing.assert_frame_equal(got, mere.bootMer(m, nsim=60, seed=8).t, check_exact=True)
    pd.testing.assert_frame_equal(generalized, mere.bootMer(b, nsim=20, seed=8).t, check_exact=True)


def test_an_unknown_backend_without_joblib(m):
    if importlib.util.find_spec("joblib") is not None:
        pytest.skip("joblib is installed")
    with pytest.raises(MereValueError, match="joblib"):
        mere.bootMer(m, nsim=5, parallel="dask")


def test_the_replicates_are_refits_of_simulations(m):
    b = mere.bootMer(m, nsim=4, seed=21)
    y = mere.simulate(m, 4, seed=21)
    fits = mere.refit(m, y).to_frame().drop(columns="logLik")
    np.testing.assert_allclose(b.t, fits, rtol=1e-6)
    f = mere.bootMer(m, mere.fixef, nsim=4, seed=21)
    np.testing.assert_allclose(f.t, b.t[["(Intercept)", "Days"]], rtol=1e-6)
    assert list(f.t) == ["(Intercept)", "Days"]
    pd.testing.assert_series_equal(f.t0, mere.fixef(m))


def test_weights_and_offsets():
    w = mere.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy, weights="1 + Days", offset="100 + Days")
    b = mere.bootMer(w, nsim=400, seed=1)
    error = b.t.std() / 20
    assert (abs(b.t.mean() - b.t0) < 5 * error + 0.03 * abs(b.t0)).all()


def test_structured_terms():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cs = mere.lmer("Reaction ~ Days + cs(Days | Subject)", sleepstudy)
        us = mere.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
        a, b = mere.bootMer(cs, nsim=5, seed=1), mere.bootMer(us, nsim=5, seed=1)
    assert list(a.t)[:3] == ["sd_(Intercept)|Subject", "sd_Days|Subject", "rho|Subject"]
    np.testing.assert_allclose(a.t, b.t, rtol=1e-2)


def test_linear_models():
    f = mere.lm("Reaction ~ Days", sleepstudy)
    b = mere.bootMer(f, nsim=300, seed=1)
    np.testing.assert_allclose(b.t.std()["Days"], mere.vcov(f).loc["Days", "Days"] ** 0.5, rtol=0.15)
    assert mere.bootMer(f, nsim=20, seed=1, type="semiparametric").t.shape == (20, 3)


# -- what may go wrong -------------------------------------------------------------------
def test_failures_are_rows_of_nan_with_causes(m):
    def picky(fit):
        if fit.beta[1] > m.beta[1]:
            raise ValueError("too steep")
        return fit.beta[1]

    def gentle(fit):
        if fit.beta[1] > m.beta[1] + 2.5:
            raise ValueError("too steep")
        return fit.beta[1]

    with pytest.warns(BootstrapWarning, match=r"of 40 replicates failed: ValueError: too steep"):
        b = mere.bootMer(m, picky, nsim=40, seed=1, parallel="no")
    assert 5 < len(b.failures) < 35
    assert b.t.loc[b.failures.index].isna().all(axis=None)
    assert b.t.drop(b.failures.index).notna().all(axis=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        c = mere.bootMer(m, gentle, nsim=40, seed=1, parallel="no")
    assert np.isfinite(mere.confint(c, type="norm")).all(axis=None)
    with pytest.raises(ValueError, match="too steep"):
        mere.bootMer(m, lambda fit: (_ for _ in ()).throw(ValueError("too steep")), nsim=2)


def test_wrong_arguments(m):
    with pytest.raises(MereValueError, match="use_u=True"):
        mere.bootMer(m, type="semiparametric")
    with pytest.raises(MereValueError, match="type"):
        mere.bootMer(m, type="nonparametric")
    with pytest.raises(MereValueError, match="nsim"):
        mere.bootMer(m, nsim=0)
    with pytest.raises(MereValueError, match="type must be"):
        mere.confint(mere.bootMer(m, nsim=50, seed=1), type="student")


def slow(first, count):
    time.sleep(0.01 * count)
    return np.arange(first, first + count, dtype=float)[:, None], {}


SLOW = """
import time
from pathlib import Path
import numpy as np
def slow(first, count):
    time.sleep(0.01 * count)
    if first > 200:
        Path("going").touch()
    return np.arange(first, first + count, dtype=float)[:, None], {}
"""


def test_an_interrupt_gives_what_is_done(request):
    # a shell starts background jobs with the signal ignored
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    for pool in (Pool("no"), Pool("threads", 2)):
        timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
        timer.start()
        out = run_task(slow, 1000, 1, pool, {})
        timer.join()
        assert 0 < out.done.sum() < 1000
        np.testing.assert_array_equal(out.values[out.done, 0], np.flatnonzero(out.done))


def stopped_after(calls, task):
    """The task, interrupted in its call number `calls`."""
    count = iter(range(calls))

    def run(first, size):
        if next(count, None) is None:
            raise KeyboardInterrupt
        return task(first, size)

    return run


def test_an_interrupt_before_anything_is_done_is_one():
    with pytest.raises(KeyboardInterrupt):
        run_task(stopped_after(0, slow), 100, 1, Pool("no"), {})


def test_what_is_left_undone_is_said_and_never_called_exact(monkeypatch):
    """The rest of a random sample is a sample; the rest of all arrangements is none."""

    def interrupted(task, *args, **kwargs):
        return run_task(stopped_after(2, task), *args, **kwargs)

    for module in ("power", "comparisons", "permutation.drawing"):
        monkeypatch.setattr(f"mere.inference.{module}.run_task", interrupted)
    d = mere.datasets.warpbreaks
    line, counts = mere.lm("breaks ~ wool", d), mere.glm("breaks ~ wool", d, "poisson")
    with pytest.warns(BootstrapWarning, match=r"power_sim: interrupted after \d+ of 400"):
        power = mere.power_sim(line, nsim=400, seed=1, ncpus=1)
    assert 0 < power.nsim < 400
    assert power.n_failed == 0
    with pytest.warns(BootstrapWarning, match="PBmodcomp: interrupted"):
        assert 0 < mere.PBmodcomp(counts, "breaks ~ 1", nsim=400, seed=1).used < 400
    with pytest.warns(BootstrapWarning, match="permutation_test: interrupted"):
        t = mere.permutation_test(line, n_perm=4000, seed=1)
    assert 0 < len(t.draws) < 4000
    assert t.table["p.value"].iloc[0] >= 1 / (1 + len(t.draws))
    few = mere.lm("y ~ x", pd.DataFrame({"x": [1.0, 2, 3, 5, 8, 9], "y": [2.0, 1, 4, 3, 7, 5]}))
    with pytest.raises(KeyboardInterrupt):
        mere.permutation_test(few, n_perm=1000)


INTERRUPTED = """
import signal
import numpy as np
from mere.inference.resampling import Pool, run_task
from {here} import slow
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts background jobs with the signal ignored
    print("runs", flush=True)
    out = run_task(slow, 3000, 1, Pool({kind!r}, 2), {{}}, progress=False)
    print(0 < out.done.sum() < 3000 and np.array_equal(out.values[out.done, 0], np.flatnonzero(out.done)))
"""


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no process groups")
@pytest.mark.parametrize("kind", ["processes", "loky"])
def test_ctrl_c_in_a_terminal_reaches_all_processes(tmp_path, kind):
    if kind == "loky":
        pytest.importorskip("joblib")
    (tmp_path / "slow_task.py").write_text(SLOW, encoding="utf-8")
    script = tmp_path / "run.py"
    script.write_text(INTERRUPTED.format(here="slow_task", kind=kind), encoding="utf-8")
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    child = subprocess.Popen([sys.executable, str(script)], start_new_session=True, cwd=tmp_path, **quiet)
    assert child.stdout.readline().strip() == "runs"
    until = time.monotonic() + 60
    while not (tmp_path / "going").exists() and time.monotonic() < until:
        time.sleep(0.05)
    os.killpg(child.pid, signal.SIGINT)
    said, errors = child.communicate(timeout=60)
    assert said.strip() == "True", errors


def test_a_checkpoint_is_resumed(m, tmp_path):
    file = tmp_path / "run.npz"
    whole = mere.bootMer(m, nsim=100, seed=2).t
    mere.bootMer(m, nsim=60, seed=2, checkpoint=file)
    calls = []

    def counting(first, count):
        calls.append(count)
        return np.zeros((count, 1)), {}

    pd.testing.assert_frame_equal(mere.bootMer(m, nsim=100, seed=2, checkpoint=file).t, whole, check_exact=True)
    with pytest.raises(MereValueError, match="different: seed"):
        mere.bootMer(m, nsim=100, seed=3, checkpoint=file)
    other = tmp_path / "other.npz"
    run_task(counting, 10, 1, Pool("no"), {"a": "1"}, checkpoint=other)
    run_task(counting, 14, 1, Pool("no"), {"a": "1"}, checkpoint=other)
    assert sum(calls) == 14


def test_a_kill_loses_nothing_that_was_saved(tmp_path):
    file = tmp_path / "killed.npz"
    code = f"""
import numpy as np, time
from mere.inference import resampling
def slow(first, count):
    time.sleep(0.05)
    return np.arange(first, first + count, dtype=float)[:, None], {{}}
resampling.SAVE_EVERY = 0.0
resampling.run_task(slow, 1000, 1, resampling.Pool("no"), {{"run": "1"}}, checkpoint={str(file)!r})
"""
    child = subprocess.Popen([sys.executable, "-c", code])
    until = time.monotonic() + 60
    while not file.exists() and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.3)
    child.kill()
    child.wait()
    with np.load(file) as stored:
        saved = int(stored["done"].sum())
    assert saved > 0
    seen = []

    def rest(first, count):
        seen.append(count)
        return np.arange(first, first + count, dtype=float)[:, None], {}

    out = run_task(rest, 1000, 1, Pool("no"), {"run": "1"}, checkpoint=file)
    assert sum(seen) == 1000 - saved
    np.testing.assert_array_equal(out.values[:, 0], np.arange(1000))


def test_results_pickle(m):
    b = pickle.loads(pickle.dumps(mere.bootMer(m, nsim=10, seed=1)))
    assert isinstance(b, type(mere.bootMer(m, nsim=10, seed=1)))
    assert "PARAMETRIC BOOTSTRAP" in str(b)
    assert "PARAMETRIC BOOTSTRAP" in b._repr_html_()
    assert Outcome(np.zeros((1, 1)), np.ones(1, dtype=bool)).causes == {}


# -- intervals -----------------------------------------------------------------------------
def test_intervals_of_a_model(m):
    ci = mere.confint(m, method="boot", nsim=400, seed=1)
    profile = mere.confint(mere.refitML(m))
    assert list(ci.index) == list(profile.index)
    width = profile.iloc[:, 1] - profile.iloc[:, 0]
    assert (abs(ci - profile).max(axis=1) < 0.4 * width).all()
    for kind in ("basic", "norm", "bca"):
        table = mere.confint(m, "Days", method="boot", nsim=400, seed=1, boot_type=kind)
        assert table.shape == (1, 2)
        assert table.iloc[0, 0] < m.fixef()["Days"] < table.iloc[0, 1]
    names = mere.confint(m, "theta_", method="boot", nsim=99, seed=1, signames=True, level=0.9).index
    assert list(names) == [".sig01", ".sig02", ".sig03", ".sigma"]


def test_bca_of_any_statistic():
    p = mere.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", Penicillin)
    b = mere.bootMer(p, lambda fit: fit.sigma**2, nsim=99, seed=1, parallel="no")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        low, high = mere.confint(b, type="bca", level=0.8).iloc[0]
    assert low < p.sigma**2 < high


def test_bca_does_not_depend_on_the_unit():
    rng = np.random.default_rng(1)
    t, left_out = rng.gamma(4.0, size=500), rng.gamma(4.0, size=30)
    a = bootstrap_interval(t, 3.5, 0.95, "bca", acceleration(left_out))
    b = bootstrap_interval(1e-6 * t, 3.5e-6, 0.95, "bca", acceleration(1e-6 * left_out))
    np.testing.assert_allclose(b, 1e-6 * a)


def test_too_few_replicates_are_said(m):
    b = mere.bootMer(m, nsim=20, seed=1)
    with pytest.warns(BootstrapWarning, match="too few"):
        mere.confint(b)


# -- several responses at once (csrc/lanes.c) --------------------------------------------------
@pytest.mark.parametrize(
    ("formula", "arguments"),
    [
        ("Reaction ~ Days + (Days | Subject)", {}),
        ("Reaction ~ Days + (Days | Subject)", {"REML": False, "weights": "1 + Days"}),
        ("Reaction ~ Days + (Days || Subject)", {}),
        ("Reaction ~ 0 + (1 | Subject)", {}),
        ("Reaction ~ Days + (0 + Days | Subject)", {"REML": False}),
        ("Reaction ~ factor(Days) + (Days | Subject)", {}),
        ("Reaction ~ poly(Days, 2) + (poly(Days, 2) | Subject)", {}),
    ],
)
def test_fits_side_by_side_are_fits_alone(formula, arguments):
    m = mere.lmer(formula, sleepstudy, **arguments)
    y = mere.simulate(m, 37, seed=6)
    table = mere.refit(m, y).to_frame()
    for i in range(0, 37, 6):
        alone = mere.refit(m, y.iloc[:, i])
        assert table["logLik"].iloc[i] == pytest.approx(float(mere.logLik(alone)), abs=2e-9)
        np.testing.assert_allclose(table[list(m.design.names)].iloc[i], alone.beta, rtol=2e-5, atol=1e-4)
    # what a fit gives does not depend on those beside it
    part = mere.refit(m, y.iloc[:, 11:14]).to_frame()
    np.testing.assert_array_equal(part, table.iloc[11:14])
    np.testing.assert_array_equal(mere.refit(m, y.iloc[:, ::-1]).to_frame(), table.iloc[::-1])


def test_a_response_without_a_fit_leaves_its_neighbours_alone(m):
    y = mere.simulate(m, 9, seed=2).to_numpy().copy()
    y[:, 4] = 1.0  # fits perfectly
    y[:, 6] = m.design.X @ [1.0, 2.0]
    found = mere.refit(m, y)
    assert list(found.failures.index) == [4, 6]
    rest = [0, 1, 2, 3, 5, 7, 8]
    np.testing.assert_array_equal(found.to_frame().iloc[rest], mere.refit(m, y[:, rest]).to_frame())
