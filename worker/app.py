"""The Celery application: a carrier of hints, nothing more.

No result backend, retries, chords, beat or remote control: what has to be true stands in SQL.
The reasons for each setting are in docs/decisions/0003-queue.md.
"""

from __future__ import annotations

from celery import Celery
from kombu import Exchange, Queue  # type: ignore[attr-defined]  # kombu imports them lazily

from hpsearch.settings import Settings
from hpsearch.trials import RoundKind
from worker.broker_address import checked

JOBS, FINAL = "jobs", "final"
TASK = "hpsearch.run"
LIMIT_GRACE = 60.0  # seconds between a job's deadline and Celery's back-stop


def make(settings: Settings) -> Celery:
    """The application for one process.

    Raises
    ------
    Misconfigured
        REDIS_URL is no address of a broker.
    """
    app = Celery("hpsearch", broker=checked(settings.broker), set_as_current=False)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        result_backend=None,
        task_acks_late=False,
        task_reject_on_worker_lost=False,
        task_publish_retry=False,
        worker_disable_prefetch=True,
        # No count of Kombu's: a message whose ack fails would hold a place of it for ever.
        worker_prefetch_multiplier=0,
        worker_enable_prefetch_count_reduction=False,
        task_create_missing_queues=False,
        task_default_queue=JOBS,
        task_queues=[_queue(JOBS), _queue(FINAL)],
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,  # a broker that says no is waited for like one that is away
        worker_consumer="worker.consumer:Consumer",
        broker_transport_options={
            "visibility_timeout": 3600,
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "health_check_interval": 10,
            "global_keyprefix": "hps:",
            "max_retries": 1,  # to connect for publishing: the hint can wait, its worker cannot
            "interval_start": 0,
        },
        worker_max_tasks_per_child=50_000,
        worker_max_memory_per_child=2_000_000,  # KiB
        worker_soft_shutdown_timeout=0,
        worker_proc_alive_timeout=30,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    return app


def _queue(name: str) -> Queue:
    """A queue with an exchange of its own; on a shared one each hint would land in both."""
    return Queue(name, Exchange(name), routing_key=name)  # type: ignore[no-untyped-call]


def queue(kind: RoundKind) -> str:
    """The queue of a job: final tests have their own, so that their workers can be set apart."""
    return FINAL if kind is RoundKind.FINAL else JOBS
