"""Stays in queues: a caller joins, waits, is answered or leaves. The one place that counts them.

Every stay is told twice (:class:`~agentd.core.effects.VisitBegan` and ``VisitEnded``), and the
queue's card counts what is told, so that the card and the metrics say the same.
"""

from __future__ import annotations

from agentd.core.calls import CAUSED_US, Call, Channel, Leg, Visit
from agentd.core.effects import VisitBegan, VisitEnded, VisitOutcome
from agentd.core.queues import Waiting
from agentd.core.state import State, us


def joined(st: State, call: Call, name: str, joined_us: int, *, estimated: bool = False) -> None:
    """A caller waits in a queue. ``estimated``: found there, since when by the PBX's own count."""
    visit = Visit(name, joined_us, estimated=estimated, gap=estimated)
    call.visits.append(visit)
    queue = st.queue(name)
    queue.waiting[call.uid] = Waiting(call.uid, call.caller, joined_us, estimated=estimated)
    if queue.counts(joined_us):
        queue.offered += 1
    st.dirty.update((f"call:{call.uid}", f"queue:{name}"))
    _began(st, call, visit)


def _began(st: State, call: Call, visit: Visit) -> None:
    st.emit(
        VisitBegan(st.pbx, call.uid, visit.queue, call.caller, visit.joined_us, visit.estimated)
    )


def tell_again(st: State) -> None:
    """After a restart: who waited when it was remembered."""
    for call in st.calls.values():
        for visit in call.visits:
            if not visit.answered and not visit.counted:
                _began(st, call, visit)
                if visit.left_us is not None:
                    st.deadlines.plan(visit.left_us + st.settle_us, "settle", call.uid, visit.queue)


def answered(st: State, call: Call, leg: Leg, at_us: int) -> None:
    """A seat took the caller out of the queue that had offered it."""
    for visit in call.visits:
        if visit.left_us is None and not visit.answered and visit.queue == leg.queue:
            visit.answered = True
            visit.estimated = visit.estimated or leg.estimated
            st.queue(visit.queue).waiting.pop(call.uid, None)
            _ended(st, call, visit, "answered", at_us, leg)


def left(st: State, uid: str, name: str, at_us: int, *, unseen: bool = False) -> None:
    """The caller leaves a queue: to a seat, away, or because the queue gave up. ``unseen``: the
    link was lost, and the caller is not there any more."""
    st.queue(name).waiting.pop(uid, None)
    st.dirty.add(f"queue:{name}")
    call = st.calls.get(uid)
    if call is None:
        return
    for visit in call.visits:
        if visit.queue != name or visit.left_us is not None:
            continue
        visit.left_us = at_us
        visit.unseen = unseen
        st.dirty.add(f"call:{uid}")
        if not visit.answered:
            st.deadlines.plan(at_us + st.settle_us, "settle", uid, name)


def settle(st: State, uid: str, name: str) -> None:
    """The evidence is in: why did the caller leave that queue unanswered?"""
    call = st.calls.get(uid)
    if call is None:
        return
    for visit in call.visits:
        if visit.queue != name or visit.left_us is None or visit.answered or visit.counted:
            continue
        visit.counted = True
        outcome: VisitOutcome
        if call.request_us is not None and call.request_us <= visit.left_us + CAUSED_US:
            outcome = "abandoned"
        elif visit.unseen:
            outcome = "unknown"
        elif _served_elsewhere(st.channels.get(uid), visit.left_us):
            outcome = "moved"
        else:
            outcome = "let_go"
        _ended(st, call, visit, outcome, visit.left_us, None)


def _served_elsewhere(chan: Channel | None, left_us: int) -> bool:
    """The caller came to another queue, a phone or a bridge since."""
    if chan is None:
        return False
    return chan.bridge is not None or (chan.moved_us is not None and chan.moved_us >= left_us)


def _ended(
    st: State, call: Call, visit: Visit, outcome: VisitOutcome, at_us: int, leg: Leg | None
) -> None:
    policy = st.policy(visit.queue, None)
    told = VisitEnded(
        st.pbx,
        call.uid,
        visit.queue,
        call.caller,
        visit.joined_us,
        at_us,
        at_us - visit.joined_us,
        outcome,
        leg.seat if leg is not None else None,
        leg.agent if leg is not None else None,
        us(policy.service_level_s),
        us(policy.short_abandon_s),
        visit.estimated,
        visit.gap,
    )
    st.emit(told)
    queue = st.queue(visit.queue)
    if queue.counts(visit.joined_us):
        queue.count(told)
    st.dirty.update((f"queue:{visit.queue}", f"call:{call.uid}"))
