"""A service in this process that whole searches run on, as its callers see it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from golden.inside import KEY, Inside
from werkzeug.serving import make_server

from api import create_app
from hpsearch import logs
from hpsearch.data import DatasetStore
from hpsearch.data.parse.work import ingest
from hpsearch.registry import Registry
from hpsearch.service import Services
from hpsearch.service.datasets import Datasets
from hpsearch.settings import Settings, load
from hpsearch.wiring import build
from migrations.schema import Database

LOG_RATE = {"low": 1e-3, "high": 1.0, "scale": "log"}
SMALL: Mapping[str, Any] = {
    "dataset": "blobs",
    "model": {"hidden_sizes": [8], "batch_size": 16},
    "space": {"learning_rate": LOG_RATE},
    "rounds": 3,
    "trials_per_round": 8,
    "epochs": {"first": 1, "last": 4},
    "stop_early": False,
    "final": {"epochs": 4, "models": 2},
}


@dataclass(frozen=True)
class Ended:
    """A completed search: what its user can read of it."""

    id: str
    spec: Mapping[str, Any]
    status: Mapping[str, Any]
    result: Mapping[str, Any]
    rounds: list[Mapping[str, Any]]
    trials: list[Mapping[str, Any]]
    health: list[Mapping[str, Any]]

    @property
    def searched(self) -> list[Mapping[str, Any]]:
        """Its trials without the models of the final test."""
        return [trial for trial in self.trials if trial["role"] is None]

    @property
    def in_full(self) -> list[Mapping[str, Any]]:
        """Those that were trained for as long as any."""
        most = max(trial["epochs"] for trial in self.searched)
        return [trial for trial in self.searched if trial["epochs"] == most]


class Service:
    """The API, the loop and a worker, one step at a time."""

    def __init__(self, services: Services, settings: Settings) -> None:
        self._app = lambda: create_app(services, settings)
        self._client = self._app().test_client()
        self._inside = inside = Inside(services, self._client, settings.home)
        self.call = inside.call
        self.replayed = inside.replayed

    def raw(self, method: str, path: str, **options: Any) -> Any:
        """The response of a route, whatever its status."""
        headers = {"Authorization": f"Bearer {KEY}", **options.pop("headers", {})}
        return self._client.open(path, method=method, headers=headers, **options)

    def upload(
        self, name: str, content: str | bytes, media_type: str, query: str = ""
    ) -> Mapping[str, Any]:
        """A dataset, stored under a name."""
        path, headers = f"/api/v1/datasets/{name}{query}", {"Content-Type": media_type}
        answer = self.raw("PUT", path, data=content, headers=headers)
        assert answer.status_code == 201, answer.text
        return dict(answer.json)

    def document(self) -> str:
        """The API's document as a service that starts now has it."""
        return str(self._app().test_client().get("/openapi.json").text)

    def refused(self, spec: Mapping[str, Any]) -> list[str]:
        """The paths of a spec's mistakes, of which there must be some."""
        answer = self.raw("POST", "/api/v1/searches", json=spec)
        assert answer.status_code == 422, answer.text
        return [mistake["path"] for mistake in answer.json["errors"]]

    def complete(self, spec: Mapping[str, Any]) -> Ended:
        """Run a search to its end."""
        search = self.call("POST", "/searches", spec)["id"]
        path, state = f"/searches/{search}", "queued"
        while state in ("queued", "running", "finalizing"):
            self._inside.advance()
            while self._inside.train():
                pass
            state = self.call("GET", path)["state"]
        status = self.call("GET", path)
        assert state == "completed", status["reason"]
        return Ended(
            id=search,
            spec=self.call("GET", f"{path}/spec"),
            status=status,
            result=self.call("GET", f"{path}/result"),
            rounds=self.call("GET", f"{path}/rounds")["items"],
            trials=self.call("GET", f"{path}/trials?limit=200&curve=true")["items"],
            health=self.call("GET", f"{path}/health")["notes"],
        )

    @contextmanager
    def added(
        self, registry: Registry[Any], name: str, entry: object, spec: Mapping[str, Any], path: str
    ) -> Iterator[Ended]:
        """A search with an entry that nobody knows before or after; `path` is where it is named."""
        assert path in self.refused(spec)
        assert f'"{name}"' not in self.document()
        with registry.registered(name, entry):
            assert f'"{name}"' in self.document()
            yield self.complete(spec)
        assert path in self.refused(spec)

    @contextmanager
    def address(self) -> Iterator[str]:
        """The API on a port of this machine, for clients that know nothing but HTTP."""
        server = make_server("127.0.0.1", 0, self._client.application, threaded=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def blobs(examples: int = 150) -> str:
    """A CSV file of three classes in the plane, which overlap a little."""
    rng = np.random.default_rng(0)
    classes = np.arange(examples) % 3
    x = rng.normal(np.array([[0.0, 2.0], [-1.5, -1.0], [1.5, -1.0]])[classes], 0.9)
    return "a,b,class\n" + "".join(f"{a},{b},c{c}\n" for (a, b), c in zip(x, classes, strict=True))


@contextmanager
def service(home: Path, *, job_size: int = 4) -> Iterator[Service]:
    """A service over SQLite in a folder of its own, which parses uploads in this process."""
    logs.configure("error", process="growth")
    settings = load(home=home, api_key=KEY, job_size=job_size, sqlite_synchronous="NORMAL")
    database = Database(settings.database)
    database.upgrade()
    database.close()
    with build(settings) as built:
        files = DatasetStore(settings.datasets_url, settings.cache, parse=ingest)
        services = replace(built, datasets=Datasets(built.store, files, settings))
        running = Service(services, settings)
        running.upload("blobs", blobs(), "text/csv")
        yield running
