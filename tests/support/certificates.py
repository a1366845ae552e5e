"""A certificate that vouches for itself, as that of a CA of one's own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from support.absent import absent


def make_certificate(folder: Path, name: str) -> None:
    """Write key.pem and ca.pem for a server of that name: `DNS:localhost` or `IP:127.0.0.1`."""
    if shutil.which("openssl") is None:
        absent("openssl")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", "key.pem", "-out", "ca.pem", "-days", "2", "-subj", "/CN=ours",
         "-addext", f"subjectAltName={name}"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
