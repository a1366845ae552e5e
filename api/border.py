"""What holds for every request and response: the host asked for, the origin, the headers."""

from __future__ import annotations

import ipaddress
import re
import secrets
from urllib.parse import urlsplit

from flask import Response, g, request

from hpsearch.errors import Forbidden, InvalidRequest
from hpsearch.settings import Settings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?")
_ANY_ADDRESS = frozenset({"", "0.0.0.0", "::", "[::]"})  # noqa: S104  # compared, not bound to

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


def is_loopback(host: str) -> bool:
    """Whether `host` (a name or an address, without port) is this machine's loopback."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """The names besides the loopback's that a request may ask for, in lower case."""
    names = {name.strip().lower() for name in settings.allowed_hosts.split(",")}
    names.add(settings.host.lower())
    return frozenset(names - _ANY_ADDRESS)


def check_host(allowed: frozenset[str]) -> None:
    """Refuse a Host header that is not ours: DNS rebinding ends here.

    Raises
    ------
    InvalidRequest
        The Host header is missing, malformed, or not on the list.
    """
    sent = request.headers.get("Host", "")
    found = _HOST.fullmatch(sent.lower())
    if found is None or not (is_loopback(found[1]) or found[1] in allowed):
        raise InvalidRequest(
            f"the host {sent[:100]!r} is not one of this service's; "
            "its operator adds names with HPSEARCH_ALLOWED_HOSTS"
        )


def check_origin() -> None:
    """Refuse what another web page sends: browsers say so in Sec-Fetch-Site and Origin.

    Raises
    ------
    Forbidden
        An unsafe method from another site's page.
    """
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("Sec-Fetch-Site", "none").lower()
    origin = request.headers.get("Origin")
    foreign = origin is not None and urlsplit(origin).netloc.lower() != request.host.lower()
    if site not in ("none", "same-origin") or foreign:
        raise Forbidden("requests from pages of other sites are refused")


def check_query() -> None:
    """Refuse a query parameter that is given twice: readers differ on which one counts.

    Raises
    ------
    InvalidRequest
        Naming the parameter.
    """
    for name, values in request.args.lists():
        if len(values) > 1:
            raise InvalidRequest(
                f"parameter {name[:40]} is given {len(values)} times; give it once"
            )


def new_request_id() -> str:
    """A name for this request, in the response and in the log."""
    return secrets.token_hex(8)


def add_headers(response: Response) -> Response:
    """Put the security headers on a response, whatever made it."""
    for name, value in HEADERS.items():
        response.headers[name] = value
    response.headers["X-Request-Id"] = g.get("request_id", "-")
    response.headers.setdefault("Cache-Control", "no-store")
    return response
