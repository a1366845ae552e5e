"""The network as a whole against PyTorch: layers, loss, gradients, clipping, running statistics."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from hpsearch import nn
from hpsearch.nn.buffers import Units
from hpsearch.nn.layers import Dropout, Noise

EPOCHS = 3


def torch_net(torch: ModuleType, shape: nn.Shape, weights: nn.Weights) -> Any:
    """A torch network with these weights (one member); BatchNorm layers have no bias before them."""
    kinds = {"relu": torch.nn.ReLU, "sigmoid": torch.nn.Sigmoid, "tanh": torch.nn.Tanh}
    arrays, layers = weights.arrays(), []
    for index, (fan_in, fan_out) in enumerate(zip(shape.sizes[:-1], shape.sizes[1:], strict=True)):
        hidden = index < len(shape.hidden_sizes)
        normed = hidden and shape.batch_norm
        linear = torch.nn.Linear(fan_in, fan_out, bias=not normed)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(arrays[f"layer{index}.weight"][0].T.copy()))
            if not normed:
                linear.bias.copy_(torch.tensor(arrays[f"layer{index}.bias"][0]))
        layers.append(linear)
        if normed:
            layers.append(torch.nn.BatchNorm1d(fan_out))
        if hidden:
            layers.append(kinds[shape.activation]())
    return torch.nn.Sequential(*layers)


def parameter_groups(net: Any, member: nn.Member) -> list[dict[str, Any]]:
    """Decay on weights alone: not on biases, nor on batch norm's gamma and beta."""
    weights = [p for p in net.parameters() if p.ndim == 2]
    others = [p for p in net.parameters() if p.ndim == 1]
    return [{"params": weights, "weight_decay": member.weight_decay}, {"params": others}]


def initial_weights(shape: nn.Shape, member: nn.Member, train: nn.Examples) -> nn.Weights:
    """A member's weights before training: those after an epoch at learning rate 0."""
    frozen = nn.Member(0.0, init_key=member.init_key)
    outcome = nn.train(
        shape, [frozen], train, None, epochs=1, order=lambda e: np.arange(50), keep_weights="last"
    )[0]
    assert outcome.weights is not None
    return outcome.weights


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("activation", nn.ACTIVATIONS)
def test_training_is_torchs(
    torch: ModuleType, blobs: Callable, order: Callable, activation: str, batch_norm: bool,
    weighted: bool,
) -> None:  # fmt: skip
    """Three epochs of SGD with decay, clipping, partial batches: the same weights and scores."""
    train, validation = blobs()
    shape = nn.Shape(6, (8, 5), 3, activation, "sgd", 12, batch_norm)
    member = nn.Member(0.1, 0.01, clip_norm=0.7, init_key=(3,), schedule="step", step_gamma=0.5)
    class_weights = np.array([1.0, 2.0, 4.0], np.float32) if weighted else None
    ours = nn.train(
        shape, [member], train, validation, epochs=EPOCHS, order=order, keep_weights="last",
        class_weights=class_weights,
    )[0]  # fmt: skip
    net = torch_net(torch, shape, initial_weights(shape, member, train))
    optimizer = torch.optim.SGD(parameter_groups(net, member), lr=member.learning_rate)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    weight = None if class_weights is None else torch.tensor(class_weights)
    data = [torch.tensor((p.x[p.rows] - p.shift) * p.scale) for p in (train, validation)]
    classes = [torch.tensor(p.targets) for p in (train, validation)]
    for epoch in range(1, EPOCHS + 1):
        total = 0.0
        for start in range(0, 50, 12):
            at = torch.tensor(order(epoch)[start : start + 12])
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(net(data[0][at]), classes[0][at], weight)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), member.clip_norm)
            optimizer.step()
            total += loss.item() * len(at)
        schedule.step()
        net.eval()
        with torch.no_grad():
            logits = net(data[1])
            loss = float(torch.nn.functional.cross_entropy(logits, classes[1]))
        net.train()
        score = ours.curve[epoch - 1]
        assert score.train_loss == pytest.approx(total / 50, rel=1e-4)
        assert score.loss == pytest.approx(loss, rel=1e-4)
        assert score.n_correct == int((logits.argmax(1) == classes[1]).sum())
    assert ours.weights is not None
    net.eval()
    with torch.no_grad():
        wanted = torch.softmax(net(data[1]), 1).numpy()
    reached = nn.predict_values(shape, ours.weights, validation)[0]
    np.testing.assert_allclose(reached, wanted, atol=2e-5)
    if batch_norm:
        arrays = ours.weights.arrays()
        norms = [layer for layer in net if isinstance(layer, torch.nn.BatchNorm1d)]
        mean = np.concatenate([layer.running_mean.numpy() for layer in norms])
        variance = np.concatenate([layer.running_var.numpy() for layer in norms])
        np.testing.assert_allclose(arrays["running.mean"][0], mean, rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(arrays["running.variance"][0], variance, rtol=1e-3)


def test_cosine_is_torchs(torch: ModuleType) -> None:
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8)
    for epoch in range(8):
        ours = nn.SCHEDULES["cosine"](epoch, 8, 1, 0.1)
        assert ours == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
        optimizer.step()
        schedule.step()


def test_dropout_statistics_are_torchs(torch: ModuleType) -> None:
    """Share kept, mean and variance of what comes out of dropping ones, for the same rates."""
    count = 200_000
    for rate in (0.1, 0.5, 0.8):
        rates = np.array([rate])
        noise = Noise(rates, 1, count, np.dtype(np.float32))
        noise.draw([np.random.default_rng(5)])
        units = Units.make(1, 1, count, np.float32)
        ours = units.flat
        ours[...] = 1
        Dropout(units, noise.masks).forward()
        torch.manual_seed(0)
        theirs = torch.nn.functional.dropout(torch.ones(count), rate).numpy()
        np.testing.assert_allclose(np.unique(ours), np.unique(theirs), rtol=2e-3)
        spread = 5 * math.sqrt(rate / (1 - rate) / count)  # five standard errors of a mean
        assert abs(ours.mean() - 1) < spread
        assert abs(ours.mean() - theirs.mean()) < math.sqrt(2) * spread
        assert ours.var() == pytest.approx(rate / (1 - rate), rel=0.02)
