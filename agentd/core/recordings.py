"""Which file a call is recorded into.

MixMonitor's events name the channel and no file; the listener asks for the name, and its answer may
come before the event, after it or never. The channel may become a call's only later (a dialplan
records first and queues then), or another call's (a consulted colleague takes the customer). A
recording is told as soon as file, beginning and call are known, and told again where its call
turns out to be another one.
"""

from __future__ import annotations

from agentd.core.calls import Recording
from agentd.core.deadlines import Deadline
from agentd.core.effects import RecordingSeen
from agentd.core.state import State, us

UNKNOWN_KEPT_US = us(60)
"""How long a name is kept for a channel that nobody has heard of."""


def started(st: State, uid: str, at_us: int) -> None:
    """MixMonitor begins to record the channel ``uid``."""
    kept = _kept(st, uid)
    waiting = next((r for r in kept if r.start_us is None), None)
    if waiting is not None:
        waiting.start_us = at_us
    else:
        kept.append(Recording(at_us))
    tell(st, uid)


def stopped(st: State, uid: str, at_us: int) -> None:
    """The newest recording of ``uid`` that goes on ends, where there is one."""
    running = [r for r in st.recordings.get(uid, ()) if r.start_us and r.stop_us is None]
    if running:
        running[-1].stop_us = at_us
        st.dirty.add(f"recording:{uid}")
        tell(st, uid)


def named(st: State, uid: str, file: str) -> None:
    """The listener learnt into which file ``uid`` is recorded."""
    kept = _kept(st, uid)
    if any(r.file == file for r in kept):
        return
    waiting = next((r for r in kept if r.file is None), None)
    if waiting is not None:
        waiting.file = file
    else:
        kept.append(Recording(file=file))
    tell(st, uid)


def tell(st: State, uid: str) -> None:
    """Tell what is known of ``uid``'s recordings and was not told yet."""
    kept = st.recordings.get(uid)
    call = _call_of(st, uid) if kept else None
    if kept is None or call is None:
        return
    for recording in kept:
        if recording.file is None or recording.start_us is None:
            continue
        if recording.told != call:
            recording.told, recording.ended = call, False
            _emit(st, recording.start_us, call, uid, recording.file, ended=False)
        if recording.stop_us is not None and not recording.ended:
            recording.ended = True
            _emit(st, recording.stop_us, call, uid, recording.file, ended=True)
    st.dirty.add(f"recording:{uid}")


def channel_gone(st: State, uid: str, at_us: int) -> None:
    """No recording outlives its channel."""
    while any(r.start_us and r.stop_us is None for r in st.recordings.get(uid, ())):
        stopped(st, uid, at_us)


def forget_due(st: State, deadline: Deadline) -> None:
    """The channel of a recording never showed up."""
    if deadline.key not in st.channels:
        st.forget_recordings(deadline.key)


def _kept(st: State, uid: str) -> list[Recording]:
    if uid not in st.channels:
        st.deadlines.plan(st.now_us + UNKNOWN_KEPT_US, "recording", uid)
    st.dirty.add(f"recording:{uid}")
    return st.recordings.setdefault(uid, [])


def _call_of(st: State, uid: str) -> str | None:
    """The call that the channel ``uid`` is a side of, or leads to; None while there is none."""
    call = st.calls.get(uid)
    if call is not None and uid not in call.legs:
        return uid
    leg = st.legs.get(uid) or st.legs.get(st.far_ends.get(uid) or st.through.get(uid) or "")
    return None if leg is None else leg.call or leg.uid


def _emit(st: State, at_us: int, call: str, uid: str, file: str, *, ended: bool) -> None:
    st.emit(RecordingSeen(st.pbx, at_us, call, uid, file, ended))
