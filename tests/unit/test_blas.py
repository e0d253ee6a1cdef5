"""One BLAS, and one thread of it while kernels run."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from threadpoolctl import threadpool_limits

from mere.blas import capsules, one_thread


def threads():
    """Of SciPy's BLAS (several files may hold one, NumPy's among them)."""
    one_thread.__enter__()  # finds it
    one_thread.__exit__()
    return one_thread._get()


capsules()  # loads the library


def test_one_thread_inside_and_as_before_outside():
    with threadpool_limits(2, user_api="blas"):
        before = threads()
        assert before == 2
        with one_thread:
            assert threads() == 1
            with one_thread:
                assert threads() == 1
            assert threads() == 1
        assert threads() == before


def test_fits_at_the_same_time_share_the_setting():
    def fit(_):
        for _ in range(50):
            with one_thread:
                assert threads() == 1

    with threadpool_limits(2, user_api="blas"):
        before = threads()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(fit, range(4)))
        assert threads() == before


def test_the_short_way_to_the_pointers_gives_scipys_own_modules():
    code = """
import sys
from mere.blas import _module
module = _module("cython_blas")
assert "scipy.linalg" not in sys.modules and "scipy.linalg.cython_blas" not in sys.modules
import scipy.linalg.cython_blas
assert scipy.linalg.cython_blas is module
assert _module("cython_blas") is module
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_capsules_hold_blas_and_lapack():
    assert {"dgemm", "dpotrf"} <= set(capsules())
