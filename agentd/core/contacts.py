"""Calls that belong to an order beside its own: call-backs, the caller again, a third party.

A call is matched to an order by the caller's numbers (:mod:`agentd.core.phone`). What a leg is to
orders is noted on the leg while it lasts, so that it survives a restart, and told as
:class:`~agentd.core.effects.OrderContact` when the leg is over and judged.
"""

from __future__ import annotations

from collections.abc import Iterator

from agentd.core import order_clock, orders
from agentd.core.calls import Call, Leg, LegContact
from agentd.core.effects import OrderChanged, OrderContact
from agentd.core.state import Done, State

_SERVICE_DEVICES = ("Announcer", "CBAnn", "CBRec", "Recorder", "Snoop", "Surrogate")
"""Channels that Asterisk itself puts into bridges: announcements and recordings."""


# --- the owner calls back -----------------------------------------------------------------


def dialled_out(st: State, leg: Leg, at_us: int) -> None:
    """The seat's phone dials the number ``leg.caller``: is that somebody who waits for it?"""
    number = st.number_of(leg.caller)
    begun_us = leg.begun_us if leg.begun_us is not None and not leg.contacts else at_us
    for contact in leg.contacts:
        # Another number was dialled since; a second trunk for the same number is the same try.
        contact.kind = "call_back" if contact.number == number else "attempt"
    if number is not None and not any(c.number == number for c in leg.contacts):
        for order, first_due_us in _waiting_for(st, number, leg):
            in_time = first_due_us is None or begun_us <= first_due_us
            leg.contacts.append(LegContact(order, "call_back", begun_us, number, in_time))
            if in_time:
                order_clock.withdraw(st, order)
        st.dirty.add(f"leg:{leg.uid}")
    order_clock.go_on(st)


def far_end_answered(st: State, leg: Leg) -> None:
    """Who was called back took the call: nobody else need call this caller back."""
    for contact in leg.contacts:
        if contact.kind == "call_back":
            orders.close_missed(st, contact.order, "called_back")


def _waiting_for(st: State, number: str, leg: Leg) -> Iterator[tuple[str, int | None]]:
    """(order, when it was first due) of all orders for which ``leg`` is a call-back."""
    for oid in sorted(st.by_number.get(number, ())):
        owed = st.orders.get(oid) or st.done[oid]
        order = owed if isinstance(owed, Done) else owed.order
        anybodys = isinstance(order, OrderChanged) and order.kind == "missed"
        if anybodys or order_clock.owes(st, order.agent, order.seat, leg):
            yield oid, owed.first_due_us


# --- the caller again ---------------------------------------------------------------------


def got_through(st: State, call: Call, leg: Leg) -> None:
    """A seat answered ``call``: does its caller wait for something?"""
    if call.through:
        return
    call.through = True
    number = st.number_of(call.caller)
    own = orders.order_id(st.pbx, call.uid)
    for oid in sorted(st.by_number.get(number or "", ())):
        if oid == own or oid not in st.orders:
            continue
        at_us = call.started_us if call.started_us is not None else st.now_us
        leg.contacts.append(LegContact(oid, "called_again", at_us, number, None))
        orders.close_missed(st, oid, "got_through")


# --- both, before it was known that anybody waits ------------------------------------------


def missed(st: State, call: Call, order: str | None) -> None:
    """``call`` was missed and ``order`` opened for it, a settle time later: was its caller spoken
    to since, or is being called?"""
    number = st.number_of(call.caller)
    assert call.ended_us is not None
    if order is None or number is None:
        return
    for leg in list(st.legs.values()):
        if leg.settled or (leg.answered_us is not None and leg.answered_us < call.ended_us):
            continue
        if st.number_of(leg.caller) != number:
            continue
        again = st.calls.get(leg.call or "")
        if leg.direction == "outbound" and leg.far is not None:
            begun_us = leg.begun_us if leg.begun_us is not None else call.ended_us
            leg.contacts.append(LegContact(order, "call_back", begun_us, number, True))
            if leg.answered_us is not None:
                orders.close_missed(st, order, "called_back")
        elif again is not None and again is not call and leg.answered_us is not None:
            began_us = again.started_us if again.started_us is not None else leg.answered_us
            leg.contacts.append(LegContact(order, "called_again", began_us, number, None))
            orders.close_missed(st, order, "got_through")
        st.dirty.add(f"leg:{leg.uid}")


# --- a third party ------------------------------------------------------------------------


def third_party(st: State, leg: Leg, at_us: int) -> None:
    """Who is connected with ``leg`` changed: is it a call of three now, or no more?"""
    third = _third(st, leg) if leg.in_contact else None
    if third is not None and leg.third_us is None:
        leg.third_us, leg.third_num = at_us, third
    elif third is None and leg.third_us is not None:
        # For a moment all three are in one bridge while an ordinary transfer is made.
        if at_us - leg.third_us >= st.settle_us:
            three_way(st, leg, leg.third_us, leg.third_num)
        leg.third_us = None


def three_way(st: State, leg: Leg, at_us: int, number: str | None) -> None:
    """A third party was in the call of ``leg`` from ``at_us``; noted once for a call."""
    call = st.calls.get(leg.call or leg.uid)
    if call is None or call.three_way:
        return
    call.three_way = True
    oid = orders.order_id(st.pbx, call.uid)
    leg.contacts.append(LegContact(oid, "three_way", at_us, number or None, None))
    st.dirty.update((f"leg:{leg.uid}", f"call:{call.uid}"))


def _third(st: State, leg: Leg) -> str | None:
    """The number of who is there beside seat and customer, "" where it has none; None: nobody."""
    for uid in sorted(st.connected(leg.uid) - {leg.uid, leg.customer}):
        chan = st.channels[uid]
        if not chan.is_local and not chan.spies and not chan.device.startswith(_SERVICE_DEVICES):
            return st.number_of(chan.num) or ""
    return None


# --- telling ------------------------------------------------------------------------------


def settled(st: State, leg: Leg) -> None:
    """``leg`` is over and judged: tell what it was to orders, and let their clocks go on."""
    assert leg.ended_us is not None
    answered = leg.answered_us is not None or leg.found
    for contact in leg.contacts:
        kind = contact.kind
        if kind == "call_back" and not answered:
            kind = "attempt"
        talk_us = leg.ended_us - leg.answered_us if leg.answered_us is not None else None
        st.emit(
            OrderContact(
                st.pbx,
                contact.at_us,
                contact.order,
                leg.call or leg.uid,
                leg.uid,
                kind,
                contact.number,
                leg.agent,
                talk_us if kind in ("call_back", "called_again") else None,
                contact.in_time,
            )
        )
        if contact.in_time:
            order_clock.call_back_ended(st, contact.order, leg.ended_us)
    if leg.contacts or leg.direction == "outbound":
        order_clock.go_on(st)
