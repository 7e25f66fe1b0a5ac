"""After-call work (ACW, 事后处理): from the end of a leg until the order is completed, the
configured wrap-up ends, or the person takes the next call or makes one, whichever is first.

It is told when it is over and its leg is settled: a leg may be opened again until then. What a seat
*shows* (state ``wrap_up``) is read off its facts in :mod:`agentd.core.seat`; here is what counts.
"""

from __future__ import annotations

from agentd.core.calls import Leg, WrapUp
from agentd.core.effects import WorkBegan, WrapUpEnd, WrapUpEnded
from agentd.core.state import State


def begin(st: State, leg: Leg, order: str, at_us: int, until_us: int) -> None:
    """An answered leg, whose call has ``order``, ended at ``at_us``. Nothing is left to do where
    that is complete, and nobody wraps up who talks on another line."""
    next_call(st, leg.seat, at_us)
    busy = any(
        other.ended_us is None and (other.answered_us is not None or other.found)
        for other in st.seats[leg.seat].legs.values()
        if other is not leg
    )
    call = st.calls.get(leg.call or leg.uid)
    complete = call is not None and call.order and order not in st.orders
    if busy or complete or until_us <= at_us:
        return
    st.wrap_ups[leg.uid] = WrapUp(
        leg.seat, leg.agent, leg.call or leg.uid, leg.uid, leg.queue, order, at_us, until_us
    )
    st.wrapping[leg.seat] = leg.uid
    st.dirty.add(f"wrap:{leg.uid}")


def reopened(st: State, leg: Leg) -> None:
    """The leg was not over after all."""
    if st.wrap_ups.pop(leg.uid, None) is not None:
        if st.wrapping.get(leg.seat) == leg.uid:
            del st.wrapping[leg.seat]
        st.dirty.add(f"wrap:{leg.uid}")


def leg_settled(st: State, leg: str) -> None:
    """The end of ``leg`` is certain now, and so is that its wrap-up began."""
    wrap = st.wrap_ups.get(leg)
    if wrap is None:
        return
    wrap.settled = True
    st.dirty.add(f"wrap:{leg}")
    if wrap.to_us is None:
        _began(st, wrap)
    elif wrap.to_us > wrap.from_us:
        _tell(st, wrap)
    else:
        del st.wrap_ups[leg]


def restored(st: State, wrap: WrapUp) -> None:
    """Remembered from before a restart."""
    st.wrap_ups[wrap.leg] = wrap
    if wrap.to_us is None:
        st.wrapping[wrap.seat] = wrap.leg


def _began(st: State, wrap: WrapUp) -> None:
    st.emit(
        WorkBegan(
            st.pbx,
            wrap.seat,
            wrap.agent,
            wrap.call,
            wrap.leg,
            wrap.queue,
            wrap.from_us,
            "wrap_up",
        )
    )


def limit_due(st: State, seat: str) -> None:
    """The configured wrap-up of a seat may be over."""
    for wrap in _running(st, seat):
        if wrap.until_us <= st.now_us:
            _end(st, wrap, wrap.until_us, "limit")


def next_call(st: State, seat: str, at_us: int) -> None:
    """Whoever sits there takes a call or makes one. One that only rings there changes nothing."""
    for wrap in _running(st, seat):
        _end(st, wrap, at_us, "next_call")
    st.seat(seat).wrap_until_us = None


def left(st: State, seat: str) -> None:
    """Whoever sat there left."""
    for wrap in _running(st, seat):
        _end(st, wrap, st.now_us, "left")


def order_completed(st: State, order: str) -> None:
    """Nothing is left to do for that order's call."""
    for wrap in _running(st, *st.wrapping):
        if wrap.order == order:
            _end(st, wrap, st.now_us, "order")


def link_lost(st: State) -> None:
    """Nobody sees when what is running now ends."""
    for wrap in _running(st, *st.wrapping):
        over = wrap.until_us <= st.now_us
        _end(st, wrap, min(st.now_us, wrap.until_us), "limit" if over else "gap")


def _running(st: State, *seats: str) -> list[WrapUp]:
    return [st.wrap_ups[st.wrapping[seat]] for seat in seats if seat in st.wrapping]


def _end(st: State, wrap: WrapUp, at_us: int, by: WrapUpEnd) -> None:
    del st.wrapping[wrap.seat]
    wrap.to_us, wrap.ended_by = max(at_us, wrap.from_us), by
    st.dirty.add(f"wrap:{wrap.leg}")
    if wrap.settled:
        _tell(st, wrap)


def _tell(st: State, wrap: WrapUp) -> None:
    del st.wrap_ups[wrap.leg]
    assert wrap.to_us is not None
    st.emit(
        WrapUpEnded(
            st.pbx,
            wrap.seat,
            wrap.agent,
            wrap.call,
            wrap.leg,
            wrap.queue,
            wrap.from_us,
            wrap.to_us,
            wrap.ended_by,
        )
    )
