from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._core import Plan

Vector = NDArray[np.float64]
Rule = int | tuple[Vector, Vector]

class RowsOf(Protocol):
    def __call__(self, eta: Vector) -> tuple[Vector, ...] | None: ...

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
    def gradient(self) -> Vector: ...
    def information(self) -> Vector: ...
    def gamma(self, factor: int, k: int) -> Vector: ...
    def joint(self, par: ArrayLike) -> tuple[Vector, float]: ...
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
