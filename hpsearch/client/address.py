"""Addresses of a service and of its routes."""

from __future__ import annotations

import ipaddress
from urllib.parse import quote

import httpx

from hpsearch.client.arguments import text
from hpsearch.errors import InvalidRequest, Misconfigured, NotFound
from hpsearch.origins import API

PORTS = 65535


def checked_url(url: str) -> str:
    """The base of `url`: without spaces around it, a trailing slash, or the path of the contract.

    Raises
    ------
    InvalidRequest, TypeError
        It is no http(s) address, or holds a query or a fragment; it is no text.
    """
    base = text(url, "the address of the service").strip().rstrip("/").removesuffix(API).rstrip("/")
    parsed = _parsed(base)
    whole = (
        parsed.host and not parsed.query and not parsed.fragment and not base.endswith(("?", "#"))
    )
    if parsed.scheme not in ("http", "https") or not whole or (parsed.port or 0) > PORTS:
        raise InvalidRequest(
            f"{url!r} is not the address of a service; it looks like http://127.0.0.1:8080"
        )
    return base


def is_loopback(url: str) -> bool:
    """True where `url` leads to this machine."""
    host = _parsed(url).host
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def path_of(*parts: str) -> str:
    """`/api/v1/...` with every part quoted, so that a name cannot lead elsewhere."""
    for part in parts:
        if text(part, "a part of the address") in ("", ".", ".."):
            raise NotFound(f"{part!r} names nothing")
    return "/".join((API, *(quote(part, safe="") for part in parts)))


def printable_key(key: str) -> str:
    """`key` without the newline that its file ends with, if it can stand in a header at all."""
    if not isinstance(key, str):  # its value is not for a message
        raise TypeError(f"the API key is {type(key).__name__}; give text")
    key = key.strip()
    if not (key.isascii() and key.isprintable()):
        raise Misconfigured("the API key holds characters that no key has; was it pasted whole?")
    return key


def _parsed(url: str) -> httpx.URL:
    try:
        return httpx.URL(url)
    except httpx.InvalidURL:
        return httpx.URL()
