"""A part of the stored rows, computed again: whether the peers, and we, still answer as we did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks.search.options import Options
from benchmarks.search.peers import ours
from benchmarks.search.peers.listed import Job
from benchmarks.search.peers.problems import start_of
from benchmarks.search.peers.search import FailedError, Session, python_of, session
from benchmarks.search.peers.stored import Key, PeerRows, rounded

SHARE = 0.1  # of a peer's rows, one at the least
CLOSE = 1e-4  # accuracy points, or their hundredth on HPOBench: what another processor may change


@dataclass
class Outcome:
    """Rows of a peer that were computed again: how many, those that differ, or why none was."""

    again: int = 0
    of: int = 0
    differ: Sequence[str] = ()
    not_run: str = ""


def chosen(rows: PeerRows, seed: int) -> list[Key]:
    """A tenth of a peer's rows, by `seed`."""
    keys = sorted(rows.rows, key=str)
    if not keys:
        return []
    rng = np.random.default_rng([seed, *rows.peer.key.encode()])
    count = max(1, round(SHARE * len(keys)))
    return [keys[k] for k in sorted(rng.choice(len(keys), count, replace=False))]


def outcome_of(rows: PeerRows, options: Options) -> Outcome:
    """Run the chosen searches of a peer again."""
    drawn = chosen(rows, options.recheck_seed)
    keys = [key for key in drawn if rows.rows[key]["cpu"] <= options.recheck_seconds]
    outcome = Outcome(of=len(rows.rows))
    if len(keys) < len(drawn):
        outcome.not_run = f"a search takes more than {options.recheck_seconds:g} s of CPU time"
    if not drawn:
        outcome.not_run = "nothing stored"
    elif options.venvs is None or not python_of(options.venvs, rows.peer.venv).exists():
        outcome.not_run = "not installed here"
    elif keys:
        store = options.peers(f"again-{options.recheck_seed}")
        with session(rows.peer, options.venvs) as peer:
            for key in keys:
                name = f"{rows.peer.key}/{'/'.join(map(str, key))}"
                try:
                    row = store.get(name, partial(_searched, peer, rows, key))
                except FailedError as error:
                    outcome.not_run = str(error)
                    break
                outcome.again += 1
                if not agree(row["values"], rows.rows[key]["values"]):
                    outcome.differ = [*outcome.differ, name]
    return outcome


def outcome_of_ours(options: Options) -> Outcome:
    """Run a tenth of our own searches again, however long they take: rows of ours name no build."""
    stored = ours.kept(options.own_cache).rows
    outcome, keys = Outcome(of=len(stored)), sorted(stored)
    if options.stored_only:
        outcome.not_run = "no search of ours is begun"
        return outcome
    rng = np.random.default_rng(options.recheck_seed)
    drawn = [keys[k] for k in rng.permutation(len(keys))[: -(-len(keys) // 10)]]
    for key in drawn:
        outcome.again += 1
        if not agree(rounded(ours.searched(ours.job_of(key))["values"]), stored[key]["values"]):
            outcome.differ = [*outcome.differ, key]
    return outcome


def _searched(peer: Session, rows: PeerRows, key: Key) -> dict[str, Any]:
    problem, noise, task, seed = key
    objective = ours.objective_of(Job(rows.peer.key, problem, noise, task, seed))
    return {"values": rounded(peer.searched(objective, start_of(task, seed))["values"])}


def agree(now: Sequence[float], then: Sequence[float]) -> bool:
    """True where every recommendation is worth the same."""
    return len(now) == len(then) and bool(np.allclose(now, then, rtol=0.0, atol=CLOSE))


def section(peers: Mapping[str, PeerRows], options: Options) -> str:
    """The lines of the report on what was computed again."""
    outcomes = {key: outcome_of(rows, options) for key, rows in peers.items()}
    if options.ours:
        outcomes["ours"] = outcome_of_ours(options)
    return worded(outcomes, options.recheck_seed)


def worded(outcomes: Mapping[str, Outcome], seed: int) -> str:
    """Rows that were computed again, and the differences that came of it."""
    again = sum(one.again for one in outcomes.values())
    differ = [name for one in outcomes.values() for name in one.differ]
    lines = [
        f"### Stored rows computed again\n\nA tenth of each contender's rows, chosen by seed {seed}: "
    ]
    if not again:
        lines.append("none was computed again.")
    elif differ:
        lines.append(
            f"**{len(differ)} of {again} do not agree** with what is stored: {', '.join(differ)}."
        )
    else:
        lines.append(f"all {again} agree with what is stored.")
    missing = [
        f"{key} ({one.again} of its rows; {one.not_run})"
        for key, one in outcomes.items()
        if one.not_run and one.of
    ]
    if missing:
        lines.append(f" Not, or not all of it: {', '.join(missing)}.")
    return "".join(lines) + "\n"
