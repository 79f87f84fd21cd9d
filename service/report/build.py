"""From a report's input to its document."""

from __future__ import annotations

from collections import Counter

from service.catalog.sections import sections
from service.report.document import Document
from service.report.view import ReportInput, View, look_at


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
