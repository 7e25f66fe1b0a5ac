"""Settling: when the evidence is in, legs are judged, callers counted, calls closed.

Verdicts wait a settle time, because the event that explains a hang-up may come after it.
"""

from __future__ import annotations

from collections.abc import Iterator

from agentd.core import clocks, contacts, legs, orders, stays, verdict, wrap_ups
from agentd.core.calls import CAUSED_US, Call, Leg
from agentd.core.deadlines import Deadline
from agentd.core.effects import CallEnded, LegEnded, Rule
from agentd.core.queues import DAY_US
from agentd.core.state import State


def settle_due(st: State, deadline: Deadline) -> None:
    """The evidence is in: judge a leg, or count a caller who left a queue unanswered."""
    if deadline.mark:
        stays.settle(st, deadline.key, deadline.mark)
        return
    leg = st.legs.get(deadline.key)
    if leg is None or leg.settled or leg.ended_us is None:
        return
    if st.now_us < leg.ended_us + st.settle_us:
        return  # Planned for an earlier end of a leg that was opened again.
    leg.settled = True
    outcome = verdict.outcome(st, leg)
    by = verdict.ended_by(st, leg) if outcome == "answered" else None
    if outcome not in ("answered", "answered_elsewhere") and verdict_allows_ring(leg):
        clocks.charge_ring(st, leg)
    st.emit(_record(st, leg, outcome, by))
    wrap_ups.leg_settled(st, leg.uid)
    if by == "agent" and leg.direction == "inbound":
        _hung_up_first(st, leg)
    st.dirty.add(f"leg:{leg.uid}")
    contacts.settled(st, leg)
    call = st.calls.get(leg.call or leg.uid)
    if call is None or leg.uid not in call.legs:
        st.legs.pop(leg.uid, None)
        return
    call.open_legs.remove(leg.uid)
    st.dirty.add(f"call:{call.uid}")
    if not call.open_legs and (call.last_left_us is not None or leg.direction == "outbound"):
        orders.call_left(st, call, call.last_left_us or leg.ended_us)
    if leg.direction == "outbound":
        st.legs.pop(leg.uid, None)
        st.calls.pop(leg.uid, None)


def verdict_allows_ring(leg: Leg) -> bool:
    """A ring past its limit stands, whatever came after it, unless the link hid a part of it."""
    return leg.ring_over and not leg.ring_stopped


def _hung_up_first(st: State, leg: Leg) -> None:
    policy = clocks.policy_of(st, leg)
    if policy.agent_may_end or leg.estimated or leg.found or not leg.had_contact:
        return
    assert leg.ended_us is not None
    clocks.charge_hangup(st, leg, leg.ended_us)


def _record(st: State, leg: Leg, outcome: str, by: str | None) -> LegEnded:
    assert leg.ended_us is not None
    took = outcome == "answered"
    ring_us = None
    if leg.ringing_us is not None and leg.direction != "outbound":
        until = leg.answered_us if took and leg.answered_us is not None else leg.ended_us
        ring_us = until - leg.ringing_us if not (took and leg.found) else None
    talk_us = leg.ended_us - leg.answered_us if took and leg.answered_us is not None else None
    return LegEnded(
        st.pbx,
        leg.call or leg.uid,
        leg.uid,
        leg.seat,
        leg.agent,
        leg.queue,
        leg.direction,
        leg.caller,
        leg.offered_us,
        leg.ringing_us if leg.direction != "outbound" else None,
        leg.answered_us if took else None,
        leg.ended_us,
        ring_us,
        talk_us,
        leg.held_us(),
        tuple(leg.spells),
        outcome,
        by,
        leg.estimated,
        leg.gap,
        tuple(leg.evidence),
        tuple(_judged(st, leg, by)) if not leg.estimated and not leg.gap else (),
    )


def _judged(st: State, leg: Leg, by: str | None) -> Iterator[Rule]:
    """The rules that could have been broken on a leg of which all was seen. ``by``: who ended it;
    None where it was never answered."""
    policy = clocks.policy_of(st, leg)
    inbound = leg.direction == "inbound"
    if inbound and leg.ringing_us is not None and clocks.judges_ring(leg):
        yield "ring"
    if by is None or leg.direction == "internal":
        return
    yield "hold"
    yield "park"
    if policy.hold_sum_max_s is not None:
        yield "hold_sum"
    if policy.consult_max_s is not None:
        yield "consult"
    if inbound and by != "unknown" and leg.had_contact and not policy.agent_may_end:
        yield "hangup_order"


def call_due(st: State, deadline: Deadline) -> None:
    """The customer is gone and the settle time is over: the call is over when its legs are."""
    call = st.calls.get(deadline.key)
    if call is None or call.ended_us is None:
        return
    if call.open_legs:
        st.deadlines.plan(st.now_us + st.settle_us, "call", call.uid)
        return
    outcome, at_us = _call_outcome(call)
    st.emit(
        CallEnded(
            st.pbx,
            call.uid,
            call.visits[0].queue if call.visits else None,
            tuple(v.queue for v in call.visits),
            call.caller,
            call.started_us,
            call.ended_us,
            _wait_us(call),
            outcome,
            tuple(call.legs),
            call.gap,
        )
    )
    if outcome != "answered" and not call.order and (call.visits or call.legs):
        contacts.missed(st, call, orders.open_missed(st, call, at_us))
    for uid in call.legs:
        leg = st.legs.get(uid)
        if leg is not None and leg.settled:
            del st.legs[uid]
            st.dirty.add(f"leg:{uid}")
    del st.calls[call.uid]
    st.dirty.add(f"call:{call.uid}")


def _call_outcome(call: Call) -> tuple[str, int]:
    assert call.ended_us is not None
    if call.first_answer_us is not None or call.taken:
        return "answered", call.ended_us
    waited_until = max((v.left_us or 0 for v in call.visits), default=0) or call.ended_us
    gave_up = call.request_us is not None and (call.request_us <= waited_until + CAUSED_US)
    if gave_up:
        return "abandoned", call.ended_us
    return ("queue_gave_up" if call.visits else "failed"), call.ended_us


def _wait_us(call: Call) -> int | None:
    if not call.visits or call.visits[0].estimated:
        return None
    joined = call.visits[0].joined_us
    if call.first_answer_us is not None:
        return call.first_answer_us - joined
    return max((v.left_us or joined for v in call.visits), default=joined) - joined


def day_due(st: State, deadline: Deadline) -> None:
    """A new day begins: the queues count anew."""
    for queue in st.queues.values():
        if queue.counted_since_us < deadline.due_us:
            queue.start_day(deadline.due_us)
            st.touched_queues.add(queue.name)
            st.dirty.add(f"queue:{queue.name}")
    st.deadlines.plan(deadline.due_us + DAY_US, "day", "")


def forget_due(st: State, deadline: Deadline) -> None:
    """A channel that is gone is no evidence any more."""
    chan = st.channels[deadline.key]
    if any(not leg.settled for leg in legs.concerned(st, chan)) or deadline.key in st.calls:
        st.deadlines.plan(st.now_us + st.settle_us, "forget", deadline.key)
        return
    st.drop_channel(deadline.key)
