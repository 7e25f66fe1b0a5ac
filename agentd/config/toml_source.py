"""TOML with places: a file's values together with the line on which each key stands.

``tomllib`` tells no lines. A statement of TOML is complete exactly when it parses alone, so
feeding it line by line gives every statement's first line without a second lexer.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agentd.errors import ConfigError, Problem

KeyPath = tuple[str | int, ...]
"""A key's place: names, and indexes from 0 in lists, as ``("pbx", 0, "port")``."""

_AT_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


class TomlFile:
    """A file that was read: ``data`` as ``tomllib`` gives it, ``line(path)`` for messages."""

    def __init__(self, name: str, data: dict[str, Any], lines: Mapping[KeyPath, int]) -> None:
        self.name = name
        self.data = data
        self._lines = lines
        self.broken: set[KeyPath] = set()
        """Keys whose values cannot be used; whoever compares values leaves these out."""

    def is_broken(self, path: KeyPath) -> bool:
        """Whether ``path``, or a section around it, cannot be used."""
        return any(path[:length] in self.broken for length in range(1, len(path) + 1))

    def line(self, path: KeyPath) -> int | None:
        """The line of ``path``, or of the nearest thing around it that has one."""
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path[:-1]
        return None


def read_toml(path: Path) -> TomlFile:
    """Read ``path``; raises :class:`ConfigError` naming the place when it cannot be read."""
    name = str(path)

    def failure(line: int | None, what: str, mend: str) -> ConfigError:
        return ConfigError([Problem(name, line, "", what, mend)])

    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise failure(None, "there is no such file", "check the path") from None
    except IsADirectoryError:
        raise failure(None, "is a directory", "name the file in it") from None
    except OSError as error:
        raise failure(
            None, f"cannot be read ({error.strerror})", "check its owner and mode"
        ) from None
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise failure(line, "is not UTF-8 here", "save the file as UTF-8") from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = _AT_LINE.search(str(error))
        line = int(at[1]) if at and at[1] else text.count("\n") + 1
        what = _AT_LINE.sub("", str(error))
        raise failure(
            line, f"is not TOML: {what[:1].lower()}{what[1:]}", 'a line reads key = "value"'
        ) from None
    return TomlFile(name, data, key_lines(text))


def key_lines(text: str) -> dict[KeyPath, int]:
    """The first line of every key and section of ``text``, which must be valid TOML."""
    lines: dict[KeyPath, int] = {}
    tables: dict[KeyPath, int] = {}
    here: KeyPath = ()
    statement: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        statement.append(line)
        try:
            parsed = tomllib.loads("\n".join(statement))
        except tomllib.TOMLDecodeError:
            continue
        start = number - len(statement) + 1
        is_header = statement[0].lstrip().startswith("[")
        statement.clear()
        if is_header:
            here = _enter(parsed, tables, lines, start)
        else:
            _note(parsed, here, lines, start)
    return lines


def _enter(
    parsed: Any, tables: dict[KeyPath, int], lines: dict[KeyPath, int], start: int
) -> KeyPath:
    """The path of the section that a header opens; an array's element gets its index."""
    path: KeyPath = ()
    while parsed:
        (name, parsed), *_ = parsed.items()
        path += (name,)
        if isinstance(parsed, list):
            tables[path] = tables.get(path, 0) + 1
            parsed = None
        if path in tables:
            path += (tables[path] - 1,)
        lines.setdefault(path, start)
    return path


def _note(value: Any, path: KeyPath, lines: dict[KeyPath, int], start: int) -> None:
    children: Any = ()
    if isinstance(value, dict):
        children = value.items()
    elif isinstance(value, list):
        children = enumerate(value)
    for key, child in children:
        lines.setdefault((*path, key), start)
        _note(child, (*path, key), lines, start)
