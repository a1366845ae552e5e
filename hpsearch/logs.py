"""Logging of every process of the service: one line an event, to standard error.

Readable lines in a terminal, JSON elsewhere. Secrets are cut out of messages, whoever wrote
them: URLs lose their passwords, API keys their secrets.
"""

from __future__ import annotations

import logging
import re
import sys
from contextlib import AbstractContextManager
from typing import Any

import structlog

# Two lines for each job, one for each request and for each try to reach a broker that refuses
# would drown what matters.
_CHATTY = (
    "celery.worker.strategy",
    "celery.worker.consumer.connection",
    "celery.app.trace",
    "alembic",
    "httpx",
)
HIDDEN = "***"
_SECRETS = (
    # Up to the last @: a password may hold slashes and an @ that nobody escaped.
    (re.compile(r"(?<=://)([^/\s:@]*):\S+@"), r"\1:***@"),
    (re.compile(r"(?<=://)[^/\s:@]+@"), "***@"),  # a name alone may be a token
    (re.compile(r"(?i)\b(password=)[^&\s]+"), r"\1***"),
    (re.compile(r"(hps_[0-9a-f]+)_[\w-]+"), r"\1_***"),
    (re.compile(r"(?i)\b(bearer)\s+\S+"), r"\1 ***"),
)


def redact(text: str) -> str:
    """`text` without the secrets that could have slipped into it."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def about(**what: str | int) -> AbstractContextManager[None]:
    """Within the block, every line of this thread says what it is about: search_id, job_id, ..."""
    return structlog.contextvars.bound_contextvars(**what)


class _Redacting:
    """A step of structlog that cuts out secrets, `secret` among them whatever its form."""

    def __init__(self, secret: str | None) -> None:
        self._secret = secret

    def __call__(self, _logger: Any, _method: str, event: Any) -> Any:
        # Names with an underscore are structlog's own and never printed.
        return {k: v if k.startswith("_") else self._clean(v) for k, v in event.items()}

    def _clean(self, value: Any) -> Any:
        """`value` as it can be printed; what is no plain value is put into words first."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, dict):
            return {self._text(str(k)): self._clean(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self._clean(v) for v in value]
        return self._text(value if isinstance(value, str) else repr(value))

    def _text(self, text: str) -> str:
        return redact(text if self._secret is None else text.replace(self._secret, HIDDEN))


class _Named:
    """A step of structlog that says which process speaks, in every thread of it."""

    def __init__(self, process: str) -> None:
        self._process = process

    def __call__(self, _logger: Any, _method: str, event: Any) -> Any:
        event["process"] = self._process
        return event


def configure(level: str, *, process: str, secret: str | None = None) -> None:
    """Send all logging of this process to standard error, in one form.

    Parameters
    ----------
    level
        debug, info, warning or error.
    process
        The process's name, on every line: api, loop, run.
    secret
        A key to cut out besides those that are known by their form.
    """
    structlog.reset_defaults()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _Named(process),
        _Redacting(secret),
    ]
    terminal = sys.stderr.isatty()
    render: Any = (
        structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.captureWarnings(True)  # of libraries, which would write them between the lines
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
