"""The question whether the service is ready, without the client and what that loads."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit


def ready(url: str, *, seconds: float) -> bool:
    """True where the API at `url` says within `seconds` that all its parts are ready."""
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=seconds)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return answer.status == 200 and isinstance(json.loads(answer.read()), dict)
    except (OSError, HTTPException, ValueError):
        return False
    finally:
        connection.close()
