"""The constants of the process, and their places in the vector theta that is learned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from hpsearch.arrays import Floats

PERSISTENCE, SPAN = 0.5, 2.0  # q and the span where all rows have one epoch: without effect there


@dataclass(frozen=True, slots=True, eq=False)
class Constants:
    """The constants of `process`, for scores in units of `warp.Scale`.

    variance s², noise sigma², delta that of the warp, offset o², lengths (hyperparameters,),
    persistence q, span the length scale over log epochs, trend g², seed tau², rho (1 + sources,) with
    rho[0] = 1.
    """

    variance: float
    noise: float
    delta: float
    offset: float
    lengths: Floats
    persistence: float
    span: float
    trend: float
    seed: float
    rho: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Places in theta of the logarithms (logits for q and rho) of the constants.

    In order: s², sigma², delta, o², the lengths; then q, span and g² if the rows have several epochs;
    tau² if a trial has several rows; rho_1, rho_2, ... What the rows cannot tell is left out.
    """

    hyperparameters: int
    epochs: bool
    seeds: bool
    sources: int

    @property
    def lengths(self) -> slice:
        """Of the length scales."""
        return slice(4, 4 + self.hyperparameters)

    @property
    def size(self) -> int:
        """Of theta."""
        return 4 + self.hyperparameters + 3 * self.epochs + self.seeds + self.sources

    def constants(self, theta: Floats) -> Constants:
        """The constants that theta (size,) stands for."""
        values = np.exp(theta)
        variance, noise, delta, offset = values[:4].tolist()
        at = 4 + self.hyperparameters
        persistence, span, trend, seed = PERSISTENCE, SPAN, 0.0, 0.0
        if self.epochs:
            persistence = float(expit(theta[at]))
            span, trend = values[at + 1 : at + 3].tolist()
            at += 3
        if self.seeds:
            seed = float(values[at])
            at += 1
        rho = np.concatenate([[1.0], expit(theta[at:])])
        lengths = values[self.lengths]
        return Constants(
            variance, noise, delta, offset, lengths, persistence, span, trend, seed, rho
        )
