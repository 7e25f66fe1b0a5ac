"""Snapshots, lost links, restarts: how the picture is made true again.

A snapshot changes only what it contradicts, so that applying one twice changes nothing. What
happened while the link was down is unknown and charges nobody; a PBX that restarted ended all its
calls.
"""

from __future__ import annotations

from agentd.core import clocks, contact, contacts, legs, orders, stays, wrap_ups
from agentd.core import events as e
from agentd.core.calls import RINGING, UP, Channel, Leg, Visit
from agentd.core.deadlines import Deadline
from agentd.core.effects import LinkSpan
from agentd.core.queues import day_start_us
from agentd.core.seat import Seat
from agentd.core.state import US, State, us

_UPTIME_SLACK_S = 2


class Resync:
    """Applies snapshots and gaps to one :class:`~agentd.core.state.State`."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.after_gap = False
        """The stream began anew and nothing proves yet that the PBX lived through it."""
        self._days_planned = False
        self._channels: dict[str, e.ListedChannel] = {}
        self._members: set[tuple[str, str]] = set()
        self._queues: set[str] = set()
        self._callers: set[tuple[str, str]] = set()
        self._told_up: bool | None = None
        """Whether the PBX is heard, as it was told last."""
        self._listed = False
        """The queues were listed since the stream began."""

    # --- the link -------------------------------------------------------------------------

    def link_down(self) -> None:
        """The feed stops: every running clock stops, and charges nothing from here on."""
        st = self.state
        if st.down_us is None:
            st.down_us = st.now_us
        st.linked = False
        st.synced = False
        # An order stays overdue, whatever was not seen; a customer may have been taken back.
        st.unproved = [v for v in st.unproved if v.rule == "work_order"]
        wrap_ups.link_lost(st)
        if self._told_up is not False and st.now_us:
            self._told_up = False
            st.emit(LinkSpan(st.pbx, st.now_us, up=False))
        self._channels.clear()
        self._forget_list()
        for leg in st.legs.values():
            if leg.settled:
                continue
            leg.contact_unseen = True
            st.dirty.add(f"leg:{leg.uid}")
            if leg.ended_us is not None:
                continue
            leg.gap = True
            leg.hold_unseen = True
            if leg.ringing_us is not None and leg.answered_us is None:
                clocks.ring_stopped(st, leg, st.now_us)
            leg.ring_stopped = True
            clocks.spell_stopped(st, leg, st.now_us)
        for call in st.calls.values():
            if call.ended_us is None:
                call.gap = True
                for visit in call.visits:
                    visit.gap = visit.gap or not (visit.answered or visit.counted)
                st.dirty.add(f"call:{call.uid}")
        for queue in st.queues.values():
            queue.gap = True
            st.touched_queues.add(queue.name)
        st.shown_seats.update(st.seats)

    def link_up(self) -> None:
        """A new stream began; what is true now comes with its snapshot."""
        st = self.state
        st.linked = True
        st.linked_us = st.now_us
        st.deadlines.plan(st.now_us + st.settle_us, "prove", "")
        if not self._days_planned:
            # A day that began while nobody looked fires at once.
            self._days_planned = True
            today_us = day_start_us(st.now_us, st.book.day_starts_s)
            st.deadlines.plan(today_us, "day", "")
        self.after_gap = st.down_us is not None
        self._listed = False
        self._channels.clear()
        self._forget_list()

    def booted(self, uptime_s: int) -> None:
        """FullyBooted: an uptime that is too short means that the PBX was restarted."""
        st = self.state
        if uptime_s < 0:
            return
        if st.uptime is not None:
            before_s, at_us = st.uptime
            known_s = before_s + (max(st.down_us or 0, at_us) - at_us) // US
            if uptime_s < known_s - _UPTIME_SLACK_S:
                self.pbx_restarted()
        st.uptime = (uptime_s, st.now_us)

    def pbx_restarted(self) -> None:
        """All earlier calls ended with the last event that was seen."""
        st = self.state
        self.after_gap = False
        last_us = st.down_us if st.down_us is not None else st.now_us
        for leg in list(st.legs.values()):
            if leg.ended_us is None:
                self._lost(leg, last_us, restarted=True)
        for chan in list(st.channels.values()):
            if chan.gone_us is None:
                self._channel_lost(chan, last_us)

    def _lost(self, leg: Leg, at_us: int, *, restarted: bool) -> None:
        st = self.state
        leg.vanished = not restarted
        leg.restarted = restarted
        leg.estimated = True
        leg.gap = True
        clocks.note(leg, "PBX restarted" if restarted else "gone in a gap", at_us)
        if legs.is_answered(leg):
            legs.end(st, leg, at_us)
        else:
            legs.offer_ended(st, leg, at_us, None)

    def _channel_lost(self, chan: Channel, at_us: int) -> None:
        """Its end was not seen: hang it up without evidence."""
        st = self.state
        call = st.calls.get(chan.uid)
        if call is not None:
            call.estimated = call.gap = True
        st.leave_bridge(chan)
        if st.names.get(chan.name) == chan.uid:
            del st.names[chan.name]
        chan.name = ""
        contact.channel_gone(st, chan, at_us)

    # --- channels -------------------------------------------------------------------------

    def listed_channel(self, ev: e.ListedChannel) -> None:
        self._channels[ev.uid] = ev

    def channel_list_done(self) -> None:
        """Compare the list with what is known: take in what is new, ask after what is missing."""
        st = self.state
        listed, self._channels = self._channels, {}
        for ev in listed.values():
            chan = st.channels.get(ev.uid)
            if chan is None:
                chan = st.channel(ev.uid, ev.name)
                chan.listed = True
                chan.since_us = st.now_us - ev.duration_s * US
                chan.num = ev.num
                chan.linkedid = ev.linkedid or ev.uid
                chan.dialled = ev.application.startswith("App")
            if chan.gone_us is not None:
                continue
            chan.state = ev.state
            chan.spies = chan.spies or ev.application == "ChanSpy"
            chan.queue = ev.data.partition(",")[0] if ev.application == "Queue" else None
            if self.after_gap and chan.bridge != ev.bridge:
                st.leave_bridge(chan)
            if ev.bridge is not None and chan.bridge is None and (chan.listed or self.after_gap):
                chan.bridge = ev.bridge
                st.bridges.setdefault(ev.bridge, set()).add(ev.uid)
        for uid, chan in st.channels.items():
            if uid not in listed and chan.gone_us is None:
                if self.after_gap:
                    st.leave_bridge(chan)
                st.deadlines.plan(st.now_us + st.settle_us, "vanish", uid, str(st.now_us))
        for uid, call in st.calls.items():
            if uid not in st.channels and call.ended_us is None:
                # Remembered from before a restart, and not there any more.
                st.deadlines.plan(st.now_us + st.settle_us, "vanish", uid, str(st.now_us))
        for uid, leg in st.legs.items():
            if uid not in st.channels and leg.ended_us is None:
                st.deadlines.plan(st.now_us + st.settle_us, "vanish", uid, str(st.now_us))
        self._adopt()
        st.synced = True
        self._tell_up()

    def _tell_up(self) -> None:
        """Both lists were heard since the stream began: the picture is true again."""
        st = self.state
        if st.synced and self._listed and st.linked and not self._told_up:
            self._told_up = True
            st.emit(LinkSpan(st.pbx, st.now_us, up=True))

    def vanish_due(self, st: State, deadline: Deadline) -> None:
        """A channel that the snapshot does not know has not hung up since: it ended unseen."""
        chan = st.channels.get(deadline.key)
        # A channel may be younger than the list although its Timestamp is a little older.
        made_us = int(deadline.mark) - us(st.book.event_lag_s)
        if chan is not None and (chan.gone_us is not None or chan.since_us >= made_us):
            return
        leg = st.legs.get(deadline.key)
        at_us = self._ended_in_gap(leg, int(deadline.mark))
        if leg is not None and leg.ended_us is None:
            self._lost(leg, at_us, restarted=False)
        call = st.calls.get(deadline.key)
        if call is not None:
            for uid in list(call.open_legs):
                open_leg = st.legs.get(uid)
                if open_leg is not None and open_leg.ended_us is None:
                    moment = self._ended_in_gap(open_leg, int(deadline.mark))
                    self._lost(open_leg, moment, restarted=False)
        if chan is None:
            if call is None or call.ended_us is not None:
                return
            chan = st.channel(deadline.key, "")
        self._channel_lost(chan, at_us)

    def _ended_in_gap(self, leg: Leg | None, snapshot_us: int) -> int:
        """The queue's LastCall where it falls into the gap (to a second), else the gap's end."""
        st = self.state
        seat = st.seats.get(leg.seat) if leg is not None else None
        if seat is not None and leg is not None:
            last_us = seat.last_call_s * US
            since_us = leg.answered_us or leg.offered_us or 0
            if since_us < last_us <= snapshot_us:
                return last_us
        return snapshot_us

    def _adopt(self) -> None:
        """Calls that are in progress and of which no beginning was seen get their legs."""
        st = self.state
        for chan in list(st.channels.values()):
            if chan.is_local or chan.spies or chan.gone_us is not None:
                continue
            if st.seat_of(chan) is None or not (chan.listed or self.after_gap):
                continue
            leg = st.legs.get(chan.uid)
            if leg is None:
                if chan.listed:
                    self._adopt_channel(chan)
            elif leg.ended_us is None:
                self._compare(leg, chan)

    def _partner(self, chan: Channel) -> Channel | None:
        st = self.state
        others = (st.channels.get(uid) for uid in sorted(st.connected(chan.uid) - {chan.uid}))
        return next((c for c in others if c is not None and st.is_customer(c)), None)

    def _adopt_channel(self, chan: Channel) -> None:
        st = self.state
        if chan.state == UP:
            partner = self._partner(chan)
            if partner is None:
                return
            inbound = chan.dialled or not partner.dialled
            leg = self._found_leg(chan, partner, inbound=inbound)
            leg.in_contact = leg.had_contact = True
            if inbound:
                call = st.calls[partner.uid]
                call.taken = True
                contacts.got_through(st, call, leg)
                orders.open_for(st, call, leg)
        elif chan.state == RINGING and chan.dialled:
            customer = st.channels.get(chan.linkedid)
            if customer is None or not st.is_customer(customer):
                return
            leg = self._found_leg(chan, customer, inbound=True)
            leg.found = False
            leg.ring_stopped = True
            leg.ringing_us = chan.since_us

    def _found_leg(self, chan: Channel, other: Channel, *, inbound: bool) -> Leg:
        st = self.state
        seat = st.seat(st.seat_of(chan) or chan.device)
        call = legs.call_of(st, other) if inbound else None
        if call is not None:
            call.gap = True
            if other.queue and not call.visits:
                visit = Visit(other.queue, other.since_us, answered=True, estimated=True)
                visit.left_us = st.now_us
                call.visits.append(visit)
        leg = Leg(
            chan.uid,
            seat.device,
            seat.agent,
            call.visits[-1].queue if call is not None and call.visits else None,
            "inbound" if inbound else "outbound",
            call.uid if call is not None else None,
            other.num,
            chan.since_us,
            found=True,
            estimated=True,
            gap=True,
            hold_unseen=True,
            ring_stopped=True,
        )
        clocks.note(leg, "found in a snapshot", st.now_us)
        st.legs[chan.uid] = leg
        seat.legs[chan.uid] = leg
        st.touched_seats.add(seat.device)
        st.dirty.add(f"leg:{leg.uid}")
        if call is not None:
            call.legs.append(leg.uid)
            call.open_legs.append(leg.uid)
            st.dirty.add(f"call:{call.uid}")
        else:
            leg.far = other.uid
            st.far_ends[other.uid] = leg.uid
            # A channel's age is told in whole seconds: it may be a second older.
            leg.begun_us = chan.since_us - US
            contacts.dialled_out(st, leg, leg.begun_us)
            contacts.far_end_answered(st, leg)
        return leg

    def _compare(self, leg: Leg, chan: Channel) -> None:
        """A leg that we know: was it answered, or did it lose its customer, while we were away?"""
        st = self.state
        other = leg.customer
        together = other is not None and other in st.connected(leg.uid)
        if together and leg.answered_us is None and not leg.found and leg.direction == "inbound":
            leg.estimated = True
            leg.gap = True
            legs.answered(st, leg, st.now_us, "found answered in a snapshot")
        if together:
            leg.in_contact = leg.had_contact = True
            leg.contact_unseen = False
            leg.left_us = leg.left_first = None

    # --- queues ---------------------------------------------------------------------------

    def member(self, ev: e.QueueMember) -> None:
        """A member of a queue changed, or stands in a list."""
        st = self.state
        if ev.change == "removed":
            self._remove(ev)
            return
        st.interfaces[ev.interface] = ev.state_interface
        seat = st.seat(ev.state_interface)
        known = st.join(seat, ev.queue, ev.interface, ev.member)
        if ev.change == "listed":
            self._members.add((ev.queue, ev.state_interface))
        reason = ev.reason if ev.paused else ""
        if known.paused != ev.paused or known.reason != reason:
            known.paused = ev.paused
            known.reason = reason
            st.touched_seats.add(seat.device)
        seat.last_call_s = max(seat.last_call_s, ev.last_call_s)
        if seat.set_status(ev.status, ev.at_us):
            st.touched_seats.add(seat.device)

    def _remove(self, ev: e.QueueMember) -> None:
        st = self.state
        seat = st.seats.get(st.interfaces.get(ev.interface, ev.state_interface))
        if seat is not None and ev.queue in seat.queues:
            self._out_of_queue(seat, ev.queue)

    def _out_of_queue(self, seat: Seat, queue: str) -> None:
        del seat.queues[queue]
        if not seat.queues and not seat.config.queueless:
            wrap_ups.left(self.state, seat.device)
            # Whoever left has nothing to do with what that phone does next.
            self.state.call_member(seat, None)
        self.state.touched_seats.add(seat.device)

    def listed_queue(self, ev: e.ListedQueue) -> None:
        self._queues.add(ev.queue)
        self.state.queue(ev.queue)

    def listed_caller(self, ev: e.ListedCaller) -> None:
        st = self.state
        self._callers.add((ev.queue, ev.uid))
        queue = st.queue(ev.queue)
        if ev.uid in queue.waiting:
            return
        chan = st.channel(ev.uid, ev.name)
        if chan.gone_us is not None:
            return
        if chan.num is None:
            chan.num = ev.num
        call = legs.call_of(st, chan)
        if call.caller is None:
            call.caller = ev.num
        if any(v.queue == ev.queue and v.left_us is None for v in call.visits):
            return
        if any(v.queue == ev.queue for v in call.visits) and not self.after_gap:
            return
        joined_us = st.now_us - ev.wait_s * US
        stays.joined(st, call, ev.queue, joined_us, estimated=True)

    def queue_list_done(self) -> None:
        """Members and callers that the list does not name are not there any more."""
        st = self.state
        self._listed = True
        self._tell_up()
        if not self._queues:
            self._forget_list()
            return
        for seat in st.seats.values():
            for name in list(seat.queues):
                if (name, seat.device) not in self._members:
                    self._out_of_queue(seat, name)
        if self.after_gap:
            for queue in st.queues.values():
                for uid in list(queue.waiting):
                    if (queue.name, uid) not in self._callers:
                        stays.left(st, uid, queue.name, st.now_us, unseen=True)
        self._forget_list()
        for device, config in ((s.device, s) for s in st.book.seats):
            if config.queueless or device in st.seats:
                st.seat(device)
        st.touched_seats.update(st.signed_in.values())
        self._adopt()
        if st.synced:
            self.after_gap = False
            st.down_us = None
            st.prove()

    def _forget_list(self) -> None:
        self._queues.clear()
        self._members.clear()
        self._callers.clear()
