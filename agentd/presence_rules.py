"""What presence rests on, and its small rules: who may, what a number is dialled as."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from agentd.core.people import Person, Right
from agentd.core.phone import NumberRules
from agentd.core.policy import SeatConfig
from agentd.errors import AgentdError, Refused
from agentd.ports.desk import Job, OrderPage, OrderQuery
from agentd.ports.presence import Fault, SignIn
from agentd.ports.telephony import Telephony

_SEPARATORS = str.maketrans("", "", " -.()/\u00a0")
_DIALLED = re.compile(r"[0-9*#]{2,32}")


class Engine(Protocol):
    """What is needed of the runtime."""

    async def seat_taken(
        self, pbx: str, seat: str, person: str, name: str, *, jobs: Sequence[Job] = ()
    ) -> None: ...
    async def seat_left(
        self, pbx: str, seat: str, *, person: str | None = None, jobs: Sequence[Job] = ()
    ) -> None: ...
    def board(self, pbx: str) -> Mapping[str, Any]: ...
    def pbx_now_us(self, pbx: str) -> int: ...


class PresenceStore(Protocol):
    """What is needed of :class:`agentd.ports.desk.DeskStore`."""

    async def orders(self, query: OrderQuery) -> OrderPage: ...
    async def sign_ins(
        self, *, login: str | None = None, open_only: bool = False, from_us: int | None = None
    ) -> Sequence[SignIn]: ...
    async def put_sign_ins(self, sign_ins: Sequence[SignIn]) -> None: ...
    def sign_ins_job(self, sign_ins: Sequence[SignIn]) -> tuple[Job, Callable[[], None]]:
        """The same as a job of the engine's command; the second raises what became of it."""
        ...

    async def faults(self, *, open_only: bool) -> Sequence[Fault]: ...
    async def put_fault(self, fault: Fault) -> None: ...


class PbxDesk(Struct, frozen=True):
    """One PBX as people use it."""

    telephony: Telephony
    drive_queues: bool = True
    dial_context: str | None = None
    seats: tuple[SeatConfig, ...] = ()


def dialled(number: str, rules: NumberRules) -> str:
    """What is dialled for ``number`` as somebody writes it: digits, ``*`` and ``#``; a number with
    its country code as it is dialled inside the country. Raises :class:`Refused`."""
    text = number.strip().translate(_SEPARATORS)
    if text.startswith("+"):
        digits = text[1:]
        if len(digits) <= len(rules.country):
            digits = "?"
        inside = digits.removeprefix(rules.country)
        if inside == digits:
            text = "00" + digits
        elif inside.startswith(rules.mobile) and len(inside) == rules.mobile_digits:
            text = inside
        else:
            text = rules.trunk_zero + inside
    if _DIALLED.fullmatch(text) is None:
        raise Refused(
            "this is no number that can be dialled",
            code="invalid",
            field="number",
            text_zh="这不是可以拨打的号码",
        )
    return text


def must(who: Person, *rights: Right) -> None:
    if not any(who.may(right) for right in rights):
        raise Refused("you may not do this", code="forbidden", text_zh="没有权限")


def as_refusal(error: AgentdError) -> Refused:
    return error if isinstance(error, Refused) else Refused(str(error), code="unavailable")
