"""`make operate`: a whole service under the load and the faults that its operator fears.

Exit code 1 where a limit was missed. Needs nginx, HAProxy and Prometheus (apt-get install
nginx-light haproxy prometheus), and the project's test requirements.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
# Nobody here speaks TLS, but each HTTP client would read every root certificate.
os.environ.pop("SSL_CERT_FILE", None)
os.environ["SSL_CERT_DIR"] = os.devnull

from support.fronts import ARGUMENTS, program  # noqa: E402

from operate import alerts, keys, outages, restarts  # noqa: E402
from operate.table import Row, text  # noqa: E402

Section = Callable[[argparse.Namespace], Iterator[Row]]
SECTIONS: dict[str, Section] = {
    "restarts": lambda o: restarts.run(
        restarts.Size(o.requests, o.quiet, o.rate, o.restarts), keep=o.keep
    ),
    "outages": lambda o: outages.run(o.outage_seconds, keep=o.keep),
    "keys": lambda o: keys.run(o.wrong, keep=o.keep),
    "alerts": lambda o: alerts.run(keep=o.keep),
}


def main() -> int:
    """Run the sections that were asked for, and print the table; the exit code."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and leave no process behind
    for name in [n for n in os.environ if n.startswith(("HPSEARCH_", "DATABASE_", "REDIS_"))]:
        del os.environ[name]  # a service's settings are not ours
    missing = [name for name in (*ARGUMENTS, alerts.PROMETHEUS) if program(name) is None]
    if missing:
        print(f"{', '.join(missing)} missing: apt-get install nginx-light haproxy prometheus")
        return 69
    rows: list[Row] = []
    began = time.monotonic()
    for name in options.only.split(","):
        print(f"{time.monotonic() - began:5.0f} s  {name}", file=sys.stderr, flush=True)
        for row in SECTIONS[name](options):
            rows.append(row)
            mark = " " if row.kept else "!"
            print(f"{mark} {row.where}: {row.what}: {row.seen}", file=sys.stderr, flush=True)
    print(text(rows))
    print(
        f"{time.monotonic() - began:.0f} s; {os.cpu_count()} cores, load {os.getloadavg()[1]:.1f} in "
        f"the last 5 minutes; {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )
    return 0 if all(row.kept for row in rows) else 1


def _sections(names: str) -> str:
    unknown = set(names.split(",")) - set(SECTIONS)
    if unknown:
        raise argparse.ArgumentTypeError(
            f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(SECTIONS)}"
        )
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m operate", description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )  # fmt: skip
    size = restarts.Size()
    parser.add_argument("--only", type=_sections, default=",".join(SECTIONS), help="sections")
    parser.add_argument(
        "--requests", type=int, default=size.requests, help="POSTs, and as many GETs"
    )
    parser.add_argument(
        "--quiet", type=int, default=size.quiet, help="requests before the restarts"
    )
    parser.add_argument("--rate", type=float, default=size.rate, help="requests a second")
    parser.add_argument("--restarts", type=int, default=size.restarts, help="of both APIs together")
    parser.add_argument(
        "--outage-seconds", type=float, default=outages.OUTAGE_SECONDS, help="of each"
    )
    parser.add_argument("--wrong", type=int, default=keys.WRONG, help="wrong keys")
    parser.add_argument("--keep", action="store_true", help="keep the folders with logs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
