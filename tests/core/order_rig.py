"""Work orders for tests: a form, people, and the engine's words, in few words."""

from __future__ import annotations

from typing import Any

from agentd.core.effects import OrderChanged
from agentd.core.order_form import CategorySpec, FieldSpec, FormBook, Unit
from agentd.core.order_model import (
    AnyCommand,
    Complete,
    Contact,
    Done,
    LinkContact,
    OrderRefusal,
    Reply,
    WorkOrder,
)
from agentd.core.people import Person
from agentd.core.phone import CHINA
from agentd.core.workorder import apply, follow

S = 1_000_000
MIN = 60 * S
DAY = 86_400 * S
T0 = 1_772_326_800 * S
"""2026-03-01 09:00 in China: a Sunday."""

AGENT = Person("1001", "张三", "agent")
OTHER = Person("1002", "李四", "agent")
LEADER = Person("2001", "王班长", "shift_leader")
SECOND = Person("2002", "赵班长", "shift_leader")
QA = Person("3001", "品管", "qa")
MANAGER = Person("9001", "主任", "manager")
ADMIN = Person("7001", "管理员", "admin")
AUDITOR = Person("8001", "审计", "auditor")

PLACE = FieldSpec("place", ("地点", "Place"), "place", in_title=True)
EVENT = FieldSpec("event", ("事件", "Event"), in_title=True, max_chars=20)
EXTRAS = (
    FieldSpec("urgency", ("程度", "Degree"), "choice", required=False, choices=("高", "低")),
    FieldSpec("phone", ("电话", "Phone"), "phone", required=False),
    FieldSpec("day", ("日期", "Day"), "date", required=False),
)
COMPLAINT_FIELDS = (PLACE, EVENT, *EXTRAS)
BOOK = FormBook(
    categories=(
        CategorySpec("consult", ("咨询", "Enquiry"), fields=(EVENT,), needs_reply=True),
        CategorySpec(
            "complaint", ("投诉", "Complaint"), fields=(PLACE, EVENT, *EXTRAS), forward=True
        ),
        CategorySpec("suggestion", ("建议", "Suggestion"), fields=(EVENT,), owner="4001"),
        CategorySpec("centre", ("本中心", "Centre"), fields=(EVENT,), director="9001"),
        CategorySpec("praise", ("表扬", "Praise"), fields=(EVENT,)),
    ),
    units=(Unit("water", ("自来水", "Water"), contact="王工", phone="87654321", due_days=3),),
)
COMPLAINT = Complete(category="complaint", fields={"place": "人民路", "event": "漏水"})
PRAISE = Complete(category="praise", fields={"event": "服务好"})


def said(change: str = "opened", at_us: int = T0, **more: Any) -> OrderChanged:
    """What the engine says of an order."""
    values: dict[str, Any] = {
        "pbx": "pbx",
        "at_us": at_us,
        "id": "pbx-1.1",
        "kind": "call",
        "call": "1.1",
        "seat": "PJSIP/1001",
        "agent": "1001",
        "queue": "hotline",
        "caller": "13912345678",
        "status": "open",
        "opened_us": T0,
        "due_us": None,
        "change": change,
    }
    return OrderChanged(**{**values, **more})


def told(order: WorkOrder | None, change: OrderChanged, owner: str | None = "1001") -> WorkOrder:
    """The document after what the engine says."""
    return follow(order, change, owner=owner, team="day", numbers=CHINA)[0]


def opened(**more: Any) -> WorkOrder:
    return told(None, said(**more))


def missed() -> WorkOrder:
    return told(None, said(kind="missed", seat=None, agent=None, due_us=T0 + 15 * MIN), owner=None)


def tried(
    order: WorkOrder,
    command: AnyCommand,
    by: Person | None = AGENT,
    at_us: int = T0 + MIN,
    book: FormBook = BOOK,
    target: WorkOrder | None = None,
) -> Done | OrderRefusal:
    return apply(order, command, by, at_us, book, target=target)


def done(
    order: WorkOrder,
    command: AnyCommand,
    by: Person | None = AGENT,
    at_us: int = T0 + MIN,
    book: FormBook = BOOK,
    target: WorkOrder | None = None,
) -> Done:
    outcome = tried(order, command, by, at_us, book, target)
    assert isinstance(outcome, Done), outcome
    return outcome


def after(
    order: WorkOrder,
    *commands: AnyCommand,
    by: Person | None = AGENT,
    at_us: int = T0 + MIN,
    book: FormBook = BOOK,
) -> WorkOrder:
    for command in commands:
        order = done(order, command, by, at_us, book).order
    return order


def refusal(
    order: WorkOrder,
    command: AnyCommand,
    by: Person | None = AGENT,
    at_us: int = T0 + MIN,
    book: FormBook = BOOK,
    target: WorkOrder | None = None,
) -> OrderRefusal:
    outcome = tried(order, command, by, at_us, book, target)
    assert isinstance(outcome, OrderRefusal), outcome
    assert outcome.text_zh
    assert outcome.text_en
    return outcome


def lacks(refused: OrderRefusal) -> list[tuple[str, str]]:
    """(field, code) of everything that is missing."""
    return [(missing.field, missing.code) for missing in refused.missing]


def contact(kind: Any, at_us: int = T0 + 10 * MIN, *, in_time: bool | None = None) -> LinkContact:
    return LinkContact(
        Contact(f"c{at_us}", f"l{at_us}", kind, at_us, "13912345678", in_time=in_time)
    )


def consult(mode: Any, content: str = "按规定办理", basis: str = "") -> Complete:
    return Complete(category="consult", fields={"event": "社保"}, reply=Reply(mode, content, basis))


def notices(outcome: Done) -> list[tuple[str, tuple[str, ...], str, tuple[str, ...]]]:
    """(kind, to, role, without) of everybody who hears of it."""
    return [(n.kind, n.to, n.role, n.without) for n in outcome.notices]
