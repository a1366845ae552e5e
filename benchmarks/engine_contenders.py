"""Contenders of benchmarks/engine.py: the engine and its peers, each as a function of a step.

A contender makes, for a network and its data, a function that does one training step of each of
its trials, and says how many trials those are. An ImportError leaves it out.
"""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from hpsearch import nn
from hpsearch.nn.passes import VARIABLE
from hpsearch.nn.stack import Stack

EXAMPLES, CLASSES, VMAP_STACK = 4000, 10, 32


@dataclass(frozen=True)
class Network:
    """A line of the table."""

    name: str
    shape: nn.Shape
    dropout: float = 0.0
    wanted: str = ""


Step = Callable[[], None]
Contender = Callable[[Network, np.ndarray, np.ndarray], tuple[Step, int]]


def _cycle(batch: int) -> Callable[[], np.ndarray]:
    """The next minibatch's positions, out of one shuffled order, over and over."""
    order = np.random.default_rng(1).permutation(EXAMPLES)
    starts = [*range(0, EXAMPLES - batch + 1, batch)]
    at = [0]

    def step() -> np.ndarray:
        at[0] = (at[0] + 1) % len(starts)
        return order[starts[at[0]] : starts[at[0]] + batch]

    return step


def engine(network: Network, x: np.ndarray, y: np.ndarray) -> tuple[Step, int]:
    trials = nn.best_stack_size(network.shape)
    shift = np.full(x.shape[1], 127.5, np.float32)
    examples = nn.Examples(x, y, np.arange(EXAMPLES), shift, np.full_like(shift, 1 / 74))
    members = [
        nn.Member(1e-3, dropout=network.dropout, init_key=(t,), dropout_key=(1, t))
        for t in range(trials)
    ]
    stack = Stack(network.shape, members, examples, epochs=1000)
    positions, t = _cycle(network.shape.batch_size), [0]
    sums = np.zeros(trials)

    def step() -> None:
        t[0] += 1
        np.add(sums, stack.step(positions(), 0.0, t[0]), sums)
        if not np.isfinite(np.add.reduce(sums)):
            raise FloatingPointError("a trial of the benchmark diverged")

    return step, trials


def _torch_net(network: Network) -> Any:
    import torch

    layers: list[Any] = []
    sizes = network.shape.sizes
    for fan_in, fan_out in itertools.pairwise(sizes[:-1]):
        layers.append(torch.nn.Linear(fan_in, fan_out, bias=not network.shape.batch_norm))
        if network.shape.batch_norm:
            layers.append(torch.nn.BatchNorm1d(fan_out))
        layers.append(torch.nn.ReLU())
        if network.dropout:
            layers.append(torch.nn.Dropout(network.dropout))
    return torch.nn.Sequential(*layers, torch.nn.Linear(sizes[-2], sizes[-1]))


def _torch_data(x: np.ndarray, y: np.ndarray) -> tuple[Any, Any]:
    import torch

    return torch.tensor((x.astype(np.float32) - 127.5) / 74), torch.tensor(y)


def _torch_optimizer(network: Network, parameters: list[Any]) -> Any:
    import torch

    rule = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[network.shape.optimizer]
    return rule(parameters, lr=1e-3, fused=True)


def torch_eager(network: Network, x: np.ndarray, y: np.ndarray) -> tuple[Step, int]:
    import torch

    xs, ys = _torch_data(x, y)
    net = _torch_net(network)
    optimizer = _torch_optimizer(network, list(net.parameters()))
    positions, total = _cycle(network.shape.batch_size), [0.0]

    def step() -> None:
        at = torch.from_numpy(positions())
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(net(xs[at]), ys[at])
        loss.backward()
        optimizer.step()
        total[0] += loss.item()

    return step, 1


def torch_vmap(network: Network, x: np.ndarray, y: np.ndarray) -> tuple[Step, int]:
    import torch
    from torch.func import functional_call, grad_and_value, stack_module_state, vmap

    xs, ys = _torch_data(x, y)
    nets = [_torch_net(network) for _ in range(VMAP_STACK)]
    parameters, buffers = stack_module_state(nets)
    optimizer = _torch_optimizer(network, list(parameters.values()))
    skeleton = nets[0]

    def loss(p: Any, b: Any, xb: Any, yb: Any) -> Any:
        return torch.nn.functional.cross_entropy(functional_call(skeleton, (p, b), (xb,)), yb)

    gradients = vmap(grad_and_value(loss), in_dims=(0, 0, None, None), randomness="different")
    positions, total = _cycle(network.shape.batch_size), torch.zeros(VMAP_STACK)

    def step() -> None:
        at = torch.from_numpy(positions())
        with torch.no_grad():
            slopes, losses = gradients(parameters, buffers, xs[at], ys[at])
            total.add_(losses)
        for name, value in parameters.items():
            value.grad = slopes[name]
        optimizer.step()

    return step, VMAP_STACK


def engine_compiled(network: Network, x: np.ndarray, y: np.ndarray) -> tuple[Step, int]:
    """The engine with compiled passes, which are bound in the first steps."""
    if find_spec("llvmlite") is None:
        raise ImportError("compiled passes need hpsearch[fast]")
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = "compiled"
    try:
        step, trials = engine(network, x, y)
        for _ in range(3):
            step()
    finally:
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before
    return step, trials


def torch_stacked(
    network: Network, x: np.ndarray, y: np.ndarray, trials: int = VMAP_STACK
) -> tuple[Step, int]:
    """Batched products and a backward pass by hand, as somebody who needs the speed would write them."""
    import torch

    if network.shape.batch_norm or network.dropout:
        raise ImportError("the passes by hand have no batch norm and no dropout")
    xs, ys = _torch_data(x, y)
    draws = torch.Generator().manual_seed(0)
    weights, biases = [], []
    for fan_in, fan_out in itertools.pairwise(network.shape.sizes):
        weights.append(torch.randn(trials, fan_in, fan_out, generator=draws) * (2 / fan_in) ** 0.5)
        biases.append(torch.zeros(trials, 1, fan_out))
    optimizer = _torch_optimizer(network, [*weights, *biases])
    positions, total = _cycle(network.shape.batch_size), torch.zeros(trials)

    def step() -> None:
        at = torch.from_numpy(positions())
        labels, last = ys[at].expand(trials, -1), len(weights) - 1
        outputs = [xs[at].expand(trials, -1, -1)]
        for place, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            units = torch.baddbmm(bias, outputs[-1], weight)
            outputs.append(units.clamp_(min=0) if place < last else units)
        logs = torch.log_softmax(outputs[-1], 2)
        picked = labels.unsqueeze(2)
        total.sub_(logs.gather(2, picked).mean((1, 2)))
        slope = logs.exp_().scatter_add_(2, picked, torch.full_like(logs, -1.0)[:, :, :1])
        slope.div_(len(at))
        for place in range(last, -1, -1):
            weights[place].grad = torch.bmm(outputs[place].transpose(1, 2), slope)
            biases[place].grad = slope.sum(1, keepdim=True)
            if place:
                slope = torch.bmm(slope, weights[place].transpose(1, 2))
                slope.mul_(outputs[place] > 0)
        optimizer.step()

    return step, trials


def jax_scanned(
    network: Network, x: np.ndarray, y: np.ndarray, trials: int = VMAP_STACK
) -> tuple[Step, int]:
    """One program for an epoch of all trials: vmap over trials in a scan over minibatches."""
    import jax
    import jax.numpy as jnp

    if network.shape.batch_norm or network.dropout:
        raise ImportError("JAX's network here has no batch norm and no dropout")
    batch, adam = network.shape.batch_size, network.shape.optimizer == "adam"
    xs, ys = jnp.asarray((x.astype(np.float32) - 127.5) / 74), jnp.asarray(y)
    draws = np.random.default_rng(0)
    layers = [
        (jnp.asarray(draws.normal(0, (2 / a) ** 0.5, (trials, a, b)), jnp.float32), jnp.zeros((trials, b)))
        for a, b in itertools.pairwise(network.shape.sizes)
    ]  # fmt: skip
    rates = jnp.full(trials, 1e-3)

    def loss(layers: Any, xb: Any, yb: Any) -> Any:
        for weight, bias in layers[:-1]:
            xb = jax.nn.relu(xb @ weight + bias)
        weight, bias = layers[-1]
        logs = jax.nn.log_softmax(xb @ weight + bias)
        return -jnp.take_along_axis(logs, yb[:, None], 1).mean()

    gradients = jax.vmap(jax.value_and_grad(loss), in_axes=(0, None, None))

    def one(state: Any, at: Any) -> tuple[Any, Any]:
        layers, first, second, t = state
        losses, slopes = gradients(layers, xs[at], ys[at])
        rate_of = lambda a: rates.reshape(-1, *[1] * (a.ndim - 1))  # noqa: E731
        tree = jax.tree.map
        if not adam:
            return (tree(lambda p, g: p - rate_of(p) * g, layers, slopes), first, second, t), losses
        t = t + 1
        first = tree(lambda m, g: 0.9 * m + 0.1 * g, first, slopes)
        second = tree(lambda v, g: 0.999 * v + 0.001 * g * g, second, slopes)
        size = jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        layers = tree(
            lambda p, m, v: p - rate_of(p) * size * m / (jnp.sqrt(v) + 1e-8), layers, first, second
        )
        return (layers, first, second, t), losses

    @jax.jit
    def epoch(state: Any, order: Any) -> tuple[Any, Any]:
        state, losses = jax.lax.scan(one, state, order)
        return state, losses.sum(0)

    steps = EXAMPLES // batch
    order = np.random.default_rng(1).permutation(EXAMPLES)[: steps * batch].reshape(steps, batch)
    none = jax.tree.map(jnp.zeros_like, layers) if adam else ()
    state = [(layers, none, none, jnp.float32(0))]
    count = [0]

    def step() -> None:
        if count[0] % steps == 0:
            state[0], sums = epoch(state[0], order)
            if not np.isfinite(np.asarray(sums)).all():
                raise FloatingPointError("a trial of the benchmark diverged")
        count[0] += 1

    step.together = steps  # type: ignore[attr-defined]
    return step, trials


def scikit_learn(network: Network, x: np.ndarray, y: np.ndarray) -> tuple[Step, int]:
    """An epoch of MLPClassifier.fit for every so many steps; it has no batch norm or dropout."""
    from sklearn.neural_network import MLPClassifier

    if network.shape.batch_norm or network.dropout:
        raise ImportError("scikit-learn has no batch norm and no dropout")
    xs = ((x.astype(np.float32) - 127.5) / 74).astype(np.float32)
    steps = EXAMPLES // network.shape.batch_size
    model = MLPClassifier(
        network.shape.hidden_sizes, solver=network.shape.optimizer, alpha=0.0, momentum=0.0,
        batch_size=network.shape.batch_size, learning_rate_init=1e-3, max_iter=1,
        n_iter_no_change=10_000, tol=0.0,
    )  # fmt: skip
    count = [0]

    def step() -> None:
        if count[0] % steps == 0:  # the epoch's cost falls on its first step: see `_rate`
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.fit(
                    xs[: steps * network.shape.batch_size], y[: steps * network.shape.batch_size]
                )
        count[0] += 1

    step.together = steps  # type: ignore[attr-defined]
    return step, 1


CONTENDERS: dict[str, Contender] = {
    "engine": engine,
    "engine compiled": engine_compiled,
    "torch eager": torch_eager,
    "torch vmap": torch_vmap,
    "torch stacked 8": partial(torch_stacked, trials=8),
    "torch stacked 32": torch_stacked,
    "jax 8": partial(jax_scanned, trials=8),
    "jax 32": jax_scanned,
    "scikit-learn": scikit_learn,
}
