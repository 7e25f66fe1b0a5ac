"""Who may do what with a work order in which state: one table.

:func:`agentd.core.workorder.apply`, the buttons that a page shows, and ``docs/work-orders.md`` are
read off it. A command that no row allows is refused, and nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

from msgspec import Struct

from agentd.core.order_form import FormBook, Label
from agentd.core.order_model import OrderState, WorkOrder
from agentd.core.order_words import COMMAND_WORDS, STATE_WORDS
from agentd.core.people import Person

Actor = Literal[
    "owner",  # whose order it is
    "leader",  # right orders.lead, in scope; never of an order about the person's own service
    "other_leader",  # a leader who is not the person concerned
    "addressee",  # to whom it was forwarded or told by name
    "qa",  # QA, in scope
    "overseer",  # QA or the manager, in scope
]
STATES: tuple[OrderState, ...] = get_args(OrderState)
OWED: tuple[OrderState, ...] = ("open", "returned")
"""The agent has to complete it."""
UNFINISHED: tuple[OrderState, ...] = (
    "open",
    "returned",
    "completed",
    "forwarded",
    "dispatched",
    "answered",
    "told",
)
LIVE: tuple[OrderState, ...] = tuple(state for state in STATES if state != "merged")


def _always(order: WorkOrder) -> bool:
    return True


def _not_urgent(order: WorkOrder) -> bool:
    return order.urgent is None


def _urgent(order: WorkOrder) -> bool:
    return order.urgent is not None


def _urgent_unseen(order: WorkOrder) -> bool:
    return order.urgent is not None and order.urgent.acknowledged_us is None


def unacknowledged(order: WorkOrder) -> bool:
    """Whether a leader still has to say that the urgent or forwarded order was seen."""
    forwarded = order.forwarded
    return _urgent_unseen(order) or (
        order.state == "forwarded" and forwarded is not None and forwarded.acknowledged_us is None
    )


def promised(order: WorkOrder) -> bool:
    """Whether a promise to the caller waits to be kept."""
    return order.promise is not None and order.promise.kept_us is None


def _not_own_service(order: WorkOrder) -> bool:
    return not order.own_service


class Act(Struct, frozen=True):
    """One row: ``do`` (a command's tag) is allowed to ``who`` in ``states`` while ``when`` holds,
    and leads to the state ``to`` (None: it stays)."""

    do: str
    who: tuple[Actor, ...]
    states: tuple[OrderState, ...]
    to: OrderState | None = None
    when: Callable[[WorkOrder], bool] = _always
    unless: Label = ("", "")
    """What is told where ``when`` does not hold."""


_NO_URGENT: Label = ("这张工单不是急件。", "The order is not urgent.")
_LEADING: tuple[Actor, ...] = ("leader", "addressee")

ACTS: tuple[Act, ...] = (
    Act("edit", ("owner",), OWED),
    Act("edit", ("leader",), LIVE),
    Act("complete", ("owner", "leader"), OWED, "completed"),
    Act(
        "urgent",
        ("owner", "leader"),
        UNFINISHED,
        when=_not_urgent,
        unless=("这张工单已是急件。", "The order is urgent already."),
    ),
    Act(
        "not_urgent",
        ("owner",),
        UNFINISHED,
        when=_urgent_unseen,
        unless=(
            "这张工单不是急件,或值班长已确认,只能由值班长取消。",
            "The order is not urgent, or a leader has seen it and alone may calm it down.",
        ),
    ),
    Act("not_urgent", ("leader",), LIVE, when=_urgent, unless=_NO_URGENT),
    Act(
        "handle_urgent",
        ("owner", "leader"),
        UNFINISHED,
        when=_urgent_unseen,
        unless=(
            "这张工单不是急件,或值班长已确认。",
            "The order is not urgent, or a leader has seen it already.",
        ),
    ),
    Act(
        "acknowledge",
        ("other_leader", "addressee"),
        UNFINISHED,
        when=unacknowledged,
        unless=(
            "这张工单没有需要确认的事项,或已经确认。",
            "Nothing of this order waits to be acknowledged.",
        ),
    ),
    Act("forward", ("owner", "leader"), ("completed",), "forwarded"),
    Act("dispatch", _LEADING, ("completed", "forwarded", "dispatched", "answered"), "dispatched"),
    Act("urge", _LEADING, ("dispatched",)),
    Act("answer", _LEADING, ("dispatched",), "answered"),
    # What lies before a leader leaves the inbox by a leader's hand only.
    Act("tell", ("owner",), ("completed", "answered"), "told"),
    Act("tell", _LEADING, ("completed", "forwarded", "answered"), "told"),
    Act("promise", ("owner", *_LEADING), UNFINISHED),
    Act(
        "keep_promise",
        ("owner", *_LEADING),
        LIVE,
        when=promised,
        unless=("没有待兑现的承诺。", "No promise waits to be kept."),
    ),
    Act("return", _LEADING, ("completed", "forwarded"), "returned"),
    Act("return", _LEADING, ("dispatched",), "forwarded"),
    Act("return", _LEADING, ("answered",), "dispatched"),
    Act("close", ("owner",), ("completed",), "closed"),
    Act("close", _LEADING, ("completed", "forwarded", "dispatched", "answered", "told"), "closed"),
    Act("revisit", ("leader", "qa"), ("closed", "revisited"), "revisited"),
    Act(
        "merge",
        ("owner",),
        OWED,
        "merged",
        when=_not_own_service,
        unless=(
            "涉及本中心服务的工单只能由值班长合并。",
            "An order about our own service can be merged by a leader only.",
        ),
    ),
    Act("merge", ("leader",), UNFINISHED, "merged"),
    # Whoever works on the case or judges it; those who only keep the system running read.
    Act("note", ("owner", *_LEADING, "overseer"), LIVE),
    Act("add_number", ("owner", "leader"), UNFINISHED),
    Act("remove_number", ("owner", "leader"), UNFINISHED),
    Act("assign", ("leader",), OWED),
    Act("exempt", ("owner",), UNFINISHED),
    Act("exempt", ("leader",), LIVE),
    Act("consent", ("owner",), OWED),
)
SYSTEM = ("link", "absorb", "tick")
"""What no person can do. The system can do everything else too, in the states of the table."""


def sees(order: WorkOrder, who: Person) -> bool:
    """Whether ``who`` may know of ``order``: one's own, one that was forwarded or told to one by
    name, and those of one's scope for whoever may read orders."""
    if who.disabled:
        return False
    if order.owner == who.login or _addressed(order, who):
        return True
    return who.may("orders.read") and who.in_scope(order.queue, order.team)


def _addressed(order: WorkOrder, who: Person) -> bool:
    if who.login == order.owner:
        return False
    if order.forwarded is not None and who.login in order.forwarded.to:
        return True
    return order.urgent is not None and any(who.login in told.to for told in order.urgent.told)


def _is(actor: Actor, order: WorkOrder, who: Person) -> bool:
    concerned = order.owner == who.login
    scope = who.in_scope(order.queue, order.team)
    match actor:
        case "owner":
            return concerned and who.may("desk")
        case "leader":
            return who.may("orders.lead") and scope and not (concerned and order.own_service)
        case "other_leader":
            return who.may("orders.lead") and scope and not concerned
        case "addressee":
            return _addressed(order, who)
        case "qa":
            return who.role == "qa" and not who.disabled and scope and not concerned
        case _:  # overseer
            return who.role in ("qa", "manager") and not who.disabled and scope


def acts_of(do: str, order: WorkOrder, by: Person | None) -> tuple[Act, ...]:
    """The rows by which ``by`` may ever do ``do`` with ``order``; None is the system."""
    return tuple(
        act
        for act in ACTS
        if act.do == do and (by is None or any(_is(actor, order, by) for actor in act.who))
    )


def allowed(order: WorkOrder, by: Person, book: FormBook) -> tuple[str, ...]:
    """Tags of the commands that ``by`` may give now, in the order of the table. Nothing that a form
    can say (``book``) forbids one today."""
    if not sees(order, by):
        return ()
    found = dict.fromkeys(
        act.do
        for act in ACTS
        if order.state in act.states
        and act.when(order)
        and any(_is(actor, order, by) for actor in act.who)
    )
    return tuple(found)


# --- the documentation -----------------------------------------------------------------------

_ACTOR_WORDS: dict[Actor, str] = {
    "owner": "owner",
    "leader": "leader",
    "other_leader": "leader (not the person concerned)",
    "addressee": "addressee",
    "qa": "QA",
    "overseer": "QA or manager",
}


def state_table() -> str:
    """State → commands, as a Markdown table."""
    lines = ["| state | 状态 | commands, and who may give them |", "|---|---|---|"]
    for state in STATES:
        commands: dict[str, dict[str, None]] = {}
        for act in ACTS:
            if state in act.states:
                actors = commands.setdefault(act.do, {})
                actors.update(dict.fromkeys(_ACTOR_WORDS[actor] for actor in act.who))
        told = "; ".join(f"`{do}` ({', '.join(actors)})" for do, actors in commands.items())
        lines.append(f"| `{state}` | {STATE_WORDS[state][0]} | {told or 'none'} |")
    return "\n".join(lines)


def command_table() -> str:
    """Every row of :data:`ACTS`, as a Markdown table."""
    lines = ["| command | 操作 | who | in the states | leads to |", "|---|---|---|---|---|"]
    for act in ACTS:
        states = ", ".join(f"`{state}`" for state in act.states)
        who = ", ".join(_ACTOR_WORDS[actor] for actor in act.who)
        to = f"`{act.to}`" if act.to else "(stays)"
        lines.append(f"| `{act.do}` | {COMMAND_WORDS[act.do][0]} | {who} | {states} | {to} |")
    return "\n".join(lines)


def state_diagram() -> str:
    """The rows that lead to another state, as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> open: a seat answers"]
    found = dict.fromkeys(
        f"    {state} --> {act.to}: {act.do}"
        for act in ACTS
        if act.to is not None
        for state in act.states
        if state != act.to
    )
    lines += list(found)
    lines += [
        "    completed --> forwarded: the category, or our own service, asks for it",
        "    open --> closed: a missed caller got through or was called back",
    ]
    return "\n".join(lines)
