"""`archduel pairs`: what can be compared out of the box."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from service.app import library
from service.cli.screen import advise, better, facts, margin, results, table, write_json
from service.cli.session import Session
from service.contracts.pair import Choice, LocatedPair, Pair, Range, Space


def list_pairs(session: Session, *, as_json: bool) -> None:
    """Print the built-in pairs."""
    found = library.pairs()
    if as_json:
        write_json([document(located) for located in found])
        return
    _show(results(), [located.pair for located in found])
    first = found[0].pair.name if found else "NAME"
    advise(session, (("pairs", "show", first), "what it asks, of which data"))


def show_pair(session: Session, reference: str, *, as_json: bool) -> None:
    """Print one pair.

    Raises:
        UserError: there is no such pair; the nearest right name is told.
    """
    located = library.pair(reference)
    if as_json:
        write_json(document(located))
        return
    pair, console = located.pair, results()
    console.print(Text(f"{pair.name}: {pair.title}", style="bold"))
    console.print()
    console.print(Text(pair.question))
    console.print()
    console.print(facts(_rows(pair)))
    console.print()
    spaces = table("hyperparameter", "of", "searched")
    for of, name, shown in _searched(pair):
        spaces.add_row(name, of, shown)
    console.print(spaces)
    console.print()
    # On a line of its own, so that a terminal makes a link of it and nothing breaks it in two.
    console.print(Text(f"file  {library.file_of(located)}"), soft_wrap=True)
    if located.reference in library.names():
        advise(session, (("plan", f"configs/{pair.name}.yaml"), "what comparing them would take"))


def _show(console: Console, pairs: list[Pair]) -> None:
    compared = {" against ".join(variant.name for variant in pair.variants) for pair in pairs}
    shared = len(compared) == 1
    listed = table("name", "title", "metric", *(() if shared else ("variants",)))
    for pair in pairs:
        variants = ", ".join(variant.name for variant in pair.variants)
        row = (Text(pair.name, style="bold cyan"), pair.title, pair.metric.name, variants)
        listed.add_row(*row[: len(listed.columns)])
    console.print(listed)
    if shared:  # it is enough to say it once, and leaves the titles room
        console.print(f"\neach compares {compared.pop()}")


def document(located: LocatedPair) -> dict[str, Any]:
    """A pair as JSON."""
    pair = located.pair
    capacity = pair.capacity
    return {
        "name": pair.name,
        "reference": located.reference,
        "file": str(library.file_of(located)),
        "code": located.code,
        "title": pair.title,
        "question": pair.question,
        "variants": [variant.name for variant in pair.variants],
        "metric": {
            "name": pair.metric.name,
            "direction": pair.metric.direction,
            "unit": pair.metric.unit,
        },
        "margin": pair.margin,
        "sources": [
            {"name": source.name, "kind": source.kind.value, "licence": source.licence}
            for source in pair.sources
        ],
        "space": {
            "shared": {name: text(range_) for name, range_ in pair.shared_space.items()},
            **{
                variant.name: {name: text(range_) for name, range_ in variant.space.items()}
                for variant in pair.variants
            },
        },
        "capacity": capacity and {"name": capacity.name, "budget": capacity.budget},
        "baseline": pair.baseline.name,
        "references": [one.name for one in pair.references],
        "also": [one.name for one in pair.also],
        "why_not_sequential": pair.why_not_sequential,
        "unmatched_because": pair.unmatched_because,
        "published": pair.published
        and {"finding": pair.published.finding, "source": pair.published.source},
    }


def text(range_: Range) -> str:
    """A range in words."""
    if isinstance(range_, Choice):
        return ", ".join(str(value) for value in range_.values)
    return f"{range_.low:g} to {range_.high:g}" + (" (log)" if range_.log else "")


def _rows(pair: Pair) -> list[tuple[str, str]]:
    metric = pair.metric
    least = margin(pair.margin, metric.unit)
    rows = [
        ("variants", " against ".join(variant.name for variant in pair.variants)),
        ("metric", f"{better(metric.name, metric.direction)} is better; it matters from {least}"),
        ("size", _size(pair)),
        ("baseline", pair.baseline.name),
    ]
    for title, further in (("references", pair.references), ("further metrics", pair.also)):
        if further:
            rows.append((title, ", ".join(one.name for one in further)))
    for source in pair.sources:
        licence = f" ({source.licence})" if source.licence else ""
        rows.append((f"data, {source.kind.value}", source.name + licence))
    if pair.why_not_sequential:
        rows.append(("why a graph", pair.why_not_sequential))
    if pair.published:
        rows.append(("published", f"{pair.published.finding} {pair.published.source}"))
    return rows


def _size(pair: Pair) -> str:
    if pair.unmatched_because is not None:
        return f"not matched: {pair.unmatched_because}"
    if pair.capacity is None:
        return "not matched: no hyperparameter sets it"
    return f"{pair.capacity.budget:,} parameters each, by solving '{pair.capacity.name}'"


def _searched(pair: Pair) -> list[tuple[str, str, str]]:
    spaces: list[tuple[str, Space]] = [("both", pair.shared_space)]
    spaces += [(variant.name, variant.space) for variant in pair.variants]
    return [(of, name, text(range_)) for of, space in spaces for name, range_ in space.items()]
