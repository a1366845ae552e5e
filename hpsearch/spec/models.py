"""The search spec as a user writes it: frozen pydantic models, every default in one place."""

from __future__ import annotations

from functools import reduce
from operator import getitem
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SerializeAsAny,
    Tag,
    WrapValidator,
    field_validator,
    model_validator,
)

from hpsearch.directions import Direction, sign_of
from hpsearch.narrowing import RULES
from hpsearch.one_of import one_of
from hpsearch.rules import Since, to_json
from hpsearch.samplers import SAMPLERS
from hpsearch.space import TaggedDimension
from hpsearch.spec.budget import COST_MOST, COUNT_MOST, SECONDS_MOST, BudgetSpec
from hpsearch.spec.combinations import FORBIDDEN_MOST, Forbid
from hpsearch.spec.labels import Note, Tags
from hpsearch.spec.needs import NAME_MOST, Requirements
from hpsearch.spec.webhook import WebhookSpec
from hpsearch.workloads import MONTH_SECONDS, OBJECTIVES, ModelSpec, Workload, workload_of
from hpsearch.workloads.dense import with_registered

Frozen = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
Objective = Annotated[str, OBJECTIVES]
SearchId = Annotated[str, Field(min_length=1, max_length=40)]
ColumnName = Annotated[str, Field(min_length=1, max_length=200)]
AgentLabel = Annotated[str, Field(pattern=r"^[\w.:/-]{1,50}$")]
OBSERVATIONS_MOST = 2_000  # in one item of warm_start
EPOCHS_MOST = 1_000_000  # of one of them
TRAINED_MOST = 1000  # epochs of a training here
NETWORKS_MOST = 16  # of the recommended model: more hardly change their mean


class EpochsSpec(BaseModel):
    """How long trials are trained: coarse first, in full later.

    A round starts all its trials for `first` epochs, later rounds for more, up to `last`.
    With `halving` the better half of a cohort goes on for twice as long, again and again, and
    the best reach `last` in every round; without it a round's trials all end together.
    """

    model_config = Frozen

    first: int = Field(
        2, ge=1, le=TRAINED_MOST, description="Epochs of a trial in the first round."
    )
    last: int = Field(8, ge=1, le=TRAINED_MOST, description="Epochs of a full training.")
    halving: bool = Field(True, description="Stop the worse half of a cohort at every rung.")
    budget: int | None = Field(
        None,
        ge=1,
        le=COUNT_MOST,
        description="Epochs of all trials together; the search plans to fit it.",
    )

    @model_validator(mode="after")
    def _grow(self) -> EpochsSpec:
        if self.first > self.last:
            raise ValueError(
                f"first must not exceed last, got first={self.first} and last={self.last}"
            )
        return self


class TrialsSpec(BaseModel):
    """Trials of the first and of the last exploring round; geometric in between."""

    model_config = Frozen

    first: int = Field(32, ge=1)
    last: int = Field(8, ge=1)


TrialsPerRound = Annotated[
    Annotated[Annotated[int, Field(ge=1)], Tag("number")] | Annotated[TrialsSpec, Tag("trials")],
    Discriminator(lambda value: "trials" if isinstance(value, dict | TrialsSpec) else "number"),
]


class FinalistsSpec(BaseModel):
    """The last rounds repeat the best configurations with new seeds at full epochs."""

    model_config = Frozen

    rounds: int | None = Field(
        None, ge=0, description="How many of the rounds; null: a quarter, none of 1 or 2."
    )


class ValidationSpec(BaseModel):
    """The splits of the training part into training and validation.

    Groups and time are the dataset's: they decide what its upload sealed. A spec may say which ones it
    counts on.
    """

    model_config = Frozen

    folds: int | None = Field(None, ge=2, le=20, description="k-fold cross-validation.")
    repeats: int = Field(1, ge=1, le=20, description="Independent splits of validation_fraction.")
    groups: Annotated[ColumnName | None, Since("0.2")] = Field(
        None,
        description="Column that the dataset's upload named as groups=; another one is a mistake. "
        "Left out, whatever the upload named holds.",
    )
    time: Annotated[ColumnName | None, Since("0.2")] = Field(
        None, description="Column that the dataset's upload named as time=, likewise."
    )

    @model_validator(mode="after")
    def _one_way(self) -> ValidationSpec:
        if self.folds is not None and self.repeats > 1:
            raise ValueError(f"folds={self.folds} and repeats={self.repeats} exclude each other")
        return self

    @property
    def splits(self) -> int:
        """Trainings of one trial, each with another validation part."""
        return self.folds or self.repeats


class FinalSpec(BaseModel):
    """The final test: how long and how many models, and what they are trained on."""

    model_config = Frozen

    epochs: int = Field(20, ge=1, le=TRAINED_MOST)
    models: int = Field(5, ge=1, le=64, description="The recommended one and others of the range.")
    networks: Annotated[int, Since("0.2")] = Field(
        1,
        ge=1,
        le=NETWORKS_MOST,
        description="Networks of the recommended model, each from initial weights of its own: it answers "
        "with the mean of their probabilities or numbers. One beside a baseline.",
    )
    train_on: Literal["train+validation", "train"] = "train+validation"


class ExternalSpec(BaseModel):
    """The trials of an external search."""

    model_config = Frozen

    trial_seconds: float | None = Field(
        None,
        gt=0,
        le=MONTH_SECONDS,
        description="From its claim, after which a trial is failed and not handed out again.",
    )
    require_labels: Annotated[
        tuple[AgentLabel, ...],
        BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
        Since("0.2"),
    ] = Field(
        (),
        max_length=20,
        description="Only an agent that has all of these labels claims trials: hpsearch agent --labels. "
        "Other trainers are their user's own choice.",
    )


Setting = dict[str, bool | int | float | str | list[int] | None]
"""Values of hyperparameters by name; `hpsearch.spec.given` says which ones a spec may have."""
HYPERPARAMETERS_MOST = 40  # of a setting: those of a space, and of a model
TRIED_FIRST_MOST = 100
COMPARED_MOST = 5  # trainings of each: more hardly sharpen a gain


class SeenTrial(BaseModel):
    """One trial that was trained elsewhere."""

    model_config = Frozen

    params: dict[str, bool | int | float | str | list[int] | None] = Field(
        max_length=20, description="A value for every hyperparameter of the space."
    )
    state: Literal["completed", "stopped", "diverged"] = "completed"
    epochs: int = Field(ge=1, le=EPOCHS_MOST, description="For which it was trained.")
    score: float | None = Field(
        None,
        description="After the last epoch, by the search's objective; higher is better, so minus "
        "the log loss. Of an external search as reported, better as its direction says. null for a "
        "diverged trial.",
    )
    curve: list[tuple[Annotated[int, Field(ge=1)], float]] = Field(
        [], max_length=100, description="[epoch, score] before, in order; the last one is known."
    )

    @field_validator("curve", mode="before")
    @classmethod
    def _points_are_tuples(cls, value: Any) -> Any:
        points = value if isinstance(value, list) else [value]
        return [tuple(point) if isinstance(point, list) else point for point in points]


class Observations(BaseModel):
    """Trials of another program, in place of an earlier search.

    A stored spec has none of them: they lie in a column of their own, as those of searches do.
    """

    model_config = Frozen

    observations: list[SeenTrial] = Field(max_length=OBSERVATIONS_MOST)


WarmStart = Annotated[
    Annotated[SearchId, Tag("search")] | Annotated[Observations, Tag("provided")],
    Discriminator(lambda value: "provided" if isinstance(value, dict | Observations) else "search"),
]


class SearchSpec(BaseModel):
    """A search, as POSTed. Everything but dataset and space has a default.

    An `external` one is trained by its caller, who claims its trials and reports their scores: it
    has neither dataset nor model, and hyperparameters of any name.
    """

    model_config = Frozen

    name: str = Field("", max_length=200)
    dataset: str | None = Field(
        None, min_length=1, max_length=64, description="Required, unless objective is external."
    )
    model: Annotated[SerializeAsAny[ModelSpec], WrapValidator(with_registered)] = Field(
        ModelSpec(), validate_default=True
    )
    space: dict[str, TaggedDimension] = Field(min_length=1, max_length=20)
    budget: BudgetSpec | None = Field(
        None,
        description="What the search may spend; rounds, trials_per_round, cohort, epochs, sampler and "
        "finalists follow from it where they are not named. A spec that names neither this nor "
        "rounds, trials_per_round or epochs gets one from its dataset, network and space. It is stored "
        "as the fields that follow from it, so a spec that is read has none.",
    )
    rounds: int = Field(4, ge=1)
    trials_per_round: TrialsPerRound = 32
    cohort: int | None = Field(
        None, ge=1, description="Trials compared when halved; null: a quarter of a round, 8 to 32."
    )
    epochs: EpochsSpec = EpochsSpec()
    sampler: Annotated[str, one_of(SAMPLERS)] = "sobol"
    narrowing: Annotated[str, one_of(RULES)] = "level_set"
    objective: Objective = Field(
        "accuracy",
        description="The metric that ranks trials; a loss or an error is minimised. Without it "
        "accuracy, or rmse where the targets are numbers. external: the scores that the caller "
        "reports, better as `direction` says.",
    )
    direction: Annotated[Direction, Since("0.2")] = Field(
        "maximize",
        description="Which scores of an external search are better, the higher or the lower ones. "
        "They go in and come out as they are reported.",
    )
    weight: Annotated[str | None, Since("0.2")] = Field(
        "auto",
        max_length=200,
        description="Column by which rows count, in losses, metrics and intervals: that which the "
        "dataset was uploaded with. auto: that one, if there is one; null: every row counts the same.",
    )
    validation_fraction: float = Field(0.2, gt=0, lt=1)
    validation: ValidationSpec = ValidationSpec()
    finalists: FinalistsSpec = FinalistsSpec()
    stop_early: bool = Field(
        True, description="Stop exploring when what is left to gain is below the noise."
    )
    max_seconds: float | None = Field(
        None, gt=0, le=SECONDS_MOST, description="Start no round that would end later than this."
    )
    max_cost: Annotated[float | None, Since("0.2")] = Field(
        None,
        gt=0,
        le=COST_MOST,
        description="Begin no round that would bring the sum of reported costs beyond this; of an "
        "external search.",
    )
    warm_start: Annotated[
        tuple[WarmStart, ...],
        BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
    ] = Field(
        (),
        max_length=8,
        description="Earlier searches on the same dataset and model, or trials seen elsewhere.",
    )
    baseline: Annotated[Setting | None, Since("0.2")] = Field(
        None,
        max_length=HYPERPARAMETERS_MOST,
        description="The setting to be beaten: a value for each searched hyperparameter, in or outside "
        "its range; one that is left out has the model's default. It is trained with the finalists "
        "and in the final test, and the result has the gain over it. It is stored in full.",
    )
    try_first: Annotated[
        tuple[Setting, ...],
        BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
        Since("0.2"),
    ] = Field(
        (),
        max_length=TRIED_FIRST_MOST,
        description="Settings that the first round trains before any that it draws, as many as it has "
        "trials at the most; each has a value for every searched hyperparameter, in its range.",
    )
    require: Annotated[Requirements, Since("0.2")] = Field(
        (),
        description="What the recommended setting has to keep. What follows from a setting is enforced "
        "before it is trained; what is measured acts on the choice, those that meet it first.",
    )
    cheapest: Annotated[str | None, Since("0.2")] = Field(
        None,
        max_length=NAME_MOST,
        description="Of the finalists that cannot be told from the best, recommend the one with the "
        "least of this: `parameters`, `estimated_seconds`, or the reported `cost` of an external "
        "search.",
    )
    forbid: Annotated[Forbid, Since("0.2")] = Field(
        (),
        max_length=FORBIDDEN_MOST,
        description="Values that no trial may have together: for each named hyperparameter one value, "
        'a list of values, or {"low", "high"}, both included. A trial without one of them is allowed.',
    )
    final: FinalSpec = FinalSpec()
    external: Annotated[ExternalSpec, Since("0.2")] = Field(
        ExternalSpec(), description="Of a search whose objective is external, and of no other."
    )
    seed: int = Field(0, ge=0, lt=2**53)
    webhook: WebhookSpec | None = Field(
        None, description="Who is told of the end. It is not kept with the spec."
    )

    tags: Tags = Field((), description="To find it by; no part of the digest, changed at any time.")
    note: Note = Field("", description="Plain text for people, likewise.")

    @model_validator(mode="before")
    @classmethod
    def _final_as_long(cls, data: Any) -> Any:
        """Have the final trials of some workloads end with a full training, by default."""
        if not isinstance(data, dict) or not workload_of(data.get("objective")).final_as_long:
            return data
        final, epochs = data.get("final", {}), data.get("epochs", {})
        if not isinstance(final, dict) or not isinstance(epochs, dict):
            return data
        last = epochs.get("last", EpochsSpec().last)
        return {**data, "final": {"epochs": last, **final}}

    @property
    def workload(self) -> type[Workload]:
        """The kind of training."""
        return workload_of(self.objective)

    @property
    def final_trials(self) -> int:
        """Trainings of the final test: those for optimism, baseline and further networks included."""
        compared = 0 if self.baseline is None else 2 * self.compared - 1
        more = self.final.networks - 1
        return self.final.models + int(self.workload.measures_optimism) + compared + more

    @property
    def compared(self) -> int:
        """Trainings of the recommended setting, and of the baseline, by which they are compared."""
        return min(self.final.models, COMPARED_MOST)

    @property
    def trials(self) -> TrialsSpec:
        """Trials of the first and of the last exploring round, whether they differ or not."""
        trials = self.trials_per_round
        return TrialsSpec(first=trials, last=trials) if isinstance(trials, int) else trials

    @property
    def score_sign(self) -> int:
        """The factor between scores as they are reported and rank values."""
        return sign_of(self.direction)

    @property
    def earlier(self) -> tuple[str | None, ...]:
        """The earlier searches by their place in `warm_start`; None for provided trials."""
        return tuple(one if isinstance(one, str) else None for one in self.warm_start)

    def to_json(self) -> dict[str, Any]:
        """The spec as plain JSON, every default written out; webhook and labels are kept elsewhere.

        The plan has taken the budget's place (`hpsearch.spec.plan`). A field that came later (`rules.Since`) is left out while it has its default.
        """
        data = to_json(self, exclude={"webhook", "budget", "tags", "note"})
        if self.weight is None:
            data["weight"] = None  # unlike other nulls it is no default
        for path in self.workload.left_out:
            *above, name = path.split(".")
            reduce(getitem, above, data).pop(name, None)
        return data
