"""Messages from leaders to people's desks: kept until they are read."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Final

from agentd.accounts_rules import meet
from agentd.core.people import Directory, Person
from agentd.ports.desk import Hints
from agentd.ports.supervision import TEXT_MAX_CHARS, DeskMessage, MessageLevel, MessageStore
from agentd.supervision_rules import refusal

LISTED_MAX: Final = 50


class Messages:
    """See the module."""

    def __init__(
        self,
        store: MessageStore,
        people: Directory,
        hints: Hints,
        wall_us: Callable[[], int],
    ) -> None:
        self._store = store
        self._people = people
        self._hints = hints
        self._wall_us = wall_us

    async def send(self, who: Person, login: str, text: str, level: MessageLevel) -> DeskMessage:
        """Leave ``text`` on the desk of ``login``. Raises :class:`~agentd.errors.Refused`."""
        text = text.strip()
        if not text:
            raise refusal("invalid", ("请填写内容。", "Write something."), field="text")
        if len(text) > TEXT_MAX_CHARS:
            raise refusal(
                "invalid",
                (f"最多 {TEXT_MAX_CHARS} 个字。", f"At most {TEXT_MAX_CHARS} characters."),
                field="text",
            )
        person = self._people.get(login)
        if person is None or person.disabled or not meet(who, person):
            raise refusal("not_found", ("没有这个人。", "There is no such person."), field="login")
        message = DeskMessage(
            secrets.token_hex(8), login, who.login, who.name, self._wall_us(), text, level
        )
        await self._store.put_message(message)
        self._hints.hint(f"messages:{login}")
        return message

    async def to(self, who: Person) -> Sequence[DeskMessage]:
        """Those to ``who``: unread ones first, the newest first among each."""
        return await self._store.messages(who.login, limit=LISTED_MAX)

    async def read(self, who: Person, message_id: str) -> DeskMessage:
        """``who`` has read it."""
        message = await self._store.read_message(message_id, who.login, self._wall_us())
        if message is None:
            raise refusal("not_found", ("没有这条消息。", "There is no such message."))
        self._hints.hint(f"messages:{who.login}")
        return message
