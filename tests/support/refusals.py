"""A broker that answers and refuses, and its cure: what people, disks and failovers do to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import redis

from support.broker import Broker
from support.waiting import until

SCRIPT = "while true do end"


@contextmanager
def _set(broker: Broker, name: str, value: str) -> Iterator[None]:
    with broker.client() as client:
        before = client.config_get(name)[name]
        client.config_set(name, value)
        yield
        client.config_set(name, before)


@contextmanager
def demoted(broker: Broker) -> Iterator[None]:
    """It follows a primary that is not there, as in a failover; then it is promoted."""
    with broker.client() as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        yield
        client.execute_command("REPLICAOF", "NO", "ONE")


@contextmanager
def disk_full(broker: Broker) -> Iterator[None]:
    """It cannot save what it holds, and takes no writes before it can."""
    dump = broker.socket.parent / "dump.rdb"
    with broker.client() as client:

        def saved(status: str) -> bool:
            about = client.info("persistence")
            if about["rdb_bgsave_in_progress"]:
                return False
            if about["rdb_last_bgsave_status"] == status:
                return True
            client.bgsave()
            return False

        dump.mkdir()  # no file can take its place: as good as no room, and harms nobody
        client.config_set("save", "3600 1")
        until(lambda: saved("err"), what="a save that fails")
        yield
        dump.rmdir()
        until(lambda: saved("ok"), what="a save that succeeds")
        client.config_set("save", "")
        dump.unlink()  # it starts empty


@contextmanager
def busy(broker: Broker) -> Iterator[None]:
    """It runs a script without end; then somebody kills it."""
    with broker.client() as client, broker.client() as other:
        client.config_set("busy-reply-threshold", 20)
        runner = other.connection_pool.get_connection()
        runner.send_command("EVAL", SCRIPT, 0)

        def is_busy() -> bool:
            try:
                client.get("x")
            except redis.ResponseError as error:
                return str(error).startswith("BUSY")
            return False

        until(is_busy, what="a busy broker")
        yield
        client.execute_command("SCRIPT", "KILL")
        runner.disconnect()


@contextmanager
def forbidden(broker: Broker) -> Iterator[None]:
    """Its user loses the rights to read and to write hints."""
    with broker.client() as client:
        client.execute_command("ACL", "SETUSER", "default", "-brpop", "-lpush")
        yield
        client.execute_command("ACL", "SETUSER", "default", "+@all")


@contextmanager
def memory_full(broker: Broker) -> Iterator[None]:
    """No room for another hint."""
    with _set(broker, "maxmemory", "1"):
        yield


@contextmanager
def without_replicas(broker: Broker) -> Iterator[None]:
    """It wants a replica before it takes a write."""
    with _set(broker, "min-replicas-to-write", "1"):
        yield


REFUSALS: Mapping[str, Callable[[Broker], AbstractContextManager[None]]] = {
    "READONLY": demoted,
    "MISCONF": disk_full,
    "BUSY": busy,
    "NOPERM": forbidden,
    "OOM": memory_full,
    "NOREPLICAS": without_replicas,
}
