"""What services may have a PBX do, in the words of its manager interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from agentd.errors import Refused


class PbxRefused(Refused):
    """The PBX said no; ``message`` is its own word for it. Nothing was done."""

    def __init__(self, action: str, message: str) -> None:
        self.message = message
        why = message or "no reason given"
        super().__init__(
            f"the PBX refused {action}: {why}", text_zh=f"PBX 拒绝了操作（{action}：{why}）"
        )


class NoAnswer(Refused):
    """The PBX was asked and did not answer: whether it did what was asked is not known."""

    def __init__(self, action: str, why: str, why_zh: str) -> None:
        super().__init__(
            f"the PBX did not answer {action}: {why}; it may have done it, or not",
            code="unavailable",
            text_zh=f"PBX 没有应答（{action}：{why_zh}），操作可能已执行，也可能没有",
        )


class Phone(Struct, frozen=True):
    """What the PBX tells of a device."""

    device: str
    state: str
    """As the PBX names it: ``NOT_INUSE``, ``UNAVAILABLE`` …"""
    rang_us: int | None = None
    """When it was last seen to begin ringing, in PBX time; since the link first came up."""

    @property
    def reachable(self) -> bool:
        """Whether the phone is there, as far as the PBX knows: without registration or qualify
        it takes every phone to be there."""
        return self.state not in ("UNAVAILABLE", "INVALID")


class QueueMember(Struct, frozen=True):
    """A phone's place in one queue, as the PBX told it last."""

    queue: str
    interface: str
    """What the queue calls: the phone itself, or a Local channel that leads to it."""
    device: str
    """The phone."""
    name: str
    dynamic: bool
    """Came by QueueAdd or its like, and can go by QueueRemove; else it is queues.conf's."""
    paused: bool
    reason: str = ""


class QueueCaller(Struct, frozen=True):
    """Somebody who waits in a queue."""

    call: str
    """Uniqueid of the caller's channel."""
    channel: str
    """Its name."""
    position: int
    """From 1."""
    priority: int


class Telephony(Protocol):
    """One PBX. Nothing is ever sent twice: who was not answered decides anew."""

    def may(self, action: str) -> bool:
        """Whether the account may do ``action`` (``QueuePause``, ``Originate`` …), as the PBX said
        at the last login."""
        ...

    def members(self, device: str) -> Sequence[QueueMember]:
        """The phone's places in queues, by queue; of the last link while there is none."""
        ...

    def phone(self, device: str) -> Phone | None:
        """The phone itself; None where the PBX never named it."""
        ...

    @property
    def series(self) -> int | None:
        """Asterisk's release series (22); None while there is no link."""
        ...

    def phones(self) -> Sequence[Phone]:
        """Every device that the PBX named, by name."""
        ...

    async def callers(self, queue: str) -> Sequence[QueueCaller]:
        """Who waits in ``queue`` now, in the queue's order. Raises as :meth:`ask`."""
        ...

    async def ask(self, action: str, headers: Mapping[str, str]) -> Mapping[str, str]:
        """Do ``action`` once; the answer's headers (lower case). What it changed has been heard,
        so :meth:`members` knows it.

        Raises :class:`PbxRefused`, :class:`NoAnswer`, and :class:`~agentd.errors.Refused` where the
        link is down, the account may not, or a value cannot be sent.
        """
        ...
