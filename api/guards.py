"""Checks that every request passes before its route: the host, the origin, the query."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from flask import request

from hpsearch.data.parse.parameters import LISTS as OF_UPLOADS
from hpsearch.errors import Forbidden, InvalidRequest
from hpsearch.settings import Settings

LISTS = frozenset({*OF_UPLOADS, "tag", "hide"})  # parameters that may be repeated
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?")
_ANY_ADDRESS = frozenset({"", "0.0.0.0", "::", "[::]"})  # noqa: S104  # compared, not bound to


def is_loopback(host: str) -> bool:
    """True where `host` (a name or an address, without port) is this machine's loopback."""
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
    host = request.headers.get("Host", "")
    name = _HOST.fullmatch(host.lower())
    if name is None or not (is_loopback(name[1]) or name[1] in allowed):
        raise InvalidRequest(
            f"the host {host[:100]!r} is not one of this service's; "
            "its operator adds names with HPSEARCH_ALLOWED_HOSTS"
        )


def check_origin() -> None:
    """Refuse requests of other web pages: browsers name them in Sec-Fetch-Site and Origin.

    Raises
    ------
    Forbidden
        An unsafe method from another site's page.
    """
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("Sec-Fetch-Site", "none").lower()
    origin = request.headers.get("Origin")
    try:
        foreign = origin is not None and urlsplit(origin).netloc.lower() != request.host.lower()
    except ValueError:  # it is no address, such as http://[
        foreign = True
    if site not in ("none", "same-origin") or foreign:
        raise Forbidden("requests from pages of other sites are refused")


def check_query() -> None:
    """Refuse a query parameter that is given twice, lists apart: readers differ on which one counts.

    Raises
    ------
    InvalidRequest
        Naming the parameter.
    """
    for name, values in request.args.lists():
        if len(values) > 1 and name not in LISTS:
            raise InvalidRequest(
                f"parameter {name[:40]} is given {len(values)} times; give it once"
            )
