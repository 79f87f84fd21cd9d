"""The plan: a checked config made complete and immutable. `service/plan` makes it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Literal

from service.contracts.pair import CONTROL, Scalar
from service.contracts.strategy import StrategyChoice
from service.contracts.trial import Frozen, Runtime, content_hash

Backend = Literal["tensorflow", "jax", "torch"]


class RangePlan(Frozen):
    """A hyperparameter's range, as reports and searches read it."""

    kind: Literal["choice", "real", "whole"]
    values: tuple[Scalar, ...] = ()
    low: float | None = None
    high: float | None = None
    log: bool = False

    def __str__(self) -> str:
        if self.kind == "choice":
            return ", ".join(str(value) for value in self.values)
        return f"{self.low:g} to {self.high:g}" + (" (log)" if self.log else "")


class MetricPlan(Frozen):
    """The metric's facts, without its code."""

    name: str
    direction: Literal["maximize", "minimize"]
    unit: str

    def gain(self, challenger: float, reference: float) -> float:
        """How much better the challenger is, in the metric's unit: positive means better."""
        difference = challenger - reference
        return difference if self.direction == "maximize" else -difference


class PairPlan(Frozen):
    """One pair of the experiment.

    Args:
        name: the pair's name, unique in the experiment.
        reference: where it was found: a name, "./file.py:PAIR" or "package.module:PAIR".
        code: digest of the pair's code and of all the code its results depend on.
        title, question: as the pair tells them.
        variants: the names of the reference variant and of the challenger.
        metric: the primary metric.
        margin: the smallest difference that matters, in the metric's unit.
        epochs: the most epochs of a trial, the same for both variants.
        budget: parameters that both variants are matched to, or None.
        spaces: by variant, what is searched.
        shared: hyperparameters that both variants have, with identical ranges.
        source: the data source's name; `licence` its terms.
        data: fingerprint of the data set; empty until the data is loaded.
        baseline: what the trivial baseline does.
        also: the pair's further metrics.
        why_not_sequential: what makes the challenger impossible as a straight stack.
        published: a published finding, with its source.
        strategy: how its trainings are computed (`service.contracts.strategy`); None until it was
            chosen.
    """

    name: str
    reference: str
    code: str
    title: str
    question: str
    variants: tuple[str, str]
    metric: MetricPlan
    margin: float
    epochs: int
    budget: int | None
    spaces: dict[str, dict[str, RangePlan]]
    shared: tuple[str, ...]
    source: str
    licence: str
    baseline: str
    also: tuple[MetricPlan, ...] = ()
    data: str = ""
    why_not_sequential: str | None = None
    unmatched_because: str | None = None
    published: str | None = None
    strategy: StrategyChoice | None = None

    def space(self, variant: str) -> dict[str, RangePlan]:
        """What is searched for a variant; the control's space is the reference's."""
        return self.spaces[self.variants[0] if variant == CONTROL else variant]


class SearchPlan(Frozen):
    """How each study searches: the same for both variants.

    Args:
        trials: per variant and repetition.
        sampler: Optuna's "tpe" or "random".
        pruner: "none" or "median".
        batch: how many trials are proposed at once; it is fixed here so that proposals depend on
            neither the number of workers nor their speed.
    """

    trials: int
    sampler: Literal["tpe", "random"]
    pruner: Literal["none", "median"]
    batch: int


_LIMITS = {
    "search": "conditional on this split: all repetitions share it, so the interval covers searches "
    "and seeds, not another draw of the data",
    "seeds": "conditional on this tuning: all repetitions share one split and one search, so the "
    "verdict is about these winners, and no number of them averages out the luck of their search",
}


class DesignPlan(Frozen):
    """The statistics, fixed before the first trial.

    Args:
        looks: cumulative repetitions at which the verdict may be given, increasing.
        retrain: fresh trainings of each winner.
        confidence: of the intervals, 1 - alpha.
        seed: the root of every random draw.
        anew: what each repetition draws anew: "split" (and with it search and seeds), "search" (and
            seeds, on one fixed split) or "seeds" (one split, one search).
        noise_floor: whether the control is searched and retrained with seeds of its own, too.
        reserve: the share of alpha that is kept for extensions, in [0, 1).
        extensions: repetitions of each extension after the last look. They are decided upon after
            the results, so they are no part of the protocol, and change none of its trials.
    """

    looks: tuple[int, ...]
    retrain: int
    confidence: float
    seed: int
    anew: Literal["split", "search", "seeds"] = "split"
    noise_floor: bool = False
    reserve: float = 0.0
    extensions: tuple[int, ...] = ()

    @property
    def schedule(self) -> tuple[int, ...]:
        """Cumulative repetitions at each look, extensions included."""
        return (*self.looks[:-1], *accumulate(self.extensions, initial=self.looks[-1]))

    def split_of(self, repetition: int) -> int:
        """The repetition whose split this one uses."""
        return repetition if self.anew == "split" else 0

    def search_of(self, repetition: int) -> int:
        """The repetition whose search this one's winner comes from."""
        return 0 if self.anew == "seeds" else repetition

    def searches(self, repetitions: int) -> int:
        """How many searches per variant so many repetitions take."""
        return len({self.search_of(index) for index in range(repetitions)})

    @property
    def condition(self) -> str | None:
        """What a verdict of this design is conditional on, in words; None where it is general."""
        return None if self.limit is None else self.limit.partition(":")[0]

    @property
    def limit(self) -> str | None:
        """The same with what such a verdict does not say."""
        return _LIMITS.get(self.anew)


class ResourcePlan(Frozen):
    """What a trial gets and how many run at once; None for `max_parallel` means all that fits."""

    cpus_per_trial: int
    gpus_per_trial: float
    max_parallel: int | None
    trial_timeout_seconds: float


class Plan(Frozen):
    """An experiment, ready to run.

    Args:
        experiment: its name.
        backend: the Keras backend.
        pairs: what is compared.
        search, design, resources: as their classes say.
        strategy: how trainings are computed; "auto" leaves it to a measurement for each pair.
        data_source: packaged, online or path; `data_path` goes with path.
        mlflow: a tracking address, or None for the store under the home folder.
        config: the config as it was given, overrides applied, for the report's recipe.
    """

    experiment: str
    backend: Backend
    pairs: tuple[PairPlan, ...]
    search: SearchPlan
    design: DesignPlan
    resources: ResourcePlan
    strategy: str = "auto"
    data_source: Literal["packaged", "online", "path"]
    data_path: str | None
    mlflow: str | None
    config: str

    @property
    def runtime(self) -> Runtime:
        """What of the machine decides the bits of each trial."""
        return Runtime(
            backend=self.backend,
            threads=self.resources.cpus_per_trial,
            gpus=self.resources.gpus_per_trial,
        )

    @property
    def protocol_hash(self) -> str:
        """The hash of all that decides the numbers: everything but where and how fast it runs."""
        document = self.model_dump(
            mode="json", exclude={"resources", "mlflow", "config", "experiment", "data_path"}
        )
        del document["design"]["extensions"]
        for pair in document["pairs"]:
            del pair["reference"]  # Where the code was found; what it is, its digest says.
            del pair["strategy"]  # Chosen by measurement, and kept in the ledger.
        document["runtime"] = self.runtime.model_dump(mode="json")
        return content_hash(document)

    @property
    def trainings(self) -> dict[str, int]:
        """How many trainings the plan asks for at most, by stage, over all pairs."""
        one = self.trainings_to(self.design.schedule[-1])
        return {stage: len(self.pairs) * count for stage, count in one.items()}

    def trainings_to(self, repetitions: int) -> dict[str, int]:
        """How many trainings so many repetitions of one pair ask for at most, by stage."""
        tuned = 3 if self.design.noise_floor else 2
        return {
            "search": self.design.searches(repetitions) * tuned * self.search.trials,
            "retrain": repetitions * tuned * self.design.retrain,
            "control": repetitions,
        }

    def extended(self, extensions: tuple[int, ...]) -> Plan:
        """The plan with these extensions: the same protocol, gone on with."""
        design = self.design.model_copy(update={"extensions": extensions})
        return self.model_copy(update={"design": design})

    def with_data(self, fingerprints: Mapping[str, str]) -> Plan:
        """The plan of these data sets, by pair name: other data is another protocol."""
        pairs = (pair.model_copy(update={"data": fingerprints[pair.name]}) for pair in self.pairs)
        return self.model_copy(update={"pairs": tuple(pairs)})

    def with_strategies(self, strategies: Mapping[str, StrategyChoice]) -> Plan:
        """The plan with strategies chosen, by pair name; the other pairs stay as they are."""
        pairs = (
            pair.model_copy(update={"strategy": strategies.get(pair.name, pair.strategy)})
            for pair in self.pairs
        )
        return self.model_copy(update={"pairs": tuple(pairs)})

    def pair(self, name: str) -> PairPlan:
        """The pair of this name; KeyError when there is none."""
        for pair in self.pairs:
            if pair.name == name:
                return pair
        raise KeyError(name)
