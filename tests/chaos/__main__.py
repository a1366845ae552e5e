"""`make chaos`: break everything by a seeded plan and hold what is left against the invariants.

Exit code 1 if an invariant is broken; with `--mutant`, if the mutant was not found.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

# One thread, before anything loads NumPy, as in the workers.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from support import pooler as poolers  # noqa: E402

from chaos.plan import FREEZES, listing, plan  # noqa: E402
from chaos.run import Outcome, run  # noqa: E402
from chaos.workload import reference  # noqa: E402
from chaos.world import POOLED, POSTGRESQL, SQLITE  # noqa: E402

SECONDS = 420.0
MUTANT_PLANS = 3
MUTANT_SETTLE = 20.0


def main() -> int:
    """Run the harness; the exit code."""
    options = _parser().parse_args()
    for name in [n for n in os.environ if n.startswith("HPSEARCH_")]:
        del os.environ[name]  # a service's settings are not the harness's
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    stores = options.store or [SQLITE, POSTGRESQL, POOLED]
    if options.store is None and poolers.binary() is None:
        stores.remove(POOLED)
        print("PgBouncer is missing (apt-get install pgbouncer): the runs through it are left out")
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="hps-chaos-data-") as data:
        expected = reference(Path(data) / "alone", f"{data}/datasets", seed)
        found = True
        if options.mutant != "only":
            outcomes = [_faults(s, seed, f"{data}/datasets", expected, options) for s in stores]
            found = not any(outcome.broken for outcome in outcomes)
            print(table(outcomes))
        if options.mutant != "no":
            mutants = [
                _mutant(s, seed, f"{data}/datasets", expected) for s in stores if s != POOLED
            ]
            found = found and all(mutants)
    return 0 if found else 1


def _faults(
    store: str, seed: int, data_url: str, expected: dict[str, str | None],
    options: argparse.Namespace,
) -> Outcome:  # fmt: skip
    steps = plan(seed, store, short=options.short)
    print(f"\n{store}: {len(steps)} faults\n{listing(steps)}", flush=True)
    outcome = run(
        store,
        steps,
        seed=seed,
        data_url=data_url,
        expected=expected,
        say=_say,
        seconds=options.seconds,
        keep=options.keep,
    )
    print(f"{store}: {len(outcome.broken)} broken invariants", flush=True)
    return outcome


def _mutant(store: str, seed: int, data_url: str, expected: dict[str, str | None]) -> bool:
    """Whether `finish` without its fence is found, in one of a few plans.

    A zombie wakes as soon as its job is taken back. One whose round is over by then changes
    nothing: the database's own bounds on the counters refuse what it writes.
    """
    for number in range(seed, seed + MUTANT_PLANS):
        steps = plan(number, store, only=FREEZES)
        print(
            f"\n{store}, finish without its fence: {len(steps)} faults\n{listing(steps)}",
            flush=True,
        )
        outcome = run(
            store, steps, seed=number, data_url=data_url, expected=expected, say=_say,
            mutants=["unfenced"], settle=MUTANT_SETTLE,
        )  # fmt: skip
        print(f"{store}: the mutant breaks {len(outcome.broken)} invariants")
        for what in outcome.broken[:5]:
            print(f"  {what}")
        if outcome.broken:
            return True
    print("  NOT FOUND: this harness cannot fail")
    return False


def table(outcomes: Sequence[Outcome]) -> str:
    """The figures of all runs side by side, the faults by kind, and what is broken."""
    lines = ["", f"{'':40}" + "".join(f"{o.store:>14}" for o in outcomes)]
    for name in outcomes[0].figures:
        lines.append(f"{name:40}" + "".join(f"{o.figures[name]!s:>14}" for o in outcomes))
    lines += ["", "faults by kind"]
    for name in sorted({name for o in outcomes for name in o.faults}):
        lines.append(f"  {name:38}" + "".join(f"{o.faults[name]:>14}" for o in outcomes))
    for outcome in outcomes:
        lines += [f"BROKEN, {outcome.store}: {what}" for what in outcome.broken]
    return "\n".join(lines)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="the plan's seed; default: a new one, printed")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help="of faults on each store (%(default)s)"
    )
    parser.add_argument("--store", action="append", choices=[SQLITE, POSTGRESQL, POOLED])
    parser.add_argument("--keep", action="store_true", help="keep the folders with logs")
    parser.add_argument("--short", action="store_true", help="the plan of `make test`")
    parser.add_argument(
        "--mutant", choices=["no", "yes", "only"], default="no", nargs="?", const="only",
        help="also (yes) or only show that finish without its fence is found",
    )  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
