"""The PBX's clock was set: what the engine holds is moved along with it.

Every moment that the engine remembers is told anew by the new clock, so that whoever owes something
has exactly the time left that was left before, and what goes on becomes neither longer nor shorter.
A ring or a wait that was running is not judged: it is marked as a gap, as over a lost link.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from agentd.core import clocks, order_clock
from agentd.core.calls import Leg
from agentd.core.queues import day_start_us
from agentd.core.state import US, State


def clock_set(st: State, step_us: int, *, certain: bool) -> None:
    """The PBX's clock was set by ``step_us``; not ``certain``: by about so much."""
    for leg in st.legs.values():
        if not leg.settled:
            _mark(st, leg, step_us, certain=certain)
    for call in st.calls.values():
        call.gap = call.gap or call.ended_us is None
        for visit in call.visits:
            visit.estimated = visit.estimated or (visit.left_us is None and not certain)
            visit.gap = visit.gap or visit.left_us is None
    for queue in st.queues.values():
        queue.gap = True
        for waiting in queue.waiting.values():
            waiting.estimated = waiting.estimated or not certain
    st.unproved = [
        replace(v, at_us=v.at_us + step_us) for v in st.unproved if v.rule == "work_order"
    ]
    _move_all(st, step_us)
    by = abs(step_us) / US
    way = "forward" if step_us > 0 else "back"
    about = "" if certain else " (about)"
    st.anomaly(f"the PBX's clock was set {way} by {by:.3f} s{about}", None)


def _mark(st: State, leg: Leg, step_us: int, *, certain: bool) -> None:
    """What runs in this leg is not judged, nor who hung up where that is being found out."""
    leg.gap = True
    clocks.note(leg, f"clock set by {step_us / US:+.3f} s", st.now_us)
    ends = (st.channels.get(uid or "") for uid in (leg.uid, leg.customer))
    ending = leg.left_us is not None or any(c is not None and c.request_us for c in ends)
    if leg.ended_us is not None or ending or not certain:
        leg.estimated = True
    if leg.ended_us is not None:
        return
    if leg.ringing_us is not None and leg.answered_us is None:
        clocks.ring_stopped(st, leg, st.now_us)
        leg.ring_stopped = True
    clocks.spell_stopped(st, leg, st.now_us)


# --- moving ---------------------------------------------------------------------------------


def _move_all(st: State, step_us: int) -> None:
    st.now_us += step_us
    if st.down_us is not None:
        st.down_us += step_us
    st.linked_us += step_us
    if st.uptime is not None:
        # Asterisk counts its uptime by the same clock: set back, it has not begun anew.
        up_s, at_us = st.uptime
        st.uptime = (up_s + min(0, step_us // US - 1), at_us + step_us)
    _move(st.channels.values(), step_us)
    for uid, kept in st.recordings.items():
        _move(kept, step_us)
        st.dirty.add(f"recording:{uid}")
    for call in st.calls.values():
        _move((call, *call.visits), step_us)
        st.dirty.add(f"call:{call.uid}")
    for leg in st.legs.values():
        _move((leg, *leg.contacts, *([leg.spell] if leg.spell is not None else [])), step_us)
        leg.spells = [replace(spell, at_us=_later(spell.at_us, step_us)) for spell in leg.spells]
        st.dirty.add(f"leg:{leg.uid}")
    for uid, wrap in st.wrap_ups.items():
        _move((wrap,), step_us)
        st.dirty.add(f"wrap:{uid}")
    for seat in st.seats.values():
        _move((seat, *seat.queues.values()), step_us)
    for queue in st.queues.values():
        _move(queue.waiting.values(), step_us)
        st.dirty.add(f"queue:{queue.name}")
    st.touched_queues.update(st.queues)
    st.shown_seats.update(st.seats)
    _move_orders(st, step_us)
    if st.deadlines.move(step_us, but="day"):
        # Days begin by the clock on the wall.
        st.deadlines.plan(day_start_us(st.now_us, st.book.day_starts_s), "day", "")


def _move_orders(st: State, step_us: int) -> None:
    for oid, done in st.done.items():
        _move((done,), step_us)
        st.dirty.add(f"done:{oid}")
    st.owed_shown.clear()
    for owed in list(st.orders.values()):
        owed.first_due_us = _later(owed.first_due_us, step_us)
        due_us = owed.order.due_us
        st.dirty.add(f"order:{owed.order.id}")
        if due_us is not None:
            order_clock.change_order(
                st, owed, due_us=due_us + step_us, change="clock", at_us=st.now_us
            )


def _later(moment_us: int | None, step_us: int) -> int | None:
    return None if moment_us is None else moment_us + step_us


def _move(structs: Iterable[Struct], step_us: int) -> None:
    """Move every moment in them: all fields named so hold one, or None. 0: it never was."""
    for struct in structs:
        for name in struct.__struct_fields__:
            if name.endswith("_us"):
                moment_us = getattr(struct, name)
                if moment_us:
                    setattr(struct, name, moment_us + step_us)
