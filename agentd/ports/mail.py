"""The seam of mail: letters out, and who got them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct


class Enclosure(Struct, frozen=True):
    """A file with a letter. ``media_type``: as text/csv."""

    name: str
    media_type: str
    data: bytes


class Letter(Struct, frozen=True, kw_only=True):
    """A letter. ``message_id`` without brackets: the same letter sent twice has the same one."""

    to: tuple[str, ...]
    subject: str
    text: str
    html: str | None = None
    enclosures: tuple[Enclosure, ...] = ()
    message_id: str | None = None


class Mail(Protocol):
    """Sends letters."""

    async def send(self, letter: Letter) -> Mapping[str, str]:
        """Hand it to the server; gives those it refused, with its words. Raises
        :class:`agentd.errors.AgentdError` when the server took it for nobody."""
        ...
