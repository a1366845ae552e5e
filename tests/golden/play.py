"""Plays the golden searches over the HTTP routes; run as a process it prints what came of them.

python -P -m golden.play > OUTCOMES        (golden.__main__ sets its environment)
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from golden.inside import Inside, count_ids, inside, numbers_of
from golden.searches import SEARCHES

ENDED = ("completed", "failed", "cancelled")
DIGITS = 6  # of a number among the facts, which are there to be read
PAGE = 200  # trials
# The digest counts what was right; these hold every bit that was computed on the way.
TRIAL = ("id", "state", "role", "params", "epochs", "validation_loss", "score", "curve", "cohort")
DECISION = ("verdict", "before", "after", "numbers")
EVIDENCE = ("noise_sd", "expected_gain", "importance", "frontier", "agreement")


class Player:
    """One search after the other, on one service."""

    def __init__(self, service: Inside) -> None:
        self._service = service
        self._ids: dict[str, str] = {}

    def play(self, name: str) -> dict[str, Any]:
        """Submit a search, run it to its end, and say what came of it."""
        golden = SEARCHES[name]
        spec = {**golden["spec"], "name": name}
        if "warm_start" in spec:
            spec["warm_start"] = [self._earlier(one) for one in spec["warm_start"]]
        search = self._ids[name] = self._service.call("POST", "/searches", spec)["id"]
        steps = dict(golden.get("steps", {}))
        trainers = [Trainer(self._service, search) for _ in range(golden.get("trainers", 0))]
        for _ in count():
            self._service.advance()
            if self._service.call("GET", f"/searches/{search}")["state"] in ENDED:
                break
            begun = len(rounds_of(self._service, search))
            if begun in steps:
                work(self._service, trainers, at_most=1)
                for step in steps.pop(begun):
                    self._take(search, step, trainers)
            work(self._service, trainers)
        assert not steps, f"{name} never came to {steps}"
        return self._outcome(search)

    def _earlier(self, one: Any) -> Any:
        return self._ids[one.removeprefix("@")] if isinstance(one, str) else one

    def _take(self, search: str, step: Mapping[str, Any], trainers: Sequence[Trainer]) -> None:
        if "edit" in step:
            self._service.call("PATCH", f"/searches/{search}", step["edit"])
            return
        self._service.call("POST", f"/searches/{search}/pause")
        for trainer in trainers:
            trainer.finish()  # a trial that is held is trained to its end
        assert work(self._service, trainers) == 0
        self._service.call("POST", f"/searches/{search}/resume")

    def _outcome(self, search: str) -> dict[str, Any]:
        rounds = rounds_of(self._service, search)
        status = self._service.call("GET", f"/searches/{search}")
        made: dict[str, Any] = {"digest": None, "shape": _shape(status, rounds)}
        if status["state"] != "completed":
            return {**made, "facts": {"reason": status["reason"]}}
        result = self._service.call("GET", f"/searches/{search}/result")
        assert result["digest"], result["digest_reason"]
        made["digest"] = result["digest"]
        bits = self._bits(search, rounds, external=status["dataset"] is None)
        return {**made, "bits": bits, "facts": _facts(result, rounds)}

    def _bits(
        self, search: str, rounds: Sequence[Mapping[str, Any]], *, external: bool
    ) -> dict[str, str]:
        """Digests of every number that was computed."""
        decided = [
            [{n: _picked(d, DECISION) for n, d in r["decisions"].items()},
             _picked(r["evidence"] or {}, EVIDENCE)]
            for r in rounds
        ]  # fmt: skip
        bits = {"trials": _sha256(self._trials(search)), "decisions": _sha256(decided)}
        if external:
            return bits
        return {**bits, "model": self._service.model_sha256(f"/searches/{search}/model")}

    def _trials(self, search: str) -> list[dict[str, Any]]:
        path, cursor = f"/searches/{search}/trials?curve=true&limit={PAGE}", ""
        trials: list[dict[str, Any]] = []
        while True:
            page = self._service.call("GET", path + cursor)
            trials += [_picked(trial, TRIAL) for trial in page["items"]]
            if page["next"] is None:
                return trials
            cursor = f"&cursor={page['next']}"


class Trainer:
    """A trainer outside the service, who trains by a formula, one epoch at a time."""

    def __init__(
        self,
        service: Inside,
        search: str,
        *,
        order: Mapping[str, Any] | None = None,
        epoch: int = 0,
    ) -> None:
        self._service, self._search = service, search
        self._order = order
        self._epoch = epoch

    @property
    def order(self) -> Mapping[str, Any] | None:
        """The trial that it holds."""
        return self._order

    def step(self) -> bool:
        """Train one epoch of a trial; False where none is open."""
        search = f"/searches/{self._search}"
        if self._order is None and self._service.call("GET", search)["state"] not in ENDED:
            self._order, self._epoch = self._service.call("POST", f"{search}/trials/claim"), 0
        if self._order is None:
            return False
        self._epoch += 1
        if self._report(self._order)["stop"]:
            self._order = None
        return True

    def finish(self) -> None:
        """Train what is held to its end."""
        while self._order is not None:
            self.step()

    def _report(self, order: Mapping[str, Any]) -> Any:
        score = scored(order["params"], self._epoch, order["seed"])
        said = {"state": "diverged"} if score is None else {"score": score, "loss": -score}
        return self._service.call(
            "POST",
            f"/searches/{order['search']}/trials/{order['trial']}/report",
            {"token": order["lease"]["token"], "epoch": self._epoch, **said},
        )


def rounds_of(service: Inside, search: str) -> list[dict[str, Any]]:
    """The rounds of a search that have begun."""
    rounds: list[dict[str, Any]] = service.call("GET", f"/searches/{search}/rounds")["items"]
    return rounds


def scored(params: Mapping[str, Any], epoch: int, seed: int) -> float | None:
    """A score that is highest at alpha = 0.02 and depth = 6; the largest alphas diverge.

    Plain arithmetic, so that every machine reports the same score.
    """
    alpha, depth = params["alpha"], params["depth"]
    if alpha > 0.8:
        return None
    away = (alpha - 0.02) / (alpha + 0.02)
    kernel = 0.3 if params["kernel"] == "flat" else 0.0
    return float(
        -(away * away) - ((depth - 6) / 10) ** 2 - kernel - 0.5 / epoch + seed % 1000 / 1e5
    )


def work(service: Inside, trainers: Sequence[Trainer], *, at_most: int | None = None) -> int:
    """Train all that is open, or so many jobs and epochs; how much that was."""
    if not trainers:
        done = service.train(at_most=at_most)
        while at_most is None and done and (more := service.train()):
            done += more
        return done
    done = 0
    while at_most is None or done < at_most:
        stepped = sum(trainer.step() for trainer in trainers)
        if not stepped:
            break
        done += stepped
    return done


def _shape(status: Mapping[str, Any], rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What hangs on no last bit: states, kinds of rounds, rungs, numbers of trials."""
    return {
        "state": status["state"],
        "edits": len(status["edits"]),
        "warm_start": len(status["warm_start"]),
        "rounds": [f"{r['kind']} {r['trials']['planned']} trials, rungs {r['rungs'] or r['epochs']}"
                   for r in rounds],
    }  # fmt: skip


def _picked(view: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: view.get(name) for name in names}


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _facts(result: Mapping[str, Any], rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What makes a difference readable."""
    return _rounded({
        "ranges": {name: _range(shown) for name, shown in result["ranges"].items()},
        "verdicts": [" ".join(f"{name}={d['verdict']}" for name, d in sorted(r["decisions"].items()))
                     for r in rounds],
        "trials": [" ".join(f"{state}={n}" for state, n in r["trials"].items()
                            if n and state != "planned") for r in rounds],
        "recommended": result["recommended"]["params"],
        "best_trial": result["best_trial"]["trial"],
        "score": result["recommended"]["score"],
        "test": {name: result["test"][name] for name in ("accuracy", "ensemble_accuracy", "score")},
        "optimism": result["optimism"],
    })  # fmt: skip


def _range(shown: Mapping[str, Any]) -> Any:
    if shown.get("choices") is not None:
        return shown["choices"]
    return [shown["low"], shown["high"]]


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list) else value


def main() -> None:
    """Play every search in this process and print what came of it as JSON."""
    count_ids()
    with tempfile.TemporaryDirectory() as folder, inside(Path(folder)) as service:
        player = Player(service)
        outcomes = {name: player.play(name) for name in SEARCHES}
    json.dump({"fingerprint": numbers_of(), "searches": outcomes}, sys.stdout)


if __name__ == "__main__":
    main()
