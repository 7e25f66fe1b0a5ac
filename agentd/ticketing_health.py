"""How the store is: what the disk refuses, in plain words, and said once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from agentd.ticketing_file import trouble_code, trouble_words

STALL_S: Final = 3.0
"""A commit that goes on for longer makes the store unhealthy, although nothing has failed yet."""


class StoreHealth(Struct, frozen=True):
    """How the store is."""

    healthy: bool
    queued: int
    """Effects that are not committed yet."""
    last_error: str | None
    """Why the latest commit failed, in plain words; None when it did not."""
    dropped: int
    """Legs, calls and alerts given up because the disk refused them for too long."""


class Trouble:
    """What the disk refuses: each kind of trouble is one line in the log, and so is its end.

    ``path``: the database's file; ``log``: a structlog logger."""

    def __init__(self, path: Path | None, log: Any) -> None:
        self._path = str(path)
        self._log = log
        self._code: str | None = None
        self.last: str | None = None
        """Why the latest commit failed, in plain words; None when it did not."""

    def note(self, error: BaseException, *, queued: int) -> None:
        """A commit failed, and so many effects wait."""
        code = trouble_code(error)
        self.last = trouble_words(error)
        if code != self._code:
            self._code = code
            self._log.error(
                "store_failing", path=self._path, reason=self.last, code=code, queued=queued
            )

    def over(self) -> None:
        """A commit succeeded."""
        self.last = None
        if self._code is not None:
            self._log.info("store_recovered", path=self._path, was=self._code)
            self._code = None


def stalled(lasted_s: float) -> str | None:
    """What is wrong with a commit that has gone on for so long; None: nothing yet."""
    if lasted_s <= STALL_S:
        return None
    return f"the disk has been busy with one commit for {lasted_s:.0f} s"
