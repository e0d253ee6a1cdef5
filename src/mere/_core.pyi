from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vector = NDArray[np.float64]
Outcome = dict[str, Any]

PERFECT_FIT: int
OPTIMIZER: int
DIVERGED: int

def versions() -> dict[str, str]: ...

class KernelError(Exception):
    status: int
    def __init__(self, status: int) -> None: ...

class Rows:
    log_weights: float
    def __init__(
        self, X: Vector, weights: Vector | None, terms: list[tuple[Vector | None, NDArray[np.int32], int, int]]
    ) -> None: ...

class Plan:
    rows: Rows
    n_par: int
    p: int
    q: int
    rest: int
    blas: bool
    sparse: bool
    def __init__(self, rows: Rows, entries: NDArray[np.int64], n_par: int, schur: int = 0) -> None: ...
    def describe(self) -> Mapping[str, int]: ...
    def cross(self) -> Vector: ...
    def place(self, t: int) -> tuple[int, int, int, int, int]: ...
    def block_size(self) -> int: ...

class Work:
    plan: Plan
    def __init__(self, plan: Plan) -> None: ...
    def set_response(self, y: Vector) -> None: ...
    def value(self, par: ArrayLike, reml: bool) -> float: ...
    def gradient(self) -> Vector: ...
    def information(self) -> Vector: ...
    def gamma(self, factor: int, k: int) -> Vector: ...
    def state(self) -> tuple[Vector, Vector, Vector, Vector, tuple[float, float, float, float]]: ...
    def conditional(self) -> Vector: ...
    def leverage(self) -> Vector: ...
    def fixed(self) -> Vector: ...
    def score(self) -> Vector: ...
    def metric(self, start: int, count: int) -> Vector: ...
    def metric_blocks(self) -> Vector: ...
    def start(self) -> Vector: ...
    def newton(
        self, start: ArrayLike, reml: bool, decrement: float = 1e-10, max_eval: int = 1000
    ) -> tuple[Vector, Vector, Vector, Outcome]: ...
    def nlopt(
        self,
        algorithm: str,
        start: ArrayLike,
        lower: ArrayLike,
        upper: ArrayLike,
        reml: bool,
        xtol_abs: float = 1e-8,
        ftol_abs: float = 1e-8,
        max_eval: int = 100000,
    ) -> tuple[Vector, Outcome]: ...

def nlopt_minimize(
    algorithm: str,
    function: Callable[[Vector, bool], tuple[float, ArrayLike | None]],
    start: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    xtol_abs: float = 1e-8,
    ftol_abs: float = 1e-8,
    max_eval: int = 100000,
) -> tuple[Vector, Outcome]: ...

class Shift:
    work: Work
    def __init__(self, work: Work, y: Vector, x: Vector) -> None: ...
    def apply(self, v: float) -> None: ...

def fix_sigma(work: Work, sigma: float) -> None: ...
def profile(
    work: Work,
    focus: str,
    par: ArrayLike,
    at: float,
    d: float,
    sigma: float,
    lower: float,
    upper: float,
    step: float,
    delta: float,
    cutoff: float,
    first: int = 0,
    second: int = 0,
    shift: Shift | None = None,
    reml: bool = False,
    max_points: int = 50,
    decrement: float = 1e-10,
) -> tuple[Vector, Vector, Vector, Vector, Vector, Vector, Vector]: ...

FOCUS: dict[str, int]

def permutations(seed: int, first: int, count: int, n: int) -> NDArray[np.int64]: ...

class Simulator:
    def __init__(
        self,
        mean: Vector,
        scale: Vector,
        terms: list[tuple[Vector | None, NDArray[np.int32], int, Vector]],
        residual: Vector | None = None,
    ) -> None: ...
    def draw(self, seed: int, first: int, count: int) -> Vector: ...

def refit(
    work: Work,
    start: ArrayLike,
    reml: bool,
    simulator: Simulator | None = None,
    y: Vector | None = None,
    seed: int = 0,
    first: int = 0,
    count: int = 0,
    decrement: float = 1e-10,
    max_eval: int = 500,
) -> tuple[NDArray[np.int32], Vector, Vector, Vector, Vector]: ...

class Deletion:
    plan: Plan
    def __init__(self, plan: Plan, entries: NDArray[np.int64], y: Vector) -> None: ...
    def refit(
        self,
        start: ArrayLike,
        reml: bool,
        ptr: NDArray[np.int64],
        row: NDArray[np.int64],
        decrement: float = 1e-10,
        max_eval: int = 500,
    ) -> tuple[NDArray[np.int32], Vector, Vector, Vector, Vector, Vector]: ...

def message(status: int) -> str: ...

Rule = int | tuple[Vector, Vector]

RowsOf = Callable[[Vector], tuple[Vector, ...] | None]

class Glmm:
    plan: Plan
    n_par: int
    p: int
    n: int
    def __init__(
        self,
        plan: Plan,
        X: Vector,
        y: Vector,
        weights: Vector | None,
        offset: Vector | None,
        family: int,
        link: int,
        theta: float,
        estimate_theta: bool,
        tolerance: float,
        max_step: int,
        rows_of: RowsOf | None = None,
        constant: float = 0.0,
        canonical: bool = False,
    ) -> None: ...
    def rows(self) -> NDArray[np.int32]: ...
    def value(self, par: ArrayLike, rule: Rule = 1) -> float: ...
    def quadrature(self, par: ArrayLike, rule: Rule) -> tuple[float, Vector]: ...
    def gradient(self) -> Vector: ...
    def information(self) -> Vector: ...
    def gamma(self, factor: int, k: int) -> Vector: ...
    def joint(self, par: ArrayLike, rough: bool = False) -> tuple[Vector, float]: ...
    def joint_each(self, par: ArrayLike, y: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def state(self) -> tuple[Vector, Vector, Vector, Vector, Vector, Vector, dict[str, float]]: ...
    def conditional(self) -> Vector: ...
    def newton(
        self, start: ArrayLike, rule: Rule = 1, decrement: float = 1e-10, max_eval: int = 1000
    ) -> tuple[Vector, Vector, Vector, dict[str, Any]]: ...
    def nlopt(
        self,
        algorithm: str,
        start: ArrayLike,
        lower: ArrayLike,
        upper: ArrayLike,
        rule: Rule = 1,
        xtol_abs: float = 1e-8,
        ftol_abs: float = 1e-8,
        max_eval: int = 100000,
    ) -> tuple[Vector, dict[str, Any]]: ...
