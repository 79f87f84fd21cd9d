"""The report of all pairs and 30 repetitions: how long it takes, its size, and how soon it opens."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.app import facts, planning, reporting
from service.app.home import Home
from service.app.planning import Planned
from service.campaign import Campaign
from service.contracts.by_example import ExampleScores
from service.contracts.data import Dataset
from service.contracts.ports import Advance
from service.contracts.results import Outcome
from service.contracts.trial import Stage, TrialSpec
from service.stores.ledger import LedgerStore
from service.stores.optuna_search import propose
from tests.benchmarks.case import ROOT, Result, Row, Size, Skipped
from tests.benchmarks.cases.bookkeeping import Untrained
from tests.browser.chromium import Chromium, find

READY = """new Promise(async (done) => {
  while (!window.Plotly) await new Promise((go) => setTimeout(go, 10));
  done(true);
})"""
"""Figures are drawn as they come near the screen: the page has opened when it can draw them."""


def measure(size: Size) -> Result:
    """A ledger of configs/guide.yaml with made-up scores, and the real graphs, drawings and test
    examples (answered by the baselines, whose scores by example are shuffled for each training);
    opened by Chromium until it can draw figures."""
    browser = find()
    if browser is None:
        return Skipped("no Chromium is here")
    repetitions = size.of(30, least=3)
    looks = f"design.repetitions=[{repetitions}]"
    planned = planning.load(ROOT / "configs/guide.yaml", [looks, "search.epochs=20"])
    datasets = planning.datasets(planned)
    planned = planning.with_data(planned, datasets)
    with tempfile.TemporaryDirectory() as folder:
        home = Home.open(Path(folder))
        store = LedgerStore(home.ledger_url, home.path)
        told = facts.gather(datasets, planned.pairs, "nothing trains")
        ledger = store.open_experiment(planned.plan, told)
        executor = Shown(planned, datasets)
        Campaign(planned.plan, executor, ledger, propose, Silent()).run()
        ledger.set_state("finished")
        started, used = time.perf_counter(), time.process_time()
        page = home.path / "report.html"
        page.write_text(reporting.render(ledger, "html"), encoding="utf-8")
        rendered, used = time.perf_counter() - started, time.process_time() - used
        trainings = len(executor.clock)
        store.close()
        opened = sorted(_seconds_to_open(browser, page) for _ in range(size.rounds))
        megabytes = page.stat().st_size / 1e6
    name = f"The report of {len(planned.plan.pairs)} pairs x {repetitions} repetitions"

    def row(what: str, found: float, target: float, unit: str, detail: str) -> Row:
        return Row(f"{name}: {what}", found, target, detail, at_least=False, unit=unit)

    return [
        row(
            "rendered",
            rendered,
            60,
            "s",
            f"from the ledger, {trainings:,} trainings; {used:.1f} s of one processor",
        ),
        row("its size", megabytes, 6, "MB", "with its rows, drawings, examples and Plotly"),
        row(
            "opened",
            opened[len(opened) // 2],
            3,
            "s",
            "headless Chromium, from nothing to figures that can be drawn",
        ),
    ]


class Shown(Untrained):
    """Trains nothing, but draws the real models, and shows baselines' answers to test examples.

    Args:
        planned: the pairs.
        datasets: by pair name.
    """

    def __init__(self, planned: Planned, datasets: Mapping[str, Dataset]) -> None:
        super().__init__()
        self._planned = planned
        self._datasets = datasets
        self._by_example = cache(self._scores)
        self._tested = cache(self._positions)

    def collect(self) -> list[Outcome]:
        """Two at a time; retrained winners tell their scores by example, and the first ones of a
        variant their graph and examples."""
        return [self._completed(outcome) for outcome in super().collect()]

    def _completed(self, outcome: Outcome) -> Outcome:
        spec = outcome.result.spec
        if spec.stage is not Stage.RETRAIN:
            return outcome
        shown: dict[str, Any] = {}
        scores = self._by_example(spec.pair)
        if scores is not None:
            luck = np.random.default_rng([*spec.id.encode()])
            positions = self._tested(spec.pair, spec.seeds.split)
            shown["by_example"] = ExampleScores.pack(positions, luck.permutation(scores))
        if spec.repetition == spec.number == 0:
            shown |= self._graph_and_examples(spec)
        return replace(outcome, result=outcome.result.model_copy(update=shown))

    def _scores(self, name: str) -> NDArray[np.float64] | None:
        """The baseline's score of each test example, where the pair's metric is a mean of them."""
        from service.training.by_example import scores
        from service.training.material import Materials

        pair, dataset = self._planned.pairs[name].pair, self._datasets[name]
        if dataset.groups is not None:
            return None
        material = Materials(pair, dataset).get(0)
        test = material.read_test()
        answers = pair.baseline.predict(material.train, test.inputs)
        whole = pair.metric.score(test.targets, answers)
        return scores(pair.metric, test.targets, answers, whole)

    def _positions(self, name: str, seed: int) -> NDArray[np.int64]:
        """Of a split's test examples."""
        pair = self._planned.pairs[name].pair
        return pair.split(self._datasets[name], np.random.default_rng(seed)).test

    def _graph_and_examples(self, spec: TrialSpec) -> dict[str, Any]:
        """The model's graph, and test examples answered by the baseline."""
        from service.training.material import Materials
        from service.training.samples import samples
        from service.training.structure import structure

        pair = self._planned.pairs[spec.pair].pair
        sized: dict[str, Any] = dict(spec.hyperparameters)
        if pair.capacity is not None:
            sized.setdefault(pair.capacity.name, pair.capacity.choices[1])
        material = Materials(pair, self._datasets[spec.pair]).get(spec.seeds.split)
        answers = pair.baseline.predict(material.train, material.read_test().inputs)
        return {
            "structure": structure(pair.variant(spec.variant).build(sized)),
            "samples": samples(pair, spec.seeds.split, material, answers),
        }


class Silent:
    """Hears how the campaign advances, and says nothing."""

    def advance(self, news: Advance) -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""


def _seconds_to_open(program: str, page: Path) -> float:
    """From the address to a page that can draw, in a browser that has just started."""
    browser = Chromium(program)
    try:
        browser.look(1280, 900)
        started = time.perf_counter()
        browser.open(page)
        browser.evaluate(READY)
        return time.perf_counter() - started
    finally:
        browser.close()
