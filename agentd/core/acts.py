"""What a supervisor does with calls: seen as it is, and never charged to whoever sits there.

A supervisor listens, whispers or barges in on a channel that agentd itself names, so that its
beginning tells already that it is no call of the seat whose phone it rings. What ends or moves a
call is announced to the engine before the PBX is asked for it: some of it leaves no trace in AMI.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from agentd.core import clocks, legs
from agentd.core import events as e
from agentd.core.calls import SPY_UID, Channel, Leg
from agentd.core.state import Answer, State, us

ACT_US: Final = us(3.0)
"""What a supervisor does to a call has happened within this time, or it was refused."""
SAME_MOMENT_US: Final = us(0.1)
"""Our clock's word of when a supervisor acted is no better than this."""

_WORDS: Final = {"whisper": "a supervisor whispers", "barge": "a supervisor barges in"}


class OnTheLine(Struct, frozen=True):
    """One of the things that a seat's phone does now: an open leg."""

    leg: str
    """Uniqueid of the phone's channel."""
    customer: str | None
    """Uniqueid of the other side's channel, where it is known."""
    call: str
    """As the board names it."""
    queue: str | None
    direction: str
    answered: bool
    held: bool
    """The other side waits: hold, consultation or parking."""


def lines(st: State, device: str) -> tuple[OnTheLine, ...]:
    """What the phone of a seat does now: who is talked to, then who waits, then what rings."""
    seat = st.seats.get(device)
    if seat is None:
        return ()
    found = [
        OnTheLine(
            leg.uid,
            leg.customer,
            leg.call or leg.uid,
            leg.queue,
            leg.direction,
            legs.is_answered(leg),
            leg.spell is not None,
        )
        for leg in seat.legs.values()
        if leg.ended_us is None
    ]
    return tuple(sorted(found, key=lambda line: (not line.answered, line.held, line.leg)))


def spying(st: State, ev: e.ChanSpyStart) -> None:
    """A channel listens to another one. Whoever listens has no call: what looked like one until
    now (an Originate by somebody else rings a phone like a click does) is forgotten."""
    spyer = st.channels.get(ev.spyer)
    if spyer is None:
        return
    spyer.spies = True
    leg = st.legs.get(spyer.uid)
    if leg is not None and leg.call is None and leg.far is None and leg.ended_us is None:
        del st.legs[leg.uid]
        st.seats[leg.seat].legs.pop(leg.uid, None)
        st.touched_seats.add(leg.seat)
        st.dirty.add(f"leg:{leg.uid}")
    _note_on(st, spyer, ev)


def _note_on(st: State, spyer: Channel, ev: e.ChanSpyStart) -> None:
    """Who is helped, or talked over, shall find it in what is held against them."""
    words = _WORDS.get(spyer.uid.removeprefix(SPY_UID).partition("-")[0])
    if words is None or not spyer.uid.startswith(SPY_UID):
        return
    leg = st.legs.get(ev.spyee)
    if leg is not None and leg.ended_us is None:
        clocks.note(leg, words, ev.at_us)
        st.dirty.add(f"leg:{leg.uid}")


def supervisor_acts(st: State, ev: e.SupervisorActs) -> None:
    """A supervisor is about to end or move a call: what follows at once is the supervisor's."""
    call = st.calls.get(ev.call)
    found = False
    for uid in dict.fromkeys([*(call.open_legs if call is not None else ()), ev.call]):
        leg = st.legs.get(uid)
        if leg is None or leg.ended_us is not None or ev.seat not in (None, leg.seat):
            continue
        found = True
        leg.acted_us = ev.at_us
        clocks.note(leg, f"supervisor: {ev.act}", ev.at_us)
        st.dirty.add(f"leg:{leg.uid}")
    if not found and call is None:
        st.answers.append(Answer(ev.ticket, f"there is no call {ev.call} any more"))
        return
    st.answers.append(Answer(ev.ticket))


def supervisor_ended(leg: Leg, ended_us: int, first_request_us: int | None) -> bool:
    """Whether it was a supervisor who ended the seat's part: nobody had hung up before, and it
    followed at once."""
    if leg.acted_us is None:
        return False
    early_us = leg.acted_us - SAME_MOMENT_US
    if not early_us <= ended_us <= leg.acted_us + ACT_US:
        return False
    return first_request_us is None or first_request_us >= early_us
