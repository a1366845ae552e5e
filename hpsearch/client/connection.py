"""The connection of a client with a service, which every group of its calls goes through."""

from __future__ import annotations

from typing import Any, Self

from hpsearch.client.address import path_of
from hpsearch.client.transport import Transport
from hpsearch.report import views

TIMEOUT = 30.0  # seconds until an answer begins
PATIENCE = 10.0  # seconds during which reads and submissions are repeated


class Connection:
    """Reaches the service at `url`, showing `key` with every request."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout: float = TIMEOUT,
        patience: float = PATIENCE,
    ) -> None:
        self._transport = Transport(url, key, timeout=timeout, patience=patience)
        self.url = self._transport.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._transport.close()

    def ready(self) -> dict[str, Any]:
        """The answer of /readyz; Unavailable while a part of the service is not ready."""
        answer = self._transport.json("GET", "/readyz", once=True)
        return answer if isinstance(answer, dict) else {}

    def whoami(self) -> views.WhoamiView:
        """The key that this client shows: its owner, its scopes, and until when it is valid."""
        return self._transport.view(views.WhoamiView, "GET", path_of("whoami"))
