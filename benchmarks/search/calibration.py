"""Calibration of the statements of a result, on planted functions.

Functions of two or three hyperparameters with a known best, one of them without any effect in
half of the cases; searches with every default of the product.

(i)   the final range holds the best value of every hyperparameter that has an effect
(ii)  the final range holds a point within one noise sd of the best
(iii) where it says "unidentified", the noise-free effect inside the range is below the noise sd

The second follows from the recommendation, which the range always holds: a single point within
the noise of the best would do. The first is the one that a reader takes a range for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks.search import markdown, product
from benchmarks.search.axes import Axis
from benchmarks.search.cache import Row
from benchmarks.search.options import Options
from hpsearch.arrays import Floats, Ints
from hpsearch.trials import Verdict

SEARCHES = 200
EXAMPLES = 1000  # of the validation part that hpsearch is told of
LAST = 8  # epochs of a full training
SIDE = 33  # points a side that the best inside a range is taken from
AXES = (
    Axis("learning_rate", "learning_rate", 1e-5, 1.0, log=True),
    Axis("weight_decay", "weight_decay", 1e-8, 1e-1, log=True),
    Axis("dropout", "dropout", 0.0, 0.8),
)


@dataclass(frozen=True, slots=True)
class Planted:
    """score = top - sum_i effects_i |r_i|^1.5, never below the floor; r = u - best, u in the cube.

    An effect of 0 is a hyperparameter without effect; `mixing` adds a share of the second
    offset to the first, so that the two interact.
    """

    best: Floats
    effects: Floats
    mixing: float
    top: float
    floor: float
    noise: float

    @classmethod
    def drawn(cls, rng: np.random.Generator, dimensions: int, *, irrelevant: bool) -> Planted:
        """A random function; effects are 3 to 60 noise sds for an offset of a whole range."""
        noise = float(10 ** rng.uniform(-2.5, -1.7))
        effects = noise * 10 ** rng.uniform(np.log10(3), np.log10(60), dimensions)
        if irrelevant:
            effects[rng.integers(dimensions)] = 0.0
        mixing = float(rng.choice([0.0, 0.0, 0.5, -0.5])) * bool(effects[1] > 0)
        best, top = rng.uniform(0.05, 0.95, dimensions), float(rng.uniform(0.75, 0.95))
        return cls(best, effects, mixing, top, top - 0.6, noise)

    def true(self, units: Floats) -> Floats:
        """Noise-free score (n,) after a full training at places (n, d)."""
        offset = units - self.best
        offset[:, 0] += self.mixing * offset[:, 1]
        return np.maximum(self.top - np.abs(offset) ** 1.5 @ self.effects, self.floor)

    def learned(self, units: Floats, epochs: int) -> Floats:
        """The score after some of the epochs: a curve that rises to the full one."""
        share = 1 - np.exp(-3 * epochs / LAST)
        return self.floor + (self.true(units) - self.floor) * share / (1 - np.exp(-3))


def run(seed: int) -> Row:
    """Run a search with the product's defaults, and check its statements."""
    rng = np.random.default_rng([seed, SEARCHES])
    dimensions, irrelevant = 2 + seed % 2, seed // 2 % 2 == 0
    planted = Planted.drawn(rng, dimensions, irrelevant=irrelevant)
    axes = AXES[:dimensions]

    def units(values: Floats) -> Floats:
        return np.stack([axis.units(values[:, k]) for k, axis in enumerate(axes)], axis=1)

    def scores(values: Floats, epochs: int, _: Ints) -> Floats:
        exact = planted.learned(units(values), epochs)
        return exact + planted.noise * rng.standard_normal(len(values))

    resolved = product.spec(axes, examples=EXAMPLES, seed=seed)
    search = product.Search(resolved, scores, EXAMPLES).run()
    assert search.final is not None
    box = np.clip(units(search.edges), 0.0, 1.0)
    verdicts = {d.name: d.verdict for d in search.final.decisions}
    return {
        "regret": (planted.top - float(planted.true(units(search.recommended[None]))[0]))
        / planted.noise,
        "missed": (planted.top - reach(planted, box)) / planted.noise,
        "effects": [effect(planted, box, k) / planted.noise for k in range(dimensions)],
        "planted": (planted.effects > 0).tolist(),
        "widths": (box[1] - box[0]).tolist(),
        "verdicts": [str(verdicts[axis.ours]) for axis in axes],
        "holds": [
            bool(low <= best <= high)
            for low, best, high in zip(*box[:1], planted.best, *box[1:], strict=True)
        ],
        "trials": len(search.seen),
    }


def reach(planted: Planted, box: Floats) -> float:
    """The best noise-free score inside `box` (2, d)."""
    sides = [np.linspace(low, high, SIDE) for low, high in box.T]
    mesh = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, box.shape[1])
    nearest = np.clip(planted.best, box[0], box[1])[None]
    return float(planted.true(np.concatenate([mesh, nearest])).max())


def effect(planted: Planted, box: Floats, dimension: int) -> float:
    """Largest minus least score along one side of `box`, the others at the best."""
    places = np.repeat(planted.best[None], 201, axis=0)
    places[:, dimension] = np.linspace(*box[:, dimension], 201)
    scores = planted.true(places)
    return float(scores.max() - scores.min())


def section(options: Options) -> str:
    """The benchmark's part of the report."""
    if not options.ours:
        return ""
    store, count = options.own("calibration"), options.seeds or SEARCHES
    rows = [store.get(str(seed), partial(run, seed)) for seed in range(count)]
    said = [s for row in rows for s in _statements(row)]
    quiet = [s for s in said if s["verdict"] == Verdict.UNIDENTIFIED]
    missed = np.array([row["missed"] for row in rows])
    best = [all(s["held"] for s in _statements(row) if s["planted"]) for row in rows]
    holds = [
        ("the range holds the best value of every hyperparameter with an effect", np.array(best)),
        ("the range holds a point within the noise sd of the best", missed <= 1.0),
    ]
    holds.append(("unidentified: the effect in the range is below the noise sd",
                  np.array([s["effect"] < 1.0 for s in quiet])))  # fmt: skip
    flat = [s for s in said if not s["planted"]]
    return (
        f"## Calibration: {len(rows)} simulated searches with every default\n\n"
        + markdown.table(
            ["statement", "made", "holds", "standard error"],
            [[name, str(len(held)), *_share(held)] for name, held in holds],
        )
        + f"\n- hyperparameters without effect: {len(flat)}, called unidentified: "
        f"{np.mean([s['verdict'] == Verdict.UNIDENTIFIED for s in flat]):.1%}\n"
        + f"- recommendations within the noise sd of the best: "
        f"{np.mean([row['regret'] <= 1.0 for row in rows]):.1%}\n"
        + _quiet_effects(quiet)
        + _widths(said)
        + f"- regret of the recommendation in noise sds: median "
        f"{np.median([row['regret'] for row in rows]):.2f}, 90 % below "
        f"{np.quantile([row['regret'] for row in rows], 0.9):.2f}\n"
    )


def _statements(row: Row) -> list[dict[str, Any]]:
    names = ("effects", "planted", "widths", "verdicts", "holds")
    return [
        dict(zip(("effect", "planted", "width", "verdict", "held"), values, strict=True))
        for values in zip(*(row[name] for name in names), strict=True)
    ]


def _share(held: Floats) -> list[str]:
    if not len(held):
        return ["-", "-"]
    share = float(held.mean())
    return [f"{share:.1%}", f"{np.sqrt(share * (1 - share) / len(held)):.1%}"]


def _quiet_effects(quiet: Sequence[dict[str, Any]]) -> str:
    if not quiet:
        return ""
    middle, high = np.quantile([s["effect"] for s in quiet], [0.5, 0.9])
    return (
        f"- effect in the range where unidentified: median {middle:.2f} noise sds, "
        f"90 % below {high:.2f}\n"
    )


def _widths(said: Sequence[dict[str, Any]]) -> str:
    lines = []
    for verdict in sorted({s["verdict"] for s in said}):
        widths = [s["width"] for s in said if s["verdict"] == verdict]
        low, middle, high = np.quantile(widths, [0.1, 0.5, 0.9])
        lines.append(
            f"- final width where {verdict} ({len(widths)}): median {middle:.2f} of the asked "
            f"range, 80 % between {low:.2f} and {high:.2f}\n"
        )
    return "".join(lines)
