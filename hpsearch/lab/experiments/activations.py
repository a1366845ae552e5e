"""What initial weights do to the activations, layer by layer, before any training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch import nn
from hpsearch.figures import Axis, Figure, Panel, Series, grid
from hpsearch.lab import stacks
from hpsearch.lab.data import LabData
from hpsearch.lab.experiment import Experiment, Finding, judged
from hpsearch.nn.examples import Feeder
from hpsearch.nn.network import Network, Parameters
from hpsearch.nn.parameters import initial

Floats = NDArray[np.float64]

UNITS, LAYERS, BINS = 100, 5, 40
CASES = {
    "sigmoid": {"std 1": ("normal", 1.0), "std 0.01": ("normal", 0.01), "Xavier": ("xavier", 1.0)},
    "relu": {"std 0.01": ("normal", 0.01), "Xavier": ("xavier", 1.0), "He": ("he", 1.0)},
}
NAMES = {"sigmoid": "share of sigmoid activations", "relu": "share of ReLU activations"}
ENDS = {"sigmoid": 1.0, "relu": 3.0}  # of the histograms; larger activations count in the last bin
NEAR = 0.05  # from 0 or 1: saturated


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Of one activation and initial weights, layer by layer (5,), and histograms (5, BINS)."""

    mean: Floats
    sd: Floats
    by_example: Floats  # mean over units of a unit's sd over the examples
    rms: Floats  # root of the mean square
    extreme: Floats  # share within NEAR of 0 or 1
    zeros: Floats  # share of exact zeros
    shares: Floats  # of all activations in each bin


Result = Mapping[str, Mapping[str, Spread]]


def run(data: LabData, seed: int, *, quick: bool) -> Result:
    """Activations of up to 1,000 examples in each layer, for all cases of an activation at once."""
    rows = data.draw(200 if quick else 1000, seed)
    (examples,) = data.examples(rows)
    found: dict[str, dict[str, Spread]] = {}
    for activation, cases in CASES.items():
        layers = hidden_activations(data, examples, activation, list(cases.values()), seed)
        found[activation] = {
            case: spread([layer[t] for layer in layers], ENDS[activation])
            for t, case in enumerate(cases)
        }
    return found


def hidden_activations(
    data: LabData,
    examples: nn.Examples,
    activation: str,
    cases: Sequence[tuple[str, float]],
    seed: int,
) -> list[Floats]:
    """For each layer (T, units, n) activations of T initial networks, through the engine.

    The engine hands out the last layer alone, so the network is cut behind layer k and gets an
    identity as its last one: the logits are the activations of layer k.
    """
    members = [stacks.member(0.0, seed, 0, initializer=name, init_std=std) for name, std in cases]
    whole = data.shape(*[UNITS] * LAYERS, activation=activation)
    fresh = nn.Weights(whole, initial(whole, members, np.float32), *_empty(len(cases))).arrays()
    identity = np.broadcast_to(np.eye(UNITS, dtype=np.float32), (len(cases), UNITS, UNITS))
    feeder = Feeder(examples, len(examples), np.float32)
    feeder.fill(np.arange(len(examples), dtype=np.intp))
    found = []
    for k in range(1, LAYERS + 1):
        arrays = dict(fresh)
        cut = nn.Shape(whole.inputs, (UNITS,) * k, UNITS, activation)
        arrays[f"layer{k}.weight"] = identity
        arrays[f"layer{k}.bias"] = np.zeros((len(cases), UNITS), np.float32)
        weights = nn.Weights.from_arrays(cut, arrays)
        network = Network(cut, Parameters(weights.flat, weights.mean, weights.variance), feeder.x)
        network.infer()
        found.append(network.outputs.astype(np.float64))
    return found


def _empty(trials: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The running statistics of networks without batch norm."""
    return np.zeros((trials, 0), np.float32), np.ones((trials, 0), np.float32)


def spread(layers: Sequence[Floats], end: float) -> Spread:
    """Figures of the activations (units, n) of each layer."""
    edges = np.linspace(0.0, end, BINS + 1)
    counts = [np.histogram(np.clip(layer, 0.0, end), edges)[0] / layer.size for layer in layers]
    return Spread(
        mean=np.array([layer.mean() for layer in layers]),
        sd=np.array([layer.std() for layer in layers]),
        by_example=np.array([layer.std(axis=1).mean() for layer in layers]),
        rms=np.array([np.sqrt(np.mean(np.square(layer))) for layer in layers]),
        extreme=np.array([np.mean((layer < NEAR) | (layer > 1 - NEAR)) for layer in layers]),
        zeros=np.array([np.mean(layer == 0.0) for layer in layers]),
        shares=np.array(counts),
    )


def findings(result: Result) -> list[Finding]:
    """The six pictures in figures."""
    sigmoid, relu = result["sigmoid"], result["relu"]
    one, small, xavier = sigmoid["std 1"], sigmoid["std 0.01"], sigmoid["Xavier"]
    lost, falling, he = relu["std 0.01"], relu["Xavier"], relu["He"]
    return [
        Finding(
            "Sigmoid, std 1: activations pile up at 0 and 1, where the gradient vanishes.",
            f"{one.extreme.min():.0%} to {one.extreme.max():.0%} of a layer's activations lie within "
            f"{NEAR} of 0 or 1",
            judged(bool(one.extreme.min() > 0.5)),
        ),
        Finding(
            "Sigmoid, std 0.01: activations gather at 0.5; the units say all the same.",
            f"layer 5: mean {small.mean[-1]:.3f}, sd {small.sd[-1]:.3f}; from one "
            f"example to the next a unit changes by {small.by_example[-1]:.1e}",
            judged(abs(small.mean[-1] - 0.5) < 0.05, bool(small.sd[-1] < 0.05)),
        ),
        Finding(
            "Sigmoid, Xavier: the activations are spread wider than with std 0.01.",
            f"sd in layer 5: {xavier.sd[-1]:.3f} against {small.sd[-1]:.3f}; in layer 1 "
            f"{xavier.sd[0]:.3f}",
            judged(bool((xavier.sd > small.sd).all()), bool(xavier.extreme.max() < 0.2)),
        ),
        Finding(
            "ReLU, std 0.01: hardly anything gets through.",
            f"root mean square in layers 1 to 5: {_listed(lost.rms)}",
            judged(bool(lost.rms[-1] < 0.01 * lost.rms[0])),
        ),
        Finding(
            "ReLU, Xavier: activations drift towards 0 layer by layer.",
            f"root mean square in layers 1 to 5: {_listed(falling.rms)}",
            judged(bool((np.diff(falling.rms) < 0).all())),
        ),
        Finding(
            "ReLU, He: the spread is the same in every layer.",
            f"root mean square in layers 1 to 5: {_listed(he.rms)}",
            judged(bool(he.rms.max() < 2.0 * he.rms.min())),
        ),
    ]


def _listed(values: Floats) -> str:
    return ", ".join(f"{v:.2g}" for v in values)


def figures(result: Result) -> Sequence[Figure]:
    """One figure for each activation: a row for each way to start, a column for each layer."""
    found = []
    for activation, cases in result.items():
        centres = (np.arange(BINS) + 0.5) * ENDS[activation] / BINS
        panels = [
            Panel(
                f"{case}, layer {layer + 1}",
                Axis(ends=(0.0, ENDS[activation])),
                Axis(),
                [Series(NAMES[activation], centres, spread.shares[layer], "bars")],
            )
            for case, spread in cases.items()
            for layer in range(LAYERS)
        ]
        found.append(grid(panels, columns=LAYERS, height=150))
    return found


EXPERIMENT = Experiment(
    title="Activations of fresh networks",
    about=(
        "Five hidden layers of 100 units, no training, 1,000 real images scaled to mean 0 and "
        "about mean square 1 (the chapter feeds random numbers of that size). Histograms of all "
        "activations of a layer: a row for each way to draw the initial weights, a column for "
        "each layer; upwards the share of the activations, whose scale differs from panel to "
        "panel."
    ),
    run=run,
    findings=findings,
    figures=figures,
    cost=0.1,
)
