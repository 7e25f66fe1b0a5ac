"""Who should hear of what happens to a work order: notices as values, in words."""

from __future__ import annotations

from typing import Literal

from agentd.core.order_form import Label
from agentd.core.order_model import Notice, WorkOrder

Kind = Literal[
    "urgent",
    "urgent_deputy",
    "nobody_on_duty",
    "urgent_acknowledged",
    "forwarded",
    "own_service",
    "returned",
    "dispatch_due",
    "promise_soon",
    "promise_broken",
    "assigned",
    "told_owner",
    "director",
    "no_call_back",
]

_WORDS: dict[Kind, Label] = {
    "urgent": ("急件,请立即确认", "Urgent: acknowledge it now"),
    "urgent_deputy": (
        "急件无人确认,请代值班长立即确认",
        "Urgent and acknowledged by nobody: acknowledge it in the leader's place",
    ),
    "nobody_on_duty": (
        "急件,但没有值班长在岗:请电话联系承办单位,并登记处理经过和办法",
        (
            "Urgent, and no shift leader is on duty: call the responsible unit, and write down "
            "what was done and how"
        ),
    ),
    "urgent_acknowledged": ("值班长已确认急件", "A leader has seen the urgent order"),
    "forwarded": ("转来一张工单,请处理", "A work order was forwarded to you"),
    "own_service": ("涉及本中心服务的工单", "A work order about our own service"),
    "returned": ("工单被退回", "A work order was returned"),
    "dispatch_due": ("派单即将到期或已到期", "A dispatched order is due soon, or was due"),
    "promise_soon": ("对来电人的承诺即将到期", "A promise to the caller is due soon"),
    "promise_broken": (
        "对来电人的承诺已到期,未登记兑现",
        "A promise to the caller is due, and nobody noted that it was kept",
    ),
    "assigned": ("一张工单转交给您", "A work order was given to you"),
    "told_owner": ("收到一条建议", "A suggestion came in"),
    "director": ("收到关于本中心的咨询", "Somebody asked about the centre itself"),
    "no_call_back": (
        "延迟答复的工单未见按时回拨(如正在通话,结束后会自动更正)",
        (
            "No call-back in time was seen for a delayed reply (a call that still goes on puts "
            "this right when it ends)"
        ),
    ),
}


def notice(
    kind: Kind,
    order: WorkOrder,
    at_us: int,
    *,
    to: tuple[str, ...] = (),
    role: Literal["", "shift_leader", "qa", "owner"] = "",
    without: tuple[str, ...] = (),
    times: int = 1,
    reason: str = "",
) -> Notice:
    """A notice of ``kind``; its words name the order by its title, else by its id."""
    zh, en = _WORDS[kind]
    name = order.title or order.id
    more = f"({reason})" if reason else ""
    return Notice(
        kind=kind,
        order=order.id,
        at_us=at_us,
        to=to,
        role=role,
        without=without,
        times=times,
        text_zh=f"{zh}:{name}{more}",
        text_en=f"{en}: {name}{f' ({reason})' if reason else ''}",
    )
