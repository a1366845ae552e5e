"""The gain over a baseline: how often a recommendation is worse, and how honest the interval is.

    python benchmarks/baseline.py [--seeds 5] [--files penguins ...] [--cache var/files]

Real tables, most of whose rows are held back as the sealed test part; every seed draws other rows to
train on. `gains` compares against the default learning rate and weight decay, `gains, good` against a
setting that is hard to beat, inside the ranges. In `nulls` the true gain is 0: labels are shuffled among equally frequent classes, or the search looks where nothing has an
effect, and the baseline lies outside, so that it is never the recommendation itself.

Prints a line for each search, and the shares at the end.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import datasets as bundled

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.files import listed
from benchmarks.files.shuffled import shuffle
from hpsearch.data.parse.parameters import reading_of
from hpsearch.report.views import GainView, ResultView
from hpsearch.service import Services
from hpsearch.settings import load
from hpsearch.training import Trainer
from hpsearch.training.final import run_final
from hpsearch.trials import RoundKind
from hpsearch.wiring import build
from migrations.schema import Database

OWNER, RUN = "benchmark", "benchmark"
TRAINED = {"iris": 60, "wine": 70, "breast_cancer": 150, "digits": 300}  # rows; the rest is sealed
MOST = 800  # rows of a listed file
SEARCH: dict[str, Any] = {
    "model": {"hidden_sizes": [20]},
    "rounds": 4,
    "trials_per_round": 16,
    "epochs": {"first": 2, "last": 16},
    "sampler": "gp",
    "final": {"epochs": 16},
}
RATE = {"low": 1e-4, "high": 1.0, "scale": "log"}
DECAY = {"low": 1e-8, "high": 1e-2, "scale": "log"}
REAL = {
    "space": {"learning_rate": RATE, "weight_decay": DECAY},
    "baseline": {"learning_rate": 0.01, "weight_decay": 0.0},
}
GOOD = {**REAL, "baseline": {"learning_rate": 0.1, "weight_decay": 1e-4}}
SHUFFLED = {
    "space": {"learning_rate": {"low": 0.02, "high": 0.5, "scale": "log"}},
    "baseline": {"learning_rate": 0.01},
}
NO_EFFECT = {
    "model": {"hidden_sizes": [20], "learning_rate": 0.1},
    "space": {"weight_decay": {"low": 1e-12, "high": 1e-10, "scale": "log"}},
    "baseline": {"weight_decay": 1e-9},
}


@dataclass
class Tally:
    """The gains of one kind of searches."""

    views: list[GainView] = field(default_factory=list)

    @property
    def judged(self) -> list[GainView]:
        """Those with an interval."""
        return [view for view in self.views if view.low is not None]

    def lines(self) -> Iterator[str]:
        """What came of them."""
        same = sum(view.same_setting for view in self.views)
        none = len(self.views) - len(self.judged) - same
        yield f"{len(self.views)} searches, {same} recommend the baseline itself, {none} no verdict"
        values = [view.value for view in self.views if view.value is not None]
        worse = [view.high is not None and view.high < 0 for view in self.views]
        better = [view.low is not None and view.low > 0 for view in self.views]
        yield f"  mean gain {np.mean(values):+.4f} (lowest {min(values):+.4f})"
        yield f"  worse by more than noise: {_share(worse)}; better: {_share(better)}"
        zero = [(v.low or 0) <= 0 <= (v.high or 0) for v in self.judged]
        yield f"  interval holds 0: {_share(zero)}"


def _share(hit: Sequence[bool]) -> str:
    return f"{sum(hit)} of {len(hit)}" + (f" ({sum(hit) / len(hit):.1%})" if hit else "")


def main() -> None:
    options = argparse.ArgumentParser(prog="benchmarks/baseline.py", description=__doc__)
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--first", type=int, default=0, help="the first seed")
    options.add_argument("--files", nargs="*", default=[], help="ids of benchmarks/files/list.toml")
    options.add_argument("--cache", type=Path, default=Path("var/files"))
    chosen = options.parse_args()
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    tallies: dict[str, Tally] = {}
    with tempfile.TemporaryDirectory() as home, _service(Path(home)) as services:
        for kind, name, spec in _searches(services, seeds, chosen, Path(home)):
            result = _completed(services, {**SEARCH, **spec})
            assert result.gain is not None
            tallies.setdefault(kind, Tally()).views.append(result.gain)
            print(kind, name, spec["seed"], _line(result), flush=True)
    for kind, tally in tallies.items():
        print(f"\n{kind}: ", end="")
        print("\n".join(tally.lines()))


def _service(home: Path) -> Services:
    url = f"sqlite:///{home}/hpsearch.db"
    database = Database(url)
    database.upgrade()
    database.close()
    return build(load(home=home, database_url=url, sqlite_synchronous="NORMAL"))


def _searches(
    services: Services, seeds: Sequence[int], chosen: argparse.Namespace, home: Path
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Kind, table and spec of every search, whose dataset is uploaded then."""
    files = listed.files(chosen.files) if chosen.files else []
    places = listed.fetch(files, chosen.cache) if files else {}
    for seed in seeds:
        for name, trained in TRAINED.items():
            x, y = getattr(bundled, f"load_{name}")(return_X_y=True)
            rows = np.random.default_rng([seed, 77]).permutation(len(y))
            put = _upload(services, home, f"{name}-{seed}", x[rows], y[rows], trained)
            yield "gains", name, {"dataset": put, "seed": seed, **REAL}
            yield "gains, good", name, {"dataset": put, "seed": seed, **GOOD}
            yield "nulls, no effect", name, {"dataset": put, "seed": seed, **NO_EFFECT}
            rng = np.random.default_rng([seed, 78])
            even = _balanced(y, rng)
            shuffled = rng.permutation(y[even])
            put = _upload(services, home, f"{name}-{seed}-null", x[even], shuffled, trained)
            yield "nulls, shuffled labels", name, {"dataset": put, "seed": seed, **SHUFFLED}
        for file in files:
            sent = shuffle(file, places[file.id], home / "file", seed=seed, most=MOST)
            words = file.words() | {"filename": sent.name}
            put = f"{file.id}-{seed}"
            services.datasets.put(
                put, sent, content_type="application/octet-stream", owner=OWNER,
                reading=reading_of(words),
            )  # fmt: skip
            yield "gains", file.id, {"dataset": put, "seed": seed, **REAL}
            yield "gains, good", file.id, {"dataset": put, "seed": seed, **GOOD}


def _balanced(y: np.ndarray[Any, Any], rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Rows with each class as often as the rarest one, in a drawn order."""
    least = np.bincount(y).min()
    rows = [rng.permutation(np.flatnonzero(y == k))[:least] for k in np.unique(y)]
    made: np.ndarray[Any, Any] = rng.permutation(np.concatenate(rows))
    return made


def _upload(services: Services, home: Path, name: str, x: Any, y: Any, train: int) -> str:
    """Store a table whose first rows are trained on, all others sealed."""
    file = home / "table.npz"
    np.savez(file, x=x[:train], y=y[:train], x_test=x[train:], y_test=y[train:])
    services.datasets.put(name, file, content_type="application/octet-stream", owner=OWNER)
    return name


def _completed(services: Services, spec: dict[str, Any]) -> ResultView:
    """Run a search in this process, one job after the other."""
    work, trainer = services.jobs, Trainer(services.files)
    status, _ = services.searches.submit(spec, owner=OWNER)
    while services.searches.status(status.id, owner=OWNER).finished_at is None:
        work.advance_due()
        for hint in work.hints():
            order = work.claim(hint, worker_run=RUN)
            assert order is not None  # nobody else takes it
            if order.kind is RoundKind.FINAL:
                opened = lambda hint=hint: work.open_test(hint, worker_run=RUN)  # noqa: E731
                report = run_final(trainer, order, open_test=opened)
            else:
                report = trainer.run(order)
            work.finish(hint, report, worker_run=RUN)
    return services.searches.result(status.id, owner=OWNER)


def _line(result: ResultView) -> str:
    gain = result.gain
    assert gain is not None
    if gain.same_setting:
        return "same setting"
    ends = (
        "" if gain.low is None else f" [{gain.low:+.4f}, {gain.high:+.4f}] p={gain.probability:.3f}"
    )
    kept = f" kept {', '.join(result.recommended.kept)}" if result.recommended.kept else ""
    return f"{gain.value:+.4f}{ends}{kept} trainings {result.recommended.trainings}"


if __name__ == "__main__":
    main()
