"""How the optimizers walk down a valley that is twenty times longer than wide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hpsearch import nn
from hpsearch.figures import Axis, Contour, Figure, Panel, Series, grid
from hpsearch.lab.data import LabData
from hpsearch.lab.experiment import Experiment, Finding, judged
from hpsearch.nn.optimizers import Rates

Floats = NDArray[np.float64]

NAMES = {
    "sgd": "SGD", "momentum": "momentum", "adagrad": "AdaGrad", "rmsprop": "RMSProp", "adam": "Adam",
}  # fmt: skip
START = (-7.0, 2.0)
STEPS = 30
# The chapter's learning rates; it does not draw RMSProp, whose rate is ours.
RATES = {"sgd": 0.95, "momentum": 0.1, "adagrad": 1.5, "rmsprop": 0.3, "adam": 0.3}


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """The places (STEPS + 1, 2) that one optimizer went through, the start first."""

    optimizer: str
    places: Floats

    @property
    def turns(self) -> int:
        """How often y changed its sign: the zigzag across the valley."""
        signs = np.sign(self.places[:, 1])
        return int(np.count_nonzero(signs[1:] * signs[:-1] < 0))

    @property
    def sway(self) -> float:
        """The way made along y, in multiples of the way there was to go."""
        return float(np.abs(np.diff(self.places[:, 1])).sum() / START[1])

    @property
    def detour(self) -> float:
        """The length of the path in multiples of the straight way to the minimum."""
        legs = [float(np.hypot(*(b - a))) for a, b in pairwise(self.places)]
        return sum(legs) / float(np.hypot(*START))

    @property
    def distance(self) -> float:
        """How far from the minimum it ended."""
        return float(np.hypot(*self.places[-1]))


def gradient(place: Floats) -> Floats:
    """(2,) of f(x, y) = x²/20 + y²."""
    slopes: Floats = place * np.array([0.1, 2.0])
    return slopes


def walk(optimizer: str, learning_rate: float, steps: int) -> Path:
    """Drive the engine's own optimizer over f: one trial with two parameters, in float64."""
    rule = nn.OPTIMIZERS[optimizer]
    constants = {c.name: np.array([c.default]) for c in rule.constants}
    rates = Rates(np.array([learning_rate]), np.zeros(1), constants)
    place = np.array([START])
    state = tuple(np.zeros_like(place) for _ in range(rule.states))
    places = [place[0].copy()]
    for t in range(1, steps + 1):
        columns = tuple(column[:, None] for column in rule.coefficients(rates, t))
        rule.update(place, gradient(place), state, columns, np.empty_like(place))
        places.append(place[0].copy())
    return Path(optimizer, np.array(places))


def run(data: LabData, seed: int, *, quick: bool) -> dict[str, Path]:
    """All paths by optimizer; the data, the seed and the hurry make no difference."""
    return {name: walk(name, rate, STEPS) for name, rate in RATES.items()}


def findings(paths: dict[str, Path]) -> list[Finding]:
    """The claims about each optimizer's path."""
    sgd, momentum, adagrad, adam = (paths[n] for n in ("sgd", "momentum", "adagrad", "adam"))
    return [
        Finding(
            "SGD zigzags, because the gradient does not point to the minimum; that is inefficient.",
            f"{_told(sgd)}",
            judged(sgd.turns > STEPS / 2, sgd.detour > 1.5),
        ),
        Finding(
            "Momentum rolls like a ball in a bowl and zigzags less than SGD.",
            f"{_told(momentum)}; SGD swayed {sgd.sway:.1f} times",
            judged(momentum.turns < sgd.turns, momentum.sway < sgd.sway),
        ),
        Finding(
            "AdaGrad heads efficiently for the minimum, as it damps the steep direction.",
            f"{_told(adagrad)}",
            judged(adagrad.sway < momentum.sway, adagrad.detour < 1.5, adagrad.distance < 0.5),
        ),
        Finding(
            "Adam moves like momentum, with less sway.",
            f"{_told(adam)}; momentum swayed {momentum.sway:.1f} times and ended "
            f"{momentum.distance:.2f} away",
            judged(adam.sway < momentum.sway, adam.detour < momentum.detour),
        ),
    ]


def _told(path: Path) -> str:
    return (
        f"crossed the valley {path.turns} times in {STEPS} steps, swayed {path.sway:.1f} times the "
        f"way along y, went {path.detour:.2f} times the straight way, ended {path.distance:.2f} "
        "from the minimum"
    )


def figures(paths: dict[str, Path]) -> Sequence[Figure]:
    """A map of f with each path."""
    x, y = np.linspace(-8, 8, 81), np.linspace(-3.2, 3.2, 65)
    contour = Contour(x, y, np.sqrt(x[None, :] ** 2 / 20 + y[:, None] ** 2))
    goal = Series("minimum", np.zeros(1), np.zeros(1), "points")
    panels = [
        Panel(
            f"{NAMES[name]}, learning rate {RATES[name]:g}",
            Axis("x", ends=(-8, 8)),
            Axis("y", ends=(-3.2, 3.2)),
            [Series("path of 30 steps", path.places[:, 0], path.places[:, 1], "both"), goal],
            contour,
        )
        for name, path in paths.items()
    ]
    return [grid(panels, columns=3, height=230, shared=True)]


EXPERIMENT = Experiment(
    title="Optimizer paths",
    about=(
        "Thirty steps on f(x, y) = x²/20 + y² from (-7, 2), with the engine's own optimizers on "
        "a network of two parameters. The learning rates are the chapter's; RMSProp's is ours."
    ),
    run=run,
    findings=findings,
    figures=figures,
    cost=0.0,
)
