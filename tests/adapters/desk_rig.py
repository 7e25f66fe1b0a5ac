"""A form, a few people, and a store that keeps documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from agentd.core.effects import LegEnded, OrderChanged, OrderContact, RecordingSeen
from agentd.core.order_form import CategorySpec, FieldSpec, FormBook
from agentd.core.people import Directory, Person
from agentd.ticketing import Store
from tests.adapters.store_rig import T0_US, ignore, leg, order

MINUTE_US = 60_000_000

BOOK = FormBook(
    categories=(
        CategorySpec(
            key="consult",
            label=("咨询", "Consult"),
            fields=(
                FieldSpec(key="place", label=("地点", "Place"), kind="place", in_title=True),
                FieldSpec(key="event", label=("事件", "Event"), in_title=True),
            ),
        ),
        CategorySpec(
            key="complaint",
            label=("投诉", "Complaint"),
            fields=(FieldSpec(key="event", label=("事件", "Event"), in_title=True),),
            forward=True,
        ),
    )
)

WANG = Person(login="1001", name="王芳", role="agent")
LI = Person(login="1002", name="李雷", role="agent")
LEADER = Person(login="9001", name="赵班长", role="shift_leader")


class Rules:
    """What the writer asks; ``teams``: the group of a seat."""

    def __init__(self, *people: Person, teams: dict[str, str] | None = None) -> None:
        self.book = BOOK
        self.directory = Directory(people or (WANG, LI, LEADER))
        self.teams = {"PJSIP/1001": "day"} if teams is None else teams

    def owner(self, agent: str | None) -> str | None:
        person = self.directory.whose(agent)
        return None if person is None else person.login

    def team(self, pbx: str, seat: str | None) -> str | None:
        return self.teams.get(seat or "")


def desk_store(path: Path | None, **options: Any) -> Store:
    """A store with rules."""
    return Store(path, rules=Rules(), **options)


async def tell(store: Store, *effects: Any, pbx: str = "main") -> None:
    """What the engine says, until it is committed."""
    store.submit(effects, {}, ignore, pbx=pbx)
    await store.flush()


def due(opened: OrderChanged) -> OrderChanged:
    """The order once its call is over."""
    at_us = opened.opened_us + MINUTE_US
    return replace(opened, at_us=at_us, due_us=at_us + 15 * MINUTE_US, change="due")


def contact(number: int, which: int = 1, **changes: Any) -> OrderContact:
    """The owner's call-back of order ``number``."""
    values: dict[str, Any] = {
        "pbx": "main",
        "at_us": T0_US + 5 * MINUTE_US,
        "order": order(number).id,
        "call": f"call-back-{number}-{which}",
        "leg": f"call-back-{number}-{which}-leg",
        "kind": "call_back",
        "number": "+8613900000000",
        "agent": "王芳",
        "talk_us": MINUTE_US,
        "in_time": True,
    }
    return OrderContact(**{**values, **changes})


def recording(number: int, *, ended: bool = False) -> RecordingSeen:
    """MixMonitor's word about call ``number``."""
    return RecordingSeen(
        pbx="main",
        at_us=T0_US + (60 * MINUTE_US if ended else 0),
        call=order(number).call,
        channel=f"17323200.{number}1",
        file=f"2026/{number}.wav",
        ended=ended,
    )


def legs(*numbers: int, agent: str = "王芳", queue: str | None = "hotline") -> list[LegEnded]:
    """Legs of calls, one after the other."""
    return [
        replace(leg(n), agent=agent, queue=queue, ended_us=T0_US + n * MINUTE_US) for n in numbers
    ]
