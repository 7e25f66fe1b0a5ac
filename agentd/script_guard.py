"""The engine: what happened goes in, what follows comes out. Pure; one instance per PBX.

:meth:`Engine.handle` takes one event in the order of its time, :meth:`Engine.tick` lets time pass;
both give effects. What an event changes stands here, by the event's name (``_on_hold`` …); the
rules' clocks are in :mod:`agentd.core.clocks`, legs in :mod:`agentd.core.legs`, verdicts in
:mod:`agentd.core.verdict`, work orders in :mod:`agentd.core.orders`, snapshots and lost links in
:mod:`agentd.core.resync`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from agentd.core import (
    acts,
    clock_step,
    clocks,
    commands,
    contact,
    dialling,
    legs,
    memory,
    order_clock,
    orders,
    recordings,
    resync,
    settling,
    stays,
    verdict,
)
from agentd.core import events as e
from agentd.core.calls import RINGING, UP, device_of
from agentd.core.deadlines import NEVER_US, Deadline
from agentd.core.effects import Effect, OrderChanged
from agentd.core.policy import PolicyBook
from agentd.core.state import Answer, State, us

SETTLING = frozenset(("settle", "call", "forget", "vanish"))
"""Deadlines that only let evidence come in; they charge nothing by themselves."""


def _prove_due(st: State, deadline: Deadline) -> None:
    st.prove()


class Engine:
    """Everything known of one PBX, and the rules applied to it.

    ``pbx`` names the PBX in every effect; ``book`` holds its policies. Times are microseconds in
    PBX time. Calls must come in the order of time: an event's ``at_us`` or a tick's ``now_us`` that
    lies before what was applied already does not turn the clock back.
    """

    def __init__(self, pbx: str, book: PolicyBook) -> None:
        self.state = State(pbx, book)
        self._handlers: dict[type[e.Event], Callable[[Any], None]] = {
            e.Newchannel: self._on_newchannel,
            e.Newstate: self._on_newstate,
            e.NewCallerid: self._on_new_callerid,
            e.Rename: self._on_rename,
            e.Hangup: self._on_hangup,
            e.HangupRequest: self._on_hangup_request,
            e.SoftHangupRequest: self._on_soft_hangup_request,
            e.DialBegin: self._on_dial_begin,
            e.DialState: self._on_dial_state,
            e.DialEnd: self._on_dial_end,
            e.Pickup: self._on_pickup,
            e.BridgeEnter: self._on_bridge_enter,
            e.BridgeLeave: self._on_bridge_leave,
            e.Hold: self._on_hold,
            e.Unhold: self._on_unhold,
            e.MusicOnHoldStart: self._on_music_start,
            e.MusicOnHoldStop: self._on_music_stop,
            e.ParkedCall: self._on_parked,
            e.ParkingEnded: self._on_parking_ended,
            e.BlindTransfer: self._on_blind_transfer,
            e.AttendedTransfer: self._on_attended_transfer,
            e.ChanSpyStart: partial(acts.spying, self.state),
            e.MixMonitorStart: self._on_recording_start,
            e.MixMonitorStop: self._on_recording_stop,
            e.RecordingFile: self._on_recording_file,
            e.QueueCallerJoin: self._on_join,
            e.QueueCallerLeave: self._on_leave,
            e.AgentCalled: self._on_agent_called,
            e.AgentConnect: self._on_agent_connect,
            e.AgentComplete: self._on_agent_complete,
            e.AgentRingNoAnswer: self._on_ring_no_answer,
            e.QueueMember: self._on_member,
            e.DeviceState: self._on_device_state,
            e.AgentPool: self._on_agent_pool,
            e.FullyBooted: self._on_fully_booted,
            e.ListedQueue: self._on_listed_queue,
            e.ListedCaller: self._on_listed_caller,
            e.QueueListDone: self._on_queue_list_done,
            e.ListedChannel: self._on_listed_channel,
            e.ChannelListDone: self._on_channel_list_done,
            e.LinkDown: self._on_link_down,
            e.LinkUp: self._on_link_up,
            e.CompleteOrder: partial(commands.complete_order, self.state),
            e.SeatTaken: partial(commands.seat_taken, self.state),
            e.SeatLeft: partial(commands.seat_left, self.state),
            e.OrderAssigned: partial(commands.order_assigned, self.state),
            e.SupervisorActs: partial(acts.supervisor_acts, self.state),
            e.OrderNumbers: partial(commands.order_numbers, self.state),
        }
        self.next_due_us = self.state.deadlines.next_us
        """As :meth:`next_deadline`, with NEVER_US for never: called for every event."""
        self._resync = resync.Resync(self.state)
        self._deadlines: dict[str, Callable[[State, Deadline], None]] = {
            "ring_warn": clocks.ring_due,
            "ring_limit": clocks.ring_due,
            "wait": clocks.wait_due,
            "hold_sum": clocks.wait_due,
            "order": order_clock.fire,
            "settle": settling.settle_due,
            "call": settling.call_due,
            "forget": settling.forget_due,
            "vanish": self._resync.vanish_due,
            "wrap": legs.wrap_due,
            "day": settling.day_due,
            "recording": recordings.forget_due,
            "done": orders.forget_due,
            "prove": _prove_due,
        }

    # --- in and out -----------------------------------------------------------------------

    def handle(self, event: e.Event, now_us: int) -> list[Effect]:
        """Apply ``event``, which happened at ``event.at_us``; ``now_us`` is the engine's time.

        Deadlines before the event must have fired already (:meth:`tick`).
        """
        st = self.state
        st.now_us = max(st.now_us, min(event.at_us, now_us) if event.at_us else now_us)
        self._handlers[type(event)](event)
        if st.touched_seats:
            st.settle_seats()
        out, st.out = st.out, []
        return out

    def tick(self, now_us: int) -> list[Effect]:
        """Fire every deadline before ``now_us``, each at its own moment."""
        st = self.state
        while True:
            due_us = st.deadlines.next_us()
            if due_us >= now_us:
                break
            deadline = st.deadlines.pop()
            st.now_us = max(st.now_us, due_us)
            self._deadlines[deadline.kind](st, deadline)
            if st.touched_seats:
                st.settle_seats()
        out, st.out = st.out, []
        return out

    def heard(self, until_us: int) -> list[Effect]:
        """Live: the PBX was heard until ``until_us``. What only our clock had said so far, and
        nothing contradicted since, is said now."""
        st = self.state
        st.heard_us = until_us
        if not st.unproved:
            return []
        st.prove()
        out, st.out = st.out, []
        return out

    def clock_set(self, step_us: int, *, certain: bool) -> list[Effect]:
        """The PBX's clock was set by ``step_us``, about so much where not ``certain``. All that
        was heard by the old clock must have been applied."""
        st = self.state
        clock_step.clock_set(st, step_us, certain=certain)
        if st.touched_seats:
            st.settle_seats()
        out, st.out = st.out, []
        return out

    def next_deadline(self) -> int | None:
        """The moment (PBX time, microseconds) before which no tick is needed; None: never."""
        due_us = self.next_due_us()
        return None if due_us == NEVER_US else due_us

    def without_clock(self, command: e.Command) -> list[Effect]:
        """Do ``command`` now, although the PBX's time is not known: no time passes by it."""
        st = self.state
        now_us = st.now_us
        out = self.handle(command, command.at_us)
        st.now_us = now_us
        return out

    def take_answers(self) -> list[Answer]:
        """What became of the commands that were applied since the last call."""
        answers, self.state.answers = self.state.answers, []
        return answers

    def settle_all(self) -> list[Effect]:
        """The feed ends for good: what is over is judged, then the link is down."""
        st = self.state
        st.deadlines.keep(SETTLING | {"order"})
        # What the last snapshot did not name any more vanishes first, and is settled after.
        horizon = st.now_us + 2 * st.settle_us + us(0.001)
        while (due_us := st.deadlines.next_us()) <= horizon:
            deadline = st.deadlines.pop()
            if deadline.kind == "order":
                continue
            st.now_us = max(st.now_us, due_us)
            self._deadlines[deadline.kind](st, deadline)
        st.settle_seats()
        self._on_link_down(e.LinkDown(st.now_us))
        st.over = True
        st.prove()
        st.settle_seats()
        out, st.out = st.out, []
        for owed in st.orders.values():
            order_clock.plan(st, owed)
        return out

    def take_memory(self) -> dict[str, bytes | None]:
        """What must be remembered over a restart and changed since the last call; None: forget."""
        return memory.take(self.state)

    def restore(
        self,
        remembered: Mapping[str, bytes],
        open_orders: Sequence[OrderChanged],
        completed_orders: Sequence[OrderChanged] = (),
    ) -> list[Effect]:
        """Go on after a restart: the time since ``remembered`` was written is a gap."""
        st = self.state
        memory.restore(st, remembered, open_orders, completed_orders)
        self._resync.link_down()
        stays.tell_again(st)
        for leg in st.legs.values():
            legs.work_began(st, leg)
        # Whether a seat is there, and what it does now, is for the snapshot to say.
        st.touched_seats.clear()
        out, st.out = st.out, []
        return out

    # --- channels -------------------------------------------------------------------------

    def _on_newchannel(self, ev: e.Newchannel) -> None:
        st = self.state
        known = st.names.get(ev.name)
        if known is not None and known != ev.uid and self._resync.after_gap:
            # Names are unique while a PBX lives and start anew with it.
            self._resync.pbx_restarted()
        if ev.uid in st.channels:
            return
        chan = st.channel(ev.uid, ev.name)
        chan.state = ev.state
        chan.num = ev.num
        chan.linkedid = ev.linkedid or ev.uid

    def _on_newstate(self, ev: e.Newstate) -> None:
        st = self.state
        chan = st.channel(ev.uid, ev.name)
        chan.state = ev.state
        if ev.num is not None and chan.num is None:
            chan.num = ev.num
        leg = st.legs.get(ev.uid)
        if leg is None:
            return
        if ev.state == RINGING:
            clocks.ring_started(st, leg, ev.at_us)
        elif ev.state == UP and leg.up_us is None:
            leg.up_us = ev.at_us

    def _on_new_callerid(self, ev: e.NewCallerid) -> None:
        chan = self.state.channels.get(ev.uid)
        if chan is None or ev.num is None:
            return
        chan.num = ev.num
        call = self.state.calls.get(ev.uid)
        if call is not None and call.caller is None:
            call.caller = ev.num

    def _on_rename(self, ev: e.Rename) -> None:
        st = self.state
        chan = st.channels.get(ev.uid)
        if chan is None:
            return
        if st.names.get(chan.name) == ev.uid:
            del st.names[chan.name]
        chan.name = ev.new_name
        chan.device = device_of(ev.new_name)
        chan.is_local = ev.new_name.startswith("Local/")
        st.names[ev.new_name] = ev.uid

    def _on_hangup(self, ev: e.Hangup) -> None:
        st = self.state
        chan = st.channels.get(ev.uid)
        if chan is None or chan.gone_us is not None:
            return
        contact.channel_gone(st, chan, ev.at_us)

    def _on_hangup_request(self, ev: e.HangupRequest) -> None:
        st = self.state
        chan = st.channel(ev.uid, ev.name)
        if chan.request_us is None:
            chan.request_us, chan.request_cause = ev.at_us, ev.cause
        call = st.calls.get(ev.uid)
        if call is not None and call.request_us is None:
            call.request_us = ev.at_us
            st.dirty.add(f"call:{call.uid}")
        for leg in legs.concerned(st, chan):
            clocks.note(leg, f"HangupRequest {chan.device}", ev.at_us)

    def _on_soft_hangup_request(self, ev: e.SoftHangupRequest) -> None:
        st = self.state
        chan = st.channels.get(ev.uid)
        if chan is None:
            return
        verdict.note_soft_hangup(chan, ev.at_us, ev.cause)
        for leg in legs.concerned(st, chan):
            clocks.note(leg, f"SoftHangupRequest {ev.cause} {chan.device}", ev.at_us)

    # --- dialling -------------------------------------------------------------------------

    def _on_dial_begin(self, ev: e.DialBegin) -> None:
        dialling.dialled(self.state, ev)

    def _on_dial_state(self, ev: e.DialState) -> None:
        leg = self.state.legs.get(ev.dest)
        if leg is not None and ev.status == "RINGING":
            clocks.ring_started(self.state, leg, ev.at_us)

    def _on_dial_end(self, ev: e.DialEnd) -> None:
        dialling.dial_ended(self.state, ev)

    def _on_pickup(self, ev: e.Pickup) -> None:
        dialling.picked_up(self.state, ev)

    # --- bridges --------------------------------------------------------------------------

    def _on_bridge_enter(self, ev: e.BridgeEnter) -> None:
        st = self.state
        contact.entered(st, st.channel(ev.uid, ev.name), ev.bridge, ev.at_us)

    def _on_bridge_leave(self, ev: e.BridgeLeave) -> None:
        chan = self.state.channels.get(ev.uid)
        if chan is not None and chan.bridge == ev.bridge:
            contact.left(self.state, chan, ev.at_us)

    # --- waiting --------------------------------------------------------------------------

    def _on_hold(self, ev: e.Hold) -> None:
        leg = self.state.legs.get(ev.uid)
        if leg is not None and legs.is_answered(leg):
            clocks.note(leg, "Hold", ev.at_us)
            clocks.spell_started(self.state, leg, "hold", ev.at_us)

    def _on_unhold(self, ev: e.Unhold) -> None:
        leg = self.state.legs.get(ev.uid)
        if leg is None or not legs.is_answered(leg):
            return
        if leg.spell is not None:
            if leg.spell.kind != "park":
                clocks.note(leg, "Unhold", ev.at_us)
                clocks.spell_ended(self.state, leg, ev.at_us)
        elif leg.hold_unseen and leg.ended_us is None:
            clocks.note(leg, "Unhold", ev.at_us)
            contact.hold_was_unseen(self.state, leg)

    def _on_music_start(self, ev: e.MusicOnHoldStart) -> None:
        contact.music(self.state, ev.uid, ev.at_us)

    def _on_music_stop(self, ev: e.MusicOnHoldStop) -> None:
        contact.music(self.state, ev.uid, None)

    def _on_parked(self, ev: e.ParkedCall) -> None:
        contact.parked(self.state, ev.uid, ev.parker, ev.at_us)

    def _on_parking_ended(self, ev: e.ParkingEnded) -> None:
        contact.parking_ended(self.state, ev.uid, ev.at_us)

    # --- transfers ------------------------------------------------------------------------

    def _on_blind_transfer(self, ev: e.BlindTransfer) -> None:
        if ev.result == "Success":
            contact.transferred(
                self.state, (ev.transferer,), "BlindTransfer", ev.at_us, leaves=True
            )

    def _on_attended_transfer(self, ev: e.AttendedTransfer) -> None:
        if ev.result == "Success":
            leaves = ev.dest_type != "Threeway"
            contact.transferred(
                self.state, (ev.orig, ev.second), "AttendedTransfer", ev.at_us, leaves=leaves
            )

    def _on_recording_start(self, ev: e.MixMonitorStart) -> None:
        recordings.started(self.state, ev.uid, ev.at_us)

    def _on_recording_stop(self, ev: e.MixMonitorStop) -> None:
        recordings.stopped(self.state, ev.uid, ev.at_us)

    def _on_recording_file(self, ev: e.RecordingFile) -> None:
        recordings.named(self.state, ev.uid, ev.file)

    # --- queues ---------------------------------------------------------------------------

    def _on_join(self, ev: e.QueueCallerJoin) -> None:
        st = self.state
        chan = st.channel(ev.uid, ev.name)
        if ev.num is not None:
            chan.num = ev.num
        chan.moved_us = ev.at_us
        call = legs.call_of(st, chan)
        if call.visits and call.visits[-1].queue == ev.queue and call.visits[-1].left_us is None:
            return
        stays.joined(st, call, ev.queue, ev.at_us)

    def _on_leave(self, ev: e.QueueCallerLeave) -> None:
        stays.left(self.state, ev.uid, ev.queue, ev.at_us)

    def _on_agent_called(self, ev: e.AgentCalled) -> None:
        dialling.offered(self.state, ev)

    def _on_agent_connect(self, ev: e.AgentConnect) -> None:
        dialling.connected(self.state, ev)

    def _on_agent_complete(self, ev: e.AgentComplete) -> None:
        leg = self.state.legs.get(ev.dest or "")
        if leg is not None:
            clocks.note(leg, f"AgentComplete {ev.reason}", ev.at_us)

    def _on_ring_no_answer(self, ev: e.AgentRingNoAnswer) -> None:
        leg = self.state.legs.get(ev.dest or "")
        if leg is not None and leg.answered_us is None:
            clocks.note(leg, "AgentRingNoAnswer", ev.at_us)
            legs.offer_ended(self.state, leg, ev.at_us, "NOANSWER")

    def _on_member(self, ev: e.QueueMember) -> None:
        self._resync.member(ev)

    def _on_device_state(self, ev: e.DeviceState) -> None:
        st = self.state
        seat = st.seats.get(ev.device) or st.seats.get(st.phones.get(ev.device, ""))
        if seat is not None and seat.set_device_state(ev.state, ev.at_us):
            st.touched_seats.add(seat.device)

    def _on_agent_pool(self, ev: e.AgentPool) -> None:
        self.state.anomaly(
            "app_agent_pool keeps agents on a permanent channel; agentd does not judge such seats",
            ev.name,
        )

    # --- the PBX, its lists and its link --------------------------------------------------

    def _on_fully_booted(self, ev: e.FullyBooted) -> None:
        self._resync.booted(ev.uptime_s)

    def _on_listed_queue(self, ev: e.ListedQueue) -> None:
        self._resync.listed_queue(ev)

    def _on_listed_caller(self, ev: e.ListedCaller) -> None:
        self._resync.listed_caller(ev)

    def _on_queue_list_done(self, ev: e.QueueListDone) -> None:
        self._resync.queue_list_done()

    def _on_listed_channel(self, ev: e.ListedChannel) -> None:
        self._resync.listed_channel(ev)

    def _on_channel_list_done(self, ev: e.ChannelListDone) -> None:
        self._resync.channel_list_done()

    def _on_link_down(self, ev: e.LinkDown) -> None:
        self._resync.link_down()

    def _on_link_up(self, ev: e.LinkUp) -> None:
        self._resync.link_up()
