"""A loss, layers, an optimizer and an activation that the product does not have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch import nn
from hpsearch.errors import InvalidRequest
from hpsearch.nn.buffers import Units
from hpsearch.nn.layer import Pass


class SquaredError(nn.Loss):
    """The mean over the outputs of (z - y)² / 2; targets are numbers (n,) or (n, K)."""

    def outputs(self, targets: np.ndarray) -> int:
        if targets.dtype.kind != "f" or targets.ndim > 2:
            raise InvalidRequest(f"targets are {targets.dtype} {targets.shape}; numbers are wanted")
        return 1 if targets.ndim == 1 else targets.shape[1]

    def bind(self, outputs: np.ndarray, class_weights: np.ndarray | None = None) -> nn.BatchLoss:
        return SquaredErrorOnBatch(outputs)


class SquaredErrorOnBatch:
    def __init__(self, outputs: np.ndarray) -> None:
        trials, count, examples = outputs.shape
        self._z = outputs
        self._y = np.empty((count, examples), outputs.dtype)
        self._squares = np.empty_like(outputs)
        self._mean = np.full((1, count), 0.5 / count, outputs.dtype)
        self._losses = np.empty((trials, 1, examples), outputs.dtype)
        self._column = np.full((examples, 1), 1 / examples, outputs.dtype)
        self._slope = np.array(1 / (count * examples), outputs.dtype)
        self.losses = self._losses[:, 0]

    def forward(self, targets: np.ndarray) -> np.ndarray:
        np.copyto(self._y, targets.reshape(len(targets), -1).T)
        np.subtract(self._z, self._y, self._z)
        np.multiply(self._z, self._z, self._squares)
        np.matmul(self._mean, self._squares, self._losses)
        return np.matmul(self._losses, self._column)[:, 0, 0]

    def backward(self) -> np.ndarray:
        np.multiply(self._z, self._slope, self._z)
        return self._z


@dataclass(frozen=True)
class GainSpec:
    """A factor per unit, beginning at `start`: a layer with parameters and a buffer of its own."""

    start: float = 1.0

    def plan(self, source: tuple[int, ...]) -> nn.Plan:
        units = int(np.prod(source))
        return nn.Plan(source, (nn.Parameter("gain", (units,), start=self.start),))

    def bind(self, site: nn.Site) -> nn.Layer:
        return Gain(site.parameters, site.source, site.target())


class Gain(nn.Layer):
    def __init__(self, gain: np.ndarray, source: Units, output: Units) -> None:
        self.output = output
        self._x, self._d_x, self._gain = source.rows, source.d, gain[:, :, None]
        self._spare = np.empty_like(output.d)
        self._ones = np.ones((output.d.shape[-1], 1), output.d.dtype)

    def forward(self) -> None:
        np.multiply(self._x, self._gain, self.output.rows)

    def backward(self) -> None:
        np.multiply(self.output.d, self._x, self._spare)
        if self._d_x.size:
            np.multiply(self.output.d, self._gain, self._d_x)

    def gradients(self, tile: slice, out: np.ndarray) -> Sequence[Pass]:
        return [(np.matmul, (self._spare[tile], self._ones, out[:, :, None]))]


@dataclass(frozen=True)
class PoolSpec:
    """The mean of each row of an image (height, width)."""

    def plan(self, source: tuple[int, ...]) -> nn.Plan:
        if len(source) != 2:
            raise InvalidRequest(f"an image has a height and a width, not {source}")
        return nn.Plan(source[:1])

    def bind(self, site: nn.Site) -> nn.Layer:
        return Pool(site)


class Pool(nn.Layer):
    def __init__(self, site: nn.Site) -> None:
        source, self.output = site.source, site.target()
        lead = source.rows.shape[:-2]  # (T,), or () for the inputs
        self._images = source.rows.reshape(*lead, *site.source_shape, -1)
        assert np.shares_memory(self._images, source.rows)
        self._d_images = source.d.reshape(*lead, *site.source_shape, -1) if source.d.size else None
        self._width = site.source_shape[1]

    def forward(self) -> None:
        self.output.rows[...] = self._images.mean(-2)

    def backward(self) -> None:
        if self._d_images is not None:
            self._d_images[...] = self.output.d[:, :, None] / self._width


def _sign_coefficients(r: nn.Rates, t: int) -> tuple[np.ndarray, ...]:
    return (r.learning_rate, r.constants["inertia"])


def _sign(w: np.ndarray, g: np.ndarray, state: tuple, c: tuple, spare: np.ndarray) -> None:
    (v,), (eta, inertia) = state, c
    np.multiply(v, inertia, v)
    np.add(v, g, v)
    np.sign(v, g)
    np.multiply(g, eta, g)
    np.subtract(w, g, w)


SIGN = nn.Optimizer(_sign_coefficients, _sign, 1, (nn.Constant("inertia", 0.5, 0.0, 0.99),))


class Softsign(nn.Activation):
    """f(z) = z / (1 + |z|); f' = (1 - |h|)²."""

    def __init__(self, units: Units, *, keep: bool) -> None:
        self.output = units
        self._h = units.flat.copy() if keep else units.flat

    def forward(self) -> None:
        self.output.flat[...] /= 1 + np.abs(self.output.flat)
        self._h[...] = self.output.flat

    def backward(self) -> None:
        self.output.d_flat[...] *= (1 - np.abs(self._h)) ** 2
