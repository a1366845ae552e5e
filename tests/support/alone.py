"""A search trained in this process, one job after the other: what any fleet must reproduce."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from hpsearch.service import Services
from hpsearch.training import Trainer
from hpsearch.training.final import run_final
from hpsearch.trials import RoundKind
from support.bench import OWNER, Bench


def alone(
    services: Services, search_id: str, *, edits: Mapping[int, Mapping[str, Any]] | None = None
) -> str | None:
    """Run a search to its end; its digest. An edit comes once so many rounds are over."""
    bench, trainer = Bench(services), Trainer(services.files)
    for over in count():
        if bench.status(search_id).finished_at is not None:
            break
        if over in (edits or {}):
            services.searches.edit(search_id, dict((edits or {})[over]), owner=OWNER)
        bench.work.advance_due()
        for hint in bench.work.hints():
            order = bench.claim(hint)
            if order.kind is RoundKind.FINAL:
                report = run_final(
                    trainer,
                    order,
                    open_test=lambda hint=hint: bench.work.open_test(hint, worker_run="worker"),
                )
            else:
                report = trainer.run(order)
            bench.work.finish(hint, report, worker_run="worker")
    return services.searches.result(search_id, owner=OWNER).digest
