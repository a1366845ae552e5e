"""A search trained in this process, one job after the other: what any fleet must reproduce."""

from __future__ import annotations

from hpsearch.service import Services
from hpsearch.training import Trainer
from hpsearch.training.final import run_final
from hpsearch.trials import RoundKind
from support.bench import OWNER, Bench


def alone(services: Services, search_id: str) -> str | None:
    """Run a search to its end; its digest."""
    bench, trainer = Bench(services), Trainer(services.files)
    while bench.status(search_id).finished_at is None:
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
