"""Contenders of benchmarks/engine.py: the engine and its peers, each as a function of a step.

A contender makes, for a network and its data, a function that does one training step of each of
its trials, and says how many trials those are. An ImportError leaves it out.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpsearch import nn
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
    "torch eager": torch_eager,
    "torch vmap": torch_vmap,
    "scikit-learn": scikit_learn,
}
