"""Who ended it, and how: verdicts on a leg whose evidence is in.

Both questions are answered by an ordered list of conditions, first that fits; where no condition
is conclusive the answer is ``unknown`` (or ``failed``), which never charges anybody. The order is
that of the replay format's "Exactly"; the meaning of the events is Asterisk's (manager_channels.c,
app_queue.c) and was seen on a real Asterisk 22 in the lab.
"""

from __future__ import annotations

from agentd.core import acts
from agentd.core.calls import CAUSED_US, Channel, Leg
from agentd.core.state import State

SAME_MOMENT_US = 100_000
"""Opposing hang-up requests this close together prove nothing."""
UNRANG_US = 1_000_000
LIVED_ON_US = 1_000_000
QUEUE_LET_GO_US = 500_000
NORMAL_CAUSES = (0, 16)
_REFUSED = ("BUSY", "CONGESTION", "CHANUNAVAIL", "INVALIDARGS")
_DIALPLAN_DONE = 16


def outcome(st: State, leg: Leg) -> str:
    """How the offer of ``leg`` ended. The leg is over."""
    if leg.answered_us is not None or leg.found:
        return "answered"
    ended = leg.ended_us if leg.ended_us is not None else st.now_us
    phone = st.channels.get(leg.uid)
    if leg.direction == "outbound":
        return "no_answer" if leg.dial_status in ("NOANSWER", "CANCEL", None) else "failed"
    own_request = _request(phone, ended) is not None
    if leg.ringing_us is None and not leg.estimated:
        waited = leg.offered_us is not None and ended - leg.offered_us >= UNRANG_US
        if waited or own_request or leg.dial_status in _REFUSED:
            return "unreachable"
    if leg.pickup or _taken_by_another(st, leg, ended):
        return "answered_elsewhere"
    call = st.calls.get(leg.call) if leg.call is not None else None
    if call is not None and call.request_us is not None and call.request_us <= ended + CAUSED_US:
        return "caller_gave_up"
    if own_request and leg.ringing_us is not None:
        return "rejected"
    if acts.supervisor_ended(leg, ended, None):
        return "redirected"
    if call is not None and leg.queue is not None:
        for visit in call.visits:
            if (
                visit.queue == leg.queue
                and visit.left_us is not None
                and not visit.answered
                and abs(visit.left_us - ended) <= QUEUE_LET_GO_US
            ):
                return "queue_gave_up"
    # Only a dial that was broken off was moved; else it is the dialplan that goes on by itself.
    broken_off = leg.dial_status in (None, "CANCEL") and call is not None
    if leg.moved or (broken_off and _moved(st.channels.get(leg.call or ""), ended)):
        return "redirected"
    if leg.dial_status == "NOANSWER":
        return "no_answer"
    return "failed"


def _taken_by_another(st: State, leg: Leg, ended: int) -> bool:
    call = st.calls.get(leg.call) if leg.call is not None else None
    if call is None:
        return False
    for uid in call.legs:
        other = st.legs.get(uid)
        if (
            other is not None
            and other is not leg
            and other.answered_us is not None
            and other.answered_us <= ended + CAUSED_US
            and (leg.offered_us is None or other.answered_us >= leg.offered_us)
        ):
            return True
    return False


def ended_by(st: State, leg: Leg) -> str:
    """Who ended the seat's part of an answered call. The leg is over and its settle time passed."""
    ended = leg.ended_us if leg.ended_us is not None else st.now_us
    if leg.restarted:
        return "system"
    if leg.vanished:
        return "unknown"
    if leg.transfer_us is not None:
        return "transfer"
    phone = st.channels.get(leg.uid)
    other = st.channels.get(leg.customer) if leg.customer is not None else None
    # Who parks a customer may hang up: that ends nothing.
    own = None if leg.parks else _request(phone, ended)
    theirs = _request(other, ended)
    first = min((at for at in (own, theirs) if at is not None), default=None)
    if acts.supervisor_ended(leg, ended, first):
        return "supervisor"
    if leg.left_first == "customer" and theirs is None and _lives_on(other, ended, st.now_us):
        return "supervisor"
    if _system(phone, ended) or _system(other, ended):
        return "system"
    if (own is not None or theirs is not None) and _opposed(phone, other):
        return "unknown"
    if own is not None and (theirs is None or own < theirs):
        assert phone is not None
        seat = st.seats.get(leg.seat)
        if phone.request_cause not in NORMAL_CAUSES or leg.contact_unseen:
            return "unknown"
        if (
            seat is not None
            and seat.unreachable_us is not None
            and abs(seat.unreachable_us - ended) <= st.settle_us
        ):
            return "unknown"
        if other is not None and _still_served(st, leg, other):
            return "transfer"
        return "agent"
    if theirs is not None:
        assert other is not None
        return "caller" if other.request_cause in NORMAL_CAUSES else "unknown"
    return "unknown"


def _request(chan: Channel | None, ended: int) -> int | None:
    if chan is None or chan.request_us is None or chan.request_us > ended + CAUSED_US:
        return None
    return chan.request_us


def _opposed(phone: Channel | None, other: Channel | None) -> bool:
    """Both sides hung up at about the same moment, whichever the bridge learnt of first."""
    if phone is None or phone.request_us is None or other is None or other.request_us is None:
        return False
    return abs(phone.request_us - other.request_us) <= SAME_MOMENT_US


def _system(chan: Channel | None, ended: int) -> bool:
    return chan is not None and chan.soft_us is not None and chan.soft_us <= ended + CAUSED_US


def note_soft_hangup(chan: Channel, at_us: int, cause: int) -> None:
    """Keep the first soft hang-up that means something: flag 16 is only the end of the dialplan."""
    if cause != _DIALPLAN_DONE and chan.soft_us is None:
        chan.soft_us = at_us


def _moved(chan: Channel | None, ended: int) -> bool:
    return chan is not None and chan.moved_us is not None and chan.moved_us >= ended


def _lives_on(chan: Channel | None, ended: int, now_us: int) -> bool:
    if chan is None:
        return False
    if _moved(chan, ended):
        return True
    gone = chan.gone_us if chan.gone_us is not None else now_us
    return gone - ended >= LIVED_ON_US


def _still_served(st: State, leg: Leg, customer: Channel) -> bool:
    """The customer still talks to somebody else: the agent left a conference, nobody was left."""
    if customer.gone_us is not None or customer.bridge is None:
        return False
    others = st.connected(customer.uid) - {customer.uid, leg.uid}
    return any(not c.is_local for c in (st.channels.get(u) for u in others) if c is not None)
