"""hpsearch against its peers: their stored rows, ours beside them on the same searches.

A regret is (best - f) / (best - median) of the noise-free value of what is recommended; best and
median of random full trainings. Searches are paired by task, seed and luck (`peers.problems`), so
the differences are the figures to read: the means are of whatever searches a peer has.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.search import lcbench, markdown
from benchmarks.search.options import Options
from benchmarks.search.peers import ours, recheck
from benchmarks.search.peers.listed import (
    ABSENT,
    BEST,
    DEFAULTS,
    HPOBENCH,
    LCBENCH,
    NOISE,
    OURS,
    OURS_BEST,
    OURS_DEFAULT,
    OURS_LITERAL,
    PEERS,
    Job,
    Peer,
    planned,
)  # fmt: skip
from benchmarks.search.peers.stored import Key, PeerRows, key_of, machine
from hpsearch.arrays import Floats

MANY = 8  # searches from which an error is worth a bold cell
BUDGETS = {LCBENCH: (250, 500, 1000, 2000, 4000), HPOBENCH: (128,)}
Regrets = Mapping[Key, Floats]  # (budgets,) of each search


@dataclass(frozen=True)
class Table:
    """The regrets of every contender that has any."""

    peers: Mapping[str, PeerRows]
    regrets: Mapping[str, Regrets]

    def part(self, contender: str, problem: str, noise: float) -> Regrets:
        """The searches of a contender on one problem."""
        rows = self.regrets.get(contender, {})
        return {key: values for key, values in rows.items() if key[:2] == (problem, noise)}


def section(options: Options) -> str:
    """The benchmark's part of the report."""
    peers = {peer.key: PeerRows.of(peer.key) for peer in PEERS}
    regrets = {key: _regrets(key, peers[key].rows) for key in peers}
    for name in OURS if options.ours else ():
        regrets[name] = _regrets(name, _our_rows(name, options))
    table = Table(peers, regrets)
    parts = [_heading(table), _list(table), _absent()]
    for noise in (NOISE, 0.0):
        parts.append(f"### {_title(noise)}\n")
        parts.append(_duel(table, LCBENCH, noise, DEFAULTS))
        parts.append(_duel(table, LCBENCH, noise, BEST))
    parts.append(_tables(table))
    parts.append(recheck.section(peers, options))
    return "\n".join(part for part in parts if part)


def _our_rows(name: str, options: Options) -> dict[Key, Mapping[str, Sequence[float]]]:
    """Our searches: those that the list asks for, or those that are there already."""
    store, rows = ours.kept(options.own_cache), {}
    for job in planned(name):
        if options.seeds is not None and job.seed >= options.seeds:
            continue
        if ours.key_in_store(job) in store.rows or not options.stored_only:
            rows[key_of(job)] = ours.row(store, job)
    return rows


def _regrets(name: str, rows: Mapping[Key, Mapping[str, Sequence[float]]]) -> Regrets:
    regrets = {}
    for (problem, noise, task, seed), row in rows.items():
        objective = ours.objective_of(Job(name, problem, noise, task, seed))
        scores = np.array(row["values"], dtype=float)
        regrets[problem, noise, task, seed] = objective.reference().regret(scores)
    return regrets


def _heading(table: Table) -> str:
    today = dt.datetime.now(dt.UTC).date()
    own = sum(len(table.regrets.get(name, {})) for name in OURS)
    theirs = sum(len(rows.rows) for rows in table.peers.values())
    return (
        f"## hpsearch against its peers: LCBench, 16 tasks, {len(lcbench.AXES)} hyperparameters\n\n"
        f"{today}; {machine()}; one thread each. {theirs:,} searches of peers, stored with the version "
        f"of their package, and {own:,} of ours (`benchmarks/search/peers/rows`). Regret is "
        "(best - f) / (best - median) of the noise-free value of the recommendation after a full training "
        f"of {lcbench.FULL} epochs; best and median of {lcbench.DRAWS:,} random draws, so that a value "
        "below 0 beats them all. A peer recommends what its own interface calls its best. "
        "Peers, arguments, tasks, seeds, budgets and their order were fixed before the figures were "
        "seen ([the list](../benchmarks/search/peers/listed.py)); every peer that was started is here, "
        "with the searches it got to. The noise of a score "
        "belongs to task, seed, number of the trial and epoch, the same for every contender. "
        "Peers are asked on the way of one search of 4,000 epochs, and so are our best settings; our defaults know their budget, so "
        "each budget is a search of its own. They are told the budget, that a full training has 52 epochs, as the peers "
        f"are, and nothing else (`budget alone`: not even that; the service's cap are the {lcbench.FULL} that the tables have). "
        "These 16 tasks are those that our plan and `gp` were tuned on; no peer was tuned on them.\n"
    )


def _list(table: Table) -> str:
    body = []
    for peer in PEERS:
        rows = table.peers[peer.key]
        cpu = [row["cpu"] for key, row in rows.rows.items() if key[0] == LCBENCH]
        body.append([
            peer.name, _version(peer, rows), peer.said,
            *(_counted(table, peer, problem, noise)
              for problem, noise in ((LCBENCH, NOISE), (LCBENCH, 0.0), (HPOBENCH, NOISE))),
            f"{np.mean(cpu):.1f}" if cpu else "-",
        ])  # fmt: skip
    header = [
        "peer", "version", "told", "searches, noise", "without", "HPOBench", "CPU s a search",
    ]  # fmt: skip
    return markdown.table(header, body)


def _version(peer: Peer, rows: PeerRows) -> str:
    if peer.package is None:
        return "-"
    return f"{peer.package} {rows.head.get('version', '(not run)')}"


def _counted(table: Table, peer: Peer, problem: str, noise: float) -> str:
    asked = [j for j in planned(peer.key) if j.problem == problem and j.noise == noise]
    if not asked:
        return "not asked"
    done = len(table.part(peer.key, problem, noise))
    lost = sum(key[:2] == (problem, noise) for key in table.peers[peer.key].failed)
    return f"{done} of {len(asked)}" + (f", {lost} failed" if lost else "")


def _absent() -> str:
    lines = [f"- {name} is not run: {reason}." for name, reason in ABSENT.items()]
    return "\n".join(lines) + "\n"


def _title(noise: float) -> str:
    return f"Noise sd {noise:g} points" if noise else "Without noise"


def _contenders(table: Table, problem: str, noise: float, group: str) -> list[tuple[str, str]]:
    """Keys and names: of the best settings all peers, for some have but their defaults."""
    return [
        (peer.key, peer.name)
        for peer in PEERS
        if (group == BEST or peer.group == DEFAULTS) and table.part(peer.key, problem, noise)
    ]


def _duel(table: Table, problem: str, noise: float, group: str) -> str:
    """Defaults against defaults, or best settings against best settings."""
    mine = OURS_DEFAULT if group == DEFAULTS else OURS_BEST
    own = table.part(mine, problem, noise)
    rivals = _contenders(table, problem, noise, group)
    if not own or not rivals:
        return ""
    budgets = [f"{budget:,}" for budget in BUDGETS[problem]]
    first = [_row(ours.NAMES[mine], own)]
    if group == DEFAULTS and (literal := table.part(OURS_LITERAL, problem, noise)):
        first.append(_row(ours.NAMES[OURS_LITERAL], literal))
    body = first + [_row(name, table.part(key, problem, noise)) for key, name in rivals]
    paired = [_paired(name, own, table.part(key, problem, noise)) for key, name in rivals]
    against = (
        "Defaults against defaults" if group == DEFAULTS else "Best settings against best settings"
    )
    return (
        f"**{against}**: regret after so many {_unit(problem)}, mean ± standard error over a contender's "
        "own searches.\n\n" + markdown.table(["", *budgets, "searches"], body)
        + f"\n{ours.NAMES[mine]} minus peer, on the searches that both have (below 0: ours is ahead; "
        f"bold beyond two standard errors, from {MANY} searches on):\n\n"
        + markdown.table(["against", *budgets, "searches"], paired)
    )  # fmt: skip


def _unit(problem: str) -> str:
    return "epochs" if problem == LCBENCH else "evaluations"


def _row(name: str, rows: Regrets) -> list[str]:
    values = np.stack(list(rows.values()))
    cells = [_mean(column) for column in values.T]
    return [name, *cells, str(len(rows))]


def _mean(values: Floats) -> str:
    if len(values) == 1:
        return f"{values[0]:.3f}"
    return markdown.mean(values.tolist())


def _paired(name: str, own: Regrets, other: Regrets) -> list[str]:
    both = [key for key in other if key in own]
    if not both:
        return [name, *["-"] * len(next(iter(own.values()))), "0"]
    differences = np.stack([own[key] - other[key] for key in both])
    return [name, *[_difference(column) for column in differences.T], str(len(both))]


def _difference(values: Floats) -> str:
    mean = float(np.mean(values))
    if len(values) == 1:
        return f"{mean:+.3f}"
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    cell = f"{mean:+.3f} ± {error:.3f}"
    return f"**{cell}**" if len(values) >= MANY and abs(mean) > 2 * error else cell


def _tables(table: Table) -> str:
    parts = [_duel(table, HPOBENCH, NOISE, group) for group in (DEFAULTS, BEST)]
    if not any(parts):
        return ""
    head = (
        "### HPOBench MLP tables: 128 noisy evaluations, 8 tasks\n\nRegret of the recommendation's true "
        "mean. Peers that need epochs are not asked: there is but one.\n"
    )
    return "\n".join([head, *(part for part in parts if part)])
