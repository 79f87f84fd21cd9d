"""From a report's input to its document."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from service.catalog.sections import sections
from service.report.document import Document, Figure
from service.report.view import PairView, ReportInput, View, look_at


def build(report_input: ReportInput) -> Document:
    """Make the document that every renderer prints.

    Args:
        report_input: plan, results and facts.

    Returns:
        The document; it depends on the values in the input alone.
    """
    view = look_at(report_input)
    made = (part.section(view) for part in sections())
    several = len(view.pairs) > 1
    return Document(
        experiment=view.plan.experiment,
        title=view.plan.experiment if several else view.pairs[0].plan.title,
        summary=_summary(view) if several else view.pairs[0].plan.question,
        facts=_facts(view),
        sections=tuple(section for section in made if section is not None),
    )


def figures(view: View, pair: PairView) -> dict[str, Figure]:
    """The figures of a report of one pair alone.

    Args:
        view: a look at a report's input.
        pair: one of its pairs.

    Returns:
        In the order they are read, by titles that can be names of files.
    """
    alone = replace(view, pairs=(pair,))
    made = (part.section(alone) for part in sections())
    leaves = [leaf for section in made if section is not None for leaf in section.leaves]
    found = [leaf for leaf in leaves if isinstance(leaf, Figure)]
    return {re.sub(r"\W+", "-", figure.title.lower()).strip("-"): figure for figure in found}


def _summary(view: View) -> str:
    labels = Counter(pair.label[0] for pair in view.pairs)
    told = ", ".join(f"{count} {label}" for label, count in labels.items())
    return f"{len(view.pairs)} pairs of architectures: {told}."


def _facts(view: View) -> tuple[tuple[str, str], ...]:
    trainings = sum(len(pair.results) for pair in view.pairs)
    failed = sum(len(pair.judgement.tally.failures) for pair in view.pairs)
    facts = [
        ("protocol", view.plan.protocol_hash),
        ("backend", view.plan.backend),
        ("trainings", f"{trainings:,} ({failed:,} failed)"),
    ]
    finished = view.facts.get("finished")
    if finished:
        facts.append(("finished", str(finished)))
    return tuple(facts)
