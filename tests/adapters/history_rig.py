"""Calls with everything around them, as the engine tells of them, for the history in the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from agentd.core.effects import (
    Alert,
    CallEnded,
    Effect,
    LegEnded,
    LinkSpan,
    OrderChanged,
    SeatChanged,
    Spell,
    Violation,
    VisitEnded,
    WrapUpEnded,
)
from agentd.core.order_form import FormBook

S = 1_000_000
MINUTE = 60 * S
QUARTER = 15 * MINUTE
HOUR = 60 * MINUTE
DAY = 24 * HOUR
T0 = 1_731_600_000 * S
"""A full hour, and so a full quarter."""
TEAMS = {"PJSIP/1": "day", "PJSIP/2": "night"}


class Rules:
    """Seats have teams; agents are their own accounts."""

    book = FormBook(categories=())

    def owner(self, agent: str | None) -> str | None:
        """Login of the account that ``agent`` is."""
        return agent

    def team(self, pbx: str, seat: str | None) -> str | None:
        """The group of the seat."""
        return TEAMS.get(seat or "")


def visit(call: str, at_us: int, /, **more: Any) -> VisitEnded:
    """A caller of ``hotline`` who is answered after 6 s."""
    made = VisitEnded(
        pbx="main",
        call=call,
        queue="hotline",
        caller="13900001111",
        joined_us=at_us,
        left_us=at_us + 6 * S,
        wait_us=6 * S,
        outcome="answered",
        seat="PJSIP/1",
        agent="1001",
        limit_us=15 * S,
        short_us=5 * S,
        estimated=False,
        gap=False,
    )
    return replace(made, **more)


def leg(call: str, at_us: int, /, **more: Any) -> LegEnded:
    """That seat's part: a minute, ten seconds of it on hold."""
    made = LegEnded(
        pbx="main",
        call=call,
        leg=f"{call}-leg",
        seat="PJSIP/1",
        agent="1001",
        queue="hotline",
        direction="inbound",
        caller="13900001111",
        offered_us=at_us,
        ringing_us=at_us + S,
        answered_us=at_us + 6 * S,
        ended_us=at_us + 66 * S,
        ring_us=5 * S,
        talk_us=60 * S,
        hold_us=10 * S,
        holds=(Spell("hold", at_us + 20 * S, 10 * S),),
        outcome="answered",
        ended_by="caller",
        estimated=False,
        gap=False,
        evidence=("DialEnd 1731600006.000000",),
        judged=("ring", "hold"),
    )
    return replace(made, **more)


def ended(call: str, at_us: int, /, **more: Any) -> CallEnded:
    """The call, over."""
    made = CallEnded(
        pbx="main",
        call=call,
        queue="hotline",
        visits=("hotline",),
        caller="13900001111",
        started_us=at_us,
        ended_us=at_us + 66 * S,
        wait_us=6 * S,
        outcome="answered",
        legs=(f"{call}-leg",),
        gap=False,
    )
    return replace(made, **more)


def broken(call: str, at_us: int, /, **more: Any) -> Violation:
    """A hold that was too long."""
    made = Violation(
        pbx="main",
        id=f"v-{call}",
        at_us=at_us + 50 * S,
        rule="hold",
        seat="PJSIP/1",
        agent="1001",
        call=call,
        leg=f"{call}-leg",
        value_us=31 * S,
        limit_us=30 * S,
        evidence=("Hold 1731600020.000000",),
    )
    return replace(made, **more)


def alert(call: str, at_us: int, /, **more: Any) -> Alert:
    """What was said of it at once."""
    made = Alert(
        pbx="main",
        at_us=at_us + 50 * S,
        level="breach",
        rule="hold",
        seat="PJSIP/1",
        agent="1001",
        call=call,
        queue="hotline",
        to=("seat",),
        value_us=31 * S,
        limit_us=30 * S,
        spell=f"{call}-leg:hold:1",
    )
    return replace(made, **more)


def wrap_up(call: str, at_us: int, /, **more: Any) -> WrapUpEnded:
    """Twenty seconds after it."""
    made = WrapUpEnded(
        pbx="main",
        seat="PJSIP/1",
        agent="1001",
        call=call,
        leg=f"{call}-leg",
        queue="hotline",
        from_us=at_us + 66 * S,
        to_us=at_us + 86 * S,
        ended_by="order",
    )
    return replace(made, **more)


def order(call: str, at_us: int, /, **more: Any) -> OrderChanged:
    """Its order."""
    made = OrderChanged(
        pbx="main",
        at_us=at_us + 6 * S,
        id=f"main-{call}",
        kind="call",
        call=call,
        seat="PJSIP/1",
        agent="1001",
        queue="hotline",
        caller="13900001111",
        status="open",
        opened_us=at_us + 6 * S,
        due_us=None,
        numbers=("+8613900001111",),
    )
    return replace(made, **more)


def seat(at_us: int, state: str, **more: Any) -> SeatChanged:
    """The seat of 1001 in a state."""
    made = SeatChanged("main", at_us, "PJSIP/1", "1001", "available", ("hotline",), None)
    return replace(made, state=state, **more)


def link(at_us: int, up: bool) -> LinkSpan:
    """The PBX is heard from then on, or is not."""
    return LinkSpan("main", at_us, up)


def whole(
    call: str,
    at_us: int,
    *,
    seat: str = "PJSIP/1",
    agent: str = "1001",
    queue: str = "hotline",
    caller: str = "13900001111",
) -> list[Effect]:
    """Everything that is told of a call that broke a rule."""
    who: dict[str, Any] = {"seat": seat, "agent": agent, "queue": queue}
    return [
        visit(call, at_us, **who, caller=caller),
        order(call, at_us, **who, caller=caller),
        alert(call, at_us, **who),
        broken(call, at_us, seat=seat, agent=agent),
        leg(call, at_us, **who, caller=caller),
        wrap_up(call, at_us, **who),
        ended(call, at_us, queue=queue, visits=(queue,), caller=caller),
    ]  # fmt: skip


def dialled(call: str, at_us: int, /, **more: Any) -> LegEnded:
    """A call that the seat made; the engine tells of nothing but its leg."""
    changes: dict[str, Any] = {
        "leg": call, "direction": "outbound", "queue": None, "ringing_us": None, "ring_us": None,
        "caller": "057188880000", "holds": (), "hold_us": 0, "evidence": (),
    }  # fmt: skip
    return leg(call, at_us, **{**changes, **more})


def kinds(facts: Sequence[object]) -> list[str]:
    """The types of facts."""
    return [type(fact).__name__ for fact in facts]
