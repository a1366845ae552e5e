"""The Matérn 5/2 covariance with one length scale per dimension (ARD), and its derivatives.

k(x, x') = s² (1 + a + a²/3) exp(-a),  a = sqrt(5) r,  r² = sum_i (x_i - x'_i)² / l_i²
(Rasmussen and Williams 2006, eq. 4.17; ARD: eq. 5.2). Sample paths are twice differentiable: smooth,
but not as stiff as those of the squared exponential.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hpsearch.arrays import Floats
from hpsearch.errors import InvalidRequest

SQRT5 = math.sqrt(5.0)


@dataclass(frozen=True, slots=True)
class Kernel:
    """The constants of a Gaussian process: s², sigma² and the length scales.

    Raises: InvalidRequest, when made, if one of them is not a positive number.
    """

    variance: float
    noise: float
    lengths: tuple[float, ...]

    def __post_init__(self) -> None:
        for value in (self.variance, self.noise, *self.lengths):
            if not 0.0 < value < math.inf:
                raise InvalidRequest(f"a kernel's constants must be positive, got {self}")

    def to_theta(self) -> Floats:
        """(2 + d,) their logarithms: log s², log sigma², log l_1, ..., log l_d."""
        return np.log([self.variance, self.noise, *self.lengths])

    @classmethod
    def from_theta(cls, theta: Floats) -> Kernel:
        """The inverse of `to_theta`."""
        variance, noise, *lengths = np.exp(theta).tolist()
        return cls(variance, noise, tuple(lengths))


def squared_terms(x: Floats, other: Floats, lengths: tuple[float, ...]) -> Floats:
    """(d, n, m) the summands (x_i - x'_i)² / l_i² of r² between x (n, d) and other (m, d)."""
    scaled, others = x / lengths, other / lengths
    terms: Floats = np.square(scaled.T[:, :, None] - others.T[:, None, :])
    return terms


def covariance(kernel: Kernel, x: Floats, other: Floats) -> Floats:
    """(n, m) k between x (n, d) and other (m, d), without noise."""
    return matern(kernel.variance, squared_terms(x, other, kernel.lengths).sum(axis=0))


def matern(variance: float, squared: Floats) -> Floats:
    """The covariance where r² is `squared`."""
    a = SQRT5 * np.sqrt(squared)
    value: Floats = variance * (1.0 + a + np.square(a) / 3.0) * np.exp(-a)
    return value


def by_log_lengths(variance: float, terms: Floats) -> Floats:
    """(d, n, m) dk / d log l_i = s² 5/3 (1 + a) exp(-a) (x_i - x'_i)² / l_i².

    No division by r: the derivative is 0 where two points coincide.
    """
    a = SQRT5 * np.sqrt(terms.sum(axis=0))
    slope: Floats = variance * (5.0 / 3.0) * (1.0 + a) * np.exp(-a) * terms
    return slope
