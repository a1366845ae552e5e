"""The address of the broker: what REDIS_URL may say, and that TLS looks at certificates."""

from __future__ import annotations

import re
import ssl
from urllib.parse import parse_qsl, urlencode, urlsplit

from hpsearch.errors import Misconfigured

SOCKET, TLS = "redis+socket", "rediss"
SCHEMES = ("redis", TLS, SOCKET)
FORMS = "redis://USER@HOST:6379/0, rediss:// for TLS, or redis+socket:///PATH"
TLS_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname")


def checked(urls: str) -> str:
    """The addresses as Kombu is to have them; several, with `;` between, take turns.

    Kombu by itself trusts every certificate behind `rediss://`, and would give the password to
    whoever answers. Here the broker's certificate and its name are always looked at.

    Raises
    ------
    Misconfigured
        One is no address of a broker, or its TLS cannot work.
    """
    return ";".join(_checked(url) for url in urls.split(";"))


def _checked(url: str) -> str:
    scheme, _, rest = url.partition("://")
    fault = _fault(scheme, rest)
    if fault:
        raise Misconfigured(f"REDIS_URL: {fault}; use {FORMS}")
    options = dict(parse_qsl(rest.partition("?")[2], keep_blank_values=True))
    tls = {name: value for name, value in options.items() if name.startswith("ssl_")}
    if scheme != TLS:
        if tls:
            raise Misconfigured(
                f"REDIS_URL: {min(tls)} is for rediss://, and {scheme}:// has no TLS"
            )
        return url
    _check_tls(tls)
    query = urlencode(options | {"ssl_cert_reqs": "required"})
    return f"{url.partition('?')[0]}?{query}"


def _fault(scheme: str, rest: str) -> str:
    """Name the fault of an address, TLS apart; empty where there is none."""
    if scheme not in SCHEMES:
        return f"{scheme!r} is not supported" if rest else "it is no URL"
    try:
        parts = urlsplit(f"http://{rest}")
    except ValueError:
        return "the host cannot be read"
    try:
        if parts.port == 0:
            return "port 0 is none"
    except ValueError:
        return "the port is no number"
    if scheme != SOCKET and not re.fullmatch(r"/?\d*", parts.path):
        return f"{parts.path!r} is not the number of a database"
    return ""


def _check_tls(options: dict[str, str]) -> None:
    for name, value in options.items():
        if name not in TLS_OPTIONS:
            raise Misconfigured(f"REDIS_URL: no option {name}; there are {', '.join(TLS_OPTIONS)}")
        if name == "ssl_cert_reqs" and value not in ("required", "CERT_REQUIRED"):
            raise Misconfigured(
                f"REDIS_URL: ssl_cert_reqs={value} would give the password to any server; name its "
                "CA, or its own certificate, by ssl_ca_certs=FILE"
            )
        if name == "ssl_check_hostname" and value.lower() not in ("true", "false"):
            raise Misconfigured(f"REDIS_URL: ssl_check_hostname={value} is neither true nor false")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    certificate, key = options.get("ssl_certfile"), options.get("ssl_keyfile")
    name, file = "ssl_ca_certs", options.get("ssl_ca_certs")
    try:
        if file is not None:
            context.load_verify_locations(file)
        if certificate is not None or key is not None:
            name, file = "ssl_certfile", f"{certificate}, {key}"
            context.load_cert_chain(certificate or "", key)
    except (OSError, ValueError) as error:  # ssl.SSLError is the first
        said = getattr(error, "strerror", None) or error
        raise Misconfigured(f"REDIS_URL: {name}={file}: {said}") from error
