"""The tables of docs/answer-benchmarks.md, of the stored rows.

python -m benchmarks.answers.page [--rows DIR] [--into docs/answer-benchmarks.md]
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.answers import listed
from benchmarks.answers.run import ROWS
from benchmarks.answers.statistics import Difference, Mean, Share, by_pair
from benchmarks.search import markdown
from benchmarks.search.cache import Row
from benchmarks.search.peers.stored import machine

NAMES = {"ours": "hpsearch", "tpe": "Optuna TPE"}


def rows_of(folder: Path, part: str) -> list[Row]:
    """The stored rows of a part."""
    path = folder / f"{part}.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def defaults(rows: Sequence[Row]) -> str:
    """Worth of a recommendation beside that of Optuna's best trial, with every default."""
    said = (
        f"{len(rows)} of {listed.SEEDS * len(listed.TABLES)} searches: {len(listed.TABLES)} tables, "
        f"{_seeds(rows)}. Optuna {version('optuna')}, NumPy {version('numpy')}.\n\n"
    )
    kinds: Sequence[tuple[str, Callable[[Row], bool]]] = (
        ("all", lambda _: True),
        ("classes, accuracy", lambda row: row["table"] not in listed.NUMBERS),
        ("numbers, R²", lambda row: row["table"] in listed.NUMBERS),
    )
    header = [
        "", "searches", "hpsearch", "Optuna TPE", "hpsearch less TPE", "ahead by more than noise",
        "behind by more than noise", "epochs, of TPE's",
    ]  # fmt: skip
    body = [
        [kind, *_against_tpe(some)] for kind, among in kinds
        if (some := [row for row in rows if among(row)])
    ]  # fmt: skip
    by_table = [
        [name, *_against_tpe(some)] for name in listed.TABLES
        if (some := [row for row in rows if row["table"] == name])
    ]  # fmt: skip
    return said + markdown.table(header, body) + "\n" + markdown.table(header, by_table)


def _against_tpe(rows: Sequence[Row]) -> list[str]:
    ahead = [Difference(row["ahead"], row["error"]) for row in rows]
    one_table = len({row["table"] for row in rows}) == 1
    mean = Mean.of([one.value for one in ahead])
    return [
        str(len(rows)),
        *(f"{np.mean([row[who] for row in rows]):.4f}" for who in ("ours", "tpe")),
        _signed(mean if one_table else _by_table(rows, lambda row: row["ahead"])),
        str(sum(one.better for one in ahead)),
        str(sum(one.worse for one in ahead)),
        f"{sum(row['epochs'] for row in rows) / sum(row['budget'] for row in rows):.0%}",
    ]


def worse(rows: Sequence[Row]) -> str:
    """Worth of a recommendation beside the baseline."""
    said = (
        f"{len(rows)} of {listed.SEEDS * len(listed.TABLES)} searches: {len(listed.TABLES)} tables, "
        f"{_seeds(rows)}. Optuna {version('optuna')}, NumPy {version('numpy')}.\n\n"
    )
    kinds: Sequence[tuple[str, Callable[[Row], bool]]] = (
        ("seeds not looked at", lambda row: row["seed"] not in listed.LOOKED_AT),
        ("seeds looked at", lambda row: row["seed"] in listed.LOOKED_AT),
        ("all", lambda _: True),
        ("usual baseline", lambda row: bool(row["baseline"] == listed.USUAL)),
        ("good baseline", lambda row: bool(row["baseline"] == listed.GOOD)),
        ("classes", lambda row: row["table"] not in listed.NUMBERS),
        ("numbers", lambda row: row["table"] in listed.NUMBERS),
    )
    header = [
        "", "searches", "worse by more than noise", "better by more than noise", "same setting", "mean gain",
    ]  # fmt: skip
    body = [
        [f"{NAMES[who]}, {kind}", *_against_baseline([r for r in rows if among(r)], who)]
        for kind, among in kinds
        if any(among(row) for row in rows)
        for who in NAMES
    ]
    ahead = [
        [kind, _signed(_by_table(some, lambda row: row["ours"]["gain"] - row["tpe"]["gain"]))]
        for kind, among in kinds
        if (some := [row for row in rows if among(row)])
    ]
    return (
        said + markdown.table(header, body)
        + "\nGain of hpsearch less gain of Optuna's best trial, search by search:\n\n"
        + markdown.table(["", "difference"], ahead) + "\nTable by table:\n\n"
        + markdown.table(
            ["table", "trained", "held back", "searches", "hpsearch worse", "Optuna worse",
             "hpsearch gain", "Optuna gain"], list(_tables(rows)),
        )
    )  # fmt: skip


def _against_baseline(rows: Sequence[Row], who: str) -> list[str]:
    gains = [Difference(row[who]["gain"], row[who]["error"]) for row in rows]
    return [
        str(len(rows)),
        _share(Share.among([gain.worse for gain in gains])),
        _share(Share.among([gain.better for gain in gains])),
        str(sum(row[who]["same"] for row in rows)),
        _signed(_by_table(rows, lambda row: row[who]["gain"])),
    ]


def _tables(rows: Sequence[Row]) -> Iterator[list[str]]:
    for name in listed.TABLES:
        some = [row for row in rows if row["table"] == name]
        if not some:
            continue
        lost = [
            sum(Difference(row[who]["gain"], row[who]["error"]).worse for row in some)
            for who in NAMES
        ]
        gains = [f"{np.mean([row[who]['gain'] for row in some]):+.3f}" for who in NAMES]
        yield [
            name, str(some[0]["train"]), str(some[0]["held_back"]), str(len(some)), *map(str, lost), *gains,
        ]  # fmt: skip


def _by_table(rows: Sequence[Row], value: Callable[[Row], float]) -> Mean:
    """The mean over tables of their means: searches on one table are no independent ones."""
    tables = sorted({row["table"] for row in rows})
    return Mean.of([
        float(np.mean([value(row) for row in rows if row["table"] == name])) for name in tables
    ])  # fmt: skip


def nulls(rows: Sequence[Row]) -> str:
    """Share of the stated intervals that hold 0, where the gain is 0."""
    said = f"{len(rows)} of {sum(1 for _ in listed.nulls())} searches.\n\n"
    kinds = [(kind, [row for row in rows if row["kind"] == kind]) for kind in listed.NULLS]
    header = [
        "", "searches", "same setting", "no verdict", "interval holds 0", "of those that differ",
    ]  # fmt: skip
    body = [_null(kind, some) for kind, some in (*kinds, ("all", list(rows))) if some]
    return said + markdown.table(header, body)


def holds_zero(row: Row) -> bool | None:
    """Tell whether a stated interval holds 0; the same setting does; None where there is no verdict."""
    if row["same"]:
        return True
    _, low, high = row["gain"]
    return None if low is None else bool(low <= 0 <= high)


def _null(kind: str, rows: Sequence[Row]) -> list[str]:
    held = [(row, holds) for row in rows if (holds := holds_zero(row)) is not None]
    differ = [holds for row, holds in held if not row["same"]]
    return [
        kind, str(len(rows)), str(sum(row["same"] for row in rows)), str(len(rows) - len(held)),
        _share(Share.among([holds for _, holds in held])), _share(Share.among(differ)),
    ]  # fmt: skip


def conditional(rows: Sequence[Row]) -> str:
    """Regrets on conditional spaces, and what the ranges hold."""
    done = [row for row in rows if "regrets" in row]
    names = {listed.OURS: "hpsearch", **{peer.key: peer.name for peer in listed.PEERS}}
    peers = [
        [peer.name, _versions(done, peer.key), peer.said, _counts(done, peer.key)]
        for peer in listed.PEERS
    ]
    parts = [
        f"hpsearch: {_counts(done, listed.OURS)}. NumPy {version('numpy')}.\n",
        markdown.table(["peer", "version", "settings", "searches"], peers),
    ]
    if failed := [f"- {row['key']}: {row['error']}" for row in rows if "error" in row]:
        parts.append("Searches that ended with an error:\n\n" + "\n".join(failed) + "\n")
    budgets = [f"{budget} trials" for budget in listed.BUDGETS]
    for problem in (None, *listed.PROBLEMS):
        some = [row for row in done if problem in (None, row["problem"])]
        label = "all three" if problem is None else problem
        body = [
            [name, *_regrets(some, key), str(sum(row["contender"] == key for row in some))]
            for key, name in names.items()
            if any(row["contender"] == key for row in some)
        ]
        parts += [f"### Regret, {label}\n", markdown.table(["", *budgets, "searches"], body)]
        ahead = [
            [f"hpsearch less {peer.name}", *_ahead(some, peer.key)]
            for peer in listed.PEERS
            if any(row["contender"] == peer.key for row in some)
        ]
        if ahead:
            parts.append(markdown.table(["the same searches", *budgets], ahead))
    parts += ["### What conditional ranges hold\n", _coverage(done)]
    return "\n".join(parts)


def _versions(rows: Sequence[Row], key: str) -> str:
    return ", ".join(sorted({row["version"] for row in rows if row["contender"] == key})) or "-"


def _counts(rows: Sequence[Row], key: str) -> str:
    counts = [
        f"{problem} {sum((row['contender'], row['problem']) == (key, problem) for row in rows)}"
        for problem in listed.PROBLEMS
    ]
    return ", ".join(counts)


def _values(rows: Sequence[Row], key: str, k: int) -> dict[tuple[str, int], float]:
    """(problem, seed) -> regret of a contender at its k-th budget."""
    return {
        (row["problem"], row["seed"]): row["regrets"][k]
        for row in rows
        if row["contender"] == key and k < len(row["regrets"])
    }


def _regrets(rows: Sequence[Row], key: str) -> list[str]:
    cells = []
    for k in range(len(listed.BUDGETS)):
        values = list(_values(rows, key, k).values())
        mean = Mean.of(values) if values else None
        cells.append("not asked" if mean is None else _plain(mean))
    return cells


def _ahead(rows: Sequence[Row], key: str) -> list[str]:
    cells = []
    for k in range(len(listed.BUDGETS)):
        mean = by_pair(_values(rows, listed.OURS, k), _values(rows, key, k))
        if mean is None:
            cells.append("not asked")
            continue
        text = _signed(mean)
        clear = mean.count >= 8 and abs(mean.value) > 2 * mean.error
        cells.append(f"**{text}** ({mean.count})" if clear else f"{text} ({mean.count})")
    return cells


def _coverage(rows: Sequence[Row]) -> str:
    ranged = [row for row in rows if "ranges" in row]
    if not ranged:
        return "Not run yet.\n"
    body = []
    for k, budget in enumerate(listed.BUDGETS):
        said = [one for row in ranged for one in row["ranges"][k].values()]
        active = [holds for holds, _, recommended in said if recommended]
        narrowed = [holds for holds, moved, _ in said if moved]
        every = [all(holds for holds, *_ in row["ranges"][k].values()) for row in ranged]
        shares = (active, narrowed, every)
        body.append([f"{budget} trials", *[_share(Share.among(one)) for one in shares]])
    header = [
        "holds the best value", "ranges beside the recommended levels", "ranges that were narrowed",
        "every conditional range of a search",
    ]  # fmt: skip
    return markdown.table(header, body)


def _share(share: Share) -> str:
    if not share.of:
        return "-"
    low, high = share.interval
    return f"{share.hits} of {share.of}: {share.value:.1%} ({low:.1%} to {high:.1%})"


def _plain(mean: Mean) -> str:
    return f"{mean.value:.3f}" + ("" if np.isnan(mean.error) else f" ± {mean.error:.3f}")


def _signed(mean: Mean) -> str:
    return f"{mean.value:+.4f}" + ("" if np.isnan(mean.error) else f" ± {mean.error:.4f}")


def _seeds(rows: Iterable[Row]) -> str:
    by_table = dict.fromkeys(listed.TABLES, 0)
    for row in rows:
        by_table[row["table"]] += 1
    least, most = min(by_table.values()), max(by_table.values())
    return f"{least} seeds each" if least == most else f"{least} or {most} seeds each"


def main() -> None:
    """Print the tables, or write them into the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=Path, default=ROWS)
    parser.add_argument("--into", type=Path, help="page whose marked parts are written anew")
    asked = parser.parse_args()
    today = dt.datetime.now(dt.UTC).date().isoformat()
    head = f"Tables of {today}; {machine()}; one thread.\n"
    texts = {
        "machine": head,
        "defaults": defaults(rows_of(asked.rows, "defaults")),
        "baselines": worse(rows_of(asked.rows, "worse")),
        "nulls": nulls(rows_of(asked.rows, "nulls")),
        "conditional": conditional(rows_of(asked.rows, "conditional")),
    }
    if asked.into is None:
        print("\n".join(texts.values()))
        return
    page = asked.into.read_text()
    for mark, text in texts.items():
        page = markdown.replaced(page, mark, text)
    asked.into.write_text(page)


if __name__ == "__main__":
    main()
