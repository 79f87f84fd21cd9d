"""One variant in one repetition: its search, its retrained winner, its control.

A study is a state machine that is fed results and gives out the next batches. All it does follows
from the plan and the results, never from the order in which results arrive, so that a campaign
that was killed and resumed proposes the same trials again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.campaign.pruning import median_bars
from service.contracts.pair import CONTROL, Hyperparameters
from service.contracts.plan import PairPlan, Plan
from service.contracts.ports import Proposer, Told
from service.contracts.results import TrialResult
from service.contracts.strategy import OF_BACKEND
from service.contracts.trial import Seeds, Stage, Status, TrialSpec
from service.evidence.selection import winner
from service.plan.seeds import derive


@dataclass
class Study:
    """The trials of one variant on one split.

    Args:
        plan, pair: what was planned.
        repetition: which paired replicate, from 0.
        variant: the variant's name, or "control" for a noise floor.
        propose: asks for hyperparameters.
    """

    plan: Plan
    pair: PairPlan
    repetition: int
    variant: str
    propose: Proposer
    _told: list[Told] = field(default_factory=list)
    _best: TrialResult | None = None
    _open: dict[str, TrialSpec] = field(default_factory=dict)
    _arrived: dict[str, TrialResult] = field(default_factory=dict)
    _stage: Stage | None = None
    finished: bool = False

    def start(self) -> list[TrialSpec]:
        """The first batch of the search."""
        return self._next()

    def receive(self, result: TrialResult) -> list[TrialSpec]:
        """Take in a result of an open trial; returns the next batch once all of one is in."""
        self._arrived[result.spec.id] = result
        if len(self._arrived) < len(self._open):
            return []
        batch = [self._arrived[identity] for identity in self._open]
        if self._stage is Stage.SEARCH:
            self._take(batch)
        self._open, self._arrived = {}, {}
        return self._next()

    def _next(self) -> list[TrialSpec]:
        if len(self._told) < self.plan.search.trials:
            return self._opened(Stage.SEARCH, self._search_batch())
        if self._stage is Stage.SEARCH and self._best is not None:
            best = self._best.spec.hyperparameters
            return self._opened(Stage.RETRAIN, self._final_batch(best))
        self.finished = True
        return []

    def _take(self, batch: list[TrialResult]) -> None:
        """Keep of the search's trials what the next ones need: thousands of them may be in flight."""
        pruned = self.plan.search.pruner != "none"
        self._told.extend(_told(result, with_curve=pruned) for result in batch)
        before = [] if self._best is None else [self._best]
        self._best = winner(self.pair.metric, [*before, *batch])

    def _opened(self, stage: Stage, batch: list[TrialSpec]) -> list[TrialSpec]:
        self._stage = stage
        self._open = {spec.id: spec for spec in batch}
        return batch

    def _search_batch(self) -> list[TrialSpec]:
        """The next trials: sampler and seeds are the same for both variants."""
        search, metric = self.plan.search, self.pair.metric
        begun = len(self._told)
        proposals = self.propose(
            self.pair.space(self.variant),
            self._told,
            count=min(search.batch, search.trials - begun),
            seed=self._seed(self._searched, "sampler", begun),
            sampler=search.sampler,
            direction=metric.direction,
        )
        bars = median_bars(search.pruner, self.pair.epochs, self._told)
        return [
            self._spec(Stage.SEARCH, self.variant, begun + place, proposal, bars)
            for place, proposal in enumerate(proposals)
        ]

    def _final_batch(self, best: Hyperparameters) -> list[TrialSpec]:
        """The winner with fresh seeds and, for the reference, its control with the first of them."""
        batch = [
            self._spec(Stage.RETRAIN, self.variant, number, best)
            for number in range(self.plan.design.retrain)
        ]
        if self.variant == self.pair.variants[0]:
            batch.append(self._spec(Stage.CONTROL, CONTROL, 0, best))
        return batch

    def _spec(
        self,
        stage: Stage,
        variant: str,
        number: int,
        hyperparameters: Hyperparameters,
        bars: tuple[float | None, ...] = (),
    ) -> TrialSpec:
        purpose = "search" if stage is Stage.SEARCH else "retrain"
        repetition = self._searched if stage is Stage.SEARCH else self.repetition
        return TrialSpec(
            pair=self.pair.name,
            code=self.pair.code,
            data=self.pair.data,
            variant=variant,
            stage=stage,
            repetition=repetition,
            number=number,
            hyperparameters=dict(hyperparameters),
            budget=self.pair.budget,
            epochs=self.pair.epochs,
            seeds=Seeds(
                split=self._seed(self.plan.design.split_of(repetition), "split"),
                weights=self._seed(repetition, purpose, number, "weights"),
                order=self._seed(repetition, purpose, number, "order"),
            ),
            runtime=self.plan.runtime,
            strategy=self._strategy,
            prune_at=bars,
        )

    @property
    def _strategy(self) -> str:
        chosen = self.pair.strategy
        return OF_BACKEND[self.plan.backend][0] if chosen is None else chosen.strategy

    @property
    def _searched(self) -> int:
        """The repetition that the search belongs to: studies of one search propose the same."""
        return self.plan.design.search_of(self.repetition)

    def _seed(self, repetition: int, *parts: str | int) -> int:
        """A seed that both variants of a repetition share; a noise floor's are its own."""
        own = ("noise floor",) if self.variant == CONTROL and parts != ("split",) else ()
        return derive(self.plan.design.seed, self.pair.name, "repetition", repetition, *own, *parts)


def _told(result: TrialResult, *, with_curve: bool) -> Told:
    return Told(
        hyperparameters=result.spec.hyperparameters,
        status=result.status,
        score=result.score if result.status in (Status.OK, Status.PRUNED) else None,
        curve=result.curve.validation if with_curve else (),
    )


def resume(
    study: Study, known: Mapping[str, TrialResult]
) -> tuple[list[TrialSpec], list[TrialResult]]:
    """Walk a study through what the ledger holds.

    Returns:
        The trials that must be run now, and the results that were found.
    """
    found: list[TrialResult] = []
    batch = study.start()
    while batch:
        missing = [spec for spec in batch if spec.id not in known]
        following: list[TrialSpec] = []
        for spec in batch:
            if spec.id in known:
                found.append(known[spec.id])
                following = study.receive(known[spec.id])
        if missing:
            return missing, found
        batch = following
    return [], found
