"""Write the table of values into the chart's README, from its schema and its defaults.

python helm/values_table.py            writes it
python helm/values_table.py --check    ends with 1 where it is not current
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parent / "archduel"
README = CHART / "README.md"
BEGIN, END = "<!-- values: made by helm/values_table.py -->\n", "<!-- end of values -->\n"
WHOLE = {"resources", "affinity", "nodeSelector"}
"""Keys whose default is shown whole, though it is a mapping."""


def rows(schema: dict[str, Any], defaults: Any, root: dict[str, Any], path: str) -> Iterator[str]:
    """The rows of one section and all below it."""
    for key, found in resolved(schema, root).get("properties", {}).items():
        if key not in defaults:
            continue
        name, default, inner = f"{path}{key}", defaults[key], resolved(found, root)
        told = found.get("description") or inner["description"]
        nested = "properties" in inner and key not in WHOLE and isinstance(default, dict)
        shown = "" if nested else f"`{json.dumps(default)}`"
        yield f"| `{name}` | {shown} | {told} |"
        if nested:
            yield from rows(inner, default, root, f"{name}.")


def resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """A schema with its reference followed."""
    reference = schema.get("$ref")
    return schema if reference is None else root["$defs"][reference.rsplit("/", 1)[1]]


def written(text: str) -> str:
    """A README with the current table in it."""
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    defaults = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    table = "\n".join(rows(schema, defaults, schema, ""))
    return f"{head}{BEGIN}\n| value | default | what it is |\n| --- | --- | --- |\n{table}\n\n{END}{tail}"


def main() -> int:
    there = README.read_text(encoding="utf-8")
    wanted = written(there)
    if "--check" in sys.argv[1:]:
        return int(there != wanted)
    README.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
