"""Server-sent events from lines.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Message:
    """One event of a stream.

    Args:
        kind: its type.
        data: its text.
    """

    kind: str
    data: str

    def json(self) -> Any:
        """Its data as JSON."""
        return json.loads(self.data)


def messages(lines: Iterable[str]) -> Iterator[Message]:
    """The events in the lines of a stream; one that breaks off is left out.

    Args:
        lines: without their ends.
    """
    kind = "message"
    data: list[str] = []
    for line in lines:
        if not line:
            if data:
                yield Message(kind, "\n".join(data))
            kind, data = "message", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data.append(value)
