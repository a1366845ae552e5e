"""The same machine without us: Celery with an empty task, and Optuna with its RDB storage."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time

import redis
from support import broker as brokers
from support.processes import Process, environment

from benchmarks.service import ROOT
from benchmarks.service.fleet import Site, wait
from hpsearch.settings import load
from worker.app import JOBS, make

MESSAGES, WARM = 3_000, 300
OPTUNA_TRIALS = 150  # of each worker


def celery(site: Site, workers: int) -> float:
    """Empty tasks a second: our settings, our broker, the same pool."""
    with brokers.server() as broker:
        settings = load(home=site.folder / "bare", redis_url=broker.url)
        app = make(settings)
        for number in range(MESSAGES):
            app.send_task("bare", args=[number, 1], queue=JOBS, ignore_result=True)
        process = Process(
            "benchmarks.service.bare", str(workers),
            environment={**environment(settings), "PYTHONPATH": str(ROOT)},
            log=site.folder / "bare.log", cwd=ROOT,
        )  # fmt: skip
        try:
            with redis.Redis(unix_socket_path=str(broker.socket)) as client:

                def left() -> int:
                    return int(client.llen(f"hps:{JOBS}"))  # type: ignore[arg-type]

                wait(lambda: left() <= MESSAGES - WARM, what="Celery's first tasks")
                first, began = left(), time.perf_counter()
                wait(lambda: left() <= WARM, what="Celery's tasks")
                return (first - left()) / (time.perf_counter() - began)
        finally:
            process.kill()


def optuna(url: str, workers: int) -> float | None:
    """Trials a second that Optuna asks for and tells, with nothing in between."""
    if importlib.util.find_spec("optuna") is None:
        return None
    own = url.replace("/bench", "/optuna") if url.startswith("postgresql") else f"{url}.optuna"
    if url.startswith("postgresql"):
        import sqlalchemy as sa

        with sa.create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(sa.text("CREATE DATABASE optuna"))
    code = (
        "import sys, time, optuna\n"
        "optuna.logging.set_verbosity(optuna.logging.ERROR)\n"
        "study = optuna.create_study(storage=sys.argv[1], study_name='s', load_if_exists=True,"
        " sampler=optuna.samplers.RandomSampler(seed=int(sys.argv[2])))\n"
        "began = time.time()\n"
        "def objective(trial):\n"
        "    rate = trial.suggest_float('learning_rate', 1e-4, 1.0, log=True)\n"
        "    return trial.suggest_float('weight_decay', 1e-8, 1e-2, log=True) + rate\n"
        "study.optimize(objective, n_trials=int(sys.argv[3]))\n"
        "print(began, time.time())\n"
    )
    _optuna(code, own, 0, 1).wait()  # the tables, made by one of them
    running = [_optuna(code, own, 1 + i, OPTUNA_TRIALS) for i in range(workers)]
    spans = []
    for process in running:
        assert process.stdout is not None
        spans.append([float(word) for word in process.stdout.read().split()])
        process.wait()
    return workers * OPTUNA_TRIALS / (max(s[1] for s in spans) - min(s[0] for s in spans))


def _optuna(code: str, url: str, seed: int, trials: int) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", code, url, str(seed), str(trials)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
