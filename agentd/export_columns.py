"""The columns of exported orders: their names in Chinese and English, and what stands in them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Generic, Literal, TypeVar

from msgspec import Struct

from agentd.core.order_form import CategorySpec, FieldSpec, FormBook, Label
from agentd.core.order_model import Step, WorkOrder

Lang = Literal["zh", "en"]
Kind = Literal["text", "code", "time", "number"]
"""``code``: looks like a number and is none (telephone numbers, ids): never to be calculated."""
Value = str | int | float | dt.datetime | None

STATES: dict[str, Label] = {
    "open": ("待完善", "open"),
    "completed": ("已完成", "completed"),
    "forwarded": ("已转值班长", "forwarded"),
    "dispatched": ("已派单", "dispatched"),
    "answered": ("已答复", "answered"),
    "told": ("已告知", "caller told"),
    "closed": ("办结", "closed"),
    "revisited": ("已回访", "revisited"),
    "returned": ("退回", "returned"),
    "merged": ("已合并", "merged"),
}
_KINDS: dict[str, Label] = {"call": ("来电", "call"), "missed": ("未接", "missed call")}
_MODES: dict[str, Label] = {
    "direct": ("直接答复", "direct"),
    "three_way": ("三方通话", "three-way call"),
    "delayed": ("延时答复", "delayed"),
}
_EXEMPTIONS: dict[str, Label] = {
    "silent_call": ("无声电话", "silent call"),
    "bad_line": ("线路不清", "bad line"),
    "wrong_number": ("打错电话", "wrong number"),
    "harassment": ("骚扰电话", "harassment"),
}
_YES: Label = ("是", "yes")
_OTHER_FIELDS: Label = ("其他字段", "other fields")


T = TypeVar("T")


class Column(Struct, Generic[T], frozen=True):
    """One column: ``value`` gives what stands in it for an item (an order, a call …)."""

    label: str
    kind: Kind
    value: Callable[[T], Value]


def local_time(utc_offset_s: int) -> Callable[[int | None], dt.datetime | None]:
    """What makes a cell of a moment: the time on site, without a zone, since Excel knows none; to
    the second, since nobody reads more."""
    zone = dt.timezone(dt.timedelta(seconds=utc_offset_s))

    def time(us: int | None) -> dt.datetime | None:
        if us is None:
            return None
        return dt.datetime.fromtimestamp(us // 1_000_000, zone).replace(tzinfo=None)

    return time


def columns(
    book: FormBook, lang: Lang, name_of: Callable[[str], str] = lambda login: login
) -> tuple[Column[WorkOrder], ...]:
    """The columns for orders of ``book``. Times are local times of the book's calendar, without a
    zone. ``name_of`` says how a person (a login) is written."""
    time = local_time(book.calendar.utc_offset_s)
    pick = 0 if lang == "zh" else 1

    def word(table: dict[str, Label], key: str | None) -> str:
        return "" if key is None else table[key][pick] if key in table else key

    def yes(said: bool) -> str:
        return _YES[pick] if said else ""

    def person(login: str | None) -> str:
        return "" if login is None else name_of(login)

    def said(step: Step | None) -> str:
        return "" if step is None else step.text

    def category(order: WorkOrder) -> str:
        spec = book.category(order.category, order.queue)
        return (order.category or "") if spec is None else spec.label[pick]

    def unit(order: WorkOrder) -> str:
        if order.dispatch is None:
            return ""
        spec = book.unit(order.dispatch.unit)
        return order.dispatch.unit if spec is None else spec.label[pick]

    def field(key: str) -> Callable[[WorkOrder], Value]:
        return lambda order: order.fields.get(key, "")

    fields = _fields(book)

    def other_fields(order: WorkOrder) -> str:
        return "; ".join(f"{k}: {v}" for k, v in order.fields.items() if k not in fields and v)

    rows: list[tuple[Label, Kind, Callable[[WorkOrder], Value]]] = [
        (("工单编号", "order"), "code", lambda o: o.id),
        (("平台编号", "external number"), "code", lambda o: o.external_no),
        (("类型", "kind"), "text", lambda o: word(_KINDS, o.kind)),
        (("状态", "state"), "text", lambda o: word(STATES, o.state)),
        (("急件", "urgent"), "text", lambda o: yes(o.urgent is not None)),
        (("类别", "category"), "text", category),
        (("标题", "title"), "text", lambda o: o.title),
        (("来电号码", "caller"), "code", lambda o: o.caller),
        (("联系电话", "contact numbers"), "code", lambda o: " ".join(n.number for n in o.numbers)),
        (("队列", "queue"), "text", lambda o: o.queue),
        (("座席", "seat"), "text", lambda o: o.seat),
        (("班组", "team"), "text", lambda o: o.team),
        (("话务员", "agent"), "text", lambda o: person(o.owner) or o.agent),
        (("开单时间", "opened"), "time", lambda o: time(o.opened_us)),
        (("完善时限", "due"), "time", lambda o: time(o.due_us)),
        (("完善时间", "completed"), "time", lambda o: time(o.completed_us)),
        (("完善人", "completed by"), "text", lambda o: person(o.completed_by)),
        (("逾期", "overdue"), "text", lambda o: yes(o.overdue)),
        *(
            (spec.label, "code" if spec.kind == "phone" else "text", field(key))
            for key, spec in fields.items()
        ),
        (_OTHER_FIELDS, "text", other_fields),
        (("涉及本中心服务", "about our service"), "text", lambda o: yes(o.own_service)),
        (("答复方式", "reply"), "text", lambda o: word(_MODES, o.reply.mode) if o.reply else ""),
        (("答复内容", "reply text"), "text", lambda o: o.reply.content if o.reply else ""),
        (("答复依据", "basis"), "text", lambda o: o.reply.basis if o.reply else ""),
        (
            ("例外", "exception"),
            "text",
            lambda o: word(_EXEMPTIONS, o.exemption.kind) if o.exemption else "",
        ),
        (
            ("转值班长时间", "forwarded at"),
            "time",
            lambda o: time(o.forwarded.at_us) if o.forwarded else None,
        ),
        (("承办单位", "unit"), "text", unit),
        (("承办人", "person in charge"), "text", lambda o: o.dispatch.person if o.dispatch else ""),
        (
            ("办理期限", "unit's due date"),
            "time",
            lambda o: time(o.dispatch.due_us) if o.dispatch else None,
        ),
        (("承办答复", "unit's answer"), "text", lambda o: said(o.answer)),
        (("告知内容", "told to the caller"), "text", lambda o: said(o.told)),
        (("办结时间", "closed"), "time", lambda o: time(o.closing.at_us) if o.closing else None),
        (
            ("满意度", "satisfaction"),
            "number",
            lambda o: o.revisit.satisfaction if o.revisit else None,
        ),
        (("退回原因", "returned because"), "text", lambda o: said(o.returned)),
        (("合并到", "merged into"), "code", lambda o: o.merged_into),
        (("备注", "notes"), "text", lambda o: "\n".join(note.text for note in o.notes)),
    ]
    return tuple(Column(label[pick], kind, value) for label, kind, value in rows)


def _fields(book: FormBook) -> dict[str, FieldSpec]:
    """Every key field of every category, once, in the order in which the form shows them."""
    categories: Sequence[CategorySpec] = (
        *book.categories,
        *(spec for own in book.queues.values() for spec in own),
    )
    found: dict[str, FieldSpec] = {}
    for category in categories:
        for spec in category.fields:
            found.setdefault(spec.key, spec)
    return found
