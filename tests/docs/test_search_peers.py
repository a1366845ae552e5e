"""The peers of the search benchmarks: what they spend, what is stored of them, what is checked again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.search import markdown
from benchmarks.search.axes import Axis
from benchmarks.search.lcbench import Reference
from benchmarks.search.options import Options
from benchmarks.search.peers import ours, recheck
from benchmarks.search.peers.listed import BY_KEY, NOISE, PEERS, Job
from benchmarks.search.peers.problems import HPOBench, LCBench, Ledger, Spent
from benchmarks.search.peers.search import session
from benchmarks.search.peers.stored import ROWS, PeerRows, asked_of
from hpsearch.arrays import Floats, Ints


@dataclass(frozen=True)
class Slope:
    """An objective that needs no data: the score is the rate, and grows with the epochs."""

    axes: Sequence[Axis] = (
        Axis("rate", "rate", 1e-3, 1.0, log=True),
        Axis("size", "size", 2, 9, integer=True),
    )
    full: int = 10
    budgets: Sequence[int] = (35, 100)

    def scores(self, values: Floats, epochs: int, trials: Ints) -> Floats:
        """Scores (n,) without noise."""
        return values[:, 0] * epochs / self.full + 0.0 * trials

    def truth(self, values: Floats) -> Floats:
        """Values (n,) of full trainings."""
        return values[:, 0]

    def reference(self) -> Reference:
        """A scale."""
        return Reference(1.0, 0.0)


def test_only_new_epochs_are_spent_and_the_recommendation_is_asked_for_before_each_budget() -> None:
    asked = []
    now = np.array([0.5, 3.0])

    def recommended() -> Floats:
        asked.append(ledger.spent)
        return now

    ledger = Ledger(Slope(), recommended)
    assert ledger.score("a", np.array([0.5, 3.0]), 4) == pytest.approx(0.2)
    ledger.score("a", np.array([0.5, 3.0]), 10)
    assert ledger.spent == 10
    ledger.score("a", np.array([0.5, 3.0]), 6)  # a look back costs nothing
    for name in "bc":
        ledger.score(name, now, 10)
    assert (ledger.spent, asked) == (30, [])
    ledger.score("d", now, 10)
    assert (ledger.spent, asked, ledger.picks) == (40, [30], [0.5])
    for k in range(6):
        ledger.score(f"e{k}", now, 10)
    with pytest.raises(Spent):
        ledger.score("f", now, 10)
    assert (asked, ledger.picks) == ([30, 100], [0.5, 0.5])


def test_a_peers_process_answers_the_same_twice_and_stays_within_the_budget(tmp_path: Path) -> None:
    peer = BY_KEY["random"]
    with session(peer, tmp_path) as process:
        first, second = (process.searched(Slope(), 7) for _ in range(2))
    with session(peer, tmp_path) as process:
        third = process.searched(Slope(), 7)
        other = process.searched(Slope(), 8)
    assert first["values"] == second["values"] == third["values"] != other["values"]
    assert first["trials"] == 10  # of 10 epochs each, within 100
    assert first["values"][0] <= first["values"][1] < 1.0


def test_a_process_that_cannot_load_its_packages_is_an_error_and_no_row(tmp_path: Path) -> None:
    broken = replace(BY_KEY["random"], adapter="nothing of that name")
    with pytest.raises(Exception, match="its process ended"), session(broken, tmp_path) as process:
        process.searched(Slope(), 7)


def test_what_is_stored_belongs_to_the_list() -> None:
    files = sorted(path.stem for path in ROWS.glob("*.json"))
    assert files
    assert set(files) <= BY_KEY.keys()
    for key in files:
        rows = PeerRows.of(key)
        assert rows.rows or rows.failed, f"{key}.json was made by other requirements or arguments"
        for (problem, *_), row in rows.rows.items():
            assert len(row["values"]) == {"lcbench": 5, "hpobench": 1}[problem]
            assert np.isfinite(row["values"]).all()


def test_rows_come_back_as_they_were_stored_and_not_for_other_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = BY_KEY["optuna-tpe"]
    rows = PeerRows(peer, asked_of(peer))
    job = Job(peer.key, "lcbench", NOISE, 3945, 2)
    rows.add(
        job, {"values": [1.23456789] * 5, "trials": 76, "cpu": 2.5, "versions": {"optuna": "5.0.0"}}
    )
    rows.failed["lcbench", 0.0, 3945, 1] = "ValueError: no"
    rows.write(tmp_path)
    again = PeerRows.of(peer.key, tmp_path)
    assert again.rows == rows.rows
    assert again.failed == rows.failed
    assert again.head["version"] == "5.0.0"
    monkeypatch.setitem(BY_KEY, peer.key, replace(peer, arguments={"sampler": "GPSampler"}))
    assert not PeerRows.of(peer.key, tmp_path).rows


def test_a_row_that_does_not_agree_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "objective_of", lambda _: Slope())
    peer = BY_KEY["random"]
    job = Job(peer.key, "lcbench", NOISE, 3945, 0)
    with session(peer, tmp_path) as process:
        result = process.searched(Slope(), ours.start_of(3945, 0))
    rows = PeerRows(peer, asked_of(peer))
    rows.add(job, result)
    options = Options(venvs=tmp_path, recheck_seed=3, ours=False)
    said = recheck.section({peer.key: rows}, options)
    assert "all 1 agree" in said
    rows.add(job, {**result, "values": [value + 0.01 for value in result["values"]]})
    said = recheck.section({peer.key: rows}, options)
    assert "1 of 1 do not agree" in said
    assert "random/lcbench/0.5/3945/0" in said
    assert "none was computed again" in recheck.section({peer.key: rows}, Options(ours=False))
    said = recheck.section({peer.key: rows}, replace(options, recheck_seconds=-1.0))
    assert "none was computed again" in said
    assert "takes more than -1 s" in said


def test_our_own_rows_are_kept_and_a_tenth_is_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [
        Job("ours-default", problem, NOISE, task, seed)
        for problem, task in (("lcbench", 3945), ("hpobench", "australian"))
        for seed in range(10)
    ]
    monkeypatch.setattr(ours, "searched", lambda job: {"values": [job.seed / 7], "epochs": [9]})
    for job in jobs:
        ours.row(ours.kept(tmp_path), job)
    kept = ours.kept(tmp_path).rows
    assert [ours.job_of(key) for key in kept] == jobs
    assert kept[ours.key_in_store(jobs[1])]["values"] == [0.142857]
    options = Options(own_cache=tmp_path, recheck_seed=3)
    assert "all 2 agree" in recheck.section({}, options)
    monkeypatch.setattr(ours, "searched", lambda job: {"values": [job.seed / 6 + 1], "epochs": []})
    assert "2 of 2 do not agree" in recheck.section({}, options)


def test_the_seed_chooses_which_rows_are_computed_again() -> None:
    peer = BY_KEY["random"]
    rows = PeerRows(peer, asked_of(peer))
    rows.rows = {("lcbench", NOISE, task, 0): {} for task in range(40)}
    assert len(recheck.chosen(rows, 1)) == 4
    assert recheck.chosen(rows, 1) == recheck.chosen(rows, 1) != recheck.chosen(rows, 2)


def test_contenders_share_their_luck() -> None:
    class Even(LCBench):
        """Without the surrogate, which is not part of the repository."""

    one, other = Even(1, 0, 0.5), Even(1, 0, 0.5)
    assert (one, HPOBench("a", 1)) == (other, HPOBench("a", 1))
    assert len({peer.key for peer in PEERS}) == len(PEERS)


def test_only_the_marked_part_of_a_page_is_written_anew() -> None:
    page = "a\n<!-- peers: by the script -->\nold\n<!-- end of peers -->\nz\n"
    new = markdown.replaced(page, "peers", "new\n")
    assert new == "a\n<!-- peers: by the script -->\n\nnew\n\n<!-- end of peers -->\nz\n"
    assert markdown.replaced(new, "peers", "new") == new
    assert markdown.replaced(page, "real", "new") == page
