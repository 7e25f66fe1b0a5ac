"""Contact: who hears whom. Bridges, consultations, transfers, parking.

Leaving a bridge is not yet the end of a leg: an agent who consults leaves the customer's bridge
while the customer goes on waiting. So a broken contact is only noted (``left_us``); what is final
is a hang-up of either side, a transfer, or the customer being served elsewhere.
"""

from __future__ import annotations

from agentd.core import clocks, contacts, legs, recordings, stays
from agentd.core.calls import Call, Channel, Leg
from agentd.core.effects import Spell
from agentd.core.state import State


def entered(st: State, chan: Channel, bridge: str, at_us: int) -> None:
    """A channel entered a bridge: contact begins, comes back, or moves to another seat."""
    if chan.bridge == bridge:
        return
    if chan.bridge is not None:
        st.leave_bridge(chan)
    chan.bridge = bridge
    if chan.left_us is not None:
        chan.moved_us = at_us
    members = st.bridges.setdefault(bridge, set())
    members.add(chan.uid)
    if len(members) < 2 and not chan.is_local:
        _consults_in_bridge(st, chan, at_us)
        return
    meet(st, chan.uid, at_us)


def meet(st: State, uid: str, at_us: int) -> None:
    """Whoever is connected with ``uid`` now: seats with customers, colleagues with seats."""
    together = st.connected(uid)
    calls = [st.calls[u] for u in sorted(together) if u in st.calls and u not in st.calls[u].legs]
    seat_chans = [
        c
        for c in (st.channels.get(u) for u in sorted(together))
        if c is not None and not c.is_local and not c.spies and st.seat_of(c) is not None
    ]
    for chan in seat_chans:
        leg = st.legs.get(chan.uid)
        if leg is None:
            if calls and st.synced:
                leg = legs.new_leg(st, chan, "inbound", None, calls[0], None)
                leg.consulted = True
                legs.answered(st, leg, at_us, "BridgeEnter")
            else:
                continue
        if leg.ended_us is not None:
            continue
        if leg.call is None and calls and leg.direction == "internal":
            _becomes_the_customers(st, leg, calls[0], at_us)
        other = leg.customer
        if other is not None and other in together:
            if leg.answered_us is None and leg.direction == "inbound":
                legs.answered(st, leg, leg.up_us or at_us, "BridgeEnter")
            _in_contact(st, leg, at_us)
            if len(together) > 2 or leg.third_us is not None:
                contacts.third_party(st, leg, at_us)
        elif leg.call is not None:
            _consults_in_bridge(st, chan, at_us)
    for call in calls:
        for leg_uid in list(call.open_legs):
            leg = st.legs.get(leg_uid)
            if leg is None or leg.uid in together or not legs.is_answered(leg):
                continue
            consults = leg.spell is not None and leg.spell.kind == "consult"
            if leg.left_us is None or not seat_chans or consults:
                continue
            # Another seat serves the customer now.
            if leg.parks:
                # Its BridgeEnter overtook the UnParkedCall.
                parking_ended(st, call.uid, at_us)
            else:
                legs.end(st, leg, leg.left_us)


def _in_contact(st: State, leg: Leg, at_us: int) -> None:
    back = leg.left_us is not None
    leg.in_contact = leg.had_contact = True
    leg.contact_unseen = False
    leg.left_us = leg.left_first = None
    if back and leg.spell is not None and leg.spell.kind == "consult":
        clocks.note(leg, "back from consultation", at_us)
        clocks.spell_ended(st, leg, at_us)


def _becomes_the_customers(st: State, leg: Leg, call: Call, at_us: int) -> None:
    """A consulted colleague talks to the customer: the leg is the customer's from its start."""
    if leg.far is not None:
        # Who called a colleague and talks to the customer now stays when the colleague leaves.
        st.far_ends.pop(leg.far, None)
        leg.far = None
    legs.attach(st, leg, call)
    leg.agent = leg.agent or st.seats[leg.seat].agent
    clocks.note(leg, "connected with the customer", at_us)
    if leg.answered_us is None:
        legs.answered(st, leg, leg.up_us or at_us, "BridgeEnter")
    else:
        legs.taken(st, call, leg, at_us)


def _consults_in_bridge(st: State, chan: Channel, at_us: int) -> None:
    """The seat entered a bridge without its customer, who waits: a consultation."""
    leg = st.legs.get(chan.uid)
    if leg is None or not legs.is_answered(leg) or leg.call is None or not leg.had_contact:
        return
    if leg.in_contact or leg.left_first != "seat":
        return
    customer = st.channels.get(leg.call)
    if customer is None or customer.gone_us is not None:
        return
    if leg.spell is None:
        clocks.note(leg, "consultation", leg.left_us or at_us)
        clocks.spell_started(st, leg, "consult", leg.music_us or leg.left_us or at_us)
    clocks.becomes_consult(st, leg)


def music(st: State, uid: str, at_us: int | None) -> None:
    """The customer of an answered leg begins to hear music (``at_us``), or no longer does (None).

    It is where a consultation that Asterisk itself dials begins; alone it proves nothing."""
    call = st.calls.get(uid)
    if call is None:
        return
    for leg_uid in call.open_legs:
        leg = st.legs.get(leg_uid)
        if leg is not None and legs.is_answered(leg) and leg.had_contact:
            leg.music_us = at_us


def left(st: State, chan: Channel, at_us: int) -> None:
    """A channel left its bridge."""
    affected = [leg for leg in legs.concerned(st, chan) if leg.in_contact]
    bridge = chan.bridge
    st.leave_bridge(chan)
    for uid in sorted(st.bridges.get(bridge or "", ())):
        near = st.legs.get(uid)
        if near is not None and near.third_us is not None:
            contacts.third_party(st, near, at_us)
    chan.left_us = at_us
    for leg in affected:
        other = leg.customer
        if other is not None and other in st.connected(leg.uid):
            continue
        leg.in_contact = False
        leg.left_us = at_us
        contacts.third_party(st, leg, at_us)
        if chan.uid == leg.uid:
            leg.left_first = "seat"
        else:
            leg.left_first = "customer" if chan.uid == other else "between"
        clocks.note(leg, f"BridgeLeave {chan.device}", at_us)


def transferred(
    st: State, transferers: tuple[str, ...], what: str, at_us: int, *, leaves: bool
) -> None:
    """A transfer by these channels succeeded; ``leaves``: the seat leaves the call with it."""
    for leg in _led_by(st, transferers):
        if leg.settled or (leg.call is None and leg.far is None):
            continue
        clocks.note(leg, what, at_us)
        if not leaves:
            clocks.spell_ended(st, leg, at_us)
            contacts.three_way(st, leg, at_us, None)
            continue
        if leg.parks:
            # It was a transfer into parking: the customer still waits for this seat.
            continue
        leg.transfer_us = at_us
        if leg.ended_us is None:
            moment = leg.left_us if what == "BlindTransfer" and leg.left_us else at_us
            legs.end(st, leg, moment)


def _led_by(st: State, transferers: tuple[str, ...]) -> list[Leg]:
    """The legs of the channels that transferred. Where none has one, the transfer came from the
    phone's second line: then it is the seat's call that waits, if there is just one."""
    found: dict[str, Leg] = {}
    waiting: dict[str, Leg] = {}
    for uid in transferers:
        leg = st.legs.get(uid) or st.legs.get(st.through.get(uid, ""))
        if leg is not None:
            found[leg.uid] = leg
            continue
        chan = st.channels.get(uid)
        device = st.seat_of(chan) if chan is not None else None
        if device is not None:
            held = st.seats[device].legs.values()
            waiting |= {x.uid: x for x in held if x.call is not None and x.spell is not None}
    if not found and len(waiting) == 1:
        return [*waiting.values()]
    return [*found.values()]


def parked(st: State, uid: str, parker: str | None, at_us: int) -> None:
    """The customer was parked: who parked lets the customer wait, also after hanging up."""
    call = st.calls.get(uid)
    if call is None:
        return
    for leg_uid in call.open_legs:
        leg = st.legs.get(leg_uid)
        if leg is None or (parker is not None and leg.seat not in parker):
            continue
        if leg.transfer_us is not None:
            # The transfer into parking is told before the parking.
            legs.reopen(st, leg)
        if legs.is_answered(leg):
            clocks.note(leg, "ParkedCall", at_us)
            if leg.spell is not None:
                clocks.spell_ended(st, leg, at_us)
            leg.parks = True
            clocks.spell_started(st, leg, "park", at_us)


def parking_ended(st: State, uid: str, at_us: int) -> None:
    """The customer was fetched, or parking timed out."""
    call = st.calls.get(uid)
    if call is None:
        return
    for leg_uid in list(call.open_legs):
        leg = st.legs.get(leg_uid)
        if leg is not None and leg.spell is not None and leg.spell.kind == "park":
            clocks.note(leg, "parking ended", at_us)
            if call.request_us is None:
                leg.parks = False
                leg.transfer_us = at_us
            legs.end(st, leg, at_us)


def hold_was_unseen(st: State, leg: Leg) -> None:
    """An Unhold whose Hold the lost link hid: the spell is known, its length is not."""
    leg.hold_unseen = False
    leg.spells.append(Spell("hold", None, None))
    st.dirty.add(f"leg:{leg.uid}")


def channel_gone(st: State, chan: Channel, at_us: int) -> None:
    """A channel hung up."""
    chan.gone_us = at_us
    uid = chan.uid
    recordings.channel_gone(st, uid, at_us)
    if chan.bridge is not None:
        left(st, chan, at_us)
    own = st.legs.get(uid)
    if own is not None and own.ended_us is None:
        if legs.is_answered(own):
            if not own.parks:
                legs.end(st, own, _moment(own, at_us))
        else:
            legs.offer_ended(st, own, at_us, None)
    call = st.calls.get(uid)
    if call is not None and uid not in call.legs:
        call.ended_us = at_us
        for leg_uid in list(call.open_legs):
            leg = st.legs.get(leg_uid)
            if leg is None or leg.ended_us is not None:
                continue
            if legs.is_answered(leg):
                legs.end(st, leg, _moment(leg, at_us))
            else:
                legs.offer_ended(st, leg, at_us, None)
        for visit in call.visits:
            if visit.left_us is None:
                stays.left(st, uid, visit.queue, at_us, unseen=call.estimated)
        st.dirty.add(f"call:{uid}")
        st.deadlines.plan(at_us + st.settle_us + 1, "call", uid)
    far_leg = st.legs.get(st.far_ends.get(uid, ""))
    if far_leg is not None and far_leg.far == uid and legs.is_answered(far_leg):
        legs.end(st, far_leg, _moment(far_leg, at_us))
    st.deadlines.plan(at_us + 2 * st.settle_us + 2, "forget", uid)


def _moment(leg: Leg, at_us: int) -> int:
    """When contact ended: the first leaving of the bridge; who consults stays until it goes, and
    so does the customer whom the seat has parked."""
    if leg.left_us is None or (leg.spell is not None and leg.spell.kind in {"consult", "park"}):
        return at_us
    return leg.left_us
