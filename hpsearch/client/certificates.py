"""Certificates: whose word is taken for a service's name."""

from __future__ import annotations

import os
import ssl

import httpx

from hpsearch.errors import Misconfigured


def trusted() -> ssl.SSLContext:
    """The certificates of SSL_CERT_FILE or SSL_CERT_DIR, else the public ones; of the loopback too.

    Raises
    ------
    Misconfigured
        The file is not there, or holds no certificate.
    """
    try:
        return httpx.create_ssl_context()
    except OSError as error:  # ssl.SSLError is one
        name = os.environ.get("SSL_CERT_FILE")
        raise Misconfigured(
            f"SSL_CERT_FILE={name}: {error.strerror or error}; it is a file of certificates in PEM"
        ) from error


def none_trusted() -> ssl.SSLContext:
    """The certificates of nobody, for an address that has none; to read the public ones takes long."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def refused(error: BaseException | None) -> str | None:
    """The reason why a certificate was refused, where this is behind an error of a request."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        error = error.__cause__ or error.__context__
    return None
