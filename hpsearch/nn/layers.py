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
        self._z, self._d = units.rows, units.d
        self._gamma, self._beta = gamma[:, :, None], beta[:, :, None]
        self._mean, self._variance = mean[:, :, None], variance[:, :, None]
        self._average = np.full((examples, 1), 1.0 / examples, dtype)
        self._examples = np.array(examples, dtype)
        self._unbiased = np.array(self.RATE * examples / max(examples - 1, 1), dtype)
        self._rate, self._keep = np.array(self.RATE, dtype), np.array(1 - self.RATE, dtype)
        self._eps = np.array(self.EPS, dtype)
        self._centred = np.empty((trials, count, examples), dtype)
        self._spare = np.empty((trials, count, examples), dtype)
        self._column = np.empty((trials, count, 1), dtype)
        self._inverse = np.empty((trials, count, 1), dtype)
        self._slope = np.empty((trials, count, 1), dtype)
        self.d_gamma = np.empty((trials, count, 1), dtype)
        self.d_beta = np.empty((trials, count, 1), dtype)

    def forward(self) -> None:
        """Normalise by the minibatch, and move the running statistics."""
        mean, variance = self._column, self._inverse
        np.matmul(self._z, self._average, mean)
        self._move(self._mean, mean, self._rate)
        np.subtract(self._z, mean, self._centred)
        np.multiply(self._centred, self._centred, self._spare)
        np.matmul(self._spare, self._average, variance)
        self._move(self._variance, variance, self._unbiased)
        self._scale(variance)

    def infer(self) -> None:
        """Normalise by the running statistics."""
        np.subtract(self._z, self._mean, self._centred)
        self._scale(self._variance)

    def _scale(self, variance: Array) -> None:
        np.add(variance, self._eps, self._inverse)
        np.sqrt(self._inverse, self._inverse)
        np.reciprocal(self._inverse, self._inverse)
        np.multiply(self._gamma, self._inverse, self._slope)
        np.multiply(self._centred, self._slope, self._z)
        np.add(self._z, self._beta, self._z)

    def _move(self, running: Array, batch: Array, rate: Array) -> None:
        """Set running to 0.9 running + rate * batch."""
        np.multiply(batch, rate, self._slope)
        np.multiply(running, self._keep, running)
        np.add(running, self._slope, running)

    def backward(self) -> None:
        """dL/dz = slope (d - mean(d) - centred inverse² mean(d centred)), slope = gamma inverse."""
        d = self._d
        mean_d, mean_dc = self.d_beta, self.d_gamma
        np.matmul(d, self._average, mean_d)
        np.multiply(d, self._centred, self._spare)
        np.matmul(self._spare, self._average, mean_dc)
        np.multiply(mean_dc, self._inverse, mean_dc)
        np.multiply(mean_dc, self._inverse, self._column)
        np.subtract(d, mean_d, d)
        np.multiply(self._centred, self._column, self._spare)
        np.subtract(d, self._spare, d)
        np.multiply(d, self._slope, d)
        # mean(d) and inverse mean(d centred), times B, are the gradients of beta and gamma
        np.multiply(mean_d, self._examples, mean_d)
        np.multiply(mean_dc, self._examples, mean_dc)

    def gradients(self, tile: slice, out: Array) -> Sequence[Pass]:
        """The gradients of gamma and beta, which `backward` has left."""
        units = out.shape[1] // 2
        return [
            (np.copyto, (out[:, :units], self.d_gamma[tile, :, 0])),
            (np.copyto, (out[:, units:], self.d_beta[tile, :, 0])),
        ]


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
        self._r = np.zeros((len(rates), 2 * draws), np.float32)
        self._upper, self._lower = self._r[:, :draws], self._r[:, draws:]
        self._kept = (1 - steps / 4096)[:, None].astype(np.float32)
        self._scale = (1 / (1 - steps / 4096))[:, None].astype(np.float32)
        self.masks = self._r if dtype == np.float32 else self._r.astype(dtype)

    def draw(self, streams: list[np.random.Generator]) -> None:
        """New masks, each trial's from its own stream; at rate 0 nothing is drawn, all are 1."""
        for t in self._active:
            streams[t].random(dtype=np.float32, out=self._drawn[t])
        np.multiply(self._drawn, self._HALF, self._drawn)
        np.floor(self._drawn, self._upper)
        np.subtract(self._drawn, self._upper, self._lower)
        np.divide(self._upper, self._HALF, self._upper)
        np.add(self._r, self._kept, self._r)
        np.floor(self._r, self._r)
        np.multiply(self._r, self._scale, self._r)
        if self.masks is not self._r:
            np.copyto(self.masks, self._r)


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
