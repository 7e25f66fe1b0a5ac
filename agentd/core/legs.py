"""Legs: how one begins, is answered, keeps or loses its customer, ends, and is settled.

A leg ends when the seat finally leaves the customer's call. Leaving a bridge is not yet that: an
agent who consults leaves the customer's bridge while the customer goes on waiting. So a broken
contact is only noted (``left_us``); what is final is a hang-up of either side, a transfer, or the
customer being served elsewhere. Verdicts wait a settle time for their evidence.
"""

from __future__ import annotations

from agentd.core import clocks, orders, verdict
from agentd.core import events as e
from agentd.core.calls import Call, Channel, Leg, device_of
from agentd.core.deadlines import Deadline
from agentd.core.effects import CallEnded, Direction, LegEnded, Spell
from agentd.core.state import State, us


def is_answered(leg: Leg) -> bool:
    """In progress with the customer; a leg found in a snapshot has no known answer time."""
    return leg.ended_us is None and (leg.answered_us is not None or leg.found)


def concerned(st: State, chan: Channel) -> list[Leg]:
    """The open legs that ``chan`` is a side of, or leads to."""
    found: list[Leg] = []
    own = st.legs.get(chan.uid)
    if own is not None and not own.settled:
        found.append(own)
    call = st.calls.get(chan.uid)
    if call is not None:
        found += [st.legs[uid] for uid in call.open_legs if uid in st.legs]
    for uid in (st.far_ends.get(chan.uid), st.through.get(chan.uid)):
        leg = st.legs.get(uid) if uid is not None else None
        if leg is not None and not leg.settled and leg not in found:
            found.append(leg)
    return found


def call_of(st: State, chan: Channel) -> Call:
    """The customer's call on ``chan``, begun now where it is new."""
    call = st.calls.get(chan.uid)
    if call is None:
        call = st.calls[chan.uid] = Call(
            chan.uid, chan.num, chan.since_us, estimated=chan.listed, gap=st.down_us is not None
        )
        st.dirty.add(f"call:{chan.uid}")
    return call


# --- beginning ----------------------------------------------------------------------------


def _new_leg(
    st: State,
    uid: str,
    device: str,
    direction: Direction,
    queue: str | None,
    call: Call | None,
    caller: str | None,
) -> Leg:
    seat = st.seat(device)
    st.touched_seats.add(device)
    leg = Leg(uid, device, seat.agent, queue, direction, None, caller, st.now_us)
    st.legs[uid] = leg
    seat.legs[uid] = leg
    seat.wrap_until_us = None
    if call is not None:
        _attach(st, leg, call)
    st.dirty.add(f"leg:{uid}")
    return leg


def _attach(st: State, leg: Leg, call: Call) -> None:
    leg.call = call.uid
    leg.caller = call.caller
    leg.direction = "inbound"
    call.legs.append(leg.uid)
    call.open_legs.append(leg.uid)
    st.dirty.update((f"call:{call.uid}", f"leg:{leg.uid}"))


def offered(st: State, ev: e.AgentCalled) -> None:
    """A queue offers a caller to one of its members."""
    device = st.interfaces.get(ev.interface)
    if device is None:
        device = device_of(ev.dest_name) if not ev.dest_name.startswith("Local/") else None
    if device is not None:
        seat = st.seat(device)
        st.join(seat, ev.queue, ev.interface, ev.member)
    customer = st.channel(ev.uid, ev.name)
    dest = st.channel(ev.dest, ev.dest_name)
    dest.dialled, dest.dialled_by = True, ev.uid
    if dest.is_local:
        st.offers[ev.dest] = (ev.queue, ev.interface, ev.member)
        return
    leg = st.legs.get(ev.dest)
    if leg is None:
        leg = _new_leg(st, ev.dest, dest.device, "inbound", ev.queue, call_of(st, customer), None)
    leg.queue = ev.queue
    leg.agent = st.seats[leg.seat].agent
    clocks.note(leg, "AgentCalled", ev.at_us)


def dialled(st: State, ev: e.DialBegin) -> None:
    """A channel is dialled: a seat's phone, or by a seat's phone."""
    dest = st.channel(ev.dest, ev.dest_name)
    dest.dialled = True
    dest.dialled_by = ev.uid
    source = st.channels.get(ev.uid) if ev.uid is not None else None
    if source is not None:
        source.dials = ev.dest
        source.moved_us = ev.at_us
    origin = st.origin(ev.uid)
    if dest.is_local:
        return
    if dest.device in st.seats and not dest.spies:
        _seat_dialled(st, ev, dest, origin)
    elif origin is not None and origin.device in st.seats:
        _dials_out(st, ev, origin, dest)
    elif source is not None and source.is_local:
        half = st.other_half(source)
        leg = st.legs.get(half.dials or "") if half is not None else None
        if leg is not None and leg.direction == "outbound" and leg.far is None:
            _far_end(st, leg, ev)


def _seat_dialled(st: State, ev: e.DialBegin, dest: Channel, origin: Channel | None) -> None:
    source = st.channels.get(ev.uid) if ev.uid is not None else None
    offer = None
    if source is not None and source.is_local:
        half = st.other_half(source)
        for local in (source, half):
            if local is not None:
                st.through[local.uid] = ev.dest
                offer = offer or st.offers.get(local.uid)
    leg = st.legs.get(ev.dest)
    if leg is not None:
        clocks.note(leg, "DialBegin", ev.at_us)
        return
    if origin is None:
        direction: Direction = "outbound" if source is None else "internal"
        leg = _new_leg(st, ev.dest, dest.device, direction, None, None, None)
        leg.consulted = True
    elif st.is_customer(origin):
        queue = offer[0] if offer is not None else None
        leg = _new_leg(st, ev.dest, dest.device, "inbound", queue, call_of(st, origin), None)
    else:
        leg = _new_leg(st, ev.dest, dest.device, "internal", None, None, origin.num)
        leg.consulted = True
        if origin.device in st.seats:
            _internal_caller(st, ev, origin, dest)
    clocks.note(leg, "DialBegin", ev.at_us)


def _internal_caller(st: State, ev: e.DialBegin, origin: Channel, dest: Channel) -> None:
    """A seat dials a colleague: a consultation where it has a customer, else an internal call."""
    if _consults(st, origin, ev.at_us):
        return
    leg = st.legs.get(origin.uid)
    if leg is None:
        leg = _new_leg(st, origin.uid, origin.device, "internal", None, None, dest.num)
        leg.consulted = True
        leg.far = dest.uid
        st.far_ends[dest.uid] = leg.uid
        clocks.note(leg, "DialBegin", ev.at_us)
    elif leg.direction == "outbound" and leg.far is None:
        leg.direction = "internal"
        leg.far = dest.uid
        leg.caller = dest.num
        st.far_ends[dest.uid] = leg.uid


def _dials_out(st: State, ev: e.DialBegin, origin: Channel, dest: Channel) -> None:
    if _consults(st, origin, ev.at_us):
        return
    leg = st.legs.get(origin.uid)
    if leg is None:
        leg = _new_leg(st, origin.uid, origin.device, "outbound", None, None, None)
        leg.consulted = True
    if leg.direction == "outbound" and leg.answered_us is None:
        _far_end(st, leg, ev)


def _far_end(st: State, leg: Leg, ev: e.DialBegin) -> None:
    if leg.far is not None:
        st.far_ends.pop(leg.far, None)
    leg.far = ev.dest
    dest = st.channels[ev.dest]
    leg.caller = ev.number or dest.num
    st.far_ends[ev.dest] = leg.uid
    clocks.note(leg, "DialBegin", ev.at_us)
    st.dirty.add(f"leg:{leg.uid}")
    st.touched_seats.add(leg.seat)


def _consults(st: State, origin: Channel, at_us: int) -> bool:
    """The seat behind ``origin`` dials while a customer of its waits: that is a consultation."""
    seat = st.seats[origin.device]
    for leg in seat.legs.values():
        if is_answered(leg) and leg.direction == "inbound" and leg.call is not None:
            waiting = leg.spell is not None or leg.left_us is not None
            if leg.uid != origin.uid or waiting:
                if leg.spell is None:
                    clocks.spell_started(st, leg, "consult", leg.left_us or at_us)
                clocks.becomes_consult(st, leg)
                return True
    return False


# --- the offer's end, and the answer ------------------------------------------------------


def dial_ended(st: State, ev: e.DialEnd) -> None:
    """A dial was answered, or came to nothing."""
    far_leg = st.legs.get(st.far_ends.get(ev.dest, ""))
    if far_leg is not None and far_leg.far == ev.dest and far_leg.ended_us is None:
        if ev.status == "ANSWER":
            far_leg.answered_us = ev.at_us
            clocks.note(far_leg, "DialEnd ANSWER", ev.at_us)
            _answered_outward(st, far_leg)
        elif far_leg.answered_us is None:
            far_leg.dial_status = ev.status
        st.touched_seats.add(far_leg.seat)
    leg = st.legs.get(ev.dest)
    if leg is None:
        return
    if ev.status == "ANSWER":
        if leg.direction != "outbound":
            answered(st, leg, ev.at_us, "DialEnd ANSWER")
        return
    if ev.forward:
        leg.moved = True
    offer_ended(st, leg, ev.at_us, ev.status)


def _answered_outward(st: State, leg: Leg) -> None:
    st.dirty.add(f"leg:{leg.uid}")
    policy = st.policy(None, leg.seat)
    if leg.direction != "outbound" or not policy.outbound_opens_order:
        return
    call = st.calls.get(leg.uid)
    if call is None:
        call = st.calls[leg.uid] = Call(leg.uid, leg.caller, leg.offered_us)
        call.legs.append(leg.uid)
        call.open_legs.append(leg.uid)
        call.first_answer_us = leg.answered_us
    orders.open_for(st, call, leg)


def answered(st: State, leg: Leg, at_us: int, evidence: str) -> None:
    """The seat's phone took the call."""
    if leg.answered_us is not None or leg.found or leg.ended_us is not None:
        return
    leg.answered_us = at_us
    clocks.note(leg, evidence, at_us)
    clocks.ring_stopped(st, leg, at_us)
    st.dirty.add(f"leg:{leg.uid}")
    st.touched_seats.add(leg.seat)
    call = st.calls.get(leg.call) if leg.call is not None else None
    if call is not None:
        taken(st, call, leg, at_us)


def taken(st: State, call: Call, leg: Leg, at_us: int) -> None:
    """``call`` has a seat from ``at_us``: count it once, and see to its order."""
    st.dirty.add(f"call:{call.uid}")
    if call.first_answer_us is None:
        call.first_answer_us = at_us
    for visit in call.visits:
        if visit.left_us is None and not visit.answered and visit.queue == leg.queue:
            visit.answered = True
            queue = st.queue(visit.queue)
            queue.answered += 1
            limit_us = us(st.policy(visit.queue, None).service_level_s)
            if at_us - visit.joined_us <= limit_us and not visit.estimated:
                queue.in_time += 1
            queue.waiting.pop(call.uid, None)
            st.dirty.add(f"queue:{visit.queue}")
    orders.open_for(st, call, leg)


def connected(st: State, ev: e.AgentConnect) -> None:
    """Late by announcements, but proof of an answer where no DialEnd said so."""
    leg = st.legs.get(ev.dest) or st.legs.get(st.through.get(ev.dest, ""))
    if leg is not None and leg.answered_us is None and leg.direction == "inbound":
        answered(st, leg, leg.up_us or ev.at_us, "AgentConnect")


def offer_ended(st: State, leg: Leg, at_us: int, status: str | None) -> None:
    """The offer is over without an answer of this phone."""
    if leg.answered_us is not None or leg.found:
        return
    if status is not None and leg.dial_status in (None, "CANCEL"):
        leg.dial_status = status
    if leg.ended_us is not None:
        return
    leg.ended_us = at_us
    clocks.note(leg, f"DialEnd {status}" if status else "Hangup", at_us)
    clocks.ring_stopped(st, leg, at_us)
    _over(st, leg)


def picked_up(st: State, ev: e.Pickup) -> None:
    """Another phone takes the ringing call."""
    leg = st.legs.get(ev.target)
    picker = st.channel(ev.uid, ev.name)
    if leg is None or leg.answered_us is not None:
        return
    call = st.calls.get(leg.call) if leg.call is not None else None
    leg.pickup = True
    clocks.note(leg, f"Pickup {picker.device}", ev.at_us)
    offer_ended(st, leg, ev.at_us, None)
    if call is not None and picker.device in st.seats and picker.uid not in st.legs:
        taker = _new_leg(st, picker.uid, picker.device, "inbound", leg.queue, call, None)
        taker.consulted = True
        answered(st, taker, ev.at_us, "Pickup")


# --- contact ------------------------------------------------------------------------------


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
    contact(st, chan.uid, at_us)


def contact(st: State, uid: str, at_us: int) -> None:
    """Whoever is connected with ``uid`` now: seats with customers, colleagues with seats."""
    together = st.connected(uid)
    calls = [st.calls[u] for u in sorted(together) if u in st.calls and u not in st.legs]
    seat_chans = [
        c
        for c in (st.channels.get(u) for u in sorted(together))
        if c is not None and c.device in st.seats and not c.is_local and not c.spies
    ]
    for chan in seat_chans:
        leg = st.legs.get(chan.uid)
        if leg is None:
            if calls and st.synced:
                leg = _new_leg(st, chan.uid, chan.device, "inbound", None, calls[0], None)
                leg.consulted = True
                answered(st, leg, at_us, "BridgeEnter")
            else:
                continue
        if leg.ended_us is not None:
            continue
        if leg.call is None and calls and leg.direction == "internal":
            _becomes_the_customers(st, leg, calls[0], at_us)
        other = leg.customer
        if other is not None and other in together:
            if leg.answered_us is None and leg.direction == "inbound":
                answered(st, leg, leg.up_us or at_us, "BridgeEnter")
            _in_contact(st, leg, at_us)
        elif leg.call is not None:
            _consults_in_bridge(st, chan, at_us)
    for call in calls:
        for leg_uid in list(call.open_legs):
            leg = st.legs.get(leg_uid)
            if leg is None or leg.uid in together or not is_answered(leg):
                continue
            consults = leg.spell is not None and leg.spell.kind == "consult"
            if leg.left_us is not None and seat_chans and not consults:
                # Another seat serves the customer now.
                end(st, leg, leg.left_us)


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
    seat = st.seats[leg.seat]
    if leg.far is not None and leg.far in st.legs:
        return
    _attach(st, leg, call)
    leg.agent = seat.agent
    clocks.note(leg, "connected with the customer", at_us)
    if leg.answered_us is None:
        answered(st, leg, leg.up_us or at_us, "BridgeEnter")
    else:
        taken(st, call, leg, at_us)


def _consults_in_bridge(st: State, chan: Channel, at_us: int) -> None:
    """The seat entered a bridge without its customer, who waits: a consultation."""
    leg = st.legs.get(chan.uid)
    if leg is None or not is_answered(leg) or leg.call is None or not leg.had_contact:
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
        if leg is not None and is_answered(leg) and leg.had_contact:
            leg.music_us = at_us


def left(st: State, chan: Channel, at_us: int) -> None:
    """A channel left its bridge."""
    affected = [leg for leg in concerned(st, chan) if leg.in_contact]
    st.leave_bridge(chan)
    chan.left_us = at_us
    for leg in affected:
        other = leg.customer
        if other is not None and other in st.connected(leg.uid):
            continue
        leg.in_contact = False
        leg.left_us = at_us
        if chan.uid == leg.uid:
            leg.left_first = "seat"
        else:
            leg.left_first = "customer" if chan.uid == other else "between"
        clocks.note(leg, f"BridgeLeave {chan.device}", at_us)


def transferred(
    st: State, transferers: tuple[str, ...], what: str, at_us: int, *, leaves: bool
) -> None:
    """A transfer by these channels succeeded; ``leaves``: the seat leaves the call with it."""
    for uid in transferers:
        for leg in {leg.uid: leg for leg in _led_by(st, uid)}.values():
            if leg.settled or (leg.call is None and leg.far is None):
                continue
            clocks.note(leg, what, at_us)
            if not leaves:
                clocks.spell_ended(st, leg, at_us)
                continue
            leg.transfer_us = at_us
            if leg.ended_us is None:
                moment = leg.left_us if what == "BlindTransfer" and leg.left_us else at_us
                end(st, leg, moment)


def _led_by(st: State, uid: str) -> list[Leg]:
    leg = st.legs.get(uid) or st.legs.get(st.through.get(uid, ""))
    found = [leg] if leg is not None else []
    chan = st.channels.get(uid)
    if chan is not None and leg is None and chan.device in st.seats:
        # The consultation was on the phone's second channel.
        seat = st.seats[chan.device]
        found += [x for x in seat.legs.values() if x.call is not None and x.spell is not None]
    return found


# --- parking ------------------------------------------------------------------------------


def parked(st: State, uid: str, parker: str | None, at_us: int) -> None:
    """The customer was parked: who parked lets the customer wait, also after hanging up."""
    call = st.calls.get(uid)
    if call is None:
        return
    for leg_uid in call.open_legs:
        leg = st.legs.get(leg_uid)
        if leg is not None and is_answered(leg) and (parker is None or leg.seat in parker):
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
            leg.parks = False
            leg.transfer_us = at_us
            end(st, leg, at_us)


def hold_was_unseen(st: State, leg: Leg) -> None:
    """An Unhold whose Hold the lost link hid: the spell is known, its length is not."""
    leg.hold_unseen = False
    leg.spells.append(Spell("hold", None, None))
    st.dirty.add(f"leg:{leg.uid}")


# --- the end ------------------------------------------------------------------------------


def left_queue(st: State, uid: str, name: str, at_us: int) -> None:
    """The caller leaves a queue: to a seat, away, or because the queue gave up."""
    st.queue(name).waiting.pop(uid, None)
    st.dirty.add(f"queue:{name}")
    call = st.calls.get(uid)
    if call is None:
        return
    for visit in call.visits:
        if visit.queue != name or visit.left_us is not None:
            continue
        visit.left_us = at_us
        st.dirty.add(f"call:{uid}")
        if not visit.answered:
            st.deadlines.plan(at_us + st.settle_us, "settle", uid, name)


def channel_gone(st: State, chan: Channel, at_us: int) -> None:
    """A channel hung up."""
    chan.gone_us = at_us
    uid = chan.uid
    if chan.bridge is not None:
        left(st, chan, at_us)
    own = st.legs.get(uid)
    if own is not None and own.ended_us is None:
        if is_answered(own):
            if not own.parks:
                end(st, own, _moment(own, at_us))
        else:
            offer_ended(st, own, at_us, None)
    call = st.calls.get(uid)
    if call is not None and uid not in st.legs:
        call.ended_us = at_us
        for leg_uid in list(call.open_legs):
            leg = st.legs.get(leg_uid)
            if leg is None or leg.ended_us is not None:
                continue
            if is_answered(leg):
                end(st, leg, _moment(leg, at_us))
            else:
                offer_ended(st, leg, at_us, None)
        for visit in call.visits:
            if visit.left_us is None:
                left_queue(st, uid, visit.queue, at_us)
        st.dirty.add(f"call:{uid}")
        st.deadlines.plan(at_us + st.settle_us + 1, "call", uid)
    far_leg = st.legs.get(st.far_ends.get(uid, ""))
    if far_leg is not None and far_leg.far == uid and is_answered(far_leg):
        end(st, far_leg, _moment(far_leg, at_us))
    st.deadlines.plan(at_us + 2 * st.settle_us + 2, "forget", uid)


def _moment(leg: Leg, at_us: int) -> int:
    """When contact ended: the first leaving of the bridge; who consults stays until it goes."""
    if leg.left_us is None or (leg.spell is not None and leg.spell.kind == "consult"):
        return at_us
    return leg.left_us


def end(st: State, leg: Leg, at_us: int) -> None:
    """The seat's part of an answered call is over."""
    if leg.ended_us is not None:
        return
    leg.ended_us = at_us
    clocks.spell_ended(st, leg, at_us)
    leg.in_contact = False
    call = st.calls.get(leg.call) if leg.call is not None else None
    if call is not None:
        call.last_left_us = max(call.last_left_us or 0, at_us)
    seat = st.seats[leg.seat]
    if leg.direction != "internal":
        policy = clocks.policy_of(st, leg)
        seat.wrap_until_us = at_us + us(policy.wrap_up_s)
        seat.wrap_order = orders.order_id(st.pbx, leg.call) if leg.call is not None else None
        st.deadlines.plan(seat.wrap_until_us, "wrap", leg.seat)
    _over(st, leg)


def _over(st: State, leg: Leg) -> None:
    st.seats[leg.seat].legs.pop(leg.uid, None)
    st.touched_seats.add(leg.seat)
    st.dirty.add(f"leg:{leg.uid}")
    st.deadlines.plan(st.now_us + st.settle_us, "settle", leg.uid)


def wrap_due(st: State, deadline: Deadline) -> None:
    seat = st.seats.get(deadline.key)
    if seat is not None:
        st.touched_seats.add(seat.device)


# --- settling -----------------------------------------------------------------------------


def settle_due(st: State, deadline: Deadline) -> None:
    """The evidence is in: judge a leg, or count a caller who left a queue unanswered."""
    if deadline.mark:
        _count_unanswered(st, deadline.key, deadline.mark)
        return
    leg = st.legs.get(deadline.key)
    if leg is None or leg.settled or leg.ended_us is None:
        return
    leg.settled = True
    outcome = verdict.outcome(st, leg)
    by = verdict.ended_by(st, leg) if outcome == "answered" else None
    if outcome not in ("answered", "answered_elsewhere") and verdict_allows_ring(leg):
        clocks.charge_ring(st, leg)
    st.emit(_record(st, leg, outcome, by))
    if by == "agent" and leg.direction == "inbound":
        _hung_up_first(st, leg)
    st.dirty.add(f"leg:{leg.uid}")
    call = st.calls.get(leg.call or leg.uid)
    if call is None:
        st.legs.pop(leg.uid, None)
        return
    if leg.uid in call.open_legs:
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
    if policy.agent_may_end or leg.estimated or leg.found or leg.ended_us is None:
        return
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
        leg.ringing_us,
        leg.answered_us if took else None,
        leg.ended_us,
        ring_us,
        talk_us,
        leg.held_us() if took else None,
        tuple(leg.spells),
        outcome,
        by,
        leg.estimated,
        leg.gap,
        tuple(leg.evidence),
    )


def _count_unanswered(st: State, uid: str, name: str) -> None:
    call = st.calls.get(uid)
    queue = st.queues.get(name)
    if call is None or queue is None:
        return
    for visit in call.visits:
        if visit.queue != name or visit.left_us is None or visit.answered or visit.counted:
            continue
        visit.counted = True
        gave_up = call.request_us is not None and (
            call.request_us <= visit.left_us + verdict.CAUSED_US
        )
        if gave_up:
            queue.abandoned += 1
            short_us = us(st.policy(name, None).short_abandon_s)
            if visit.left_us - visit.joined_us <= short_us:
                queue.short_abandons += 1
        else:
            queue.let_go += 1
        st.touched_queues.add(name)
        st.dirty.update((f"queue:{name}", f"call:{uid}"))


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
        orders.open_missed(st, call, at_us)
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
    gave_up = call.request_us is not None and (call.request_us <= waited_until + verdict.CAUSED_US)
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


def forget_due(st: State, deadline: Deadline) -> None:
    """A channel that is gone is no evidence any more."""
    chan = st.channels.get(deadline.key)
    if chan is None or chan.gone_us is None:
        return
    if any(not leg.settled for leg in concerned(st, chan)) or deadline.key in st.calls:
        st.deadlines.plan(st.now_us + st.settle_us, "forget", deadline.key)
        return
    st.drop_channel(deadline.key)
