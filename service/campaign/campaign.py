"""Runs a plan: repetition by repetition, look by look, until every pair has its verdict."""

from __future__ import annotations

from dataclasses import dataclass, field

from service.campaign.study import Study, resume
from service.contracts.errors import ArchduelError
from service.contracts.pair import CONTROL
from service.contracts.plan import PairPlan, Plan
from service.contracts.ports import Advance, Executor, Ledger, Progress, Proposer
from service.contracts.results import TrialResult
from service.contracts.trial import Stage, TrialSpec
from service.evidence.decide import Judgement, judge
from service.plan.seeds import derive


@dataclass(frozen=True)
class Finding:
    """What a campaign found out about one pair.

    Args:
        judgement: the verdict and all that it rests on, at the look where it fell.
        look: that look, from 0.
    """

    judgement: Judgement
    look: int


@dataclass
class Campaign:
    """The loop around ports.

    Args:
        plan: what to do.
        executor, ledger, propose, progress: the world.
    """

    plan: Plan
    executor: Executor
    ledger: Ledger
    propose: Proposer
    progress: Progress
    _waiting: dict[str, list[Study]] = field(default_factory=dict)
    _known: dict[str, TrialResult] = field(default_factory=dict)
    _done: int = 0
    _planned: int = 0
    _resumed: int = 0
    _seconds: float = 0.0

    def run(self) -> dict[str, Finding]:
        """Run until every pair is decided; everything recorded before is used again.

        Returns:
            By pair name, what was found.
        """
        self._known = dict(self.ledger.results())
        undecided = list(self.plan.pairs)
        findings: dict[str, Finding] = {}
        schedule = self.plan.design.schedule
        for look, repetitions in enumerate(schedule):
            begun = schedule[look - 1] if look else 0
            self._run_repetitions(undecided, range(begun, repetitions))
            for pair in list(undecided):
                judgement = judge(self.plan, pair, self.ledger.evidence(pair.name), look)
                findings[pair.name] = Finding(judgement, look)
                if judgement.verdict.final:
                    undecided.remove(pair)
                    self._say_saved(pair, look)
        return findings

    def _run_repetitions(self, pairs: list[PairPlan], repetitions: range) -> None:
        """Run these repetitions of these pairs; all their studies are in flight together."""
        self._planned += len(pairs) * self._trainings(repetitions.start, repetitions.stop)
        self._begin(pairs, repetitions)
        self._drain()

    def _begin(self, pairs: list[PairPlan], repetitions: range) -> None:
        """Give out the first batch of every study, after what the ledger holds of it.

        From then on a study is kept by its trials in flight alone, and a result by no one, but for
        those of a search that later repetitions share.
        """
        begun: list[tuple[Study, list[TrialSpec]]] = []
        found: dict[str, TrialResult] = {}
        for repetition in repetitions:
            for pair in pairs:
                for variant in self._order(pair, repetition):
                    study = Study(self.plan, pair, repetition, variant, self.propose)
                    batch, recorded = resume(study, self._known)
                    found.update((result.spec.id, result) for result in recorded)
                    begun.append((study, batch))
        for identity, result in list(found.items()):
            if not self._is_shared(result):
                del self._known[identity]
            elif result.spec.repetition not in repetitions:
                del found[identity]  # it was counted with the repetition that it belongs to
        self._resumed += len(found)
        self._take_in(list(found.values()))
        for study, batch in begun:
            self._submit(study, batch)

    def _drain(self) -> None:
        while outcomes := self.executor.collect():
            # Durable first: what is not in the ledger did not happen.
            self.ledger.record(outcomes)
            results = [outcome.result for outcome in outcomes]
            self._seconds += sum(result.cost.total_seconds for result in results)
            self._take_in(results)
            for result in results:
                if self._is_shared(result):
                    self._known[result.spec.id] = result
                for study in self._waiting.pop(result.spec.id):
                    self._submit(study, study.receive(result))
        if self._waiting:
            raise ArchduelError(f"the executor lost {len(self._waiting)} trials without a word")

    def _submit(self, study: Study, batch: list[TrialSpec]) -> None:
        """Run a batch; studies that share one search wait for the same trials."""
        new = [spec for spec in batch if spec.id not in self._waiting]
        for spec in batch:
            self._waiting.setdefault(spec.id, []).append(study)
        if new:
            self.executor.submit(new)

    def _is_shared(self, result: TrialResult) -> bool:
        """Whether later repetitions' studies will ask for this result, too."""
        return self.plan.design.anew == "seeds" and result.spec.stage is Stage.SEARCH

    def _take_in(self, results: list[TrialResult]) -> None:
        self._done += len(results)
        self.progress.advance(
            Advance(
                done=self._done,
                planned=self._planned,
                resumed=self._resumed,
                training_seconds=self._seconds,
                latest=tuple(results),
            )
        )

    def _order(self, pair: PairPlan, repetition: int) -> tuple[str, ...]:
        """The two variants in random order, so that neither is always the first on a cold machine.

        A noise floor comes last: it decides nothing.
        """
        coin = derive(
            self.plan.design.seed, pair.name, "repetition", repetition, "order of variants"
        )
        floor = (CONTROL,) if self.plan.design.noise_floor else ()
        return (*(pair.variants if coin % 2 else pair.variants[::-1]), *floor)

    def _trainings(self, begin: int, end: int) -> int:
        """Trainings of one pair from one number of repetitions to another."""
        return sum(self.plan.trainings_to(end).values()) - sum(
            self.plan.trainings_to(begin).values()
        )

    def _say_saved(self, pair: PairPlan, look: int) -> None:
        looks = self.plan.design.schedule
        if looks[look] < looks[-1]:
            self.progress.say(
                f"{pair.name}: decided after {looks[look]} of {looks[-1]} repetitions; "
                f"{self._trainings(looks[look], looks[-1])} trainings saved"
            )
