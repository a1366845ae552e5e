"""`python -m support.checker URL`: counts and violations of a database, for a person."""

from __future__ import annotations

import argparse
import sys

from support.checker import check


def main() -> int:
    """Check one database; 1 if an invariant is broken."""
    parser = argparse.ArgumentParser(prog="python -m support.checker", description=__doc__)
    parser.add_argument("url", help="SQLAlchemy URL of the database")
    parser.add_argument("--running", action="store_true", help="searches may be unfinished")
    parser.add_argument("--no-replan", action="store_true", help="do not decide finals again")
    options = parser.parse_args()
    report = check(options.url, ended=not options.running, replan=not options.no_replan)
    print(report)
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
