"""A config file to typed, checked values that remember where they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from service.contracts.errors import UserError
from service.plan import overrides as command_line
from service.plan.document import KeyPath, dotted, parse, read_text
from service.plan.problems import explain, path_of
from service.plan.rules import contradictions
from service.plan.schema import Config

_SECTIONS = ("search", "design", "resources", "data", "tracking")


@dataclass(frozen=True)
class LoadedConfig:
    """A config that holds by itself; only the pairs can still disagree with it.

    Args:
        config: the typed values.
        text: the YAML, overrides applied.
        file: the file, as the user wrote it.
        lines: by path, the line of each key and list item in the file.
        overridden: by path, the values that the command line set.
    """

    config: Config
    text: str
    file: str
    lines: Mapping[KeyPath, int]
    overridden: Mapping[KeyPath, object] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The config's folder, from which relative paths start."""
        return Path(self.file).resolve().parent

    def error(
        self, path: KeyPath, rule: str, value: object = None, hint: str | None = None
    ) -> UserError:
        """A mistake in the value at this path, with the line it is in.

        Args:
            path: the keys that lead to it.
            rule: what must hold.
            value: what was given.
            hint: what to do.
        """
        return _Places(self.file, self.lines, self.overridden).error(path, rule, value, hint)


@dataclass(frozen=True)
class _Places:
    """Where each value came from."""

    file: str
    lines: Mapping[KeyPath, int]
    overridden: Mapping[KeyPath, object]

    def error(
        self, path: KeyPath, rule: str, value: object = None, hint: str | None = None
    ) -> UserError:
        # `pairs: iris` is read as a list of one: there is no pairs[0] in the file to name.
        shown = path[:-1] if path and isinstance(path[-1], int) and not self._given(path) else path
        key = dotted(shown) or None
        if self._is_set(path):
            return UserError(rule, file=command_line.SHOWN, key=key, value=value, hint=hint)
        line = self._line(path)
        return UserError(rule, file=self.file, line=line, key=key, value=value, hint=hint)

    def order(self, path: KeyPath, missing: bool) -> tuple[bool, bool, int, int]:
        """Sorts problems as they stand in the file; what is missing or overridden comes last."""
        return (missing, self._is_set(path), self._line(path) or 0, -len(path))

    def _given(self, path: KeyPath) -> bool:
        """Whether this list item was written as one."""
        if self._is_set(path):
            return isinstance(self.overridden.get(path[:-1]), list)
        return path in self.lines

    def _is_set(self, path: KeyPath) -> bool:
        return any(path[: len(prefix)] == prefix for prefix in self.overridden)

    def _line(self, path: KeyPath) -> int | None:
        """The line of the nearest key around this path; None for the document as a whole."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> LoadedConfig:
    """Read and check a config.

    Args:
        path: a YAML file of at most 256 KiB.
        overrides: "a.b=value" each; values are YAML and replace the file's.

    Returns:
        The typed config with its text and its lines.

    Raises:
        UserError: the first mistake, in one line.
    """
    return parse_config(read_text(Path(path), str(path)), str(path), overrides)


def parse_config(text: str, file: str, overrides: Sequence[str] = ()) -> LoadedConfig:
    """Check a config's text: what `load_config` does after reading the file.

    Args:
        text: YAML.
        file: its name, for errors and for relative paths.
        overrides: "a.b=value" each.

    Returns:
        The typed config with its text and its lines.

    Raises:
        UserError: the first mistake, in one line.
    """
    document, lines = parse(text, file)
    if document is None:
        document = {}
    if not isinstance(document, dict):
        raise UserError("a config must hold keys with values, such as experiment: iris", file=file)
    given = command_line.read(overrides)
    command_line.apply(document, given)
    for section in _SECTIONS:
        if section in document and document[section] is None:
            document[section] = {}  # all of its keys may be commented out
    places = _Places(file, lines, {override.path: override.value for override in given})
    config = _validate(document, places)
    return LoadedConfig(
        config=config,
        text=command_line.rewrite(text, given),
        file=file,
        lines=lines,
        overridden=places.overridden,
    )


def _validate(document: dict[str, object], places: _Places) -> Config:
    try:
        config = Config.model_validate(document)
    except ValidationError as invalid:
        first = min(
            invalid.errors(include_url=False),
            key=lambda error: places.order(path_of(error), error["type"] == "missing"),
        )
        rule, value, hint = explain(first)
        raise places.error(path_of(first), rule, value, hint) from None
    found = list(contradictions(config))
    if found:
        path, rule, value, hint = min(found, key=lambda each: places.order(each.path, False))
        raise places.error(path, rule, value, hint)
    return config
