"""What can go wrong through no fault of ours; every message is for the person who reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class AgentdError(Exception):
    """A fault of the input, the surroundings or the request; ``str()`` is the sentence to show.

    Shown without a traceback. A bug of ours is never one of these.
    """


@dataclass(frozen=True)
class Problem:
    """One mistake in the configuration: where it is, what is wrong, what would be right."""

    file: str
    """The file's name as the user gave it, or the name of an environment variable."""
    line: int | None
    """Counted from 1; None where no line can be named."""
    key: str
    """The key's path, as ``rules.hold.max_s`` or ``pbx[0].port``; empty for the whole file."""
    what: str
    mend: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        key = f"{self.key}: " if self.key else ""
        return f"{place}: {key}{self.what}; {self.mend}"


class ConfigError(AgentdError):
    """The configuration cannot be used; carries every :class:`Problem` found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Refused(AgentdError):
    """A person's command cannot be carried out as things stand; nothing was changed.

    ``code`` is stable: ``wrong_state``, ``forbidden``, ``not_found``, ``invalid``, ``conflict``.
    ``text_zh`` is the message in Chinese ("" where only programs are told); ``field`` names what
    was wrong with the input, ``missing`` all of it, where that is known.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "wrong_state",
        text_zh: str = "",
        field: str | None = None,
        missing: Sequence[Any] = (),
    ) -> None:
        self.code = code
        self.text_zh = text_zh
        self.field = field
        self.missing = tuple(missing)
        super().__init__(message)


class NotAnAmiStream(AgentdError):
    """A file or a port delivered something that is not the Asterisk Manager Interface."""
