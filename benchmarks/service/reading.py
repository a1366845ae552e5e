"""Latency over HTTP with a million trials in PostgreSQL and a hundred thousand in SQLite."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import sqlalchemy as sa
from support.bench import OWNER, Bench

from benchmarks.service.fleet import Fleet, Site, wait
from benchmarks.service.tables import Section, percentile
from hpsearch.store.tables import decision, job, round_, search, trial

OF_SEARCH = 100_000  # trials, the most that a search may have
ROUNDS, OF_ROUND = 10, 40  # of the search that is copied
REQUESTS = 200
SEARCHES = {"postgresql, synchronous_commit on": 10, "sqlite": 1}


def run(site: Site) -> Section:
    """The table."""
    section = Section(
        "Latency over HTTP: gunicorn, one process, one client, keep-alive",
        ["store", "trials", "what", "p50 ms", "p99 ms"],
    )
    for kind, searches in SEARCHES.items():
        with site.fleet(kind) as fleet:
            ids = load(fleet, searches)
            trials = _count(fleet)
            client = fleet.api()
            client.headers["Authorization"] = f"Bearer {_key(fleet)}"
            first = [_timed(lambda: client.get(f"/searches/{i}/result")) for i in ids]  # noqa: B023  # called at once
            section.add(kind, trials, "result, the first time", percentile(first, 0.5), max(first))
            for what, ask in _questions(client, ids).items():
                took = [_timed(ask) for _ in range(REQUESTS + 10)][10:]
                section.add(kind, trials, what, percentile(took, 0.5), percentile(took, 0.99))
            fleet.stop()
    return section


def _key(fleet: Fleet) -> str:
    """A key of the owner of what was loaded."""
    return fleet.services.keys.create(name="bench", owner=OWNER, scopes=["read"])[1]


def _questions(client: httpx.Client, ids: list[str]) -> dict[str, Callable[[], httpx.Response]]:
    one = f"/searches/{ids[-1]}"
    deep = client.get(f"{one}/trials", params={"round": 2, "limit": 10}).json()["next"]
    return {
        "status": lambda: client.get(one),
        "list of 50 searches": lambda: client.get("/searches"),
        "rounds": lambda: client.get(f"{one}/rounds"),
        "trials, first page of 100": lambda: client.get(f"{one}/trials"),
        "trials, a page by its cursor": lambda: client.get(
            f"{one}/trials", params={"cursor": deep}
        ),
        "trials, best first": lambda: client.get(
            f"{one}/trials", params={"sort": "-validation_accuracy"}
        ),
        "trials of a state, none there": lambda: client.get(
            f"{one}/trials", params={"state": "failed"}
        ),
        "result": lambda: client.get(f"{one}/result"),
        "/metrics": lambda: client.get(client.base_url.copy_with(path="/metrics")),
    }


def _timed(ask: Callable[[], httpx.Response]) -> float:
    began = time.perf_counter()
    ask().raise_for_status()
    return 1000 * (time.perf_counter() - began)


def load(fleet: Fleet, searches: int) -> list[str]:
    """Completed searches of `OF_SEARCH` trials: one that was run, and copies of its rows."""
    bench = Bench(fleet.services)
    template = fleet.submit(rounds=ROUNDS, trials_per_round=OF_ROUND)

    def ended() -> bool:
        bench.round()
        return bench.status(template).finished_at is not None

    wait(ended, seconds=300, what="the search that is copied")
    with fleet.services.store.engines.write.begin() as connection:
        explored = connection.execute(
            sa.select(sa.func.count())
            .select_from(trial.join(job, job.c.id == trial.c.job_id))
            .where(trial.c.search_id == template, job.c.kind == "explore")
        ).scalar_one()
        copies = OF_SEARCH // explored
        ids = [f"{template[:-3]}{number:03d}" for number in range(searches)]
        for number, name in enumerate(ids):
            _copy(connection, template, name, number=number, copies=copies)
    with fleet.services.store.engines.write.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    return ids


def _copy(connection: sa.Connection, template: str, name: str, *, number: int, copies: int) -> None:
    """Add a search with every explore job and its trials `copies` times over."""
    values = {"template": template, "name": name, "last": copies - 1}
    for table, changed, source, where in (
        (search, {"id": ":name", "created_at": f"t.created_at + {number}"}, "search t",
         "t.id = :template"),
        (round_, {"search_id": ":name", **{
            c: f"CASE WHEN t.kind = 'explore' THEN t.{c} * (:last + 1) ELSE t.{c} END"
            for c in ("planned", "completed", "diverged", "epochs_trained", "epochs_planned")
        }}, "round t", "t.search_id = :template"),
        (decision, {"search_id": ":name"}, "decision t", "t.search_id = :template"),
        (job, {"search_id": ":name", "number": "t.number + 1000 * n.n"},
         "job t JOIN numbers n ON (t.kind = 'explore' OR n.n = 0)", "t.search_id = :template"),
        (trial, {"search_id": ":name", "idx": "t.idx + 1000 * n.n", "job_id": "made.id"},
         ("trial t JOIN job ran ON ran.id = t.job_id "
         "JOIN numbers n ON (ran.kind = 'explore' OR n.n = 0) "
         "JOIN job made ON made.search_id = :name AND made.kind = ran.kind "
         "AND made.round = ran.round AND made.number = ran.number + 1000 * n.n"),
         "t.search_id = :template"),
    ):  # fmt: skip
        columns = [c.name for c in table.c if not (table is job and c.name == "id")]
        taken = [changed.get(c, f't."{c}"') for c in columns]
        quoted = ", ".join(f'"{c}"' for c in columns)
        connection.execute(
            sa.text(
                "WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL "
                "SELECT n + 1 FROM numbers WHERE n < :last) "
                f'INSERT INTO "{table.name}" ({quoted}) '
                f"SELECT {', '.join(taken)} FROM {source} WHERE {where}"
            ).bindparams(sa.bindparam("last", type_=sa.Integer())),
            values,
        )  # fmt: skip
        if table is job:  # else PostgreSQL, which has not met these rows, tries each with each
            connection.exec_driver_sql("ANALYZE")


def _count(fleet: Fleet) -> int:
    with fleet.services.store.engines.read.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(trial)).scalar_one()
