"""The environment of a trial's command, the name of an agent, and what of an output is kept."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Mapping

from hpsearch.agent.scores import shown
from hpsearch.environment import PREFIX
from hpsearch.report.views import OrderView
from hpsearch.space import Level

OWN_ADDRESSES = ("DATABASE_URL", "REDIS_URL")
KEPT_LINES = 30
KEPT_LENGTH = 400  # characters of a line
HELD_LENGTH = 8192  # the same before secrets are taken out of it
HIDDEN = "***"
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASS|_PWD|CREDENTIAL|AUTH", re.IGNORECASE)
_SECRET_LEAST = 6  # characters: a shorter one stands in ordinary words
_IN_ADDRESS = re.compile(r"(\w://[^\s/:@]*:)[^\s/@]+(?=@)")
_BEARER = re.compile(r"((?:Bearer|Basic)\s+)\S+", re.IGNORECASE)


def facts(
    order: OrderView, score_file: str | None, searched: Iterable[str] = ()
) -> dict[str, Level]:
    """Names that a template may use of a trial: its own facts, and its hyperparameters before them.

    One of the names `searched` that the trial does not have is null, and no fact of that name.
    """
    own: dict[str, Level] = {
        "epochs": order.epochs, "seed": order.seed, "kind": str(order.kind), "trial": order.trial,
        "attempt": order.attempt, "search": order.search,
    }  # fmt: skip
    if score_file is not None:
        own["score_file"] = score_file
    return own | dict.fromkeys(searched) | dict(order.params)


def environment(
    base: Mapping[str, str],
    order: OrderView,
    *,
    key: str | None,
    score_file: str | None,
    gpu: str | None,
    agent: str = "",
) -> dict[str, str]:
    """The environment of a trial's command: nothing of ours but what describes the trial."""  # fmt: skip
    kept = {
        name: value
        for name, value in base.items()
        if not name.startswith(PREFIX) and name not in OWN_ADDRESSES and not (key and key in value)
    }
    kept.setdefault(
        "PYTHONUNBUFFERED", "1"
    )  # a score is lost in a buffer where the program is killed
    if gpu is not None:
        kept["CUDA_VISIBLE_DEVICES"] = gpu
    described = {
        "SEARCH": order.search, "ID": order.trial, "KIND": str(order.kind),
        "ROLE": "" if order.role is None else str(order.role), "PARAMS": json.dumps(order.params),
        "EPOCHS": str(order.epochs), "SEED": str(order.seed), "ATTEMPT": str(order.attempt),
    }  # fmt: skip
    if agent:
        described["AGENT"] = agent
    if score_file is not None:
        described["SCORE_FILE"] = score_file
    return kept | {f"{PREFIX}TRIAL_{name}": value for name, value in described.items()}


def agent_name(base: Mapping[str, str], host: str, pid: int) -> str:
    """A name that no other agent has: of a Slurm job its number, task and restart; else host and process."""
    job = base.get("SLURM_ARRAY_JOB_ID") or base.get("SLURM_JOB_ID")
    if not job:
        return f"{host}-{pid}"
    task, restart = base.get("SLURM_ARRAY_TASK_ID"), base.get("SLURM_RESTART_COUNT", "0")
    step = base.get("SLURM_PROCID", "0")
    name = f"slurm-{job}" + (f"_{task}" if task else "")
    return name + (f".r{restart}" if restart != "0" else "") + (f".p{step}" if step != "0" else "")


def secrets_of(base: Mapping[str, str], key: str | None) -> list[str]:
    """Secrets, which must not be shown: the service's key, and the values of variables with such names."""
    values = {value for name, value in base.items() if _SECRET.search(name)}
    values |= {key} if key else set()
    lines = {line.strip() for value in values for line in value.splitlines()}  # a private key
    return sorted((line for line in lines if len(line) >= _SECRET_LEAST), key=len, reverse=True)


def hidden(text: str, secrets: Iterable[str]) -> str:
    """A text without secrets, passwords of addresses, and tokens of headers."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return _BEARER.sub(rf"\1{HIDDEN}", _IN_ADDRESS.sub(rf"\1{HIDDEN}", text))


class Tail:
    """The last lines of an output, without secrets."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = [*secrets]
        self._kept: deque[str] = deque(maxlen=KEPT_LINES)

    def add(self, lines: Iterable[bytes]) -> None:
        """Keep lines in place of the oldest ones."""
        for line in lines:
            text = shown(line)
            if text:
                self._kept.append(text[-HELD_LENGTH:])

    def text(self, most: int) -> str:
        """The end of it, in so many characters."""
        # Secrets go before a line is cut: half of one is a secret too.
        lines = [hidden(line, self._secrets)[-KEPT_LENGTH:] for line in self._kept]
        text = "\n".join(lines)
        text = "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)
        return text if len(text) <= most else f"...{text[3 - most :]}"
