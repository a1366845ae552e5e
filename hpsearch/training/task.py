"""A job in the engine's terms: which networks, on which keys, in which stacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from hpsearch import nn
from hpsearch.data import DatasetInfo, Preparation
from hpsearch.metrics import METRICS, Metric
from hpsearch.space import Params
from hpsearch.spec import ResolvedSpec, SearchSpec, needs
from hpsearch.training import networks
from hpsearch.training.data_splits import preparation_of
from hpsearch.training.reports import measures
from hpsearch.trials import JobOrder, RoundKind
from hpsearch.workloads import DatasetFacts

Stopped = Callable[[], bool]

NO_ROUND = 0  # rounds count from 1: the model that measures optimism shares its order with none


@dataclass(frozen=True)
class Task:
    """A job in typed terms; a position counts its trials from 0."""

    order: JobOrder
    resolved: ResolvedSpec
    info: DatasetInfo

    @classmethod
    def of(cls, order: JobOrder) -> Task:
        """The job that an order describes."""
        spec = SearchSpec.model_validate(order.spec)
        facts = DatasetFacts.from_json(order.dataset)
        return cls(order, ResolvedSpec(spec, facts), DatasetInfo.from_json(order.dataset))

    @cached_property
    def cohorts(self) -> Sequence[Sequence[int]]:
        """The positions of each cohort, in the order of their numbers."""
        cohorts: dict[int, list[int]] = {}
        for position, number in enumerate(self.order.cohorts):
            cohorts.setdefault(number, []).append(position)
        return [cohorts[number] for number in sorted(cohorts)]

    @property
    def metric(self) -> Metric:
        """The metric that trials are ranked by."""
        return METRICS[self.resolved.spec.objective]

    @cached_property
    def also(self) -> Sequence[str]:
        """Metrics that are stored beside the score, because a requirement names them."""
        return needs.also_measured(self.resolved)

    @property
    def masked(self) -> bool:
        """True where reports have a `correct_mask`: in repeats, to compare configurations by."""
        return self.resolved.workload.independent and self.order.kind is RoundKind.REPEAT

    def shape(self, position: int) -> nn.Shape:
        """The network of a trial."""
        return networks.shape(self._values(position), self.resolved.facts)

    def member(self, position: int, *, fold: int = 0, replicate: int = 0) -> nn.Member:
        """The trial at `position`, as it is trained on one of the splits."""
        order = self.order
        return networks.member(
            self._values(position),
            seed=self.resolved.spec.seed,
            round=order.round,
            index=order.indices[position],
            replicate=replicate,
            epochs=order.epochs,
            fold=fold,
        )

    def training(
        self,
        positions: Sequence[int],
        train: nn.Examples,
        validation: nn.Examples | None,
        *,
        stopped: Stopped,
        fold: int = 0,
        replicate: int = 0,
        keep_weights: bool = False,
    ) -> nn.Training:
        """A stack in the engine; its members are numbered as in `positions`.

        replicate: another than 0 gives other initial weights and another minibatch order.
        """
        spec, shape = self.resolved.spec, self.shape(positions[0])
        balanced = self._values(positions[0])["class_weight"] == "balanced"
        number = NO_ROUND if replicate else self.order.round
        return nn.Training(
            shape,
            [self.member(p, fold=fold, replicate=replicate) for p in positions],
            train,
            validation,
            epochs=self.order.epochs,
            order=networks.order(spec.seed, number, len(train), fold=fold),
            keep_weights=keep_weights,
            class_weights=nn.balanced_weights(train, shape.outputs) if balanced else None,
            measures=measures(self.metric, self.resolved.facts.positive, self.also),
            should_stop=stopped,
        )

    def preparation(self, position: int) -> Preparation | None:
        """Choices of a trial about its inputs; None for the plain scaling."""
        return preparation_of(self._values(position), self.info)

    def stacks(self, positions: Sequence[int], size: int) -> list[Sequence[int]]:
        """`positions` cut into stacks of one shape, loss and preparation, by 0 of the best size for the shape.

        The cut never changes a result.
        """
        alike: dict[tuple[nn.Shape, object], list[int]] = {}
        for position in positions:
            weight = self._values(position)["class_weight"]
            more = weight, self.preparation(position)
            alike.setdefault((self.shape(position), more), []).append(position)
        cut: list[Sequence[int]] = []
        for (shape, _), members in alike.items():
            length = size or nn.best_stack_size(shape)
            cut += [members[i : i + length] for i in range(0, len(members), length)]
        return cut

    def _values(self, position: int) -> dict[str, object]:
        params: Params = self.order.params[position]
        return self.resolved.workload.hyperparameters(params)
