"""From bytes to effects, for one PBX: framing, decoding, order of time, engine, board.

The daemon and ``agentd replay`` drive the same pipeline; only where the bytes and the clock come
from differs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agentd.core import acts
from agentd.core import events as e
from agentd.core.board import Board
from agentd.core.deadlines import NEVER_US
from agentd.core.decode import decode
from agentd.core.effects import Effect, OrderChanged
from agentd.core.pbx_clock import BEHIND_US, OurClock, PbxClock, Step
from agentd.core.policy import PolicyBook
from agentd.core.state import Answer, us
from agentd.core.timeline import Timeline
from agentd.core.wire import Banner, Framer, Oversized
from agentd.script_guard import Engine

RUN_OUT_US = us(24 * 3600)


class Pipeline:
    """One PBX, from the bytes of its AMI socket to effects and board changes. Pure.

    ``feed`` takes bytes split anywhere; ``advance`` takes the estimated PBX clock. Both give the
    effects that follow, in order. ``ours`` says what our clock is (:mod:`agentd.core.pbx_clock`).
    """

    def __init__(
        self,
        pbx: str,
        book: PolicyBook,
        *,
        max_frame_bytes: int = 1 << 20,
        ours: OurClock | None = None,
    ) -> None:
        self.pbx = pbx
        self.saw_ami = False
        self.frames = 0
        self.last_event_us = 0
        """PBX time of the newest event that was told; 0 before the first one."""
        self.malformed = 0
        self._framer = Framer(max_frame_bytes)
        self._timeline = Timeline(us(book.event_lag_s))
        self._engine = Engine(pbx, book)
        self._board = Board(pbx, book, self._engine.state)
        self.clock = PbxClock(ours)
        """The PBX's clock by ours."""
        self._step_us = 0
        self._streams = 0
        self._list_open = False
        self._live = False
        """Time is also told by our clock, which proves nothing."""
        self._listened = False
        """Somebody says how the link is: a stream that begins is then no link yet, since its login
        may be refused."""

    @property
    def saw_timestamp(self) -> bool:
        """Some frame had a Timestamp."""
        return self._timeline.stamp_us > 0

    # --- bytes ----------------------------------------------------------------------------

    def feed(self, data: bytes, our_us: int | None = None) -> list[Effect]:
        """Bytes as the socket delivered them, banner included; ``our_us``: when that was, by our
        clock (None: nobody knows, as in a recording)."""
        out: list[Effect] = []
        timeline, clock = self._timeline, self.clock
        latest_us = clock.latest_us(our_us) or NEVER_US
        lag_us, due_us = timeline.lag_us, self._engine.next_due_us
        for frame in self._framer.feed(data):
            self.frames += 1
            if type(frame) is not bytes:
                self._special(frame, our_us, out)
                continue
            decoded = decode(frame)
            at_us = decoded.at_us
            if at_us and (at_us > latest_us or at_us < clock.earliest_us):
                self._set(clock.stamped(at_us, our_us, timeline.stamp_us), at_us, out)
                latest_us = clock.latest_us(our_us) or NEVER_US
            if isinstance(decoded, e.Event):
                self.saw_ami = True
                if at_us > self.last_event_us:
                    self.last_event_us = at_us
                if at_us - BEHIND_US > clock.earliest_us:
                    clock.earliest_us = at_us - BEHIND_US
                if isinstance(decoded, (e.QueueListDone, e.ChannelListDone)):
                    self._list_open = False
                timeline.add(decoded)
                # One by one, so that how the bytes were split changes nothing.
                watermark_us = timeline.seen_us - lag_us
                if timeline.head_us <= watermark_us or due_us() < watermark_us:
                    self._run(watermark_us, out)
                continue
            if at_us:
                timeline.see(at_us)
                watermark_us = timeline.seen_us - lag_us
                if timeline.head_us <= watermark_us or due_us() < watermark_us:
                    self._run(watermark_us, out)
            if isinstance(decoded, e.Ignored):
                self.saw_ami = True
                if decoded.list_ends:
                    self._list_open = False
                if at_us - BEHIND_US > clock.earliest_us:
                    clock.earliest_us = at_us - BEHIND_US
            elif isinstance(decoded, e.Response):
                self.saw_ami = True
                if decoded.list_starts:
                    self._list_open = True
            else:
                self._malformed(decoded.what, decoded.event, out)
        self._run(timeline.watermark_us, out)
        if out:
            self._board.note(out)
        return out

    def _special(
        self, frame: Banner | Oversized | bytes, our_us: int | None, out: list[Effect]
    ) -> None:
        timeline = self._timeline
        if isinstance(frame, Banner):
            self.saw_ami = True
            self._list_open = False
            if self._streams:
                self._stop(out)
            self._streams += 1
            timeline.new_stream()
            self.clock.began(our_us)
            timeline.add(e.LinkUp(0))
            if not self._listened:
                self._board.link("syncing", None, None, timeline.seen_us)
        elif isinstance(frame, Oversized):
            self._malformed(f"a frame of more than the limit: {frame.start!r}", None, out)

    def _malformed(self, what: str, event: str | None, out: list[Effect]) -> None:
        self.malformed += 1
        state = self._engine.state
        state.anomaly(what, event, resync=event is not None)
        out.extend(state.out)
        state.out = []

    def _stop(self, out: list[Effect]) -> None:
        """The stream broke off: everything seen of it counts, then the link is down."""
        timeline = self._timeline
        timeline.stamp_waiting()
        self._run(timeline.seen_us, out)
        state = self._engine.state
        if state.linked:
            at_us = max(state.now_us, timeline.stamp_us)
            out.extend(self._engine.handle(e.LinkDown(at_us), at_us))

    def _run(self, watermark_us: int, out: list[Effect]) -> None:
        """Apply events and deadlines up to the watermark, in the order of their time."""
        timeline, engine = self._timeline, self._engine
        if self._live:
            engine.state.heard_us = timeline.stamp_us
        due_us = engine.next_due_us
        while timeline.head_us <= watermark_us:
            event = timeline.pop()
            if due_us() < event.at_us:
                out += engine.tick(event.at_us)
            out += engine.handle(event, watermark_us)
        if due_us() < watermark_us:
            out += engine.tick(watermark_us)
        if self._live:
            out += engine.heard(timeline.stamp_us)

    # --- time -----------------------------------------------------------------------------

    def _set(self, step: Step, at_us: int, out: list[Effect]) -> None:
        """The PBX's clock was set and says ``at_us`` now: what was heard by the old one is applied,
        then all is moved."""
        timeline, engine = self._timeline, self._engine
        while timeline.head_us != NEVER_US:
            event = timeline.pop()
            if engine.next_due_us() < event.at_us:
                out += engine.tick(event.at_us)
            out += engine.handle(event, event.at_us)
        if engine.next_due_us() < timeline.watermark_us:
            out += engine.tick(timeline.watermark_us)
        out += engine.clock_set(step.step_us, certain=step.certain)
        timeline.move(step.step_us)
        if self.last_event_us:
            self.last_event_us += step.step_us
        self._step_us += step.step_us
        self._board.clock_set(step.step_us, at_us, self.clock.offset_us)
        engine.state.reference = self.clock.reference()

    def take_step_us(self) -> int:
        """By how much the PBX's clock was set since the last call."""
        step_us, self._step_us = self._step_us, 0
        return step_us

    def advance(self, pbx_now_us: int) -> list[Effect]:
        """Let the estimated PBX clock pass. Stands still while a list answer is pending."""
        if self._list_open:
            return []
        self._live = True
        out: list[Effect] = []
        self._timeline.carry_on(pbx_now_us)
        self._run(self._timeline.watermark_us, out)
        if out:
            self._board.note(out)
        return out

    @property
    def seen_us(self) -> int:
        """The greatest PBX time known; 0 before the first Timestamp."""
        return self._timeline.seen_us

    def live_counts(self) -> dict[str, int]:
        """How much is held in memory, by kind: for health pages and leak tests."""
        state = self._engine.state
        return {
            "channels": len(state.channels),
            "bridges": len(state.bridges),
            "calls": len(state.calls),
            "legs": len(state.legs),
            "open_legs": sum(len(seat.legs) for seat in state.seats.values()),
            "seats": len(state.seats),
            "orders": len(state.orders),
            "deadlines": len(state.deadlines),
        }

    def next_deadline_us(self) -> int | None:
        """PBX time from which :meth:`advance` has something to do; None: nothing is pending."""
        lag_us = self._timeline.lag_us
        moment = min(self._engine.next_due_us(), self._timeline.head_us)
        return None if moment == NEVER_US else moment + lag_us + 1

    def finish(self, *, run_out: bool) -> list[Effect]:
        """The end of a recording: what is over is judged, then the link is down. ``run_out`` goes
        on in virtual time for 24 h, so that the deadlines of work orders fire."""
        out: list[Effect] = []
        timeline, engine = self._timeline, self._engine
        timeline.stamp_waiting()
        self._live = False
        out += engine.heard(NEVER_US)
        self._run(timeline.seen_us, out)
        engine.state.now_us = max(engine.state.now_us, timeline.seen_us)
        out.extend(engine.settle_all())
        if run_out:
            out.extend(engine.tick(timeline.seen_us + RUN_OUT_US + 1))
        self._board.note(out)
        return out

    # --- link and commands ----------------------------------------------------------------

    def link_changed(self, state: str, code: str | None, reason: str | None) -> list[Effect]:
        """Live: the listener says ``syncing``, ``up`` or ``down``."""
        out: list[Effect] = []
        self._listened = True
        if state == "down":
            self._stop(out)
            self._framer.reset()
            self._list_open = False
            self._streams = 0
        self._board.link(state, code, reason, self._timeline.seen_us)
        if out:
            self._board.note(out)
        return out

    def link_info(
        self,
        offset_us: int | None,
        version: str | None,
        warnings: Sequence[tuple[str, str]],
        our_us: int = 0,
        *,
        since_us: int | None = None,
        uncertain_us: int = 0,
    ) -> list[Effect]:
        """What the listener learnt of the PBX beside its events, at ``our_us`` by our clock.

        ``offset_us``: the PBX's clock minus ours by the pings since ``since_us``, right to
        ``uncertain_us``; None: still unknown.
        """
        out: list[Effect] = []
        if offset_us is not None:
            step = self.clock.measured(
                offset_us, our_us, since_us=since_us, uncertain_us=uncertain_us
            )
            if step is not None:
                self._set(step, our_us + offset_us, out)
            self._engine.state.reference = self.clock.reference()
        self._board.info(self.clock.offset_us, version, warnings)
        if out:
            self._board.note(out)
        return out

    def lag(self, lag_us: int | None) -> None:
        """Live: how far judging was behind the PBX of late, for the board."""
        self._board.lag(lag_us)

    def command(self, command: e.Command, *, clock_known: bool = True) -> list[Effect]:
        """Take what a person wants at ``command.at_us``, in estimated PBX time.

        It is applied in the order of time: once everything before it is known to have happened,
        perhaps in a later :meth:`feed` or :meth:`advance`. Then :meth:`take_answers` has its
        answer. Where the PBX's clock is not known (``clock_known`` False, ``at_us`` is ours) it is
        applied at once.
        """
        out: list[Effect] = []
        timeline = self._timeline
        if clock_known:
            # What the PBX's own word has passed already cannot be undone by our estimate.
            command.at_us = max(command.at_us, self._engine.state.now_us, timeline.watermark_us)
            timeline.put(command)
            self._run(timeline.watermark_us, out)
        else:
            out += self._engine.without_clock(command)
        if out:
            self._board.note(out)
        return out

    def lines(self, seat: str) -> tuple[acts.OnTheLine, ...]:
        """What the phone of a seat does now: who is talked to first."""
        return acts.lines(self._engine.state, seat)

    def channel_name(self, uid: str) -> str | None:
        """The name of a channel that lives now; None where there is none."""
        channel = self._engine.state.channels.get(uid)
        return None if channel is None or channel.gone_us is not None else channel.name

    def take_answers(self) -> list[Answer]:
        """What became of the commands that were applied since the last call."""
        return self._engine.take_answers()

    def recording_file(self, uid: str, file: str) -> list[Effect]:
        """The listener learnt the file that the channel ``uid`` is recorded into."""
        out: list[Effect] = []
        self._timeline.add(e.RecordingFile(0, uid, file))
        self._run(self._timeline.watermark_us, out)
        return out

    # --- memory and board -----------------------------------------------------------------

    def restore(
        self,
        memory: Mapping[str, bytes],
        open_orders: Sequence[OrderChanged],
        completed_orders: Sequence[OrderChanged] = (),
    ) -> list[Effect]:
        """Go on after a restart of the daemon; before the first ``feed``."""
        out = self._engine.restore(memory, open_orders, completed_orders)
        state = self._engine.state
        if state.reference is not None:
            self.clock.recall(state.reference, state.now_us)
        return out

    def take_memory(self) -> dict[str, bytes | None]:
        """What changed in the engine's own memory since the last call; None: forget."""
        return self._engine.take_memory()

    def take_board(self) -> tuple[dict[str, Any], list[str]]:
        """Board objects that changed since the last call, and keys that went away."""
        return self._board.take(self.last_event_us)

    def board(self) -> dict[str, Any]:
        """The whole board by key (docs/live-stream.md)."""
        return self._board.whole()
