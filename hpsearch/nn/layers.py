"""The layers around the activation: dense, and in place batch normalisation and dropout.

T trials   U units   B examples   W weights (T, fan_in, U)   b bias   H activations (T, U, B)

Every matrix product is one BLAS call per trial, and every sum stays inside one trial, so that a
trial's bits do not depend on the stack around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hpsearch.nn.arrays import Array
from hpsearch.nn.buffers import Units
from hpsearch.nn.layer import Layer, Pass
from hpsearch.nn.passes import Bound, bind
from hpsearch.nn.uniform import Uniform


class Dense(Layer):
    """Z = Wᵀ H + b, the bias being the last row of `affine` and meeting the row of ones in H."""

    def __init__(self, affine: Array, source: Units, output: Units) -> None:
        """Bind: affine (T, fan_in, U), or with the bias below (T, fan_in + 1, U)."""
        self.output = output
        self._affine_t = affine.swapaxes(1, 2)
        self._affine_shape = affine.shape[1:]
        self._h = source.with_ones[..., : affine.shape[1], :]
        self._z, self._d, self._d_source = output.rows, output.d, source.d
        self._weight = affine[:, : source.rows.shape[-2]]

    def forward(self) -> None:
        """Compute Z from H."""
        np.matmul(self._affine_t, self._h, self._z)

    def backward(self) -> None:
        """dL/dH = W dL/dZ."""
        if self._d_source.size:
            np.matmul(self._weight, self._d, self._d_source)

    def gradients(self, tile: slice, out: Array) -> Sequence[Pass]:
        """dL/dW = H dL/dZᵀ, the bias's gradient in the last row."""
        h = self._h if self._h.ndim == 2 else self._h[tile]
        d_t = self._d[tile].swapaxes(1, 2)
        return [(np.matmul, (h, d_t, out.reshape(len(out), *self._affine_shape)))]


class BatchNorm(Layer):
    """y = gamma (z - mean) / sqrt(variance + eps) + beta (Ioffe and Szegedy 2015, algorithm 1).

    Training uses the minibatch's mean and (biased) variance and moves the running ones by a
    tenth towards them, the variance unbiased, as torch does; inference uses the running ones.
    A minibatch of one example has no variance: its unbiased estimate is taken as 0.
    """

    RATE = 0.1
    EPS = 1e-5

    def __init__(
        self, units: Units, gamma: Array, beta: Array, mean: Array, variance: Array
    ) -> None:
        """Bind to gamma, beta, mean, variance (T, U): views of parameters and running statistics."""
        self.output = units
        trials, count, examples = units.rows.shape
        dtype = units.rows.dtype
        z, d = self._z, self._d = units.rows, units.d
        self._average = np.full((examples, 1), 1.0 / examples, dtype)
        centred, spare = (np.empty((trials, count, examples), dtype) for _ in range(2))
        column, inverse, slope, d_gamma, d_beta = (
            np.empty((trials, count, 1), dtype) for _ in range(5)
        )
        self._spare, self._column, self._inverse = spare, column, inverse
        self.d_gamma, self.d_beta = d_gamma, d_beta

        def number(value: float) -> Array:
            return np.array(value, dtype)

        def scale(variance: Array) -> tuple[Bound, Bound]:
            return (
                bind(_invert, (variance, number(self.EPS), gamma[:, :, None], inverse, slope)),
                bind(_rescale, (centred, slope, beta[:, :, None], z)),
            )

        def move(running: Array, batch: Array, rate: float) -> Bound:
            keep = number(1 - self.RATE)
            return bind(_move, (running, batch, number(rate), keep), (slope,))

        mean, variance = mean[:, :, None], variance[:, :, None]
        unbiased = self.RATE * examples / max(examples - 1, 1)
        self._move_mean = move(mean, column, self.RATE)
        self._move_variance = move(variance, inverse, unbiased)
        self._centre = bind(_centre, (z, column, centred, spare))
        self._centre_by_running = bind(np.subtract, (z, mean, centred))
        self._scale, self._scale_by_running = scale(inverse), scale(variance)
        self._square = bind(np.multiply, (d, centred, spare))
        self._slopes = bind(_slopes, (inverse, d_gamma, column))
        self._combine = bind(_combine, (d, d_beta, centred, column, slope), (spare,))
        self._sums = bind(_sums, (d_beta, d_gamma, number(examples)))

    def forward(self) -> None:
        """Normalise by the minibatch, and move the running statistics."""
        np.matmul(self._z, self._average, self._column)
        self._move_mean()
        self._centre()
        np.matmul(self._spare, self._average, self._inverse)
        self._move_variance()
        for run in self._scale:
            run()

    def infer(self) -> None:
        """Normalise by the running statistics."""
        self._centre_by_running()
        for run in self._scale_by_running:
            run()

    def backward(self) -> None:
        """dL/dz = slope (d - mean(d) - centred inverse² mean(d centred)), slope = gamma inverse."""
        np.matmul(self._d, self._average, self.d_beta)
        self._square()
        np.matmul(self._spare, self._average, self.d_gamma)
        self._slopes()
        self._combine()
        self._sums()

    def gradients(self, tile: slice, out: Array) -> Sequence[Pass]:
        """The gradients of gamma and beta, which `backward` has left."""
        units = out.shape[1] // 2
        return [
            (np.copyto, (out[:, :units], self.d_gamma[tile, :, 0])),
            (np.copyto, (out[:, units:], self.d_beta[tile, :, 0])),
        ]


# The passes of batch norm.


def _move(running: Array, batch: Array, rate: Array, keep: Array, moved: Array) -> None:
    """Set running to keep * running + rate * batch."""
    np.multiply(batch, rate, moved)
    np.multiply(running, keep, running)
    np.add(running, moved, running)


def _centre(z: Array, mean: Array, centred: Array, squares: Array) -> None:
    np.subtract(z, mean, centred)
    np.multiply(centred, centred, squares)


def _invert(variance: Array, eps: Array, gamma: Array, inverse: Array, slope: Array) -> None:
    np.add(variance, eps, inverse)
    np.sqrt(inverse, inverse)
    np.reciprocal(inverse, inverse)
    np.multiply(gamma, inverse, slope)


def _rescale(centred: Array, slope: Array, beta: Array, z: Array) -> None:
    np.multiply(centred, slope, z)
    np.add(z, beta, z)


def _slopes(inverse: Array, mean_dc: Array, column: Array) -> None:
    np.multiply(mean_dc, inverse, mean_dc)
    np.multiply(mean_dc, inverse, column)


def _combine(
    d: Array, mean_d: Array, centred: Array, column: Array, slope: Array, spare: Array
) -> None:
    np.subtract(d, mean_d, d)
    np.multiply(centred, column, spare)
    np.subtract(d, spare, d)
    np.multiply(d, slope, d)


def _sums(mean_d: Array, mean_dc: Array, examples: Array) -> None:
    """mean(d) and inverse mean(d centred), times B, are the gradients of beta and gamma."""
    np.multiply(mean_d, examples, mean_d)
    np.multiply(mean_dc, examples, mean_dc)


class Noise:
    """The masks of one minibatch's inverted dropout (Srivastava et al. 2014), for all layers.

    A mask is 0 with probability `rate`, else 1 / (1 - rate). Random numbers are half of dropout's
    price, so each draw serves two units: of a float in [0, 1) with 24 random bits the upper 12
    and the lower 12 are two numbers r in [0, 1). Rates are rounded to multiples of 2^-12; then
    floor(r + 1 - rate), which is exact, is 1 if r >= rate and else 0.
    """

    _HALF = np.float32(4096)  # 2^12

    def __init__(self, rates: Array, units: int, examples: int, dtype: np.dtype[Any]) -> None:
        """For rates (T,) and the units of all hidden layers together."""
        draws = -(-units * examples // 2)
        steps = np.minimum(np.rint(rates * 4096), 4095)
        self._active = [t for t, count in enumerate(steps) if count > 0]
        self._drawn = np.zeros((len(rates), draws), np.float32)
        self._rows = list(self._drawn)
        self._r = np.zeros((len(rates), 2 * draws), np.float32)
        upper, lower = self._r[:, :draws], self._r[:, draws:]
        kept = (1 - steps / 4096)[:, None].astype(np.float32)
        scale = (1 / (1 - steps / 4096))[:, None].astype(np.float32)
        self._split = bind(
            _split, (np.array(self._HALF), kept, scale, upper, lower), (self._drawn,)
        )
        self.masks = self._r if dtype == np.float32 else self._r.astype(dtype)

    def draw(self, streams: Sequence[Uniform]) -> None:
        """New masks, each trial's from its own stream; at rate 0 nothing is drawn, all are 1."""
        for t in self._active:
            streams[t].random(dtype=np.float32, out=self._rows[t])
        self._split()
        if self.masks is not self._r:
            np.copyto(self.masks, self._r)


def _split(
    half: Array, kept: Array, scale: Array, upper: Array, lower: Array, drawn: Array
) -> None:
    """Make two masks of each number drawn: see `Noise`."""
    np.multiply(drawn, half, drawn)
    np.floor(drawn, upper)
    np.subtract(drawn, upper, lower)
    np.divide(upper, half, upper)
    for r in (upper, lower):
        np.add(r, kept, r)
        np.floor(r, r)
        np.multiply(r, scale, r)


class Dropout(Layer):
    """A layer's share of the masks, for its activations and for their gradient."""

    def __init__(self, units: Units, mask: Array) -> None:
        """Bind: mask (T, U, B)."""
        self.output = units
        self._h, self._d = units.flat, units.d_flat
        self._mask = mask.reshape(len(mask), -1)

    def forward(self) -> None:
        """Multiply H by the mask."""
        np.multiply(self._h, self._mask, self._h)

    def infer(self) -> None:
        """Leave H as it is."""

    def backward(self) -> None:
        """Multiply d by the mask."""
        np.multiply(self._d, self._mask, self._d)
